//! A condition by column name: what a partial index covers, what a check demands.

use std::collections::BTreeSet;

use entity::catalog::Entity;
use entity::predicate::Arity;
use entity::{Op, Operand, Predicate, Value};
use serde::{Deserialize, Serialize};

use super::Constant;

/// A condition on one row, over its own columns and constants only.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Condition {
    /// Every row.
    Always,
    /// No row.
    Never,
    /// All of them.
    All(Vec<Self>),
    /// At least one of them.
    Any(Vec<Self>),
    /// The opposite; unknown stays unknown.
    Not(Box<Self>),
    /// True where the inner one is false or unknown.
    Untrue(Box<Self>),
    /// The second where the first holds, else unknown.
    Where(Box<Self>, Box<Self>),
    /// A column compared with constants: one, two or many as the operator takes.
    Compare {
        /// The column.
        column: String,
        /// How.
        op: Op,
        /// With what.
        values: Vec<Constant>,
    },
    /// Two columns compared.
    Columns {
        /// The left side.
        column: String,
        /// How.
        op: Op,
        /// The right side.
        other: String,
    },
    /// The number of characters of a text or of items of a list.
    Length {
        /// The column.
        column: String,
        /// Whether it is a list.
        list: bool,
        /// At least.
        min: Option<u64>,
        /// At most.
        max: Option<u64>,
    },
    /// The text, or each item of the list, is one of these.
    Member {
        /// The column.
        column: String,
        /// Whether it is a list.
        list: bool,
        /// The values.
        values: Vec<String>,
    },
}

impl Condition {
    /// The condition of a predicate on an entity.
    ///
    /// # Errors
    /// What can't be said by a row's own columns and constants.
    pub fn of(entity: &Entity, predicate: &Predicate) -> Result<Self, String> {
        let all =
            |parts: &[Predicate]| parts.iter().map(|part| Self::of(entity, part)).collect::<Result<_, _>>();
        let column = |field: entity::FieldId| entity.field(field).column.clone();
        Ok(match predicate {
            Predicate::Always => Condition::Always,
            Predicate::Never => Condition::Never,
            Predicate::All(parts) => Condition::All(all(parts)?),
            Predicate::Any(parts) => Condition::Any(all(parts)?),
            Predicate::Not(inner) => Condition::Not(Box::new(Self::of(entity, inner)?)),
            Predicate::Untrue(inner) => Condition::Untrue(Box::new(Self::of(entity, inner)?)),
            Predicate::Where(shown, inner) => {
                Condition::Where(Box::new(Self::of(entity, shown)?), Box::new(Self::of(entity, inner)?))
            }
            Predicate::Compare { field, op, value } => {
                if matches!(op, Op::Has | Op::HasAny | Op::HasAll) {
                    return Err(format!("`{}` looks inside of a list", op.name()));
                }
                let values = constants(entity, *field, *op, value)?;
                Condition::Compare { column: column(*field), op: *op, values }
            }
            Predicate::CompareFields { field, op, other } => {
                Condition::Columns { column: column(*field), op: *op, other: column(*other) }
            }
            Predicate::Exists { relation, .. } | Predicate::Count { relation, .. } => {
                return Err(format!("`{}` is in another table", entity.relation(*relation).name));
            }
        })
    }

    /// A column that has no value.
    #[must_use]
    pub fn is_null(column: &str) -> Self {
        Condition::Compare { column: column.to_owned(), op: Op::IsNull, values: vec![Constant::Bool(true)] }
    }

    /// The conjunction.
    #[must_use]
    pub fn and(mut parts: Vec<Self>) -> Option<Self> {
        if parts.len() > 1 { Some(Condition::All(parts)) } else { parts.pop() }
    }

    /// The columns it speaks of.
    pub(crate) fn names(&self) -> BTreeSet<String> {
        let mut names = BTreeSet::new();
        self.clone().each_column(&mut |name: &mut String| {
            names.insert(name.clone());
        });
        names
    }

    /// Calls `map` with every column name.
    pub(crate) fn each_column(&mut self, map: &mut impl FnMut(&mut String)) {
        match self {
            Condition::Always | Condition::Never => {}
            Condition::All(parts) | Condition::Any(parts) => {
                parts.iter_mut().for_each(|part| part.each_column(map))
            }
            Condition::Not(inner) | Condition::Untrue(inner) => inner.each_column(map),
            Condition::Where(shown, inner) => {
                shown.each_column(map);
                inner.each_column(map);
            }
            Condition::Compare { column, .. }
            | Condition::Length { column, .. }
            | Condition::Member { column, .. } => {
                map(column);
            }
            Condition::Columns { column, other, .. } => {
                map(column);
                map(other);
            }
        }
    }
}

fn constants(
    entity: &Entity,
    field: entity::FieldId,
    op: Op,
    value: &Operand,
) -> Result<Vec<Constant>, String> {
    let ty = entity.field(field).ty;
    let value = match value {
        Operand::Value(value) => value,
        Operand::Claim(_) => return Err("it depends on who asks".to_owned()),
        Operand::Now(_) => return Err("it depends on the time".to_owned()),
        Operand::Param(_) => return Err("it depends on the request".to_owned()),
    };
    match (op.arity(), value) {
        (Arity::Many | Arity::Two, Value::List(items)) => {
            Ok(items.iter().map(|item| Constant::of(ty, item)).collect())
        }
        (_, value) => Ok(vec![Constant::of(ty, value)]),
    }
}
