//! Databases to try things on.

use entity::Catalog;
use entity::model::{Source, compile};
use migration::{Allow, Applied, Error, Options};
use sea_orm::{ConnectOptions, ConnectionTrait, Database, DatabaseConnection, Statement};

/// A database of its own; gone when dropped.
pub(crate) struct Db {
    pub(crate) connection: DatabaseConnection,
    pub(crate) url: String,
    _folder: tempfile::TempDir,
    postgres: Option<String>,
}

impl Db {
    pub(crate) async fn sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}?mode=rwc", folder.path().join("test.db").display());
        Self { connection: connect(&url).await, url, _folder: folder, postgres: None }
    }

    pub(crate) async fn postgres() -> Option<Self> {
        let cluster = tokio::task::spawn_blocking(harness::postgres::shared).await.unwrap()?;
        let name = cluster.create_database().await;
        let url = cluster.url(&name);
        let folder = tempfile::tempdir().unwrap();
        Some(Self { connection: connect(&url).await, url, _folder: folder, postgres: Some(name) })
    }

    pub(crate) async fn apply(&self, model: &str) -> Result<Applied, Error> {
        self.apply_with(model, &[]).await
    }

    /// Applies with words of consent, and going back is always allowed.
    pub(crate) async fn apply_with(&self, model: &str, consents: &[&str]) -> Result<Applied, Error> {
        let consents = consents.iter().chain(&["revert"]).map(|word| word.parse().unwrap()).collect();
        let options = Options { allow: Allow { consents, hide: false }, ..Options::default() };
        migration::apply(&self.connection, &catalog(model), model, &options).await
    }

    pub(crate) async fn run(&self, statement: &str) {
        self.try_run(statement).await.unwrap_or_else(|error| panic!("{statement}: {error}"));
    }

    pub(crate) async fn try_run(&self, statement: &str) -> Result<(), sea_orm::DbErr> {
        self.connection.execute_unprepared(statement).await.map(|_| ())
    }

    /// Every row of a query whose one column `x` is text.
    pub(crate) async fn texts(&self, query: &str) -> Vec<String> {
        let statement = Statement::from_string(self.connection.get_database_backend(), query);
        let rows = self.connection.query_all_raw(statement).await.unwrap();
        rows.iter()
            .map(|row| row.try_get::<Option<String>>("", "x").unwrap().unwrap_or("null".to_owned()))
            .collect()
    }

    pub(crate) fn is_postgres(&self) -> bool {
        self.postgres.is_some()
    }

    /// Gives it back.
    pub(crate) async fn close(self) {
        let Db { connection, postgres, .. } = self;
        let _ = connection.close().await;
        if let (Some(cluster), Some(name)) = (harness::postgres::shared(), postgres) {
            cluster.drop_database(&name).await;
        }
    }

    pub(crate) fn dialect(&self) -> migration::Dialect {
        migration::Dialect::of(&self.connection).unwrap()
    }

    /// Everything the database says about its tables, to compare before and after.
    pub(crate) async fn schema(&self) -> Vec<String> {
        let query = if self.is_postgres() {
            "SELECT concat_ws(' ', c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull) AS x \
             FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped \
             WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' AND c.relname NOT LIKE 'launchway%' \
             UNION ALL SELECT concat_ws(' ', conrelid::regclass, conname, pg_get_constraintdef(oid)) FROM pg_constraint \
             WHERE connamespace = 'public'::regnamespace AND conrelid::regclass::text NOT LIKE 'launchway%' \
             UNION ALL SELECT indexdef FROM pg_indexes WHERE schemaname = 'public' AND tablename NOT LIKE 'launchway%' \
             ORDER BY x"
        } else {
            "SELECT coalesce(sql, name) AS x FROM sqlite_schema WHERE name NOT LIKE 'launchway%' ORDER BY type, name"
        };
        self.texts(query).await
    }
}

async fn connect(url: &str) -> DatabaseConnection {
    let mut options = ConnectOptions::new(url);
    options.max_connections(4).sqlx_logging(false);
    Database::connect(options).await.unwrap()
}

/// Runs a test on both databases, one after the other.
pub(crate) async fn both(test: impl AsyncFn(&Db)) {
    test(&Db::sqlite().await).await;
    match Db::postgres().await {
        Some(db) => {
            test(&db).await;
            db.close().await;
        }
        None => println!("skipped on PostgreSQL: no server"),
    }
}

/// Compiles a model.
pub(crate) fn catalog(model: &str) -> Catalog {
    match compile(&[Source::new("model.graphql", model)]) {
        Ok(compiled) => compiled.catalog,
        Err(diagnostics) => panic!("{diagnostics:?}"),
    }
}

/// The refusals of an error, as text.
pub(crate) fn refusals(result: Result<Applied, Error>) -> Vec<String> {
    match result {
        Err(Error::Refused(plan)) => plan
            .refused()
            .map(|step| {
                let refusal = step.refusal.as_ref().unwrap();
                format!("{}: {}", step.description, refusal.reason)
            })
            .collect(),
        other => panic!("expected a refusal, got {other:?}"),
    }
}
