//! Rows, connections of rows, embedded values, enums.

use async_graphql::dynamic::{Enum, EnumItem, Field, InputValue, Interface, InterfaceField, Object, TypeRef};
use entity::catalog::{Cardinality, Entity, Enum as ModelEnum, Relation};
use entity::{FieldType, IdKind};

use super::Builder;
use super::shape::{
    Inputs, Outputs, describe_field, describe_input, embedded, input_name, output_name, picked, type_ref,
};
use super::visible::View;

/// The interface of rows whose ids are unique across types.
pub(crate) const NODE: &str = "Node";

/// `Node`.
pub(super) fn node() -> Interface {
    Interface::new(NODE)
        .description("A row whose id is unique across types, so that `node(id)` finds it.")
        .field(InterfaceField::new("id", TypeRef::named_nn(TypeRef::ID)).description("The id."))
}

/// `PageInfo`, as the Relay specification has it.
pub(super) fn page_info() -> Object {
    let mut page = Outputs::new("PageInfo").description("Where a page lies in its list.");
    for (name, ty, meaning) in [
        ("hasNextPage", TypeRef::named_nn(TypeRef::BOOLEAN), "More rows follow."),
        ("hasPreviousPage", TypeRef::named_nn(TypeRef::BOOLEAN), "Rows precede."),
        ("startCursor", TypeRef::named("Cursor"), "The place of the page's first row."),
        ("endCursor", TypeRef::named("Cursor"), "The place of the page's last row."),
    ] {
        page.put(name, picked(name, ty).description(meaning));
    }
    page.done()
}

/// `Track`, `TrackConnection`, `TrackEdge`.
pub(super) fn rows(builder: &mut Builder<'_>, entity: &Entity) {
    let view = builder.view;
    let mut row = Outputs::new(&entity.name);
    if let Some(text) = &entity.description {
        row = row.description(text);
    }
    if entity.is_node() && view.member(entity, "id", entity::catalog::Operation::Read) {
        row = row.implement(NODE);
    }
    for field in view.readable(entity) {
        let required = field.required && view.always_shown(entity, &field.name);
        let ty = type_ref(output_name(view.catalog, field.ty), field.list, required);
        let output = describe_field(picked(&field.name, ty), field.description.as_deref());
        row.put(&field.name, deprecate(output, field.deprecated.as_deref()));
    }
    for relation in view.relations(entity) {
        let output = describe_field(follow(&view, entity, relation), relation.description.as_deref());
        row.put(&relation.name, deprecate(output, relation.deprecated.as_deref()));
    }
    builder.push(row.done());
    connection(builder, entity);
}

fn follow(view: &View<'_>, entity: &Entity, relation: &Relation) -> Field {
    let target = view.catalog.target(relation);
    match relation.cardinality {
        Cardinality::One => {
            let ty = type_ref(&target.name, false, view.always_there(entity, relation));
            picked(&relation.name, ty)
        }
        Cardinality::Many => {
            let field = picked(&relation.name, TypeRef::named_nn(format!("{}Connection", target.name)));
            page_arguments(field, target)
        }
    }
}

fn deprecate(field: Field, reason: Option<&str>) -> Field {
    match reason {
        Some(reason) => field.deprecation(Some(reason)),
        None => field,
    }
}

fn connection(builder: &mut Builder<'_>, entity: &Entity) {
    let name = &entity.name;
    let mut edge = Outputs::new(format!("{name}Edge")).description("A row with its place in the list.");
    edge.put(
        "cursor",
        picked("cursor", TypeRef::named_nn("Cursor")).description("The row's place in the list."),
    );
    edge.put("node", picked("node", TypeRef::named_nn(name)).description("The row."));
    builder.push(edge.done());

    let mut page =
        Outputs::new(format!("{name}Connection")).description(format!("A page of rows of {name}."));
    page.put("nodes", picked("nodes", TypeRef::named_nn_list_nn(name)).description("The rows."));
    let edges = TypeRef::named_nn_list_nn(format!("{name}Edge"));
    page.put("edges", picked("edges", edges).description("The rows with their places in the list."));
    page.put(
        "pageInfo",
        picked("pageInfo", TypeRef::named_nn("PageInfo")).description("Where the page lies."),
    );
    page.put(
        "totalCount",
        picked("totalCount", TypeRef::named_nn(TypeRef::INT))
            .description("The number of rows on all pages. Counted only when selected."),
    );
    builder.push(page.done());
}

/// The arguments of a list.
pub(super) fn page_arguments(field: Field, entity: &Entity) -> Field {
    let name = &entity.name;
    let (default, max) = (entity.limit.default, entity.limit.max);
    let argument = |name: &str, ty: TypeRef, text: String| InputValue::new(name, ty).description(text);
    let mut field = field
        .argument(argument("where", TypeRef::named(format!("{name}Where")), "Which rows.".to_owned()))
        .argument(argument(
            "orderBy",
            TypeRef::named_nn_list(format!("{name}OrderBy")),
            "In what order; by id when absent.".to_owned(),
        ));
    if searchable(entity) {
        field = field.argument(argument(
            "search",
            TypeRef::named(TypeRef::STRING),
            "Words to search for.".to_owned(),
        ));
    }
    let count = format!("How many rows: {default} when absent, {max} at most.");
    field
        .argument(argument("first", TypeRef::named(TypeRef::INT), count))
        .argument(argument("after", TypeRef::named("Cursor"), "Only rows after this place.".to_owned()))
        .argument(argument(
            "last",
            TypeRef::named(TypeRef::INT),
            format!("How many rows, counted from the end, {max} at most. Not together with `first`."),
        ))
        .argument(argument("before", TypeRef::named("Cursor"), "Only rows before this place.".to_owned()))
        .argument(argument("offset", TypeRef::named(TypeRef::INT), "How many rows to skip.".to_owned()))
}

/// Whether rows can be found by words. `@search` is not in force yet: an argument that always fails helps nobody.
pub(super) fn searchable(_entity: &Entity) -> bool {
    false
}

/// The types that rows hold as values: embedded values with their inputs, and enums.
pub(super) fn values(builder: &mut Builder<'_>) {
    let catalog = builder.view.catalog;
    for value in &catalog.embedded {
        if !builder.is_used(&value.name) {
            continue;
        }
        let mut output = Outputs::new(&value.name);
        let mut input = Inputs::new(format!("{}Input", value.name));
        if let Some(text) = &value.description {
            output = output.description(text);
            input = input.description(text);
        }
        for field in &value.fields {
            output.put(&field.name, embedded(catalog, field));
            let ty = type_ref(input_name(catalog, field.ty), field.list, field.required);
            input.put(
                &field.name,
                describe_input(InputValue::new(&field.name, ty), field.description.as_deref()),
            );
        }
        builder.push(output.done());
        builder.push(input.done());
    }
    for definition in &catalog.enums {
        if builder.is_used(&definition.name) {
            builder.push(enumeration(definition));
        }
    }
}

fn enumeration(definition: &ModelEnum) -> Enum {
    let items = definition.values.iter().map(|value| {
        let item = EnumItem::new(&value.name);
        let item = match &value.description {
            Some(text) => item.description(text),
            None => item,
        };
        match &value.deprecated {
            Some(reason) => item.deprecation(Some(reason)),
            None => item,
        }
    });
    let result = Enum::new(&definition.name).items(items);
    match &definition.description {
        Some(text) => result.description(text),
        None => result,
    }
}

/// Marks the enums and embedded values that the fields of visible types hold, so that others stay unknown.
pub(super) fn mark_values(builder: &mut Builder<'_>, entity: &Entity) {
    let view = builder.view;
    let operations = [
        entity::catalog::Operation::Read,
        entity::catalog::Operation::Create,
        entity::catalog::Operation::Update,
    ];
    for field in entity.plain_fields() {
        if operations.iter().any(|operation| view.member(entity, &field.name, *operation)) {
            mark(builder, field.ty);
        }
    }
}

fn mark(builder: &mut Builder<'_>, ty: FieldType) {
    let name = output_name(builder.view.catalog, ty);
    match ty {
        FieldType::Scalar(_) => {}
        FieldType::Enum(_) => {
            builder.used(name);
        }
        FieldType::Embedded(id) => {
            // A value may hold itself; it is marked before its fields are looked at.
            if !builder.is_used(&name) {
                builder.used(name);
                for field in &builder.view.catalog.embedded_type(id).fields {
                    mark(builder, field.ty);
                }
            }
        }
    }
}

/// Whether the caller has to give the id of a new row.
pub(super) fn needs_id(entity: &Entity) -> bool {
    entity.key == IdKind::Client
}
