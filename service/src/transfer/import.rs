//! Import: files are read and checked on one thread while the rows before them are written, all in one transaction.

use std::path::PathBuf;
use std::sync::Arc;

use entity::{Catalog, IdKind, Value};
use migration::Dialect;
use tokio::sync::mpsc::{Receiver, Sender, channel};
use uuid::Uuid;

use super::format::Rows;
use super::insert::{Table, continue_ids};
use super::reject::Rejects;
use super::row::{Refused, value_at, values};
use super::source::{Source, Target, sources};
use super::{Listener, Moved, OnError, Progress, link};
use crate::clock;
use crate::context::Context;
use crate::database::{Database, Transaction};
use crate::engine::constraint;
use crate::error::{Code, Error, Result};
use crate::limit::Limits;
use crate::principal::Principal;

/// Batches that may wait to be written.
const AHEAD: usize = 2;

/// A row that passed its checks.
struct Row {
    line: u64,
    values: Vec<Value>,
    /// As it was written, where it may have to be written down again.
    raw: Option<serde_json::Value>,
}

/// What the reading thread says.
enum Event {
    /// Rows of a file, and how many bytes of it were read so far.
    Rows(usize, Vec<Row>, u64),
    /// A row that did not pass.
    Refused(usize, u64, Refused, serde_json::Value),
    /// All rows with ids of their own were read.
    Counted,
    /// A file can't be read.
    Failed(Error),
}

/// Writes the rows of files (or folders of files) into the database, all of them or none. Where an organization is named,
/// rows of `@tenant` types are its.
///
/// # Errors
/// The first bad row with its file, line, field and reason, unless bad rows are to be skipped; or the database's.
/// Nothing is written then.
pub async fn import(
    database: &Database,
    catalog: &Arc<Catalog>,
    paths: &[PathBuf],
    (on_error, organization): (OnError, Option<Uuid>),
    listener: Listener<'_>,
) -> Result<Vec<Moved>> {
    let sources = Arc::new(sources(catalog, paths)?);
    let mut transaction = database.begin(None).await?;
    match transaction.dialect() {
        Dialect::Postgres => {
            transaction.execute("SET LOCAL statement_timeout = 0", Vec::new()).await?;
            transaction.execute("SET CONSTRAINTS ALL DEFERRED", Vec::new()).await?;
        }
        Dialect::Sqlite => {
            transaction.execute("PRAGMA defer_foreign_keys = ON", Vec::new()).await?;
        }
    }
    let (sender, receiver) = channel(AHEAD);
    let reading = {
        let (catalog, sources, dialect) = (Arc::clone(catalog), Arc::clone(&sources), database.dialect());
        tokio::task::spawn_blocking(move || {
            read(&catalog, &sources, dialect, (on_error, organization), &sender)
        })
    };
    let mut import = Import {
        context: Context::new(Arc::clone(catalog), Principal::Admin, Arc::new(Limits::default()), None),
        rejects: sources.iter().map(|_| Rejects::default()).collect(),
        rows: vec![0; sources.len()],
        read: vec![0; sources.len()],
        sources: &sources,
        transaction: &mut transaction,
        on_error,
    };
    let outcome = import.run(receiver, listener).await;
    let (rows, mut rejects) = (import.rows, import.rejects);
    // A reader that broke down looks to the writer like one that is done.
    let whole = reading.await.map_err(Error::internal);
    match outcome.and(whole) {
        Ok(()) => transaction.commit().await?,
        Err(error) => {
            transaction.rollback().await?;
            return Err(error);
        }
    }
    sources
        .iter()
        .zip(rows)
        .zip(&mut rejects)
        .map(|((source, rows), rejects)| {
            rejects.finish(source)?;
            Ok(Moved {
                path: source.path.clone(),
                name: source.target.name(catalog),
                rows,
                rejected: rejects.rows,
                rejects: rejects.path.clone(),
            })
        })
        .collect()
}

/// Reads and checks all files. Rows whose ids the database counts come last: only then are all given ids known.
fn read(
    catalog: &Catalog,
    sources: &[Source],
    dialect: Dialect,
    (on_error, organization): (OnError, Option<Uuid>),
    events: &Sender<Event>,
) {
    let mut reader = Reader { catalog, on_error, organization, events, without_id: false };
    let mut again = Vec::new();
    for (at, source) in sources.iter().enumerate() {
        reader.without_id = false;
        match reader.file(at, source, dialect, false) {
            Some(true) => again.push(at),
            Some(false) => {}
            None => return,
        }
    }
    if events.blocking_send(Event::Counted).is_err() {
        return;
    }
    for at in again {
        let Some(source) = sources.get(at) else { continue };
        if reader.file(at, source, dialect, true).is_none() {
            return;
        }
    }
}

struct Reader<'a> {
    catalog: &'a Catalog,
    on_error: OnError,
    organization: Option<Uuid>,
    events: &'a Sender<Event>,
    /// Whether a row of the file has no id of its own.
    without_id: bool,
}

impl Reader<'_> {
    /// Whether rows without an id were passed over; none when nobody listens any more.
    fn file(&mut self, at: usize, source: &Source, dialect: Dialect, counted: bool) -> Option<bool> {
        let mut rows = match Rows::open(&source.path, source.format) {
            Ok(rows) => rows,
            Err(error) => {
                let error = Error::new(Code::BadValue, format!("{}: it can't be read: {error}", source.file));
                let _ = self.events.blocking_send(Event::Failed(error));
                return None;
            }
        };
        let now = clock::now();
        let batch = Table::of(self.catalog, &source.target).batch(dialect);
        let serial =
            matches!(&source.target, Target::Rows(id) if self.catalog.entity(*id).key == IdKind::Serial);
        let mut ready = Vec::with_capacity(batch);
        while let Some(row) = rows.next() {
            let (line, refused, raw) = match row {
                Err(bad) if bad.fatal => {
                    let refused = Refused::new(Code::BadRequest, None, bad.reason);
                    let _ =
                        self.events.blocking_send(Event::Failed(stopped(source, Some(bad.line), refused)));
                    return None;
                }
                Err(bad) => {
                    (bad.line, Refused::new(Code::BadRequest, None, bad.reason), serde_json::Value::Null)
                }
                Ok(row) => {
                    let line = row.line;
                    let raw = (self.on_error == OnError::Skip).then(|| row.to_json());
                    match values(self.catalog, &source.target, row, (now, self.organization)) {
                        Ok(values) => {
                            let without = serial && values.first().is_some_and(Value::is_null);
                            self.without_id |= without;
                            if without != counted {
                                continue;
                            }
                            ready.push(Row { line, values, raw });
                            if ready.len() == batch {
                                let full = std::mem::replace(&mut ready, Vec::with_capacity(batch));
                                self.events.blocking_send(Event::Rows(at, full, rows.bytes())).ok()?;
                            }
                            continue;
                        }
                        Err(refused) => {
                            // Where rows are skipped each of them is told, with its own line.
                            let headed = rows.headed().filter(|_| refused.key && raw.is_none());
                            (headed.unwrap_or(line), refused, raw.unwrap_or_default())
                        }
                    }
                }
            };
            // The second reading meets the same bad rows again.
            if !counted {
                self.events.blocking_send(Event::Refused(at, line, refused, raw)).ok()?;
            }
        }
        self.events.blocking_send(Event::Rows(at, ready, rows.bytes())).ok()?;
        Some(self.without_id && !counted)
    }
}

struct Import<'a> {
    context: Context,
    sources: &'a [Source],
    transaction: &'a mut Transaction,
    on_error: OnError,
    rows: Vec<u64>,
    /// Bytes read of each file.
    read: Vec<u64>,
    rejects: Vec<Rejects>,
}

impl Import<'_> {
    async fn run(&mut self, mut events: Receiver<Event>, listener: Listener<'_>) -> Result<()> {
        let mut targets: Vec<Target> = Vec::new();
        for source in self.sources {
            if !targets.contains(&source.target) {
                targets.push(source.target.clone());
            }
        }
        while let Some(event) = events.recv().await {
            match event {
                Event::Rows(at, rows, bytes) => {
                    self.write(at, rows).await?;
                    if let Some(read) = self.read.get_mut(at) {
                        *read = bytes;
                    }
                    self.tell(at, listener);
                }
                Event::Refused(at, line, refused, raw) => self.refuse(at, line, refused, raw)?,
                Event::Counted => continue_ids(&self.context.catalog, self.transaction, &targets).await?,
                Event::Failed(error) => return Err(error),
            }
        }
        continue_ids(&self.context.catalog, self.transaction, &targets).await?;
        self.references(&targets).await
    }

    fn tell(&self, at: usize, listener: Listener<'_>) {
        listener(&Progress {
            file: self.sources.get(at).map(|source| source.file.clone()).unwrap_or_default(),
            rows: self.rows.iter().sum(),
            bytes: self.read.iter().sum(),
            total: Some(self.sources.iter().map(|source| source.bytes).sum()),
        });
    }

    async fn write(&mut self, at: usize, rows: Vec<Row>) -> Result<()> {
        let Some(source) = self.sources.get(at) else { return Ok(()) };
        let table = Table::of(&self.context.catalog, &source.target);
        let values: Vec<&[Value]> = rows.iter().map(|row| row.values.as_slice()).collect();
        let refused = table.fill(self.transaction, &values, self.on_error == OnError::Stop).await?;
        if let Some(count) = self.rows.get_mut(at) {
            *count += (rows.len() - refused.len()) as u64;
        }
        for (position, error) in refused {
            let Some(row) = rows.get(position) else { continue };
            let error = constraint(&self.context, error);
            let field = (!error.input().is_empty()).then(|| error.input_path());
            let refused = Refused::new(error.code(), field.as_deref(), error.message());
            self.refuse(at, row.line, refused, row.raw.clone().unwrap_or_default())?;
        }
        Ok(())
    }

    fn refuse(&mut self, at: usize, line: u64, refused: Refused, raw: serde_json::Value) -> Result<()> {
        let Some(source) = self.sources.get(at) else { return Ok(()) };
        match (self.on_error, self.rejects.get_mut(at)) {
            (OnError::Skip, Some(rejects)) => rejects.add(source, line, &refused, raw),
            _ => Err(stopped(source, Some(line), refused)),
        }
    }

    /// Deals with references that lead nowhere.
    async fn references(&mut self, targets: &[Target]) -> Result<()> {
        let catalog = Arc::clone(&self.context.catalog);
        loop {
            let dangling = link::dangling(&catalog, self.transaction, targets).await?;
            let Some(first) = dangling.first() else { return Ok(()) };
            if self.on_error == OnError::Stop {
                return Err(self.nowhere(&catalog, first, dangling.len() - 1));
            }
            let all = link::closure(&catalog, self.transaction, dangling).await?;
            link::remove(&catalog, self.transaction, &all).await?;
            self.write_down(&catalog, &all)?;
        }
    }

    /// The complaint about a reference that leads nowhere.
    fn nowhere(&self, catalog: &Catalog, first: &link::Reference, more: usize) -> Error {
        let mut refused = unresolved(catalog, first);
        if more > 0 {
            refused.reason.push_str(&format!(" ({more} more references lead nowhere)"));
        }
        let place = self.find(catalog, first);
        match place.and_then(|(at, line)| Some((self.sources.get(at)?, line))) {
            Some((source, line)) => stopped(source, Some(line), refused),
            None => Error::new(refused.code, refused.reason),
        }
    }

    /// The first row that holds a reference.
    fn find(&self, catalog: &Catalog, wanted: &link::Reference) -> Option<(usize, u64)> {
        self.sources.iter().enumerate().filter(|(_, source)| source.target == wanted.target).find_map(
            |(at, source)| {
                let rows = Rows::open(&source.path, source.format).ok()?;
                rows.flatten()
                    .find(|row| {
                        value_at(catalog, &source.target, row, wanted.column).as_ref() == Some(&wanted.value)
                    })
                    .map(|row| (at, row.line))
            },
        )
    }

    /// Writes the rows down that were taken out again.
    fn write_down(&mut self, catalog: &Catalog, references: &[link::Reference]) -> Result<()> {
        for (at, source) in self.sources.iter().enumerate() {
            let mine: Vec<_> =
                references.iter().filter(|reference| reference.target == source.target).collect();
            if mine.is_empty() {
                continue;
            }
            let rows = Rows::open(&source.path, source.format).map_err(|error| {
                Error::new(Code::BadValue, format!("{}: it can't be read: {error}", source.file))
            })?;
            for row in rows.flatten() {
                let held = mine.iter().find(|reference| {
                    value_at(catalog, &source.target, &row, reference.column).as_ref()
                        == Some(&reference.value)
                });
                let Some(reference) = held else { continue };
                // It may have been refused before for another reason, and then never was in the table.
                if values(catalog, &source.target, row.clone(), (clock::now(), None)).is_err() {
                    continue;
                }
                if let (Some(rejects), Some(rows)) = (self.rejects.get_mut(at), self.rows.get_mut(at)) {
                    rejects.add(source, row.line, &unresolved(catalog, reference), row.to_json())?;
                    *rows = rows.saturating_sub(1);
                }
            }
        }
        Ok(())
    }
}

fn unresolved(catalog: &Catalog, reference: &link::Reference) -> Refused {
    let to = &catalog.entity(reference.to).name;
    let id = reference.value.to_json();
    Refused::new(
        Code::ForeignKeyViolation,
        Some(&reference.field),
        format!("there is no {to} with the id {id}"),
    )
}

fn stopped(source: &Source, line: Option<u64>, refused: Refused) -> Error {
    let mut text = source.path.display().to_string();
    if let Some(line) = line {
        text.push_str(&format!(":{line}"));
    }
    if let Some(field) = &refused.field {
        text.push_str(&format!(": {field}"));
    }
    let error = Error::new(refused.code, format!("{text}: {}", refused.reason));
    match refused.hint {
        Some(hint) => error.hint(hint),
        None => error,
    }
}
