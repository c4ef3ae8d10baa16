//! Lock, compare, run, record: the only code here that writes.

use std::time::Duration;

use entity::Catalog;
use entity::catalog::Version;
use sea_orm::{ConnectionTrait, DatabaseConnection, DatabaseTransaction};
use tokio::time::Instant;

use crate::dialect::Dialect;
use crate::error::{Error, Result};
use crate::history::{self, AppliedVersion};
use crate::plan::{self, Plan};
use crate::risk::Risk;
use crate::shape::Shape;
use crate::step::Refusal;
use crate::{lock, system, verify};

/// How long to try again while others are in the way.
const PATIENCE: Duration = Duration::from_secs(60);

/// The pause between tries; it doubles up to [`LONGEST_PAUSE`].
const PAUSE: Duration = Duration::from_millis(50);

/// The longest pause between tries.
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// How far apply may go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Options {
    /// Refuse what is not [`Risk::Safe`]: what a server may do by itself when it starts.
    pub only_safe: bool,
    /// Do everything, then take it back.
    pub dry_run: bool,
}

/// What apply did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Applied {
    /// The steps; none when the database had the shape already.
    pub plan: Plan,
    /// The version now in force.
    pub version: Version,
    /// Whether anything was written: a step, or only the new version of a model that asks for the same tables.
    pub changed: bool,
}

/// Compares a database with a model. Changes nothing.
pub(crate) async fn plan_for(connection: &DatabaseConnection, catalog: &Catalog) -> Result<Plan> {
    let dialect = Dialect::of(connection)?;
    let new = Shape::of(catalog)?;
    let last = history::last(connection, dialect).await?;
    compare(connection, last, &new, &catalog.version, dialect).await
}

/// What is to be applied.
#[derive(Debug, Clone, Copy)]
struct Task<'a> {
    catalog: &'a Catalog,
    shape: &'a Shape,
    model: &'a str,
    options: Options,
    dialect: Dialect,
}

/// Gives a database the shape of a model, trying again while others are in the way.
pub(crate) async fn apply(
    connection: &DatabaseConnection,
    catalog: &Catalog,
    model: &str,
    options: Options,
) -> Result<Applied> {
    let dialect = Dialect::of(connection)?;
    let shape = &Shape::of(catalog)?;
    let task = Task { catalog, shape, model, options, dialect };
    let end = Instant::now() + PATIENCE;
    let mut pause = PAUSE;
    loop {
        match task.once(connection).await {
            Err(Error::Busy(why)) if Instant::now() + pause < end => {
                tracing::debug!(%why, "waiting to apply the model");
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
            other => return other,
        }
    }
}

impl Task<'_> {
    async fn once(self, connection: &DatabaseConnection) -> Result<Applied> {
        let transaction = lock::begin(connection, self.dialect).await?;
        match self.inside(&transaction).await {
            Ok(applied) if !self.options.dry_run => {
                transaction.commit().await.map_err(|source| Error::of("committing", source))?;
                Ok(applied)
            }
            other => {
                // Dropping the transaction would roll back some time later; the lock is to be free now.
                if let Err(source) = transaction.rollback().await {
                    tracing::debug!(%source, "the transaction could not be rolled back; the database does it");
                }
                other
            }
        }
    }

    async fn inside(self, transaction: &DatabaseTransaction) -> Result<Applied> {
        system::prepare(transaction).await?;
        let version = &self.catalog.version;
        let last = history::last(transaction, self.dialect).await?;
        let known = last.as_ref().is_some_and(|last| last.version == *version && last.shape.same(self.shape));
        let mut plan = compare(transaction, last, self.shape, version, self.dialect).await?;
        if self.options.only_safe {
            refuse_unsafe(&mut plan);
        }
        if plan.is_refused() {
            return Err(Error::Refused(Box::new(plan)));
        }
        for step in &plan.steps {
            for statement in &step.statements {
                let done = transaction.execute_unprepared(statement).await;
                done.map_err(|source| Error::of(&step.description, source))?;
            }
        }
        let changed = !known || !plan.is_empty();
        if changed {
            history::record(transaction, version, self.shape, self.model).await?;
        }
        Ok(Applied { plan, version: version.clone(), changed })
    }
}

async fn compare(
    connection: &impl ConnectionTrait,
    last: Option<AppliedVersion>,
    new: &Shape,
    version: &Version,
    dialect: Dialect,
) -> Result<Plan> {
    let (old, from) = match last {
        Some(last) => (last.shape, Some(last.version)),
        None => (Shape::empty(), None),
    };
    let mut plan = plan::plan(&old, new, dialect);
    plan.from = from;
    plan.to = Some(version.clone());
    verify::verify(connection, &old, &mut plan).await?;
    Ok(plan)
}

fn refuse_unsafe(plan: &mut Plan) {
    for step in &mut plan.steps {
        let (Risk::Locks { reason, .. }, None) = (&step.risk, &step.refusal) else { continue };
        step.refusal = Some(Refusal::new(
            format!("{reason}, and the table is large"),
            "Run `launchway apply` when few are writing; only what is quick is done by itself.",
        ));
    }
}
