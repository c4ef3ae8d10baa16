//! One process at a time.

use sea_orm::{
    ConnectionTrait, DatabaseConnection, DatabaseTransaction, IsolationLevel, SqliteTransactionMode,
    Statement, TransactionOptions, TransactionTrait,
};

use crate::dialect::Dialect;
use crate::error::{Error, Result};

/// The key of the advisory lock: "launchwa" as a number.
const KEY: i64 = i64::from_be_bytes(*b"launchwa");

/// How long a statement waits for a table that somebody uses: everybody else waits behind it, so not for long; then the
/// whole is tried again.
const TABLE_PATIENCE: &str = "SET LOCAL lock_timeout = '200ms'";

/// Begins a transaction that no other process can be in at the same time.
///
/// # Errors
/// [`Error::Busy`] when another one is.
pub(crate) async fn begin(connection: &DatabaseConnection, dialect: Dialect) -> Result<DatabaseTransaction> {
    let failed = |source| Error::of("beginning a transaction", source);
    let options = match dialect {
        Dialect::Sqlite => TransactionOptions {
            sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
            ..TransactionOptions::default()
        },
        Dialect::Postgres => TransactionOptions {
            isolation_level: Some(IsolationLevel::ReadCommitted),
            ..TransactionOptions::default()
        },
    };
    let transaction = connection.begin_with_options(options).await.map_err(failed)?;
    if dialect == Dialect::Sqlite {
        return Ok(transaction);
    }
    let query = format!("SELECT pg_try_advisory_xact_lock({KEY}) AS locked");
    let statement = Statement::from_string(transaction.get_database_backend(), query);
    let row = transaction.query_one_raw(statement).await.map_err(failed)?;
    let locked = row.map(|row| row.try_get::<bool>("", "locked")).transpose().map_err(failed)?;
    if locked != Some(true) {
        transaction.rollback().await.map_err(failed)?;
        return Err(Error::Busy("another process applies a model".to_owned()));
    }
    for setting in [TABLE_PATIENCE, "SET LOCAL statement_timeout = 0"] {
        transaction.execute_unprepared(setting).await.map_err(failed)?;
    }
    Ok(transaction)
}
