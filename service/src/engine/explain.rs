//! A broken constraint in the words of the model: which type and field, and what to do.

use entity::catalog::{Catalog, Entity, Field, Operation};

use crate::access;
use crate::context::Context;
use crate::database::classify;
use crate::error::{Code, Error};

/// The same error with the place and the way out, where the constraint is one of the model's.
pub(crate) fn constraint(context: &Context, error: Error) -> Error {
    if !matches!(
        error.code(),
        Code::UniqueViolation
            | Code::ForeignKeyViolation
            | Code::CheckFailed
            | Code::OutOfRange
            | Code::Required
    ) {
        return error;
    }
    let Some(name) = classify::constraint(&error) else { return error };
    let explained = match error.code() {
        Code::UniqueViolation => unique(context, &name),
        Code::CheckFailed => check(&context.catalog, &name),
        Code::OutOfRange => range(&context.catalog, &name),
        Code::Required => required(context, &error, &name),
        _ => foreign_key(&context.catalog, &name),
    };
    explained.unwrap_or(error)
}

/// `name` is an index (`ux_tracks_album_id_position`), or SQLite's list of columns (`tracks.album_id, tracks.position`).
/// Fields that the caller can neither see nor give are not named.
fn unique(context: &Context, name: &str) -> Option<Error> {
    let catalog = &context.catalog;
    let (entity, fields) = catalog.entities.iter().find_map(|entity| {
        let unique = entity.uniques.iter().find(|unique| {
            let columns: Vec<String> = unique
                .fields
                .iter()
                .map(|field| format!("{}.{}", entity.table, entity.field(*field).column))
                .collect();
            name == unique.name || name == format!("index '{}'", unique.name) || name == columns.join(", ")
        });
        if let Some(unique) = unique {
            let known = |field: &&Field| is_known(context, entity, field);
            return Some((
                entity,
                entity.named_by(unique).filter(known).map(|field| field.name.clone()).collect::<Vec<_>>(),
            ));
        }
        let key = name == format!("{}_pkey", entity.table)
            || name == format!("{}.{}", entity.table, entity.key_field().column);
        key.then(|| (entity, vec!["id".to_owned()]))
    })?;
    let Some(first) = fields.first().cloned() else {
        let message = format!("Another {} has the same values.", entity.name);
        return Some(Error::new(Code::UniqueViolation, message));
    };
    Some(
        Error::new(Code::UniqueViolation, format!("Another {} has the same {}.", entity.name, list(&fields)))
            .hint("Choose another value, or upsert on it.")
            .at(first.as_str()),
    )
}

fn check(catalog: &Catalog, name: &str) -> Option<Error> {
    for entity in &catalog.entities {
        for field in &entity.fields {
            if let Some(check) = field.checks.iter().find(|check| check.name == name) {
                let text = check
                    .message
                    .clone()
                    .unwrap_or_else(|| format!("`{}` breaks a check of {}.", field.name, entity.name));
                return Some(Error::new(Code::CheckFailed, text).at(field.name.as_str()));
            }
        }
        if let Some(check) = entity.checks.iter().find(|check| check.name == name) {
            let text = check
                .message
                .clone()
                .unwrap_or_else(|| format!("The row breaks a check of {}.", entity.name));
            return Some(Error::new(Code::CheckFailed, text));
        }
    }
    None
}

/// `table.column`. A field that the caller can neither see nor give is not named.
fn required(context: &Context, error: &Error, name: &str) -> Option<Error> {
    let (entity, field) = column(&context.catalog, name)?;
    if !is_known(context, entity, field) {
        return None;
    }
    // What is required here was looked at, but for what is copied from another row.
    let hint = match field.required {
        true => {
            format!("Give `{}` a value: the row it is copied from has none, or is not there.", field.name)
        }
        false => format!("Another model is in force by now: give `{}` a value.", field.name),
    };
    Some(error.clone().hint(hint).at(field.name.as_str()))
}

/// Whether the caller may know of a field.
fn is_known(context: &Context, entity: &Entity, field: &Field) -> bool {
    [Operation::Read, Operation::Create, Operation::Update].into_iter().any(|operation| {
        access::member_opens(&context.catalog, entity, &context.principal, &field.name, operation)
    })
}

/// `table.column`: only what is added to a number makes it leave its range in the database.
fn range(catalog: &Catalog, name: &str) -> Option<Error> {
    let (_, field) = column(catalog, name)?;
    let text = format!("`{}` left the range of its type.", field.name);
    Some(Error::new(Code::OutOfRange, text).at(field.name.as_str()).at("inc"))
}

fn column<'a>(catalog: &'a Catalog, name: &str) -> Option<(&'a Entity, &'a Field)> {
    let (table, column) = name.split_once('.')?;
    let entity = catalog.entities.iter().find(|entity| entity.table == table)?;
    entity.fields.iter().find(|field| field.column == column).map(|field| (entity, field))
}

/// `fk_<table>_<column>`: told on the side that refers, and on the side that is referred to.
fn foreign_key(catalog: &Catalog, name: &str) -> Option<Error> {
    let (entity, field) = catalog.entities.iter().find_map(|entity| {
        let field = entity.fields.iter().find(|field| {
            field.relation.is_some() && name == migration::foreign_key_name(&entity.table, &field.column)
        })?;
        Some((entity, field))
    })?;
    let target = field.relation.map(|relation| &catalog.target(entity.relation(relation)).name)?;
    Some(
        Error::new(
            Code::ForeignKeyViolation,
            format!("`{}.{}` must refer to a {target} that is there, and a {target} that is referred to can't be deleted.", entity.name, field.name),
        )
        .hint("Connect a row that is there; delete what refers to a row before the row itself.")
        .at(field.name.as_str()),
    )
}

fn list(fields: &[String]) -> String {
    fields.iter().map(|field| format!("`{field}`")).collect::<Vec<_>>().join(" and ")
}
