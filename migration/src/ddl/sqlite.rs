//! SQLite's statements.
//!
//! Checks are triggers: SQLite can't change a CHECK without writing the whole table anew, but a trigger comes and goes.

use super::column::{definition, foreign_key, references, sql_type};
use super::expression::{Place, expression};
use super::literal::{constant, ident, idents, text};
use super::{create_index, create_table as create};
use crate::dialect::Dialect;
use crate::reserved::TEMPORARY;
use crate::shape::{Check, Column, ColumnType, ForeignKey, Table};

const NEW: Place = Place { dialect: Dialect::Sqlite, prefix: "NEW." };

/// What the message of a broken check begins with; the check's name follows.
pub const CHECK_PREFIX: &str = "launchway_check:";

/// The table with its foreign keys, its indexes and its checks.
pub(crate) fn create_table(table: &Table) -> Vec<String> {
    let single = table.primary_key.len() == 1;
    let mut parts: Vec<_> = table
        .columns
        .iter()
        .map(|column| {
            let key = single && table.primary_key.contains(&column.name);
            definition(Dialect::Sqlite, column, key.then_some(""))
        })
        .collect();
    if !single {
        parts.push(format!("PRIMARY KEY ({})", idents(&table.primary_key)));
    }
    parts.extend(table.foreign_keys.iter().map(foreign_key));
    let options = if table.join { " STRICT, WITHOUT ROWID" } else { " STRICT" };
    let mut statements = vec![create(&table.name, &parts, options)];
    let indexes = table.indexes.iter().filter_map(|index| create_index(Dialect::Sqlite, &table.name, index));
    statements.extend(indexes);
    statements.extend(create_checks(table));
    statements
}

/// The name that a table has while it is written anew.
pub(crate) fn interim(table: &str) -> String {
    entity::name::identifier(&[TEMPORARY, table])
}

/// The table written anew (<https://www.sqlite.org/lang_altertable.html#otheralter>): made under another name, filled,
/// and put in the place of the former one. `values` gives each column its value. Foreign keys must not be enforced
/// meanwhile, or the end of the former table would delete what refers to it.
pub(crate) fn rebuild(table: &Table, values: &[(String, String)]) -> Vec<String> {
    let name = interim(&table.name);
    let bare = Table { name: name.clone(), indexes: Vec::new(), checks: Vec::new(), ..table.clone() };
    let mut statements = create_table(&bare);
    let columns = idents(values.iter().map(|(column, _)| column));
    let from: Vec<_> = values.iter().map(|(_, value)| value.as_str()).collect();
    statements.push(format!(
        "INSERT INTO {} ({columns}) SELECT {} FROM {} AS t",
        ident(&name),
        from.join(", "),
        ident(&table.name)
    ));
    if table.columns.iter().any(|column| column.ty == ColumnType::Serial) {
        // A number that was given once is not given again.
        let (interim, former) = (text(Dialect::Sqlite, &name), text(Dialect::Sqlite, &table.name));
        statements.push(format!("DELETE FROM sqlite_sequence WHERE name = {interim}"));
        statements.push(format!(
            "INSERT INTO sqlite_sequence (name, seq) SELECT {interim}, seq FROM sqlite_sequence WHERE name = {former}"
        ));
    }
    statements.push(format!("DROP TABLE {}", ident(&table.name)));
    statements.push(format!("ALTER TABLE {} RENAME TO {}", ident(&name), ident(&table.name)));
    let indexes = table.indexes.iter().filter_map(|index| create_index(Dialect::Sqlite, &table.name, index));
    statements.extend(indexes);
    statements.extend(create_checks(table));
    statements
}

/// The table gets another name. Its triggers carry the former one in theirs; they are made again afterwards.
pub(crate) fn rename_table(from: &Table, to: &str) -> Vec<String> {
    let mut statements = if from.checks.is_empty() { Vec::new() } else { drop_checks(&from.name) };
    statements.push(format!("ALTER TABLE {} RENAME TO {}", ident(&from.name), ident(to)));
    statements
}

/// The column, with its foreign key. SQLite looks through all rows of a strict table for it, though their values can't be
/// wrong; a large one is not strict for a moment.
pub(crate) fn add_column(table: &str, column: &Column, key: Option<&ForeignKey>, large: bool) -> Vec<String> {
    let key =
        key.map_or_else(String::new, |key| format!(" CONSTRAINT {} {}", ident(&key.name), references(key)));
    let definition = definition(Dialect::Sqlite, column, None);
    let add = format!("ALTER TABLE {} ADD COLUMN {definition}{key}", ident(table));
    if !large {
        return vec![add];
    }
    let name = text(Dialect::Sqlite, table);
    let replace = |from: &str, to: &str| {
        rewrite(&format!(
            "sql = substr(sql, 1, length(sql) - {}) || '{to}' WHERE type = 'table' AND name = {name} AND sql LIKE '%{from}'",
            from.len()
        ))
    };
    let (loose, strict) = (replace(STRICT, LOOSE), replace(LOOSE, STRICT));
    loose.into_iter().chain([add]).chain(strict).collect()
}

/// How the text of a strict table ends, and how while it is not one.
const STRICT: &str = ") STRICT";
const LOOSE: &str = ") /* STRICT */";

/// What to put in the place of what in the text of a table, so that a column is required or not any more; none where the
/// text is not one that we wrote. Rows that were there before the column have no value of it but its default, so a default
/// that is there stays.
pub(crate) fn required(sql: &str, from: &Column, to: &Column) -> Option<(String, String)> {
    let typed =
        |column: &Column| format!("{} {}", ident(&column.name), sql_type(Dialect::Sqlite, &column.ty));
    let held = |column: &Column| if column.required { " NOT NULL" } else { "" };
    let found = format!("{}{}", typed(from), held(from));
    let mut parts = sql.split(found.as_str());
    let (Some(_), Some(rest), None) = (parts.next(), parts.next(), parts.next()) else { return None };
    let ends = [",", "\n", ")", " DEFAULT ", " CONSTRAINT "].iter().any(|end| rest.starts_with(end));
    let defaulted = rest.starts_with(" DEFAULT ");
    if !ends || typed(from) != typed(to) || (defaulted && from.default != to.default) {
        return None;
    }
    let default = match &to.default {
        Some(value) if to.required && !defaulted => format!(" DEFAULT {}", constant(Dialect::Sqlite, value)),
        _ => String::new(),
    };
    Some((found, format!("{}{}{default}", typed(to), held(to))))
}

/// A part of the text of a table is another one.
pub(crate) fn replace(table: &str, (from, to): &(String, String)) -> [String; 3] {
    let (table, from, to) =
        (text(Dialect::Sqlite, table), text(Dialect::Sqlite, from), text(Dialect::Sqlite, to));
    rewrite(&format!("sql = replace(sql, {from}, {to}) WHERE type = 'table' AND name = {table}"))
}

/// The index gets another name: SQLite can't, but for making it anew, which takes long for a large table. What is indexed stays
/// as the database has it, whatever anybody made of it.
pub(crate) fn rename_index(from: &str, to: &str) -> Vec<String> {
    let quoted = |name: &str| text(Dialect::Sqlite, &format!(" INDEX {} ON ", ident(name)));
    let (was, is) = (quoted(from), quoted(to));
    let (from, to) = (text(Dialect::Sqlite, from), text(Dialect::Sqlite, to));
    rewrite(&format!(
        "name = {to}, sql = replace(sql, {was}, {is}) WHERE type = 'index' AND name = {from} AND instr(sql, {was}) > 0"
    ))
    .into_iter()
    .chain(noticed())
    .collect()
}

/// Lets others notice that the schema was changed: only such statements count its version up.
pub(crate) fn noticed() -> [String; 2] {
    let view = ident(TEMPORARY);
    [format!("CREATE VIEW {view} AS SELECT 1"), format!("DROP VIEW {view}")]
}

/// Changes texts of the schema that say nothing of what is stored (<https://www.sqlite.org/lang_altertable.html#otheralter>).
fn rewrite(assigns: &str) -> [String; 3] {
    [
        "PRAGMA writable_schema = ON".to_owned(),
        format!("UPDATE sqlite_schema SET {assigns}"),
        "PRAGMA writable_schema = RESET".to_owned(),
    ]
}

/// The triggers that hold the table's checks.
pub(crate) fn create_checks(table: &Table) -> Vec<String> {
    if table.checks.is_empty() {
        return Vec::new();
    }
    let body: Vec<_> = table.checks.iter().map(raise).collect();
    ["insert", "update"]
        .into_iter()
        .map(|event| {
            format!(
                "CREATE TRIGGER {} BEFORE {} ON {} BEGIN\n  {}\nEND",
                trigger(&table.name, event),
                event.to_uppercase(),
                ident(&table.name),
                body.join("\n  ")
            )
        })
        .collect()
}

fn raise(check: &Check) -> String {
    let message = text(Dialect::Sqlite, &format!("{CHECK_PREFIX}{}", check.name));
    format!("SELECT RAISE(ABORT, {message}) WHERE NOT {};", expression(NEW, &check.condition))
}

/// The triggers go.
pub(crate) fn drop_checks(table: &str) -> Vec<String> {
    ["insert", "update"]
        .into_iter()
        .map(|event| format!("DROP TRIGGER IF EXISTS {}", trigger(table, event)))
        .collect()
}

fn trigger(table: &str, event: &str) -> String {
    ident(&format!("{table}_check_{event}"))
}
