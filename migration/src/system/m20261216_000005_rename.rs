//! What applications gave other names to.

use sea_orm::DbErr;
use sea_orm::sea_query::{Alias, ColumnDef, Table};
use sea_orm_migration::{MigrationName, MigrationTrait, SchemaManager};

pub(super) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "m20261216_000005_rename"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in ["launchway_application", "launchway_facts"] {
            // None, for whoever writes a row without knowing of it.
            let mut renames = ColumnDef::new(Alias::new("renames"));
            let renames = renames.text().not_null().default("[]");
            let table = Table::alter().table(Alias::new(table)).add_column(renames).to_owned();
            manager.alter_table(table).await?;
        }
        Ok(())
    }
}
