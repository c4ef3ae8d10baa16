//! A URL becomes pools: SQLite's pragmas, PostgreSQL's session settings.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use migration::Dialect;
use sea_orm::sqlx::postgres::PgConnectOptions;
use sea_orm::sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sea_orm::sqlx::{self, ConnectOptions as _, Connection};
use sea_orm::{ConnectOptions, DatabaseConnection, DbErr, RuntimeErr};

use super::alarm::Alarm;
use super::pool::Pool;
use super::reader::Reader;
use super::server::{Server, Source};
use super::{ACQUIRE_TIMEOUT, Database, Kind, classify};
use crate::error::{Code, Error, Result};

/// What PostgreSQL calls us in `pg_stat_activity`.
const APPLICATION: &str = "launchway";

/// Connections to PostgreSQL beside those of requests, for changes of the schema; closed when nothing changes.
const SCHEMA_CONNECTIONS: u32 = 2;

/// How to reach a database and how much of it to use.
#[derive(Debug, Clone)]
pub struct Settings {
    /// `sqlite://path` or `postgres://user:password@host/database`.
    pub url: String,
    /// Connections at most; on SQLite those that read, one more writes.
    pub connections: u32,
    /// How long a request waits for a connection before it is told to come back.
    pub acquire_timeout: Duration,
    /// After how long a statement is given up: by PostgreSQL itself, on SQLite by an alarm.
    pub statement_timeout: Duration,
    /// Prepared statements kept for each connection; 0 behind a pooler that does not support them.
    pub statement_cache: usize,
}

impl Settings {
    /// The defaults for a URL.
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            connections: 16,
            acquire_timeout: ACQUIRE_TIMEOUT,
            statement_timeout: Duration::from_secs(10),
            statement_cache: 500,
        }
    }
}

/// Whether a URL names an SQLite file that is not there: opening it would make it.
#[must_use]
pub fn is_missing(url: &str) -> bool {
    let file = url.starts_with("sqlite:").then(|| url.parse::<SqliteConnectOptions>().ok()).flatten();
    // What is in memory is never there before.
    file.is_some_and(|options| !url.contains(":memory:") && !options.get_filename().exists())
}

/// Says no to a file in a folder that is not there: SQLite makes files, not folders.
fn in_a_folder(url: &str) -> Result<()> {
    let options = url.parse::<SqliteConnectOptions>().ok().filter(|_| !url.contains(":memory:"));
    let folder = options.as_ref().and_then(|options| options.get_filename().parent());
    match folder.filter(|folder| !folder.as_os_str().is_empty() && !folder.is_dir()) {
        None => Ok(()),
        Some(folder) => {
            Err(Error::new(Code::BadValue, format!("The folder `{}` does not exist.", folder.display()))
                .hint("Make it, or correct the path of the database."))
        }
    }
}

/// Which database a URL means.
///
/// # Errors
/// `BAD_VALUE` for neither.
pub fn dialect(url: &str) -> Result<Dialect> {
    if url.starts_with("postgres://") || url.starts_with("postgresql://") {
        Ok(Dialect::Postgres)
    } else if url.starts_with("sqlite:") {
        Ok(Dialect::Sqlite)
    } else {
        Err(Error::new(Code::BadValue, "The database URL is not understood.")
            .hint("Write sqlite://path/to/file.db or postgres://user:password@host:5432/database."))
    }
}

pub(super) async fn open(settings: &Settings) -> Result<Database> {
    let (kind, writer, history) = match dialect(&settings.url)? {
        Dialect::Sqlite => {
            in_a_folder(&settings.url)?;
            // The writer first: it creates the file and switches it to WAL, which readers can't.
            let alarm = Alarm::new();
            let writer = sqlite(settings, &alarm).await?;
            (Kind::Sqlite { readers: readers(settings).await?, alarm }, writer, history(settings).await?)
        }
        Dialect::Postgres => {
            let writer = postgres(settings).await?;
            (Kind::Postgres(servers(settings)?), writer.clone(), writer)
        }
    };
    Ok(Database {
        kind,
        writer,
        history,
        names: Arc::default(),
        patience: settings.statement_timeout,
        longest: longest(settings),
    })
}

/// How long a statement may take when everything before it takes as long as it may.
fn longest(settings: &Settings) -> Duration {
    2 * settings.acquire_timeout + settings.statement_timeout + Duration::from_secs(1)
}

fn common(settings: &Settings, connections: u32) -> ConnectOptions {
    let mut options = ConnectOptions::new(settings.url.clone());
    options
        .max_connections(connections)
        .min_connections(0)
        .acquire_timeout(settings.acquire_timeout)
        .connect_timeout(settings.acquire_timeout)
        // Statements hold no values, but they are long, and ours to tell about (see the engine's spans).
        .sqlx_logging(false)
        .record_stmt_in_spans(false);
    options
}

/// What every connection to an SQLite file has.
fn ours(sqlite: SqliteConnectOptions, cache: usize) -> SqliteConnectOptions {
    sqlite
        .create_if_missing(true)
        .foreign_keys(true)
        .busy_timeout(Duration::from_secs(5))
        .statement_cache_capacity(cache)
        .with_regexp()
        // `LIKE` compares letters as they are, as PostgreSQL's does.
        .pragma("case_sensitive_like", "ON")
        .pragma("cache_size", "-8000")
}

async fn readers(settings: &Settings) -> Result<Pool<Reader>> {
    let options: SqliteConnectOptions = settings.url.parse().map_err(misunderstood)?;
    let options =
        ours(options, settings.statement_cache).pragma("query_only", "ON").disable_statement_logging();
    let readers = Pool::new(options, settings.connections.clamp(1, 64), settings.acquire_timeout);
    // The first one shows whether it can be done.
    readers.lease().await.map_err(classify::database)?.rested();
    Ok(readers)
}

fn misunderstood(error: sqlx::Error) -> Error {
    classify::database(DbErr::Conn(RuntimeErr::SqlxError(Arc::new(error))))
}

/// The one that writes.
async fn sqlite(settings: &Settings, alarm: &Arc<Alarm>) -> Result<DatabaseConnection> {
    let mut options = common(settings, 1);
    let cache = settings.statement_cache;
    let alarm = Arc::clone(alarm);
    options
        .idle_timeout(Duration::from_secs(300))
        .test_before_acquire(false)
        .map_sqlx_sqlite_opts(move |sqlite| {
            // FULL: what was acknowledged survives a power cut.
            ours(sqlite, cache).journal_mode(SqliteJournalMode::Wal).synchronous(SqliteSynchronous::Full)
        })
        .map_sqlx_sqlite_pool_opts(move |pool| {
            let (watched, released) = (Arc::clone(&alarm), Arc::clone(&alarm));
            pool.after_connect(move |connection, _| Box::pin(Arc::clone(&watched).watch(connection)))
                .after_release(move |connection, _| {
                    let alarm = Arc::clone(&released);
                    Box::pin(async move {
                        // Behind whatever still runs: an interrupted statement and its rollback.
                        connection.ping().await?;
                        alarm.set(None);
                        // SQLite undoes some transactions by itself – interrupted ones, when the disk is full – and
                        // the driver does not notice: such a connection could begin no other.
                        Ok(!connection.is_in_transaction())
                    })
                })
        });
    sea_orm::Database::connect(options).await.map_err(classify::database)
}

/// One that reads the server's own tables through SeaORM; it is opened when it is needed.
async fn history(settings: &Settings) -> Result<DatabaseConnection> {
    let mut options = common(settings, 1);
    let cache = settings.statement_cache;
    options
        .connect_lazy(true)
        .idle_timeout(Duration::from_secs(30))
        .test_before_acquire(false)
        .map_sqlx_sqlite_opts(move |sqlite| ours(sqlite, cache).pragma("query_only", "ON"));
    sea_orm::Database::connect(options).await.map_err(classify::database)
}

/// PostgreSQL's connections for requests. None is open yet, so that a server starts while the database is away.
fn servers(settings: &Settings) -> Result<Pool<Server>> {
    let options: PgConnectOptions = settings.url.parse().map_err(misunderstood)?;
    let options = options
        .application_name(APPLICATION)
        .options([("statement_timeout", settings.statement_timeout.as_millis().to_string())])
        .statement_cache_capacity(settings.statement_cache)
        .disable_statement_logging();
    let source = Source { options, named: settings.statement_cache > 0, names: Mutex::default() };
    Ok(Pool::new(source, settings.connections, settings.acquire_timeout))
}

/// Those that `apply` and its kin use, which speak to SeaORM.
async fn postgres(settings: &Settings) -> Result<DatabaseConnection> {
    let mut options = common(settings, SCHEMA_CONNECTIONS);
    let cache = settings.statement_cache;
    options
        .connect_lazy(true)
        .set_application_name(APPLICATION)
        .statement_timeout(settings.statement_timeout)
        .idle_timeout(Duration::from_secs(30))
        .test_before_acquire(true)
        .map_sqlx_postgres_opts(move |postgres| postgres.statement_cache_capacity(cache));
    sea_orm::Database::connect(options).await.map_err(classify::database)
}
