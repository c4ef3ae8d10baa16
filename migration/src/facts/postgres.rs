//! PostgreSQL's catalog.

use sea_orm::{ConnectionTrait, DbErr, FromQueryResult};
use serde::de::DeserializeOwned;

use super::{CheckFacts, ColumnFacts, Facts, ForeignKeyFacts, IndexFacts, TableFacts, rows};
use crate::dialect::Dialect;
use crate::error::{Error, Result};
use crate::reserved::is_bookkeeping;

/// Of the schema that an unqualified name means. Not `::regnamespace`: that would fold the case of the schema's name.
macro_rules! here {
    () => {
        "c.relnamespace = (SELECT s.oid FROM pg_catalog.pg_namespace s WHERE s.nspname = current_schema())"
    };
}

const RELEASE: &str = "SELECT current_setting('server_version_num')::int4 / 10000 AS release";

const TABLES: &str = concat!(
    "SELECT c.relname::text AS table_name, c.relkind::text AS kind, c.relpersistence::text AS persistence, \
     c.relrowsecurity AS secured FROM pg_catalog.pg_class c \
     WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND ",
    here!()
);

const COLUMNS: &str = concat!(
    "SELECT c.relname::text AS table_name, a.attname::text AS name, \
     pg_catalog.format_type(a.atttypid, a.atttypmod) AS ty, a.attnotnull AS required, \
     pg_catalog.pg_get_expr(d.adbin, d.adrelid) AS default_text, nullif(l.collname::text, 'default') AS collation_name, \
     a.attidentity::text AS identity, a.attgenerated::text AS generated \
     FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_class c ON c.oid = a.attrelid \
     LEFT JOIN pg_catalog.pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum \
     LEFT JOIN pg_catalog.pg_collation l ON l.oid = a.attcollation \
     WHERE c.relkind IN ('r', 'p', 'f') AND a.attnum > 0 AND NOT a.attisdropped AND ",
    here!()
);

const CONSTRAINTS: &str = concat!(
    "SELECT c.relname::text AS table_name, k.conname::text AS name, k.contype::text AS kind, \
     k.convalidated AS validated, pg_catalog.pg_get_constraintdef(k.oid) AS definition, \
     k.confdeltype::text AS on_delete, \
     (SELECT json_agg(a.attname ORDER BY p.place)::text FROM unnest(k.conkey) WITH ORDINALITY AS p(number, place) \
      JOIN pg_catalog.pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = p.number) AS columns_json, \
     CASE WHEN f.relnamespace = c.relnamespace THEN f.relname::text ELSE f.oid::regclass::text END AS target, \
     (SELECT json_agg(a.attname ORDER BY p.place)::text FROM unnest(k.confkey) WITH ORDINALITY AS p(number, place) \
      JOIN pg_catalog.pg_attribute a ON a.attrelid = k.confrelid AND a.attnum = p.number) AS target_json \
     FROM pg_catalog.pg_constraint k JOIN pg_catalog.pg_class c ON c.oid = k.conrelid \
     LEFT JOIN pg_catalog.pg_class f ON f.oid = k.confrelid \
     WHERE k.contype IN ('p', 'f', 'c') AND ",
    here!()
);

const INDEXES: &str = concat!(
    "SELECT c.relname::text AS table_name, i.relname::text AS name, x.indisunique AS is_unique, \
     (x.indisvalid AND x.indisready AND x.indislive) AS is_valid, m.amname::text AS method, \
     pg_catalog.pg_get_indexdef(x.indexrelid) AS definition, \
     pg_catalog.pg_get_expr(x.indpred, x.indrelid) AS condition, \
     (SELECT json_agg(json_build_object( \
        'what', coalesce(a.attname::text, pg_catalog.pg_get_indexdef(x.indexrelid, n, false)), \
        'expression', a.attname IS NULL, 'descending', (x.indoption[n - 1] & 1) = 1, \
        'class', CASE WHEN o.opcdefault THEN NULL ELSE o.opcname END) ORDER BY n)::text \
      FROM generate_series(1, x.indnkeyatts::int4) AS n \
      LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = x.indrelid AND a.attnum = x.indkey[n - 1] \
      LEFT JOIN pg_catalog.pg_opclass o ON o.oid = x.indclass[n - 1]) AS parts_json \
     FROM pg_catalog.pg_index x JOIN pg_catalog.pg_class c ON c.oid = x.indrelid \
     JOIN pg_catalog.pg_class i ON i.oid = x.indexrelid JOIN pg_catalog.pg_am m ON m.oid = i.relam \
     WHERE NOT x.indisprimary AND ",
    here!()
);

const TRIGGERS: &str = concat!(
    "SELECT c.relname::text AS table_name, t.tgname::text AS name, pg_catalog.pg_get_triggerdef(t.oid) \
     || CASE t.tgenabled WHEN 'D' THEN ' (disabled)' ELSE '' END AS definition \
     FROM pg_catalog.pg_trigger t JOIN pg_catalog.pg_class c ON c.oid = t.tgrelid \
     WHERE NOT t.tgisinternal AND ",
    here!()
);

#[derive(FromQueryResult)]
struct ReleaseRow {
    release: i32,
}

#[derive(FromQueryResult)]
struct TableRow {
    table_name: String,
    kind: String,
    persistence: String,
    secured: bool,
}

#[derive(FromQueryResult)]
struct ColumnRow {
    table_name: String,
    name: String,
    ty: String,
    required: bool,
    default_text: Option<String>,
    collation_name: Option<String>,
    identity: String,
    generated: String,
}

#[derive(FromQueryResult)]
struct ConstraintRow {
    table_name: String,
    name: String,
    kind: String,
    validated: bool,
    definition: Option<String>,
    on_delete: String,
    columns_json: Option<String>,
    target: Option<String>,
    target_json: Option<String>,
}

#[derive(FromQueryResult)]
struct IndexRow {
    table_name: String,
    name: String,
    is_unique: bool,
    is_valid: bool,
    method: String,
    definition: Option<String>,
    condition: Option<String>,
    parts_json: Option<String>,
}

#[derive(FromQueryResult)]
struct TriggerRow {
    table_name: String,
    name: String,
    definition: Option<String>,
}

/// Everything; six statements.
pub(super) async fn read(connection: &impl ConnectionTrait) -> Result<Facts> {
    let mut facts = Facts::empty(Dialect::Postgres);
    let release: Vec<ReleaseRow> = rows(connection, RELEASE).await?;
    facts.release = release.first().and_then(|row| u32::try_from(row.release).ok()).unwrap_or_default();
    for row in rows::<TableRow>(connection, TABLES).await? {
        add_table(&mut facts, row);
    }
    for row in rows::<ColumnRow>(connection, COLUMNS).await? {
        let Some(table) = facts.tables.get_mut(&row.table_name) else { continue };
        table.columns.insert(row.name.clone(), column(row));
    }
    for row in rows::<ConstraintRow>(connection, CONSTRAINTS).await? {
        let Some(table) = facts.tables.get_mut(&row.table_name) else { continue };
        add_constraint(table, row)?;
    }
    for row in rows::<IndexRow>(connection, INDEXES).await? {
        let Some(table) = facts.tables.get_mut(&row.table_name) else { continue };
        let index = IndexFacts {
            unique: row.is_unique,
            valid: row.is_valid,
            method: row.method,
            parts: list(row.parts_json.as_deref())?,
            partial: row.condition.is_some(),
            condition: row.condition,
            definition: row.definition,
        };
        table.indexes.insert(row.name, index);
    }
    for row in rows::<TriggerRow>(connection, TRIGGERS).await? {
        let Some(table) = facts.tables.get_mut(&row.table_name) else { continue };
        table.triggers.insert(row.name, row.definition);
    }
    Ok(facts)
}

fn list<T: DeserializeOwned>(json: Option<&str>) -> Result<Vec<T>> {
    let Some(json) = json else { return Ok(Vec::new()) };
    serde_json::from_str(json).map_err(|error| Error::Database {
        doing: "reading what the database has".to_owned(),
        source: DbErr::Custom(error.to_string()),
    })
}

fn add_table(facts: &mut Facts, row: TableRow) {
    if is_bookkeeping(&row.table_name) {
        return;
    }
    if matches!(row.kind.as_str(), "v" | "m") {
        facts.views.insert(row.table_name);
        return;
    }
    let mut table = TableFacts::default();
    let options = [
        (row.kind == "p", "PARTITIONED"),
        (row.kind == "f", "FOREIGN"),
        (row.persistence == "u", "UNLOGGED"),
        (row.secured, "ROW LEVEL SECURITY"),
    ];
    table.options.extend(options.iter().filter(|(set, _)| *set).map(|(_, name)| (*name).to_owned()));
    facts.tables.insert(row.table_name, table);
}

fn column(row: ColumnRow) -> ColumnFacts {
    let filled = match (row.identity.is_empty(), row.generated.is_empty()) {
        (false, _) => Some("identity"),
        (true, false) => Some("generated"),
        (true, true) => None,
    };
    ColumnFacts {
        ty: row.ty,
        nullable: !row.required,
        defaulted: row.default_text.is_some(),
        default: row.default_text,
        collation: row.collation_name,
        filled: filled.map(str::to_owned),
    }
}

fn add_constraint(table: &mut TableFacts, row: ConstraintRow) -> Result<()> {
    match row.kind.as_str() {
        "p" => {
            table.primary_key.name = Some(row.name);
            table.primary_key.columns = list(row.columns_json.as_deref())?;
        }
        "f" => {
            let key = ForeignKeyFacts {
                columns: list(row.columns_json.as_deref())?,
                target: row.target.unwrap_or_default(),
                target_columns: list(row.target_json.as_deref())?,
                on_delete: on_delete(&row.on_delete).to_owned(),
                validated: row.validated,
                definition: row.definition.map(|text| without_mark(&text)),
            };
            table.foreign_keys.insert(row.name, key);
        }
        _ => {
            let definition = row.definition.map(|text| without_mark(&text));
            table.checks.insert(row.name, CheckFacts { validated: row.validated, definition });
        }
    }
    Ok(())
}

/// Whether it is validated is kept apart, so that it is told once.
fn without_mark(definition: &str) -> String {
    definition.strip_suffix(" NOT VALID").unwrap_or(definition).to_owned()
}

fn on_delete(code: &str) -> &'static str {
    match code {
        "c" => "CASCADE",
        "n" => "SET NULL",
        "d" => "SET DEFAULT",
        "r" => "RESTRICT",
        _ => "NO ACTION",
    }
}
