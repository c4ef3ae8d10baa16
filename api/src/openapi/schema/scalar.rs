//! Values: as they are answered, as they are given, as they stand in an address.

use entity::catalog::{Check, EmbeddedField};
use entity::scalar::IdKind;
use entity::value::{DECIMAL_SCALE, SERIAL_MAX};
use entity::{FieldType, Scalar};
use serde_json::{Map, Value, json};

use super::super::pattern;
use super::super::view::View;
use super::{Registry, any, list, maybe, nullable, put, reference};

/// Digits of the greatest 64-bit integer.
const BIGINT: &str = "9223372036854775807";
/// Whole and fraction digits of the greatest decimal.
const DECIMAL: (&str, &str) = ("9223372036854", "775807");

/// A value as it is answered.
pub(crate) fn output<'v>(
    view: &'v View<'v>,
    registry: &mut Registry<'v>,
    ty: FieldType,
    many: bool,
) -> Value {
    let item = match ty {
        FieldType::Scalar(scalar) => output_scalar(registry, scalar),
        FieldType::Enum(_) => enumeration(view, registry, ty),
        FieldType::Embedded(id) => {
            let Some((name, _)) = view.embedded[id.index()].clone() else { return json!({}) };
            registry.named(&name, move |registry| embedded(view, registry, id, false))
        }
    };
    if many { list(item) } else { item }
}

fn output_scalar<'v>(registry: &mut Registry<'v>, scalar: Scalar) -> Value {
    match scalar {
        Scalar::Id(IdKind::Uuid7) | Scalar::Uuid => json!({ "type": "string", "format": "uuid" }),
        Scalar::Id(IdKind::Serial) => json!({ "type": "string", "pattern": "^-?[0-9]{1,19}$" }),
        Scalar::Id(IdKind::Client) | Scalar::String => json!({ "type": "string" }),
        Scalar::Int => json!({ "type": "integer", "format": "int32" }),
        Scalar::Float => json!({ "type": "number", "format": "double" }),
        Scalar::Boolean => json!({ "type": "boolean" }),
        Scalar::BigInt => bigint(registry),
        Scalar::Decimal => decimal(registry),
        Scalar::Date => json!({ "type": "string", "format": "date" }),
        Scalar::DateTime => json!({ "type": "string", "format": "date-time" }),
        Scalar::Json => json!({}),
        Scalar::Email => json!({ "type": "string", "format": "email" }),
        Scalar::Url => json!({ "type": "string", "format": "uri" }),
    }
}

/// An integer as it is taken; answers are told without the bounds that every one keeps to.
fn int() -> Value {
    json!({ "type": "integer", "format": "int32", "minimum": i32::MIN, "maximum": i32::MAX })
}

fn bigint<'v>(registry: &mut Registry<'v>) -> Value {
    registry.shared("BigInt", move |_| {
        json!({
            "type": "string",
            "format": "int64",
            "pattern": pattern::integer(BIGINT),
            "description": "A 64-bit integer as text, so that no digit is lost.",
        })
    })
}

fn decimal<'v>(registry: &mut Registry<'v>) -> Value {
    registry.shared("Decimal", move |_| {
        json!({
            "type": "string",
            "format": "decimal",
            "pattern": pattern::decimal(DECIMAL.0, DECIMAL.1, true),
            "description": format!(
                "An exact decimal number as text: at most {DECIMAL_SCALE} fraction digits, within ±{}.{}.",
                DECIMAL.0, DECIMAL.1
            ),
        })
    })
}

/// The schema of an enum.
pub(crate) fn enumeration<'v>(view: &'v View<'v>, registry: &mut Registry<'v>, ty: FieldType) -> Value {
    let FieldType::Enum(id) = ty else { return json!({}) };
    let definition = view.catalog.enum_type(id);
    registry.named(&definition.name, move |_| {
        let names: Vec<_> = definition.values.iter().map(|value| value.name.as_str()).collect();
        let mut text = definition.description.clone().unwrap_or_default();
        for value in &definition.values {
            let said = match (&value.description, &value.deprecated) {
                (None, None) => continue,
                (Some(said), None) => said.clone(),
                (None, Some(reason)) => format!("Deprecated: {reason}"),
                (Some(said), Some(reason)) => format!("{said} Deprecated: {reason}"),
            };
            text.push_str(&format!("\n- `{}`: {said}", value.name));
        }
        let mut schema = json!({ "type": "string", "enum": names });
        maybe(&mut schema, "description", (!text.is_empty()).then(|| text.trim().to_owned()));
        schema
    })
}

fn embedded<'v>(
    view: &'v View<'v>,
    registry: &mut Registry<'v>,
    id: entity::EmbeddedId,
    written: bool,
) -> Value {
    let definition = view.catalog.embedded_type(id);
    let mut properties = Map::new();
    for field in &definition.fields {
        properties.insert(field.name.clone(), embedded_field(view, registry, field, written));
    }
    let required: Vec<_> =
        definition.fields.iter().filter(|field| field.required).map(|field| field.name.as_str()).collect();
    let mut schema = if written {
        super::closed(properties, &required)
    } else {
        let mut schema = super::open(properties);
        super::require(&mut schema, &required);
        schema
    };
    maybe(&mut schema, "description", definition.description.clone());
    schema
}

fn embedded_field<'v>(
    view: &'v View<'v>,
    registry: &mut Registry<'v>,
    field: &'v EmbeddedField,
    written: bool,
) -> Value {
    let schema = if written {
        input(view, registry, field.ty, field.list, &[])
    } else {
        output(view, registry, field.ty, field.list)
    };
    let mut schema = if field.required { schema } else { nullable(schema) };
    maybe(&mut schema, "description", field.description.clone());
    schema
}

/// New values of an embedded value: what is left out stays, null empties.
pub(crate) fn patch<'v>(view: &'v View<'v>, registry: &mut Registry<'v>, id: entity::EmbeddedId) -> Value {
    let definition = view.catalog.embedded_type(id);
    registry.shared(&format!("{}Patch", definition.name), move |registry| {
        let mut properties = Map::new();
        for field in &definition.fields {
            let schema = match field.ty {
                FieldType::Embedded(inner) if !field.list => patch(view, registry, inner),
                ty => input(view, registry, ty, field.list, &[]),
            };
            let mut schema = if field.required { schema } else { nullable(schema) };
            maybe(&mut schema, "description", field.description.clone());
            properties.insert(field.name.clone(), schema);
        }
        let mut schema = super::closed(properties, &[]);
        put(
            &mut schema,
            "description",
            format!("New values of {}: what is left out stays, null empties.", definition.name),
        );
        schema
    })
}

/// A value as it can be given: every form that is taken, so that a client may rely on a refusal of any other.
pub(crate) fn input<'v>(
    view: &'v View<'v>,
    registry: &mut Registry<'v>,
    ty: FieldType,
    many: bool,
    checks: &[Check],
) -> Value {
    let mut item = match ty {
        FieldType::Scalar(scalar) => input_scalar(registry, scalar, if many { &[] } else { checks }),
        FieldType::Enum(_) => enumeration(view, registry, ty),
        FieldType::Embedded(id) => {
            let Some((_, name)) = view.embedded[id.index()].clone() else { return json!({}) };
            registry.named(&name, move |registry| embedded(view, registry, id, true))
        }
    };
    if !many {
        lengths(&mut item, checks, "minLength", "maxLength");
        return item;
    }
    let mut schema = list(item);
    lengths(&mut schema, checks, "minItems", "maxItems");
    schema
}

fn lengths(schema: &mut Value, checks: &[Check], least: &str, most: &str) {
    maybe(schema, least, checks.iter().filter_map(|check| check.min_length).max());
    maybe(schema, most, checks.iter().filter_map(|check| check.max_length).min());
}

fn input_scalar<'v>(registry: &mut Registry<'v>, scalar: Scalar, checks: &[Check]) -> Value {
    match scalar {
        Scalar::Id(IdKind::Serial) => json!({
            "type": ["string", "integer"], "pattern": pattern::integer(BIGINT), "minimum": i64::MIN, "maximum": i64::MAX,
        }),
        Scalar::Id(IdKind::Client) => {
            json!({ "type": ["string", "integer"], "minimum": i64::MIN, "maximum": i64::MAX })
        }
        Scalar::BigInt => registry.shared("BigIntInput", move |_| {
            json!({
                "type": ["string", "integer"],
                "format": "int64",
                "pattern": pattern::integer(BIGINT),
                "minimum": i64::MIN,
                "maximum": i64::MAX,
                "description": "A 64-bit integer, as text or as a number.",
            })
        }),
        Scalar::Decimal => decimal_input(registry, checks),
        Scalar::Int | Scalar::Float => {
            let mut schema = if scalar == Scalar::Int { int() } else { output_scalar(registry, scalar) };
            let numbers = |pick: fn(&Check) -> Option<&entity::Value>| {
                checks
                    .iter()
                    .filter_map(pick)
                    .map(entity::Value::to_json)
                    .filter(Value::is_number)
                    .collect::<Vec<_>>()
            };
            maybe(&mut schema, "minimum", extreme(numbers(|check| check.min.as_ref()), true));
            maybe(&mut schema, "maximum", extreme(numbers(|check| check.max.as_ref()), false));
            schema
        }
        Scalar::String => {
            let mut schema = output_scalar(registry, scalar);
            let expression = checks.iter().find_map(|check| check.pattern.as_deref());
            maybe(&mut schema, "pattern", expression.filter(|text| pattern::portable(text)));
            schema
        }
        Scalar::Id(IdKind::Uuid7)
        | Scalar::Uuid
        | Scalar::Boolean
        | Scalar::Date
        | Scalar::DateTime
        | Scalar::Json
        | Scalar::Email
        | Scalar::Url => output_scalar(registry, scalar),
    }
}

fn decimal_input<'v>(registry: &mut Registry<'v>, checks: &[Check]) -> Value {
    let schema = |signed: bool, least: i64| {
        json!({
            "type": ["string", "number"],
            "format": "decimal",
            "pattern": pattern::decimal(DECIMAL.0, DECIMAL.1, signed),
            "minimum": least,
            "maximum": 9_223_372_036_854_i64,
            "description": format!("A decimal number with at most {DECIMAL_SCALE} fraction digits, as text (exact) or as a number."),
        })
    };
    let positive = checks.iter().filter_map(|check| check.min.as_ref()).any(|least| match least {
        entity::Value::Decimal(least) => !least.is_sign_negative(),
        _ => false,
    });
    if positive {
        return registry.shared("UnsignedDecimalInput", move |_| schema(false, 0));
    }
    registry.shared("DecimalInput", move |_| schema(true, -9_223_372_036_854))
}

/// The strictest of several bounds.
fn extreme(bounds: Vec<Value>, greatest: bool) -> Option<Value> {
    bounds.into_iter().reduce(|a, b| {
        let a_greater = a.as_f64().unwrap_or_default() > b.as_f64().unwrap_or_default();
        if a_greater == greatest { a } else { b }
    })
}

/// A value as it stands in an address.
pub(crate) fn query<'v>(view: &'v View<'v>, registry: &mut Registry<'v>, ty: FieldType) -> Value {
    match ty {
        FieldType::Scalar(Scalar::Id(IdKind::Serial)) => {
            json!({ "type": "string", "pattern": pattern::integer(BIGINT) })
        }
        FieldType::Scalar(Scalar::Int) => int(),
        FieldType::Scalar(scalar) => output_scalar(registry, scalar),
        FieldType::Enum(_) => enumeration(view, registry, ty),
        FieldType::Embedded(_) => json!({ "type": "string" }),
    }
}

/// A counted id as the caller may choose it, in a body or in a path.
pub(crate) fn chosen(in_body: bool) -> Value {
    let pattern = pattern::integer(&SERIAL_MAX.to_string());
    if in_body {
        return json!({
            "type": ["string", "integer"], "pattern": pattern, "minimum": -SERIAL_MAX - 1, "maximum": SERIAL_MAX,
        });
    }
    json!({ "type": "string", "pattern": pattern })
}

/// What JSON Schema can't say about a field, in words.
pub(crate) fn remarks(ty: FieldType, checks: &[Check]) -> String {
    let mut said = Vec::new();
    for check in checks {
        if matches!(ty, FieldType::Scalar(Scalar::Int | Scalar::Float)) && check.message.is_none() {
            continue;
        }
        let told = |value: &entity::Value| match value.to_json() {
            Value::String(text) => text,
            other => other.to_string(),
        };
        match (&check.message, &check.min, &check.max) {
            (Some(message), ..) => said.push(message.clone()),
            (None, Some(min), Some(max)) => said.push(format!("From {} to {}.", told(min), told(max))),
            (None, Some(min), None) => said.push(format!("At least {}.", told(min))),
            (None, None, Some(max)) => said.push(format!("At most {}.", told(max))),
            (None, None, None) => {}
        }
        if let Some(expression) = check.pattern.as_deref().filter(|text| !pattern::portable(text)) {
            said.push(format!("Matches `{expression}`."));
        }
    }
    said.join(" ")
}

/// Adds words to a schema's description.
pub(crate) fn describe(schema: &mut Value, parts: &[&str]) {
    let text = parts.iter().filter(|part| !part.is_empty()).copied().collect::<Vec<_>>().join(" ");
    if !text.is_empty() {
        put(schema, "description", text);
    }
}

/// A reference to a row's schema, or to one with fewer fields.
pub(crate) fn row(name: &str, partial: &str) -> Value {
    any(vec![reference(name), reference(partial)])
}
