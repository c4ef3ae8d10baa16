//! `launchway_application`: every application of a model that took several transactions (PostgreSQL), so that one that was
//! interrupted goes on.

use sea_orm::entity::prelude::{
    ActiveModelBehavior, DateTimeUtc, DeriveEntityModel, DerivePrimaryKey, DeriveRelation, EntityTrait,
    EnumIter, PrimaryKeyTrait,
};

/// One `apply`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "launchway_application")]
pub struct Model {
    /// Counted by the database.
    #[sea_orm(primary_key)]
    pub id: i64,
    /// The content hash of the model that is applied.
    pub version: String,
    /// What the database has by now, as JSON.
    #[sea_orm(column_type = "Text")]
    pub shape: String,
    /// What got another name by now, as JSON.
    #[sea_orm(column_type = "Text")]
    pub renames: String,
    /// `running`, `done`, or `left` when another one went on from there.
    pub state: String,
    /// When it began.
    pub started_at: DateTimeUtc,
    /// When its last step ended.
    pub touched_at: DateTimeUtc,
}

/// None.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
