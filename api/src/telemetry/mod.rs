//! Logs, traces and metrics: set up once when the program starts, flushed when it ends.

pub mod log;
pub mod metric;
mod runtime;
pub mod trace;

use std::time::Duration;

use opentelemetry::{Key, KeyValue};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::metrics::SdkMeterProvider;
use opentelemetry_sdk::resource::{EnvResourceDetector, ResourceDetector};
use opentelemetry_sdk::trace::SdkTracerProvider;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::config::Config;
use crate::config::telemetry::Telemetry as Settings;

/// How long the last traces and metrics may take to leave.
const FLUSH: Duration = Duration::from_secs(5);

/// What must be flushed before the program ends.
#[derive(Debug, Default)]
#[must_use = "dropping it loses the last traces"]
pub struct Telemetry {
    tracer: Option<SdkTracerProvider>,
    meter: Option<SdkMeterProvider>,
}

/// Sets up telemetry of a server. Call it once, inside the runtime, before anything asks for a meter.
///
/// # Errors
/// When an exporter can't be built from the settings.
pub fn start(config: &Config) -> Result<Telemetry, String> {
    let resource = resource(config);
    let meter = match config.telemetry.metrics || config.telemetry.metrics_target().is_some() {
        true => Some(metric::start(config, resource.clone())?),
        false => None,
    };
    let tracer = trace::start(config, resource)?;
    let registry = tracing_subscriber::registry().with(log::layer(config));
    // An absent layer (`None`) would count as one that wants every span of every library.
    let outcome = match tracer.as_ref().map(trace::layer) {
        Some(traces) => registry.with(traces).try_init(),
        None => registry.try_init(),
    };
    outcome.map_err(|error| error.to_string())?;
    log::hook_panics();
    Ok(Telemetry { tracer, meter })
}

/// Logs of a command that is not a server: warnings, for people.
pub fn start_quiet(config: &Config) {
    // A second call, as in tests, keeps the first.
    let _ = tracing_subscriber::registry().with(log::quiet_layer(config)).try_init();
    log::hook_panics();
}

impl Telemetry {
    /// Sends what is still here. Blocks no thread that the exporters need.
    pub async fn flush(self) {
        let work = tokio::task::spawn_blocking(move || {
            let Self { tracer, meter } = self;
            let _ = tracer.map(|tracer| tracer.shutdown_with_timeout(FLUSH));
            let _ = meter.map(|meter| meter.shutdown_with_timeout(FLUSH));
        });
        let _ = tokio::time::timeout(FLUSH * 2, work).await;
    }
}

fn resource(config: &Config) -> Resource {
    let mode = if config.is_production() { "production" } else { "development" };
    let given = EnvResourceDetector::new().detect();
    let named = given.get(&Key::from_static_str("service.name")).is_some();
    let resource = Resource::builder()
        .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
        .with_attribute(KeyValue::new("deployment.environment.name", mode))
        // Once more, behind ours: what the operator says wins.
        .with_detector(Box::new(EnvResourceDetector::new()));
    let name = &config.telemetry.service_name;
    // A chosen name wins over an attribute, an attribute over the usual name.
    if named && name == Settings::SERVICE {
        return resource.build();
    }
    resource.with_service_name(name.clone()).build()
}
