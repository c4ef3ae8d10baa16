//! Whether PostgreSQL can be reached at all. Its pool tries to connect until its patience ends, and then says that all
//! connections are busy; so who waits longer than usual asks the server's port.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use sea_orm::sqlx::postgres::PgConnectOptions;
use sea_orm::{ConnAcquireErr, DbErr};
use tokio::net::TcpStream;
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout};

/// What takes longer is asked about.
const USUAL: Duration = Duration::from_millis(250);

/// How long the port may take to answer.
const ANSWER: Duration = Duration::from_millis(500);

/// How long an answer holds for all who wait.
const FRESH: Duration = Duration::from_millis(500);

/// The place of a server, and whether it answered last.
#[derive(Debug, Clone)]
pub(super) struct Reach(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    place: Place,
    last: Mutex<Option<(Instant, bool)>>,
}

#[derive(Debug)]
enum Place {
    Port(String, u16),
    Socket(PathBuf),
}

impl Reach {
    /// Of the server that a URL names.
    pub(super) fn of(url: &str) -> Option<Self> {
        let options: PgConnectOptions = url.parse().ok()?;
        let file = format!(".s.PGSQL.{}", options.get_port());
        let place = match options.get_socket() {
            Some(folder) => Place::Socket(folder.join(file)),
            None if options.get_host().starts_with('/') => {
                Place::Socket(PathBuf::from(options.get_host()).join(file))
            }
            None => Place::Port(options.get_host().to_owned(), options.get_port()),
        };
        Some(Self(Arc::new(Inner { place, last: Mutex::default() })))
    }

    /// Does work with the server, for as long as it can be reached.
    ///
    /// # Errors
    /// Those of the work; that the connection is closed when nobody answers.
    pub(super) async fn during<T>(&self, work: impl Future<Output = Result<T, DbErr>>) -> Result<T, DbErr> {
        tokio::pin!(work);
        loop {
            if let Ok(outcome) = timeout(USUAL, &mut work).await {
                return outcome;
            }
            tokio::select! {
                biased;
                outcome = &mut work => return outcome,
                answers = self.answers() => if !answers {
                    return Err(DbErr::ConnectionAcquire(ConnAcquireErr::ConnectionClosed));
                }
            }
        }
    }

    /// Whether the server answers; asked by one for all.
    async fn answers(&self) -> bool {
        let mut last = self.0.last.lock().await;
        if let Some((at, answered)) = *last
            && at.elapsed() < FRESH
        {
            return answered;
        }
        let answered = matches!(timeout(ANSWER, self.0.place.connect()).await, Ok(Ok(())));
        *last = Some((Instant::now(), answered));
        answered
    }
}

impl Place {
    async fn connect(&self) -> std::io::Result<()> {
        match self {
            Place::Port(host, port) => TcpStream::connect((host.as_str(), *port)).await.map(drop),
            #[cfg(unix)]
            Place::Socket(path) => tokio::net::UnixStream::connect(path).await.map(drop),
            #[cfg(not(unix))]
            Place::Socket(_) => Ok(()),
        }
    }
}
