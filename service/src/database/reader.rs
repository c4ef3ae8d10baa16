//! SQLite's connections that read. Each has an alarm of its own, so that a statement ends at its deadline, and at once
//! when nobody waits for it any more – which is why they are not in SeaORM's pool: it does not say which connection runs
//! what.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use sea_orm::sqlx::sqlite::{SqliteArguments, SqliteConnectOptions};
use sea_orm::sqlx::{self, Arguments, ConnectOptions, Connection, SqliteConnection};
use sea_orm::{ConnAcquireErr, DbErr, QueryResult, RuntimeErr, Value};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

use super::alarm::{Alarm, Running};

/// How long a connection is kept that nobody uses.
const IDLE: Duration = Duration::from_secs(300);

/// The connections: opened when they are needed, up to a bound.
#[derive(Debug, Clone)]
pub(super) struct Readers(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    options: SqliteConnectOptions,
    room: Arc<Semaphore>,
    /// The one that was used last is the last.
    idle: Mutex<Vec<Reader>>,
    /// How long a free connection is waited for.
    patience: Duration,
}

#[derive(Debug)]
struct Reader {
    connection: SqliteConnection,
    alarm: Arc<Alarm>,
    since: Instant,
}

impl Readers {
    /// Opens the first one, to see whether it can be done.
    ///
    /// # Errors
    /// When the file can't be opened.
    pub(super) async fn open(
        options: SqliteConnectOptions,
        connections: u32,
        patience: Duration,
    ) -> Result<Self, DbErr> {
        let room = Arc::new(Semaphore::new(usize::try_from(connections).unwrap_or(1)));
        let readers = Self(Arc::new(Inner { options, room, idle: Mutex::default(), patience }));
        let first = readers.0.connect().await?;
        readers.0.keep(first);
        Ok(readers)
    }

    /// Runs a statement that gives one row at most. Dropped, it ends.
    ///
    /// # Errors
    /// The database's; `SQLITE_INTERRUPT` at the time given.
    pub(super) async fn one(
        &self,
        sql: &str,
        values: Vec<Value>,
        end: Instant,
    ) -> Result<Option<QueryResult>, DbErr> {
        let arguments = arguments(values)?;
        let mut lease = self.lease().await?;
        let Some(reader) = lease.reader.as_mut() else { return Ok(None) };
        reader.alarm.set(Some(end));
        let running = Running::new(Some(&reader.alarm));
        let query = sqlx::query_with(sqlx::AssertSqlSafe(sql), arguments);
        let outcome = query.fetch_optional(&mut reader.connection).await;
        running.done();
        reader.alarm.set(None);
        lease.finished = true;
        outcome.map(|row| row.map(QueryResult::from)).map_err(failed)
    }

    async fn lease(&self) -> Result<Lease, DbErr> {
        let busy = || DbErr::ConnectionAcquire(ConnAcquireErr::Timeout);
        let room = Arc::clone(&self.0.room).acquire_owned();
        let room = tokio::time::timeout(self.0.patience, room).await.map_err(|_| busy())?;
        let room = room.map_err(|_| busy())?;
        let idle = self.0.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let reader = match idle {
            Some(reader) => reader,
            None => self.0.connect().await?,
        };
        Ok(Lease { reader: Some(reader), finished: false, home: Arc::clone(&self.0), room: Some(room) })
    }
}

impl Inner {
    async fn connect(&self) -> Result<Reader, DbErr> {
        let broken = |error: sqlx::Error| DbErr::Conn(RuntimeErr::SqlxError(Arc::new(error)));
        let mut connection = self.options.connect().await.map_err(broken)?;
        let alarm = Alarm::new();
        Arc::clone(&alarm).watch(&mut connection).await.map_err(broken)?;
        Ok(Reader { connection, alarm, since: Instant::now() })
    }

    fn keep(&self, mut reader: Reader) {
        reader.since = Instant::now();
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.push(reader);
        // The first ones are those that are needed least.
        if idle.first().is_some_and(|reader| reader.since.elapsed() > IDLE) {
            drop(idle.remove(0));
        }
    }
}

/// A connection in use.
struct Lease {
    reader: Option<Reader>,
    finished: bool,
    home: Arc<Inner>,
    room: Option<OwnedSemaphorePermit>,
}

impl Drop for Lease {
    fn drop(&mut self) {
        let (Some(mut reader), room, home) = (self.reader.take(), self.room.take(), Arc::clone(&self.home))
        else {
            return;
        };
        if self.finished {
            home.keep(reader);
            return;
        }
        // What was running is being interrupted; the connection is free when it has noticed.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move {
                if reader.connection.ping().await.is_ok() {
                    reader.alarm.set(None);
                    home.keep(reader);
                }
                drop(room);
            });
        }
    }
}

fn failed(error: sqlx::Error) -> DbErr {
    DbErr::Query(RuntimeErr::SqlxError(Arc::new(error)))
}

/// The forms that values have on SQLite (`bind.rs`).
fn arguments(values: Vec<Value>) -> Result<SqliteArguments, DbErr> {
    let mut arguments = SqliteArguments::default();
    for value in values {
        let added = match value {
            Value::Bool(value) => arguments.add(value),
            Value::Int(value) => arguments.add(value),
            Value::BigInt(value) => arguments.add(value),
            Value::Double(value) => arguments.add(value),
            Value::String(value) => arguments.add(value),
            Value::Bytes(value) => arguments.add(value),
            _ => return Err(DbErr::Type("a value that SQLite has no form for".to_owned())),
        };
        added.map_err(|error| failed(sqlx::Error::Encode(error)))?;
    }
    Ok(arguments)
}
