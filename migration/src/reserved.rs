//! Names in the database that are ours alone: no model makes them, and no comparison counts them.

/// What every object begins with that exists only while a change is under way: shadow tables and columns, checks that
/// prove a later NOT NULL, triggers that keep two columns alike, indexes in the making. Whatever carries it and belongs
/// to no apply under way may be swept. Types can't make such a table (`launchway_` is reserved for tables).
pub const TEMPORARY: &str = "launchway_tmp";

/// The tables that the server keeps for itself, whatever the model. The tables of accounts (`launchway_users`, …) are
/// not among them: a model with accounts has them in its shape.
pub const BOOKKEEPING: [&str; 9] = [
    "launchway_application",
    "launchway_application_step",
    "launchway_catalog",
    "launchway_credentials",
    "launchway_facts",
    "launchway_idempotency",
    "launchway_migrations",
    "launchway_signing_keys",
    "launchway_tokens",
];

/// Whether a table is one that the server keeps for itself.
pub(crate) fn is_bookkeeping(table: &str) -> bool {
    BOOKKEEPING.contains(&table)
}

/// Whether an object of this name exists only while a change is under way.
#[must_use]
pub fn is_temporary(name: &str) -> bool {
    name.starts_with(TEMPORARY)
}
