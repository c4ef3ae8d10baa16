//! `launchway_idempotency`: the answers given under an `Idempotency-Key`, written in the write's own transaction.

use sea_orm::entity::prelude::{
    ActiveModelBehavior, DateTimeUtc, DeriveEntityModel, DerivePrimaryKey, DeriveRelation, EntityTrait,
    EnumIter, PrimaryKeyTrait,
};

/// One key of one caller.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "launchway_idempotency")]
pub struct Model {
    /// Who asked: keys of different callers are different keys.
    #[sea_orm(primary_key, auto_increment = false, column_type = "Text")]
    pub principal: String,
    /// The key.
    #[sea_orm(primary_key, auto_increment = false, column_type = "Text")]
    pub key: String,
    /// The method and the path it was used with.
    #[sea_orm(column_type = "Text")]
    pub method_path: String,
    /// The hash of the body it was used with.
    #[sea_orm(column_type = "Text")]
    pub body_hash: String,
    /// The status answered; none while the request is in flight.
    pub status: Option<i32>,
    /// The headers answered, as a JSON object.
    #[sea_orm(column_type = "Text", nullable)]
    pub headers: Option<String>,
    /// The body answered.
    pub body: Option<Vec<u8>>,
    /// When the key was first seen.
    pub created_at: DateTimeUtc,
}

/// None.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
