//! Enums and embedded value types.

use serde::{Deserialize, Serialize};

use crate::id::{EmbeddedId, EnumId};
use crate::scalar::FieldType;

/// An enum.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Enum {
    /// Its position in the catalog.
    pub id: EnumId,
    /// Its name.
    pub name: String,
    /// Documentation.
    pub description: Option<String>,
    /// Its values in the order written.
    pub values: Vec<EnumValue>,
}

/// A value of an enum.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnumValue {
    /// Its name; stored as such.
    pub name: String,
    /// Its former name (`@was`).
    pub was: Option<String>,
    /// Documentation.
    pub description: Option<String>,
    /// The reason why it should not be used any more (`@deprecated`).
    pub deprecated: Option<String>,
}

/// A type without `@model`: stored as JSON inside the row that holds it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Embedded {
    /// Its position in the catalog.
    pub id: EmbeddedId,
    /// Its name.
    pub name: String,
    /// Documentation.
    pub description: Option<String>,
    /// Its fields in the order written.
    pub fields: Vec<EmbeddedField>,
}

/// A field of an embedded value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EmbeddedField {
    /// Its name, and its key in the JSON.
    pub name: String,
    /// Documentation.
    pub description: Option<String>,
    /// The type of the value, or of an item of the list.
    pub ty: FieldType,
    /// Whether it is a list.
    pub list: bool,
    /// Whether it always has a value.
    pub required: bool,
}
