//! Whether variables fit where they are used, by the specification (section 5.8.5). async-graphql's validator has this
//! rule and never asks it.

use std::collections::HashSet;

use async_graphql::parser::types::{
    Directive, ExecutableDocument, OperationDefinition, OperationType, Selection, SelectionSet,
};
use async_graphql::parser::{Pos, Positioned};
use async_graphql::registry::{MetaInputValue, MetaType, MetaTypeName, Registry};
use async_graphql_value::{ConstValue, Value};
use service::{Code, Error};

use super::render::Fault;

/// Complaints worth reading.
const FAULTS: usize = 20;

/// Checks all operations of a document that fits the schema otherwise.
///
/// # Errors
/// Each use of a variable that may not be there.
pub(crate) fn check(document: &ExecutableDocument, registry: &Registry) -> Result<(), Vec<Fault>> {
    let mut faults = Vec::new();
    for (_, operation) in document.operations.iter() {
        let operation = &operation.node;
        let root = match operation.ty {
            OperationType::Query => Some(registry.query_type.as_str()),
            OperationType::Mutation => registry.mutation_type.as_deref(),
            OperationType::Subscription => registry.subscription_type.as_deref(),
        };
        let mut usages =
            Usages { document, registry, operation, spread: HashSet::new(), faults: &mut faults };
        usages.directives(&operation.directives);
        usages.set(&operation.selection_set.node, root.and_then(|name| registry.types.get(name)));
    }
    if faults.is_empty() { Ok(()) } else { Err(faults) }
}

struct Usages<'a> {
    document: &'a ExecutableDocument,
    registry: &'a Registry,
    operation: &'a OperationDefinition,
    /// Fragments that were looked into for this operation.
    spread: HashSet<&'a str>,
    faults: &'a mut Vec<Fault>,
}

impl<'a> Usages<'a> {
    fn ty(&self, name: &str) -> Option<&'a MetaType> {
        self.registry.types.get(MetaTypeName::concrete_typename(name))
    }

    fn set(&mut self, set: &'a SelectionSet, parent: Option<&'a MetaType>) {
        for selection in &set.items {
            self.directives(selection.node.directives());
            match &selection.node {
                Selection::Field(field) => {
                    let field = &field.node;
                    let Some(known) = parent.and_then(|ty| ty.field_by_name(&field.name.node)) else {
                        continue;
                    };
                    for (name, value) in &field.arguments {
                        if let Some(argument) = known.args.get(name.node.as_str()) {
                            self.input(&value.node, argument, value.pos);
                        }
                    }
                    self.set(&field.selection_set.node, self.ty(&known.ty));
                }
                Selection::InlineFragment(fragment) => {
                    let condition = fragment.node.type_condition.as_ref();
                    let ty = condition.map_or(parent, |condition| self.ty(&condition.node.on.node));
                    self.set(&fragment.node.selection_set.node, ty);
                }
                Selection::FragmentSpread(spread) => {
                    let name = &spread.node.fragment_name.node;
                    let Some(fragment) = self.document.fragments.get(name) else { continue };
                    if self.spread.insert(name.as_str()) {
                        self.directives(&fragment.node.directives);
                        let ty = self.ty(&fragment.node.type_condition.node.on.node);
                        self.set(&fragment.node.selection_set.node, ty);
                    }
                }
            }
        }
    }

    fn directives(&mut self, directives: &'a [Positioned<Directive>]) {
        for directive in directives {
            let Some(known) = self.registry.directives.get(directive.node.name.node.as_str()) else {
                continue;
            };
            for (name, value) in &directive.node.arguments {
                if let Some(argument) = known.args.get(name.node.as_str()) {
                    self.input(&value.node, argument, value.pos);
                }
            }
        }
    }

    fn input(&mut self, value: &'a Value, place: &'a MetaInputValue, position: Pos) {
        self.value(value, &place.ty, place.default_value.is_some(), position);
    }

    fn value(&mut self, value: &'a Value, ty: &'a str, default: bool, position: Pos) {
        let bare = ty.strip_suffix('!').unwrap_or(ty);
        match value {
            Value::Variable(name) => self.variable(name, ty, default, position),
            Value::List(items) => {
                for value in items {
                    self.value(value, item(bare).unwrap_or(bare), false, position);
                }
            }
            Value::Object(fields) => {
                // One object stands for a list of one.
                let Some(MetaType::InputObject { input_fields, .. }) = self.ty(bare) else { return };
                for (key, value) in fields {
                    if let Some(field) = input_fields.get(key.as_str()) {
                        self.input(value, field, position);
                    }
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

    fn variable(&mut self, name: &str, place: &str, default: bool, position: Pos) {
        let mut all = self.operation.variable_definitions.iter();
        // An undefined one is the validator's to complain about.
        let Some(definition) = all.find(|definition| definition.node.name.node == name) else { return };
        let ty = definition.node.var_type.node.to_string();
        let own = definition.node.default_value.as_ref().map(|value| &value.node);
        let default = default || own.is_some_and(|value| *value != ConstValue::Null);
        let wanted = if default { place.strip_suffix('!').unwrap_or(place) } else { place };
        if fits(&ty, wanted) || self.faults.len() >= FAULTS {
            return;
        }
        let message = format!("Variable \"${name}\" of type \"{ty}\" is used where \"{place}\" is expected.");
        let error = Error::new(Code::ValidationFailed, message);
        self.faults.push(Fault { error, locations: vec![definition.pos, position] });
    }
}

/// Whether every value of one type is a value of another.
fn fits(variable: &str, place: &str) -> bool {
    match (variable.strip_suffix('!'), place.strip_suffix('!')) {
        (Some(variable), bare) => fits(variable, bare.unwrap_or(place)),
        (None, Some(_)) => false,
        (None, None) => match (item(variable), item(place)) {
            (Some(variable), Some(place)) => fits(variable, place),
            (None, None) => variable == place,
            _ => false,
        },
    }
}

/// The type of a list's items.
fn item(list: &str) -> Option<&str> {
    list.strip_prefix('[')?.strip_suffix(']')
}

#[cfg(test)]
mod tests {
    use super::fits;

    #[test]
    fn types_fit_as_the_specification_says() {
        for (variable, place) in [
            ("Int", "Int"),
            ("Int!", "Int"),
            ("[ID!]!", "[ID!]"),
            ("[ID!]!", "[ID]"),
            ("[[ID!]!]!", "[[ID]]!"),
        ] {
            assert!(fits(variable, place), "{variable} for {place}");
        }
        for (variable, place) in [
            ("Int", "Int!"),
            ("Int", "Float"),
            ("[ID]", "[ID!]"),
            ("ID", "[ID]"),
            ("[ID]", "ID"),
            ("[ID!]", "[ID!]!"),
        ] {
            assert!(!fits(variable, place), "{variable} for {place}");
        }
    }
}
