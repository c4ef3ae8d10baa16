//! What applications gave other names to, in order: a server of a former model finds its tables by it. On PostgreSQL such a
//! server does not notice (see `alias`), unless what stands between them does not keep its `search_path`.

use entity::Catalog;
use entity::catalog::{Check, Entity, Join};
use serde::{Deserialize, Serialize};

use crate::change::Change;

/// Other names, in the order in which they were given.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Renames(Vec<Rename>);

/// One other name; tables are called as they are called by then.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "of", rename_all = "lowercase")]
enum Rename {
    Table { from: String, to: String },
    Column { table: String, from: String, to: String },
    Index { table: String, from: String, to: String },
    Check { table: String, from: String, to: String },
}

impl Renames {
    /// Takes down what a change gives another name to.
    pub(crate) fn fold(&mut self, change: &Change) {
        let (table, from, to) = match change {
            Change::RenameTable { from, to, .. } => {
                return self.0.push(Rename::Table { from: from.name.clone(), to: to.name.clone() });
            }
            Change::RemoveTable { table } => {
                return self.0.push(Rename::Table { from: table.name.clone(), to: gone(&table.name) });
            }
            Change::RenameColumn { table, from, to, .. } => (table, from, to.name.clone()),
            Change::RemoveColumn { table, column } => (table, &column.name, gone(&column.name)),
            Change::RenameIndex { table, from, index } => {
                let (table, from, to) = (table.name.clone(), from.clone(), index.name.clone());
                return self.0.push(Rename::Index { table, from, to });
            }
            Change::RenameCheck { table, from, check } => {
                let (table, from, to) = (table.name.clone(), from.clone(), check.name.clone());
                return self.0.push(Rename::Check { table, from, to });
            }
            _ => return,
        };
        self.0.push(Rename::Column { table: table.name.clone(), from: from.clone(), to });
    }

    /// Those of a later application come behind.
    pub(crate) fn then(&mut self, later: Renames) {
        self.0.extend(later.0);
    }

    /// What a column of a table is called after these, with its table.
    pub(crate) fn column(&self, table: &str, column: &str) -> (String, String) {
        let (mut of, mut name) = (table.to_owned(), column.to_owned());
        for rename in &self.0 {
            match rename {
                Rename::Table { from, to } => swap(&mut of, from, to),
                Rename::Column { table, from, to } if *table == of => swap(&mut name, from, to),
                Rename::Column { .. } | Rename::Index { .. } | Rename::Check { .. } => {}
            }
        }
        (of, name)
    }

    /// The same model, its names in the APIs, its order and its version, in the names that the database has after these; none
    /// where those are the ones it has.
    #[must_use]
    pub fn rebind(&self, catalog: &Catalog) -> Option<Catalog> {
        let mut bound = catalog.clone();
        self.0.iter().for_each(|rename| rename.apply(&mut bound));
        (bound != *catalog).then_some(bound)
    }
}

impl Rename {
    fn apply(&self, catalog: &mut Catalog) {
        match self {
            Rename::Table { from, to } => {
                let joins = catalog.entities.iter_mut().flat_map(|entity| &mut entity.relations);
                let joins = joins.filter_map(|relation| match &mut relation.join {
                    Join::Through { table, .. } => Some(table),
                    Join::Outgoing { .. } | Join::Incoming { .. } => None,
                });
                joins.for_each(|table| swap(table, from, to));
                catalog.join_tables.iter_mut().for_each(|join| swap(&mut join.table, from, to));
                catalog.entities.iter_mut().for_each(|entity| swap(&mut entity.table, from, to));
            }
            Rename::Column { table, from, to } => column(catalog, table, from, to),
            Rename::Index { table, from, to } => {
                for entity in of_table(catalog, table) {
                    entity.indexes.iter_mut().for_each(|index| swap(&mut index.name, from, to));
                    entity.uniques.iter_mut().for_each(|unique| swap(&mut unique.name, from, to));
                }
            }
            Rename::Check { table, from, to } => {
                for entity in of_table(catalog, table) {
                    let fields = entity.fields.iter_mut().flat_map(|field| &mut field.checks);
                    let checks = fields.chain(&mut entity.checks);
                    checks.for_each(|check: &mut Check| swap(&mut check.name, from, to));
                }
            }
        }
    }
}

/// The column of a type, or of a table that joins two.
fn column(catalog: &mut Catalog, of: &str, from: &str, to: &str) {
    for entity in of_table(catalog, of) {
        entity.fields.iter_mut().for_each(|field| swap(&mut field.column, from, to));
    }
    for join in catalog.join_tables.iter_mut().filter(|join| join.table == of) {
        join.sides.iter_mut().for_each(|(name, _)| swap(name, from, to));
    }
    for relation in catalog.entities.iter_mut().flat_map(|entity| &mut entity.relations) {
        if let Join::Through { table, near, far, .. } = &mut relation.join
            && table == of
        {
            swap(near, from, to);
            swap(far, from, to);
        }
    }
}

fn of_table<'a>(catalog: &'a mut Catalog, table: &'a str) -> impl Iterator<Item = &'a mut Entity> {
    catalog.entities.iter_mut().filter(move |entity| entity.table == table)
}

fn swap(name: &mut String, from: &str, to: &str) {
    if name == from {
        to.clone_into(name);
    }
}

/// What is gone is called as nothing is, lest it be taken for what gets its name after it.
fn gone(name: &str) -> String {
    format!("{GONE}{name}")
}

/// What the names of what is gone begin with; see [`TEMPORARY`](crate::TEMPORARY).
const GONE: &str = "launchway_tmp_gone_";

/// Whether a model in today's names ([`Renames::rebind`]) calls a table or a column so because it is gone.
#[must_use]
pub fn is_gone(name: &str) -> bool {
    name.starts_with(GONE)
}
