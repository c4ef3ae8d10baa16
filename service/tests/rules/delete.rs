//! What becomes of rows when others are deleted.

use std::collections::BTreeSet;

use serde_json::Value as Json;
use service::Code;

use super::effect::{Effect, No};
use super::model::{OnDelete, Shape};

impl Effect<'_> {
    /// Deletes rows, and what goes with them.
    pub(crate) fn delete(&mut self, ty: usize, ids: &[String]) -> Result<(), No> {
        if self.model.types[ty].soft {
            for id in ids {
                let row = self.store.tables[ty].get_mut(id).unwrap();
                let version = row["version"].as_i64().unwrap_or_default();
                row.insert("version".to_owned(), (version + 1).into());
                row.insert("deletedAt".to_owned(), true.into());
            }
            return Ok(());
        }
        let mut gone: BTreeSet<(usize, String)> = ids.iter().map(|id| (ty, id.clone())).collect();
        let mut next: Vec<(usize, String)> = gone.iter().cloned().collect();
        let (mut kept, mut emptied) = (Vec::new(), Vec::new());
        while let Some((target, id)) = next.pop() {
            for (index, definition) in self.model.types.iter().enumerate() {
                for link in definition.links.iter().filter(|link| link.target == target) {
                    let Shape::One(on_delete) = link.shape else { continue };
                    let referring = self.store.rows(index).filter(|row| row[&link.name] == id);
                    for row in referring {
                        let place = (index, row["id"].as_str().unwrap_or_default().to_owned());
                        match on_delete {
                            OnDelete::Restrict => kept.push(place),
                            OnDelete::SetNull => emptied.push((place, link.name.clone())),
                            OnDelete::Cascade if gone.insert(place.clone()) => next.push(place),
                            OnDelete::Cascade => {}
                        }
                    }
                }
            }
        }
        if kept.iter().any(|place| !gone.contains(place)) {
            return Err(Code::ForeignKeyViolation.into());
        }
        if !kept.is_empty() {
            return Err(No::Unsure);
        }
        for ((index, id), name) in emptied {
            if let Some(row) = self.store.tables[index].get_mut(&id) {
                row.insert(name, Json::Null);
            }
        }
        for (table, (first, second)) in self.model.pairs.iter().enumerate() {
            self.store.pairs[table].retain(|(one, other)| {
                !gone.contains(&(*first, one.clone())) && !gone.contains(&(*second, other.clone()))
            });
        }
        for (index, id) in &gone {
            self.store.tables[*index].remove(id);
        }
        Ok(())
    }
}
