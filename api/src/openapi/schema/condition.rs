//! The filter grammar as schemas: what `where` takes.

use entity::predicate::Arity;
use entity::scalar::IdKind;
use entity::{FieldType, Op, Scalar};
use serde_json::{Map, Value, json};

use super::super::view::{Kind, Type, View};
use super::{Registry, closed, list, put, reference, scalar};

/// A condition on rows of a type.
pub(crate) fn condition<'v>(view: &'v View<'v>, ty: &'v Type<'v>, registry: &mut Registry<'v>) -> Value {
    registry.named(&ty.names.condition, move |registry| {
        let mut schema = closed(properties(view, ty, registry), &[]);
        put(
            &mut schema,
            "description",
            format!("A condition on {}: all of its parts must hold.", ty.entity.plural),
        );
        schema
    })
}

fn properties<'v>(view: &'v View<'v>, ty: &'v Type<'v>, registry: &mut Registry<'v>) -> Map<String, Value> {
    let own = reference(&ty.names.condition);
    let mut properties = Map::new();
    for member in ty.members.iter().filter(|member| member.filter) {
        let name = member.name.to_owned();
        match member.kind {
            Kind::Field(field) => {
                properties.insert(name, operators(view, registry, field.ty, field.list));
            }
            Kind::One(relation, _) => {
                if let Some(target) = view.readable(relation.target) {
                    properties.insert(name, one(view, target, registry));
                }
            }
            Kind::Many(relation) => {
                if let Some(target) = view.readable(relation.target) {
                    properties.insert(name, many(view, target, registry));
                    properties.insert(format!("{}Count", member.name), count(view, registry));
                }
            }
        }
    }
    properties.insert("and".to_owned(), described(list(own.clone()), "Each of these holds."));
    properties.insert("or".to_owned(), described(list(own.clone()), "At least one of these holds."));
    properties.insert("not".to_owned(), described(own, "This does not hold."));
    properties
}

fn described(mut schema: Value, text: &str) -> Value {
    put(&mut schema, "description", text);
    schema
}

/// A condition on the row that another refers to: on its id, or on anything of it.
fn one<'v>(view: &'v View<'v>, target: &'v Type<'v>, registry: &mut Registry<'v>) -> Value {
    condition(view, target, registry);
    registry.named(&target.names.one, move |registry| {
        let mut all = properties(view, target, registry);
        let key = FieldType::Scalar(Scalar::Id(target.entity.key));
        for op in Op::KEY {
            all.insert(op.name().to_owned(), operand(view, registry, op, key));
        }
        let mut schema = closed(all, &[]);
        put(
            &mut schema,
            "description",
            format!("A condition on the {} that a row refers to.", target.entity.singular),
        );
        schema
    })
}

fn many<'v>(view: &'v View<'v>, target: &'v Type<'v>, registry: &mut Registry<'v>) -> Value {
    let condition = condition(view, target, registry);
    registry.named(&target.names.many, move |_| {
        let parts = [
            ("some", "At least one of them fulfils this."),
            ("none", "None of them fulfils this."),
            ("every", "All of them fulfil this."),
        ];
        let properties = parts.map(|(name, text)| (name.to_owned(), described(condition.clone(), text)));
        let mut schema = closed(Map::from_iter(properties), &[]);
        put(&mut schema, "description", format!("A condition on related {}.", target.entity.plural));
        schema
    })
}

pub(crate) fn count<'v>(view: &'v View<'v>, registry: &mut Registry<'v>) -> Value {
    registry.shared("CountFilter", move |registry| {
        let ty = FieldType::Scalar(Scalar::BigInt);
        let properties = Op::COUNT.map(|op| (op.name().to_owned(), operand(view, registry, op, ty)));
        let mut schema = closed(Map::from_iter(properties), &[]);
        put(&mut schema, "description", "A condition on the number of related rows.");
        schema
    })
}

/// The operators of a field.
fn operators<'v>(view: &'v View<'v>, registry: &mut Registry<'v>, ty: FieldType, many: bool) -> Value {
    let word = match ty {
        FieldType::Scalar(Scalar::Json) | FieldType::Embedded(_) => "Presence".to_owned(),
        FieldType::Scalar(Scalar::Id(IdKind::Uuid7) | Scalar::Uuid) => "Uuid".to_owned(),
        FieldType::Scalar(Scalar::Id(IdKind::Serial)) => "SerialId".to_owned(),
        FieldType::Scalar(Scalar::Id(IdKind::Client)) => "ClientId".to_owned(),
        FieldType::Scalar(Scalar::Url) => "Url".to_owned(),
        FieldType::Scalar(scalar) => scalar.name().to_owned(),
        FieldType::Enum(id) => view.catalog.enum_type(id).name.clone(),
    };
    let presence = word == "Presence";
    let word = if many && !presence { format!("{word}ListFilter") } else { format!("{word}Filter") };
    registry.shared(&word, move |registry| {
        let possible = Op::ALL.into_iter().filter(|op| op.applies(ty, many));
        let properties: Map<_, _> =
            possible.map(|op| (op.name().to_owned(), operand(view, registry, op, ty))).collect();
        closed(properties, &[])
    })
}

/// What an operator compares with.
pub(crate) fn operand<'v>(view: &'v View<'v>, registry: &mut Registry<'v>, op: Op, ty: FieldType) -> Value {
    let value = |registry: &mut Registry<'v>| match op.is_pattern() {
        true => json!({ "type": "string" }),
        false => scalar::input(view, registry, ty, false, &[]),
    };
    let schema = match op.arity() {
        Arity::One => value(registry),
        Arity::Many => {
            let mut schema = list(value(registry));
            put(&mut schema, "maxItems", view.limits.list);
            schema
        }
        Arity::Two => {
            let mut schema = list(value(registry));
            put(&mut schema, "minItems", 2);
            put(&mut schema, "maxItems", 2);
            schema
        }
        Arity::Flag => json!({ "type": "boolean" }),
    };
    described(schema, meaning(op))
}

/// An operator in words.
pub(crate) fn meaning(op: Op) -> &'static str {
    match op {
        Op::Eq => "Equal.",
        Op::Ne => "Not equal.",
        Op::In => "One of these.",
        Op::NotIn => "None of these.",
        Op::Gt => "Greater.",
        Op::Gte => "Greater or equal.",
        Op::Lt => "Less.",
        Op::Lte => "Less or equal.",
        Op::Between => "From the first to the second, both included.",
        Op::IsNull => "Has no value (true), or has one (false).",
        Op::Contains => "Contains this text.",
        Op::StartsWith => "Starts with this text.",
        Op::EndsWith => "Ends with this text.",
        Op::Like => "Fits this pattern: `%` is any text, `_` any character, `\\` makes the next one literal.",
        Op::Ieq => "Equal, whatever the case of letters.",
        Op::Icontains => "Contains this text, whatever the case of letters.",
        Op::IstartsWith => "Starts with this text, whatever the case of letters.",
        Op::IendsWith => "Ends with this text, whatever the case of letters.",
        Op::Has => "Has this item.",
        Op::HasAny => "Has at least one of these items.",
        Op::HasAll => "Has each of these items.",
    }
}
