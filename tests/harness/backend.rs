//! The two engines every test runs on.

use crate::postgres;

/// A database engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Backend {
    /// An embedded file in the app's own folder.
    Sqlite,
    /// A database of its own in this process' PostgreSQL.
    Postgres,
}

impl Backend {
    /// The engines of this machine; a missing PostgreSQL was said once.
    #[must_use]
    pub fn available() -> Vec<Backend> {
        let mut found = vec![Backend::Sqlite];
        if postgres::shared().is_some() {
            found.push(Backend::Postgres);
        }
        // One engine while hunting a mistake: LAUNCHWAY_TEST_BACKEND=sqlite
        if let Ok(only) = std::env::var("LAUNCHWAY_TEST_BACKEND") {
            found.retain(|backend| format!("{backend:?}").eq_ignore_ascii_case(&only));
        }
        found
    }
}
