//! Settings -> a running service, and its end in order.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use entity::model::Source;
use service::mail::Mailer;
use service::publish::{self, Apply, Published};
use service::throttle::Throttle;
use service::{Code, Error, Service, database};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::config::Config;
use crate::config::database::Apply as Setting;
use crate::config::limits::Limits;
use crate::server::connection::{Edge, serve};
use crate::server::{self, Layers, Routes, State};

/// How long a server that starts waits for a database that is not there yet.
const PATIENCE: Duration = Duration::from_secs(30);

/// Between two looks.
const PAUSE: Duration = Duration::from_secs(1);

/// Between two sweeps.
/// How often it is looked for a model that others applied.
const LOOK: Duration = Duration::from_secs(2);

const HOUR: Duration = Duration::from_secs(3600);

/// Opens the database of the settings.
///
/// # Errors
/// See [`Service::open`].
pub async fn open(config: &Config) -> service::Result<Service> {
    let settings = &config.database;
    let database = database::Settings {
        url: settings.url.reveal().to_owned(),
        connections: settings.connections,
        acquire_timeout: settings.acquire_timeout.0,
        statement_timeout: settings.statement_timeout.0,
        statement_cache: settings.statement_cache,
    };
    let service = Service::open(&database, Limits::engine(&config.limits)).await?;
    let throttle = Throttle::new(config.throttle())?;
    let mail = config.mail.mailer(config.mode);
    let mailer = Mailer::new(&mail)?;
    let mut auth = config.auth.settings(&config.public_url(), &mail.product, config.policies().sign_in);
    auth.development = !config.is_production();
    auth.returns = config.cors.origins.iter().filter(|origin| *origin != "*").cloned().collect();
    auth.returns.extend(mail.app_url.as_ref().map(|url| url.origin().ascii_serialization()));
    service.with_auth(auth, mailer, throttle)
}

/// Whether the settings are enough for a model that has accounts.
///
/// # Errors
/// `BAD_REQUEST` in production, naming the setting that is missing.
pub fn ready(config: &Config, service: &Service) -> service::Result<()> {
    if !config.is_production() || !service.auth().is_open() {
        return Ok(());
    }
    let missing = |key: &str, why: &str| {
        Err(Error::new(Code::BadRequest, format!("The model has accounts, and `{key}` is not set: {why}."))
            .hint(format!("Set `{key}`, or LAUNCHWAY_{}.", key.to_ascii_uppercase().replace('.', "__"))))
    };
    if config.auth.secret.is_empty() {
        return missing("auth.secret", "signing keys are encrypted with it");
    }
    if config.server.public_url.is_empty() {
        return missing("server.public_url", "tokens and cookies are made with it");
    }
    if config.mail.url.is_empty() {
        return missing("mail.url", "addresses are proved and passwords reset by mail");
    }
    Ok(())
}

/// How far a server may change the database by itself.
#[must_use]
pub fn apply(config: &Config) -> Apply {
    match config.database.apply {
        Setting::Safe => Apply::Safe,
        Setting::Never => Apply::Never,
    }
}

/// Publishes the model. Programs that start together do not start in order: waits a while for the database.
///
/// # Errors
/// See [`Service::publish`].
pub async fn publish(
    service: &Service,
    sources: &[Source],
    apply: Apply,
) -> Result<Published, publish::Error> {
    let begun = tokio::time::Instant::now();
    loop {
        let outcome = service.publish(sources, apply).await;
        let away = matches!(&outcome, Err(publish::Error::Database(migration::Error::Unavailable(_))));
        if !away || begun.elapsed() > PATIENCE {
            return outcome;
        }
        tracing::warn!("the database can't be reached yet; trying again");
        tokio::time::sleep(PAUSE).await;
    }
}

/// Sweeps what is kept for a time only, now and every hour.
pub async fn sweep(service: Service) {
    let mut hours = tokio::time::interval(HOUR);
    loop {
        hours.tick().await;
        accounts(&service).await;
        match service.engine().sweep().await {
            Ok(0) => {}
            Ok(keys) => tracing::info!(keys, "swept old idempotency keys"),
            Err(error) => {
                tracing::warn!(code = error.code().as_str(), "could not sweep; trying again in an hour")
            }
        }
    }
}

/// Takes over the model that others apply to the database.
pub async fn follow(service: Service) {
    let mut looks = tokio::time::interval(LOOK);
    looks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut failing = false;
    loop {
        looks.tick().await;
        match service.follow().await {
            Ok(taken) => {
                failing = false;
                if taken {
                    let version = service.catalog().version.clone();
                    tracing::info!(%version, "another model was applied, and is in force here now");
                }
            }
            // Said once: the next look may find the database again.
            Err(error) if !failing => {
                failing = true;
                tracing::warn!(%error, "could not look for another model; the old one stays in force");
            }
            Err(_) => {}
        }
    }
}

/// Makes the next signing key in time, and forgets sessions, codes and accounts that have ended. Neither waits for the
/// other to be possible.
async fn accounts(service: &Service) {
    if let Err(error) = service.auth().prepare().await {
        let code = error.code().as_str();
        tracing::warn!(code, "could not look after the signing keys; trying again in an hour");
    }
    if let Err(error) = service.auth().sweep().await {
        tracing::warn!(code = error.code().as_str(), "could not sweep accounts; trying again in an hour");
    }
}

/// The whole application: what tests serve too.
///
/// # Errors
/// See [`server::routes`].
pub fn app(state: &State) -> service::Result<Layers<Routes>> {
    Ok(Layers::new(server::routes(state)?, &state.config)
        .identified(state.service.auth().clone())
        .limited(state.throttle.clone(), state.config.policies()))
}

/// Binds the address of the settings.
///
/// # Errors
/// `UNAVAILABLE`, with what to do about an address in use.
pub async fn bind(config: &Config) -> service::Result<TcpListener> {
    let address = config.address();
    TcpListener::bind(address).await.map_err(|error| {
        let hint = match error.kind() {
            io::ErrorKind::AddrInUse => {
                "Another program listens there. Choose another port: --listen 127.0.0.1:8001."
            }
            io::ErrorKind::PermissionDenied => {
                "Ports below 1024 need a privilege. Choose a higher one: --listen :8000."
            }
            _ => "Choose an address of this machine with --listen.",
        };
        Error::new(Code::Unavailable, format!("Can't listen on {address}: {error}.")).hint(hint)
    })
}

/// Serves until a signal, then ends in order: readiness says no, nothing new is accepted, what is in flight finishes.
/// A second signal ends at once.
///
/// # Errors
/// When the routes can't be made, or the listener is broken.
pub async fn run(state: State, listener: TcpListener, signal: impl AsyncFn()) -> service::Result<()> {
    let config = Arc::clone(&state.config);
    let app = Arc::new(app(&state)?);
    let edge = Edge::new(&config.limits, config.server.shutdown_timeout.0);
    let stop = CancellationToken::new();
    let server = serve(listener, app, edge, stop.clone());
    let stopping = async {
        signal().await;
        tracing::info!("stopping: requests in flight finish first");
        state.draining.cancel();
        tokio::time::sleep(config.server.shutdown_delay.0).await;
        stop.cancel();
    };
    let impatience = async {
        state.draining.cancelled().await;
        signal().await;
        tracing::warn!("stopping at once: requests in flight are cut off");
    };
    tokio::select! {
        (outcome, ()) = async { tokio::join!(server, stopping) } => outcome.map_err(Error::internal),
        () = impatience => Ok(()),
    }
}

/// Resolves when the process is asked to stop.
pub async fn asked_to_stop() {
    let interrupt = async {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    };
    #[cfg(unix)]
    let terminate = async {
        match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
            Ok(mut signal) => {
                signal.recv().await;
            }
            Err(_) => std::future::pending::<()>().await,
        }
    };
    #[cfg(not(unix))]
    let terminate = std::future::pending::<()>();
    tokio::select! {
        () = interrupt => {}
        () = terminate => {}
    }
}
