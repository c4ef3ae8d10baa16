//! Diagnostics as text for people: the place, the line with a marker, the reason, the way out.

use std::fmt::Write;

use super::diagnostic::{Diagnostic, Place, Severity};
use super::source::Source;

/// Characters of a source line that are shown.
const WIDTH: usize = 160;

struct Style {
    strong: &'static str,
    frame: &'static str,
    hint: &'static str,
    reset: &'static str,
}

const PLAIN: Style = Style { strong: "", frame: "", hint: "", reset: "" };
const COLOR: Style = Style { strong: "\x1b[1m", frame: "\x1b[34m", hint: "\x1b[36m", reset: "\x1b[0m" };

/// Diagnostics as text, with ANSI colors where wanted.
#[must_use]
pub fn render(diagnostics: &[Diagnostic], sources: &[Source], color: bool) -> String {
    let mut text = String::new();
    for (index, diagnostic) in diagnostics.iter().enumerate() {
        if index > 0 {
            text.push('\n');
        }
        // Writing to a string does not fail.
        let _ = one(&mut text, diagnostic, sources, color);
    }
    text
}

fn one(text: &mut String, diagnostic: &Diagnostic, sources: &[Source], color: bool) -> std::fmt::Result {
    let style = if color { COLOR } else { PLAIN };
    let Style { strong, frame, hint: hint_color, reset } = style;
    let grave = match (color, diagnostic.severity) {
        (false, _) => "",
        (true, Severity::Error) => "\x1b[31m",
        (true, Severity::Warning) => "\x1b[33m",
        (true, Severity::Notice) => "\x1b[32m",
    };
    let Diagnostic { severity, code, message, .. } = diagnostic;
    writeln!(text, "{grave}{strong}{severity}[{code}]{reset}{strong}: {}{reset}", printable(message))?;
    let mut gutter = 0;
    if let Some(place) = &diagnostic.place {
        let number = place.line.to_string();
        gutter = number.len();
        writeln!(text, "{:gutter$}{frame}-->{reset} {}", "", printable(&place.to_string()))?;
        if let Some((line, before, marked)) = excerpt(place, sources) {
            writeln!(text, "{:gutter$} {frame}|{reset}", "")?;
            writeln!(text, "{frame}{number} |{reset} {line}")?;
            writeln!(text, "{:gutter$} {frame}|{reset} {before}{grave}{}{reset}", "", "^".repeat(marked))?;
        }
    }
    if let Some(hint) = &diagnostic.hint {
        writeln!(text, "{:gutter$} {frame}={reset} {hint_color}hint{reset}: {}", "", printable(hint))?;
    }
    Ok(())
}

/// The line, the blanks before the marker, and the marker's length. A long line is cut around the marker.
fn excerpt(place: &Place, sources: &[Source]) -> Option<(String, String, usize)> {
    let source = &sources.get(place.source)?.text;
    let start = source.get(..place.start)?.rfind('\n').map_or(0, |index| index + 1);
    let end = source.get(place.start..)?.find('\n').map_or(source.len(), |index| place.start + index);
    let line = source.get(start..end)?;
    let before: Vec<char> = source.get(start..place.start)?.chars().filter(|c| *c != '\u{feff}').collect();
    let marked =
        source.get(place.start..place.end.clamp(place.start, end))?.trim_end().chars().count().max(1);
    let shown: Vec<char> = line.trim_end().chars().filter(|c| *c != '\u{feff}').collect();
    let skip = if shown.len() > WIDTH { before.len().saturating_sub(WIDTH / 2) } else { 0 };
    let mut cut: String = shown.iter().skip(skip).take(WIDTH).map(|c| visible(*c)).collect();
    let mut blanks: String =
        before.iter().skip(skip).map(|c| if wide(*c) { '\u{3000}' } else { ' ' }).collect();
    if skip > 0 {
        cut.insert(0, '…');
        blanks.insert(0, ' ');
    }
    if shown.len() > skip + WIDTH {
        cut.push('…');
    }
    let room = (WIDTH + 1).saturating_sub(blanks.chars().count()).max(1);
    Some((cut, blanks, marked.min(room)))
}

/// Characters that take two columns on a terminal, roughly.
fn wide(c: char) -> bool {
    matches!(c, '\u{1100}'..='\u{115f}' | '\u{2e80}'..='\u{a4cf}' | '\u{ac00}'..='\u{d7a3}' | '\u{f900}'..='\u{faff}' | '\u{fe30}'..='\u{fe4f}' | '\u{ff00}'..='\u{ff60}' | '\u{1f300}'..='\u{1faff}')
}

/// A model is someone else's text: it must not steer the terminal.
fn visible(c: char) -> char {
    match c {
        '\t' => ' ',
        c if c.is_control()
            || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}') =>
        {
            '\u{fffd}'
        }
        c => c,
    }
}

fn printable(text: &str) -> String {
    text.chars().map(visible).collect()
}
