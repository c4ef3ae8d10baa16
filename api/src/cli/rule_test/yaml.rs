//! YAML to a tree in which every part knows its place. Anchors, tags and several documents are refused: a test says
//! what it means where it says it.

use saphyr_parser::{Event, Parser, ScalarStyle, ScanError, Span};
use serde_json::{Map, Number, Value as Json};

/// Levels of lists and mappings in each other.
const DEEPEST: usize = 32;

/// Parts of one file.
const PARTS: usize = 200_000;

/// A place in a file: line and column, both from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Place {
    pub(super) line: usize,
    pub(super) column: usize,
}

/// Something wrong with a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mistake {
    pub(super) place: Place,
    pub(super) message: String,
}

impl Mistake {
    pub(super) fn new(place: Place, message: impl Into<String>) -> Self {
        Self { place, message: message.into() }
    }
}

/// A part of a file.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Node {
    pub(super) place: Place,
    pub(super) kind: Kind,
}

/// What a part is.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Kind {
    /// A text; whether it was written without quotes, so that it may be a number.
    Scalar(String, bool),
    List(Vec<Node>),
    /// Keys are there once.
    Map(Vec<(Key, Node)>),
}

/// A key of a mapping.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Key {
    pub(super) place: Place,
    pub(super) text: String,
}

impl Node {
    /// What it is, for messages.
    pub(super) fn name(&self) -> &'static str {
        match &self.kind {
            Kind::Scalar(text, true) if text.is_empty() => "nothing",
            Kind::Scalar(..) => "a text",
            Kind::List(_) => "a list",
            Kind::Map(_) => "a mapping",
        }
    }

    /// Its text.
    ///
    /// # Errors
    /// When it is something else.
    pub(super) fn text(&self, what: &str) -> Result<&str, Mistake> {
        match &self.kind {
            Kind::Scalar(text, plain) if !(*plain && text.is_empty()) => Ok(text),
            _ => Err(self.expected(what)),
        }
    }

    /// Its parts; nothing at all is an empty list.
    ///
    /// # Errors
    /// When it is something else.
    pub(super) fn list(&self, what: &str) -> Result<&[Node], Mistake> {
        match &self.kind {
            Kind::List(items) => Ok(items),
            Kind::Scalar(text, true) if text.is_empty() => Ok(&[]),
            _ => Err(self.expected(what)),
        }
    }

    /// Its keys with what is under them; nothing at all is an empty mapping.
    ///
    /// # Errors
    /// When it is something else.
    pub(super) fn map(&self, what: &str) -> Result<&[(Key, Node)], Mistake> {
        match &self.kind {
            Kind::Map(pairs) => Ok(pairs),
            Kind::Scalar(text, true) if text.is_empty() => Ok(&[]),
            _ => Err(self.expected(what)),
        }
    }

    fn expected(&self, what: &str) -> Mistake {
        Mistake::new(self.place, format!("expected {what}, got {}", self.name()))
    }

    /// The value as JSON: plain words and numbers as YAML 1.2 reads them.
    pub(super) fn to_json(&self) -> Json {
        match &self.kind {
            Kind::Scalar(text, false) => Json::from(text.as_str()),
            Kind::Scalar(text, true) => plain(text),
            Kind::List(items) => items.iter().map(Node::to_json).collect(),
            Kind::Map(pairs) => {
                let pairs = pairs.iter().map(|(key, node)| (key.text.clone(), node.to_json()));
                Json::Object(pairs.collect::<Map<_, _>>())
            }
        }
    }
}

/// A text without quotes: null, true, false, a number, or itself. A number JSON can't hold exactly stays a text.
fn plain(text: &str) -> Json {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Json::Null,
        "true" | "True" | "TRUE" => return Json::Bool(true),
        "false" | "False" | "FALSE" => return Json::Bool(false),
        _ => {}
    }
    if let Ok(number) = text.parse::<i64>() {
        return Json::from(number);
    }
    let looks = text.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '-' | '+' | '.'))
        && text.chars().all(|c| c.is_ascii_digit() || matches!(c, '-' | '+' | '.' | 'e' | 'E'));
    let number = text.parse::<f64>().ok().filter(|_| looks).and_then(Number::from_f64);
    number.map_or_else(|| Json::from(text), Json::Number)
}

/// Reads a file; nothing for an empty one.
///
/// # Errors
/// The first thing that is no YAML, or that is refused.
pub(super) fn parse(text: &str) -> Result<Option<Node>, Mistake> {
    let mut reader = Reader { root: None, open: Vec::new(), parts: 0 };
    for event in Parser::new_from_str(text) {
        let (event, span) = event.map_err(|error| malformed(&error))?;
        reader.event(event, place(&span))?;
    }
    Ok(reader.root)
}

fn place(span: &Span) -> Place {
    Place { line: span.start.line(), column: span.start.col() + 1 }
}

fn malformed(error: &ScanError) -> Mistake {
    let marker = error.marker();
    let place = Place { line: marker.line(), column: marker.col() + 1 };
    let text = error.to_string();
    let reason = text.split(" at byte").next().unwrap_or(&text);
    Mistake::new(
        place,
        format!(
            "this is not YAML: {reason}\nhint: a text with `: ` or `{{` in it needs quotes; values can be written beneath: `- update Note/first: {{ text: x }}`"
        ),
    )
}

/// A list or mapping that is being read.
enum Open {
    List(Place, Vec<Node>),
    Map(Place, Vec<(Key, Node)>, Option<Key>),
}

struct Reader {
    root: Option<Node>,
    open: Vec<Open>,
    parts: usize,
}

impl Reader {
    fn event(&mut self, event: Event<'_>, place: Place) -> Result<(), Mistake> {
        self.parts += 1;
        if self.parts > PARTS || self.open.len() > DEEPEST {
            let text = format!("a file has {PARTS} parts, {DEEPEST} levels deep, at most");
            return Err(Mistake::new(place, text));
        }
        let refused = |what: &str| Err(Mistake::new(place, format!("{what} are not for files of tests")));
        match event {
            Event::Alias(_) => return refused("aliases (`*name`)"),
            Event::Scalar(_, _, anchor, tag)
            | Event::SequenceStart(anchor, tag)
            | Event::MappingStart(anchor, tag)
                if anchor > 0 || tag.is_some() =>
            {
                return refused("anchors (`&name`) and tags (`!name`)");
            }
            Event::Scalar(text, style, ..) => {
                let plain = style == ScalarStyle::Plain;
                self.done(Node { place, kind: Kind::Scalar(text.into_owned(), plain) })?;
            }
            Event::SequenceStart(..) => self.open.push(Open::List(place, Vec::new())),
            Event::MappingStart(..) => self.open.push(Open::Map(place, Vec::new(), None)),
            Event::SequenceEnd | Event::MappingEnd => {
                let node = match self.open.pop() {
                    Some(Open::List(place, items)) => Node { place, kind: Kind::List(items) },
                    Some(Open::Map(place, pairs, _)) => Node { place, kind: Kind::Map(pairs) },
                    None => return Ok(()),
                };
                self.done(node)?;
            }
            Event::DocumentStart(_) if self.root.is_some() => return refused("several documents (`---`)"),
            Event::Nothing
            | Event::StreamStart
            | Event::StreamEnd
            | Event::DocumentStart(_)
            | Event::DocumentEnd => {}
        }
        Ok(())
    }

    fn done(&mut self, node: Node) -> Result<(), Mistake> {
        match self.open.last_mut() {
            None => self.root = Some(node),
            Some(Open::List(_, items)) => items.push(node),
            Some(Open::Map(_, pairs, key)) => match key.take() {
                Some(key) => pairs.push((key, node)),
                None => {
                    let text = node.text("a key")?.to_owned();
                    if pairs.iter().any(|(other, _)| other.text == text) {
                        let short = entity::value::excerpt(&text);
                        return Err(Mistake::new(node.place, format!("`{short}` is there twice")));
                    }
                    *key = Some(Key { place: node.place, text });
                }
            },
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{parse, plain};

    #[test]
    fn a_tree_knows_its_places() {
        let root = parse("rows:\n  Note:\n    - id: a\n      n: [1, 'x', null]\n").unwrap().unwrap();
        assert_eq!(root.to_json(), json!({ "rows": { "Note": [{ "id": "a", "n": [1, "x", null] }] } }));
        let (key, rows) = &root.map("").unwrap()[0];
        assert_eq!((key.place.line, key.place.column), (1, 1));
        let (key, notes) = &rows.map("").unwrap()[0];
        assert_eq!((key.place.line, key.place.column), (2, 3));
        assert_eq!(notes.list("").unwrap()[0].place.line, 3);
        assert_eq!(parse("").unwrap(), None);
        assert_eq!(parse("# nothing\n").unwrap(), None);
    }

    #[test]
    fn words_and_numbers_are_what_they_look_like() {
        for (text, value) in [
            ("~", json!(null)),
            ("True", json!(true)),
            ("12", json!(12)),
            ("-1.5", json!(-1.5)),
            ("no", json!("no")),
            ("2024-01-31", json!("2024-01-31")),
            ("1e5", json!(100_000.0)),
            (".", json!(".")),
            ("inf", json!("inf")),
            ("9223372036854775808x", json!("9223372036854775808x")),
        ] {
            assert_eq!(plain(text), value, "{text}");
        }
    }

    #[test]
    fn what_is_not_meant_is_refused_with_its_place() {
        let deep = format!("a: {}", "[".repeat(200));
        let blocks = "- ".repeat(5_000);
        for (text, line, word) in [
            ("a: 1\na: 2", 2, "twice"),
            ("a: &x 1\nb: *x", 1, "anchors"),
            ("a: !t 1", 1, "tags"),
            ("a: 1\n---\nb: 2", 2, "documents"),
            ("a: [1", 1, "not YAML"),
            ("? [a]\n: 1", 1, "a key"),
            ("tests:\n  - can:\n    - create Note { text: \"x\" }", 3, "needs quotes"),
            (&deep, 1, ""),
            (&blocks, 1, "levels"),
        ] {
            let mistake = parse(text).unwrap_err();
            assert!(mistake.message.contains(word), "{text:.40}: {mistake:?}");
            assert!(mistake.place.line >= line, "{text:.40}: {mistake:?}");
        }
    }
}
