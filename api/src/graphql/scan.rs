//! Looks over a document before it is parsed: the parser recurses, and a small hostile text would end the process.
//!
//! One pass, no recursion, no allocation but for what is bounded by the number of tokens. It also says no to a name that is
//! given twice in one list of arguments or in one object: the parser would keep the last one and forget the other.

use std::collections::HashSet;

use service::{Code, Error, Result};

use super::settings::Bounds;

/// A name longer than this is nobody's field.
const NAME: usize = 256;

/// Refuses a document that is too much to parse.
///
/// # Errors
/// `LimitExceeded`, with the limit that was passed.
pub(crate) fn document(text: &str, bounds: &Bounds) -> Result<()> {
    if text.len() > bounds.bytes {
        return Err(exceeded("has more bytes", bounds.bytes));
    }
    let names = HashSet::new();
    Scanner {
        bytes: text.as_bytes(),
        at: 0,
        open: Vec::new(),
        names,
        tokens: 0,
        aliases: 0,
        directives: 0,
        bounds,
    }
    .run()
}

/// Refuses JSON that nests too deep to be taken apart recursively.
///
/// # Errors
/// `LimitExceeded`.
pub(crate) fn json(bytes: &[u8], depth: usize) -> Result<()> {
    let (mut level, mut at) = (0_usize, 0);
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'{' | b'[' => {
                level += 1;
                if level > depth {
                    return Err(Error::new(
                        Code::LimitExceeded,
                        format!("The JSON nests deeper than {depth} levels."),
                    ));
                }
            }
            b'}' | b']' => level = level.saturating_sub(1),
            b'"' => at = json_string(bytes, at + 1),
            _ => {}
        }
        at += 1;
    }
    Ok(())
}

/// The position of the quote that ends a JSON string.
fn json_string(bytes: &[u8], mut at: usize) -> usize {
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'\\' => at += 1,
            b'"' => return at,
            _ => {}
        }
        at += 1;
    }
    at
}

fn exceeded(what: &str, limit: usize) -> Error {
    Error::new(Code::LimitExceeded, format!("The GraphQL document {what} than the allowed {limit}."))
        .hint("split the operation into several requests")
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Open {
    Selection,
    Arguments,
    Value,
}

struct Scanner<'a> {
    bytes: &'a [u8],
    at: usize,
    /// What is open, and after how many tokens it was opened.
    open: Vec<(Open, usize)>,
    /// The names given so far in arguments and objects, which are told apart by where they were opened.
    names: HashSet<(usize, &'a [u8])>,
    tokens: usize,
    aliases: usize,
    directives: usize,
    bounds: &'a Bounds,
}

impl Scanner<'_> {
    fn run(mut self) -> Result<()> {
        while let Some(&byte) = self.bytes.get(self.at) {
            match byte {
                b' ' | b'\t' | b'\n' | b'\r' | b',' => self.at += 1,
                b'#' => self.at = self.end_of_line(self.at),
                b'"' => {
                    self.token()?;
                    self.string();
                }
                b'{' | b'[' | b'(' => self.opened(byte)?,
                b'}' | b']' | b')' => {
                    self.token()?;
                    self.open.pop();
                    self.at += 1;
                }
                b'@' => {
                    self.token()?;
                    self.directives += 1;
                    if self.directives > self.bounds.directives {
                        return Err(exceeded("has more directives", self.bounds.directives));
                    }
                    self.at += 1;
                }
                _ if word(byte) => self.word()?,
                _ => {
                    self.token()?;
                    self.at += 1;
                }
            }
        }
        Ok(())
    }

    fn token(&mut self) -> Result<()> {
        self.tokens += 1;
        if self.tokens > self.bounds.tokens {
            return Err(exceeded("has more tokens", self.bounds.tokens));
        }
        Ok(())
    }

    fn opened(&mut self, byte: u8) -> Result<()> {
        self.token()?;
        let open = match (byte, self.open.last()) {
            (b'(', _) => Open::Arguments,
            (b'{', None | Some((Open::Selection, _))) => Open::Selection,
            _ => Open::Value,
        };
        self.open.push((open, self.tokens));
        if self.open.len() > self.bounds.depth {
            return Err(exceeded("nests deeper", self.bounds.depth));
        }
        self.at += 1;
        Ok(())
    }

    /// A name or a number; a name with a colon in a selection is an alias.
    fn word(&mut self) -> Result<()> {
        self.token()?;
        let start = self.at;
        while self.bytes.get(self.at).copied().is_some_and(word) {
            self.at += 1;
        }
        if self.at - start > NAME {
            return Err(exceeded("has a name with more characters", NAME));
        }
        let Some((open, place)) = self.open.last().copied().filter(|_| self.colon_follows()) else {
            return Ok(());
        };
        if open == Open::Selection {
            self.aliases += 1;
            if self.aliases > self.bounds.aliases {
                return Err(exceeded("has more aliases", self.bounds.aliases));
            }
            return Ok(());
        }
        let name = self.bytes.get(start..self.at).unwrap_or_default();
        if !self.names.insert((place, name)) {
            let name = String::from_utf8_lossy(name);
            return Err(Error::new(Code::ValidationFailed, format!("`{name}` is given twice.")));
        }
        Ok(())
    }

    /// Whether the next token is a colon.
    fn colon_follows(&self) -> bool {
        let mut next = self.at;
        loop {
            match self.bytes.get(next) {
                Some(b' ' | b'\t' | b'\n' | b'\r' | b',') => next += 1,
                Some(b'#') => next = self.end_of_line(next),
                Some(b':') => return true,
                _ => return false,
            }
        }
    }

    /// Where a comment ends.
    fn end_of_line(&self, mut at: usize) -> usize {
        while self.bytes.get(at).is_some_and(|byte| !matches!(byte, b'\n' | b'\r')) {
            at += 1;
        }
        at
    }

    /// A string that does not end is the parser's to complain about; its line is skipped.
    fn string(&mut self) {
        if self.bytes[self.at..].starts_with(b"\"\"\"") {
            self.at += 3;
            while self.at < self.bytes.len() {
                if self.bytes[self.at..].starts_with(b"\\\"\"\"") {
                    self.at += 4;
                } else if self.bytes[self.at..].starts_with(b"\"\"\"") {
                    self.at += 3;
                    return;
                } else {
                    self.at += 1;
                }
            }
            return;
        }
        self.at += 1;
        while let Some(&byte) = self.bytes.get(self.at) {
            match byte {
                b'\\' => self.at += 1,
                b'"' => {
                    self.at += 1;
                    return;
                }
                // The parser ends the string here with an error; what follows is counted as if outside.
                b'\n' | b'\r' => return,
                _ => {}
            }
            self.at += 1;
        }
    }
}

fn word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-'
}

#[cfg(test)]
mod tests {
    use super::{document, json};
    use crate::graphql::settings::Bounds;

    fn refused(text: &str) -> String {
        document(text, &Bounds::default()).unwrap_err().message().to_owned()
    }

    #[test]
    fn nesting_of_any_bracket_is_bounded() {
        for (open, close) in [("[", "]"), ("{a:", "}"), ("(a:", ")")] {
            for depth in [63, 100, 1_000, 1_600, 3_900, 20_000] {
                let text = format!("{{ f(a: {}1{}) }}", open.repeat(depth), close.repeat(depth));
                assert!(refused(&text).contains("deeper") || refused(&text).contains("bytes"), "{depth}");
            }
        }
        let deep = format!("{}a{}", "{a".repeat(65), "}".repeat(65));
        assert!(refused(&deep).contains("deeper"));
        assert!(document(&format!("{}a{}", "{a".repeat(64), "}".repeat(64)), &Bounds::default()).is_ok());
    }

    #[test]
    fn strings_and_comments_hide_brackets_and_nothing_else_does() {
        let hidden = "[".repeat(100);
        for text in [
            format!("{{ f(a: \"{hidden}\") }}"),
            format!("{{ f(a: \"\\\"{hidden}\") }}"),
            format!("{{ f(a: \"\"\"{hidden} \\\"\"\" {hidden}\"\"\") }}"),
            format!("# {hidden}\n{{ f }}"),
        ] {
            assert!(document(&text, &Bounds::default()).is_ok(), "{text}");
        }
        // Brackets after what only looks like the rest of a string.
        assert!(refused(&format!("{{ f(a: \"\n{hidden}\") }}")).contains("deeper"));
        assert!(refused(&format!("{{ f(a: \"\"{hidden}) }}")).contains("deeper"));
        assert!(refused(&format!("# x\r{hidden}")).contains("deeper"));
    }

    #[test]
    fn counts_are_bounded() {
        assert!(refused(&"a ".repeat(10_001)).contains("tokens"));
        assert!(refused(&format!("{{ {} }}", "a: b ".repeat(201))).contains("aliases"));
        assert!(document(&format!("{{ {} }}", "a: b ".repeat(200)), &Bounds::default()).is_ok());
        assert!(refused(&format!("{{ a {} }}", "@skip(if: true) ".repeat(101))).contains("directives"));
        assert!(refused(&format!("{{ {} }}", "a".repeat(257))).contains("name"));
        assert!(refused(&" ".repeat(100_001)).contains("bytes"));
    }

    #[test]
    fn argument_names_are_not_aliases() {
        let arguments = "f(a: 1, b: {c: 2, d: [{e: 3}]}) ".repeat(100);
        assert!(document(&format!("query ($x: I = {{a: 1}}) {{ {arguments} }}"), &Bounds::default()).is_ok());
    }

    #[test]
    fn a_name_is_given_once() {
        for text in [
            "{ f(a: 1, a: 1) }",
            "{ f(a: { b: 1, b: 2 }) }",
            "{ f(a: [{ b: 1 }, { b: 1 # c: 2\n b :1}]) }",
            "query ($a: Int, $a: Int) { f }",
            "query ($a: I = { b: 1 b: 2 }) { f }",
            "{ f @skip(if: true, if: false) }",
        ] {
            assert!(refused(text).contains("given twice"), "{text}");
        }
        for text in [
            "{ a: f(a: 1) a: f(a: 1) }",
            "{ f(a: { a: { a: 1 } }, b: [{ a: 1 }, { a: 1 }]) { g(a: 1) g(a: 1) } }",
            "query ($a: Int, $b: Int) { f(a: $a, b: \"a: b: a:\") }",
            "{ f(a: 1, #a: 2\n b: a) }",
        ] {
            assert!(document(text, &Bounds::default()).is_ok(), "{text}");
        }
    }

    #[test]
    fn json_is_measured_without_recursion() {
        assert!(json(format!("{}1{}", "[".repeat(64), "]".repeat(64)).as_bytes(), 64).is_ok());
        assert!(json("[".repeat(65).as_bytes(), 64).is_err());
        assert!(json("{\"a\":".repeat(1_000_000).as_bytes(), 64).is_err());
        assert!(json(format!("{{\"a\":\"{}\"}}", "[\\\"".repeat(1_000)).as_bytes(), 64).is_ok());
    }

    proptest::proptest! {
        #[test]
        fn no_text_panics(text in "\\PC{0,200}") {
            let _ = document(&text, &Bounds::default());
            let _ = json(text.as_bytes(), 8);
        }

        /// What passes can be parsed on a small stack.
        #[test]
        fn what_passes_can_be_parsed(text in "[\\[\\]{}()a:@\"\\\\# \n!$1|=.]{0,400}") {
            if document(&text, &Bounds::default()).is_ok() {
                let _ = async_graphql::parser::parse_query(&text);
            }
        }
    }
}
