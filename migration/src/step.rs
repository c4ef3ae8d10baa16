//! One thing done to the database.

use serde::Serialize;

use crate::risk::Risk;

/// What a step does, for the reader's eye.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// Something new.
    Add,
    /// Something else than before.
    Change,
    /// Something less.
    Remove,
}

/// Why a step is not done, and what a person can do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Refusal {
    /// Why.
    pub reason: String,
    /// The way out.
    pub hint: String,
}

impl Refusal {
    /// A refusal.
    pub(crate) fn new(reason: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { reason: reason.into(), hint: hint.into() }
    }
}

/// A step of a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Step {
    /// What kind of step.
    pub action: Action,
    /// What it is about, in the model's words: `Track.mood`.
    pub subject: String,
    /// What it does, in a line.
    pub description: String,
    /// Its SQL, in order.
    pub statements: Vec<String>,
    /// What it may cost.
    pub risk: Risk,
    /// Why it is not done; absent when it is.
    pub refusal: Option<Refusal>,
    /// What must hold for it, as long as the database was not asked.
    pub requires: Vec<String>,
    /// What the database is asked first.
    #[serde(skip)]
    pub(crate) demands: Vec<Demand>,
    /// The table whose size decides how long it locks, as it is named now.
    #[serde(skip)]
    pub(crate) locks: Option<String>,
}

/// What the database is asked before a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Demand {
    /// It must not be there: `Some` column of a table, or the table.
    Absent {
        /// The table.
        table: String,
        /// The column.
        column: Option<String>,
    },
    /// When it is gone already, the step (which is refused) has nothing to do.
    UnlessGone {
        /// The table.
        table: String,
        /// The column.
        column: Option<String>,
    },
    /// The count must be zero.
    None {
        /// Answers the count as `n`.
        query: String,
        /// What was counted, one of them.
        one: String,
        /// What was counted, several of them.
        many: String,
        /// The way out.
        hint: String,
    },
    /// PostgreSQL's extension for trigrams must be there, or we may make it.
    Trigram,
}

impl Step {
    pub(crate) fn new(action: Action, subject: impl Into<String>, description: impl Into<String>) -> Self {
        Self {
            action,
            subject: subject.into(),
            description: description.into(),
            statements: Vec::new(),
            risk: Risk::Safe,
            refusal: None,
            requires: Vec::new(),
            demands: Vec::new(),
            locks: None,
        }
    }

    pub(crate) fn run(mut self, statements: impl IntoIterator<Item = String>) -> Self {
        self.statements.extend(statements);
        self
    }

    pub(crate) fn refuse(mut self, risk: Risk, refusal: Refusal) -> Self {
        self.risk = risk;
        self.refusal = Some(refusal);
        self
    }

    pub(crate) fn demand(mut self, demand: Demand) -> Self {
        self.demands.push(demand);
        self
    }

    /// The count of something must be zero.
    pub(crate) fn require(
        mut self,
        says: impl Into<String>,
        query: String,
        nouns: (&str, &str),
        hint: &str,
    ) -> Self {
        self.requires.push(says.into());
        let (one, many) = (nouns.0.to_owned(), nouns.1.to_owned());
        self.demand(Demand::None { query, one, many, hint: hint.to_owned() })
    }

    pub(crate) fn locks(mut self, table: &str, reason: impl Into<String>) -> Self {
        let safer = "apply when few are writing".to_owned();
        self.risk = Risk::Locks { reason: reason.into(), safer };
        self.locks = Some(table.to_owned());
        self
    }
}
