//! How far a bulk move is: a bar on a terminal, a line now and then elsewhere.

use std::io::{self, IsTerminal};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use service::transfer::{Moved, Progress};

use super::output::{complain, say};

/// Shorter moves need no word before their end.
const QUIET: Duration = Duration::from_secs(2);

/// Between two lines.
const PACE: Duration = Duration::from_secs(5);

/// Hears how far it is, and says so.
pub(super) struct Teller {
    verb: &'static str,
    bar: Option<ProgressBar>,
    begun: Instant,
    next: Instant,
}

impl Teller {
    pub(super) fn new(verb: &'static str) -> Self {
        let begun = Instant::now();
        let bar = io::stderr().is_terminal().then(|| ProgressBar::new(0).with_style(style(true)));
        Self { verb, bar, begun, next: begun + QUIET }
    }

    pub(super) fn hear(&mut self, progress: &Progress) {
        let Some(bar) = &self.bar else { return self.write(progress) };
        match progress.total {
            Some(total) => bar.set_length(total.max(1)),
            None => bar.set_style(style(false)),
        }
        bar.set_position(progress.bytes);
        bar.set_message(format!("{} · {} rows", progress.file, progress.rows));
    }

    fn write(&mut self, progress: &Progress) {
        let now = Instant::now();
        if now < self.next {
            return;
        }
        self.next = now + PACE;
        let share =
            progress.total.filter(|total| *total > 0).map(|total| progress.bytes.saturating_mul(100) / total);
        let share = share.map(|percent| format!(" ({percent} %)")).unwrap_or_default();
        complain(&format!("{} {}: {} rows{share}", self.verb, progress.file, progress.rows));
    }

    /// What became of each file.
    pub(super) fn end(self, moved: &[Moved]) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
        for one in moved {
            let mut line = format!("{:<32} {:>10} rows   {}", one.name, one.rows, one.path.display());
            if one.rejected > 0 {
                line.push_str(&format!("   {} left out", one.rejected));
            }
            if let Some(rejects) = &one.rejects {
                line.push_str(&format!(", see {}", rejects.display()));
            }
            say(&line);
        }
        let rows: u64 = moved.iter().map(|one| one.rows).sum();
        say(&format!("{} {rows} rows in {:.1} s", self.verb, self.begun.elapsed().as_secs_f64()));
    }

    /// Makes place for the complaint.
    pub(super) fn give_up(self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

fn style(sized: bool) -> ProgressStyle {
    let template = match sized {
        true => "{bar:30} {percent:>3} %  {msg}  {eta}",
        false => "{spinner} {msg}  {elapsed}",
    };
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}
