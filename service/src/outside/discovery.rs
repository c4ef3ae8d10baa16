//! What an issuer says of itself at its well-known address (OpenID Connect Discovery 1.0).

use serde::Deserialize;

use super::http::{Client, Failure};
use super::key::KeySet;

/// The part of the document that is used.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Document {
    pub(super) issuer: String,
    #[serde(default)]
    pub(super) authorization_endpoint: Option<String>,
    #[serde(default)]
    pub(super) token_endpoint: Option<String>,
    #[serde(default)]
    pub(super) userinfo_endpoint: Option<String>,
    pub(super) jwks_uri: String,
    #[serde(default)]
    pub(super) token_endpoint_auth_methods_supported: Option<Vec<String>>,
    /// Whether callbacks always say their issuer (RFC 9207).
    #[serde(default)]
    pub(super) authorization_response_iss_parameter_supported: bool,
}

/// Asks an issuer for its document, which has to be its own.
///
/// # Errors
/// When there is none, or it is somebody else's.
pub(super) async fn document(http: &Client, issuer: &str) -> Result<Document, Failure> {
    let address = format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/'));
    let document: Document = http.json(&http.address(&address)?, None).await?;
    // Otherwise whoever serves one issuer could speak for another.
    if document.issuer == issuer { Ok(document) } else { Err(Failure::NotUnderstood) }
}

/// Fetches the keys at an address.
///
/// # Errors
/// When there are none.
pub(super) async fn keys(http: &Client, address: &str) -> Result<KeySet, Failure> {
    KeySet::read(http.json(&http.address(address)?, None).await?)
}
