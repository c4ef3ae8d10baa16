//! The arithmetic, the same wherever the numbers are kept.
//!
//! A key's number is the time at which its whole quota is free again ("theoretical arrival time"). A unit moves it one
//! interval into the future; it may be no further ahead of now than the quota is long.

use std::time::Duration;

use super::key::Key;
use crate::error::{Code, Error};

/// So many units in so much time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    /// What it is called, to clients too: letters, digits, `-`, `_`.
    pub name: &'static str,
    /// Units that may be taken at once.
    pub quota: u32,
    /// The time in which as many units flow back.
    pub window: Duration,
}

impl Policy {
    /// Microseconds until one unit flows back, rounded up: the unit of Redis' clock, and never more than allowed.
    pub(super) fn interval(&self) -> u64 {
        let window = u64::try_from(self.window.as_micros()).unwrap_or(u64::MAX);
        window.div_ceil(u64::from(self.quota.max(1))).max(1)
    }

    /// Microseconds until the whole quota flows back.
    pub(super) fn depth(&self) -> u64 {
        self.interval().saturating_mul(u64::from(self.quota))
    }
}

/// What a limiter says about one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verdict {
    /// Whether the units were there.
    pub allowed: bool,
    /// The quota.
    pub limit: u32,
    /// Units that may still be taken at once.
    pub remaining: u32,
    /// Until the whole quota is free again, when nothing more is taken.
    pub reset: Duration,
    /// Until the units asked for are there; zero when they were. Longer than the window for more than the quota,
    /// which is never allowed.
    pub retry_after: Duration,
}

/// A question: these units of this key.
#[derive(Debug, Clone)]
pub(super) struct Take {
    pub(super) key: Key,
    pub(super) policy: Policy,
    pub(super) cost: u32,
}

impl Take {
    /// Microseconds the units take to flow back.
    pub(super) fn length(&self) -> u64 {
        self.policy.interval().saturating_mul(u64::from(self.cost))
    }
}

/// What is kept about a key, after the question.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Measure {
    /// Whether there was room.
    pub(super) fits: bool,
    /// Microseconds until the whole quota is free again.
    pub(super) ahead: u64,
}

impl Verdict {
    pub(super) fn of(take: &Take, Measure { fits, ahead }: Measure) -> Self {
        let (depth, policy) = (take.policy.depth(), &take.policy);
        let free = depth.saturating_sub(ahead) / policy.interval();
        let wait = if fits { 0 } else { ahead.saturating_add(take.length()).saturating_sub(depth) };
        Self {
            allowed: fits,
            limit: policy.quota,
            remaining: u32::try_from(free).unwrap_or(u32::MAX),
            // Intervals are rounded up; nobody is to wonder about a window that is a little longer than it is.
            reset: Duration::from_micros(ahead).min(policy.window),
            retry_after: Duration::from_micros(wait),
        }
    }

    /// The error for who asked for so many units of the policy too often.
    #[must_use]
    pub fn refusal(&self, policy: &Policy, units: u32) -> Error {
        let Policy { name, quota, window } = policy;
        let text = format!("The limit `{name}` is used up: {quota} in {} seconds.", whole_seconds(*window));
        let wait = whole_seconds(self.retry_after).max(1);
        let hint = match units > *quota {
            true => "Ask for less at once: so much is never allowed.".to_owned(),
            false => format!("Try again in {wait} s."),
        };
        Error::new(Code::RateLimited, text).hint(hint).retry_after(wait)
    }

    /// The verdict about nothing, as one about the next unit.
    pub(super) fn unless_empty(self, policy: &Policy) -> Self {
        if self.remaining > 0 {
            return self;
        }
        let next = self.reset + Duration::from_micros(policy.interval());
        let retry_after = next.saturating_sub(Duration::from_micros(policy.depth()));
        Self { allowed: false, retry_after, ..self }
    }
}

/// Whole seconds, rounded up: nobody is to come back too early.
#[must_use]
pub fn whole_seconds(time: Duration) -> u64 {
    time.as_secs().saturating_add(u64::from(time.subsec_nanos() > 0))
}
