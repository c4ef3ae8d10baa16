//! The run: start everything, check that all say the same, measure in turns.

use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use harness::postgres::Cluster;
use harness::{App, Backend, program, watchdog};
use serde_json::Value;

use crate::client::Client;
use crate::database::{self, Size};
use crate::load::{self, Round, Target};
use crate::report::{self, Cell};
use crate::workload::{Draw, Facade, Workload};
use crate::{Arguments, pgbench};

/// The contenders of one run.
struct Ring {
    cluster: Cluster,
    url: String,
    size: Size,
    app: App,
    hand: Child,
    hand_address: String,
    pgbench: bool,
}

/// One contender.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Contender {
    /// A server asked over HTTP.
    Http(Facade),
    /// The SQL alone.
    Pgbench,
}

impl Contender {
    const ALL: [Contender; 4] = [
        Contender::Http(Facade::Hand),
        Contender::Http(Facade::Rest),
        Contender::Http(Facade::GraphQl),
        Contender::Pgbench,
    ];

    /// The name in the report.
    pub fn name(self) -> &'static str {
        match self {
            Contender::Http(Facade::Hand) => "hand-written",
            Contender::Http(Facade::Rest) => "REST",
            Contender::Http(Facade::GraphQl) => "GraphQL",
            Contender::Pgbench => "pgbench",
        }
    }
}

/// Runs the benchmark and prints its report.
pub async fn run(arguments: &Arguments) {
    let workloads = chosen(&arguments.workload);
    program::choose(&launchway(arguments));
    let Some(cluster) = database::start() else { return };
    let ring = Ring::start(arguments, cluster).await;
    let mut able = Vec::new();
    for workload in workloads {
        able.push((workload, ring.check(workload).await));
    }
    let mut cells = Vec::new();
    for (workload, contenders) in &able {
        for &connections in &arguments.connections {
            let fresh = ring.measure(*workload, contenders, connections, arguments).await;
            report::section(*workload, connections, &fresh);
            cells.extend(fresh);
        }
    }
    report::summary(&cells);
    ring.end();
}

fn chosen(names: &[String]) -> Vec<Workload> {
    if names.is_empty() {
        return Workload::ALL.to_vec();
    }
    let find = |name: &String| {
        Workload::ALL.into_iter().find(|workload| workload.name() == name).unwrap_or_else(|| {
            let known: Vec<_> = Workload::ALL.iter().map(|workload| workload.name()).collect();
            fail(&format!("There is no workload `{name}`; there are {}.", known.join(", ")))
        })
    };
    names.iter().map(find).collect()
}

/// The program to measure.
pub fn launchway(arguments: &Arguments) -> PathBuf {
    let beside = || {
        let executable = std::env::current_exe().expect("the path of this executable");
        executable.with_file_name("launchway")
    };
    let path = arguments.launchway.clone().unwrap_or_else(beside);
    let Ok(path) = path.canonicalize() else {
        fail(&format!(
            "There is no program at {}. Build it: cargo build --release --workspace --bin launchway --bin launchway-bench",
            path.display()
        ));
    };
    if cfg!(debug_assertions) || path.components().any(|part| part.as_os_str() == "debug") {
        report::note("This is a debug build: its figures mean nothing. Use `--release`.");
    }
    path
}

fn fail(message: &str) -> ! {
    let _ = writeln!(std::io::stderr(), "{message}");
    std::process::exit(2)
}

impl Ring {
    async fn start(arguments: &Arguments, cluster: Cluster) -> Self {
        let size = Size::new(arguments.small);
        let url = cluster.url(&cluster.create_database().await);
        let model = include_str!("../model.graphql");
        let mut app = App::with(Backend::Postgres, model).database(&url).prepare().await;
        report::note("launchway apply");
        let _ = app.command(&["apply"]).good();
        report::note(&format!(
            "filling {} tracks, {} albums, {} artists, {} invoices",
            size.tracks, size.albums, size.artists, size.invoices
        ));
        database::fill(&url, &size).await;
        app.launch().await;
        let (hand, hand_address) = hand_written(&url, arguments.pool);
        let pgbench = pgbench::available().await;
        if !pgbench {
            report::note(
                "pgbench is not installed: that column is missing (Debian: apt-get install postgresql-contrib)",
            );
        }
        Self { cluster, url, size, app, hand, hand_address, pgbench }
    }

    fn address(&self, facade: Facade) -> &str {
        if facade == Facade::Hand { &self.hand_address } else { self.app.address() }
    }

    /// All contenders must give equal rows for the same numbers; one that can't answer at all is left out, and said so.
    async fn check(&self, workload: Workload) -> Vec<Contender> {
        let mut contenders = Vec::new();
        for contender in Contender::ALL {
            let able = match contender {
                Contender::Http(Facade::Hand) => true,
                Contender::Http(facade) => self.agrees(workload, facade).await,
                Contender::Pgbench => self.pgbench,
            };
            if able {
                contenders.push(contender);
            }
        }
        contenders
    }

    async fn agrees(&self, workload: Workload, facade: Facade) -> bool {
        for id in [1, workload.range(&self.size) / 2, workload.range(&self.size)] {
            let draw = Draw { id, number: 4_711 };
            let expected = self.rows(workload, Facade::Hand, draw).await.unwrap_or_else(|error| fail(&error));
            match self.rows(workload, facade, draw).await {
                Ok(rows) if rows == expected => {}
                Ok(rows) => fail(&format!(
                    "{} of {id}: the answers differ.\nby hand: {expected}\n{facade:?}: {rows}",
                    workload.name()
                )),
                Err(error) => {
                    report::note(&format!(
                        "{facade:?} can't answer `{}` and is left out: {error}",
                        workload.name()
                    ));
                    return false;
                }
            }
        }
        true
    }

    async fn rows(&self, workload: Workload, facade: Facade, draw: Draw) -> Result<Value, String> {
        let mut client = Client::connect(self.address(facade)).await.map_err(|error| error.to_string())?;
        let answer = client.ask(&workload.request(facade, draw)).await.map_err(|error| error.to_string())?;
        if answer.status >= 300 {
            return Err(format!("{} {}", answer.status, String::from_utf8_lossy(&answer.body)));
        }
        workload.rows(facade, &answer.body)
    }

    /// Short rounds in turns (ABCABC…), so that what disturbs the machine disturbs all alike.
    async fn measure(
        &self,
        workload: Workload,
        contenders: &[Contender],
        connections: usize,
        arguments: &Arguments,
    ) -> Vec<Cell> {
        let mut rounds: Vec<Vec<Round>> = vec![Vec::new(); contenders.len()];
        // Round 0 warms caches and pools, and does not count.
        for turn in 0..=arguments.rounds {
            for (contender, rounds) in contenders.iter().zip(&mut rounds) {
                let round =
                    self.round((workload, *contender), connections, arguments.seconds, turn as u64 + 1).await;
                if turn > 0 {
                    rounds.push(round);
                }
            }
        }
        let cells = contenders.iter().zip(rounds);
        cells.map(|(contender, rounds)| Cell::new(workload, connections, *contender, rounds)).collect()
    }

    async fn round(
        &self,
        (workload, contender): (Workload, Contender),
        connections: usize,
        seconds: f64,
        seed: u64,
    ) -> Round {
        let server = match contender {
            Contender::Http(Facade::Hand) => Some(self.hand.id()),
            Contender::Http(_) => Some(self.app.pid()),
            Contender::Pgbench => None,
        };
        let database = self.cluster.pid().unwrap_or(0);
        let before = (server.map_or(0.0, report::processor), report::processor_of_family(database));
        let mut round = match contender {
            Contender::Http(facade) => {
                let target =
                    Target { address: self.address(facade).to_owned(), facade, workload, size: self.size };
                load::run(target, connections, seconds, seed).await
            }
            Contender::Pgbench => pgbench::run(&self.url, workload, &self.size, connections, seconds).await,
        };
        round.server = server.map_or(0.0, report::processor) - before.0;
        round.database = (report::processor_of_family(database) - before.1).max(0.0);
        round.memory = server.map_or(0.0, report::memory);
        round
    }

    fn end(mut self) {
        let _ = self.hand.kill();
        let _ = self.hand.wait();
        watchdog::release(self.hand.id());
    }
}

/// Starts this executable again as the hand-written server.
fn hand_written(url: &str, pool: u32) -> (Child, String) {
    let executable = std::env::current_exe().expect("the path of this executable");
    let mut child = Command::new(executable)
        .args(["baseline", "--database", url, "--pool", &pool.to_string()])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the hand-written server starts");
    watchdog::watch(child.id());
    let mut line = String::new();
    let stdout = child.stdout.take().expect("its output");
    BufReader::new(stdout).read_line(&mut line).expect("its address");
    let address = line.trim().trim_start_matches("http://").to_owned();
    assert!(!address.is_empty(), "the hand-written server does not start");
    (child, address)
}
