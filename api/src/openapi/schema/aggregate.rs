//! Groups of rows, and numbers about them.

use entity::{FieldType, Op, Scalar};
use serde_json::{Map, Value, json};
use service::engine::request::{Bucket, Function};

use super::super::view::{Kind, Member, Type, View};
use super::{Registry, any, closed, condition, list, nullable, open, put, reference, require, scalar};

/// Whether rows can be grouped by a member.
fn groups(member: &Member<'_>) -> bool {
    member.filter
        && match member.kind {
            Kind::Field(field) => {
                !field.list && !matches!(field.ty, FieldType::Embedded(_) | FieldType::Scalar(Scalar::Json))
            }
            Kind::One(_, key) => key.is_some(),
            Kind::Many(_) => false,
        }
}

/// Whether a function applies to the values of a member.
fn measures(member: &Member<'_>, function: Function) -> bool {
    let Kind::Field(field) = member.kind else { return false };
    let scalar = field.ty.scalar().filter(|_| member.filter && !field.list);
    match function {
        Function::Sum | Function::Avg => scalar.is_some_and(Scalar::is_number),
        Function::Min | Function::Max => scalar
            .is_some_and(|scalar| scalar.is_ordered() && !matches!(scalar, Scalar::Id(_) | Scalar::Uuid)),
    }
}

/// What rows can be grouped by, as written.
pub(crate) fn group_names(ty: &Type<'_>) -> Vec<String> {
    let mut names = Vec::new();
    for member in ty.members.iter().filter(|member| groups(member)) {
        names.push(member.name.to_owned());
        if let Kind::Field(field) = member.kind
            && let FieldType::Scalar(scalar @ (Scalar::Date | Scalar::DateTime)) = field.ty
        {
            let units =
                Bucket::ALL.into_iter().filter(|unit| scalar == Scalar::DateTime || *unit != Bucket::Hour);
            names.extend(units.map(|unit| format!("{}:{}", member.name, unit.name().to_lowercase())));
        }
    }
    names
}

/// The fields that a function applies to.
pub(crate) fn measured<'v>(ty: &'v Type<'_>, function: Function) -> Vec<&'v str> {
    ty.members.iter().filter(|member| measures(member, function)).map(|member| member.name).collect()
}

/// What groups can be sorted by.
pub(crate) fn sort_names(ty: &Type<'_>) -> Vec<String> {
    let mut names = vec!["count".to_owned()];
    for function in Function::ALL {
        names.extend(measured(ty, function).iter().map(|field| format!("{}.{field}", function.name())));
    }
    names.extend(ty.members.iter().filter(|member| groups(member)).map(|member| member.name.to_owned()));
    names.iter().flat_map(|name| [name.clone(), format!("-{name}")]).collect()
}

/// The answer: groups.
pub(crate) fn answer<'v>(view: &'v View<'v>, ty: &'v Type<'v>, registry: &mut Registry<'v>) -> Value {
    registry.named(&ty.names.aggregate, move |registry| {
        let mut group = Map::new();
        group.insert("key".to_owned(), keys(view, ty, registry));
        group.insert(
            "count".to_owned(),
            json!({ "type": "integer", "format": "int64", "minimum": 0, "description": "The number of rows." }),
        );
        for function in Function::ALL {
            let fields = measured(ty, function);
            if fields.is_empty() {
                continue;
            }
            let properties: Map<_, _> = fields
                .into_iter()
                .filter_map(|name| Some((name.to_owned(), nullable(measure(view, ty, name, function, registry)?))))
                .collect();
            let mut schema = open(properties);
            put(&mut schema, "description", told(function));
            group.insert(function.name().to_owned(), schema);
        }
        let mut item = open(group);
        require(&mut item, &["count"]);
        let mut data = list(item);
        put(&mut data, "maxItems", view.limits.groups);
        let mut schema = open(Map::from_iter([("data".to_owned(), data)]));
        require(&mut schema, &["data"]);
        put(&mut schema, "description", format!("Groups of {}.", ty.entity.plural));
        put(&mut schema, "examples", json!([{ "data": [{ "count": 3 }] }]));
        schema
    })
}

fn told(function: Function) -> &'static str {
    match function {
        Function::Sum => "Sums of the fields that `sum` names.",
        Function::Avg => "Averages of the fields that `avg` names.",
        Function::Min => "The least values of the fields that `min` names.",
        Function::Max => "The greatest values of the fields that `max` names.",
    }
}

fn keys<'v>(view: &'v View<'v>, ty: &'v Type<'v>, registry: &mut Registry<'v>) -> Value {
    let mut properties = Map::new();
    for member in ty.members.iter().filter(|member| groups(member)) {
        let schema = match member.kind {
            Kind::Field(field) => {
                let value = scalar::output(view, registry, field.ty, false);
                match field.ty {
                    // The beginning of a unit of time may be printed as an instant.
                    FieldType::Scalar(Scalar::Date) => {
                        any(vec![value, json!({ "type": "string", "format": "date-time" })])
                    }
                    _ => value,
                }
            }
            Kind::One(relation, Some(key)) => {
                let mut variants = vec![scalar::output(view, registry, key.ty, false)];
                variants.extend(view.readable(relation.target).map(|target| reference(&target.names.row)));
                any(variants)
            }
            Kind::One(_, None) | Kind::Many(_) => continue,
        };
        properties.insert(member.name.to_owned(), nullable(schema));
    }
    let mut schema = open(properties);
    put(&mut schema, "description", "What the rows of the group have in common: what `group` names.");
    schema
}

fn measure<'v>(
    view: &'v View<'v>,
    ty: &'v Type<'v>,
    name: &str,
    function: Function,
    registry: &mut Registry<'v>,
) -> Option<Value> {
    let Kind::Field(field) = ty.member(name)?.kind else { return None };
    Some(scalar::output(view, registry, measure_type(field.ty, function), false))
}

fn measure_type(ty: FieldType, function: Function) -> FieldType {
    match (function, ty) {
        (Function::Avg, _) => FieldType::Scalar(Scalar::Float),
        (Function::Sum, FieldType::Scalar(Scalar::Int)) => FieldType::Scalar(Scalar::BigInt),
        (Function::Sum | Function::Min | Function::Max, ty) => ty,
    }
}

/// A condition on groups.
pub(crate) fn having<'v>(view: &'v View<'v>, ty: &'v Type<'v>, registry: &mut Registry<'v>) -> Value {
    registry.named(&ty.names.having, move |registry| {
        let own = reference(&ty.names.having);
        let mut properties = Map::new();
        properties.insert("count".to_owned(), comparison(view, registry, FieldType::Scalar(Scalar::BigInt)));
        for function in Function::ALL {
            let fields: Map<_, _> = measured(ty, function)
                .into_iter()
                .filter_map(|name| {
                    let Kind::Field(field) = ty.member(name)?.kind else { return None };
                    Some((name.to_owned(), comparison(view, registry, measure_type(field.ty, function))))
                })
                .collect();
            if !fields.is_empty() {
                properties.insert(function.name().to_owned(), closed(fields, &[]));
            }
        }
        properties.insert("and".to_owned(), list(own.clone()));
        properties.insert("or".to_owned(), list(own.clone()));
        properties.insert("not".to_owned(), own);
        let mut schema = closed(properties, &[]);
        put(&mut schema, "description", format!("A condition on groups of {}.", ty.entity.plural));
        schema
    })
}

fn comparison<'v>(view: &'v View<'v>, registry: &mut Registry<'v>, ty: FieldType) -> Value {
    let word = ty.scalar().map_or("Value", Scalar::name);
    registry.shared(&format!("{word}Comparison"), move |registry| {
        let operators =
            Op::COUNT.map(|op| (op.name().to_owned(), condition::operand(view, registry, op, ty)));
        let mut schema = closed(Map::from_iter(operators), &[]);
        put(&mut schema, "description", "A condition on a number of a group.");
        schema
    })
}
