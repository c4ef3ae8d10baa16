//! The fields of `Query` and `Mutation`, and what each of them means.

use std::collections::HashMap;

use async_graphql::Value;
use async_graphql::dynamic::{Field, InputValue, TypeRef};
use entity::EntityId;
use entity::catalog::{Entity, Operation as Doing};
use service::auth::Operation;

use super::name::write;
use super::shape::Outputs;
use super::{Builder, aggregate, mutation, object};
use crate::graphql::resolve;

/// What a field of `Query` asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Asks {
    /// `track(id)`
    One(EntityId),
    /// `tracks`
    List(EntityId),
    /// `tracksAggregate`
    Aggregate(EntityId),
    /// `node(id)`
    Node,
    /// `me`
    Me(EntityId),
    /// Something that is always null: the caller may see nothing at all.
    Nothing,
}

/// What a field of `Mutation` does.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Does {
    /// `createTrack`
    Create(EntityId),
    /// `createTracks`
    CreateMany(EntityId),
    /// `updateTrack`
    Update(EntityId),
    /// `updateTracks`
    UpdateMany(EntityId),
    /// `upsertTrack`
    Upsert(EntityId),
    /// `upsertTracks`
    UpsertMany(EntityId),
    /// `deleteTrack`
    Delete(EntityId),
    /// `deleteTracks`
    DeleteMany(EntityId),
    /// `signIn` and its kin.
    Account(&'static Operation),
}

/// The meaning of the root fields.
#[derive(Debug, Default)]
pub(crate) struct Roots {
    pub(crate) query: HashMap<String, Asks>,
    pub(crate) mutation: HashMap<String, Does>,
}

pub(super) fn root(name: &str, ty: TypeRef, text: String) -> Field {
    Field::new(name, ty, resolve::root).description(text)
}

fn argument(name: &str, ty: TypeRef, text: impl Into<String>) -> InputValue {
    InputValue::new(name, ty).description(text)
}

/// `Query`.
pub(super) fn query(builder: &mut Builder<'_>, roots: &mut Roots) {
    let mut query = Outputs::new("Query");
    let mut nodes = false;
    for entity in builder.view.entities() {
        nodes |= entity.is_node();
        one(builder, &mut query, entity);
        let list = root(
            &entity.plural,
            TypeRef::named_nn(format!("{}Connection", entity.name)),
            format!("A page of rows of {}.", entity.name),
        );
        query.put(&entity.plural, object::page_arguments(list, entity));
        let groups = format!("{}Aggregate", entity.plural);
        let field = root(
            &groups,
            TypeRef::named_nn_list_nn(format!("{}Aggregate", entity.name)),
            format!("Groups of rows of {} and numbers about them.", entity.name),
        );
        query.put(&groups, aggregate::arguments(builder, field, entity));
        roots.query.entry(entity.singular.clone()).or_insert(Asks::One(entity.id));
        roots.query.entry(entity.plural.clone()).or_insert(Asks::List(entity.id));
        roots.query.entry(groups).or_insert(Asks::Aggregate(entity.id));
    }
    if nodes {
        let field = root(
            "node",
            TypeRef::named(object::NODE),
            "The row of an id, of whatever type. Only the types that the selection's fragments name are looked in; \
             all of them when it names none."
                .to_owned(),
        );
        query.put("node", field.argument(argument("id", TypeRef::named_nn(TypeRef::ID), "The id.")));
        roots.query.entry("node".to_owned()).or_insert(Asks::Node);
        builder.push(object::node());
    }
    if let Some(user) = builder.view.entities().find(|entity| entity.name == "User") {
        let field =
            root("me", TypeRef::named(&user.name), "Who is signed in, or whose key it is.".to_owned());
        query.put("me", field);
        roots.query.entry("me".to_owned()).or_insert(Asks::Me(user.id));
    }
    if query.is_empty() {
        let text =
            "Always null: no type is open to you. Other types may be open with credentials.".to_owned();
        query.put("nothing", root("nothing", TypeRef::named(TypeRef::BOOLEAN), text));
        roots.query.insert("nothing".to_owned(), Asks::Nothing);
    }
    builder.push(query.done());
}

fn one(builder: &mut Builder<'_>, query: &mut Outputs, entity: &Entity) {
    let name = &entity.name;
    let field =
        root(&entity.singular, TypeRef::named(name), format!("One row of {name}; null where there is none."));
    let field = if mutation::unique_key(builder, entity) {
        field
            .argument(argument("id", TypeRef::named(TypeRef::ID), "Its id. Either this or `by`."))
            .argument(argument("by", TypeRef::named(format!("{name}UniqueKey")), "What else names it."))
    } else {
        field.argument(argument("id", TypeRef::named_nn(TypeRef::ID), "Its id."))
    };
    query.put(&entity.singular, field);
}

/// `Mutation`; false where nothing can be changed.
pub(super) fn mutation(builder: &mut Builder<'_>, roots: &mut Roots) -> bool {
    let mut mutation = Outputs::new("Mutation").description(
        "All fields of one operation are one transaction: they are done in order, or none of them is.",
    );
    for entity in builder.view.entities() {
        let (create, update, delete) = (
            builder.view.opens(entity, Doing::Create),
            builder.view.opens(entity, Doing::Update),
            builder.view.opens(entity, Doing::Delete),
        );
        if create || update || delete {
            mutation::inputs(builder, entity);
        }
        let mut fields = Vec::new();
        if create {
            fields.extend(creates(entity));
        }
        if update {
            fields.extend(updates(builder, entity));
        }
        if create && update {
            fields.extend(upserts(builder, entity));
        }
        if delete {
            fields.extend(deletes(entity));
        }
        for (name, does, field) in fields {
            mutation.put(&name, field);
            roots.mutation.entry(name).or_insert(does);
        }
    }
    super::account::mutations(builder, &mut mutation, roots);
    if mutation.is_empty() {
        return false;
    }
    builder.push(mutation.done());
    true
}

type Root = (String, Does, Field);

fn creates(entity: &Entity) -> Vec<Root> {
    let name = &entity.name;
    let (one, many) = (write("create", &entity.singular), write("create", &entity.plural));
    let input = format!("{name}Create");
    let single = root(&one, TypeRef::named_nn(name), format!("Makes a row of {name}.")).argument(argument(
        "input",
        TypeRef::named_nn(&input),
        "The row.",
    ));
    let plural = root(&many, TypeRef::named_nn(format!("{name}Batch")), format!("Makes rows of {name}."))
        .argument(argument("input", TypeRef::named_nn_list_nn(&input), "The rows."));
    vec![(one, Does::Create(entity.id), single), (many, Does::CreateMany(entity.id), plural)]
}

fn updates(builder: &Builder<'_>, entity: &Entity) -> Vec<Root> {
    let name = &entity.name;
    let (one, many) = (write("update", &entity.singular), write("update", &entity.plural));
    let single = root(&one, TypeRef::named_nn(name), format!("Changes a row of {name}.")).argument(argument(
        "id",
        TypeRef::named_nn(TypeRef::ID),
        "The row's id.",
    ));
    let single = changes(builder, single, name).argument(if_version());
    let plural = root(&many, TypeRef::named_nn(format!("{name}Batch")), format!("Changes rows of {name}."))
        .argument(rows(name));
    let plural = changes(builder, plural, name).argument(max());
    vec![(one, Does::Update(entity.id), single), (many, Does::UpdateMany(entity.id), plural)]
}

fn changes(builder: &Builder<'_>, mut field: Field, name: &str) -> Field {
    for (word, kind, text) in [
        ("set", "Set", "New values."),
        ("inc", "Inc", "Numbers to add."),
        ("append", "Append", "Items to add to the end of lists."),
        ("remove", "Remove", "Items to remove from lists."),
    ] {
        let ty = format!("{name}{kind}");
        if builder.is_used(&ty) {
            field = field.argument(argument(word, TypeRef::named(ty), text));
        }
    }
    field
}

fn upserts(builder: &Builder<'_>, entity: &Entity) -> Vec<Root> {
    let name = &entity.name;
    let (one, many) = (write("upsert", &entity.singular), write("upsert", &entity.plural));
    let input = format!("{name}Create");
    let on = || {
        argument("on", TypeRef::named(format!("{name}Unique")), "What says whether the row is there already.")
            .default_value(Value::Enum(async_graphql::Name::new("ID")))
    };
    let mut single = root(
        &one,
        TypeRef::named_nn(name),
        format!("Makes a row of {name}, or changes the one that is there."),
    )
    .argument(argument("input", TypeRef::named_nn(&input), "The row."))
    .argument(on());
    let set = format!("{name}Set");
    if builder.is_used(&set) {
        let text = "What to change in a row that is there; the row's own values when absent.";
        single = single.argument(argument("set", TypeRef::named(set), text));
    }
    let plural = root(
        &many,
        TypeRef::named_nn(format!("{name}Batch")),
        format!("Makes rows of {name}, or changes those that are there."),
    )
    .argument(argument("input", TypeRef::named_nn_list_nn(&input), "The rows."))
    .argument(on());
    vec![(one, Does::Upsert(entity.id), single), (many, Does::UpsertMany(entity.id), plural)]
}

fn deletes(entity: &Entity) -> Vec<Root> {
    let name = &entity.name;
    let (one, many) = (write("delete", &entity.singular), write("delete", &entity.plural));
    let single = root(&one, TypeRef::named(name), format!("Deletes a row of {name}; answers it as it was."))
        .argument(argument("id", TypeRef::named_nn(TypeRef::ID), "The row's id."))
        .argument(if_version());
    let plural = root(
        &many,
        TypeRef::named_nn(format!("{name}Batch")),
        format!("Deletes rows of {name}; answers them as they were."),
    )
    .argument(rows(name))
    .argument(max());
    vec![(one, Does::Delete(entity.id), single), (many, Does::DeleteMany(entity.id), plural)]
}

fn rows(name: &str) -> InputValue {
    argument("where", TypeRef::named_nn(format!("{name}Where")), "Which rows; an empty condition is refused.")
}

fn max() -> InputValue {
    let text = "More matching rows than this are an error, and nothing is changed.";
    argument("max", TypeRef::named(TypeRef::INT), text).default_value(Value::from(MAX))
}

fn if_version() -> InputValue {
    argument("ifVersion", TypeRef::named(TypeRef::INT), "Only while the row still has this version.")
}

/// Rows that a plural update or delete may touch when the caller names no number.
pub(crate) const MAX: i32 = 100;
