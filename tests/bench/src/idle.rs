//! How soon the program answers, and how much memory it takes while nobody asks anything.

use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Types of the large model.
const TYPES: usize = 300;

/// How often each start is measured; the median counts.
const TIMES: usize = 5;

/// What is measured of one start.
#[derive(Debug, Clone, Copy)]
struct Start {
    /// Until the first answer.
    first: Duration,
    /// Resident memory after it.
    memory: u64,
    /// Until the first answer of GraphQL, which makes the schema.
    graphql: Duration,
    /// Resident memory after that.
    with_schema: u64,
    /// The most it ever was.
    peak: u64,
}

/// Measures and prints.
pub fn run(launchway: &Path) {
    let folder = tempfile::tempdir().expect("a folder");
    let example = harness::program::workspace().join("examples/music-store/model.graphql");
    let example = std::fs::read_to_string(example).expect("the example's model");
    let mut out = std::io::stdout();
    let _ = writeln!(
        out,
        "{:<22}{:>14}{:>12}{:>18}{:>12}{:>12}",
        "", "answer ms", "RSS MiB", "GraphQL ms", "RSS MiB", "peak MiB"
    );
    for (name, model, goal) in
        [("the example", example, "under 300 ms, 40 MiB"), ("300 types", large(), "under 2 s, 150 MiB")]
    {
        let place = folder.path().join(name.replace(' ', "-"));
        std::fs::create_dir(&place).expect("a folder");
        std::fs::write(place.join("model.graphql"), model).expect("the model");
        // The first start makes the tables.
        let _ = start(launchway, &place, "/healthz");
        let mut starts: Vec<Start> = (0..TIMES).map(|_| start(launchway, &place, "/v1")).collect();
        starts.sort_by_key(|start| start.first);
        let Some(middle) = starts.get(TIMES / 2) else { continue };
        let mib = |bytes: u64| bytes as f64 / 1024.0 / 1024.0;
        let ms = |time: Duration| time.as_secs_f64() * 1000.0;
        let _ = writeln!(
            out,
            "{name:<22}{:>14.0}{:>12.1}{:>18.0}{:>12.1}{:>12.1}   goal: {goal}",
            ms(middle.first),
            mib(middle.memory),
            ms(middle.graphql),
            mib(middle.with_schema),
            mib(middle.peak)
        );
    }
}

/// A model of so many types, each with fields of all kinds and a relation to the one before.
fn large() -> String {
    let mut model = String::new();
    for number in 0..TYPES {
        let _ = writeln!(
            model,
            "type Thing{number} @model @allow(to: [ALL], role: \"anyone\") {{\n  name: String! @unique\n  size: Int\n  \
             weight: Float\n  price: Decimal\n  day: Date\n  at: DateTime @index\n  live: Boolean! @default(value: true)\n  \
             tags: [String!]! @default(value: [])\n  things: [Thing{}!]!\n{}}}",
            (number + 1) % TYPES,
            format_args!("  before: Thing{} \n", (number + TYPES - 1) % TYPES),
        );
    }
    model
}

fn start(launchway: &Path, place: &Path, path: &str) -> Start {
    let begun = Instant::now();
    let mut child = Command::new(launchway)
        .args(["serve", "model.graphql", "--database", "sqlite://data.db", "--listen", "127.0.0.1:0"])
        .current_dir(place)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("the program starts");
    let mut lines = BufReader::new(child.stdout.take().expect("its output"));
    let address = address(&mut lines);
    ask(&address, &format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"));
    let first = begun.elapsed();
    let memory = status(&child, "VmRSS:");
    let asked = Instant::now();
    let body = "{\"query\":\"{ __typename }\"}";
    ask(
        &address,
        &format!(
            "POST /graphql HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        ),
    );
    let graphql = asked.elapsed();
    let (with_schema, peak) = (status(&child, "VmRSS:"), status(&child, "VmHWM:"));
    let _ = child.kill();
    let _ = child.wait();
    Start { first, memory, graphql, with_schema, peak }
}

/// The address in what the program prints when it serves.
fn address(lines: &mut impl BufRead) -> String {
    let mut line = String::new();
    while lines.read_line(&mut line).expect("its output") > 0 {
        if let Some((_, rest)) = line.split_once("http://") {
            return rest.trim().to_owned();
        }
        line.clear();
    }
    panic!("it ended without serving")
}

fn ask(address: &str, request: &str) {
    let mut stream = TcpStream::connect(address).expect("it listens");
    stream.write_all(request.as_bytes()).expect("it reads");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).expect("it answers");
    assert!(answer.starts_with(b"HTTP/1.1 "), "an answer");
}

/// A number of `/proc/<pid>/status`, in bytes; 0 where there is none.
fn status(child: &Child, name: &str) -> u64 {
    let text = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    line.and_then(|rest| rest.split_whitespace().next()?.parse::<u64>().ok()).unwrap_or(0) * 1024
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_large_model_is_a_model() {
        let model = super::large();
        assert_eq!(model.matches("@model").count(), super::TYPES);
        assert!(model.contains("before: Thing299"));
    }
}
