//! One thing done to the database.

use serde::Serialize;

use crate::change::Change;
use crate::verdict::{Cost, Lock, Mode, Phase, Verdict};

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
    /// When it is done.
    pub phase: Phase,
    /// What kind of step.
    pub action: Action,
    /// What it is about, in the model's words: `Track.mood`.
    pub subject: String,
    /// What it does, in a line.
    pub description: String,
    /// Its SQL, in order.
    pub statements: Vec<String>,
    /// How careful it is.
    pub verdict: Verdict,
    /// The locks it takes on tables that are there before.
    pub locks: Vec<Lock>,
    /// How much it touches; none where the size does not matter, or no database was asked.
    pub cost: Option<Cost>,
    /// Why it is not done; absent when it is.
    pub refusal: Option<Refusal>,
    /// What must hold for it, as long as the database was not asked.
    pub requires: Vec<String>,
    /// How PostgreSQL is made to do it.
    #[serde(skip)]
    pub(crate) run: Run,
    /// What differs in the shape of the database when it is done.
    #[serde(skip)]
    pub(crate) effects: Vec<Change>,
    /// What the database is asked first.
    #[serde(skip)]
    pub(crate) demands: Vec<Demand>,
    /// The table whose size decides how long it takes, as it is named now.
    #[serde(skip)]
    pub(crate) sized: Option<String>,
}

/// How PostgreSQL is made to do a step beside others who work. SQLite does all steps in one transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Run {
    /// In one transaction with its neighbours of this kind: nobody uses the tables yet.
    Together,
    /// In a short transaction of its own, which gives way where a lock is not free.
    Alone,
    /// Outside of transactions: an index that is built or dropped concurrently, by name.
    Concurrently {
        /// The index.
        index: String,
        /// The same without `CONCURRENTLY`, for a rehearsal in one transaction.
        plain: Vec<String>,
    },
    /// Rows are written, some at a time.
    Batches(Backfill),
}

/// Rows to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Backfill {
    /// The table.
    pub(crate) table: String,
    /// Its key, and the key's SQL type.
    pub(crate) key: (String, &'static str),
    /// The assignments.
    pub(crate) set: String,
    /// Which rows still have to be written.
    pub(crate) todo: String,
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
    /// When it is gone already, the step has nothing to do.
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
    /// Without such rows the step has nothing to do.
    Some {
        /// Answers the count as `n`.
        query: String,
    },
    /// What would be lost is counted, and said in the refusal or in the description.
    Counted {
        /// Answers the count as `n`.
        query: String,
        /// What was counted, one of them.
        one: String,
        /// What was counted, several of them.
        many: String,
    },
    /// PostgreSQL's extension for trigrams must be there, or we may make it.
    Trigram,
}

impl Step {
    pub(crate) fn new(action: Action, subject: impl Into<String>, description: impl Into<String>) -> Self {
        Self {
            phase: Phase::Expand,
            action,
            subject: subject.into(),
            description: description.into(),
            statements: Vec::new(),
            verdict: Verdict::Safe,
            locks: Vec::new(),
            cost: None,
            refusal: None,
            requires: Vec::new(),
            run: Run::Alone,
            effects: Vec::new(),
            demands: Vec::new(),
            sized: None,
        }
    }

    pub(crate) fn run(mut self, statements: impl IntoIterator<Item = String>) -> Self {
        self.statements.extend(statements);
        self
    }

    pub(crate) fn on(mut self, phase: Phase) -> Self {
        self.phase = phase;
        self
    }

    pub(crate) fn refuse(mut self, verdict: Verdict, refusal: Refusal) -> Self {
        self.verdict = verdict;
        self.refusal = Some(refusal);
        self
    }

    pub(crate) fn demand(mut self, demand: Demand) -> Self {
        self.demands.push(demand);
        self
    }

    /// What the shape has when it is done.
    pub(crate) fn makes(mut self, effect: Change) -> Self {
        self.effects.push(effect);
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

    /// It takes a lock for a moment.
    pub(crate) fn lock(mut self, table: &str, mode: Mode) -> Self {
        self.locks.push(Lock { table: table.to_owned(), mode, blocks: mode.blocks(), long: false });
        self
    }

    /// It takes a lock for as long as the table, which is named `former` now, is large.
    pub(crate) fn long(mut self, verdict: Verdict, table: &str, former: &str, mode: Mode) -> Self {
        self.verdict = verdict;
        self.sized = Some(former.to_owned());
        self.locks.push(Lock { table: table.to_owned(), mode, blocks: mode.blocks(), long: true });
        self
    }
}
