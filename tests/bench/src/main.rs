//! Launchway against a hand-written handler and pgbench: one interleaved run, ratios at the end.

mod baseline;
mod client;
mod database;
mod load;
mod measure;
mod pgbench;
mod report;
mod statement;
mod workload;

use std::path::PathBuf;

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
    #[arg(long, value_name = "PATH")]
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
}

fn main() {
    let arguments = Arguments::parse();
    harness::runtime::block_on(async {
        match &arguments.command {
            Some(Command::Baseline { database, pool }) => baseline::serve(database, *pool).await,
            None => measure::run(&arguments).await,
        }
    });
}
