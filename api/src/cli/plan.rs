//! `launchway plan`: what `apply` would do.

use std::path::PathBuf;

use clap::Args;

use super::output::{complain, say};
use super::setting::Common;
use super::{Outcome, Stop, block_on};
use crate::boot;
use crate::config::Secret;

const EXAMPLES: &str = "\
Examples:
  launchway plan                                        against ./launchway.db
  launchway plan --database postgres://app@db/shop      against a server; nothing is changed
  launchway plan --json                                 for tools

Each step says what it does, its SQL, and what it locks or rewrites. Exit code 1 when a step is refused.";

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
}

/// Shows the plan.
pub(super) fn run(arguments: &Arguments) -> Outcome {
    block_on(&arguments.common.sources(Vec::new()), async |config| {
        let sources = super::model::read(&super::model::path(arguments.model.as_ref()))?;
        let compiled = super::model::compile(&sources)?;
        let mut config = config.clone();
        if service::database::is_missing(config.database.url.reveal()) {
            // Against nothing: a plan must not make the file.
            config.database.url = Secret::new("sqlite::memory:".to_owned());
            complain("There is no database yet: everything would be made.");
        }
        let service = boot::open(&config).await?;
        let plan = migration::plan_for(service.database().writer(), &compiled.catalog)
            .await
            .map_err(|error| super::model::unmigrated(&error))?;
        match arguments.json {
            true => {
                let text =
                    serde_json::to_string_pretty(&plan).map_err(|error| Stop::refused(error.to_string()))?;
                say(&text);
            }
            false => say(migration::render(&plan).trim_end()),
        }
        match plan.refused().count() {
            0 => Ok(()),
            count => {
                Err(Stop::refused(format!("{count} of the steps would be refused, so nothing would be done")))
            }
        }
    })
}
