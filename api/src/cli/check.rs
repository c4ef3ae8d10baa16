//! `launchway check`: all mistakes of the model at once.

use std::path::{Path, PathBuf};

use clap::Args;
use entity::{Catalog, model};
use serde::Serialize;

use super::output::{complain, say};
use super::{Outcome, Stop};
use crate::contract::{self, Effect};

const EXAMPLES: &str = "\
Examples:
  launchway check                    model.graphql here
  launchway check models/            all .graphql files of a folder are one model
  launchway check --json             for editors and CI
  launchway check --prelude          the directives as SDL, for editors that complete them
  launchway check --against main     what clients of both APIs notice of the changes since a commit, file or folder
  launchway check --against api.graphql --json     since a GraphQL schema, for CI

Exit code 1 when the model has mistakes, or breaks clients.";

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
    /// Tell what clients notice since an earlier model, or GraphQL schema: a file, a folder, or a commit that git knows
    #[arg(long, value_name = "MODEL", conflicts_with = "prelude")]
    against: Option<String>,
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
    if let Some(against) = &arguments.against {
        return compare(against, &path, &compiled.catalog, arguments.json);
    }
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

/// Tells what clients notice of what changed.
fn compare(against: &str, path: &Path, catalog: &Catalog, as_json: bool) -> Outcome {
    let before = super::since::read(against, path)?;
    let is_model = before.iter().any(|source| source.text.contains("@model"));
    let found = match is_model {
        true => contract::compare(&super::model::compile(&before)?.catalog, catalog)?,
        false => {
            if !as_json {
                complain(
                    "A GraphQL schema says nothing of REST, nor of roles: those are compared with a model.",
                );
            }
            let texts: Vec<&str> = before.iter().map(|source| source.text.as_str()).collect();
            contract::compare_sdl(&texts.join("\n"), catalog)?
        }
    };
    match as_json {
        true => say(&json(&found)?),
        false => say(contract::render(&found).trim_end()),
    }
    match found.iter().filter(|finding| finding.effect == Effect::Breaking).count() {
        0 => Ok(()),
        _ => Err(Stop::answered_no()),
    }
}

fn json<T: Serialize + ?Sized>(found: &T) -> Result<String, Stop> {
    serde_json::to_string_pretty(found).map_err(|error| Stop::refused(error.to_string()))
}
