//! What the rules of a model let callers see and do, compared with an oracle that looks at every row: random models,
//! rows, callers and requests, on both databases.
//!
//! `LAUNCHWAY_RULES_SEED`, `LAUNCHWAY_RULES_MODELS` and `LAUNCHWAY_RULES_REQUESTS` say from where, how many models, and
//! how many requests of each; a failure tells the seed of its model, which is all that is needed to see it again:
//! `LAUNCHWAY_RULES_SEED=<seed> LAUNCHWAY_RULES_MODELS=1`.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod answer;
mod ask;
mod bench;
mod caller;
mod dice;
mod group;
mod invent;
mod model;
mod store;
mod truth;

use ask::Asker;
use bench::{Bench, Kind, Missing};
use dice::Dice;
use invent::Flavor;
use truth::Truth;

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// An answer in one line.
fn said(answer: &Result<serde_json::Value, service::Code>) -> String {
    answer.as_ref().map_or_else(|code| format!("{code:?}"), ToString::to_string)
}

async fn compare(kind: Kind) {
    let first = setting("LAUNCHWAY_RULES_SEED", 1);
    let models = setting("LAUNCHWAY_RULES_MODELS", 20);
    let requests = setting("LAUNCHWAY_RULES_REQUESTS", 120);
    let (mut refused, mut done, mut refusals) = (0, 0, 0);
    for seed in first..first + models {
        let mut dice = Dice::new(seed);
        let model = invent::model(&mut dice, Flavor::Any);
        let store = invent::rows(&mut dice, &model, Flavor::Any);
        let bench = match Bench::open(kind, &model, &store).await {
            Ok(bench) => bench,
            Err(Missing::Database) => return,
            Err(Missing::Refused(why)) => {
                if std::env::var_os("LAUNCHWAY_RULES_VERBOSE").is_some() {
                    println!("seed {seed}: {why}\n{}", model.sdl());
                }
                refused += 1;
                continue;
            }
        };
        assert_eq!(bench.dump(&model).await, store, "the rows of seed {seed}\n{}", model.sdl());
        for _ in 0..requests {
            let caller = caller::caller(&mut dice, &model);
            let truth = Truth { model: &model, store: &store, caller: &caller };
            let asker = Asker { truth, entities: &bench.entities, flavor: Flavor::Any };
            let read = asker.read(&mut dice);
            let expected = truth.read(&read, &bench.entities);
            let found = bench.read(&caller.principal(), &read).await;
            let same = match (&expected, &found) {
                (Ok(expected), Ok(found)) => group::same(expected, found),
                (expected, found) => expected == found,
            };
            refusals += u64::from(found.is_err());
            assert!(
                same,
                "{kind:?}, seed {seed}\n{}\n{}\n{caller:?}\n{read:?}\nexpected {}\nfound    {}",
                model.sdl(),
                store.text(&model),
                said(&expected),
                said(&found)
            );
            done += 1;
        }
        bench.close().await;
    }
    println!("{kind:?}: {done} requests, {refusals} refused, {refused} of {models} models refused");
    assert!(refused * 4 <= models, "{refused} of {models} models were refused");
}

#[tokio::test(flavor = "multi_thread")]
async fn sqlite_answers_as_the_rules_say() {
    compare(Kind::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn postgres_answers_as_the_rules_say() {
    compare(Kind::Postgres).await;
}
