//! The complete, slow executor: async-graphql's own, with two resolvers for the whole schema.
//!
//! The first root field that is resolved lowers the whole operation and asks the engine: a query is one statement, a
//! mutation one transaction; every other field picks its response key from the JSON of its parent. It answers introspection, operations that mix it with data, and, in development, any operation:
//! it is the oracle of the fast one.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use async_graphql::dynamic::{FieldFuture, FieldValue, ResolverContext};
use async_graphql::extensions::{Extension, ExtensionContext, ExtensionFactory, NextExecute};
use async_graphql::parser::Pos;
use async_graphql::parser::types::OperationType;
use async_graphql::{Request, Response, Value, Variables};
use serde_json::{Map, Value as Json};
use service::engine::{WriteOptions, Written};
use service::{Code, Context, Error, Service};
use tokio::sync::OnceCell;

use super::document::Known;
use super::execute::{not_found, placed};
use super::lower::{self, Bound, Budget, KIND};
use super::render::{Answer, Data, Fault};
use super::schema::Bundle;

/// Asks for validation without execution.
pub(crate) struct OnlyValidate;

/// Stops before execution where only validation is wanted.
pub(crate) struct Halt;

impl ExtensionFactory for Halt {
    fn create(&self) -> Arc<dyn Extension> {
        Arc::new(Halt)
    }
}

#[async_graphql::async_trait::async_trait]
impl Extension for Halt {
    async fn execute(
        &self,
        context: &ExtensionContext<'_>,
        name: Option<&str>,
        next: NextExecute<'_>,
    ) -> Response {
        if context.data_opt::<OnlyValidate>().is_some() {
            return Response::new(Value::Null);
        }
        next.run(context, name).await
    }
}

/// A field of anything but a root: what its parent's JSON has under its response key.
pub(crate) fn pick<'a>(context: ResolverContext<'a>) -> FieldFuture<'a> {
    let key = context.item.node.response_key().node.as_str();
    let value = match context.parent_value.as_value() {
        Some(Value::Object(fields)) => fields.get(key).cloned().filter(|value| *value != Value::Null),
        _ => None,
    };
    FieldFuture::from_value(value)
}

/// A field of a root.
pub(crate) fn root<'a>(context: ResolverContext<'a>) -> FieldFuture<'a> {
    FieldFuture::Future(Box::pin(async move {
        let run = context.data::<Arc<Run>>()?;
        let key = context.item.node.response_key().node.as_str();
        match run.root(key).await {
            Ok(None | Some(Value::Null)) => Ok(None),
            Ok(Some(value)) => Ok(Some(typed(value))),
            Err(stopped) => Err(async_graphql::Error::new(stopped.0)),
        }
    }))
}

/// Rows asked for by `node` say which type they are.
fn typed(value: Value) -> FieldValue<'static> {
    let kind = match &value {
        Value::Object(fields) => match fields.get(KIND) {
            Some(Value::String(kind)) => Some(kind.clone()),
            _ => None,
        },
        _ => None,
    };
    match kind {
        Some(kind) => FieldValue::value(value).with_type(kind),
        None => FieldValue::value(value),
    }
}

/// The whole operation failed; why is kept in the run.
struct Stopped(&'static str);

/// One operation on its way.
pub(crate) struct Run {
    pub(crate) service: Service,
    pub(crate) context: Context,
    pub(crate) known: Arc<Known>,
    pub(crate) bundle: Arc<Bundle>,
    pub(crate) bound: Bound,
    pub(crate) budget: Budget,
    pub(crate) state: State,
}

/// What the engine found for each root, by its key, and where the root was asked for.
type Roots = HashMap<String, (Option<Json>, Pos)>;

/// What happened so far.
#[derive(Default)]
pub(crate) struct State {
    read: OnceCell<Option<Roots>>,
    written: OnceCell<Option<Map<String, Json>>>,
    failure: Mutex<Option<(Vec<Fault>, bool)>>,
    missing: Mutex<Vec<(String, Fault)>>,
}

impl Run {
    /// Whether the whole query can be run.
    fn look(&self) -> Result<(), Vec<Fault>> {
        if self.known.kind == OperationType::Mutation {
            return Ok(());
        }
        let lowered = lower::operation(&self.known, &self.bundle, &self.bound, self.budget)?;
        let Some(request) = &lowered.request else { return Ok(()) };
        let prepared = self.service.engine().prepare(&self.context, request);
        prepared.map(|_| ()).map_err(|error| placed(error, &lowered.layout))
    }

    async fn root(&self, key: &str) -> Result<Option<Value>, Stopped> {
        let json = if self.known.kind == OperationType::Mutation {
            let written = self.state.written.get_or_init(|| async { self.write().await }).await;
            written.as_ref().ok_or(Stopped("the mutation failed"))?.get(key).cloned()
        } else {
            self.read(key).await?
        };
        json.map(Value::from_json).transpose().map_err(|error| self.stop(internal(error), true))
    }

    /// One root of a query: the first that is resolved asks for all of them, in one statement.
    async fn read(&self, key: &str) -> Result<Option<Json>, Stopped> {
        let roots = self.state.read.get_or_init(|| async { self.fetch().await }).await;
        let roots = roots.as_ref().ok_or(Stopped("the query failed"))?;
        match roots.get(key) {
            Some((Some(json), _)) => Ok(Some(json.clone())),
            Some((None, position)) => {
                self.absent(key, *position);
                Ok(None)
            }
            None => Ok(None),
        }
    }

    /// The rows of all roots with their places in the document; the failure is kept.
    async fn fetch(&self) -> Option<Roots> {
        let lowered = lower::typed_query(&self.known, &self.bundle, &self.bound, self.budget);
        let lowered = lowered.map_err(|faults| self.stop(faults, false)).ok()?;
        let mut answers = HashMap::new();
        let Some(request) = &lowered.request else { return Some(answers) };
        let engine = self.service.engine();
        let prepared = engine
            .prepare(&self.context, request)
            .map_err(|error| self.stop(placed(error, &lowered.layout), false))
            .ok()?;
        let reply = engine
            .fetch(&self.context, &prepared, &self.bound.params)
            .await
            .map_err(|error| self.stop(placed(error, &lowered.layout), true))
            .ok()?;
        let asked = lowered.layout.iter().filter(|slot| slot.known.is_none());
        for (slot, root) in asked.zip(reply.roots) {
            let json = root.json.as_deref().map(parse).transpose();
            let json = json.map_err(|error| self.stop(vec![error.into()], true)).ok()?;
            answers.insert(slot.key.clone(), (json, slot.position));
        }
        Some(answers)
    }

    async fn write(&self) -> Option<Map<String, Json>> {
        let lowered = match lower::operation(&self.known, &self.bundle, &self.bound, self.budget) {
            Ok(lowered) => lowered,
            Err(faults) => {
                self.stop(faults, false);
                return None;
            }
        };
        let request = lowered.request?;
        match self.service.engine().write(&self.context, &request, WriteOptions::default()).await {
            Ok(Written::Now(reply)) => {
                let mut answers = Map::new();
                for root in reply.roots {
                    let json = root.json.as_deref().map_or(Ok(Json::Null), parse);
                    answers.insert(root.key, json.map_err(|error| self.stop(vec![error.into()], true)).ok()?);
                }
                Some(answers)
            }
            Ok(Written::Before(_)) => None,
            Err(error) => {
                self.stop(placed(error, &lowered.layout), true);
                None
            }
        }
    }

    fn absent(&self, key: &str, position: Pos) {
        let mut missing = self.state.missing.lock().unwrap_or_else(PoisonError::into_inner);
        if missing.iter().all(|(known, _)| known != key) {
            missing.push((key.to_owned(), not_found(key, position)));
        }
    }

    /// Remembers the first reason for failing.
    fn stop(&self, faults: Vec<Fault>, run: bool) -> Stopped {
        let mut failure = self.state.failure.lock().unwrap_or_else(PoisonError::into_inner);
        failure.get_or_insert((faults, run));
        Stopped("the operation failed")
    }
}

fn internal(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Vec<Fault> {
    vec![Error::internal(cause).into()]
}

fn parse(json: &str) -> Result<Json, Error> {
    serde_json::from_str(json).map_err(Error::internal)
}

/// Runs an operation.
pub(crate) async fn execute(run: Run) -> Answer {
    // The roots are resolved one by one; what is wrong with any of them is told before, and of all.
    if let Err(faults) = run.look() {
        return Answer::refused(faults);
    }
    let run = Arc::new(run);
    let mut request = Request::new("").data(Arc::clone(&run)).variables(variables(&run.bound));
    if let Some(name) = &run.known.name {
        request = request.operation_name(name.as_ref());
    }
    request.set_parsed_query(run.known.document.clone());
    let response = run.bundle.schema.execute(request).await;

    if let Some((faults, executed)) = run.state.failure.lock().unwrap_or_else(PoisonError::into_inner).take()
    {
        return if executed { Answer::failed(faults) } else { Answer::refused(faults) };
    }
    if let Some(error) = response.errors.first() {
        if error.message.starts_with("internal:") {
            return Answer::failed(internal(error.message.clone()));
        }
        let refused = Error::new(Code::ValidationFailed, error.message.clone());
        return Answer::refused(vec![Fault { locations: error.locations.clone(), ..refused.into() }]);
    }
    let mut missing = std::mem::take(&mut *run.state.missing.lock().unwrap_or_else(PoisonError::into_inner));
    let mut data = Data::with_capacity(1024);
    if let Value::Object(mut fields) = response.data {
        if run.known.kind == OperationType::Query {
            // The roots of a query are resolved at the same time, and come as they are ready.
            let keys = lower::keys(&run.known, &run.bound, run.budget);
            fields.sort_by_cached_key(|key, _| keys.iter().position(|wanted| *wanted == key.as_str()));
        }
        for (key, value) in fields {
            match missing.iter().position(|(missed, _)| *missed == key.as_str()) {
                Some(index) => data.missing(&key, missing.swap_remove(index).1),
                None => data.push(&key, &text(&value)),
            }
        }
    }
    Answer::data(data.done())
}

fn text(value: &Value) -> String {
    serde_json::to_string(value).unwrap_or_else(|_| "null".to_owned())
}

fn variables(bound: &Bound) -> Variables {
    let mut variables = Variables::default();
    for (name, value) in bound.values() {
        if let Ok(value) = Value::from_json(value) {
            variables.insert(name.clone(), value);
        }
    }
    variables
}
