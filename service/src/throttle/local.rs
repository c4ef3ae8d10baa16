//! Counting in memory, bounded: without locks for keys that are known, swept as keys are added.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use governor::clock::Clock;
use governor::nanos::Nanos;
use governor::state::keyed::{DashMapStateStore, ShrinkableKeyedStateStore};
use governor::state::{InMemoryState, NotKeyed, StateStore};

use super::gcra::{Measure, Take};
use super::key::Key;

/// Counters of one policy that keys share for which there is no room.
const COMMON: u128 = 256;

/// Nanoseconds between two sweeps, as long as there is room, and when there is none.
const SWEEP: u64 = 10_000_000_000;
const SWEEP_FULL: u64 = 1_000_000_000;

const NANOSECONDS: u64 = 1_000;

/// Time since the limiter was made.
#[derive(Debug, Clone)]
pub(super) struct Monotonic(Instant);

impl Default for Monotonic {
    fn default() -> Self {
        Self(Instant::now())
    }
}

impl Clock for Monotonic {
    type Instant = Nanos;

    fn now(&self) -> Nanos {
        self.0.elapsed().into()
    }
}

/// The counters.
#[derive(Debug)]
pub(super) struct Local<C> {
    clock: C,
    states: DashMapStateStore<Key>,
    /// Keys, or a few more: exact after a sweep.
    count: AtomicUsize,
    most: usize,
    swept: AtomicU64,
}

impl<C: Clock<Instant = Nanos>> Local<C> {
    pub(super) fn new(clock: C, most: usize) -> Self {
        let swept = AtomicU64::new(clock.now().as_u64());
        Self { clock, states: DashMapStateStore::default(), count: AtomicUsize::new(0), most, swept }
    }

    /// Takes all, or none when one does not fit.
    pub(super) fn take(&self, takes: &[Take]) -> Vec<Measure> {
        let now = self.clock.now().as_u64();
        let mut measures: Vec<Measure> = takes.iter().map(|take| self.one(take, now)).collect();
        if measures.iter().any(|measure| !measure.fits) {
            for (take, measure) in takes.iter().zip(&mut measures).filter(|(_, measure)| measure.fits) {
                self.give_back(take);
                measure.ahead = measure.ahead.saturating_sub(take.length());
            }
        }
        measures
    }

    fn one(&self, take: &Take, now: u64) -> Measure {
        let depth = take.policy.depth().saturating_mul(NANOSECONDS);
        let length = take.length().saturating_mul(NANOSECONDS);
        let outcome = self.change(take.key, now, |arrival| {
            // Never further ahead than the quota is long, or a policy that became smaller would lock its keys out.
            let ahead = arrival.map_or(0, |arrival| arrival.as_u64().saturating_sub(now)).min(depth);
            match ahead.saturating_add(length) {
                after if after <= depth => Ok((after, Nanos::from(now.saturating_add(after)))),
                _ => Err(ahead),
            }
        });
        let (fits, ahead) = match outcome {
            Ok(ahead) => (true, ahead),
            Err(ahead) => (false, ahead),
        };
        Measure { fits, ahead: ahead.div_ceil(NANOSECONDS) }
    }

    /// What was taken a moment ago was not used.
    fn give_back(&self, take: &Take) {
        let length = take.length().saturating_mul(NANOSECONDS);
        let now = self.clock.now().as_u64();
        let _ = self.change(take.key, now, |arrival| match arrival {
            Some(arrival) => Ok(((), Nanos::from(arrival.as_u64().saturating_sub(length).max(1)))),
            None => Err(()),
        });
    }

    /// Changes the number of a key, at once.
    fn change<T, E>(
        &self,
        key: Key,
        now: u64,
        change: impl Fn(Option<Nanos>) -> Result<(T, Nanos), E>,
    ) -> Result<T, E> {
        if let Some(state) = self.states.get(&key) {
            return state.measure_and_replace(&NotKeyed::NonKey, change);
        }
        self.sweep(now);
        let key = match self.count.load(Ordering::Relaxed) < self.most {
            true => key,
            false => key.common(COMMON),
        };
        let state: &InMemoryState = &self.states.entry(key).or_insert_with(|| {
            self.count.fetch_add(1, Ordering::Relaxed);
            InMemoryState::default()
        });
        state.measure_and_replace(&NotKeyed::NonKey, change)
    }

    /// Forgets the keys whose whole quota is free: to them nothing is the same as a number.
    fn sweep(&self, now: u64) {
        let full = self.count.load(Ordering::Relaxed) >= self.most;
        let swept = self.swept.load(Ordering::Relaxed);
        if now < swept.saturating_add(if full { SWEEP_FULL } else { SWEEP }) {
            return;
        }
        // One thread does it.
        if self.swept.compare_exchange(swept, now, Ordering::Relaxed, Ordering::Relaxed).is_err() {
            return;
        }
        self.states.retain_recent(Duration::from_nanos(now).into());
        let left = self.states.len();
        if self.states.capacity() / 4 > left {
            self.states.shrink_to_fit();
        }
        self.count.store(left, Ordering::Relaxed);
    }

    /// Keys that are counted now.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.states.len()
    }
}
