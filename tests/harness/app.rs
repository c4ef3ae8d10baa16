//! The running program: a process of its own on a database of its own, killed when the value is dropped.

use std::fs::File;
use std::future::Future;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::program::Ended;
use crate::{Actor, Backend, Launchway, Watched, oracle, postgres, program, runtime, watchdog};

/// The admin key the harness gives every program it starts.
pub const ADMIN_KEY: &str = "adm_test_2b1f0c9e8d7a6f5b4c3d2e1f0a9b8c7d";

/// Runs a test on every engine of this machine, each with a program and a database of its own.
pub fn both(model: &str, test: impl AsyncFn(&App)) {
    for backend in Backend::available() {
        runtime::block_on(async {
            println!("on {backend:?}");
            let app = App::start(backend, model).await;
            test(&app).await;
        });
    }
}

/// A program to be started.
#[derive(Debug)]
pub struct Builder {
    backend: Backend,
    model: String,
    flags: Vec<String>,
    env: Vec<(String, String)>,
    data: Option<PathBuf>,
    database: Option<String>,
    copied: Option<(String, Option<String>)>,
}

impl Builder {
    /// Begins with the rows of another app, which must not run.
    #[must_use]
    pub fn copy(mut self, other: &App) -> Self {
        assert_eq!(self.backend, other.backend, "another engine");
        self.copied = Some((other.database.clone(), other.name.clone()));
        self
    }

    /// Uses this database instead of one of its own.
    #[must_use]
    pub fn database(mut self, url: &str) -> Self {
        self.database = Some(url.to_owned());
        self
    }

    /// Adds flags of `serve`.
    #[must_use]
    pub fn flags(mut self, flags: &[&str]) -> Self {
        self.flags.extend(flags.iter().map(|&flag| flag.to_owned()));
        self
    }

    /// Adds an environment variable, such as `LAUNCHWAY_LIMITS__BODY`.
    #[must_use]
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.env.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Imports this folder of NDJSON or CSV files before the program serves.
    #[must_use]
    pub fn data(mut self, folder: &Path) -> Self {
        self.data = Some(folder.to_path_buf());
        self
    }

    /// Starts the program and waits until it is ready.
    pub async fn start(self) -> App {
        let mut app = self.prepare().await;
        app.launch().await;
        app
    }

    /// The folder, the model and the database, without a running program: for tests of the command line.
    pub async fn prepare(self) -> App {
        let folder = tempfile::Builder::new().prefix("launchway-app-").tempdir().expect("a temporary folder");
        watchdog::remove(folder.path()); // for the apps that live as long as the process
        std::fs::write(folder.path().join("model.graphql"), &self.model).expect("the model is written");
        let (database, name) = match (self.database, self.backend) {
            (Some(url), _) => (url, None),
            (None, Backend::Sqlite) => {
                let file = folder.path().join("test.db");
                if let Some((other, _)) = &self.copied {
                    copy_files(Path::new(other.trim_start_matches("sqlite://")), &file);
                }
                (format!("sqlite://{}", file.display()), None)
            }
            (None, Backend::Postgres) => {
                let cluster = postgres::shared().expect("PostgreSQL, as Backend::available said");
                let name = match self.copied.and_then(|(_, name)| name) {
                    Some(name) => cluster.copy_database(&name).await,
                    None => cluster.create_database().await,
                };
                (cluster.url(&name), Some(name))
            }
        };
        let app = App {
            backend: self.backend,
            folder,
            database,
            name,
            flags: self.flags,
            env: self.env,
            child: None,
            url: String::new(),
        };
        if let Some(data) = self.data {
            let _ = app.import(&data).good();
        }
        app
    }
}

/// A running program.
#[derive(Debug)]
pub struct App {
    backend: Backend,
    folder: TempDir,
    database: String,
    name: Option<String>,
    flags: Vec<String>,
    env: Vec<(String, String)>,
    child: Option<Child>,
    url: String,
}

impl App {
    /// Starts the program with a model and nothing else.
    pub async fn start(backend: Backend, model: &str) -> App {
        App::with(backend, model).start().await
    }

    /// A program to be started with options.
    #[must_use]
    pub fn with(backend: Backend, model: &str) -> Builder {
        Builder {
            backend,
            model: model.to_owned(),
            flags: Vec::new(),
            env: Vec::new(),
            data: None,
            database: None,
            copied: None,
        }
    }

    /// The engine it runs on.
    #[must_use]
    pub fn backend(&self) -> Backend {
        self.backend
    }

    /// `http://127.0.0.1:port`.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// `127.0.0.1:port`.
    #[must_use]
    pub fn address(&self) -> &str {
        self.url.trim_start_matches("http://")
    }

    /// The URL of its database.
    #[must_use]
    pub fn database(&self) -> &str {
        &self.database
    }

    /// The name of its database in PostgreSQL.
    #[must_use]
    pub fn database_name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// Its folder; the model is `model.graphql` there.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Somebody without credentials.
    #[must_use]
    pub fn anyone(&self) -> Actor {
        Actor::new(&self.url)
    }

    /// The holder of the admin key.
    #[must_use]
    pub fn admin(&self) -> Actor {
        self.anyone().with("authorization", &format!("Bearer {ADMIN_KEY}"))
    }

    /// Replaces the model's text; the running program does not notice unless it watches.
    pub fn write_model(&self, text: &str) {
        std::fs::write(self.folder().join("model.graphql"), text).expect("the model is written");
    }

    /// Runs another command of the program on this model and database: `app.command(&["plan", "--json"])`.
    #[must_use]
    pub fn command(&self, arguments: &[&str]) -> Ended {
        self.line(arguments).run()
    }

    /// Starts another command of the program on this model and database, to be watched.
    #[must_use]
    pub fn begin(&self, arguments: &[&str]) -> Watched {
        self.line(arguments).start()
    }

    fn line(&self, arguments: &[&str]) -> Launchway {
        let (verb, rest) = arguments.split_first().expect("a command");
        let mut all = vec![*verb, "model.graphql", "--database", &self.database];
        all.extend(rest);
        Launchway::new(self.folder(), all)
    }

    /// `launchway import` of a file or a folder.
    #[must_use]
    pub fn import(&self, path: &Path) -> Ended {
        self.command(&["import", &path.display().to_string()])
    }

    /// Starts, or starts again, the program on the same database, and waits until it is ready.
    pub async fn launch(&mut self) {
        assert!(self.try_launch().await, "the program ended:\n{}", self.logs());
    }

    /// The same where it may refuse to serve; whether it does.
    pub async fn try_launch(&mut self) -> bool {
        self.stop();
        let log = File::options().create(true).append(true).open(self.log_file()).expect("the log");
        let start = log.metadata().map_or(0, |file| file.len());
        let error = log.try_clone().expect("the log");
        let mut command = program::command();
        command
            .args(["serve", "model.graphql", "--listen", "127.0.0.1:0", "--database", &self.database])
            .args(&self.flags)
            .env("LAUNCHWAY_AUTH__ADMIN_KEY", ADMIN_KEY)
            .envs(self.env.iter().map(|(name, value)| (name, value)))
            .current_dir(self.folder())
            .stdin(Stdio::null())
            .stdout(log)
            .stderr(error);
        let child = command.spawn().expect("the program starts");
        watchdog::watch(child.id());
        self.child = Some(child);
        self.wait(usize::try_from(start).unwrap_or(0)).await
    }

    async fn wait(&mut self, start: usize) -> bool {
        let deadline = Instant::now() + Duration::from_secs(60);
        let mut asker = None;
        loop {
            if !self.runs() {
                return false;
            }
            assert!(Instant::now() < deadline, "the program is not ready after a minute:\n{}", self.logs());
            if let Some(url) = listening(self.logs().get(start..).unwrap_or_default()) {
                self.url = url;
                let actor = asker.get_or_insert_with(|| self.anyone());
                if actor.attempt("GET", "/readyz", None).await.is_ok_and(|reply| reply.status == 200) {
                    return true;
                }
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Kills the program, as `kill -9` does. The database stays.
    pub fn stop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
            watchdog::release(child.id());
        }
    }

    /// The process id of the program.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.as_ref().map_or(0, Child::id)
    }

    /// Sends a signal (`TERM`, `INT`, …) to the program.
    pub fn signal(&self, name: &str) {
        let done =
            std::process::Command::new("kill").args([&format!("-{name}"), &self.pid().to_string()]).status();
        assert!(done.is_ok_and(|status| status.success()), "kill -{name}");
    }

    /// Waits until the program has ended by itself, and returns its exit code.
    pub async fn ended(&mut self, within: Duration) -> Option<i32> {
        let deadline = Instant::now() + within;
        let mut child = self.child.take().expect("a running program");
        loop {
            if let Some(status) = child.try_wait().expect("the state of the program") {
                watchdog::release(child.id());
                return status.code();
            }
            if Instant::now() > deadline {
                self.child = Some(child);
                panic!("the program still runs after {within:?}:\n{}", self.logs());
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Whether the program runs.
    pub fn runs(&mut self) -> bool {
        self.child.as_mut().is_some_and(|child| matches!(child.try_wait(), Ok(None)))
    }

    /// Resident memory of the program in bytes (Linux; 0 elsewhere).
    #[must_use]
    pub fn memory(&self) -> u64 {
        self.bytes("VmRSS:")
    }

    /// The most memory the program ever had, in bytes (Linux; 0 elsewhere).
    #[must_use]
    pub fn most_memory(&self) -> u64 {
        self.bytes("VmHWM:")
    }

    fn bytes(&self, name: &str) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid())).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok()).unwrap_or(0) * 1024
    }

    fn log_file(&self) -> PathBuf {
        self.folder().join("program.log")
    }

    /// Everything the program has printed so far.
    #[must_use]
    pub fn logs(&self) -> String {
        let bytes = std::fs::read(self.log_file()).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// Asserts that nothing panicked so far; also asserted when the app is dropped.
    #[track_caller]
    pub fn no_panic(&self) {
        let logs = self.logs();
        assert!(!logs.contains("panicked at") && !logs.contains("stack overflow"), "it panicked:\n{logs}");
    }

    /// Asserts that PostgreSQL understood every statement so far; also asserted when the app is dropped.
    #[track_caller]
    pub fn no_malformed_statement(&self) {
        let cluster = self.name.as_deref().zip(postgres::shared());
        let malformed = cluster.map(|(name, cluster)| cluster.malformed(name)).unwrap_or_default();
        assert!(malformed.is_empty(), "PostgreSQL did not understand:\n{}", malformed.join("\n"));
    }

    /// What PostgreSQL ran for this app while the future ran, without transaction frames; none on SQLite, where
    /// nothing outside the process can count.
    pub async fn statements_during<T>(&self, future: impl Future<Output = T>) -> (T, Option<Vec<String>>) {
        let counted = self.name.as_deref().zip(postgres::shared());
        let mark = counted.map(|(_, cluster)| cluster.mark());
        let value = oracle::once(future).await;
        let statements = counted.zip(mark).and_then(|((name, cluster), mark)| cluster.statements(name, mark));
        (value, statements)
    }
}

impl Drop for App {
    fn drop(&mut self) {
        self.stop();
        if let (Some(name), Some(cluster)) = (self.name.clone(), postgres::shared()) {
            runtime::spawn(async move { cluster.drop_database(&name).await });
        }
        if std::thread::panicking() {
            println!("on {:?}, the program said:\n{}", self.backend, self.logs());
        } else {
            self.no_panic();
            self.no_malformed_statement();
        }
    }
}

/// Copies a file of SQLite with what belongs to it.
fn copy_files(from: &Path, to: &Path) {
    for end in ["", "-wal"] {
        let named = |path: &Path| PathBuf::from(format!("{}{end}", path.display()));
        if named(from).exists() {
            std::fs::copy(named(from), named(to)).expect("the database is copied");
        }
    }
}

/// The address in the line that says where the program listens.
fn listening(logs: &str) -> Option<String> {
    const BEGIN: &str = "http://127.0.0.1:";
    let at = logs.find(BEGIN)? + BEGIN.len();
    let rest = &logs[at..];
    let digits = rest.find(|c: char| !c.is_ascii_digit())?;
    (digits > 0).then(|| format!("{BEGIN}{}", &rest[..digits]))
}
