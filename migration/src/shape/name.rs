//! Names this crate makes itself.

use entity::name::identifier;

/// The name of the foreign key of a column.
#[must_use]
pub fn foreign_key_name(table: &str, column: &str) -> String {
    identifier(&["fk", table, column])
}

/// The name of the check that holds a column to its enum's values.
#[must_use]
pub fn enum_check_name(table: &str, column: &str) -> String {
    identifier(&["ck", table, column, "values"])
}

/// The name of an index on a column.
pub(super) fn index_name(table: &str, column: &str) -> String {
    identifier(&["ix", table, column])
}
