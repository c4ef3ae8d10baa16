//! Writes: a script of statements in one transaction; what came of each field is read when it is done.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::{Duration, Instant};

use entity::catalog::Entity;
use entity::{EntityId, Input, Value};
use migration::Dialect;
use sea_orm::QueryResult;
use tracing::Instrument;

use super::execute::{self, Values};
use super::plan::write::{AnswerPlan, Expect, KeyRef, Keys, Leaves, Miss, StepPlan, WritePlan, WritePlanner};
use super::reply::{Facts, Reply, RootReply};
use super::request::Request;
use super::sql::{Bind, Sql};
use super::{Engine, explain, number};
use crate::context::Context;
use crate::database::Transaction;
use crate::error::{Code, Error, Result};

/// How often a script is done again that a deadlock or a serialization failure ended.
const RETRIES: u32 = 3;

/// How long to wait before that: longer each time, and not as long as the other side.
fn pause(tries: u32) -> Duration {
    let chance = u64::from(*uuid::Uuid::new_v4().as_bytes().last().unwrap_or(&0));
    Duration::from_millis((5 << tries) + chance * (1 << tries) / 8)
}

/// What a write is to do beside writing.
#[derive(Default)]
pub struct WriteOptions<'a> {
    /// Do everything, answer, and roll back.
    pub dry_run: bool,
    /// Remember the answer under a key, in the same transaction.
    pub idempotency: Option<Idempotency<'a>>,
}

/// An idempotency key with what it stands for.
pub struct Idempotency<'a> {
    /// The key, as sent.
    pub key: &'a str,
    /// Method and path: a key is reused only for the same.
    pub route: &'a str,
    /// A hash of the body: another body under the same key is an error.
    pub fingerprint: &'a str,
    /// What to store: status, headers, body.
    pub render: &'a (dyn Fn(&Reply) -> StoredAnswer + Send + Sync),
}

/// An answer as it was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredAnswer {
    /// The HTTP status.
    pub status: u16,
    /// Headers worth repeating.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

/// What a write came to.
#[derive(Debug)]
pub enum Written {
    /// It was done now.
    Now(Reply),
    /// It was done before, under the same idempotency key.
    Before(StoredAnswer),
}

impl Engine {
    /// Does writes in one transaction, and again where names were changed meanwhile.
    ///
    /// # Errors
    /// Whatever is wrong with the request, or a rule, check or constraint that refuses it; nothing is changed then.
    pub async fn write(
        &self,
        context: &Context,
        request: &Request,
        options: WriteOptions<'_>,
    ) -> Result<Written> {
        let Request::Write(roots) = request else {
            return Ok(Written::Now(Box::pin(self.run(context, request)).await?));
        };
        let mut tries = self.tries(&context.catalog, context);
        // Another model may be in force by now: its database gives a field a value where ours would leave it without one.
        let mut leaves = Leaves::default();
        loop {
            let names = tries.today();
            let mut today = Cow::Borrowed(context);
            if !Arc::ptr_eq(&names, &context.catalog) {
                today.to_mut().catalog = Arc::clone(&names);
            }
            let plan = tracing::debug_span!(target: "launchway::engine", "plan")
                .in_scope(|| WritePlanner::new(&today).leaving(&leaves).writes(roots))?;
            match self.persist(&today, &plan, &options).await {
                Err(error) if tries.again(&error, &names).await => {}
                Err(error) if leaves.learn(self.database.dialect(), &error) => {}
                outcome => return outcome,
            }
        }
    }

    /// Does a script, and again where the database gave it up for another's sake: nothing of it was done then.
    async fn persist(
        &self,
        context: &Context,
        plan: &WritePlan,
        options: &WriteOptions<'_>,
    ) -> Result<Written> {
        let mut tries = 0;
        loop {
            let outcome = self.attempt(context, plan, options).await;
            match &outcome {
                Err(error) if error.code() == Code::Conflict && tries < RETRIES => {}
                _ => return outcome,
            }
            let wait = pause(tries);
            if context.deadline.is_some_and(|deadline| tokio::time::Instant::now() + wait >= deadline) {
                return outcome;
            }
            tries += 1;
            tracing::debug!(target: "launchway::engine", tries, "a write collided with another one");
            tokio::time::sleep(wait).await;
        }
    }

    /// Does a script in a transaction of its own.
    async fn attempt(
        &self,
        context: &Context,
        plan: &WritePlan,
        options: &WriteOptions<'_>,
    ) -> Result<Written> {
        let started = Instant::now();
        if self.database.dialect() == Dialect::Postgres
            && options.idempotency.is_none()
            && !options.dry_run
            && let Some(answer) = plan.alone()
        {
            let mut run = Run::new(self, context, plan, Connection::Any(answer));
            run.all().await?;
            return Ok(Written::Now(run.reply(started.elapsed())));
        }
        let mut transaction = self.database.begin(context.deadline).await?;
        if let Err(error) = self.database.stand(&mut transaction, &context.catalog).await {
            transaction.rollback().await?;
            return Err(error);
        }
        if let Some(idempotency) = &options.idempotency
            && let Some(before) = super::idempotency::claim(&mut transaction, context, idempotency).await?
        {
            transaction.rollback().await?;
            return Ok(Written::Before(before));
        }
        let mut run = Run::new(self, context, plan, Connection::Transaction(&mut transaction));
        let outcome = run.all().await;
        let reply = match outcome {
            Ok(()) => run.reply(started.elapsed()),
            Err(error) => {
                // The first error is the one that matters; the connection is cleaned in any case.
                let _ = transaction.rollback().await;
                return Err(error);
            }
        };
        if let Some(idempotency) = &options.idempotency {
            super::idempotency::store(&mut transaction, context, idempotency, &reply).await?;
        }
        if options.dry_run {
            transaction.rollback().await?;
        } else {
            transaction.commit().await.map_err(|error| explain::constraint(context, error))?;
        }
        Ok(Written::Now(reply))
    }
}

/// What a statement does and to which table, for spans: its first words.
fn subject(text: &str) -> (&'static str, String) {
    let operation = match text.get(..6) {
        Some("insert") => "INSERT",
        Some("update") => "UPDATE",
        Some("delete") => "DELETE",
        _ => "SELECT",
    };
    let table = match operation {
        "SELECT" => None,
        _ => text.split('"').nth(1),
    };
    (operation, table.map_or_else(|| operation.to_owned(), |table| format!("{operation} {table}")))
}

/// Where the statements of a script run.
enum Connection<'a> {
    /// All in one transaction.
    Transaction(&'a mut Transaction),
    /// On any connection: there is only one statement that writes, and it gives this answer.
    Any(&'a AnswerPlan),
}

/// A script on its way.
struct Run<'a> {
    engine: &'a Engine,
    context: &'a Context,
    plan: &'a WritePlan,
    connection: Connection<'a>,
    touched: Vec<Vec<Value>>,
    versions: Vec<Vec<i64>>,
    answers: Vec<Option<String>>,
}

impl<'a> Run<'a> {
    fn new(
        engine: &'a Engine,
        context: &'a Context,
        plan: &'a WritePlan,
        connection: Connection<'a>,
    ) -> Self {
        Self {
            engine,
            context,
            plan,
            connection,
            touched: vec![Vec::new(); plan.slots],
            versions: vec![Vec::new(); plan.slots],
            answers: vec![None; plan.answers.len()],
        }
    }

    /// The answer that the only statement gives.
    fn alone(&self) -> Option<&'a AnswerPlan> {
        match self.connection {
            Connection::Transaction(_) => None,
            Connection::Any(answer) => Some(answer),
        }
    }

    async fn all(&mut self) -> Result<()> {
        let plan = self.plan;
        let mut done = 0;
        for (position, ((key, answer), end)) in plan.answers.iter().zip(&plan.ends).enumerate() {
            for step in plan.steps.get(done..*end).unwrap_or_default() {
                self.step(step).await.map_err(|error| error.under(key.as_str()))?;
            }
            done = *end;
            if self.alone().is_some() {
                continue;
            }
            // One field after the other, as the specification has it: none knows of what those behind it did.
            match answer {
                AnswerPlan::One { before: false, .. } | AnswerPlan::Batch { before: false, .. } => {
                    self.read(position).await?;
                }
                AnswerPlan::One { .. } | AnswerPlan::Batch { .. } | AnswerPlan::Nothing(_) => {}
            }
        }
        Ok(())
    }

    async fn step(&mut self, step: &StepPlan) -> Result<()> {
        if let StepPlan::Read(position) = step {
            return self.read(*position).await;
        }
        let mut sql = self.sql();
        sql.step(step, self.alone());
        let floats = sql.floats;
        let (text, binds) = (sql.text, sql.binds);
        match step {
            StepPlan::Insert(plan) => {
                let rows = self
                    .query(&text, &binds)
                    .await
                    .map_err(|error| if plan.create_only { exists_already(error) } else { error })?;
                self.remember(plan.slot, plan.entity, &rows)?;
                self.answered(&rows, floats)?;
                if rows.len() < plan.rows.len() {
                    return Err(
                        self.not_upserted(plan.conflict.as_ref().and_then(|conflict| conflict.if_version))
                    );
                }
            }
            StepPlan::Update { slot, entity, expect, .. } | StepPlan::Delete { slot, entity, expect, .. } => {
                let rows = self.query(&text, &binds).await?;
                self.remember(*slot, *entity, &rows)?;
                self.answered(&rows, floats)?;
                self.expected(*entity, expect, rows.len()).await?;
            }
            StepPlan::Link { .. } | StepPlan::Unlink { .. } => {
                self.query(&text, &binds).await?;
            }
            StepPlan::Require { otherwise, .. } => {
                let rows = self.query(&text, &binds).await?;
                let holds =
                    rows.first().map(|row| execute::column::<bool>(row, 0)).transpose()?.unwrap_or(false);
                if !holds {
                    return Err(otherwise.clone());
                }
            }
            StepPlan::Read(_) => {}
        }
        Ok(())
    }

    /// Keeps the answer where the statement gave it.
    fn answered(&mut self, rows: &[QueryResult], floats: bool) -> Result<()> {
        let (Some(AnswerPlan::One { .. }), Some(row)) = (self.alone(), rows.first()) else { return Ok(()) };
        let json = execute::column(row, 2)?;
        self.keep(0, json, floats);
        Ok(())
    }

    fn sql(&self) -> Sql<'a> {
        Sql::new(&self.context.catalog, self.engine.database.dialect())
    }

    async fn query(&mut self, text: &str, binds: &[Bind]) -> Result<Vec<QueryResult>> {
        let values = Values { context: self.context, params: &[], touched: &self.touched };
        let bound = execute::bind_all(&self.engine.database, binds, &values)?;
        let (operation, summary) = subject(text);
        let span = execute::span(&self.engine.database, &summary, operation);
        let work = async {
            match &mut self.connection {
                Connection::Transaction(transaction) => transaction.query(text, bound).await,
                Connection::Any(_) => self.engine.database.write(text, bound, self.context.deadline).await,
            }
        };
        let outcome = if span.is_disabled() { work.await } else { work.instrument(span).await };
        outcome.map_err(|error| explain::constraint(self.context, error))
    }

    fn remember(&mut self, slot: usize, entity: EntityId, rows: &[QueryResult]) -> Result<()> {
        let definition = self.context.catalog.entity(entity);
        let mut found = Vec::with_capacity(rows.len());
        for row in rows {
            let text: String = execute::column(row, 0)?;
            found.push((key_value(definition, text)?, execute::column::<i64>(row, 1)?));
        }
        // Databases tell touched rows in any order; by their keys, an answer is the same from both. Keys that a
        // database makes go up, so that this is the order in which new rows were given as well.
        found.sort_by(|(one, _), (other, _)| key_order(one, other));
        let (keys, versions) = found.into_iter().unzip();
        if let (Some(touched), Some(seen)) = (self.touched.get_mut(slot), self.versions.get_mut(slot)) {
            *touched = keys;
            *seen = versions;
        }
        Ok(())
    }

    async fn expected(&mut self, entity: EntityId, expect: &Expect, touched: usize) -> Result<()> {
        match expect {
            Expect::Any => Ok(()),
            Expect::AtMost(max) if touched as u64 <= *max => Ok(()),
            Expect::AtMost(max) => Err(Error::new(
                Code::TooManyRows,
                format!("More than {max} rows match; nothing was changed."),
            )
            .hint("Narrow the condition, or raise the maximum of the request.")),
            Expect::Exactly(count, _) if touched == *count => Ok(()),
            Expect::Exactly(_, otherwise) => Err(otherwise.clone()),
            Expect::One(_) if touched == 1 => Ok(()),
            Expect::One(miss) => Err(self.missed(entity, miss).await?),
        }
    }

    /// Why one row was not touched.
    async fn missed(&mut self, entity: EntityId, miss: &Miss) -> Result<Error> {
        let mut sql = self.sql();
        sql.miss(entity, miss);
        let rows = self.query(&sql.text, &sql.binds).await?;
        let name = &self.context.catalog.entity(entity).name;
        let Some(row) = rows.first() else {
            let error = Error::new(Code::NotFound, format!("There is no such {name}."));
            return Ok(match miss.hint {
                Some(hint) => error.hint(hint),
                None => error,
            });
        };
        let version: i64 = execute::column(row, 0)?;
        Ok(match miss.if_version {
            Some(wanted) if wanted != version => stale(name),
            _ => Error::new(Code::Forbidden, format!("You may not change this {name}.")),
        })
    }

    fn not_upserted(&self, if_version: Option<i64>) -> Error {
        match if_version {
            Some(_) => stale("row"),
            None => Error::new(
                Code::Forbidden,
                "A row with this identity is there already, and you may not change it.",
            ),
        }
    }

    /// Reads the answer of one field as its rows are now.
    async fn read(&mut self, position: usize) -> Result<()> {
        let Some((_, answer)) = self.plan.answers.get(position) else { return Ok(()) };
        let mut sql = self.sql();
        sql.read_back(answer);
        let rows = self.query(&sql.text, &sql.binds).await?;
        let Some(row) = rows.first() else { return Err(Error::internal("an answer has no row")) };
        let json = execute::column(row, 0)?;
        self.keep(position, json, sql.floats);
        Ok(())
    }

    /// Keeps what the database said of an answer.
    fn keep(&mut self, position: usize, json: Option<String>, floats: bool) {
        if let Some(place) = self.answers.get_mut(position) {
            *place = json.map(|json| if floats { number::canonical(&json) } else { json });
        }
    }

    fn reply(&mut self, database: Duration) -> Reply {
        let answers = std::mem::take(&mut self.answers);
        let roots = self.plan.answers.iter().zip(answers).map(|((key, answer), json)| RootReply {
            key: key.clone(),
            json,
            facts: Some(self.facts(answer)),
        });
        Reply { roots: roots.collect(), database }
    }

    fn facts(&self, answer: &AnswerPlan) -> Facts {
        let keys = match answer {
            AnswerPlan::One { keys, .. } | AnswerPlan::Batch { keys, .. } | AnswerPlan::Nothing(keys) => keys,
        };
        let values = Values { context: self.context, params: &[], touched: &self.touched };
        let ids: Vec<String> = values.keys(keys).iter().map(id_text).collect();
        let version = self.version(keys);
        Facts { ids, version, created: version == Some(1), ..Facts::default() }
    }

    /// The version of the one touched row.
    fn version(&self, keys: &Keys) -> Option<i64> {
        let [key] = keys.0.as_slice() else { return None };
        match key {
            KeyRef::Slot(slot) => self.versions.get(*slot)?.first().copied(),
            // The last step that touched the row knows its version.
            KeyRef::Known(value) => self
                .touched
                .iter()
                .zip(&self.versions)
                .filter_map(|(keys, versions)| {
                    versions.get(keys.iter().position(|key| key == value)?).copied()
                })
                .max(),
        }
    }
}

fn key_order(one: &Value, other: &Value) -> std::cmp::Ordering {
    match (one, other) {
        (Value::Int(one), Value::Int(other)) => one.cmp(other),
        (Value::Uuid(one), Value::Uuid(other)) => one.cmp(other),
        (Value::Text(one), Value::Text(other)) => one.cmp(other),
        _ => std::cmp::Ordering::Equal,
    }
}

fn id_text(value: &Value) -> String {
    match value.to_json() {
        serde_json::Value::String(text) => text,
        other => other.to_string(),
    }
}

fn key_value(entity: &Entity, text: String) -> Result<Value> {
    match super::plan::read::key(entity, &Input::String(text))? {
        entity::Operand::Value(value) => Ok(value),
        _ => Err(Error::internal("a key that is no value")),
    }
}

fn stale(name: &str) -> Error {
    Error::new(Code::VersionMismatch, format!("The {name} has changed since it was read."))
        .hint("Read it again, apply your change to what you find, and send its new version.")
}

fn exists_already(error: Error) -> Error {
    if error.code() == Code::UniqueViolation {
        return Error::new(Code::VersionMismatch, "The row is there already.")
            .hint("Leave `If-None-Match: *` out to change it.");
    }
    error
}
