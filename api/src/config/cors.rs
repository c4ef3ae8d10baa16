//! `[cors]`: which web sites' scripts may call the API.

use serde::Deserialize;

use super::unit::Period;

/// Which web sites' scripts may call the API.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cors {
    /// Origins such as `https://app.example.com`, or `*`.
    pub origins: Vec<String>,
    /// Whether browsers may send credentials along.
    pub credentials: bool,
    /// Request headers that scripts may send, besides the usual ones.
    pub headers: Vec<String>,
    /// How long browsers may remember the answer.
    pub max_age: Period,
}

/// Whether a text is an origin as browsers write it: scheme, host, port when it is not the usual one, nothing else.
#[must_use]
pub fn is_origin(text: &str) -> bool {
    url::Url::parse(text).is_ok_and(|url| {
        matches!(url.scheme(), "http" | "https") && url.origin().ascii_serialization() == text
    })
}
