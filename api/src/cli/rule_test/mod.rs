//! `launchway test`: rules tried with rows, on a database of their own.

mod decide;
mod file;
mod label;
mod report;
mod run;
mod who;
mod world;
mod yaml;

use std::path::{Path, PathBuf};

use clap::Args;
use entity::model::{Source, rule_places};
use service::Limits;

use super::output::{complain, say};
use super::{Outcome, Stop, block_on, model, pretty};
use crate::config::limits::Limits as Settings;
use crate::config::{Flag, Sources};
use report::Report;
use world::Failure;

/// The file of tests when none is named.
const DEFAULT: &str = "access.test.yaml";

/// Bytes of one file.
const BYTES: u64 = 4 * 1024 * 1024;

/// Files of one run.
const FILES: usize = 1_000;

const EXAMPLES: &str = "\
Examples:
  launchway test                                     model.graphql with access.test.yaml beside it
  launchway test shop.graphql tests/*.test.yaml --junit report.xml

A file of tests:
  rows:                                 # or `data: ./data`, a folder as `launchway import` reads it
    User: [{ id: ann, email: ann@example.com }]
    Note: [{ id: first, text: Hello, author: ann }]
  principals:
    ann: { user: ann, roles: [editor] } # and organization, role, claims, key: [scopes]
  tests:
    - as: ann
      can: [read Note/first, delete Note/first, read Note.text]
      cannot:
        - update Note/first: { author: null }
    - as: [anyone]
      cannot: [read Note]
      sees: { notes: [] }

Each file has a database of its own, which is gone afterwards; writes are done and taken back.
Exit codes: 0 all as expected, 1 something is not.";

/// Flags of `test`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {
    /// The model (model.graphql when left out), then files of tests (access.test.yaml beside it when left out)
    #[arg(value_name = "[MODEL] FILE")]
    paths: Vec<PathBuf>,
    /// A settings file, for its limits [default: launchway.toml when it is there]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Print what came of each test as JSON.
    #[arg(long)]
    json: bool,
    /// Write what came of each test as JUnit's XML, for build servers.
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
}

/// Runs the tests.
pub(super) fn run(arguments: &Arguments) -> Outcome {
    let (path, files) = split(&arguments.paths);
    if files.len() > FILES {
        return Err(Stop::usage(format!("one run has {FILES} files at most")));
    }
    // Nothing of a database that is served is touched, whatever the settings say.
    let memory = Flag { name: "test", key: "database.url", value: "sqlite::memory:".to_owned() };
    let settings = Sources::process(arguments.config.as_deref(), vec![memory]);
    let reports = block_on(&settings, async |config| {
        let sources = model::read(&path)?;
        let limits = Settings::engine(&config.limits);
        let mut reports = Vec::new();
        for file in &files {
            reports.push(report(&sources, &limits, file).await?);
        }
        Ok(reports)
    })?;
    if let Some(path) = &arguments.junit {
        let written = std::fs::write(path, report::junit(&reports));
        written.map_err(|error| Stop::refused(format!("{}: {error}", path.display())))?;
    }
    let passed: usize = reports.iter().map(Report::passed).sum();
    let failed: usize = reports.iter().map(Report::failed).sum();
    if arguments.json {
        say(&pretty(&report::json(&reports)));
    } else {
        for failure in reports.iter().flat_map(Report::failures) {
            complain(&format!("{failure}\n"));
            complain("");
        }
        say(&format!("{passed} passed, {failed} failed"));
    }
    if failed == 0 { Ok(()) } else { Err(Stop::answered_no()) }
}

/// The model, and the files of tests.
fn split(paths: &[PathBuf]) -> (PathBuf, Vec<PathBuf>) {
    let is_test = |path: &&PathBuf| path.extension().is_some_and(|it| it == "yaml" || it == "yml");
    let path = model::path(paths.first().filter(|path| !is_test(path)));
    let files: Vec<PathBuf> = paths
        .iter()
        .enumerate()
        .filter(|(at, path)| *at > 0 || is_test(path))
        .map(|(_, path)| path.clone())
        .collect();
    if !files.is_empty() {
        return (path, files);
    }
    let beside = if path.is_dir() { path.join(DEFAULT) } else { path.with_file_name(DEFAULT) };
    (path, vec![beside])
}

async fn report(sources: &[Source], limits: &Limits, path: &Path) -> Result<Report, Stop> {
    let mut report = Report { file: path.display().to_string(), mistakes: Vec::new(), outcomes: Vec::new() };
    let text = text(path)?;
    let compiled = model::compile(sources)?;
    let file = match file::read(&compiled.catalog, &text) {
        Ok(file) => file,
        Err(mistakes) => return Ok(Report { mistakes, ..report }),
    };
    let beside = path.parent().unwrap_or(Path::new("."));
    match run::run(sources, &rule_places(sources), limits, &file, beside).await {
        Ok(outcomes) => report.outcomes = outcomes,
        Err(Failure::Mistakes(mistakes)) => report.mistakes = mistakes,
        Err(Failure::Stop(stop)) => return Err(stop),
    }
    Ok(report)
}

fn text(path: &Path) -> Result<String, Stop> {
    let failed = |error: std::io::Error| {
        let mut text = format!("{}: {error}", path.display());
        if error.kind() == std::io::ErrorKind::NotFound {
            text.push_str("\nhint: `launchway test --help` shows how a file of tests is written");
        }
        Stop::refused(text)
    };
    let size = std::fs::metadata(path).map_err(failed)?.len();
    if size > BYTES {
        return Err(Stop::refused(format!("{}: larger than {} MB", path.display(), BYTES / 1024 / 1024)));
    }
    std::fs::read_to_string(path).map_err(failed)
}
