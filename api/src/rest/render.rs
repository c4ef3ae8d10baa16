//! A reply becomes an answer: status, headers, and the database's own JSON as body.

use std::fmt::Write as _;

use poem::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use poem::{Body, Response};
use service::Principal;
use service::engine::{Facts, StoredAnswer};
use sha2::{Digest, Sha256};

use super::parse::header::Tags;
use super::parse::query::Query;
use super::route::Place;

/// Says which preferences were followed (RFC 7240).
pub(super) const PREFERENCE_APPLIED: HeaderName = HeaderName::from_static("preference-applied");

/// Says that the answer is a repetition.
const IDEMPOTENT_REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");

const ACCEPT_PATCH: HeaderName = HeaderName::from_static("accept-patch");

/// Parameters that say which page.
const PAGE: &[&str] = &["after", "before", "starting_after", "ending_before", "offset"];

/// What rows look like depends on who asks and in what form: an answer is not for everybody.
const CACHE: HeaderValue = HeaderValue::from_static("private, no-cache");
const VARY: HeaderValue =
    HeaderValue::from_static("accept, authorization, x-api-key, x-organization, cookie, prefer");

/// An answer with a body in some media type.
pub(super) fn body(status: StatusCode, media_type: &'static str, body: impl Into<Body>) -> Response {
    let mut response = Response::builder().status(status).body(body);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
    headers.insert(header::CACHE_CONTROL, CACHE);
    headers.insert(header::VARY, VARY);
    response
}

/// How large the body is that a 304 stands for: whether it would be packed decides its entity tag.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Spared(pub(crate) u64);

/// A row with its entity tag, or 304 when the caller has it.
pub(super) fn row(json: String, tag: Option<String>, wanted: Option<&Tags>) -> Response {
    let known = tag.as_deref().is_some_and(|tag| wanted.is_some_and(|wanted| wanted.has_weakly(tag)));
    let mut response = if known {
        let mut response = Response::builder().status(StatusCode::NOT_MODIFIED).finish();
        response.extensions_mut().insert(Spared(json.len() as u64));
        response.headers_mut().insert(header::CACHE_CONTROL, CACHE);
        response.headers_mut().insert(header::VARY, VARY);
        response
    } else {
        body(StatusCode::OK, "application/json", json)
    };
    if let Some(tag) = tag {
        put(response.headers_mut(), header::ETAG, &quoted(&tag));
    }
    response
}

/// Inserts a header where the value can be one.
pub(super) fn put(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}

/// The entity tag of a row without its quotes: `<id>:<version>`, and a hash of what else is in the
/// representation when it is not the plain one. Two representations never share a tag, and both tell the version.
pub(super) fn tag(id: &str, version: i64, other: Option<&[u8]>) -> String {
    let mut tag = String::with_capacity(64);
    // A client's own ids may hold what a tag can't.
    for byte in id.bytes() {
        if byte.is_ascii_graphic() && !b"\"%:".contains(&byte) {
            tag.push(char::from(byte));
        } else {
            let _ = write!(tag, "%{byte:02X}");
        }
    }
    let _ = write!(tag, ":{version}");
    if let Some(body) = other {
        tag.push(':');
        tag.push_str(&hash(&[body]));
    }
    tag
}

/// The id of a row as entity tags write it.
pub(super) fn tag_id(id: &str) -> String {
    let tag = tag(id, 0, None);
    tag.strip_suffix(":0").unwrap_or(&tag).to_owned()
}

pub(super) fn quoted(tag: &str) -> String {
    format!("\"{tag}\"")
}

/// A short hash of some bytes.
pub(super) fn hash(parts: &[&[u8]]) -> String {
    let mut digest = Sha256::new();
    for part in parts {
        digest.update((part.len() as u64).to_le_bytes());
        digest.update(part);
    }
    digest.finalize().iter().take(16).fold(String::with_capacity(32), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// A list: the rows' JSON array and the facts about the page.
pub(super) fn list(json: Option<String>, facts: &Facts, path: &str, query: &Query<'_>) -> Response {
    let next =
        facts.end.as_deref().filter(|_| facts.has_next).map(|end| page(path, query, Some(("after", end))));
    let previous = facts
        .start
        .as_deref()
        .filter(|_| facts.has_previous)
        .map(|start| page(path, query, Some(("before", start))));
    let rows = json.as_deref().unwrap_or("[]");
    let mut text = String::with_capacity(rows.len() + next.as_ref().map_or(0, String::len) + 64);
    text.push_str("{\"data\":");
    text.push_str(rows);
    text.push_str(if facts.has_next { ",\"hasMore\":true" } else { ",\"hasMore\":false" });
    text.push_str(",\"next\":");
    match &next {
        // A page's URL holds nothing that JSON would escape.
        Some(url) => {
            text.push('"');
            text.push_str(url);
            text.push('"');
        }
        None => text.push_str("null"),
    }
    if let Some(total) = facts.total {
        let _ = write!(text, ",\"total\":{total}");
    }
    text.push('}');
    let mut response = body(StatusCode::OK, "application/json", text);
    let mut links = String::new();
    let begun = query.pairs.iter().any(|pair| PAGE.contains(&pair.name.as_ref()));
    let first = begun.then(|| page(path, query, None));
    for (url, relation) in [(next, "next"), (previous, "prev"), (first, "first")] {
        if let Some(url) = url {
            let _ = write!(links, "{}<{url}>; rel=\"{relation}\"", if links.is_empty() { "" } else { ", " });
        }
    }
    if !links.is_empty() {
        put(response.headers_mut(), header::LINK, &links);
    }
    response
}

/// The URL of another page of the same list.
fn page(path: &str, query: &Query<'_>, place: Option<(&str, &str)>) -> String {
    let mut url = String::with_capacity(128);
    encode(path, &mut url);
    let mut separator = '?';
    for pair in query.pairs.iter().filter(|pair| !PAGE.contains(&pair.name.as_ref())) {
        url.push(separator);
        encode(pair.raw, &mut url);
        separator = '&';
    }
    if let Some((name, cursor)) = place {
        url.push(separator);
        url.push_str(name);
        url.push('=');
        segment(cursor, &mut url);
    }
    url
}

/// What is in a URL already, with the characters that neither JSON nor a header would take escaped.
fn encode(text: &str, out: &mut String) {
    for byte in text.bytes() {
        if byte.is_ascii_graphic() && !b"\"<>\\^`{|}".contains(&byte) {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
}

/// Any text as one segment or value of a URL.
pub(super) fn segment(text: &str, out: &mut String) {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
}

/// The answer to a write, as it was made now or before.
pub(super) fn stored(answer: StoredAnswer, before: bool) -> Response {
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::OK);
    let mut response = Response::builder().status(status).body(answer.body);
    let headers = response.headers_mut();
    for (name, value) in &answer.headers {
        if let Ok(name) = HeaderName::from_bytes(name.as_bytes()) {
            put(headers, name, value);
        }
    }
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if before {
        headers.insert(IDEMPOTENT_REPLAYED, HeaderValue::from_static("true"));
    }
    response
}

/// The answer to OPTIONS: what the caller may do here.
pub(super) fn options(place: &Place<'_>, principal: &Principal) -> Response {
    let mut response = Response::builder().status(StatusCode::NO_CONTENT).finish();
    put(response.headers_mut(), header::ALLOW, &place.allow_for(principal));
    if matches!(place, Place::Collection(_) | Place::Row(..)) {
        put(response.headers_mut(), ACCEPT_PATCH, "application/merge-patch+json, application/json");
    }
    response
}

#[cfg(test)]
mod tests {
    use poem::http::header;
    use service::engine::Facts;

    use super::{Query, list, segment, tag, tag_id};

    #[tokio::test]
    async fn lists_are_completed_and_linked() {
        let raw = "name=a%20b&limit=2&after=old&where={\"a\":1}";
        let query = Query::parse(Some(raw)).unwrap();
        let facts = Facts {
            has_next: true,
            has_previous: true,
            start: Some("s".to_owned()),
            end: Some("e/+".to_owned()),
            total: Some(7),
            ..Facts::default()
        };
        let response = list(Some("[1]".to_owned()), &facts, "/v1/tracks", &query);
        let link = response.headers()[header::LINK].to_str().unwrap().to_owned();
        let kept = "/v1/tracks?name=a%20b&limit=2&where=%7B%22a%22:1%7D";
        assert_eq!(
            link,
            format!(
                "<{kept}&after=e%2F%2B>; rel=\"next\", <{kept}&before=s>; rel=\"prev\", <{kept}>; rel=\"first\""
            )
        );
        let body = response.into_body().into_string().await.unwrap();
        assert_eq!(
            body,
            format!("{{\"data\":[1],\"hasMore\":true,\"next\":\"{kept}&after=e%2F%2B\",\"total\":7}}")
        );
    }

    #[tokio::test]
    async fn the_last_page_has_no_next() {
        let response = list(None, &Facts::default(), "/v1/tracks", &Query::default());
        assert!(response.headers().get(header::LINK).is_none());
        assert_eq!(
            response.into_body().into_string().await.unwrap(),
            "{\"data\":[],\"hasMore\":false,\"next\":null}"
        );
    }

    #[test]
    fn tags_tell_id_and_version() {
        assert_eq!(tag("7", 3, None), "7:3");
        assert_ne!(tag("7", 3, Some(b"{}")), tag("7", 3, Some(b"[]")));
        assert!(tag("7", 3, Some(b"{}")).starts_with("7:3:"));
        assert_eq!(tag("a \"b\" é%", 1, None), "a%20%22b%22%20%C3%A9%25:1");
        assert_eq!(tag_id("a b"), "a%20b");
    }

    #[test]
    fn segments_are_escaped() {
        let mut out = String::new();
        segment("a/b?c#é", &mut out);
        assert_eq!(out, "a%2Fb%3Fc%23%C3%A9");
    }
}
