//! An earlier model: a file, a folder, or what git keeps of the model under a name for a commit.

use std::path::{Path, PathBuf};
use std::process::Command;

use entity::model::Source;

use super::Stop;
use super::model::{self, Budget};

/// Reads the model that `since` names. Paths come first; what is none is a commit in which `current` is looked up.
pub(super) fn read(since: &str, current: &Path) -> Result<Vec<Source>, Stop> {
    let path = Path::new(since);
    if path.exists() {
        return model::read(path);
    }
    let place = Place::of(current);
    let commit = place.commit(since)?;
    let mut budget = Budget::default();
    let mut sources = Vec::new();
    for name in place.files(&commit, since)? {
        let bytes = place.git(&["cat-file", "blob", &format!("{commit}:./{name}")])?;
        sources.push(budget.source(format!("{since}:{name}"), bytes)?);
    }
    Ok(sources)
}

/// Where git is asked: the folder of the model, and its file where it is one.
struct Place {
    folder: PathBuf,
    file: Option<String>,
}

impl Place {
    fn of(model: &Path) -> Self {
        if model.is_dir() {
            return Self { folder: model.to_path_buf(), file: None };
        }
        let folder = model.parent().filter(|folder| !folder.as_os_str().is_empty());
        Self {
            folder: folder.unwrap_or(Path::new(".")).to_path_buf(),
            file: model.file_name().map(|name| name.to_string_lossy().into_owned()),
        }
    }

    /// The hash of a commit: names may look like flags or paths, hashes do not.
    fn commit(&self, name: &str) -> Result<String, Stop> {
        let revision = format!("{name}^{{commit}}");
        let found = self.git(&["rev-parse", "--verify", "--quiet", "--end-of-options", &revision]);
        let text = found.ok().and_then(|bytes| String::from_utf8(bytes).ok()).unwrap_or_default();
        match text.trim() {
            "" => Err(Stop::refused(format!(
                "there is neither a file or folder `{name}` here nor a commit of that name\n\
                 hint: --since main, --since HEAD~1, --since v1.2, or --since path/to/previous.graphql"
            ))),
            hash => Ok(hash.to_owned()),
        }
    }

    /// The files of the model in a commit, as the folder sees them.
    fn files(&self, commit: &str, since: &str) -> Result<Vec<String>, Stop> {
        let listed = self.git(&["ls-tree", "-r", "--name-only", "-z", commit, "--", "."])?;
        let names = String::from_utf8_lossy(&listed).into_owned();
        let names = names.split('\0').filter(|name| model::is_model(Path::new(name)));
        let mut names: Vec<String> = match &self.file {
            Some(file) => names.filter(|name| name == file).map(str::to_owned).collect(),
            None => names.map(str::to_owned).collect(),
        };
        names.sort();
        if names.is_empty() {
            let file = self.file.as_deref().map(|file| self.folder.join(file));
            let what = file.as_deref().unwrap_or(&self.folder).display();
            return Err(Stop::refused(format!(
                "{what} was not there at {since}\nhint: was it somewhere else? name that file"
            )));
        }
        Ok(names)
    }

    fn git(&self, arguments: &[&str]) -> Result<Vec<u8>, Stop> {
        let done = Command::new("git")
            .arg("-C")
            .arg(&self.folder)
            .args(arguments)
            .env("LC_ALL", "C")
            .output()
            .map_err(|error| Stop::refused(format!("git can't be asked: {error}")))?;
        if done.status.success() {
            return Ok(done.stdout);
        }
        let said = String::from_utf8_lossy(&done.stderr);
        Err(Stop::refused(format!("git says: {}", said.trim().trim_start_matches("fatal: "))))
    }
}
