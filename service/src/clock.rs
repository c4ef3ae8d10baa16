//! The only clock, so that tests can replace it.

use chrono::{DateTime, SubsecRound, Utc};

/// Now, in UTC, cut to the microseconds that both databases keep.
#[must_use]
pub fn now() -> DateTime<Utc> {
    Utc::now().trunc_subsecs(6)
}
