//! Rate limits: who may still ask, and who has to wait.
//!
//! The algorithm is GCRA (a leaky bucket that is one number per key): up to a quota at once, after that as many as
//! flow back with time. It is counted in the memory of this process, or in a Redis that several processes share. A
//! Redis that fails or is slow is left alone for a while, and the process goes on counting by itself: a limit that is
//! a little too generous for some seconds is better than an API that hangs on its limiter.

mod gcra;
mod key;
mod local;
mod shared;

use std::sync::Arc;
use std::time::Duration;

use futures::future::OptionFuture;
use secrecy::SecretString;

use crate::error::Result;

pub use gcra::{Policy, Verdict, whole_seconds};

use gcra::{Measure, Take};
use key::Key;
use local::{Local, Monotonic};
use shared::Shared;

/// How limits are counted.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The URL of a Redis that several processes count in; none to count in memory.
    pub redis: Option<SecretString>,
    /// How long one request waits for Redis.
    pub deadline: Duration,
    /// How long Redis is left alone after it failed.
    pub pause: Duration,
    /// Keys counted in memory, each for itself. Keys beyond share a few counters: they are limited more, not less.
    pub keys: usize,
}

impl Default for Settings {
    /// In memory.
    fn default() -> Self {
        Self {
            redis: None,
            deadline: Duration::from_millis(100),
            pause: Duration::from_secs(5),
            keys: 100_000,
        }
    }
}

/// The limiter: a cheap clone, one for the whole program.
#[derive(Debug, Clone)]
pub struct Throttle {
    local: Arc<Local<Monotonic>>,
    shared: Option<Arc<Shared>>,
}

impl Throttle {
    /// A limiter where nobody has asked yet. Redis is connected to by the first request.
    ///
    /// # Errors
    /// `BAD_REQUEST` when the URL of the Redis is not understood.
    pub fn new(settings: Settings) -> Result<Self> {
        let shared = settings.redis.as_ref().map(|url| Shared::new(url, settings.deadline, settings.pause));
        Ok(Self {
            local: Arc::new(Local::new(Monotonic::default(), settings.keys)),
            shared: shared.transpose()?.map(Arc::new),
        })
    }

    /// Takes `cost` units of the key's quota, or none when there are not so many. More than the whole quota is
    /// never allowed.
    pub async fn take(&self, policy: &Policy, key: &str, cost: u32) -> Verdict {
        let take = Take { key: Key::new(policy, key), policy: *policy, cost };
        let measure = self.measure(std::slice::from_ref(&take)).await.into_iter().next();
        Verdict::of(&take, measure.unwrap_or_default())
    }

    /// Takes one unit of each, or none at all when one of them has none: the request is allowed when every verdict
    /// is. The verdicts are in the order of the question.
    pub async fn take_all(&self, asked: &[(&Policy, &str)]) -> Vec<Verdict> {
        let takes: Vec<Take> = asked
            .iter()
            .map(|(policy, key)| Take { key: Key::new(policy, key), policy: **policy, cost: 1 })
            .collect();
        let measures = self.measure(&takes).await;
        takes.iter().zip(measures).map(|(take, measure)| Verdict::of(take, measure)).collect()
    }

    /// Tells whether a unit could be taken, and takes none.
    pub async fn peek(&self, policy: &Policy, key: &str) -> Verdict {
        let verdict = self.take(policy, key, 0).await;
        verdict.unless_empty(policy)
    }

    async fn measure(&self, takes: &[Take]) -> Vec<Measure> {
        let shared = OptionFuture::from(self.shared.as_ref().map(|shared| shared.take(takes)));
        shared.await.flatten().unwrap_or_else(|| self.local.take(takes))
    }
}

#[cfg(test)]
mod tests;
