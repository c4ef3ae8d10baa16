//! `launchway_application_step`: what each application did, step by step.

use sea_orm::entity::prelude::{
    ActiveModelBehavior, DateTimeUtc, DeriveEntityModel, DerivePrimaryKey, DeriveRelation, EntityTrait,
    EnumIter, PrimaryKeyTrait,
};

/// One step that was done.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "launchway_application_step")]
pub struct Model {
    /// Counted by the database: the order in which they were done.
    #[sea_orm(primary_key)]
    pub id: i64,
    /// The application.
    pub application_id: i64,
    /// What it did, in a line.
    #[sea_orm(column_type = "Text")]
    pub description: String,
    /// Its SQL.
    #[sea_orm(column_type = "Text")]
    pub statements: String,
    /// The rows it wrote, where it wrote rows.
    pub rows: i64,
    /// How often it gave way to others who used the table.
    pub gave_way: i64,
    /// When it began.
    pub started_at: DateTimeUtc,
    /// When it ended.
    pub ended_at: DateTimeUtc,
}

/// None.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
