//! What is to be changed.

use entity::{EntityId, Input};

use super::{By, Selected};

/// One write.
#[derive(Debug, Clone, PartialEq)]
pub struct Write {
    /// The type.
    pub entity: EntityId,
    /// What is to be done.
    pub change: Change,
    /// What the caller wants back.
    pub answer: Answer,
}

/// What is to be done.
///
/// Objects have field names as keys. A to-one relation takes an id (or null), or one of `{ connect: id }`,
/// `{ create: {…} }`, `{ disconnect: true }`; a to-many relation takes `{ create: […], connect: [ids],
/// disconnect: [ids], set: [ids] }`, the last two only on update.
#[derive(Debug, Clone, PartialEq)]
pub enum Change {
    /// Make rows.
    Create {
        /// The rows, objects.
        rows: Vec<Input>,
    },
    /// Change rows.
    Update {
        /// Which.
        target: Target,
        /// New values: an object.
        set: Option<Input>,
        /// Numbers to add: an object.
        inc: Option<Input>,
        /// Items to add to the end of lists: an object of lists.
        append: Option<Input>,
        /// Items to remove from lists, all equal ones: an object of lists.
        remove: Option<Input>,
        /// The version the row must have.
        if_version: Option<i64>,
    },
    /// Make rows, or change those that are there.
    Upsert {
        /// The rows, objects.
        rows: Vec<Input>,
        /// The unique constraint that says whether a row is there, by its API name; the id when absent.
        on: Option<String>,
        /// What to change in a row that is there; the row's own values when absent.
        set: Option<Input>,
        /// The version a row that is there must have.
        if_version: Option<i64>,
        /// Rows that are there are an error (REST's `If-None-Match: *`).
        create_only: bool,
    },
    /// Delete rows.
    Delete {
        /// Which.
        target: Target,
        /// The version the row must have.
        if_version: Option<i64>,
    },
}

/// Which rows are changed.
#[derive(Debug, Clone, PartialEq)]
pub enum Target {
    /// One row, which must be there.
    One(By),
    /// All that fulfil a condition that is not empty, `max` at most.
    Many {
        /// The condition, in the filter grammar.
        filter: Input,
        /// More rows than this are an error.
        max: u64,
    },
}

/// What the caller wants back.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    /// The one row, as it is afterwards (before, for a delete).
    One(Vec<Selected>),
    /// A batch: what of it, each part under its own key.
    Batch(Vec<(String, BatchPart)>),
    /// Nothing; the reply's JSON is null, its facts are there.
    Nothing,
}

/// What of a batch is requested.
#[derive(Debug, Clone, PartialEq)]
pub enum BatchPart {
    /// How many rows were touched.
    Count,
    /// The rows, in the order given (created, upserted) or by id (updated, deleted).
    Nodes(Vec<Selected>),
    /// The given type name.
    Typename(String),
}
