//! Schemas of what goes in and out.

pub(super) mod aggregate;
pub(super) mod condition;
pub(super) mod input;
pub(super) mod row;
pub(super) mod scalar;
pub(super) mod shared;

use std::collections::{HashSet, VecDeque};

use serde_json::{Map, Value, json};

use super::fragment::Fragments;
use super::name::Allocator;

type Write<'v> = Box<dyn FnOnce(&mut Registry<'v>) -> Value + 'v>;

/// The schemas of a document while it is being written.
///
/// A schema that is wanted is written later, not inside of the one that wants it: a chain of a thousand types needs
/// no deeper stack than one type.
pub(super) struct Registry<'v> {
    names: Allocator,
    schemas: Fragments,
    begun: HashSet<String>,
    open: VecDeque<(String, Write<'v>)>,
}

impl<'v> Registry<'v> {
    /// No schemas yet; `names` are those given away already.
    pub(super) fn new(names: Allocator) -> Self {
        Self { names, schemas: Fragments::default(), begun: HashSet::new(), open: VecDeque::new() }
    }

    /// A reference to a schema of ours, written once it was wanted. The model's own names come before `word`.
    pub(super) fn shared(&mut self, word: &str, write: impl FnOnce(&mut Self) -> Value + 'v) -> Value {
        let name = self.names.share(word);
        self.named(&name, write)
    }

    /// A reference to a schema of this very name, written once it was wanted.
    pub(super) fn named(&mut self, name: &str, write: impl FnOnce(&mut Self) -> Value + 'v) -> Value {
        if self.begun.insert(name.to_owned()) {
            self.open.push_back((name.to_owned(), Box::new(write)));
        }
        reference(name)
    }

    /// All of them, written.
    pub(super) fn finish(mut self) -> Fragments {
        while let Some((name, write)) = self.open.pop_front() {
            let schema = write(&mut self);
            self.schemas.push(name, &schema);
        }
        self.schemas
    }
}

/// An object of these values, which are moved: `json!` would copy each with all that is in it.
pub(super) fn object<const N: usize>(entries: [(&str, Value); N]) -> Value {
    Value::Object(entries.map(|(key, value)| (key.to_owned(), value)).into_iter().collect())
}

/// A reference to a named schema.
pub(super) fn reference(name: &str) -> Value {
    object([("$ref", format!("#/components/schemas/{name}").into())])
}

/// The same schema, or null.
pub(super) fn nullable(schema: Value) -> Value {
    let Value::Object(mut schema) = schema else { return schema };
    if schema.contains_key("enum") || schema.contains_key("const") {
        return any(vec![schema.into(), object([("type", "null".into())])]);
    }
    if schema.is_empty() {
        // Anything at all: null is among it.
        return Value::Object(schema);
    }
    let nothing = json!({ "type": "null" });
    match schema.get_mut("type") {
        Some(Value::String(ty)) => {
            let types = json!([std::mem::take(ty), "null"]);
            schema.insert("type".to_owned(), types);
        }
        Some(Value::Array(types)) => types.push("null".into()),
        _ => match schema.get_mut("anyOf") {
            Some(Value::Array(variants)) => variants.push(nothing),
            _ => return any(vec![schema.into(), nothing]),
        },
    }
    Value::Object(schema)
}

/// A list of such items.
pub(super) fn list(items: Value) -> Value {
    object([("type", "array".into()), ("items", items)])
}

/// One of several.
pub(super) fn any(variants: Vec<Value>) -> Value {
    let mut variants = variants;
    match variants.len() {
        1 => variants.swap_remove(0),
        _ => object([("anyOf", variants.into())]),
    }
}

/// An object with these properties, and perhaps more.
pub(super) fn open(properties: Map<String, Value>) -> Value {
    object([("type", "object".into()), ("properties", properties.into())])
}

/// An object with exactly these properties.
pub(super) fn closed(properties: Map<String, Value>, required: &[&str]) -> Value {
    let mut schema = open(properties);
    put(&mut schema, "additionalProperties", false);
    require(&mut schema, required);
    schema
}

/// Says which properties are always there.
pub(super) fn require(schema: &mut Value, required: &[&str]) {
    if !required.is_empty() {
        put(schema, "required", json!(required));
    }
}

/// Sets a keyword.
pub(super) fn put(schema: &mut Value, keyword: &str, value: impl Into<Value>) {
    if let Value::Object(schema) = schema {
        schema.insert(keyword.to_owned(), value.into());
    }
}

/// Sets a keyword where there is something to say.
pub(super) fn maybe(schema: &mut Value, keyword: &str, value: Option<impl Into<Value>>) {
    if let Some(value) = value {
        put(schema, keyword, value);
    }
}
