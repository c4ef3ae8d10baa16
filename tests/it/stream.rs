//! Lists as CSV and NDJSON have all rows, in bounded memory.

use std::fmt::Write;

use harness::{App, Backend, runtime};

const MODEL: &str = "type Point @model(id: SERIAL) @limit(default: 20, max: 1000) @allow(to: [READ], role: \"anyone\") { n: Int! }";

/// More than any bound there ever was.
const ROWS: usize = 120_500;

#[test]
fn long_lists_come_whole() {
    for backend in Backend::available() {
        runtime::block_on(async {
            println!("on {backend:?}");
            let folder = tempfile::tempdir().unwrap();
            let mut rows = String::from("n\n");
            for n in 0..ROWS {
                let _ = writeln!(rows, "{n}");
            }
            std::fs::write(folder.path().join("Point.csv"), rows).unwrap();
            let app = App::with(backend, MODEL).data(folder.path()).start().await;
            let before = app.memory();

            let csv = app.anyone().with("accept", "text/csv").get("/v1/points?fields=n&sort=n").await.good();
            let lines: Vec<&str> = csv.text().lines().collect();
            assert_eq!(lines.len(), ROWS + 1);
            assert!(lines.iter().skip(1).enumerate().all(|(n, line)| *line == n.to_string()));

            let lines = app.anyone().with("accept", "application/x-ndjson");
            let asked = lines.get("/v1/points?fields=n&sort=-n&limit=110000").await.good();
            assert_eq!(asked.text().lines().count(), 110_000);
            let last: harness::Value = serde_json::from_str(asked.text().lines().last().unwrap()).unwrap();
            assert_eq!(last, harness::json!({ "n": ROWS - 110_000 }));

            // The rows are some megabytes; they are never here all at once.
            let grown = app.memory().saturating_sub(before);
            assert!(grown < 64 * 1024 * 1024, "{grown} bytes more");
        });
    }
}
