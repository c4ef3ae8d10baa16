//! One process at a time, on a connection of its own.

use std::time::Duration;

use sea_orm::sqlx::postgres::PgPoolOptions;
use sea_orm::sqlx::sqlite::SqlitePoolOptions;
use sea_orm::{
    ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbErr, IsolationLevel, RuntimeErr,
    SqliteTransactionMode, SqlxPostgresConnector, SqlxSqliteConnector, Statement, TransactionOptions,
    TransactionTrait,
};

use crate::dialect::Dialect;
use crate::error::{Error, Result};

/// The key of the advisory lock: "launchwa" as a number.
const KEY: i64 = i64::from_be_bytes(*b"launchwa");

/// How long a statement waits for a lock on a table that somebody uses: everybody else waits behind it, so not for long;
/// then it gives way and is tried again.
const GIVE_WAY: &str = "SET LOCAL lock_timeout = '100ms'";

/// How long to wait for the connection.
const CONNECTING: Duration = Duration::from_secs(30);

/// The connection that applies a model. It is not one of the caller's pool: what is set on it, and the lock that belongs to
/// it, end with it, whatever becomes of the caller.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) connection: DatabaseConnection,
    pub(super) dialect: Dialect,
    /// Whether the connection is of this session alone.
    own: bool,
}

impl Session {
    /// Opens the connection.
    pub(super) async fn open(connection: &DatabaseConnection, dialect: Dialect) -> Result<Self> {
        let failed = |source: sea_orm::SqlxError| {
            let source = DbErr::Conn(RuntimeErr::SqlxError(std::sync::Arc::new(source)));
            Error::of("connecting", source)
        };
        let own = match dialect {
            Dialect::Postgres => {
                let options = connection.get_postgres_connection_pool().connect_options();
                let options = options
                    .as_ref()
                    .clone()
                    .application_name("launchway apply")
                    .options([("statement_timeout", "0"), ("idle_in_transaction_session_timeout", "0")]);
                let pool = PgPoolOptions::new()
                    .max_connections(1)
                    .acquire_timeout(CONNECTING)
                    .idle_timeout(None)
                    .max_lifetime(None)
                    .test_before_acquire(false)
                    .connect_with(options);
                SqlxPostgresConnector::from_sqlx_postgres_pool(pool.await.map_err(failed)?)
            }
            Dialect::Sqlite => {
                let options = connection.get_sqlite_connection_pool().connect_options();
                if is_in_memory(&options.get_filename().to_string_lossy()) {
                    // Such a database belongs to its one connection.
                    let session = Self { connection: connection.clone(), dialect, own: false };
                    session.enforce(false).await?;
                    return Ok(session);
                }
                // A table that is written anew leaves its place for a moment, and must not take along what refers to it;
                // the references are looked at before the end.
                let options = options.as_ref().clone().foreign_keys(false);
                let pool = SqlitePoolOptions::new()
                    .max_connections(1)
                    .acquire_timeout(CONNECTING)
                    .connect_with(options);
                SqlxSqliteConnector::from_sqlx_sqlite_pool(pool.await.map_err(failed)?)
            }
        };
        Ok(Self { connection: own, dialect, own: true })
    }

    /// Closes the connection, and with it all that was set or locked.
    pub(super) async fn close(self) {
        if !self.own {
            if let Err(error) = self.enforce(true).await {
                tracing::warn!(%error, "references are not enforced any more: start again");
            }
        } else if let Err(source) = self.connection.close().await {
            tracing::debug!(%source, "the connection of an application could not be closed");
        }
    }

    /// Whether references are enforced from now on (SQLite).
    async fn enforce(&self, enforced: bool) -> Result<()> {
        let pragma = if enforced { "PRAGMA foreign_keys = ON" } else { "PRAGMA foreign_keys = OFF" };
        let done = self.connection.execute_unprepared(pragma).await;
        done.map(|_| ()).map_err(|source| Error::of("setting how references are enforced", source))
    }

    /// Holds the lock against other processes until the connection ends (PostgreSQL).
    ///
    /// # Errors
    /// [`Error::Busy`] when another one has it.
    pub(super) async fn lock(&self) -> Result<()> {
        let query = format!("SELECT pg_try_advisory_lock({KEY}) AS locked");
        self.locked(&self.connection, query).await
    }

    async fn locked(&self, connection: &impl ConnectionTrait, query: String) -> Result<()> {
        let failed = |source| Error::of("locking", source);
        let statement = Statement::from_string(connection.get_database_backend(), query);
        let row = connection.query_one_raw(statement).await.map_err(failed)?;
        match row.map(|row| row.try_get::<bool>("", "locked")).transpose().map_err(failed)? {
            Some(true) => Ok(()),
            Some(false) | None => Err(Error::Busy("another process applies a model".to_owned())),
        }
    }

    /// Begins a transaction that no other process can be in at the same time. Its statements give way where a lock is not
    /// free at once.
    ///
    /// # Errors
    /// [`Error::Busy`] when another one is.
    pub(super) async fn begin(&self) -> Result<DatabaseTransaction> {
        let failed = |source| Error::of("beginning a transaction", source);
        let options = match self.dialect {
            Dialect::Sqlite => TransactionOptions {
                sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
                ..TransactionOptions::default()
            },
            Dialect::Postgres => TransactionOptions {
                isolation_level: Some(IsolationLevel::ReadCommitted),
                ..TransactionOptions::default()
            },
        };
        let transaction = self.connection.begin_with_options(options).await.map_err(failed)?;
        if self.dialect == Dialect::Sqlite {
            return Ok(transaction);
        }
        // Also where the session has it: a connection that was lost and opened again has lost the session's lock.
        let query = format!("SELECT pg_try_advisory_xact_lock({KEY}) AS locked");
        if let Err(error) = self.locked(&transaction, query).await {
            end(transaction, false).await?;
            return Err(error);
        }
        transaction.execute_unprepared(GIVE_WAY).await.map_err(failed)?;
        Ok(transaction)
    }
}

/// Whether the driver keeps a database of this file name in memory alone.
fn is_in_memory(file: &str) -> bool {
    file.is_empty() || file == ":memory:" || file.starts_with("file:sqlx-in-memory-")
}

/// Ends a transaction. Dropping it would roll back some time later; the locks are to be free now.
pub(super) async fn end(transaction: DatabaseTransaction, keep: bool) -> Result<()> {
    if keep {
        return transaction.commit().await.map_err(|source| Error::of("committing", source));
    }
    if let Err(source) = transaction.rollback().await {
        tracing::debug!(%source, "the transaction could not be rolled back; the database does it");
    }
    Ok(())
}
