//! Which tables and columns the database really has.

use std::collections::{HashMap, HashSet};

use sea_orm::{ConnectionTrait, FromQueryResult, Statement};

use crate::dialect::Dialect;
use crate::error::{Error, Result};
use crate::shape::Shape;

/// Tables and their columns.
#[derive(Debug, Default)]
pub(crate) struct Present(HashMap<String, HashSet<String>>);

#[derive(FromQueryResult)]
struct Row {
    table_name: String,
    column_name: String,
}

impl Present {
    /// Reads the database's own catalog.
    pub(crate) async fn read(connection: &impl ConnectionTrait, dialect: Dialect) -> Result<Self> {
        let query = match dialect {
            Dialect::Postgres => {
                "SELECT c.relname::text AS table_name, a.attname::text AS column_name \
                 FROM pg_catalog.pg_class c JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid \
                 WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm', 'f') \
                 AND a.attnum > 0 AND NOT a.attisdropped"
            }
            Dialect::Sqlite => {
                "SELECT m.name AS table_name, c.name AS column_name \
                 FROM sqlite_schema AS m, pragma_table_info(m.name) AS c WHERE m.type IN ('table', 'view')"
            }
        };
        let statement = Statement::from_string(connection.get_database_backend(), query);
        let rows = Row::find_by_statement(statement)
            .all(connection)
            .await
            .map_err(|source| Error::of("reading which tables there are", source))?;
        let mut present = Self::default();
        for row in rows {
            present.0.entry(row.table_name).or_default().insert(row.column_name);
        }
        Ok(present)
    }

    /// Whether the table is there, and in it the column.
    pub(crate) fn has(&self, table: &str, column: Option<&str>) -> bool {
        let Some(columns) = self.0.get(table) else { return false };
        column.is_none_or(|column| columns.contains(column))
    }

    /// The first table or column of `shape`, as far as `kept` says that it matters, that is missing.
    pub(crate) fn missing(&self, shape: &Shape, kept: impl Fn(&str, Option<&str>) -> bool) -> Option<String> {
        for table in &shape.tables {
            if kept(&table.name, None) && !self.has(&table.name, None) {
                return Some(format!("the table \"{}\"", table.name));
            }
            for column in &table.columns {
                let name = Some(column.name.as_str());
                if kept(&table.name, name) && !self.has(&table.name, name) {
                    return Some(format!("the column \"{}\" of \"{}\"", column.name, table.name));
                }
            }
        }
        None
    }
}
