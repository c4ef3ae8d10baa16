//! SeaORM entities of the server's own tables, one file per table.

pub mod application;
pub mod application_step;
pub mod catalog_facts;
pub mod catalog_version;
pub mod idempotency;
