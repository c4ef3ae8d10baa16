//! Variables: which of them are mere values, and what a request gives them.
//!
//! A variable that is only ever compared with (`where: { name: { eq: $name } }`, `track(id: $id)`) stays out of the
//! plan: the plan is made once and the value is bound when it runs. All others decide what the plan looks like, so
//! their values are a part of the key under which the plan is kept.

use std::collections::HashMap;
use std::fmt::Write;

use async_graphql::Name;
use async_graphql::parser::types::{
    BaseType, Directive, ExecutableDocument, OperationDefinition, OperationType, Selection, SelectionSet,
    Type,
};
use async_graphql::parser::{Pos, Positioned};
use async_graphql::registry::{MetaType, Registry};
use async_graphql_value::Value;
use entity::predicate::Arity;
use entity::{Input, Op};
use serde_json::{Map, Value as Json};
use service::{Code, Error};

use super::coerce::Coercer;
use crate::graphql::render::Fault;
use crate::graphql::schema::Bundle;

/// One variable of an operation.
#[derive(Debug)]
struct Definition {
    name: Name,
    position: Pos,
    ty: String,
    required: bool,
    default: Option<Value>,
    /// Its position among the values that are bound when the plan runs.
    param: Option<usize>,
}

/// The variables of an operation.
#[derive(Debug, Default)]
pub(crate) struct Definitions {
    list: Vec<Definition>,
    params: usize,
}

/// What a request gives a variable.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum State {
    /// Nothing: as if what it stands for were not written.
    Absent,
    /// A value known while planning; null included.
    Known(Input),
    /// A value known when the plan runs.
    Param(usize),
}

/// What a request gives the variables.
#[derive(Debug, Default)]
pub(crate) struct Bound {
    // A handful: looking through them is cheaper than a map.
    states: Vec<(Name, State)>,
    /// The values that are bound when the plan runs.
    pub(crate) params: Vec<Input>,
    /// Everything about the variables that the plan hangs on.
    pub(crate) key: String,
}

impl Bound {
    /// What a variable was given.
    pub(super) fn state(&self, name: &Name) -> State {
        self.find(name).cloned().unwrap_or(State::Absent)
    }

    /// The value of a condition of `@skip` or `@include`.
    pub(super) fn flag(&self, name: &Name) -> Option<bool> {
        match self.find(name) {
            Some(State::Known(Input::Bool(value))) => Some(*value),
            _ => None,
        }
    }

    fn find(&self, name: &Name) -> Option<&State> {
        self.states.iter().find(|(known, _)| known == name).map(|(_, state)| state)
    }

    /// All values that were given, for the executor that reads them itself.
    pub(crate) fn values(&self) -> impl Iterator<Item = (&Name, Json)> {
        self.states.iter().filter_map(|(name, state)| match state {
            State::Absent => None,
            State::Known(value) => Some((name, value.to_json())),
            State::Param(index) => self.params.get(*index).map(|value| (name, value.to_json())),
        })
    }
}

impl Definitions {
    /// The variables of an operation, sorted into values and structure.
    pub(crate) fn of(
        document: &ExecutableDocument,
        operation: &Positioned<OperationDefinition>,
        bundle: &Bundle,
    ) -> Self {
        let uses = uses(document, &operation.node);
        let query = operation.node.ty == OperationType::Query;
        let mut definitions = Self::default();
        for definition in &operation.node.variable_definitions {
            let ty = &definition.node.var_type.node;
            let name = definition.node.name.node.clone();
            let value = query && uses.get(&name) == Some(&Use::of(ty)) && plain(bundle.registry(), ty);
            let param = value.then(|| {
                definitions.params += 1;
                definitions.params - 1
            });
            definitions.list.push(Definition {
                name,
                position: definition.pos,
                ty: ty.to_string(),
                required: !ty.nullable,
                default: definition.node.default_value.as_ref().map(|value| value.node.clone().into_value()),
                param,
            });
        }
        definitions
    }

    /// Gives the variables their values.
    ///
    /// # Errors
    /// `BadVariable` for each that is missing or does not fit its type.
    pub(crate) fn bind(
        &self,
        registry: &Registry,
        given: &Map<String, Json>,
        suggestions: bool,
    ) -> Result<Bound, Vec<Fault>> {
        let mut bound = Bound { params: vec![Input::Null; self.params], ..Bound::default() };
        let mut faults = Vec::new();
        for definition in &self.list {
            match definition.value(registry, given, suggestions) {
                Ok(value) => definition.put(value, &mut bound),
                Err(error) => faults.push(Fault::at(error, definition.position)),
            }
        }
        if faults.is_empty() { Ok(bound) } else { Err(faults) }
    }
}

impl Definition {
    fn value(
        &self,
        registry: &Registry,
        given: &Map<String, Json>,
        suggestions: bool,
    ) -> Result<Option<Input>, Error> {
        let coercer = Coercer { registry, suggestions, variables: None, json: true };
        let value = match (given.get(self.name.as_str()), &self.default) {
            (Some(json), _) => coercer.value(&self.ty, &from_json(json)),
            (None, Some(default)) => Coercer { json: false, ..coercer }.value(&self.ty, default),
            (None, None) if self.required => {
                let message = format!("Variable \"${}\" of type \"{}\" is required.", self.name, self.ty);
                return Err(Error::new(Code::BadVariable, message));
            }
            (None, None) => Ok(None),
        };
        value.map_err(|problems| {
            problems.error(|place, message| {
                let message =
                    format!("Variable \"${}{place}\" of type \"{}\": {message}.", self.name, self.ty);
                Error::new(Code::BadVariable, message)
            })
        })
    }

    fn put(&self, value: Option<Input>, bound: &mut Bound) {
        let state = match (value, self.param) {
            (None, _) => State::Absent,
            (Some(Input::Null), _) => State::Known(Input::Null),
            (Some(value), Some(index)) => {
                if let Some(slot) = bound.params.get_mut(index) {
                    *slot = value;
                }
                State::Param(index)
            }
            (Some(value), None) => State::Known(value),
        };
        let _ = match &state {
            State::Absent => write!(bound.key, "-;"),
            State::Param(_) => write!(bound.key, "?;"),
            State::Known(value) => write!(bound.key, "{};", value.to_json()),
        };
        bound.states.push((self.name.clone(), state));
    }
}

/// JSON as the value it would be if it were written in the document.
fn from_json(json: &Json) -> Value {
    match json {
        Json::Null => Value::Null,
        Json::Bool(value) => Value::Boolean(*value),
        Json::Number(value) => Value::Number(value.clone()),
        Json::String(value) => Value::String(value.clone()),
        Json::Array(items) => Value::List(items.iter().map(from_json).collect()),
        Json::Object(fields) => {
            Value::Object(fields.iter().map(|(key, value)| (Name::new(key), from_json(value))).collect())
        }
    }
}

/// Where a variable is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Use {
    /// As one value to compare with.
    One,
    /// As a list of values to compare with.
    Many,
    /// As anything else, or as different things.
    Structure,
}

impl Use {
    /// The only use as a value that a type allows.
    fn of(ty: &Type) -> Self {
        match &ty.base {
            BaseType::Named(_) => Use::One,
            BaseType::List(item) if matches!(item.base, BaseType::Named(_)) => Use::Many,
            BaseType::List(_) => Use::Structure,
        }
    }
}

/// Whether a type is a scalar or an enum, or a list of them.
fn plain(registry: &Registry, ty: &Type) -> bool {
    match &ty.base {
        BaseType::Named(name) => {
            matches!(registry.types.get(name.as_str()), Some(MetaType::Scalar { .. } | MetaType::Enum { .. }))
        }
        BaseType::List(item) => matches!(item.base, BaseType::Named(_)) && plain(registry, item),
    }
}

fn uses<'a>(document: &'a ExecutableDocument, operation: &'a OperationDefinition) -> HashMap<&'a Name, Use> {
    let mut uses = Uses(HashMap::new());
    uses.directives(&operation.directives);
    uses.set(&operation.selection_set.node);
    for fragment in document.fragments.values() {
        uses.directives(&fragment.node.directives);
        uses.set(&fragment.node.selection_set.node);
    }
    uses.0
}

/// What surrounds a value.
#[derive(Clone, Copy)]
enum Spot {
    /// `id:`
    Id,
    /// Inside `by:`
    Unique,
    /// Inside `where:`, right under an operator or not.
    Condition(Option<Op>),
    /// Anywhere else.
    Elsewhere,
}

struct Uses<'a>(HashMap<&'a Name, Use>);

impl<'a> Uses<'a> {
    fn note(&mut self, name: &'a Name, how: Use) {
        self.0
            .entry(name)
            .and_modify(|before| *before = if *before == how { how } else { Use::Structure })
            .or_insert(how);
    }

    fn set(&mut self, set: &'a SelectionSet) {
        for selection in &set.items {
            self.directives(selection.node.directives());
            match &selection.node {
                Selection::Field(field) => {
                    for (name, value) in &field.node.arguments {
                        let spot = match name.node.as_str() {
                            "id" => Spot::Id,
                            "by" => Spot::Unique,
                            "where" => Spot::Condition(None),
                            _ => Spot::Elsewhere,
                        };
                        self.value(&value.node, spot);
                    }
                    self.set(&field.node.selection_set.node);
                }
                Selection::InlineFragment(fragment) => self.set(&fragment.node.selection_set.node),
                Selection::FragmentSpread(_) => {}
            }
        }
    }

    fn directives(&mut self, directives: &'a [Positioned<Directive>]) {
        for directive in directives {
            for (_, value) in &directive.node.arguments {
                self.value(&value.node, Spot::Elsewhere);
            }
        }
    }

    fn value(&mut self, value: &'a Value, spot: Spot) {
        match value {
            Value::Variable(name) => self.note(name, how(spot)),
            Value::List(items) => {
                let inside =
                    if matches!(spot, Spot::Condition(_)) { Spot::Condition(None) } else { Spot::Elsewhere };
                for item in items {
                    self.value(item, inside);
                }
            }
            Value::Object(fields) => {
                for (key, value) in fields {
                    let inside = if matches!(spot, Spot::Condition(_)) {
                        Spot::Condition(Op::named(key))
                    } else {
                        spot
                    };
                    self.value(value, inside);
                }
            }
            Value::Null
            | Value::Number(_)
            | Value::String(_)
            | Value::Boolean(_)
            | Value::Binary(_)
            | Value::Enum(_) => {}
        }
    }
}

fn how(spot: Spot) -> Use {
    match spot {
        Spot::Id | Spot::Unique => Use::One,
        Spot::Condition(Some(op)) => match op.arity() {
            Arity::One => Use::One,
            Arity::Many => Use::Many,
            // Whether a value is asked for, and a pair of values, look different in SQL.
            Arity::Flag | Arity::Two => Use::Structure,
        },
        Spot::Condition(None) | Spot::Elsewhere => Use::Structure,
    }
}
