//! Connections: accepted up to a number, guarded against slow clients, ended politely.
//!
//! They speak HTTP/1.1 alone. HTTP/2 comes with TLS, and that is what a proxy in front is for; without TLS no browser
//! speaks it, and its streams would need all these guards once more (resets, windows that never open, floods of headers).

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use hyper::body::Incoming;
use hyper::header::{CONNECTION, HeaderValue};
use hyper::http::uri::Scheme;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use poem::web::{LocalAddr, RemoteAddr};
use poem::{Addr, Endpoint, Request, Response};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::guard::{Guard, Pulse};
use super::layer::Layers;
use super::peer::{Peer, Peers};
use crate::config::limits::Limits;

/// After an accept that failed because the process has no file left.
const BREATH: Duration = Duration::from_millis(50);

/// How long connections that wait for a request are kept when the server stops. A client may have sent one already:
/// it is answered, and told that the connection ends; only who sends nothing for so long is hung up on.
const GRACE: Duration = Duration::from_secs(1);

/// How long clients that were let in by the system, and not by us yet, are looked for when the server stops.
const LAST_CALL: Duration = Duration::from_millis(100);

/// How connections are treated.
#[derive(Debug, Clone)]
pub struct Edge {
    limits: Limits,
    /// How long connections may take to end once asked to.
    patience: Duration,
}

impl Edge {
    /// By these limits, with so much time at the end.
    #[must_use]
    pub fn new(limits: &Limits, patience: Duration) -> Self {
        Self { limits: limits.clone(), patience }
    }
}

struct Shared<E> {
    app: Arc<Layers<E>>,
    builder: http1::Builder,
    edge: Edge,
    stop: CancellationToken,
    local: SocketAddr,
}

/// Serves until `stop`, then lets what is in flight finish, for a time.
///
/// # Errors
/// When the listener has no address.
pub async fn serve<E>(
    listener: TcpListener,
    app: Arc<Layers<E>>,
    edge: Edge,
    stop: CancellationToken,
) -> io::Result<()>
where
    E: Endpoint<Output = Response> + 'static,
{
    let places = Arc::new(Semaphore::new(edge.limits.connections));
    let peers = Peers::new(edge.limits.connections_per_peer);
    let tracker = TaskTracker::new();
    let patience = edge.patience;
    let local = listener.local_addr()?;
    let builder = builder(&edge.limits);
    let shared = Arc::new(Shared { app, builder, edge, stop: stop.clone(), local });
    let welcome = |(stream, peer, place): (TcpStream, SocketAddr, OwnedSemaphorePermit)| {
        // Dropping the stream closes it: there is nobody to explain it to who should be helped to ask again.
        let Some(counted) = peers.admit(peer.ip()) else { return };
        let _ = stream.set_nodelay(true);
        tracker.spawn(connection(Arc::clone(&shared), stream, peer, (place, counted)));
    };
    loop {
        let accepted = tokio::select! {
            () = stop.cancelled() => break,
            accepted = accept(&listener, &places) => accepted,
        };
        if let Some(accepted) = accepted {
            welcome(accepted);
        }
    }
    let last_call = Instant::now() + LAST_CALL;
    while Instant::now() < last_call
        && let Ok(Some(accepted)) = timeout(LAST_CALL / 10, accept(&listener, &places)).await
    {
        welcome(accepted);
    }
    drop(listener);
    tracker.close();
    if timeout(patience, tracker.wait()).await.is_err() {
        tracing::warn!(connections = tracker.len(), "some connections did not end in time");
    }
    Ok(())
}

/// The next connection, when there is a place for it.
async fn accept(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
) -> Option<(TcpStream, SocketAddr, OwnedSemaphorePermit)> {
    let place = Arc::clone(places).acquire_owned().await.ok()?;
    match listener.accept().await {
        Ok((stream, peer)) => Some((stream, peer, place)),
        Err(error) => {
            let gone =
                matches!(error.kind(), io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset);
            if !gone {
                tracing::warn!(%error, "a connection can't be accepted");
                sleep(BREATH).await;
            }
            None
        }
    }
}

fn builder(limits: &Limits) -> http1::Builder {
    let mut builder = http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        .header_read_timeout(None) // `Guard` does it, without ending idle connections
        .max_headers(limits.headers)
        .max_buf_size(limits.header_size.0);
    builder
}

async fn connection<E>(
    shared: Arc<Shared<E>>,
    stream: TcpStream,
    peer: SocketAddr,
    _counted: (OwnedSemaphorePermit, Peer),
) where
    E: Endpoint<Output = Response> + 'static,
{
    let limits = &shared.edge.limits;
    let pulse = Arc::new(Pulse::default());
    let guard = Guard::new(stream, Arc::clone(&pulse), limits.header_timeout.0, limits.write_timeout.0);
    let (app, local) = (Arc::clone(&shared.app), shared.local);
    let requests = Arc::clone(&pulse);
    let stop = shared.stop.clone();
    let service = service_fn(move |request: hyper::Request<Incoming>| {
        let (app, stop) = (Arc::clone(&app), stop.clone());
        let beat = requests.begin();
        async move {
            let (local, remote) = (LocalAddr(Addr::SocketAddr(local)), RemoteAddr(Addr::SocketAddr(peer)));
            let mut response = app.answer(Request::from((request, local, remote, Scheme::HTTP))).await;
            if stop.is_cancelled() {
                response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
            }
            drop(beat);
            Ok::<_, Infallible>(hyper::Response::from(response))
        }
    });
    let mut work = pin!(shared.builder.serve_connection(TokioIo::new(guard), service).with_upgrades());
    let mut stopped = pin!(shared.stop.cancelled());
    let mut timer = pin!(sleep(limits.idle_timeout.0));
    let mut grace = pin!(sleep(GRACE));
    let (mut seen, mut ending, mut gone) = (None, false, false);
    loop {
        tokio::select! {
            biased;
            outcome = work.as_mut() => {
                if let Err(error) = outcome {
                    tracing::trace!(error = %error, "a connection ended early");
                }
                return;
            }
            () = stopped.as_mut(), if !ending => {
                ending = true;
                // It is said with the next answer.
                grace.as_mut().reset(Instant::now() + shared.edge.patience.min(GRACE));
            }
            () = grace.as_mut(), if ending && !gone => {
                gone = true;
                work.as_mut().graceful_shutdown();
            }
            () = timer.as_mut() => {
                // Nothing since the last look, and nothing before it: nobody needs this connection.
                let idle = pulse.idle_since();
                if idle.is_some() && idle == seen && !ending {
                    (ending, gone) = (true, true);
                    work.as_mut().graceful_shutdown();
                }
                seen = idle;
                timer.as_mut().reset(Instant::now() + limits.idle_timeout.0);
            }
        }
    }
}
