//! The rows in memory, and as files to be imported.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::{Map, Value as Json};

use super::model::{Key, Link, Model, Shape};

/// A row: every field and to-one relation by name, as JSON prints it. `deletedAt` is true where it is deleted.
pub(crate) type Row = BTreeMap<String, Json>;

/// All rows.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Store {
    /// The rows of each type by id.
    pub(crate) tables: Vec<BTreeMap<String, Row>>,
    /// The pairs of each many-to-many relation.
    pub(crate) pairs: Vec<BTreeSet<(String, String)>>,
}

/// The id of a row.
pub(crate) fn id(row: &Row) -> &str {
    row["id"].as_str().unwrap_or_default()
}

/// The id that the row of a number has.
pub(crate) fn make_id(key: Key, ty: usize, number: usize) -> String {
    match key {
        Key::Uuid => format!("0195{ty:04x}-0000-7000-8000-{number:012x}"),
        Key::Serial => (number + 1).to_string(),
        Key::Client => format!("k{number}"),
    }
}

impl Store {
    /// No rows.
    pub(crate) fn empty(model: &Model) -> Self {
        Self {
            tables: vec![BTreeMap::new(); model.types.len()],
            pairs: vec![BTreeSet::new(); model.pairs.len()],
        }
    }

    /// The rows of a type.
    pub(crate) fn rows(&self, ty: usize) -> impl Iterator<Item = &Row> {
        self.tables[ty].values()
    }

    /// A row.
    pub(crate) fn row(&self, ty: usize, id: &str) -> Option<&Row> {
        self.tables[ty].get(id)
    }

    /// The rows on the other side of a row's relation.
    pub(crate) fn related<'a>(
        &'a self,
        row: &'a Row,
        link: &'a Link,
    ) -> Box<dyn Iterator<Item = &'a Row> + 'a> {
        match &link.shape {
            Shape::One(_) => {
                Box::new(row[&link.name].as_str().and_then(|id| self.row(link.target, id)).into_iter())
            }
            Shape::Back(field) => Box::new(self.rows(link.target).filter(|other| other[field] == row["id"])),
            Shape::Pairs(table, first) => {
                Box::new(self.pairs[*table].iter().filter_map(move |(one, other)| {
                    let (near, far) = if *first { (one, other) } else { (other, one) };
                    (near == id(row)).then(|| self.row(link.target, far)).flatten()
                }))
            }
        }
    }

    /// Gives a row another id everywhere.
    pub(crate) fn rename(&mut self, model: &Model, ty: usize, from: &str, to: &str) {
        if let Some(mut row) = self.tables[ty].remove(from) {
            row.insert("id".to_owned(), to.into());
            self.tables[ty].insert(to.to_owned(), row);
        }
        for (index, other) in model.types.iter().enumerate() {
            for link in other.links.iter().filter(|link| link.is_one() && link.target == ty) {
                for row in self.tables[index].values_mut() {
                    if row[&link.name] == from {
                        row.insert(link.name.clone(), to.into());
                    }
                }
            }
        }
        for (table, (first, second)) in model.pairs.iter().enumerate() {
            let renamed = |side: usize, id: String| if side == ty && id == from { to.to_owned() } else { id };
            let pairs = std::mem::take(&mut self.pairs[table]);
            self.pairs[table] = pairs
                .into_iter()
                .map(|(one, other)| (renamed(*first, one), renamed(*second, other)))
                .collect();
        }
    }

    /// The rows, a line each.
    pub(crate) fn text(&self, model: &Model) -> String {
        let mut lines = Vec::new();
        for (ty, rows) in model.types.iter().zip(&self.tables) {
            lines.extend(rows.values().map(|row| format!("{} {}", ty.name, line(row))));
        }
        for ((one, other), pairs) in model.pairs.iter().zip(&self.pairs) {
            lines.push(format!("{}-{} {pairs:?}", model.types[*one].name, model.types[*other].name));
        }
        lines.join("\n")
    }

    /// Writes the rows as files to be imported.
    pub(crate) fn write(&self, model: &Model, folder: &Path) {
        for (ty, rows) in model.types.iter().zip(&self.tables) {
            let lines: Vec<String> = rows.values().map(|row| line(row).to_string()).collect();
            if !lines.is_empty() {
                std::fs::write(folder.join(format!("{}.ndjson", ty.name)), lines.join("\n")).unwrap();
            }
        }
        for (table, pairs) in self.pairs.iter().enumerate() {
            let (first, second) = model.pairs[table];
            let (one, other) = (&model.types[first], &model.types[second]);
            let link = one.links.iter().find(|link| link.shape == Shape::Pairs(table, true)).unwrap();
            let lines: Vec<String> = pairs
                .iter()
                .map(|(near, far)| {
                    serde_json::json!({ one.name.to_lowercase(): near, other.name.to_lowercase(): far })
                        .to_string()
                })
                .collect();
            if !lines.is_empty() {
                let name = format!("{}.{}.ndjson", one.name, link.name);
                std::fs::write(folder.join(name), lines.join("\n")).unwrap();
            }
        }
    }
}

fn line(row: &Row) -> Json {
    let fields = row.iter().map(|(name, value)| {
        let deleted = name == "deletedAt" && *value == true;
        (name.clone(), if deleted { "2026-01-01T00:00:00Z".into() } else { value.clone() })
    });
    Json::Object(fields.collect::<Map<_, _>>())
}
