//! A checked value becomes what the driver binds: the storage forms of both databases.

use entity::value::{datetime_sortable, decimal_scaled};
use entity::{FieldType, IdKind, Scalar, Value};
use migration::Dialect;
use sea_orm::Value as Bound;
use sea_orm::sea_query::ArrayType;

/// The bound form of a value of a field.
#[must_use]
pub fn bind(dialect: Dialect, ty: FieldType, list: bool, value: &Value) -> Bound {
    if list || matches!(ty, FieldType::Embedded(_) | FieldType::Scalar(Scalar::Json)) {
        return json(dialect, ty, value);
    }
    let FieldType::Scalar(scalar) = ty else {
        return text(value);
    };
    match dialect {
        Dialect::Postgres => postgres(scalar, value),
        Dialect::Sqlite => sqlite(scalar, value),
    }
}

/// The bound form of a list of values that one value is compared with (`in`): an array on PostgreSQL, a JSON
/// text on SQLite. One parameter whatever its length.
#[must_use]
pub fn bind_list(dialect: Dialect, ty: FieldType, values: &[Value]) -> Bound {
    let items: Vec<Bound> = values.iter().map(|value| bind(dialect, ty, false, value)).collect();
    match dialect {
        Dialect::Postgres => Bound::Array(array_type(ty), Some(Box::new(items))),
        Dialect::Sqlite => {
            let items: Vec<serde_json::Value> = items.into_iter().map(plain_json).collect();
            Bound::String(Some(serde_json::Value::Array(items).to_string()))
        }
    }
}

/// The bound form of a list of which nothing is known: no value is in it, and none is outside of it.
#[must_use]
pub fn bind_unknown_list(dialect: Dialect, ty: FieldType) -> Bound {
    match dialect {
        // An array with a null in it is not one the driver takes: it panics.
        Dialect::Postgres => Bound::Array(array_type(ty), None),
        // Without an array there would be no items, and that is known.
        Dialect::Sqlite => Bound::String(Some("[null]".to_owned())),
    }
}

fn plain_json(value: Bound) -> serde_json::Value {
    match value {
        Bound::Bool(Some(value)) => i64::from(value).into(),
        Bound::Int(Some(value)) => value.into(),
        Bound::BigInt(Some(value)) => value.into(),
        Bound::Double(Some(value)) => value.into(),
        Bound::String(Some(value)) => value.into(),
        _ => serde_json::Value::Null,
    }
}

fn array_type(ty: FieldType) -> ArrayType {
    match ty {
        FieldType::Enum(_) | FieldType::Embedded(_) => ArrayType::String,
        FieldType::Scalar(scalar) => match scalar {
            Scalar::Id(IdKind::Uuid7) | Scalar::Uuid => ArrayType::Uuid,
            Scalar::Id(IdKind::Serial) | Scalar::BigInt => ArrayType::BigInt,
            Scalar::Int => ArrayType::Int,
            Scalar::Float => ArrayType::Double,
            Scalar::Boolean => ArrayType::Bool,
            Scalar::Decimal => ArrayType::Decimal,
            Scalar::Date => ArrayType::ChronoDate,
            Scalar::DateTime => ArrayType::ChronoDateTimeUtc,
            Scalar::Id(IdKind::Client) | Scalar::String | Scalar::Json | Scalar::Email | Scalar::Url => {
                ArrayType::String
            }
        },
    }
}

fn json(dialect: Dialect, ty: FieldType, value: &Value) -> Bound {
    match (dialect, value) {
        (Dialect::Postgres, Value::Null) => Bound::Json(None),
        (Dialect::Postgres, value) => Bound::Json(Some(Box::new(value.to_json_of(ty)))),
        (Dialect::Sqlite, Value::Null) => Bound::String(None),
        (Dialect::Sqlite, value) => Bound::String(Some(value.to_json_of(ty).to_string())),
    }
}

fn text(value: &Value) -> Bound {
    match value {
        Value::Text(text) => Bound::String(Some(text.clone())),
        _ => Bound::String(None),
    }
}

fn postgres(scalar: Scalar, value: &Value) -> Bound {
    match (scalar, value) {
        (Scalar::Id(IdKind::Uuid7) | Scalar::Uuid, Value::Uuid(value)) => Bound::Uuid(Some(*value)),
        (Scalar::Id(IdKind::Uuid7) | Scalar::Uuid, _) => Bound::Uuid(None),
        (Scalar::Id(IdKind::Serial) | Scalar::BigInt, Value::Int(value)) => Bound::BigInt(Some(*value)),
        (Scalar::Id(IdKind::Serial) | Scalar::BigInt, _) => Bound::BigInt(None),
        (Scalar::Int, Value::Int(value)) => Bound::Int(i32::try_from(*value).ok()),
        (Scalar::Int, _) => Bound::Int(None),
        (Scalar::Float, Value::Float(value)) => Bound::Double(Some(*value)),
        (Scalar::Float, _) => Bound::Double(None),
        (Scalar::Boolean, Value::Bool(value)) => Bound::Bool(Some(*value)),
        (Scalar::Boolean, _) => Bound::Bool(None),
        (Scalar::Decimal, Value::Decimal(value)) => Bound::Decimal(Some(*value)),
        (Scalar::Decimal, _) => Bound::Decimal(None),
        (Scalar::Date, Value::Date(value)) => Bound::ChronoDate(Some(*value)),
        (Scalar::Date, _) => Bound::ChronoDate(None),
        (Scalar::DateTime, Value::DateTime(value)) => Bound::ChronoDateTimeUtc(Some(*value)),
        (Scalar::DateTime, _) => Bound::ChronoDateTimeUtc(None),
        (Scalar::Id(IdKind::Client) | Scalar::String | Scalar::Email | Scalar::Url | Scalar::Json, value) => {
            text(value)
        }
    }
}

fn sqlite(scalar: Scalar, value: &Value) -> Bound {
    match value {
        Value::Null => match scalar {
            Scalar::Id(IdKind::Serial) | Scalar::BigInt | Scalar::Int | Scalar::Boolean | Scalar::Decimal => {
                Bound::BigInt(None)
            }
            Scalar::Float => Bound::Double(None),
            _ => Bound::String(None),
        },
        Value::Bool(value) => Bound::BigInt(Some(i64::from(*value))),
        Value::Int(value) => Bound::BigInt(Some(*value)),
        Value::Float(value) => Bound::Double(Some(*value)),
        Value::Decimal(value) => Bound::BigInt(decimal_scaled(*value)),
        Value::Text(value) => Bound::String(Some(value.clone())),
        Value::Date(value) => Bound::String(Some(value.to_string())),
        Value::DateTime(value) => Bound::String(Some(datetime_sortable(value))),
        Value::Uuid(value) => Bound::String(Some(value.to_string())),
        Value::Json(_) | Value::List(_) => json(Dialect::Sqlite, FieldType::Scalar(scalar), value),
    }
}
