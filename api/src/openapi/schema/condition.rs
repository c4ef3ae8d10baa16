//! The filter grammar as schemas: what `where` takes.

use entity::predicate::Arity;
use entity::scalar::IdKind;
use entity::{FieldType, Op, Scalar};
use serde_json::{Map, Value, json};

use super::super::view::{Kind, Type, View};
use super::{Registry, closed, list, put, scalar};

/// How much of the grammar a schema tells.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Depth {
    /// Fields, relations, and what joins conditions.
    Whole,
    /// Fields and relations.
    Branch,
    /// Fields and keys.
    Leaf,
}

/// A condition on rows of a type.
///
/// The grammar nests without end; the schema tells two levels. Tools that make requests from a document multiply the
/// ways through a schema that refers to itself by many relations, and never come to an end.
pub(crate) fn condition<'v>(view: &'v View<'v>, ty: &'v Type<'v>, registry: &mut Registry<'v>) -> Value {
    registry.named(&ty.names.condition, move |registry| {
        let branch = registry.named(&ty.names.branch, move |registry| {
            let mut schema = closed(properties(view, ty, registry, Depth::Branch), &[]);
            put(
                &mut schema,
                "description",
                format!("A condition on {} inside of another.", ty.entity.plural),
            );
            schema
        });
        let mut properties = properties(view, ty, registry, Depth::Whole);
        properties.insert("and".to_owned(), described(list(branch.clone()), "Each of these holds."));
        properties.insert("or".to_owned(), described(list(branch.clone()), "At least one of these holds."));
        properties.insert("not".to_owned(), described(branch, "This does not hold."));
        let mut schema = closed(properties, &[]);
        let text = "all of its parts must hold. Conditions may nest deeper than is told here.";
        put(&mut schema, "description", format!("A condition on {}: {text}", ty.entity.plural));
        schema
    })
}

fn properties<'v>(
    view: &'v View<'v>,
    ty: &'v Type<'v>,
    registry: &mut Registry<'v>,
    depth: Depth,
) -> Map<String, Value> {
    let mut properties = Map::new();
    for member in ty.members.iter().filter(|member| member.filter) {
        let name = member.name.to_owned();
        match member.kind {
            Kind::Field(field) => {
                properties.insert(name, operators(view, registry, field.ty, field.list));
            }
            Kind::One(relation, Some(field)) => {
                let Some(target) = view.readable(relation.target) else { continue };
                let schema = match depth {
                    Depth::Leaf => key(view, registry, field.ty),
                    Depth::Whole | Depth::Branch => one(view, target, registry),
                };
                properties.insert(name, schema);
            }
            Kind::One(_, None) => {}
            Kind::Many(relation) => {
                let Some(target) = view.readable(relation.target) else { continue };
                if depth != Depth::Leaf {
                    properties.insert(name, many(view, target, registry));
                }
                properties.insert(format!("{}Count", member.name), count(view, registry));
            }
        }
    }
    properties
}

fn described(mut schema: Value, text: &str) -> Value {
    put(&mut schema, "description", text);
    schema
}

/// A condition on the row that another refers to: on its id, or on anything of it.
fn one<'v>(view: &'v View<'v>, target: &'v Type<'v>, registry: &mut Registry<'v>) -> Value {
    registry.named(&target.names.one, move |registry| {
        let mut all = properties(view, target, registry, Depth::Leaf);
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
    registry.named(&target.names.many, move |registry| {
        let leaf = registry.named(&target.names.leaf, move |registry| {
            let mut schema = closed(properties(view, target, registry, Depth::Leaf), &[]);
            put(&mut schema, "description", format!("A condition on related {}.", target.entity.plural));
            schema
        });
        let parts = [
            ("some", "At least one of them fulfils this."),
            ("none", "None of them fulfils this."),
            ("every", "All of them fulfil this."),
        ];
        let properties = parts.map(|(name, text)| (name.to_owned(), described(leaf.clone(), text)));
        let mut schema = closed(Map::from_iter(properties), &[]);
        put(&mut schema, "description", format!("Conditions on related {}.", target.entity.plural));
        schema
    })
}

/// A condition on the id of a related row alone.
fn key<'v>(view: &'v View<'v>, registry: &mut Registry<'v>, ty: FieldType) -> Value {
    registry.shared(&format!("{}KeyFilter", word(view, ty)), move |registry| {
        let properties = Op::KEY.map(|op| (op.name().to_owned(), operand(view, registry, op, ty)));
        closed(Map::from_iter(properties), &[])
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
    let word = word(view, ty);
    let presence = word == "Presence";
    let word = if many && !presence { format!("{word}ListFilter") } else { format!("{word}Filter") };
    registry.shared(&word, move |registry| {
        let possible = Op::ALL.into_iter().filter(|op| op.applies(ty, many));
        let properties: Map<_, _> =
            possible.map(|op| (op.name().to_owned(), operand(view, registry, op, ty))).collect();
        closed(properties, &[])
    })
}

/// What the schemas of a type's operators are called after.
fn word(view: &View<'_>, ty: FieldType) -> String {
    match ty {
        FieldType::Scalar(Scalar::Json) | FieldType::Embedded(_) => "Presence".to_owned(),
        FieldType::Scalar(Scalar::Id(IdKind::Uuid7) | Scalar::Uuid) => "Uuid".to_owned(),
        FieldType::Scalar(Scalar::Id(IdKind::Serial)) => "SerialId".to_owned(),
        FieldType::Scalar(Scalar::Id(IdKind::Client)) => "ClientId".to_owned(),
        FieldType::Scalar(Scalar::Url) => "Url".to_owned(),
        FieldType::Scalar(scalar) => scalar.name().to_owned(),
        FieldType::Enum(id) => view.catalog.enum_type(id).name.clone(),
    }
}

/// What an operator compares with.
pub(crate) fn operand<'v>(view: &'v View<'v>, registry: &mut Registry<'v>, op: Op, ty: FieldType) -> Value {
    let value = |registry: &mut Registry<'v>| match partial_text(op) {
        true => json!({ "type": "string" }),
        false => scalar::input(view, registry, ty, false, &[]),
    };
    let schema = match op.arity() {
        Arity::One => value(registry),
        Arity::Many => {
            // How many is bounded by the length of an address long before the engine's limit.
            list(value(registry))
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

/// Whether the operand is any text, even where the field's values are of a stricter kind.
pub(crate) fn partial_text(op: Op) -> bool {
    match op {
        Op::Contains
        | Op::StartsWith
        | Op::EndsWith
        | Op::Like
        | Op::Ieq
        | Op::Icontains
        | Op::IstartsWith
        | Op::IendsWith => true,
        Op::Eq
        | Op::Ne
        | Op::In
        | Op::NotIn
        | Op::Gt
        | Op::Gte
        | Op::Lt
        | Op::Lte
        | Op::Between
        | Op::IsNull
        | Op::Has
        | Op::HasAny
        | Op::HasAll => false,
    }
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
