//! Directives whose effect comes with a later version: checked now, told once.

use super::diagnostic::{Code, Report};
use super::directive::{Computed, Emit, Partition};
use super::draft::{Draft, FieldDraft, TypeDraft};
use super::layout::Shape;
use super::scene::{Scene, Site};
use super::source::Word;
use super::vocabulary::directive_named;
use crate::catalog::{Cardinality, Entity, Member};
use crate::scalar::{FieldType, IdKind, Scalar};
use crate::value::excerpt;

/// Notes every use of a directive that is not in force.
pub(super) fn uses(draft: &Draft, report: &mut Report) {
    for ty in &draft.types {
        let fields = ty.fields.iter().flat_map(|field| &field.directives.all);
        for (name, span) in ty.directives.all.iter().chain(fields) {
            if let Some(what) = directive_named(name).and_then(|definition| definition.later) {
                report.postponed.add(format!("@{name} is accepted, not in force yet: {what}"), *span);
            }
        }
    }
}

/// Checks what a type says for later.
pub(super) fn on_type(scene: &Scene<'_>, entity: &Entity, ty: &TypeDraft, report: &mut Report) {
    if let Some(partition) = &ty.directives.partition {
        partitioned(entity, ty, partition, report);
    }
    for emit in &ty.directives.emits {
        emitted(scene, entity, emit, report);
    }
    for (field, shape) in scene.layout.fields(scene.draft, entity.id) {
        if let Some(span) = field.directives.search {
            let text = matches!(
                shape,
                Shape::Value(FieldType::Scalar(Scalar::String | Scalar::Email | Scalar::Url))
            );
            let known = !matches!(shape, Shape::Broken);
            if known && (!text || field.list) {
                let message = format!("`@search` is for text, and `{}` is not", field.name.text);
                report.error(Code::Conflict, span, message, "remove it".to_owned());
            }
        }
        if let (Some(computed), Shape::Computed(ty)) = (&field.directives.computed, shape) {
            computation(Site { scene, entity }, field, computed, ty, report);
        }
    }
}

fn partitioned(entity: &Entity, ty: &TypeDraft, partition: &Partition, report: &mut Report) {
    if partition.by.text != "createdAt" {
        let message = "a type is partitioned by the time in its ids, which is `createdAt`";
        report.error(Code::BadArgument, partition.by.span, message, "write `by: \"createdAt\"`".to_owned());
    } else if entity.created_at.is_none() {
        let hint = "remove `timestamps: false`".to_owned();
        report.error(Code::Conflict, partition.by.span, format!("{} has no `createdAt`", ty.name.text), hint);
    }
    if entity.key != IdKind::Uuid7 {
        let message = "only types with UUIDv7 ids can be partitioned: their ids hold the time";
        report.error(
            Code::Conflict,
            partition.span,
            message,
            "remove `id: …` from @model, or remove @partition".to_owned(),
        );
    }
    if let Some((keep, span)) = partition.keep
        && keep < 1
    {
        report.error(
            Code::BadArgument,
            span,
            "`keep` is a number of partitions, at least 1",
            "leave it out to keep all".to_owned(),
        );
    }
    let uniques = ty.directives.uniques.iter().map(|unique| unique.span);
    let on_fields =
        ty.fields.iter().flat_map(|field| field.directives.uniques.iter().map(|unique| unique.span));
    for span in uniques.chain(on_fields) {
        let message =
            format!("{} is partitioned, and no constraint can hold across partitions", ty.name.text);
        let hint = "remove @unique, or keep the unique value in a type of its own".to_owned();
        report.error(Code::Conflict, span, message, hint);
    }
}

fn emitted(scene: &Scene<'_>, entity: &Entity, emit: &Emit, report: &mut Report) {
    let part = |part: &str| {
        !part.is_empty()
            && part.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '_' | '-'))
    };
    let name = &emit.event.text;
    if name.len() > 100 || !name.split('.').all(part) {
        let message = format!("`{}` can't be the name of an event", excerpt(name));
        let hint = format!(
            "lower-case words joined by dots, such as \"{}.paid\"",
            entity.singular.to_ascii_lowercase()
        );
        report.error(Code::BadArgument, emit.event.span, message, hint);
    }
    let operations = emit.operations;
    if operations.read && !operations.delete {
        report.error(
            Code::BadArgument,
            emit.on,
            "reading is no event",
            "possible: CREATE, UPDATE, DELETE, ALL".to_owned(),
        );
    }
    if let (Some(word), false) = (emit.changed.first(), operations.update) {
        let message = "`changed` is about UPDATE, which the event is not emitted on";
        report.error(Code::BadArgument, word.span, message, "add UPDATE to `on`".to_owned());
    }
    for word in &emit.changed {
        match entity.member(&word.text) {
            Some(Member::Relation(relation)) if relation.cardinality == Cardinality::Many => {
                let message = format!(
                    "`{}` is a list of related rows, which no row of {} changes with",
                    word.text, entity.name
                );
                report.error(Code::BadArgument, word.span, message, None);
            }
            Some(_) => {}
            None => scene.unknown(entity, word, &word.text, report),
        }
    }
    if let Some(literal) = &emit.condition {
        scene.condition(entity, literal, report);
    }
}

fn computation(
    site: Site<'_>,
    field: &FieldDraft,
    computed: &Computed,
    ty: Option<FieldType>,
    report: &mut Report,
) {
    let excluded = ["default", "unique", "index", "check", "relation", "search"];
    for (name, span) in field.directives.all.iter().filter(|(name, _)| excluded.contains(name)) {
        let message = format!("`{}` is computed, not stored: @{name} has no meaning", field.name.text);
        report.error(Code::Conflict, *span, message, format!("remove @{name} or @computed"));
    }
    let Some(ty) = ty else {
        report.error(
            Code::BadComputed,
            field.ty.span,
            "a computed field is one value",
            "use a scalar".to_owned(),
        );
        return;
    };
    let [(kind, source)] = computed.of.as_slice() else {
        let message = "`@computed` takes exactly one of expr, count, sum, min, max";
        report.error(Code::BadComputed, computed.span, message, None);
        return;
    };
    match *kind {
        "expr" => expression(site.scene, site.entity, source, report),
        "count" => {
            if !matches!(ty, FieldType::Scalar(Scalar::Int | Scalar::BigInt)) {
                report.error(Code::BadComputed, field.ty.span, "a count is an Int or a BigInt", None);
            }
            to_many(site.scene, site.entity, source, &source.text, report);
        }
        _ => measure(site, kind, source, report),
    }
}

/// `sum`, `min` and `max` of a field of related rows.
fn measure(Site { scene, entity }: Site<'_>, kind: &str, source: &Word, report: &mut Report) {
    let Some((relation, name)) = source.text.split_once('.') else {
        let message = format!("`{kind}` names a list of related rows and a field of theirs");
        report.error(Code::BadComputed, source.span, message, "such as \"lines.quantity\"".to_owned());
        return;
    };
    let Some(target) = to_many(scene, entity, source, relation, report) else { return };
    if scene.layout.computed.contains(name) {
        return;
    }
    match target.member(name) {
        Some(Member::Field(found)) => {
            let number = found.ty.scalar().is_some_and(Scalar::is_number);
            let ordered = found.ty.scalar().is_some_and(Scalar::is_ordered);
            if found.list || !(number || (kind != "sum" && ordered)) {
                report.error(
                    Code::BadComputed,
                    source.span,
                    format!("`{}.{name}` has no {kind}", target.name),
                    None,
                );
            }
        }
        Some(Member::Relation(_)) => {
            report.error(
                Code::BadComputed,
                source.span,
                format!("`{}.{name}` is a relation", target.name),
                None,
            );
        }
        None => scene.unknown(target, source, name, report),
    }
}

fn to_many<'s>(
    scene: &Scene<'s>,
    entity: &Entity,
    word: &Word,
    name: &str,
    report: &mut Report,
) -> Option<&'s Entity> {
    let many = || entity.relations.iter().filter(|relation| relation.cardinality == Cardinality::Many);
    if let Some(relation) = many().find(|relation| relation.name == name) {
        return Some(scene.catalog.target(relation));
    }
    if !scene.layout.broken.contains(name) {
        let message = format!("{} has no list of related rows `{}`", entity.name, excerpt(name));
        let hint = report.suggest(name, many().map(|relation| relation.name.as_str()));
        report.error(Code::BadComputed, word.span, message, hint);
    }
    None
}

/// The names in an expression exist, its brackets and quotes are closed.
fn expression(scene: &Scene<'_>, entity: &Entity, source: &Word, report: &mut Report) {
    let text = source.text.as_str();
    if text.trim().is_empty() || text.len() > 1_000 {
        let hint = "such as \"quantity * unitPrice\"".to_owned();
        report.error(Code::BadComputed, source.span, "an expression has 1 to 1000 characters", hint);
        return;
    }
    let mut rest = text;
    let mut open = 0_usize;
    while let Some(first) = rest.chars().next() {
        let wordy = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '.';
        if first.is_ascii_alphabetic() || first == '_' {
            let end = rest.find(|c| !wordy(c)).unwrap_or(rest.len());
            let (name, after) = rest.split_at(end);
            if !after.trim_start().starts_with('(') {
                path(scene, entity, source, name, report);
            }
            rest = after;
        } else if first == '\'' {
            let Some(end) = rest.get(1..).and_then(|inner| inner.find('\'')) else {
                report.error(
                    Code::BadComputed,
                    source.span,
                    "a quote in this expression is not closed",
                    None,
                );
                return;
            };
            rest = rest.get(end + 2..).unwrap_or_default();
        } else {
            match first {
                '(' => open += 1,
                ')' if open == 0 => {
                    report.error(
                        Code::BadComputed,
                        source.span,
                        "a bracket in this expression was never opened",
                        None,
                    );
                    return;
                }
                ')' => open -= 1,
                c if c.is_ascii_digit() || c.is_whitespace() || "+-*/%,.|<>=!&?:".contains(c) => {}
                c => {
                    let message = format!("`{}` has no meaning in an expression", excerpt(&c.to_string()));
                    report.error(Code::BadComputed, source.span, message, None);
                    return;
                }
            }
            rest = rest.get(first.len_utf8()..).unwrap_or_default();
        }
    }
    if open > 0 {
        report.error(Code::BadComputed, source.span, "a bracket in this expression is not closed", None);
    }
}

fn path(scene: &Scene<'_>, entity: &Entity, source: &Word, name: &str, report: &mut Report) {
    if matches!(name, "true" | "false" | "null" | "and" | "or" | "not") {
        return;
    }
    let mut entity = entity;
    let mut steps = name.split('.').peekable();
    while let Some(step) = steps.next() {
        match entity.member(step) {
            Some(Member::Relation(relation))
                if relation.cardinality == Cardinality::One && steps.peek().is_some() =>
            {
                entity = scene.catalog.target(relation);
            }
            Some(Member::Field(_)) if steps.peek().is_none() => {}
            Some(_) => {
                let message = format!("`{}` is no value of a row", excerpt(name));
                report.error(
                    Code::BadComputed,
                    source.span,
                    message,
                    "an expression uses fields, also those of to-one relations".to_owned(),
                );
                return;
            }
            None => {
                if !scene.layout.computed.contains(step) {
                    scene.unknown(entity, source, step, report);
                }
                return;
            }
        }
    }
}
