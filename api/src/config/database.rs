//! `[database]`: where the data is, and how much of the database one program may hold.

use serde::Deserialize;

use super::unit::{Period, Secret};

/// Where the data is.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Database {
    /// `sqlite://…` or `postgres://…`; may hold a password.
    pub url: Secret,
    /// Connections at most.
    pub connections: u32,
    /// How long a request waits for a free connection.
    pub acquire_timeout: Period,
    /// How long one statement may run.
    pub statement_timeout: Period,
    /// Prepared statements kept per connection.
    pub statement_cache: usize,
    /// What `serve` does when the model differs from the database.
    pub apply: Apply,
}

/// What `serve` does when the model differs from the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Apply {
    /// Apply what cannot lose data; refuse to start when more is needed.
    Safe,
    /// Refuse to start.
    Never,
}
