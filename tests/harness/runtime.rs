//! One tokio runtime for the whole process, so that shared servers and connections outlive a single test.

use std::future::Future;
use std::sync::LazyLock;

use tokio::runtime::{Builder, Runtime};

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    // One TLS provider, chosen before anything opens a connection. A second call says "already set": fine.
    let _ = rustls::crypto::ring::default_provider().install_default();
    Builder::new_multi_thread().enable_all().build().expect("a tokio runtime")
});

/// Runs a future to its end on the shared runtime.
pub fn block_on<T>(future: impl Future<Output = T>) -> T {
    RUNTIME.block_on(future)
}

/// Starts work nobody waits for.
pub fn spawn(future: impl Future<Output = ()> + Send + 'static) {
    RUNTIME.spawn(future);
}
