//! What applications did, and how far they came.

use sea_orm::DbErr;
use sea_orm::sea_query::{Alias, ColumnDef, Index, Table};
use sea_orm_migration::{MigrationName, MigrationTrait, SchemaManager};

pub(super) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "m20261215_000004_application"
    }
}

fn name(name: &str) -> Alias {
    Alias::new(name.to_owned())
}

fn id() -> ColumnDef {
    ColumnDef::new(name("id")).big_integer().not_null().auto_increment().primary_key().to_owned()
}

fn time(column: &str) -> ColumnDef {
    ColumnDef::new(name(column)).timestamp_with_time_zone().not_null().to_owned()
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let (application, step) = ("launchway_application", "launchway_application_step");
        manager
            .create_table(
                Table::create()
                    .table(name(application))
                    .col(id())
                    .col(ColumnDef::new(name("version")).text().not_null())
                    .col(ColumnDef::new(name("shape")).text().not_null())
                    .col(ColumnDef::new(name("renames")).text().not_null())
                    .col(ColumnDef::new(name("state")).text().not_null())
                    .col(time("started_at"))
                    .col(time("touched_at"))
                    .to_owned(),
            )
            .await?;
        manager
            .create_table(
                Table::create()
                    .table(name(step))
                    .col(id())
                    .col(ColumnDef::new(name("application_id")).big_integer().not_null())
                    .col(ColumnDef::new(name("description")).text().not_null())
                    .col(ColumnDef::new(name("statements")).text().not_null())
                    .col(ColumnDef::new(name("rows")).big_integer().not_null())
                    .col(ColumnDef::new(name("gave_way")).big_integer().not_null())
                    .col(time("started_at"))
                    .col(time("ended_at"))
                    .to_owned(),
            )
            .await?;
        let index = Index::create()
            .name(format!("ix_{step}_application_id"))
            .table(name(step))
            .col(name("application_id"))
            .to_owned();
        manager.create_index(index).await?;
        let facts = Table::create()
            .table(name("launchway_facts"))
            .col(ColumnDef::new(name("catalog_id")).big_integer().not_null().primary_key())
            .col(ColumnDef::new(name("facts")).text().not_null())
            .col(ColumnDef::new(name("renames")).text().not_null())
            .to_owned();
        manager.create_table(facts).await
    }
}
