//! Reads of a shape that was seen before: prepared once, then only given their values.

use std::sync::Arc;

use entity::{Catalog, Input};
use moka::sync::Cache;
use service::engine::{Prepared, Reply, Request};
use service::{Kind, Profile, Result};

use super::parse::filter::Slot;
use super::parse::query::Query;
use super::parse::structural;
use super::route::Place;
use super::{Asked, Rest, Settings};

/// Longest text that names a shape: longer ones hardly come again.
const MAX_SHAPE: usize = 1_024;

/// Parameters whose values hardly come again.
const PASSING: &[&str] = &["after", "before", "starting_after", "ending_before", "search"];

/// What is known about one model.
pub(super) struct Generation {
    pub(super) catalog: Arc<Catalog>,
    shapes: Cache<Shape, Arc<Ready>, std::hash::RandomState>,
    patterns: Vec<[Arc<str>; 4]>,
}

/// Who asks, and all of the request that decides what is planned.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Shape {
    caller: Profile,
    text: String,
}

/// A prepared read and where its values come from.
pub(super) struct Ready {
    prepared: Arc<Prepared>,
    slots: Vec<Slot>,
    /// Whether the representation of rows is the default one.
    pub(super) plain: bool,
}

/// A read before it is prepared.
pub(super) struct Draft {
    /// What is asked.
    pub(super) request: Request,
    /// Where the values of its variables come from, the id of the path apart.
    pub(super) slots: Vec<Slot>,
    /// Whether the representation of rows is the default one.
    pub(super) plain: bool,
}

impl Generation {
    pub(super) fn new(catalog: Arc<Catalog>, settings: &Settings) -> Self {
        let base = &settings.base;
        let patterns = catalog
            .entities
            .iter()
            .map(|entity| {
                let plural = &entity.plural;
                ["", "/{id}", "/{id}/{relation}", "/aggregate"]
                    .map(|rest| Arc::from(format!("{base}/{plural}{rest}")))
            })
            .collect();
        Self { catalog, shapes: Cache::builder().max_capacity(settings.shapes).build(), patterns }
    }

    /// The pattern of a place's route.
    pub(super) fn pattern(&self, place: &Place<'_>) -> Option<Arc<str>> {
        let (entity, which) = match place {
            Place::Collection(entity) => (entity, 0),
            Place::Row(entity, _) => (entity, 1),
            Place::Related(entity, _, _) => (entity, 2),
            Place::Aggregate(entity) => (entity, 3),
        };
        self.patterns.get(entity.id.index()).and_then(|all| all.get(which)).cloned()
    }
}

/// Names a shape: the place, then each parameter's name, and its value where that decides what is planned.
/// Decoded text holds no NUL, so it separates.
pub(super) fn shape(kind: &str, names: &[&str], query: &Query<'_>) -> (String, bool) {
    let mut text = String::with_capacity(64);
    text.push_str(kind);
    for name in names {
        text.push('\0');
        text.push_str(name);
    }
    let mut lasting = true;
    for pair in &query.pairs {
        text.push('\0');
        text.push_str(&pair.name);
        if structural(&pair.name) {
            text.push('\0');
            text.push_str(&pair.value);
            lasting &= !PASSING.contains(&pair.name.as_ref());
        } else {
            text.push_str("\0\0");
        }
    }
    let lasting = lasting && text.len() <= MAX_SHAPE;
    (text, lasting)
}

impl Rest {
    /// Runs a read of a shape. `draft` makes it, with its values left open or put in.
    pub(super) async fn fetch(
        &self,
        asked: &Asked<'_>,
        (text, lasting): (String, bool),
        id: Option<&str>,
        draft: impl Fn(bool) -> Result<Draft>,
    ) -> Result<(Reply, Arc<Ready>)> {
        let engine = self.service.engine();
        let shape = Shape { caller: asked.context.principal.profile(&asked.context.catalog), text };
        let ready = match asked.generation.shapes.get(&shape) {
            Some(ready) => ready,
            None => {
                let Draft { request, slots, plain } = draft(true)?;
                let ready =
                    Arc::new(Ready { prepared: engine.prepare(asked.context, &request)?, slots, plain });
                if lasting {
                    asked.generation.shapes.insert(shape, Arc::clone(&ready));
                }
                ready
            }
        };
        let mut values = Vec::with_capacity(ready.slots.len() + 1);
        values.extend(id.map(|id| Input::String(id.to_owned())));
        for slot in &ready.slots {
            values.push(slot.value(&asked.query)?);
        }
        match engine.fetch(asked.context, &ready.prepared, &values).await {
            Ok(reply) => {
                asked.call.timing().add("db", reply.database);
                Ok((reply, ready))
            }
            Err(error)
                if matches!(error.kind(), Kind::Invalid | Kind::BadRequest) && !ready.slots.is_empty() =>
            {
                // A value that does not fit: with the values put in, the engine can say where.
                match engine.prepare(asked.context, &draft(false)?.request) {
                    Err(better) => Err(better),
                    Ok(_) => Err(error),
                }
            }
            Err(error) => Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::shape;
    use crate::rest::parse::query::Query;

    fn of(query: &str) -> String {
        shape("list", &["tracks"], &Query::parse(Some(query)).unwrap()).0
    }

    #[test]
    fn values_of_conditions_do_not_shape_a_read_and_all_others_do() {
        assert_eq!(of("name=a&limit=5"), of("name=b&limit=5"));
        assert_eq!(of("name[in]=a,b"), of("name[in]=c"));
        for (one, other) in [
            ("name=a&limit=5", "name=a&limit=6"),
            ("name[eq]=a", "name[ne]=a"),
            ("name=a", "title=a"),
            ("name[isNull]=true", "name[isNull]=false"),
            ("sort=a", "sort=b"),
            ("expand[]=a", "expand[]=b"),
            ("having[count][gt]=1", "having[count][gt]=2"),
            ("where={}", "where={\"a\":1}"),
            ("sum=a", "sum=b"),
            ("a=1&b=1", "b=1&a=1"),
        ] {
            assert_ne!(of(one), of(other), "{one} {other}");
        }
        assert_ne!(of("fields=a&name=b"), of("fields=a%26name"));
    }

    #[test]
    fn passing_values_are_not_kept() {
        let lasting = |query| shape("list", &[], &Query::parse(Some(query)).unwrap()).1;
        assert!(lasting("limit=5&name=x"));
        assert!(!lasting("after=abc"));
        assert!(!lasting(&format!("where={}", "x".repeat(2_000))));
    }
}
