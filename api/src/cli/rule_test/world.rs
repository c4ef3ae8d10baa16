//! The world of a file of tests: a database of its own in a temporary folder, with the model and the rows.

use std::fs::DirBuilder;
use std::path::{Path, PathBuf};

use entity::catalog::{Cardinality, Join, Member};
use entity::model::Source;
use entity::{Catalog, EntityId};
use serde_json::{Map, Value as Json, json};
use service::publish::Apply;
use service::transfer::{self, OnError};
use service::{Limits, Service, database};
use uuid::Uuid;

use super::super::{Stop, model};
use super::file::{Rows, TestFile};
use super::label::Labels;
use super::yaml::{Mistake, Node, Place};

/// A folder that is gone with this value.
#[derive(Debug)]
struct Folder(PathBuf);

impl Folder {
    /// A new folder that nobody else looks into.
    fn new() -> Result<Self, Stop> {
        let path = std::env::temp_dir().join(format!("launchway-test-{}", Uuid::new_v4().simple()));
        let mut builder = DirBuilder::new();
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(&path).map_err(|error| {
            Stop::refused(format!("{}: a temporary folder can't be made: {error}", path.display()))
        })?;
        Ok(Self(path))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0); // what the system keeps for a while, it cleans itself
    }
}

/// A database with the rows of a file.
#[derive(Debug)]
pub(super) struct World {
    pub(super) service: Service,
    pub(super) labels: Labels,
    _folder: Folder,
}

/// Why there is no world.
#[derive(Debug)]
pub(super) enum Failure {
    /// The file is wrong.
    Mistakes(Vec<Mistake>),
    /// Something else is.
    Stop(Stop),
}

impl From<Stop> for Failure {
    fn from(stop: Stop) -> Self {
        Failure::Stop(stop)
    }
}

impl From<Mistake> for Failure {
    fn from(mistake: Mistake) -> Self {
        Failure::Mistakes(vec![mistake])
    }
}

impl World {
    /// Makes the world of a file that lies in a folder.
    pub(super) async fn of(
        sources: &[Source],
        limits: Limits,
        file: &TestFile,
        beside: &Path,
    ) -> Result<Self, Failure> {
        let folder = Folder::new()?;
        let url = format!("sqlite://{}", folder.0.join("test.db").display());
        let service = Service::open(&database::Settings::new(url), limits).await.map_err(Stop::from)?;
        let published = service.publish(sources, Apply::Safe).await;
        published.map_err(|error| model::unpublished(error, sources))?;
        if let Some((place, data)) = &file.data {
            let path = beside.join(data);
            let outcome = import(&service, &path).await;
            outcome.map_err(|error| Mistake::new(*place, told(&error)))?;
        }
        let catalog = service.catalog();
        let labels = Labels::of(&catalog, &file.rows, file.data.is_some());
        let rows = folder.0.join("rows");
        let written = write(&catalog, &labels, &file.rows, &rows)?;
        if !written.is_empty()
            && let Err(error) = import(&service, &rows).await
        {
            return Err(placed(&written, &rows, &told(&error)).into());
        }
        Ok(Self { service, labels, _folder: folder })
    }
}

async fn import(service: &Service, path: &Path) -> service::Result<()> {
    let paths = [path.to_path_buf()];
    let catalog = service.catalog();
    transfer::import(service.database(), &catalog, &paths, (OnError::Stop, None), &mut |_| ())
        .await
        .map(|_| ())
}

fn told(error: &service::Error) -> String {
    let hint = error.hint_text().map(|hint| format!("\nhint: {hint}")).unwrap_or_default();
    format!("{}{hint}", error.message())
}

/// Where each line of a written file came from.
type Written = Vec<(PathBuf, Vec<Place>)>;

/// Writes rows as `launchway import` reads them.
fn write(catalog: &Catalog, labels: &Labels, all: &[Rows], folder: &Path) -> Result<Written, Failure> {
    let mut files: Vec<(String, Vec<(Place, Json)>)> = Vec::new();
    let mut mistakes = Vec::new();
    let mut add = |name: String, place: Place, row: Json| match files.iter_mut().find(|(it, _)| *it == name) {
        Some((_, rows)) => rows.push((place, row)),
        None => files.push((name, vec![(place, row)])),
    };
    for rows in all {
        let entity = catalog.entity(rows.entity);
        for draft in &rows.rows {
            let id = draft.label.as_ref().map(|label| labels.id(entity, label)).transpose();
            let id = id.map_err(|message| Mistake::new(draft.place, message))?;
            let mut row = Map::new();
            row.extend(id.iter().map(|id| ("id".to_owned(), json!(id))));
            for (key, node) in &draft.fields {
                let column = column(catalog, labels, rows.entity, (&key.text, node), id.as_deref());
                match column {
                    Ok(Column::Value(value)) => {
                        row.insert(key.text.clone(), value);
                    }
                    Ok(Column::Links(links)) => {
                        let name = format!("{}.{}.ndjson", entity.name, key.text);
                        links.into_iter().for_each(|link| add(name.clone(), node.place, link));
                    }
                    Err(mistake) => mistakes.push(mistake),
                }
            }
            add(format!("{}.ndjson", entity.name), draft.place, Json::Object(row));
        }
    }
    if !mistakes.is_empty() {
        return Err(Failure::Mistakes(mistakes));
    }
    let failed = |error: std::io::Error| Stop::refused(format!("{}: {error}", folder.display()));
    std::fs::create_dir(folder).map_err(failed)?;
    let mut written = Written::new();
    for (name, rows) in files {
        let path = folder.join(name);
        let lines: Vec<String> = rows.iter().map(|(_, row)| row.to_string()).collect();
        std::fs::write(&path, lines.join("\n")).map_err(failed)?;
        written.push((path, rows.into_iter().map(|(place, _)| place).collect()));
    }
    Ok(written)
}

/// What becomes of one value of a row.
enum Column {
    Value(Json),
    /// Pairs of a many-to-many relation.
    Links(Vec<Json>),
}

fn column(
    catalog: &Catalog,
    labels: &Labels,
    entity: EntityId,
    (name, node): (&str, &Node),
    id: Option<&str>,
) -> Result<Column, Mistake> {
    let entity = catalog.entity(entity);
    let Some(Member::Relation(relation)) = entity.member(name) else {
        return Ok(Column::Value(node.to_json()));
    };
    let target = catalog.target(relation);
    if relation.cardinality == Cardinality::One {
        return match node.to_json() {
            Json::Null => Ok(Column::Value(Json::Null)),
            _ => labels.id_of(target, node).map(|id| Column::Value(json!(id))),
        };
    }
    let plain = matches!(relation.join, Join::Through { entity: None, .. }) && target.id != entity.id;
    if !plain {
        let text = format!("`{name}` is given from its other side: in the rows of {}", target.name);
        return Err(Mistake::new(node.place, text));
    }
    let id =
        id.ok_or_else(|| Mistake::new(node.place, "a row with related rows needs a label: give it an `id`"))?;
    let pair = |item: &Node| {
        let other = labels.id_of(target, item)?;
        Ok(json!({ &entity.singular: id, &target.singular: other }))
    };
    let items = node.list(&format!("a list of rows of {}", target.name))?;
    items.iter().map(pair).collect::<Result<_, _>>().map(Column::Links)
}

/// A complaint of the import about a line that was written here, with the place it came from.
fn placed(written: &Written, folder: &Path, message: &str) -> Mistake {
    for (path, places) in written {
        let Some(rest) = message.strip_prefix(&path.display().to_string()) else { continue };
        let rest = rest.strip_prefix(':').unwrap_or(rest);
        let (line, reason) = rest.split_once(": ").unwrap_or(("", rest));
        let place = line.parse::<usize>().ok().and_then(|line| places.get(line.checked_sub(1)?));
        let place = place.or(places.first()).copied().unwrap_or_default();
        let name = path.file_stem().unwrap_or_default().to_string_lossy();
        return Mistake::new(place, format!("{name}: {reason}"));
    }
    let place = written.iter().find_map(|(_, places)| places.first()).copied().unwrap_or_default();
    Mistake::new(place, message.replace(&folder.display().to_string(), "rows"))
}
