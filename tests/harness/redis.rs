//! Private, throw-away Redis servers: one for this process, and more for tests that end or freeze theirs.

use std::net::{TcpListener, TcpStream};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use crate::{requirement, watchdog};

const REMEDY: &str = "Install it (Debian: `apt-get install redis-server`; macOS: `brew install redis`).";

static SHARED: LazyLock<Option<Server>> = LazyLock::new(Server::start);

/// The URL of this process' Redis; none where it is missing, which was then said once.
#[must_use]
pub fn url() -> Option<&'static str> {
    SHARED.as_ref().map(Server::url)
}

/// A running server, killed when the value is dropped.
#[derive(Debug)]
pub struct Server {
    folder: PathBuf,
    port: u16,
    url: String,
    child: Option<Child>,
}

impl Server {
    /// Starts a server of its own; none where Redis is missing, which was then said once.
    #[must_use]
    pub fn start() -> Option<Self> {
        let folder = tempfile::Builder::new().prefix("launchway-redis-").tempdir().expect("a folder").keep();
        watchdog::remove(&folder);
        let socket = TcpListener::bind("127.0.0.1:0").and_then(|socket| socket.local_addr());
        let port = socket.expect("a free port").port();
        let url = format!("redis://127.0.0.1:{port}");
        let mut server = Self { folder, port, url, child: None };
        if server.spawn().is_none() {
            requirement::missing("redis", REMEDY);
            return None;
        }
        server.wait();
        Some(server)
    }

    /// `redis://127.0.0.1:port`.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Starts it again, empty, on the same port.
    pub fn launch(&mut self) {
        self.stop();
        assert!(self.spawn().is_some(), "redis-server starts");
        self.wait();
    }

    /// Kills it, as `kill -9` does.
    pub fn stop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
            watchdog::release(child.id());
        }
    }

    /// Sends a signal (`STOP`, `CONT`, …).
    pub fn signal(&self, name: &str) {
        let pid = self.child.as_ref().map_or(0, Child::id);
        assert!(pid > 0, "it runs");
        let done = Command::new("kill").args([&format!("-{name}"), &pid.to_string()]).status();
        assert!(done.is_ok_and(|status| status.success()), "kill -{name}");
    }

    fn spawn(&mut self) -> Option<()> {
        let child = Command::new("redis-server")
            .args(["--bind", "127.0.0.1", "--port", &self.port.to_string()])
            .args(["--save", "", "--appendonly", "no"])
            .current_dir(&self.folder)
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .ok()?;
        watchdog::watch(child.id());
        self.child = Some(child);
        Some(())
    }

    fn wait(&mut self) {
        let deadline = Instant::now() + Duration::from_secs(10);
        while TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            let state = self.child.as_mut().map(|child| child.try_wait().expect("the state of redis-server"));
            assert!(matches!(state, Some(None)) && Instant::now() < deadline, "redis-server does not start");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop();
    }
}
