//! What a step may cost.

use serde::Serialize;

/// The risk of a step, with the reason and the safer way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "level", rename_all = "lowercase")]
pub enum Risk {
    /// Done in milliseconds whatever the size of the table.
    Safe,
    /// Others wait while it runs, for as long as the table is large.
    Locks {
        /// Who waits for what.
        reason: String,
        /// What to do about it.
        safer: String,
    },
    /// Every row is written anew.
    Rewrites {
        /// Why.
        reason: String,
        /// What to do instead.
        safer: String,
    },
    /// Data is lost.
    Destroys {
        /// Which.
        reason: String,
        /// What to do instead.
        safer: String,
    },
}

impl Risk {
    /// The word for it.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Risk::Safe => "safe",
            Risk::Locks { .. } => "locks",
            Risk::Rewrites { .. } => "rewrites",
            Risk::Destroys { .. } => "destroys",
        }
    }
}
