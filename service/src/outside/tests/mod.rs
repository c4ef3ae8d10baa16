//! Servers that play providers and issuers, honest and not.

mod forged;
mod github;
mod http;
mod issuer;
mod provider;
mod rotation;
mod scene;
mod server;
mod signer;

use std::time::Duration;

use super::http::{Client, Patience};

/// A client that may call this machine.
fn client() -> Client {
    Client::new(true).unwrap()
}

/// One that soon loses its patience.
fn impatient() -> Client {
    let patience = Patience { step: Duration::from_millis(200), whole: Duration::from_secs(2) };
    Client::with_patience(true, patience).unwrap()
}
