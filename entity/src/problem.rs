//! What is wrong with an input, in no protocol's words.

use std::fmt;

/// Which stage of understanding failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// The structure is not what the grammar asks for.
    Malformed,
    /// There is no such field or relation.
    UnknownField,
    /// The field does not take this operator.
    UnknownOperator,
    /// The value does not fit the type.
    BadValue,
    /// The caller's key does not reach so far.
    Scope,
    /// Too deep, too many, too long.
    TooMuch,
}

/// A complaint about an input with its place and a hint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// What kind of complaint it is.
    pub trouble: Trouble,
    /// The sentence.
    pub message: String,
    /// The way out.
    pub hint: Option<String>,
    /// Where in the input, from the outside in: keys, and positions as decimal text.
    pub place: Vec<String>,
}

impl Problem {
    /// A complaint.
    pub fn new(trouble: Trouble, message: impl Into<String>) -> Self {
        Self { trouble, message: message.into(), hint: None, place: Vec::new() }
    }

    /// Adds the way out.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<Option<String>>) -> Self {
        self.hint = hint.into();
        self
    }

    /// Prepends a step to the place, on the way out of a recursion.
    #[must_use]
    pub fn at(mut self, step: impl Into<String>) -> Self {
        self.place.insert(0, step.into());
        self
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.place.is_empty() {
            write!(f, "{}: ", self.place.join("."))?;
        }
        f.write_str(&self.message)
    }
}

impl std::error::Error for Problem {}
