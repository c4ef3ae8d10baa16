//! Bulk moves between files and the database: import and export of NDJSON and CSV.
//!
//! A file is named after its type (`Track.ndjson`, `Track.csv`) and has the type's field names as keys or headers;
//! a to-one relation is written `album` or `albumId`. A many-to-many relation is a file of its own
//! (`Playlist.tracks.ndjson`) with the two ids under the singular names of both types (`playlist`, `track`); for a
//! relation of a type with itself, under the relation's name (the row it leads to) and its inverse's (the row it
//! begins at).
//!
//! CSV is RFC 4180: a header row; an empty field is null, `""` is the empty text; lists, JSON and embedded values
//! are JSON text.

use std::path::PathBuf;

mod decode;
pub mod export;
mod format;
pub mod import;
mod insert;
mod link;
mod reject;
mod row;
mod source;

pub use export::export;
pub use import::import;

/// How rows are written in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Format {
    /// A JSON object on each line.
    #[default]
    Ndjson,
    /// Comma-separated values with a header row.
    Csv,
}

impl Format {
    /// The format of a file's extension.
    #[must_use]
    pub fn of_extension(extension: &str) -> Option<Self> {
        match extension.to_ascii_lowercase().as_str() {
            "ndjson" | "jsonl" => Some(Format::Ndjson),
            "csv" => Some(Format::Csv),
            _ => None,
        }
    }

    /// The extension of files in this format.
    #[must_use]
    pub fn extension(self) -> &'static str {
        match self {
            Format::Ndjson => "ndjson",
            Format::Csv => "csv",
        }
    }
}

/// What a bad row does to an import.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnError {
    /// It stops the import, and nothing is written.
    #[default]
    Stop,
    /// It is left out and written to `<name>.rejects.ndjson` beside its file.
    Skip,
}

/// How far a bulk move is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Progress {
    /// The file at hand, by name.
    pub file: String,
    /// Rows done, of all files.
    pub rows: u64,
    /// Bytes done, of all files.
    pub bytes: u64,
    /// Bytes there are, where that is known.
    pub total: Option<u64>,
}

/// Hears how far a bulk move is.
pub type Listener<'a> = &'a mut (dyn FnMut(&Progress) + Send);

/// What became of one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moved {
    /// The file.
    pub path: PathBuf,
    /// The type, or `Playlist.tracks` of a many-to-many relation.
    pub name: String,
    /// Rows that were moved.
    pub rows: u64,
    /// Rows that were left out.
    pub rejected: u64,
    /// Where these are written down.
    pub rejects: Option<PathBuf>,
}

/// A name as SQL takes it.
fn quote(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

#[cfg(test)]
mod tests;
