//! A URL becomes pools: SQLite's pragmas, PostgreSQL's session settings.

use std::time::Duration;

use migration::Dialect;
use sea_orm::sqlx::sqlite::{SqliteJournalMode, SqliteSynchronous};
use sea_orm::{ConnectOptions, DatabaseConnection};

use super::{ACQUIRE_TIMEOUT, Database, classify};
use crate::error::{Code, Error, Result};

/// How to reach a database and how much of it to use.
#[derive(Debug, Clone)]
pub struct Settings {
    /// `sqlite://path` or `postgres://user:password@host/database`.
    pub url: String,
    /// Connections at most; on SQLite those that read, one more writes.
    pub connections: u32,
    /// How long a request waits for a connection before it is told to come back.
    pub acquire_timeout: Duration,
    /// After how long the database itself gives a statement up (PostgreSQL).
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

/// Which database a URL means.
fn dialect(url: &str) -> Result<Dialect> {
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
    match dialect(&settings.url)? {
        Dialect::Sqlite => {
            // The writer first: it creates the file and switches it to WAL, which readers can't.
            let writer = sqlite(settings, 1, false).await?;
            let readers = sqlite(settings, settings.connections.clamp(1, 64), true).await?;
            Ok(Database { dialect: Dialect::Sqlite, readers, writer })
        }
        Dialect::Postgres => {
            let pool = postgres(settings).await?;
            Ok(Database { dialect: Dialect::Postgres, readers: pool.clone(), writer: pool })
        }
    }
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
        .record_stmt_in_spans(false)
        .test_before_acquire(false);
    options
}

async fn sqlite(settings: &Settings, connections: u32, reads_only: bool) -> Result<DatabaseConnection> {
    let mut options = common(settings, connections);
    let cache = settings.statement_cache;
    options.idle_timeout(Duration::from_secs(300)).map_sqlx_sqlite_opts(move |sqlite| {
        let sqlite = sqlite
            .create_if_missing(true)
            .foreign_keys(true)
            .busy_timeout(Duration::from_secs(5))
            .statement_cache_capacity(cache)
            .with_regexp()
            // `LIKE` compares letters as they are, as PostgreSQL's does.
            .pragma("case_sensitive_like", "ON")
            .pragma("cache_size", "-8000");
        if reads_only {
            sqlite.pragma("query_only", "ON")
        } else {
            // FULL: what was acknowledged survives a power cut.
            sqlite.journal_mode(SqliteJournalMode::Wal).synchronous(SqliteSynchronous::Full)
        }
    });
    sea_orm::Database::connect(options).await.map_err(classify::database)
}

async fn postgres(settings: &Settings) -> Result<DatabaseConnection> {
    let mut options = common(settings, settings.connections.max(1));
    let cache = settings.statement_cache;
    options
        .connect_lazy(true)
        .set_application_name("launchway")
        .statement_timeout(settings.statement_timeout)
        .idle_timeout(Duration::from_secs(600))
        .max_lifetime(Duration::from_secs(3600))
        // A connection that slept may be dead; one that was just used is not.
        .test_before_acquire_if_idle_for(Duration::from_secs(10))
        .map_sqlx_postgres_opts(move |postgres| postgres.statement_cache_capacity(cache));
    sea_orm::Database::connect(options).await.map_err(classify::database)
}
