//! What a step costs: how careful it is, what it locks, how much it touches.

use serde::Serialize;

/// When a step is done: what is new comes first, then rows are written, then what is tighter or less.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Phase {
    /// Something is added or loosened, which servers of the former model do not notice.
    Expand,
    /// Rows are written.
    Backfill,
    /// Something is tightened or removed.
    Contract,
}

impl Phase {
    /// The word for it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Phase::Expand => "expand",
            Phase::Backfill => "backfill",
            Phase::Contract => "contract",
        }
    }
}

/// How careful a step is with those who work meanwhile. The worst step is the verdict of the plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// Done in milliseconds whatever the size of the table.
    Safe,
    /// Takes as long as the table is large; reads and writes go on.
    Online,
    /// Rows are written anew, or others wait for as long as the table is large.
    Backfill,
    /// Data is lost.
    Destructive,
}

impl Verdict {
    /// The word for it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Verdict::Safe => "safe",
            Verdict::Online => "online",
            Verdict::Backfill => "backfill",
            Verdict::Destructive => "destructive",
        }
    }
}

/// The strength of a lock, as the database calls it
/// (<https://www.postgresql.org/docs/current/explicit-locking.html#LOCKING-TABLES>).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub enum Mode {
    /// PostgreSQL: against other changes of the schema.
    #[serde(rename = "SHARE UPDATE EXCLUSIVE")]
    ShareUpdateExclusive,
    /// PostgreSQL: against writers.
    #[serde(rename = "SHARE ROW EXCLUSIVE")]
    ShareRowExclusive,
    /// PostgreSQL: against everybody.
    #[serde(rename = "ACCESS EXCLUSIVE")]
    AccessExclusive,
    /// SQLite: the one lock of the file, against writers.
    #[serde(rename = "RESERVED")]
    File,
}

impl Mode {
    /// The word for it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Mode::ShareUpdateExclusive => "SHARE UPDATE EXCLUSIVE",
            Mode::ShareRowExclusive => "SHARE ROW EXCLUSIVE",
            Mode::AccessExclusive => "ACCESS EXCLUSIVE",
            Mode::File => "RESERVED",
        }
    }

    /// Who waits for it.
    #[must_use]
    pub fn blocks(self) -> &'static str {
        match self {
            Mode::ShareUpdateExclusive => "other changes of the schema",
            Mode::ShareRowExclusive => "writes",
            Mode::AccessExclusive => "reads and writes",
            Mode::File => "writes of the whole file",
        }
    }
}

/// A lock that a step takes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Lock {
    /// The table, as it is named by then.
    pub table: String,
    /// The strength.
    pub mode: Mode,
    /// Who waits for it, in words.
    pub blocks: &'static str,
    /// Whether it is held for as long as the table is large; else for milliseconds.
    pub long: bool,
}

/// How much a step looks at or writes, as the database estimates it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Cost {
    /// Rows of the table.
    pub rows: u64,
    /// Bytes of the table with its indexes, where the database tells.
    pub bytes: Option<u64>,
}
