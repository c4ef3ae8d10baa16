//! What one change came to, as a line of the table and as JSON.

use std::io::Write;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::change::Kind;
use super::load::{Failure, Record, Sample};
use super::stage::Engine;
use super::wait::Wait;
use crate::load::Round;

/// Nobody waits longer: broken otherwise.
const PROMISE: f64 = 1_000.0;

/// What should not be exceeded: marked otherwise.
const GOAL: f64 = 200.0;

/// When what of a change began.
#[derive(Debug, Clone, Copy)]
pub struct Times {
    /// `launchway apply`.
    pub apply: Instant,
    /// Its end.
    pub applied: Instant,
    /// The start of the second server.
    pub handover: Instant,
}

/// What was measured while a change was made.
#[derive(Debug)]
pub struct Measured {
    /// When.
    pub times: Times,
    /// The requests.
    pub record: Record,
    /// The locks.
    pub wait: Wait,
    /// Acknowledged rows that the new server was asked for.
    pub verified: usize,
    /// What PostgreSQL's log says first of a statement of a server.
    pub error: Option<String>,
}

/// What a change came to.
#[derive(Debug)]
pub struct Outcome {
    /// Which.
    pub kind: Kind,
    /// The worst verdict of the plan's steps.
    pub verdict: String,
    /// Why it was not made.
    pub refused: Option<String>,
    /// What was measured, where it was tried.
    pub measured: Option<Measured>,
}

/// The figures of some requests.
struct Figures {
    requests: usize,
    failed: usize,
    p50: f64,
    p99: f64,
    max: f64,
    write: f64,
}

impl Figures {
    fn of<'a>(samples: impl Iterator<Item = &'a Sample>) -> Self {
        let samples: Vec<_> = samples.collect();
        let micros = |sample: &&Sample| u32::try_from(sample.latency.as_micros()).unwrap_or(u32::MAX);
        let failed = samples.iter().filter(|sample| !sample.good).count();
        let most = |samples: &mut dyn Iterator<Item = &&Sample>| {
            samples.map(|sample| sample.latency).max().map_or(0.0, milliseconds)
        };
        // Rates are not asked for: any time will do.
        let round = Round::new(samples.iter().map(micros).collect(), Duration::from_secs(1), failed);
        Self {
            requests: samples.len(),
            failed,
            p50: milliseconds(round.p50),
            p99: milliseconds(round.p99),
            max: most(&mut samples.iter()),
            write: most(&mut samples.iter().filter(|sample| sample.write)),
        }
    }

    fn json(&self) -> Value {
        json!({
            "requests": self.requests, "failed": self.failed,
            "p50": self.p50, "p99": self.p99, "max": self.max, "maxWrite": self.write,
        })
    }
}

impl Measured {
    fn within(&self, from: Option<Instant>, to: Option<Instant>) -> Figures {
        let inside = |sample: &&Sample| {
            from.is_none_or(|from| sample.due >= from) && to.is_none_or(|to| sample.due < to)
        };
        Figures::of(self.record.samples.iter().filter(inside))
    }

    fn failed(&self) -> usize {
        self.record.samples.iter().filter(|sample| !sample.good).count() + self.record.further
    }

    /// From the start of `apply` to the end of the quiet time after it.
    fn change(&self) -> Figures {
        self.within(Some(self.times.apply), Some(self.times.handover))
    }

    /// The longest that a request waited for the change: for a lock; on SQLite, which tells of none, a write for its end.
    fn wait(&self, engine: Engine) -> f64 {
        match engine {
            Engine::Postgres => self.wait.milliseconds,
            Engine::Sqlite => self.change().write,
        }
    }
}

impl Outcome {
    /// Whether a promise was broken.
    pub fn is_broken(&self, engine: Engine) -> bool {
        // SQLite has one writer: the plan says so where it waits as long as a table is large.
        let said = engine == Engine::Sqlite && self.verdict == "backfill";
        let broken = |it: &Measured| it.failed() > 0 || (!said && it.wait(engine) > PROMISE);
        self.refused.is_some() || self.measured.as_ref().is_none_or(broken)
    }

    /// Everything, for tools. Times are milliseconds.
    pub fn json(&self, engine: Engine) -> Value {
        let mut json = json!({
            "change": self.kind.name(), "backfill": self.kind.is_backfill(), "verdict": self.verdict,
            "refused": self.refused, "broken": self.is_broken(engine),
        });
        let Some(it) = &self.measured else { return json };
        let Times { apply, applied, handover } = it.times;
        let failures = it.record.failures.iter();
        let failures = failures
            .map(|Failure { asked, status, body }| json!({ "asked": asked, "status": status, "body": body }));
        json["apply"] = json!(milliseconds(applied - apply));
        json["requests"] = json!(it.record.samples.len());
        json["failed"] = json!(it.failed());
        json["phases"] = json!({
            "before": it.within(None, Some(apply)).json(),
            "apply": it.within(Some(apply), Some(applied)).json(),
            "after": it.within(Some(applied), Some(handover)).json(),
            "handover": it.within(Some(handover), None).json(),
        });
        json["longestWait"] = json!(it.wait(engine));
        json["lockWaits"] =
            json!({ "longest": it.wait.milliseconds, "lock": it.wait.lock, "count": it.wait.count });
        json["verified"] = json!(it.verified);
        json["databaseError"] = json!(it.error);
        json["failures"] = failures.collect();
        json
    }
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

fn print(text: &str) {
    let _ = writeln!(std::io::stdout(), "{text}");
}

/// The head of the table.
pub fn head(engine: Engine) {
    let wait = if engine == Engine::Sqlite { "longest write" } else { "longest lock wait" };
    print(&format!(
        "{:<16}{:<13}{:>8}{:>10}{:>8}{:>12}{:>9}{:>9}{:>9}   {wait}",
        "change", "verdict", "apply s", "requests", "failed", "quiet p99", "p50 ms", "p99 ms", "max ms"
    ));
}

/// One line of the table, and the first failures under it.
pub fn line(outcome: &Outcome, engine: Engine) {
    let name = outcome.kind.name();
    let verdict = if outcome.refused.is_some() { "refused" } else { &outcome.verdict };
    if let Some(it) = &outcome.measured {
        let Times { apply, applied, .. } = it.times;
        let (quiet, change) = (it.within(None, Some(apply)), it.change());
        print(&format!(
            "{name:<16}{verdict:<13}{:>8.2}{:>10}{:>8}{:>12.1}{:>9.1}{:>9.1}{:>9.1}   {}",
            (applied - apply).as_secs_f64(),
            it.record.samples.len(),
            it.failed(),
            quiet.p99,
            change.p50,
            change.p99,
            change.max,
            waited(it, engine)
        ));
    } else {
        print(&format!("{name:<16}{verdict:<13}"));
    }
    if let Some(reason) = &outcome.refused {
        print(&format!("    {}", reason.lines().next().unwrap_or_default()));
    }
    for Failure { asked, status, body } in outcome.measured.iter().flat_map(|it| &it.record.failures) {
        print(&format!("    {asked}: {status} {}", body.trim_end()));
    }
    let error = outcome.measured.as_ref().filter(|it| it.failed() > 0).and_then(|it| it.error.as_ref());
    if let Some(error) = error {
        print(&format!("    PostgreSQL's log: {error}"));
    }
}

fn waited(it: &Measured, engine: Engine) -> String {
    let milliseconds = it.wait(engine);
    let mark = match milliseconds {
        over if over > PROMISE => " !! over 1 s",
        over if over > GOAL => " ! over 200 ms",
        _ => "",
    };
    let what = match engine {
        Engine::Postgres if it.wait.count > 0 => {
            format!(" ({}, {} wait{})", it.wait.lock, it.wait.count, if it.wait.count > 1 { "s" } else { "" })
        }
        Engine::Postgres | Engine::Sqlite => String::new(),
    };
    format!("{milliseconds:.0} ms{what}{mark}")
}

/// The verdict of the whole run.
pub fn end(outcomes: &[Outcome], engine: Engine) {
    let broken = outcomes.iter().filter(|outcome| outcome.is_broken(engine)).count();
    let apart = |backfill: bool| {
        let of = outcomes.iter().filter(|outcome| outcome.kind.is_backfill() == backfill);
        let held = of.clone().filter(|outcome| !outcome.is_broken(engine)).count();
        format!("{held} of {}", of.count())
    };
    let unless = if engine == Engine::Sqlite { " (but where the plan says that writers wait)" } else { "" };
    print(&format!(
        "\nNo failed request and no wait over 1 s{unless}: {} changes, {} backfills.{}",
        apart(false),
        apart(true),
        if broken > 0 { " BROKEN." } else { "" }
    ));
}
