//! PostgreSQL's statements.

use super::column::{definition, foreign_key};
use super::expression::{Place, expression};
use super::literal::{constant, ident, idents};
use super::{create_index, create_table as create};
use crate::dialect::Dialect;
use crate::shape::{Check, Column, ForeignKey, Table};

const PLACE: Place = Place { dialect: Dialect::Postgres, prefix: "" };

/// The table with the foreign keys it carries, its checks and its indexes.
pub(crate) fn create_table(table: &Table) -> Vec<String> {
    let (key, single) = (primary_key_name(&table.name), table.primary_key.len() == 1);
    let mut parts: Vec<_> = table
        .columns
        .iter()
        .map(|column| {
            let is_key = single && table.primary_key.contains(&column.name);
            definition(Dialect::Postgres, column, is_key.then_some(key.as_str()))
        })
        .collect();
    if !single {
        parts.push(format!("CONSTRAINT {} PRIMARY KEY ({})", ident(&key), idents(&table.primary_key)));
    }
    parts.extend(table.foreign_keys.iter().map(foreign_key));
    parts.extend(table.checks.iter().map(check));
    let mut statements = vec![create(&table.name, &parts, "")];
    let indexes =
        table.indexes.iter().filter_map(|index| create_index(Dialect::Postgres, &table.name, index));
    statements.extend(indexes);
    statements
}

/// The table gets another name, and its primary key with it.
pub(crate) fn rename_table(from: &str, to: &str) -> Vec<String> {
    vec![
        alter(from, &format!("RENAME TO {}", ident(to))),
        rename_constraint(to, &primary_key_name(from), &primary_key_name(to)),
    ]
}

/// A unique index becomes the primary key in the place of the former one.
pub(crate) fn replace_key(table: &str, index: &str) -> String {
    let key = ident(&primary_key_name(table));
    let what =
        format!("DROP CONSTRAINT {key}, ADD CONSTRAINT {key} PRIMARY KEY USING INDEX {}", ident(index));
    alter(table, &what)
}

fn primary_key_name(table: &str) -> String {
    entity::name::identifier(&[table, "pkey"])
}

fn check(check: &Check) -> String {
    format!("CONSTRAINT {} CHECK ({})", ident(&check.name), expression(PLACE, &check.condition))
}

/// The column; its foreign key is a step of its own, which locks less.
pub(crate) fn add_column(table: &str, column: &Column) -> String {
    alter(table, &format!("ADD COLUMN {}", definition(Dialect::Postgres, column, None)))
}

/// The foreign key of a table that nobody uses yet.
pub(crate) fn add_foreign_key(table: &str, key: &ForeignKey) -> String {
    alter(table, &format!("ADD {}", foreign_key(key)))
}

/// The foreign key, in place of a former one; the rows are looked through in a step of its own, which locks less.
pub(crate) fn replace_foreign_key(table: &str, former: Option<&str>, key: &ForeignKey) -> String {
    alter(table, &format!("{}ADD {} NOT VALID", dropping(former), foreign_key(key)))
}

/// The check, likewise.
pub(crate) fn replace_check(table: &str, former: Option<&str>, added: &Check) -> String {
    alter(table, &format!("{}ADD {} NOT VALID", dropping(former), check(added)))
}

fn dropping(constraint: Option<&str>) -> String {
    constraint.map_or_else(String::new, |name| format!("DROP CONSTRAINT IF EXISTS {}, ", ident(name)))
}

/// The rows are looked through.
pub(crate) fn validate(table: &str, constraint: &str) -> String {
    alter(table, &format!("VALIDATE CONSTRAINT {}", ident(constraint)))
}

/// A constraint goes.
pub(crate) fn drop_constraint(table: &str, name: &str) -> String {
    alter(table, &format!("DROP CONSTRAINT IF EXISTS {}", ident(name)))
}

/// A constraint gets another name.
pub(crate) fn rename_constraint(table: &str, from: &str, to: &str) -> String {
    alter(table, &format!("RENAME CONSTRAINT {} TO {}", ident(from), ident(to)))
}

/// An index gets another name.
pub(crate) fn rename_index(from: &str, to: &str) -> String {
    format!("ALTER INDEX {} RENAME TO {}", ident(from), ident(to))
}

/// A column gets another name.
pub(crate) fn rename_column(table: &str, from: &str, to: &str) -> String {
    alter(table, &format!("RENAME COLUMN {} TO {}", ident(from), ident(to)))
}

/// Something about a column that does not touch its values.
pub(crate) fn alter_column(table: &str, column: &str, what: &str) -> String {
    alter(table, &format!("ALTER COLUMN {} {what}", ident(column)))
}

/// The default is what the column says, or none.
pub(crate) fn set_default(table: &str, column: &Column) -> String {
    let what = match &column.default {
        Some(value) => format!("SET DEFAULT {}", constant(Dialect::Postgres, value)),
        None => "DROP DEFAULT".to_owned(),
    };
    alter_column(table, &column.name, &what)
}

/// `ALTER TABLE …`
pub(crate) fn alter(table: &str, what: &str) -> String {
    format!("ALTER TABLE {} {what}", ident(table))
}
