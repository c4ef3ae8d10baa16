//! `launchway_catalog`: every shape the database was given.

use sea_orm::DbErr;
use sea_orm::sea_query::{Alias, ColumnDef, Table};
use sea_orm_migration::{MigrationName, MigrationTrait, SchemaManager};

pub(super) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "m20261201_000001_catalog"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let name = |name: &str| Alias::new(name.to_owned());
        manager
            .create_table(
                Table::create()
                    .table(name("launchway_catalog"))
                    .col(ColumnDef::new(name("id")).big_integer().not_null().auto_increment().primary_key())
                    .col(ColumnDef::new(name("version")).text().not_null())
                    .col(ColumnDef::new(name("shape")).text().not_null())
                    .col(ColumnDef::new(name("model")).text().not_null())
                    .col(ColumnDef::new(name("applied_at")).timestamp_with_time_zone().not_null())
                    .to_owned(),
            )
            .await
    }
}
