//! One algebra for filters, rules, checks and partial indexes: a condition by id, typed.

use serde::{Deserialize, Serialize};

use crate::id::{FieldId, RelationId};
use crate::scalar::{FieldType, Scalar};

pub mod operand;

pub use operand::{Claim, Operand, Param};

/// A comparison. SQL's three-valued logic holds: with a null on either side the answer is unknown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Op {
    /// equal
    Eq,
    /// not equal
    Ne,
    /// one of a list
    In,
    /// none of a list
    NotIn,
    /// greater
    Gt,
    /// greater or equal
    Gte,
    /// less
    Lt,
    /// less or equal
    Lte,
    /// from the first to the second of a list of two, both included
    Between,
    /// has no value (operand true) or has one (false)
    IsNull,
    /// contains the text
    Contains,
    /// starts with the text
    StartsWith,
    /// ends with the text
    EndsWith,
    /// SQL LIKE: `%` any text, `_` any character, `\` makes the next one literal
    Like,
    /// equal, letters of either case alike
    Ieq,
    /// `Contains`, letters of either case alike
    Icontains,
    /// `StartsWith`, letters of either case alike
    IstartsWith,
    /// `EndsWith`, letters of either case alike
    IendsWith,
    /// the list has the item
    Has,
    /// the list has at least one of the items
    HasAny,
    /// the list has each of the items
    HasAll,
}

/// What an operator's operand is, seen from the field it compares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arity {
    /// One value of the field's type (of the item's type for `Has`).
    One,
    /// A list of values of the field's type.
    Many,
    /// Exactly two values.
    Two,
    /// A boolean.
    Flag,
}

impl Op {
    /// Every operator.
    pub const ALL: [Op; 21] = [
        Op::Eq,
        Op::Ne,
        Op::In,
        Op::NotIn,
        Op::Gt,
        Op::Gte,
        Op::Lt,
        Op::Lte,
        Op::Between,
        Op::IsNull,
        Op::Contains,
        Op::StartsWith,
        Op::EndsWith,
        Op::Like,
        Op::Ieq,
        Op::Icontains,
        Op::IstartsWith,
        Op::IendsWith,
        Op::Has,
        Op::HasAny,
        Op::HasAll,
    ];

    /// Those a to-one relation takes on its key.
    pub const KEY: [Op; 5] = [Op::Eq, Op::Ne, Op::In, Op::NotIn, Op::IsNull];

    /// Those a count of related rows takes.
    pub const COUNT: [Op; 9] =
        [Op::Eq, Op::Ne, Op::In, Op::NotIn, Op::Gt, Op::Gte, Op::Lt, Op::Lte, Op::Between];

    /// The name in the filter grammar.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Op::Eq => "eq",
            Op::Ne => "ne",
            Op::In => "in",
            Op::NotIn => "notIn",
            Op::Gt => "gt",
            Op::Gte => "gte",
            Op::Lt => "lt",
            Op::Lte => "lte",
            Op::Between => "between",
            Op::IsNull => "isNull",
            Op::Contains => "contains",
            Op::StartsWith => "startsWith",
            Op::EndsWith => "endsWith",
            Op::Like => "like",
            Op::Ieq => "ieq",
            Op::Icontains => "icontains",
            Op::IstartsWith => "istartsWith",
            Op::IendsWith => "iendsWith",
            Op::Has => "has",
            Op::HasAny => "hasAny",
            Op::HasAll => "hasAll",
        }
    }

    /// The operator of a name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|op| op.name() == name)
    }

    /// What its operand is.
    #[must_use]
    pub fn arity(self) -> Arity {
        match self {
            Op::In | Op::NotIn | Op::HasAny | Op::HasAll => Arity::Many,
            Op::Between => Arity::Two,
            Op::IsNull => Arity::Flag,
            Op::Eq
            | Op::Ne
            | Op::Gt
            | Op::Gte
            | Op::Lt
            | Op::Lte
            | Op::Contains
            | Op::StartsWith
            | Op::EndsWith
            | Op::Like
            | Op::Ieq
            | Op::Icontains
            | Op::IstartsWith
            | Op::IendsWith
            | Op::Has => Arity::One,
        }
    }

    /// Whether it looks for a text in a text.
    #[must_use]
    pub fn is_pattern(self) -> bool {
        matches!(
            self,
            Op::Contains
                | Op::StartsWith
                | Op::EndsWith
                | Op::Like
                | Op::Ieq
                | Op::Icontains
                | Op::IstartsWith
                | Op::IendsWith
        )
    }

    /// Whether a field of this type takes the operator.
    #[must_use]
    pub fn applies(self, ty: FieldType, list: bool) -> bool {
        if list {
            let embedded = matches!(ty, FieldType::Embedded(_) | FieldType::Scalar(Scalar::Json));
            return self == Op::IsNull || (matches!(self, Op::Has | Op::HasAny | Op::HasAll) && !embedded);
        }
        match self {
            Op::IsNull => true,
            Op::Eq | Op::Ne | Op::In | Op::NotIn => {
                !matches!(ty, FieldType::Embedded(_) | FieldType::Scalar(Scalar::Json))
            }
            Op::Gt | Op::Gte | Op::Lt | Op::Lte | Op::Between => {
                ty.scalar().is_some_and(|scalar| scalar.is_ordered())
            }
            Op::Contains
            | Op::StartsWith
            | Op::EndsWith
            | Op::Like
            | Op::Ieq
            | Op::Icontains
            | Op::IstartsWith
            | Op::IendsWith => ty.scalar().is_some_and(Scalar::is_text),
            Op::Has | Op::HasAny | Op::HasAll => false,
        }
    }
}

/// A condition on one row of an entity. `V` is what values are: [`Operand`] until a request binds them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Predicate<V = Operand> {
    /// Every row.
    Always,
    /// No row.
    Never,
    /// All of them; unknown is not true.
    All(Vec<Self>),
    /// At least one of them.
    Any(Vec<Self>),
    /// The opposite; unknown stays unknown.
    Not(Box<Self>),
    /// True where the inner one is false *or unknown*.
    Untrue(Box<Self>),
    /// The second where the first holds, else unknown: a field that is hidden on some rows.
    Where(Box<Self>, Box<Self>),
    /// A field compared with a value.
    Compare {
        /// A field of the entity.
        field: FieldId,
        /// How.
        op: Op,
        /// With what.
        value: V,
    },
    /// A field compared with another field of the same row.
    CompareFields {
        /// The left side.
        field: FieldId,
        /// How; only the ordering and equality operators.
        op: Op,
        /// The right side.
        other: FieldId,
    },
    /// A row on the other side of a relation fulfils a condition.
    Exists {
        /// A relation of the entity.
        relation: RelationId,
        /// A condition on the related row.
        that: Box<Self>,
    },
    /// The number of rows on the other side of a relation that fulfil a condition, compared.
    Count {
        /// A to-many relation of the entity.
        relation: RelationId,
        /// A condition on the related row.
        that: Box<Self>,
        /// How; one of [`Op::COUNT`].
        op: Op,
        /// With what number.
        value: V,
    },
}

impl<V> Predicate<V> {
    /// The conjunction, simplified.
    pub fn and(parts: impl IntoIterator<Item = Self>) -> Self {
        let mut kept = Vec::new();
        for part in parts {
            match part {
                Predicate::Always => {}
                Predicate::Never => return Predicate::Never,
                Predicate::All(inner) => kept.extend(inner),
                other => kept.push(other),
            }
        }
        match kept.len() {
            0 => Predicate::Always,
            1 => kept.pop().unwrap_or(Predicate::Always),
            _ => Predicate::All(kept),
        }
    }

    /// The disjunction, simplified.
    pub fn or(parts: impl IntoIterator<Item = Self>) -> Self {
        let mut kept = Vec::new();
        for part in parts {
            match part {
                Predicate::Never => {}
                Predicate::Always => return Predicate::Always,
                Predicate::Any(inner) => kept.extend(inner),
                other => kept.push(other),
            }
        }
        match kept.len() {
            0 => Predicate::Never,
            1 => kept.pop().unwrap_or(Predicate::Never),
            _ => Predicate::Any(kept),
        }
    }

    /// The same condition where only true counts, as in a WHERE clause: what is hidden on some rows is a plain
    /// conjunction there, which an index can serve, unlike a `CASE`.
    #[must_use]
    pub fn where_true(self) -> Self {
        self.simplified(true)
    }

    fn simplified(self, only_true: bool) -> Self {
        let all = |parts: Vec<Self>| parts.into_iter().map(|part| part.simplified(only_true));
        match self {
            Predicate::All(parts) => Predicate::and(all(parts)),
            Predicate::Any(parts) => Predicate::or(all(parts)),
            // The opposite of unknown is unknown, that of false is true: they differ from here on.
            Predicate::Not(inner) => Predicate::Not(Box::new(inner.simplified(false))),
            Predicate::Untrue(inner) => Predicate::Untrue(Box::new(inner.simplified(true))),
            Predicate::Where(shown, inner) if only_true => {
                Predicate::and([inner.simplified(true), shown.simplified(true)])
            }
            Predicate::Where(shown, inner) => {
                Predicate::Where(Box::new(shown.simplified(true)), Box::new(inner.simplified(false)))
            }
            Predicate::Exists { relation, that } => {
                Predicate::Exists { relation, that: Box::new(that.simplified(true)) }
            }
            Predicate::Count { relation, that, op, value } => {
                Predicate::Count { relation, that: Box::new(that.simplified(true)), op, value }
            }
            other => other,
        }
    }

    /// Replaces every value.
    ///
    /// # Errors
    /// The first error of `map`.
    pub fn try_map<W, E>(&self, map: &mut impl FnMut(&V) -> Result<W, E>) -> Result<Predicate<W>, E> {
        let mut all =
            |parts: &[Self]| parts.iter().map(|part| part.try_map(map)).collect::<Result<Vec<_>, E>>();
        Ok(match self {
            Predicate::Always => Predicate::Always,
            Predicate::Never => Predicate::Never,
            Predicate::All(parts) => Predicate::All(all(parts)?),
            Predicate::Any(parts) => Predicate::Any(all(parts)?),
            Predicate::Not(inner) => Predicate::Not(Box::new(inner.try_map(map)?)),
            Predicate::Untrue(inner) => Predicate::Untrue(Box::new(inner.try_map(map)?)),
            Predicate::Where(shown, inner) => {
                Predicate::Where(Box::new(shown.try_map(map)?), Box::new(inner.try_map(map)?))
            }
            Predicate::Compare { field, op, value } => {
                Predicate::Compare { field: *field, op: *op, value: map(value)? }
            }
            Predicate::CompareFields { field, op, other } => {
                Predicate::CompareFields { field: *field, op: *op, other: *other }
            }
            Predicate::Exists { relation, that } => {
                Predicate::Exists { relation: *relation, that: Box::new(that.try_map(map)?) }
            }
            Predicate::Count { relation, that, op, value } => Predicate::Count {
                relation: *relation,
                that: Box::new(that.try_map(map)?),
                op: *op,
                value: map(value)?,
            },
        })
    }
}
