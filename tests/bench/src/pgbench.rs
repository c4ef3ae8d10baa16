//! pgbench running the workload's SQL: the limit that no server in front of the database can pass.

use std::path::Path;
use std::time::{Duration, Instant};

use tokio::process::Command;

use crate::database::Size;
use crate::load::Round;
use crate::workload::Workload;

/// Whether pgbench is on this machine.
pub async fn available() -> bool {
    Command::new("pgbench").arg("--version").output().await.is_ok_and(|output| output.status.success())
}

/// Runs one round; `url` is the database's.
pub async fn run(url: &str, workload: Workload, size: &Size, connections: usize, seconds: f64) -> Round {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let script = folder.path().join("script.sql");
    // pgbench has named variables where the statement has numbered ones.
    let sql = workload.sql().replace("$1", ":id").replace("$2", ":number").replace('\n', " ");
    let text =
        format!("\\set id random(1, {})\n\\set number random(1, 1000000)\n{sql};\n", workload.range(size));
    std::fs::write(&script, text).expect("the script is written");
    let start = Instant::now();
    let output = Command::new("pgbench")
        .args(["--no-vacuum", "--protocol=prepared", "--log", "--jobs", "2"])
        .args(["--client", &connections.to_string()])
        .args(["--time", &format!("{}", seconds.ceil().max(1.0))])
        .arg("--file")
        .arg(&script)
        .arg(url)
        .env("PGOPTIONS", "-c plan_cache_mode=force_generic_plan")
        .current_dir(folder.path())
        .output()
        .await
        .expect("pgbench runs");
    assert!(output.status.success(), "pgbench: {}", String::from_utf8_lossy(&output.stderr));
    let mut round = Round::new(latencies(folder.path()), start.elapsed(), 0);
    // Its own figure leaves out the time to connect, as ours do.
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    if let Some(rate) =
        said.lines().find_map(|line| line.strip_prefix("tps = ")?.split(' ').next()?.parse().ok())
    {
        round.rate = rate;
    }
    round
}

/// The third column of its logs: microseconds of one transaction.
fn latencies(folder: &Path) -> Vec<u32> {
    let files = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let logs = files.filter(|file| file.file_name().to_string_lossy().starts_with("pgbench_log"));
    let mut found = Vec::new();
    for log in logs {
        let text = std::fs::read_to_string(log.path()).unwrap_or_default();
        found.extend(text.lines().filter_map(|line| line.split(' ').nth(2)?.parse::<u32>().ok()));
    }
    if found.is_empty() {
        found.push(u32::try_from(Duration::ZERO.as_micros()).unwrap_or(0));
    }
    found
}
