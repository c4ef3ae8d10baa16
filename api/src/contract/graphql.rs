//! Two GraphQL schemas. What breaks clients is what breaks them in the reference implementation (graphql-js,
//! `findBreakingChanges`).

use std::collections::BTreeSet;

use apollo_compiler::Schema;
use apollo_compiler::ast::{FieldDefinition, InputValueDefinition, Type};
use apollo_compiler::schema::ExtendedType;
use service::{Code, Error, Result};

use super::{Api, Effect, Finding};

/// What a client of the old schema meets in the new one.
///
/// # Errors
/// `BAD_REQUEST` for a text that is no schema.
pub(super) fn compare(old: &str, new: &str) -> Result<Vec<Finding>> {
    let (old, new) = (parse(old)?, parse(new)?);
    let mut diff = Diff { new: &new, answered: answered(&new), found: Vec::new() };
    for (name, ty) in old.types.iter().filter(|(_, ty)| !ty.is_built_in()) {
        match new.types.get(name) {
            Some(other) => diff.ty(name, ty, other),
            None => diff.note(Effect::Breaking, name.as_str(), "is gone"),
        }
    }
    for (name, ty) in new.types.iter().filter(|(_, ty)| !ty.is_built_in()) {
        if !old.types.contains_key(name) && !matches!(ty, ExtendedType::Scalar(_)) {
            diff.note(Effect::Compatible, name.as_str(), "is new");
        }
    }
    Ok(diff.found)
}

fn parse(sdl: &str) -> Result<Schema> {
    Schema::parse(sdl, "schema.graphql").map_err(|broken| {
        let first = broken.errors.iter().next().map(|error| error.error.to_string());
        Error::new(Code::BadRequest, format!("This is no GraphQL schema: {}", first.unwrap_or_default()))
    })
}

/// The types that stand in answers.
fn answered(schema: &Schema) -> BTreeSet<&str> {
    let fields = schema.types.values().flat_map(|ty| match ty {
        ExtendedType::Object(object) => object.fields.values().collect::<Vec<_>>(),
        ExtendedType::Interface(interface) => interface.fields.values().collect(),
        _ => Vec::new(),
    });
    fields.map(|field| field.ty.inner_named_type().as_str()).collect()
}

struct Diff<'a> {
    new: &'a Schema,
    answered: BTreeSet<&'a str>,
    found: Vec<Finding>,
}

impl Diff<'_> {
    fn note(&mut self, effect: Effect, place: impl Into<String>, change: impl Into<String>) {
        self.found.push(Finding::new(effect, Api::Graphql, place, change));
    }

    fn ty(&mut self, name: &str, old: &ExtendedType, new: &ExtendedType) {
        match (old, new) {
            (ExtendedType::Object(old), ExtendedType::Object(new)) => {
                self.members(
                    name,
                    &old.implements_interfaces,
                    &new.implements_interfaces,
                    "no longer implements",
                );
                self.fields(name, old.fields.values().map(|it| &***it), |field| {
                    new.fields.get(field).map(|it| &***it)
                });
                self.new_fields(name, new.fields.keys().filter(|field| !old.fields.contains_key(*field)));
            }
            (ExtendedType::Interface(old), ExtendedType::Interface(new)) => {
                self.fields(name, old.fields.values().map(|it| &***it), |field| {
                    new.fields.get(field).map(|it| &***it)
                });
                self.new_fields(name, new.fields.keys().filter(|field| !old.fields.contains_key(*field)));
            }
            (ExtendedType::InputObject(old), ExtendedType::InputObject(new)) => {
                let new: Vec<&InputValueDefinition> = new.fields.values().map(|it| &***it).collect();
                self.inputs(name, ".", old.fields.values().map(|it| &***it), &new);
            }
            (ExtendedType::Enum(old), ExtendedType::Enum(new)) => {
                for value in old.values.keys().filter(|value| !new.values.contains_key(*value)) {
                    self.note(Effect::Breaking, format!("{name}.{value}"), "is gone");
                }
                let effect = if self.answered.contains(name) { Effect::Risky } else { Effect::Compatible };
                for value in new.values.keys().filter(|value| !old.values.contains_key(*value)) {
                    self.note(effect, format!("{name}.{value}"), "is new");
                }
            }
            (ExtendedType::Union(old), ExtendedType::Union(new)) => {
                self.members(name, &old.members, &new.members, "is no longer");
                for member in new.members.iter().filter(|member| !old.members.contains(*member)) {
                    self.note(Effect::Risky, name, format!("can be `{}`", member.name));
                }
            }
            (ExtendedType::Scalar(_), ExtendedType::Scalar(_)) => {}
            _ => self.note(Effect::Breaking, name, format!("is now {}", kind(new))),
        }
    }

    fn members<T: std::ops::Deref<Target = apollo_compiler::Name> + Eq + std::hash::Hash>(
        &mut self,
        name: &str,
        old: &apollo_compiler::collections::IndexSet<T>,
        new: &apollo_compiler::collections::IndexSet<T>,
        says: &str,
    ) {
        for member in old.iter().filter(|member| !new.contains(*member)) {
            self.note(Effect::Breaking, name, format!("{says} `{}`", member.as_str()));
        }
    }

    fn fields<'f>(
        &mut self,
        ty: &str,
        old: impl Iterator<Item = &'f FieldDefinition>,
        new: impl Fn(&str) -> Option<&'f FieldDefinition>,
    ) {
        for field in old {
            let place = format!("{ty}.{}", field.name);
            let Some(other) = new(&field.name) else {
                self.note(Effect::Breaking, place, "is gone");
                continue;
            };
            if !output_fits(self.new, &field.ty, &other.ty) {
                self.note(Effect::Breaking, &place, became(&field.ty, &other.ty));
            } else if field.ty != other.ty {
                self.note(Effect::Compatible, &place, became(&field.ty, &other.ty));
            }
            let given: Vec<&InputValueDefinition> = other.arguments.iter().map(|it| &**it).collect();
            self.inputs(&place, "#", field.arguments.iter().map(|it| &**it), &given);
        }
    }

    fn new_fields<'f>(&mut self, ty: &str, fields: impl Iterator<Item = &'f apollo_compiler::Name>) {
        for field in fields {
            self.note(Effect::Compatible, format!("{ty}.{field}"), "is new");
        }
    }

    /// Arguments of a field, or fields of an input object.
    fn inputs<'i>(
        &mut self,
        of: &str,
        joint: &str,
        old: impl Iterator<Item = &'i InputValueDefinition>,
        new: &[&InputValueDefinition],
    ) {
        let mut known = BTreeSet::new();
        for input in old {
            known.insert(input.name.as_str());
            let place = format!("{of}{joint}{}", input.name);
            let Some(other) = new.iter().find(|other| other.name == input.name) else {
                self.note(Effect::Breaking, place, "is gone");
                continue;
            };
            if !input_fits(&input.ty, &other.ty) {
                self.note(Effect::Breaking, &place, became(&input.ty, &other.ty));
            } else if input.ty != other.ty {
                self.note(Effect::Compatible, &place, became(&input.ty, &other.ty));
            }
            if input.default_value != other.default_value {
                self.note(Effect::Risky, place, "has another default");
            }
        }
        for input in new.iter().filter(|input| !known.contains(input.name.as_str())) {
            let place = format!("{of}{joint}{}", input.name);
            match input.ty.is_non_null() && input.default_value.is_none() {
                true => self.note(Effect::Breaking, place, "is new and has to be given"),
                false => self.note(Effect::Compatible, place, "is new"),
            }
        }
    }
}

fn became(old: &Type, new: &Type) -> String {
    format!("was `{old}` and is `{new}`")
}

fn kind(ty: &ExtendedType) -> &'static str {
    match ty {
        ExtendedType::Scalar(_) => "a scalar",
        ExtendedType::Object(_) => "an object",
        ExtendedType::Interface(_) => "an interface",
        ExtendedType::Union(_) => "a union",
        ExtendedType::Enum(_) => "an enum",
        ExtendedType::InputObject(_) => "an input object",
    }
}

/// Whether clients that expect the old type in an answer are content with the new one.
fn output_fits(schema: &Schema, old: &Type, new: &Type) -> bool {
    match (old.is_non_null(), new.is_non_null()) {
        (true, false) => false,
        _ => match (old, new) {
            (Type::List(old) | Type::NonNullList(old), Type::List(new) | Type::NonNullList(new)) => {
                output_fits(schema, old, new)
            }
            (Type::Named(old) | Type::NonNullNamed(old), Type::Named(new) | Type::NonNullNamed(new)) => {
                old == new || schema.is_subtype(old, new)
            }
            _ => false,
        },
    }
}

/// Whether what clients send as the old type is taken as the new one.
fn input_fits(old: &Type, new: &Type) -> bool {
    match (old.is_non_null(), new.is_non_null()) {
        (false, true) => false,
        _ => match (old, new) {
            (Type::List(old) | Type::NonNullList(old), Type::List(new) | Type::NonNullList(new)) => {
                input_fits(old, new)
            }
            (Type::Named(old) | Type::NonNullNamed(old), Type::Named(new) | Type::NonNullNamed(new)) => {
                old == new
            }
            _ => false,
        },
    }
}
