//! Export: every type and every many-to-many relation as a file, as of one moment, in bounded memory.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use entity::{Catalog, FieldType, Scalar, Value};
use migration::Dialect;
use sea_orm::QueryResult;
use uuid::Uuid;

use super::reject::cannot_write;
use super::source::{Target, all_links};
use super::{Format, Listener, Moved, Progress, decode, quote};
use crate::database::bind::bind;
use crate::database::{Database, Transaction};
use crate::error::{Code, Error, Result};

/// Rows of one statement.
const PAGE: usize = 1_000;

/// Writes all rows into files of a folder, which is made when it is not there; those of one organization where it is
/// named, which are rows of `@tenant` types. A file has its name only once it is whole.
///
/// # Errors
/// The database's, or that a file can't be written.
pub async fn export(
    database: &Database,
    catalog: &Catalog,
    folder: &Path,
    (format, organization): (Format, Option<Uuid>),
    listener: Listener<'_>,
) -> Result<Vec<Moved>> {
    std::fs::create_dir_all(folder).map_err(|error| cannot_write(&folder.display().to_string(), error))?;
    let targets: Vec<Target> = catalog
        .entities
        .iter()
        .map(|entity| Target::Rows(entity.id))
        .chain(all_links(catalog).into_iter().map(Target::Links))
        .filter(|target| organization.is_none() || owner(catalog, target).is_some())
        .collect();
    alone(catalog, &targets, folder, format)?;
    let mut transaction = database.begin(None).await?;
    match transaction.dialect() {
        Dialect::Postgres => {
            transaction
                .execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY", Vec::new())
                .await?;
            transaction.execute("SET LOCAL statement_timeout = 0", Vec::new()).await?;
        }
        Dialect::Sqlite => {
            // One state of the data without the right to write, which nobody else could have meanwhile.
            transaction.execute("COMMIT", Vec::new()).await?;
            transaction.execute("BEGIN DEFERRED", Vec::new()).await?;
        }
    }
    let mut export =
        Export { catalog, transaction: &mut transaction, folder, format, organization, rows: 0, bytes: 0 };
    let mut moved = Vec::new();
    for target in targets {
        moved.push(export.target(&target, listener).await?);
    }
    transaction.rollback().await?;
    Ok(moved)
}

/// Says no to a folder that holds the same rows in another format: it could not be imported.
fn alone(catalog: &Catalog, targets: &[Target], folder: &Path, format: Format) -> Result<()> {
    let other = match format {
        Format::Ndjson => Format::Csv,
        Format::Csv => Format::Ndjson,
    };
    let files = targets.iter().map(|target| format!("{}.{}", target.name(catalog), other.extension()));
    match files.into_iter().find(|file| folder.join(file).exists()) {
        None => Ok(()),
        Some(file) => Err(Error::new(
            Code::Conflict,
            format!("{} holds an export in another format: {file}.", folder.display()),
        )
        .hint("Choose an empty folder, or remove the other export.")),
    }
}

/// The condition that a row belongs to an organization; none for rows that belong to none.
fn owner(catalog: &Catalog, target: &Target) -> Option<String> {
    let column = |entity: &entity::catalog::Entity| {
        entity.tenant_field().map(|field| quote(&entity.field(field).column))
    };
    match target {
        Target::Rows(id) => column(catalog.entity(*id)).map(|column| format!("{column} = ?")),
        Target::Links(links) => {
            let side = links.sides.iter().find(|side| column(catalog.entity(side.entity)).is_some())?;
            let entity = catalog.entity(side.entity);
            let key = quote(&entity.key_field().column);
            let (table, own) = (quote(&entity.table), column(entity)?);
            Some(format!("{} IN (SELECT {key} FROM {table} WHERE {own} = ?)", quote(&side.column)))
        }
    }
}

struct Export<'a> {
    catalog: &'a Catalog,
    transaction: &'a mut Transaction,
    folder: &'a Path,
    format: Format,
    organization: Option<Uuid>,
    rows: u64,
    bytes: u64,
}

/// A column to be written.
struct Column {
    name: String,
    key: String,
    ty: FieldType,
    list: bool,
}

impl Export<'_> {
    async fn target(&mut self, target: &Target, listener: Listener<'_>) -> Result<Moved> {
        let name = target.name(self.catalog);
        let file = format!("{name}.{}", self.format.extension());
        let path = self.folder.join(&file);
        let part = self.folder.join(format!(".{file}.part"));
        let written = self.fill(target, &part, &file, listener).await;
        let rows = match written.and_then(|rows| {
            std::fs::rename(&part, &path).map(|()| rows).map_err(|error| cannot_write(&file, error))
        }) {
            Ok(rows) => rows,
            Err(error) => {
                let _ = std::fs::remove_file(&part);
                return Err(error);
            }
        };
        Ok(Moved { path, name, rows, rejected: 0, rejects: None })
    }

    async fn fill(
        &mut self,
        target: &Target,
        part: &PathBuf,
        file: &str,
        listener: Listener<'_>,
    ) -> Result<u64> {
        let failed = |error| cannot_write(file, error);
        let mut out = BufWriter::with_capacity(256 * 1024, File::create(part).map_err(failed)?);
        let (table, columns, keys) = self.layout(target);
        if self.format == Format::Csv {
            let header: Vec<String> = columns.iter().map(|column| column.key.clone()).collect();
            self.bytes += write(&mut out, &format!("{}\r\n", header.join(","))).map_err(failed)?;
        }
        let owner = owner(self.catalog, target).filter(|_| self.organization.is_some());
        let mut count = 0;
        let mut after: Option<Vec<Value>> = None;
        loop {
            let rows = self.page(&table, (&columns, keys), owner.as_deref(), after.as_deref()).await?;
            let last = rows.len() < PAGE;
            for row in rows {
                let line = match self.format {
                    Format::Ndjson => ndjson(&columns, &row),
                    Format::Csv => csv(&row),
                };
                self.bytes += write(&mut out, &line).map_err(failed)?;
                count += 1;
                self.rows += 1;
                after = Some(row.into_iter().take(keys).collect());
            }
            listener(&Progress { file: file.to_owned(), rows: self.rows, bytes: self.bytes, total: None });
            if last {
                break;
            }
        }
        let file = out.into_inner().map_err(|error| failed(error.into_error()))?;
        file.sync_all().map_err(failed)?;
        Ok(count)
    }

    /// The table, its columns, and how many of them (from the first) say which row it is.
    fn layout(&self, target: &Target) -> (String, Vec<Column>, usize) {
        match target {
            Target::Rows(id) => {
                let entity = self.catalog.entity(*id);
                let columns = entity.fields.iter().map(|field| Column {
                    name: field.column.clone(),
                    key: field.name.clone(),
                    ty: field.ty,
                    list: field.list,
                });
                (entity.table.clone(), columns.collect(), 1)
            }
            Target::Links(links) => {
                let columns = links.sides.iter().map(|side| Column {
                    name: side.column.clone(),
                    key: side.name.clone(),
                    ty: FieldType::Scalar(Scalar::Id(side.key)),
                    list: false,
                });
                (links.table.clone(), columns.collect(), 2)
            }
        }
    }

    async fn page(
        &mut self,
        table: &str,
        (columns, keys): (&[Column], usize),
        owner: Option<&str>,
        after: Option<&[Value]>,
    ) -> Result<Vec<Vec<Value>>> {
        let dialect = self.transaction.dialect();
        let names: Vec<String> = columns.iter().map(|column| quote(&column.name)).collect();
        let key = names.get(..keys).unwrap_or_default().join(", ");
        let mut text = format!("SELECT {} FROM {}", names.join(", "), quote(table));
        let mut values = Vec::new();
        let mut conditions = Vec::new();
        if let (Some(owner), Some(organization)) = (owner, self.organization) {
            let id = FieldType::Scalar(Scalar::Uuid);
            values.push(bind(dialect, id, false, &Value::Uuid(organization)));
            conditions.push(owner.replace('?', if dialect == Dialect::Postgres { "$1" } else { "?" }));
        }
        let before = values.len();
        if let Some(after) = after {
            for (column, value) in columns.iter().zip(after) {
                values.push(bind(dialect, column.ty, column.list, value));
            }
            let parameters: Vec<String> = (before + 1..=values.len())
                .map(|at| match dialect {
                    Dialect::Postgres => format!("${at}"),
                    Dialect::Sqlite => "?".to_owned(),
                })
                .collect();
            conditions.push(format!("({key}) > ({})", parameters.join(", ")));
        }
        if !conditions.is_empty() {
            text.push_str(&format!(" WHERE {}", conditions.join(" AND ")));
        }
        text.push_str(&format!(" ORDER BY {key} LIMIT {PAGE}"));
        let rows = self.transaction.query(&text, values).await?;
        rows.iter().map(|row| self.row(columns, row)).collect()
    }

    fn row(&self, columns: &[Column], row: &QueryResult) -> Result<Vec<Value>> {
        let dialect = self.transaction.dialect();
        columns
            .iter()
            .enumerate()
            .map(|(at, column)| decode::value(self.catalog, dialect, (column.ty, column.list), row, at))
            .collect()
    }
}

fn write(out: &mut impl Write, text: &str) -> std::io::Result<u64> {
    out.write_all(text.as_bytes())?;
    Ok(text.len() as u64)
}

fn ndjson(columns: &[Column], row: &[Value]) -> String {
    let object: serde_json::Map<String, serde_json::Value> =
        columns.iter().zip(row).map(|(column, value)| (column.key.clone(), value.to_json())).collect();
    format!("{}\n", serde_json::Value::Object(object))
}

fn csv(row: &[Value]) -> String {
    let mut line = String::new();
    for (at, value) in row.iter().enumerate() {
        if at > 0 {
            line.push(',');
        }
        match value.to_json() {
            serde_json::Value::Null => {}
            serde_json::Value::String(text) if !matches!(value, Value::Json(_)) => cell(&text, &mut line),
            other => cell(&other.to_string(), &mut line),
        }
    }
    line.push_str("\r\n");
    line
}

/// One field: in quotes where it would be read as something else without them.
pub(super) fn cell(text: &str, out: &mut String) {
    if text.is_empty() || text.contains([',', '"', '\n', '\r']) || text.starts_with('\u{feff}') {
        out.push('"');
        out.push_str(&text.replace('"', "\"\""));
        out.push('"');
    } else {
        out.push_str(text);
    }
}
