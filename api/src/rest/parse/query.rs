//! The query string: strict percent-decoding into pairs, and the grammar of a pair's name.

use std::borrow::Cow;

use service::{Code, Error, Result};

/// Parameters a request may have.
pub const MAX_PAIRS: usize = 100;

/// Bytes a query string may have.
pub const MAX_BYTES: usize = 16 * 1024;

/// Bracket groups a name may have: `having[sum][unitPrice][gt]` has three, and a list `[]` more.
const MAX_BRACKETS: usize = 4;

/// One parameter, decoded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pair<'q> {
    /// The name with its brackets.
    pub name: Cow<'q, str>,
    /// The value; empty when there was no `=`.
    pub value: Cow<'q, str>,
    /// Both as they were sent, for links.
    pub raw: &'q str,
}

/// All parameters of a request in the order sent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Query<'q> {
    /// The parameters.
    pub pairs: Vec<Pair<'q>>,
}

impl<'q> Query<'q> {
    /// Reads a query string.
    ///
    /// # Errors
    /// `BAD_REQUEST` for an encoding that is none, `QUERY_TOO_LONG` and `LIMIT_EXCEEDED` for too much of it.
    pub fn parse(raw: Option<&'q str>) -> Result<Self> {
        let Some(raw) = raw.filter(|raw| !raw.is_empty()) else { return Ok(Self::default()) };
        if raw.len() > MAX_BYTES {
            return Err(Error::new(
                Code::QueryTooLong,
                format!("The query string is longer than {MAX_BYTES} bytes."),
            ));
        }
        let mut pairs = Vec::with_capacity(4);
        for part in raw.split('&').filter(|part| !part.is_empty()) {
            if pairs.len() == MAX_PAIRS {
                return Err(Error::new(
                    Code::LimitExceeded,
                    format!("A request has {MAX_PAIRS} parameters at most."),
                ));
            }
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            let name = decode(name, true)?;
            let value = decode(value, true).map_err(|error| error.at(name.as_ref()))?;
            pairs.push(Pair { name, value, raw: part });
        }
        Ok(Self { pairs })
    }
}

/// Decodes `%XX`, and `+` as a space in query strings.
///
/// # Errors
/// `BAD_REQUEST` for a broken escape, for what is not UTF-8, and for NUL.
pub fn decode(text: &str, plus: bool) -> Result<Cow<'_, str>> {
    if !text.bytes().any(|byte| byte == b'%' || byte == 0 || (plus && byte == b'+')) {
        return Ok(Cow::Borrowed(text));
    }
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        at += 1;
        match byte {
            b'%' => {
                let digits = bytes.get(at..at + 2).and_then(|pair| Some(hex(pair[0])? * 16 + hex(pair[1])?));
                out.push(
                    digits.ok_or_else(|| malformed("a `%` must be followed by two hexadecimal digits"))?,
                );
                at += 2;
            }
            b'+' if plus => out.push(b' '),
            other => out.push(other),
        }
    }
    if out.contains(&0) {
        return Err(malformed("the character U+0000 is not possible"));
    }
    String::from_utf8(out).map(Cow::Owned).map_err(|_| malformed("percent-encoded bytes must be UTF-8"))
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

fn malformed(why: &str) -> Error {
    Error::new(Code::BadRequest, format!("The URL is malformed: {why}."))
}

/// A parameter's name in its parts: `album.title[in][]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name<'n> {
    /// What stands before the brackets.
    pub base: &'n str,
    /// What stands inside each of them, a last empty one apart.
    pub brackets: Vec<&'n str>,
    /// Whether the name ends in `[]`: one item of a list, with commas as they are.
    pub item: bool,
}

impl<'n> Name<'n> {
    /// Takes a name apart.
    ///
    /// # Errors
    /// `BAD_REQUEST` for brackets that do not close.
    pub fn parse(text: &'n str) -> Result<Self> {
        let Some(open) = text.find('[') else {
            return Ok(Self { base: text, brackets: Vec::new(), item: false });
        };
        let (base, mut rest) = text.split_at(open);
        let mut brackets = Vec::with_capacity(2);
        while !rest.is_empty() {
            let inner = rest.strip_prefix('[').and_then(|rest| rest.split_once(']'));
            let Some((inner, after)) =
                inner.filter(|(inner, _)| !inner.contains('[') && brackets.len() < MAX_BRACKETS)
            else {
                return Err(Error::new(Code::BadRequest, "The brackets of a parameter's name do not match.")
                    .hint("write `field[operator]=value`")
                    .at(entity::value::excerpt(text).as_str()));
            };
            brackets.push(inner);
            rest = after;
        }
        let item = brackets.last().is_some_and(|last| last.is_empty());
        if item {
            brackets.pop();
        }
        Ok(Self { base, brackets, item })
    }
}

/// Splits a list at its commas. An item in double quotes may hold commas, and double quotes written twice.
///
/// # Errors
/// `BAD_REQUEST` for quotes that do not close, or text after them.
pub fn items(text: &str) -> Result<Vec<Cow<'_, str>>> {
    let mut items = Vec::new();
    if text.is_empty() {
        return Ok(items);
    }
    let mut rest = text;
    loop {
        let (item, after) = match rest.strip_prefix('"') {
            Some(quoted) => {
                let (item, after) = unquote(quoted)?;
                (Cow::Owned(item), after)
            }
            None => {
                let end = rest.find(',').unwrap_or(rest.len());
                let (item, after) = rest.split_at(end);
                (Cow::Borrowed(item), after)
            }
        };
        items.push(item);
        match after.strip_prefix(',') {
            Some(after) => rest = after,
            None => return Ok(items),
        }
    }
}

fn unquote(text: &str) -> Result<(String, &str)> {
    let broken = || {
        Error::new(Code::BadRequest, "A quoted item of a list does not end.")
            .hint("write items with commas as `\"a,b\"`, and a double quote inside as `\"\"`")
    };
    let mut item = String::new();
    let mut rest = text;
    loop {
        let (before, after) = rest.split_once('"').ok_or_else(broken)?;
        item.push_str(before);
        if let Some(more) = after.strip_prefix('"') {
            item.push('"');
            rest = more;
        } else if after.is_empty() || after.starts_with(',') {
            return Ok((item, after));
        } else {
            return Err(broken());
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Name, Query, decode, items};

    #[test]
    fn decoding_is_strict() {
        for (text, expected) in [
            ("plain", Some("plain")),
            ("a+b", Some("a b")),
            ("a%20b", Some("a b")),
            ("%C3%A9", Some("é")),
            ("é", Some("é")),
            ("%2B", Some("+")),
            ("%", None),
            ("%4", None),
            ("%zz", None),
            ("%+1", None),
            ("%ff", None),
            ("%00", None),
            ("%ED%A0%80", None),
        ] {
            assert_eq!(decode(text, true).ok().as_deref(), expected, "{text}");
        }
        assert_eq!(decode("a+b", false).unwrap(), "a+b");
    }

    #[test]
    fn names_come_apart() {
        for (text, expected) in [
            ("name", Some(("name", vec![], false))),
            ("a.b[eq]", Some(("a.b", vec!["eq"], false))),
            ("a[in][]", Some(("a", vec!["in"], true))),
            ("expand[]", Some(("expand", vec![], true))),
            ("having[sum][x][gt]", Some(("having", vec!["sum", "x", "gt"], false))),
            ("a[b", None),
            ("a[b]c", None),
            ("a[[b]]", None),
            ("a[1][2][3][4][5]", None),
        ] {
            let name = Name::parse(text).ok();
            assert_eq!(name.map(|name| (name.base, name.brackets, name.item)), expected, "{text}");
        }
    }

    #[test]
    fn lists_split_at_commas_outside_of_quotes() {
        for (text, expected) in [
            ("", Some(vec![])),
            ("a", Some(vec!["a"])),
            ("a,b", Some(vec!["a", "b"])),
            ("a,", Some(vec!["a", ""])),
            ("\"a,b\",c", Some(vec!["a,b", "c"])),
            ("\"\"", Some(vec![""])),
            ("\"say \"\"hi\"\"\"", Some(vec!["say \"hi\""])),
            ("a\"b", Some(vec!["a\"b"])),
            ("\"a", None),
            ("\"a\"b", None),
        ] {
            let found = items(text).ok().map(|items| items.into_iter().map(String::from).collect::<Vec<_>>());
            let expected = expected.map(|items| items.into_iter().map(String::from).collect::<Vec<_>>());
            assert_eq!(found, expected, "{text}");
        }
    }

    #[test]
    fn too_much_is_refused() {
        let many = vec!["a=1"; 101].join("&");
        assert!(Query::parse(Some(&many)).is_err());
        assert!(Query::parse(Some(&"x".repeat(20_000))).is_err());
        assert_eq!(Query::parse(Some("a&&b=&")).unwrap().pairs.len(), 2);
    }

    fn encode(text: &str) -> String {
        text.bytes().map(|byte| format!("%{byte:02X}")).collect()
    }

    proptest! {
        #[test]
        fn never_panics(text in ".{0,200}") {
            if let Ok(query) = Query::parse(Some(&text)) {
                for pair in &query.pairs {
                    let _ = Name::parse(&pair.name);
                    let _ = items(&pair.value);
                }
            }
        }

        #[test]
        fn encoded_text_round_trips(name in "[^\0]{1,20}", value in "[^\0]{0,40}") {
            let raw = format!("{}={}", encode(&name), encode(&value));
            let query = Query::parse(Some(&raw)).unwrap();
            prop_assert_eq!(&*query.pairs[0].name, name.as_str());
            prop_assert_eq!(&*query.pairs[0].value, value.as_str());
        }

        #[test]
        fn quoted_lists_round_trip(list in proptest::collection::vec("[^\0]{0,8}", 1..6)) {
            let text = list.iter().map(|item| format!("\"{}\"", item.replace('"', "\"\""))).collect::<Vec<_>>().join(",");
            let found: Vec<String> = items(&text).unwrap().into_iter().map(String::from).collect();
            prop_assert_eq!(found, list);
        }
    }
}
