//! Which of the rows of a bulk create has what another row has: the database tells the constraint, not the row.

use std::collections::HashSet;

use entity::Input;
use entity::catalog::Entity;
use service::engine::request::{By, Read, Request, Requested, Root, Selected};
use service::error::Segment;
use service::{Code, Error};

use super::{Asked, Rest};
use crate::http::json;

/// Rows that are looked for in the database.
const LOOKS: usize = 100;

impl Rest {
    /// The error with the position of the row that collides, where it can be told: nothing that the caller can't see
    /// helps in finding it.
    pub(super) async fn clash(&self, asked: &Asked<'_>, entity: &Entity, error: Error) -> Error {
        let Some(at) = self.clashing(asked, entity, &error).await else { return error };
        error.map_input(&|_, mut place| {
            place.insert(0, Segment::Index(at));
            place
        })
    }

    async fn clashing(&self, asked: &Asked<'_>, entity: &Entity, error: &Error) -> Option<usize> {
        let ([Segment::Name(first)], Code::UniqueViolation) = (error.input(), error.code()) else {
            return None;
        };
        let Ok(Input::List(rows)) = json::read(asked.body, "body") else { return None };
        let uniques = entity
            .uniques
            .iter()
            .map(|unique| entity.named_by(unique).map(|field| field.name.as_str()).collect::<Vec<_>>());
        let key = vec![entity.key_field().name.as_str()];
        let sets: Vec<Vec<&str>> = uniques
            .chain([key])
            .filter(|names| names.first().is_some_and(|name| *name == first.as_str()))
            .collect();
        if let Some(at) = sets.iter().find_map(|names| again(&rows, names)) {
            return Some(at);
        }
        for names in &sets {
            if let Some(at) = self.there(asked, entity, &rows, names).await {
                return Some(at);
            }
        }
        None
    }

    /// The first of the rows whose values a stored row has.
    async fn there(
        &self,
        asked: &Asked<'_>,
        entity: &Entity,
        rows: &[Input],
        names: &[&str],
    ) -> Option<usize> {
        let key = &entity.key_field().name;
        let selection =
            vec![Selected { key: key.clone(), what: Requested::Field { name: key.clone(), parts: None } }];
        let (mut places, mut roots) = (Vec::new(), Vec::new());
        for (at, row) in rows.iter().enumerate() {
            let Some(values) = values(row, names) else { continue };
            if roots.len() == LOOKS {
                break;
            }
            let by = match (names, values.as_slice()) {
                ([name], [value]) if name == key => By::Id((*value).clone()),
                _ => By::Unique(
                    names
                        .iter()
                        .zip(values)
                        .map(|(name, value)| ((*name).to_owned(), value.clone()))
                        .collect(),
                ),
            };
            let ask = Read::One { entity: entity.id, by, selection: selection.clone(), facts: false };
            roots.push(Root { key: at.to_string(), ask });
            places.push(at);
        }
        if roots.is_empty() {
            return None;
        }
        let reply = self.service.engine().run(asked.context, &Request::Read(roots)).await.ok()?;
        let found =
            reply.roots.iter().position(|root| root.json.as_deref().is_some_and(|json| json != "null"))?;
        places.get(found).copied()
    }
}

/// The first row that has what one before it has.
fn again(rows: &[Input], names: &[&str]) -> Option<usize> {
    let mut seen = HashSet::new();
    rows.iter().position(|row| values(row, names).is_some_and(|values| !seen.insert(format!("{values:?}"))))
}

/// The values of a row under these names; none where one is missing or not plain.
fn values<'r>(row: &'r Input, names: &[&str]) -> Option<Vec<&'r Input>> {
    let Input::Object(fields) = row else { return None };
    let value = |name: &&str| {
        let (_, value) = fields.iter().find(|(key, _)| key == name)?;
        (!matches!(value, Input::Null | Input::Object(_))).then_some(value)
    };
    names.iter().map(value).collect()
}
