//! Three-valued logic, and the order of values.

use std::cmp::Ordering;

use serde_json::Value as Json;

use super::model::{Key, Ty};
use super::store::Row;

/// Whether a row is not deleted.
pub(crate) fn alive(row: &Row) -> bool {
    row.get("deletedAt").is_none_or(Json::is_null)
}

/// The order of two values that are there.
pub(crate) fn order(ty: Ty, one: &Json, other: &Json) -> Ordering {
    let number = |value: &Json| value.as_i64().or_else(|| value.as_str().and_then(|text| text.parse().ok()));
    match ty {
        Ty::Int | Ty::Count | Ty::Id(Key::Serial) => number(one).cmp(&number(other)),
        Ty::Flag => one.as_bool().cmp(&other.as_bool()),
        Ty::Text | Ty::Texts | Ty::Id(_) => one.as_str().cmp(&other.as_str()),
    }
}

/// Whether an operator compares a key.
pub(crate) fn is_key(op: &str) -> bool {
    ["eq", "ne", "in", "notIn", "isNull"].contains(&op)
}

/// The items of a list.
pub(crate) fn items(value: &Json) -> impl Iterator<Item = &Json> {
    value.as_array().into_iter().flatten()
}

/// Whether all of them hold, where some may be unknown.
pub(crate) fn all(parts: impl Iterator<Item = Option<bool>>) -> Option<bool> {
    let mut known = Some(true);
    for part in parts {
        match part {
            Some(false) => return Some(false),
            None => known = None,
            Some(true) => {}
        }
    }
    known
}

/// Whether one of them holds, where some may be unknown.
pub(crate) fn any(parts: impl Iterator<Item = Option<bool>>) -> Option<bool> {
    all(parts.map(|part| part.map(|known| !known))).map(|none| !none)
}
