//! Arguments of a field, coerced, taken one by one.

use async_graphql::parser::Positioned;
use async_graphql::parser::types::Field;
use entity::Input;
use service::engine::request::{Nulls, Order, Page};
use service::{Code, Error};

use super::Lowerer;
use super::coerce::Coercer;
use crate::graphql::render::Fault;

/// The arguments of a field that were given, null included.
pub(super) struct Arguments<'a> {
    field: &'a Positioned<Field>,
    given: Vec<(String, Input)>,
}

impl<'a> Lowerer<'a> {
    /// The arguments of a field of a type.
    pub(super) fn arguments(&self, ty: &str, field: &'a Positioned<Field>) -> Result<Arguments<'a>, Fault> {
        let registry = self.bundle.registry();
        let definition = registry.types.get(ty).and_then(|ty| ty.field_by_name(&field.node.name.node));
        let coercer = Coercer {
            registry,
            suggestions: self.suggestions,
            variables: Some(self.collector.variables),
            json: false,
        };
        let mut given = Vec::with_capacity(field.node.arguments.len());
        for (name, value) in &field.node.arguments {
            let Some(argument) = definition.and_then(|field| field.args.get(name.node.as_str())) else {
                continue;
            };
            match coercer.value(&argument.ty, &value.node) {
                Ok(Some(value)) => given.push((name.node.to_string(), value)),
                Ok(None) => {}
                Err(problems) => {
                    let said = |place: &str, message: &str| {
                        let message = format!("Argument \"{}{place}\": {message}.", name.node);
                        Error::new(Code::ValidationFailed, message)
                    };
                    return Err(Fault::at(problems.error(said), value.pos));
                }
            }
        }
        Ok(Arguments { field, given })
    }
}

impl Arguments<'_> {
    /// Takes an argument; null is as if it were absent.
    pub(super) fn take(&mut self, name: &str) -> Option<Input> {
        let index = self.given.iter().position(|(given, _)| given == name)?;
        Some(self.given.swap_remove(index).1).filter(|value| *value != Input::Null)
    }

    /// Takes an argument that the schema requires.
    pub(super) fn required(&mut self, name: &str) -> Result<Input, Fault> {
        self.take(name)
            .ok_or_else(|| self.fault(Code::ValidationFailed, format!("Argument \"{name}\" is required.")))
    }

    /// An error at this field.
    pub(super) fn fault(&self, code: Code, message: impl Into<String>) -> Fault {
        Fault::at(Error::new(code, message), self.field.pos)
    }

    /// Takes a number of rows.
    pub(super) fn count(&mut self, name: &str) -> Result<Option<u64>, Fault> {
        match self.take(name) {
            None => Ok(None),
            Some(Input::Int(value)) => u64::try_from(value).map(Some).map_err(|_| {
                self.fault(Code::PageInvalid, format!("`{name}` can't be negative, and is {value}."))
            }),
            Some(_) => Err(self.fault(Code::ValidationFailed, format!("`{name}` must be an integer."))),
        }
    }

    /// Takes a text.
    pub(super) fn text(&mut self, name: &str) -> Option<String> {
        match self.take(name)? {
            Input::String(text) => Some(text),
            _ => None,
        }
    }

    /// Takes the arguments that say which page.
    pub(super) fn page(&mut self) -> Result<Page, Fault> {
        Ok(Page {
            first: self.count("first")?,
            last: self.count("last")?,
            after: self.text("after"),
            before: self.text("before"),
            after_id: None,
            before_id: None,
            offset: self.count("offset")?,
        })
    }

    /// Takes `orderBy`.
    pub(super) fn order(&mut self) -> Vec<Order> {
        items(self.take("orderBy")).iter().filter_map(order).collect()
    }

    /// Takes a list.
    pub(super) fn list(&mut self, name: &str) -> Vec<Input> {
        items(self.take(name))
    }
}

fn items(list: Option<Input>) -> Vec<Input> {
    match list {
        Some(Input::List(items)) => items,
        Some(one) => vec![one],
        None => Vec::new(),
    }
}

/// `{ album: { title: DESC_NULLS_FIRST } }`: objects of one field, by their types.
fn order(term: &Input) -> Option<Order> {
    let mut path = Vec::new();
    let mut term = term;
    while let Input::Object(fields) = term {
        let (name, below) = fields.first()?;
        path.push(name.clone());
        term = below;
    }
    let Input::String(direction) = term else { return None };
    let nulls = match direction.split_once('_') {
        Some((_, "NULLS_FIRST")) => Some(Nulls::First),
        Some((_, "NULLS_LAST")) => Some(Nulls::Last),
        _ => None,
    };
    Some(Order { path, descending: direction.starts_with("DESC"), nulls })
}
