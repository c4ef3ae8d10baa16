//! What is kept of accounts besides what the APIs show: credentials, tokens for one use, signing keys.

use sea_orm::DbErr;
use sea_orm::sea_query::{Alias, ColumnDef, Index, IndexCreateStatement, Table};
use sea_orm_migration::{MigrationName, MigrationTrait, SchemaManager};

pub(super) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "m20261201_000003_identity"
    }
}

fn name(name: &str) -> Alias {
    Alias::new(name.to_owned())
}

fn index(table: &str, column: &str) -> IndexCreateStatement {
    Index::create().name(format!("ix_{table}_{column}")).table(name(table)).col(name(column)).to_owned()
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let credentials = "launchway_credentials";
        let tokens = "launchway_tokens";
        manager
            .create_table(
                Table::create()
                    .table(name(credentials))
                    .col(ColumnDef::new(name("user_id")).uuid().not_null().primary_key())
                    .col(ColumnDef::new(name("password")).text())
                    .col(ColumnDef::new(name("totp_seed")).text())
                    .col(ColumnDef::new(name("totp_on")).boolean().not_null())
                    .col(ColumnDef::new(name("totp_step")).big_integer().not_null())
                    .to_owned(),
            )
            .await?;
        manager
            .create_table(
                Table::create()
                    .table(name(tokens))
                    .col(ColumnDef::new(name("hash")).text().not_null().primary_key())
                    .col(ColumnDef::new(name("kind")).text().not_null())
                    .col(ColumnDef::new(name("user_id")).uuid())
                    .col(ColumnDef::new(name("session_id")).uuid())
                    .col(ColumnDef::new(name("data")).text())
                    .col(ColumnDef::new(name("expires_at")).big_integer().not_null())
                    .col(ColumnDef::new(name("used")).boolean().not_null())
                    .to_owned(),
            )
            .await?;
        for column in ["user_id", "session_id", "expires_at"] {
            manager.create_index(index(tokens, column)).await?;
        }
        manager
            .create_table(
                Table::create()
                    .table(name("launchway_signing_keys"))
                    .col(ColumnDef::new(name("id")).text().not_null().primary_key())
                    .col(ColumnDef::new(name("since")).big_integer().not_null())
                    .col(ColumnDef::new(name("until")).big_integer().not_null())
                    .col(ColumnDef::new(name("sealed")).text().not_null())
                    .to_owned(),
            )
            .await
    }
}
