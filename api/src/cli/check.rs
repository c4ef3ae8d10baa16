//! `launchway check`: all mistakes of the model at once.

use std::path::PathBuf;

use clap::Args;
use entity::model;

use super::output::say;
use super::{Outcome, Stop};

const EXAMPLES: &str = "\
Examples:
  launchway check                    model.graphql here
  launchway check models/            all .graphql files of a folder are one model
  launchway check --json             for editors and CI
  launchway check --prelude          the directives as SDL, for editors that complete them";

/// Flags of `check`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {
    /// The model: a .graphql file, or a folder of them [default: model.graphql]
    model: Option<PathBuf>,
    /// Print what was found as JSON.
    #[arg(long)]
    json: bool,
    /// Print the directives of the model language as SDL, and check nothing.
    #[arg(long, conflicts_with_all = ["json", "model"])]
    prelude: bool,
}

/// Checks the model.
pub(super) fn run(arguments: &Arguments) -> Outcome {
    if arguments.prelude {
        say(model::prelude().trim_end());
        return Ok(());
    }
    let path = super::model::path(arguments.model.as_ref());
    let sources = super::model::read(&path)?;
    let compiled = match model::compile(&sources) {
        Ok(compiled) => compiled,
        Err(found) if arguments.json => {
            say(&json(&found)?);
            return Err(Stop::refused(format!("the model has {} mistakes", found.len())));
        }
        Err(found) => return Err(super::model::mistakes(&found, &sources)),
    };
    if arguments.json {
        say(&json(&compiled.notices)?);
        return Ok(());
    }
    super::model::notices(&compiled.notices, &sources);
    let types = compiled.catalog.entities.len();
    let plural = if types == 1 { "" } else { "s" };
    say(&format!("{}: {types} type{plural}, no mistakes", path.display()));
    Ok(())
}

fn json(found: &[model::Diagnostic]) -> Result<String, Stop> {
    serde_json::to_string_pretty(found).map_err(|error| Stop::refused(error.to_string()))
}
