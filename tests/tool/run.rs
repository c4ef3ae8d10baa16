//! One run of a tool, to its end or to its deadline.

use std::fs::File;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use harness::watchdog;

/// How a run ended.
#[derive(Debug)]
pub struct Said {
    /// Whether it ended by itself, with exit code 0.
    pub good: bool,
    /// What it printed, both streams in the order of writing.
    pub text: String,
}

impl Said {
    /// Asserts that the tool is content, and returns what it printed.
    #[track_caller]
    pub fn content(self, who: &str) -> String {
        assert!(self.good, "{who} is not content:\n{}", self.text);
        self.text
    }
}

/// Runs a program; one that is not there ends as a failure too.
pub fn run(command: &mut Command, within: Duration) -> Said {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("said");
    let out = File::create(&path).expect("a file for what it says");
    let error = out.try_clone().expect("the same file");
    // Into a file and not a pipe: a full pipe would stop the tool, and nobody reads before it has ended.
    let mut child = match command.stdin(Stdio::null()).stdout(out).stderr(error).spawn() {
        Ok(child) => child,
        Err(error) => return Said { good: false, text: format!("{command:?}: {error}") },
    };
    watchdog::watch(child.id());
    let deadline = Instant::now() + within;
    let status = loop {
        if let Some(status) = child.try_wait().expect("the state of the tool") {
            break Some(status);
        }
        if Instant::now() > deadline {
            let _ = child.kill();
            let _ = child.wait();
            break None;
        }
        std::thread::sleep(Duration::from_millis(20));
    };
    watchdog::release(child.id());
    let mut text = String::from_utf8_lossy(&std::fs::read(&path).unwrap_or_default()).into_owned();
    if status.is_none() {
        text.push_str(&format!("\n{command:?} did not end within {within:?}"));
    }
    Said { good: status.is_some_and(|status| status.success()), text }
}
