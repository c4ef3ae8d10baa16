//! Indexes, unique constraints, checks.

use serde::{Deserialize, Serialize};

use crate::id::FieldId;
use crate::predicate::Predicate;
use crate::value::Value;

/// An index.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Index {
    /// Its name in the database.
    pub name: String,
    /// The fields, and whether each is descending.
    pub fields: Vec<(FieldId, bool)>,
    /// The rows it covers, all when absent.
    pub condition: Option<Predicate>,
    /// Its kind.
    pub using: Using,
}

/// The kind of an index. SQLite has only the first; the others become it there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Using {
    /// Ordered.
    Btree,
    /// By hash: equality only.
    Hash,
    /// By trigrams: `contains` on text.
    Trigram,
    /// Inverted: lists and JSON.
    Gin,
    /// Block ranges: huge tables in time order.
    Brin,
}

/// A unique constraint.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Unique {
    /// Its name in the database.
    pub name: String,
    /// Its name in both APIs: the field names joined in camel case, `albumPosition`.
    pub api: String,
    /// The fields.
    pub fields: Vec<FieldId>,
    /// The rows it covers, all when absent.
    pub condition: Option<Predicate>,
}

/// A check of values.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Check {
    /// Its name in the database, unique in the table.
    pub name: String,
    /// At least.
    pub min: Option<Value>,
    /// At most.
    pub max: Option<Value>,
    /// Characters (of a text) or items (of a list) at least.
    pub min_length: Option<u64>,
    /// Characters or items at most.
    pub max_length: Option<u64>,
    /// A regular expression (the `regex` crate's syntax) that must match somewhere in the text.
    pub pattern: Option<String>,
    /// A condition on the row that must not be false.
    pub condition: Option<Predicate>,
    /// What the caller reads instead of our own sentence.
    pub message: Option<String>,
}

impl Check {
    /// What is wrong with a value, where something is; a null is never wrong here.
    #[must_use]
    pub fn violation(&self, value: &Value) -> Option<String> {
        let complaint = match value {
            Value::Null => None,
            Value::Text(text) => {
                self.length(text.chars().count() as u64, "characters").or_else(|| self.unmatched(text))
            }
            Value::List(items) => self.length(items.len() as u64, "items"),
            other => self.range(other),
        }?;
        Some(self.message.clone().unwrap_or(complaint))
    }

    fn length(&self, length: u64, unit: &str) -> Option<String> {
        match (self.min_length, self.max_length) {
            (Some(min), _) if length < min => {
                Some(format!("It has {length} {unit}; at least {min} are needed."))
            }
            (_, Some(max)) if length > max => {
                Some(format!("It has {length} {unit}; at most {max} are allowed."))
            }
            _ => None,
        }
    }

    fn range(&self, value: &Value) -> Option<String> {
        let shown = |bound: &Value| bound.to_json().to_string().trim_matches('"').to_owned();
        match (&self.min, &self.max) {
            (Some(min), _) if less(value, min) => Some(format!("It must be at least {}.", shown(min))),
            (_, Some(max)) if less(max, value) => Some(format!("It must be at most {}.", shown(max))),
            _ => None,
        }
    }

    fn unmatched(&self, text: &str) -> Option<String> {
        let pattern = self.pattern.as_ref()?;
        // The checker has compiled it once: it is a valid expression of bounded size.
        let expression = regex::RegexBuilder::new(pattern).size_limit(1 << 20).build().ok()?;
        (!expression.is_match(text)).then(|| format!("It does not match the pattern {pattern}."))
    }
}

/// Whether a value is less than another of the same type.
fn less(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Int(a), Value::Int(b)) => a < b,
        (Value::Float(a), Value::Float(b)) => a < b,
        (Value::Decimal(a), Value::Decimal(b)) => a < b,
        (Value::Date(a), Value::Date(b)) => a < b,
        (Value::DateTime(a), Value::DateTime(b)) => a < b,
        (Value::Text(a), Value::Text(b)) => a < b,
        _ => false,
    }
}
