//! How many requests are worked on at once. The rest wait a little, few of them, then are told to come back.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use service::{Code, Error, Result};
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::timeout;

use crate::config::limits::Limits;

/// The places.
#[derive(Debug)]
pub(super) struct Capacity {
    places: Semaphore,
    waiting: AtomicUsize,
    queue: usize,
    patience: Duration,
}

impl Capacity {
    pub(super) fn new(limits: &Limits) -> Self {
        Self {
            places: Semaphore::new(limits.concurrency),
            waiting: AtomicUsize::new(0),
            queue: limits.queue,
            patience: limits.queue_timeout.0,
        }
    }

    /// A place, until it is dropped.
    pub(super) async fn admit(&self) -> Result<SemaphorePermit<'_>> {
        match self.places.try_acquire() {
            Ok(place) => Ok(place),
            Err(_) => self.wait().await,
        }
    }

    async fn wait(&self) -> Result<SemaphorePermit<'_>> {
        let _waiting = Waiting::begin(&self.waiting, self.queue)?;
        match timeout(self.patience, self.places.acquire()).await {
            Ok(Ok(place)) => Ok(place),
            Ok(Err(_)) | Err(_) => Err(busy()),
        }
    }
}

fn busy() -> Error {
    Error::new(Code::Unavailable, "The server is working on as many requests as it can.")
        .hint("Try again after the time in Retry-After.")
        .retry_after(1)
}

struct Waiting<'a>(&'a AtomicUsize);

impl<'a> Waiting<'a> {
    fn begin(count: &'a AtomicUsize, most: usize) -> Result<Self> {
        let waiting = Self(count); // counted down again also when there is no room
        match count.fetch_add(1, Ordering::Relaxed) < most {
            true => Ok(waiting),
            false => Err(busy()),
        }
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Config, Period};

    fn capacity(concurrency: usize, queue: usize) -> Capacity {
        let mut limits = Config::default().limits;
        (limits.concurrency, limits.queue) = (concurrency, queue);
        limits.queue_timeout = Period(Duration::from_millis(100));
        Capacity::new(&limits)
    }

    #[tokio::test]
    async fn few_wait_and_not_for_long() {
        let capacity = capacity(1, 1);
        let place = capacity.admit().await.unwrap();
        // One waits in vain; meanwhile the next is refused at once.
        let (waited, refused) = tokio::join!(capacity.admit(), capacity.admit());
        assert_eq!(waited.unwrap_err().code(), Code::Unavailable);
        assert_eq!(refused.unwrap_err().retry_seconds(), Some(1));
        assert_eq!(capacity.waiting.load(Ordering::Relaxed), 0);
        let freed = async {
            tokio::time::sleep(Duration::from_millis(50)).await;
            drop(place);
        };
        let (waited, ()) = tokio::join!(capacity.admit(), freed);
        assert!(waited.is_ok());
    }
}
