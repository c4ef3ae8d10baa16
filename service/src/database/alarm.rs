//! A running statement's end on SQLite, which has no timeout of its own: SQLite looks at the alarm every so many steps.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock};

use sea_orm::sqlx::SqliteConnection;
use sea_orm::sqlx::error::Error;
use tokio::time::Instant;

/// Steps of SQLite's machine between two looks: some microseconds of work, and a look is some nanoseconds.
const STEPS: i32 = 1_000;

/// What times are counted from.
static START: LazyLock<Instant> = LazyLock::new(Instant::now);

const NEVER: u64 = u64::MAX;

/// When the statement that runs on a connection has to end.
#[derive(Debug)]
pub(super) struct Alarm(AtomicU64);

impl Alarm {
    /// An alarm that is not set.
    pub(super) fn new() -> Arc<Self> {
        LazyLock::force(&START);
        Arc::new(Self(AtomicU64::new(NEVER)))
    }

    /// Makes a connection look at it.
    ///
    /// # Errors
    /// When the connection is broken.
    pub(super) async fn watch(self: Arc<Self>, connection: &mut SqliteConnection) -> Result<(), Error> {
        connection.lock_handle().await?.set_progress_handler(STEPS, move || !self.rings());
        Ok(())
    }

    /// Sets it for the statements to come; none lets them run on.
    pub(super) fn set(&self, at: Option<Instant>) {
        let micros = at.map(|at| at.saturating_duration_since(*START).as_micros());
        let micros = micros.map_or(NEVER, |micros| u64::try_from(micros).unwrap_or(NEVER));
        self.0.store(micros, Ordering::Release);
    }

    /// Ends what is running.
    pub(super) fn ring(&self) {
        self.0.store(0, Ordering::Release);
    }

    fn rings(&self) -> bool {
        let at = self.0.load(Ordering::Acquire);
        at != NEVER && START.elapsed().as_micros() >= u128::from(at)
    }
}

/// A statement that is running: when nobody waits for it any more, it ends.
pub(super) struct Running<'a>(Option<&'a Alarm>);

impl<'a> Running<'a> {
    /// From now on.
    pub(super) fn new(alarm: Option<&'a Alarm>) -> Self {
        Self(alarm)
    }

    /// It has ended by itself.
    pub(super) fn done(mut self) {
        self.0 = None;
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        if let Some(alarm) = self.0 {
            alarm.ring();
        }
    }
}
