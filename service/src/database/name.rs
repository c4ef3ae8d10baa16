//! Today's names of a model's tables and columns. Another process may give the database another model, in which they have
//! other names; whoever began with the former one goes on with it, in the new names.
//!
//! PostgreSQL keeps the former names for such a server (`migration::version_schema`), SQLite can't. A statement that names
//! what is not there any more has done nothing: the history is asked what became of the name, and the request runs again.
//! On SQLite a former name may also belong to something else by now, so that nothing fails: a write looks at the version of
//! the schema once it has the lock, a read tells which one it saw.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwapOption;
use entity::Catalog;
use migration::Dialect;
use sea_orm::QueryResult;
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::{Database, Transaction, classify};
use crate::error::{Code, Error, Result};

/// How often a request runs again: names may be changed again while it does.
const TRIES: u32 = 3;

/// How long the history is waited for.
const PATIENCE: Duration = Duration::from_secs(5);

/// SQLite's count of changes of the schema.
const SCHEMA: &str = "PRAGMA schema_version";

/// What is known of today's names.
#[derive(Debug, Default)]
pub(crate) struct Names {
    bound: ArcSwapOption<Bound>,
    turn: Mutex<()>,
}

/// A model, and the same in today's names.
#[derive(Debug)]
struct Bound {
    model: Arc<Catalog>,
    today: Arc<Catalog>,
    /// The version of the schema that has these names (SQLite).
    schema: Option<i64>,
}

/// A write was about to begin in a schema that is not known to have its names.
#[derive(Debug, thiserror::Error)]
#[error("the schema of the database was changed")]
struct Moved;

impl Names {
    /// A model in the names that are known to be today's.
    #[must_use]
    pub(crate) fn today(&self, model: &Arc<Catalog>) -> Arc<Catalog> {
        let bound = self.bound.load();
        let known = bound.as_ref().filter(|bound| Arc::ptr_eq(&bound.model, model));
        Arc::clone(known.map_or(model, |bound| &bound.today))
    }

    fn fits(&self, names: &Arc<Catalog>, schema: Option<i64>) -> bool {
        self.known(names, schema).is_some()
    }

    fn known(&self, names: &Arc<Catalog>, schema: Option<i64>) -> Option<Arc<Bound>> {
        let bound = self.bound.load_full()?;
        (schema.is_some() && bound.schema == schema && Arc::ptr_eq(&bound.today, names)).then_some(bound)
    }

    /// Finds out what became of the names that were used; whether there are others by now.
    ///
    /// # Errors
    /// The database's.
    async fn learn(&self, database: &Database, model: &Arc<Catalog>, used: &Arc<Catalog>) -> Result<bool> {
        let _turn = self.turn.lock().await;
        if !Arc::ptr_eq(&self.today(model), used) {
            return Ok(true);
        }
        // First the version: names that were given after it was read are learned once more.
        let schema = version(database).await?;
        if self.known(used, schema).is_some() || keeps_former_names(database).await? {
            return Ok(false);
        }
        let renames = migration::renames_since(database.history(), model).await.map_err(|error| {
            tracing::warn!(target: "launchway::engine", %error, "what became of names is not known");
            unsure()
        })?;
        let bound = renames.unwrap_or_default().rebind(model);
        let today = bound.map_or_else(|| Arc::clone(model), Arc::new);
        let same = *today == **used;
        let today = if same { Arc::clone(used) } else { today };
        if !same {
            let model = &model.version;
            tracing::info!(target: "launchway::engine", %model, "tables or columns of the model have other names now");
        }
        self.bound.store(Some(Arc::new(Bound { model: Arc::clone(model), today, schema })));
        Ok(!same)
    }
}

/// Whether former names stand first in the way of the connections (PostgreSQL): names of today could mean others of them.
///
/// # Errors
/// The database's.
async fn keeps_former_names(database: &Database) -> Result<bool> {
    if database.dialect() == Dialect::Sqlite {
        return Ok(false);
    }
    let query = "SELECT 1 FROM pg_catalog.pg_views WHERE schemaname = ANY (current_schemas(false)) \
                 AND schemaname ~ '^launchway_[0-9a-f]{12}$' LIMIT 1";
    Ok(database.read(query, Vec::new(), None).await?.is_some())
}

/// The version of the schema; none on PostgreSQL.
///
/// # Errors
/// The database's.
async fn version(database: &Database) -> Result<Option<i64>> {
    match database.dialect() {
        Dialect::Postgres => Ok(None),
        Dialect::Sqlite => schema(database.read(SCHEMA, Vec::new(), None).await?.as_ref()),
    }
}

fn schema(row: Option<&QueryResult>) -> Result<Option<i64>> {
    row.map(|row| row.try_get_by_index(0).map_err(classify::database)).transpose()
}

impl Database {
    /// A model in the names that are known to be today's.
    #[must_use]
    pub(crate) fn names(&self, model: &Arc<Catalog>) -> Arc<Catalog> {
        self.names.today(model)
    }

    /// A model in the names of today, which nobody changes before this transaction is done.
    ///
    /// # Errors
    /// The database's.
    pub(crate) async fn names_of(
        &self,
        transaction: &mut Transaction,
        model: &Arc<Catalog>,
    ) -> Result<Arc<Catalog>> {
        let used = self.names(model);
        if model.entities.is_empty() {
            return Ok(used);
        }
        match self.stand(transaction, &used).await {
            Err(error) if is_moved(&error) => {
                Tries::new(self, model, None).learned(&used).await?;
                Ok(self.names(model))
            }
            outcome => outcome.map(|()| used),
        }
    }

    /// Makes sure that the names of a write are today's: nobody changes them before it is done.
    ///
    /// # Errors
    /// That they may not be, which [`Tries::again`] understands; or the database's.
    pub(crate) async fn stand(&self, transaction: &mut Transaction, names: &Arc<Catalog>) -> Result<()> {
        if transaction.dialect() == Dialect::Postgres {
            return Ok(());
        }
        let rows = transaction.query(SCHEMA, Vec::new()).await?;
        if self.names.fits(names, schema(rows.first())?) { Ok(()) } else { Err(unsure().because(Moved)) }
    }
}

/// A request that may run again.
#[derive(Debug)]
pub(crate) struct Tries<'a> {
    database: &'a Database,
    model: &'a Arc<Catalog>,
    deadline: Option<Instant>,
    left: u32,
}

impl<'a> Tries<'a> {
    /// One that has not run yet.
    pub(crate) fn new(database: &'a Database, model: &'a Arc<Catalog>, deadline: Option<Instant>) -> Self {
        Self { database, model, deadline, left: TRIES }
    }

    /// The names to use now.
    #[must_use]
    pub(crate) fn today(&self) -> Arc<Catalog> {
        self.database.names(self.model)
    }

    /// Whether it is worth another try after an error in these names.
    pub(crate) async fn again(&mut self, error: &Error, used: &Arc<Catalog>) -> bool {
        let moved = is_moved(error);
        if !moved && !classify::is_misnamed(error) {
            return false;
        }
        self.learned(used).await.is_ok_and(|other| other || moved)
    }

    /// Whether a read in these names is worth another try although it gave an answer: they may mean something else in the
    /// version of the schema that it saw, where it gave a row to tell.
    ///
    /// # Errors
    /// That this can't be known: the answer is not to be given.
    pub(crate) async fn moved(&mut self, used: &Arc<Catalog>, seen: Option<i64>) -> Result<bool> {
        if self.database.dialect() == Dialect::Postgres {
            return Ok(false);
        }
        let seen = match seen {
            Some(seen) => Some(seen),
            None => version(self.database).await?,
        };
        if self.database.names.fits(used, seen) { Ok(false) } else { self.learned(used).await }
    }

    /// Whether there are other names by now.
    ///
    /// # Errors
    /// The database's, or that it was tried too often, or took too long.
    async fn learned(&mut self, used: &Arc<Catalog>) -> Result<bool> {
        self.left = self.left.checked_sub(1).ok_or_else(unsure)?;
        let end = Instant::now() + PATIENCE;
        let end = self.deadline.map_or(end, |deadline| deadline.min(end));
        let learned = self.database.names.learn(self.database, self.model, used);
        tokio::time::timeout_at(end, learned).await.map_err(|_| unsure())?
    }
}

/// Names change, or are not known to be those of today.
fn unsure() -> Error {
    Error::new(Code::Unavailable, "The database is being changed.").hint("Try again.").retry_after(1)
}

fn is_moved(error: &Error) -> bool {
    error.cause().is_some_and(|cause| cause.is::<Moved>())
}
