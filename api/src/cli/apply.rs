//! `launchway apply`: gives the database the shape of the model.

use std::path::PathBuf;

use clap::Args;
use migration::{Allow, Consent, Options, Progress};

use super::output::{complain, say};
use super::setting::Common;
use super::{Outcome, block_on};
use crate::boot;
use crate::config::Period;

const EXAMPLES: &str = "\
Examples:
  launchway plan && launchway apply             look first
  launchway apply --dry-run                     do everything, then take it back
  launchway apply --allow drop:Track.mood       drop that field with its values
  launchway apply --allow hide:Track.mood       take it out of the APIs, and keep its values

What would lose data is refused without consent, with the plan printed; nothing is changed then. On PostgreSQL a plan is
done step by step while servers go on; interrupted, apply goes on from there.";

/// Flags of `apply`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {
    /// The model: a .graphql file, or a folder of them [default: model.graphql]
    model: Option<PathBuf>,
    #[command(flatten)]
    common: Common,
    /// Do everything in one transaction, then take it back. On PostgreSQL others wait meanwhile.
    #[arg(long)]
    dry_run: bool,
    /// What may be lost: drop:Type.field or hide:Type.field, a whole Type, or revert to a former model
    #[arg(long, value_name = "CONSENT")]
    allow: Vec<Consent>,
    /// How long a step tries again while others use its table [default: 10m]
    #[arg(long, value_name = "TIME")]
    patience: Option<Period>,
}

/// Applies the model.
pub(super) fn run(arguments: &Arguments) -> Outcome {
    block_on(&arguments.common.sources(Vec::new()), async |config| {
        let sources = super::model::read(&super::model::path(arguments.model.as_ref()))?;
        let compiled = super::model::compile(&sources)?;
        super::model::notices(&compiled.notices, &sources);
        let service = boot::open(config).await?;
        let text: Vec<&str> = sources.iter().map(|source| source.text.as_str()).collect();
        let options = Options {
            dry_run: arguments.dry_run,
            allow: Allow { consents: arguments.allow.clone(), hide: false },
            patience: arguments.patience.map(|period| period.0),
            progress: Some(tell),
            ..Options::default()
        };
        let applied =
            migration::apply(service.database().writer(), &compiled.catalog, &text.join("\n"), &options)
                .await
                .map_err(|error| super::model::unmigrated(&error))?;
        say(migration::render(&applied.plan).trim_end());
        if !applied.plan.is_empty() {
            say(if arguments.dry_run { "Tried, and taken back." } else { "Applied." });
        }
        Ok(())
    })
}

/// Says what happens, beside the result.
fn tell(progress: &Progress<'_>) {
    match progress {
        Progress::Begun { number, of, step } => complain(&format!("{number}/{of} {}", step.description)),
        Progress::Rows { written: 1 } => complain("    1 row written"),
        Progress::Rows { written } => complain(&format!("    {written} rows written")),
        Progress::GaveWay { times } => {
            let often = if *times == 1 { "once".to_owned() } else { format!("{times} times") };
            complain(&format!("    somebody uses the table: gave way {often}, trying again"));
        }
        Progress::Ended { took } => complain(&format!("    done in {} ms", took.as_millis())),
    }
}
