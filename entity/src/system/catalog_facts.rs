//! `launchway_facts`: what the database said it has right after each application, so that what is changed by
//! hand is seen; and what got another name in it, so that servers of former models find it.

use sea_orm::entity::prelude::{
    ActiveModelBehavior, DeriveEntityModel, DerivePrimaryKey, DeriveRelation, EntityTrait, EnumIter,
    PrimaryKeyTrait,
};

/// What was found after one application.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "launchway_facts")]
pub struct Model {
    /// The row of `launchway_catalog`.
    #[sea_orm(primary_key, auto_increment = false)]
    pub catalog_id: i64,
    /// As JSON.
    #[sea_orm(column_type = "Text")]
    pub facts: String,
    /// The tables, columns and constraints that got other names, as JSON.
    #[sea_orm(column_type = "Text")]
    pub renames: String,
}

/// None.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
