//! A value inside the shape: as text wherever a round trip through JSON could change it.

use entity::Value;
use entity::value::datetime_sortable;
use serde::{Deserialize, Serialize};

use entity::{FieldType, Scalar};

/// A constant of a default or a condition.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Constant {
    /// No value.
    Null,
    /// true or false
    Bool(bool),
    /// A 64-bit integer.
    Int(i64),
    /// A double, in its shortest exact form.
    Float(String),
    /// A decimal.
    Decimal(String),
    /// Text.
    Text(String),
    /// `YYYY-MM-DD`
    Date(String),
    /// `YYYY-MM-DDTHH:MM:SS[.ffffff]` in UTC, without `Z`.
    DateTime(String),
    /// Lower-case and hyphenated.
    Uuid(String),
    /// Canonical JSON: embedded values and lists.
    Json(String),
}

impl Constant {
    /// The constant of a value of a field of this type.
    #[must_use]
    pub fn of(ty: FieldType, value: &Value) -> Self {
        match value {
            Value::Null => Constant::Null,
            Value::Bool(value) => Constant::Bool(*value),
            Value::Int(value) => Constant::Int(*value),
            Value::Float(value) => Constant::Float(format!("{value:?}")),
            Value::Decimal(value) => Constant::Decimal(value.normalize().to_string()),
            Value::Text(value) => Constant::Text(value.clone()),
            Value::Date(value) => Constant::Date(value.to_string()),
            Value::DateTime(value) => Constant::DateTime(datetime_sortable(value)),
            Value::Uuid(value) => Constant::Uuid(value.to_string()),
            Value::Json(value) => Constant::Json(value.to_string()),
            Value::List(items) => {
                let items: Vec<_> = items.iter().map(|item| stored(ty, item)).collect();
                Constant::Json(serde_json::Value::Array(items).to_string())
            }
        }
    }
}

/// An item of a list as it is stored: integers of 64 bits as text, as no digit of them may be lost.
fn stored(ty: FieldType, item: &Value) -> serde_json::Value {
    if let (Value::Int(value), Some(Scalar::BigInt)) = (item, ty.scalar()) {
        return value.to_string().into();
    }
    item.to_json()
}
