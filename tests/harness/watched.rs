//! A run of the program that is watched while it goes on: what it says, line by line, and its end at any moment.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::program::Ended;
use crate::watchdog;

/// How long a run may take; whatever takes longer hangs.
const LONGEST: Duration = Duration::from_secs(120);

/// A running command.
#[derive(Debug)]
pub struct Watched {
    child: Child,
    lines: Receiver<String>,
    stdout: Option<JoinHandle<String>>,
    said: Vec<String>,
    begun: Instant,
}

impl Watched {
    pub(crate) fn start(mut command: Command) -> Self {
        let command = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the program starts");
        watchdog::watch(child.id());
        let mut stdout = child.stdout.take().expect("its output");
        let stderr = child.stderr.take().expect("its complaints");
        let stdout = std::thread::spawn(move || {
            let mut text = String::new();
            let _ = stdout.read_to_string(&mut text);
            text
        });
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        Self { child, lines, stdout: Some(stdout), said: Vec::new(), begun: Instant::now() }
    }

    /// The next line on standard error that is so; none when it has ended before.
    pub fn line(&mut self, fits: impl FnMut(&str) -> bool) -> Option<String> {
        self.line_within(LONGEST, fits).unwrap_or_else(|()| {
            panic!("nothing is heard for {LONGEST:?} after\n{}", self.said.join("\n"));
        })
    }

    /// Listens until so long after its start; whether it still goes on.
    pub fn until(&mut self, moment: Duration) -> bool {
        let rest = moment.saturating_sub(self.begun.elapsed());
        self.line_within(rest, |_| false).is_err()
    }

    fn line_within(
        &mut self,
        time: Duration,
        mut fits: impl FnMut(&str) -> bool,
    ) -> Result<Option<String>, ()> {
        let end = Instant::now() + time;
        loop {
            match self.lines.recv_timeout(end.saturating_duration_since(Instant::now())) {
                Ok(line) => {
                    self.said.push(line.clone());
                    if fits(&line) {
                        return Ok(Some(line));
                    }
                }
                Err(RecvTimeoutError::Disconnected) => return Ok(None),
                Err(RecvTimeoutError::Timeout) => return Err(()),
            }
        }
    }

    /// `kill -9`; what it had complained about.
    pub fn kill(mut self) -> Vec<String> {
        let _ = self.child.kill();
        let _ = self.child.wait();
        self.said.extend(self.lines.iter());
        std::mem::take(&mut self.said)
    }

    /// Waits for its end.
    #[must_use]
    pub fn end(mut self) -> Ended {
        let _ = self.line(|_| false);
        let status = self.child.wait().expect("the program ends");
        let stdout = self.stdout.take().map(|thread| thread.join().unwrap_or_default()).unwrap_or_default();
        Ended { code: status.code(), stdout, stderr: self.said.join("\n") }
    }

    /// How long ago it was started.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.begun.elapsed()
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        watchdog::release(self.child.id());
    }
}
