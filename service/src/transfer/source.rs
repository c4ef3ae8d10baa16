//! Which file holds what: the type or relation that a file's name means.

use std::path::{Path, PathBuf};

use entity::catalog::{Cardinality, Catalog, Entity, Join, Relation};
use entity::value::excerpt;
use entity::{EntityId, IdKind, suggest};

use super::Format;
use crate::error::{Code, Error, Result};

/// A file of rows.
#[derive(Debug, Clone)]
pub(super) struct Source {
    pub(super) path: PathBuf,
    /// The file's name, for messages.
    pub(super) file: String,
    pub(super) format: Format,
    pub(super) target: Target,
    pub(super) bytes: u64,
}

/// Where rows go.
#[derive(Debug, Clone)]
pub(super) enum Target {
    /// Rows of a type.
    Rows(EntityId),
    /// Pairs of ids of a many-to-many relation.
    Links(Links),
}

/// The table of a many-to-many relation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Links {
    /// `Playlist.tracks`
    pub(super) name: String,
    pub(super) table: String,
    pub(super) sides: [Side; 2],
}

/// One column of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Side {
    pub(super) column: String,
    pub(super) entity: EntityId,
    pub(super) key: IdKind,
    /// The key in files.
    pub(super) name: String,
}

impl Target {
    /// The name of the type or relation.
    pub(super) fn name(&self, catalog: &Catalog) -> String {
        match self {
            Target::Rows(id) => catalog.entity(*id).name.clone(),
            Target::Links(links) => links.name.clone(),
        }
    }
}

/// The many-to-many relation seen from one of its sides; none where it is another kind of relation, or has a type of
/// its own in the model.
fn seen_from(catalog: &Catalog, entity: &Entity, relation: &Relation) -> Option<Links> {
    let Join::Through { table, near, far, entity: None } = &relation.join else { return None };
    let target = catalog.target(relation);
    let (begin, end) = if target.id == entity.id {
        let inverse = relation
            .inverse
            .filter(|inverse| *inverse != relation.id)
            .map(|inverse| target.relation(inverse).name.clone());
        (inverse.unwrap_or_else(|| entity.singular.clone()), relation.name.clone())
    } else {
        (entity.singular.clone(), target.singular.clone())
    };
    Some(Links {
        name: format!("{}.{}", entity.name, relation.name),
        table: table.clone(),
        sides: [
            Side { column: near.clone(), entity: entity.id, key: entity.key, name: begin },
            Side { column: far.clone(), entity: target.id, key: target.key, name: end },
        ],
    })
}

/// Every many-to-many relation once: from the side whose name comes first.
pub(super) fn all_links(catalog: &Catalog) -> Vec<Links> {
    let mut all: Vec<Links> = catalog
        .entities
        .iter()
        .flat_map(|entity| {
            entity.relations.iter().filter_map(|relation| seen_from(catalog, entity, relation))
        })
        .collect();
    all.sort_by(|one, other| (&one.table, &one.name).cmp(&(&other.table, &other.name)));
    all.dedup_by(|later, first| later.table == first.table);
    all
}

/// The many-to-many relation of one of its sides.
fn links(catalog: &Catalog, entity: &Entity, relation: &Relation) -> Option<Links> {
    let seen = seen_from(catalog, entity, relation)?;
    all_links(catalog).into_iter().find(|links| links.table == seen.table)
}

/// The files of paths: those of a folder, and those named themselves.
///
/// # Errors
/// A path that is not there, or a file whose name means nothing.
pub(super) fn sources(catalog: &Catalog, paths: &[PathBuf]) -> Result<Vec<Source>> {
    let mut found = Vec::new();
    for path in paths {
        let meta = std::fs::metadata(path).map_err(|error| {
            Error::new(Code::BadValue, format!("{}: {error}", path.display()))
                .hint("name files, or a folder of them")
        })?;
        if !meta.is_dir() {
            found.push(source(catalog, path, true)?);
            continue;
        }
        let mut files: Vec<PathBuf> = std::fs::read_dir(path)
            .and_then(|entries| entries.map(|entry| entry.map(|entry| entry.path())).collect())
            .map_err(|error| Error::new(Code::BadValue, format!("{}: {error}", path.display())))?;
        files.sort();
        for file in files.iter().filter(|file| file.is_file()) {
            found.push(source(catalog, file, false)?);
        }
    }
    let found: Vec<Source> = found.into_iter().flatten().collect();
    if found.is_empty() {
        return Err(Error::new(Code::BadValue, "There is nothing to import.")
            .hint("files are named after types: Track.ndjson, Track.csv, Playlist.tracks.ndjson"));
    }
    Ok(found)
}

/// A file by its name. Other files of a folder are passed over; a file that was named must mean something.
fn source(catalog: &Catalog, path: &Path, named: bool) -> Result<Option<Source>> {
    let file = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let format = path.extension().and_then(|extension| Format::of_extension(&extension.to_string_lossy()));
    let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let rejects = stem.ends_with(".rejects");
    let Some(format) = format.filter(|_| !rejects || named) else {
        if named {
            return Err(Error::new(Code::BadValue, format!("{file}: the format is not known."))
                .hint("name files *.ndjson, *.jsonl or *.csv"));
        }
        return Ok(None);
    };
    let target = target(catalog, &stem).ok_or_else(|| {
        let hint = suggest::nearest(&stem, names(catalog).iter().map(String::as_str))
            .map(|near| format!("did you mean {near}.{}?", format.extension()))
            .unwrap_or_else(|| {
                "files are named after types: Track.ndjson, Playlist.tracks.ndjson".to_owned()
            });
        Error::new(
            Code::UnknownType,
            format!("{}: the model has no type or relation `{}`.", path.display(), excerpt(&stem)),
        )
        .hint(hint)
    })?;
    let bytes = std::fs::metadata(path).map_or(0, |meta| meta.len());
    Ok(Some(Source { path: path.to_path_buf(), file, format, target, bytes }))
}

fn names(catalog: &Catalog) -> Vec<String> {
    let types = catalog.entities.iter().map(|entity| entity.name.clone());
    types.chain(all_links(catalog).into_iter().map(|links| links.name)).collect()
}

/// What a name means: a type, `Playlist.tracks`, or both types' names in a row (`PlaylistTrack`).
fn target(catalog: &Catalog, stem: &str) -> Option<Target> {
    if let Some(entity) = catalog.entity_named(stem) {
        return Some(Target::Rows(entity.id));
    }
    if let Some((entity, relation)) = stem.split_once('.') {
        let entity = catalog.entity_named(entity)?;
        let relation = entity.relations.iter().find(|known| known.name == relation)?;
        return links(catalog, entity, relation).map(Target::Links);
    }
    let mut joined = catalog.entities.iter().flat_map(|entity| {
        entity
            .relations
            .iter()
            .filter(move |relation| {
                relation.cardinality == Cardinality::Many
                    && stem == format!("{}{}", entity.name, catalog.target(relation).name)
            })
            .filter_map(move |relation| links(catalog, entity, relation))
    });
    match (joined.next(), joined.next()) {
        (Some(only), None) => Some(Target::Links(only)),
        _ => None,
    }
}
