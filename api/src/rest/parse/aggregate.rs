//! `group`, `sum`, `avg`, `min`, `max`, `having`: numbers about groups of rows.

use std::borrow::Cow;

use entity::catalog::{Entity, Member};
use entity::predicate::Arity;
use entity::value::excerpt;
use entity::{Input, Op, suggest};
use service::engine::request::{
    Aggregate, AggregateOrder, AggregatePart, Bucket, Function, Group, KeyPart, Measure, MeasurePart,
};
use service::{Code, Error, Result};

use super::filter::{Typing, hinted};
use super::page::{direction, number};
use super::query::items;
use super::selection::Wanted;
use super::{Parameters, View, json_parameter};

/// The aggregate that a request asks for; its filter is given by the caller.
///
/// # Errors
/// Names, operators and numbers that are none.
pub fn aggregate(
    view: &View<'_>,
    entity: &Entity,
    parameters: &Parameters<'_>,
    filter: Option<Input>,
) -> Result<Aggregate> {
    let groups: Vec<Group> = parameters
        .list("group")?
        .unwrap_or_default()
        .iter()
        .map(|text| group(text).map_err(|error| error.at("group")))
        .collect::<Result<_>>()?;
    let wanted = Wanted::read(parameters)?;
    let mut parts = Vec::new();
    if !groups.is_empty() {
        parts.push(("key".to_owned(), AggregatePart::Key(keys(view, entity, &groups, &wanted)?)));
    }
    if let Some(stray) = wanted.expanded().find(|name| !groups.iter().any(|group| group.name == *name)) {
        return Err(Error::new(Code::UnknownField, format!("`{}` is not grouped by.", excerpt(stray)))
            .hint(format!("add it to `group`: `group={}`", excerpt(stray)))
            .at("expand"));
    }
    parts.push(("count".to_owned(), AggregatePart::Count));
    for function in Function::ALL {
        if let Some(fields) = parameters.list(function.name())? {
            let field =
                |name: &Cow<'_, str>| (name.trim().to_owned(), MeasurePart::Field(name.trim().to_owned()));
            let fields = fields.iter().map(field).collect();
            parts.push((function.name().to_owned(), AggregatePart::Measures(function, fields)));
        }
    }
    Ok(Aggregate {
        entity: entity.id,
        filter,
        search: parameters.text("search").map(str::to_owned),
        having: having(entity, parameters)?,
        order: order(parameters, &groups)?,
        first: number(parameters, "limit")?,
        groups,
        parts,
    })
}

fn group(text: &str) -> Result<Group> {
    let text = text.trim();
    let (name, bucket) = match text.split_once(':') {
        None => (text, None),
        Some((name, unit)) => {
            let bucket = Bucket::ALL
                .into_iter()
                .find(|bucket| bucket.name().eq_ignore_ascii_case(unit))
                .ok_or_else(|| {
                    let units: Vec<String> =
                        Bucket::ALL.into_iter().map(|bucket| bucket.name().to_lowercase()).collect();
                    let error =
                        Error::new(Code::BadRequest, format!("`{}` is not a unit of time.", excerpt(unit)));
                    hinted(error, suggest::hint(unit, units.iter().map(String::as_str)))
                })?;
            (name, Some(bucket))
        }
    };
    if name.is_empty() {
        return Err(
            Error::new(Code::BadRequest, "A name is missing.").hint("write `group=genre,createdAt:month`")
        );
    }
    Ok(Group { name: name.to_owned(), bucket })
}

fn keys(
    view: &View<'_>,
    entity: &Entity,
    groups: &[Group],
    wanted: &Wanted,
) -> Result<Vec<(String, KeyPart)>> {
    groups
        .iter()
        .map(|group| {
            let row = match view.member(entity, &group.name) {
                Some(Member::Relation(relation)) => {
                    wanted.below(view, view.catalog.target(relation), &group.name)?
                }
                Some(Member::Field(_)) | None => None,
            };
            let part = match row {
                Some(selection) => KeyPart::Row(group.name.clone(), selection),
                None => KeyPart::Value(group.name.clone()),
            };
            Ok((group.name.clone(), part))
        })
        .collect()
}

/// `-count,avg.unitPrice,genre`
fn order(parameters: &Parameters<'_>, groups: &[Group]) -> Result<Vec<AggregateOrder>> {
    let terms = parameters.list("sort")?.unwrap_or_default();
    terms
        .iter()
        .map(|term| {
            let (name, descending) = direction(term);
            // A grouped field named like a measure is meant as the field.
            if groups.iter().any(|group| group.name == name) {
                return Ok(AggregateOrder::Key(name.to_owned(), descending));
            }
            if name == "count" {
                return Ok(AggregateOrder::Measure(Measure::Count, descending));
            }
            if let Some((function, field)) = name.split_once('.')
                && let Some(function) = Function::ALL.into_iter().find(|known| known.name() == function)
            {
                return Ok(AggregateOrder::Measure(Measure::Of(function, field.to_owned()), descending));
            }
            Err(Error::new(Code::UnknownField, format!("Groups can't be sorted by `{}`.", excerpt(name)))
                .hint("sort by `count`, by a measure such as `avg.unitPrice`, or by what is grouped by")
                .at("sort"))
        })
        .collect()
}

fn having(entity: &Entity, parameters: &Parameters<'_>) -> Result<Option<Input>> {
    let mut all = Vec::new();
    if let Some(text) = parameters.text("having") {
        all.push(json_parameter("having", text)?);
    }
    for (brackets, text) in &parameters.having {
        all.push(condition(entity, brackets, text).map_err(|error| error.at("having"))?);
    }
    Ok(match all.len() {
        0 => None,
        1 => all.pop(),
        _ => Some(object("and", Input::List(all))),
    })
}

fn condition(entity: &Entity, brackets: &[&str], text: &str) -> Result<Input> {
    match brackets {
        ["count", operator] => Ok(object("count", comparison(operator, Typing::Integer, text)?)),
        [function, field, operator] if Function::ALL.iter().any(|known| known.name() == *function) => {
            let typing = match (*function, entity.member(field)) {
                ("avg", _) => Typing::Number,
                ("min" | "max", Some(Member::Field(field))) => Typing::of(field.ty),
                ("sum", Some(Member::Field(field))) if Typing::of(field.ty) == Typing::Number => {
                    Typing::Number
                }
                _ => Typing::Text,
            };
            Ok(object(function, object(field, comparison(operator, typing, text)?)))
        }
        _ => Err(Error::new(Code::UnknownParameter, "A condition on groups is not understood.")
            .hint("write `having[count][gt]=10` or `having[sum][unitPrice][gt]=5`")),
    }
}

fn comparison(operator: &str, typing: Typing, text: &str) -> Result<Input> {
    let op = Op::named(operator).filter(|op| Op::COUNT.contains(op)).ok_or_else(|| {
        let error = Error::new(
            Code::UnknownOperator,
            format!("A measure takes no operator `{}`.", excerpt(operator)),
        );
        hinted(error, suggest::hint(operator, Op::COUNT.into_iter().map(Op::name)))
    })?;
    let value = match op.arity() {
        Arity::Many | Arity::Two => Input::List(items(text)?.iter().map(|item| typing.read(item)).collect()),
        Arity::One | Arity::Flag => typing.read(text),
    };
    Ok(object(op.name(), value))
}

fn object(key: &str, value: Input) -> Input {
    Input::Object(vec![(key.to_owned(), value)])
}
