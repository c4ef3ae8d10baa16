//! PostgreSQL's connections. A statement that nobody waits for any more is cancelled.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use sea_orm::sea_query::Values;
use sea_orm::sqlx::postgres::{PgArguments, PgConnectOptions};
use sea_orm::sqlx::query::Query;
use sea_orm::sqlx::{self, AssertSqlSafe, ConnectOptions, Connection, IntoArguments, PgConnection, Postgres};
use sea_orm::{DbErr, QueryResult, RuntimeErr, Value};
use sea_query_sqlx::SqlxValues;
use tokio::time::{Instant, timeout};

use super::pool::{Lease, Link, Pool};

/// A connection that slept longer may be dead; one that was just used is not.
const DROWSY: Duration = Duration::from_secs(10);

/// How long the server may take to say that a connection is alive.
const WAKING: Duration = Duration::from_secs(1);

/// A connection's age at most: poolers and new replicas are found in time.
const LIFETIME: Duration = Duration::from_secs(3600);

/// How long a cancelled statement may take to end.
const SETTLING: Duration = Duration::from_secs(5);

/// Errors that a connection still holds when it is brought to rest: of the cancelled statement, and of what followed it.
const LEFTOVERS: usize = 4;

/// Looks into a schema first for what is named, and says so to whoever asks which servers there are.
const NAMED: &str = "select pg_backend_pid(), \
     set_config('search_path', quote_ident($1) || ', ' || current_setting('search_path'), false), \
     set_config('application_name', replace($1, '_', ' '), false)";

/// The server.
#[derive(Debug)]
pub(super) struct Source {
    /// Where it is, and as who.
    pub(super) options: PgConnectOptions,
    /// Whether statements are prepared by name. A pooler that lends connections for a transaction forgets names.
    pub(super) named: bool,
    /// The schema of the former names of the model in force ([`migration::version_schema`]), which is looked into first: once
    /// another model gives other names, this one finds its own there.
    pub(super) names: Mutex<Option<Arc<str>>>,
}

impl Source {
    fn names(&self) -> Option<Arc<str>> {
        // A pooler that lends connections for a transaction would lend them with somebody else's names.
        self.names.lock().unwrap_or_else(PoisonError::into_inner).clone().filter(|_| self.named)
    }
}

/// A connection.
#[derive(Debug)]
pub(super) struct Server {
    connection: PgConnection,
    /// The process that serves it, by which it can be cancelled.
    process: i32,
    /// Whether a transaction was begun.
    within: bool,
    opened: Instant,
    /// Where it looks first for what is named.
    names: Option<Arc<str>>,
}

impl Link for Server {
    type Source = Source;

    const IDLE: Duration = Duration::from_secs(600);

    async fn open(source: &Source) -> Result<Self, sqlx::Error> {
        let mut connection = source.options.connect().await?;
        let names = source.names();
        let process = match &names {
            Some(names) => {
                sqlx::query_scalar(NAMED).persistent(false).bind(names.as_ref()).fetch_one(&mut connection)
            }
            None => {
                let asked = sqlx::query_scalar("select pg_backend_pid()").persistent(false);
                asked.fetch_one(&mut connection)
            }
        };
        let process = process.await?;
        Ok(Self { connection, process, within: false, opened: Instant::now(), names })
    }

    async fn wakes(&mut self, source: &Source, slept: Duration) -> bool {
        self.opened.elapsed() < LIFETIME
            && self.names == source.names()
            && (slept < DROWSY || matches!(timeout(WAKING, self.connection.ping()).await, Ok(Ok(()))))
    }

    async fn settle(&mut self, source: &Source) -> bool {
        let settling = async {
            // Behind a pooler the process may serve somebody else by now; there the statement's own timeout ends it.
            if source.named {
                let mut other = source.options.connect().await.ok()?;
                let cancel = sqlx::query("select pg_cancel_backend($1)").persistent(false).bind(self.process);
                cancel.execute(&mut other).await.ok()?;
                let _ = other.close().await;
            }
            for _ in 0..LEFTOVERS {
                let calm = match self.within {
                    true => self.say("ROLLBACK").await,
                    false => self.connection.ping().await,
                };
                match calm {
                    Ok(()) => {
                        self.within = false;
                        return Some(());
                    }
                    Err(sqlx::Error::Database(_)) => {}
                    Err(_) => return None,
                }
            }
            None
        };
        matches!(timeout(SETTLING, settling).await, Ok(Some(())))
    }
}

impl Server {
    /// A command without values and without an answer.
    async fn say(&mut self, command: &'static str) -> Result<(), sqlx::Error> {
        sqlx::raw_sql(command).execute(&mut self.connection).await.map(|_| ())
    }
}

impl Pool<Server> {
    /// Runs a statement that reads and gives one row at most.
    ///
    /// # Errors
    /// The database's.
    pub(super) async fn one(&self, sql: &str, values: Vec<Value>) -> Result<Option<QueryResult>, DbErr> {
        loop {
            let mut lease = self.lease().await?;
            match lease.one(sql, values.clone()).await {
                // The server went away while the connection slept: nothing was done, so it is asked again.
                Err(error) if !lease.is_new() && is_broken(&error) => {}
                outcome => return outcome.map_err(failed),
            }
        }
    }

    /// Runs one statement, a transaction of its own.
    ///
    /// # Errors
    /// The database's.
    pub(super) async fn all(&self, sql: &str, values: Vec<Value>) -> Result<Vec<QueryResult>, DbErr> {
        let mut lease = self.lease().await?;
        lease.all(sql, values).await.map_err(failed)
    }

    /// Begins a transaction.
    ///
    /// # Errors
    /// The database's.
    pub(super) async fn begin(&self) -> Result<Lease<Server>, DbErr> {
        loop {
            let mut lease = self.lease().await?;
            match lease.command("BEGIN", true).await {
                Ok(()) => return Ok(lease),
                Err(error) if !lease.is_new() && is_broken(&error) => {}
                Err(error) => return Err(failed(error)),
            }
        }
    }
}

impl Lease<Server> {
    /// Runs a statement that gives one row at most.
    async fn one(&mut self, sql: &str, values: Vec<Value>) -> Result<Option<QueryResult>, sqlx::Error> {
        let query = self.statement(sql, values);
        let server = self.server()?;
        let outcome = query.fetch_optional(&mut server.connection).await;
        self.after(outcome).map(|row| row.map(QueryResult::from))
    }

    /// Runs a statement that gives rows.
    pub(super) async fn all(
        &mut self,
        sql: &str,
        values: Vec<Value>,
    ) -> Result<Vec<QueryResult>, sqlx::Error> {
        let query = self.statement(sql, values);
        let server = self.server()?;
        let outcome = query.fetch_all(&mut server.connection).await;
        self.after(outcome).map(|rows| rows.into_iter().map(QueryResult::from).collect())
    }

    /// Runs a statement and tells how many rows it touched.
    pub(super) async fn execute(&mut self, sql: &str, values: Vec<Value>) -> Result<u64, sqlx::Error> {
        let query = self.statement(sql, values);
        let server = self.server()?;
        let outcome = query.execute(&mut server.connection).await;
        self.after(outcome).map(|done| done.rows_affected())
    }

    /// `COMMIT` or `ROLLBACK`.
    ///
    /// # Errors
    /// The database's: deferred constraints speak at the end. The transaction is over all the same.
    pub(super) async fn end(&mut self, command: &'static str) -> Result<(), sqlx::Error> {
        self.command(command, false).await
    }

    async fn command(&mut self, command: &'static str, within: bool) -> Result<(), sqlx::Error> {
        let server = self.server()?;
        // What is given up on the way is undone, in case it began.
        server.within = true;
        let outcome = server.say(command).await;
        server.within = within;
        self.after(outcome)
    }

    fn statement(&self, sql: &str, values: Vec<Value>) -> Query<'static, Postgres, PgArguments> {
        let arguments = IntoArguments::<Postgres>::into_arguments(SqlxValues(Values(values)));
        sqlx::query_with(AssertSqlSafe(sql), arguments).persistent(self.source().named)
    }

    fn server(&mut self) -> Result<&mut Server, sqlx::Error> {
        self.link().map_err(|_| sqlx::Error::PoolClosed)
    }

    /// What an answer says about the connection.
    fn after<T>(&mut self, outcome: Result<T, sqlx::Error>) -> Result<T, sqlx::Error> {
        match &outcome {
            Err(error) if is_broken(error) => self.broken(),
            // A transaction that is not ended has to be.
            _ if self.link().is_ok_and(|server| server.within) => {}
            _ => self.rested(),
        }
        outcome
    }
}

/// Whether an error is the end of its connection.
fn is_broken(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Database(reply) => reply.code().is_some_and(|code| {
            code.starts_with("08") || ["57P01", "57P02", "57P03", "57P05", "25P03"].contains(&code.as_ref())
        }),
        sqlx::Error::Io(_) | sqlx::Error::Tls(_) | sqlx::Error::Protocol(_) | sqlx::Error::PoolClosed => true,
        _ => false,
    }
}

/// The error as SeaORM has it, which is what is read everywhere else.
pub(super) fn failed(error: sqlx::Error) -> DbErr {
    DbErr::Query(RuntimeErr::SqlxError(std::sync::Arc::new(error)))
}
