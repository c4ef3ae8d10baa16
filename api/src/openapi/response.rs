//! Answers: what every operation may say beside its own.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};
use service::Code;

use super::schema::{Registry, shared};
use crate::http::problem;

/// A refusal that operations share.
struct Refusal {
    status: u16,
    name: &'static str,
    description: &'static str,
    /// What the example says.
    code: Code,
    detail: &'static str,
    hint: Option<&'static str>,
    headers: &'static [&'static str],
}

/// All of them, by status.
const REFUSALS: [Refusal; 17] = [
    refusal(
        400,
        "BadRequest",
        "The request is malformed.",
        Code::UnknownParameter,
        "`nmae` is not a parameter here.",
        Some("did you mean `name`?"),
    ),
    refusal(
        401,
        "Unauthorized",
        "Credentials are needed, or those shown are not valid.",
        Code::BadCredentials,
        "The credentials are not valid.",
        None,
    ),
    refusal(
        403,
        "Forbidden",
        "The caller may not do this.",
        Code::Forbidden,
        "You may not change this row.",
        None,
    ),
    refusal(
        404,
        "NotFound",
        "There is no such row, or none the caller may see.",
        Code::NotFound,
        "There is no such row.",
        None,
    ),
    refusal(
        406,
        "NotAcceptable",
        "No representation fits the Accept header.",
        Code::NotAcceptable,
        "No representation fits the header `Accept`.",
        Some("possible: application/json"),
    ),
    refusal(
        408,
        "RequestTimeout",
        "The body did not arrive in time.",
        Code::BodyTimeout,
        "The body did not arrive within 30 seconds.",
        None,
    ),
    refusal(
        409,
        "Conflict",
        "The data as it is forbids it.",
        Code::UniqueViolation,
        "Another row has this value already.",
        None,
    ),
    refusal(
        412,
        "PreconditionFailed",
        "The row is not what the request says it must be.",
        Code::VersionMismatch,
        "The row has changed since it was read.",
        Some("read it again and repeat the change"),
    ),
    refusal(
        413,
        "ContentTooLarge",
        "The body is larger than allowed.",
        Code::BodyTooLarge,
        "The body is larger than 1048576 bytes.",
        None,
    ),
    refusal(
        414,
        "QueryTooLong",
        "The query string is longer than allowed.",
        Code::QueryTooLong,
        "The query string is longer than 16384 bytes.",
        None,
    ),
    refusal(
        415,
        "UnsupportedMediaType",
        "The media type of the body is not understood.",
        Code::UnsupportedMediaType,
        "The media type of the body is not understood.",
        Some("send `Content-Type: application/json`"),
    ),
    refusal(
        422,
        "Unprocessable",
        "The request is well formed, but a value breaks a rule, or it asks for too much work.",
        Code::BadValue,
        "expected an integer, got \"many\"",
        None,
    ),
    refusal(
        429,
        "TooManyRequests",
        "The client's quota is used up; try again after the time that `Retry-After` names.",
        Code::RateLimited,
        "The limit `principal` is used up: 1200 in 10 seconds.",
        Some("Try again in 1 s."),
    ),
    refusal(
        431,
        "HeadTooLarge",
        "The address and the headers together are larger than allowed.",
        Code::LimitExceeded,
        "The address and the headers together are larger than allowed.",
        None,
    ),
    refusal(
        500,
        "InternalError",
        "Something went wrong on our side.",
        Code::Internal,
        "Something went wrong on our side.",
        None,
    ),
    refusal(
        503,
        "Unavailable",
        "Not now; try again after the time that `Retry-After` names.",
        Code::Unavailable,
        "The service is not available at the moment; try again.",
        None,
    ),
    refusal(
        504,
        "Timeout",
        "The request took longer than allowed.",
        Code::Timeout,
        "The request took longer than allowed.",
        None,
    ),
];

const fn refusal(
    status: u16,
    name: &'static str,
    description: &'static str,
    code: Code,
    detail: &'static str,
    hint: Option<&'static str>,
) -> Refusal {
    let headers: &[&str] = match status {
        401 => &["WWW-Authenticate"],
        429 => &["Retry-After", "RateLimit", "RateLimit-Policy"],
        503 => &["Retry-After"],
        _ => &[],
    };
    Refusal { status, name, description, code, detail, hint, headers }
}

/// The shared answers of a document while it is being written.
#[derive(Default)]
pub(super) struct Responses {
    refused: BTreeSet<u16>,
    headers: BTreeSet<&'static str>,
}

impl Responses {
    /// References to the answers of these statuses, put into `answers`.
    pub(super) fn refuse(&mut self, answers: &mut Map<String, Value>, statuses: &[u16]) {
        for refusal in REFUSALS.iter().filter(|refusal| statuses.contains(&refusal.status)) {
            self.refused.insert(refusal.status);
            self.headers.extend(refusal.headers);
            let reference = format!("#/components/responses/{}", refusal.name);
            answers.insert(refusal.status.to_string(), json!({ "$ref": reference }));
        }
    }

    /// References to headers.
    pub(super) fn headers(&mut self, names: &[&'static str]) -> Value {
        self.headers.extend(names);
        references(names)
    }

    /// The component maps of answers and of headers.
    pub(super) fn finish(self, registry: &mut Registry) -> (Value, Value) {
        let used = REFUSALS.iter().filter(|refusal| self.refused.contains(&refusal.status));
        let answers: Map<_, _> =
            used.map(|refusal| (refusal.name.to_owned(), written(refusal, registry))).collect();
        let headers: Map<_, _> = self.headers.iter().map(|name| ((*name).to_owned(), header(name))).collect();
        (answers.into(), headers.into())
    }
}

fn references(names: &[&str]) -> Value {
    let headers = names
        .iter()
        .map(|name| ((*name).to_owned(), json!({ "$ref": format!("#/components/headers/{name}") })));
    Value::Object(headers.collect())
}

fn written<'v>(refusal: &Refusal, registry: &mut Registry<'v>) -> Value {
    let word = refusal.code.as_str();
    let mut example = json!({
        "type": problem::kind(refusal.code),
        "title": refusal.code.meaning(),
        "status": refusal.status,
        "detail": refusal.detail,
        "code": word,
        "instance": "/",
        "requestId": "01936f2e-7b1c-7c3a-9f00-5b1e6c0d2a41",
    });
    if let (Some(hint), Value::Object(example)) = (refusal.hint, &mut example) {
        example.insert("hint".to_owned(), hint.into());
    }
    let mut answer = json!({ "description": refusal.description });
    if !refusal.headers.is_empty() {
        answer["headers"] = references(refusal.headers);
    }
    let schema = shared::problem(registry);
    answer["content"] = json!({ "application/problem+json": { "schema": schema, "example": example } });
    answer
}

fn header(name: &str) -> Value {
    let (description, schema) = match name {
        "ETag" => {
            ("Names this state of the row, for `If-Match` and `If-None-Match`.", json!({ "type": "string" }))
        }
        "Location" => ("Where the new row is.", json!({ "type": "string", "format": "uri-reference" })),
        "Link" => (
            "Where the next page is, with `rel=\"next\"`, and the one before (RFC 8288).",
            json!({ "type": "string" }),
        ),
        "Preference-Applied" => {
            ("The preferences that were followed (RFC 7240).", json!({ "type": "string" }))
        }
        "Idempotent-Replayed" => (
            "There, and `true`, when the answer is that of an earlier request with the same `Idempotency-Key`.",
            json!({ "type": "string" }),
        ),
        "RateLimit" => (
            "What is left of the client's quota: `\"principal\";r=1199;t=1` (draft-ietf-httpapi-ratelimit-headers). Every \
             answer that was counted has it.",
            json!({ "type": "string" }),
        ),
        "RateLimit-Policy" => (
            "The client's quota, and the seconds in which it comes back: `\"principal\";q=1200;w=10`.",
            json!({ "type": "string" }),
        ),
        "Retry-After" => {
            ("Seconds after which a retry makes sense.", json!({ "type": "integer", "minimum": 0 }))
        }
        _ => ("How to show credentials.", json!({ "type": "string" })),
    };
    json!({ "description": description, "schema": schema })
}
