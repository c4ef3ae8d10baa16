//! `launchway import`: rows from files into the database.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use entity::EntityId;
use entity::catalog::Operations;
use service::engine::request::{ConnectionPart, List, Page, Read, Request, Requested, Root, Selected};
use service::publish::Apply;
use service::transfer::{self, OnError};
use service::{Principal, Service};
use uuid::Uuid;

use super::progress::Teller;
use super::setting::Common;
use super::{Outcome, Stop, block_on, model};
use crate::boot;

const EXAMPLES: &str = "\
Examples:
  launchway import data/                                 Track.ndjson, Album.csv, Playlist.tracks.ndjson …
  launchway import shop.graphql data/Track.csv           one file, another model
  launchway import data/ --organization 0197…            rows of @tenant types are that organization's
  launchway import data/ --on-error skip                 leave bad rows out, and write them down

A file is named after its type and has the fields' names as keys or headers; a to-one relation is `album` or
`albumId`. Ids are kept. The order of the files does not matter. Everything is one transaction: a bad row stops it
with file, line, field and reason, and nothing is written.";

/// Flags of `import`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {
    /// The model (a .graphql file or a folder of them; model.graphql when left out), then files or folders of rows
    #[arg(required = true, value_name = "[MODEL] PATH")]
    paths: Vec<PathBuf>,
    #[command(flatten)]
    common: Common,
    /// What a bad row does [default: stop]
    #[arg(long, value_name = "WHAT", default_value = "stop", hide_default_value = true)]
    on_error: Bad,
    /// Rows of types that belong to organizations are this one's
    #[arg(long, value_name = "ID")]
    organization: Option<Uuid>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Bad {
    /// Nothing is written.
    Stop,
    /// The rest is written, and the bad rows go to a file beside theirs.
    Skip,
}

/// Imports files.
pub(super) fn run(arguments: Arguments) -> Outcome {
    let (model, files) = split(arguments.paths);
    if files.is_empty() {
        return Err(Stop::usage(
            "which files? Name them after the model: launchway import model.graphql data/",
        ));
    }
    let on_error = match arguments.on_error {
        Bad::Stop => OnError::Stop,
        Bad::Skip => OnError::Skip,
    };
    block_on(&arguments.common.sources(Vec::new()), async |config| {
        let service = published(config, &model).await?;
        read(&service, &files, (on_error, arguments.organization)).await
    })
}

/// The first path is the model when it can be one, and is not all there is.
pub(super) fn split(mut paths: Vec<PathBuf>) -> (PathBuf, Vec<PathBuf>) {
    let named = match paths.as_slice() {
        [] => false,
        [only] => model::is_model(only),
        [first, ..] => model::can_be_model(first),
    };
    if named {
        let rest = paths.split_off(1);
        return (model::path(paths.first()), rest);
    }
    (model::path(None), paths)
}

/// A service with the model in force; what is safe is done to the database first.
pub(super) async fn published(config: &crate::config::Config, path: &Path) -> Result<Service, Stop> {
    let sources = model::read(path)?;
    let service = boot::open(config).await?;
    let outcome = service.publish(&sources, Apply::Safe).await;
    let published = outcome.map_err(|error| model::unpublished(error, &sources))?;
    // Rows are moved in the names that the tables have: those of the model in force.
    if published.former {
        let text = "another model has been in force since this one was\nhint: Take the present model to export and import.";
        return Err(Stop::refused(text));
    }
    Ok(service)
}

/// Imports files and folders; a bad row stops it.
pub(super) async fn paths(service: &Service, files: &[PathBuf]) -> Outcome {
    read(service, files, (OnError::Stop, None)).await
}

async fn read(service: &Service, files: &[PathBuf], how: (OnError, Option<Uuid>)) -> Outcome {
    let mut teller = Teller::new("imported");
    let catalog = service.catalog();
    let outcome =
        transfer::import(service.database(), &catalog, files, how, &mut |progress| teller.hear(progress))
            .await;
    match outcome {
        Ok(moved) => {
            teller.end(&moved);
            Ok(())
        }
        Err(error) => {
            teller.give_up();
            Err(error.into())
        }
    }
}

/// Whether no type has a row.
pub(super) async fn is_empty(service: &Service) -> Result<bool, Stop> {
    let catalog = service.catalog();
    let context = service.context(Principal::Admin, None);
    // Who has an account before there is data has not filled the model.
    for entity in catalog.entities.iter().filter(|entity| entity.open == Operations::ALL) {
        let reply = service.engine().run(&context, &first_row(entity.id)).await?;
        let json = reply.roots.first().and_then(|root| root.json.as_deref()).unwrap_or("null");
        let value: serde_json::Value = serde_json::from_str(json).unwrap_or_default();
        if value.get("nodes").and_then(|nodes| nodes.as_array()).is_some_and(|nodes| !nodes.is_empty()) {
            return Ok(false);
        }
    }
    Ok(true)
}

fn first_row(entity: EntityId) -> Request {
    let id = Selected { key: "id".to_owned(), what: Requested::Field { name: "id".to_owned(), parts: None } };
    let list = List {
        page: Page { first: Some(1), ..Page::default() },
        ..List::of(entity, vec![("nodes".to_owned(), ConnectionPart::Nodes(vec![id]))])
    };
    Request::Read(vec![Root { key: "rows".to_owned(), ask: Read::List(list) }])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_model_is_told_from_the_files() {
        let split = |text: &str| {
            let (model, files) = split(text.split_whitespace().map(PathBuf::from).collect());
            (model.display().to_string(), files.len())
        };
        assert_eq!(split("data"), ("model.graphql".to_owned(), 1));
        assert_eq!(split("shop.graphql data"), ("shop.graphql".to_owned(), 1));
        assert_eq!(split("a.csv b.ndjson"), ("model.graphql".to_owned(), 2));
        assert_eq!(split("shop.graphql a.csv b.csv"), ("shop.graphql".to_owned(), 2));
        assert_eq!(split("shop.graphql"), ("shop.graphql".to_owned(), 0));
    }
}
