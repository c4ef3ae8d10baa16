//! The engine: request → plan → script → row → reply.

mod execute;
mod explain;
mod idempotency;
mod number;
mod plan;
mod probe;
pub mod reply;
pub mod request;
mod script;
mod sql;

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use entity::{Catalog, Input};
use sea_orm::QueryResult;

use crate::context::Context;
use crate::database::{Database, Tries};
use crate::error::{Code, Error, Result};
use plan::{ReadPlan, RootPlan};
use sql::Bind;
use sql::read::Columns;

pub(crate) use explain::constraint;
pub use plan::aggregate::{GROUPS, measure_type};
pub use reply::{Facts, Reply, RootReply};
pub use request::Request;
pub use script::{Idempotency, StoredAnswer, WriteOptions, Written};

/// A read that is planned and compiled for one principal and one shape of variables.
#[derive(Debug)]
pub struct Prepared {
    catalog: Arc<Catalog>,
    plan: ReadPlan,
    compiled: ArcSwap<Compiled>,
    columns: Columns,
    roots: Vec<(String, Known)>,
    floats: bool,
}

/// A plan as a statement, in the names of a time.
#[derive(Debug)]
struct Compiled {
    names: Arc<Catalog>,
    text: String,
    binds: Vec<Bind>,
    summary: String,
}

/// What is known of a root's answer without the database.
#[derive(Debug)]
enum Known {
    Nothing,
    Text(String),
}

impl Prepared {
    /// The text of the statement, for tests and for operators' eyes only.
    #[must_use]
    pub fn statement(&self) -> String {
        self.compiled.load().text.clone()
    }

    /// About how many bytes it takes: its plan is about as large as its statement.
    #[must_use]
    pub fn size(&self) -> usize {
        self.compiled.load().text.len().saturating_mul(2)
    }

    /// Whether it was prepared for the model in force in a context.
    #[must_use]
    pub fn fits(&self, context: &Context) -> bool {
        Arc::ptr_eq(&self.catalog, &context.catalog)
    }
}

/// The engine.
#[derive(Debug, Clone)]
pub struct Engine {
    database: Database,
}

impl Engine {
    /// An engine over a database.
    #[must_use]
    pub fn new(database: Database) -> Self {
        Self { database }
    }

    /// Plans and compiles a read. Values may be [`Input::Param`]s, given when it runs.
    ///
    /// # Errors
    /// Whatever is wrong with the request: unknown names, forbidden fields, bad values, too much work.
    pub fn prepare(&self, context: &Context, request: &Request) -> Result<Arc<Prepared>> {
        let Request::Read(roots) = request else {
            return Err(Error::new(Code::BadRequest, "A write can't be prepared as a read."));
        };
        let plan = tracing::debug_span!(target: "launchway::engine", "plan")
            .in_scope(|| plan::Planner::new(context).reads(roots))?;
        let (compiled, columns, floats) = self.compile(self.database.names(&context.catalog), &plan);
        let known = plan.roots.iter().map(|(key, root)| match root {
            RootPlan::Constant(text) => {
                (key.clone(), Known::Text(serde_json::Value::from(text.as_str()).to_string()))
            }
            _ => (key.clone(), Known::Nothing),
        });
        Ok(Arc::new(Prepared {
            catalog: Arc::clone(&context.catalog),
            roots: known.collect(),
            columns,
            floats,
            compiled: ArcSwap::from_pointee(compiled),
            plan,
        }))
    }

    fn compile(&self, names: Arc<Catalog>, plan: &ReadPlan) -> (Compiled, Columns, bool) {
        let (statement, columns) = tracing::debug_span!(target: "launchway::engine", "compile")
            .in_scope(|| sql::read::compile(&names, self.database.dialect(), plan));
        let (text, binds, floats) = (statement.text, statement.binds, statement.floats);
        let summary = summary(&names, plan);
        (Compiled { names, text, binds, summary }, columns, floats)
    }

    /// The statement of a read in these names.
    fn compiled(&self, prepared: &Prepared, names: &Arc<Catalog>) -> Arc<Compiled> {
        let compiled = prepared.compiled.load_full();
        if Arc::ptr_eq(&compiled.names, names) {
            return compiled;
        }
        let compiled = Arc::new(self.compile(Arc::clone(names), &prepared.plan).0);
        prepared.compiled.store(Arc::clone(&compiled));
        compiled
    }

    fn tries<'a>(&'a self, model: &'a Arc<Catalog>, context: &Context) -> Tries<'a> {
        Tries::new(&self.database, model, context.deadline)
    }

    /// Runs a prepared read: one statement, and again where its names were changed meanwhile.
    ///
    /// # Errors
    /// A parameter that does not fit, or the database's.
    pub async fn fetch(&self, context: &Context, prepared: &Prepared, params: &[Input]) -> Result<Reply> {
        if prepared.roots.iter().all(|(_, known)| matches!(known, Known::Text(_))) {
            return Ok(Reply {
                roots: prepared.roots.iter().map(constant).collect(),
                database: Duration::ZERO,
            });
        }
        let values = execute::Values { context, params, touched: &[] };
        let mut tries = self.tries(&prepared.catalog, context);
        let (row, database) = loop {
            let names = tries.today();
            let Compiled { text, binds, summary, .. } = &*self.compiled(prepared, &names);
            match execute::read(&self.database, text, binds, &values, summary).await {
                Err(error) if tries.again(&error, &names).await => {}
                Ok(found) => {
                    if !tries.moved(&names, execute::schema_seen(found.0.as_ref())).await? {
                        break found;
                    }
                }
                Err(error) => return Err(error),
            }
        };
        let roots = match (prepared.columns, row) {
            (Columns::Roots, Some(row)) => prepared.many(&row)?,
            (Columns::One, row) => vec![prepared.one(row.as_ref())?],
            (Columns::Page, Some(row)) => vec![prepared.page(&row)?],
            (_, None) => return Err(Error::internal("a read gave no row")),
        };
        Ok(Reply { roots, database })
    }

    /// Deletes what is kept for a time only: answers under idempotency keys. Tells how many.
    ///
    /// # Errors
    /// The database's.
    pub async fn sweep(&self) -> Result<u64> {
        idempotency::sweep(&self.database, crate::clock::now()).await
    }

    /// Prepares and runs a request of either kind.
    ///
    /// # Errors
    /// Those of [`Self::prepare`], [`Self::fetch`] and [`Self::write`].
    pub async fn run(&self, context: &Context, request: &Request) -> Result<Reply> {
        match request {
            Request::Read(_) => {
                let prepared = self.prepare(context, request)?;
                self.fetch(context, &prepared, &[]).await
            }
            Request::Write(_) => match self.write(context, request, WriteOptions::default()).await? {
                Written::Now(reply) => Ok(reply),
                Written::Before(_) => Err(Error::internal("an answer was stored without a key")),
            },
        }
    }
}

impl Prepared {
    fn many(&self, row: &QueryResult) -> Result<Vec<RootReply>> {
        self.roots
            .iter()
            .enumerate()
            .map(|(index, root)| match &root.1 {
                Known::Text(_) => Ok(constant(root)),
                Known::Nothing => {
                    let json = execute::column::<Option<String>>(row, index)?;
                    Ok(RootReply {
                        key: root.0.clone(),
                        json: json.map(|json| self.canonical(json)),
                        facts: None,
                    })
                }
            })
            .collect()
    }

    fn one(&self, row: Option<&QueryResult>) -> Result<RootReply> {
        let key = self.roots.first().map(|(key, _)| key.clone()).unwrap_or_default();
        let Some(row) = row else { return Ok(RootReply { key, json: None, facts: None }) };
        let json: String = execute::column(row, 0)?;
        let version: Option<i64> = execute::column(row, 1)?;
        let facts = version.map(|version| Facts { version: Some(version), ..Facts::default() });
        Ok(RootReply { key, json: Some(self.canonical(json)), facts })
    }

    fn page(&self, row: &QueryResult) -> Result<RootReply> {
        let key = self.roots.first().map(|(key, _)| key.clone()).unwrap_or_default();
        let json: String = execute::column(row, 0)?;
        let facts = Facts {
            has_next: execute::column(row, 1)?,
            has_previous: execute::column(row, 2)?,
            start: execute::column(row, 3)?,
            end: execute::column(row, 4)?,
            total: execute::column(row, 5)?,
            parent: execute::column(row, 6)?,
            ..Facts::default()
        };
        Ok(RootReply { key, json: Some(self.canonical(json)), facts: Some(facts) })
    }

    fn canonical(&self, json: String) -> String {
        if self.floats { number::canonical(&json) } else { json }
    }
}

fn constant((key, known): &(String, Known)) -> RootReply {
    let json = match known {
        Known::Text(text) => Some(text.clone()),
        Known::Nothing => None,
    };
    RootReply { key: key.clone(), json, facts: None }
}

/// What a statement is about, for spans: tables, no values.
fn summary(catalog: &Catalog, plan: &ReadPlan) -> String {
    let mut text = String::from("SELECT");
    for (_, root) in plan.roots.iter().take(4) {
        let entity = match root {
            RootPlan::Constant(_) | RootPlan::Node(_) => continue,
            RootPlan::One { object, .. } => object.entity,
            RootPlan::List(list) => list.entity,
            RootPlan::Aggregate(aggregate) => aggregate.entity,
        };
        text.push(' ');
        text.push_str(&catalog.entity(entity).table);
    }
    text
}
