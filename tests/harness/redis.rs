//! One private, throw-away Redis for this process.

use std::net::{TcpListener, TcpStream};
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use crate::{requirement, watchdog};

const REMEDY: &str = "Install it (Debian: `apt-get install redis-server`; macOS: `brew install redis`).";

static SHARED: LazyLock<Option<String>> = LazyLock::new(|| {
    let url = start();
    if url.is_none() {
        requirement::missing("redis", REMEDY);
    }
    url
});

/// The URL of this process' Redis; none where it is missing, which was then said once.
#[must_use]
pub fn url() -> Option<&'static str> {
    SHARED.as_deref()
}

fn start() -> Option<String> {
    let folder =
        tempfile::Builder::new().prefix("launchway-redis-").tempdir().expect("a temporary folder").keep();
    watchdog::remove(&folder);
    let port =
        TcpListener::bind("127.0.0.1:0").and_then(|socket| socket.local_addr()).expect("a free port").port();
    let mut child = Command::new("redis-server")
        .args(["--bind", "127.0.0.1", "--port", &port.to_string(), "--save", "", "--appendonly", "no"])
        .current_dir(&folder)
        .process_group(0)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .ok()?;
    watchdog::watch(child.id());
    let deadline = Instant::now() + Duration::from_secs(10);
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        let ended = child.try_wait().expect("the state of redis-server").is_some();
        assert!(!ended && Instant::now() < deadline, "redis-server does not start");
        std::thread::sleep(Duration::from_millis(20));
    }
    Some(format!("redis://127.0.0.1:{port}"))
}
