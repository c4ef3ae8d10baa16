//! What the rules of a model let callers see and do, compared with an oracle that looks at every row: random models,
//! rows, callers and requests, on both databases.
//!
//! `LAUNCHWAY_RULES_SEED`, `LAUNCHWAY_RULES_MODELS` and `LAUNCHWAY_RULES_REQUESTS` say from where, how many models, and
//! how many requests of each; a failure tells the seed of its model, which is all that is needed to see it again:
//! `LAUNCHWAY_RULES_SEED=<seed> LAUNCHWAY_RULES_MODELS=1`.
#![allow(clippy::print_stdout, reason = "how much was asked, and what was refused")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod answer;
mod ask;
mod bench;
mod caller;
mod change;
mod delete;
mod dice;
mod effect;
mod group;
mod invent;
mod logic;
mod model;
mod paging;
mod permit;
mod related;
mod rows;
mod sdl;
mod store;
mod tenants;
mod truth;

use ask::Asker;
use bench::{Bench, Kind, Missing};
use caller::Caller;
use change::Writer;
use dice::Dice;
use effect::{Effect, No};
use invent::Flavor;
use model::{Key, Model};
use serde_json::Value as Json;
use service::Code;
use service::engine::request::{Change, Write};
use store::Store;
use truth::Truth;

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// An answer in one line.
fn said(answer: &Result<Json, Code>) -> String {
    answer.as_ref().map_or_else(|code| format!("{code:?}"), ToString::to_string)
}

/// What came of all requests so far.
#[derive(Debug, Default)]
struct Tally {
    reads: usize,
    reads_refused: usize,
    pages: usize,
    writes: usize,
    writes_refused: usize,
    unsure: usize,
    models_refused: u64,
}

/// One model with rows, asked many things.
struct Round<'a> {
    kind: Kind,
    seed: u64,
    model: &'a Model,
    store: Store,
    bench: &'a Bench,
    next: usize,
}

impl Round<'_> {
    fn fail(&self, caller: &Caller, request: &str, expected: &str, found: &str) -> ! {
        panic!(
            "{:?}, LAUNCHWAY_RULES_SEED={} LAUNCHWAY_RULES_MODELS=1\n{}\n{}\n{caller:?}\n{request}\n\
             expected {expected}\nfound    {found}",
            self.kind,
            self.seed,
            self.model.sdl(),
            self.store.text(self.model)
        )
    }

    fn asker<'t>(&'t self, caller: &'t Caller) -> Asker<'t> {
        let truth = Truth { model: self.model, store: &self.store, caller };
        Asker { truth, entities: &self.bench.entities, flavor: Flavor::Any }
    }

    async fn read(&self, dice: &mut Dice, tally: &mut Tally) {
        let caller = caller::caller(dice, self.model);
        let asker = self.asker(&caller);
        let read = asker.read(dice);
        let expected = asker.truth.read(&read, &self.bench.entities);
        let found = self.bench.read(&caller.principal(), &read).await;
        let same = match (&expected, &found) {
            (Ok(expected), Ok(found)) => group::same(expected, found),
            (expected, found) => expected == found,
        };
        if !same {
            self.fail(&caller, &format!("{read:?}"), &said(&expected), &said(&found));
        }
        tally.reads += 1;
        tally.reads_refused += usize::from(found.is_err());
    }

    /// A list page by page.
    async fn pages(&self, dice: &mut Dice, tally: &mut Tally) {
        let caller = caller::caller(dice, self.model);
        let asker = self.asker(&caller);
        let ty = asker.ty(dice);
        let list = asker.list(dice, ty, 0);
        let truth = asker.truth;
        if truth.open(ty).and(truth.list_fine(ty, &list)).is_err() {
            return;
        }
        let rows = truth.ordered(ty, &list, self.store.rows(ty).collect());
        let expected: Vec<String> = rows.into_iter().map(|row| store::id(row).to_owned()).collect();
        let (backward, by_id) = (dice.chance(50), dice.chance(30));
        let found = paging::walk(self.bench, &caller, &list, backward, by_id).await;
        if found.as_ref() != Ok(&expected) {
            let request = format!("backward: {backward}, by id: {by_id}, {list:?}");
            self.fail(&caller, &request, &format!("{expected:?}"), &format!("{found:?}"));
        }
        tally.pages += 1;
    }

    async fn write(&mut self, dice: &mut Dice, tally: &mut Tally) {
        let caller = caller::caller(dice, self.model);
        let mut writer = Writer { asker: self.asker(&caller), next: self.next };
        let write = writer.write(dice);
        self.next = writer.next;
        let ty = answer::position(&self.bench.entities, write.entity);
        let mut effect = Effect {
            model: self.model,
            caller: &caller,
            store: self.store.clone(),
            fresh: Vec::new(),
            also: None,
        };
        let expected = effect.write(&write, &self.bench.entities);
        let found = self.bench.write(&caller.principal(), &write).await;
        let stored = self.bench.dump(self.model).await;
        tally.writes += 1;
        tally.writes_refused += usize::from(found.is_err());
        let text = format!("{write:?}");
        let said = said(&found.clone().map(|(json, _)| json));
        match (expected, found) {
            (Err(No::Unsure), _) => {
                tally.unsure += 1;
                self.store = stored;
            }
            (Err(No::Code(code)), Err(found)) if alike(&write, code, found) || effect.also == Some(found) => {
                if stored != self.store {
                    self.fail(&caller, &text, "no change", &stored.text(self.model));
                }
            }
            (Ok(_), Ok(_)) if unordered(&write, &effect) => {
                tally.unsure += 1;
                self.store = stored;
            }
            (Ok(mut ids), Ok((json, _))) => {
                self.rename(&mut effect, &mut ids, &stored);
                if effect.store != stored {
                    self.fail(&caller, &text, &effect.store.text(self.model), &stored.text(self.model));
                }
                let deleted = matches!(write.change, Change::Delete { .. });
                let truth = Truth {
                    model: self.model,
                    store: if deleted { &self.store } else { &stored },
                    caller: &caller,
                };
                let expected = effect::answer(truth, ty, &write.answer, &ids);
                if !group::same(&expected, &json) {
                    self.fail(&caller, &text, &expected.to_string(), &json.to_string());
                }
                self.store = stored;
            }
            (Err(No::Code(code)), _) => self.fail(&caller, &text, &format!("{code:?}"), &said),
            (Ok(ids), Err(_)) => self.fail(&caller, &text, &format!("done: {ids:?}"), &said),
        }
    }

    /// Gives new rows the ids that the database made.
    fn rename(&self, effect: &mut Effect<'_>, ids: &mut [String], stored: &Store) {
        for (ty, definition) in self.model.types.iter().enumerate() {
            if definition.key != Key::Serial {
                continue;
            }
            let mut made: Vec<&String> =
                stored.tables[ty].keys().filter(|id| !self.store.tables[ty].contains_key(*id)).collect();
            made.sort_by_key(|id| id.parse::<i64>().unwrap_or_default());
            let named: Vec<String> =
                effect.fresh.iter().filter(|(of, _)| *of == ty).map(|(_, name)| name.clone()).collect();
            for (from, to) in named.iter().zip(made) {
                effect.store.rename(self.model, ty, from, to);
                for id in ids.iter_mut().filter(|id| *id == from) {
                    id.clone_from(to);
                }
            }
        }
    }
}

/// Whether the database gives ids to rows of several statements, whose order is the engine's own.
fn unordered(write: &Write, effect: &Effect<'_>) -> bool {
    matches!(&write.change, Change::Create { rows } if rows.len() > 1 && effect.fresh.len() > rows.len())
}

/// Whether two refusals are the same. Of several things that are wrong with several rows, either may be told.
fn alike(write: &Write, one: Code, other: Code) -> bool {
    let late = |code| matches!(code, Code::CheckFailed | Code::ForeignKeyViolation | Code::UniqueViolation);
    let several = matches!(&write.change, Change::Create { rows } if rows.len() > 1);
    one == other || several && late(one) && late(other)
}

async fn compare(kind: Kind) {
    let first = setting("LAUNCHWAY_RULES_SEED", 1);
    let models = setting("LAUNCHWAY_RULES_MODELS", 12);
    let requests = setting("LAUNCHWAY_RULES_REQUESTS", 130);
    let mut tally = Tally::default();
    for seed in first..first + models {
        let mut dice = Dice::new(seed);
        let model = invent::model(&mut dice, Flavor::Any);
        let store = rows::rows(&mut dice, &model, Flavor::Any);
        let bench = match Bench::open(kind, &model, &store).await {
            Ok(bench) => bench,
            Err(Missing::Database) => return,
            Err(Missing::Refused(why)) => {
                println!("the model of seed {seed} was refused: {why}\n{}", model.sdl());
                tally.models_refused += 1;
                continue;
            }
        };
        assert_eq!(bench.dump(&model).await, store, "the rows of seed {seed}\n{}", model.sdl());
        let mut round = Round { kind, seed, model: &model, store, bench: &bench, next: 100 };
        for _ in 0..requests {
            // Rows grow and go by writes; what is read is read of all of them.
            match dice.below(100) {
                0..55 => round.read(&mut dice, &mut tally).await,
                55..65 => round.pages(&mut dice, &mut tally).await,
                _ => round.write(&mut dice, &mut tally).await,
            }
        }
        bench.close().await;
    }
    println!("{kind:?}: {tally:?}");
    assert!(tally.models_refused * 4 <= models, "most models were refused");
}

#[tokio::test(flavor = "multi_thread")]
async fn sqlite_answers_as_the_rules_say() {
    compare(Kind::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn postgres_answers_as_the_rules_say() {
    compare(Kind::Postgres).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn organizations_on_sqlite_know_nothing_of_each_other() {
    tenants::compare(Kind::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn organizations_on_postgres_know_nothing_of_each_other() {
    tenants::compare(Kind::Postgres).await;
}
