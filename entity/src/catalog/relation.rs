//! A relation between two entities.

use serde::{Deserialize, Serialize};

use crate::id::{EntityId, FieldId, RelationId};

/// One side of a relation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Relation {
    /// Its position in the entity.
    pub id: RelationId,
    /// The name in both APIs.
    pub name: String,
    /// Its former name (`@was`).
    pub was: Option<String>,
    /// Documentation.
    pub description: Option<String>,
    /// The reason why it should not be used any more (`@deprecated`).
    pub deprecated: Option<String>,
    /// The entity on the other side.
    pub target: EntityId,
    /// How many rows are on the other side.
    pub cardinality: Cardinality,
    /// To-one: whether there always is one.
    pub required: bool,
    /// How the rows are found.
    pub join: Join,
    /// The same relation seen from the target, where the model declares it.
    pub inverse: Option<RelationId>,
    /// To-one: what happens to this row when the other is deleted.
    pub on_delete: OnDelete,
}

impl Relation {
    /// Whether it is changed by itself. Joined through a type of the model, it is changed by rows of that type.
    #[must_use]
    pub fn is_written(&self) -> bool {
        !matches!(self.join, Join::Through { entity: Some(_), .. })
    }
}

/// How many rows are on the other side of a relation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Cardinality {
    /// At most one.
    One,
    /// Any number.
    Many,
}

/// How the rows on the other side are found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Join {
    /// This row holds the other's id in a field of this entity.
    Outgoing {
        /// The key field, in this entity.
        field: FieldId,
    },
    /// The other rows hold this row's id in a field of the target entity.
    Incoming {
        /// The key field, in the target.
        field: FieldId,
    },
    /// A third table holds both ids.
    Through {
        /// The table.
        table: String,
        /// Its column with this row's id.
        near: String,
        /// Its column with the other row's id.
        far: String,
        /// The entity of the table, where the model declares one (`@relation(through: …)`).
        entity: Option<EntityId>,
    },
}

/// What happens to a row when the row it refers to is deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum OnDelete {
    /// The deletion is refused.
    Restrict,
    /// The row is deleted too.
    Cascade,
    /// The key becomes null.
    SetNull,
}

/// The table of a many-to-many relation that the model declares no type for. Its primary key is both columns,
/// and the second has an index of its own; both cascade.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JoinTable {
    /// The table.
    pub table: String,
    /// The column and the entity whose id it holds, for each side.
    pub sides: [(String, EntityId); 2],
}
