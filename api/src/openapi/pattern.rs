//! Regular expressions: ranges of numbers as patterns, which patterns every validator reads alike, and a text that
//! matches one.

use regex_syntax::hir::{Class, Hir, HirKind};

/// Integers from minus to plus `greatest` (and one less, as two's complement has it), in digits.
pub(super) fn integer(greatest: &str) -> String {
    let shorter = greatest.len() - 1;
    format!("^(-?([0-9]{{1,{shorter}}}|{})|-{})$", at_most(greatest, true), successor(greatest))
}

/// The least number has one more than the greatest.
fn successor(greatest: &str) -> String {
    let (head, last) = greatest.split_at(greatest.len() - 1);
    let digit = last.parse::<u8>().unwrap_or(0).saturating_add(1).min(9);
    format!("{head}{digit}")
}

/// Decimals whose absolute value is at most `whole.fraction`, with no more fraction digits than that has.
pub(super) fn decimal(whole: &str, fraction: &str, signed: bool) -> String {
    let sign = if signed { "-?" } else { "" };
    let places = fraction.len();
    let shorter = whole.len() - 1;
    let below = format!("([0-9]{{1,{shorter}}}|{})(\\.[0-9]{{1,{places}}})?", at_most(whole, false));
    format!("^{sign}({below}|{whole}(\\.({}))?)$", fraction_at_most(fraction))
}

/// Numbers of just as many digits that are less than (or equal to) this one.
fn at_most(digits: &str, equal: bool) -> String {
    let mut variants = Vec::new();
    for (at, digit) in digits.bytes().enumerate() {
        let least = if at == 0 { b'1' } else { b'0' };
        if digit > least {
            variants.push(format!(
                "{}{}{}",
                &digits[..at],
                range(least, digit - 1),
                rest(digits.len() - at - 1, false)
            ));
        }
    }
    if equal {
        variants.push(digits.to_owned());
    }
    variants.join("|")
}

/// Fractions of at most as many digits that are less than or equal to this one.
fn fraction_at_most(digits: &str) -> String {
    let mut variants = Vec::new();
    for (at, digit) in digits.bytes().enumerate() {
        if digit > b'0' {
            variants.push(format!(
                "{}{}{}",
                &digits[..at],
                range(b'0', digit - 1),
                rest(digits.len() - at - 1, true)
            ));
        }
        variants.push(digits[..=at].to_owned());
    }
    variants.join("|")
}

fn range(from: u8, to: u8) -> String {
    if from == to {
        char::from(from).to_string()
    } else {
        format!("[{}-{}]", char::from(from), char::from(to))
    }
}

fn rest(count: usize, fewer: bool) -> String {
    match (count, fewer) {
        (0, _) => String::new(),
        (count, true) => format!("[0-9]{{0,{count}}}"),
        (1, false) => "[0-9]".to_owned(),
        (count, false) => format!("[0-9]{{{count}}}"),
    }
}

/// Whether ECMAScript, Python and Rust read a pattern alike, as far as its syntax tells.
pub(super) fn portable(pattern: &str) -> bool {
    let mut letters = pattern.chars().peekable();
    let mut class = false;
    while let Some(letter) = letters.next() {
        match letter {
            '\\' => {
                let fine = match letters.next() {
                    Some('-') => class,
                    Some('b') => !class,
                    Some(next) => "dDwWsSnrtfv^$\\.*+?()[]{}|/".contains(next),
                    None => false,
                };
                if !fine {
                    return false;
                }
            }
            '(' if !class && letters.peek() == Some(&'?') => {
                letters.next();
                if letters.next() != Some(':') {
                    return false;
                }
            }
            '[' if class => return false,
            '[' => class = true,
            ']' => class = false,
            '&' | '~' if class && letters.peek() == Some(&letter) => return false,
            '-' if class && letters.peek() == Some(&'-') => return false,
            _ => {}
        }
    }
    true
}

/// A short text that matches a pattern.
pub(super) fn sample(pattern: &str) -> Option<String> {
    let parsed = regex_syntax::Parser::new().parse(pattern).ok()?;
    let mut text = String::new();
    spell(&parsed, &mut text)?;
    regex::Regex::new(pattern).ok()?.is_match(&text).then_some(text)
}

fn spell(hir: &Hir, text: &mut String) -> Option<()> {
    if text.len() > 200 {
        return None;
    }
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => {}
        HirKind::Literal(literal) => text.push_str(std::str::from_utf8(&literal.0).ok()?),
        HirKind::Class(Class::Unicode(class)) => {
            let has = |wanted: char| {
                class.ranges().iter().any(|range| (range.start()..=range.end()).contains(&wanted))
            };
            let letter = ['a', 'A', '1', '-', ' '].into_iter().find(|letter| has(*letter));
            text.push(letter.or_else(|| class.ranges().first().map(|range| range.start()))?);
        }
        HirKind::Class(Class::Bytes(class)) => text.push(char::from(class.ranges().first()?.start())),
        HirKind::Repetition(repetition) => {
            let times = repetition.min.max(u32::from(repetition.max != Some(0))).min(200);
            for _ in 0..times {
                spell(&repetition.sub, text)?;
            }
        }
        HirKind::Capture(capture) => spell(&capture.sub, text)?,
        HirKind::Concat(parts) => parts.iter().try_for_each(|part| spell(part, text))?,
        HirKind::Alternation(parts) => spell(parts.first()?, text)?,
    }
    Some(())
}
