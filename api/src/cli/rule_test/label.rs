//! Labels: words in a file of tests that stand for the ids of its rows.

use std::collections::HashMap;

use entity::catalog::{Cardinality, Entity, Member};
use entity::value::excerpt;
use entity::{Catalog, EntityId, IdKind, Input, resolve, suggest};
use serde_json::Value as Json;
use uuid::Uuid;

use super::file::Rows;
use super::yaml::{Kind, Mistake, Node};

/// The first counted id that is given to a label: ids of imported rows are smaller.
const COUNTED: i64 = 1_000_001;

/// A UUIDv7 of long ago, to which the number of the label is added: ids are in the order of the file.
const FIRST: u128 = 0x0190_0000_0000_7000_8000_0000_0000_0000;

/// Which id each label stands for.
#[derive(Debug, Default)]
pub(super) struct Labels {
    ids: HashMap<(EntityId, String), String>,
    names: HashMap<(EntityId, String), String>,
    /// Whether there are rows that the file does not name.
    others: bool,
}

impl Labels {
    /// Gives every row of a file its id.
    pub(super) fn of(catalog: &Catalog, all: &[Rows], others: bool) -> Self {
        let mut labels = Self { others, ..Self::default() };
        let mut count = 0_u32;
        for rows in all {
            let kind = catalog.entity(rows.entity).key;
            for label in rows.rows.iter().filter_map(|row| row.label.as_ref()) {
                count += 1;
                let id = match kind {
                    IdKind::Client => label.clone(),
                    IdKind::Uuid7 => match Uuid::parse_str(label) {
                        Ok(id) => id.to_string(),
                        Err(_) => Uuid::from_u128(FIRST + u128::from(count)).to_string(),
                    },
                    IdKind::Serial => match label.parse::<i64>() {
                        Ok(id) => id.to_string(),
                        Err(_) => (COUNTED + i64::from(count)).to_string(),
                    },
                };
                labels.names.insert((rows.entity, id.clone()), label.clone());
                labels.ids.insert((rows.entity, label.clone()), id);
            }
        }
        labels
    }

    /// The id that a text stands for.
    ///
    /// # Errors
    /// A sentence, with the label that may be meant.
    pub(super) fn id(&self, entity: &Entity, text: &str) -> Result<String, String> {
        if let Some(id) = self.ids.get(&(entity.id, text.to_owned())) {
            return Ok(id.clone());
        }
        let possible = entity.key != IdKind::Client || self.others;
        if possible && resolve::key(entity.key, &Input::String(text.to_owned())).is_ok() {
            return Ok(text.to_owned());
        }
        let mut labels: Vec<&str> =
            self.ids.keys().filter(|(of, _)| *of == entity.id).map(|(_, label)| label.as_str()).collect();
        labels.sort_unstable();
        let hint = suggest::hint(text, labels).map(|hint| format!("; {hint}")).unwrap_or_default();
        Err(format!("no row of {} is called `{}`{hint}", entity.name, excerpt(text)))
    }

    /// What an id is called.
    pub(super) fn name(&self, entity: EntityId, id: &str) -> String {
        self.names.get(&(entity, id.to_owned())).cloned().unwrap_or_else(|| id.to_owned())
    }

    /// The id that a part of a file stands for.
    pub(super) fn id_of(&self, entity: &Entity, node: &Node) -> Result<String, Mistake> {
        let text = node.text(&format!("a row of {}", entity.name))?;
        self.id(entity, text).map_err(|message| Mistake::new(node.place, message))
    }

    /// Values of a row as the engine takes them, with ids for labels.
    pub(super) fn values(&self, catalog: &Catalog, entity: &Entity, node: &Node) -> Result<Input, Mistake> {
        let pairs = node.map("a mapping of fields to values")?;
        let one = |(key, node): &(super::yaml::Key, Node)| {
            let value = match entity.member(&key.text) {
                Some(Member::Relation(relation)) => {
                    let many = relation.cardinality == Cardinality::Many;
                    self.related(catalog, catalog.target(relation), many, node)?
                }
                _ => Input::from(node.to_json()),
            };
            Ok((key.text.clone(), value))
        };
        pairs.iter().map(one).collect::<Result<_, _>>().map(Input::Object)
    }

    /// What is said about a relation: a row, `{ connect: … }`, `{ create: … }` and their kin.
    fn related(&self, catalog: &Catalog, target: &Entity, many: bool, node: &Node) -> Result<Input, Mistake> {
        match &node.kind {
            Kind::Scalar(..) if node.to_json() == Json::Null => Ok(Input::Null),
            Kind::Scalar(..) => self.id_of(target, node).map(Input::String),
            // A list of rows says which ones to connect.
            Kind::List(items) => {
                let ids = items.iter().map(|item| self.id_of(target, item).map(Input::String));
                let ids = Input::List(ids.collect::<Result<_, _>>()?);
                Ok(if many { Input::Object(vec![("connect".to_owned(), ids)]) } else { ids })
            }
            Kind::Map(pairs) => {
                let one = |(key, node): &(super::yaml::Key, Node)| {
                    let value = match (&node.kind, key.text.as_str()) {
                        (_, "create") => self.created(catalog, target, node)?,
                        (Kind::List(items), _) => {
                            let ids = items.iter().map(|item| self.id_of(target, item).map(Input::String));
                            Input::List(ids.collect::<Result<_, _>>()?)
                        }
                        (Kind::Scalar(..), "connect") => Input::String(self.id_of(target, node)?),
                        _ => Input::from(node.to_json()),
                    };
                    Ok((key.text.clone(), value))
                };
                pairs.iter().map(one).collect::<Result<_, _>>().map(Input::Object)
            }
        }
    }

    fn created(&self, catalog: &Catalog, target: &Entity, node: &Node) -> Result<Input, Mistake> {
        match &node.kind {
            Kind::List(items) => {
                let rows = items.iter().map(|item| self.values(catalog, target, item));
                rows.collect::<Result<_, _>>().map(Input::List)
            }
            _ => self.values(catalog, target, node),
        }
    }
}
