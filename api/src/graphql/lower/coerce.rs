//! Values as written become values of their type, by the specification's rules for input coercion.
//!
//! async-graphql's validator lets much pass (an object where a condition is due may be a number), and literals with
//! variables inside it does not look at; this does, with places and did-you-mean.

use async_graphql::Name;
use async_graphql::indexmap::IndexMap;
use async_graphql::registry::{MetaInputValue, MetaType, MetaTypeName, Registry};
use async_graphql_value::Value;
use entity::value::excerpt;
use entity::{Input, Problem, Trouble, suggest};
use service::Error;
use service::error::TOLD;

use super::variable::{Bound, State};

/// What surrounds a value.
#[derive(Clone, Copy)]
pub(super) struct Coercer<'a> {
    pub(super) registry: &'a Registry,
    pub(super) suggestions: bool,
    /// The variables, where there may be any.
    pub(super) variables: Option<&'a Bound>,
    /// The value came as JSON: enum values are strings there.
    pub(super) json: bool,
}

/// What is wrong with a value: all of it, so that it can be mended at once. At least one complaint.
#[derive(Debug)]
pub(super) struct Problems(Vec<Problem>);

impl From<Problem> for Problems {
    fn from(problem: Problem) -> Self {
        Self(vec![problem])
    }
}

impl Problems {
    fn at(self, step: &str) -> Self {
        Self(self.0.into_iter().map(|problem| problem.at(step)).collect())
    }

    /// Gathers the complaints of parts; whether there is room for more.
    fn gather(all: &mut Vec<Problem>, more: Problems) -> bool {
        all.extend(more.0.into_iter().take(TOLD - all.len().min(TOLD)));
        all.len() < TOLD
    }

    /// As one error, each complaint said with its place.
    pub(super) fn error(self, said: impl Fn(&str, &str) -> Error) -> Error {
        let mut errors = self.0.into_iter().map(|problem| {
            let place: String = problem.place.iter().map(|step| format!(".{step}")).collect();
            let error = said(&place, &problem.message);
            match problem.hint {
                Some(hint) => error.hint(hint),
                None => error,
            }
        });
        match errors.next() {
            Some(first) => first.with(errors),
            None => Error::internal("complaints without a complaint"),
        }
    }
}

type Coerced = Result<Option<Input>, Problems>;

impl Coercer<'_> {
    /// A value of a type; none where it is a variable that was not given.
    pub(super) fn value(&self, ty: &str, value: &Value) -> Coerced {
        if let Value::Variable(name) = value {
            return self.variable(ty, name);
        }
        match MetaTypeName::create(ty) {
            MetaTypeName::NonNull(inner) if *value == Value::Null => {
                Err(bad(format!("expected {}, got null", article(inner))).into())
            }
            MetaTypeName::NonNull(inner) => self.value(inner, value),
            MetaTypeName::List(_) | MetaTypeName::Named(_) if *value == Value::Null => Ok(Some(Input::Null)),
            MetaTypeName::List(item) => self.list(item, value).map(Some),
            MetaTypeName::Named(name) => self.named(name, value).map(Some),
        }
    }

    fn variable(&self, ty: &str, name: &Name) -> Coerced {
        let state = self.variables.map_or(State::Absent, |bound| bound.state(name));
        let required = MetaTypeName::create(ty).is_non_null();
        match state {
            State::Absent | State::Known(Input::Null) if required => {
                Err(bad(format!("expected {}, but the variable \"${name}\" has no value", article(ty)))
                    .into())
            }
            State::Absent => Ok(None),
            State::Known(value) => Ok(Some(value)),
            State::Param(index) => Ok(Some(Input::Param(index))),
        }
    }

    fn list(&self, item: &str, value: &Value) -> Result<Input, Problems> {
        let Value::List(items) = value else {
            // One value stands for a list of one.
            return Ok(Input::List(self.value(item, value)?.into_iter().collect()));
        };
        let mut coerced = Vec::with_capacity(items.len());
        let mut problems = Vec::new();
        for (index, value) in items.iter().enumerate() {
            match self.value(item, value) {
                Ok(value) => coerced.push(value.unwrap_or(Input::Null)),
                Err(more) => {
                    if !Problems::gather(&mut problems, more.at(&index.to_string())) {
                        break;
                    }
                }
            }
        }
        if problems.is_empty() { Ok(Input::List(coerced)) } else { Err(Problems(problems)) }
    }

    fn named(&self, name: &str, value: &Value) -> Result<Input, Problems> {
        match self.registry.types.get(name) {
            Some(MetaType::InputObject { input_fields, oneof, .. }) => {
                self.object(name, input_fields, *oneof, value)
            }
            Some(MetaType::Enum { enum_values, .. }) => {
                let given = match value {
                    Value::Enum(given) => given.as_str(),
                    Value::String(given) if self.json => given,
                    other => return Err(unexpected(name, other).into()),
                };
                if enum_values.contains_key(given) {
                    return Ok(Input::String(given.to_owned()));
                }
                let problem = bad(format!("`{}` is not a value of {name}", excerpt(given)));
                Err(self.hinted(problem, given, enum_values.keys().map(String::as_str)).into())
            }
            _ if name == "JSON" => Ok(self.json(value)?),
            _ => Ok(scalar(name, value)?),
        }
    }

    fn object(
        &self,
        name: &str,
        fields: &IndexMap<String, MetaInputValue>,
        oneof: bool,
        value: &Value,
    ) -> Result<Input, Problems> {
        let Value::Object(given) = value else { return Err(unexpected(name, value).into()) };
        let mut object = Vec::with_capacity(given.len());
        let mut problems = Vec::new();
        for (key, value) in given {
            let outcome = match fields.get(key.as_str()) {
                Some(field) => self.value(&field.ty, value),
                None => {
                    let problem = Problem::new(
                        Trouble::UnknownField,
                        format!("{name} has no field `{}`", excerpt(key)),
                    );
                    Err(self.hinted(problem, key, fields.keys().map(String::as_str)).into())
                }
            };
            match outcome {
                Ok(Some(value)) => object.push((key.to_string(), value)),
                Ok(None) => {}
                Err(more) => {
                    if !Problems::gather(&mut problems, more.at(key.as_str())) {
                        return Err(Problems(problems));
                    }
                }
            }
        }
        if oneof
            && problems.is_empty()
            && (given.len() != 1
                || object.len() != 1
                || object.iter().any(|(_, value)| *value == Input::Null))
        {
            return Err(bad(format!("{name} takes exactly one field, and not null")).into());
        }
        for field in fields.values() {
            let required = MetaTypeName::create(&field.ty).is_non_null() && field.default_value.is_none();
            // What was given and is wrong was complained about.
            let told = problems.iter().any(|problem| problem.place.first() == Some(&field.name));
            if required && !told && !object.iter().any(|(key, _)| *key == field.name) {
                let missing = bad(format!("`{}` of {name} is required", field.name)).at(field.name.as_str());
                if !Problems::gather(&mut problems, missing.into()) {
                    break;
                }
            }
        }
        if problems.is_empty() { Ok(Input::Object(object)) } else { Err(Problems(problems)) }
    }

    fn hinted<'n>(
        &self,
        problem: Problem,
        wrong: &str,
        names: impl Iterator<Item = &'n str> + Clone,
    ) -> Problem {
        if self.suggestions { problem.hint(suggest::hint(wrong, names)) } else { problem }
    }

    /// Any JSON; variables inside it are known.
    fn json(&self, value: &Value) -> Result<Input, Problem> {
        Ok(match value {
            Value::Variable(name) => match self.variables.map_or(State::Absent, |bound| bound.state(name)) {
                State::Known(value) => value,
                State::Absent => Input::Null,
                State::Param(_) => {
                    return Err(bad("a variable inside JSON can't be used as an operand elsewhere"));
                }
            },
            Value::Null => Input::Null,
            Value::Boolean(value) => Input::Bool(*value),
            Value::Number(number) => self::number(number),
            Value::String(value) => Input::String(value.clone()),
            Value::Enum(value) => Input::String(value.to_string()),
            Value::Binary(_) => return Err(bad("bytes are not JSON")),
            Value::List(items) => {
                Input::List(items.iter().map(|item| self.json(item)).collect::<Result<_, _>>()?)
            }
            Value::Object(fields) => Input::Object(
                fields.iter().map(|(key, value)| Ok((key.to_string(), self.json(value)?))).collect::<Result<
                    _,
                    Problem,
                >>(
                )?,
            ),
        })
    }
}

fn number(number: &async_graphql::Number) -> Input {
    match number.as_i64() {
        Some(value) => Input::Int(value),
        None => Input::Float(number.as_f64().unwrap_or(f64::NAN)),
    }
}

/// A scalar's value as far as GraphQL knows it; what the text says, the engine looks at.
fn scalar(name: &str, value: &Value) -> Result<Input, Problem> {
    let fits = match (name, value) {
        ("Boolean", Value::Boolean(value)) => Some(Input::Bool(*value)),
        ("Int", Value::Number(given)) => match number(given) {
            Input::Int(value) if i32::try_from(value).is_ok() => Some(Input::Int(value)),
            Input::Int(value) => return Err(bad(format!("{value} is outside of Int (32 bits)"))),
            _ => None,
        },
        ("Float" | "Decimal", Value::Number(given)) => Some(number(given)),
        ("BigInt", Value::Number(given)) => match number(given) {
            Input::Int(value) => Some(Input::Int(value)),
            _ => return Err(bad(format!("{given} is outside of BigInt (64 bits)"))),
        },
        ("ID", Value::Number(given)) => match number(given) {
            Input::Int(value) => Some(Input::String(value.to_string())),
            _ => None,
        },
        ("Boolean" | "Int" | "Float", _) => None,
        (_, Value::String(value)) => Some(Input::String(value.clone())),
        _ => None,
    };
    fits.ok_or_else(|| unexpected(name, value))
}

fn bad(message: impl Into<String>) -> Problem {
    Problem::new(Trouble::BadValue, message)
}

fn unexpected(name: &str, value: &Value) -> Problem {
    let given = match value {
        Value::Null => "null".to_owned(),
        Value::Boolean(value) => value.to_string(),
        Value::Number(value) => value.to_string(),
        Value::String(value) => format!("\"{}\"", excerpt(value)),
        Value::Enum(value) => format!("the name {}", excerpt(value)),
        Value::List(_) => "a list".to_owned(),
        Value::Object(_) => "an object".to_owned(),
        Value::Variable(name) => format!("${name}"),
        Value::Binary(_) => "bytes".to_owned(),
    };
    bad(format!("expected {}, got {given}", article(name)))
}

fn article(ty: &str) -> String {
    let ty = ty.trim_end_matches('!');
    match ty.strip_prefix('[') {
        Some(item) => format!("a list of {}", item.trim_end_matches([']', '!'])),
        None => format!("a value of {ty}"),
    }
}
