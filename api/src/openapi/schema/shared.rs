//! Schemas that every document has.

use serde_json::{Value, json};

use super::Registry;

/// An error (RFC 9457).
pub(crate) fn problem<'v>(registry: &mut Registry<'v>) -> Value {
    let part = registry.shared("ProblemPart", move |_| {
        json!({
            "type": "object",
            "description": "What is wrong with one part of the request.",
            "properties": {
                "field": { "type": "string", "description": "Where: the way to it in the body, or the parameter." },
                "pointer": { "type": "string", "description": "The same as a JSON pointer, where it is in the body." },
                "parameter": { "type": "string", "description": "Its name, where it is a query parameter." },
                "code": code(),
                "detail": { "type": "string", "description": "What is wrong, in a sentence." },
                "hint": { "type": "string", "description": "What to do about it." },
            },
            "required": ["field", "code", "detail"],
        })
    });
    registry.shared("Problem", move |_| {
        json!({
            "type": "object",
            "description": "Why a request was refused (RFC 9457).",
            "properties": {
                "type": { "type": "string", "format": "uri-reference", "description": "Names the kind of problem." },
                "title": { "type": "string", "description": "The kind of problem, in a few words." },
                "status": {
                    "type": "integer",
                    "format": "int32",
                    "minimum": 400,
                    "maximum": 599,
                    "description": "The HTTP status.",
                },
                "detail": { "type": "string", "description": "What is wrong with this request." },
                "code": code(),
                "hint": { "type": "string", "description": "What to do about it." },
                "instance": { "type": "string", "format": "uri-reference", "description": "The path that was asked for." },
                "errors": { "type": "array", "items": part, "description": "The parts that are wrong." },
                "traceId": { "type": "string", "description": "The trace of the request, where it is recorded." },
                "requestId": { "type": "string", "description": "The id of the request, to be named when help is sought." },
            },
            "required": ["type", "title", "status", "detail", "code", "instance", "requestId"],
        })
    })
}

fn code() -> Value {
    json!({
        "type": "string",
        "pattern": "^[A-Z][A-Z0-9_]*$",
        "description": "A word that says what is wrong; more words may be added. GraphQL says the same ones.",
    })
}

/// Whether the program lives.
pub(crate) fn health<'v>(registry: &mut Registry<'v>) -> Value {
    registry.shared("Health", move |_| {
        json!({
            "type": "object",
            "properties": {
                "status": { "type": "string", "description": "`ok` while the program runs." },
                "version": { "type": "string", "description": "The version of the program." },
            },
            "required": ["status"],
            "examples": [{ "status": "ok", "version": "0.1.0" }],
        })
    })
}

/// Whether the program can be sent requests.
pub(crate) fn readiness<'v>(registry: &mut Registry<'v>) -> Value {
    registry.shared("Readiness", move |_| {
        json!({
            "type": "object",
            "properties": {
                "status": { "type": "string", "description": "`ready`, or why not." },
                "database": { "type": "string", "description": "`ok`, or what is wrong with it." },
                "model": { "type": "string", "description": "`ok`, or what is wrong with it." },
            },
            "required": ["status", "database", "model"],
            "examples": [{ "status": "ready", "database": "ok", "model": "ok" }],
        })
    })
}
