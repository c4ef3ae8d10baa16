//! Step by step, beside servers that go on working (PostgreSQL). After each step the shape that the database has by then is
//! written down in the same transaction, so that whatever ends an application, the next one plans from there.

use std::time::{Duration, SystemTime};

use entity::catalog::Version;
use sea_orm::{ConnectionTrait, Statement};
use tokio::time::Instant;

use super::journal::{Journal, Record};
use super::session::{self, Session};
use super::{Applied, Made, Progress, STEP_PATIENCE, Task, batch};
use crate::alias;
use crate::change::Change;
use crate::ddl::drop_index_concurrently;
use crate::error::{Error, Result};
use crate::shape::Index;
use crate::step::{Run, Step};

/// The first pause after a step gave way. It is long against the time for which others waited behind the step.
const PAUSE: Duration = Duration::from_millis(500);

/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// Applies the model.
pub(super) async fn apply(task: Task<'_>, session: &Session) -> Result<Applied> {
    session.lock().await?;
    // Somebody else may have been quicker.
    let (known, plan) = task.plan(&session.connection, session.dialect).await?;
    let transaction = session.begin().await?;
    let journal = Journal::begin(&transaction, &task.catalog.version, &known.made()).await?;
    session::end(transaction, true).await?;
    let mut online = Online {
        session,
        journal,
        made: known.made(),
        patience: task.options.patience.unwrap_or(STEP_PATIENCE),
        progress: task.options.progress,
    };
    let mut rest = plan.steps.as_slice();
    let of = plan.steps.len();
    while let Some(first) = rest.first() {
        let number = of - rest.len() + 1;
        let together = rest.iter().take_while(|step| first.run == Run::Together && step.run == Run::Together);
        let (now, later) = rest.split_at(together.count().max(1));
        for (offset, step) in now.iter().enumerate() {
            online.tell(&Progress::Begun { number: number + offset, of, step });
        }
        let begun = Instant::now();
        if let Err(error) = online.run(now).await {
            return Err(error.stopped(number, of));
        }
        online.tell(&Progress::Ended { took: begun.elapsed() });
        rest = later;
    }
    let transaction = session.begin().await?;
    let changed = task.record(&transaction, &known, &plan, &online.made).await?;
    online.journal.end(&transaction).await?;
    session::end(transaction, true).await?;
    tidy(task, session, known.last.as_ref().map(|last| &last.version)).await;
    Ok(Applied { plan, version: task.catalog.version.clone(), changed })
}

/// What is left over is cleared away; where that can't be done now, the next application does it.
async fn tidy(task: Task<'_>, session: &Session, before: Option<&Version>) {
    let tidied = async {
        let transaction = session.begin().await?;
        let swept = alias::sweep(&transaction, &task.catalog.version, before).await;
        session::end(transaction, swept.is_ok()).await?;
        swept
    };
    if let Err(error) = tidied.await {
        tracing::debug!(%error, "former names are left to the next application");
    }
}

struct Online<'a> {
    session: &'a Session,
    journal: Journal,
    /// What the database has by now.
    made: Made,
    patience: Duration,
    progress: Option<fn(&Progress<'_>)>,
}

impl Online<'_> {
    fn tell(&self, progress: &Progress<'_>) {
        if let Some(tell) = self.progress {
            tell(progress);
        }
    }

    async fn run(&mut self, steps: &[Step]) -> Result<()> {
        let Some(first) = steps.first() else { return Ok(()) };
        let mut record = Record { started: SystemTime::now(), rows: 0, gave_way: 0 };
        let end = Instant::now() + self.patience;
        let mut pause = PAUSE;
        loop {
            let tried = match &first.run {
                Run::Together | Run::Alone => self.at_once(steps, &record).await,
                Run::Concurrently { index, .. } => self.concurrently(first, index, &record).await,
                Run::Batches(backfill) => {
                    let tell = |written| self.tell(&Progress::Rows { written });
                    match batch::run(self.session, backfill, &first.description, &mut record.rows, tell).await
                    {
                        Ok(()) => self.written(first, &record).await,
                        Err(error) => Err(error),
                    }
                }
            };
            match tried {
                Err(Error::Busy(why)) if Instant::now() + pause < end => {
                    record.gave_way += 1;
                    tracing::debug!(%why, "a step gives way");
                    self.tell(&Progress::GaveWay { times: record.gave_way });
                    tokio::time::sleep(pause).await;
                    pause = pause.mul_f32(1.5).min(LONGEST_PAUSE);
                }
                other => return other,
            }
        }
    }

    /// Steps in one short transaction, with the record of what they made.
    async fn at_once(&mut self, steps: &[Step], record: &Record) -> Result<()> {
        let mut made = self.made.clone();
        let transaction = self.session.begin().await?;
        let done = async {
            for step in steps {
                for statement in &step.statements {
                    let done = transaction.execute_unprepared(statement).await;
                    done.map_err(|source| Error::of(&step.description, source))?;
                }
                step.effects.iter().for_each(|effect| made.fold(effect));
                self.journal.record(&transaction, step, record).await?;
            }
            self.journal.keep(&transaction, &made).await
        };
        let done = done.await;
        session::end(transaction, done.is_ok()).await?;
        done?;
        self.made = made;
        Ok(())
    }

    /// What a step made is written down after it.
    async fn written(&mut self, step: &Step, record: &Record) -> Result<()> {
        let done = Step { statements: Vec::new(), ..step.clone() };
        self.at_once(std::slice::from_ref(&done), record).await
    }

    /// An index that is built or dropped outside of transactions. That it is under way is written down before: an index that
    /// is half built is not one.
    async fn concurrently(&mut self, step: &Step, index: &str, record: &Record) -> Result<()> {
        let mut made = self.made.clone();
        step.effects.iter().filter_map(unready).for_each(|effect| made.fold(&effect));
        let transaction = self.session.begin().await?;
        let kept = self.journal.keep(&transaction, &made).await;
        session::end(transaction, kept.is_ok()).await?;
        kept?;
        self.made = made;
        let builds = step.effects.iter().any(|effect| matches!(effect, Change::AddIndex { .. }));
        if builds && !self.is_ready(index).await? {
            self.outside(&drop_index_concurrently(index), &step.description).await?;
        }
        for statement in &step.statements {
            if let Err(error) = self.outside(statement, &step.description).await {
                if builds {
                    // A unique index that could not be built would go on refusing rows.
                    let dropped = self.outside(&drop_index_concurrently(index), &step.description).await;
                    if let Err(error) = dropped {
                        tracing::debug!(%error, "an index that was half built is left to the next application");
                    }
                }
                return Err(error);
            }
        }
        self.written(step, record).await
    }

    /// Nobody waits behind these statements, so they may wait for others.
    async fn outside(&self, statement: &str, doing: &str) -> Result<()> {
        let done = self.session.connection.execute_unprepared(statement).await;
        done.map(|_| ()).map_err(|source| Error::of(doing, source))
    }

    /// Whether an index stands already: built, and the record of it lost with the process.
    async fn is_ready(&self, index: &str) -> Result<bool> {
        let query = "SELECT i.indisvalid AND i.indisready AS ready FROM pg_catalog.pg_index i \
                     JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid \
                     JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
                     WHERE c.relname = $1 AND n.nspname = current_schema()";
        let statement = Statement::from_sql_and_values(
            self.session.connection.get_database_backend(),
            query,
            [index.into()],
        );
        let failed = |source| Error::of("looking for an index", source);
        let row = self.session.connection.query_one_raw(statement).await.map_err(failed)?;
        row.map_or(Ok(false), |row| row.try_get::<bool>("", "ready").map_err(failed))
    }
}

/// The same effect as long as the index is not finished.
fn unready(effect: &Change) -> Option<Change> {
    match effect {
        Change::AddIndex { table, index } | Change::RemoveIndex { table, index } => {
            let index = Index { ready: false, ..index.clone() };
            Some(Change::AddIndex { table: table.clone(), index })
        }
        _ => None,
    }
}
