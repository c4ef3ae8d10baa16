//! `/auth`: the table of [`service::auth::operation`] as routes, the token endpoint, and the published keys.

mod endpoint;
mod keys;
mod me;
mod provider;
mod token;

pub use endpoint::{Settings, routes};
pub use keys::PublishedKeys;

/// The path of everything about accounts.
pub const BASE: &str = "/auth";

/// The token endpoint of the client credentials grant.
pub const TOKEN: &str = "/auth/token";

/// Where the keys of our tokens are published.
pub const JWKS: &str = "/.well-known/jwks.json";
