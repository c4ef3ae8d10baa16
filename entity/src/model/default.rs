//! `@default`: a constant, the time, who asks, or a field of a row that the new one refers to.

use apollo_compiler::ast;

use super::check::less;
use super::diagnostic::{Code, Report};
use super::directive;
use super::layout::Shape;
use super::scene::{Scene, Site};
use super::source::Span;
use crate::catalog::{Cardinality, Check, Default, Entity, Field, Member};
use crate::predicate::Claim;
use crate::resolve::{ModelScope, Scope};
use crate::scalar::{FieldType, Scalar};
use crate::suggest;
use crate::value::{Value, coerce, excerpt};

/// The default of a field.
pub(super) fn default(
    site: Site<'_>,
    field: &Field,
    checks: &[Check],
    written: &directive::Default,
    report: &mut Report,
) -> Option<Default> {
    let text = if let ast::Value::String(text) = &*written.value { Some(text.as_str()) } else { None };
    let dynamic = text.filter(|text| text.starts_with('$') && !text.starts_with("$$"));
    let Some(text) = dynamic else {
        let value = constant(site.scene, field, written, report)?;
        if let Some(check) = checks.iter().find(|check| breaks(check, &value)) {
            let message = format!("the default of `{}` does not pass its own check", field.name);
            report.error(Code::BadDefault, written.at, message, check.message.clone());
            return None;
        }
        return Some(Default::Value(value));
    };
    if let Some(path) = text.strip_prefix("$new.") {
        return copy(site, field, path, written.at, report);
    }
    if text == "$now" {
        let time = matches!(field.ty, FieldType::Scalar(Scalar::DateTime | Scalar::Date)) && !field.list;
        if !time {
            let message = format!("`$now` is a time, and `{}` is not", field.name);
            report.error(
                Code::BadDefault,
                written.at,
                message,
                "declare the field as DateTime or Date".to_owned(),
            );
        }
        return time.then_some(Default::Now);
    }
    claim(field, text, written.at, report)
}

/// A constant; a leading `$$` stands for one dollar.
fn constant(
    scene: &Scene<'_>,
    field: &Field,
    written: &directive::Default,
    report: &mut Report,
) -> Option<Value> {
    if let ast::Value::String(text) = &*written.value
        && let (Some(rest), FieldType::Scalar(_)) = (text.strip_prefix("$$"), field.ty)
    {
        let input = crate::input::Input::String(format!("${rest}"));
        return coerce(scene.catalog, field.ty, field.list, &input)
            .map_err(|problem| report.error(Code::BadDefault, written.at, problem.message, problem.hint))
            .ok();
    }
    scene.constant(&written.value, (field.ty, field.list), Code::BadDefault, report)
}

fn claim(field: &Field, text: &str, at: Span, report: &mut Report) -> Option<Default> {
    let name = text.trim_start_matches('$');
    let Some(claim) = Claim::named(name) else {
        let hint = suggest::nearest(name, Claim::NAMES.into_iter().chain(["now"]))
            .map(|near| format!("did you mean `${near}`?"))
            .or_else(|| ModelScope.dynamic(text).is_ok().then(|| "a default is `$now` without more".to_owned()))
            .unwrap_or_else(|| "possible: $now, $user.id, $org.id, $claims.…, $new.<relation>.<field>; a literal leading dollar is `$$`".to_owned());
        report.error(
            Code::BadDefault,
            at,
            format!("`{}` is not a value of the request", excerpt(text)),
            hint,
        );
        return None;
    };
    let scalar = field.ty.scalar();
    let id =
        field.relation.is_some() || matches!(scalar, Some(Scalar::Id(_) | Scalar::Uuid | Scalar::String));
    let string = field.relation.is_none()
        && scalar.is_some_and(|scalar| matches!(scalar, Scalar::String | Scalar::Id(_)));
    let (fits, wanted) = match claim {
        Claim::UserId | Claim::OrgId => (id && !field.list, "a relation, an ID, a UUID or a String"),
        Claim::UserEmail => {
            ((string || scalar == Some(Scalar::Email)) && !field.list, "an Email or a String")
        }
        Claim::OrgRole => (string && !field.list, "a String"),
        Claim::UserRoles | Claim::KeyScopes => (string && field.list, "a list of String"),
        Claim::Named(_) => (true, ""),
    };
    if !fits {
        let message = format!("`{}` does not fit `{}`", excerpt(text), field.name);
        report.error(Code::BadDefault, at, message, format!("it is kept in {wanted}"));
        return None;
    }
    Some(Default::Claim(claim))
}

/// `$new.track.unitPrice`
fn copy(
    Site { scene, entity }: Site<'_>,
    field: &Field,
    path: &str,
    at: Span,
    report: &mut Report,
) -> Option<Default> {
    let Some((relation, source)) = path.split_once('.') else {
        let message = format!("`$new.{}` names no field", excerpt(path));
        report.error(Code::BadDefault, at, message, "write `$new.<relation>.<field>`".to_owned());
        return None;
    };
    let relations = || entity.relations.iter().filter(|relation| relation.cardinality == Cardinality::One);
    let Some(relation) = relations().find(|candidate| candidate.name == relation) else {
        if !scene.layout.broken.contains(relation) {
            let message = format!("{} has no to-one relation `{}`", entity.name, excerpt(relation));
            let hint = report.suggest(relation, relations().map(|relation| relation.name.as_str()));
            report.error(Code::BadDefault, at, message, hint);
        }
        return None;
    };
    let target = scene.catalog.target(relation);
    let found = match target.member(source) {
        Some(Member::Field(found)) => found,
        Some(Member::Relation(inner)) => match inner.join {
            crate::catalog::Join::Outgoing { field } => target.field(field),
            crate::catalog::Join::Incoming { .. } | crate::catalog::Join::Through { .. } => {
                report.error(
                    Code::BadDefault,
                    at,
                    format!("`{}.{source}` is a list of related rows", target.name),
                    None,
                );
                return None;
            }
        },
        None => {
            if !scene.layout.broken.contains(source) {
                let message = format!("{} has no field `{}`", target.name, excerpt(source));
                let hint = report.suggest(source, target.member_names());
                report.error(Code::BadDefault, at, message, hint);
            }
            return None;
        }
    };
    let refers =
        |field: &Field, owner: &Entity| field.relation.map(|relation| owner.relation(relation).target);
    let key = found.id == Entity::KEY && field.relation.is_some() && refers(field, entity) == Some(target.id);
    let same =
        found.ty == field.ty && found.list == field.list && refers(found, target) == refers(field, entity);
    if !(same || key) {
        let message =
            format!("`{}.{source}` is of another type than `{}.{}`", target.name, entity.name, field.name);
        report.error(Code::BadDefault, at, message, "only values of the same type can be copied".to_owned());
        return None;
    }
    Some(Default::Copy { relation: relation.id, field: found.id })
}

/// Whether a value fails a check of its field.
fn breaks(check: &Check, value: &Value) -> bool {
    let count = if let Value::Text(text) = value {
        u64::try_from(text.chars().count()).ok()
    } else if let Value::List(items) = value {
        u64::try_from(items.len()).ok()
    } else {
        None
    };
    let pattern = if let (Value::Text(text), Some(pattern)) = (value, &check.pattern) {
        regex::Regex::new(pattern).is_ok_and(|pattern| !pattern.is_match(text))
    } else {
        false
    };
    check.min.as_ref().is_some_and(|min| less(value, min))
        || check.max.as_ref().is_some_and(|max| less(max, value))
        || matches!((count, check.min_length), (Some(count), Some(least)) if count < least)
        || matches!((count, check.max_length), (Some(count), Some(most)) if count > most)
        || pattern
}

/// A default on what can't have one.
pub(super) fn misplaced(shape: Shape, name: &str, written: &directive::Default, report: &mut Report) {
    if matches!(shape, Shape::ToMany(_)) {
        let message = format!("`{name}` is a list of related rows and can't have a default");
        report.error(Code::BadDefault, written.at, message, None);
    }
}
