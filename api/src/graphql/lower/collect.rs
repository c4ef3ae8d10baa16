//! Fields of a selection, with fragments spread, equal response keys merged, `@skip` and `@include` obeyed.

use std::cell::Cell;
use std::collections::HashSet;

use async_graphql::indexmap::IndexMap;
use async_graphql::parser::Positioned;
use async_graphql::parser::types::{Directive, ExecutableDocument, Field, Selection, SelectionSet};
use async_graphql_value::Value;
use service::{Code, Error};

use super::variable::Bound;
use crate::graphql::render::Fault;
use crate::graphql::schema::NODE;

/// A field of an answer: all selections of one response key.
pub(super) struct Group<'a> {
    /// The first of them; the others have the same name and arguments.
    pub(super) field: &'a Positioned<Field>,
    /// What is selected below, by all of them.
    pub(super) sets: Vec<&'a SelectionSet>,
}

impl<'a> Group<'a> {
    /// The name in the answer.
    pub(super) fn key(&self) -> &'a str {
        self.field.node.response_key().node.as_str()
    }

    /// The name in the schema.
    pub(super) fn name(&self) -> &'a str {
        self.field.node.name.node.as_str()
    }
}

/// Collects fields, as the specification's `CollectFields` does.
pub(super) struct Collector<'a> {
    pub(super) document: &'a ExecutableDocument,
    pub(super) variables: &'a Bound,
    /// Fields that may still be collected: fragments used under different keys multiply.
    pub(super) budget: Cell<usize>,
}

/// The type whose fields are collected.
#[derive(Clone, Copy)]
pub(super) struct Object<'a> {
    pub(super) name: &'a str,
    /// Whether its rows have ids that are unique across types.
    pub(super) node: bool,
}

impl<'a> Object<'a> {
    pub(super) fn plain(name: &'a str) -> Self {
        Self { name, node: false }
    }

    fn fits(self, condition: &str) -> bool {
        condition == self.name || (self.node && condition == NODE)
    }
}

type Groups<'a> = IndexMap<&'a str, Group<'a>>;

impl<'a> Collector<'a> {
    /// The fields of an object, in the order of their first appearance.
    pub(super) fn collect(
        &self,
        object: Object<'_>,
        sets: &[&'a SelectionSet],
    ) -> Result<Vec<Group<'a>>, Fault> {
        let mut groups = Groups::new();
        let mut seen = HashSet::new();
        for set in sets {
            self.set(object, set, &mut groups, &mut seen)?;
        }
        Ok(groups.into_values().collect())
    }

    fn set(
        &self,
        object: Object<'_>,
        set: &'a SelectionSet,
        groups: &mut Groups<'a>,
        seen: &mut HashSet<&'a str>,
    ) -> Result<(), Fault> {
        for selection in &set.items {
            if self.skipped(selection.node.directives()) {
                continue;
            }
            match &selection.node {
                Selection::Field(field) => self.field(field, groups)?,
                Selection::InlineFragment(fragment) => {
                    let condition = fragment.node.type_condition.as_ref();
                    if condition.is_none_or(|condition| object.fits(&condition.node.on.node)) {
                        self.set(object, &fragment.node.selection_set.node, groups, seen)?;
                    }
                }
                Selection::FragmentSpread(spread) => {
                    let name = &spread.node.fragment_name.node;
                    let Some(fragment) = self.document.fragments.get(name) else { continue };
                    if seen.insert(name.as_str()) && object.fits(&fragment.node.type_condition.node.on.node) {
                        self.set(object, &fragment.node.selection_set.node, groups, seen)?;
                    }
                }
            }
        }
        Ok(())
    }

    fn field(&self, field: &'a Positioned<Field>, groups: &mut Groups<'a>) -> Result<(), Fault> {
        let Some(left) = self.budget.get().checked_sub(1) else {
            let message = "The operation selects more fields than allowed once its fragments are spread.";
            return Err(Fault::at(Error::new(Code::LimitExceeded, message), field.pos));
        };
        self.budget.set(left);
        let key = field.node.response_key().node.as_str();
        let below = &field.node.selection_set.node;
        match groups.get_mut(key) {
            None => {
                let sets = if below.items.is_empty() { Vec::new() } else { vec![below] };
                groups.insert(key, Group { field, sets });
            }
            Some(group) if same(&group.field.node, &field.node) => group.sets.push(below),
            Some(_) => {
                let message = format!("Fields \"{key}\" conflict: they have different names or arguments.");
                let error = Error::new(Code::ValidationFailed, message).hint("give one of them an alias");
                return Err(Fault::at(error, field.pos));
            }
        }
        Ok(())
    }

    fn skipped(&self, directives: &[Positioned<Directive>]) -> bool {
        directives.iter().any(|directive| {
            let wanted = match directive.node.name.node.as_str() {
                "skip" => false,
                "include" => true,
                _ => return false,
            };
            let given = match directive.node.get_argument("if").map(|value| &value.node) {
                Some(Value::Boolean(value)) => Some(*value),
                Some(Value::Variable(name)) => self.variables.flag(name),
                _ => None,
            };
            given != Some(wanted)
        })
    }

    /// Whether a selection names types: `node(id)` looks in these only.
    pub(super) fn conditions(&self, sets: &[&'a SelectionSet]) -> HashSet<&'a str> {
        let mut names = HashSet::new();
        let mut seen = HashSet::new();
        for set in sets {
            self.named(set, &mut names, &mut seen);
        }
        names.remove(NODE);
        names
    }

    fn named(&self, set: &'a SelectionSet, names: &mut HashSet<&'a str>, seen: &mut HashSet<&'a str>) {
        for selection in &set.items {
            let (condition, below) = match &selection.node {
                Selection::Field(_) => continue,
                Selection::InlineFragment(fragment) => {
                    (fragment.node.type_condition.as_ref(), &fragment.node.selection_set.node)
                }
                Selection::FragmentSpread(spread) => {
                    let name = &spread.node.fragment_name.node;
                    let Some(fragment) =
                        self.document.fragments.get(name).filter(|_| seen.insert(name.as_str()))
                    else {
                        continue;
                    };
                    (Some(&fragment.node.type_condition), &fragment.node.selection_set.node)
                }
            };
            names.extend(condition.map(|condition| condition.node.on.node.as_str()));
            self.named(below, names, seen);
        }
    }
}

fn same(one: &Field, other: &Field) -> bool {
    one.name.node == other.name.node
        && one.arguments.len() == other.arguments.len()
        && one
            .arguments
            .iter()
            .all(|(name, value)| other.get_argument(&name.node).is_some_and(|other| other.node == value.node))
}
