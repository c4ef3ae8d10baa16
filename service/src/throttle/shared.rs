//! Counting in Redis, in one round trip, by Redis' own clock; and leaving it alone while it does not answer.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use redis::{Client, RedisError, Script};
use secrecy::{ExposeSecret, SecretString};
use tokio::time::{sleep, timeout};

use super::gcra::{Measure, Policy, Take};
use super::key::Key;
use crate::error::{Code, Error, Result};

/// How long a connection may take to be made, and the look whether Redis is back.
const PATIENCE: Duration = Duration::from_secs(1);

/// Commands on their way at once; further ones wait for a place.
const PIPELINE: usize = 1_000;

/// What is counted to see whether Redis is back.
const PROBE: Policy = Policy { name: "probe", quota: 1_000, window: Duration::from_secs(1) };

/// A Redis.
pub(super) struct Shared {
    client: Client,
    script: Script,
    deadline: Duration,
    pause: Duration,
    connection: Mutex<Option<ConnectionManager>>,
    /// Redis failed and is left alone.
    pub(super) away: AtomicBool,
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The client knows a password.
        f.debug_struct("Shared").field("away", &self.away).finish_non_exhaustive()
    }
}

impl Shared {
    /// A Redis that is not connected yet.
    ///
    /// # Errors
    /// `BAD_REQUEST` when the URL is not understood.
    pub(super) fn new(url: &SecretString, deadline: Duration, pause: Duration) -> Result<Self> {
        let client = Client::open(url.expose_secret()).map_err(|_| {
            Error::new(Code::BadRequest, "The URL of the Redis is not understood.")
                .hint("Write redis://host:6379, or redis://user:password@host:6379/0.")
        })?;
        Ok(Self {
            client,
            script: Script::new(include_str!("take.lua")),
            deadline,
            pause,
            connection: Mutex::new(None),
            away: AtomicBool::new(false),
        })
    }

    /// Takes all or none; no answer while Redis does not work. Nobody waits for longer than the deadline, and nobody
    /// at all once it was seen to fail.
    pub(super) async fn take(self: &Arc<Self>, takes: &[Take]) -> Option<Vec<Measure>> {
        if self.away.load(Ordering::Acquire) {
            return None;
        }
        match timeout(self.deadline, self.ask(takes)).await {
            Ok(Ok(measures)) => Some(measures),
            Ok(Err(error)) => self.leave(&error.to_string()),
            Err(_) => self.leave("it did not answer in time"),
        }
    }

    async fn ask(&self, takes: &[Take]) -> Result<Vec<Measure>, RedisError> {
        let mut connection = self.connection()?;
        let mut script = self.script.prepare_invoke();
        for take in takes {
            script.key(take.key.text());
            script.arg(take.policy.interval()).arg(take.policy.quota).arg(take.cost);
        }
        let answer: Vec<u64> = match script.invoke_async(&mut connection).await {
            // An idle connection may have been closed; the manager makes another.
            Err(error) if error.is_connection_dropped() => script.invoke_async(&mut connection).await?,
            other => other?,
        };
        if answer.len() != 2 * takes.len() {
            return Err((redis::ErrorKind::UnexpectedReturnType, "an answer of another length").into());
        }
        let pairs = answer.chunks_exact(2);
        Ok(pairs
            .map(|pair| Measure { fits: pair.first() == Some(&1), ahead: pair.last().copied().unwrap_or(0) })
            .collect())
    }

    fn connection(&self) -> Result<ConnectionManager, RedisError> {
        let mut kept = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(connection) = &*kept {
            return Ok(connection.clone());
        }
        let config = ConnectionManagerConfig::new()
            .set_connection_timeout(Some(PATIENCE))
            .set_response_timeout(Some(PATIENCE))
            .set_pipeline_buffer_size(PIPELINE)
            .set_number_of_retries(0);
        let connection = ConnectionManager::new_lazy_with_config(self.client.clone(), config)?;
        *kept = Some(connection.clone());
        Ok(connection)
    }

    /// The next connection is a new one: the other end of the old one may be gone without a word.
    fn disconnect(&self) {
        *self.connection.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Leaves Redis alone, and looks after it from beside the requests.
    fn leave<T>(self: &Arc<Self>, cause: &str) -> Option<T> {
        if !self.away.swap(true, Ordering::AcqRel) {
            tracing::warn!(cause, "Redis does not work: rates are limited by each process for itself");
            self.disconnect();
            tokio::spawn(come_back(Arc::downgrade(self), self.pause));
        }
        None
    }

    /// Whether limits can be counted there again, by counting one.
    async fn works(&self) -> bool {
        let take = Take { key: Key::new(&PROBE, ""), policy: PROBE, cost: 1 };
        matches!(timeout(PATIENCE, self.ask(&[take])).await, Ok(Ok(_)))
    }
}

/// Waits until Redis works again, or nobody needs it any more.
async fn come_back(shared: Weak<Shared>, pause: Duration) {
    loop {
        sleep(pause).await;
        let Some(shared) = shared.upgrade() else { return };
        if shared.works().await {
            shared.away.store(false, Ordering::Release);
            tracing::info!("Redis works again: rates are limited for all processes together");
            return;
        }
        shared.disconnect();
    }
}
