//! The model as the command line names it: a file or a folder of files.

use std::io;
use std::path::{Path, PathBuf};

use entity::model::{self, Compiled, Diagnostic, Severity, Source};
use service::publish;

use super::output::{colors, complain};
use super::{Outcome, Stop};

/// The model when none is named.
pub(super) const DEFAULT: &str = "model.graphql";

/// Files of one model at most.
const FILES: usize = 1_000;

/// Bytes of one model at most.
const BYTES: u64 = 16 * 1024 * 1024;

/// Folders within folders at most.
const DEPTH: usize = 8;

/// The path of the model.
pub(super) fn path(given: Option<&PathBuf>) -> PathBuf {
    given.cloned().unwrap_or_else(|| PathBuf::from(DEFAULT))
}

/// Reads the model: a file, or all `.graphql` files of a folder, in the order of their names.
pub(super) fn read(path: &Path) -> Result<Vec<Source>, Stop> {
    let metadata = std::fs::metadata(path).map_err(|error| missing(path, &error))?;
    let mut files = Vec::new();
    if metadata.is_dir() {
        collect(path, 0, &mut files)?;
        files.sort();
        if files.is_empty() {
            return Err(Stop::refused(format!("there is no .graphql file in {}", path.display())));
        }
    } else {
        files.push(path.to_path_buf());
    }
    let mut budget = Budget::default();
    let mut sources = Vec::with_capacity(files.len());
    for file in files {
        budget.spend(std::fs::metadata(&file).map_err(|error| missing(&file, &error))?.len())?;
        let bytes = std::fs::read(&file).map_err(|error| missing(&file, &error))?;
        sources.push(text(file.display().to_string(), bytes)?);
    }
    Ok(sources)
}

/// What is left of the size of a model.
pub(super) struct Budget(u64);

impl Default for Budget {
    fn default() -> Self {
        Self(BYTES)
    }
}

impl Budget {
    /// A file of a model whose bytes were read elsewhere.
    pub(super) fn source(&mut self, name: String, bytes: Vec<u8>) -> Result<Source, Stop> {
        self.spend(u64::try_from(bytes.len()).unwrap_or(u64::MAX))?;
        text(name, bytes)
    }

    fn spend(&mut self, size: u64) -> Outcome {
        let left = self.0.checked_sub(size);
        let large = || Stop::refused(format!("the model is larger than {} MB", BYTES / 1024 / 1024));
        self.0 = left.ok_or_else(large)?;
        Ok(())
    }
}

fn text(name: String, bytes: Vec<u8>) -> Result<Source, Stop> {
    match String::from_utf8(bytes) {
        Ok(text) => Ok(Source::new(name, text)),
        Err(error) => {
            let at = error.utf8_error().valid_up_to();
            Err(Stop::refused(format!("{name}: not UTF-8 text (byte {at})")))
        }
    }
}

fn collect(folder: &Path, depth: usize, files: &mut Vec<PathBuf>) -> Outcome {
    let entries = std::fs::read_dir(folder).map_err(|error| missing(folder, &error))?;
    for entry in entries {
        let path = entry.map_err(|error| missing(folder, &error))?.path();
        if path.is_dir() && depth < DEPTH {
            collect(&path, depth + 1, files)?;
        } else if is_model(&path) {
            files.push(path);
        }
        if files.len() > FILES {
            return Err(Stop::refused(format!("{}: more than {FILES} files", folder.display())));
        }
    }
    Ok(())
}

/// Whether a path is a file of a model.
pub(super) fn is_model(path: &Path) -> bool {
    path.extension()
        .is_some_and(|extension| extension == "graphql" || extension == "gql" || extension == "graphqls")
}

/// Whether a path can be a model: a model's file, or a folder with one.
pub(super) fn can_be_model(path: &Path) -> bool {
    let has_one = |folder: std::fs::ReadDir| folder.flatten().any(|entry| is_model(&entry.path()));
    is_model(path) || std::fs::read_dir(path).is_ok_and(has_one)
}

fn missing(path: &Path, error: &io::Error) -> Stop {
    let mut text = format!("{}: {error}", path.display());
    if error.kind() == io::ErrorKind::NotFound && path == Path::new(DEFAULT) {
        text = format!(
            "there is no {DEFAULT} here\nhint: write one, or name a file or folder: launchway serve path/to/model.graphql\n\
             a model begins like this:\n\n  type Note @model @allow(to: [ALL], role: \"anyone\") {{\n    text: String!\n  }}\n"
        );
    }
    Stop::refused(text)
}

/// Compiles a model; its mistakes are the text of the refusal.
pub(super) fn compile(sources: &[Source]) -> Result<Compiled, Stop> {
    model::compile(sources).map_err(|found| mistakes(&found, sources))
}

/// Mistakes as people read them.
pub(super) fn mistakes(found: &[Diagnostic], sources: &[Source]) -> Stop {
    let errors = found.iter().filter(|one| one.severity == Severity::Error).count();
    let what = if errors == 1 { "a mistake".to_owned() } else { format!("{errors} mistakes") };
    Stop::refused(format!("the model has {what}\n\n{}", model::render(found, sources, colors())))
}

/// Warnings and notices, once.
pub(super) fn notices(found: &[Diagnostic], sources: &[Source]) {
    if !found.is_empty() {
        complain(&model::render(found, sources, colors()));
    }
}

/// Why a model was not published.
pub(super) fn unpublished(error: publish::Error, sources: &[Source]) -> Stop {
    match error {
        publish::Error::Model(found) => mistakes(&found, sources),
        publish::Error::Pending(plan) => pending(&plan),
        publish::Error::Database(error) => unmigrated(&error),
        publish::Error::Accounts(error) => error.into(),
    }
}

fn pending(plan: &migration::Plan) -> Stop {
    Stop::refused(format!(
        "the model needs changes to the database that are not made by themselves\n\n{}\n\
         hint: read the plan, then run `launchway apply`",
        migration::render(plan)
    ))
}

/// Why the database did not take the model's shape.
pub(super) fn unmigrated(error: &migration::Error) -> Stop {
    if let Some(plan) = error.plan() {
        return match plan.is_refused() {
            true => Stop::refused(format!("{error}\n\n{}", migration::render(plan))),
            false => pending(plan),
        };
    }
    let mut text = error.to_string();
    if let Some(hint) = error.hint() {
        text.push_str(&format!("\nhint: {hint}"));
    }
    if let Some(cause) = std::error::Error::source(error) {
        text.push_str(&format!("\ncause: {}", service::error::told(cause)));
    }
    Stop::refused(text)
}
