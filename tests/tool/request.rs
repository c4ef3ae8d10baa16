//! What schemathesis makes of the OpenAPI document: thousands of requests that fit it, and as many that do not, each
//! followed by all of its checks. An answer that is not described, a valid request that is refused, an invalid one that is
//! taken, a body that does not fit its schema, a server error: each is a finding.

use std::process::Command;
use std::time::Duration;

use harness::app::ADMIN_KEY;
use harness::{App, Backend, runtime};

use crate::install;
use crate::run::run;

/// On a machine that does nothing else it takes less than two minutes.
const PATIENCE: Duration = Duration::from_secs(900);

/// Runs schemathesis with the caller's key; `whole` names the list whose conditions are tried with all operators.
fn tried(backend: Backend, key: Option<&str>, whole: &str) {
    let Some(folder) = install::python() else { return };
    let here = install::here();
    let model = std::fs::read_to_string(here.join("small.graphql")).expect("the model");
    let app = runtime::block_on(App::start(backend, &model));
    let mut command = Command::new(folder.join("bin/schemathesis"));
    command
        .arg("--config-file")
        .arg(here.join("schemathesis.toml"))
        .args(["run", "--no-color", "--url", app.url()])
        .envs([("PYTHONDONTWRITEBYTECODE", "1"), ("SCHEMATHESIS_HOOKS", "hook"), ("TOOL_WHOLE", whole)])
        .env("PYTHONPATH", here)
        .current_dir(app.folder());
    if let Some(key) = key {
        command.args(["--header", &format!("Authorization: Bearer {key}")]);
    }
    let said = run(command.arg(format!("{}/openapi.json", app.url())), PATIENCE);
    let said = said.content(&format!("Schemathesis, on {backend:?},"));
    // "Test cases:\n  17576 generated, 17576 passed, 18 skipped": that it found nothing because it did nothing is no news.
    let count =
        said.split("Test cases:").nth(1).and_then(|rest| rest.split_whitespace().next()?.parse::<u32>().ok());
    assert!(count.is_some_and(|count| count > 4_000), "{said}");
    runtime::block_on(is_well(&app));
}

/// What it left in the database is still answered, by both APIs.
async fn is_well(app: &App) {
    let rows = app.admin().get("/v1/albums?limit=10&expand=artist.albums").await.good().json();
    assert!(rows["data"].is_array(), "{rows}");
    let _ = app.admin().graphql("{ albumsAggregate { count } artistsAggregate { count } }").await.good();
}

fn on(wanted: Backend) -> bool {
    Backend::available().contains(&wanted)
}

#[test]
fn the_admin_s_requests_on_sqlite() {
    if on(Backend::Sqlite) {
        tried(Backend::Sqlite, Some(ADMIN_KEY), "listAlbums");
    }
}

/// The conditions of a list come from the same text as on SQLite; PostgreSQL gets each operator as a filter of its own.
#[test]
fn the_admin_s_requests_on_postgresql() {
    if on(Backend::Postgres) {
        tried(Backend::Postgres, Some(ADMIN_KEY), "");
    }
}

#[test]
fn anyone_s_requests_on_sqlite() {
    if on(Backend::Sqlite) {
        tried(Backend::Sqlite, None, "");
    }
}

#[test]
fn anyone_s_requests_on_postgresql() {
    if on(Backend::Postgres) {
        tried(Backend::Postgres, None, "");
    }
}
