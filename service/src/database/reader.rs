//! SQLite's connections that read. Each has an alarm of its own, so that a statement ends at its deadline, and at once
//! when nobody waits for it any more.

use std::sync::Arc;
use std::time::Duration;

use sea_orm::sqlx::sqlite::{SqliteArguments, SqliteConnectOptions};
use sea_orm::sqlx::{self, Arguments, ConnectOptions, Connection, SqliteConnection};
use sea_orm::{DbErr, QueryResult, Value};
use tokio::time::Instant;

use super::alarm::{Alarm, Running};
use super::pool::{Link, Pool};
use super::server::failed;

/// A connection and its alarm.
#[derive(Debug)]
pub(super) struct Reader {
    connection: SqliteConnection,
    alarm: Arc<Alarm>,
}

impl Link for Reader {
    type Source = SqliteConnectOptions;

    const IDLE: Duration = Duration::from_secs(300);

    async fn open(source: &SqliteConnectOptions) -> Result<Self, sqlx::Error> {
        let mut connection = source.connect().await?;
        let alarm = Alarm::new();
        Arc::clone(&alarm).watch(&mut connection).await?;
        Ok(Self { connection, alarm })
    }

    async fn wakes(&mut self, _: &Self::Source, _: Duration) -> bool {
        true
    }

    async fn settle(&mut self, _: &SqliteConnectOptions) -> bool {
        // What was running is being interrupted; the connection is free when it has noticed.
        let calm = self.connection.ping().await.is_ok();
        self.alarm.set(None);
        calm
    }
}

impl Pool<Reader> {
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
        let reader = lease.link()?;
        reader.alarm.set(Some(end));
        let running = Running::new(Some(&reader.alarm));
        let query = sqlx::query_with(sqlx::AssertSqlSafe(sql), arguments);
        let outcome = query.fetch_optional(&mut reader.connection).await;
        running.done();
        reader.alarm.set(None);
        lease.rested();
        outcome.map(|row| row.map(QueryResult::from)).map_err(failed)
    }
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
