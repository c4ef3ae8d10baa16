//! Validated operation → the engine's request. It works on the parsed document, so that both executors share it.

mod account;
mod aggregate;
mod argument;
mod coerce;
mod collect;
mod mutation;
mod selection;
mod variable;

use std::cell::Cell;

use async_graphql::parser::Pos;
use async_graphql::parser::types::{OperationType, SelectionSet};
use entity::{Catalog, EntityId, Input};
use service::engine::Request;
use service::engine::request::{By, Read, Requested, Root, Selected};
use service::{Code, Error};

pub(crate) use account::Step;
pub(crate) use variable::{Bound, Definitions};

use super::document::Known;
use super::render::Fault;
use super::schema::{Asks, Bundle, account};
use collect::{Collector, Group, Object};

/// What an operation came to.
#[derive(Debug, Default)]
pub(crate) struct Lowered {
    /// What the engine is asked; absent where everything is known without asking.
    pub(crate) request: Option<Request>,
    /// The answer's roots in order.
    pub(crate) layout: Vec<Slot>,
}

/// A root of the answer.
#[derive(Debug)]
pub(crate) struct Slot {
    /// The name in the answer.
    pub(crate) key: String,
    /// Its JSON, where it is known without asking; else the engine's next root is it.
    pub(crate) known: Option<String>,
    /// The place in the document.
    pub(crate) position: Pos,
}

/// The key under which the slow path gets the type of a row that was asked for by `node`.
pub(crate) const KIND: &str = "$type";

/// Lowers a whole operation, its introspection apart.
///
/// # Errors
/// What the validator could not see: conflicting fields, arguments that don't fit, too many fields.
pub(crate) fn operation(
    known: &Known,
    bundle: &Bundle,
    bound: &Bound,
    bounds: Budget,
) -> Result<Lowered, Vec<Fault>> {
    let _span = tracing::debug_span!("graphql.lower").entered();
    let operation = known.operation().ok_or_else(no_operation)?;
    let lowerer = Lowerer::new(known, bundle, bound, bounds);
    let sets = [&operation.node.selection_set.node];
    if known.kind == OperationType::Mutation { lowerer.mutation(&sets) } else { lowerer.query(&sets) }
}

/// Lowers a whole query for the slow path, which must know the type of a row that was asked for by `node`.
///
/// # Errors
/// As [`operation`].
pub(crate) fn typed_query(
    known: &Known,
    bundle: &Bundle,
    bound: &Bound,
    bounds: Budget,
) -> Result<Lowered, Vec<Fault>> {
    let operation = known.operation().ok_or_else(no_operation)?;
    Lowerer { kinds: true, ..Lowerer::new(known, bundle, bound, bounds) }
        .query(&[&operation.node.selection_set.node])
}

/// The mutations of accounts, where an operation has such and no others.
///
/// # Errors
/// `NOT_SUPPORTED` where it has both.
pub(crate) fn accounts(
    known: &Known,
    bundle: &Bundle,
    bound: &Bound,
    bounds: Budget,
) -> Result<Option<Vec<Step>>, Vec<Fault>> {
    let operation = known.operation().ok_or_else(no_operation)?;
    Lowerer::new(known, bundle, bound, bounds).steps(&[&operation.node.selection_set.node])
}

fn no_operation() -> Vec<Fault> {
    vec![Error::new(Code::ValidationFailed, "The document has no such operation.").into()]
}

/// The response keys of a query's roots in order, introspection included.
pub(crate) fn keys<'a>(known: &'a Known, bound: &'a Bound, bounds: Budget) -> Vec<&'a str> {
    let collector =
        Collector { document: &known.document, variables: bound, budget: Cell::new(bounds.fields) };
    let Some(operation) = known.operation() else { return Vec::new() };
    let groups = collector.collect(Object::plain("Query"), &[&operation.node.selection_set.node]);
    groups.map(|groups| groups.iter().map(Group::key).collect()).unwrap_or_default()
}

/// What bounds the work of lowering.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Budget {
    /// Fields after fragments are spread.
    pub(crate) fields: usize,
    /// Whether errors guess what was meant.
    pub(crate) suggestions: bool,
}

struct Lowerer<'a> {
    bundle: &'a Bundle,
    catalog: &'a Catalog,
    collector: Collector<'a>,
    suggestions: bool,
    /// Whether rows asked for by `node` also tell their type, under [`KIND`].
    kinds: bool,
}

impl<'a> Lowerer<'a> {
    fn new(known: &'a Known, bundle: &'a Bundle, bound: &'a Bound, bounds: Budget) -> Self {
        Self {
            bundle,
            catalog: &bundle.catalog,
            collector: Collector {
                document: &known.document,
                variables: bound,
                budget: Cell::new(bounds.fields),
            },
            suggestions: bounds.suggestions,
            kinds: false,
        }
    }

    fn query(&self, sets: &[&'a SelectionSet]) -> Result<Lowered, Vec<Fault>> {
        let mut lowered = Lowered::default();
        let mut reads = Vec::new();
        let mut faults = Vec::new();
        for group in self.collector.collect(Object::plain("Query"), sets).map_err(|fault| vec![fault])? {
            let known = match group.name() {
                "__typename" => Some("\"Query\"".to_owned()),
                // The introspection's own executor answers these.
                "__schema" | "__type" => continue,
                name => match self.bundle.roots.query.get(name) {
                    Some(Asks::Nothing) => Some("null".to_owned()),
                    Some(asks) => {
                        match self.read(*asks, &group) {
                            Ok(ask) => reads.push(Root { key: group.key().to_owned(), ask }),
                            Err(fault) => faults.push(fault),
                        }
                        None
                    }
                    None => return Err(vec![selection::unknown("Query", &group)]),
                },
            };
            lowered.layout.push(Slot { key: group.key().to_owned(), known, position: group.field.pos });
        }
        if !faults.is_empty() {
            return Err(faults);
        }
        lowered.request = (!reads.is_empty()).then_some(Request::Read(reads));
        Ok(lowered)
    }

    fn mutation(&self, sets: &[&'a SelectionSet]) -> Result<Lowered, Vec<Fault>> {
        let mut lowered = Lowered::default();
        let mut writes = Vec::new();
        let mut faults = Vec::new();
        for group in self.collector.collect(Object::plain("Mutation"), sets).map_err(|fault| vec![fault])? {
            let known = match (group.name(), self.bundle.roots.mutation.get(group.name())) {
                ("__typename", _) => Some("\"Mutation\"".to_owned()),
                (_, Some(does)) => {
                    match self.write(*does, &group) {
                        Ok(ask) => writes.push(Root { key: group.key().to_owned(), ask }),
                        Err(fault) => faults.push(fault),
                    }
                    None
                }
                (_, None) => return Err(vec![selection::unknown("Mutation", &group)]),
            };
            lowered.layout.push(Slot { key: group.key().to_owned(), known, position: group.field.pos });
        }
        if !faults.is_empty() {
            return Err(faults);
        }
        lowered.request = (!writes.is_empty()).then_some(Request::Write(writes));
        Ok(lowered)
    }

    /// The mutations of accounts, where an operation has such and no others.
    fn steps(&self, sets: &[&'a SelectionSet]) -> Result<Option<Vec<Step>>, Vec<Fault>> {
        let groups = self.collector.collect(Object::plain("Mutation"), sets).map_err(|fault| vec![fault])?;
        let of = |group: &Group<'_>| account(self.bundle.roots.mutation.get(group.name()));
        if !groups.iter().any(|group| of(group).is_some()) {
            return Ok(None);
        }
        let mut steps = Vec::with_capacity(groups.len());
        for group in &groups {
            let (key, position) = (group.key().to_owned(), group.field.pos);
            match of(group) {
                Some(operation) => steps.push(self.step(operation, group).map_err(|fault| vec![fault])?),
                None if group.name() == "__typename" => {
                    let (operation, input, selected) = (None, serde_json::Map::new(), Vec::new());
                    steps.push(Step { key, position, operation, input, selected });
                }
                None => {
                    let message = "What concerns accounts can't be in one operation with changes of rows.";
                    let error = Error::new(Code::NotSupported, message).hint("Send two operations.");
                    return Err(vec![Fault::at(error, position)]);
                }
            }
        }
        Ok(Some(steps))
    }

    fn read(&self, asks: Asks, group: &Group<'a>) -> Result<Read, Fault> {
        Ok(match asks {
            Asks::One(id) => self.one(id, group)?,
            Asks::List(id) => Read::List(self.list("Query", self.catalog.entity(id), group)?),
            Asks::Aggregate(id) => Read::Aggregate(self.aggregate(self.catalog.entity(id), group)?),
            Asks::Node => self.node(group)?,
            Asks::Me(id) => {
                let selection = self.row(self.catalog.entity(id), &group.sets)?;
                Read::One { entity: id, by: By::Me, selection, facts: false }
            }
            Asks::Nothing => Read::Constant("null".to_owned()),
        })
    }

    fn one(&self, id: EntityId, group: &Group<'a>) -> Result<Read, Fault> {
        let entity = self.catalog.entity(id);
        let mut arguments = self.arguments("Query", group.field)?;
        let by = match (arguments.take("id"), arguments.take("by")) {
            (Some(id), None) => By::Id(id),
            (None, Some(Input::Object(mut by))) => match by.pop() {
                Some((_, Input::Object(fields))) => By::Unique(fields),
                Some((api, value)) => By::Unique(vec![(self.unique_field(id, &api), value)]),
                None => return Err(arguments.fault(Code::ValidationFailed, "`by` is empty.")),
            },
            (Some(_), Some(_)) => {
                return Err(arguments.fault(Code::ValidationFailed, "Give `id` or `by`, not both."));
            }
            (None, _) => {
                return Err(arguments.fault(Code::ValidationFailed, "Give `id` or `by`, and not null."));
            }
        };
        Ok(Read::One { entity: id, by, selection: self.row(entity, &group.sets)?, facts: false })
    }

    /// The field of a unique constraint of one field; its API name is the field's.
    fn unique_field(&self, id: EntityId, api: &str) -> String {
        let entity = self.catalog.entity(id);
        entity
            .uniques
            .iter()
            .find(|unique| unique.api == api)
            .and_then(|unique| entity.named_by(unique).next())
            .map_or_else(|| api.to_owned(), |field| field.name.clone())
    }

    fn node(&self, group: &Group<'a>) -> Result<Read, Fault> {
        let mut arguments = self.arguments("Query", group.field)?;
        let named = self.collector.conditions(&group.sets);
        let mut kinds = Vec::new();
        for entity in &self.catalog.entities {
            let known = self.bundle.roots.query.get(&entity.singular) == Some(&Asks::One(entity.id));
            if !entity.is_node() || !known || !(named.is_empty() || named.contains(entity.name.as_str())) {
                continue;
            }
            let mut selection = self.row(entity, &group.sets)?;
            if self.kinds {
                selection.push(Selected { key: KIND.to_owned(), what: Requested::Typename });
            }
            kinds.push((entity.id, selection));
        }
        Ok(Read::Node { id: arguments.required("id")?, kinds })
    }
}

#[cfg(test)]
mod tests;
