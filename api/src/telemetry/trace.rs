//! Traces: W3C `traceparent` in, OTLP out, the server span of each sampled request.
//!
//! Whether a request is traced is decided here, before a span is made. Without an exporter there is no tracing
//! layer at all, and every span macro in the program costs one load of an atomic.

use std::sync::OnceLock;

use hyper::http::HeaderMap;
use opentelemetry::propagation::{Extractor, TextMapPropagator};
use opentelemetry::trace::{Status, TraceContextExt, TracerProvider};
use opentelemetry::{Context, KeyValue, TraceId};
use opentelemetry_otlp::{SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::{Sampler as SdkSampler, SdkTracer, SdkTracerProvider};
use poem::{Request, Response};
use tracing::{Metadata, Span, Subscriber};
use tracing_opentelemetry::{OpenTelemetryLayer, OpenTelemetrySpanExt};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::{LevelFilter, dynamic_filter_fn};
use tracing_subscriber::registry::LookupSpan;

use super::runtime::OnRuntime;
use crate::config::Config;
use crate::config::telemetry::Sampler;
use crate::http::Call;

/// The target of the spans that may begin a trace; all others need one around them.
const ROOT: &str = "launchway::http";

/// The crates whose spans are ours.
const OURS: [&str; 5] = ["api", "service", "migration", "entity", "launchway"];

/// Which requests are traced; empty when nothing is exported.
static SAMPLING: OnceLock<Sampling> = OnceLock::new();

#[derive(Debug, Clone, Copy)]
struct Sampling {
    sampler: Sampler,
    ratio: f64,
}

impl Sampling {
    /// Whether to trace a request, given what its caller says about the trace it belongs to.
    fn keeps(self, parent: Option<(TraceId, bool)>) -> bool {
        let share = || match parent {
            // The same answer everywhere for one trace.
            Some((trace, _)) => low_bits(trace) < self.ratio,
            None => random_share() < self.ratio,
        };
        match (self.sampler, parent) {
            (Sampler::ParentOrOn | Sampler::ParentOrOff | Sampler::ParentOrRatio, Some((_, sampled))) => {
                sampled
            }
            (Sampler::AlwaysOn | Sampler::ParentOrOn, _) => true,
            (Sampler::AlwaysOff | Sampler::ParentOrOff, _) => false,
            (Sampler::Ratio | Sampler::ParentOrRatio, _) => share(),
        }
    }
}

fn low_bits(trace: TraceId) -> f64 {
    let bytes = trace.to_bytes();
    let low = bytes.iter().skip(8).fold(0u64, |sum, byte| (sum << 8) | u64::from(*byte));
    share_of(low >> 1, 63)
}

fn random_share() -> f64 {
    share_of(uuid::Uuid::new_v4().as_u64_pair().1 & ((1 << 53) - 1), 53)
}

#[allow(clippy::cast_precision_loss, reason = "a share needs no more digits than a double has")]
fn share_of(number: u64, bits: u32) -> f64 {
    number as f64 / 2f64.powi(bits.cast_signed())
}

/// Makes the provider when there is somewhere to send traces.
pub(super) fn start(config: &Config, resource: Resource) -> Result<Option<SdkTracerProvider>, String> {
    let settings = &config.telemetry;
    let Some(endpoint) = settings.traces().filter(|_| settings.sampler != Sampler::AlwaysOff) else {
        return Ok(None);
    };
    let exporter = SpanExporter::builder()
        .with_http()
        .with_http_client(client()?)
        .with_endpoint(endpoint)
        .build()
        .map_err(|error| format!("telemetry.endpoint: {error}"))?;
    let provider = SdkTracerProvider::builder()
        .with_resource(resource)
        // Whatever is made here was chosen by `Sampling` before.
        .with_sampler(SdkSampler::AlwaysOn)
        .with_batch_exporter(OnRuntime::new(exporter))
        .build();
    let _ = SAMPLING.set(Sampling { sampler: settings.sampler, ratio: settings.sampler_ratio });
    Ok(Some(provider))
}

/// The client that carries traces and metrics away.
pub(super) fn client() -> Result<reqwest::Client, String> {
    reqwest::Client::builder()
        .timeout(std::time::Duration::from_secs(10))
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .map_err(|error| error.to_string())
}

/// The layer that turns our spans into OpenTelemetry's.
pub(super) fn layer<S>(provider: &SdkTracerProvider) -> impl Layer<S> + use<S>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    let layer: OpenTelemetryLayer<S, SdkTracer> = tracing_opentelemetry::layer()
        .with_tracer(provider.tracer("launchway"))
        .with_location(false)
        .with_threads(false)
        .with_level(false)
        .with_target(false)
        .with_tracked_inactivity(false);
    let filter = dynamic_filter_fn(|metadata: &Metadata<'_>, context| {
        metadata.is_span()
            && is_ours(metadata.target())
            && (metadata.target() == ROOT || context.lookup_current().is_some())
    });
    layer.with_filter(filter.with_max_level_hint(LevelFilter::DEBUG))
}

fn is_ours(target: &str) -> bool {
    let krate = target.split("::").next().unwrap_or(target);
    OURS.contains(&krate)
}

/// A request that is traced.
#[derive(Debug)]
pub struct Server {
    /// The span to work in.
    pub span: Span,
    context: Context,
}

impl Server {
    /// Begins the span of a request; none when nothing is exported, or this request is not chosen.
    #[must_use]
    pub fn begin(request: &Request) -> Option<Self> {
        let sampling = SAMPLING.get()?;
        let parent = TraceContextPropagator::new().extract(&Headers(request.headers()));
        let said = Some(parent.span().span_context().clone())
            .filter(|context| context.is_valid())
            .map(|context| (context.trace_id(), context.is_sampled()));
        if !sampling.keeps(said) {
            return None;
        }
        let span = tracing::info_span!(target: ROOT, "HTTP", otel.kind = "server");
        if said.is_some() {
            let _ = span.set_parent(parent);
        }
        let context = span.context();
        Some(Self { span, context })
    }

    /// The trace it belongs to.
    #[must_use]
    pub fn trace(&self) -> TraceId {
        self.context.span().span_context().trace_id()
    }

    /// Says what was asked. The query string stays out: it may hold what is nobody's business.
    pub fn asked(&self, request: &Request, call: &Call) {
        let span = self.context.span();
        span.set_attribute(KeyValue::new("http.request.method", method(request.method())));
        span.set_attribute(KeyValue::new("url.path", request.uri().path().to_owned()));
        span.set_attribute(KeyValue::new("url.scheme", "http"));
        span.set_attribute(KeyValue::new("client.address", call.client().to_string()));
        span.set_attribute(KeyValue::new("network.protocol.version", protocol(request.version())));
        span.set_attribute(KeyValue::new("http.request.header.x-request-id", call.id_text().to_owned()));
        if let Some(address) = request.local_addr().as_socket_addr() {
            span.set_attribute(KeyValue::new("server.address", address.ip().to_string()));
            span.set_attribute(KeyValue::new("server.port", i64::from(address.port())));
        }
        if let Some(agent) = request.header("user-agent") {
            let agent: String = agent.chars().take(256).collect();
            span.set_attribute(KeyValue::new("user_agent.original", agent));
        }
    }

    /// Says what was answered, and by which route.
    pub fn answered(&self, method_name: &'static str, call: &Call, response: &Response) {
        let span = self.context.span();
        let status = response.status();
        span.set_attribute(KeyValue::new("http.response.status_code", i64::from(status.as_u16())));
        match call.route() {
            Some(route) => {
                span.update_name(format!("{method_name} {}", route.as_str()));
                span.set_attribute(KeyValue::new("http.route", route.as_str().to_owned()));
            }
            None => span.update_name(method_name),
        }
        if status.is_server_error() {
            let reason = call.failure().map_or_else(|| status.as_str().to_owned(), |code| code.to_string());
            span.set_attribute(KeyValue::new("error.type", reason));
            span.set_status(Status::error(""));
        }
    }
}

/// The method as the conventions want it: a closed set.
#[must_use]
pub fn method(method: &poem::http::Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "HEAD" => "HEAD",
        "POST" => "POST",
        "PUT" => "PUT",
        "PATCH" => "PATCH",
        "DELETE" => "DELETE",
        "OPTIONS" => "OPTIONS",
        "TRACE" => "TRACE",
        "CONNECT" => "CONNECT",
        _ => "_OTHER",
    }
}

fn protocol(version: poem::http::Version) -> &'static str {
    match version {
        poem::http::Version::HTTP_2 => "2",
        poem::http::Version::HTTP_10 => "1.0",
        _ => "1.1",
    }
}

struct Headers<'a>(&'a HeaderMap);

impl Extractor for Headers<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).and_then(|value| value.to_str().ok())
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(poem::http::HeaderName::as_str).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keeps(sampler: Sampler, ratio: f64, parent: Option<(u128, bool)>) -> bool {
        let parent = parent.map(|(id, sampled)| (TraceId::from(id), sampled));
        Sampling { sampler, ratio }.keeps(parent)
    }

    #[test]
    fn the_samplers_of_the_specification() {
        let (yes, no) = (Some((1, true)), Some((1, false)));
        assert!(keeps(Sampler::AlwaysOn, 0.0, no) && !keeps(Sampler::AlwaysOff, 1.0, yes));
        assert!(keeps(Sampler::ParentOrOn, 0.0, None) && !keeps(Sampler::ParentOrOn, 0.0, no));
        assert!(keeps(Sampler::ParentOrOff, 0.0, yes) && !keeps(Sampler::ParentOrOff, 0.0, None));
        assert!(keeps(Sampler::ParentOrRatio, 0.0, yes) && !keeps(Sampler::ParentOrRatio, 0.0, None));
        assert!(keeps(Sampler::Ratio, 1.0, None) && keeps(Sampler::Ratio, 0.5, Some((1, false))));
        assert!(!keeps(Sampler::Ratio, 0.5, Some((u128::MAX, true))));
    }

    #[test]
    fn without_an_exporter_there_is_no_span() {
        assert!(Server::begin(&Request::default()).is_none());
    }

    #[test]
    fn only_our_spans_count() {
        assert!(
            is_ours("service::engine") && is_ours("api") && !is_ours("sqlx::query") && !is_ours("apiary")
        );
    }
}
