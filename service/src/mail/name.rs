//! Names that users chose, made harmless: they stay on their line, have a bounded length and become no link.

/// Characters of a name at most.
pub(super) const NAME: usize = 80;

/// Characters of an address at most (RFC 5321).
const ADDRESS: usize = 254;

/// One line of visible text of so many characters at most.
pub(super) fn line(text: &str, most: usize) -> String {
    // A longer text is not read to its end.
    let visible: String = text
        .chars()
        .take(4 * most)
        .map(|c| if c.is_whitespace() || c.is_control() { ' ' } else { c })
        .filter(|c| !is_invisible(*c))
        .collect();
    let words = visible.split_whitespace().collect::<Vec<_>>().join(" ");
    cut(&words, most)
}

/// A name of somebody's choice. Programs that show mail make links of `example.com` and `http://…`: after a space none
/// is found.
pub(super) fn unlinked(text: &str) -> String {
    let name = line(text, NAME);
    let mut apart = String::with_capacity(name.len());
    let mut rest = name.chars().peekable();
    while let Some(c) = rest.next() {
        apart.push(c);
        if is_joint(c) && rest.peek().is_some_and(|next| !next.is_whitespace()) {
            apart.push(' ');
        }
    }
    cut(&apart, NAME)
}

/// An address as it is, where it is a plain one; anything else as a name.
pub(super) fn address(text: &str) -> String {
    let plain = |part: &str, also: &str| {
        !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric() || also.contains(c))
    };
    let is_plain = text.len() <= ADDRESS
        && text.split_once('@').is_some_and(|(local, domain)| plain(local, "._+-") && plain(domain, ".-"));
    if is_plain { text.to_owned() } else { unlinked(text) }
}

fn cut(text: &str, most: usize) -> String {
    match text.chars().count() > most {
        false => text.to_owned(),
        true => text.chars().take(most.saturating_sub(1)).chain(['…']).collect(),
    }
}

/// What joins the parts of an address of the web: the dots that browsers know, and the colon of `https:`.
fn is_joint(c: char) -> bool {
    matches!(c, '.' | ':' | '\u{2024}' | '\u{3002}' | '\u{ff0e}' | '\u{ff1a}' | '\u{ff61}')
}

/// Characters that nobody sees, or that turn the others around.
fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{61c}' | '\u{115f}'..='\u{1160}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}'
        | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use super::{NAME, address, line, unlinked};

    #[test]
    fn a_name_stays_on_its_line() {
        assert_eq!(line("Acme\r\nBcc: all@example.com\u{2028}\t x\0", NAME), "Acme Bcc: all@example.com x");
        assert_eq!(line("\u{202e}evil\u{200b}\u{feff}", NAME), "evil");
    }

    #[test]
    fn a_name_has_a_bounded_length() {
        let long = "é".repeat(100_000);
        assert_eq!(unlinked(&long).chars().count(), NAME);
        assert!(unlinked(&long).ends_with('…'));
        assert_eq!(unlinked(&".a".repeat(60)).chars().count(), NAME, "spaces count too");
        assert_eq!(unlinked(&"é".repeat(NAME)), "é".repeat(NAME));
    }

    #[test]
    fn a_name_becomes_no_link() {
        assert_eq!(unlinked("https://evil.example/win"), "https: //evil. example/win");
        assert_eq!(unlinked("www\u{3002}evil\u{ff0e}example"), "www\u{3002} evil\u{ff0e} example");
        assert_eq!(unlinked("Acme Inc."), "Acme Inc.");
        assert_eq!(unlinked("St. Mary's & Co."), "St. Mary's & Co.");
    }

    #[test]
    fn only_a_plain_address_stays_as_it_is() {
        assert_eq!(address("ann.b+c@mail.example.com"), "ann.b+c@mail.example.com");
        assert_eq!(address("evil.example/win@example.com"), "evil. example/win@example. com");
        assert_eq!(address("a@b\r\nBcc: c@d"), "a@b Bcc: c@d");
        assert_eq!(address("a@b@c.example"), "a@b@c. example");
        assert!(address(&format!("{}@example.com", "a".repeat(300))).chars().count() <= NAME);
    }
}
