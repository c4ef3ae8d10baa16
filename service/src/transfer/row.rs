//! A row of a file becomes checked values, column by column.

use chrono::{DateTime, Utc};
use entity::catalog::{Catalog, Default, Entity, Field, System};
use entity::value::{coerce, excerpt, scalar_value};
use entity::{FieldType, IdKind, Input, Problem, Scalar, Value, suggest};
use uuid::Uuid;

use super::format::{Cell, RawRow};
use super::source::{Links, Target};
use crate::error::Code;

/// Why a row can't be stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refused {
    pub(super) code: Code,
    /// The field, where it is one.
    pub(super) field: Option<String>,
    pub(super) reason: String,
    pub(super) hint: Option<String>,
    /// Whether a key of the row itself is wrong: in CSV it stands in the header.
    pub(super) key: bool,
}

impl Refused {
    pub(super) fn new(code: Code, field: Option<&str>, reason: impl Into<String>) -> Self {
        Self { code, field: field.map(str::to_owned), reason: reason.into(), hint: None, key: false }
    }
}

/// The values of a row in the order of its table's columns.
///
/// The value of an id that the database counts is null when the row has none.
pub(super) fn values(
    catalog: &Catalog,
    target: &Target,
    row: RawRow,
    made: (DateTime<Utc>, Option<Uuid>),
) -> Result<Vec<Value>, Refused> {
    match target {
        Target::Rows(id) => entity_row(catalog, catalog.entity(*id), row, made),
        Target::Links(links) => link_row(links, row),
    }
}

/// The value of one column of a row as it is written; none where it is absent or is no value.
pub(super) fn value_at(catalog: &Catalog, target: &Target, row: &RawRow, column: usize) -> Option<Value> {
    match target {
        Target::Rows(id) => {
            let entity = catalog.entity(*id);
            let (_, cell) = row.cells.iter().find(|(key, _)| field_at(entity, key) == Some(column))?;
            let field = entity.fields.get(column)?;
            coerce(catalog, field.ty, field.list, &input(field, cell.clone()).ok()?).ok()
        }
        Target::Links(links) => {
            let side = links.sides.get(column)?;
            let (_, cell) = row.cells.iter().find(|(key, _)| side_at(links, key) == Some(column))?;
            scalar_value(Scalar::Id(side.key), &plain(cell.clone())).ok()
        }
    }
}

fn entity_row(
    catalog: &Catalog,
    entity: &Entity,
    row: RawRow,
    (now, organization): (DateTime<Utc>, Option<Uuid>),
) -> Result<Vec<Value>, Refused> {
    let tenant = entity.tenant_field();
    let mut given: Vec<Option<Value>> = vec![None; entity.fields.len()];
    for (key, cell) in row.cells {
        let at = field_at(entity, &key).ok_or_else(|| unknown(entity, &key))?;
        let (Some(field), Some(slot)) = (entity.fields.get(at), given.get_mut(at)) else { continue };
        if slot.is_some() {
            return Err(Refused::new(Code::BadValue, Some(&key), "it is there twice"));
        }
        *slot = Some(checked(catalog, field, &key, cell)?);
    }
    let created = entity
        .created_at
        .and_then(|id| given.get(id.index()).cloned().flatten())
        .filter(|value| !value.is_null());
    entity
        .fields
        .iter()
        .zip(given)
        .map(|(field, given)| {
            let owner = organization.map(Value::Uuid).filter(|_| tenant == Some(field.id));
            let value = match given {
                Some(value) if owner.as_ref().is_some_and(|owner| *owner != value && !value.is_null()) => {
                    return Err(Refused::new(
                        Code::BadValue,
                        Some(&field.name),
                        "the row belongs to another organization than the one that is imported for",
                    ));
                }
                Some(value) if !value.is_null() => value,
                _ if owner.is_some() => owner.unwrap_or(Value::Null),
                Some(value) if !(value.is_null() && field.system.is_some()) => value,
                _ => made(entity, field, now, created.as_ref())?,
            };
            if value.is_null() && field.required && !counted(entity, field) {
                return Err(Refused::new(Code::Required, Some(&field.name), "it is required"));
            }
            Ok(value)
        })
        .collect()
}

/// Whether the database makes the value.
pub(super) fn counted(entity: &Entity, field: &Field) -> bool {
    field.system == Some(System::Key) && entity.key == IdKind::Serial
}

/// The column that a key means.
fn field_at(entity: &Entity, key: &str) -> Option<usize> {
    let named = |name: &str, relation: bool| {
        entity.fields.iter().position(|field| field.name == name && (!relation || field.relation.is_some()))
    };
    named(key, false).or_else(|| key.strip_suffix("Id").and_then(|name| named(name, true)))
}

fn unknown(entity: &Entity, key: &str) -> Refused {
    let shown = excerpt(key);
    if entity.relations.iter().any(|relation| relation.name == key) {
        let mut refused =
            Refused::new(Code::UnknownField, Some(key), "lists of related rows are not part of a row");
        refused.key = true;
        refused.hint = Some(format!(
            "give the relation from its other side, or in a file {}.{shown}.ndjson",
            entity.name
        ));
        return refused;
    }
    let mut refused =
        Refused::new(Code::UnknownField, Some(&shown), format!("{} has no such field", entity.name));
    refused.key = true;
    refused.hint = suggest::hint(key, entity.fields.iter().map(|field| field.name.as_str()));
    refused
}

fn checked(catalog: &Catalog, field: &Field, key: &str, cell: Cell) -> Result<Value, Refused> {
    let input = input(field, cell).map_err(|reason| Refused::new(Code::BadValue, Some(key), reason))?;
    let value =
        coerce(catalog, field.ty, field.list, &input).map_err(|problem| from_problem(key, problem))?;
    match field.checks.iter().find_map(|check| check.violation(&value)) {
        Some(violation) => Err(Refused::new(Code::CheckFailed, Some(key), violation)),
        None => Ok(value),
    }
}

fn from_problem(key: &str, problem: Problem) -> Refused {
    let place = std::iter::once(key.to_owned()).chain(problem.place).collect::<Vec<_>>().join(".");
    Refused {
        code: Code::BadValue,
        field: Some(place),
        reason: problem.message,
        hint: problem.hint,
        key: false,
    }
}

/// A cell as input of a field's type.
fn input(field: &Field, cell: Cell) -> Result<Input, String> {
    let (text, quoted) = match cell {
        Cell::Value(value) => return Ok(value),
        Cell::Text(text, quoted) => (text, quoted),
    };
    let scalar = field.ty.scalar();
    if text.is_empty() && !quoted {
        // Many programs write the empty text without quotes: where null is not possible, that is meant.
        let empty = field.required && !field.list && scalar == Some(Scalar::String);
        return Ok(if empty { Input::String(text) } else { Input::Null });
    }
    if field.list || matches!(field.ty, FieldType::Embedded(_) | FieldType::Scalar(Scalar::Json)) {
        let value: serde_json::Value =
            serde_json::from_str(&text).map_err(|error| format!("it is not JSON: {error}"))?;
        return Ok(Input::from(value));
    }
    let typed = match scalar {
        Some(Scalar::Int) => text.parse().ok().map(Input::Int),
        Some(Scalar::Float) => text.parse::<f64>().ok().map(Input::Float),
        Some(Scalar::Boolean) => match text.as_str() {
            "true" | "TRUE" | "True" | "1" => Some(Input::Bool(true)),
            "false" | "FALSE" | "False" | "0" => Some(Input::Bool(false)),
            _ => None,
        },
        _ => None,
    };
    Ok(typed.unwrap_or(Input::String(text)))
}

/// The value of a column that a row does not give.
fn made(
    entity: &Entity,
    field: &Field,
    now: DateTime<Utc>,
    created: Option<&Value>,
) -> Result<Value, Refused> {
    Ok(match field.system {
        Some(System::Key) => match entity.key {
            IdKind::Uuid7 => Value::Uuid(Uuid::now_v7()),
            IdKind::Serial => Value::Null,
            IdKind::Client => return Err(Refused::new(Code::Required, Some(&field.name), "it is required")),
        },
        Some(System::CreatedAt) => Value::DateTime(now),
        Some(System::UpdatedAt) => created.cloned().unwrap_or(Value::DateTime(now)),
        Some(System::Version) => Value::Int(1),
        Some(System::DeletedAt) => Value::Null,
        None => match &field.default {
            Some(Default::Value(value)) => value.clone(),
            Some(Default::Now) if field.ty == FieldType::Scalar(Scalar::Date) => {
                Value::Date(now.date_naive())
            }
            Some(Default::Now) => Value::DateTime(now),
            Some(Default::Claim(_) | Default::Copy { .. }) | None => Value::Null,
        },
    })
}

fn plain(cell: Cell) -> Input {
    match cell {
        Cell::Value(value) => value,
        Cell::Text(text, _) => Input::String(text),
    }
}

fn side_at(links: &Links, key: &str) -> Option<usize> {
    let named = |name: &str| links.sides.iter().position(|side| side.name == name);
    named(key).or_else(|| key.strip_suffix("Id").and_then(named))
}

fn link_row(links: &Links, row: RawRow) -> Result<Vec<Value>, Refused> {
    let mut given: [Option<Value>; 2] = [None, None];
    for (key, cell) in row.cells {
        let at = side_at(links, &key).ok_or_else(|| {
            let mut refused = Refused::new(
                Code::UnknownField,
                Some(&excerpt(&key)),
                format!("{} has no such key", links.name),
            );
            refused.key = true;
            refused.hint = suggest::hint(&key, links.sides.iter().map(|side| side.name.as_str()));
            refused
        })?;
        let (Some(side), Some(slot)) = (links.sides.get(at), given.get_mut(at)) else { continue };
        let value = scalar_value(Scalar::Id(side.key), &plain(cell))
            .map_err(|problem| from_problem(&key, problem))?;
        if slot.replace(value).is_some() {
            return Err(Refused::new(Code::BadValue, Some(&key), "it is there twice"));
        }
    }
    links
        .sides
        .iter()
        .zip(given)
        .map(|(side, value)| {
            value.ok_or_else(|| Refused::new(Code::Required, Some(&side.name), "it is required"))
        })
        .collect()
}
