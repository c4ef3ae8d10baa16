//! Questions to the database before anything changes: would the rows that are there fit?
//!
//! They see each row as it will be: former columns under their new names, new columns with their defaults.

use super::column::sql_type;
use super::expression::{Place, expression};
use super::literal::{constant, ident};
use crate::dialect::Dialect;
use crate::diff::Former;
use crate::shape::{Condition, ForeignKey, Index, Table};

/// Rows are counted up to here.
pub(crate) const MANY: u64 = 10_000;

/// Rows up to which a lock is too short to mind.
pub(crate) const SMALL: u64 = 100_000;

/// Builds the questions about one table.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Probe<'a> {
    pub(crate) dialect: Dialect,
    /// As it will be.
    pub(crate) table: &'a Table,
    /// As it is.
    pub(crate) former: &'a Former,
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
                let value = match (self.former.columns.get(&column.name), &column.default) {
                    (Some(former), _) => ident(former),
                    (None, Some(value)) => constant(self.dialect, value),
                    (None, None) => format!("CAST(NULL AS {})", sql_type(self.dialect, &column.ty)),
                };
                format!("{value} AS {}", ident(&column.name))
            })
            .collect();
        format!("(SELECT {} FROM {}) AS t", columns.join(", "), ident(&self.former.table))
    }
}

fn count(from: &str, condition: &str) -> String {
    format!("SELECT count(*) AS n FROM (SELECT 1 FROM {from} WHERE {condition} LIMIT {MANY}) AS found")
}

/// Whether a table has more rows than a lock should last for.
pub(crate) fn large(table: &str) -> String {
    format!("SELECT count(*) AS n FROM (SELECT 1 FROM {} LIMIT {}) AS found", ident(table), SMALL + 1)
}
