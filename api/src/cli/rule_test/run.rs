//! Runs the tests of a file, each expectation for each principal.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use entity::EntityId;
use entity::catalog::Operation;
use entity::model::{RulePlaces, Source};
use serde_json::Value as Json;
use service::{Context, Limits, Principal};

use super::super::Stop;
use super::super::aim::Aim;
use super::super::why::why;
use super::decide::{Decision, decide, seen};
use super::file::{Expectation, TestFile, What};
use super::who;
use super::world::{Failure, World};
use super::yaml::{Mistake, Place};

/// What came of one expectation for one principal.
#[derive(Debug)]
pub(super) struct Outcome {
    pub(super) place: Place,
    /// The test's own name.
    pub(super) test: Option<String>,
    pub(super) who: String,
    pub(super) text: String,
    pub(super) expected: String,
    pub(super) came: String,
    pub(super) passed: bool,
    /// The rules, where it did not pass.
    pub(super) reasons: Vec<String>,
    pub(super) rules: Json,
}

/// Runs a file that lies in a folder.
pub(super) async fn run(
    sources: &[Source],
    places: &RulePlaces,
    limits: &Limits,
    file: &TestFile,
    beside: &Path,
) -> Result<Vec<Outcome>, Failure> {
    let world = World::of(sources, limits.clone(), file, beside).await?;
    let mut outcomes = Vec::new();
    let mut mistakes = Vec::new();
    // A principal that no test names may be wrong, too.
    for (_, node) in &file.principals {
        if let Err(mistake) = who::principal(&world, file, node).await {
            mistakes.push(mistake);
        }
    }
    let tests = if mistakes.is_empty() { file.tests.as_slice() } else { &[] };
    for test in tests {
        for node in &test.who {
            let (name, principal) = match who::principal(&world, file, node).await {
                Ok(found) => found,
                Err(mistake) => {
                    mistakes.push(mistake);
                    continue;
                }
            };
            let runner = Runner { world: &world, places, limits: Arc::new(limits.clone()), name, principal };
            for expectation in &test.expectations {
                match runner.expectation(expectation).await {
                    Ok(outcome) => outcomes.push(Outcome { test: test.name.clone(), ..outcome }),
                    Err(Failure::Mistakes(found)) => mistakes.extend(found),
                    Err(failure) => return Err(failure),
                }
            }
        }
    }
    match mistakes.is_empty() {
        true => Ok(outcomes),
        false => Err(Failure::Mistakes(mistakes)),
    }
}

struct Runner<'a> {
    world: &'a World,
    places: &'a RulePlaces,
    limits: Arc<Limits>,
    name: String,
    principal: Principal,
}

impl Runner<'_> {
    async fn expectation(&self, expectation: &Expectation) -> Result<Outcome, Failure> {
        let catalog = self.world.service.catalog();
        let context = Context::new(catalog, self.principal.clone(), Arc::clone(&self.limits), None);
        match &expectation.what {
            What::May { yes, aim, values } => {
                let entity = context.catalog.entity(aim.entity);
                let row = aim.row.as_ref().map(|row| self.world.labels.id(entity, row)).transpose();
                let row = row.map_err(|message| Mistake::new(expectation.place, message))?;
                let aim = Aim { row, ..aim.clone() };
                let values =
                    values.as_ref().map(|node| self.world.labels.values(&context.catalog, entity, node));
                let values = values.transpose()?;
                let service = &self.world.service;
                let decision = decide(service, &context, &aim, values.as_ref()).await.map_err(Stop::from)?;
                let passed = match &decision {
                    Decision::Yes => *yes,
                    Decision::No(_) => !*yes,
                    Decision::Unclear(_) => false,
                };
                let came = match decision {
                    Decision::Yes => "it may be done".to_owned(),
                    Decision::No(why) => format!("it may not be done: {why}"),
                    Decision::Unclear(why) => format!("it fails, whoever asks: {why}"),
                };
                let expected = if *yes { "it may be done" } else { "it may not be done" };
                let outcome = self.outcome(expectation, expected.to_owned(), came, passed);
                self.explained(outcome, &context, &aim).await
            }
            What::Sees { entity, rows } => self.sees(expectation, &context, *entity, rows).await,
            What::Counts { entity, count } => {
                let seen = seen(&self.world.service, &context, *entity).await.map_err(Stop::from)?.len();
                let seen = u64::try_from(seen).unwrap_or(u64::MAX);
                let passed = seen == *count;
                let (expected, came) = (rows_of(*count), rows_of(seen));
                let outcome = self.outcome(expectation, expected, came, passed);
                self.explained(outcome, &context, &reading(*entity, None)).await
            }
        }
    }

    async fn sees(
        &self,
        expectation: &Expectation,
        context: &Context,
        entity: EntityId,
        rows: &[(Place, String)],
    ) -> Result<Outcome, Failure> {
        let definition = context.catalog.entity(entity);
        let mut wanted = BTreeSet::new();
        for (place, label) in rows {
            let id = self.world.labels.id(definition, label);
            wanted.insert(id.map_err(|message| Mistake::new(*place, message))?);
        }
        let seen = seen(&self.world.service, context, entity).await.map_err(Stop::from)?;
        let seen: BTreeSet<String> = seen.into_iter().collect();
        let list = |ids: &mut dyn Iterator<Item = &String>| {
            let all: Vec<String> = ids.map(|id| self.world.labels.name(entity, id)).collect();
            if all.is_empty() { "nothing".to_owned() } else { shortened(&all) }
        };
        let mut came = list(&mut seen.iter());
        let (missing, more) = (list(&mut wanted.difference(&seen)), list(&mut seen.difference(&wanted)));
        if wanted.difference(&seen).next().is_some() {
            came.push_str(&format!("; missing: {missing}"));
        }
        if seen.difference(&wanted).next().is_some() {
            came.push_str(&format!("; too much: {more}"));
        }
        let expected = list(&mut wanted.iter());
        let outcome = self.outcome(expectation, expected, came, wanted == seen);
        let missed = wanted.difference(&seen).chain(seen.difference(&wanted)).next().cloned();
        self.explained(outcome, context, &reading(entity, missed)).await
    }

    fn outcome(&self, expectation: &Expectation, expected: String, came: String, passed: bool) -> Outcome {
        Outcome {
            place: expectation.place,
            test: None,
            who: self.name.clone(),
            text: expectation.text.clone(),
            expected,
            came,
            passed,
            reasons: Vec::new(),
            rules: Json::Null,
        }
    }

    /// Adds the rules to what did not pass.
    async fn explained(&self, outcome: Outcome, context: &Context, aim: &Aim) -> Result<Outcome, Failure> {
        if outcome.passed {
            return Ok(outcome);
        }
        // A row that is not there explains nothing; the rules do.
        let explained = match why(Some(&self.world.service), context, self.places, aim).await {
            Ok(why) => why,
            Err(_) => why(None, context, self.places, aim).await?,
        };
        let writes = matches!(aim.operation, Operation::Create | Operation::Update);
        let head = explained.head.iter().filter(|head| !outcome.came.contains(*head));
        let head = head.map(|head| format!("  {head}"));
        let reasons = head.chain(explained.lines(writes)).collect();
        Ok(Outcome { reasons, rules: explained.to_json(), ..outcome })
    }
}

fn reading(entity: EntityId, row: Option<String>) -> Aim {
    Aim { operation: Operation::Read, entity, row, member: None }
}

fn rows_of(count: u64) -> String {
    if count == 1 { "1 row".to_owned() } else { format!("{count} rows") }
}

/// A list that fits a line.
fn shortened(all: &[String]) -> String {
    match all.get(..20) {
        Some(first) if all.len() > 20 => format!("{} and {} more", first.join(", "), all.len() - 20),
        _ => all.join(", "),
    }
}
