//! Rows as CSV (RFC 4180) and NDJSON.
//!
//! CSV: a header row, lines end in CR LF, null is an empty field and the empty text is `""`. Rows behind to-one
//! relations become columns `album.title`; lists and JSON are JSON text. A text that a spreadsheet would take for
//! a formula (it begins with `=`, `+`, `-`, `@`, tab or CR and is not a number) gets a `'` in front, as
//! spreadsheets themselves write it.

use serde_json::Value;
use serde_json::value::RawValue;
use service::engine::request::{Requested, Selected};
use service::{Error, Result};

/// The columns of a selection: the way to each value.
pub(super) fn columns(selection: &[Selected]) -> Vec<Vec<String>> {
    let mut columns = Vec::new();
    for selected in selection {
        match &selected.what {
            Requested::One { selection, .. } => {
                for mut inner in self::columns(selection) {
                    inner.insert(0, selected.key.clone());
                    columns.push(inner);
                }
            }
            Requested::Typename
            | Requested::Field { .. }
            | Requested::Key { .. }
            | Requested::Many { .. } => {
                columns.push(vec![selected.key.clone()]);
            }
        }
    }
    columns
}

/// The header row.
pub(super) fn header(columns: &[Vec<String>]) -> Vec<u8> {
    let mut out = String::new();
    for (at, column) in columns.iter().enumerate() {
        if at > 0 {
            out.push(',');
        }
        cell(&column.join("."), &mut out);
    }
    out.push_str("\r\n");
    out.into_bytes()
}

/// The rows of a page, a JSON array, as lines of JSON.
pub(super) fn ndjson(page: &str) -> Result<Vec<u8>> {
    let rows: Vec<&RawValue> = serde_json::from_str(page).map_err(Error::internal)?;
    let mut out = Vec::new();
    for row in rows {
        // Inside a text a line break is always escaped: these are between values.
        out.extend(row.get().bytes().filter(|byte| !matches!(byte, b'\n' | b'\r')));
        out.push(b'\n');
    }
    Ok(out)
}

/// The rows of a page, a JSON array, as lines of CSV.
pub(super) fn csv(page: &str, columns: &[Vec<String>]) -> Result<Vec<u8>> {
    let rows: Vec<&RawValue> = serde_json::from_str(page).map_err(Error::internal)?;
    let mut out = String::new();
    for row in rows {
        let row: Value = serde_json::from_str(row.get()).map_err(Error::internal)?;
        for (at, column) in columns.iter().enumerate() {
            if at > 0 {
                out.push(',');
            }
            let value = column.iter().try_fold(&row, |value, key| value.get(key));
            match value {
                None | Some(Value::Null) => {}
                Some(Value::String(text)) => cell(text, &mut out),
                Some(plain @ (Value::Bool(_) | Value::Number(_))) => out.push_str(&plain.to_string()),
                Some(nested @ (Value::Array(_) | Value::Object(_))) => {
                    // The databases keep the keys of objects in orders of their own.
                    let mut nested = nested.clone();
                    nested.sort_all_objects();
                    cell(&nested.to_string(), &mut out);
                }
            }
        }
        out.push_str("\r\n");
    }
    Ok(out.into_bytes())
}

/// One field of a text.
fn cell(text: &str, out: &mut String) {
    let formula = text.starts_with(['=', '+', '-', '@', '\t', '\r']) && !is_number(text);
    let quoted = text.is_empty()
        || text.contains(['"', ',', '\n', '\r'])
        || text.starts_with(' ')
        || text.ends_with(' ');
    if quoted {
        out.push('"');
    }
    if formula {
        out.push('\'');
    }
    if quoted {
        out.push_str(&text.replace('"', "\"\""));
        out.push('"');
    } else {
        out.push_str(text);
    }
}

/// Whether a text is a plain decimal number: numbers that don't fit a JSON number are texts.
fn is_number(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
    let all = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    all(whole) && all(fraction)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{cell, csv, header, ndjson};

    fn one(text: &str) -> String {
        let mut out = String::new();
        cell(text, &mut out);
        out
    }

    #[test]
    fn cells_are_quoted_where_they_must_be() {
        for (text, expected) in [
            ("plain", "plain"),
            ("", "\"\""),
            ("a,b", "\"a,b\""),
            ("say \"hi\"", "\"say \"\"hi\"\"\""),
            ("two\nlines", "\"two\nlines\""),
            (" x", "\" x\""),
            ("=1+1", "'=1+1"),
            ("=HYPERLINK(\"x\",\"y\")", "\"'=HYPERLINK(\"\"x\"\",\"\"y\"\")\""),
            ("@sum", "'@sum"),
            ("-x", "'-x"),
            ("+1", "'+1"),
            ("-1.50", "-1.50"),
            ("-5", "-5"),
            ("-", "'-"),
            ("-1.", "'-1."),
            ("\tx", "'\tx"),
        ] {
            assert_eq!(one(text), expected, "{text:?}");
        }
    }

    #[test]
    fn rows_become_lines() {
        let page = "[{\"id\":\"1\",\"album\":{\"title\":\"A, B\"},\"tags\":[\"x\"], \n\"n\":1.5,\"b\":true},\n{\"id\":\"2\",\"album\":null,\"tags\":null,\"n\":null,\"b\":false}]";
        let columns: Vec<Vec<String>> = [&["id"][..], &["album", "title"], &["tags"], &["n"], &["b"]]
            .iter()
            .map(|path| path.iter().map(|name| (*name).to_owned()).collect())
            .collect();
        assert_eq!(String::from_utf8(header(&columns)).unwrap(), "id,album.title,tags,n,b\r\n");
        let text = String::from_utf8(csv(page, &columns).unwrap()).unwrap();
        assert_eq!(text, "1,\"A, B\",\"[\"\"x\"\"]\",1.5,true\r\n2,,,,false\r\n");
        let lines = String::from_utf8(ndjson(page).unwrap()).unwrap();
        assert_eq!(lines.lines().count(), 2);
        for line in lines.lines() {
            assert!(serde_json::from_str::<serde_json::Value>(line).is_ok());
        }
    }

    proptest! {
        #[test]
        fn any_text_comes_back(text in ".{0,40}") {
            let out = format!("x,{}\r\n", one(&text));
            let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(out.as_bytes());
            let record = reader.records().next().unwrap().unwrap();
            let found = record.get(1).unwrap();
            prop_assert!(found == text || found == format!("'{text}"), "{found:?} {text:?}");
        }
    }
}
