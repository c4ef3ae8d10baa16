//! `launchway config`, and the flags that every command has.

use std::path::PathBuf;

use clap::Args;

use super::Outcome;
use super::output::say;
use crate::config::{self, Config, Flag, Sources, print};

/// Flags of every command that knows a database.
#[derive(Debug, Clone, Args)]
pub(super) struct Common {
    /// Where the data is: sqlite://path or postgres://user:password@host/name [default: sqlite://launchway.db]
    #[arg(long, global = true, value_name = "URL")]
    database: Option<String>,
    /// A settings file [default: launchway.toml when it is there]
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Serve the world: stricter settings, fewer helps.
    #[arg(long, global = true)]
    production: bool,
}

impl Common {
    /// Where settings are looked for, with flags of the command's own.
    pub(super) fn sources(&self, own: Vec<Flag>) -> Sources {
        let mut flags = own;
        if let Some(url) = &self.database {
            flags.push(Flag { name: "--database", key: "database.url", value: url.clone() });
        }
        if self.production {
            flags.push(Flag { name: "--production", key: "mode", value: "production".to_owned() });
        }
        Sources::process(self.config.as_deref(), flags)
    }
}

const EXAMPLES: &str = "\
Examples:
  launchway config                                     what is in force, and why
  launchway config --default > launchway.toml          a file to start from, every setting explained
  LAUNCHWAY_LIMITS__BODY=5MB launchway config          try a variable";

/// Flags of `config`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {
    #[command(flatten)]
    common: Common,
    /// Print the documented default file instead.
    #[arg(long)]
    default: bool,
}

/// Prints the settings.
pub(super) fn run(arguments: &Arguments) -> Outcome {
    if arguments.default {
        say(config::DEFAULT.trim_end());
        return Ok(());
    }
    let config = Config::load(&arguments.common.sources(Vec::new()))?;
    say(print::render(config.settings()).trim_end());
    Ok(())
}
