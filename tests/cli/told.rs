//! What commands print, with what differs from run to run replaced by a word.

/// A text with ids, keys and days replaced.
pub(crate) fn told(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut word = String::new();
    let part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | ':' | '.');
    for c in text.chars() {
        if part(c) {
            word.push(c);
        } else {
            out.push_str(&replaced(&word));
            word.clear();
            out.push(c);
        }
    }
    out.push_str(&replaced(&word));
    // Columns are as wide as what is in them.
    let lines = out.lines().map(|line| line.trim_end().to_owned());
    lines.collect::<Vec<_>>().join("\n")
}

fn replaced(word: &str) -> String {
    let (body, end) = match word.strip_suffix(['.', ':']) {
        Some(body) => (body, &word[body.len()..]),
        None => (word, ""),
    };
    let shape: String = body.chars().map(|c| if c.is_ascii_hexdigit() { 'x' } else { c }).collect();
    let day = "dddd-dd-dd";
    let digits: String = body.chars().map(|c| if c.is_ascii_digit() { 'd' } else { c }).collect();
    let name = if shape == "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx" {
        "[id]"
    } else if body.starts_with("lwk_") && body.len() >= 16 {
        "[key]"
    } else if digits == day {
        "[day]"
    } else if digits.starts_with(day) {
        "[time]"
    } else {
        return word.to_owned();
    };
    format!("{name}{end}")
}

#[test]
fn what_differs_is_replaced() {
    let text = "a 0190b5a4-7e8f-7c3d-8a21-5f6e7d8c9b0a, lwk_3fJk0aPq2xYz 2026-11-23 2026-11-23T04:51:26.01Z.";
    assert_eq!(told(text), "a [id], [key] [day] [time].");
}
