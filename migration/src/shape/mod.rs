//! What the database should have: a stable, stored description, derived from a catalog.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

mod build;
mod condition;
mod constant;
mod form;
mod name;

pub use condition::Condition;
pub use constant::Constant;
pub use form::{Form, FormField};
pub use name::{enum_check_name, foreign_key_name};

/// The version of the stored form. A later program reads earlier ones; an earlier program refuses later ones.
pub const FORMAT: u32 = 2;

/// Tables, and what is in them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shape {
    /// The version of this form.
    pub format: u32,
    /// The tables, in the order of the model; join tables last.
    pub tables: Vec<Table>,
}

/// A table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Table {
    /// Its name in the database.
    pub name: String,
    /// Where it comes from: the type, or for a join table each relation (`Playlist.tracks`). The identity of the
    /// table, whatever its name.
    pub origins: Vec<String>,
    /// Former origins (`@was`); only of the model at hand, so not stored.
    #[serde(skip)]
    pub was: Vec<String>,
    /// Whether it is a join table.
    pub join: bool,
    /// Whether the model has left it out: it keeps its rows, and no API knows it.
    #[serde(default, skip_serializing_if = "is_no")]
    pub retired: bool,
    /// The columns.
    pub columns: Vec<Column>,
    /// The columns of the primary key.
    pub primary_key: Vec<String>,
    /// The foreign keys.
    pub foreign_keys: Vec<ForeignKey>,
    /// The indexes, unique ones included.
    pub indexes: Vec<Index>,
    /// The checks.
    pub checks: Vec<Check>,
}

/// A column.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Column {
    /// Its name in the database.
    pub name: String,
    /// The field it comes from: its identity within the table.
    pub field: String,
    /// The field's former name (`@was`); not stored.
    #[serde(skip)]
    pub was: Option<String>,
    /// What it holds.
    pub ty: ColumnType,
    /// Whether it always has a value.
    pub required: bool,
    /// What existing rows get when the column is added.
    pub default: Option<Constant>,
    /// Whether the model has left it out: it keeps its values, and no API knows it.
    #[serde(default, skip_serializing_if = "is_no")]
    pub retired: bool,
}

/// What a column holds; the two databases' types follow from it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ColumnType {
    /// A key counted by the database.
    Serial,
    /// A UUID.
    Uuid,
    /// A 64-bit integer.
    BigInt,
    /// A 32-bit integer.
    Int,
    /// A double.
    Float,
    /// true or false
    Boolean,
    /// Six fraction digits, exact.
    Decimal,
    /// A day.
    Date,
    /// An instant.
    DateTime,
    /// Text in code point order.
    Text,
    /// JSON of a form.
    Json(Form),
}

/// A foreign key to the `id` of a table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ForeignKey {
    /// Its name in the database.
    pub name: String,
    /// The column.
    pub column: String,
    /// The table it refers to.
    pub target: String,
    /// The column there.
    pub target_column: String,
    /// What happens when the row there is deleted.
    pub on_delete: entity::catalog::OnDelete,
    /// Whether all rows are known to pass; not between its making and the look at the rows.
    #[serde(default = "yes", skip_serializing_if = "is_yes")]
    pub ready: bool,
}

/// An index.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Index {
    /// Its name in the database.
    pub name: String,
    /// Whether it keeps values apart.
    pub unique: bool,
    /// The columns, and whether each is descending.
    pub columns: Vec<(String, bool)>,
    /// The rows it covers, all when absent.
    pub condition: Option<Condition>,
    /// Its kind.
    pub using: entity::catalog::Using,
    /// Whether it covers all rows; not while it is built beside writers.
    #[serde(default = "yes", skip_serializing_if = "is_yes")]
    pub ready: bool,
}

/// A check of a row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Check {
    /// Its name in the database, unique in the table.
    pub name: String,
    /// The field it is about, none where it is about several.
    pub field: Option<String>,
    /// What must not be false.
    pub condition: Condition,
    /// Of the values of an enum, those that have another name, and their former one (`@was`); not stored.
    #[serde(skip)]
    pub renamed: Vec<(String, String)>,
    /// Whether all rows are known to pass; not between its making and the look at the rows.
    #[serde(default = "yes", skip_serializing_if = "is_yes")]
    pub ready: bool,
}

fn yes() -> bool {
    true
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
fn is_yes(value: &bool) -> bool {
    *value
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
fn is_no(value: &bool) -> bool {
    !*value
}

impl Shape {
    /// Nothing.
    #[must_use]
    pub fn empty() -> Self {
        Self { format: FORMAT, tables: Vec::new() }
    }

    /// Whether the database looks alike and the model's names for it are, too. What a model left out does not count.
    #[must_use]
    pub fn same(&self, other: &Shape) -> bool {
        let stored = |shape: &Shape| {
            let mut shape = Shape { format: FORMAT, ..shape.clone() };
            shape.tables.retain(|table| !table.retired);
            for table in &mut shape.tables {
                let retired: Vec<_> = table.columns.extract_if(.., |column| column.retired).collect();
                table.foreign_keys.retain(|key| !retired.iter().any(|column| column.name == key.column));
                table.was.clear();
                table.columns.iter_mut().for_each(|column| column.was = None);
                table.checks.iter_mut().for_each(|check| check.renamed.clear());
            }
            shape
        };
        stored(self) == stored(other)
    }

    /// A table by name.
    #[must_use]
    pub fn table(&self, name: &str) -> Option<&Table> {
        self.tables.iter().find(|table| table.name == name)
    }
}

impl Table {
    /// A column by name.
    #[must_use]
    pub fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|column| column.name == name)
    }

    /// What people call it: the type, or the relation.
    #[must_use]
    pub fn origin(&self) -> &str {
        self.origins.first().map_or(self.name.as_str(), String::as_str)
    }

    /// What people call one of its columns: `Track.mood`.
    #[must_use]
    pub fn origin_of(&self, column: &Column) -> String {
        if self.join { self.origin().to_owned() } else { format!("{}.{}", self.origin(), column.field) }
    }
}

impl Index {
    /// The columns it speaks of.
    pub(crate) fn names(&self) -> BTreeSet<String> {
        let own = self.columns.iter().map(|(name, _)| name.clone());
        own.chain(self.condition.iter().flat_map(Condition::names)).collect()
    }
}

impl Check {
    /// The columns it speaks of.
    pub(crate) fn names(&self) -> BTreeSet<String> {
        self.condition.names()
    }
}
