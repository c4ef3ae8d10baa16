//! Identity from outside: sign-in at somebody else's provider, and tokens that somebody else's issuer signed.
//!
//! [`provider`] sends a person to Google, GitHub or any OpenID provider and takes back who came; [`issuer`] checks the
//! bearer tokens of services such as Auth0, Keycloak, Supabase or Clerk. Both are fed by strangers: what they read is
//! bounded, keys are fetched seldom, and what is refused is refused with the same words whatever the reason was.

mod answer;
mod cache;
mod claim;
mod discovery;
mod exchange;
mod github;
pub mod http;
mod identity;
pub mod issuer;
mod key;
pub mod provider;
mod token;

#[cfg(test)]
mod tests;

pub use http::Client;
pub use issuer::{ClaimMap, IssuerSettings, Issuers, Verified};
pub use jsonwebtoken::Algorithm;
pub use provider::{Begun, OutsideIdentity, Provider, ProviderKind, ProviderSettings};
