//! Cursors: the order's values of one row, with a mark of the list and order they were made for.
//!
//! The text is made by the database (so that pages pass through untouched): hexadecimal of a JSON array, the mark
//! first, then one value for each term of the order as JSON text or null. It holds nothing the caller may not read:
//! an order can only name readable fields.

use entity::catalog::Entity;
use entity::value::{excerpt, scalar_value};
use entity::{Catalog, FieldType, Input, Scalar, Value};
use sha2::{Digest, Sha256};

use super::order::{OrderTerm, cursor_type};
use crate::error::{Code, Error, Result};

/// Bytes a cursor may have.
const LENGTH: usize = 8_192;

/// The mark of a list's type and order.
#[must_use]
pub(crate) fn mark(entity: &Entity, order: &[OrderTerm]) -> String {
    let mut hash = Sha256::new();
    hash.update(b"1\0");
    hash.update(entity.name.as_bytes());
    for term in order {
        for (relation, _) in &term.path {
            hash.update(relation.0.to_be_bytes());
        }
        hash.update([0xff, u8::from(term.descending), u8::from(term.nulls_first)]);
        hash.update(term.entity.0.to_be_bytes());
        hash.update(term.field.0.to_be_bytes());
    }
    hash.finalize().iter().take(4).map(|byte| format!("{byte:02x}")).collect()
}

/// The values a cursor holds, one for each term of the order.
///
/// # Errors
/// `CURSOR_INVALID` for what is no cursor, `CURSOR_MISMATCH` for one of another list or order.
pub(crate) fn decode(
    catalog: &Catalog,
    entity: &Entity,
    order: &[OrderTerm],
    text: &str,
) -> Result<Vec<Value>> {
    let invalid = || {
        Error::new(Code::CursorInvalid, format!("`{}` is not a cursor.", excerpt(text)))
            .hint("Send a cursor back as it came; begin without one.")
    };
    if text.len() > LENGTH {
        return Err(invalid());
    }
    let bytes = unhex(text).ok_or_else(invalid)?;
    let items: Vec<serde_json::Value> = serde_json::from_slice(&bytes).map_err(|_| invalid())?;
    let Some((made_for, values)) = items.split_first() else { return Err(invalid()) };
    if made_for.as_str() != Some(mark(entity, order).as_str()) || values.len() != order.len() {
        return Err(Error::new(Code::CursorMismatch, "The cursor was made for another list or order.").hint(
            "Keep type and order while following cursors; begin again without one after changing them.",
        ));
    }
    order
        .iter()
        .zip(values)
        .map(|(term, value)| {
            let ty = catalog.entity(term.entity).field(term.field).ty;
            decode_value(term, ty, value).ok_or_else(invalid)
        })
        .collect()
}

/// A term's value: null, or the text both databases make of it.
fn decode_value(term: &OrderTerm, ty: FieldType, value: &serde_json::Value) -> Option<Value> {
    if value.is_null() {
        return term.nullable.then_some(Value::Null);
    }
    let text = value.as_str()?;
    let FieldType::Scalar(scalar) = cursor_type(ty) else { return None };
    let input = match scalar {
        Scalar::Int => Input::Int(text.parse().ok()?),
        Scalar::Float => Input::Float(text.parse().ok()?),
        Scalar::Boolean => Input::Bool(text == "true"),
        _ => Input::String(text.to_owned()),
    };
    scalar_value(scalar, &input).ok()
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    if !text.len().is_multiple_of(2) || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(text.get(at..at + 2)?, 16).ok()).collect()
}
