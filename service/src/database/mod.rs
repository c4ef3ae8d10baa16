//! The database: pools, transactions, how values are bound, what its errors mean.

mod alarm;
pub mod bind;
pub mod classify;
mod connect;
mod reach;
mod reader;

use std::sync::Arc;
use std::time::Duration;

use migration::Dialect;
use sea_orm::{
    ConnectionTrait, DatabaseConnection, DatabaseTransaction, QueryResult, SqliteTransactionMode, Statement,
    TransactionOptions, TransactionTrait,
};
use tokio::time::Instant;

use crate::error::{Code, Error, Result};

use alarm::{Alarm, Running};
use reach::Reach;
use reader::Readers;

pub use connect::{Settings, is_missing};

/// The pools of one database.
#[derive(Debug, Clone)]
pub struct Database {
    dialect: Dialect,
    /// SQLite: many connections that only read. PostgreSQL: the pool.
    readers: Reads,
    /// SQLite: the one connection that writes. PostgreSQL: the pool.
    writer: DatabaseConnection,
    /// SQLite: what ends the writer's statements. PostgreSQL does so itself.
    alarm: Option<Arc<Alarm>>,
    /// How long a statement may run.
    patience: Duration,
}

#[derive(Debug, Clone)]
enum Reads {
    Pool(DatabaseConnection, Option<Reach>),
    Sqlite(Readers),
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
        self.dialect
    }

    /// The connection that may write, for migrations and bulk moves.
    #[must_use]
    pub fn writer(&self) -> &DatabaseConnection {
        &self.writer
    }

    /// Whether the database answers.
    ///
    /// # Errors
    /// `UNAVAILABLE` when it does not.
    pub async fn ping(&self) -> Result<()> {
        self.read("SELECT 1", Vec::new(), None).await.map(|_| ())
    }

    /// Runs one reading statement that gives one row at most.
    ///
    /// # Errors
    /// The database's, classified; `TIMEOUT` at the deadline.
    pub async fn read(
        &self,
        sql: &str,
        values: Vec<sea_orm::Value>,
        deadline: Option<Instant>,
    ) -> Result<Option<QueryResult>> {
        match &self.readers {
            Reads::Pool(pool, reach) => {
                let statement = Statement::from_sql_and_values(pool.get_database_backend(), sql, values);
                within(deadline, reached(reach.as_ref(), pool.query_one_raw(statement))).await
            }
            Reads::Sqlite(readers) => {
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
        let statement = Statement::from_sql_and_values(self.writer.get_database_backend(), sql, values);
        within(deadline, reached(self.reach(), self.writer.query_all_raw(statement))).await
    }

    /// What tells a server that is gone from one that is busy; SQLite is never gone.
    fn reach(&self) -> Option<&Reach> {
        match &self.readers {
            Reads::Pool(_, reach) => reach.as_ref(),
            Reads::Sqlite(_) => None,
        }
    }

    /// Begins a transaction that may write. On SQLite there is one at a time; others wait for it.
    ///
    /// # Errors
    /// `UNAVAILABLE` when no connection comes free in time.
    pub async fn begin(&self, deadline: Option<Instant>) -> Result<Transaction> {
        let options = TransactionOptions {
            // A deferred transaction that reads before it writes can't be made to wait: it fails as busy at once.
            sqlite_transaction_mode: (self.dialect == Dialect::Sqlite)
                .then_some(SqliteTransactionMode::Immediate),
            ..TransactionOptions::default()
        };
        let inner = within(deadline, reached(self.reach(), self.writer.begin_with_options(options))).await?;
        Ok(Transaction {
            inner,
            deadline,
            dialect: self.dialect,
            alarm: self.alarm.clone(),
            patience: self.patience,
        })
    }
}

/// A transaction that may write. Dropped without a commit, it is rolled back.
#[derive(Debug)]
pub struct Transaction {
    inner: DatabaseTransaction,
    deadline: Option<Instant>,
    dialect: Dialect,
    alarm: Option<Arc<Alarm>>,
    patience: Duration,
}

impl Transaction {
    /// Which database it is.
    #[must_use]
    pub fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// Runs a statement that gives rows.
    ///
    /// # Errors
    /// The database's, classified; `TIMEOUT` at the deadline.
    pub async fn query(&self, sql: &str, values: Vec<sea_orm::Value>) -> Result<Vec<QueryResult>> {
        let statement = Statement::from_sql_and_values(self.inner.get_database_backend(), sql, values);
        self.run(self.inner.query_all_raw(statement)).await
    }

    /// Runs a statement and tells how many rows it touched.
    ///
    /// # Errors
    /// The database's, classified; `TIMEOUT` at the deadline.
    pub async fn execute(&self, sql: &str, values: Vec<sea_orm::Value>) -> Result<u64> {
        let statement = Statement::from_sql_and_values(self.inner.get_database_backend(), sql, values);
        Ok(self.run(self.inner.execute_raw(statement)).await?.rows_affected())
    }

    /// Runs a statement to its end, or to the deadline. Bulk moves have none.
    async fn run<T>(&self, work: impl Future<Output = std::result::Result<T, sea_orm::DbErr>>) -> Result<T> {
        let Some(alarm) = self.alarm.as_deref() else { return within(self.deadline, work).await };
        let end = self.deadline.map(|deadline| sooner(Some(deadline), self.patience));
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

    /// Makes the changes last.
    ///
    /// # Errors
    /// The database's, classified: deferred constraints speak here.
    pub async fn commit(self) -> Result<()> {
        self.inner.commit().await.map_err(classify::database)
    }

    /// Undoes everything.
    ///
    /// # Errors
    /// The database's, classified.
    pub async fn rollback(self) -> Result<()> {
        self.inner.rollback().await.map_err(classify::database)
    }
}

/// The deadline, or the end of a statement that begins now.
fn sooner(deadline: Option<Instant>, patience: Duration) -> Instant {
    let end = Instant::now() + patience;
    deadline.map_or(end, |deadline| deadline.min(end))
}

/// Work with a server that is asked whether it is there when the work takes long.
async fn reached<T>(
    reach: Option<&Reach>,
    work: impl Future<Output = std::result::Result<T, sea_orm::DbErr>>,
) -> std::result::Result<T, sea_orm::DbErr> {
    match reach {
        Some(reach) => reach.during(work).await,
        None => work.await,
    }
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
