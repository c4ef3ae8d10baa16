//! What the driver gives back becomes a value: the inverse of [`bind`](crate::database::bind).

use chrono::{DateTime, NaiveDate, NaiveDateTime, Utc};
use entity::value::{DECIMAL_SCALE, coerce};
use entity::{Catalog, FieldType, IdKind, Input, Scalar, Value};
use migration::Dialect;
use rust_decimal::Decimal;
use sea_orm::{DbErr, QueryResult, TryGetable};
use uuid::Uuid;

use crate::error::{Error, Result};

/// The value of a column of a field's type.
pub(super) fn value(
    catalog: &Catalog,
    dialect: Dialect,
    (ty, list): (FieldType, bool),
    row: &QueryResult,
    column: usize,
) -> Result<Value> {
    if list || matches!(ty, FieldType::Embedded(_) | FieldType::Scalar(Scalar::Json)) {
        return json(catalog, dialect, (ty, list), row, column);
    }
    let FieldType::Scalar(scalar) = ty else { return text(row, column) };
    match dialect {
        Dialect::Postgres => postgres(scalar, row, column),
        Dialect::Sqlite => sqlite(scalar, row, column),
    }
}

fn column<T: TryGetable>(row: &QueryResult, column: usize) -> Result<Option<T>> {
    row.try_get_by_index::<Option<T>>(column).map_err(Error::internal)
}

fn map<T: TryGetable>(row: &QueryResult, at: usize, make: impl FnOnce(T) -> Value) -> Result<Value> {
    Ok(column::<T>(row, at)?.map_or(Value::Null, make))
}

fn text(row: &QueryResult, at: usize) -> Result<Value> {
    map(row, at, Value::Text)
}

fn json(
    catalog: &Catalog,
    dialect: Dialect,
    (ty, list): (FieldType, bool),
    row: &QueryResult,
    at: usize,
) -> Result<Value> {
    let found = match dialect {
        Dialect::Postgres => column::<serde_json::Value>(row, at)?,
        Dialect::Sqlite => match column::<String>(row, at)? {
            Some(text) => Some(serde_json::from_str(&text).map_err(Error::internal)?),
            None => None,
        },
    };
    match found {
        Some(json) => coerce(catalog, ty, list, &Input::from(json)).map_err(Error::internal),
        None => Ok(Value::Null),
    }
}

fn postgres(scalar: Scalar, row: &QueryResult, at: usize) -> Result<Value> {
    match scalar {
        Scalar::Id(IdKind::Uuid7) | Scalar::Uuid => map(row, at, Value::Uuid),
        Scalar::Id(IdKind::Serial) | Scalar::BigInt => map(row, at, Value::Int),
        // The version is an Int in a bigint column.
        Scalar::Int => {
            map(row, at, |value: i32| Value::Int(value.into())).or_else(|_| map(row, at, Value::Int))
        }
        Scalar::Float => map(row, at, Value::Float),
        Scalar::Boolean => map(row, at, Value::Bool),
        Scalar::Decimal => map(row, at, |value: Decimal| Value::Decimal(value.normalize())),
        Scalar::Date => map(row, at, Value::Date),
        Scalar::DateTime => map(row, at, |value: DateTime<Utc>| Value::DateTime(value)),
        Scalar::Id(IdKind::Client) | Scalar::String | Scalar::Email | Scalar::Url | Scalar::Json => {
            text(row, at)
        }
    }
}

fn sqlite(scalar: Scalar, row: &QueryResult, at: usize) -> Result<Value> {
    let parsed = |make: &dyn Fn(&str) -> Option<Value>| match column::<String>(row, at)? {
        None => Ok(Value::Null),
        Some(text) => make(&text)
            .ok_or_else(|| Error::internal(DbErr::Type("a stored value has another form".to_owned()))),
    };
    match scalar {
        Scalar::Id(IdKind::Serial) | Scalar::BigInt | Scalar::Int => map(row, at, Value::Int),
        Scalar::Float => map(row, at, Value::Float),
        Scalar::Boolean => map(row, at, |value: i64| Value::Bool(value != 0)),
        Scalar::Decimal => {
            map(row, at, |value: i64| Value::Decimal(Decimal::new(value, DECIMAL_SCALE).normalize()))
        }
        Scalar::Id(IdKind::Uuid7) | Scalar::Uuid => {
            parsed(&|text| Uuid::try_parse(text).ok().map(Value::Uuid))
        }
        Scalar::Date => parsed(&|text| NaiveDate::parse_from_str(text, "%Y-%m-%d").ok().map(Value::Date)),
        Scalar::DateTime => parsed(&|text| {
            NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f")
                .ok()
                .map(|time| Value::DateTime(time.and_utc()))
        }),
        Scalar::Id(IdKind::Client) | Scalar::String | Scalar::Email | Scalar::Url | Scalar::Json => {
            text(row, at)
        }
    }
}
