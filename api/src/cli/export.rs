//! `launchway export`: all rows into files that `import` reads.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use service::transfer::{self, Format};
use uuid::Uuid;

use super::progress::Teller;
use super::setting::Common;
use super::{Outcome, Stop, block_on, import};

const EXAMPLES: &str = "\
Examples:
  launchway export backup/                               Track.ndjson, Album.ndjson, Playlist.tracks.ndjson …
  launchway export shop.graphql backup/ --format csv
  launchway export backup/ && launchway import backup/ --database postgres://app@db/shop";

/// Flags of `export`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {
    /// The model (model.graphql when left out), then the folder to write to
    #[arg(required = true, num_args = 1..=2, value_name = "[MODEL] FOLDER")]
    paths: Vec<PathBuf>,
    #[command(flatten)]
    common: Common,
    /// How rows are written.
    #[arg(long, value_name = "FORMAT", default_value = "ndjson")]
    format: As,
    /// Only rows that belong to this organization
    #[arg(long, value_name = "ID")]
    organization: Option<Uuid>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum As {
    Ndjson,
    Csv,
}

/// Exports everything.
pub(super) fn run(arguments: Arguments) -> Outcome {
    let format = match arguments.format {
        As::Ndjson => Format::Ndjson,
        As::Csv => Format::Csv,
    };
    let (model, folders) = match arguments.paths.as_slice() {
        [model, folder] => (model.clone(), vec![folder.clone()]),
        _ => import::split(arguments.paths),
    };
    let [folder] = folders.as_slice() else {
        return Err(Stop::usage(
            "which folder? Name one after the model: launchway export model.graphql backup/",
        ));
    };
    block_on(&arguments.common.sources(Vec::new()), async |config| {
        let service = import::published(config, &model).await?;
        let mut teller = Teller::new("exported");
        let mut hear = |progress: &transfer::Progress| teller.hear(progress);
        let outcome = transfer::export(
            service.database(),
            &service.catalog(),
            folder,
            (format, arguments.organization),
            &mut hear,
        )
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
    })
}
