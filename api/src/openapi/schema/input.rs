//! Rows as they are given.

use entity::catalog::{Default, Join, Relation, System};
use entity::scalar::IdKind;
use entity::{EntityId, FieldType, RelationId, Scalar};
use serde_json::{Map, Value, json};

use super::super::example;
use super::super::view::{Kind, Member, Type, View, capital};
use super::{Registry, any, closed, list, maybe, nullable, put, scalar};

/// What the body is for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Use {
    /// A new row.
    Create,
    /// A new row whose id the path says.
    Upsert,
    /// New values: what is left out stays, null empties.
    Update,
    /// New values of many rows at once.
    UpdateMany,
}

impl Use {
    /// Whether the rows are there already.
    fn changes(self) -> bool {
        matches!(self, Use::Update | Use::UpdateMany)
    }
}

/// A row to be made.
pub(crate) fn create<'v>(view: &'v View<'v>, ty: &'v Type<'v>, registry: &mut Registry<'v>) -> Value {
    registry.named(&ty.names.create, move |registry| {
        let mut schema = body(view, ty, registry, Use::Create, None);
        put(&mut schema, "description", format!("A new {}.", ty.entity.singular));
        maybe(&mut schema, "examples", example::create(view, ty).map(|row| json!([row])));
        schema
    })
}

/// A row to be made, or to be changed when it is there.
pub(crate) fn upsert<'v>(view: &'v View<'v>, ty: &'v Type<'v>, registry: &mut Registry<'v>) -> Value {
    registry.named(&ty.names.upsert, move |registry| {
        let mut schema = body(view, ty, registry, Use::Upsert, None);
        put(&mut schema, "description", format!("A {}; its id is in the path.", ty.entity.singular));
        maybe(&mut schema, "examples", example::upsert(view, ty).map(|row| json!([row])));
        schema
    })
}

/// New values of a row.
pub(crate) fn update<'v>(view: &'v View<'v>, ty: &'v Type<'v>, registry: &mut Registry<'v>) -> Value {
    registry.named(&ty.names.update, move |registry| {
        let mut schema = body(view, ty, registry, Use::Update, None);
        let text = format!(
            "New values of a {}, as a JSON merge patch (RFC 7396): what is left out stays, null empties.",
            ty.entity.singular
        );
        put(&mut schema, "description", text);
        maybe(&mut schema, "examples", example::update(view, ty).map(|row| json!([row])));
        schema
    })
}

/// New values of many rows at once: lists of related rows are changed one row at a time.
pub(crate) fn update_many<'v>(view: &'v View<'v>, ty: &'v Type<'v>, registry: &mut Registry<'v>) -> Value {
    if !ty.members.iter().any(|member| member.update && matches!(member.kind, Kind::Many(_))) {
        return update(view, ty, registry);
    }
    registry.shared(&format!("{}UpdateMany", ty.entity.name), move |registry| {
        let mut schema = body(view, ty, registry, Use::UpdateMany, None);
        let text = format!(
            "New values of {}, as a JSON merge patch (RFC 7396): what is left out stays, null empties. Lists of related rows are changed one row at a time.",
            ty.entity.plural
        );
        put(&mut schema, "description", text);
        schema
    })
}

/// A row to be made below the row that it refers to by `inverse`.
fn below<'v>(
    view: &'v View<'v>,
    ty: &'v Type<'v>,
    registry: &mut Registry<'v>,
    inverse: RelationId,
) -> Value {
    let name = &ty.entity.relation(inverse).name;
    registry.shared(&format!("{}Under{}Create", ty.entity.name, capital(name)), move |registry| {
        let mut schema = body(view, ty, registry, Use::Create, Some(inverse));
        put(
            &mut schema,
            "description",
            format!("A new {}; its `{name}` is the row it is given in.", ty.entity.singular),
        );
        schema
    })
}

fn body<'v>(
    view: &'v View<'v>,
    ty: &'v Type<'v>,
    registry: &mut Registry<'v>,
    usage: Use,
    without: Option<RelationId>,
) -> Value {
    let mut properties = Map::new();
    let mut required = Vec::new();
    for member in &ty.members {
        let writable = if usage.changes() { member.update } else { member.create };
        if !writable || (usage != Use::Create && member.name == "id") {
            continue;
        }
        let schema = match member.kind {
            // Deleting sets it; a change can only bring the row back.
            Kind::Field(field) if field.system == Some(System::DeletedAt) => Some(json!({ "type": "null" })),
            Kind::Field(field) => {
                let schema = match (usage, field.ty) {
                    // An object inside of a merge patch is a merge patch itself.
                    (Use::Update | Use::UpdateMany, FieldType::Embedded(id)) if !field.list => {
                        scalar::patch(view, registry, id)
                    }
                    _ => scalar::input(view, registry, field.ty, field.list, &field.checks),
                };
                Some(if field.required { schema } else { nullable(schema) })
            }
            Kind::One(relation, _) if without == Some(relation.id) => None,
            Kind::One(relation, Some(_)) => Some(one(view, registry, relation)),
            Kind::One(_, None) => None,
            Kind::Many(_) if usage == Use::UpdateMany => None,
            Kind::Many(relation) => many(view, registry, relation, usage),
        };
        let Some(mut schema) = schema else { continue };
        annotate(&mut schema, member, usage);
        properties.insert(member.name.to_owned(), schema);
        if !usage.changes() && needed(ty, member) {
            required.push(member.name);
        }
    }
    closed(properties, &required)
}

/// Whether a new row must give a value.
pub(crate) fn needed(ty: &Type<'_>, member: &Member<'_>) -> bool {
    match member.kind {
        Kind::Field(field) if member.name == "id" => {
            field.system.is_some() && ty.entity.key == IdKind::Client
        }
        Kind::Field(field) => field.required && field.default.is_none() && field.system.is_none(),
        Kind::One(relation, Some(key)) => relation.required && key.default.is_none(),
        Kind::One(_, None) | Kind::Many(_) => false,
    }
}

fn annotate(schema: &mut Value, member: &Member<'_>, usage: Use) {
    let (remarks, default) = match member.kind {
        Kind::Field(field) => (scalar::remarks(field.ty, &field.checks), field.default.as_ref()),
        Kind::One(_, key) => (String::new(), key.and_then(|key| key.default.as_ref())),
        Kind::Many(_) => (String::new(), None),
    };
    let told = match default {
        Some(Default::Now) if !usage.changes() => "The time of the request when left out.",
        Some(Default::Claim(_)) if !usage.changes() => "Taken from the caller when left out.",
        Some(Default::Copy { .. }) if !usage.changes() => "Copied from the related row when left out.",
        _ => "",
    };
    if let (Some(Default::Value(value)), true) = (default, !usage.changes())
        && let Kind::Field(field) = member.kind
    {
        put(schema, "default", super::super::example::printed(field.ty, value));
    }
    let own = member.description().unwrap_or_default().to_owned();
    scalar::describe(schema, &[&own, &remarks, told]);
    maybe(schema, "deprecated", member.deprecated().map(|_| true));
}

/// The id of a row of a type, as it can be given.
fn id<'v>(view: &'v View<'v>, registry: &mut Registry<'v>, target: EntityId) -> Value {
    let key = view.catalog.entity(target).key;
    scalar::input(view, registry, FieldType::Scalar(Scalar::Id(key)), false, &[])
}

fn one<'v>(view: &'v View<'v>, registry: &mut Registry<'v>, relation: &'v Relation) -> Value {
    let link = link(view, registry, relation);
    if relation.required {
        return link;
    }
    any(vec![link, verb("disconnect", json!({ "type": "boolean" })), json!({ "type": "null" })])
}

/// How a row refers to another: by its id, or by making it.
fn link<'v>(view: &'v View<'v>, registry: &mut Registry<'v>, relation: &'v Relation) -> Value {
    match view.get(relation.target) {
        Some(target) => {
            registry.named(&target.names.link, move |registry| links(view, registry, relation.target))
        }
        None => links(view, registry, relation.target),
    }
}

fn links<'v>(view: &'v View<'v>, registry: &mut Registry<'v>, target: EntityId) -> Value {
    let key = id(view, registry, target);
    let mut variants = vec![key.clone(), verb("connect", key)];
    if let Some(target) = view.creatable(target) {
        let row = create(view, target, registry);
        variants.push(verb("create", row));
    }
    let mut schema = any(variants);
    put(&mut schema, "description", "The id of a row, or a row to be made along the way.");
    schema
}

fn verb(name: &str, schema: Value) -> Value {
    closed(Map::from_iter([(name.to_owned(), schema)]), &[name])
}

fn many<'v>(
    view: &'v View<'v>,
    registry: &mut Registry<'v>,
    relation: &'v Relation,
    usage: Use,
) -> Option<Value> {
    let ids = |registry: &mut Registry<'v>, text: &str| {
        let mut schema = list(id(view, registry, relation.target));
        put(&mut schema, "maxItems", view.limits.batch);
        put(&mut schema, "description", text);
        schema
    };
    let mut properties = Map::new();
    if let Some(target) = view.creatable(relation.target) {
        let row = match (&relation.join, target.inverse_of(relation)) {
            (Join::Incoming { .. }, Some(inverse)) => below(view, target, registry, inverse),
            _ => create(view, target, registry),
        };
        let mut rows = list(row);
        put(&mut rows, "maxItems", view.limits.batch);
        put(&mut rows, "description", "Rows to be made.");
        properties.insert("create".to_owned(), rows);
    }
    properties.insert("connect".to_owned(), ids(registry, "Ids of rows to be added."));
    if usage == Use::Update {
        properties.insert("disconnect".to_owned(), ids(registry, "Ids of rows to be taken away."));
        properties.insert("set".to_owned(), ids(registry, "Ids of all rows that shall be left."));
    }
    Some(closed(properties, &[]))
}
