//! The fast executor: a whole operation is one statement, and the database's JSON is the answer.
//!
//! A known operation skips parsing and validation, a known shape of its variables skips planning: what remains is
//! binding values and running the statement.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_graphql::parser::Pos;
use async_graphql::parser::types::OperationType;
use moka::sync::Cache;
use serde_json::{Map, Value as Json};
use service::auth::Caller;
use service::engine::{Idempotency, Prepared, Reply, StoredAnswer, WriteOptions, Written};
use service::{Code, Context, Error, Service};
use tracing::Instrument;

use super::document::{self, Known};
use super::lower::{self, Bound, Budget, Slot, Step};
use super::render::{Answer, Data, Fault};
use super::resolve;
use super::schema::{Bundle, Schemas};
use super::settings::Settings;
use crate::http;

/// Bytes of an operation's text, and of a plan's statement and key, for which the caches have room on average.
/// They are bounded by bytes: a client decides how large what it sends is.
const OPERATION: u64 = 4 * 1024;
const PLAN: u64 = 16 * 1024;

/// What an entry weighs that holds so many bytes of text.
fn weight(bytes: usize) -> u32 {
    u32::try_from(bytes.saturating_add(512)).unwrap_or(u32::MAX)
}

/// One operation as it was asked for.
pub(crate) struct Call<'a> {
    pub(crate) text: &'a str,
    pub(crate) name: Option<&'a str>,
    pub(crate) variables: &'a Map<String, Json>,
    /// Only queries are run: the request must not change anything.
    pub(crate) safe: bool,
    /// A key under which a mutation is done once, and a hash of the request's body.
    pub(crate) idempotency: Option<(&'a str, &'a str)>,
    /// The slow executor is wanted.
    pub(crate) resolvers: bool,
    /// Who asks for what concerns accounts.
    pub(crate) caller: &'a Caller,
    /// What the request is counted in.
    pub(crate) http: &'a http::Call,
}

/// A compiled query with the shape of its answer.
struct Plan {
    prepared: Option<Arc<Prepared>>,
    layout: Vec<Slot>,
}

/// Runs operations.
pub(crate) struct Executor {
    service: Service,
    settings: Arc<Settings>,
    schemas: Schemas,
    known: Cache<u64, Arc<Known>>,
    plans: Cache<(u64, String), Arc<Plan>>,
    hasher: RandomState,
    next: AtomicU64,
}

impl Executor {
    pub(crate) fn new(service: Service, settings: Arc<Settings>) -> Self {
        Self {
            service,
            schemas: Schemas::default(),
            known: Cache::builder()
                .max_capacity(settings.operations.saturating_mul(OPERATION))
                .weigher(|_, known: &Arc<Known>| weight(known.text.len()))
                .build(),
            plans: Cache::builder()
                .max_capacity(settings.plans.saturating_mul(PLAN))
                .weigher(|(_, key): &(u64, String), plan: &Arc<Plan>| {
                    let statement = plan.prepared.as_ref().map_or(0, |prepared| prepared.size());
                    weight(key.len() + statement)
                })
                .build(),
            hasher: RandomState::new(),
            next: AtomicU64::new(0),
            settings,
        }
    }

    /// Answers an operation.
    pub(crate) async fn run(&self, context: Context, call: Call<'_>) -> Answer {
        // At the level of traces, not of logs: it costs nothing where nothing is exported.
        let span = tracing::debug_span!(
            "graphql",
            otel.name = tracing::field::Empty,
            graphql.operation.type = tracing::field::Empty,
            graphql.operation.name = tracing::field::Empty,
        );
        match self.answer(context, call).instrument(span).await {
            Ok(answer) => answer,
            Err(faults) => Answer::refused(faults),
        }
    }

    async fn answer(&self, context: Context, call: Call<'_>) -> Result<Answer, Vec<Fault>> {
        let bundle = self.schemas.bundle(&context, &self.settings).await.map_err(one)?;
        let known = self.known(&bundle, &call).await?;
        trace(&known);
        if known.kind == OperationType::Mutation {
            document::changes(&call, &bundle).map_err(one)?;
        }
        let bound = known.definitions.bind(bundle.registry(), call.variables, self.settings.suggestions)?;
        if known.kind == OperationType::Mutation
            && let Some(steps) = lower::accounts(&known, &bundle, &bound, self.budget())?
        {
            return Ok(self.accounts(&call, steps).await);
        }
        if known.introspects || call.resolvers {
            return Ok(self.resolve(context, bundle, known, bound).await);
        }
        if known.kind == OperationType::Mutation {
            return self.write(&context, &bundle, &known, &bound, call.idempotency).await;
        }
        let plan = self.plan(&context, &bundle, &known, &bound)?;
        Ok(self.read(&context, &plan, &bound).await)
    }

    /// What concerns accounts, one after the other; what fails is null, and the rest is done. Each counts as a request
    /// would; after one for which the quota has no room, no other is done.
    async fn accounts(&self, call: &Call<'_>, steps: Vec<Step>) -> Answer {
        let mut data = Data::with_capacity(512);
        let mut cookies = Vec::new();
        // The request itself was counted as one.
        let (mut first, mut room) = (true, Ok(()));
        for step in steps {
            let Some(operation) = step.operation else {
                data.push(&step.key, "\"Mutation\"");
                continue;
            };
            if !first && room.is_ok() {
                room = call.http.charge(1).await;
            }
            first = false;
            let done = match &room {
                Ok(()) => self.service.auth().run(operation, call.caller, &step.input).await,
                Err(error) => Err(error.clone()),
            };
            match done {
                Ok(done) => {
                    data.push(&step.key, &step.select(&done.body).to_string());
                    cookies.extend(done.cookie);
                }
                Err(error) => {
                    let error = if self.settings.suggestions { error } else { error.without_suggestions() };
                    data.missing(&step.key, Fault::at(error.under(step.key.as_str()), step.position));
                }
            }
        }
        Answer { cookies, ..Answer::data(data.done()) }
    }

    /// The slow way.
    async fn resolve(
        &self,
        context: Context,
        bundle: Arc<Bundle>,
        known: Arc<Known>,
        bound: Bound,
    ) -> Answer {
        let service = self.service.clone();
        let (budget, state) = (self.budget(), resolve::State::default());
        resolve::execute(resolve::Run { service, context, known, bundle, bound, budget, state }).await
    }

    fn budget(&self) -> Budget {
        Budget { fields: self.settings.bounds.fields, suggestions: self.settings.suggestions }
    }

    /// The operation, parsed and validated when it is seen first.
    async fn known(&self, bundle: &Bundle, call: &Call<'_>) -> Result<Arc<Known>, Vec<Fault>> {
        let key = self.hasher.hash_one((bundle.id, call.text, call.name));
        if let Some(known) = self.known.get(&key)
            && *known.text == *call.text
            && known.name.as_deref() == call.name
            && known.schema == bundle.id
        {
            return Ok(known);
        }
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let known = Arc::new(document::read(id, call, bundle, &self.settings).await?);
        self.known.insert(key, Arc::clone(&known));
        Ok(known)
    }

    /// The plan for this shape of variables, made when it is seen first.
    fn plan(
        &self,
        context: &Context,
        bundle: &Bundle,
        known: &Known,
        bound: &Bound,
    ) -> Result<Arc<Plan>, Vec<Fault>> {
        // Scopes decide what may be done, not what exists: callers of one schema may differ in them.
        let scopes = context.principal.subject().and_then(|subject| subject.scopes.as_ref());
        let key = match scopes {
            None => (known.id, bound.key.clone()),
            Some(scopes) => (known.id, format!("{}\n{}", scopes.join(" "), bound.key)),
        };
        if let Some(plan) = self.plans.get(&key)
            && plan.prepared.as_ref().is_none_or(|prepared| prepared.fits(context))
        {
            return Ok(plan);
        }
        let lowered = lower::operation(known, bundle, bound, self.budget())?;
        let prepared = match &lowered.request {
            Some(request) => Some(
                self.service
                    .engine()
                    .prepare(context, request)
                    .map_err(|error| placed(error, &lowered.layout))?,
            ),
            None => None,
        };
        let plan = Arc::new(Plan { prepared, layout: lowered.layout });
        self.plans.insert(key, Arc::clone(&plan));
        Ok(plan)
    }

    async fn read(&self, context: &Context, plan: &Plan, bound: &Bound) -> Answer {
        let reply = match &plan.prepared {
            None => Reply::default(),
            Some(prepared) => match self.service.engine().fetch(context, prepared, &bound.params).await {
                Ok(reply) => reply,
                Err(error) => return Answer::failed(placed(error, &plan.layout)),
            },
        };
        let mut answer = Answer::data(render(&plan.layout, &reply, true));
        answer.database = Some(reply.database);
        answer
    }

    async fn write(
        &self,
        context: &Context,
        bundle: &Bundle,
        known: &Known,
        bound: &Bound,
        idempotency: Option<(&str, &str)>,
    ) -> Result<Answer, Vec<Fault>> {
        let lowered = lower::operation(known, bundle, bound, self.budget())?;
        let Some(request) = &lowered.request else {
            return Ok(Answer::data(render(&lowered.layout, &Reply::default(), false)));
        };
        let store = |reply: &Reply| StoredAnswer {
            status: 200,
            headers: Vec::new(),
            body: render(&lowered.layout, reply, false).into_bytes(),
        };
        let idempotency = idempotency.map(|(key, fingerprint)| Idempotency {
            key,
            route: "POST /graphql",
            fingerprint,
            render: &store,
        });
        let options = WriteOptions { dry_run: false, idempotency };
        match self.service.engine().write(context, request, options).await {
            Ok(Written::Now(reply)) => {
                let mut answer = Answer::data(render(&lowered.layout, &reply, false));
                answer.database = Some(reply.database);
                Ok(answer)
            }
            Ok(Written::Before(stored)) => match String::from_utf8(stored.body) {
                Ok(body) => Ok(Answer { repeated: true, ..Answer::data(body) }),
                Err(error) => Err(one(Error::internal(error))),
            },
            Err(error) => Ok(Answer::failed(placed(error, &lowered.layout))),
        }
    }
}

/// The roots in order: known ones, and the engine's.
fn render(layout: &[Slot], reply: &Reply, missing: bool) -> String {
    let bytes =
        reply.roots.iter().map(|root| root.key.len() + root.json.as_ref().map_or(4, String::len) + 4).sum();
    let mut data = Data::with_capacity(bytes);
    let mut roots = reply.roots.iter();
    for slot in layout {
        let json = match &slot.known {
            Some(known) => Some(known.as_str()),
            None => roots.next().and_then(|root| root.json.as_deref()),
        };
        match json {
            Some(json) => data.push(&slot.key, json),
            None if missing => data.missing(&slot.key, not_found(&slot.key, slot.position)),
            None => data.push(&slot.key, "null"),
        }
    }
    data.done()
}

/// A row that is not there, or that the caller may not see: no difference can be told.
pub(crate) fn not_found(key: &str, position: Pos) -> Fault {
    let error = Error::new(Code::NotFound, "There is no such row, or none that you may see.").under(key);
    Fault::at(error, position)
}

/// An error of the engine, and those that go with it, with the places of the roots they came from.
pub(crate) fn placed(error: Error, layout: &[Slot]) -> Vec<Fault> {
    let place = |error: Error| {
        let first = match error.path().first() {
            Some(service::error::Segment::Name(key)) => layout.iter().find(|slot| slot.key == *key),
            _ => None,
        };
        match first {
            Some(slot) => Fault::at(error, slot.position),
            None => error.into(),
        }
    };
    error.split().into_iter().map(place).collect()
}

fn one(error: Error) -> Vec<Fault> {
    vec![error.into()]
}

/// What traces show of an operation; its values they never show.
fn trace(known: &Known) {
    let span = tracing::Span::current();
    if span.is_disabled() {
        return;
    }
    let kind = if known.kind == OperationType::Mutation { "mutation" } else { "query" };
    span.record("otel.name", kind);
    span.record("graphql.operation.type", kind);
    if let Some(name) = known.label() {
        span.record("graphql.operation.name", name);
    }
}
