//! Metrics: one histogram per thing worth a graph, names and buckets of the semantic conventions.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use opentelemetry::KeyValue;
use opentelemetry::metrics::{Histogram, MeterProvider};
use opentelemetry_otlp::{MetricExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::metrics::{Aggregation, Instrument, PeriodicReader, SdkMeterProvider, Stream};
use poem::http::{StatusCode, header};
use poem::{Endpoint, Request, Response, Result};
use prometheus::{Registry, TextEncoder};
use service::{Code, Error};

use super::runtime::OnRuntime;
use super::trace;
use crate::config::Config;
use crate::http::{Call, problem};

/// Buckets of `http.server.request.duration`, in seconds, as the conventions advise.
const HTTP: [f64; 14] = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0];

/// Buckets of `db.client.operation.duration`, in seconds, as the conventions advise.
const DATABASE: [f64; 9] = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0];

/// Different label sets kept per instrument; a model has many routes, an attack has more.
const CARDINALITY: usize = 5_000;

const METHODS: [&str; 8] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "_OTHER"];

static ACTIVE: [AtomicI64; METHODS.len()] = [const { AtomicI64::new(0) }; METHODS.len()];

static METRICS: OnceLock<Metrics> = OnceLock::new();

#[derive(Debug)]
struct Metrics {
    registry: Registry,
    duration: Histogram<f64>,
    database: Histogram<f64>,
    system: KeyValue,
}

/// Makes the provider, the one global meter provider, and the instruments of the server.
pub(super) fn start(config: &Config, resource: Resource) -> Result<SdkMeterProvider, String> {
    let registry = Registry::new();
    let prometheus = opentelemetry_prometheus::exporter()
        .with_registry(registry.clone())
        .scope_info_enabled(false)
        .build()
        .map_err(|error| error.to_string())?;
    let mut builder =
        SdkMeterProvider::builder().with_resource(resource).with_reader(prometheus).with_view(view);
    if let Some(endpoint) = config.telemetry.metrics_target() {
        let exporter = MetricExporter::builder()
            .with_http()
            .with_http_client(trace::client()?)
            .with_endpoint(endpoint)
            .build()
            .map_err(|error| format!("telemetry.endpoint: {error}"))?;
        builder = builder.with_reader(PeriodicReader::builder(OnRuntime::new(exporter)).build());
    }
    let provider = builder.build();
    opentelemetry::global::set_meter_provider(provider.clone());
    let (duration, database) = instruments(&provider);
    let system = if config.database.url.reveal().starts_with("sqlite") { "sqlite" } else { "postgresql" };
    let system = KeyValue::new("db.system.name", system);
    let _ = METRICS.set(Metrics { registry, duration, database, system });
    Ok(provider)
}

fn view(instrument: &Instrument) -> Option<Stream> {
    let boundaries = match instrument.name() {
        "http.server.request.duration" => HTTP.to_vec(),
        "db.client.operation.duration" => DATABASE.to_vec(),
        _ => return None,
    };
    Stream::builder()
        .with_aggregation(Aggregation::ExplicitBucketHistogram { boundaries, record_min_max: false })
        .with_cardinality_limit(CARDINALITY)
        .build()
        .ok()
}

/// The instruments: how long requests took, and how long the database did.
fn instruments(provider: &SdkMeterProvider) -> (Histogram<f64>, Histogram<f64>) {
    let meter = provider.meter("launchway");
    meter
        .i64_observable_up_down_counter("http.server.active_requests")
        .with_unit("{request}")
        .with_description("Requests being worked on.")
        .with_callback(|observer| {
            for (count, method) in ACTIVE.iter().zip(METHODS) {
                let labels =
                    [KeyValue::new("http.request.method", method), KeyValue::new("url.scheme", "http")];
                observer.observe(count.load(Ordering::Relaxed), &labels);
            }
        })
        .build();
    meter
        .i64_observable_up_down_counter("process.memory.usage")
        .with_unit("By")
        .with_description("Resident memory of the process.")
        .with_callback(|observer| {
            if let Some(bytes) = resident() {
                observer.observe(bytes, &[]);
            }
        })
        .build();
    meter
        .u64_observable_gauge("launchway.build_info")
        .with_description("The program that runs.")
        .with_callback(|observer| observer.observe(1, &[KeyValue::new("version", env!("CARGO_PKG_VERSION"))]))
        .build();
    let duration = meter
        .f64_histogram("http.server.request.duration")
        .with_unit("s")
        .with_description("How long requests took.")
        .build();
    let database = meter
        .f64_histogram("db.client.operation.duration")
        .with_unit("s")
        .with_description("How long the database took for a request: a read is one statement.")
        .build();
    (duration, database)
}

/// Resident memory in bytes, where the system says it.
fn resident() -> Option<i64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:"))?;
    let kilobytes: i64 = line.split_whitespace().nth(1)?.parse().ok()?;
    kilobytes.checked_mul(1024)
}

/// A request being worked on; counted until it is dropped.
#[derive(Debug)]
pub struct Active(usize);

impl Active {
    /// Counts one in.
    #[must_use]
    pub fn begin(method: &str) -> Self {
        let index = METHODS.iter().position(|name| *name == method).unwrap_or(METHODS.len() - 1);
        if let Some(count) = ACTIVE.get(index) {
            count.fetch_add(1, Ordering::Relaxed);
        }
        Self(index)
    }
}

impl Drop for Active {
    fn drop(&mut self) {
        if let Some(count) = ACTIVE.get(self.0) {
            count.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

/// Records a finished request.
pub fn finished(method: &'static str, call: &Call, status: StatusCode, time: Duration) {
    let Some(metrics) = METRICS.get() else { return };
    let method = KeyValue::new("http.request.method", method);
    let scheme = KeyValue::new("url.scheme", "http");
    let status_code = KeyValue::new("http.response.status_code", i64::from(status.as_u16()));
    let seconds = time.as_secs_f64();
    if let Some(time) = call.timing().part("db") {
        metrics.database.record(time.as_secs_f64(), std::slice::from_ref(&metrics.system));
    }
    let route = call.route().map(|route| match route {
        crate::http::call::Route::Fixed(text) => KeyValue::new("http.route", *text),
        crate::http::call::Route::Shared(text) => KeyValue::new("http.route", std::sync::Arc::clone(text)),
    });
    let failure = status
        .is_server_error()
        .then(|| KeyValue::new("error.type", call.failure().map_or("ERROR", Code::as_str)));
    match (route, failure) {
        (Some(route), None) => metrics.duration.record(seconds, &[method, scheme, status_code, route]),
        (Some(route), Some(failure)) => {
            metrics.duration.record(seconds, &[method, scheme, status_code, route, failure]);
        }
        (None, None) => metrics.duration.record(seconds, &[method, scheme, status_code]),
        (None, Some(failure)) => metrics.duration.record(seconds, &[method, scheme, status_code, failure]),
    }
}

/// `/metrics` for Prometheus. In production only this machine and the administrator may read it.
#[derive(Debug, Clone, Copy)]
pub struct Scrape {
    /// Whether anyone may read it.
    pub open: bool,
}

impl Endpoint for Scrape {
    type Output = Response;

    async fn call(&self, request: Request) -> Result<Response> {
        let call = Call::of(&request);
        if !(self.open || call.is_local() || call.principal().is_admin()) {
            let error =
                Error::new(Code::Unauthenticated, "Metrics are for this machine and the administrator.")
                    .hint("Send `Authorization: Bearer <admin key>`.");
            return Ok(problem::response(&error, &call));
        }
        let families = METRICS.get().map(|metrics| metrics.registry.gather()).unwrap_or_default();
        let text = TextEncoder::new().encode_to_string(&families).unwrap_or_default();
        Ok(Response::builder()
            .header(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")
            .header(header::CACHE_CONTROL, "no-store")
            .body(text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_metrics_have_the_conventions_names() {
        let provider = start(&Config::default(), Resource::builder_empty().build()).unwrap();
        let call = Call::of(&Request::default());
        call.set_route("/v1/tracks/{id}");
        call.timing().add("db", Duration::from_millis(3));
        let _active = Active::begin("GET");
        finished("GET", &call, StatusCode::OK, Duration::from_millis(7));
        let response = Scrape { open: true }.call(Request::default()).await.unwrap();
        let text = response.into_body().into_string().await.unwrap();
        for part in [
            "http_server_request_duration_seconds_bucket{",
            "http_route=\"/v1/tracks/{id}\"",
            "http_response_status_code=\"200\"",
            "le=\"0.01\"} 1",
            "db_client_operation_duration_seconds_bucket{db_system_name=\"sqlite\",le=\"0.005\"} 1",
            "http_server_active_requests{",
            "process_memory_usage_bytes",
            "launchway_build_info{version=\"0.1.0\"} 1",
        ] {
            assert!(text.contains(part), "no `{part}` in\n{text}");
        }
        let refused = Scrape { open: false }.call(Request::default()).await.unwrap();
        assert_eq!(refused.status(), 401);
        drop(provider);
    }
}
