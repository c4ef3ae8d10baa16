//! One private, throw-away PostgreSQL cluster for this process, and a fresh database in it for each test.
//!
//! Text is sorted by a natural language there, as on most servers in the world: whoever forgets that the order of
//! text is by code point fails here. Every statement is logged, so tests can count them, and so is every error: a test
//! whose program sends a statement that is none fails, whatever was answered.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::net::TcpListener;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{LazyLock, Mutex, PoisonError};
use std::time::{Duration, Instant};

use sea_orm::{ConnectionTrait, Database};

use crate::{requirement, watchdog};

const USER: &str = "launchway";
const REMEDY: &str = "Install it (Debian: `apt-get install postgresql`; macOS: `brew install postgresql@15`), \
                      or name a server in LAUNCHWAY_TEST_POSTGRES (postgres://user:password@host:port).";

static SHARED: LazyLock<Option<Cluster>> = LazyLock::new(|| {
    if let Ok(url) = std::env::var("LAUNCHWAY_TEST_POSTGRES") {
        return Some(Cluster {
            root: url.trim_end_matches('/').to_owned(),
            log: None,
            pid: None,
            refused: Mutex::default(),
        });
    }
    let cluster = Cluster::start(&Setting { fsync: false, log_statements: true, ..Setting::default() });
    if cluster.is_none() {
        requirement::missing("postgres", REMEDY);
    }
    cluster
});

/// A running server.
#[derive(Debug)]
pub struct Cluster {
    root: String,
    log: Option<PathBuf>,
    pid: Option<u32>,
    refused: Mutex<Refused>,
}

/// What was found in the log so far: lines of databases about statements that are none.
#[derive(Debug, Default)]
struct Refused {
    read: u64,
    lines: Vec<String>,
}

/// How a cluster is started.
#[derive(Debug, Clone)]
pub struct Setting {
    /// Whether a commit waits for the disk; off in tests, on where speed is measured.
    pub fsync: bool,
    /// Whether each statement is written to the server's log.
    pub log_statements: bool,
    /// `shared_buffers`, such as `128MB`.
    pub memory: String,
    /// Further settings, such as `log_lock_waits=on`; they win over the others.
    pub options: Vec<String>,
}

impl Default for Setting {
    fn default() -> Self {
        Self { fsync: true, log_statements: false, memory: "128MB".to_owned(), options: Vec::new() }
    }
}

/// The cluster of this process; none where PostgreSQL is missing, which was then said once.
#[must_use]
pub fn shared() -> Option<&'static Cluster> {
    SHARED.as_ref()
}

impl Cluster {
    /// Starts a cluster; none where the programs are missing. It ends with this process.
    #[must_use]
    pub fn start(setting: &Setting) -> Option<Cluster> {
        let programs = programs()?;
        let folder = tempfile::Builder::new()
            .prefix("launchway-postgres-")
            .tempdir()
            .expect("a temporary folder")
            .keep();
        watchdog::remove(&folder);
        let owner = Owner::find();
        owner.take(&folder);
        initialize(&programs, &owner, &folder);
        // Another process may take the free port before the server does: try a few.
        for _ in 0..5 {
            if let Some(cluster) = launch(&programs, &owner, &folder, setting) {
                return Some(cluster);
            }
        }
        panic!(
            "PostgreSQL does not start:\n{}",
            std::fs::read_to_string(folder.join("log")).unwrap_or_default()
        );
    }

    /// The URL of one of its databases.
    #[must_use]
    pub fn url(&self, database: &str) -> String {
        format!("{}/{database}", self.root)
    }

    /// Makes a database of its own and returns its name.
    pub async fn create_database(&self) -> String {
        self.create("").await
    }

    /// Makes a database with all that another one has, to which nobody is connected.
    pub async fn copy_database(&self, from: &str) -> String {
        self.create(&format!(" template {from}")).await
    }

    async fn create(&self, options: &str) -> String {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let name = format!("t{}_{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        self.run(&format!("create database {name}{options}")).await;
        name
    }

    /// Drops a database and whoever is still connected to it.
    pub async fn drop_database(&self, name: &str) {
        self.run(&format!("drop database if exists {name} with (force)")).await;
    }

    async fn run(&self, statement: &str) {
        let database = Database::connect(self.url("postgres")).await.expect("a connection to PostgreSQL");
        database.execute_unprepared(statement).await.expect("the statement runs");
        let _ = database.close().await;
    }

    /// Ends every connection to a database, as a restart of the server would.
    pub async fn disconnect(&self, name: &str) {
        self.run(&format!("select pg_terminate_backend(pid) from pg_stat_activity where datname = '{name}'"))
            .await;
    }

    /// Lets nobody in to a database, or lets them in again.
    pub async fn allow_connections(&self, name: &str, allow: bool) {
        self.run(&format!("alter database {name} allow_connections {allow}")).await;
    }

    /// The process id of the server, where we started it.
    #[must_use]
    pub fn pid(&self) -> Option<u32> {
        self.pid
    }

    /// How long the server's log is now; the start of a later [`Cluster::statements`].
    #[must_use]
    pub fn mark(&self) -> u64 {
        self.log.as_deref().and_then(|log| log.metadata().ok()).map_or(0, |file| file.len())
    }

    /// What the server wrote to its log since the mark, as it is.
    #[must_use]
    pub fn log_since(&self, mark: u64) -> Option<String> {
        self.bytes_since(mark).map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
    }

    fn bytes_since(&self, mark: u64) -> Option<Vec<u8>> {
        let mut file = File::open(self.log.as_deref()?).ok()?;
        file.seek(SeekFrom::Start(mark)).ok()?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).ok()?;
        Some(bytes)
    }

    /// What the server said so far about statements of a database that are malformed or name what is not there: the lines
    /// with a SQLSTATE of class 42.
    #[must_use]
    pub fn malformed(&self, database: &str) -> Vec<String> {
        let mut refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        let bytes = self.bytes_since(refused.read).unwrap_or_default();
        // The last line may still be in the making.
        let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        refused.read += whole as u64;
        let text = String::from_utf8_lossy(&bytes[..whole]);
        let found = text.lines().filter(|line| line.split('|').nth(1).is_some_and(is_malformed));
        refused.lines.extend(found.map(ToOwned::to_owned));
        let own = format!("{database}|");
        refused.lines.iter().filter(|line| line.starts_with(&own)).cloned().collect()
    }

    /// The statements a database ran since the mark, without those that only frame a transaction.
    #[must_use]
    pub fn statements(&self, database: &str, mark: u64) -> Option<Vec<String>> {
        let since = self.log_since(mark)?;
        let mut found: Vec<String> = Vec::new();
        let mut inside = false;
        for line in since.lines() {
            if line.starts_with('\t') {
                // A statement of several lines goes on.
                if let (true, Some(last)) = (inside, found.last_mut()) {
                    last.push('\n');
                    last.push_str(line.trim_start_matches('\t'));
                }
                continue;
            }
            let text = line.strip_prefix(&format!("{database}|")).and_then(statement);
            inside = text.is_some();
            found.extend(text.map(ToOwned::to_owned));
        }
        found.retain(|text| !frames_transaction(text));
        Some(found)
    }
}

/// The statement in one line of the log: `LOG:  execute name: …` or `LOG:  statement: …`.
fn statement(line: &str) -> Option<&str> {
    let (_, rest) = line.split_once("LOG:  ")?;
    if let Some(text) = rest.strip_prefix("statement: ") {
        return Some(text);
    }
    rest.strip_prefix("execute ").and_then(|rest| rest.split_once(": ")).map(|(_, text)| text)
}

/// Whether it is a SQLSTATE of the class of syntax errors and of names that are not there.
fn is_malformed(state: &str) -> bool {
    state.len() == 5 && state.starts_with("42")
}

fn frames_transaction(text: &str) -> bool {
    let word = text.split(|c: char| !c.is_ascii_alphabetic()).next().unwrap_or_default().to_ascii_uppercase();
    matches!(
        word.as_str(),
        "BEGIN" | "START" | "COMMIT" | "ROLLBACK" | "SET" | "SAVEPOINT" | "RELEASE" | "DISCARD"
    )
}

struct Programs {
    initdb: PathBuf,
    postgres: PathBuf,
}

/// `initdb` and `postgres` from PATH or from the newest of the folders where Debian keeps them.
fn programs() -> Option<Programs> {
    let mut folders: Vec<PathBuf> = Vec::new();
    if let Ok(versions) = std::fs::read_dir("/usr/lib/postgresql") {
        folders = versions.flatten().map(|version| version.path().join("bin")).collect();
        folders.sort_by_key(|path| std::cmp::Reverse(version(path)));
    }
    folders.extend(std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()));
    let folder = folders
        .into_iter()
        .find(|folder| folder.join("initdb").is_file() && folder.join("postgres").is_file())?;
    Some(Programs { initdb: folder.join("initdb"), postgres: folder.join("postgres") })
}

fn version(bin: &Path) -> u32 {
    bin.parent().and_then(Path::file_name).and_then(|name| name.to_str()?.parse().ok()).unwrap_or(0)
}

/// Who runs the server: PostgreSQL refuses to run as root.
enum Owner {
    Me,
    Other { name: &'static str },
}

impl Owner {
    fn find() -> Self {
        let root = answer(Command::new("id").arg("-u")).is_some_and(|id| id == "0");
        if !root {
            return Owner::Me;
        }
        let known = |name: &str| answer(Command::new("id").args(["-u", name])).is_some();
        Owner::Other { name: if known("postgres") { "postgres" } else { "nobody" } }
    }

    fn take(&self, folder: &Path) {
        if let Owner::Other { name } = self {
            let done = Command::new("chown").args(["-R", name]).arg(folder).status();
            assert!(done.is_ok_and(|status| status.success()), "chown {name} {}", folder.display());
        }
    }

    fn command(&self, program: &Path) -> Command {
        let Owner::Other { name } = self else { return Command::new(program) };
        let mut command = Command::new("setpriv");
        let group = answer(Command::new("id").args(["-g", name])).unwrap_or_else(|| (*name).to_owned());
        command.args(["--reuid", name, "--regid", &group, "--clear-groups", "--"]).arg(program);
        command
    }
}

fn answer(command: &mut Command) -> Option<String> {
    let output = command.stderr(Stdio::null()).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

fn initialize(programs: &Programs, owner: &Owner, folder: &Path) {
    let run = |locale: &[&str]| -> Output {
        owner
            .command(&programs.initdb)
            .args(["--username", USER, "--auth", "trust", "--encoding", "UTF8", "--no-sync", "--pgdata"])
            .arg(folder.join("data"))
            .args(locale)
            .current_dir(folder)
            .output()
            .expect("initdb runs")
    };
    // A natural language where this server can (version 15 with ICU), else the plain one.
    let mut output = run(&["--locale=C", "--locale-provider=icu", "--icu-locale=en"]);
    if !output.status.success() {
        output = run(&["--locale=C"]);
    }
    assert!(output.status.success(), "initdb: {}", String::from_utf8_lossy(&output.stderr));
}

#[expect(clippy::zombie_processes, reason = "the server lives as long as this process; the watchdog ends it")]
fn launch(programs: &Programs, owner: &Owner, folder: &Path, setting: &Setting) -> Option<Cluster> {
    let port =
        TcpListener::bind("127.0.0.1:0").and_then(|socket| socket.local_addr()).expect("a free port").port();
    let log = folder.join("log");
    let file = File::create(&log).expect("the server's log");
    let on = |yes: bool| if yes { "on" } else { "off" };
    let options = [
        "listen_addresses=127.0.0.1".to_owned(),
        format!("port={port}"),
        "unix_socket_directories=".to_owned(),
        "max_connections=200".to_owned(),
        format!("shared_buffers={}", setting.memory),
        format!("fsync={}", on(setting.fsync)),
        format!("synchronous_commit={}", on(setting.fsync)),
        format!("full_page_writes={}", on(setting.fsync)),
        format!("log_statement={}", if setting.log_statements { "all" } else { "none" }),
        "log_parameter_max_length=0".to_owned(),
        "log_line_prefix=%d|%e|".to_owned(),
        "timezone=America/St_Johns".to_owned(), // not UTC, and half an hour off: whoever relies on the server's zone fails
    ];
    let mut command = owner.command(&programs.postgres);
    command.arg("-D").arg(folder.join("data")).current_dir(folder).process_group(0);
    for option in options.iter().chain(&setting.options) {
        command.args(["-c", option]);
    }
    let error = file.try_clone().expect("the server's log");
    let mut child = command.stdin(Stdio::null()).stdout(file).stderr(error).spawn().expect("postgres starts");
    watchdog::watch(child.id());
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        if std::fs::read_to_string(&log)
            .is_ok_and(|text| text.contains("database system is ready to accept connections"))
        {
            return Some(Cluster {
                root: format!("postgres://{USER}@127.0.0.1:{port}"),
                log: Some(log),
                pid: Some(child.id()),
                refused: Mutex::default(),
            });
        }
        let ended = child.try_wait().expect("the state of postgres").is_some();
        if ended || Instant::now() > deadline {
            let _ = child.kill();
            let _ = child.wait();
            watchdog::release(child.id());
            return None;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}
