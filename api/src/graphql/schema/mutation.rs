//! What writes take: rows to make, values to set, links to follow.

use async_graphql::dynamic::{Enum, EnumItem, InputValue, TypeRef};
use entity::catalog::{Cardinality, Entity, Field, Join, Operation, Relation, System, Unique};
use entity::{Catalog, FieldType, IdKind};

use super::Builder;
use super::name::{pascal, screaming};
use super::object::needs_id;
use super::shape::{Inputs, Outputs, describe_input, input_name, picked, type_ref};

/// The unique constraints that can name one row: all of their fields are always compared, on all rows.
pub(crate) fn keys(entity: &Entity) -> impl Iterator<Item = &Unique> {
    entity.uniques.iter().filter(|unique| unique.condition.is_none())
}

/// The inputs of one type's writes.
pub(super) fn inputs(builder: &mut Builder<'_>, entity: &Entity) {
    let view = builder.view;
    let name = &entity.name;
    if view.opens(entity, Operation::Create) {
        let input = create(builder, entity, &format!("{name}Create"), None);
        builder.push(input.done());
        let mut on = Enum::new(format!("{name}Unique"))
            .description(format!("What says whether a row of {name} is there already."))
            .item(EnumItem::new("ID").description("Its id."));
        for unique in keys(entity) {
            let fields: Vec<&str> = entity.named_by(unique).map(|field| field.name.as_str()).collect();
            on = on.item(
                EnumItem::new(screaming(&unique.api)).description(format!("Its {}.", fields.join(" and "))),
            );
        }
        builder.push(on);
    }
    if view.opens(entity, Operation::Update) {
        changes(builder, entity);
    }
    let mut batch = Outputs::new(format!("{name}Batch")).description("The rows that one write touched.");
    batch.put("count", picked("count", TypeRef::named_nn(TypeRef::INT)).description("How many."));
    batch.put("nodes", picked("nodes", TypeRef::named_nn_list_nn(name)).description("The rows."));
    builder.push(batch.done());
}

/// A new row; `without` is the relation that the row it is nested in already says.
fn create(builder: &mut Builder<'_>, entity: &Entity, name: &str, without: Option<&str>) -> Inputs {
    let view = builder.view;
    let mut input = Inputs::new(name).description(format!("A new row of {}.", entity.name));
    let id = InputValue::new("id", type_ref(TypeRef::ID, false, needs_id(entity)));
    input.put(
        "id",
        id.description(match entity.key {
            IdKind::Client => "The id, made by you.",
            IdKind::Uuid7 => "The id; made by the server when absent.",
            IdKind::Serial => {
                "The id of a row that is there, for an upsert; new rows get theirs from the server."
            }
        }),
    );
    for field in entity.plain_fields().filter(|field| field.system.is_none()) {
        if view.member(entity, &field.name, Operation::Create) {
            let required = field.required && field.default.is_none();
            let ty = type_ref(input_name(view.catalog, field.ty), field.list, required);
            let value = InputValue::new(&field.name, ty);
            input.put(&field.name, describe_input(value, field.description.as_deref()));
        }
    }
    for relation in entity.relations.iter().filter(|relation| relation.is_written()) {
        if Some(relation.name.as_str()) != without && view.member(entity, &relation.name, Operation::Create) {
            let required =
                relation.required && key_field(entity, relation).is_none_or(|key| key.default.is_none());
            let ty = link(builder, entity, relation, required);
            let value = InputValue::new(&relation.name, ty);
            input.put(&relation.name, describe_input(value, relation.description.as_deref()));
        }
    }
    input
}

fn key_field<'a>(entity: &'a Entity, relation: &Relation) -> Option<&'a Field> {
    match relation.join {
        Join::Outgoing { field } => Some(entity.field(field)),
        Join::Incoming { .. } | Join::Through { .. } => None,
    }
}

fn changes(builder: &mut Builder<'_>, entity: &Entity) {
    let view = builder.view;
    let name = &entity.name;
    let mut set = Inputs::new(format!("{name}Set")).description("New values; what is absent stays as it is.");
    let mut inc =
        Inputs::new(format!("{name}Inc")).description("Numbers to add to the values that are there.");
    let mut append = Inputs::new(format!("{name}Append")).description("Items to add to the end of lists.");
    let mut remove =
        Inputs::new(format!("{name}Remove")).description("Items to remove from lists, all equal ones.");
    for field in entity.plain_fields().filter(|field| settable(field)) {
        if !view.member(entity, &field.name, Operation::Update) {
            continue;
        }
        let ty = input_name(view.catalog, field.ty);
        let value = InputValue::new(&field.name, type_ref(&ty, field.list, false));
        set.put(&field.name, describe_input(value, field.description.as_deref()));
        if field.list {
            append.add(&field.name, TypeRef::named_nn_list(&ty));
            remove.add(&field.name, TypeRef::named_nn_list(&ty));
        } else if field.ty.scalar().is_some_and(entity::Scalar::is_number) {
            inc.add(&field.name, TypeRef::named(&ty));
        }
    }
    for relation in entity.relations.iter().filter(|relation| relation.is_written()) {
        if view.member(entity, &relation.name, Operation::Update) {
            let ty = link(builder, entity, relation, false);
            let value = InputValue::new(&relation.name, ty);
            set.put(&relation.name, describe_input(value, relation.description.as_deref()));
        }
    }
    for (kind, input) in [("Set", set), ("Inc", inc), ("Append", append), ("Remove", remove)] {
        if !input.is_empty() {
            builder.used(format!("{name}{kind}"));
            builder.push(input.done());
        }
    }
}

/// A deleted row comes back by setting `deletedAt` to null, which only an administrator may.
fn settable(field: &Field) -> bool {
    matches!(field.system, None | Some(System::DeletedAt))
}

/// The type of a relation in a write, made when it is first needed.
fn link(builder: &mut Builder<'_>, entity: &Entity, relation: &Relation, required: bool) -> TypeRef {
    let target = builder.view.catalog.target(relation);
    match relation.cardinality {
        Cardinality::One => type_ref(to_one(builder, target, relation.required), false, required),
        Cardinality::Many => TypeRef::named(to_many(builder, entity, relation, target)),
    }
}

fn to_one(builder: &mut Builder<'_>, target: &Entity, always: bool) -> String {
    let name = format!("{}{}", target.name, if always { "Link" } else { "LinkOptional" });
    if builder.is_used(&name) {
        return name;
    }
    builder.used(name.clone());
    let mut input = Inputs::new(&name).oneof().description(format!("One row of {}.", target.name));
    input.put(
        "connect",
        InputValue::new("connect", TypeRef::named(TypeRef::ID)).description("The id of a row that is there."),
    );
    if builder.view.opens(target, Operation::Create) {
        let ty = TypeRef::named(format!("{}Create", target.name));
        input.put("create", InputValue::new("create", ty).description("A new row."));
    }
    if !always {
        let value =
            InputValue::new("disconnect", TypeRef::named(TypeRef::BOOLEAN)).description("`true`: no row.");
        input.put("disconnect", value);
    }
    builder.push(input.done());
    name
}

fn to_many(builder: &mut Builder<'_>, entity: &Entity, relation: &Relation, target: &Entity) -> String {
    let implied = implied(builder.view.catalog, relation, target);
    let name = match implied {
        Some(_) => format!("{}{}Links", entity.name, pascal(&relation.name)),
        None => format!("{}Links", target.name),
    };
    if builder.is_used(&name) {
        return name;
    }
    builder.used(name.clone());
    let mut input =
        Inputs::new(&name).description(format!("Changes to the related rows of {}.", target.name));
    if builder.view.opens(target, Operation::Create) {
        let row = match implied {
            Some(relation) => {
                let row = name.replace("Links", "Create");
                let fields = create(builder, target, &row, Some(relation));
                builder.push(fields.done());
                row
            }
            None => format!("{}Create", target.name),
        };
        input.put("create", InputValue::new("create", TypeRef::named_nn_list(row)).description("New rows."));
    }
    for (word, meaning) in [
        ("connect", "Ids of rows to relate."),
        ("disconnect", "Ids of rows to relate no more. Only when changing a row."),
        ("set", "Ids of the rows to relate instead of those that are. Only when changing a row."),
    ] {
        input.put(word, InputValue::new(word, TypeRef::named_nn_list(TypeRef::ID)).description(meaning));
    }
    builder.push(input.done());
    name
}

/// The target's required relation to the row that a nested new row is made for: it is not given again.
fn implied<'a>(catalog: &Catalog, relation: &Relation, target: &'a Entity) -> Option<&'a str> {
    debug_assert_eq!(catalog.target(relation).id, target.id);
    let Join::Incoming { field } = relation.join else { return None };
    let key = target.field(field);
    let back = target.relation(key.relation?);
    (back.required && key.default.is_none()).then_some(back.name.as_str())
}

/// `TrackUniqueKey`: how else one row is named. False where the type has no unique constraint that can be read.
pub(super) fn unique_key(builder: &mut Builder<'_>, entity: &Entity) -> bool {
    let view = builder.view;
    let name = &entity.name;
    let mut key = Inputs::new(format!("{name}UniqueKey"))
        .oneof()
        .description(format!("What names one row of {name} besides its id."));
    for unique in keys(entity) {
        let fields: Vec<&Field> = entity.named_by(unique).collect();
        if !fields
            .iter()
            .all(|field| view.member(entity, &field.name, Operation::Read) && field.exposure.filter)
        {
            continue;
        }
        if let [field] = fields.as_slice() {
            key.add(&unique.api, TypeRef::named(value_name(view.catalog, field)));
            continue;
        }
        let ty = format!("{name}{}Key", pascal(&unique.api));
        let mut parts = Inputs::new(&ty).description("All of them name one row.");
        for field in fields {
            parts.add(&field.name, TypeRef::named_nn(value_name(view.catalog, field)));
        }
        builder.push(parts.done());
        key.add(&unique.api, TypeRef::named(ty));
    }
    if key.is_empty() {
        return false;
    }
    builder.push(key.done());
    true
}

fn value_name(catalog: &Catalog, field: &Field) -> String {
    match (field.relation, field.ty) {
        (Some(_), _) | (None, FieldType::Scalar(entity::Scalar::Id(_))) => TypeRef::ID.to_owned(),
        (None, ty) => input_name(catalog, ty),
    }
}
