//! `launchway serve`: the model, the database, the server.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use clap::{Args, ValueEnum};
use service::{Service, publish};
use uuid::Uuid;

use super::output::say;
use super::setting::Common;
use super::{Outcome, Stop, import, model, runtime, watch};
use crate::boot;
use crate::config::{Config, Flag, Secret, print};
use crate::server::State;
use crate::telemetry;

const EXAMPLES: &str = "\
Examples:
  launchway serve                                       model.graphql, ./launchway.db, http://127.0.0.1:8000
  launchway serve examples/music-store --watch          a folder is a model too; follow its changes
  launchway serve --data data/                          import a folder when the database is empty
  launchway serve --database postgres://app@db/shop --apply never
  LAUNCHWAY_AUTH__ADMIN_KEY=… launchway serve --production --listen :8000

Then open /graphql in a browser for GraphiQL, /docs for the REST reference.
Stop with Ctrl-C or SIGTERM: requests in flight finish first.";

/// Flags of `serve`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {
    /// The model: a .graphql file, or a folder of them [default: model.graphql]
    model: Option<PathBuf>,
    #[command(flatten)]
    common: Common,
    /// Where to listen; other machines only with --production [default: 127.0.0.1:8000]
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<String>,
    /// When the model differs from the database: make safe changes, or refuse to start [default: safe]
    #[arg(long, value_name = "WHAT")]
    apply: Option<Apply>,
    /// Put a changed model in force when that is safe, and say why when it is not.
    #[arg(long)]
    watch: bool,
    /// Take over the model that others apply to the database, within seconds.
    #[arg(long, conflicts_with = "watch")]
    follow: bool,
    /// Import this folder of NDJSON or CSV files when the database is empty.
    #[arg(long, value_name = "FOLDER")]
    data: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Apply {
    Safe,
    Never,
}

impl Arguments {
    fn flags(&self) -> Vec<Flag> {
        let mut flags = Vec::new();
        if let Some(listen) = &self.listen {
            flags.push(Flag { name: "--listen", key: "server.listen", value: listen.clone() });
        }
        if let Some(apply) = self.apply {
            let value = match apply {
                Apply::Safe => "safe",
                Apply::Never => "never",
            };
            flags.push(Flag { name: "--apply", key: "database.apply", value: value.to_owned() });
        }
        flags
    }
}

/// Serves until asked to stop.
pub(super) fn run(arguments: Arguments) -> Outcome {
    let mut config = Config::load(&arguments.common.sources(arguments.flags()))?;
    let made = make_admin_key(&mut config);
    let runtime = runtime(&config)?;
    let outcome = runtime.block_on(serve(config, arguments, made));
    // Nothing that is still at work, such as a blocking read, may hold the process.
    runtime.shutdown_background();
    outcome
}

/// Development has an administrator from the first minute. Tells whether a key was made.
fn make_admin_key(config: &mut Config) -> bool {
    let needed = config.auth.admin_key.is_empty() && !config.is_production();
    if needed {
        let key = format!("dev_{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple());
        config.auth.admin_key = Secret::new(key);
    }
    needed
}

async fn serve(config: Config, arguments: Arguments, made: bool) -> Outcome {
    let telemetry = telemetry::start(&config).map_err(Stop::usage)?;
    let outcome = listen(Arc::new(config), arguments, made).await;
    telemetry.flush().await;
    outcome
}

async fn listen(config: Arc<Config>, arguments: Arguments, made: bool) -> Outcome {
    let path = model::path(arguments.model.as_ref());
    let sources = model::read(&path)?;
    // The port first: it is the quickest to fail.
    let listener = boot::bind(&config).await?;
    let address = listener.local_addr().map_err(|error| Stop::refused(error.to_string()))?;
    let service = boot::open(&config).await?;
    let apply = match boot::apply(&config) {
        publish::Apply::Safe if arguments.watch => publish::Apply::Freely,
        apply => apply,
    };
    let published = boot::publish(&service, &sources, apply)
        .await
        .map_err(|error| model::unpublished(error, &sources))?;
    model::notices(&published.notices, &sources);
    boot::ready(&config, &service)?;
    if let Some(folder) = &arguments.data {
        fill(&service, folder).await?;
    }
    greet(&config, address, made, service.auth().is_open());
    let state = State::new(service.clone(), config)?;
    let mut beside = tokio::task::JoinSet::new();
    beside.spawn(boot::sweep(service.clone()));
    if arguments.follow {
        beside.spawn(boot::follow(service.clone()));
    }
    if arguments.watch {
        beside.spawn(async move {
            if watch::follow(service, path, apply, sources).await.is_err() {
                tracing::warn!("the model is not followed any more");
            }
        });
    }
    let outcome = boot::run(state, listener, boot::asked_to_stop).await;
    beside.abort_all();
    Ok(outcome?)
}

/// Imports the folder when there is no row yet.
async fn fill(service: &Service, folder: &std::path::Path) -> Outcome {
    if import::is_empty(service).await? {
        return import::paths(service, &[folder.to_path_buf()]).await;
    }
    tracing::info!("the database has rows already: --data is left alone");
    Ok(())
}

/// Says where to look.
fn greet(config: &Config, address: SocketAddr, made: bool, accounts: bool) {
    let base = format!("http://{address}");
    if config.is_production() {
        say(&format!("Launchway {} listens on {base}", env!("CARGO_PKG_VERSION")));
        return;
    }
    let mut lines =
        vec![format!("Launchway {} · development · {base}", env!("CARGO_PKG_VERSION")), String::new()];
    let mut line = |name: &str, text: String| lines.push(format!("  {name:<11}{text}"));
    let page = if config.helps(config.graphql.graphiql) { "   GraphiQL, in a browser" } else { "" };
    line("GraphQL", format!("{base}/graphql{page}"));
    line("REST", format!("{base}/v1"));
    if config.rest.docs {
        line("Reference", format!("{base}/docs"));
        line("OpenAPI", format!("{base}/openapi.json"));
    }
    if accounts {
        line("Accounts", format!("{base}/auth   mails are written to this log"));
    }
    line("Health", format!("{base}/healthz, /readyz"));
    if config.telemetry.metrics {
        line("Metrics", format!("{base}/metrics"));
    }
    line("Database", print::mask_url(config.database.url.reveal()));
    if made {
        let key = config.auth.admin_key.reveal();
        line("Admin key", format!("{key}   for this run; send `Authorization: Bearer …`"));
    }
    lines.push(String::new());
    say(&lines.join("\n"));
}
