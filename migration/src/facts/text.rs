//! What SQLite tells nowhere but in the text of a definition: checks, collations, counted keys, conditions.

/// A word of SQL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Token<'a> {
    kind: Lexeme,
    /// As it stands there, quotes included.
    raw: &'a str,
    start: usize,
    end: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Lexeme {
    /// Letters, digits, `_`: a keyword, a name, a number.
    Word,
    /// In double quotes, backticks or brackets.
    Name,
    /// In single quotes.
    Text,
    /// Anything else, one character.
    Mark,
}

impl Token<'_> {
    fn is(&self, word: &str) -> bool {
        self.kind == Lexeme::Word && self.raw.eq_ignore_ascii_case(word)
    }

    fn mark(&self, mark: &str) -> bool {
        self.kind == Lexeme::Mark && self.raw == mark
    }

    /// Without quotes.
    fn plain(&self) -> String {
        let inner = || self.raw.get(1..self.raw.len().saturating_sub(1)).unwrap_or_default();
        match self.raw.chars().next() {
            Some(quote @ ('"' | '`' | '\'')) => {
                inner().replace(&format!("{quote}{quote}"), &quote.to_string())
            }
            Some('[') => inner().to_owned(),
            _ => self.raw.to_owned(),
        }
    }
}

fn tokens(sql: &str) -> Vec<Token<'_>> {
    let mut found = Vec::new();
    let mut start = 0;
    while let Some(rest) = sql.get(start..).filter(|rest| !rest.is_empty()) {
        let (kind, length) = lexeme(rest);
        if let (Some(kind), Some(raw)) = (kind, rest.get(..length)) {
            found.push(Token { kind, raw, start, end: start + length });
        }
        start += length;
    }
    found
}

/// What a text begins with, none for what has no meaning, and its length in bytes: at least that of a character.
fn lexeme(rest: &str) -> (Option<Lexeme>, usize) {
    let Some(first) = rest.chars().next() else { return (None, 1) };
    let until = |mark: &str| rest.find(mark).map_or(rest.len(), |at| at + mark.len());
    let part = |c: char| c.is_alphanumeric() || c == '_' || c == '$';
    match first {
        c if c.is_whitespace() => (None, c.len_utf8()),
        '-' if rest.starts_with("--") => (None, until("\n")),
        '/' if rest.starts_with("/*") => (None, until("*/")),
        '\'' => (Some(Lexeme::Text), quoted(rest, '\'')),
        '"' | '`' => (Some(Lexeme::Name), quoted(rest, first)),
        '[' => (Some(Lexeme::Name), until("]")),
        c if part(c) => (Some(Lexeme::Word), rest.find(|c| !part(c)).unwrap_or(rest.len())),
        c => (Some(Lexeme::Mark), c.len_utf8()),
    }
}

/// The length of what stands in quotes, where a doubled quote is one of the text.
fn quoted(rest: &str, quote: char) -> usize {
    let mut chars = rest.char_indices().skip(1).peekable();
    while let Some((at, c)) = chars.next() {
        if c == quote && chars.next_if(|(_, next)| *next == quote).is_none() {
            return at + 1;
        }
    }
    rest.len()
}

/// The place of the parenthesis that closes the one at `open`.
fn closing(tokens: &[Token<'_>], open: usize) -> usize {
    let mut depth = 0usize;
    for (at, token) in tokens.iter().enumerate().skip(open) {
        if token.mark("(") {
            depth += 1;
        } else if token.mark(")") {
            depth = depth.saturating_sub(1);
            if depth == 0 {
                return at;
            }
        }
    }
    tokens.len()
}

/// What is in the first parentheses, split at its own commas, and the place after them.
fn members<'t, 'a>(tokens: &'t [Token<'a>]) -> (Vec<&'t [Token<'a>]>, usize) {
    let Some(open) = tokens.iter().position(|token| token.mark("(")) else {
        return (Vec::new(), tokens.len());
    };
    let close = closing(tokens, open);
    let inner = tokens.get(open + 1..close).unwrap_or_default();
    let mut depth = 0usize;
    let found = inner.split(|token| {
        if token.mark("(") {
            depth += 1;
        } else if token.mark(")") {
            depth = depth.saturating_sub(1);
        }
        depth == 0 && token.mark(",")
    });
    (found.collect(), close + 1)
}

/// The text that some words stand for.
fn slice(sql: &str, tokens: &[Token<'_>]) -> String {
    let range = tokens.first().zip(tokens.last()).map(|(first, last)| first.start..last.end);
    range.and_then(|range| sql.get(range)).unwrap_or_default().to_owned()
}

/// What only the text of a table says.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct TableText {
    /// The column that counts by itself.
    pub(super) counted: Option<String>,
    /// Collations by column.
    pub(super) collations: Vec<(String, String)>,
    /// Checks by name, made up where they have none, with their text.
    pub(super) checks: Vec<(String, String)>,
}

/// Reads CREATE TABLE.
pub(super) fn table(sql: &str) -> TableText {
    const CONSTRAINTS: [&str; 5] = ["CONSTRAINT", "PRIMARY", "UNIQUE", "CHECK", "FOREIGN"];
    let all = tokens(sql);
    let mut found = TableText::default();
    for part in members(&all).0 {
        let Some(first) = part.first() else { continue };
        let column = (!CONSTRAINTS.iter().any(|word| first.is(word))).then(|| first.plain());
        let mut at = usize::from(column.is_some());
        while let Some(token) = part.get(at) {
            let next = part.get(at + 1);
            match (&column, next) {
                (Some(column), _) if token.is("AUTOINCREMENT") => found.counted = Some(column.clone()),
                (Some(column), Some(name)) if token.is("COLLATE") => {
                    found.collations.push((column.clone(), name.plain()));
                }
                (_, Some(open)) if token.is("CHECK") && open.mark("(") => {
                    let end = closing(part, at + 1);
                    let named = at.checked_sub(2).and_then(|from| part.get(from..at));
                    let name = match named {
                        Some([word, name]) if word.is("CONSTRAINT") => name.plain(),
                        Some(_) | None => format!("check {}", found.checks.len() + 1),
                    };
                    found.checks.push((name, slice(sql, part.get(at..=end).unwrap_or_default())));
                }
                _ => {}
            }
            // What is in parentheses is an expression or a list.
            at = if token.mark("(") { closing(part, at) + 1 } else { at + 1 };
        }
    }
    found
}

/// The expressions of CREATE INDEX, and which rows it covers.
pub(super) fn index(sql: &str) -> (Vec<String>, Option<String>) {
    let all = tokens(sql);
    let (parts, after) = members(&all);
    let text = |part: &&[Token<'_>]| {
        let end =
            part.iter().rposition(|token| !token.is("DESC") && !token.is("ASC")).map_or(0, |last| last + 1);
        slice(sql, part.get(..end).unwrap_or_default())
    };
    let rest = all.get(after..).unwrap_or_default();
    let condition = match rest {
        [first, condition @ ..] if first.is("WHERE") => Some(slice(sql, condition)),
        _ => None,
    };
    (parts.iter().map(text).collect(), condition)
}

/// The checks that a trigger of ours holds, with what each demands. `prefix` begins the message of each.
pub(super) fn raised(sql: &str, prefix: &str) -> Vec<(String, String)> {
    let all = tokens(sql);
    let mut found = Vec::new();
    for (at, token) in all.iter().enumerate() {
        let message = token.plain();
        let before = at.checked_sub(4).and_then(|from| all.get(from..at));
        let is_raised = matches!(before, Some([raise, open, abort, comma])
            if raise.is("RAISE") && open.mark("(") && abort.is("ABORT") && comma.mark(","));
        let Some(name) = message.strip_prefix(prefix).filter(|_| is_raised) else { continue };
        let rest = all.get(at + 1..).unwrap_or_default();
        let end = rest.iter().position(|token| token.mark(";")).unwrap_or(rest.len());
        let demand = match rest.get(..end) {
            Some([close, filter, not, demand @ ..])
                if close.mark(")") && filter.is("WHERE") && not.is("NOT") =>
            {
                slice(sql, demand)
            }
            Some(other) => slice(sql, other),
            None => String::new(),
        };
        found.push((name.to_owned(), demand));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::{index, raised, table};

    #[test]
    fn a_table_is_read() {
        let sql = r#"CREATE TABLE "t;(" (
  id INTEGER PRIMARY KEY AUTOINCREMENT, -- a, (remark
  "a""b" TEXT COLLATE NOCASE DEFAULT ('check (x), ' || "y") CONSTRAINT "c,1" CHECK (length("a""b") > (1)),
  /* CHECK (0) */ [autoincrement] INTEGER, `d` TEXT,
  CHECK ("d" <> ')'), CONSTRAINT f FOREIGN KEY (d) REFERENCES o (check_) ON DELETE CASCADE
) STRICT"#;
        let found = table(sql);
        assert_eq!(found.counted.as_deref(), Some("id"));
        assert_eq!(found.collations, [("a\"b".to_owned(), "NOCASE".to_owned())]);
        let checks: Vec<_> = found.checks.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
        assert_eq!(
            checks,
            [("c,1", r#"CHECK (length("a""b") > (1))"#), ("check 2", r#"CHECK ("d" <> ')')"#)]
        );
        assert_eq!(table("nonsense ((( 'x"), super::TableText::default());
    }

    #[test]
    fn an_index_is_read() {
        let (parts, condition) =
            index(r#"CREATE UNIQUE INDEX "i" ON "t" ("a" DESC, lower("b"), c) WHERE ("a" = ') x')"#);
        assert_eq!(parts, [r#""a""#, r#"lower("b")"#, "c"]);
        assert_eq!(condition.as_deref(), Some(r#"("a" = ') x')"#));
        assert_eq!(index("CREATE INDEX i ON t (a)").1, None);
    }

    #[test]
    fn a_trigger_is_read() {
        let sql = "CREATE TRIGGER x BEFORE INSERT ON t BEGIN
  SELECT RAISE(ABORT, 'p:one') WHERE NOT (NEW.\"a\" <> ';');
  SELECT RAISE(ABORT, 'p:it''s') WHERE NOT (NEW.\"b\" > 'p:no');
END";
        let expected = [("one", "(NEW.\"a\" <> ';')"), ("it's", "(NEW.\"b\" > 'p:no')")];
        let found = raised(sql, "p:");
        assert_eq!(found.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect::<Vec<_>>(), expected);
    }
}
