//! What is printed, and what the machine says about processes.

use std::io::Write;

use crate::load::Round;
use crate::measure::Contender;
use crate::workload::{Facade, Workload};

/// The median of one contender at one workload and one number of connections.
#[derive(Debug)]
pub struct Cell {
    workload: Workload,
    connections: usize,
    contender: Contender,
    median: Round,
    failures: usize,
    least: f64,
    most: f64,
}

impl Cell {
    /// From all rounds.
    pub fn new(workload: Workload, connections: usize, contender: Contender, mut rounds: Vec<Round>) -> Self {
        rounds.sort_by(|a, b| a.rate.total_cmp(&b.rate));
        let failures = rounds.iter().map(|round| round.failures).sum();
        let rate = |round: Option<&Round>| round.map_or(0.0, |round| round.rate);
        let (least, most) = (rate(rounds.first()), rate(rounds.last()));
        let median = rounds.get(rounds.len() / 2).cloned().unwrap_or_default();
        Self { workload, connections, contender, median, failures, least, most }
    }
}

/// A line about what is going on.
pub fn note(text: &str) {
    let _ = writeln!(std::io::stderr(), "# {text}");
}

fn print(text: &str) {
    let _ = writeln!(std::io::stdout(), "{text}");
}

fn hand(cells: &[Cell]) -> f64 {
    let by_hand = cells.iter().find(|cell| cell.contender == Contender::Http(Facade::Hand));
    by_hand.map_or(0.0, |cell| cell.median.rate)
}

/// One workload at one number of connections.
pub fn section(workload: Workload, connections: usize, cells: &[Cell]) {
    print(&format!(
        "\n{} · {connections} connection{}",
        workload.name(),
        if connections == 1 { "" } else { "s" }
    ));
    print(&format!(
        "  {:<13}{:>8}{:>11}{:>17}{:>10}{:>10}{:>13}{:>13}{:>9}{:>7}",
        "",
        "ratio",
        "req/s",
        "(least–most)",
        "p50 ms",
        "p99 ms",
        "server ms/k",
        "database ms/k",
        "RSS MiB",
        "failed"
    ));
    for cell in cells {
        let Round { rate, p50, p99, answers, server, database, memory, .. } = &cell.median;
        let thousands = (*answers as f64 / 1_000.0).max(0.001);
        print(&format!(
            "  {:<13}{:>8.2}{:>11.0}{:>17}{:>10.2}{:>10.2}{:>13.0}{:>13.0}{:>9.0}{:>7}",
            cell.contender.name(),
            rate / hand(cells),
            rate,
            format!("{:.0}–{:.0}", cell.least, cell.most),
            p50.as_secs_f64() * 1e3,
            p99.as_secs_f64() * 1e3,
            server * 1e3 / thousands,
            database * 1e3 / thousands,
            memory,
            cell.failures,
        ));
    }
}

/// The ratios of all, one line per workload and number of connections.
pub fn summary(cells: &[Cell]) {
    print("\nThroughput as a part of the hand-written handler's");
    print(&format!("  {:<10}{:>12}{:>10}{:>10}{:>10}", "", "connections", "REST", "GraphQL", "pgbench"));
    let mut seen: Vec<(Workload, usize)> = Vec::new();
    for cell in cells {
        if !seen.contains(&(cell.workload, cell.connections)) {
            seen.push((cell.workload, cell.connections));
        }
    }
    for (workload, connections) in seen {
        let rate = |contender: Contender| {
            let same = |cell: &&Cell| {
                cell.workload == workload && cell.connections == connections && cell.contender == contender
            };
            cells.iter().find(same).map(|cell| cell.median.rate)
        };
        let base = rate(Contender::Http(Facade::Hand)).unwrap_or(f64::NAN);
        let ratio = |contender: Contender| {
            rate(contender).map_or_else(|| "–".to_owned(), |rate| format!("{:.2}", rate / base))
        };
        print(&format!(
            "  {:<10}{:>12}{:>10}{:>10}{:>10}",
            workload.name(),
            connections,
            ratio(Contender::Http(Facade::Rest)),
            ratio(Contender::Http(Facade::GraphQl)),
            ratio(Contender::Pgbench)
        ));
    }
}

/// Processor seconds a process has used so far.
pub fn processor(pid: u32) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    // After the name in parentheses, which may hold spaces: state is field 3, utime 14, stime 15; ticks of 10 ms.
    let after = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    after.split_whitespace().skip(11).take(2).filter_map(|field| field.parse::<f64>().ok()).sum::<f64>()
        / 100.0
}

/// Processor seconds of a process, its children and the children it has waited for.
pub fn processor_of_family(pid: u32) -> f64 {
    let parent_of = |child: u32| {
        let stat = std::fs::read_to_string(format!("/proc/{child}/stat")).unwrap_or_default();
        let after = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
        after.split_whitespace().nth(1).and_then(|field| field.parse::<u32>().ok())
    };
    let processes = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let ids = processes.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    let children: f64 = ids.filter(|id| parent_of(*id) == Some(pid)).map(processor).sum();
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let after = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    // cutime 16 and cstime 17: sessions that have ended.
    let ended: f64 =
        after.split_whitespace().skip(13).take(2).filter_map(|field| field.parse::<f64>().ok()).sum();
    processor(pid) + children + ended / 100.0
}

/// Resident memory of a process in MiB.
pub fn memory(pid: u32) -> f64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or_default();
    line.split_whitespace().next().and_then(|word| word.parse::<f64>().ok()).unwrap_or(0.0) / 1024.0
}
