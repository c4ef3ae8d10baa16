//! What came back.

use std::time::Duration;

/// The answer to a request.
#[derive(Debug, Clone, Default)]
pub struct Reply {
    /// One answer for each root, in order.
    pub roots: Vec<RootReply>,
    /// How long the database took.
    pub database: Duration,
}

/// The answer to one root.
#[derive(Debug, Clone)]
pub struct RootReply {
    /// The name the client gets it under.
    pub key: String,
    /// The database's JSON text, to be passed on untouched; absent where there is no such row.
    pub json: Option<String>,
    /// Facts about the page or row, where they were asked for. Writes always have them.
    pub facts: Option<Facts>,
}

/// Facts about a page or a row.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Facts {
    /// A list: more rows follow.
    pub has_next: bool,
    /// A list: rows precede.
    pub has_previous: bool,
    /// A list: the cursor of the first row, where rows may precede it.
    pub start: Option<String>,
    /// A list: the cursor of the last row, where rows may follow it.
    pub end: Option<String>,
    /// A list: the number of rows on all pages, where it was asked for.
    pub total: Option<i64>,
    /// A list under a row: whether that row is there.
    pub parent: bool,
    /// One row: its version. A write of one row: its version afterwards.
    pub version: Option<i64>,
    /// A write: the ids of the touched rows, as text, in order.
    pub ids: Vec<String>,
    /// An upsert of one row: whether it was made.
    pub created: bool,
}
