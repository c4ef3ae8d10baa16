//! SeaORM entities of the server's own tables, one file per table.

pub mod catalog_version;
pub mod idempotency;
