//! `launchway_catalog`: every shape the database was given, the last row being the one in force.

use sea_orm::entity::prelude::{
    ActiveModelBehavior, DateTimeUtc, DeriveEntityModel, DerivePrimaryKey, DeriveRelation, EntityTrait,
    EnumIter, PrimaryKeyTrait,
};

/// One `apply` that changed something.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "launchway_catalog")]
pub struct Model {
    /// Counted by the database: the order of application.
    #[sea_orm(primary_key)]
    pub id: i64,
    /// The content hash of the model.
    pub version: String,
    /// The shape as JSON, for the next diff.
    #[sea_orm(column_type = "Text")]
    pub shape: String,
    /// The text of the model, for people.
    #[sea_orm(column_type = "Text")]
    pub model: String,
    /// When.
    pub applied_at: DateTimeUtc,
}

/// None.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
