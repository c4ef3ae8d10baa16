//! `@check` against the structure.

use super::diagnostic::{Code, Report};
use super::directive;
use super::draft::{FieldDraft, TypeDraft};
use super::index::describe;
use super::scene::{Scene, Site};
use super::source::{Span, Word};
use crate::catalog::{Check, Entity, Field};
use crate::name::{column, identifier};
use crate::scalar::Scalar;
use crate::value::Value;

/// Characters of a pattern.
const MOST_PATTERN: usize = 1_000;

/// Bytes a compiled pattern may take.
const PATTERN_BYTES: usize = 1 << 20;

/// The checks of an entity as a whole.
pub(super) fn row_checks(
    scene: &Scene<'_>,
    entity: &Entity,
    ty: &TypeDraft,
    report: &mut Report,
) -> Vec<Check> {
    let mut checks = Vec::new();
    for check in &ty.directives.checks {
        let misplaced = [
            check.min.as_ref().map(|it| scene.map.of(it)),
            check.max.as_ref().map(|it| scene.map.of(it)),
            check.min_length.map(|(_, span)| span),
            check.max_length.map(|(_, span)| span),
            check.pattern.as_ref().map(|word| word.span),
        ];
        if let Some(span) = misplaced.into_iter().flatten().next() {
            let message = "`@check` on a type takes `where` and `message`";
            report.error(Code::BadCheck, span, message, "write the rest on the field it is about".to_owned());
            continue;
        }
        let Some(literal) = &check.condition else {
            if check.broken {
                continue;
            }
            let hint = "write `@check(where: { … })`".to_owned();
            report.error(
                Code::MissingArgument,
                check.span,
                "`@check` on a type needs the argument `where`",
                hint,
            );
            continue;
        };
        let Some(condition) = scene.constant_condition(entity, literal, "a @check", report) else { continue };
        let number = (checks.len() + 1).to_string();
        checks.push(Check {
            name: identifier(&["ck", &entity.table, &number]),
            condition: Some(condition),
            message: check.message.as_ref().map(|word| word.text.clone()),
            ..Check::default()
        });
    }
    checks
}

/// The checks of a field.
pub(super) fn field_checks(
    Site { scene, entity }: Site<'_>,
    field: &Field,
    draft: &FieldDraft,
    report: &mut Report,
) -> Vec<Check> {
    let mut checks = Vec::new();
    for check in &draft.directives.checks {
        let before = report.errors();
        let made = field_check(scene, field, check, report);
        if report.errors() > before || check.broken {
            continue;
        }
        let number = (checks.len() + 1).to_string();
        let name = identifier(&["ck", &entity.table, &column(&field.name), &number]);
        checks.push(Check { name, ..made });
    }
    checks
}

fn field_check(scene: &Scene<'_>, field: &Field, check: &directive::Check, report: &mut Report) -> Check {
    let scalar = field.ty.scalar();
    let text = !field.list && field.relation.is_none() && scalar.is_some_and(Scalar::is_text);
    let ordered = !field.list && field.relation.is_none() && scalar.is_some_and(Scalar::is_ordered);
    if let Some(literal) = &check.condition {
        let message = "`where` is about the row: it belongs in a `@check` on the type";
        report.error(Code::BadCheck, scene.map.of(literal), message, "move it to the type".to_owned());
    }
    let nothing = check.min.is_none() && check.max.is_none() && check.min_length.is_none();
    let nothing = nothing && !check.broken;
    if nothing && check.max_length.is_none() && check.pattern.is_none() && check.condition.is_none() {
        let hint = "write what it checks: min, max, minLength, maxLength or pattern".to_owned();
        report.error(Code::MissingArgument, check.span, "this `@check` checks nothing", hint);
    }
    let bound = |literal: &Option<directive::Literal>, what: &str, report: &mut Report| -> Option<Value> {
        let literal = literal.as_ref()?;
        if !ordered {
            let message =
                format!("`{what}` compares values in order, and `{}` is {}", field.name, describe(field));
            let hint = field.list.then(|| "minLength and maxLength count the items of a list".to_owned());
            report.error(Code::BadCheck, scene.map.of(literal), message, hint);
            return None;
        }
        let number = matches!(&**literal, apollo_compiler::ast::Value::Int(_));
        if text && number {
            let message = format!("`{what}` compares text with text here");
            let hint = format!("`{what}Length` counts its characters");
            report.error(Code::BadCheck, scene.map.of(literal), message, hint);
            return None;
        }
        scene.constant(literal, (field.ty, false), Code::BadCheck, report)
    };
    let (min, max) = (bound(&check.min, "min", report), bound(&check.max, "max", report));
    if let (Some(low), Some(high), Some(at)) = (&min, &max, &check.max)
        && less(high, low)
    {
        report.error(Code::BadCheck, scene.map.of(at), "`max` is less than `min`: no value would pass", None);
    }
    let counted = text || field.list;
    let (min_length, max_length) = lengths(field, check, counted, report);
    let pattern = check.pattern.as_ref().and_then(|pattern| {
        if !text {
            let message = format!("`pattern` is for text, and `{}` is {}", field.name, describe(field));
            report.error(Code::BadCheck, pattern.span, message, None);
            return None;
        }
        compiles(pattern, report).then(|| pattern.text.clone())
    });
    let message = check.message.as_ref().map(|word| word.text.clone());
    Check { name: String::new(), min, max, min_length, max_length, pattern, condition: None, message }
}

fn lengths(
    field: &Field,
    check: &directive::Check,
    counted: bool,
    report: &mut Report,
) -> (Option<u64>, Option<u64>) {
    let mut length = |given: Option<(i64, Span)>, what: &str| {
        let (number, span) = given?;
        if !counted {
            let message =
                format!("`{what}` counts characters or items, and `{}` is {}", field.name, describe(field));
            report.error(Code::BadCheck, span, message, "min and max compare numbers and times".to_owned());
            return None;
        }
        let number = u64::try_from(number).ok();
        if number.is_none() {
            report.error(Code::BadCheck, span, format!("`{what}` can't be negative"), None);
        }
        number
    };
    let (low, high) = (length(check.min_length, "minLength"), length(check.max_length, "maxLength"));
    if let (Some(low), Some(high), Some((_, span))) = (low, high, check.max_length)
        && high < low
    {
        report.error(Code::BadCheck, span, "`maxLength` is less than `minLength`: no value would pass", None);
    }
    (low, high)
}

fn compiles(pattern: &Word, report: &mut Report) -> bool {
    if pattern.text.len() > MOST_PATTERN {
        report.error(
            Code::TooMuch,
            pattern.span,
            format!("a pattern has {MOST_PATTERN} characters at most"),
            None,
        );
        return false;
    }
    match regex::RegexBuilder::new(&pattern.text).size_limit(PATTERN_BYTES).nest_limit(50).build() {
        Ok(_) => true,
        Err(regex::Error::CompiledTooBig(_)) => {
            report.error(
                Code::TooMuch,
                pattern.span,
                "this pattern is too large when compiled",
                "use smaller repetitions".to_owned(),
            );
            false
        }
        Err(error) => {
            // The library draws the pattern with a marker; its last line says what is wrong.
            let text = error.to_string();
            let reason = text.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned();
            let hint =
                "patterns are written as for Rust's regex: no look-around, no back-references".to_owned();
            report.error(
                Code::BadCheck,
                pattern.span,
                format!("this pattern does not compile: {reason}"),
                hint,
            );
            false
        }
    }
}

/// Whether a value is less than another of the same type.
pub(super) fn less(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Int(a), Value::Int(b)) => a < b,
        (Value::Float(a), Value::Float(b)) => a < b,
        (Value::Decimal(a), Value::Decimal(b)) => a < b,
        (Value::Text(a), Value::Text(b)) => a < b,
        (Value::Date(a), Value::Date(b)) => a < b,
        (Value::DateTime(a), Value::DateTime(b)) => a < b,
        (Value::Uuid(a), Value::Uuid(b)) => a < b,
        _ => false,
    }
}
