//! The names of each entity in the APIs and the database, and what they collide with.

use std::collections::HashMap;

use super::diagnostic::{Code, Report};
use super::directive::Model;
use super::draft::{Draft, TypeDraft, rename};
use super::layout::{Layout, Shape};
use super::source::{Span, Word};
use crate::id::EntityId;
use crate::name::{
    GENERATED, GENERATED_LIST, GENERATED_VALUE, IDENTIFIER_BYTES, NAME_CHARS, Pluralized, RESERVED_COLUMNS,
    RESERVED_FIELDS, RESERVED_ROOTS, RESERVED_TABLE_PREFIXES, RESERVED_TYPES, capitalized, column,
    identifier, is_name, key_column, pluralize, singular, snake,
};
use crate::scalar::Scalar;

/// The names of an entity.
pub(super) struct EntityNames {
    pub(super) singular: String,
    pub(super) plural: String,
    pub(super) table: String,
}

/// Names every entity and reports what collides.
pub(super) fn names(draft: &Draft, layout: &Layout, report: &mut Report) -> Vec<EntityNames> {
    let mut all = Vec::with_capacity(layout.entities.len());
    for ty in layout.entities.iter().filter_map(|index| draft.types.get(*index)) {
        let Some(model) = &ty.directives.model else { continue };
        all.push(entity_names(ty, model, report));
        rename(&ty.directives.was, &ty.name, report);
        if let Some(was) = &ty.directives.was {
            let taken = layout.entity_named(&was.text).is_some() && was.text != ty.name.text;
            former(was, taken, "type", report);
        }
    }
    tables(draft, layout, &all, report);
    roots(draft, layout, &all, report);
    types(draft, layout, report);
    twice_renamed(
        layout.entities.iter().filter_map(|index| draft.types.get(*index)?.directives.was.as_ref()),
        report,
    );
    for index in 0..layout.entities.len() {
        members(draft, layout, EntityId::from(index), report);
    }
    all
}

fn former(was: &Word, taken: bool, what: &str, report: &mut Report) {
    if taken {
        let message = format!("there still is a {what} `{}`", was.text);
        let hint = "@was names something that is not in the model any more".to_owned();
        report.error(Code::BadRename, was.span, message, hint);
    }
}

fn twice_renamed<'a>(list: impl Iterator<Item = &'a Word>, report: &mut Report) {
    let mut seen = std::collections::HashSet::new();
    for was in list {
        if !seen.insert(was.text.as_str()) {
            let message = format!("two are said to have been `{}`", was.text);
            report.error(
                Code::BadRename,
                was.span,
                message,
                "keep @was on the one that gets its data".to_owned(),
            );
        }
    }
}

fn entity_names(ty: &TypeDraft, model: &Model, report: &mut Report) -> EntityNames {
    let name = &ty.name.text;
    let singular = singular(name);
    let plural = match &model.plural {
        Some(given) => {
            if !is_name(&given.text) || given.text.starts_with("__") || given.text.len() > NAME_CHARS {
                let message =
                    "this plural is no GraphQL name: letters, digits and `_`, at most 60, no digit first";
                report.error(Code::BadName, given.span, message, format!("for example \"{singular}Items\""));
            } else if given.text == singular {
                let message = format!("the plural of {name} is its singular");
                let hint =
                    format!("both APIs need two names; write for example `plural: \"{singular}Items\"`");
                report.error(Code::PluralNeeded, given.span, message, hint);
            }
            given.text.clone()
        }
        None => match pluralize(&singular) {
            Pluralized::Regular(plural) => plural,
            Pluralized::None => {
                let message = format!("the plural of `{name}` can't be formed");
                let hint = format!("say what many of them are called: `@model(plural: \"{singular}Items\")`");
                report.error(Code::PluralNeeded, ty.name.span, message, hint);
                format!("{singular}Items")
            }
        },
    };
    let table = match &model.table {
        Some(given) => {
            if !is_name(&given.text) || given.text.len() > IDENTIFIER_BYTES {
                let message = "this is no table name: letters, digits and `_`, at most 63, no digit first";
                report.error(
                    Code::BadName,
                    given.span,
                    message,
                    format!("for example \"{}\"", snake(&plural)),
                );
            }
            given.text.clone()
        }
        None => identifier(&[&snake(&plural)]),
    };
    let lower = table.to_ascii_lowercase();
    if ty.own {
        return EntityNames { singular, plural, table };
    }
    if let Some(prefix) = RESERVED_TABLE_PREFIXES.iter().find(|prefix| lower.starts_with(**prefix)) {
        let span = model.table.as_ref().map_or(ty.name.span, |table| table.span);
        let message =
            format!("the table `{table}` would begin with `{prefix}`, which is not the model's to use");
        report.error(Code::ReservedName, span, message, "name the table: `@model(table: \"…\")`".to_owned());
    }
    EntityNames { singular, plural, table }
}

fn declared<'d>(draft: &'d Draft, layout: &Layout, index: usize) -> Option<(&'d TypeDraft, &'d Model)> {
    let ty = layout.declaration(draft, EntityId::from(index))?;
    Some((ty, ty.directives.model.as_ref()?))
}

/// Tables that differ only in case are one table to SQLite.
fn tables(draft: &Draft, layout: &Layout, all: &[EntityNames], report: &mut Report) {
    let mut seen: HashMap<String, usize> = HashMap::new();
    for (index, names) in all.iter().enumerate() {
        let Some(first) = seen.insert(names.table.to_ascii_lowercase(), index) else { continue };
        let (Some((ty, model)), Some((other, _))) =
            (declared(draft, layout, index), declared(draft, layout, first))
        else {
            continue;
        };
        let span = model.table.as_ref().map_or(ty.name.span, |table| table.span);
        let message =
            format!("{} and {} would share the table `{}`", other.name.text, ty.name.text, names.table);
        report.error(
            Code::NameCollision,
            span,
            message,
            "name one of the tables: `@model(table: \"…\")`".to_owned(),
        );
    }
}

/// The fields of Query, Mutation and Subscription.
fn roots(draft: &Draft, layout: &Layout, all: &[EntityNames], report: &mut Report) {
    let mut seen: HashMap<String, usize> = HashMap::new();
    for (index, names) in all.iter().enumerate() {
        let Some((ty, model)) = declared(draft, layout, index) else { continue };
        let span = model.plural.as_ref().map_or(ty.name.span, |plural| plural.span);
        for (name, what) in [(&names.singular, "singular"), (&names.plural, "plural")] {
            if RESERVED_ROOTS.contains(&name.as_str()) && !reserved(&ty.name.text) {
                let message =
                    format!("the {what} of {} is `{name}`, which is a query of its own", ty.name.text);
                let hint = match what {
                    "plural" => "choose another: `@model(plural: \"…\")`".to_owned(),
                    _ => format!("rename the type; `@model(table: \"{}\")` keeps its table", names.table),
                };
                report.error(Code::ReservedName, span, message, hint);
            }
        }
        let many = capitalized(&names.plural);
        let one = capitalized(&names.singular);
        let made = [
            names.singular.clone(),
            names.plural.clone(),
            format!("{}Aggregate", names.plural),
            format!("create{one}"),
            format!("create{many}"),
        ];
        let taken = made
            .iter()
            .find_map(|name| seen.get(name).filter(|other| **other != index).map(|other| (name, *other)));
        if let Some((name, other)) = taken {
            let other = declared(draft, layout, other).map_or("", |(ty, _)| ty.name.text.as_str());
            let message = format!("{} and {other} would both be `{name}` in the APIs", ty.name.text);
            let hint =
                "say what many of them are called: `@model(plural: \"…\")`, or rename the type".to_owned();
            report.error(Code::NameCollision, span, message, hint);
        }
        for name in made {
            seen.entry(name).or_insert(index);
        }
    }
}

/// Type names of the GraphQL schema.
fn types(draft: &Draft, layout: &Layout, report: &mut Report) {
    let mut made: HashMap<String, &str> = HashMap::new();
    for index in 0..layout.entities.len() {
        let entity = EntityId::from(index);
        let Some(ty) = layout.declaration(draft, entity) else { continue };
        let owner = ty.name.text.as_str();
        let lists = layout.fields(draft, entity).filter(|(_, shape)| matches!(shape, Shape::ToMany(_)));
        let of_lists = lists.flat_map(|(field, _)| {
            let base = format!("{owner}{}", capitalized(&field.name.text));
            GENERATED_LIST.map(|suffix| format!("{base}{suffix}"))
        });
        let own = GENERATED.iter().map(|suffix| format!("{owner}{suffix}")).chain(of_lists);
        let mut told = false;
        for name in own {
            let other = made.insert(name.clone(), owner);
            if let (Some(other), false) = (other.filter(|other| *other != owner), told) {
                let message =
                    format!("GraphQL types called `{name}` would be made for both {other} and {owner}");
                report.error(Code::NameCollision, ty.name.span, message, "rename one of them".to_owned());
                told = true;
            }
        }
    }
    let embedded =
        layout.embedded.iter().filter_map(|index| draft.types.get(*index)).map(|ty| ty.name.text.as_str());
    let enums = draft.enums.iter().map(|ty| ty.name.text.as_str());
    let scalars = Scalar::NAMED.iter().map(|scalar| -> &str { scalar.name() });
    for name in embedded.chain(enums).chain(scalars) {
        made.extend(GENERATED_VALUE.iter().map(|suffix| (format!("{name}{suffix}"), name)));
    }
    let declared = draft.types.iter().map(|ty| &ty.name).chain(draft.enums.iter().map(|ty| &ty.name));
    for name in declared {
        let text = name.text.as_str();
        if reserved(text) {
            let message = format!("`{text}` has a meaning of its own in GraphQL or in the model language");
            let hint = format!(
                "rename it, for example `{text}Item`; `@model(plural: …, table: …)` chooses the other names"
            );
            report.error(Code::ReservedName, name.span, message, hint);
        } else if let Some(owner) = made.get(text) {
            let message = format!("`{text}` is the name of a GraphQL type that is made for `{owner}`");
            report.error(Code::NameCollision, name.span, message, other_name(draft, text));
        }
    }
}

/// Another name for a type; its rows may be called as before.
fn other_name(draft: &Draft, name: &str) -> String {
    let is_model = draft.types.iter().any(|ty| ty.name.text == name && ty.directives.model.is_some());
    match pluralize(&singular(name)) {
        Pluralized::Regular(plural) if is_model => format!(
            "rename it; `{name}Item @model(plural: \"{plural}\", table: \"{}\")` keeps the names of its rows",
            snake(&plural)
        ),
        _ => format!("rename it, for example `{name}Item`"),
    }
}

fn reserved(name: &str) -> bool {
    RESERVED_TYPES.contains(&name) || Scalar::named(name).is_some()
}

/// The names inside an entity.
fn members(draft: &Draft, layout: &Layout, entity: EntityId, report: &mut Report) {
    let Some(ty) = layout.declaration(draft, entity) else { return };
    let Some(model) = &ty.directives.model else { return };
    let owner = ty.name.text.as_str();
    let mut columns: HashMap<String, (String, bool)> = HashMap::new();
    for name in implicit(model) {
        columns.insert(column(name), (name.to_owned(), false));
    }
    let names: std::collections::HashSet<&str> =
        ty.fields.iter().map(|field| field.name.text.as_str()).collect();
    for (field, shape) in layout.fields(draft, entity) {
        let name = field.name.text.as_str();
        if implicit(model).any(|implicit| implicit == name) {
            let message = format!("every @model type has `{name}` without declaring it");
            report.error(Code::ReservedName, field.name.span, message, implicit_hint(name, &field.ty.text));
            continue;
        }
        if RESERVED_FIELDS.contains(&name) {
            let message = format!("a field can't be called `{name}`: it is a word of the filter grammar");
            report.error(
                Code::ReservedName,
                field.name.span,
                message,
                format!("rename it, for example `{name}Value`"),
            );
        }
        if let Shape::ToMany(_) = shape {
            let count = format!("{name}Count");
            if names.contains(count.as_str()) {
                let message = format!("`{owner}.{count}` would be the number of `{name}` in filters");
                let hint = "rename one of the two".to_owned();
                let span = ty
                    .fields
                    .iter()
                    .find(|field| field.name.text == count)
                    .map_or(field.name.span, |it| it.name.span);
                report.error(Code::NameCollision, span, message, hint);
            }
        }
        field_column(owner, &field.name, shape, &mut columns, report);
        rename(&field.directives.was, &field.name, report);
        if let Some(was) = &field.directives.was {
            former(was, was.text != name && names.contains(was.text.as_str()), "field", report);
        }
    }
    twice_renamed(ty.fields.iter().filter_map(|field| field.directives.was.as_ref()), report);
}

fn field_column(
    owner: &str,
    name: &Word,
    shape: Shape,
    columns: &mut HashMap<String, (String, bool)>,
    report: &mut Report,
) {
    let column = match shape {
        Shape::ToOne(_) => key_column(&name.text),
        Shape::Value(_) => column(&name.text),
        Shape::ToMany(_) | Shape::Computed(_) | Shape::Broken => return,
    };
    if RESERVED_COLUMNS.contains(&column.as_str()) {
        let message = format!("`{column}` is a column that PostgreSQL gives every table");
        report.error(
            Code::ReservedName,
            name.span,
            message,
            format!("rename it, for example `{}Value`", name.text),
        );
    }
    let key = matches!(shape, Shape::ToOne(_));
    if let Some((other, other_key)) = columns.insert(column.to_ascii_lowercase(), (name.text.clone(), key)) {
        let message =
            format!("`{owner}.{other}` and `{owner}.{}` would share the column `{column}`", name.text);
        let hint = if key != other_key {
            "a relation keeps its key itself: remove the plain field, or rename one of the two"
        } else {
            "rename one of the two"
        };
        report.error(Code::NameCollision, name.span, message, hint.to_owned());
    }
}

/// The fields an entity has without declaring them.
pub(super) fn implicit(model: &Model) -> impl Iterator<Item = &'static str> {
    let timestamps = ["createdAt", "updatedAt"].into_iter().filter(|_| model.timestamps);
    ["id", "version"].into_iter().chain(timestamps).chain(model.soft_delete.then_some("deletedAt"))
}

fn implicit_hint(name: &str, ty: &str) -> String {
    match (name, ty) {
        ("id", "Int" | "BigInt") => "remove it; `@model(id: SERIAL)` makes ids integers".to_owned(),
        ("id", "String") => "remove it; `@model(id: CLIENT)` takes ids from the caller".to_owned(),
        ("createdAt" | "updatedAt", _) => "remove it; `@model(timestamps: false)` leaves both out".to_owned(),
        ("deletedAt", _) => "remove it, or `softDelete: true`".to_owned(),
        _ => "remove it, or rename it if it means something else".to_owned(),
    }
}

/// Names in the database's one space of tables and indexes.
pub(super) struct Space(std::collections::HashSet<String>);

impl Space {
    pub(super) fn new<'a>(tables: impl Iterator<Item = &'a str>) -> Self {
        let mut taken = std::collections::HashSet::new();
        for table in tables {
            taken.insert(table.to_ascii_lowercase());
            // The name PostgreSQL gives the primary key's index.
            taken.insert(identifier(&[table, "pkey"]).to_ascii_lowercase());
        }
        Self(taken)
    }

    /// A name made of parts; numbered where it is taken.
    pub(super) fn take(&mut self, parts: &[&str]) -> String {
        let mut name = identifier(parts);
        let mut number = 2;
        while !self.0.insert(name.to_ascii_lowercase()) {
            let suffix = number.to_string();
            name = identifier(&[&parts.join("_"), &suffix]);
            number += 1;
        }
        name
    }
}

/// The place to point to for a type as a whole.
pub(super) fn type_span(draft: &Draft, layout: &Layout, entity: EntityId) -> Span {
    layout.declaration(draft, entity).map_or_else(Span::default, |ty| ty.name.span)
}
