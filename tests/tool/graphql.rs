//! The audits of `graphql-http`, which the GraphQL-over-HTTP specification's authors keep.

use std::process::Command;
use std::time::Duration;

use harness::{STORE, Value};

use crate::install;
use crate::run::run;

/// All there are in the version of `package-lock.json`: one that silently did not run is a failure.
const AUDITS: usize = 61;

#[test]
fn every_audit_of_graphql_over_http_is_ok() {
    let Some(folder) = install::node() else { return };
    STORE.both(async |app| {
        let script = std::fs::read_to_string(install::here().join("graphql.mjs")).expect("the script");
        let mut node = Command::new("node");
        let _ = node.args(["--input-type=module", "--eval", &script, &format!("{}/graphql", app.url())]);
        let said = run(node.current_dir(folder), Duration::from_secs(120)).content("graphql-http");
        let audits: Vec<Value> =
            said.lines().map(|line| serde_json::from_str(line).expect("an audit")).collect();
        let others: Vec<_> = audits.iter().filter(|audit| audit["status"] != "ok").collect();
        assert!(others.is_empty(), "{others:#?}");
        assert_eq!(audits.len(), AUDITS);
    });
}
