//! Doubles in JSON text, printed alike: the two databases write `100` and `100.0`, `1e+20` and `1.0e+20`.

use entity::value::TOO_LARGE;

/// The text with every number that has a fraction or exponent in its shortest form.
#[must_use]
pub(crate) fn canonical(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = String::with_capacity(text.len());
    let mut copied = 0;
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'"' => at = string_end(bytes, at),
            b'-' | b'0'..=b'9' => {
                let end = number_end(bytes, at);
                if let Some(number) = text.get(at..end).filter(|number| is_double(number))
                    && let Ok(value) = number.parse::<f64>()
                {
                    out.push_str(text.get(copied..at).unwrap_or_default());
                    out.push_str(&shortest(value));
                    copied = end;
                }
                at = end;
            }
            _ => at += 1,
        }
    }
    out.push_str(text.get(copied..).unwrap_or_default());
    out
}

/// Whether a number is no 64-bit integer: PostgreSQL writes doubles inside of JSON without an exponent.
fn is_double(number: &str) -> bool {
    number.contains(['.', 'e', 'E']) || (number.len() > 18 && number.parse::<i64>().is_err())
}

fn shortest(value: f64) -> String {
    if value.fract() == 0.0 && value.abs() < TOO_LARGE {
        // As few digits as tell it apart, then zeros. Adding zero makes a negative zero positive.
        return format!("{}", value + 0.0);
    }
    serde_json::Value::from(value).to_string()
}

fn string_end(bytes: &[u8], start: usize) -> usize {
    let mut at = start + 1;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'\\' => at += 2,
            b'"' => return at + 1,
            _ => at += 1,
        }
    }
    bytes.len()
}

fn number_end(bytes: &[u8], start: usize) -> usize {
    let mut at = start + 1;
    while bytes.get(at).is_some_and(|byte| matches!(byte, b'0'..=b'9' | b'.' | b'e' | b'E' | b'+' | b'-')) {
        at += 1;
    }
    at
}

#[cfg(test)]
mod tests {
    use super::canonical;

    #[test]
    fn prints_both_databases_forms_alike() {
        assert_eq!(
            canonical(r#"{"a":100.0,"b":1e+20,"c":[0.5,-3.0]}"#),
            r#"{"a":100,"b":1e+20,"c":[0.5,-3]}"#
        );
        assert_eq!(canonical(r#"{"a":100,"b":1.0e+20}"#), r#"{"a":100,"b":1e+20}"#);
        assert_eq!(canonical("[1e18,1.2345678901234567e18]"), "[1000000000000000000,1234567890123456800]");
        assert_eq!(canonical("[9223372036854775807,100000000000000000000]"), "[9223372036854775807,1e+20]");
        assert_eq!(canonical(r#"["1.0\"2.0",0.0]"#), r#"["1.0\"2.0",0]"#);
        assert_eq!(canonical(r#"{"é":"1.50","x":-100.0}"#), r#"{"é":"1.50","x":-100}"#);
    }
}
