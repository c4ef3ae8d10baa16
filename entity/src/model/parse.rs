//! SDL text to documents: error-tolerant, bounded, with complaints people understand.

use std::collections::HashMap;

use apollo_compiler::ast::Document;
use apollo_compiler::diagnostic::ToCliReport;
use apollo_compiler::parser::Parser;
use apollo_compiler::validation::DiagnosticList;

use super::account;
use super::diagnostic::{Code, Report};
use super::literal::Map;
use super::source::{Lines, Source, Span};
use crate::value::excerpt;

/// Bytes of all sources together.
const MOST_BYTES: usize = 4 * 1024 * 1024;

/// Tokens of one source.
const MOST_TOKENS: usize = 1_500_000;

/// Brackets inside brackets.
const DEEPEST: usize = 64;

/// Syntax errors shown of one source.
const MOST_SYNTAX: usize = 20;

/// Bytes of a source that is read again after a syntax error.
const MOST_MENDED: usize = 256 * 1024;

/// What the sources say.
pub(super) struct Parsed<'a> {
    pub(super) documents: Vec<Document>,
    pub(super) map: Map<'a>,
    /// Whether nothing is missing but lines that have a complaint.
    pub(super) whole: bool,
}

/// Parses every source; the last one, which is the server's own, when the others ask for it. None where a limit forbids
/// to go on.
pub(super) fn parse<'a>(sources: &'a [Source], report: &mut Report) -> Option<Parsed<'a>> {
    let (own, written) = sources.split_last()?;
    let bytes: usize = written.iter().map(|source| source.text.len()).sum();
    if bytes > MOST_BYTES {
        let message = format!("the model has {bytes} bytes, more than the {MOST_BYTES} a model may have");
        report.error_overall(Code::TooMuch, message, None);
        return None;
    }
    let mut documents = Vec::with_capacity(sources.len());
    let mut map = Map { sources, lines: Lines::new(sources), files: HashMap::new() };
    let mut whole = true;
    for (index, source) in written.iter().enumerate() {
        if let Some(span) = too_deep(&source.text, index) {
            let message = format!("brackets nest deeper than {DEEPEST} levels");
            report.error(Code::TooMuch, span, message, None);
            whole = false;
            continue;
        }
        if blank(&source.text) {
            continue;
        }
        let (document, read) = document(index, &mut map, report);
        documents.push(document);
        whole &= read;
    }
    if account::asked(&documents) && !blank(&own.text) {
        documents.push(document(written.len(), &mut map, report).0);
    }
    Some(Parsed { documents, map, whole })
}

/// Parses one source. After a syntax error the parser skips what follows in the same type; so the line is mended or
/// blanked, byte by byte in place, and the rest is read again: the next mistake comes out as well. Says whether it was read
/// to its end.
fn document(index: usize, map: &mut Map<'_>, report: &mut Report) -> (Document, bool) {
    let sources = map.sources;
    let (name, original) =
        sources.get(index).map_or(("", ""), |source| (source.name.as_str(), source.text.as_str()));
    let mut text = original.to_owned();
    let mut told = std::collections::HashSet::new();
    loop {
        let mut parser = Parser::new().recursion_limit(4 * DEEPEST).token_limit(MOST_TOKENS);
        let failed = match parser.parse_ast(text.as_str(), name) {
            Ok(document) => {
                map.files.extend(document.sources.keys().map(|file| (*file, index)));
                return (document, true);
            }
            Err(failed) => failed,
        };
        map.files.extend(failed.partial.sources.keys().map(|file| (*file, index)));
        let Some(found) = first(&failed.errors, index, map, &text) else { return (failed.partial, false) };
        let again = !told.insert(found.line);
        if !again {
            let (start, end) = (found.start, found.start + found.length);
            let word = original.get(start..end).unwrap_or_default();
            let line = original.get(line_range(original, start)).unwrap_or_default();
            let (message, hint) = readable(&found.said, word, line);
            report.error(Code::Syntax, Span { source: index, start, end }, message, hint);
        }
        let last = told.len() >= MOST_SYNTAX || text.len() > MOST_MENDED;
        if last || found.limit || !mend(&mut text, &found, again) || too_deep(&text, index).is_some() {
            return (failed.partial, false);
        }
    }
}

/// A complaint of the parser.
struct Found {
    said: String,
    line: usize,
    start: usize,
    length: usize,
    limit: bool,
}

/// The complaint to tell of the first line that has any: one mistake makes the parser stumble several times, and what
/// it says of a sign it does not know is the cause.
fn first(errors: &DiagnosticList, index: usize, map: &Map<'_>, text: &str) -> Option<Found> {
    let mut best: Option<(bool, Found)> = None;
    for diagnostic in errors.iter() {
        let offset = diagnostic.error.location().map_or(text.len(), |location| location.offset());
        let (start, length) = token(text, offset);
        let line = map.lines.line(index, start);
        if best.as_ref().is_some_and(|(sign, found)| *sign || found.line != line) {
            break;
        }
        let said = diagnostic.error.to_string();
        let sign = said.to_ascii_lowercase().contains("unexpected character");
        if sign || best.is_none() {
            let limit = said.contains("limit reached");
            best = Some((sign, Found { said, line, start, length, limit }));
        }
    }
    best.map(|(_, found)| found)
}

/// Makes the line of a complaint harmless without moving anything; false where that can't be done.
fn mend(text: &mut String, found: &Found, again: bool) -> bool {
    let (start, end) = (found.start, found.start + found.length);
    let word = text.get(start..end).unwrap_or_default().to_owned();
    let wordy = word.starts_with(|c: char| c.is_alphanumeric());
    if !again && !word.is_ascii() && wordy {
        text.replace_range(start..end, &"x".repeat(word.len()));
        return true;
    }
    if !again
        && matches!(
            word.as_str(),
            ";" | "'" | "-" | "." | "/" | "*" | "?" | "%" | "^" | "+" | "<" | ">" | "~" | "`" | "\\"
        )
    {
        text.replace_range(start..end, &" ".repeat(word.len()));
        return true;
    }
    let range = line_range(text, start);
    let line = text.get(range.clone()).unwrap_or_default();
    let balance = |open: char, close: char| line.matches(open).count() == line.matches(close).count();
    let blank = " ".repeat(line.len());
    if line.trim().is_empty()
        || line.contains("\"\"\"")
        || !(balance('{', '}') && balance('(', ')') && balance('[', ']'))
    {
        return false;
    }
    text.replace_range(range, &blank);
    true
}

fn line_range(text: &str, at: usize) -> std::ops::Range<usize> {
    let start = text.get(..at).and_then(|before| before.rfind('\n')).map_or(0, |index| index + 1);
    let end = text.get(at..).and_then(|after| after.find('\n')).map_or(text.len(), |index| at + index);
    start..end
}

/// The word or sign at an offset, which the parser may have put inside a character or before blanks.
fn token(text: &str, offset: usize) -> (usize, usize) {
    let mut start = offset.min(text.len());
    while !text.is_char_boundary(start) {
        start -= 1;
    }
    let rest = text.get(start..).unwrap_or_default();
    let blanks = rest.len() - rest.trim_start().len();
    if blanks == rest.len() {
        let end = text.trim_end().len();
        let last = text.get(..end).and_then(|text| text.chars().next_back()).map_or(0, char::len_utf8);
        return (end - last, last);
    }
    start += blanks;
    let rest = text.get(start..).unwrap_or_default();
    let wordy = |c: char| c.is_alphanumeric() || c == '_';
    // A name with a letter the lexer does not take is shown whole.
    let back: usize = match rest.chars().next() {
        Some(first) if wordy(first) => {
            text.get(..start).map_or(0, |before| before.len() - before.trim_end_matches(wordy).len())
        }
        _ => 0,
    };
    let word: usize = rest.chars().take_while(|c| wordy(*c)).map(char::len_utf8).sum();
    let length = if word > 0 { word } else { rest.chars().next().map_or(0, char::len_utf8) };
    (start - back, length + back)
}

fn readable(said: &str, found: &str, line: &str) -> (String, Option<String>) {
    let said = said.strip_prefix("syntax error: ").unwrap_or(said);
    let shown = excerpt(found);
    if said.contains("limit reached") {
        return (format!("the source has more than {MOST_TOKENS} words and signs"), None);
    }
    if found.chars().any(|c| !c.is_ascii() && c.is_alphanumeric()) {
        let plain: String = found.chars().map(ascii).collect();
        let way = if crate::name::is_name(&plain) { format!("write `{plain}`; ") } else { String::new() };
        let hint = format!(
            "{way}names are made of the letters A to Z, digits and `_`; other text may stand in quotes, such as a description"
        );
        return (format!("`{shown}` can't be a name"), Some(hint));
    }
    let words: Vec<&str> = line.split_whitespace().take(2).collect();
    let fieldlike = matches!(words.as_slice(), [name, ty] if crate::name::is_name(name) && ty.starts_with(|c: char| c == '[' || c.is_ascii_alphabetic()));
    let declaring = words.first().is_some_and(|first| {
        ["type", "enum", "extend", "scalar", "directive", "input", "union", "interface"].contains(first)
    });
    let hint = match found {
        ";" => "lines end without a sign".to_owned(),
        "'" => "strings are written in double quotes".to_owned(),
        "=" => "values are written after a colon: `name: value`".to_owned(),
        "$" => "a value of the request is written as a string: \"$user.id\"".to_owned(),
        "}" if line.contains('{') => "a type without fields is written without braces".to_owned(),
        _ if fieldlike && !declaring => "a field is written `name: Type`".to_owned(),
        _ if said.contains("COLON") || said.contains("Argument") => {
            "arguments are written `name: value`, as in `@check(min: 1)`".to_owned()
        }
        _ if found.starts_with(|c: char| c.is_ascii_digit()) => "a name begins with a letter".to_owned(),
        _ => return (format!("`{shown}` is not expected here: {}", plainly(said)), None),
    };
    (format!("`{shown}` is not expected here"), Some(hint))
}

/// A letter without its accent, where that is plain.
fn ascii(c: char) -> &'static str {
    const PAIRS: &[(&str, &str)] = &[
        ("àáâãå", "a"),
        ("äæ", "ae"),
        ("ç", "c"),
        ("èéêë", "e"),
        ("ìíîï", "i"),
        ("ñ", "n"),
        ("òóôõø", "o"),
        ("öœ", "oe"),
        ("ùúû", "u"),
        ("ü", "ue"),
        ("ýÿ", "y"),
        ("ß", "ss"),
        ("ÀÁÂÃÅ", "A"),
        ("ÄÆ", "Ae"),
        ("Ç", "C"),
        ("ÈÉÊË", "E"),
        ("ÌÍÎÏ", "I"),
        ("Ñ", "N"),
        ("ÒÓÔÕØ", "O"),
        ("ÖŒ", "Oe"),
        ("ÙÚÛ", "U"),
        ("Ü", "Ue"),
        ("Ý", "Y"),
    ];
    const PLAIN: &str = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_";
    if let Some(at) = PLAIN.find(c) {
        return PLAIN.get(at..=at).unwrap_or_default();
    }
    // A letter without a plain form makes the whole no name, so that nothing is proposed.
    PAIRS.iter().find(|(letters, _)| letters.contains(c)).map_or("-", |(_, plain)| plain)
}

/// The parser's sentence in the words of the language.
fn plainly(said: &str) -> String {
    let said: String =
        said.trim_end_matches('.').chars().take(120).map(|c| if c.is_control() { ' ' } else { c }).collect();
    let said = said.split(", got ").next().unwrap_or_default();
    match said {
        "expected R_CURLY" => "the fields end with `}`".to_owned(),
        "expected R_PAREN" => "the arguments end with `)`".to_owned(),
        "expected R_BRACK" => "the list ends with `]`".to_owned(),
        "expected COLON" => "a colon belongs between name and type or value".to_owned(),
        "expected definition"
        | "expected a definition"
        | "expected a StringValue, Name or OperationDefinition" => {
            "a declaration begins with `type`, `enum` or `extend`".to_owned()
        }
        "expected a valid Value" => "expected a value".to_owned(),
        other => other.to_owned(),
    }
}

/// Where brackets nest too deep, found without recursion, before any parser recurses. Strings and comments are skipped.
fn too_deep(text: &str, source: usize) -> Option<Span> {
    let bytes = text.as_bytes();
    let mut depth = 0_usize;
    let mut index = 0;
    while let Some(byte) = bytes.get(index) {
        match byte {
            b'#' => {
                while bytes.get(index).is_some_and(|byte| !matches!(byte, b'\n' | b'\r')) {
                    index += 1;
                }
            }
            b'"' if bytes.get(index..index + 3) == Some(b"\"\"\"") => {
                index += 3;
                while index < bytes.len() && bytes.get(index..index + 3) != Some(b"\"\"\"") {
                    index += if bytes.get(index..index + 4) == Some(b"\\\"\"\"") { 4 } else { 1 };
                }
                index += 2;
            }
            b'"' => {
                index += 1;
                while bytes.get(index).is_some_and(|byte| !matches!(byte, b'"' | b'\n' | b'\r')) {
                    let escape = bytes.get(index) == Some(&b'\\');
                    let ends = matches!(bytes.get(index + 1), Some(b'\n' | b'\r'));
                    index += if escape && !ends { 2 } else { 1 };
                }
            }
            b'{' | b'[' | b'(' => {
                depth += 1;
                if depth > DEEPEST {
                    return Some(Span { source, start: index, end: index + 1 });
                }
            }
            b'}' | b']' | b')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        index += 1;
    }
    None
}

/// Whether a text has no words: only blanks and comments.
fn blank(text: &str) -> bool {
    text.lines().all(|line| {
        let line = line.trim_start_matches(|c: char| c.is_whitespace() || c == ',' || c == '\u{feff}');
        line.is_empty() || line.starts_with('#')
    })
}
