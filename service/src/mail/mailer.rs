//! The queue of mails: bounded, and nobody waits for it. A mail is tried again for a while, then dropped.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::carrier::{Carrier, Failure};
use super::message::Message;
use super::wording::Wording;
use super::{Settings, Transport};
use crate::error::{Error, Result};

/// Mails that wait or are on their way, at most; further ones are dropped.
pub const QUEUE: usize = 1000;

/// Connections to the mail server at the same time.
const CONNECTIONS: usize = 4;

/// Bytes of an address that can be one.
const ADDRESS: usize = 320;

/// Between the attempts, of which there is one more.
const PAUSES: [Duration; 4] =
    [Duration::from_secs(1), Duration::from_secs(5), Duration::from_secs(25), Duration::from_secs(125)];

/// Sends mail: a cheap clone.
#[derive(Clone)]
pub struct Mailer(Arc<Inner>);

struct Inner {
    carrier: Carrier,
    wording: Wording,
    transport: Transport,
    pauses: [Duration; 4],
    room: Arc<Semaphore>,
    connections: Semaphore,
    deliveries: TaskTracker,
    /// The end is near: each mail has one attempt more.
    hurry: CancellationToken,
    runtime: Handle,
    sent: AtomicU64,
    dropped: AtomicU64,
}

impl fmt::Debug for Mailer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mailer").field("transport", &self.0.transport).finish_non_exhaustive()
    }
}

impl Mailer {
    /// A mailer with an empty queue, on the runtime it is called in. The mail server is not connected to yet.
    ///
    /// # Errors
    /// `BAD_VALUE` when the sender or the mail server's address is wrong; `INTERNAL` outside of a tokio runtime.
    pub fn new(settings: &Settings) -> Result<Self> {
        Self::with(settings, QUEUE, PAUSES)
    }

    pub(super) fn with(settings: &Settings, queue: usize, pauses: [Duration; 4]) -> Result<Self> {
        Ok(Self(Arc::new(Inner {
            carrier: Carrier::new(settings)?,
            wording: Wording::new(&settings.product, settings.app_url.clone()),
            transport: settings.transport.clone(),
            pauses,
            room: Arc::new(Semaphore::new(queue)),
            connections: Semaphore::new(CONNECTIONS),
            deliveries: TaskTracker::new(),
            hurry: CancellationToken::new(),
            runtime: Handle::try_current().map_err(Error::internal)?,
            sent: AtomicU64::new(0),
            dropped: AtomicU64::new(0),
        })))
    }

    /// Puts a mail into the queue. Does not wait and does not tell whether it worked, so that an answer's time says
    /// nothing about accounts: even the text is written later.
    pub fn post(&self, to: &str, message: Message) {
        let kind = message.kind();
        if to.len() > ADDRESS {
            return self.0.drop_mail(kind, 0, "the address is too long");
        }
        let Ok(place) = Arc::clone(&self.0.room).try_acquire_owned() else {
            return self.0.drop_mail(kind, 0, "the queue is full");
        };
        let delivery = Arc::clone(&self.0).deliver(to.to_owned(), message.bounded(), place);
        self.0.deliveries.spawn_on(delivery, &self.0.runtime);
    }

    /// For the end of the program: hurries what is in the queue (no more pauses, one more attempt) and waits for it,
    /// no longer than told. Gives the number of mails that are still in the queue. A mail that is posted later has one
    /// attempt.
    pub async fn flush(&self, patience: Duration) -> usize {
        self.0.hurry.cancel();
        self.0.deliveries.close();
        let _ = timeout(patience, self.0.deliveries.wait()).await;
        let left = self.0.deliveries.len();
        if left > 0 {
            tracing::warn!(left, "mails are given up that could not be sent in time");
        }
        left
    }

    /// Mails in the queue: those that wait, and those on their way.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.0.deliveries.len()
    }

    /// Mails that the mail server (or the log) took.
    #[must_use]
    pub fn sent(&self) -> u64 {
        self.0.sent.load(Ordering::Relaxed)
    }

    /// Mails that were given up: no room, too many attempts, or refused for good.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.0.dropped.load(Ordering::Relaxed)
    }
}

impl Inner {
    /// Sends a mail, in as many attempts as it takes. Its place in the queue is free at the end.
    async fn deliver(self: Arc<Self>, to: String, message: Message, place: OwnedSemaphorePermit) {
        let kind = message.kind();
        let parcel = match self.carrier.pack(&to, message.letter(&self.wording)) {
            Ok(parcel) => parcel,
            Err(failure) => return self.drop_mail(kind, 0, &failure.cause),
        };
        let mut pauses = self.pauses.iter();
        for attempt in 1_u32.. {
            // Who pauses keeps no connection from others.
            let connection = self.connections.acquire().await;
            let last = self.hurry.is_cancelled();
            let outcome = self.carrier.carry(&parcel).await;
            drop(connection);
            let Err(failure) = outcome else {
                self.sent.fetch_add(1, Ordering::Relaxed);
                tracing::debug!(kind, attempt, "a mail was sent");
                break;
            };
            match pauses.next().filter(|_| !last && !failure.lasting) {
                Some(pause) => self.pause(*pause, kind, attempt, &failure).await,
                None => {
                    self.drop_mail(kind, attempt, &failure.cause);
                    break;
                }
            }
        }
        drop(place);
    }

    async fn pause(&self, pause: Duration, kind: &str, attempt: u32, failure: &Failure) {
        let seconds = pause.as_secs();
        tracing::warn!(kind, attempt, cause = failure.cause, seconds, "a mail is tried again later");
        tokio::select! {
            () = sleep(pause) => {}
            () = self.hurry.cancelled() => {}
        }
    }

    /// Counts and logs a mail that is given up, without its address and its text.
    fn drop_mail(&self, kind: &str, attempts: u32, cause: &str) {
        self.dropped.fetch_add(1, Ordering::Relaxed);
        tracing::error!(kind, attempts, cause, "a mail was dropped");
    }
}
