//! `launchway apply` ended by `kill -9` at any moment: the next one goes on, and the end is the same.

use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use harness::{App, Backend, json, runtime};

use super::{APPLY, NEW, OLD, begins, by_hand, ends, every, filled, on_postgres, rows, same, shape, texts};

const ROWS: usize = 3_000;

/// What an application that nobody disturbed came to.
struct Undisturbed {
    base: App,
    took: Duration,
    shape: Vec<String>,
    rows: Vec<String>,
}

impl Undisturbed {
    async fn of(backend: Backend) -> Self {
        let base = filled(backend, ROWS).await;
        let app = App::with(backend, NEW).copy(&base).prepare().await;
        let run = app.begin(&APPLY);
        let begun = std::time::Instant::now();
        let said = run.end().good();
        let took = begun.elapsed();
        if backend == Backend::Postgres {
            assert!(said.stderr.lines().filter(|line| begins(line)).count() > 30, "{}", said.stderr);
        }
        let fresh = App::with(backend, NEW).prepare().await;
        let _ = fresh.command(&["apply"]).good();
        let made = shape(&app).await;
        same(&made, &shape(&fresh).await, "as if it had been made so");
        Self { base, took, shape: made, rows: rows(&app).await }
    }

    async fn copy(&self, model: &str) -> App {
        App::with(self.base.backend(), model).copy(&self.base).prepare().await
    }

    /// Lets an application come to its end, after which all is as if nobody had disturbed it. So many rows were made by
    /// the server of the former model meanwhile.
    async fn goes_on(&self, app: &App, made: usize, when: &str) {
        let said = app.command(&APPLY);
        assert_eq!(said.code, Some(0), "{when}: {}", said.text());
        let said = app.command(&["plan", "--exit-code"]);
        assert_eq!(said.code, Some(0), "{when}: {}", said.text());
        let kept =
            "SELECT name || ' ' || alias || ' ' || rank FROM authors WHERE name LIKE 'kept%' ORDER BY id";
        let expected: Vec<String> = (0..made).map(|n| format!("kept{n} k{n} 3")).collect();
        same(&texts(app, kept).await, &expected, when);
        by_hand(app, "DELETE FROM authors_labels WHERE author_id IN (SELECT id FROM authors WHERE name LIKE 'kept%'); DELETE FROM authors WHERE name LIKE 'kept%'").await;
        same(&shape(app).await, &self.shape, when);
        same(&rows(app).await, &self.rows, when);
    }
}

/// A server of the model before reads and writes; it leaves a row.
async fn serves(app: &App, number: usize, when: &str) {
    let query = r#"{ artist(id: "3") { name nick mood labels { nodes { name } } } albums(where: { title: { eq: "t3" } }) { nodes { plays artist { id name } } } }"#;
    let reply = app.anyone().graphql(query).await;
    assert_eq!(
        (reply.status, reply.json()["data"].clone()),
        (
            200,
            json!({
                "artist": { "name": "n3", "nick": "k3", "mood": "CALM", "labels": { "nodes": [{ "name": "l4" }] } },
                "albums": { "nodes": [{ "plays": 3, "artist": { "id": "4", "name": "n4" } }] },
            })
        ),
        "{when}: {}",
        reply.whole()
    );
    let create = format!(
        r#"mutation {{ createArtist(input: {{ name: "new", nick: "k{number}", mood: LOUD, labels: {{ connect: ["7"] }} }}) {{ id labels {{ nodes {{ name }} }} }} }}"#
    );
    let made = app.anyone().graphql(&create).await;
    let id = made.json()["data"]["createArtist"]["id"].as_str().map(ToOwned::to_owned);
    let id = id.unwrap_or_else(|| panic!("{when}: {}", made.whole()));
    let path = format!("/v1/artists/{id}");
    let changed = app.anyone().patch(&path, json!({ "name": format!("kept{number}") })).await;
    assert_eq!(changed.status, 200, "{when}: {}", changed.whole());
    let gauge = app.anyone().get("/v1/labels/7").await;
    assert_eq!(gauge.status, 200, "{when}: {}", gauge.whole());
}

/// Some number from zero to one.
fn chance() -> f64 {
    let bits = u32::try_from(RandomState::new().hash_one(0) >> 32).unwrap_or_default();
    f64::from(bits) / f64::from(u32::MAX)
}

#[test]
fn every_step_is_one_from_which_it_goes_on() {
    on_postgres(async || {
        let undisturbed = Undisturbed::of(Backend::Postgres).await;
        let mut app = undisturbed.copy(OLD).await;
        app.launch().await;
        app.write_model(NEW);
        // Where a step begins, after its first rows, where it was done: at each such line once.
        let (mut killed, mut step) = (HashSet::new(), String::new());
        loop {
            let mut run = app.begin(&APPLY);
            let line = run.line(|line| {
                let place = if begins(line) {
                    line.split_once(' ').unwrap_or_default().1.clone_into(&mut step);
                    "begins"
                } else if ends(line) {
                    "was done"
                } else {
                    "goes on"
                };
                killed.insert(format!("{place}: {step}"))
            });
            let Some(line) = line else {
                let _ = run.end().good();
                break;
            };
            let _ = run.kill();
            serves(&app, killed.len() - 1, &format!("killed {} times, now at {line}", killed.len())).await;
        }
        let turn = killed.len();
        assert!(turn > 60, "{killed:#?}");
        undisturbed.goes_on(&app, turn, "killed at every step").await;
    });
}

#[test]
fn killed_at_any_moment_it_goes_on() {
    let kills: u32 = std::env::var("LAUNCHWAY_KILLS").ok().and_then(|it| it.parse().ok()).unwrap_or(10);
    every(async |backend| {
        let undisturbed = Undisturbed::of(backend).await;
        for number in 0..kills {
            let mut app = undisturbed.copy(OLD).await;
            if backend == Backend::Postgres {
                app.launch().await;
            }
            app.write_model(NEW);
            let (mut when, mut made) = (String::new(), 0);
            for again in 0..=number % 3 / 2 {
                // The second time there is less to do.
                let share = if again == 0 {
                    (f64::from(number) + chance()) / f64::from(kills)
                } else {
                    chance() / 2.0
                };
                let moment = undisturbed.took.mul_f64(share);
                let mut run = app.begin(&APPLY);
                if !run.until(moment) {
                    let _ = run.end().good();
                    continue;
                }
                let said = run.kill();
                when = format!("{when}killed after {moment:?} at {:?}; ", said.last());
                println!("{when}");
                if backend == Backend::Postgres {
                    serves(&app, made, &when).await;
                    made += 1;
                } else if !texts(&app, "SELECT name FROM sqlite_schema WHERE name = 'artists'")
                    .await
                    .is_empty()
                {
                    app.write_model(OLD);
                    app.launch().await;
                    serves(&app, made, &when).await;
                    made += 1;
                    app.stop();
                    app.write_model(NEW);
                }
                if backend == Backend::Sqlite {
                    assert_eq!(texts(&app, "PRAGMA integrity_check").await, ["ok"], "{when}");
                }
            }
            undisturbed.goes_on(&app, made, &when).await;
        }
    });
}

#[test]
fn nobody_is_disturbed_while_it_is_killed_again_and_again() {
    on_postgres(async || {
        let undisturbed = Undisturbed::of(Backend::Postgres).await;
        let mut app = undisturbed.copy(OLD).await;
        app.launch().await;
        app.write_model(NEW);
        let ended = AtomicBool::new(false);
        let (app, ended) = (&app, &ended);
        // Clients of the server of the model before: what each of them wrote, it reads.
        let client = async move |name: usize| {
            let (mut done, anyone) = (0, app.anyone());
            while !ended.load(Ordering::Relaxed) {
                let row = json!({ "name": format!("load{name}-{done}"), "nick": "x", "mood": "CALM" });
                let made = anyone.post("/v1/artists", row).await.is(201).json();
                let path = format!("/v1/artists/{}", made["id"].as_str().unwrap());
                let _ = anyone.patch(&path, json!({ "nick": "y" })).await.is(200);
                assert_eq!(anyone.get(&path).await.is(200).json()["nick"], "y");
                done += 1;
            }
            done
        };
        let made: usize = std::thread::scope(|scope| {
            let clients: Vec<_> =
                (0..3).map(|name| scope.spawn(move || runtime::block_on(client(name)))).collect();
            for _ in 0..4 {
                let mut run = app.begin(&APPLY);
                let _ = run.until(undisturbed.took.mul_f64(0.3 + chance() / 2.0));
                let _ = run.kill();
            }
            let said = app.command(&APPLY);
            ended.store(true, Ordering::Relaxed);
            let made = clients.into_iter().map(|client| client.join().unwrap()).sum();
            let _ = said.good();
            made
        });
        let kept = "SELECT count(*)::text FROM authors WHERE name LIKE 'load%' AND alias = 'y' AND rank = 3";
        assert_eq!(texts(app, kept).await, [made.to_string()]);
        by_hand(app, "DELETE FROM authors WHERE name LIKE 'load%'").await;
        undisturbed.goes_on(app, 0, "under load").await;
    });
}
