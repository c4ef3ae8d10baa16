//! The Chinook sample data, where it is on this machine: a real data set with integer keys, a relation of a type with
//! itself and a many-to-many relation.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::OnceCell;

use crate::{App, Backend, model, program, requirement, runtime};

/// The imported data, shared by the tests that read it.
pub static CHINOOK: Chinook = Chinook { shared: [OnceCell::const_new(), OnceCell::const_new()] };

const REMEDY: &str = "Its NDJSON files are looked for in LAUNCHWAY_CHINOOK.";

/// Programs with Chinook imported, one per engine.
pub struct Chinook {
    shared: [OnceCell<Option<App>>; 2],
}

impl Chinook {
    /// Runs a test that only reads, on every engine; skipped, and said so, where the data is not here.
    pub fn both(&'static self, test: impl AsyncFn(&App)) {
        for backend in Backend::available() {
            runtime::block_on(async {
                println!("on {backend:?}");
                if let Some(app) = self.shared(backend).await {
                    test(app).await;
                    app.no_panic();
                }
            });
        }
    }

    /// The program of an engine with the data in it; none where the data is not here.
    pub async fn shared(&'static self, backend: Backend) -> Option<&'static App> {
        let cell = &self.shared[usize::from(backend == Backend::Postgres)];
        cell.get_or_init(|| async { Some(load(backend).await?.0) }).await.as_ref()
    }
}

/// A program of its own with the data imported, and how long the import took.
pub async fn load(backend: Backend) -> Option<(App, Duration)> {
    let files = files()?;
    let mut app = App::with(backend, &model::text("chinook")).prepare().await;
    let _ = app.command(&["apply"]).good();
    let start = Instant::now();
    let _ = app.import(files.path()).good();
    let took = start.elapsed();
    app.launch().await;
    Some((app, took))
}

/// A copy of the data with its many-to-many file under the name and the keys that `import` expects.
#[must_use]
pub fn files() -> Option<TempDir> {
    let Some(source) = folder() else {
        requirement::missing("chinook", REMEDY);
        return None;
    };
    let copy = tempfile::Builder::new().prefix("launchway-chinook-").tempdir().expect("a temporary folder");
    for entry in std::fs::read_dir(&source).expect("the data").flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if name == "PlaylistTrack.ndjson" {
            join_file(&entry.path(), &copy.path().join("Playlist.tracks.ndjson"));
        } else if name.ends_with(".ndjson") {
            std::fs::copy(entry.path(), copy.path().join(name)).expect("the file is copied");
        }
    }
    Some(copy)
}

/// `LAUNCHWAY_CHINOOK`, or a folder `shared/data/chinook` in one around the workspace.
fn folder() -> Option<PathBuf> {
    if let Some(path) = std::env::var_os("LAUNCHWAY_CHINOOK") {
        return Some(PathBuf::from(path));
    }
    let workspace = program::workspace();
    workspace.ancestors().map(|above| above.join("shared/data/chinook")).find(|path| path.is_dir())
}

fn join_file(from: &Path, to: &Path) {
    let lines = BufReader::new(std::fs::File::open(from).expect("the join file")).lines();
    let mut out = std::io::BufWriter::new(std::fs::File::create(to).expect("the copy"));
    for line in lines {
        let row: Value = serde_json::from_str(&line.expect("a line")).expect("a JSON line");
        writeln!(out, "{}", json!({ "playlist": row["playlistId"], "track": row["trackId"] }))
            .expect("a line is written");
    }
}
