//! Catalog -> Shape.

use entity::catalog::{Catalog, Default, Entity, Field, Join, JoinTable, OnDelete, System, Using};
use entity::{FieldType, IdKind, Scalar, Value};

use super::form::values;
use super::{
    Check, Column, ColumnType, Condition, Constant, FORMAT, ForeignKey, Form, Index, Shape, Table,
    enum_check_name, foreign_key_name,
};
use crate::error::{Error, Result};

impl Shape {
    /// The shape a model asks for.
    ///
    /// # Errors
    /// [`Error::Inexpressible`] for a partial index, unique or check whose condition the database can't hold.
    pub fn of(catalog: &Catalog) -> Result<Self> {
        let mut tables =
            catalog.entities.iter().map(|entity| table(catalog, entity)).collect::<Result<Vec<_>>>()?;
        tables.extend(catalog.join_tables.iter().map(|join| join_table(catalog, join)));
        Ok(Self { format: FORMAT, tables })
    }
}

fn table(catalog: &Catalog, entity: &Entity) -> Result<Table> {
    let mut checks = Vec::new();
    for field in &entity.fields {
        checks.extend(enum_check(catalog, entity, field));
        for check in &field.checks {
            checks.extend(field_check(entity, field, check)?);
        }
    }
    for check in &entity.checks {
        if let Some(predicate) = &check.condition {
            let condition = expressible(entity, "the check", &check.name, predicate)?;
            checks.push(Check {
                name: check.name.clone(),
                field: None,
                condition,
                renamed: Vec::new(),
                ready: true,
            });
        }
    }
    Ok(Table {
        name: entity.table.clone(),
        origins: vec![entity.name.clone()],
        was: entity.was.iter().cloned().collect(),
        join: false,
        retired: false,
        columns: entity.fields.iter().map(|field| column(catalog, entity, field)).collect(),
        primary_key: vec![entity.key_field().column.clone()],
        foreign_keys: foreign_keys(catalog, entity),
        indexes: indexes(entity)?,
        checks,
    })
}

fn column(catalog: &Catalog, entity: &Entity, field: &Field) -> Column {
    let ty = match (field.system, column_type(catalog, field)) {
        (Some(System::Key), _) if entity.key == IdKind::Serial => ColumnType::Serial,
        (Some(System::Version), _) => ColumnType::BigInt,
        (_, ty) => ty,
    };
    let default = match (&field.default, field.system) {
        (Some(Default::Value(Value::Null)), _) => None,
        (Some(Default::Value(value)), _) => Some(Constant::of(field.ty, value)),
        (None, Some(System::Version)) => Some(Constant::Int(1)),
        (_, _) => None,
    };
    let relation = field.relation.map(|id| entity.relation(id));
    Column {
        name: field.column.clone(),
        field: field.name.clone(),
        was: field.was.clone().or_else(|| relation.and_then(|relation| relation.was.clone())),
        ty,
        required: field.required || matches!(field.system, Some(System::Key | System::Version)),
        default,
        retired: false,
    }
}

fn column_type(catalog: &Catalog, field: &Field) -> ColumnType {
    let json = || ColumnType::Json(Form::of(catalog, field.ty, field.list));
    if field.list {
        return json();
    }
    match field.ty {
        FieldType::Embedded(_) | FieldType::Scalar(Scalar::Json) => json(),
        FieldType::Enum(_)
        | FieldType::Scalar(Scalar::String | Scalar::Email | Scalar::Url | Scalar::Id(IdKind::Client)) => {
            ColumnType::Text
        }
        FieldType::Scalar(Scalar::Id(IdKind::Uuid7) | Scalar::Uuid) => ColumnType::Uuid,
        FieldType::Scalar(Scalar::Id(IdKind::Serial) | Scalar::BigInt) => ColumnType::BigInt,
        FieldType::Scalar(Scalar::Int) => ColumnType::Int,
        FieldType::Scalar(Scalar::Float) => ColumnType::Float,
        FieldType::Scalar(Scalar::Boolean) => ColumnType::Boolean,
        FieldType::Scalar(Scalar::Decimal) => ColumnType::Decimal,
        FieldType::Scalar(Scalar::Date) => ColumnType::Date,
        FieldType::Scalar(Scalar::DateTime) => ColumnType::DateTime,
    }
}

fn foreign_keys(catalog: &Catalog, entity: &Entity) -> Vec<ForeignKey> {
    entity
        .fields
        .iter()
        .filter_map(|field| {
            let relation = entity.relation(field.relation?);
            let target = catalog.target(relation);
            Some(ForeignKey {
                name: foreign_key_name(&entity.table, &field.column),
                column: field.column.clone(),
                target: target.table.clone(),
                target_column: target.key_field().column.clone(),
                on_delete: relation.on_delete,
                ready: true,
            })
        })
        .collect()
}

fn indexes(entity: &Entity) -> Result<Vec<Index>> {
    let mut found = Vec::new();
    for unique in &entity.uniques {
        let mut parts = Vec::new();
        if let Some(predicate) = &unique.condition {
            parts.push(expressible(entity, "the unique", &unique.name, predicate)?);
        }
        if let Some(deleted) = entity.deleted_at {
            parts.push(Condition::is_null(&entity.field(deleted).column));
        }
        found.push(Index {
            name: unique.name.clone(),
            unique: true,
            columns: unique.fields.iter().map(|id| (entity.field(*id).column.clone(), false)).collect(),
            condition: Condition::and(parts),
            using: Using::Btree,
            ready: true,
        });
    }
    for index in &entity.indexes {
        let condition = match &index.condition {
            Some(predicate) => Some(expressible(entity, "the index", &index.name, predicate)?),
            None => None,
        };
        found.push(Index {
            name: index.name.clone(),
            unique: false,
            columns: index
                .fields
                .iter()
                .map(|(id, down)| (entity.field(*id).column.clone(), *down))
                .collect(),
            condition,
            using: index.using,
            ready: true,
        });
    }
    Ok(found)
}

fn expressible(entity: &Entity, what: &str, name: &str, predicate: &entity::Predicate) -> Result<Condition> {
    Condition::of(entity, predicate).map_err(|reason| Error::Inexpressible {
        origin: entity.name.clone(),
        what: format!("{what} `{name}`"),
        reason,
    })
}

fn enum_check(catalog: &Catalog, entity: &Entity, field: &Field) -> Option<Check> {
    let FieldType::Enum(id) = field.ty else { return None };
    Some(Check {
        name: enum_check_name(&entity.table, &field.column),
        field: Some(field.name.clone()),
        condition: Condition::Member {
            column: field.column.clone(),
            list: field.list,
            values: values(catalog.enum_type(id)),
        },
        renamed: catalog
            .enum_type(id)
            .values
            .iter()
            .filter_map(|value| Some((value.name.clone(), value.was.clone()?)))
            .collect(),
        ready: true,
    })
}

/// The part of a check that the database can hold: patterns are the engine's (the two databases have two languages
/// of patterns, and SQLite has none), and so are bounds on the items of a list.
fn field_check(entity: &Entity, field: &Field, check: &entity::catalog::Check) -> Result<Option<Check>> {
    let bound = |op: entity::Op, value: &Value| Condition::Compare {
        column: field.column.clone(),
        op,
        values: vec![Constant::of(field.ty, value)],
    };
    let mut parts = Vec::new();
    if !field.list {
        parts.extend(check.min.iter().map(|value| bound(entity::Op::Gte, value)));
        parts.extend(check.max.iter().map(|value| bound(entity::Op::Lte, value)));
    }
    if check.min_length.is_some() || check.max_length.is_some() {
        parts.push(Condition::Length {
            column: field.column.clone(),
            list: field.list,
            min: check.min_length,
            max: check.max_length,
        });
    }
    if let Some(predicate) = &check.condition {
        parts.push(expressible(entity, "the check", &check.name, predicate)?);
    }
    Ok(Condition::and(parts).map(|condition| Check {
        name: check.name.clone(),
        field: Some(field.name.clone()),
        condition,
        renamed: Vec::new(),
        ready: true,
    }))
}

fn join_table(catalog: &Catalog, join: &JoinTable) -> Table {
    let (mut origins, mut was) = (Vec::new(), Vec::new());
    for entity in &catalog.entities {
        for relation in &entity.relations {
            if !matches!(&relation.join, Join::Through { table, .. } if *table == join.table) {
                continue;
            }
            origins.push(format!("{}.{}", entity.name, relation.name));
            for name in [Some(&entity.name), entity.was.as_ref()].into_iter().flatten() {
                for field in [Some(&relation.name), relation.was.as_ref()].into_iter().flatten() {
                    was.push(format!("{name}.{field}"));
                }
            }
        }
    }
    was.retain(|name| !origins.contains(name));
    let itself = join.sides[0].1 == join.sides[1].1;
    let columns = join.sides.iter().map(|(name, id)| {
        let target = catalog.entity(*id);
        let ty = match target.key {
            IdKind::Uuid7 => ColumnType::Uuid,
            IdKind::Serial => ColumnType::BigInt,
            IdKind::Client => ColumnType::Text,
        };
        // The side is what a column of a join table is, whatever its name; of a type with itself, only the name tells.
        let field = if itself { name.clone() } else { target.name.clone() };
        let was = if itself { None } else { target.was.clone() };
        Column { name: name.clone(), field, was, ty, required: true, default: None, retired: false }
    });
    let foreign_keys = join.sides.iter().map(|(name, id)| ForeignKey {
        name: foreign_key_name(&join.table, name),
        column: name.clone(),
        target: catalog.entity(*id).table.clone(),
        target_column: catalog.entity(*id).key_field().column.clone(),
        on_delete: OnDelete::Cascade,
        ready: true,
    });
    let second = join.sides[1].0.clone();
    Table {
        name: join.table.clone(),
        origins,
        was,
        join: true,
        retired: false,
        columns: columns.collect(),
        primary_key: join.sides.iter().map(|(name, _)| name.clone()).collect(),
        foreign_keys: foreign_keys.collect(),
        indexes: vec![Index {
            name: super::name::index_name(&join.table, &second),
            unique: false,
            columns: vec![(second, false)],
            condition: None,
            using: Using::Btree,
            ready: true,
        }],
        checks: Vec::new(),
    }
}
