//! Names of schemas: the model's own names come first, ours make way.

use std::collections::{HashMap, HashSet};

use entity::Catalog;
use entity::catalog::Entity;

/// Hands out each name once.
pub(super) struct Allocator {
    taken: HashSet<String>,
    shared: HashMap<String, String>,
}

impl Allocator {
    /// The names of the model are taken.
    pub(super) fn new(catalog: &Catalog) -> Self {
        let entities = catalog.entities.iter().map(|entity| entity.name.clone());
        let enums = catalog.enums.iter().map(|definition| definition.name.clone());
        let embedded = catalog.embedded.iter().map(|definition| definition.name.clone());
        Self { taken: entities.chain(enums).chain(embedded).collect(), shared: HashMap::new() }
    }

    /// The wanted name, or the next free one like it.
    pub(super) fn take(&mut self, wanted: &str) -> String {
        let mut name = wanted.to_owned();
        while !self.taken.insert(name.clone()) {
            name.push('_');
        }
        name
    }
}

impl Allocator {
    /// The one schema that every user of this word shares.
    pub(super) fn share(&mut self, word: &str) -> String {
        if let Some(name) = self.shared.get(word) {
            return name.clone();
        }
        let name = self.take(word);
        self.shared.insert(word.to_owned(), name.clone());
        name
    }
}

/// The names of an entity's schemas.
#[derive(Debug, Clone)]
pub(super) struct Names {
    /// A row with all of its fields.
    pub(super) row: String,
    /// A row with the fields the caller named.
    pub(super) partial: String,
    /// A page of rows.
    pub(super) list: String,
    /// Several rows that were made at once.
    pub(super) batch: String,
    /// What came of a change of many rows.
    pub(super) changes: String,
    /// A row to be made.
    pub(super) create: String,
    /// The same where the path says the id.
    pub(super) upsert: String,
    /// New values of a row.
    pub(super) update: String,
    /// How another row refers to one of these in a write.
    pub(super) link: String,
    /// A condition.
    pub(super) condition: String,
    /// A condition on a row that another refers to.
    pub(super) one: String,
    /// A condition on rows that refer to another.
    pub(super) many: String,
    /// One term of an order.
    pub(super) sort: String,
    /// A field to be in the answer.
    pub(super) field: String,
    /// A relation to be in the answer.
    pub(super) expand: String,
    /// Groups.
    pub(super) aggregate: String,
    /// A condition on groups.
    pub(super) having: String,
}

impl Names {
    /// Names for an entity.
    pub(super) fn new(entity: &Entity, allocator: &mut Allocator) -> Self {
        let mut take = |suffix: &str| allocator.take(&format!("{}{suffix}", entity.name));
        Self {
            row: entity.name.clone(),
            partial: take("Partial"),
            list: take("List"),
            batch: take("Batch"),
            changes: take("Changes"),
            create: take("Create"),
            upsert: take("Upsert"),
            update: take("Update"),
            link: take("Link"),
            condition: take("Where"),
            one: take("OneWhere"),
            many: take("ManyWhere"),
            sort: take("Sort"),
            field: take("Field"),
            expand: take("Expand"),
            aggregate: take("Aggregate"),
            having: take("Having"),
        }
    }
}
