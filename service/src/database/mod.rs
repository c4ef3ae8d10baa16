//! The database: pools, transactions, how values are bound, what its errors mean.

mod alarm;
pub mod bind;
pub mod classify;
mod connect;
mod name;
mod pool;
mod reader;
mod server;

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use entity::catalog::Version;
use futures::TryFutureExt;
use migration::Dialect;
use sea_orm::{
    ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbBackend, QueryResult, SqliteTransactionMode,
    Statement, TransactionOptions, TransactionTrait,
};
use tokio::time::Instant;

use crate::error::{Code, Error, Result};

use alarm::{Alarm, Running};
use name::Names;
use pool::{Lease, Pool};
use reader::Reader;
use server::Server;

pub(crate) use name::Tries;

pub use connect::{Settings, dialect, is_missing};

/// The pools of one database.
#[derive(Debug, Clone)]
pub struct Database {
    kind: Kind,
    /// SQLite: the one connection that writes. PostgreSQL: those for changes of the schema.
    writer: DatabaseConnection,
    /// Reads the server's own tables while the other writes.
    history: DatabaseConnection,
    /// What became of the names of the model.
    names: Arc<Names>,
    /// How long a statement may run.
    patience: Duration,
    /// How long one may take with all that comes before it; PostgreSQL has ended it itself by then, unless it is away.
    longest: Duration,
}

#[derive(Debug, Clone)]
enum Kind {
    Postgres(Pool<Server>),
    Sqlite {
        /// Many connections that only read.
        readers: Pool<Reader>,
        /// What ends the writer's statements. PostgreSQL does so itself.
        alarm: Arc<Alarm>,
    },
}

impl Database {
    /// Opens the pools. PostgreSQL is connected to on first use, so that a server starts while it is away.
    ///
    /// # Errors
    /// `BAD_VALUE` for a URL that is not understood, `UNAVAILABLE` when an SQLite file can't be opened.
    pub async fn open(settings: &Settings) -> Result<Self> {
        connect::open(settings).await
    }

    /// Which of the two it is.
    #[must_use]
    pub fn dialect(&self) -> Dialect {
        match self.kind {
            Kind::Postgres(_) => Dialect::Postgres,
            Kind::Sqlite { .. } => Dialect::Sqlite,
        }
    }

    /// The connection that may change the schema.
    #[must_use]
    pub fn writer(&self) -> &DatabaseConnection {
        &self.writer
    }

    /// The connection that reads what applications of models did.
    pub(crate) fn history(&self) -> &DatabaseConnection {
        &self.history
    }

    /// Speaks of tables and columns by the names that a model version has for them, also after another one gives other
    /// names. Connections in use are not changed.
    pub(crate) fn speak(&self, version: &Version) {
        if let Kind::Postgres(servers) = &self.kind {
            let names = (!version.0.is_empty()).then(|| migration::version_schema(version).into());
            *servers.source().names.lock().unwrap_or_else(PoisonError::into_inner) = names;
        }
    }

    /// Whether the database answers.
    ///
    /// # Errors
    /// `UNAVAILABLE` when it does not.
    pub async fn ping(&self) -> Result<()> {
        self.read("SELECT 1", Vec::new(), None).await.map(|_| ())
    }

    /// Runs a statement that reads, and gives one row at most.
    ///
    /// # Errors
    /// The database's, classified; `TIMEOUT` at the deadline.
    pub async fn read(
        &self,
        sql: &str,
        values: Vec<sea_orm::Value>,
        deadline: Option<Instant>,
    ) -> Result<Option<QueryResult>> {
        match &self.kind {
            Kind::Postgres(servers) => served(deadline, self.longest, servers.one(sql, values)).await,
            Kind::Sqlite { readers, .. } => {
                let end = sooner(deadline, self.patience);
                within(Some(end), readers.one(sql, values, end)).await
            }
        }
    }

    /// Runs one statement that may write, as a transaction of its own. Only PostgreSQL's: SQLite's need the alarm
    /// and the kind of lock that a [`Transaction`] has.
    ///
    /// # Errors
    /// The database's, classified; `TIMEOUT` at the deadline.
    pub async fn write(
        &self,
        sql: &str,
        values: Vec<sea_orm::Value>,
        deadline: Option<Instant>,
    ) -> Result<Vec<QueryResult>> {
        match &self.kind {
            Kind::Postgres(servers) => served(deadline, self.longest, servers.all(sql, values)).await,
            Kind::Sqlite { .. } => Err(Error::internal("a write of SQLite's outside of a transaction")),
        }
    }

    /// Begins a transaction that may write. On SQLite there is one at a time; others wait for it.
    ///
    /// # Errors
    /// `UNAVAILABLE` when no connection comes free in time.
    pub async fn begin(&self, deadline: Option<Instant>) -> Result<Transaction> {
        let work = match &self.kind {
            Kind::Postgres(servers) => Work::Postgres(served(deadline, self.longest, servers.begin()).await?),
            Kind::Sqlite { alarm, .. } => {
                let options = TransactionOptions {
                    // A deferred transaction that reads before it writes can't be made to wait: it fails as busy at
                    // once.
                    sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
                    ..TransactionOptions::default()
                };
                let inner = within(deadline, self.writer.begin_with_options(options)).await?;
                Work::Sqlite { inner, alarm: Arc::clone(alarm), patience: self.patience }
            }
        };
        Ok(Transaction { work, deadline })
    }
}

/// A transaction that may write. Dropped without a commit, it is rolled back.
#[derive(Debug)]
pub struct Transaction {
    work: Work,
    deadline: Option<Instant>,
}

#[derive(Debug)]
enum Work {
    Postgres(Lease<Server>),
    Sqlite { inner: DatabaseTransaction, alarm: Arc<Alarm>, patience: Duration },
}

impl Transaction {
    /// Which database it is.
    #[must_use]
    pub fn dialect(&self) -> Dialect {
        match self.work {
            Work::Postgres(_) => Dialect::Postgres,
            Work::Sqlite { .. } => Dialect::Sqlite,
        }
    }

    /// Runs a statement that gives rows.
    ///
    /// # Errors
    /// The database's, classified; `TIMEOUT` at the deadline.
    pub async fn query(&mut self, sql: &str, values: Vec<sea_orm::Value>) -> Result<Vec<QueryResult>> {
        match &mut self.work {
            Work::Postgres(lease) => {
                within(self.deadline, lease.all(sql, values).map_err(server::failed)).await
            }
            Work::Sqlite { inner, alarm, patience } => {
                let statement = Statement::from_sql_and_values(DbBackend::Sqlite, sql, values);
                timed(self.deadline, alarm, *patience, inner.query_all_raw(statement)).await
            }
        }
    }

    /// Runs a statement and tells how many rows it touched.
    ///
    /// # Errors
    /// The database's, classified; `TIMEOUT` at the deadline.
    pub async fn execute(&mut self, sql: &str, values: Vec<sea_orm::Value>) -> Result<u64> {
        match &mut self.work {
            Work::Postgres(lease) => {
                within(self.deadline, lease.execute(sql, values).map_err(server::failed)).await
            }
            Work::Sqlite { inner, alarm, patience } => {
                let statement = Statement::from_sql_and_values(DbBackend::Sqlite, sql, values);
                let done = timed(self.deadline, alarm, *patience, inner.execute_raw(statement)).await?;
                Ok(done.rows_affected())
            }
        }
    }

    /// Makes the changes last.
    ///
    /// # Errors
    /// The database's, classified: deferred constraints speak here.
    pub async fn commit(self) -> Result<()> {
        match self.work {
            Work::Postgres(mut lease) => lease.end("COMMIT").await.map_err(server::failed),
            Work::Sqlite { inner, .. } => inner.commit().await,
        }
        .map_err(classify::database)
    }

    /// Undoes everything.
    ///
    /// # Errors
    /// The database's, classified.
    pub async fn rollback(self) -> Result<()> {
        match self.work {
            Work::Postgres(mut lease) => lease.end("ROLLBACK").await.map_err(server::failed),
            Work::Sqlite { inner, .. } => inner.rollback().await,
        }
        .map_err(classify::database)
    }
}

/// Runs a statement of SQLite's writer to its end, or to the deadline. Bulk moves have none.
async fn timed<T>(
    deadline: Option<Instant>,
    alarm: &Alarm,
    patience: Duration,
    work: impl Future<Output = std::result::Result<T, sea_orm::DbErr>>,
) -> Result<T> {
    let end = deadline.map(|deadline| sooner(Some(deadline), patience));
    alarm.set(end);
    let running = Running::new(Some(alarm));
    let outcome = within(end, work).await;
    // What took too long may still be running.
    if !matches!(&outcome, Err(error) if error.code() == Code::Timeout) {
        running.done();
        alarm.set(None);
    }
    outcome
}

/// The deadline, or the end of a statement that begins now.
fn sooner(deadline: Option<Instant>, patience: Duration) -> Instant {
    let end = Instant::now() + patience;
    deadline.map_or(end, |deadline| deadline.min(end))
}

/// Work of PostgreSQL's, which ends what takes too long itself: a server that does not is away.
async fn served<T>(
    deadline: Option<Instant>,
    longest: Duration,
    work: impl Future<Output = std::result::Result<T, sea_orm::DbErr>>,
) -> Result<T> {
    let end = Instant::now() + longest;
    if deadline.is_some_and(|deadline| deadline <= end) {
        return within(deadline, work).await;
    }
    let outcome = tokio::time::timeout_at(end, work).await.map_err(|_| classify::away())?;
    outcome.map_err(classify::database)
}

async fn within<T>(
    deadline: Option<Instant>,
    work: impl Future<Output = std::result::Result<T, sea_orm::DbErr>>,
) -> Result<T> {
    let outcome = match deadline {
        Some(deadline) => tokio::time::timeout_at(deadline, work).await.map_err(|_| {
            Error::new(Code::Timeout, "The database did not answer in time.")
                .hint("Ask for less: a narrower condition, a smaller page, an index on what is filtered and sorted by.")
        })?,
        None => work.await,
    };
    outcome.map_err(classify::database)
}

/// How long a connection may be waited for by default.
pub const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);
