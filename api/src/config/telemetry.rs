//! `[telemetry]`: what is logged, measured and traced, and where it goes.

use serde::Deserialize;

use super::unit::Switch;

/// What is logged, measured and traced.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Telemetry {
    /// The name of this service.
    pub service_name: String,
    /// Whether nothing is sent, whatever else is set.
    pub disabled: bool,
    /// Where traces and metrics are sent; empty for nowhere.
    pub endpoint: String,
    /// Where traces are sent, as it is written; empty for below `endpoint`.
    pub traces_endpoint: String,
    /// Where metrics are sent, as it is written; empty for below `endpoint`.
    pub metrics_endpoint: String,
    /// Which traces are kept.
    pub sampler: Sampler,
    /// The share that the ratio samplers keep.
    pub sampler_ratio: f64,
    /// What is logged.
    pub log: String,
    /// How it is written.
    pub log_format: LogFormat,
    /// One line per request.
    pub access_log: Switch,
    /// Whether `/metrics` answers.
    pub metrics: bool,
    /// Whether answers carry `Server-Timing`.
    pub server_timing: Switch,
}

impl Telemetry {
    /// The name when none is chosen.
    pub const SERVICE: &str = "launchway";

    /// Where traces are sent.
    #[must_use]
    pub fn traces(&self) -> Option<String> {
        self.target(&self.traces_endpoint, "traces")
    }

    /// Where metrics are sent.
    #[must_use]
    pub fn metrics_target(&self) -> Option<String> {
        self.target(&self.metrics_endpoint, "metrics")
    }

    /// A signal's own address is taken as it is, the common one is what `/v1/<signal>` is below.
    fn target(&self, own: &str, signal: &str) -> Option<String> {
        match (self.disabled, own, self.endpoint.as_str()) {
            (true, ..) | (_, "", "") => None,
            (_, "", common) => Some(format!("{}/v1/{signal}", common.trim_end_matches('/'))),
            (_, own, _) => Some(own.to_owned()),
        }
    }
}

/// Which traces are kept, in the words of the OpenTelemetry specification.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sampler {
    /// All.
    AlwaysOn,
    /// None.
    AlwaysOff,
    /// A share.
    #[serde(rename = "traceidratio")]
    Ratio,
    /// What the caller says, else all.
    #[serde(rename = "parentbased_always_on")]
    ParentOrOn,
    /// What the caller says, else none.
    #[serde(rename = "parentbased_always_off")]
    ParentOrOff,
    /// What the caller says, else a share.
    #[serde(rename = "parentbased_traceidratio")]
    ParentOrRatio,
}

/// How logs are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// Pretty on a terminal in development, JSON otherwise.
    Auto,
    /// For people.
    Pretty,
    /// For machines.
    Json,
}
