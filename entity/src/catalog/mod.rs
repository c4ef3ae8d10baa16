//! The compiled model: immutable, looked up by name once, by id ever after.

use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::sync::OnceLock;

use serde::{Deserialize, Serialize};

use crate::id::{EmbeddedId, EntityId, EnumId};

mod access;
mod constraint;
mod embedded;
mod entity;
mod field;
mod relation;

pub use access::{Access, Operation, Operations, Rule};
pub use constraint::{Check, Index, Unique, Using};
pub use embedded::{Embedded, EmbeddedField, Enum, EnumValue};
pub use entity::{Entity, Member, PageLimit};
pub use field::{Default, Exposure, Field, System};
pub use relation::{Cardinality, Join, JoinTable, OnDelete, Relation};

/// The hash of a model's content: equal models have equal versions.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Version(pub String);

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Everything a model says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Catalog {
    /// The content hash of the model this was compiled from.
    pub version: Version,
    /// The `@model` types in the order written.
    pub entities: Vec<Entity>,
    /// The enums in the order written.
    pub enums: Vec<Enum>,
    /// The types without `@model`.
    pub embedded: Vec<Embedded>,
    /// The join tables of many-to-many relations without a join type of the model.
    pub join_tables: Vec<JoinTable>,
    #[serde(skip)]
    by_name: HashMap<String, EntityId>,
    #[serde(skip)]
    by_plural: HashMap<String, EntityId>,
    #[serde(skip)]
    roles: OnceLock<Vec<String>>,
}

impl Catalog {
    /// Puts the parts together. `entities[i].id` must be `i`, and likewise for enums and embedded types.
    #[must_use]
    pub fn new(
        version: Version,
        entities: Vec<Entity>,
        enums: Vec<Enum>,
        embedded: Vec<Embedded>,
        join_tables: Vec<JoinTable>,
    ) -> Self {
        let by_name = entities.iter().map(|entity| (entity.name.clone(), entity.id)).collect();
        let by_plural = entities.iter().map(|entity| (entity.plural.clone(), entity.id)).collect();
        Self { version, entities, enums, embedded, join_tables, by_name, by_plural, roles: OnceLock::new() }
    }

    /// An empty model.
    #[must_use]
    pub fn empty() -> Self {
        Self::new(Version(String::new()), Vec::new(), Vec::new(), Vec::new(), Vec::new())
    }

    /// Every role that a rule names, each once.
    #[must_use]
    pub fn roles(&self) -> &[String] {
        self.roles.get_or_init(|| {
            let rules = |entity: &Entity| {
                let fields = entity.access.fields.values().flatten();
                entity.access.rules.iter().chain(fields).map(|rule| rule.role.clone()).collect::<Vec<_>>()
            };
            let named: BTreeSet<String> = self.entities.iter().flat_map(rules).collect();
            named.into_iter().collect()
        })
    }

    /// Whether somebody can sign in: the model asked for the server's own types.
    #[must_use]
    pub fn has_accounts(&self) -> bool {
        self.entity_named("User").is_some()
    }

    /// The entity of an id of this catalog.
    #[must_use]
    pub fn entity(&self, id: EntityId) -> &Entity {
        &self.entities[id.index()]
    }

    /// The enum of an id of this catalog.
    #[must_use]
    pub fn enum_type(&self, id: EnumId) -> &Enum {
        &self.enums[id.index()]
    }

    /// The embedded type of an id of this catalog.
    #[must_use]
    pub fn embedded_type(&self, id: EmbeddedId) -> &Embedded {
        &self.embedded[id.index()]
    }

    /// The entity of a type name, such as `Track`.
    #[must_use]
    pub fn entity_named(&self, name: &str) -> Option<&Entity> {
        self.by_name.get(name).map(|id| self.entity(*id))
    }

    /// The entity of a plural, such as `tracks`.
    #[must_use]
    pub fn entity_plural(&self, plural: &str) -> Option<&Entity> {
        self.by_plural.get(plural).map(|id| self.entity(*id))
    }

    /// The entity on the other side of a relation.
    #[must_use]
    pub fn target(&self, relation: &Relation) -> &Entity {
        self.entity(relation.target)
    }
}
