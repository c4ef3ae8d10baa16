//! SQLite's catalog.

use std::collections::BTreeMap;

use sea_orm::{ConnectionTrait, FromQueryResult};

use super::{CheckFacts, ColumnFacts, Facts, ForeignKeyFacts, IndexFacts, IndexPart, TableFacts, rows, text};
use crate::ddl::sqlite::CHECK_PREFIX;
use crate::dialect::Dialect;
use crate::error::Result;
use crate::reserved::is_bookkeeping;

const TABLES: &str = "SELECT m.name AS name, m.type AS kind, m.sql AS sql, l.type AS sort, l.strict AS is_strict, \
     l.wr AS is_keyed FROM sqlite_schema AS m JOIN pragma_table_list AS l ON l.schema = 'main' AND l.name = m.name \
     WHERE m.type IN ('table', 'view') AND m.name NOT LIKE 'sqlite\\_%' ESCAPE '\\'";

// Virtual tables are left out: to ask one for its columns needs its module.
const COLUMNS: &str = "SELECT m.name AS table_name, c.name AS name, c.type AS ty, c.\"notnull\" AS is_required, \
     c.dflt_value AS default_text, c.pk AS place, c.hidden AS hidden \
     FROM sqlite_schema AS m, pragma_table_xinfo(m.name, 'main') AS c \
     WHERE m.type = 'table' AND m.sql NOT LIKE 'CREATE VIRTUAL%'";

const FOREIGN_KEYS: &str = "SELECT m.name AS table_name, k.id AS id, k.\"from\" AS source, k.\"table\" AS target, \
     k.\"to\" AS target_column, k.on_delete AS on_delete \
     FROM sqlite_schema AS m, pragma_foreign_key_list(m.name, 'main') AS k \
     WHERE m.type = 'table' AND m.sql NOT LIKE 'CREATE VIRTUAL%' ORDER BY m.name, k.id, k.seq";

const INDEXES: &str = "SELECT m.name AS table_name, i.name AS name, i.\"unique\" AS is_unique, i.partial AS is_partial, \
     x.name AS column_name, x.\"desc\" AS is_descending, d.sql AS sql \
     FROM sqlite_schema AS m, pragma_index_list(m.name, 'main') AS i, pragma_index_xinfo(i.name, 'main') AS x \
     LEFT JOIN sqlite_schema AS d ON d.type = 'index' AND d.name = i.name \
     WHERE m.type = 'table' AND m.sql NOT LIKE 'CREATE VIRTUAL%' AND i.origin <> 'pk' AND x.key = 1 \
     ORDER BY m.name, i.name, x.seqno";

const TRIGGERS: &str = "SELECT m.tbl_name AS table_name, m.name AS name, m.sql AS sql FROM sqlite_schema AS m WHERE m.type = 'trigger'";

/// The major version: SQLite keeps texts as they were given, so it has one way to print them.
const RELEASE: u32 = 3;

#[derive(FromQueryResult)]
struct TableRow {
    name: String,
    kind: String,
    sql: Option<String>,
    sort: String,
    is_strict: i64,
    is_keyed: i64,
}

#[derive(FromQueryResult)]
struct ColumnRow {
    table_name: String,
    name: String,
    ty: String,
    is_required: i64,
    default_text: Option<String>,
    place: i64,
    hidden: i64,
}

#[derive(FromQueryResult)]
struct KeyRow {
    table_name: String,
    id: i64,
    source: String,
    target: String,
    target_column: Option<String>,
    on_delete: String,
}

#[derive(FromQueryResult)]
struct IndexRow {
    table_name: String,
    name: String,
    is_unique: i64,
    is_partial: i64,
    column_name: Option<String>,
    is_descending: i64,
    sql: Option<String>,
}

#[derive(FromQueryResult)]
struct TriggerRow {
    table_name: String,
    name: String,
    sql: Option<String>,
}

/// Everything; five statements.
pub(super) async fn read(connection: &impl ConnectionTrait) -> Result<Facts> {
    let mut facts = Facts::empty(Dialect::Sqlite);
    facts.release = RELEASE;
    let mut texts = BTreeMap::new();
    for row in rows::<TableRow>(connection, TABLES).await? {
        if let Some(sql) = row.sql.as_deref().filter(|_| row.kind == "table") {
            texts.insert(row.name.clone(), text::table(sql));
        }
        add_table(&mut facts, row);
    }
    add_columns(&mut facts, rows(connection, COLUMNS).await?);
    add_foreign_keys(&mut facts, rows(connection, FOREIGN_KEYS).await?);
    for (name, found) in texts {
        if let Some(table) = facts.tables.get_mut(&name) {
            add_text(table, found);
        }
    }
    for row in rows::<IndexRow>(connection, INDEXES).await? {
        if let Some(table) = facts.tables.get_mut(&row.table_name) {
            add_index(table, row);
        }
    }
    for row in rows::<TriggerRow>(connection, TRIGGERS).await? {
        let Some(table) = facts.tables.get_mut(&row.table_name) else { continue };
        for (name, demand) in text::raised(row.sql.as_deref().unwrap_or_default(), CHECK_PREFIX) {
            table.checks.insert(name, CheckFacts { validated: true, definition: Some(demand) });
        }
        table.triggers.insert(row.name, row.sql);
    }
    Ok(facts)
}

fn add_table(facts: &mut Facts, row: TableRow) {
    if is_bookkeeping(&row.name) {
        return;
    }
    if row.kind == "view" {
        facts.views.insert(row.name);
        return;
    }
    let mut table = TableFacts::default();
    let options = [
        (row.is_strict != 0, "STRICT"),
        (row.is_keyed != 0, "WITHOUT ROWID"),
        (row.sort == "virtual", "VIRTUAL"),
        (row.sort == "shadow", "SHADOW"),
    ];
    table.options.extend(options.iter().filter(|(set, _)| *set).map(|(_, name)| (*name).to_owned()));
    facts.tables.insert(row.name, table);
}

fn add_columns(facts: &mut Facts, rows: Vec<ColumnRow>) {
    let mut keys: BTreeMap<String, BTreeMap<i64, String>> = BTreeMap::new();
    for row in rows {
        let Some(table) = facts.tables.get_mut(&row.table_name) else { continue };
        if row.place > 0 {
            keys.entry(row.table_name).or_default().insert(row.place, row.name.clone());
        }
        let column = ColumnFacts {
            ty: row.ty,
            // A strict table takes no null in its key, whether it says so or not.
            nullable: row.is_required == 0 && row.place == 0,
            defaulted: row.default_text.is_some(),
            default: row.default_text,
            collation: None,
            filled: matches!(row.hidden, 2 | 3).then(|| "generated".to_owned()),
        };
        table.columns.insert(row.name, column);
    }
    for (name, columns) in keys {
        if let Some(table) = facts.tables.get_mut(&name) {
            table.primary_key.columns = columns.into_values().collect();
        }
    }
}

fn add_foreign_keys(facts: &mut Facts, rows: Vec<KeyRow>) {
    let mut keys: BTreeMap<(String, i64), ForeignKeyFacts> = BTreeMap::new();
    for row in rows {
        let key = keys.entry((row.table_name, row.id)).or_default();
        key.columns.push(row.source);
        key.target = row.target;
        // Without columns it refers to the key of the target.
        key.target_columns.extend(row.target_column);
        key.on_delete = row.on_delete;
        key.validated = true;
    }
    let primary: BTreeMap<String, Vec<String>> =
        facts.tables.iter().map(|(name, table)| (name.clone(), table.primary_key.columns.clone())).collect();
    for ((name, _), mut key) in keys {
        let Some(table) = facts.tables.get_mut(&name) else { continue };
        if key.target_columns.is_empty() {
            key.target_columns = primary.get(&key.target).cloned().unwrap_or_default();
        }
        table.foreign_keys.insert(key.columns.join(","), key);
    }
}

fn add_text(table: &mut TableFacts, found: text::TableText) {
    if let Some(column) = found.counted.and_then(|name| table.columns.get_mut(&name)) {
        column.filled = Some("identity".to_owned());
    }
    for (column, collation) in found.collations {
        if let Some(column) = table.columns.get_mut(&column) {
            column.collation = Some(collation);
        }
    }
    for (name, definition) in found.checks {
        table.checks.insert(name, CheckFacts { validated: true, definition: Some(definition) });
    }
}

/// One row per part; the first makes the index.
fn add_index(table: &mut TableFacts, row: IndexRow) {
    let (expressions, condition) = row.sql.as_deref().map(text::index).unwrap_or_default();
    let index = table.indexes.entry(row.name).or_insert_with(|| IndexFacts {
        unique: row.is_unique != 0,
        valid: true,
        method: "btree".to_owned(),
        partial: row.is_partial != 0,
        condition,
        definition: row.sql,
        ..IndexFacts::default()
    });
    let expression = row.column_name.is_none();
    let what = row.column_name.or_else(|| expressions.get(index.parts.len()).cloned()).unwrap_or_default();
    index.parts.push(IndexPart { what, expression, descending: row.is_descending != 0, class: None });
}
