//! What was fetched from a provider, kept for a while: one fetch at a time, and not too many of them.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwapOption;
use futures::future::BoxFuture;
use tokio::sync::{Mutex, OwnedMutexGuard};
use tokio::time::Instant;

use super::http::Failure;

/// How long to wait after a fetch that failed while there is nothing at all to work with.
const RETRY: Duration = Duration::from_secs(5);

/// When to fetch again.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pace {
    /// What is older is fetched again.
    pub(super) age: Duration,
    /// The least time between two fetches.
    pub(super) pause: Duration,
}

/// Why there is nothing, and after how many seconds it makes sense to ask again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Absent {
    pub(super) failure: Failure,
    pub(super) retry_after: u64,
}

type Fetch<T> = dyn Fn() -> BoxFuture<'static, Result<T, Failure>> + Send + Sync;

/// Something that is fetched when it is first needed, and again when it is old or lacks what is looked for. What is old
/// stays in use while it can't be fetched anew.
pub(super) struct Cache<T>(Arc<Inner<T>>);

struct Inner<T> {
    fetch: Box<Fetch<T>>,
    pace: Pace,
    current: ArcSwapOption<Entry<T>>,
    /// Held during a fetch.
    last: Arc<Mutex<Option<Attempt>>>,
}

struct Entry<T> {
    value: Arc<T>,
    since: Instant,
}

#[derive(Debug, Clone, Copy)]
struct Attempt {
    at: Instant,
    failure: Option<Failure>,
}

impl<T> fmt::Debug for Cache<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cache").field("pace", &self.0.pace).finish_non_exhaustive()
    }
}

impl<T: Send + Sync + 'static> Cache<T> {
    /// Nothing yet.
    pub(super) fn new(
        pace: Pace,
        fetch: impl Fn() -> BoxFuture<'static, Result<T, Failure>> + Send + Sync + 'static,
    ) -> Self {
        let current = ArcSwapOption::empty();
        Self(Arc::new(Inner { fetch: Box::new(fetch), pace, current, last: Arc::default() }))
    }

    /// What there is; fetched anew where it is old or not `good`, as far as the pace allows. It may not be good.
    ///
    /// # Errors
    /// When it was never fetched and can't be.
    pub(super) async fn read(&self, good: impl Fn(&T) -> bool + Send) -> Result<Arc<T>, Absent> {
        if let Some(value) = self.0.fresh(&good) {
            return Ok(value);
        }
        let last = match (Arc::clone(&self.0.last).try_lock_owned(), self.0.old(&good)) {
            (Ok(last), _) => last,
            // Somebody is fetching it: what is old but good is used meanwhile.
            (Err(_), Some(value)) => return Ok(value),
            (Err(_), None) => Arc::clone(&self.0.last).lock_owned().await,
        };
        // Who held the lock may have fetched it.
        if let Some(value) = self.0.fresh(&good) {
            return Ok(value);
        }
        if self.0.is_due(*last) {
            // In a task of its own: a caller that goes away does not take the fetch with it.
            let inner = Arc::clone(&self.0);
            let _ = tokio::spawn(async move { inner.renew(last).await }).await;
        } else {
            drop(last);
        }
        self.0.any().await
    }
}

impl<T: Send + Sync + 'static> Inner<T> {
    fn fresh(&self, good: &impl Fn(&T) -> bool) -> Option<Arc<T>> {
        let entry = self.current.load_full()?;
        (entry.since.elapsed() < self.pace.age && good(&entry.value)).then(|| Arc::clone(&entry.value))
    }

    fn old(&self, good: &impl Fn(&T) -> bool) -> Option<Arc<T>> {
        let entry = self.current.load_full()?;
        good(&entry.value).then(|| Arc::clone(&entry.value))
    }

    /// How long to wait from one fetch to the next.
    fn pause(&self) -> Duration {
        if self.current.load().is_some() { self.pace.pause } else { self.pace.pause.min(RETRY) }
    }

    fn is_due(&self, last: Option<Attempt>) -> bool {
        last.is_none_or(|last| last.at.elapsed() >= self.pause())
    }

    async fn renew(&self, mut last: OwnedMutexGuard<Option<Attempt>>) {
        let at = Instant::now();
        let failure = match (self.fetch)().await {
            Ok(value) => {
                let entry = Entry { value: Arc::new(value), since: Instant::now() };
                self.current.store(Some(Arc::new(entry)));
                None
            }
            Err(failure) => {
                tracing::debug!(reason = %failure, "nothing could be fetched from an identity provider");
                Some(failure)
            }
        };
        *last = Some(Attempt { at, failure });
    }

    async fn any(&self) -> Result<Arc<T>, Absent> {
        if let Some(entry) = self.current.load_full() {
            return Ok(Arc::clone(&entry.value));
        }
        let last = *self.last.lock().await;
        let passed = last.map_or(Duration::ZERO, |last| last.at.elapsed());
        let failure = last.and_then(|last| last.failure).unwrap_or(Failure::Unreachable);
        let retry_after = self.pause().saturating_sub(passed).as_secs().max(1);
        Err(Absent { failure, retry_after })
    }
}
