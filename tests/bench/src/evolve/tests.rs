//! The command with few rows and little load: that it measures, not what.

use clap::Parser;
use harness::{Backend, runtime};

use super::{Arguments, json, measure};
use crate::Command;

fn arguments(flags: &str) -> Arguments {
    let parsed = crate::Arguments::try_parse_from(["bench", "evolve"].into_iter().chain(flags.split(' ')));
    match parsed.expect("flags").command {
        Some(Command::Evolve(arguments)) => arguments,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_change_under_load_fails_no_request() {
    for backend in Backend::available() {
        let engine = format!("{backend:?}").to_lowercase();
        let flags =
            format!("--engine {engine} --rows 200 --rps 40 --pause 0.5 --only add-nullable,add-index");
        let arguments = arguments(&flags);
        runtime::block_on(async {
            let outcomes = measure(&arguments).await.expect("the engine is there");
            let json = json(&arguments, &outcomes);
            for change in json["changes"].as_array().expect("changes") {
                assert!(change["requests"].as_u64() > Some(20), "{change:#}");
                assert_eq!(change["failed"], 0, "{change:#}");
                assert!(change["verified"].as_u64() > Some(0), "{change:#}");
                assert!(change["phases"]["before"]["p99"].as_f64() > Some(0.0), "{change:#}");
            }
        });
    }
}

#[test]
fn what_the_readme_prints_of_it_is_understood() {
    let text = include_str!("../../README.md");
    let flags: Vec<&str> =
        text.lines().filter_map(|line| line.strip_prefix("| `evolve ")?.split('`').next()).collect();
    assert!(flags.len() > 4, "{flags:?}");
    for flag in flags {
        let _ = arguments(flag);
    }
}
