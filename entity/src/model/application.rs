//! A directive as it is applied: its name, place and arguments checked against the vocabulary.

use apollo_compiler::Node;
use apollo_compiler::ast::{Directive, Value};

use super::diagnostic::{Code, Report};
use super::literal::{Map, kind};
use super::source::{Span, Word};
use super::vocabulary::{Argument, DIRECTIVES, Definition, Location, Takes, directive_named};
use crate::value::excerpt;

/// A directive with the arguments that fit.
pub(super) struct Application<'a> {
    pub(super) definition: &'static Definition,
    /// The name with its `@`.
    pub(super) span: Span,
    /// An argument is wrong or missing, and was told: what is left is only looked at for more mistakes.
    pub(super) broken: bool,
    arguments: Vec<(&'static str, Node<Value>)>,
    map: &'a Map<'a>,
}

/// Directives whose other arguments are looked at when one of them is wrong.
const LOOKED_AT: [&str; 2] = ["check", "allow"];

/// Checks the directives of one definition; those that do not exist or have no meaning here are left out.
pub(super) fn applications<'a>(
    directives: &[Node<Directive>],
    location: Location,
    map: &'a Map<'a>,
    report: &mut Report,
) -> Vec<Application<'a>> {
    let mut applied: Vec<Application<'a>> = Vec::new();
    for directive in directives {
        let name = map.word(&directive.name);
        let span = Span { start: name.span.start.saturating_sub(1), ..name.span };
        let Some(definition) = directive_named(&name.text) else {
            let names = DIRECTIVES.iter().map(|definition| definition.name);
            let hint = report.suggest(&name.text, names).map(|hint| hint.replace("mean `", "mean `@"));
            report.error(
                Code::UnknownDirective,
                span,
                format!("there is no directive `@{}`", excerpt(&name.text)),
                hint,
            );
            continue;
        };
        if !definition.locations.contains(&location) {
            let places: Vec<_> = definition.locations.iter().map(|place| place.describe()).collect();
            let message = format!("`@{}` can't be on {}", name.text, location.describe());
            report.error(
                Code::MisplacedDirective,
                span,
                message,
                format!("it belongs on {}", places.join(" or ")),
            );
            continue;
        }
        if !definition.repeatable && applied.iter().any(|other| std::ptr::eq(other.definition, definition)) {
            let message = format!("`@{}` is given twice", name.text);
            report.error(Code::RepeatedDirective, span, message, "keep one of them".to_owned());
            continue;
        }
        let (arguments, broken) = arguments(definition, directive, span, map, report);
        if !broken || LOOKED_AT.contains(&definition.name) {
            applied.push(Application { definition, span, broken, arguments, map });
        }
    }
    applied
}

/// The arguments that fit, and whether too little of them is left.
fn arguments(
    definition: &'static Definition,
    directive: &Directive,
    span: Span,
    map: &Map<'_>,
    report: &mut Report,
) -> (Vec<(&'static str, Node<Value>)>, bool) {
    let mut found: Vec<(&'static str, Node<Value>)> = Vec::new();
    let mut given = Vec::new();
    let mut whole = true;
    for argument in &directive.arguments {
        let name = map.word(&argument.name);
        let Some(expected) = definition.arguments.iter().find(|expected| expected.name == name.text) else {
            let message = format!("`@{}` takes no argument `{}`", definition.name, excerpt(&name.text));
            let hint = report.suggest(&name.text, definition.arguments.iter().map(|argument| argument.name));
            report.error(Code::UnknownArgument, name.span, message, hint);
            whole = false;
            continue;
        };
        if given.contains(&expected.name) {
            report.error(Code::DuplicateArgument, name.span, format!("`{}` is given twice", name.text), None);
            continue;
        }
        given.push(expected.name);
        if fits(definition, expected, &argument.value, map, report) {
            found.push((expected.name, argument.value.clone()));
        } else {
            whole = false;
        }
    }
    for missing in
        definition.arguments.iter().filter(|argument| argument.required && !given.contains(&argument.name))
    {
        let message = format!("`@{}` needs the argument `{}`", definition.name, missing.name);
        report.error(Code::MissingArgument, span, message, example(missing));
    }
    let lacking = definition
        .arguments
        .iter()
        .any(|argument| argument.required && !found.iter().any(|(name, _)| *name == argument.name));
    // A check or a rule of which a part is gone would say something else; a @model stays a @model.
    (found, lacking || (!whole && definition.repeatable))
}

fn example(argument: &Argument) -> Option<String> {
    Some(match argument.takes {
        Takes::String => format!("write `{}: \"…\"`", argument.name),
        Takes::Int => format!("write `{}: 60`", argument.name),
        Takes::Choice(_, words) => format!("possible: {}", words.join(", ")),
        Takes::Choices(_, words) => {
            format!("write `{}: [{}]`; possible: {}", argument.name, words.first()?, words.join(", "))
        }
        Takes::Any => format!("write `{}: …`", argument.name),
        Takes::Boolean | Takes::Condition | Takes::Strings => return None,
    })
}

fn fits(
    definition: &Definition,
    argument: &Argument,
    value: &Node<Value>,
    map: &Map<'_>,
    report: &mut Report,
) -> bool {
    let what = format!("`{}` of `@{}`", argument.name, definition.name);
    let refuse = |report: &mut Report, at: &Node<Value>, expected: &str, hint: Option<String>| {
        let message = format!("{what} takes {expected}, not {}", kind(at));
        report.error(Code::BadArgument, map.of(at), message, hint);
        false
    };
    match (argument.takes, &**value) {
        (Takes::String, Value::String(_))
        | (Takes::Boolean, Value::Boolean(_))
        | (Takes::Condition, Value::Object(_)) => true,
        (Takes::String, Value::Enum(name)) => {
            refuse(report, value, "a string", Some(format!("write \"{name}\"")))
        }
        (Takes::String, _) => refuse(report, value, "a string", None),
        (Takes::Int, Value::Int(number)) if number.try_to_i32().is_ok() => true,
        (Takes::Int, Value::Int(_)) => refuse(report, value, "a 32-bit integer", None),
        (Takes::Int, _) => refuse(report, value, "an integer", None),
        (Takes::Boolean, _) => refuse(report, value, "true or false", None),
        (Takes::Any, Value::Null) => {
            refuse(report, value, "a value", Some("leave it out to say nothing".to_owned()))
        }
        (Takes::Any, _) => map.input(value, report).is_some(),
        (Takes::Condition, Value::String(_)) => {
            let hint = "write the condition without quotes: `where: { status: { eq: PAID } }`".to_owned();
            refuse(report, value, "a condition", Some(hint))
        }
        (Takes::Condition, _) => {
            refuse(report, value, "a condition", Some("such as `{ status: { eq: PAID } }`".to_owned()))
        }
        (Takes::Strings, Value::List(items)) => {
            let mut fine = true;
            for item in items.iter().filter(|item| !matches!(&***item, Value::String(_))) {
                fine = refuse(report, item, "strings", word_hint(item));
            }
            fine
        }
        (Takes::Strings, Value::String(_)) => true,
        (Takes::Strings, _) => refuse(report, value, "a list of strings", word_hint(value)),
        (Takes::Choice(name, words), _) => choice(&what, (name, words), value, map, report),
        (Takes::Choices(name, words), Value::List(items)) => {
            let wrong = |item: &&Node<Value>| !choice(&what, (name, words), item, map, report);
            items.iter().filter(wrong).count() == 0
        }
        (Takes::Choices(name, words), _) => choice(&what, (name, words), value, map, report),
    }
}

fn word_hint(value: &Value) -> Option<String> {
    if let Value::Enum(name) = value { Some(format!("write \"{name}\"")) } else { None }
}

fn choice(
    what: &str,
    (name, words): (&str, &[&'static str]),
    value: &Node<Value>,
    map: &Map<'_>,
    report: &mut Report,
) -> bool {
    let (message, hint) = if let Value::Enum(word) = &**value {
        if words.contains(&word.as_str()) {
            return true;
        }
        let message = format!("`{}` is not a value of {name}", excerpt(word));
        (message, report.suggest(word, words.iter().copied()))
    } else {
        let quoted = if let Value::String(text) = &**value {
            words.contains(&text.as_str()).then_some(text)
        } else {
            None
        };
        let hint = quoted.map_or_else(
            || format!("possible: {}", words.join(", ")),
            |text| format!("write {text} without quotes"),
        );
        (format!("{what} takes a word of {name}, not {}", kind(value)), Some(hint))
    };
    report.error(Code::BadArgument, map.of(value), message, hint);
    false
}

impl Application<'_> {
    /// The place of a value.
    pub(super) fn place(&self, value: &Node<Value>) -> Span {
        self.map.of(value)
    }

    /// The value of an argument.
    pub(super) fn value(&self, name: &str) -> Option<&Node<Value>> {
        self.arguments.iter().find(|(argument, _)| *argument == name).map(|(_, value)| value)
    }

    /// A string or a word.
    pub(super) fn word(&self, name: &str) -> Option<Word> {
        self.value(name).and_then(|value| self.as_word(value))
    }

    /// A list of strings or words.
    pub(super) fn words(&self, name: &str) -> Option<Vec<Word>> {
        let value = self.value(name)?;
        let alone = std::slice::from_ref(value);
        let items = if let Value::List(items) = &**value { items.as_slice() } else { alone };
        Some(items.iter().filter_map(|item| self.as_word(item)).collect())
    }

    fn as_word(&self, value: &Node<Value>) -> Option<Word> {
        let span = self.map.of(value);
        if let Value::String(text) = &**value {
            Some(Word { text: text.clone(), span })
        } else if let Value::Enum(name) = &**value {
            Some(Word { text: name.as_str().to_owned(), span })
        } else {
            None
        }
    }

    /// An integer with its place.
    pub(super) fn int(&self, name: &str) -> Option<(i64, Span)> {
        let value = self.value(name)?;
        let Value::Int(number) = &**value else { return None };
        Some((number.as_str().parse().ok()?, self.map.of(value)))
    }

    /// true or false.
    pub(super) fn flag(&self, name: &str) -> Option<bool> {
        if let Value::Boolean(value) = &**self.value(name)? { Some(*value) } else { None }
    }
}
