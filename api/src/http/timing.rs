//! How long each part of a request took, as the `Server-Timing` header says it.

use std::fmt::Write as _;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use hyper::http::HeaderValue;

/// More parts than this are not kept: an operation may have a thousand fields.
const PARTS: usize = 16;

/// The parts measured so far.
#[derive(Debug, Default)]
pub struct Timing(Mutex<Vec<(&'static str, Duration)>>);

impl Timing {
    /// Adds time to a part (`parse`, `plan`, `db`, `render`).
    pub fn add(&self, part: &'static str, time: Duration) {
        let mut parts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, sum)) = parts.iter_mut().find(|(name, _)| *name == part) {
            *sum += time;
        } else if parts.len() < PARTS {
            parts.push((part, time));
        }
    }

    /// The time of a part, when it was measured.
    #[must_use]
    pub fn part(&self, part: &str) -> Option<Duration> {
        let parts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        parts.iter().find(|(name, _)| *name == part).map(|(_, time)| *time)
    }

    /// The header's value, with the whole first.
    #[must_use]
    pub fn header(&self, total: Duration) -> Option<HeaderValue> {
        let mut text = String::with_capacity(64);
        let _ = write!(text, "total;dur={:.2}", milliseconds(total));
        for (name, time) in self.0.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            let _ = write!(text, ", {name};dur={:.2}", milliseconds(*time));
        }
        HeaderValue::try_from(text).ok()
    }
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_whole_comes_first_and_parts_are_summed() {
        let timing = Timing::default();
        timing.add("db", Duration::from_micros(1500));
        timing.add("plan", Duration::from_micros(250));
        timing.add("db", Duration::from_micros(500));
        let header = timing.header(Duration::from_millis(3)).unwrap();
        assert_eq!(timing.part("db"), Some(Duration::from_millis(2)));
        assert_eq!(timing.part("render"), None);
        assert_eq!(header, "total;dur=3.00, db;dur=2.00, plan;dur=0.25");
    }
}
