//! Connections that are lent for one statement or one transaction.
//!
//! Why not sqlx's pool: when a connection comes back, that one asks the server whether it is still there, which is a second
//! round trip for every statement; and it does not say which connection runs what, so that nobody can end a statement that
//! nobody waits for any more. Here a connection whose work was done is free at once; one whose work was given up is brought
//! to rest first ([`Link::settle`]).

use std::fmt::Debug;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use sea_orm::sqlx;
use sea_orm::{ConnAcquireErr, DbErr, RuntimeErr};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout};

/// A connection.
pub(super) trait Link: Debug + Send + Sized + 'static {
    /// What is known of the place it leads to.
    type Source: Debug + Send + Sync + 'static;

    /// How long one is kept that nobody uses.
    const IDLE: Duration;

    /// Opens one.
    ///
    /// # Errors
    /// The database's, when it can't be reached.
    fn open(source: &Self::Source) -> impl Future<Output = Result<Self, sqlx::Error>> + Send;

    /// Whether one can be used that has slept for so long.
    fn wakes(&mut self, source: &Self::Source, slept: Duration) -> impl Future<Output = bool> + Send;

    /// Ends what it was doing, and undoes it. Says no where it can't be used any more.
    fn settle(&mut self, source: &Self::Source) -> impl Future<Output = bool> + Send;
}

/// The connections: opened when they are needed, up to a bound.
#[derive(Debug)]
pub(super) struct Pool<L: Link>(Arc<Inner<L>>);

impl<L: Link> Clone for Pool<L> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

#[derive(Debug)]
struct Inner<L: Link> {
    source: L::Source,
    room: Arc<Semaphore>,
    /// The one that was used last is the last.
    idle: Mutex<Vec<(L, Instant)>>,
    /// How long a free connection is waited for, and a new one.
    patience: Duration,
}

impl<L: Link> Pool<L> {
    /// A pool of so many connections at most; none is open yet.
    pub(super) fn new(source: L::Source, connections: u32, patience: Duration) -> Self {
        let room = Arc::new(Semaphore::new(usize::try_from(connections).unwrap_or(1).max(1)));
        Self(Arc::new(Inner { source, room, idle: Mutex::default(), patience }))
    }

    /// Lends a connection.
    ///
    /// # Errors
    /// When none comes free in time, or none can be opened.
    pub(super) async fn lease(&self) -> Result<Lease<L>, DbErr> {
        let busy = || DbErr::ConnectionAcquire(ConnAcquireErr::Timeout);
        let room = match Arc::clone(&self.0.room).try_acquire_owned() {
            Ok(room) => room,
            Err(_) => timeout(self.0.patience, Arc::clone(&self.0.room).acquire_owned())
                .await
                .map_err(|_| busy())?
                .map_err(|_| busy())?,
        };
        while let Some((mut link, since)) = self.0.take() {
            if link.wakes(&self.0.source, since.elapsed()).await {
                return Ok(self.lend(link, room, false));
            }
            // The others are no younger, and each would be waited for in turn.
            self.0.idle().clear();
        }
        let opened = timeout(self.0.patience, L::open(&self.0.source)).await;
        let link = opened
            .map_err(|_| DbErr::ConnectionAcquire(ConnAcquireErr::ConnectionClosed))?
            .map_err(|error| DbErr::Conn(RuntimeErr::SqlxError(Arc::new(error))))?;
        Ok(self.lend(link, room, true))
    }

    /// What is known of the place they lead to.
    pub(super) fn source(&self) -> &L::Source {
        &self.0.source
    }

    fn lend(&self, link: L, room: OwnedSemaphorePermit, new: bool) -> Lease<L> {
        let home = Arc::clone(&self.0);
        Lease { link: Some(link), state: State::Busy, home, room: Some(room), new }
    }
}

impl<L: Link> Inner<L> {
    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<(L, Instant)>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self) -> Option<(L, Instant)> {
        self.idle().pop()
    }

    fn keep(&self, link: L) {
        let mut idle = self.idle();
        idle.push((link, Instant::now()));
        // The first ones are those that are needed least.
        if idle.first().is_some_and(|(_, since)| since.elapsed() > L::IDLE) {
            drop(idle.remove(0));
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Something may be running.
    Busy,
    /// Nothing is.
    Rested,
    /// It is of no use any more, and the others may not be either.
    Broken,
}

/// A connection that is lent. Dropped before it is [rested](Self::rested), what runs on it is ended.
#[derive(Debug)]
pub(super) struct Lease<L: Link> {
    link: Option<L>,
    state: State,
    home: Arc<Inner<L>>,
    room: Option<OwnedSemaphorePermit>,
    new: bool,
}

impl<L: Link> Lease<L> {
    /// The connection.
    ///
    /// # Errors
    /// Never, while it is lent.
    pub(super) fn link(&mut self) -> Result<&mut L, DbErr> {
        self.link.as_mut().ok_or(DbErr::ConnectionAcquire(ConnAcquireErr::ConnectionClosed))
    }

    /// What its pool leads to.
    pub(super) fn source(&self) -> &L::Source {
        &self.home.source
    }

    /// Whether it was opened just now, and not used before.
    pub(super) fn is_new(&self) -> bool {
        self.new
    }

    /// Says that nothing runs on it.
    pub(super) fn rested(&mut self) {
        self.state = State::Rested;
    }

    /// Says that it is closed.
    pub(super) fn broken(&mut self) {
        self.state = State::Broken;
    }
}

impl<L: Link> Drop for Lease<L> {
    fn drop(&mut self) {
        let (Some(mut link), room) = (self.link.take(), self.room.take()) else { return };
        match self.state {
            State::Rested => self.home.keep(link),
            // Whoever restarted the server closed all of them.
            State::Broken => self.home.idle().clear(),
            State::Busy => {
                let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
                let home = Arc::clone(&self.home);
                runtime.spawn(async move {
                    if link.settle(&home.source).await {
                        home.keep(link);
                    }
                    drop(room);
                });
            }
        }
    }
}
