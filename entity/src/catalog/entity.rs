//! A `@model` type: a table.

use serde::{Deserialize, Serialize};

use super::{Access, Check, Field, Index, Join, Operations, Relation, Unique};
use crate::id::{EntityId, FieldId, RelationId};
use crate::scalar::IdKind;

/// A `@model` type.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Entity {
    /// Its position in the catalog.
    pub id: EntityId,
    /// The type name, `InvoiceLine`.
    pub name: String,
    /// The name of one in both APIs, `invoiceLine`.
    pub singular: String,
    /// The name of many in both APIs, `invoiceLines`.
    pub plural: String,
    /// The table, `invoice_lines`.
    pub table: String,
    /// Its former type name (`@was`).
    pub was: Option<String>,
    /// Documentation.
    pub description: Option<String>,
    /// How ids are made.
    pub key: IdKind,
    /// Deleting sets `deletedAt` instead.
    pub soft_delete: bool,
    /// Page sizes.
    pub limit: PageLimit,
    /// The fields: `id` first, then those of the server, then the model's in the order written; the keys of
    /// to-one relations are fields too (`Field::relation`). `fields[i].id` is `i`.
    pub fields: Vec<Field>,
    /// The relations in the order written. `relations[i].id` is `i`.
    pub relations: Vec<Relation>,
    /// Indexes, those of relations included.
    pub indexes: Vec<Index>,
    /// Unique constraints.
    pub uniques: Vec<Unique>,
    /// Checks that concern more than one field.
    pub checks: Vec<Check>,
    /// Who may do what.
    pub access: Access,
    /// What the APIs may do at all, whoever asks: the server writes some of its own types itself.
    pub open: Operations,
    /// `@tenant`: the relation to the organization a row belongs to.
    pub tenant: Option<RelationId>,
    /// `createdAt`
    pub created_at: Option<FieldId>,
    /// `updatedAt`
    pub updated_at: Option<FieldId>,
    /// `version`
    pub version: FieldId,
    /// `deletedAt`
    pub deleted_at: Option<FieldId>,
}

/// Page sizes of lists of a type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct PageLimit {
    /// Rows when the caller names no number.
    pub default: u64,
    /// Rows at most.
    pub max: u64,
}

impl std::default::Default for PageLimit {
    fn default() -> Self {
        Self { default: 25, max: 100 }
    }
}

/// What a name in an entity means.
#[derive(Debug, Clone, Copy)]
pub enum Member<'a> {
    /// A scalar, enum or embedded value.
    Field(&'a Field),
    /// A relation.
    Relation(&'a Relation),
}

impl Entity {
    /// The key field, `id`.
    pub const KEY: FieldId = FieldId(0);

    /// A field by position.
    #[must_use]
    pub fn field(&self, id: FieldId) -> &Field {
        &self.fields[id.index()]
    }

    /// A relation by position.
    #[must_use]
    pub fn relation(&self, id: RelationId) -> &Relation {
        &self.relations[id.index()]
    }

    /// The key field.
    #[must_use]
    pub fn key_field(&self) -> &Field {
        self.field(Self::KEY)
    }

    /// What a name means. The key of a to-one relation has the relation's name, which means the relation.
    #[must_use]
    pub fn member(&self, name: &str) -> Option<Member<'_>> {
        if let Some(relation) = self.relations.iter().find(|relation| relation.name == name) {
            return Some(Member::Relation(relation));
        }
        self.fields.iter().find(|field| field.name == name).map(Member::Field)
    }

    /// The key of the organization a row belongs to, of a `@tenant` type.
    #[must_use]
    pub fn tenant_field(&self) -> Option<FieldId> {
        match self.relation(self.tenant?).join {
            Join::Outgoing { field } => Some(field),
            Join::Incoming { .. } | Join::Through { .. } => None,
        }
    }

    /// The fields of a unique constraint that whoever asks has to give: the organization is known.
    pub fn named_by<'a>(&'a self, unique: &'a Unique) -> impl Iterator<Item = &'a Field> + Clone {
        let tenant = self.tenant_field().filter(|_| unique.fields.len() > 1);
        unique.fields.iter().filter(move |field| Some(**field) != tenant).map(|field| self.field(*field))
    }

    /// The fields that are not keys of relations.
    pub fn plain_fields(&self) -> impl Iterator<Item = &Field> + Clone {
        self.fields.iter().filter(|field| field.relation.is_none())
    }

    /// Every name the entity has: its plain fields, then its relations.
    pub fn member_names(&self) -> impl Iterator<Item = &str> + Clone {
        self.plain_fields()
            .map(|field| field.name.as_str())
            .chain(self.relations.iter().map(|relation| relation.name.as_str()))
    }

    /// Whether ids are unique across types, so that `node(id)` finds them.
    #[must_use]
    pub fn is_node(&self) -> bool {
        self.key == IdKind::Uuid7
    }
}
