//! `launchway apply`: gives the database the shape of the model.

use std::path::PathBuf;

use clap::Args;
use migration::Options;

use super::output::say;
use super::setting::Common;
use super::{Outcome, block_on};
use crate::boot;

const EXAMPLES: &str = "\
Examples:
  launchway plan && launchway apply       look first
  launchway apply --dry-run               do everything, then take it back

What would lose or rewrite data is refused, with the plan printed; nothing is changed then.";

/// Flags of `apply`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {
    /// The model: a .graphql file, or a folder of them [default: model.graphql]
    model: Option<PathBuf>,
    #[command(flatten)]
    common: Common,
    /// Do everything in the transaction, then take it back.
    #[arg(long)]
    dry_run: bool,
}

/// Applies the model.
pub(super) fn run(arguments: &Arguments) -> Outcome {
    block_on(&arguments.common.sources(Vec::new()), async |config| {
        let sources = super::model::read(&super::model::path(arguments.model.as_ref()))?;
        let compiled = super::model::compile(&sources)?;
        super::model::notices(&compiled.notices, &sources);
        let service = boot::open(config).await?;
        let text: Vec<&str> = sources.iter().map(|source| source.text.as_str()).collect();
        let options = Options { dry_run: arguments.dry_run, ..Options::default() };
        let applied =
            migration::apply(service.database().writer(), &compiled.catalog, &text.join("\n"), options)
                .await
                .map_err(|error| super::model::unmigrated(&error))?;
        say(migration::render(&applied.plan).trim_end());
        if !applied.plan.is_empty() {
            say(if arguments.dry_run { "Tried, and taken back." } else { "Applied." });
        }
        Ok(())
    })
}
