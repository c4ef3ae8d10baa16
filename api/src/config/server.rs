//! `[server]`: where to listen, whom to believe, how to stop.

use ipnet::IpNet;
use serde::Deserialize;

use super::unit::{Listen, Period};

/// Where to listen, whom to believe, how to stop.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Server {
    /// Address and port.
    pub listen: Listen,
    /// The URL that users reach the server under; empty for the address it listens on.
    pub public_url: String,
    /// Networks of proxies that may say who the client is.
    pub trusted_proxies: Vec<IpNet>,
    /// How long readiness says no before the program stops accepting.
    pub shutdown_delay: Period,
    /// How long requests in flight may take to finish.
    pub shutdown_timeout: Period,
    /// Threads that serve requests; 0 is one per processor.
    pub workers: usize,
}
