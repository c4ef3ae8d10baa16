//! Values as they are written in SDL, and the places inside them.

use std::collections::HashMap;

use apollo_compiler::ast::Value;
use apollo_compiler::parser::{FileId, SourceSpan};
use apollo_compiler::{Name, Node};

use super::diagnostic::{Code, Report};
use super::source::{Lines, Source, Span, Word};
use crate::input::Input;

/// Where the parser's places are in the sources.
pub(super) struct Map<'a> {
    pub(super) sources: &'a [Source],
    pub(super) lines: Lines,
    pub(super) files: HashMap<FileId, usize>,
}

impl Map<'_> {
    /// Whether a place is in the server's own source, which is the last.
    pub(super) fn is_own(&self, span: Span) -> bool {
        span.source + 1 == self.sources.len()
    }

    /// A place, without the blanks the parser counts to a node.
    pub(super) fn span(&self, location: Option<SourceSpan>) -> Span {
        let Some(location) = location else { return Span::default() };
        let Some(source) = self.files.get(&location.file_id()).copied() else { return Span::default() };
        let (start, end) = (location.offset(), location.end_offset());
        let text =
            self.sources.get(source).and_then(|source| source.text.get(start..end)).unwrap_or_default();
        let kept = text.trim_end_matches(|c: char| c.is_whitespace() || c == ',').len();
        Span { source, start, end: start + kept }
    }

    pub(super) fn of<T: ?Sized>(&self, node: &Node<T>) -> Span {
        self.span(node.location())
    }

    pub(super) fn word(&self, name: &Name) -> Word {
        Word { text: name.as_str().to_owned(), span: self.span(name.location()) }
    }

    /// The value as untyped input. What no model can mean is reported.
    pub(super) fn input(&self, value: &Node<Value>, report: &mut Report) -> Option<Input> {
        Some(match &**value {
            Value::Null => Input::Null,
            Value::Boolean(value) => Input::Bool(*value),
            Value::Enum(name) => Input::String(name.as_str().to_owned()),
            Value::String(text) => Input::String(text.clone()),
            Value::Int(number) => match number.as_str().parse() {
                Ok(number) => Input::Int(number),
                Err(_) => Input::Float(number.as_str().parse().ok()?),
            },
            Value::Float(number) => Input::Float(number.as_str().parse().ok()?),
            Value::List(items) => {
                let items: Vec<_> = items.iter().map(|item| self.input(item, report)).collect();
                Input::List(items.into_iter().collect::<Option<_>>()?)
            }
            Value::Object(fields) => {
                let mut object: Vec<(String, Input)> = Vec::with_capacity(fields.len());
                let mut seen = std::collections::HashSet::new();
                let mut whole = true;
                for (key, value) in fields {
                    if !seen.insert(key.as_str()) {
                        let message = format!("the key `{key}` is given twice");
                        report.error(Code::DuplicateArgument, self.span(key.location()), message, None);
                        whole = false;
                    }
                    match self.input(value, report) {
                        Some(input) => object.push((key.as_str().to_owned(), input)),
                        None => whole = false,
                    }
                }
                whole.then_some(Input::Object(object))?
            }
            Value::Variable(name) => {
                let hint = format!("a value of the request is written as a string: \"${name}\"");
                report.error(Code::BadArgument, self.of(value), "a model has no variables", hint);
                return None;
            }
        })
    }

    /// The place inside a value that a list of keys and positions leads to; the key itself where `key` is set.
    pub(super) fn locate(&self, value: &Node<Value>, place: &[String], key: bool) -> Span {
        let mut node = value;
        for (index, step) in place.iter().enumerate() {
            if let Value::List(items) = &**node {
                let Some(item) = step.parse::<usize>().ok().and_then(|index| items.get(index)) else { break };
                node = item;
                continue;
            }
            let Value::Object(fields) = &**node else { break };
            let next = fields.iter().find(|(name, _)| name.as_str() == step);
            let Some((name, inner)) = next else { break };
            if key && index + 1 == place.len() {
                return self.span(name.location());
            }
            node = inner;
        }
        self.of(node)
    }
}

/// What a value is, for messages.
pub(super) fn kind(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Enum(name) => format!("the word {name}"),
        Value::Variable(name) => format!("the variable ${name}"),
        Value::String(_) => "a string".to_owned(),
        Value::Float(_) => "a number".to_owned(),
        Value::Int(_) => "an integer".to_owned(),
        Value::Boolean(_) => "a boolean".to_owned(),
        Value::List(_) => "a list".to_owned(),
        Value::Object(_) => "an object".to_owned(),
    }
}
