//! The pages in a real browser: they work, look right in light and dark and on a narrow screen, load nothing from another
//! host, and the browser has nothing to complain about. Pictures of them are left in the target folder.

use std::process::Command;
use std::time::Duration;

use harness::app::ADMIN_KEY;
use harness::program::workspace;
use harness::{App, Backend, runtime};

use crate::install;
use crate::run::run;

fn scene(name: &str, backends: &[Backend]) {
    let (Some(folder), Some(browser)) = (install::node(), install::browser()) else { return };
    let example = workspace().join("examples/music-store");
    let model = std::fs::read_to_string(example.join("model.graphql")).expect("the example's model");
    let script = std::fs::read_to_string(install::here().join("page.mjs")).expect("the script");
    for &backend in backends {
        let app = runtime::block_on(App::with(backend, &model).data(&example.join("data")).start());
        let pictures = install::left().join(format!("{backend:?}").to_lowercase());
        std::fs::create_dir_all(&pictures).expect("a folder for the pictures");
        let mut node = Command::new("node");
        let _ = node
            .args(["--input-type=module", "--eval", &script])
            .args([name, app.url(), browser, ADMIN_KEY])
            .arg(pictures)
            .current_dir(folder);
        let _ = run(&mut node, Duration::from_secs(300)).content(&format!("The browser, on {backend:?},"));
    }
}

#[test]
fn graphiql_runs_completes_and_explains() {
    scene("graphiql", &Backend::available());
}

#[test]
fn the_reference_finds_shows_and_tries() {
    scene("reference", &Backend::available());
}

/// On one engine: what the page shows is the document, which another test knows to be the same on all of them.
#[test]
fn every_operation_and_every_schema_has_its_page() {
    scene("every", &Backend::available()[..1]);
}
