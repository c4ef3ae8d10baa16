//! The server's own tables.

use sea_orm::sea_query::{Alias, IntoIden};
use sea_orm::{DatabaseTransaction, DynIden};
use sea_orm_migration::{MigrationStatus, MigrationTrait, MigratorTrait};

use crate::error::{Error, Result};

mod m20261201_000001_catalog;
mod m20261201_000002_idempotency;
mod m20261201_000003_identity;
mod m20261215_000004_application;
mod m20261216_000005_rename;

/// Brings the server's own tables up to date.
#[derive(Debug)]
pub struct Migrator;

impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(m20261201_000001_catalog::Migration),
            Box::new(m20261201_000002_idempotency::Migration),
            Box::new(m20261201_000003_identity::Migration),
            Box::new(m20261215_000004_application::Migration),
            Box::new(m20261216_000005_rename::Migration),
        ]
    }

    fn migration_table_name() -> DynIden {
        Alias::new("launchway_migrations").into_iden()
    }
}

/// Makes what is missing, inside the caller's transaction.
pub(crate) async fn prepare(transaction: &DatabaseTransaction) -> Result<()> {
    let failed = |source| Error::of("preparing the server's own tables", source);
    let known = Migrator::get_migration_with_status(transaction).await.map_err(failed)?;
    if known.iter().any(|migration| migration.status() == MigrationStatus::Pending) {
        Migrator::up(transaction, None).await.map_err(failed)?;
    }
    Ok(())
}
