//! The program under test: found, or built once, and run as a process with a clean environment.

use std::ffi::OsStr;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use crate::Watched;

static PROGRAM: OnceLock<PathBuf> = OnceLock::new();

/// The folder of the workspace.
#[must_use]
pub fn workspace() -> PathBuf {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    tests.parent().unwrap_or(tests).to_path_buf()
}

/// The path of the program. `LAUNCHWAY_BIN` names one; otherwise cargo builds it into the target folder this test
/// runs from, which does nothing when it is fresh – so a test never meets yesterday's program.
#[must_use]
pub fn path() -> &'static Path {
    PROGRAM.get_or_init(|| std::env::var_os("LAUNCHWAY_BIN").map_or_else(build, PathBuf::from))
}

/// Names the program to run; only before anything ran.
pub fn choose(path: &Path) {
    let known = PROGRAM.get_or_init(|| path.to_path_buf());
    assert_eq!(known, path, "another program runs already");
}

/// `target/<profile>`, from the place of the running executable (`target/<profile>/deps/it-…` or beside it).
fn profile_folder() -> PathBuf {
    let executable = std::env::current_exe().expect("the path of this executable");
    let folder = executable.parent().expect("a folder around it");
    if folder.ends_with("deps") {
        folder.parent().expect("the profile's folder").to_path_buf()
    } else {
        folder.to_path_buf()
    }
}

fn build() -> PathBuf {
    let profile = profile_folder();
    let name = match profile.file_name().and_then(OsStr::to_str) {
        Some("debug") | None => "dev",
        Some(name) => name,
    };
    let target = profile.parent().expect("the target folder");
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    // `--workspace` gives the dependencies the same features as the tests have, so nothing is compiled twice.
    let mut command = Command::new(cargo);
    command
        .args(["build", "--workspace", "--bin", "launchway", "--profile", name, "--quiet", "--target-dir"])
        .arg(target)
        .current_dir(workspace());
    // What cargo tells a test about its package is no setting of a build; `ring` would be compiled anew because of it,
    // and all that uses it, here and again by the next `cargo test`.
    let told = |name: &str| {
        ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_CRATE_", "CARGO_BIN_"]
            .iter()
            .any(|start| name.starts_with(start))
    };
    for (name, _) in std::env::vars_os().filter(|(name, _)| told(&name.to_string_lossy())) {
        command.env_remove(name);
    }
    let output = command.output().expect("cargo runs");
    assert!(
        output.status.success(),
        "the program does not build:\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
    profile.join("launchway")
}

/// One run of the program from the command line, to its end.
#[derive(Debug)]
pub struct Launchway {
    command: Command,
    input: Option<String>,
}

/// How a run ended.
#[derive(Debug)]
pub struct Ended {
    /// The exit code; none when a signal ended it.
    pub code: Option<i32>,
    /// What it printed.
    pub stdout: String,
    /// What it complained about.
    pub stderr: String,
}

impl Ended {
    /// Asserts exit code 0.
    #[track_caller]
    #[must_use]
    pub fn good(self) -> Self {
        assert_eq!(self.code, Some(0), "stdout:\n{}\nstderr:\n{}", self.stdout, self.stderr);
        self
    }

    /// Asserts another exit code, and that nothing panicked.
    #[track_caller]
    #[must_use]
    pub fn refused(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "stdout:\n{}\nstderr:\n{}", self.stdout, self.stderr);
        assert!(!self.stderr.contains("panicked at"), "it panicked:\n{}", self.stderr);
        self
    }

    /// Both streams, for assertions that do not care which.
    #[must_use]
    pub fn text(&self) -> String {
        format!("{}{}", self.stdout, self.stderr)
    }
}

impl Launchway {
    /// The program with these arguments, in this folder.
    #[must_use]
    pub fn new<S: AsRef<OsStr>>(folder: &Path, arguments: impl IntoIterator<Item = S>) -> Self {
        let mut command = command();
        command.args(arguments).current_dir(folder);
        Self { command, input: None }
    }

    /// Adds an environment variable.
    #[must_use]
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.command.env(name, value);
        self
    }

    /// What it reads on its standard input.
    #[must_use]
    pub fn input(mut self, text: &str) -> Self {
        self.input = Some(text.to_owned());
        self
    }

    /// Starts it, to be watched.
    #[must_use]
    pub fn start(self) -> Watched {
        Watched::start(self.command)
    }

    /// Runs it to its end.
    #[must_use]
    pub fn run(mut self) -> Ended {
        let stdin = if self.input.is_some() { Stdio::piped() } else { Stdio::null() };
        let mut child = self
            .command
            .stdin(stdin)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
        if let (Some(text), Some(mut pipe)) = (self.input, child.stdin.take()) {
            let _ = pipe.write_all(text.as_bytes());
        }
        let output = child.wait_with_output().expect("the program ends");
        Ended {
            code: output.status.code(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

/// A line of a shell as a document prints it, in this folder: `launchway` is the program under test, and whoever runs
/// the tests has no settings.
#[must_use]
pub fn shell(folder: &Path, line: &str) -> Command {
    let program = path().canonicalize().expect("the program");
    let bin = folder.join(".bin");
    std::fs::create_dir_all(&bin).expect("a folder for the program");
    // It may have another name where it is.
    let _ = std::os::unix::fs::symlink(program, bin.join("launchway"));
    let paths = std::env::var_os("PATH").unwrap_or_default();
    let paths = std::iter::once(bin).chain(std::env::split_paths(&paths));
    let mut command = clean(Command::new("sh"));
    command.args(["-c", line]).env("PATH", std::env::join_paths(paths).expect("a PATH")).current_dir(folder);
    command
}

/// The program without the settings of whoever runs the tests.
pub(crate) fn command() -> Command {
    clean(Command::new(path()))
}

fn clean(mut command: Command) -> Command {
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy().into_owned();
        let ours = text.starts_with("LAUNCHWAY_") || text.starts_with("OTEL_");
        if ours
            || matches!(
                text.as_str(),
                "DATABASE_URL" | "REDIS_URL" | "PORT" | "RUST_LOG" | "CARGO_TERM_COLOR"
            )
        {
            command.env_remove(name);
        }
    }
    command.env("NO_COLOR", "1");
    command
}
