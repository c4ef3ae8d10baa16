//! JSON merge patch (RFC 7396) as an update.

use entity::catalog::{Entity, Member};
use entity::{FieldType, Input, Scalar};

/// The fields whose stored value a patch changes in part: it gives an object for a value that is kept as JSON.
#[must_use]
pub fn merged_fields(entity: &Entity, patch: &Input) -> Vec<String> {
    let Input::Object(fields) = patch else { return Vec::new() };
    fields
        .iter()
        .filter(|(name, value)| {
            matches!(value, Input::Object(_))
                && matches!(entity.member(name), Some(Member::Field(field))
                    if !field.list && matches!(field.ty, FieldType::Embedded(_) | FieldType::Scalar(Scalar::Json)))
        })
        .map(|(name, _)| name.clone())
        .collect()
}

/// Puts into a patch what the row holds already, for the given fields.
#[must_use]
pub fn complete(patch: Input, fields: &[String], row: &Input) -> Input {
    let Input::Object(entries) = patch else { return patch };
    let entries = entries
        .into_iter()
        .map(|(name, value)| {
            let value = if fields.contains(&name) {
                merge(row.field(&name).cloned().unwrap_or(Input::Null), value)
            } else {
                value
            };
            (name, value)
        })
        .collect();
    Input::Object(entries)
}

/// The algorithm of RFC 7396, section 2. Depth is bounded by the parser of either side.
#[must_use]
pub fn merge(target: Input, patch: Input) -> Input {
    let Input::Object(changes) = patch else { return patch };
    let mut fields = match target {
        Input::Object(fields) => fields,
        _ => Vec::new(),
    };
    for (key, change) in changes {
        let at = fields.iter().position(|(known, _)| *known == key);
        match (change, at) {
            (Input::Null, Some(at)) => {
                fields.remove(at);
            }
            (Input::Null, None) => {}
            (change, Some(at)) => {
                if let Some((_, value)) = fields.get_mut(at) {
                    *value = merge(std::mem::replace(value, Input::Null), change);
                }
            }
            (change, None) => fields.push((key, merge(Input::Null, change))),
        }
    }
    Input::Object(fields)
}

#[cfg(test)]
mod tests {
    use entity::Input;
    use serde_json::{Value, json};

    use super::merge;

    #[test]
    fn merges_as_the_appendix_of_rfc_7396_says() {
        for (target, patch, expected) in [
            (json!({"a": "b"}), json!({"a": "c"}), json!({"a": "c"})),
            (json!({"a": "b"}), json!({"b": "c"}), json!({"a": "b", "b": "c"})),
            (json!({"a": "b"}), json!({"a": null}), json!({})),
            (json!({"a": "b", "b": "c"}), json!({"a": null}), json!({"b": "c"})),
            (json!({"a": ["b"]}), json!({"a": "c"}), json!({"a": "c"})),
            (json!({"a": "c"}), json!({"a": ["b"]}), json!({"a": ["b"]})),
            (json!({"a": {"b": "c"}}), json!({"a": {"b": "d", "c": null}}), json!({"a": {"b": "d"}})),
            (json!({"a": [{"b": "c"}]}), json!({"a": [1]}), json!({"a": [1]})),
            (json!(["a", "b"]), json!(["c", "d"]), json!(["c", "d"])),
            (json!({"a": "b"}), json!(["c"]), json!(["c"])),
            (json!({"a": "foo"}), json!(null), json!(null)),
            (json!({"e": null}), json!({"a": 1}), json!({"e": null, "a": 1})),
            (json!([1, 2]), json!({"a": "b", "c": null}), json!({"a": "b"})),
            (json!({}), json!({"a": {"bb": {"ccc": null}}}), json!({"a": {"bb": {}}})),
        ] {
            let found: Value = merge(Input::from(target), Input::from(patch)).to_json();
            assert_eq!(found, expected);
        }
    }
}
