//! Lock, compare, run, record: the only code here that writes.

use std::time::Duration;

use entity::Catalog;
use entity::catalog::Version;
use sea_orm::{ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbErr, Statement, TransactionTrait};
use tokio::time::Instant;

use crate::change::Change;
use crate::consent::Allow;
use crate::dialect::Dialect;
use crate::drift::{self, Answer, Drift, DriftKind};
use crate::error::{Error, Result};
use crate::facts::{Facts, Part};
use crate::history::{self, AppliedVersion};
use crate::plan::{self, Plan, Scale};
use crate::rename::Renames;
use crate::shape::Shape;
use crate::step::{Refusal, Run, Step};
use crate::verdict::Verdict;
use crate::{alias, system, verify};

mod batch;
pub(crate) mod journal;
mod online;
mod session;

use session::Session;

/// How long to try again while others are in the way of the whole.
const PATIENCE: Duration = Duration::from_secs(60);

/// How long to try again while others are in the way of one step.
const STEP_PATIENCE: Duration = Duration::from_secs(600);

/// The pause between tries; it doubles up to [`LONGEST_PAUSE`].
const PAUSE: Duration = Duration::from_millis(50);

/// The longest pause between tries.
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// Rows up to which a server changes a table by itself when it starts.
const SMALL: u64 = crate::ddl::probe::SMALL;

/// How far apply may go, and who is told.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Refuse what takes as long as a table is large, for tables of more than 100,000 rows: what a server may do by itself
    /// when it starts.
    pub only_safe: bool,
    /// Do everything in one transaction, then take it back.
    pub dry_run: bool,
    /// What people said yes to.
    pub allow: Allow,
    /// How long one step tries again while others use its table (PostgreSQL); ten minutes when absent.
    pub patience: Option<Duration>,
    /// Is told what happens (PostgreSQL, where steps are done one by one).
    pub progress: Option<fn(&Progress<'_>)>,
}

/// What happens while a model is applied step by step.
#[derive(Debug)]
pub enum Progress<'a> {
    /// A step begins.
    Begun {
        /// Which, counted from one.
        number: usize,
        /// Of how many.
        of: usize,
        /// The step.
        step: &'a Step,
    },
    /// Rows were written.
    Rows {
        /// So many by now.
        written: u64,
    },
    /// Somebody uses the table: the step gave way and is tried again.
    GaveWay {
        /// How often by now.
        times: u64,
    },
    /// A step has ended.
    Ended {
        /// How long it took.
        took: Duration,
    },
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
pub(crate) async fn plan_for(
    connection: &DatabaseConnection,
    catalog: &Catalog,
    allow: &Allow,
) -> Result<Plan> {
    let dialect = Dialect::of(connection)?;
    let new = Shape::of(catalog)?;
    let asked = Asked { new: &new, version: &catalog.version, allow };
    if dialect == Dialect::Sqlite {
        return asked.compare(connection, &Known::read(connection, dialect).await?, dialect).await;
    }
    // Rows are counted: on a large table that takes longer than a request may.
    let transaction =
        connection.begin().await.map_err(|source| Error::of("beginning a transaction", source))?;
    for setting in ["SET TRANSACTION READ ONLY", "SET LOCAL statement_timeout = 0"] {
        let set = transaction.execute_unprepared(setting).await;
        set.map_err(|source| Error::of("beginning a transaction", source))?;
    }
    let plan = match Known::read(&transaction, dialect).await {
        Ok(known) => asked.compare(&transaction, &known, dialect).await,
        Err(error) => Err(error),
    };
    session::end(transaction, false).await?;
    plan
}

/// Gives a database the shape of a model, trying again while others are in the way.
pub(crate) async fn apply(
    connection: &DatabaseConnection,
    catalog: &Catalog,
    model: &str,
    options: &Options,
) -> Result<Applied> {
    let dialect = Dialect::of(connection)?;
    let shape = &Shape::of(catalog)?;
    let task = Task { catalog, shape, model, options };
    let session = Session::open(connection, dialect).await?;
    let end = Instant::now() + PATIENCE;
    let mut pause = PAUSE;
    let outcome = loop {
        match task.once(&session).await {
            Err(Error::Busy(why)) if Instant::now() + pause < end => {
                tracing::debug!(%why, "waiting to apply the model");
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
            other => break other,
        }
    };
    session.close().await;
    outcome
}

/// What got another name since a model was in force.
pub(crate) async fn renames_since(
    connection: &DatabaseConnection,
    catalog: &Catalog,
) -> Result<Option<Renames>> {
    let dialect = Dialect::of(connection)?;
    if !history::has_renames(connection, dialect, "launchway_facts").await? {
        return Ok(None);
    }
    let shape = Shape::of(catalog)?;
    let Some(id) = history::last_of(connection, &catalog.version, &shape).await? else { return Ok(None) };
    let mut all = history::renames_after(connection, id).await?;
    if let Some(made) = journal::interrupted(connection, dialect).await? {
        all.get_or_insert_default().then(made.renames);
    }
    Ok(all)
}

/// What applications have made of a database.
#[derive(Debug, Clone)]
pub(crate) struct Made {
    /// What it has by now.
    pub(crate) shape: Shape,
    /// What got another name since the version in force.
    pub(crate) renames: Renames,
}

impl Made {
    fn fold(&mut self, change: &Change) {
        self.shape.fold(change);
        self.renames.fold(change);
    }
}

/// What the database is known to have.
#[derive(Debug)]
struct Known {
    /// The version in force.
    last: Option<AppliedVersion>,
    /// What an application that was interrupted has made of it.
    interrupted: Option<Made>,
}

impl Known {
    async fn read(connection: &impl ConnectionTrait, dialect: Dialect) -> Result<Self> {
        let last = history::last(connection, dialect).await?;
        Ok(Self { last, interrupted: journal::interrupted(connection, dialect).await? })
    }

    fn shape(&self) -> Shape {
        let interrupted = self.interrupted.as_ref().map(|made| &made.shape);
        let last = || self.last.as_ref().map(|last| &last.shape);
        interrupted.or_else(last).cloned().unwrap_or_else(Shape::empty)
    }

    fn made(&self) -> Made {
        let before = self.interrupted.as_ref().map(|made| made.renames.clone());
        Made { shape: self.shape(), renames: before.unwrap_or_default() }
    }
}

/// What is asked for.
#[derive(Debug, Clone, Copy)]
struct Asked<'a> {
    new: &'a Shape,
    version: &'a Version,
    allow: &'a Allow,
}

impl Asked<'_> {
    async fn compare(
        self,
        connection: &impl ConnectionTrait,
        known: &Known,
        dialect: Dialect,
    ) -> Result<Plan> {
        let found = Facts::read(connection, dialect).await?;
        let (old, drifts) = self.drifted(known, &found, dialect);
        let scale = Scale::Large(verify::large(connection, dialect, (&old, &found)).await?);
        let mut plan = plan::scaled(&old, self.new, dialect, self.allow, &scale);
        plan.from = known.last.as_ref().map(|last| last.version.clone());
        plan.to = Some(self.version.clone());
        for drift in drifts {
            let column = match &drift.part {
                Part::Column(name) => Some(name.as_str()),
                _ => None,
            };
            if drift.kind != DriftKind::Extra && verify::leaves(&plan, &drift.table, column) {
                continue;
            }
            if let Some(step) = drift.refused() {
                plan.steps.insert(0, step);
            }
            plan.drift.push(drift);
        }
        verify::verify(connection, &found, &mut plan, self.allow).await?;
        if let (Dialect::Postgres, Some(last)) = (dialect, &known.last) {
            alias::keep(connection, last, &mut plan).await?;
        }
        Ok(plan)
    }
}

impl Asked<'_> {
    /// What the database is known to have, without what it has lost and gets again; and all that was changed by hand.
    fn drifted(self, known: &Known, found: &Facts, dialect: Dialect) -> (Shape, Vec<Drift>) {
        let mut old = known.shape();
        old.adopt(self.new, found);
        let recorded = known.last.as_ref().and_then(|last| last.facts.as_ref());
        let recorded = recorded.filter(|_| known.interrupted.is_none());
        let mut drifts = drift::drift(&old, recorded, found, dialect);
        // What was under way when an application ended is made again anyway.
        drifts.retain(|drift| known.interrupted.is_none() || drift.kind == DriftKind::Missing);
        drifts.retain(|drift| {
            let again = matches!(drift.answer, Answer::Refuses(_))
                && drift.origin.as_deref().is_some_and(|origin| self.allow.recreates(origin));
            if again || drift.answer == Answer::Restores {
                old.lose(drift);
            }
            !again
        });
        (old, drifts)
    }
}

/// What is to be applied.
#[derive(Debug, Clone, Copy)]
struct Task<'a> {
    catalog: &'a Catalog,
    shape: &'a Shape,
    model: &'a str,
    options: &'a Options,
}

impl Task<'_> {
    async fn once(self, session: &Session) -> Result<Applied> {
        let transaction = session.begin().await?;
        let (known, plan) = match self.prepared(&transaction, session.dialect).await {
            Ok(prepared) => prepared,
            Err(error) => {
                session::end(transaction, false).await?;
                return Err(error);
            }
        };
        if !plan.is_together() && !self.options.dry_run {
            // The server's own tables stand; the rest is done step by step.
            session::end(transaction, true).await?;
            return online::apply(self, session).await;
        }
        match self.together(&transaction, known, plan).await {
            Ok(applied) if !self.options.dry_run => {
                session::end(transaction, true).await?;
                Ok(applied)
            }
            other => {
                session::end(transaction, false).await?;
                other
            }
        }
    }

    /// The server's own tables, and what there is to do.
    async fn prepared(self, connection: &DatabaseTransaction, dialect: Dialect) -> Result<(Known, Plan)> {
        system::prepare(connection).await?;
        self.plan(connection, dialect).await
    }

    async fn plan(self, connection: &impl ConnectionTrait, dialect: Dialect) -> Result<(Known, Plan)> {
        let known = Known::read(connection, dialect).await?;
        let version = &self.catalog.version;
        if let Some(last) = &known.last
            && last.version != *version
            && !self.options.only_safe
            && !self.options.allow.reverts()
            && history::was_before(connection, version).await?
        {
            let (now, since) = (last.version.0.clone(), last.applied_at.to_rfc3339());
            return Err(Error::Superseded { now, since, missing: None });
        }
        let asked = Asked { new: self.shape, version, allow: &self.options.allow };
        let mut plan = asked.compare(connection, &known, dialect).await?;
        if self.options.only_safe {
            refuse_unsafe(&mut plan);
        }
        if plan.is_refused() {
            return Err(Error::Refused(Box::new(plan)));
        }
        Ok((known, plan))
    }

    /// Everything in one transaction, or nothing.
    async fn together(self, transaction: &DatabaseTransaction, known: Known, plan: Plan) -> Result<Applied> {
        let mut made = known.made();
        for step in &plan.steps {
            let statements = match &step.run {
                Run::Concurrently { plain, .. } => plain,
                Run::Together | Run::Alone | Run::Batches(_) => &step.statements,
            };
            for statement in statements {
                let done = transaction.execute_unprepared(statement).await;
                done.map_err(|source| Error::of(&step.description, source))?;
            }
            step.effects.iter().for_each(|effect| made.fold(effect));
        }
        if plan.dialect == Dialect::Sqlite && plan.moves_rows() {
            whole(transaction).await?;
        }
        let changed = self.record(transaction, &known, &plan, &made).await?;
        Ok(Applied { plan, version: self.catalog.version.clone(), changed })
    }

    /// Writes down what the database has now; whether that is anything new.
    async fn record(
        self,
        connection: &impl ConnectionTrait,
        known: &Known,
        plan: &Plan,
        made: &Made,
    ) -> Result<bool> {
        let version = &self.catalog.version;
        let same = |last: &AppliedVersion| last.version == *version && last.shape.same(self.shape);
        if known.interrupted.is_some() {
            journal::leave(connection).await?;
        }
        if known.last.as_ref().is_some_and(same) && plan.is_empty() {
            return Ok(false);
        }
        let facts = Facts::read(connection, plan.dialect).await?;
        came_true(plan, &facts)?;
        let (shape, renames) = (self.shape.carrying(&made.shape), &made.renames);
        let entry = history::Entry { version, model: self.model, shape: &shape, facts: &facts, renames };
        history::record(connection, entry).await?;
        Ok(true)
    }
}

/// No row refers to a row that is not there (SQLite, where that is not enforced while tables are written anew).
async fn whole(transaction: &DatabaseTransaction) -> Result<()> {
    let doing = "looking through the references";
    let statement = Statement::from_string(transaction.get_database_backend(), "PRAGMA foreign_key_check");
    let broken = transaction.query_all_raw(statement).await.map_err(|source| Error::of(doing, source))?;
    match broken.first() {
        None => Ok(()),
        Some(row) => {
            let table: String = row.try_get("", "table").map_err(|source| Error::of(doing, source))?;
            Err(Error::Violation {
                doing: format!("{doing} of \"{table}\""),
                problem: "a row refers to a row that is not there".to_owned(),
            })
        }
    }
}

/// Texts of the schema that were changed say what they should (SQLite); PostgreSQL takes no other than its own word for it.
fn came_true(plan: &Plan, facts: &Facts) -> Result<()> {
    for step in plan.steps.iter().filter(|_| plan.dialect == Dialect::Sqlite) {
        for effect in &step.effects {
            let Change::AlterColumn { table, to, .. } = effect else { continue };
            let column = facts.tables.get(&table.name).and_then(|table| table.columns.get(&to.name));
            if column.is_none_or(|column| column.nullable == to.required) {
                let unlike = DbErr::Custom("the column is not as it was to become".to_owned());
                return Err(Error::of(&step.description, unlike));
            }
        }
    }
    Ok(())
}

fn refuse_unsafe(plan: &mut Plan) {
    for step in &mut plan.steps {
        let large = step.cost.is_some_and(|cost| cost.rows > SMALL);
        if step.refusal.is_some() || step.verdict == Verdict::Safe || !large {
            continue;
        }
        step.refusal = Some(Refusal::new(
            "the table is large, and this takes as long as it is",
            "Run `launchway apply`; only what is quick is done by itself.",
        ));
    }
}
