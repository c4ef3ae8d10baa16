//! The load: requests begin when they are due, whether the ones before were answered or not.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde_json::Value;
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;

use super::change::{Proof, Words};
use super::question::{self, Own, Question, Size};
use crate::client::{Answer, Client, request};
use crate::workload::Random;

/// Nobody waits longer for an answer.
const PATIENCE: Duration = Duration::from_secs(15);

/// A connection that was idle for longer is not used again: the server may be about to close it.
const FRESH: Duration = Duration::from_secs(30);

/// Connections at most. What finds none waits for one, and the wait is part of its latency.
const CONNECTIONS: usize = 256;

/// Failures that are kept of one change; all are counted.
const KEPT: usize = 6;

/// One request that came to an end.
#[derive(Debug, Clone, Copy)]
pub struct Sample {
    /// When it was due.
    pub due: Instant,
    /// From then to the whole answer.
    pub latency: Duration,
    /// Whether it was a write.
    pub write: bool,
    /// Whether the answer was the expected one.
    pub good: bool,
}

/// An answer that was not the expected one.
#[derive(Debug, Clone)]
pub struct Failure {
    /// What was asked.
    pub asked: String,
    /// The status; 0 when there was no answer.
    pub status: u16,
    /// The beginning of the body.
    pub body: String,
}

/// A server that is asked.
#[derive(Debug)]
pub struct Target {
    address: String,
    words: Words,
    idle: Mutex<Vec<(Client, Instant)>>,
    busy: AtomicUsize,
}

impl Target {
    /// A server and the names of its model.
    pub fn new(address: &str, words: Words) -> Arc<Self> {
        Arc::new(Self {
            address: address.to_owned(),
            words,
            idle: Mutex::default(),
            busy: AtomicUsize::new(0),
        })
    }

    /// Waits until nobody waits for an answer of it.
    pub async fn rests(&self) {
        let end = Instant::now() + PATIENCE;
        while self.busy.load(Ordering::SeqCst) > 0 && Instant::now() < end {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    async fn ask(&self, bytes: &[u8]) -> std::io::Result<Answer> {
        let kept = {
            let mut idle = hold(&self.idle);
            idle.retain(|(_, since)| since.elapsed() < FRESH);
            idle.pop()
        };
        let talk = async {
            let mut client = match kept {
                Some((client, _)) => client,
                None => Client::connect(&self.address).await?,
            };
            let answer = client.ask(bytes).await?;
            Ok((client, answer))
        };
        let timeout =
            || std::io::Error::new(std::io::ErrorKind::TimedOut, format!("no answer in {PATIENCE:?}"));
        let (client, answer) =
            tokio::time::timeout(PATIENCE, talk).await.unwrap_or_else(|_| Err(timeout()))?;
        hold(&self.idle).push((client, Instant::now()));
        Ok(answer)
    }
}

/// What is known so far of the requests since the last [`Load::take`].
#[derive(Debug, Default)]
pub struct Record {
    /// All of them.
    pub samples: Vec<Sample>,
    /// Failures beside the requests: a proof that fails, an acknowledged write that is not there.
    pub further: usize,
    /// The first failures of each kind.
    pub failures: Vec<Failure>,
}

impl Record {
    fn fail(&mut self, asked: String, status: u16, body: &str) {
        let known = self.failures.iter().any(|failure| failure.asked == asked && failure.status == status);
        if !known && self.failures.len() < KEPT {
            self.failures.push(Failure { asked, status, body: body.chars().take(400).collect() });
        }
    }
}

#[derive(Debug)]
struct Shared {
    target: Mutex<Arc<Target>>,
    record: Mutex<Record>,
    own: Mutex<Vec<Own>>,
    random: Mutex<Random>,
    number: AtomicU64,
    connections: Semaphore,
    ended: AtomicBool,
    size: Size,
}

/// A running load.
#[derive(Debug)]
pub struct Load {
    shared: Arc<Shared>,
    driver: JoinHandle<()>,
}

impl Load {
    /// Begins with so many requests a second.
    pub fn start(target: Arc<Target>, size: Size, rate: u32) -> Self {
        let shared = Arc::new(Shared {
            target: Mutex::new(target),
            record: Mutex::default(),
            own: Mutex::default(),
            random: Mutex::new(Random::new(7)),
            // Numbers of our rows are not those of the rows that were there before.
            number: AtomicU64::new(size.rows + 1),
            connections: Semaphore::new(CONNECTIONS),
            ended: AtomicBool::new(false),
            size,
        });
        let driver = tokio::spawn(drive(Arc::clone(&shared), Duration::from_secs(1) / rate.max(1)));
        Self { shared, driver }
    }

    /// Asks another server from now on; returns the one before.
    pub fn switch(&self, target: Arc<Target>) -> Arc<Target> {
        std::mem::replace(&mut *hold(&self.shared.target), target)
    }

    /// What came to an end since the last time.
    pub fn take(&self) -> Record {
        std::mem::take(&mut *hold(&self.shared.record))
    }

    /// Asks a server what only one of the new model answers so.
    pub async fn prove(&self, target: &Target, proof: &Proof) {
        let (status, body) = said(target.ask(&proof.request).await);
        // The engines differ in the spaces of their JSON.
        let dense = body.replace(' ', "");
        if status != proof.status || !dense.contains(proof.says) {
            let expected = format!("the new server ({} and {} expected)", proof.status, proof.says);
            self.fail(expected, status, &body);
        }
    }

    /// Takes rows out that were acknowledged, so that nobody changes them until they are verified.
    pub fn set_aside(&self, count: usize) -> Vec<Own> {
        let mut own = hold(&self.shared.own);
        let from = own.len().saturating_sub(count);
        own.split_off(from)
    }

    /// Gives rows back.
    pub fn give_back(&self, rows: Vec<Own>) {
        hold(&self.shared.own).extend(rows);
    }

    /// Whether rows that were set aside are there as they were written last, by whichever server.
    pub async fn verify(&self, target: &Target, rows: &[Own]) {
        for row in rows {
            let path = format!("/v1/{}/{}", target.words.many, row.id);
            let (status, body) = said(target.ask(&request("GET", &path, "", "")).await);
            let json: Value = serde_json::from_str(&body).unwrap_or_default();
            if status != 200 || !question::holds(&target.words, row.number, &json) {
                let asked = "the new server (a row as it was acknowledged expected)".to_owned();
                self.fail(asked, status, &format!("{body} instead of number {}", row.number));
            }
        }
    }

    /// A failure beside the requests.
    pub fn fail(&self, asked: String, status: u16, body: &str) {
        let mut record = hold(&self.shared.record);
        record.further += 1;
        record.fail(asked, status, body);
    }

    /// Ends it.
    pub async fn end(self) {
        self.shared.ended.store(true, Ordering::SeqCst);
        let _ = self.driver.await;
        let target = Arc::clone(&hold(&self.shared.target));
        target.rests().await;
    }
}

async fn drive(shared: Arc<Shared>, period: Duration) {
    let start = Instant::now();
    let mut count: u32 = 0;
    while !shared.ended.load(Ordering::SeqCst) {
        let due = start + period * count;
        tokio::time::sleep_until(due.into()).await;
        let target = Arc::clone(&hold(&shared.target));
        target.busy.fetch_add(1, Ordering::SeqCst);
        tokio::spawn(one(Arc::clone(&shared), target, due, count.is_multiple_of(2)));
        count = count.wrapping_add(1);
    }
}

async fn one(shared: Arc<Shared>, target: Arc<Target>, due: Instant, graphql: bool) {
    let number = shared.number.fetch_add(1, Ordering::Relaxed);
    let question = {
        let take = || {
            let mut own = hold(&shared.own);
            // Some of them stay for a while, to be verified.
            (own.len() > 30).then(|| own.swap_remove(0))
        };
        Question::draw(shared.size, &mut hold(&shared.random), number, take)
    };
    let bytes = question.request(&target.words, graphql);
    let permit = shared.connections.acquire().await;
    let answer = target.ask(&bytes).await;
    drop(permit);
    target.busy.fetch_sub(1, Ordering::SeqCst);
    let latency = due.elapsed();
    let (status, body) = said(answer);
    let judged = question.judge(status, body.as_bytes(), graphql);
    let mut record = hold(&shared.record);
    record.samples.push(Sample { due, latency, write: question.writes(), good: judged.is_ok() });
    match judged {
        Ok(own) => hold(&shared.own).extend(own),
        // A row of ours is not asked for again: what it holds is not known any more.
        Err(()) => {
            let facade = if graphql { "GraphQL" } else { "REST" };
            record.fail(format!("{} ({facade})", question.name()), status, &body);
        }
    }
}

/// Status and body, or 0 and what went wrong.
fn said(answer: std::io::Result<Answer>) -> (u16, String) {
    match answer {
        Ok(answer) => (answer.status, String::from_utf8_lossy(&answer.body).into_owned()),
        Err(error) => (0, error.to_string()),
    }
}

fn hold<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
