//! Random pairs of models: changing one into the other gives what the other gives at once, or nothing is changed.
//!
//! `LAUNCHWAY_PAIRS` is the number of pairs (40), `LAUNCHWAY_PAIRS_SEED` the first seed; each pair has its own.

use std::collections::BTreeMap;
use std::fmt::Write;

use entity::Catalog;
use entity::model::{Source, compile};
use migration::facts::compare;
use migration::shape::{ColumnType, Form};
use migration::{Allow, Consent, Error, Facts, Options, Shape, Verdict};
use sea_orm::{ConnectionTrait, TransactionTrait};

use crate::database::Db;
use crate::facts::read;
use crate::generator::{Dice, Model, changed, model};

/// What came of a pair.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Outcome {
    Changed,
    Nothing,
    Refused,
}

fn number(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(otherwise)
}

fn compiled(model: &Model) -> Option<Catalog> {
    compile(&[Source::new("model.graphql", model.text().as_str())]).ok().map(|compiled| compiled.catalog)
}

/// The pair of a seed, where both compile.
fn pair(seed: u64) -> Option<(Model, Model)> {
    let mut dice = Dice::new(seed);
    let first = model(&mut dice);
    let second = if dice.chance(15) { model(&mut dice) } else { changed(&first, &mut dice) };
    (compiled(&first).is_some() && compiled(&second).is_some()).then_some((first, second))
}

async fn fresh(postgres: bool) -> Db {
    if postgres { Db::postgres().await.unwrap() } else { Db::sqlite().await }
}

async fn apply(
    db: &Db,
    catalog: &Catalog,
    model: &Model,
    allow: &Allow,
) -> Result<migration::Applied, Error> {
    let options = Options { allow: allow.clone(), ..Options::default() };
    migration::apply(&db.connection, catalog, &model.text(), &options).await
}

fn differences(what: &str, expected: &Facts, found: &Facts) -> Result<(), String> {
    let differences = compare(expected, found);
    if differences.is_empty() { Ok(()) } else { Err(format!("{what}: {differences:#?}")) }
}

/// What is in the tables of the first before it becomes the second.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rows {
    None,
    /// A row in each, with every value.
    Full,
    /// A row in each, with the required values only.
    Sparse,
}

impl Rows {
    fn of(seed: u64) -> Self {
        match seed % 3 {
            0 => Rows::None,
            1 => Rows::Full,
            _ => Rows::Sparse,
        }
    }
}

/// A row for each table; every key is the same, so that each refers to the others.
fn inserts(shape: &Shape, rows: Rows, postgres: bool) -> String {
    let key = "'01900000-0000-7000-8000-000000000001'";
    let mut text = String::new();
    for table in shape.tables.iter().filter(|_| rows != Rows::None) {
        let columns = table
            .columns
            .iter()
            .filter(|column| column.required || (rows == Rows::Full && column.name != "deleted_at"));
        let (mut names, mut values) = (Vec::new(), Vec::new());
        for column in columns {
            names.push(format!("\"{}\"", column.name));
            values.push(match &column.ty {
                ColumnType::Serial | ColumnType::BigInt => "1",
                ColumnType::Uuid => key,
                ColumnType::Int | ColumnType::Float => "5",
                ColumnType::Boolean if postgres => "true",
                ColumnType::Boolean => "1",
                ColumnType::Decimal if postgres => "5",
                ColumnType::Decimal => "5000000",
                ColumnType::Date => "'2024-02-29'",
                ColumnType::DateTime => "'2024-02-29T12:00:00'",
                ColumnType::Text => "'CALM'",
                ColumnType::Json(Form::List(_)) => "'[]'",
                ColumnType::Json(_) => "'{}'",
            });
        }
        writeln!(
            text,
            "INSERT INTO \"{}\" ({}) VALUES ({});",
            table.name,
            names.join(", "),
            values.join(", ")
        )
        .unwrap();
    }
    text
}

async fn fill(db: &Db, catalog: &Catalog, rows: Rows) {
    // A check may want more than the required values.
    if let Err(error) = try_fill(db, catalog, rows).await {
        assert_eq!(rows, Rows::Sparse, "{error}");
        try_fill(db, catalog, Rows::Full).await.unwrap();
    }
}

async fn try_fill(db: &Db, catalog: &Catalog, rows: Rows) -> Result<(), sea_orm::DbErr> {
    let later =
        if db.is_postgres() { "SET CONSTRAINTS ALL DEFERRED" } else { "PRAGMA defer_foreign_keys = ON" };
    let statements = inserts(&Shape::of(catalog).unwrap(), rows, db.is_postgres());
    let transaction = db.connection.begin().await?;
    transaction.execute_unprepared(later).await?;
    if !statements.is_empty() {
        transaction.execute_unprepared(&statements).await?;
    }
    transaction.commit().await
}

/// The rows of all tables.
async fn count(db: &Db, facts: &Facts) -> usize {
    let mut sum = 0;
    for table in facts.tables.keys() {
        sum += db.texts(&format!("SELECT 'x' AS x FROM \"{table}\"")).await.len();
    }
    sum
}

/// Whether a pair holds what is promised.
async fn holds(postgres: bool, rows: Rows, first: &Model, second: &Model) -> Result<Outcome, String> {
    let (Some(a), Some(b)) = (compiled(first), compiled(second)) else { return Ok(Outcome::Nothing) };
    let db = fresh(postgres).await;
    let result = within(rows, &db, (first, &a), (second, &b)).await;
    db.close().await;
    result
}

async fn within(
    rows: Rows,
    db: &Db,
    (first, a): (&Model, &Catalog),
    (second, b): (&Model, &Catalog),
) -> Result<Outcome, String> {
    let none = Allow::default();
    apply(db, a, first, &none).await.map_err(|error| format!("the first fails: {error:?}"))?;
    fill(db, a, rows).await;
    let before = read(db).await;
    let held = count(db, &before).await;
    let asked =
        migration::plan_for(&db.connection, b, &none).await.map_err(|error| format!("no plan: {error:?}"))?;
    // What would be lost may be, by name.
    let lost = asked.refused().filter(|step| step.verdict == Verdict::Destructive);
    let consents: Vec<_> = lost.map(|step| Consent::Drop(step.subject.clone())).collect();
    let tables = consents.iter().any(|consent| !consent.to_string().contains('.'))
        || asked.refused().any(|step| step.description.starts_with("drop table"));
    let allow = Allow { consents, hide: false };
    let planned = migration::plan_for(&db.connection, b, &allow)
        .await
        .map_err(|error| format!("no plan: {error:?}"))?;
    match apply(db, b, second, &allow).await {
        Err(Error::Refused(plan)) => {
            if *plan != planned {
                return Err("the plan said something else".to_owned());
            }
            differences("refused, and yet changed", &before, &read(db).await)?;
            let again =
                migration::plan_for(&db.connection, a, &none).await.map_err(|error| format!("{error:?}"))?;
            return if again.is_empty() {
                Ok(Outcome::Refused)
            } else {
                Err("refused, and yet recorded".to_owned())
            };
        }
        Err(error) => return Err(format!("{error:?}\n{}", migration::render(&planned))),
        Ok(applied) if applied.plan != planned => return Err("the plan said something else".to_owned()),
        Ok(_) => {}
    }
    let there = read(db).await;
    if !tables && count(db, &there).await != held {
        return Err("rows are lost".to_owned());
    }
    let other = fresh(db.is_postgres()).await;
    let done =
        apply(&other, b, second, &none).await.map_err(|error| format!("the second fails at once: {error:?}"));
    let expected = read(&other).await;
    other.close().await;
    done?;
    let plan = migration::render(&planned);
    differences(&format!("not as made at once, by\n{plan}\n"), &expected, &there)?;
    if !there.temporary().is_empty() {
        return Err(format!("left behind: {:?}", there.temporary()));
    }
    let again = migration::plan_for(&db.connection, b, &none)
        .await
        .map_err(|error| format!("no second plan: {error:?}"))?;
    if !again.is_empty() {
        return Err(format!("a second plan is not empty:\n{}", migration::render(&again)));
    }
    Ok(if planned.is_empty() { Outcome::Nothing } else { Outcome::Changed })
}

/// A smaller pair that fails as well.
async fn shrunk(
    postgres: bool,
    rows: Rows,
    first: Model,
    second: Model,
    why: String,
) -> (Model, Model, String) {
    let mut best = (first, second, why);
    let mut tries = 0;
    loop {
        let mut smaller = None;
        for (first, second) in lesser(&best.0, &best.1) {
            tries += 1;
            if tries > 150 {
                return best;
            }
            if let Err(why) = holds(postgres, rows, &first, &second).await {
                smaller = Some((first, second, why));
                break;
            }
        }
        match smaller {
            Some(smaller) => best = smaller,
            None => return best,
        }
    }
}

/// The pair with one thing less on both sides.
fn lesser(first: &Model, second: &Model) -> Vec<(Model, Model)> {
    let mut found = Vec::new();
    let mut ids: Vec<usize> = Vec::new();
    for model in [first, second] {
        ids.extend(model.types.iter().map(|ty| ty.id));
        ids.extend(model.links.iter().map(|link| link.id));
        ids.extend(model.types.iter().flat_map(|ty| ty.fields.iter().map(|field| field.id)));
    }
    ids.sort_unstable();
    ids.dedup();
    for id in ids {
        let without = |model: &Model| {
            let mut model = model.clone();
            model.types.retain(|ty| ty.id != id);
            model.links.retain(|link| link.id != id);
            model.types.iter_mut().for_each(|ty| ty.fields.retain(|field| field.id != id));
            model.tidy();
            model
        };
        found.push((without(first), without(second)));
    }
    for (at, ty) in first.types.iter().enumerate() {
        for what in 0..ty.keys() {
            let without = |model: &Model| {
                let mut model = model.clone();
                if let Some(ty) = model.types.get_mut(at) {
                    ty.remove_key(what);
                }
                model
            };
            found.push((without(first), without(second)));
        }
    }
    found
}

async fn run(postgres: bool) {
    let (count, seed) = (number("LAUNCHWAY_PAIRS", 40), number("LAUNCHWAY_PAIRS_SEED", 1));
    let mut outcomes: BTreeMap<Outcome, usize> = BTreeMap::new();
    let mut failures = Vec::new();
    let (mut done, mut at) = (0, seed);
    while done < count {
        at += 1;
        let Some((first, second)) = pair(at) else { continue };
        done += 1;
        let rows = Rows::of(at);
        match holds(postgres, rows, &first, &second).await {
            Ok(outcome) => *outcomes.entry(outcome).or_default() += 1,
            Err(why) => {
                let (first, second, why) = shrunk(postgres, rows, first, second, why).await;
                failures.push(format!(
                    "seed {at}, rows {rows:?}:\n{}\nbecomes\n{}\n{why}",
                    first.text(),
                    second.text()
                ));
            }
        }
    }
    println!("{done} pairs from seed {seed}, {} did not compile: {outcomes:?}", at - seed - done);
    assert!(failures.is_empty(), "{} of {done} pairs fail\n{}", failures.len(), failures.join("\n----\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn become_each_other_on_sqlite() {
    run(false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn become_each_other_on_postgres() {
    match Db::postgres().await {
        Some(db) => db.close().await,
        None => return println!("skipped on PostgreSQL: no server"),
    }
    run(true).await;
}
