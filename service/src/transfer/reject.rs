//! Rows that were left out, written down beside their file.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::PathBuf;

use serde_json::{Value, json};

use super::row::Refused;
use super::source::Source;
use crate::error::{Code, Error, Result};

/// The reject file of one source, made when the first row is left out.
#[derive(Default)]
pub(super) struct Rejects {
    pub(super) path: Option<PathBuf>,
    out: Option<BufWriter<File>>,
    pub(super) rows: u64,
}

impl Rejects {
    pub(super) fn add(&mut self, source: &Source, line: u64, refused: &Refused, row: Value) -> Result<()> {
        let out = match &mut self.out {
            Some(out) => out,
            None => {
                let stem = source.path.file_stem().unwrap_or_default().to_string_lossy();
                let path = source.path.with_file_name(format!("{stem}.rejects.ndjson"));
                let file =
                    File::create(&path).map_err(|error| cannot_write(&path.display().to_string(), error))?;
                self.path = Some(path);
                self.out.insert(BufWriter::new(file))
            }
        };
        let entry = json!({
            "file": source.file,
            "line": line,
            "code": refused.code.as_str(),
            "field": refused.field,
            "reason": refused.reason,
            "row": row,
        });
        self.rows += 1;
        writeln!(out, "{entry}").map_err(|error| cannot_write(&source.file, error))
    }

    pub(super) fn finish(&mut self, source: &Source) -> Result<()> {
        self.out
            .take()
            .map_or(Ok(()), |mut out| out.flush())
            .map_err(|error| cannot_write(&source.file, error))
    }
}

pub(super) fn cannot_write(file: &str, error: std::io::Error) -> Error {
    Error::new(Code::Unavailable, format!("{file}: it can't be written: {error}")).because(error)
}
