//! Untyped input by name: what a client or a rule wrote, before anything is resolved.

use serde::Serialize;

/// A value as it was written, in GraphQL, JSON or SDL.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub enum Input {
    /// null
    Null,
    /// true or false
    Bool(bool),
    /// An integer that fits 64 bits.
    Int(i64),
    /// Any other number.
    Float(f64),
    /// Text, or an enum value.
    String(String),
    /// A list.
    List(Vec<Input>),
    /// An object; keys in the order written, each once.
    Object(Vec<(String, Input)>),
    /// The request's variable of this position: known only when the plan runs.
    Param(usize),
}

impl Input {
    /// The value under a key of an object.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&Input> {
        match self {
            Input::Object(fields) => fields.iter().find(|(key, _)| key == name).map(|(_, value)| value),
            _ => None,
        }
    }

    /// What it is, for messages.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Input::Null => "null",
            Input::Bool(_) => "a boolean",
            Input::Int(_) => "an integer",
            Input::Float(_) => "a number",
            Input::String(_) => "a string",
            Input::List(_) => "a list",
            Input::Object(_) => "an object",
            Input::Param(_) => "a variable",
        }
    }

    /// Levels of nesting, counted without recursion deeper than `limit`.
    #[must_use]
    pub fn deeper_than(&self, limit: usize) -> bool {
        match self {
            Input::List(items) => limit == 0 || items.iter().any(|item| item.deeper_than(limit - 1)),
            Input::Object(fields) => limit == 0 || fields.iter().any(|(_, item)| item.deeper_than(limit - 1)),
            Input::Null
            | Input::Bool(_)
            | Input::Int(_)
            | Input::Float(_)
            | Input::String(_)
            | Input::Param(_) => false,
        }
    }
}

impl From<serde_json::Value> for Input {
    fn from(value: serde_json::Value) -> Self {
        match value {
            serde_json::Value::Null => Input::Null,
            serde_json::Value::Bool(value) => Input::Bool(value),
            serde_json::Value::Number(number) => match number.as_i64() {
                Some(value) => Input::Int(value),
                None => Input::Float(number.as_f64().unwrap_or(f64::NAN)),
            },
            serde_json::Value::String(value) => Input::String(value),
            serde_json::Value::Array(items) => Input::List(items.into_iter().map(Input::from).collect()),
            serde_json::Value::Object(fields) => {
                Input::Object(fields.into_iter().map(|(key, value)| (key, Input::from(value))).collect())
            }
        }
    }
}

impl Input {
    /// The same value as JSON; a variable is null.
    #[must_use]
    pub fn to_json(&self) -> serde_json::Value {
        match self {
            Input::Null | Input::Param(_) => serde_json::Value::Null,
            Input::Bool(value) => serde_json::Value::Bool(*value),
            Input::Int(value) => serde_json::Value::from(*value),
            Input::Float(value) => serde_json::Value::from(*value),
            Input::String(value) => serde_json::Value::String(value.clone()),
            Input::List(items) => serde_json::Value::Array(items.iter().map(Input::to_json).collect()),
            Input::Object(fields) => serde_json::Value::Object(
                fields.iter().map(|(key, value)| (key.clone(), value.to_json())).collect(),
            ),
        }
    }
}
