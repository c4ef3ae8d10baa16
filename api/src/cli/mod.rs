//! The command line: what can be typed, and the runtime it is done in.

mod account;
mod aim;
mod apply;
mod can;
mod check;
mod export;
mod import;
mod key;
mod model;
mod output;
mod plan;
mod principal;
mod progress;
mod rule_test;
mod serve;
mod setting;
mod since;
mod table;
mod user;
mod watch;
mod why;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::config::{Config, Sources};
use crate::telemetry;

/// It went well.
const DONE: u8 = 0;

/// It was refused: by the model, the database, the data.
const REFUSED: u8 = 1;

/// It was asked for wrongly: flags or settings.
const USAGE: u8 = 2;

/// Stack of a thread: deep but bounded recursion of parsers must fit.
const STACK: usize = 4 * 1024 * 1024;

const EXAMPLES: &str = "\
Examples:
  launchway serve                              serve model.graphql from ./launchway.db
  launchway serve shop.graphql --watch         and follow changes of the model
  launchway check                              all mistakes of the model at once
  launchway plan --database postgres://…       what the database would be changed to
  launchway serve --production --listen :8000  for the world
  launchway user create ann@example.com        somebody who signs in
  launchway can --as anyone read Track         what a rule says, and which one
  launchway test                               the rules, tried with access.test.yaml

Settings come from launchway.toml, then LAUNCHWAY_… variables, then flags; `launchway config` shows them.
Exit codes: 0 done, 1 refused (model, data, database), 2 wrong flags or settings.";

/// The backend an MVP does not outgrow: GraphQL and REST from one model file, on SQLite and on PostgreSQL.
#[derive(Debug, Parser)]
#[command(name = "launchway", version, after_help = EXAMPLES, propagate_version = true, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve the model as GraphQL and REST.
    Serve(serve::Arguments),
    /// Find all mistakes of the model, with their places.
    Check(check::Arguments),
    /// Show what `apply` would do to the database: steps, SQL, locks, risks.
    Plan(plan::Arguments),
    /// Give the database the shape of the model.
    Apply(apply::Arguments),
    /// Read rows from NDJSON or CSV files into the database.
    Import(import::Arguments),
    /// Write all rows to a folder of NDJSON files.
    Export(export::Arguments),
    /// Make, list and change accounts.
    User(user::Arguments),
    /// Make, list and end keys of programs.
    Key(key::Arguments),
    /// Ask whether somebody may do something, and which rule says so.
    Can(can::Arguments),
    /// Run the tests of rules in access.test.yaml.
    Test(rule_test::Arguments),
    /// Show the settings in force, and where each came from (secrets masked).
    Config(setting::Arguments),
}

/// Why a command did not do what was asked: the exit code, and what to say on stderr.
#[derive(Debug)]
struct Stop {
    code: u8,
    text: String,
}

impl Stop {
    fn refused(text: impl Into<String>) -> Self {
        Self { code: REFUSED, text: text.into() }
    }

    fn usage(text: impl Into<String>) -> Self {
        Self { code: USAGE, text: text.into() }
    }
}

impl Stop {
    /// The answer was given, and it is no.
    fn answered_no() -> Self {
        Self::with_code(REFUSED)
    }

    /// The answer was given, and the exit code says what it comes to.
    fn with_code(code: u8) -> Self {
        Self { code, text: String::new() }
    }
}

impl From<crate::config::Error> for Stop {
    fn from(error: crate::config::Error) -> Self {
        Self::usage(format!("the settings are wrong:\n{error}"))
    }
}

impl From<service::Error> for Stop {
    fn from(error: service::Error) -> Self {
        let mut text = error.message().to_owned();
        if let Some(hint) = error.hint_text() {
            text.push_str(&format!("\nhint: {hint}"));
        }
        if let Some(cause) = error.cause() {
            text.push_str(&format!("\ncause: {}", service::error::told(cause)));
        }
        Self::refused(text)
    }
}

type Outcome = Result<(), Stop>;

/// Runs the program: the command line of this process in, the exit code out.
#[must_use]
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            let _ = error.print(); // help goes to stdout, complaints to stderr
            return ExitCode::from(if error.use_stderr() { USAGE } else { DONE });
        }
    };
    match run(cli.command) {
        Ok(()) => ExitCode::from(DONE),
        Err(stop) => {
            if !stop.text.is_empty() {
                output::complain(&format!("error: {}", stop.text));
            }
            ExitCode::from(stop.code)
        }
    }
}

fn run(command: Command) -> Outcome {
    match command {
        Command::Serve(arguments) => serve::run(arguments),
        Command::Check(arguments) => check::run(&arguments),
        Command::Plan(arguments) => plan::run(&arguments),
        Command::Apply(arguments) => apply::run(&arguments),
        Command::Import(arguments) => import::run(arguments),
        Command::Export(arguments) => export::run(arguments),
        Command::User(arguments) => user::run(arguments),
        Command::Key(arguments) => key::run(arguments),
        Command::Can(arguments) => can::run(&arguments),
        Command::Test(arguments) => rule_test::run(&arguments),
        Command::Config(arguments) => setting::run(&arguments),
    }
}

/// Runs the work of a command that is not a server.
fn block_on<T>(sources: &Sources, work: impl AsyncFnOnce(&Config) -> Result<T, Stop>) -> Result<T, Stop> {
    let config = Config::load(sources)?;
    let runtime = runtime(&config)?;
    runtime.block_on(async {
        telemetry::start_quiet(&config);
        work(&config).await
    })
}

/// JSON for programs, which people read too.
fn pretty(value: &serde_json::Value) -> String {
    serde_json::to_string_pretty(value).unwrap_or_default()
}

fn runtime(config: &Config) -> Result<tokio::runtime::Runtime, Stop> {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    if config.server.workers > 0 {
        builder.worker_threads(config.server.workers);
    }
    builder
        .enable_all()
        .thread_stack_size(STACK)
        .thread_name("launchway")
        .build()
        .map_err(|error| Stop::refused(format!("the runtime can't start: {error}")))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn the_documented_lines_parse() {
        for line in [
            "launchway serve",
            "launchway serve shop.graphql --database sqlite://x.db --listen 127.0.0.1:0 --apply never --watch --production",
            "launchway serve --config a.toml --data folder",
            "launchway check",
            "launchway check models --json",
            "launchway check --prelude",
            "launchway plan model.graphql --database postgres://x/y --json",
            "launchway apply --dry-run",
            "launchway import data",
            "launchway import model.graphql --database sqlite://x.db data/Track.csv data/Album.ndjson",
            "launchway export out",
            "launchway export model.graphql out --database sqlite://x.db",
            "launchway config --default",
            "launchway plan --since main --exit-code",
            "launchway check --against main --json",
            "launchway plan shop.graphql --since HEAD~1 --database postgres://app@db/shop --json",
            "launchway user create ann@example.com --role admin --role editor --password-stdin",
            "launchway user create ann@example.com shop.graphql --database sqlite://x.db --json",
            "launchway user list --json",
            "launchway user role ann@example.com --add a --remove b",
            "launchway user disable ann@example.com",
            "launchway user enable ann@example.com",
            "launchway user password ann@example.com --password-stdin",
            "launchway user delete ann@example.com",
            "launchway key create --name x --scope *:read --user ann@example.com --expires 90d",
            "launchway key create --name x --scope a:read,b:write --organization 0190b5a4-7e8f-7c3d-8a21-5f6e7d8c9b0a",
            "launchway key list",
            "launchway key revoke lwk_abc",
            "launchway can --as anyone read Track",
            "launchway can --as user,roles=editor+x,claims.plan=pro update Track/1 shop.graphql --json",
            "launchway test",
            "launchway test shop.graphql a.test.yaml b.test.yaml --json --junit out.xml",
        ] {
            let parsed = Cli::try_parse_from(line.split(' '));
            assert!(parsed.is_ok(), "{line}: {}", parsed.unwrap_err());
        }
        for line in [
            "launchway",
            "launchway serf",
            "launchway serve --apply all",
            "launchway import",
            "launchway export",
            "launchway user",
            "launchway user create",
            "launchway user password ann@example.com",
            "launchway key create --name x --scope a:read",
            "launchway key create --name x --user ann@example.com",
            "launchway key create --name x --scope a:read --user a@b.c --organization 0190b5a4-7e8f-7c3d-8a21-5f6e7d8c9b0a",
            "launchway can read Track",
            "launchway can --as anyone",
        ] {
            assert!(Cli::try_parse_from(line.split(' ')).is_err(), "{line}");
        }
    }
}
