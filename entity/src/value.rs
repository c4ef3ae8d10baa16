//! One checked value, and how input becomes one.

use chrono::{DateTime, Datelike, NaiveDate, SubsecRound, Utc};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::catalog::{Catalog, Embedded, EmbeddedField};
use crate::input::Input;
use crate::problem::{Problem, Trouble};
use crate::scalar::{FieldType, IdKind, Scalar};
use crate::suggest;

/// Fraction digits a `Decimal` keeps.
pub const DECIMAL_SCALE: u32 = 6;

/// Levels a JSON value may nest.
pub const JSON_DEPTH: usize = 64;

/// 2^63: 64-bit integers are less, in size. Numbers in JSON too, which are exact up to here.
pub const TOO_LARGE: f64 = 9_223_372_036_854_775_808.0;

/// A checked value of one of the closed set of types.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Value {
    /// No value.
    Null,
    /// true or false
    Bool(bool),
    /// `Int`, `BigInt` and SERIAL ids.
    Int(i64),
    /// A finite double; never negative zero.
    Float(f64),
    /// At most [`DECIMAL_SCALE`] fraction digits, within a scaled 64-bit integer.
    Decimal(Decimal),
    /// `String`, `Email`, `URL`, CLIENT ids and enum values.
    Text(String),
    /// A calendar day.
    Date(NaiveDate),
    /// An instant, in microseconds.
    DateTime(DateTime<Utc>),
    /// `UUID` and UUIDv7 ids.
    Uuid(Uuid),
    /// `JSON` and embedded values, keys in canonical order.
    Json(serde_json::Value),
    /// A list of any of the above.
    List(Vec<Value>),
}

impl Value {
    /// Whether there is no value.
    #[must_use]
    pub fn is_null(&self) -> bool {
        matches!(self, Value::Null)
    }

    /// The value as both APIs print it and as lists and embedded values store it: 64-bit integers are strings.
    #[must_use]
    pub fn to_json_of(&self, ty: FieldType) -> serde_json::Value {
        match (self, ty) {
            (Value::List(items), ty) => items.iter().map(|item| item.to_json_of(ty)).collect(),
            (Value::Int(value), FieldType::Scalar(Scalar::BigInt | Scalar::Id(IdKind::Serial))) => {
                value.to_string().into()
            }
            (other, _) => other.to_json(),
        }
    }

    /// The value as JSON, integers of any width as numbers.
    #[must_use]
    pub fn to_json(&self) -> serde_json::Value {
        match self {
            Value::Null => serde_json::Value::Null,
            Value::Bool(value) => (*value).into(),
            Value::Int(value) => (*value).into(),
            Value::Float(value) => (*value).into(),
            Value::Decimal(value) => value.normalize().to_string().into(),
            Value::Text(value) => value.clone().into(),
            Value::Date(value) => value.to_string().into(),
            Value::DateTime(value) => datetime_text(value).into(),
            Value::Uuid(value) => value.to_string().into(),
            Value::Json(value) => value.clone(),
            Value::List(items) => items.iter().map(Value::to_json).collect(),
        }
    }
}

/// RFC 3339 in UTC with `Z`, fraction digits only as far as needed.
#[must_use]
pub fn datetime_text(value: &DateTime<Utc>) -> String {
    format!("{}Z", datetime_sortable(value))
}

/// The same without `Z`: a shorter text is a prefix of the later instants, so text order is time order.
#[must_use]
pub fn datetime_sortable(value: &DateTime<Utc>) -> String {
    let micros = value.timestamp_subsec_micros();
    let mut text = value.format("%Y-%m-%dT%H:%M:%S").to_string();
    if micros != 0 {
        text.push_str(format!(".{micros:06}").trim_end_matches('0'));
    }
    text
}

/// The decimal as a 64-bit integer of millionths, where it fits.
#[must_use]
pub fn decimal_scaled(value: Decimal) -> Option<i64> {
    let normal = value.normalize();
    if normal.scale() > DECIMAL_SCALE {
        return None;
    }
    let factor = 10_i128.pow(DECIMAL_SCALE - normal.scale());
    let scaled = normal.mantissa().checked_mul(factor)?;
    i64::try_from(scaled).ok().filter(|value| *value != i64::MIN)
}

/// Makes a value of a field's type from input. A variable is not a value yet and is refused here.
///
/// # Errors
/// `BadValue`, with what was expected and what came.
pub fn coerce(catalog: &Catalog, ty: FieldType, list: bool, input: &Input) -> Result<Value, Problem> {
    if *input == Input::Null {
        return Ok(Value::Null);
    }
    if !list {
        return item(catalog, ty, input);
    }
    let Input::List(items) = input else {
        return Err(expected("a list", input));
    };
    let values = items
        .iter()
        .enumerate()
        .map(|(index, value)| match value {
            Input::Null => {
                Err(Problem::new(Trouble::BadValue, "an item of a list can't be null").at(index.to_string()))
            }
            value => item(catalog, ty, value).map_err(|problem| problem.at(index.to_string())),
        })
        .collect::<Result<_, _>>()?;
    Ok(Value::List(values))
}

fn item(catalog: &Catalog, ty: FieldType, input: &Input) -> Result<Value, Problem> {
    match ty {
        FieldType::Scalar(scalar) => scalar_value(scalar, input),
        FieldType::Enum(id) => {
            let definition = catalog.enum_type(id);
            let Input::String(text) = input else {
                return Err(expected(&format!("a value of {}", definition.name), input));
            };
            if definition.values.iter().any(|value| value.name == *text) {
                return Ok(Value::Text(text.clone()));
            }
            let hint = suggest::hint(text, definition.values.iter().map(|value| value.name.as_str()));
            Err(bad(format!("`{}` is not a value of {}", excerpt(text), definition.name)).hint(hint))
        }
        FieldType::Embedded(id) => embedded_value(catalog, catalog.embedded_type(id), input).map(Value::Json),
    }
}

/// Makes a value of a scalar type from input.
///
/// # Errors
/// `BadValue`, with what was expected and what came.
pub fn scalar_value(scalar: Scalar, input: &Input) -> Result<Value, Problem> {
    // JSON knows one kind of number: `16.0` is an integer there.
    if let (Scalar::Int | Scalar::BigInt | Scalar::Id(IdKind::Serial | IdKind::Client), Input::Float(value)) =
        (scalar, input)
        && let Some(whole) = whole(*value)
    {
        return scalar_value(scalar, &Input::Int(whole));
    }
    match (scalar, input) {
        (_, Input::Param(_)) => Err(bad("a variable is not possible here")),
        (Scalar::Boolean, Input::Bool(value)) => Ok(Value::Bool(*value)),
        (Scalar::Int, Input::Int(value)) => {
            i32::try_from(*value).map(|value| Value::Int(value.into())).map_err(|_| {
                bad(format!("{value} is outside of Int (32 bits)"))
                    .hint("declare the field as BigInt".to_owned())
            })
        }
        (Scalar::BigInt, Input::Int(value)) => Ok(Value::Int(*value)),
        (Scalar::BigInt, Input::String(text)) => {
            text.parse().map(Value::Int).map_err(|_| expected("a 64-bit integer", input))
        }
        (Scalar::Float, Input::Int(value)) => Ok(Value::Float(*value as f64)),
        (Scalar::Float, Input::Float(value)) if value.is_finite() => Ok(Value::Float(value + 0.0)),
        (Scalar::Decimal, Input::Int(value)) => decimal(Decimal::from(*value), input),
        (Scalar::Decimal, Input::Float(value)) => {
            decimal(value.to_string().parse().map_err(|_| expected("a decimal", input))?, input)
        }
        (Scalar::Decimal, Input::String(text)) => decimal(
            Decimal::from_str_exact(text).map_err(|_| expected("a decimal such as \"12.50\"", input))?,
            input,
        ),
        (Scalar::Id(IdKind::Serial), Input::Int(value)) => Ok(Value::Int(*value)),
        (Scalar::Id(IdKind::Serial), Input::String(text)) => {
            text.parse().map(Value::Int).map_err(|_| expected("an integer id", input))
        }
        (Scalar::Id(IdKind::Client), Input::Int(value)) => Ok(Value::Text(value.to_string())),
        (Scalar::Json, input) => json(input).map(Value::Json),
        (_, Input::String(text)) => from_text(scalar, text, input),
        (_, _) => Err(expected(article(scalar), input)),
    }
}

/// A number without a fraction, where a 64-bit integer holds it.
fn whole(value: f64) -> Option<i64> {
    (value.fract() == 0.0 && (-TOO_LARGE..TOO_LARGE).contains(&value)).then_some(value as i64)
}

fn from_text(scalar: Scalar, text: &str, input: &Input) -> Result<Value, Problem> {
    match scalar {
        Scalar::String | Scalar::Id(IdKind::Client) => clean(text).map(|text| Value::Text(text.to_owned())),
        Scalar::Email => {
            let text = clean(text)?;
            let valid = text.len() <= 254
                && text.split_once('@').is_some_and(|(local, domain)| {
                    !local.is_empty()
                        && domain.contains('.')
                        && !domain.starts_with('.')
                        && !domain.ends_with('.')
                        && !domain.contains('@')
                })
                && !text.chars().any(|c| c.is_whitespace() || c.is_control());
            if valid { Ok(Value::Text(text.to_owned())) } else { Err(expected("an e-mail address", input)) }
        }
        Scalar::Url => match url::Url::parse(clean(text)?) {
            Ok(url) if url.has_host() || url.scheme() == "mailto" => Ok(Value::Text(text.to_owned())),
            _ => Err(expected("an absolute URL", input)),
        },
        Scalar::Uuid | Scalar::Id(IdKind::Uuid7) => {
            Uuid::try_parse(text).map(Value::Uuid).map_err(|_| expected("a UUID", input))
        }
        Scalar::Date => (text.len() == 10)
            .then(|| NaiveDate::parse_from_str(text, "%Y-%m-%d").ok())
            .flatten()
            .filter(|date| (1..=9999).contains(&date.year()))
            .map(Value::Date)
            .ok_or_else(|| expected("a date such as \"2026-01-31\"", input)),
        Scalar::DateTime => DateTime::parse_from_rfc3339(text)
            .ok()
            .map(|time| time.with_timezone(&Utc).trunc_subsecs(6))
            .filter(|time| (1..=9999).contains(&time.year()) && time.timestamp_subsec_micros() < 1_000_000)
            .map(Value::DateTime)
            .ok_or_else(|| expected("a time such as \"2026-01-31T12:00:00Z\" (RFC 3339)", input)),
        Scalar::Int
        | Scalar::Float
        | Scalar::Boolean
        | Scalar::BigInt
        | Scalar::Decimal
        | Scalar::Id(IdKind::Serial)
        | Scalar::Json => Err(expected(article(scalar), input)),
    }
}

fn clean(text: &str) -> Result<&str, Problem> {
    if text.contains('\0') {
        return Err(bad("text can't contain the character U+0000"));
    }
    Ok(text)
}

fn decimal(value: Decimal, input: &Input) -> Result<Value, Problem> {
    let value = value.normalize();
    if value.scale() > DECIMAL_SCALE {
        return Err(bad(format!("a Decimal has at most {DECIMAL_SCALE} fraction digits")));
    }
    if decimal_scaled(value).is_none() {
        return Err(bad(format!("{} is outside of Decimal (±9223372036854.775807)", shown(input))));
    }
    Ok(Value::Decimal(if value.is_zero() { Decimal::ZERO } else { value }))
}

/// JSON in a canonical form (keys by length, then by bytes, as PostgreSQL's jsonb keeps them), so that both
/// engines give it back alike.
fn json(input: &Input) -> Result<serde_json::Value, Problem> {
    if input.deeper_than(JSON_DEPTH) {
        return Err(bad(format!("JSON nests deeper than {JSON_DEPTH} levels")));
    }
    Ok(match input {
        Input::String(text) => clean(text)?.into(),
        Input::Float(value) if !value.is_finite() => return Err(bad("a JSON number must be finite")),
        // Larger ones were rounded when they were read: neither database would give back what was sent.
        Input::Float(value) if value.abs() >= TOO_LARGE => {
            return Err(bad(format!("the number {value:e} is too large to be kept exactly in JSON"))
                .hint("numbers below 2^63 are kept; send a larger one as a string".to_owned()));
        }
        Input::Float(value) => (value + 0.0).into(),
        Input::List(items) => serde_json::Value::Array(
            items
                .iter()
                .enumerate()
                .map(|(index, item)| json(item).map_err(|problem| problem.at(index.to_string())))
                .collect::<Result<_, _>>()?,
        ),
        Input::Object(fields) => {
            let mut sorted: Vec<_> = fields.iter().collect();
            sorted.sort_by(|(a, _), (b, _)| a.len().cmp(&b.len()).then_with(|| a.cmp(b)));
            let fields = sorted
                .into_iter()
                .map(|(key, value)| {
                    let value = json(value).map_err(|problem| problem.at(excerpt(key)))?;
                    Ok((clean(key)?.to_owned(), value))
                })
                .collect::<Result<_, Problem>>()?;
            serde_json::Value::Object(fields)
        }
        Input::Param(_) => return Err(bad("a variable inside a JSON value must be the whole value")),
        plain => plain.to_json(),
    })
}

fn embedded_value(
    catalog: &Catalog,
    embedded: &Embedded,
    input: &Input,
) -> Result<serde_json::Value, Problem> {
    let Input::Object(given) = input else {
        return Err(expected(&format!("an object of {}", embedded.name), input));
    };
    for (key, _) in given {
        if !embedded.fields.iter().any(|field| field.name == *key) {
            let hint = suggest::hint(key, embedded.fields.iter().map(|field| field.name.as_str()));
            return Err(Problem::new(
                Trouble::UnknownField,
                format!("{} has no field `{}`", embedded.name, excerpt(key)),
            )
            .hint(hint)
            .at(key.clone()));
        }
    }
    let mut object = serde_json::Map::new();
    for field in &embedded.fields {
        let value =
            embedded_field(catalog, field, input).map_err(|problem| problem.at(field.name.clone()))?;
        object.insert(field.name.clone(), value);
    }
    Ok(serde_json::Value::Object(object))
}

fn embedded_field(
    catalog: &Catalog,
    field: &EmbeddedField,
    object: &Input,
) -> Result<serde_json::Value, Problem> {
    let value = match object.field(&field.name) {
        Some(input) => coerce(catalog, field.ty, field.list, input)?,
        None => Value::Null,
    };
    if value.is_null() && field.required {
        return Err(bad(format!("`{}` is required", field.name)));
    }
    Ok(value.to_json_of(field.ty))
}

fn bad(message: impl Into<String>) -> Problem {
    Problem::new(Trouble::BadValue, message)
}

fn expected(what: &str, input: &Input) -> Problem {
    bad(format!("expected {what}, got {}", shown(input)))
}

/// A short, printable form of an input for messages.
fn shown(input: &Input) -> String {
    match input {
        Input::String(text) => format!("\"{}\"", excerpt(text)),
        Input::Int(value) => value.to_string(),
        Input::Float(value) => value.to_string(),
        Input::Bool(value) => value.to_string(),
        other => other.kind().to_owned(),
    }
}

/// The beginning of a text without control characters, for messages.
#[must_use]
pub fn excerpt(text: &str) -> String {
    let mut short: String =
        text.chars().take(40).map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect();
    if text.chars().nth(40).is_some() {
        short.push('…');
    }
    short
}

fn article(scalar: Scalar) -> &'static str {
    match scalar {
        Scalar::Id(_) => "an ID",
        Scalar::String => "a String",
        Scalar::Int => "an Int",
        Scalar::Float => "a Float",
        Scalar::Boolean => "a Boolean",
        Scalar::BigInt => "a BigInt (an integer, or a string of digits)",
        Scalar::Decimal => "a Decimal (a string such as \"12.50\")",
        Scalar::Date => "a Date (\"YYYY-MM-DD\")",
        Scalar::DateTime => "a DateTime (RFC 3339)",
        Scalar::Uuid => "a UUID",
        Scalar::Json => "JSON",
        Scalar::Email => "an e-mail address",
        Scalar::Url => "an absolute URL",
    }
}
