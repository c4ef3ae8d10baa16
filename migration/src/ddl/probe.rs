//! Questions to the database before anything changes: would the rows that are there fit?
//!
//! They see each row as it will be: former columns under their new names, new columns with their defaults.

use std::collections::BTreeMap;

use super::column::sql_type;
use super::expression::{Place, expression};
use super::literal::{constant, ident, text};
use crate::dialect::Dialect;
use crate::diff::Former;
use crate::shape::{Condition, ForeignKey, Index, Table};

/// Rows are counted up to here.
pub(crate) const MANY: u64 = 10_000;

/// Rows up to which a lock is too short to mind.
pub(crate) const SMALL: u64 = 100_000;

/// Rows of a table that is not gone through in a moment: others wait as little as can be while it is changed.
pub(crate) const LARGE: u64 = 10_000;

/// Builds the questions about one table.
#[derive(Debug, Clone)]
pub(crate) struct Probe<'a> {
    pub(crate) dialect: Dialect,
    /// As it will be.
    pub(crate) table: &'a Table,
    /// As it is.
    pub(crate) former: &'a Former,
    /// The values of columns that are written anew.
    pub(crate) values: BTreeMap<String, String>,
}

impl Probe<'_> {
    /// The number of rows.
    pub(crate) fn rows(&self) -> String {
        count(&format!("{} AS t", ident(&self.former.table)), "TRUE")
    }

    /// The number of rows without a value in a column.
    pub(crate) fn nulls(&self, column: &str) -> String {
        count(&self.projection(), &format!("t.{} IS NULL", ident(column)))
    }

    /// The number of rows with a value in a column.
    pub(crate) fn values(&self, column: &str) -> String {
        count(&self.projection(), &format!("t.{} IS NOT NULL", ident(column)))
    }

    /// The number of rows of which a condition over the columns as they are is true.
    pub(crate) fn misfits(&self, condition: &str) -> String {
        count(&ident(&self.former.table), condition)
    }

    /// The number of rows that a check would refuse.
    pub(crate) fn breaking(&self, condition: &Condition) -> String {
        let place = Place { dialect: self.dialect, prefix: "t." };
        count(&self.projection(), &format!("NOT {}", expression(place, condition)))
    }

    /// The number of values that a unique would refuse.
    pub(crate) fn duplicates(&self, index: &Index) -> String {
        let place = Place { dialect: self.dialect, prefix: "t." };
        let columns: Vec<_> = index.columns.iter().map(|(name, _)| format!("t.{}", ident(name))).collect();
        let mut conditions: Vec<_> = columns.iter().map(|column| format!("{column} IS NOT NULL")).collect();
        conditions.extend(index.condition.iter().map(|condition| expression(place, condition)));
        format!(
            "SELECT count(*) AS n FROM (SELECT 1 FROM {} WHERE {} GROUP BY {} HAVING count(*) > 1 LIMIT {MANY}) AS found",
            self.projection(),
            conditions.join(" AND "),
            columns.join(", ")
        )
    }

    /// The number of rows that refer to nothing. `target` is the table as it is, none where it is new.
    pub(crate) fn orphans(&self, key: &ForeignKey, target: Option<&Former>) -> String {
        let column = format!("t.{}", ident(&key.column));
        let there = target.map_or_else(String::new, |target| {
            let name = target.columns.get(&key.target_column).unwrap_or(&key.target_column);
            format!(
                " AND NOT EXISTS (SELECT 1 FROM {} AS r WHERE r.{} = {column})",
                ident(&target.table),
                ident(name)
            )
        });
        count(&self.projection(), &format!("{column} IS NOT NULL{there}"))
    }

    fn projection(&self) -> String {
        let columns: Vec<_> = self
            .table
            .columns
            .iter()
            .map(|column| {
                let former = self.former.columns.get(&column.name);
                let value = match (former, &column.default) {
                    (Some(former), _) => {
                        self.values.get(&column.name).cloned().unwrap_or_else(|| ident(former))
                    }
                    (None, Some(value)) => constant(self.dialect, value),
                    (None, None) => format!("CAST(NULL AS {})", sql_type(self.dialect, &column.ty)),
                };
                format!("{value} AS {}", ident(&column.name))
            })
            .collect();
        format!("(SELECT {} FROM {}) AS t", columns.join(", "), ident(&self.former.table))
    }
}

/// The number of all rows of a table.
pub(crate) fn all(table: &str) -> String {
    format!("SELECT count(*) AS n FROM {}", ident(table))
}

/// The number of rows with a value in a column, as both are named now.
pub(crate) fn filled(table: &str, column: &str) -> String {
    format!("SELECT count({}) AS n FROM {}", ident(column), ident(table))
}

fn count(from: &str, condition: &str) -> String {
    format!("SELECT count(*) AS n FROM (SELECT 1 FROM {from} WHERE {condition} LIMIT {MANY}) AS found")
}

/// The number of rows of a table, counted up to a bound.
pub(crate) fn up_to(table: &str, bound: u64) -> String {
    format!("SELECT count(*) AS n FROM (SELECT 1 FROM {} LIMIT {bound}) AS found", ident(table))
}

/// The text that makes a table, if it has more rows than so many (SQLite).
pub(crate) fn beyond(table: &str, bound: u64) -> String {
    let (name, table) = (text(Dialect::Sqlite, table), ident(table));
    format!(
        "SELECT sql AS made FROM sqlite_schema WHERE type = 'table' AND name = {name} \
         AND EXISTS (SELECT 1 FROM {table} LIMIT 1 OFFSET {bound})"
    )
}

/// The number of rows of a large table, as far as the database knows it without counting; SQLite counts quickly.
pub(crate) fn estimate(dialect: Dialect, table: &str) -> String {
    match dialect {
        Dialect::Postgres => {
            format!(
                "SELECT greatest(reltuples, 0)::bigint AS n FROM pg_class WHERE oid = {}",
                regclass(table)
            )
        }
        Dialect::Sqlite => all(table),
    }
}

/// The bytes of a table with its indexes (PostgreSQL).
pub(crate) fn bytes(table: &str) -> String {
    format!("SELECT pg_total_relation_size({}) AS n", regclass(table))
}

fn regclass(table: &str) -> String {
    format!("{}::regclass", text(Dialect::Postgres, &ident(table)))
}
