//! Rows of a file, one at a time, in bounded memory, each with its line.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use entity::Input;
use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, Visitor};

use super::Format;

/// Bytes one row may have.
pub(super) const MAX_ROW: usize = 16 * 1024 * 1024;

/// What a row says under one key.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Cell {
    /// A JSON value.
    Value(Input),
    /// Text of a CSV field, and whether it was in quotes.
    Text(String, bool),
}

/// A row as it is written.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct RawRow {
    /// Where it begins, from 1.
    pub(super) line: u64,
    /// Its keys and values.
    pub(super) cells: Vec<(String, Cell)>,
}

impl RawRow {
    /// The row as JSON text, for the reject file.
    pub(super) fn to_json(&self) -> serde_json::Value {
        let cells = self.cells.iter().map(|(key, cell)| {
            let value = match cell {
                Cell::Value(value) => value.to_json(),
                Cell::Text(text, _) => text.clone().into(),
            };
            (key.clone(), value)
        });
        serde_json::Value::Object(cells.collect())
    }
}

/// Why a row can't be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Unreadable {
    /// Where.
    pub(super) line: u64,
    /// Why.
    pub(super) reason: String,
    /// Nothing after it can be read either.
    pub(super) fatal: bool,
}

/// A record of CSV: the line it begins at, its fields, and whether each was in quotes.
type Record = (u64, Vec<(String, bool)>);

/// The rows of a file.
pub(super) struct Rows {
    reader: Box<dyn BufRead + Send>,
    format: Format,
    /// Lines read.
    line: u64,
    /// Bytes read.
    bytes: u64,
    header: Option<Vec<String>>,
    /// The line the header is in.
    headed: u64,
    ended: bool,
}

impl Rows {
    pub(super) fn open(path: &Path, format: Format) -> std::io::Result<Self> {
        Ok(Self::new(Box::new(BufReader::with_capacity(256 * 1024, File::open(path)?)), format))
    }

    pub(super) fn new(reader: Box<dyn BufRead + Send>, format: Format) -> Self {
        Self { reader, format, line: 0, bytes: 0, header: None, headed: 0, ended: false }
    }

    /// Where keys of a row are written, where that is not in the row.
    pub(super) fn headed(&self) -> Option<u64> {
        self.header.as_ref().map(|_| self.headed)
    }

    /// Bytes read so far.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// One line with its end; none at the end of the file.
    fn line(&mut self) -> Result<Option<Vec<u8>>, Unreadable> {
        let mut line = Vec::new();
        let bound = MAX_ROW as u64 + 2;
        let read =
            (&mut self.reader).take(bound).read_until(b'\n', &mut line).map_err(|error| Unreadable {
                line: self.line + 1,
                reason: format!("the file can't be read: {error}"),
                fatal: true,
            })?;
        if read == 0 {
            return Ok(None);
        }
        self.line += 1;
        self.bytes += read as u64;
        if read as u64 == bound && !line.ends_with(b"\n") {
            return Err(self.too_long());
        }
        if self.line == 1 && line.starts_with(b"\xef\xbb\xbf") {
            line.drain(..3);
        }
        Ok(Some(line))
    }

    fn too_long(&self) -> Unreadable {
        Unreadable { line: self.line, reason: format!("a row may have {MAX_ROW} bytes at most"), fatal: true }
    }

    fn ndjson(&mut self) -> Result<Option<RawRow>, Unreadable> {
        while let Some(line) = self.line()? {
            if line.iter().all(u8::is_ascii_whitespace) {
                continue;
            }
            let object: Object = serde_json::from_slice(&line).map_err(|error| Unreadable {
                line: self.line,
                reason: json_reason(&error),
                fatal: false,
            })?;
            let cells =
                object.0.into_iter().map(|(key, value)| (key, Cell::Value(Input::from(value)))).collect();
            return Ok(Some(RawRow { line: self.line, cells }));
        }
        Ok(None)
    }

    fn csv(&mut self) -> Result<Option<RawRow>, Unreadable> {
        if self.header.is_none() {
            let Some((line, header)) = self.record()? else { return Ok(None) };
            let names: Vec<String> = header.into_iter().map(|(name, _)| name.trim().to_owned()).collect();
            let twice = names.iter().enumerate().find(|(at, name)| names[..*at].contains(name));
            if let Some((_, name)) = twice {
                let reason = format!("the header names `{}` twice", entity::value::excerpt(name));
                return Err(Unreadable { line, reason, fatal: true });
            }
            self.header = Some(names);
            self.headed = line;
        }
        let Some((line, record)) = self.record()? else { return Ok(None) };
        let names = self.header.as_deref().unwrap_or_default();
        if record.len() != names.len() {
            let reason = format!("the row has {} fields, the header {}", record.len(), names.len());
            return Err(Unreadable { line, reason, fatal: false });
        }
        let cells = names
            .iter()
            .cloned()
            .zip(record.into_iter().map(|(text, quoted)| Cell::Text(text, quoted)))
            .collect();
        Ok(Some(RawRow { line, cells }))
    }

    /// One record of CSV, over as many lines as its quotes need.
    fn record(&mut self) -> Result<Option<Record>, Unreadable> {
        let Some(mut bytes) = self.line()? else { return Ok(None) };
        let begin = self.line;
        if ended(&bytes).is_empty() {
            return self.record_after_blank();
        }
        let mut quotes = count(&bytes);
        while quotes % 2 == 1 {
            let Some(more) = self.line()? else {
                return Err(Unreadable {
                    line: begin,
                    reason: "a quoted field does not end".to_owned(),
                    fatal: true,
                });
            };
            quotes += count(&more);
            bytes.extend_from_slice(&more);
            if bytes.len() > MAX_ROW {
                return Err(self.too_long());
            }
        }
        bytes.truncate(ended(&bytes).len());
        let text = String::from_utf8(bytes).map_err(|_| Unreadable {
            line: begin,
            reason: "it is not UTF-8".to_owned(),
            fatal: false,
        })?;
        let fields = fields(&text).map_err(|reason| Unreadable {
            line: begin,
            reason: reason.to_owned(),
            fatal: false,
        })?;
        Ok(Some((begin, fields)))
    }

    fn record_after_blank(&mut self) -> Result<Option<Record>, Unreadable> {
        loop {
            let blank = self.reader.fill_buf().map(|buffer| matches!(buffer.first(), Some(b'\n' | b'\r')));
            match blank {
                Ok(true) => {
                    self.line()?;
                }
                _ => return self.record(),
            }
        }
    }
}

impl Iterator for Rows {
    type Item = Result<RawRow, Unreadable>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let row = match self.format {
            Format::Ndjson => self.ndjson(),
            Format::Csv => self.csv(),
        };
        self.ended = matches!(row, Ok(None) | Err(Unreadable { fatal: true, .. }));
        row.transpose()
    }
}

/// A line without its end.
fn ended(line: &[u8]) -> &[u8] {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    line.strip_suffix(b"\r").unwrap_or(line)
}

fn count(bytes: &[u8]) -> usize {
    bytes.iter().filter(|byte| **byte == b'"').count()
}

/// The fields of a record, and whether each was in quotes.
fn fields(text: &str) -> Result<Vec<(String, bool)>, &'static str> {
    let mut fields = Vec::new();
    let mut rest = text;
    loop {
        let after = if let Some(mut inner) = rest.strip_prefix('"') {
            let mut field = String::new();
            loop {
                let (before, after) = inner.split_once('"').ok_or("a quoted field does not end")?;
                field.push_str(before);
                match after.strip_prefix('"') {
                    Some(more) => {
                        field.push('"');
                        inner = more;
                    }
                    None => {
                        fields.push((field, true));
                        break after;
                    }
                }
            }
        } else {
            let (field, after) = rest.split_at(rest.find(',').unwrap_or(rest.len()));
            if field.contains('"') {
                return Err("a field with double quotes must be in double quotes");
            }
            fields.push((field.to_owned(), false));
            after
        };
        match after.strip_prefix(',') {
            Some(after) => rest = after,
            None if after.is_empty() => return Ok(fields),
            None => return Err("there is text after a quoted field"),
        }
    }
}

/// The reason without serde's line: every line is a text of its own.
fn json_reason(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let text = text.rsplit_once(" at line ").map_or(text.as_str(), |(text, _)| text);
    format!("it is not a JSON object: {text}, column {}", error.column())
}

/// An object whose keys are there once.
struct Object(Vec<(String, serde_json::Value)>);

impl<'de> Deserialize<'de> for Object {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Fields;
        impl<'de> Visitor<'de> for Fields {
            type Value = Object;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a JSON object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Object, A::Error> {
                let mut fields: Vec<(String, serde_json::Value)> = Vec::new();
                while let Some((key, value)) = access.next_entry::<String, serde_json::Value>()? {
                    if fields.len() > 10_000 || fields.iter().any(|(known, _)| *known == key) {
                        return Err(A::Error::custom(format!(
                            "the key \"{}\" is there twice",
                            entity::value::excerpt(&key)
                        )));
                    }
                    fields.push((key, value));
                }
                Ok(Object(fields))
            }
        }
        deserializer.deserialize_map(Fields)
    }
}
