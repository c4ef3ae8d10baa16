//! What a test needs from the machine: missing means skipped and said so, or a failure where it is required.

use std::collections::HashSet;
use std::io::Write;
use std::sync::Mutex;

static SAID: Mutex<Option<HashSet<String>>> = Mutex::new(None);

/// Says once per process that tests are skipped for want of `name`, or panics when `LAUNCHWAY_TEST_REQUIRE` lists it.
pub fn missing(name: &str, remedy: &str) {
    let required = std::env::var("LAUNCHWAY_TEST_REQUIRE").unwrap_or_default();
    assert!(
        !required.split(',').any(|item| item.trim() == name),
        "{name} is required by LAUNCHWAY_TEST_REQUIRE and is not here. {remedy}"
    );
    let first = SAID
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
        .get_or_insert_default()
        .insert(name.to_owned());
    if first {
        // Straight to the handle: the test runner captures `eprintln!`, and a skip must be seen.
        let _ = writeln!(std::io::stderr(), "SKIPPED: everything that needs {name}. {remedy}");
    }
}
