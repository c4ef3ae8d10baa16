//! A column.

use serde::{Deserialize, Serialize};

use super::Check;
use crate::id::{FieldId, RelationId};
use crate::predicate::Claim;
use crate::scalar::FieldType;
use crate::value::Value;

/// A column of an entity's table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Field {
    /// Its position in the entity.
    pub id: FieldId,
    /// The name in both APIs.
    pub name: String,
    /// The column.
    pub column: String,
    /// Its former name (`@was`).
    pub was: Option<String>,
    /// Documentation.
    pub description: Option<String>,
    /// The reason why it should not be used any more (`@deprecated`).
    pub deprecated: Option<String>,
    /// The type of the value, or of an item of the list.
    pub ty: FieldType,
    /// Whether it is a list.
    pub list: bool,
    /// Whether it always has a value.
    pub required: bool,
    /// The value of a new row that names none.
    pub default: Option<Default>,
    /// What the APIs may do with it.
    pub exposure: Exposure,
    /// The to-one relation this is the key of.
    pub relation: Option<RelationId>,
    /// Set where the server keeps the field itself.
    pub system: Option<System>,
    /// Checks of this field alone.
    pub checks: Vec<Check>,
}

/// A field the server keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum System {
    /// `id`
    Key,
    /// `createdAt`
    CreatedAt,
    /// `updatedAt`
    UpdatedAt,
    /// `version`
    Version,
    /// `deletedAt`
    DeletedAt,
}

/// Where a new row's value comes from when the caller gives none.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Default {
    /// A constant.
    Value(Value),
    /// `$now`
    Now,
    /// `$user.id` and its kin.
    Claim(Claim),
    /// `$new.track.unitPrice`: a field of a row that the new row refers to.
    Copy {
        /// A to-one relation of the entity.
        relation: RelationId,
        /// A field of the relation's target.
        field: FieldId,
    },
}

/// `@api`: what the APIs may do with a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exposure {
    /// It can be selected.
    pub read: bool,
    /// It can be given on create.
    pub create: bool,
    /// It can be changed.
    pub update: bool,
    /// It can be used in `where`, `orderBy`, `groupBy`.
    pub filter: bool,
}

impl std::default::Default for Exposure {
    fn default() -> Self {
        Self { read: true, create: true, update: true, filter: true }
    }
}
