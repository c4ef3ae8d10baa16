//! Which web sites' scripts may read answers: none but those in the list, byte for byte.

use poem::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use poem::http::{Method, StatusCode};
use poem::{Request, Response};

use crate::config::Config;

const METHODS: &str = "GET, HEAD, POST, PUT, PATCH, DELETE";

/// What front ends of this API send besides the headers every script may send.
const HEADERS: [&str; 14] = [
    "authorization",
    "content-type",
    "accept",
    "if-match",
    "if-none-match",
    "idempotency-key",
    "prefer",
    "x-api-key",
    "x-organization",
    "x-request-id",
    "traceparent",
    "tracestate",
    "apollo-require-preflight",
    "graphql-require-preflight",
];

/// What their scripts may read.
const EXPOSED: HeaderValue = HeaderValue::from_static(
    "ETag, Link, Location, Retry-After, X-Request-Id, Server-Timing, Preference-Applied, WWW-Authenticate, Allow, \
     RateLimit, RateLimit-Policy",
);

/// The rules.
#[derive(Debug)]
pub(super) struct Cors {
    any: bool,
    local: bool,
    origins: Vec<Vec<u8>>,
    credentials: bool,
    headers: HeaderValue,
    max_age: HeaderValue,
}

/// What the rules say about one request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The origin to name: the caller's, or `*`.
    Allowed(HeaderValue),
    /// No origin, or none of ours: the answer says nothing, and browsers keep it from the script.
    Silent,
}

impl Cors {
    pub(super) fn new(config: &Config) -> Self {
        let cors = &config.cors;
        let own = cors.headers.iter().map(|name| name.to_ascii_lowercase());
        let names: Vec<String> = HEADERS.iter().map(|name| (*name).to_owned()).chain(own).collect();
        Self {
            any: cors.origins.iter().any(|origin| origin == "*"),
            local: !config.is_production(),
            origins: cors.origins.iter().map(|origin| origin.as_bytes().to_vec()).collect(),
            credentials: cors.credentials,
            headers: HeaderValue::try_from(names.join(", "))
                .unwrap_or(HeaderValue::from_static("content-type")),
            max_age: HeaderValue::from(cors.max_age.0.as_secs()),
        }
    }

    /// Judges a request by its `Origin`.
    pub(super) fn judge(&self, headers: &HeaderMap) -> Verdict {
        let Some(origin) = headers.get(header::ORIGIN) else { return Verdict::Silent };
        if self.any {
            return Verdict::Allowed(HeaderValue::from_static("*"));
        }
        let bytes = origin.as_bytes();
        let listed = self.origins.iter().any(|allowed| allowed == bytes);
        match listed || (self.local && is_local(bytes)) {
            true => Verdict::Allowed(origin.clone()),
            false => Verdict::Silent,
        }
    }

    /// Whether the page that asked may speak for whoever is signed in in its browser: one of this host, or of an origin
    /// in the list. What says nothing of a page is no browser (Fetch standard: browsers say it of every change).
    pub(super) fn trusts(&self, headers: &HeaderMap) -> bool {
        let Some(origin) = headers.get(header::ORIGIN).map(HeaderValue::as_bytes) else {
            return headers
                .get("sec-fetch-site")
                .is_none_or(|site| matches!(site.as_bytes(), b"same-origin" | b"none"));
        };
        let host = headers.get(header::HOST).map(HeaderValue::as_bytes).unwrap_or_default();
        let own =
            |scheme: &[u8]| origin.strip_prefix(scheme).is_some_and(|rest| !host.is_empty() && rest == host);
        own(b"https://")
            || (self.local && (own(b"http://") || is_local(origin)))
            || self.origins.iter().any(|allowed| allowed == origin && allowed != b"*")
    }

    /// The answer to a preflight; none when the request is not one.
    pub(super) fn preflight(&self, request: &Request, verdict: &Verdict) -> Option<Response> {
        let asks = *request.method() == Method::OPTIONS
            && request.headers().contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
        if !asks {
            return None;
        }
        let mut response = Response::from(StatusCode::NO_CONTENT);
        let headers = response.headers_mut();
        if matches!(verdict, Verdict::Allowed(_)) {
            headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static(METHODS));
            headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, self.headers.clone());
            headers.insert(header::ACCESS_CONTROL_MAX_AGE, self.max_age.clone());
        }
        Some(response)
    }

    /// Adds what the browser needs. `Vary: Origin` always: a cache must not serve one site's answer to another.
    pub(super) fn apply(&self, verdict: Verdict, headers: &mut HeaderMap) {
        headers.append(header::VARY, HeaderValue::from_static("origin"));
        let Verdict::Allowed(origin) = verdict else { return };
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED);
        if self.credentials {
            const CREDENTIALS: HeaderName = header::ACCESS_CONTROL_ALLOW_CREDENTIALS;
            headers.insert(CREDENTIALS, HeaderValue::from_static("true"));
        }
    }
}

/// Whether an origin is a site served by this machine, on any port.
fn is_local(origin: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(origin) else { return false };
    let Some(rest) = text.strip_prefix("http://").or_else(|| text.strip_prefix("https://")) else {
        return false;
    };
    let (host, port) = match rest.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, port),
        Some(_) | None => (rest, "80"),
    };
    let local = matches!(host, "localhost" | "127.0.0.1" | "[::1]");
    local && !port.is_empty() && port.len() <= 5 && port.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Mode;

    fn config(mode: Mode, origins: &[&str]) -> Config {
        let mut config = Config::default();
        config.mode = mode;
        config.cors.origins = origins.iter().map(|origin| (*origin).to_owned()).collect();
        config
    }

    fn allowed(cors: &Cors, origin: &[u8]) -> Option<String> {
        let mut headers = HeaderMap::new();
        headers.insert(header::ORIGIN, HeaderValue::from_bytes(origin).unwrap());
        match cors.judge(&headers) {
            Verdict::Allowed(origin) => Some(origin.to_str().unwrap().to_owned()),
            Verdict::Silent => None,
        }
    }

    #[test]
    fn twelve_origins() {
        let production = Cors::new(&config(Mode::Production, &["https://app.example.com"]));
        let development = Cors::new(&config(Mode::Development, &["https://app.example.com"]));
        for (origin, in_production, in_development) in [
            (&b"https://app.example.com"[..], true, true),
            (b"https://app.example.com.evil.test", false, false),
            (b"https://evil-app.example.com", false, false),
            (b"http://app.example.com", false, false),
            (b"https://app.example.com:8443", false, false),
            (b"https://APP.example.com", false, false),
            (b"null", false, false),
            (b"https://app.example.c\xc3\xb6m", false, false),
            (b"http://localhost:5173", false, true),
            (b"http://127.0.0.1:3000", false, true),
            (b"http://localhost.evil.test", false, false),
            (b"http://localhost:80@evil.test", false, false),
        ] {
            let name = String::from_utf8_lossy(origin);
            assert_eq!(allowed(&production, origin).is_some(), in_production, "production, {name}");
            assert_eq!(allowed(&development, origin).is_some(), in_development, "development, {name}");
        }
        assert!(
            is_local(b"http://[::1]:3000") && is_local(b"https://[::1]") && !is_local(b"file://localhost")
        );
    }

    #[test]
    fn every_origin_means_a_star_and_never_a_reflection() {
        let cors = Cors::new(&config(Mode::Production, &["*"]));
        assert_eq!(allowed(&cors, b"https://anyone.test").as_deref(), Some("*"));
        let mut headers = HeaderMap::new();
        cors.apply(Verdict::Allowed(HeaderValue::from_static("*")), &mut headers);
        assert!(!headers.contains_key(header::ACCESS_CONTROL_ALLOW_CREDENTIALS));
    }

    #[test]
    fn answers_vary_always_and_say_more_only_to_the_allowed() {
        let cors = Cors::new(&config(Mode::Production, &["https://a.test"]));
        let mut headers = HeaderMap::new();
        cors.apply(cors.judge(&headers), &mut headers);
        assert_eq!(headers.len(), 1);
        assert_eq!(headers[header::VARY], "origin");
    }

    #[test]
    fn preflights_are_answered_and_other_options_are_not() {
        let cors = Cors::new(&config(Mode::Production, &["https://a.test"]));
        let ask = |origin: &str, preflight: bool| {
            let mut request = Request::builder().method(Method::OPTIONS).header("origin", origin);
            if preflight {
                request = request.header("access-control-request-method", "PATCH");
            }
            let request = request.finish();
            cors.preflight(&request, &cors.judge(request.headers()))
        };
        let good = ask("https://a.test", true).unwrap();
        assert_eq!(good.status(), 204);
        assert_eq!(good.header("access-control-max-age"), Some("7200"));
        assert!(good.header("access-control-allow-headers").unwrap().contains("idempotency-key"));
        assert!(good.header("access-control-allow-methods").unwrap().contains("PATCH"));
        let bad = ask("https://b.test", true).unwrap();
        assert!(bad.header("access-control-allow-methods").is_none());
        assert!(ask("https://a.test", false).is_none());
    }
}
