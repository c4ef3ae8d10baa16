//! The directive vocabulary as typed values.

use apollo_compiler::Node;
use apollo_compiler::ast;

use super::application::{Application, applications};
use super::diagnostic::{Code, Report};
use super::literal::Map;
use super::source::{Span, Word};
use super::vocabulary::Location;
use crate::catalog::{Exposure, OnDelete, Operations, PageLimit, Using};
use crate::scalar::IdKind;

/// A value that is kept as written until its type is known.
pub(super) type Literal = Node<ast::Value>;

pub(super) struct Model {
    pub(super) table: Option<Word>,
    pub(super) plural: Option<Word>,
    pub(super) id: IdKind,
    pub(super) timestamps: bool,
    pub(super) soft_delete: bool,
}

pub(super) struct Relation {
    pub(super) span: Span,
    pub(super) inverse: Option<Word>,
    pub(super) through: Option<Word>,
    pub(super) on_delete: Option<(OnDelete, Span)>,
}

pub(super) struct Default {
    pub(super) value: Literal,
    pub(super) at: Span,
}

pub(super) struct Computed {
    pub(super) span: Span,
    /// `expr`, `count`, `sum`, `min` or `max`, and what it says.
    pub(super) of: Vec<(&'static str, Word)>,
}

pub(super) struct Check {
    pub(super) span: Span,
    pub(super) broken: bool,
    pub(super) min: Option<Literal>,
    pub(super) max: Option<Literal>,
    pub(super) min_length: Option<(i64, Span)>,
    pub(super) max_length: Option<(i64, Span)>,
    pub(super) pattern: Option<Word>,
    pub(super) condition: Option<Literal>,
    pub(super) message: Option<Word>,
}

/// `@unique` and `@index`.
pub(super) struct Index {
    pub(super) span: Span,
    pub(super) fields: Option<Vec<Word>>,
    pub(super) condition: Option<Literal>,
    /// None for `@unique`.
    pub(super) using: Option<Using>,
}

pub(super) struct Partition {
    pub(super) span: Span,
    pub(super) by: Word,
    pub(super) keep: Option<(i64, Span)>,
}

pub(super) struct Allow {
    pub(super) span: Span,
    pub(super) broken: bool,
    pub(super) operations: Operations,
    pub(super) to: Span,
    pub(super) role: Option<Word>,
    pub(super) condition: Option<Literal>,
    pub(super) check: Option<Literal>,
    pub(super) via: Option<Word>,
    pub(super) fields: Option<Vec<Word>>,
}

pub(super) struct Emit {
    pub(super) event: Word,
    pub(super) operations: Operations,
    pub(super) on: Span,
    pub(super) changed: Vec<Word>,
    pub(super) condition: Option<Literal>,
}

/// What a type says besides its fields.
#[derive(std::default::Default)]
pub(super) struct ObjectDirectives {
    /// Every directive by name, in the order written.
    pub(super) all: Vec<(&'static str, Span)>,
    pub(super) model: Option<Model>,
    pub(super) was: Option<Word>,
    pub(super) checks: Vec<Check>,
    pub(super) uniques: Vec<Index>,
    pub(super) indexes: Vec<Index>,
    pub(super) partition: Option<Partition>,
    pub(super) allows: Vec<Allow>,
    pub(super) limit: Option<PageLimit>,
    pub(super) emits: Vec<Emit>,
    /// `@tenant`
    pub(super) tenant: Option<Span>,
}

/// What a field says besides its type.
#[derive(std::default::Default)]
pub(super) struct FieldDirectives {
    /// Every directive by name, in the order written.
    pub(super) all: Vec<(&'static str, Span)>,
    pub(super) was: Option<Word>,
    pub(super) relation: Option<Relation>,
    pub(super) default: Option<Default>,
    pub(super) computed: Option<Computed>,
    pub(super) checks: Vec<Check>,
    pub(super) uniques: Vec<Index>,
    pub(super) indexes: Vec<Index>,
    pub(super) search: Option<Span>,
    pub(super) allows: Vec<Allow>,
    pub(super) api: Option<(Exposure, Span)>,
    pub(super) deprecated: Option<String>,
}

/// What an enum's value says besides its name.
#[derive(std::default::Default)]
pub(super) struct ValueDirectives {
    pub(super) was: Option<Word>,
    pub(super) deprecated: Option<String>,
}

/// Reads the directives of a type.
pub(super) fn on_object(
    list: &[Node<ast::Directive>],
    map: &Map<'_>,
    report: &mut Report,
) -> ObjectDirectives {
    let mut read = ObjectDirectives::default();
    for application in applications(list, Location::Object, map, report) {
        read.all.push((application.definition.name, application.span));
        match application.definition.name {
            "model" => read.model = Some(model(&application)),
            "was" => read.was = application.word("name"),
            "check" => read.checks.push(check(&application)),
            "unique" => read.uniques.push(index(&application, None)),
            "index" => read.indexes.push(index(&application, Some(using(&application)))),
            "partition" => read.partition = partition(&application),
            "allow" => read.allows.extend(allow(&application, report)),
            "cache" => cache(&application, report),
            "limit" => read.limit = limit(&application, report),
            "emit" => read.emits.extend(emit(&application, report)),
            "tenant" => read.tenant = Some(application.span),
            _ => {}
        }
    }
    read
}

/// Reads the directives of a field.
pub(super) fn on_field(list: &[Node<ast::Directive>], map: &Map<'_>, report: &mut Report) -> FieldDirectives {
    let mut read = FieldDirectives::default();
    for application in applications(list, Location::Field, map, report) {
        read.all.push((application.definition.name, application.span));
        match application.definition.name {
            "was" => read.was = application.word("name"),
            "relation" => read.relation = Some(relation(&application)),
            "default" => {
                read.default = application
                    .value("value")
                    .map(|value| Default { value: value.clone(), at: map.of(value) });
            }
            "computed" => read.computed = Some(computed(&application)),
            "check" => read.checks.push(check(&application)),
            "unique" => read.uniques.push(index(&application, None)),
            "index" => read.indexes.push(index(&application, Some(using(&application)))),
            "search" => read.search = Some(application.span),
            "allow" => read.allows.extend(allow(&application, report)),
            "api" => read.api = Some((api(&application), application.span)),
            "deprecated" => read.deprecated = Some(reason(&application)),
            _ => {}
        }
    }
    read
}

/// Reads the directives of a value of an enum.
pub(super) fn on_value(list: &[Node<ast::Directive>], map: &Map<'_>, report: &mut Report) -> ValueDirectives {
    let mut read = ValueDirectives::default();
    for application in applications(list, Location::EnumValue, map, report) {
        match application.definition.name {
            "was" => read.was = application.word("name"),
            "deprecated" => read.deprecated = Some(reason(&application)),
            _ => {}
        }
    }
    read
}

fn model(application: &Application<'_>) -> Model {
    let id = match application.word("id").as_ref().map(|word| word.text.as_str()) {
        Some("SERIAL") => IdKind::Serial,
        Some("CLIENT") => IdKind::Client,
        _ => IdKind::Uuid7,
    };
    Model {
        table: application.word("table"),
        plural: application.word("plural"),
        id,
        timestamps: application.flag("timestamps").unwrap_or(true),
        soft_delete: application.flag("softDelete").unwrap_or(false),
    }
}

fn relation(application: &Application<'_>) -> Relation {
    let on_delete = application.word("onDelete").map(|word| {
        let action = match word.text.as_str() {
            "CASCADE" => OnDelete::Cascade,
            "SET_NULL" => OnDelete::SetNull,
            _ => OnDelete::Restrict,
        };
        (action, word.span)
    });
    Relation {
        span: application.span,
        inverse: application.word("inverse"),
        through: application.word("through"),
        on_delete,
    }
}

fn computed(application: &Application<'_>) -> Computed {
    let of = ["expr", "count", "sum", "min", "max"]
        .into_iter()
        .filter_map(|name| application.word(name).map(|word| (name, word)))
        .collect();
    Computed { span: application.span, of }
}

fn check(application: &Application<'_>) -> Check {
    Check {
        span: application.span,
        broken: application.broken,
        min: application.value("min").cloned(),
        max: application.value("max").cloned(),
        min_length: application.int("minLength"),
        max_length: application.int("maxLength"),
        pattern: application.word("pattern"),
        condition: application.value("where").cloned(),
        message: application.word("message"),
    }
}

fn index(application: &Application<'_>, using: Option<Using>) -> Index {
    Index {
        span: application.span,
        fields: application.words("fields"),
        condition: application.value("where").cloned(),
        using,
    }
}

fn using(application: &Application<'_>) -> Using {
    match application.word("using").as_ref().map(|word| word.text.as_str()) {
        Some("HASH") => Using::Hash,
        Some("TRIGRAM") => Using::Trigram,
        Some("GIN") => Using::Gin,
        Some("BRIN") => Using::Brin,
        _ => Using::Btree,
    }
}

fn partition(application: &Application<'_>) -> Option<Partition> {
    Some(Partition { span: application.span, by: application.word("by")?, keep: application.int("keep") })
}

/// The operations of a list; an empty list and a word given twice are reported.
fn operations(
    application: &Application<'_>,
    argument: &str,
    report: &mut Report,
) -> Option<(Operations, Span)> {
    let at = application.value(argument).map(|value| application.place(value))?;
    let words = application.words(argument)?;
    if words.is_empty() {
        let message = format!("`{argument}` names no operation");
        report.error(Code::BadArgument, at, message, format!("write `{argument}: [ALL]`"));
        return None;
    }
    let mut set = Operations::default();
    for (index, word) in words.iter().enumerate() {
        if words.iter().take(index).any(|other| other.text == word.text) {
            report.error(Code::DuplicateArgument, word.span, format!("{} is given twice", word.text), None);
        }
        match word.text.as_str() {
            "READ" => set.read = true,
            "CREATE" => set.create = true,
            "UPDATE" => set.update = true,
            "DELETE" => set.delete = true,
            _ => set = Operations::ALL,
        }
    }
    Some((set, at))
}

fn allow(application: &Application<'_>, report: &mut Report) -> Option<Allow> {
    let found = operations(application, "to", report);
    // Without operations it opens nothing, but what else it says can be wrong too.
    let broken = application.broken || found.is_none();
    let (operations, to) = found.unwrap_or((Operations::ALL, application.span));
    Some(Allow {
        span: application.span,
        broken,
        operations,
        to,
        role: application.word("role"),
        condition: application.value("where").cloned(),
        check: application.value("check").cloned(),
        via: application.word("via"),
        fields: application.words("fields"),
    })
}

fn api(application: &Application<'_>) -> Exposure {
    let flag = |name| application.flag(name).unwrap_or(true);
    Exposure { read: flag("read"), create: flag("create"), update: flag("update"), filter: flag("filter") }
}

fn cache(application: &Application<'_>, report: &mut Report) {
    for name in ["maxAge", "swr"] {
        if let Some((seconds, span)) = application.int(name)
            && !(0..=31_536_000).contains(&seconds)
        {
            report.error(
                Code::BadArgument,
                span,
                format!("`{name}` is a number of seconds from 0 to a year (31536000)"),
                None,
            );
        }
    }
}

/// Rows a page may have at most, whatever the model says.
const LARGEST_PAGE: i64 = 10_000;

fn limit(application: &Application<'_>, report: &mut Report) -> Option<PageLimit> {
    let plain = PageLimit::default();
    let (max, max_at) = application.int("max").map_or((None, application.span), |(max, at)| (Some(max), at));
    let (default, at) =
        application.int("default").map_or((None, application.span), |(rows, at)| (Some(rows), at));
    if max.is_some_and(|max| !(1..=LARGEST_PAGE).contains(&max)) {
        report.error(
            Code::BadArgument,
            max_at,
            format!("`max` is a number of rows from 1 to {LARGEST_PAGE}"),
            None,
        );
        return None;
    }
    if default.is_some_and(|rows| rows < 1) {
        report.error(Code::BadArgument, at, "`default` is a number of rows, at least 1", None);
        return None;
    }
    let max = max.and_then(|max| u64::try_from(max).ok()).unwrap_or(plain.max);
    let rows = default.and_then(|rows| u64::try_from(rows).ok()).unwrap_or(plain.default.min(max));
    if rows > max {
        let message = format!("a page has {rows} rows by default but {max} at most");
        report.error(Code::BadArgument, at, message, "raise `max`, or lower `default`".to_owned());
        return None;
    }
    Some(PageLimit { default: rows, max })
}

fn emit(application: &Application<'_>, report: &mut Report) -> Option<Emit> {
    let (operations, on) = operations(application, "on", report)?;
    let event = application.word("event")?;
    Some(Emit {
        event,
        operations,
        on,
        changed: application.words("changed").unwrap_or_default(),
        condition: application.value("where").cloned(),
    })
}

fn reason(application: &Application<'_>) -> String {
    application.word("reason").map_or_else(|| "No longer supported".to_owned(), |word| word.text)
}
