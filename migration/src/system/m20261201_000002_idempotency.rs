//! `launchway_idempotency`: the answers given under an `Idempotency-Key`.

use sea_orm::DbErr;
use sea_orm::sea_query::{Alias, ColumnDef, Index, Table};
use sea_orm_migration::{MigrationName, MigrationTrait, SchemaManager};

pub(super) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "m20261201_000002_idempotency"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let name = |name: &str| Alias::new(name.to_owned());
        manager
            .create_table(
                Table::create()
                    .table(name("launchway_idempotency"))
                    .col(ColumnDef::new(name("principal")).text().not_null())
                    .col(ColumnDef::new(name("key")).text().not_null())
                    .col(ColumnDef::new(name("method_path")).text().not_null())
                    .col(ColumnDef::new(name("body_hash")).text().not_null())
                    .col(ColumnDef::new(name("status")).integer())
                    .col(ColumnDef::new(name("headers")).text())
                    .col(ColumnDef::new(name("body")).blob())
                    .col(ColumnDef::new(name("created_at")).timestamp_with_time_zone().not_null())
                    .primary_key(Index::create().col(name("principal")).col(name("key")))
                    .to_owned(),
            )
            .await?;
        // The old ones are swept away by age.
        manager
            .create_index(
                Index::create()
                    .name("ix_launchway_idempotency_created_at")
                    .table(name("launchway_idempotency"))
                    .col(name("created_at"))
                    .to_owned(),
            )
            .await
    }
}
