//! Mutations of accounts: what is asked of each, and what of its answer is selected.

use serde_json::{Map, Value as Json};
use service::auth::Operation;

use super::Lowerer;
use super::collect::{Group, Object};
use super::selection::unknown;
use crate::graphql::render::Fault;

/// One thing to be done.
pub(crate) struct Step {
    /// The name in the answer.
    pub(crate) key: String,
    /// Where it was asked for.
    pub(crate) position: async_graphql::parser::Pos,
    /// What is done; nothing for the name of the type.
    pub(crate) operation: Option<&'static Operation>,
    /// With what.
    pub(crate) input: Map<String, Json>,
    /// What is selected of the answer: the name in the answer, and the field.
    pub(crate) selected: Vec<(String, String)>,
}

impl<'a> Lowerer<'a> {
    pub(super) fn step(&self, operation: &'static Operation, group: &Group<'a>) -> Result<Step, Fault> {
        let mut arguments = self.arguments("Mutation", group.field)?;
        let mut input = Map::new();
        for field in operation.takes {
            if let Some(value) = arguments.take(field.name) {
                input.insert(field.name.to_owned(), value.to_json());
            }
        }
        let mut selected = Vec::new();
        let ty = operation.gives.name;
        for group in self.collector.collect(Object::plain(ty), &group.sets)? {
            let known = operation.gives.fields.iter().any(|field| field.name == group.name());
            if !known && group.name() != "__typename" {
                return Err(unknown(ty, &group));
            }
            selected.push((group.key().to_owned(), group.name().to_owned()));
        }
        let key = group.key().to_owned();
        Ok(Step { key, position: group.field.pos, operation: Some(operation), input, selected })
    }
}

impl Step {
    /// What is selected of an answer.
    pub(crate) fn select(&self, answer: &Json) -> Json {
        let pick = |field: &str| match (field, self.operation) {
            ("__typename", Some(operation)) => Json::from(operation.gives.name),
            _ => answer.get(field).cloned().unwrap_or(Json::Null),
        };
        Json::Object(self.selected.iter().map(|(key, field)| (key.clone(), pick(field))).collect())
    }
}
