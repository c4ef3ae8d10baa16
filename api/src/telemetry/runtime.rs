//! The SDK exports from threads of its own; our HTTP client wants the runtime. This brings them together.

use std::fmt;
use std::future::Future;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::metrics::Temporality;
use opentelemetry_sdk::metrics::data::ResourceMetrics;
use opentelemetry_sdk::metrics::exporter::PushMetricExporter;
use opentelemetry_sdk::trace::{SpanData, SpanExporter};
use tokio::runtime::Handle;

/// An exporter whose futures may use the runtime, wherever they are polled. Says once when the collector is away.
pub(super) struct OnRuntime<E> {
    exporter: E,
    handle: Handle,
    failing: AtomicBool,
}

impl<E> fmt::Debug for OnRuntime<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OnRuntime").finish_non_exhaustive()
    }
}

impl<E> OnRuntime<E> {
    /// To be called inside the runtime.
    pub(super) fn new(exporter: E) -> Self {
        Self { exporter, handle: Handle::current(), failing: AtomicBool::new(false) }
    }

    async fn run(&self, work: impl Future<Output = OTelSdkResult> + Send) -> OTelSdkResult {
        let mut work = pin!(work);
        let outcome = std::future::poll_fn(|context| {
            let _inside = self.handle.enter();
            work.as_mut().poll(context)
        })
        .await;
        let failed = outcome.is_err();
        if self.failing.swap(failed, Ordering::Relaxed) != failed {
            match &outcome {
                Ok(()) => tracing::info!("telemetry is exported again"),
                Err(error) => tracing::warn!(%error, "telemetry can't be exported; some of it is lost"),
            }
        }
        outcome
    }
}

impl<E: SpanExporter> SpanExporter for OnRuntime<E> {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        self.run(self.exporter.export(batch)).await
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.exporter.shutdown_with_timeout(timeout)
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.exporter.force_flush()
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.exporter.set_resource(resource);
    }
}

impl<E: PushMetricExporter> PushMetricExporter for OnRuntime<E> {
    async fn export(&self, metrics: &ResourceMetrics) -> OTelSdkResult {
        self.run(self.exporter.export(metrics)).await
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.exporter.force_flush()
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.exporter.shutdown_with_timeout(timeout)
    }

    fn temporality(&self) -> Temporality {
        self.exporter.temporality()
    }
}
