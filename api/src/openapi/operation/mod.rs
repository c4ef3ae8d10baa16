//! Paths and what can be done at each.

mod account;
mod collection;
mod item;
mod nested;
mod server;

pub(super) use account::TAG as ACCOUNT_TAG;
pub(super) use server::TAG as SERVER_TAG;

use std::collections::HashSet;

use serde_json::{Map, Value, json};

use super::fragment::Fragments;
use super::parameter::{self, Parameters};
use super::response::Responses;
use super::schema::{Registry, maybe, object, put};
use super::view::{Type, View};

/// Statuses that any request may end in.
const ALWAYS: [u16; 5] = [401, 429, 500, 503, 504];
/// Those of requests with parameters or names that may not be understood.
const READ: [u16; 5] = [400, 406, 414, 422, 431];
/// Those of requests with a body.
const BODY: [u16; 3] = [408, 413, 415];

/// A document while it is being written.
pub(super) struct Writer<'v> {
    view: &'v View<'v>,
    /// The schemas so far.
    pub(super) registry: Registry<'v>,
    /// The shared parameters that were wanted so far.
    pub(super) parameters: Parameters,
    /// The shared answers that were wanted so far.
    pub(super) responses: Responses,
    fixed: Map<String, Value>,
    base: &'v str,
    paths: Fragments,
    ids: HashSet<String>,
    public: bool,
}

/// What an operation is.
struct Operation<'s> {
    /// The wanted id.
    id: String,
    summary: String,
    description: Option<String>,
    parameters: Vec<Value>,
    body: Option<Value>,
    /// What it says when it succeeds, by status.
    answers: Vec<(u16, Value)>,
    /// The statuses of its refusals, those of every operation apart.
    refusals: &'s [&'s [u16]],
    /// Whether nobody needs credentials for it.
    public: bool,
}

impl<'v> Writer<'v> {
    /// Nothing written yet. `public`: the reader shows no credentials, so nothing in the document needs any.
    pub(super) fn new(view: &'v View<'v>, registry: Registry<'v>, base: &'v str, public: bool) -> Self {
        let mut fixed = parameter::fixed(view);
        fixed.extend(parameter::having());
        Self {
            view,
            registry,
            parameters: Parameters::default(),
            responses: Responses::default(),
            fixed,
            base,
            paths: Fragments::default(),
            ids: HashSet::new(),
            public,
        }
    }

    /// Writes every path, and gives them.
    pub(super) fn paths(&mut self) -> Fragments {
        let view = self.view;
        for ty in view.types() {
            self.collection(ty);
            self.item(ty);
            self.nested(ty);
        }
        self.accounts();
        self.server();
        std::mem::take(&mut self.paths)
    }

    /// Puts a path's operations in their place, unless there are none.
    fn place(&mut self, path: String, shared: Vec<Value>, operations: Vec<(&str, Value)>) {
        if operations.is_empty() {
            return;
        }
        let mut item = Map::new();
        if !shared.is_empty() {
            item.insert("parameters".to_owned(), shared.into());
        }
        item.extend(operations.into_iter().map(|(method, operation)| (method.to_owned(), operation)));
        self.paths.push(path, &item.into());
    }

    /// References to shared parameters.
    fn shared(&mut self, keys: &[&str]) -> Vec<Value> {
        keys.iter().map(|key| self.share(key)).collect()
    }

    fn share(&mut self, key: &str) -> Value {
        if let Some(written) = self.fixed.get(key) {
            self.parameters.write(key, || written.clone());
        }
        parameter::shared(key)
    }

    fn filters(&mut self, ty: &'v Type<'v>, reserved: &[&str]) -> Vec<Value> {
        parameter::filter::parameters(self.view, ty, &mut self.registry, &mut self.parameters, reserved)
    }

    /// The filters of what is not the list of a type: in a large model they are told once, with the list.
    fn other_filters(&mut self, ty: &'v Type<'v>, reserved: &[&str]) -> Vec<Value> {
        if self.view.brief { Vec::new() } else { self.filters(ty, reserved) }
    }

    /// Writes an operation under the tag of its type.
    fn operation(&mut self, tag: &str, operation: Operation<'_>) -> Value {
        let mut id = operation.id;
        while !self.ids.insert(id.clone()) {
            id.push('_');
        }
        let mut written = object([
            ("tags", vec![tag].into()),
            ("operationId", id.into()),
            ("summary", operation.summary.into()),
        ]);
        maybe(&mut written, "description", operation.description);
        let parameters = operation.parameters;
        maybe(&mut written, "parameters", (!parameters.is_empty()).then_some(parameters));
        maybe(&mut written, "requestBody", operation.body);
        let mut answers: Map<_, _> =
            operation.answers.into_iter().map(|(status, answer)| (status.to_string(), answer)).collect();
        let refusals: Vec<u16> =
            operation.refusals.iter().flat_map(|statuses| statuses.iter().copied()).collect();
        self.responses.refuse(&mut answers, &refusals);
        put(&mut written, "responses", answers);
        if !operation.public && !self.public {
            put(&mut written, "security", json!([{ "bearer": [] }, { "apiKey": [] }]));
        }
        written
    }
}

/// An answer in JSON.
fn answer(description: &str, schema: Value, headers: Value) -> Value {
    let mut answer = silence(description, headers);
    put(&mut answer, "content", object([("application/json", object([("schema", schema)]))]));
    answer
}

/// An answer without a body.
fn silence(description: &str, headers: Value) -> Value {
    let mut answer = object([("description", description.into())]);
    if headers.as_object().is_some_and(|headers| !headers.is_empty()) {
        put(&mut answer, "headers", headers);
    }
    answer
}

/// A body that must be there, in one of these media types.
fn body(description: &str, schema: &Value, media: &[&str]) -> Value {
    let content: Map<_, _> =
        media.iter().map(|media| ((*media).to_owned(), object([("schema", schema.clone())]))).collect();
    object([("description", description.into()), ("required", true.into()), ("content", content.into())])
}

/// Prose of the model and of ours, one after the other.
fn text(first: Option<&str>, second: &str) -> Option<String> {
    match (first, second) {
        (None, "") => None,
        (None, second) => Some(second.to_owned()),
        (Some(first), "") => Some(first.to_owned()),
        (Some(first), second) => Some(format!("{first}\n\n{second}")),
    }
}

/// "a track", "an album".
fn one(noun: &str) -> String {
    let vowel = noun.chars().next().is_some_and(|first| "aeiouAEIOU".contains(first));
    format!("{} {noun}", if vowel { "an" } else { "a" })
}
