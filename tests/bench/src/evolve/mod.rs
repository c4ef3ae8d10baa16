//! Does a model change while its server answers? A load runs, `launchway apply` changes the database under it, the server
//! of the old model goes on and one of the new model takes over; what failed and who waited is counted.

mod change;
mod load;
mod question;
mod report;
mod stage;
mod wait;

use std::time::{Duration, Instant};

use clap::ValueEnum;
use harness::{App, Launchway};
use serde_json::{Value, json};

use self::change::{Kind, Words};
use self::load::{Load, Target};
use self::question::Own;
use self::report::{Measured, Outcome, Times};
use self::stage::{Engine, Stage};
use self::wait::Watch;
use crate::report::note;

/// How long the long reader reads.
const LONG_READ: Duration = Duration::from_secs(4);

/// How many acknowledged rows are looked for after each change, of those before it and of those of the old server after it.
const VERIFIED: usize = 10;

/// What to change, under which load.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Rows of the table that is changed.
    #[arg(long, default_value_t = 1_000_000)]
    rows: u64,
    /// Requests a second.
    #[arg(long, default_value_t = 200)]
    rps: u32,
    /// The database.
    #[arg(long, value_enum, default_value = "postgres")]
    engine: Engine,
    /// Only these changes.
    #[arg(long, value_enum, value_delimiter = ',', value_name = "KIND")]
    only: Vec<Kind>,
    /// Seconds of load before and after each change.
    #[arg(long, default_value_t = 3.0)]
    pause: f64,
    /// JSON instead of the table.
    #[arg(long)]
    json: bool,
}

/// Makes the changes and prints what they came to; whether every promise was kept.
pub async fn run(arguments: &Arguments) -> bool {
    let Some(outcomes) = measure(arguments).await else { return false };
    let engine = arguments.engine;
    if arguments.json {
        let _ = std::io::Write::write_fmt(
            &mut std::io::stdout(),
            format_args!("{:#}\n", json(arguments, &outcomes)),
        );
    } else {
        report::end(&outcomes, engine);
    }
    !outcomes.iter().any(|outcome| outcome.is_broken(engine))
}

fn json(arguments: &Arguments, outcomes: &[Outcome]) -> Value {
    let engine = arguments.engine;
    json!({
        "engine": format!("{engine:?}").to_lowercase(), "rows": arguments.rows, "rps": arguments.rps,
        "changes": outcomes.iter().map(|outcome| outcome.json(engine)).collect::<Vec<_>>(),
    })
}

async fn measure(arguments: &Arguments) -> Option<Vec<Outcome>> {
    let kinds = if arguments.only.is_empty() { Kind::value_variants() } else { &arguments.only };
    let mut run = Run::start(arguments).await?;
    let mut outcomes = Vec::new();
    if !arguments.json {
        report::head(arguments.engine);
    }
    for kind in kinds {
        let outcome = run.change(*kind).await;
        if !arguments.json {
            report::line(&outcome, arguments.engine);
        }
        outcomes.push(outcome);
    }
    run.watch.end();
    run.load.end().await;
    Some(outcomes)
}

/// Everything that runs between two changes.
struct Run {
    stage: Stage,
    pause: Duration,
    made: Vec<Kind>,
    app: App,
    load: Load,
    watch: Watch,
}

impl Run {
    async fn start(arguments: &Arguments) -> Option<Self> {
        let stage = Stage::start(arguments.engine, arguments.rows).await?;
        let mut app =
            App::with(stage.backend(), &change::model(&[])).database(stage.server()).prepare().await;
        let _ = launchway(&app, &stage, &["apply"]).good();
        note(&format!("filling {} rows", stage.size.rows));
        stage.fill().await;
        app.launch().await;
        let target = Target::new(app.address(), Words::after(&[]));
        let load = Load::start(target, stage.size, arguments.rps);
        let watch = Watch::start(&stage).await;
        let pause = Duration::from_secs_f64(arguments.pause);
        // Caches and pools are not what is measured.
        tokio::time::sleep(pause).await;
        Some(Self { stage, pause, made: Vec::new(), app, load, watch })
    }

    /// One change: plan, apply under load, a second server, handover. A refused one leaves everything as it was.
    async fn change(&mut self, kind: Kind) -> Outcome {
        note(&kind.name());
        let made = [self.made.as_slice(), &[kind]].concat();
        let next = App::with(self.stage.backend(), &change::model(&made)).database(self.stage.server());
        let next = next.prepare().await;
        let (verdict, refused) = plan(&next, &self.stage);
        if refused.is_some() {
            return Outcome { kind, verdict, refused, measured: None };
        }
        drop(self.load.take());
        let mark = self.stage.cluster.as_ref().map_or(0, harness::postgres::Cluster::mark);
        let _ = self.watch.take(&self.stage, mark);
        tokio::time::sleep(self.pause).await;
        let rows = self.load.set_aside(VERIFIED);
        let reader = match kind {
            Kind::LongReader => Some(self.stage.read_long(Words::after(&self.made).many, LONG_READ).await),
            _ => None,
        };
        let apply = Instant::now();
        let ended = launchway(&next, &self.stage, &["apply"]);
        let applied = Instant::now();
        tokio::time::sleep(self.pause).await;
        let times = Times { apply, applied, handover: Instant::now() };
        let refused =
            (ended.code != Some(0)).then(|| first_line(&format!("{}{}", ended.stderr, ended.stdout)));
        let mut verified = 0;
        if refused.is_none() {
            self.made = made;
            verified = self.hand_over(kind, next, &rows).await;
        }
        self.load.give_back(rows);
        if let Some(reader) = reader {
            reader.await.expect("the long reader");
        }
        let (record, wait) = (self.load.take(), self.watch.take(&self.stage, mark));
        let log = self.stage.cluster.as_ref().and_then(|cluster| cluster.log_since(mark));
        let error = log.and_then(|log| wait::first_error(&log));
        Outcome { kind, verdict, refused, measured: Some(Measured { times, record, wait, verified, error }) }
    }

    /// A server of the new model takes over, and the old one ends. Returns how many rows were verified.
    async fn hand_over(&mut self, kind: Kind, next: App, rows: &[Own]) -> usize {
        // In a task, because a server that does not start panics, and the other changes are to be made anyway.
        let launched = tokio::spawn(async move {
            let mut next = next;
            next.launch().await;
            next
        });
        let next = match launched.await {
            Ok(next) => next,
            Err(error) => {
                self.load.fail("a server of the new model".to_owned(), 0, &error.to_string());
                return 0;
            }
        };
        let words = Words::after(&self.made);
        let target = Target::new(next.address(), words);
        let late = self.load.set_aside(VERIFIED);
        let before = self.load.switch(target.clone());
        before.rests().await;
        drop(before);
        let mut old = std::mem::replace(&mut self.app, next);
        old.signal("TERM");
        old.ended(Duration::from_secs(40)).await;
        // Afterwards, as the server of the old model can't read every value of the new one.
        self.load.prove(&target, &kind.proof(&words)).await;
        self.load.verify(&target, rows).await;
        self.load.verify(&target, &late).await;
        let verified = rows.len() + late.len();
        self.load.give_back(late);
        verified
    }
}

/// Runs a command of the program against the database, as whoever changes it. Load goes on in other threads.
fn launchway(app: &App, stage: &Stage, arguments: &[&str]) -> harness::program::Ended {
    let (verb, rest) = arguments.split_first().expect("a command");
    let database = stage.changer();
    let mut all = vec![*verb, "model.graphql", "--database", &database];
    all.extend(rest);
    Launchway::new(app.folder(), all).run()
}

/// The worst verdict of the plan's steps, and why it would be refused.
fn plan(app: &App, stage: &Stage) -> (String, Option<String>) {
    let ended = launchway(app, stage, &["plan", "--json"]);
    let plan: Value = serde_json::from_str(&ended.stdout).unwrap_or_default();
    let steps = plan["steps"].as_array().cloned().unwrap_or_default();
    let refused = (ended.code != Some(0)).then(|| {
        let reason = steps.iter().find_map(|step| step.pointer("/refusal/reason")?.as_str());
        reason.map_or_else(|| first_line(&ended.stderr), first_line)
    });
    (verdict(&plan, &steps), refused)
}

/// From best to worst, in the words of plans so far.
const VERDICTS: [&str; 7] = ["safe", "online", "locks", "backfill", "rewrites", "destructive", "destroys"];

fn verdict(plan: &Value, steps: &[Value]) -> String {
    let of = |step: &Value| {
        let word = step.get("verdict").or_else(|| step.pointer("/risk/level"))?;
        // A word, or an object that is named by one.
        word.as_str().or_else(|| word["level"].as_str()).map(str::to_lowercase)
    };
    let rank = |word: &String| VERDICTS.iter().position(|known| known == word).unwrap_or(VERDICTS.len());
    of(plan).or_else(|| steps.iter().filter_map(of).max_by_key(rank)).unwrap_or_else(|| "nothing".to_owned())
}

fn first_line(text: &str) -> String {
    text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default().trim().to_owned()
}

#[cfg(test)]
mod tests;
