//! `field[op]=value`: a parameter becomes a condition of the filter grammar, its text typed by the field.
//!
//! Conditions on the same way through a list (`tracks.some.name[eq]=…&tracks.some.position[gt]=…`) are about the
//! same related row, as they are when written as one object.

use std::borrow::Cow;

use entity::catalog::{Cardinality, Entity, Member};
use entity::predicate::Arity;
use entity::value::excerpt;
use entity::{FieldType, Input, Op, Scalar, suggest};
use service::{Code, Error, Result};

use super::View;
use super::query::{Name, Query, items};

/// Names a dotted path may have.
const MAX_STEPS: usize = 12;

/// How the text of a value is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Typing {
    /// As it is.
    Text,
    /// Digits become an integer.
    Integer,
    /// Digits become a number.
    Number,
    /// As it is, but for a number with an exponent, which is one in JSON as well.
    Decimal,
    /// `true` and `false`.
    Boolean,
    /// As it is, but for the `+` of an offset from UTC that a query string turns into a space.
    Time,
}

impl Typing {
    /// How values of a type are read.
    #[must_use]
    pub fn of(ty: FieldType) -> Self {
        match ty {
            FieldType::Scalar(Scalar::Int) => Typing::Integer,
            FieldType::Scalar(Scalar::Float) => Typing::Number,
            FieldType::Scalar(Scalar::Decimal) => Typing::Decimal,
            FieldType::Scalar(Scalar::Boolean) => Typing::Boolean,
            FieldType::Scalar(Scalar::DateTime) => Typing::Time,
            FieldType::Scalar(_) | FieldType::Enum(_) | FieldType::Embedded(_) => Typing::Text,
        }
    }

    /// The value of a text. What does not fit stays text: the engine says what was expected.
    #[must_use]
    pub fn read(self, text: &str) -> Input {
        let found = match self {
            Typing::Text => None,
            Typing::Integer => text.parse().ok().map(Input::Int),
            Typing::Number => number(text),
            Typing::Decimal if text.contains(['e', 'E']) => number(text),
            Typing::Decimal => None,
            Typing::Boolean => text.parse().ok().map(Input::Bool),
            Typing::Time => text
                .len()
                .checked_sub(6)
                .filter(|at| text.as_bytes().get(*at) == Some(&b' '))
                .map(|at| Input::String(format!("{}+{}", &text[..at], &text[at + 1..]))),
        };
        found.unwrap_or_else(|| Input::String(text.to_owned()))
    }
}

fn number(text: &str) -> Option<Input> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit() || b"+-.eE".contains(&byte));
    plain.then(|| text.parse::<f64>().ok().filter(|number| number.is_finite()).map(Input::Float)).flatten()
}

/// Where the value of a condition comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slot {
    /// Positions of the parameters that give it, and whether each is one item of a list.
    pairs: Vec<(usize, bool)>,
    typing: Typing,
    list: bool,
}

impl Slot {
    /// The value as it was sent.
    ///
    /// # Errors
    /// A list whose quotes do not match.
    pub fn value(&self, query: &Query<'_>) -> Result<Input> {
        let texts = self.pairs.iter().filter_map(|(at, item)| query.pairs.get(*at).map(|pair| (pair, *item)));
        if !self.list {
            return Ok(texts.map(|(pair, _)| self.typing.read(&pair.value)).next().unwrap_or(Input::Null));
        }
        let mut list = Vec::new();
        for (pair, item) in texts {
            let found = if item {
                vec![Cow::Borrowed(pair.value.as_ref())]
            } else {
                items(&pair.value).map_err(|error| error.at(pair.name.as_ref()))?
            };
            list.extend(found.iter().map(|text| self.typing.read(text)));
        }
        Ok(Input::List(list))
    }
}

/// A condition that a parameter says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Condition {
    /// Keys from the outside in, the operator last.
    pub steps: Vec<String>,
    /// Its value.
    pub slot: Slot,
    /// Whether the value decides what SQL is written, so that it can't be left open.
    pub structural: bool,
}

/// The conditions of a request.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Conditions(Vec<Condition>);

impl Conditions {
    /// Adds what a parameter says.
    ///
    /// # Errors
    /// `UNKNOWN_PARAMETER`, `UNKNOWN_OPERATOR`, or `BAD_REQUEST` for one that was there before.
    pub fn add(
        &mut self,
        view: &View<'_>,
        entity: &Entity,
        name: &Name<'_>,
        at: usize,
        reserved: &[&str],
    ) -> Result<()> {
        let operator = match name.brackets.as_slice() {
            [] => None,
            [operator] => Some(*operator),
            _ => {
                return Err(Error::new(Code::BadRequest, "A condition has one operator in brackets.")
                    .hint("write `field[operator]=value`"));
            }
        };
        let leaf = leaf(view, entity, name.base, operator, reserved)?;
        let list = matches!(leaf.op.arity(), Arity::Many | Arity::Two);
        if let Some(known) = self.0.iter_mut().find(|known| known.steps == leaf.steps) {
            if !list {
                return Err(twice());
            }
            known.slot.pairs.push((at, name.item));
            return Ok(());
        }
        if name.item && !list {
            return Err(Error::new(
                Code::BadRequest,
                format!("`{}` takes one value, not a list.", leaf.op.name()),
            ));
        }
        self.0.push(Condition {
            steps: leaf.steps,
            slot: Slot { pairs: vec![(at, name.item)], typing: leaf.typing, list },
            structural: leaf.op == Op::IsNull,
        });
        Ok(())
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The conditions as one object of the filter grammar, each value as `value` gives it.
    ///
    /// # Errors
    /// Those of `value`.
    pub fn input(&self, mut value: impl FnMut(&Condition) -> Result<Input>) -> Result<Option<Input>> {
        let mut root = Vec::new();
        for condition in &self.0 {
            insert(&mut root, &condition.steps, value(condition)?);
        }
        Ok((!root.is_empty()).then_some(Input::Object(root)))
    }
}

/// The complaint about a parameter that was given before.
#[must_use]
pub fn twice() -> Error {
    Error::new(Code::BadRequest, "The parameter is given twice.")
        .hint("combine conditions on one field with different operators, or write `where={\"or\":[…]}`")
}

fn insert(object: &mut Vec<(String, Input)>, steps: &[String], value: Input) {
    match steps {
        [] => {}
        [last] => object.push((last.clone(), value)),
        [first, rest @ ..] => {
            let at = object.iter().position(|(key, _)| key == first).unwrap_or_else(|| {
                object.push((first.clone(), Input::Object(Vec::new())));
                object.len() - 1
            });
            if let Some((_, Input::Object(inner))) = object.get_mut(at) {
                insert(inner, rest, value);
            }
        }
    }
}

struct Leaf {
    steps: Vec<String>,
    op: Op,
    typing: Typing,
}

/// What a dotted path ends in.
enum End<'a> {
    Field(FieldType, bool),
    Key(FieldType),
    Count,
    List(&'a str),
}

fn leaf(
    view: &View<'_>,
    entity: &Entity,
    path: &str,
    operator: Option<&str>,
    reserved: &[&str],
) -> Result<Leaf> {
    let mut steps = Vec::new();
    let end = walk(view, entity, path, &mut steps, reserved)?;
    let possible: Vec<Op> = match end {
        End::Field(ty, list) => Op::ALL.into_iter().filter(|op| op.applies(ty, list)).collect(),
        End::Key(_) => Op::KEY.to_vec(),
        End::Count => Op::COUNT.to_vec(),
        End::List(name) => {
            return Err(Error::new(
                Code::UnknownOperator,
                format!("`{}` is a list of related rows.", excerpt(path)),
            )
            .hint(format!(
                "write `{path}.some.field=…`, `{path}.none.…`, `{path}.every.…`, or `{name}Count[gt]=…`"
            )));
        }
    };
    let wanted = operator.unwrap_or(Op::Eq.name());
    let op = Op::named(wanted).filter(|op| possible.contains(op)).ok_or_else(|| {
        let hint = suggest::hint(wanted, possible.iter().map(|op| op.name()));
        hinted(
            Error::new(
                Code::UnknownOperator,
                format!("`{}` takes no operator `{}`.", excerpt(path), excerpt(wanted)),
            ),
            hint,
        )
    })?;
    let typing = match (op, end) {
        (Op::IsNull, _) => Typing::Boolean,
        (_, End::Count) => Typing::Integer,
        // Part of an e-mail address is not an e-mail address: text operators take any text.
        (_, End::Field(ty, _) | End::Key(ty)) => Typing::of(ty),
        (_, End::List(_)) => Typing::Text,
    };
    steps.push(op.name().to_owned());
    Ok(Leaf { steps, op, typing })
}

fn walk<'a>(
    view: &View<'a>,
    entity: &'a Entity,
    path: &'a str,
    steps: &mut Vec<String>,
    reserved: &[&str],
) -> Result<End<'a>> {
    let mut entity = entity;
    let mut names = path.split('.').peekable();
    while let Some(name) = names.next() {
        if steps.len() == MAX_STEPS {
            return Err(Error::new(Code::LimitExceeded, format!("A path has {MAX_STEPS} names at most.")));
        }
        let last = names.peek().is_none();
        let reserved = if steps.is_empty() { reserved } else { &[] };
        match view.member(entity, name) {
            Some(Member::Field(field)) => {
                if !last {
                    return Err(Error::new(
                        Code::UnknownParameter,
                        format!("`{name}` has no fields to compare."),
                    )
                    .hint("dotted paths go through relations"));
                }
                steps.push(name.to_owned());
                return Ok(End::Field(field.ty, field.list));
            }
            Some(Member::Relation(relation)) => {
                steps.push(name.to_owned());
                let target = view.catalog.target(relation);
                match (relation.cardinality, last) {
                    (Cardinality::One, true) => return Ok(End::Key(target.key_field().ty)),
                    (Cardinality::Many, true) => return Ok(End::List(name)),
                    (Cardinality::One, false) => {}
                    (Cardinality::Many, false) => {
                        let Some(quantifier) =
                            names.next().filter(|name| ["some", "none", "every"].contains(name))
                        else {
                            return Err(Error::new(
                                Code::UnknownParameter,
                                format!("`{name}` is a list of related rows."),
                            )
                            .hint(format!("write `{name}.some.…`, `{name}.none.…` or `{name}.every.…`")));
                        };
                        steps.push(quantifier.to_owned());
                        if names.peek().is_none() {
                            return Err(Error::new(
                                Code::UnknownParameter,
                                format!("`{}` is not a field.", excerpt(path)),
                            )
                            .hint(format!("write `{path}.field=…`")));
                        }
                    }
                }
                entity = target;
            }
            None if last && counts(view, entity, name) => {
                steps.push(name.to_owned());
                return Ok(End::Count);
            }
            None => return Err(unknown(view, entity, name, reserved)),
        }
    }
    Err(Error::new(Code::UnknownParameter, "A parameter has no name."))
}

fn counts(view: &View<'_>, entity: &Entity, name: &str) -> bool {
    name.strip_suffix("Count").is_some_and(|name| {
        matches!(view.member(entity, name), Some(Member::Relation(relation)) if relation.cardinality == Cardinality::Many)
    })
}

/// The complaint about a name that means nothing here.
#[must_use]
pub fn unknown(view: &View<'_>, entity: &Entity, name: &str, reserved: &[&str]) -> Error {
    let names: Vec<&str> = reserved.iter().copied().chain(view.members(entity)).collect();
    let shown = excerpt(name);
    let error = if reserved.is_empty() {
        Error::new(Code::UnknownParameter, format!("{} has no field `{shown}`.", entity.name))
    } else {
        Error::new(
            Code::UnknownParameter,
            format!("`{shown}` is neither a parameter nor a field of {}.", entity.name),
        )
    };
    hinted(error, suggest::hint(name, names.iter().copied()))
}

/// Adds a hint where there is one.
#[must_use]
pub fn hinted(error: Error, hint: Option<String>) -> Error {
    match hint {
        Some(hint) => error.hint(hint),
        None => error,
    }
}
