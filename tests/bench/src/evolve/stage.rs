//! The database of the run: who connects to it as whom, and the rows in it.

use std::time::Duration;

use clap::ValueEnum;
use harness::postgres::{Cluster, Setting};
use harness::{Backend, requirement, watchdog};
use sea_orm::{ConnectionTrait, Database, DatabaseConnection, TransactionTrait};
use tempfile::TempDir;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::question::Size;

/// The role of the servers. Roles tell apart who waits: servers and `launchway apply` have the same application name.
pub const SERVER: &str = "launchway";

/// The role of `launchway apply`.
const CHANGER: &str = "changer";

/// The role of whoever looks on.
const WATCHER: &str = "watcher";

/// The engine of the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Engine {
    /// A private cluster that waits for the disk.
    Postgres,
    /// A file.
    Sqlite,
}

/// A running database.
#[derive(Debug)]
pub struct Stage {
    /// Which one.
    pub engine: Engine,
    /// The cluster, on PostgreSQL.
    pub cluster: Option<Cluster>,
    /// The rows.
    pub size: Size,
    server: String,
    /// Holds the file, on SQLite.
    _folder: TempDir,
}

impl Stage {
    /// Starts an empty one; none where PostgreSQL is missing, which was then said.
    pub async fn start(engine: Engine, rows: u64) -> Option<Self> {
        let folder = tempfile::Builder::new().prefix("launchway-evolve-").tempdir().expect("a folder");
        watchdog::remove(folder.path());
        let size = Size::of(rows);
        if engine == Engine::Sqlite {
            let server = format!("sqlite://{}", folder.path().join("evolve.db").display());
            return Some(Self { engine, cluster: None, size, server, _folder: folder });
        }
        let options = ["log_lock_waits=on", "deadlock_timeout=10ms", "log_line_prefix=%d|%e|%u|"];
        let options = options.map(ToOwned::to_owned).to_vec();
        let setting = Setting { memory: "512MB".to_owned(), options, ..Setting::default() };
        let Some(cluster) = Cluster::start(&setting) else {
            requirement::missing("postgres", "Install PostgreSQL (Debian: `apt-get install postgresql`).");
            return None;
        };
        let server = cluster.url(&cluster.create_database().await);
        let stage = Self { engine, cluster: Some(cluster), size, server, _folder: folder };
        let database = connect(&stage.server).await;
        for role in [CHANGER, WATCHER] {
            run(&database, &format!("create role {role} superuser login")).await;
        }
        Some(stage)
    }

    /// The engine, as the harness names it.
    pub fn backend(&self) -> Backend {
        match self.engine {
            Engine::Postgres => Backend::Postgres,
            Engine::Sqlite => Backend::Sqlite,
        }
    }

    /// The URL of the servers.
    pub fn server(&self) -> &str {
        &self.server
    }

    /// The URL of `launchway apply`.
    pub fn changer(&self) -> String {
        self.url(CHANGER)
    }

    fn url(&self, role: &str) -> String {
        self.server.replacen(&format!("//{SERVER}@"), &format!("//{role}@"), 1)
    }

    /// A connection of somebody who looks on.
    pub async fn watcher(&self) -> DatabaseConnection {
        connect(&self.url(WATCHER)).await
    }

    /// Fills the tables that `launchway apply` made.
    pub async fn fill(&self) {
        let database = connect(&self.changer()).await;
        let Size { rows, shops } = self.size;
        let (now, numbers) = match self.engine {
            Engine::Postgres => ("now()", series as fn(u64) -> String),
            Engine::Sqlite => ("strftime('%Y-%m-%dT%H:%M:%S', 'now')", recursive as fn(u64) -> String),
        };
        for table in ["shops", "makers"] {
            let statement = format!(
                "insert into {table} (name, created_at, updated_at, version)
                 select 'Name ' || n, {now}, {now}, 1 from {}",
                numbers(shops)
            );
            run(&database, &statement).await;
        }
        // Multiplying by a prime that does not divide the count spreads rows without chance: every run has the same rows.
        let items = format!(
            "insert into items (code, title, shop_id, grade, price, stock, views, weight, created_at, updated_at, version)
             select 'C' || n, 'Title ' || n, 1 + (n * 7919) % {shops}, 'PLAIN', n % 1000, n, n, n, {now}, {now}, 1 from {}",
            numbers(rows)
        );
        run(&database, &items).await;
        match self.engine {
            Engine::Postgres => {
                run(&database, "vacuum (analyze)").await;
                run(&database, "checkpoint").await;
            }
            Engine::Sqlite => run(&database, "analyze").await,
        }
        let _ = database.close().await;
    }

    /// Reads a table in a transaction that stays open for so long; returns when it has begun to.
    pub async fn read_long(&self, table: &str, time: Duration) -> JoinHandle<()> {
        let database = self.watcher().await;
        let query = format!("select count(*) from {table} where id < 1000");
        let (begun, wait) = oneshot::channel();
        let reader = tokio::spawn(async move {
            let transaction = database.begin().await.expect("a transaction");
            transaction.execute_unprepared(&query).await.expect("the table is read");
            let _ = begun.send(());
            tokio::time::sleep(time).await;
            transaction.commit().await.expect("a commit");
        });
        wait.await.expect("the reader has begun");
        reader
    }
}

fn series(count: u64) -> String {
    format!("(select n::bigint from generate_series(1, {count}) n) numbers")
}

fn recursive(count: u64) -> String {
    format!(
        "(with recursive numbers(n) as (select 1 union all select n + 1 from numbers where n < {count}) select n from numbers)"
    )
}

async fn connect(url: &str) -> DatabaseConnection {
    let mut options = sea_orm::ConnectOptions::new(url);
    options.max_connections(1).sqlx_logging(false);
    Database::connect(options).await.expect("the database")
}

async fn run(database: &DatabaseConnection, statement: &str) {
    if let Err(error) = database.execute_unprepared(statement).await {
        panic!("{statement}\n{error}");
    }
}
