//! The pages a person opens in a browser: GraphiQL on `/graphql` and the REST reference on `/docs`.
//!
//! Both are a small HTML frame, and files that this program carries ([`asset`]). They load nothing from
//! another host and hold no inline script or style, so that the strictest Content-Security-Policy fits.

pub mod asset;
pub mod docs;
pub mod graphiql;

/// Where a page finds what it shows. Every path may carry the prefix under which a proxy serves this program.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    /// The product's name, as the reader shall see it.
    pub title: &'a str,
    /// The path of the GraphQL endpoint.
    pub graphql: &'a str,
    /// The path of the OpenAPI document.
    pub openapi: &'a str,
    /// The path of the REST reference.
    pub docs: &'a str,
    /// The path under which [`asset::find`] answers, without a slash at its end.
    pub asset: &'a str,
}

impl Default for Place<'_> {
    fn default() -> Self {
        Self {
            title: "Launchway",
            graphql: "/graphql",
            openapi: "/openapi.json",
            docs: "/docs",
            asset: asset::PATH,
        }
    }
}

/// What the browser may do on either page: talk to this host, and nothing else.
pub const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
    img-src 'self' data:; font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; \
    frame-ancestors 'none'";

/// The headers of a page's answer.
pub const HEADERS: [(&str, &str); 7] = [
    ("content-type", "text/html; charset=utf-8"),
    ("content-security-policy", CONTENT_SECURITY_POLICY),
    ("cache-control", "no-cache"),
    ("cross-origin-opener-policy", "same-origin"),
    ("referrer-policy", "no-referrer"),
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
];

#[cfg(test)]
mod tests;
