//! Rows on the other side of relations to many rows: made, taken, let go.

use entity::catalog::Operation;
use serde_json::Value as Json;
use service::Code;

use super::effect::{Done, Effect, touch};
use super::logic::alive;
use super::model::{Link, Shape};
use super::store::Row;

impl Effect<'_> {
    /// What is done about relations to many rows.
    pub(crate) fn lists(&mut self, ty: usize, id: &str, given: &Json) -> Done<()> {
        let links: Vec<(Link, Json)> = self
            .links(ty, given, false)
            .into_iter()
            .map(|(link, value)| (link.clone(), value.clone()))
            .collect();
        for (link, value) in links {
            for verb in ["set", "disconnect", "connect", "create"] {
                let Some(items) = value.get(verb).and_then(Json::as_array) else { continue };
                if verb == "create" {
                    for row in items {
                        self.create_related(&link, id, row)?;
                    }
                    continue;
                }
                let ids: Vec<&str> = items.iter().filter_map(Json::as_str).collect();
                match &link.shape {
                    Shape::Pairs(table, first) => self.pair(&link, *table, *first, id, verb, &ids)?,
                    Shape::Back(field) => self.adopt(&link, field, id, verb, &ids)?,
                    Shape::One(_) => {}
                }
            }
        }
        Ok(())
    }

    fn create_related(&mut self, link: &Link, id: &str, row: &Json) -> Done<()> {
        let known = match &link.shape {
            Shape::Back(field) => Some((field.as_str(), id)),
            _ => None,
        };
        let made = self.create(link.target, row, known)?;
        self.afterwards(link.target, &made, Operation::Create)?;
        if let Shape::Pairs(table, first) = link.shape {
            self.store.pairs[table].insert(ordered(first, id, &made));
        }
        Ok(())
    }

    fn pair(
        &mut self,
        link: &Link,
        table: usize,
        first: bool,
        id: &str,
        verb: &str,
        ids: &[&str],
    ) -> Done<()> {
        if verb != "connect" {
            // What the caller does not see is as if it were not there, and stays.
            let pairs: Vec<(String, String)> = self.store.pairs[table].iter().cloned().collect();
            for pair in pairs {
                let (near, far) = if first { (&pair.0, &pair.1) } else { (&pair.1, &pair.0) };
                let meant = verb == "set" || ids.contains(&far.as_str());
                if near == id && meant && self.reachable(link.target, far).is_ok() {
                    self.store.pairs[table].remove(&pair);
                }
            }
        }
        if verb != "disconnect" {
            ids.iter().try_for_each(|far| self.reachable(link.target, far))?;
            self.store.pairs[table].extend(ids.iter().map(|far| ordered(first, id, far)));
        }
        Ok(())
    }

    /// The other rows' keys are changed, as far as the caller may update those rows.
    fn adopt(&mut self, link: &Link, field: &str, id: &str, verb: &str, ids: &[&str]) -> Done<()> {
        let ty = link.target;
        let truth = self.truth();
        let open = |row: &&Row| {
            alive(row)
                && truth.may(ty, row, Operation::Update)
                && truth.member(ty, row, field, Operation::Update)
        };
        let named = |row: &Row| ids.contains(&row["id"].as_str().unwrap_or_default());
        let names =
            |rows: Vec<&Row>| rows.into_iter().map(|row| row["id"].as_str().unwrap().to_owned()).collect();
        let lost: Vec<String> = match verb {
            "connect" => Vec::new(),
            _ => names(
                truth
                    .store
                    .rows(ty)
                    .filter(open)
                    .filter(|row| row[field] == id && (named(row) == (verb == "disconnect")))
                    .collect(),
            ),
        };
        self.rekey(ty, field, &lost, &Json::Null)?;
        if verb == "disconnect" {
            return Ok(());
        }
        let truth = self.truth();
        let open = |row: &&Row| {
            alive(row)
                && truth.may(ty, row, Operation::Update)
                && truth.member(ty, row, field, Operation::Update)
        };
        let won: Vec<String> = names(truth.store.rows(ty).filter(|row| named(row)).filter(open).collect());
        let mut wanted = ids.to_vec();
        wanted.sort_unstable();
        wanted.dedup();
        if won.len() != wanted.len() {
            return Err(Code::ForeignKeyViolation.into());
        }
        self.rekey(ty, field, &won, &id.into())
    }

    fn rekey(&mut self, ty: usize, field: &str, ids: &[String], key: &Json) -> Done<()> {
        for id in ids {
            let row = self.store.tables[ty].get_mut(id).unwrap();
            row.insert(field.to_owned(), key.clone());
            touch(row);
        }
        self.unlike(ty, ids)?;
        ids.iter().try_for_each(|id| self.afterwards(ty, id, Operation::Update))?;
        self.given(ty, ids, std::iter::once(field))
    }
}

fn ordered(first: bool, near: &str, far: &str) -> (String, String) {
    if first { (near.to_owned(), far.to_owned()) } else { (far.to_owned(), near.to_owned()) }
}
