//! An error as `application/problem+json` (RFC 9457).

use poem::Response;
use poem::http::StatusCode;
use poem::http::header::{self, HeaderValue};
use serde::Serialize;
use service::error::Segment;
use service::{Code, Error, Kind};

use super::call::Call;
use super::status;

/// The media type of a problem.
pub const MEDIA_TYPE: &str = "application/problem+json";

/// The members of a problem, in the order they are written.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Problem<'a> {
    #[serde(rename = "type")]
    kind: String,
    title: &'static str,
    status: u16,
    detail: &'a str,
    code: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<&'a str>,
    instance: &'a str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<Place<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    trace_id: Option<String>,
    request_id: &'a str,
}

impl<'a> Problem<'a> {
    /// Without places and trace.
    fn of(error: &'a Error, status: StatusCode, instance: &'a str, request_id: &'a str) -> Self {
        Self {
            kind: kind(error.code()),
            title: error.code().meaning(),
            status: status.as_u16(),
            detail: error.message(),
            code: error.code().as_str(),
            hint: error.hint_text(),
            instance,
            errors: Vec::new(),
            trace_id: None,
            request_id,
        }
    }
}

/// One offending place of the input.
#[derive(Debug, Serialize)]
struct Place<'a> {
    field: String,
    /// Where in the body.
    #[serde(skip_serializing_if = "Option::is_none")]
    pointer: Option<String>,
    /// Or which query parameter.
    #[serde(skip_serializing_if = "Option::is_none")]
    parameter: Option<&'a str>,
    code: &'static str,
    detail: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<&'a str>,
}

/// The answer to a request that failed. Also logs what an operator must see, once.
#[must_use]
pub fn response(error: &Error, call: &Call) -> Response {
    many(std::slice::from_ref(error), call)
}

/// The answer to a request that failed in several places; the first error decides the status.
#[must_use]
pub fn many(errors: &[Error], call: &Call) -> Response {
    let fallback;
    let first = match errors.first() {
        Some(first) => first,
        None => {
            fallback = Error::internal("a failure without an error");
            &fallback
        }
    };
    report(first, call);
    let status = status::of(first.code());
    let mut problem = Problem::of(first, status, call.uri().path(), call.id_text());
    problem.trace_id = call.trace().map(|trace| trace.to_string());
    problem.errors = errors
        .iter()
        .flat_map(|error| std::iter::once(error).chain(error.others()))
        .filter(|error| !error.input().is_empty())
        .map(place)
        .collect();
    let body = serde_json::to_vec(&problem).unwrap_or_default();
    let mut response = Response::builder().status(status).body(body);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
    decorate(first, headers);
    response
}

/// What a kind of problem is called: a URN that ends in the code.
#[must_use]
pub fn kind(code: Code) -> String {
    format!("urn:launchway:error:{}", code.as_str().to_ascii_lowercase().replace('_', "-"))
}

/// The body for a request of which nothing is known but what is wrong with it.
#[must_use]
pub fn bare(error: &Error, status: StatusCode, request_id: &str) -> Vec<u8> {
    serde_json::to_vec(&Problem::of(error, status, "/", request_id)).unwrap_or_default()
}

/// The headers that go with an error in any protocol: how long to wait, how to sign in, not to be cached.
pub fn decorate(error: &Error, headers: &mut poem::http::HeaderMap) {
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if error.kind() == Kind::Unauthenticated {
        let challenge = match error.code() == Code::BadCredentials {
            true => "Bearer realm=\"launchway\", error=\"invalid_token\"",
            false => "Bearer realm=\"launchway\"",
        };
        headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
    }
    let wait = match error.kind() {
        Kind::Unavailable | Kind::RateLimited => Some(error.retry_seconds().unwrap_or(1)),
        _ => error.retry_seconds(),
    };
    if let Some(seconds) = wait {
        headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
}

/// Logs an error that an operator must see and notes it for traces and metrics. A facade that renders an error
/// itself calls this once for it.
pub fn report(error: &Error, call: &Call) {
    call.failed(error.code());
    let cause = error.cause().map(|cause| service::error::told(cause)).unwrap_or_default();
    let (code, id) = (error.code().as_str(), call.id_text());
    let path = call.uri().path();
    match error.kind() {
        Kind::Internal => {
            tracing::error!(code, request_id = id, path, cause, "the request failed on our side")
        }
        Kind::Unavailable | Kind::Timeout => {
            tracing::warn!(code, request_id = id, path, cause, "the request could not be served");
        }
        Kind::BadRequest
        | Kind::Unauthenticated
        | Kind::Forbidden
        | Kind::NotFound
        | Kind::MethodNotAllowed
        | Kind::NotAcceptable
        | Kind::Conflict
        | Kind::PreconditionFailed
        | Kind::TooLarge
        | Kind::UnsupportedMediaType
        | Kind::Invalid
        | Kind::TooCostly
        | Kind::RateLimited => {
            // Not what was wrong: the sentence quotes values.
            tracing::debug!(code, request_id = id, path, "the request was refused");
        }
    }
}

fn place(error: &Error) -> Place<'_> {
    let parameter = match error.input().first() {
        Some(Segment::Parameter(name)) => Some(name.as_str()),
        _ => None,
    };
    let mut pointer = String::from("#");
    for segment in error.input() {
        pointer.push('/');
        match segment {
            Segment::Name(name) | Segment::Parameter(name) => {
                pointer.push_str(&name.replace('~', "~0").replace('/', "~1"));
            }
            Segment::Index(index) => pointer.push_str(&index.to_string()),
        }
    }
    Place {
        field: error.input_path(),
        pointer: parameter.is_none().then_some(pointer),
        parameter,
        code: error.code().as_str(),
        detail: error.message(),
        hint: error.hint_text(),
    }
}

#[cfg(test)]
mod tests {
    use poem::Request;
    use poem::http::Uri;

    use super::*;

    async fn json(response: Response) -> serde_json::Value {
        serde_json::from_slice(&response.into_body().into_bytes().await.unwrap()).unwrap()
    }

    fn call() -> Call {
        Call::of(&Request::builder().uri(Uri::from_static("/v1/tracks?secret=1")).finish())
    }

    #[tokio::test]
    async fn says_what_is_wrong_where_and_what_to_do() {
        let error =
            Error::new(Code::CheckFailed, "Too long.").hint("At most 160.").at("title").at(0).at("input");
        let response = response(&error, &call());
        assert_eq!(response.status().as_u16(), 422);
        assert_eq!(response.content_type(), Some(MEDIA_TYPE));
        let body = json(response).await;
        assert_eq!(body["type"], "urn:launchway:error:check-failed");
        assert_eq!(body["code"], "CHECK_FAILED");
        assert_eq!(body["instance"], "/v1/tracks");
        assert_eq!(body["errors"][0]["field"], "input[0].title");
        assert_eq!(body["errors"][0]["pointer"], "#/input/0/title");
        assert_eq!(body["hint"], "At most 160.");
    }

    #[tokio::test]
    async fn our_own_faults_stay_in_the_log() {
        let response = response(&Error::internal("select secret from accounts"), &call());
        assert_eq!(response.status().as_u16(), 500);
        assert!(!json(response).await.to_string().contains("secret"));
    }

    #[test]
    fn a_refusal_says_how_to_come_back() {
        let busy = response(&Error::new(Code::Unavailable, "Busy."), &call());
        assert_eq!(busy.header("retry-after"), Some("1"));
        let wrong = response(&Error::new(Code::BadCredentials, "No."), &call());
        assert_eq!(
            wrong.header("www-authenticate"),
            Some("Bearer realm=\"launchway\", error=\"invalid_token\"")
        );
        assert_eq!(wrong.header("cache-control"), Some("no-store"));
    }
}
