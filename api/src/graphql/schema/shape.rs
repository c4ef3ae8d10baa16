//! Small builders over async-graphql's: references to types, fields without duplicates.

use std::collections::HashSet;

use async_graphql::dynamic::{Field, InputObject, InputValue, Object, TypeRef};
use entity::catalog::EmbeddedField;
use entity::{Catalog, FieldType};

use crate::graphql::resolve;

/// The type of a value: `T`, `T!`, `[T!]`, `[T!]!`.
pub(super) fn type_ref(name: impl Into<String>, list: bool, required: bool) -> TypeRef {
    match (list, required) {
        (false, false) => TypeRef::named(name),
        (false, true) => TypeRef::named_nn(name),
        (true, false) => TypeRef::named_nn_list(name),
        (true, true) => TypeRef::named_nn_list_nn(name),
    }
}

/// The name of a field's type in answers.
pub(super) fn output_name(catalog: &Catalog, ty: FieldType) -> String {
    match ty {
        FieldType::Scalar(scalar) => scalar.name().to_owned(),
        FieldType::Enum(id) => catalog.enum_type(id).name.clone(),
        FieldType::Embedded(id) => catalog.embedded_type(id).name.clone(),
    }
}

/// The name of a field's type in arguments.
pub(super) fn input_name(catalog: &Catalog, ty: FieldType) -> String {
    match ty {
        FieldType::Embedded(id) => format!("{}Input", catalog.embedded_type(id).name),
        other => output_name(catalog, other),
    }
}

/// A field that is picked from its parent's JSON.
pub(super) fn picked(name: impl Into<String>, ty: TypeRef) -> Field {
    Field::new(name, ty, resolve::pick)
}

/// A field of an embedded value.
pub(super) fn embedded(catalog: &Catalog, field: &EmbeddedField) -> Field {
    let ty = type_ref(output_name(catalog, field.ty), field.list, field.required);
    describe_field(picked(&field.name, ty), field.description.as_deref())
}

/// Adds a description where there is one.
pub(super) fn describe_field(field: Field, text: Option<&str>) -> Field {
    match text {
        Some(text) => field.description(text),
        None => field,
    }
}

/// Adds a description where there is one.
pub(super) fn describe_input(input: InputValue, text: Option<&str>) -> InputValue {
    match text {
        Some(text) => input.description(text),
        None => input,
    }
}

/// An input object whose fields are each there once: async-graphql panics on the second, and a model may
/// name a field as one of ours.
pub(super) struct Inputs {
    object: InputObject,
    seen: HashSet<String>,
}

impl Inputs {
    pub(super) fn new(name: impl Into<String>) -> Self {
        Self { object: InputObject::new(name), seen: HashSet::new() }
    }

    pub(super) fn description(mut self, text: impl Into<String>) -> Self {
        self.object = self.object.description(text);
        self
    }

    pub(super) fn oneof(mut self) -> Self {
        self.object = self.object.oneof();
        self
    }

    pub(super) fn add(&mut self, name: &str, ty: TypeRef) {
        self.put(name, InputValue::new(name, ty));
    }

    pub(super) fn put(&mut self, name: &str, value: InputValue) {
        if self.seen.insert(name.to_owned()) {
            let object = std::mem::replace(&mut self.object, InputObject::new(""));
            self.object = object.field(value);
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.seen.is_empty()
    }

    pub(super) fn done(self) -> InputObject {
        self.object
    }
}

/// An object whose fields are each there once.
pub(super) struct Outputs {
    object: Object,
    seen: HashSet<String>,
}

impl Outputs {
    pub(super) fn new(name: impl Into<String>) -> Self {
        Self { object: Object::new(name), seen: HashSet::new() }
    }

    pub(super) fn description(mut self, text: impl Into<String>) -> Self {
        self.object = self.object.description(text);
        self
    }

    pub(super) fn implement(mut self, interface: &str) -> Self {
        self.object = self.object.implement(interface);
        self
    }

    pub(super) fn put(&mut self, name: &str, field: Field) {
        if self.seen.insert(name.to_owned()) {
            let object = std::mem::replace(&mut self.object, Object::new(""));
            self.object = object.field(field);
        }
    }

    pub(super) fn add(&mut self, name: &str, ty: TypeRef) {
        self.put(name, picked(name, ty));
    }

    pub(super) fn is_empty(&self) -> bool {
        self.seen.is_empty()
    }

    pub(super) fn done(self) -> Object {
        self.object
    }
}
