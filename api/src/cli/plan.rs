//! `launchway plan`: what `apply` would do.

use std::path::{Path, PathBuf};

use clap::Args;
use entity::Catalog;
use migration::{Allow, Consent, Former, Plan};

use super::output::{complain, say};
use super::setting::Common;
use super::{Outcome, Stop, block_on};
use crate::boot;
use crate::config::{Config, Secret};

const EXAMPLES: &str = "\
Examples:
  launchway plan                                        against ./launchway.db
  launchway plan --database postgres://app@db/shop      against a server; nothing is changed
  launchway plan --json                                 for tools
  launchway plan --since main                           what this branch changes; no database is asked
  launchway plan --since old.graphql --database postgres://…   for PostgreSQL
  launchway plan --exit-code || echo \"something to do\"

  launchway plan --allow drop:Track.mood                what it would be with that consent

Each step says what it does, how careful it is (safe, online, backfill, destructive), what it locks and who waits for
that, how many rows it concerns, and its SQL. Exit code 1 when apply would refuse it; with
--exit-code 3 when there is something to do, and 0 when there is nothing.";

/// The exit code where there is something to do.
const PENDING: u8 = 3;

/// Flags of `plan`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {
    /// The model: a .graphql file, or a folder of them [default: model.graphql]
    model: Option<PathBuf>,
    #[command(flatten)]
    common: Common,
    /// Print the plan as JSON.
    #[arg(long)]
    json: bool,
    /// Compare with an earlier model instead of a database: a file, a folder, or a commit that git knows
    #[arg(long, value_name = "MODEL")]
    since: Option<String>,
    /// What apply would be allowed: drop:Type.field, hide:Type.field, a whole Type
    #[arg(long, value_name = "CONSENT")]
    allow: Vec<Consent>,
    /// Exit with 3 when there is something to do.
    #[arg(long)]
    exit_code: bool,
}

/// Shows the plan.
pub(super) fn run(arguments: &Arguments) -> Outcome {
    block_on(&arguments.common.sources(Vec::new()), async |config| {
        let path = super::model::path(arguments.model.as_ref());
        let compiled = super::model::compile(&super::model::read(&path)?)?;
        let allow = Allow { consents: arguments.allow.clone(), hide: false };
        let (plan, superseded) = match &arguments.since {
            Some(since) => (between(config, since, &path, &compiled.catalog, &allow)?, None),
            None => against(config, &compiled.catalog, &allow).await?,
        };
        match arguments.json {
            true => {
                let text =
                    serde_json::to_string_pretty(&plan).map_err(|error| Stop::refused(error.to_string()))?;
                say(&text);
            }
            false if arguments.since.is_some() && plan.is_empty() => {
                say(&format!("Both models ask for the same {} database: nothing to do.", plan.dialect));
            }
            false => say(migration::render(&plan).trim_end()),
        }
        if let Some(error) = superseded {
            return Err(super::model::unmigrated(&error));
        }
        match plan.refused().count() {
            0 if arguments.exit_code && !plan.is_empty() => Err(Stop::with_code(PENDING)),
            0 => Ok(()),
            count => {
                Err(Stop::refused(format!("{count} of the steps would be refused, so nothing would be done")))
            }
        }
    })
}

/// What a database needs to have the shape of a model; and why `apply` would not do it, where another model has followed.
async fn against(
    config: &Config,
    catalog: &Catalog,
    allow: &Allow,
) -> Result<(Plan, Option<migration::Error>), Stop> {
    let mut config = config.clone();
    if service::database::is_missing(config.database.url.reveal()) {
        // Against nothing: a plan must not make the file.
        config.database.url = Secret::new("sqlite::memory:".to_owned());
        complain("There is no database yet: everything would be made.");
    }
    let service = boot::open(&config).await?;
    let unmigrated = |error: migration::Error| super::model::unmigrated(&error);
    let connection = service.database().writer();
    let plan = migration::plan_for(connection, catalog, allow).await.map_err(unmigrated)?;
    if allow.consents.contains(&Consent::Revert) {
        return Ok((plan, None));
    }
    let former = migration::former(connection, catalog).await.map_err(unmigrated)?;
    let followed = former.filter(|former| former.now != catalog.version.0);
    let superseded =
        followed.map(|Former { now, since, .. }| migration::Error::Superseded { now, since, missing: None });
    Ok((plan, superseded))
}

/// What a database with the shape of an earlier model needs; which one is named decides about its dialect.
fn between(
    config: &Config,
    since: &str,
    path: &Path,
    catalog: &Catalog,
    allow: &Allow,
) -> Result<Plan, Stop> {
    let before = super::model::compile(&super::since::read(since, path)?)?;
    let dialect = service::database::dialect(config.database.url.reveal())?;
    migration::plan_between(&before.catalog, catalog, dialect, allow)
        .map_err(|error| super::model::unmigrated(&error))
}
