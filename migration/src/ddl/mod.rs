//! Change × Dialect -> statements. Pure: nothing is run here.

pub(crate) mod column;
pub(crate) mod expression;
pub(crate) mod literal;
pub(crate) mod postgres;
pub(crate) mod probe;
pub(crate) mod sqlite;

use crate::dialect::Dialect;
use crate::shape::Index;
use entity::catalog::Using;
use expression::{Place, expression};
use literal::ident;

/// The same statement so that nobody who writes has to wait (PostgreSQL).
pub(crate) fn concurrently(statement: &str) -> String {
    statement.replacen("INDEX ", "INDEX CONCURRENTLY ", 1)
}

/// CREATE INDEX; none for a kind that the database does not have and that an ordered index can't stand for.
pub(crate) fn create_index(dialect: Dialect, table: &str, index: &Index) -> Option<String> {
    let (method, class) = match (dialect, index.using) {
        (_, Using::Btree) | (Dialect::Sqlite, Using::Hash | Using::Brin) => ("", ""),
        (Dialect::Sqlite, Using::Gin | Using::Trigram) => return None,
        (Dialect::Postgres, Using::Hash) => (" USING hash", ""),
        (Dialect::Postgres, Using::Brin) => (" USING brin", ""),
        (Dialect::Postgres, Using::Gin) => (" USING gin", ""),
        (Dialect::Postgres, Using::Trigram) => (" USING gin", " gin_trgm_ops"),
    };
    let ordered = method.is_empty();
    let columns: Vec<_> = index
        .columns
        .iter()
        .map(|(name, down)| format!("{}{class}{}", ident(name), if *down && ordered { " DESC" } else { "" }))
        .collect();
    let condition = index.condition.as_ref().map_or_else(String::new, |condition| {
        format!(" WHERE {}", expression(Place { dialect, prefix: "" }, condition))
    });
    let unique = if index.unique { "UNIQUE " } else { "" };
    Some(format!(
        "CREATE {unique}INDEX {} ON {}{method} ({}){condition}",
        ident(&index.name),
        ident(table),
        columns.join(", ")
    ))
}

/// DROP INDEX
pub(crate) fn drop_index(index: &str) -> String {
    format!("DROP INDEX IF EXISTS {}", ident(index))
}

/// DROP INDEX so that nobody has to wait (PostgreSQL)
pub(crate) fn drop_index_concurrently(index: &str) -> String {
    concurrently(&drop_index(index))
}

/// CREATE TABLE, its parts one on a line.
fn create_table(name: &str, parts: &[String], options: &str) -> String {
    format!("CREATE TABLE {} (\n  {}\n){options}", ident(name), parts.join(",\n  "))
}
