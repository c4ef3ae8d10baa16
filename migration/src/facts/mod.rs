//! What the database really has: read from its own catalog, in its own words.

use std::collections::{BTreeMap, BTreeSet};

use sea_orm::{ConnectionTrait, FromQueryResult, Statement};
use serde::{Deserialize, Serialize};

use crate::dialect::Dialect;
use crate::error::{Error, Result};
use crate::reserved::is_temporary;

mod compare;
pub(crate) mod expect;
mod postgres;
mod sqlite;
mod text;

pub use compare::{Aspect, Difference, Kind, Part, compare};
pub use expect::expect;

/// Tables, what is in them, and views, of the schema that statements without a schema mean. The server's own tables
/// are left out. Texts are as the database prints them: they are compared with earlier prints, never read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facts {
    /// Which database.
    pub dialect: Dialect,
    /// The major version of the database, which decides how it prints texts; 0 where nobody printed any.
    #[serde(default)]
    pub release: u32,
    /// The tables by name.
    #[serde(default)]
    pub tables: BTreeMap<String, TableFacts>,
    /// The names of the views.
    #[serde(default)]
    pub views: BTreeSet<String>,
}

/// A table.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct TableFacts {
    /// What sets it apart from a plain table: `STRICT`, `WITHOUT ROWID`, `UNLOGGED`, …
    pub options: BTreeSet<String>,
    /// The columns by name; their order is no matter.
    pub columns: BTreeMap<String, ColumnFacts>,
    /// The primary key; without columns where there is none.
    pub primary_key: KeyFacts,
    /// The foreign keys by name. SQLite keeps names only in the table's text: there, by column names with commas.
    pub foreign_keys: BTreeMap<String, ForeignKeyFacts>,
    /// The indexes by name, the primary key's apart.
    pub indexes: BTreeMap<String, IndexFacts>,
    /// The checks by name. On SQLite also those that our triggers hold.
    pub checks: BTreeMap<String, CheckFacts>,
    /// The definitions of the triggers by name; none where only the name is known.
    pub triggers: BTreeMap<String, Option<String>>,
}

/// A column.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ColumnFacts {
    /// The type: `numeric(19,6)`, `INTEGER`.
    pub ty: String,
    /// Whether it may be without a value.
    pub nullable: bool,
    /// Whether it has a default.
    pub defaulted: bool,
    /// The default; none where only its being there is known.
    pub default: Option<String>,
    /// The collation, where it is not the database's own.
    pub collation: Option<String>,
    /// How the database itself gives it a value: `identity`, `generated`.
    pub filled: Option<String>,
}

/// A primary key.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct KeyFacts {
    /// The name of the constraint, where the database keeps one.
    pub name: Option<String>,
    /// The columns, in the order of the key.
    pub columns: Vec<String>,
}

/// A foreign key.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ForeignKeyFacts {
    /// The columns.
    pub columns: Vec<String>,
    /// The table they refer to; with its schema where that is another.
    pub target: String,
    /// The columns there.
    pub target_columns: Vec<String>,
    /// What happens when the row there is deleted: `NO ACTION`, `CASCADE`, …
    pub on_delete: String,
    /// Whether the rows that were there have been looked through.
    pub validated: bool,
    /// The whole of it; none where only the parts are known.
    pub definition: Option<String>,
}

/// An index.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct IndexFacts {
    /// Whether it keeps values apart.
    pub unique: bool,
    /// Whether it is whole and used: one whose building was broken off is not.
    pub valid: bool,
    /// The kind: `btree`, `gin`, …
    pub method: String,
    /// What it is on, in order.
    pub parts: Vec<IndexPart>,
    /// Whether it covers only some rows.
    pub partial: bool,
    /// Which rows; none for all, or where only its being partial is known.
    pub condition: Option<String>,
    /// The whole of it; none where only the parts are known.
    pub definition: Option<String>,
}

/// A column or expression of an index.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct IndexPart {
    /// The column's name, or the expression.
    pub what: String,
    /// Whether it is an expression.
    pub expression: bool,
    /// Whether it goes down.
    pub descending: bool,
    /// The operator class, where it is not the usual one.
    pub class: Option<String>,
}

/// A check.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct CheckFacts {
    /// Whether the rows that were there have been looked through.
    pub validated: bool,
    /// What it demands; none where only the name is known.
    pub definition: Option<String>,
}

impl Facts {
    /// A database without tables.
    #[must_use]
    pub fn empty(dialect: Dialect) -> Self {
        Self { dialect, release: 0, tables: BTreeMap::new(), views: BTreeSet::new() }
    }

    /// Reads the database's catalog: a handful of statements, whatever the number of tables. Inside a transaction they
    /// see one state.
    ///
    /// # Errors
    /// That the database said no.
    pub async fn read(connection: &impl ConnectionTrait, dialect: Dialect) -> Result<Self> {
        match dialect {
            Dialect::Postgres => postgres::read(connection).await,
            Dialect::Sqlite => sqlite::read(connection).await,
        }
    }

    /// Whether the table is there, and in it the column. A view counts as a table without columns: it takes the name.
    #[must_use]
    pub fn has(&self, table: &str, column: Option<&str>) -> bool {
        match (self.tables.get(table), column) {
            (Some(found), Some(column)) => found.columns.contains_key(column),
            (Some(_), None) => true,
            (None, column) => column.is_none() && self.views.contains(table),
        }
    }

    /// The table that has an index of this name: such names are given once in a database.
    #[must_use]
    pub fn indexed(&self, name: &str) -> Option<&str> {
        let mut tables = self.tables.iter();
        tables.find(|(_, table)| table.indexes.contains_key(name)).map(|(table, _)| table.as_str())
    }

    /// What carries the prefix of temporary objects ([`crate::TEMPORARY`]), each with its table.
    #[must_use]
    pub fn temporary(&self) -> Vec<(String, Part)> {
        let mut found = Vec::new();
        for (name, table) in &self.tables {
            if is_temporary(name) {
                found.push((name.clone(), Part::Table));
                continue;
            }
            let mut add = |names: &mut dyn Iterator<Item = &String>, part: fn(String) -> Part| {
                let ours = names.filter(|name| is_temporary(name));
                found.extend(ours.map(|part_name| (name.clone(), part(part_name.clone()))));
            };
            add(&mut table.columns.keys(), Part::Column);
            add(&mut table.foreign_keys.keys(), Part::ForeignKey);
            add(&mut table.indexes.keys(), Part::Index);
            add(&mut table.checks.keys(), Part::Check);
            add(&mut table.triggers.keys(), Part::Trigger);
        }
        found
    }
}

/// All rows of a question about the database's own catalog.
async fn rows<T: FromQueryResult>(connection: &impl ConnectionTrait, query: &str) -> Result<Vec<T>> {
    let statement = Statement::from_string(connection.get_database_backend(), query);
    T::find_by_statement(statement)
        .all(connection)
        .await
        .map_err(|source| Error::of("reading what the database has", source))
}
