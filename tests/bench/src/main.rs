//! Launchway against a hand-written handler and pgbench: one interleaved run, ratios at the end. And runs of their own:
//! how soon it answers, and whether a model changes while its server answers.

mod baseline;
mod client;
mod database;
mod evolve;
mod idle;
mod load;
mod measure;
mod pgbench;
mod report;
mod statement;
mod workload;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// What to measure, and how long.
#[derive(Debug, Parser)]
#[command(version, about)]
struct Arguments {
    /// Connections that ask at the same time; each number is measured.
    #[arg(long, value_delimiter = ',', default_value = "1,16,64")]
    connections: Vec<usize>,
    /// Seconds of one round of one contender.
    #[arg(long, default_value_t = 2.0)]
    seconds: f64,
    /// Rounds of each contender; the median counts.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Only these workloads: point, page, nested, total, insert, update.
    #[arg(long, value_delimiter = ',')]
    workload: Vec<String>,
    /// The program to measure; the one beside this executable by default.
    #[arg(long, value_name = "PATH", global = true)]
    launchway: Option<PathBuf>,
    /// Database connections of the hand-written handler.
    #[arg(long, default_value_t = 16)]
    pool: u32,
    /// Fewer rows, for trying the benchmark itself: a hundredth of everything.
    #[arg(long)]
    small: bool,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serves the hand-written handler (the benchmark starts this itself).
    Baseline {
        /// The database.
        #[arg(long)]
        database: String,
        /// Database connections.
        #[arg(long)]
        pool: u32,
    },
    /// How soon the program answers, and in how much memory: for the example and for a model of 300 types.
    Idle,
    /// Changes the model step by step while requests are answered: which fail, and how long do they wait?
    Evolve(evolve::Arguments),
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    harness::runtime::block_on(async {
        match &arguments.command {
            Some(Command::Baseline { database, pool }) => baseline::serve(database, *pool).await,
            Some(Command::Idle) => idle::run(&measure::launchway(&arguments)),
            Some(Command::Evolve(evolve)) => {
                harness::program::choose(&measure::launchway(&arguments));
                if !evolve::run(evolve).await {
                    return ExitCode::FAILURE;
                }
            }
            None => measure::run(&arguments).await,
        }
        ExitCode::SUCCESS
    })
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory, Parser};

    use super::Arguments;

    #[test]
    fn what_the_readme_prints_is_understood() {
        let text = include_str!("../README.md");
        assert!(text.contains(&format!("cargo run --release -p {}", env!("CARGO_PKG_NAME"))));
        let flags: Vec<&str> =
            text.lines().filter_map(|line| line.strip_prefix("| `--")?.split('`').next()).collect();
        for flag in &flags {
            let given = std::iter::once("bench").chain(flag.split(' ').enumerate().map(|(at, word)| {
                // The first word lost its dashes with the prefix.
                if at == 0 { Box::leak(format!("--{word}").into_boxed_str()) } else { word }
            }));
            assert!(Arguments::try_parse_from(given).is_ok(), "--{flag}");
        }
        let known = Arguments::command();
        let known = known.get_arguments().filter_map(clap::Arg::get_long);
        assert_eq!(flags.len(), known.filter(|name| !["help", "version"].contains(name)).count());
    }
}
