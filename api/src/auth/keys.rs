//! `/.well-known/jwks.json`: with what our tokens are verified (RFC 7517).

use poem::http::{HeaderValue, header};
use poem::{Endpoint, Request, Response, Result};
use service::Auth;

/// The published keys.
#[derive(Debug)]
pub struct PublishedKeys(pub Auth);

impl Endpoint for PublishedKeys {
    type Output = Response;

    async fn call(&self, _: Request) -> Result<Response> {
        let mut response = Response::builder().body(self.0.published_keys().to_string());
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/jwk-set+json"));
        // A key is published before it signs for longer than this.
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=300"));
        Ok(response)
    }
}
