//! Strict JSON: no key twice, bounded depth, numbers that a double can hold.

use std::fmt;

use entity::Input;
use entity::value::{JSON_DEPTH, excerpt};
use poem::http::{HeaderMap, header};
use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use service::{Code, Error, Result};

/// Levels a body may nest: those of a JSON value, and of the objects around it.
pub const MAX_DEPTH: usize = JSON_DEPTH;

/// Reads JSON text. `what` names it in the message: "body".
///
/// # Errors
/// `BAD_REQUEST`, with line and column.
pub fn read(bytes: &[u8], what: &str) -> Result<Input> {
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let value =
        Seed { depth: MAX_DEPTH }.deserialize(&mut reader).and_then(|value| reader.end().map(|()| value));
    value.map_err(|error| {
        Error::new(Code::BadRequest, format!("The {what} is not valid JSON: {error}.")).because(error)
    })
}

#[derive(Clone, Copy)]
struct Seed {
    depth: usize,
}

impl Seed {
    fn deeper<E: serde::de::Error>(self) -> Result<Self, E> {
        let depth = self
            .depth
            .checked_sub(1)
            .ok_or_else(|| E::custom(format!("it nests deeper than {MAX_DEPTH} levels")))?;
        Ok(Self { depth })
    }
}

impl<'de> DeserializeSeed<'de> for Seed {
    type Value = Input;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Input, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Seed {
    type Value = Input;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Input, E> {
        Ok(Input::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Input, E> {
        Ok(Input::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Input, E> {
        Ok(Input::Int(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Input, E> {
        Ok(i64::try_from(value).map_or(Input::Float(value as f64), Input::Int))
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Input, E> {
        if value.is_finite() { Ok(Input::Float(value)) } else { Err(E::custom("number out of range")) }
    }

    fn visit_str<E>(self, value: &str) -> Result<Input, E> {
        Ok(Input::String(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Input, E> {
        Ok(Input::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Input, A::Error> {
        let seed = self.deeper()?;
        let mut items = Vec::new();
        while let Some(item) = access.next_element_seed(seed)? {
            items.push(item);
        }
        Ok(Input::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Input, A::Error> {
        /// Beyond this many keys, looking each up in all others is no longer cheap.
        const FEW: usize = 32;
        let seed = self.deeper()?;
        let mut fields: Vec<(String, Input)> = Vec::new();
        let mut many = std::collections::HashSet::new();
        while let Some(key) = access.next_key::<String>()? {
            let twice = if fields.len() < FEW {
                fields.iter().any(|(known, _)| *known == key)
            } else {
                if fields.len() == FEW {
                    many.extend(fields.iter().map(|(known, _)| known.clone()));
                }
                !many.insert(key.clone())
            };
            if twice {
                return Err(A::Error::custom(format!("the key \"{}\" is there twice", excerpt(&key))));
            }
            fields.push((key, access.next_value_seed(seed)?));
        }
        Ok(Input::Object(fields))
    }
}

/// Whether a body says it is JSON in UTF-8. Nothing else is read: a form can't be sent here by another site.
pub fn is_json(headers: &HeaderMap) -> bool {
    let Some(value) = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()) else {
        return false;
    };
    let mut parts = value.split(';');
    let json = parts.next().is_some_and(|essence| essence.trim().eq_ignore_ascii_case("application/json"));
    let utf8 = parts.filter_map(|parameter| parameter.split_once('=')).all(|(name, value)| {
        !name.trim().eq_ignore_ascii_case("charset")
            || matches!(value.trim().trim_matches('"').to_ascii_lowercase().as_str(), "utf-8" | "utf8")
    });
    json && utf8
}

#[cfg(test)]
mod tests {
    use entity::Input;
    use proptest::prelude::*;

    use super::read;

    #[test]
    fn only_strict_json_is_read() {
        for (text, good) in [
            ("{\"a\":1,\"b\":[null,true,\"x\",1.5]}", true),
            ("{\"a\":1,\"a\":2}", false),
            ("{\"a\":{\"b\":1,\"b\":1}}", false),
            ("{\"a\":1,\"\\u0061\":2}", false),
            ("{\"a\":1} x", false),
            ("{\"a\":1,}", false),
            ("[1e999]", false),
            ("[-1e999]", false),
            ("[NaN]", false),
            ("\"\\ud800\"", false),
            ("", false),
            ("18446744073709551615", true),
        ] {
            assert_eq!(read(text.as_bytes(), "body").is_ok(), good, "{text}");
        }
        assert!(read(b"\"\xff\"", "body").is_err());
        assert_eq!(read(b"9223372036854775807", "body").unwrap(), Input::Int(i64::MAX));
    }

    #[test]
    fn depth_is_bounded() {
        let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert!(read(nested(64).as_bytes(), "body").is_ok());
        assert!(read(nested(65).as_bytes(), "body").is_err());
        assert!(read("[".repeat(100_000).as_bytes(), "body").is_err());
    }

    #[test]
    fn many_keys_are_told_apart() {
        let keys = |count: usize| (0..count).map(|key| format!("\"k{key}\":1")).collect::<Vec<_>>().join(",");
        assert!(read(format!("{{{}}}", keys(500)).as_bytes(), "body").is_ok());
        assert!(read(format!("{{{},\"k3\":1}}", keys(500)).as_bytes(), "body").is_err());
        assert!(read(format!("{{{},\"k499\":1}}", keys(500)).as_bytes(), "body").is_err());
    }

    proptest! {
        #[test]
        fn never_panics(text in ".{0,300}") {
            let _ = read(text.as_bytes(), "body");
        }
    }
}
