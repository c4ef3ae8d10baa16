//! The closed set of value types.

use serde::{Deserialize, Serialize};

use crate::id::{EmbeddedId, EnumId};

/// How a type gets its ids.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum IdKind {
    /// UUIDv7 (RFC 9562), made by the server: time-ordered.
    Uuid7,
    /// 64-bit integers counted by the database, printed as strings.
    Serial,
    /// Text given by the caller.
    Client,
}

/// A built-in scalar of the model language.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Scalar {
    /// An identifier; what it is made of depends on the type it identifies.
    Id(IdKind),
    /// Unicode text without NUL.
    String,
    /// A 32-bit integer.
    Int,
    /// A finite IEEE 754 double.
    Float,
    /// true or false.
    Boolean,
    /// A 64-bit integer, a string in JSON.
    BigInt,
    /// An exact decimal with at most 6 fraction digits, a string in JSON.
    Decimal,
    /// A calendar day, `YYYY-MM-DD`.
    Date,
    /// An instant in UTC with microseconds, RFC 3339 with `Z`.
    DateTime,
    /// A UUID in lower-case hyphenated form.
    Uuid,
    /// Any JSON value.
    Json,
    /// Text that looks like an e-mail address.
    Email,
    /// Text that is an absolute URL.
    Url,
}

impl Scalar {
    /// Every scalar a model can name, `ID` standing for its text form.
    pub const NAMED: [Scalar; 13] = [
        Scalar::Id(IdKind::Client),
        Scalar::String,
        Scalar::Int,
        Scalar::Float,
        Scalar::Boolean,
        Scalar::BigInt,
        Scalar::Decimal,
        Scalar::Date,
        Scalar::DateTime,
        Scalar::Uuid,
        Scalar::Json,
        Scalar::Email,
        Scalar::Url,
    ];

    /// The name in the model and in GraphQL.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Scalar::Id(_) => "ID",
            Scalar::String => "String",
            Scalar::Int => "Int",
            Scalar::Float => "Float",
            Scalar::Boolean => "Boolean",
            Scalar::BigInt => "BigInt",
            Scalar::Decimal => "Decimal",
            Scalar::Date => "Date",
            Scalar::DateTime => "DateTime",
            Scalar::Uuid => "UUID",
            Scalar::Json => "JSON",
            Scalar::Email => "Email",
            Scalar::Url => "URL",
        }
    }

    /// The scalar of a name in a model.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::NAMED.into_iter().find(|scalar| scalar.name() == name)
    }

    /// Whether values are text, so that `contains` and its kin apply.
    #[must_use]
    pub fn is_text(self) -> bool {
        matches!(self, Scalar::String | Scalar::Email | Scalar::Url | Scalar::Id(IdKind::Client))
    }

    /// Whether values are numbers, so that `inc`, `sum` and `avg` apply.
    #[must_use]
    pub fn is_number(self) -> bool {
        matches!(self, Scalar::Int | Scalar::Float | Scalar::BigInt | Scalar::Decimal)
    }

    /// Whether values have an order, so that `gt`, `between`, `min`, `max` and sorting apply.
    #[must_use]
    pub fn is_ordered(self) -> bool {
        !matches!(self, Scalar::Boolean | Scalar::Json)
    }
}

/// The type of a field, apart from being a list or required.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum FieldType {
    /// A scalar.
    Scalar(Scalar),
    /// One of an enum's values, stored as text.
    Enum(EnumId),
    /// An embedded value, stored as JSON.
    Embedded(EmbeddedId),
}

impl FieldType {
    /// The scalar, where it is one.
    #[must_use]
    pub fn scalar(self) -> Option<Scalar> {
        match self {
            FieldType::Scalar(scalar) => Some(scalar),
            FieldType::Enum(_) | FieldType::Embedded(_) => None,
        }
    }
}
