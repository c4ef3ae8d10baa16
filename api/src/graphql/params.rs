//! The parameters of a request, from its body or its URL.

use serde_json::{Map, Value as Json};
use service::{Code, Error, Result};

use super::scan;
use crate::http::json;

/// What one operation is asked with.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Params {
    pub(crate) query: Option<String>,
    pub(crate) document: Option<String>,
    pub(crate) operation: Option<String>,
    pub(crate) variables: Map<String, Json>,
    pub(crate) extensions: Option<Map<String, Json>>,
}

/// One operation, or several in an array.
#[derive(Debug)]
pub(crate) enum Asked {
    One(Params),
    Many(Vec<Result<Params>>),
}

/// Reads a body.
///
/// # Errors
/// `BadRequest` where it is not what the specification asks for, `LimitExceeded` where it nests too deep or has too
/// many operations.
pub(crate) fn body(bytes: &[u8], depth: usize, batch: usize) -> Result<Asked> {
    if bytes.is_empty() {
        return Err(malformed("The request has no body."));
    }
    match json(bytes, "body", depth)? {
        Json::Object(object) => params(object).map(Asked::One),
        Json::Array(_) if batch == 0 => {
            Err(Error::new(Code::BadRequest, "Several operations in one request are not accepted here.")
                .hint("send one JSON object; one document may ask for several fields"))
        }
        Json::Array(items) if items.len() > batch => Err(Error::new(
            Code::LimitExceeded,
            format!("A request may have {batch} operations at most, this one has {}.", items.len()),
        )),
        Json::Array(items) if items.is_empty() => Err(malformed("The body is an empty list.")),
        Json::Array(items) => Ok(Asked::Many(
            items
                .into_iter()
                .map(|item| match item {
                    Json::Object(object) => params(object),
                    _ => Err(malformed("An operation of the list is not a JSON object.")),
                })
                .collect(),
        )),
        _ => Err(malformed("The body is not a JSON object.")),
    }
}

/// Reads a URL's query string.
///
/// # Errors
/// As [`body`].
pub(crate) fn url(query: &str, depth: usize) -> Result<Params> {
    let mut params = Params::default();
    for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
        match name.as_ref() {
            "query" => params.query = Some(value.into_owned()),
            "documentId" => params.document = Some(value.into_owned()),
            "operationName" => params.operation = Some(value.into_owned()).filter(|name| !name.is_empty()),
            "variables" => params.variables = encoded(&name, &value, depth)?.unwrap_or_default(),
            "extensions" => params.extensions = encoded(&name, &value, depth)?,
            _ => {}
        }
    }
    Ok(params)
}

fn encoded(name: &str, text: &str, depth: usize) -> Result<Option<Map<String, Json>>> {
    if text.is_empty() {
        return Ok(None);
    }
    map(name, Some(json(text.as_bytes(), &format!("parameter `{name}`"), depth)?))
}

/// Reads JSON text in which no key is given twice.
fn json(bytes: &[u8], what: &str, depth: usize) -> Result<Json> {
    scan::json(bytes, depth)?;
    json::read(bytes, what)?;
    serde_json::from_slice(bytes)
        .map_err(|error| malformed(format!("The {what} is not valid JSON: {error}.")))
}

fn params(mut object: Map<String, Json>) -> Result<Params> {
    Ok(Params {
        query: text("query", object.remove("query"))?,
        document: text("documentId", object.remove("documentId"))?,
        operation: text("operationName", object.remove("operationName"))?,
        variables: map("variables", object.remove("variables"))?.unwrap_or_default(),
        extensions: map("extensions", object.remove("extensions"))?,
    })
}

fn text(name: &str, value: Option<Json>) -> Result<Option<String>> {
    match value {
        None | Some(Json::Null) => Ok(None),
        Some(Json::String(text)) => Ok(Some(text)),
        Some(_) => Err(malformed(format!("`{name}` is not a string."))),
    }
}

fn map(name: &str, value: Option<Json>) -> Result<Option<Map<String, Json>>> {
    match value {
        None | Some(Json::Null) => Ok(None),
        Some(Json::Object(map)) => Ok(Some(map)),
        Some(_) => Err(malformed(format!("`{name}` is not a JSON object."))),
    }
}

fn malformed(message: impl Into<String>) -> Error {
    Error::new(Code::BadRequest, message)
}

#[cfg(test)]
mod tests {
    use service::Code;

    use super::{Asked, Params, body, url};

    fn one(text: &str) -> Result<Params, Code> {
        match body(text.as_bytes(), 64, 0).map_err(|error| error.code())? {
            Asked::One(params) => Ok(params),
            Asked::Many(_) => Err(Code::Internal),
        }
    }

    #[test]
    fn parameters_have_their_types() {
        let params =
            one(r#"{"query":"{a}","operationName":null,"variables":{"x":1},"extensions":null}"#).unwrap();
        assert_eq!(params.query.as_deref(), Some("{a}"));
        assert_eq!(params.variables.len(), 1);
        for text in [
            "",
            "{",
            "1",
            "null",
            "\"x\"",
            "[]",
            "[{}]",
            r#"{"query":0}"#,
            r#"{"query":["a"]}"#,
            r#"{"query":"{a}","variables":"x"}"#,
            r#"{"query":"{a}","variables":[]}"#,
            r#"{"query":"{a}","operationName":{}}"#,
            r#"{"query":"{a}","extensions":false}"#,
            "\u{feff}{}",
            r#"{"query":"{a}","query":"{b}"}"#,
            r#"{"query":"{a}","variables":{"x":[{"y":1,"y":2}]}}"#,
        ] {
            assert_eq!(one(text), Err(Code::BadRequest), "{text}");
        }
        assert_eq!(one(&format!("{{\"variables\":{}", "[".repeat(100_000))), Err(Code::LimitExceeded));
    }

    #[test]
    fn lists_are_bounded() {
        assert!(matches!(body(b"[{},{}]", 64, 2), Ok(Asked::Many(items)) if items.len() == 2));
        assert_eq!(body(b"[{},{},{}]", 64, 2).unwrap_err().code(), Code::LimitExceeded);
    }

    #[test]
    fn urls_carry_the_same() {
        let params = url("query=%7Ba%7D&variables=%7B%22x%22%3A1%7D&operationName=&other=1", 64).unwrap();
        assert_eq!(params.query.as_deref(), Some("{a}"));
        assert_eq!(params.variables.len(), 1);
        assert_eq!(params.operation, None);
        assert_eq!(url("variables=[]", 64).unwrap_err().code(), Code::BadRequest);
    }
}
