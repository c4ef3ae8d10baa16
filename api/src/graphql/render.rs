//! Answers and errors as GraphQL's JSON.

use async_graphql::parser::Pos;
use serde_json::{Value, json};
use service::error::{Segment, TOLD};
use service::{Error, Kind};

/// An error with its places in the document.
#[derive(Debug)]
pub(crate) struct Fault {
    pub(crate) error: Error,
    pub(crate) locations: Vec<Pos>,
}

impl Fault {
    /// An error at a place.
    pub(crate) fn at(error: Error, position: Pos) -> Self {
        let known = position != Pos::default();
        Self { error, locations: known.then_some(position).into_iter().collect() }
    }

    /// Each complaint for itself.
    fn split(self) -> impl Iterator<Item = Fault> {
        let locations = self.locations;
        self.error.split().into_iter().map(move |error| Fault { error, locations: locations.clone() })
    }

    /// As JSON.
    fn json(&self) -> Value {
        let mut fault = json!({ "message": self.error.message() });
        if !self.locations.is_empty() {
            fault["locations"] = self
                .locations
                .iter()
                .map(|place| json!({ "line": place.line, "column": place.column }))
                .collect();
        }
        if !self.error.path().is_empty() {
            fault["path"] = self.error.path().iter().map(segment).collect();
        }
        fault["extensions"] = extensions(&self.error);
        fault
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        Self { error, locations: Vec::new() }
    }
}

fn segment(segment: &Segment) -> Value {
    match segment {
        Segment::Name(name) | Segment::Parameter(name) => Value::from(name.as_str()),
        Segment::Index(index) => Value::from(*index),
    }
}

/// The code, the way out, the place in the input.
pub(crate) fn extensions(error: &Error) -> Value {
    let mut extensions = json!({ "code": error.code().as_str() });
    if let Some(hint) = error.hint_text() {
        extensions["hint"] = hint.into();
    }
    if !error.input().is_empty() {
        extensions["input"] = error.input_path().into();
    }
    if let Some(seconds) = error.retry_seconds() {
        extensions["retryAfter"] = seconds.into();
    }
    extensions
}

/// How a request came out, as far as HTTP cares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// There is data.
    Answered,
    /// It was not run: there is no `data`.
    Refused(Kind),
    /// It was run and failed as a whole: `data` is null.
    Failed(Kind),
}

/// An answer's body with what HTTP needs to know about it.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) body: String,
    pub(crate) verdict: Verdict,
    /// The first error of a request that was refused or failed.
    pub(crate) error: Option<Error>,
    /// How long the database took.
    pub(crate) database: Option<std::time::Duration>,
    /// The answer is one that was given before, under the same idempotency key.
    pub(crate) repeated: bool,
    /// What becomes of the cookies of the browser's session.
    pub(crate) cookies: Vec<service::auth::Cookie>,
}

impl Answer {
    /// An answer with data.
    pub(crate) fn data(body: String) -> Self {
        Self {
            body,
            verdict: Verdict::Answered,
            error: None,
            database: None,
            repeated: false,
            cookies: Vec::new(),
        }
    }

    /// The request was not run.
    pub(crate) fn refused(faults: Vec<Fault>) -> Self {
        Self::errors(faults, false)
    }

    /// The request was run and failed.
    pub(crate) fn failed(faults: Vec<Fault>) -> Self {
        Self::errors(faults, true)
    }

    fn errors(faults: Vec<Fault>, run: bool) -> Self {
        let faults: Vec<Fault> = faults.into_iter().flat_map(Fault::split).take(TOLD).collect();
        let kind = faults.first().map_or(Kind::Internal, |fault| fault.error.kind());
        let errors = Value::Array(faults.iter().map(Fault::json).collect());
        let body = if run {
            format!("{{\"data\":null,\"errors\":{errors}}}")
        } else {
            format!("{{\"errors\":{errors}}}")
        };
        Self {
            body,
            verdict: if run { Verdict::Failed(kind) } else { Verdict::Refused(kind) },
            error: faults.first().map(|fault| fault.error.clone()),
            database: None,
            repeated: false,
            cookies: Vec::new(),
        }
    }
}

/// The data of an operation, with the database's JSON passed on untouched, and errors for rows that are not there.
pub(crate) struct Data {
    text: String,
    first: bool,
    missing: Vec<Fault>,
}

const BEGIN: &str = "{\"data\":{";

impl Data {
    /// Data of about so many bytes: it is written once, and large.
    pub(crate) fn with_capacity(bytes: usize) -> Self {
        let mut text = String::with_capacity(bytes + BEGIN.len() + 2);
        text.push_str(BEGIN);
        Self { text, first: true, missing: Vec::new() }
    }

    /// Adds a root. Keys are GraphQL names: nothing in them needs an escape.
    pub(crate) fn push(&mut self, key: &str, json: &str) {
        self.text.push_str(if self.first { "\"" } else { ",\"" });
        self.first = false;
        self.text.push_str(key);
        self.text.push_str("\":");
        self.text.push_str(json);
    }

    /// Adds a root whose row is not there.
    pub(crate) fn missing(&mut self, key: &str, fault: Fault) {
        self.push(key, "null");
        self.missing.push(fault);
    }

    pub(crate) fn done(mut self) -> String {
        self.text.push('}');
        if !self.missing.is_empty() {
            let errors = Value::Array(self.missing.iter().map(Fault::json).collect());
            self.text.push_str(",\"errors\":");
            self.text.push_str(&errors.to_string());
        }
        self.text.push('}');
        self.text
    }
}
