//! Rows as they are answered.

use entity::FieldType;
use serde_json::{Map, Value, json};

use super::super::example;
use super::super::view::{Kind, Member, Type, View};
use super::{Registry, any, list, maybe, nullable, open, put, reference, require, scalar};

/// A row with all of its fields.
pub(crate) fn one<'v>(view: &'v View<'v>, ty: &'v Type<'v>, registry: &mut Registry<'v>) -> Value {
    registry.named(&ty.names.row, move |registry| {
        let mut schema = open(properties(view, ty, registry, false));
        let required: Vec<_> = ty
            .members
            .iter()
            .filter(|member| member.read && matches!(member.kind, Kind::Field(_) | Kind::One(_, Some(_))))
            .map(|member| member.name)
            .collect();
        require(&mut schema, &required);
        maybe(&mut schema, "description", ty.entity.description.clone());
        maybe(&mut schema, "examples", example::row(view, ty).map(|row| json!([row])));
        schema
    })
}

/// A row with the fields that the caller named.
pub(crate) fn partial<'v>(view: &'v View<'v>, ty: &'v Type<'v>, registry: &mut Registry<'v>) -> Value {
    registry.named(&ty.names.partial, move |registry| {
        let mut schema = open(properties(view, ty, registry, true));
        put(
            &mut schema,
            "description",
            format!("A {} with the fields that `fields` names.", ty.entity.singular),
        );
        schema
    })
}

fn properties<'v>(
    view: &'v View<'v>,
    ty: &'v Type<'v>,
    registry: &mut Registry<'v>,
    partial: bool,
) -> Map<String, Value> {
    let readable = ty.members.iter().filter(|member| member.read);
    readable.map(|member| (member.name.to_owned(), property(view, registry, member, partial))).collect()
}

fn property<'v>(
    view: &'v View<'v>,
    registry: &mut Registry<'v>,
    member: &'v Member<'v>,
    partial: bool,
) -> Value {
    let mut note = String::new();
    let mut schema = match member.kind {
        Kind::Field(field) => {
            let mut schema = scalar::output(view, registry, field.ty, field.list);
            if partial && matches!(field.ty, FieldType::Embedded(_)) {
                // `fields` may name some of its parts.
                let part = json!({ "type": "object" });
                schema = any(vec![schema, if field.list { list(part) } else { part }]);
            }
            if field.required && !member.masked { schema } else { nullable(schema) }
        }
        Kind::One(relation, key) => {
            let related = view.readable(relation.target);
            let mut variants = Vec::new();
            if let Some(key) = key {
                variants.push(scalar::output(view, registry, key.ty, false));
            }
            if let Some(related) = related {
                variants.push(reference(if partial { &related.names.partial } else { &related.names.row }));
            }
            note = match key {
                Some(_) => format!(
                    "The id, or the whole {} where `expand` names it.",
                    related.map_or("row", |ty| &ty.entity.singular)
                ),
                None => "Only where `expand` names it.".to_owned(),
            };
            // A row that this caller may not see is null when it is expanded.
            let always = relation.required
                && !member.masked
                && key.is_some()
                && related.is_none_or(|ty| view.always(ty));
            if always { any(variants) } else { nullable(any(variants)) }
        }
        Kind::Many(relation) => {
            note = "The first page, only where `expand` names it.".to_owned();
            many(view, relation.target, partial)
        }
    };
    let own = member.description().unwrap_or_default().to_owned();
    scalar::describe(&mut schema, &[&own, &note]);
    if let Kind::Field(field) = member.kind {
        maybe(&mut schema, "readOnly", field.system.is_some().then_some(true));
    }
    maybe(&mut schema, "deprecated", member.deprecated().map(|_| true));
    schema
}

/// Related rows, expanded.
fn many(view: &View<'_>, target: entity::EntityId, partial: bool) -> Value {
    let Some(related) = view.readable(target) else { return json!({}) };
    let names = &related.names;
    let mut rows = list(reference(if partial { &names.partial } else { &names.row }));
    put(&mut rows, "maxItems", related.entity.limit.max);
    let more = json!({ "type": "boolean", "description": "Whether there are more than these." });
    let mut schema = open(Map::from_iter([("data".to_owned(), rows), ("hasMore".to_owned(), more)]));
    require(&mut schema, &["data", "hasMore"]);
    schema
}

/// A page of rows.
pub(crate) fn page<'v>(view: &'v View<'v>, ty: &'v Type<'v>, registry: &mut Registry<'v>) -> Value {
    let (whole, part) = (one(view, ty, registry), partial(view, ty, registry));
    registry.named(&ty.names.list, move |_| {
        let mut rows = list(any(vec![whole, part]));
        put(&mut rows, "maxItems", ty.entity.limit.max);
        let facts = json!({
            "hasMore": { "type": "boolean", "description": "Whether more rows follow." },
            "next": {
                "type": ["string", "null"],
                "format": "uri-reference",
                "description": "Where the next page is; null on the last one.",
            },
            "total": {
                "type": "integer",
                "format": "int64",
                "minimum": 0,
                "description": "The number of rows on all pages, where `Prefer: count=exact` asked for it.",
            },
        });
        let mut properties = Map::from_iter([("data".to_owned(), rows)]);
        if let Value::Object(facts) = facts {
            properties.extend(facts);
        }
        let mut schema = open(properties);
        put(&mut schema, "description", format!("A page of {}.", ty.entity.plural));
        require(&mut schema, &["data", "hasMore", "next"]);
        let row = example::row(view, ty);
        maybe(
            &mut schema,
            "examples",
            row.map(|row| json!([{ "data": [row], "hasMore": false, "next": null }])),
        );
        schema
    })
}

/// Several rows that were made at once.
pub(crate) fn batch<'v>(view: &'v View<'v>, ty: &'v Type<'v>, registry: &mut Registry<'v>) -> Value {
    let rows = rows(view, ty, registry);
    registry.named(&ty.names.batch, move |_| {
        let mut schema = open(Map::from_iter([("data".to_owned(), rows)]));
        require(&mut schema, &["data"]);
        put(&mut schema, "description", format!("The {} in the order given.", ty.entity.plural));
        schema
    })
}

/// What came of a change of many rows.
pub(crate) fn changes<'v>(view: &'v View<'v>, ty: &'v Type<'v>, registry: &mut Registry<'v>) -> Value {
    let mut rows = rows(view, ty, registry);
    put(&mut rows, "description", "The rows, where `Prefer: return=representation` asked for them.");
    registry.named(&ty.names.changes, move |_| {
        let count = json!({ "type": "integer", "format": "int64", "minimum": 0, "description": "The number of rows." });
        let mut schema = open(Map::from_iter([("count".to_owned(), count), ("data".to_owned(), rows)]));
        require(&mut schema, &["count"]);
        put(&mut schema, "description", format!("How many {} were touched.", ty.entity.plural));
        put(&mut schema, "examples", json!([{ "count": 3 }]));
        schema
    })
}

fn rows<'v>(view: &'v View<'v>, ty: &'v Type<'v>, registry: &mut Registry<'v>) -> Value {
    let (whole, part) = (one(view, ty, registry), partial(view, ty, registry));
    list(any(vec![whole, part]))
}
