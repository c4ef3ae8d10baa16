//! One round: so many connections ask one contender for so many seconds.

use std::time::{Duration, Instant};

use crate::client::Client;
use crate::database::Size;
use crate::workload::{Facade, Random, Workload};

/// What one round came to.
#[derive(Debug, Clone, Default)]
pub struct Round {
    /// Answers per second.
    pub rate: f64,
    /// Median latency.
    pub p50: Duration,
    /// Latency that one in a hundred exceeds.
    pub p99: Duration,
    /// Answers.
    pub answers: usize,
    /// Answers that were no success, and connections that broke.
    pub failures: usize,
    /// Processor seconds the server used, without the database.
    pub server: f64,
    /// Processor seconds the database used.
    pub database: f64,
    /// Resident memory of the server in MiB afterwards.
    pub memory: f64,
}

impl Round {
    /// From the latencies of all answers.
    pub fn new(mut latencies: Vec<u32>, elapsed: Duration, failures: usize) -> Self {
        latencies.sort_unstable();
        let at = |share: usize| {
            let index = (latencies.len() * share / 100).min(latencies.len().saturating_sub(1));
            Duration::from_micros(latencies.get(index).copied().unwrap_or(0).into())
        };
        Self {
            rate: latencies.len() as f64 / elapsed.as_secs_f64(),
            p50: at(50),
            p99: at(99),
            answers: latencies.len(),
            failures,
            ..Self::default()
        }
    }
}

/// What to ask of whom.
#[derive(Debug, Clone)]
pub struct Target {
    /// `host:port`.
    pub address: String,
    /// The contender.
    pub facade: Facade,
    /// The workload.
    pub workload: Workload,
    /// The rows there are.
    pub size: Size,
}

/// Runs one round.
pub async fn run(target: Target, connections: usize, seconds: f64, seed: u64) -> Round {
    let start = Instant::now();
    let deadline = start + Duration::from_secs_f64(seconds);
    let tasks: Vec<_> = (0..connections)
        .map(|index| tokio::spawn(ask(target.clone(), deadline, seed * 1_000 + index as u64)))
        .collect();
    let (mut latencies, mut failures) = (Vec::new(), 0);
    for task in tasks {
        let (some, failed) = task.await.expect("a connection's task");
        latencies.extend(some);
        failures += failed;
    }
    Round::new(latencies, start.elapsed(), failures)
}

async fn ask(target: Target, deadline: Instant, seed: u64) -> (Vec<u32>, usize) {
    let Target { address, facade, workload, size } = target;
    let mut random = Random::new(seed);
    let (mut latencies, mut failures) = (Vec::with_capacity(1 << 16), 0);
    let mut client = None;
    while Instant::now() < deadline {
        let Some(open) = client.as_mut() else {
            client = Client::connect(&address).await.ok();
            if client.is_none() {
                failures += 1;
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            continue;
        };
        let request = workload.request(facade, workload.draw(&size, &mut random));
        let asked = Instant::now();
        match open.ask(&request).await {
            // GraphQL says no with status 200; a short look at the beginning is enough and cheap.
            Ok(answer)
                if answer.status < 300
                    && !answer.body.starts_with(b"{\"errors\"")
                    && !answer.body.starts_with(b"{\"data\":null") =>
            {
                latencies.push(u32::try_from(asked.elapsed().as_micros()).unwrap_or(u32::MAX));
            }
            Ok(_) => failures += 1,
            Err(_) => {
                failures += 1;
                client = None;
            }
        }
    }
    (latencies, failures)
}
