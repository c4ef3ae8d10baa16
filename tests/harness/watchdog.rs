//! Ends servers and removes their folders when this process ends, however it ends.
//!
//! A small shell waits on a pipe that only this process holds. Normal exit, a panic or `kill -9`: the pipe closes,
//! the shell kills what it was told to watch. Nothing is left behind.

use std::io::Write;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{LazyLock, Mutex, PoisonError};

const SCRIPT: &str = r#"
pids=; folders=
while read -r verb what; do
  case $verb in
    watch) pids="$pids $what" ;;
    release) rest=; for pid in $pids; do [ "$pid" = "$what" ] || rest="$rest $pid"; done; pids=$rest ;;
    remove) folders="$folders $what" ;;
  esac
done
for pid in $pids; do kill -QUIT "$pid" 2>/dev/null; done
for pid in $pids; do
  tries=0
  while kill -0 "$pid" 2>/dev/null && [ $tries -lt 50 ]; do sleep 0.1; tries=$((tries + 1)); done
  kill -KILL "$pid" 2>/dev/null
done
for folder in $folders; do rm -rf "$folder"; done
"#;

static SHELL: LazyLock<Mutex<Child>> = LazyLock::new(|| {
    let shell = Command::new("sh")
        .args(["-c", SCRIPT])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        // Out of the terminal's group: Ctrl-C must not end the watchdog before it has done its work.
        .process_group(0)
        .spawn()
        .expect("`sh` starts");
    Mutex::new(shell)
});

fn say(verb: &str, what: &str) {
    let mut shell = SHELL.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(pipe) = shell.stdin.as_mut() {
        let _ = writeln!(pipe, "{verb} {what}");
    }
}

/// Ends this process id when we end.
pub fn watch(pid: u32) {
    say("watch", &pid.to_string());
}

/// The process id is gone already; the number may belong to somebody else from now on.
pub fn release(pid: u32) {
    say("release", &pid.to_string());
}

/// Removes this folder when we end.
pub fn remove(folder: &Path) {
    say("remove", &folder.display().to_string());
}
