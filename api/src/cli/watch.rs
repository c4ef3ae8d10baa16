//! `serve --watch`: a changed model is put in force when that is safe; when it is not, the old one stays.

use std::path::{Path, PathBuf};
use std::time::Duration;

use entity::model::Source;
use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use service::Service;
use service::publish::Apply;
use tokio::sync::mpsc::{Receiver, channel};
use tokio::time::{sleep, timeout};

use super::Stop;
use super::model;
use super::output::complain;

/// Editors write a file in several steps: one look after the last of them.
const CALM: Duration = Duration::from_millis(150);

/// A model that never stops changing is looked at anyway.
const RESTLESS: Duration = Duration::from_secs(2);

/// Follows the model until the program ends.
pub(super) async fn follow(
    service: Service,
    path: PathBuf,
    apply: Apply,
    first: Vec<Source>,
) -> Result<(), Stop> {
    let (_watcher, mut changes) = watch(&path)?;
    let mut last = first;
    while changes.recv().await.is_some() {
        settle(&mut changes).await;
        let sources = match model::read(&path) {
            Ok(sources) if sources == last => continue,
            Ok(sources) => sources,
            Err(stop) => {
                complain(&format!("the old model stays in force: {}", stop.text));
                continue;
            }
        };
        match service.publish(&sources, apply).await {
            Ok(published) => {
                model::notices(&published.notices, &sources);
                let steps = published.plan.steps.len();
                let plural = if steps == 1 { "" } else { "s" };
                complain(&format!("the changed model is in force ({steps} step{plural} in the database)"));
            }
            Err(error) => {
                let stop = model::unpublished(error, &sources);
                complain(&format!("the old model stays in force: {}", stop.text));
            }
        }
        last = sources;
    }
    Ok(())
}

/// Waits until nothing has changed for a moment.
async fn settle(changes: &mut Receiver<()>) {
    let calm = async { while timeout(CALM, changes.recv()).await.is_ok_and(|change| change.is_some()) {} };
    tokio::select! {
        () = calm => {}
        () = sleep(RESTLESS) => {}
    }
}

/// Watches the folder, since editors replace a file rather than write into it.
fn watch(path: &Path) -> Result<(RecommendedWatcher, Receiver<()>), Stop> {
    let failed =
        |error: notify::Error| Stop::refused(format!("{} can't be watched: {error}", path.display()));
    let (sender, receiver) = channel(1);
    let single = path.is_file().then(|| path.file_name().map(ToOwned::to_owned)).flatten();
    let folder = match (&single, path.parent()) {
        (Some(_), Some(parent)) if !parent.as_os_str().is_empty() => parent,
        (Some(_), _) => Path::new("."),
        (None, _) => path,
    };
    let concerns = move |changed: &Path| match &single {
        Some(name) => changed.file_name() == Some(name),
        None => model::is_model(changed),
    };
    let mut watcher = notify::recommended_watcher(move |event: notify::Result<Event>| {
        let Ok(event) = event else { return };
        let read = matches!(event.kind, EventKind::Access(_));
        if !read && event.paths.iter().any(|changed| concerns(changed)) {
            let _ = sender.try_send(()); // one that waits already is enough
        }
    })
    .map_err(failed)?;
    let mode = if path.is_file() { RecursiveMode::NonRecursive } else { RecursiveMode::Recursive };
    watcher.watch(folder, mode).map_err(failed)?;
    Ok((watcher, receiver))
}
