//! The tools, installed once per lock file into the user's cache: never into the checkout, never into the system.

use std::fs::File;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;
use std::time::Duration;

use harness::program::workspace;
use harness::requirement;

use crate::run::run;

const NODE: &str = "Install Node.js 18 or later with npm (Debian: `apt-get install nodejs npm`; macOS: `brew install node`).";
const PYTHON: &str = "Install Python 3.10 or later with venv (Debian: `apt-get install python3-venv`; macOS: `brew install python`).";
const BROWSER: &str = "Install Chromium (Debian: `apt-get install chromium`; macOS: `brew install chromium`), \
                       or name one in LAUNCHWAY_TEST_BROWSER.";

/// Downloads take as long as the network takes.
const PATIENCE: Duration = Duration::from_secs(900);

/// A folder with the packages of `package-lock.json` in it; none where that is not possible, which was then said once.
pub fn node() -> Option<&'static Path> {
    static FOLDER: LazyLock<Option<PathBuf>> =
        LazyLock::new(|| packages("node", ["package.json", "package-lock.json"]));
    FOLDER.as_deref()
}

/// A folder with an OpenID provider in it, the packages of `oidc/package-lock.json`; none where that is not possible.
pub fn open_id() -> Option<&'static Path> {
    static FOLDER: LazyLock<Option<PathBuf>> =
        LazyLock::new(|| packages("oidc", ["oidc/package.json", "oidc/package-lock.json"]));
    FOLDER.as_deref()
}

/// What npm installs by these two files.
fn packages(name: &str, files: [&str; 2]) -> Option<PathBuf> {
    install(name, "node", &files, NODE, |folder| {
        for file in files {
            let target = folder.join(Path::new(file).file_name().unwrap_or_default());
            std::fs::copy(here().join(file), target).map_err(|error| error.to_string())?;
        }
        does(Command::new("node").arg("--version"))?;
        does(
            Command::new("npm")
                .args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"])
                .current_dir(folder),
        )
    })
}

/// A virtual environment with the packages of `requirements.txt` in it; none where that is not possible.
pub fn python() -> Option<&'static Path> {
    static FOLDER: LazyLock<Option<PathBuf>> = LazyLock::new(|| {
        install("python", "python", &["requirements.txt"], PYTHON, |folder| {
            does(Command::new("python3").args(["-m", "venv", "--clear"]).arg(folder))?;
            let mut pip = Command::new(folder.join("bin/python"));
            does(pip.args(["-m", "pip", "install", "--quiet", "-r"]).arg(here().join("requirements.txt")))
        })
    });
    FOLDER.as_deref()
}

/// The path of a Chromium; none where there is none.
pub fn browser() -> Option<&'static str> {
    static PROGRAM: LazyLock<Option<String>> = LazyLock::new(|| {
        let named = std::env::var("LAUNCHWAY_TEST_BROWSER").ok();
        let known = ["chromium", "chromium-browser", "google-chrome"].map(str::to_owned);
        let found = named.into_iter().chain(known).find_map(|name| {
            // Some systems have a stand-in that only says how to install the browser: it has to run.
            let path = std::env::split_paths(&std::env::var_os("PATH")?)
                .map(|folder| folder.join(&name))
                .find(|path| path.is_file())?;
            does(Command::new(&path).arg("--version")).ok()?;
            Some(path.display().to_string())
        });
        if found.is_none() {
            requirement::missing("browser", BROWSER);
        }
        found
    });
    PROGRAM.as_deref()
}

/// Where these tests are, with what the tools are told.
pub fn here() -> PathBuf {
    workspace().join("tests/tool")
}

/// Where the tests leave what a person may want to look at.
pub fn left() -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("tool");
    std::fs::create_dir_all(&folder).expect("a folder for what is left to look at");
    folder
}

/// Makes the folder for these locked versions when it is not there, one process at a time; `requires` is the word of the
/// requirement that is missing otherwise.
fn install(
    name: &str,
    requires: &str,
    locks: &[&str],
    remedy: &str,
    make: impl Fn(&Path) -> Result<(), String>,
) -> Option<PathBuf> {
    let made = cache().and_then(|cache| {
        let mut hasher = DefaultHasher::new();
        for lock in locks {
            std::fs::read(here().join(lock)).map_err(|error| format!("{lock}: {error}"))?.hash(&mut hasher);
        }
        let folder = cache.join(format!("tool-{name}-{:016x}", hasher.finish()));
        std::fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        let turn = File::create(folder.with_extension("lock")).map_err(|error| error.to_string())?;
        turn.lock().map_err(|error| error.to_string())?;
        let done = folder.join("complete");
        if !done.exists() {
            make(&folder)?;
            std::fs::write(done, "").map_err(|error| error.to_string())?;
        }
        Ok(folder)
    });
    made.inspect_err(|reason| requirement::missing(requires, &format!("{remedy} It failed with: {reason}")))
        .ok()
}

fn cache() -> Result<PathBuf, String> {
    let named = std::env::var_os("XDG_CACHE_HOME").filter(|path| !path.is_empty()).map(PathBuf::from);
    let home = || std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache"));
    let cache = named.or_else(home).ok_or("neither XDG_CACHE_HOME nor HOME is set")?;
    Ok(cache.join("launchway"))
}

fn does(command: &mut Command) -> Result<(), String> {
    let said = run(command, PATIENCE);
    if said.good { Ok(()) } else { Err(said.text) }
}
