//! Servers beside one another while the model changes: one that follows, and one that stays.

use harness::account::until;
use harness::{App, Launchway, json};

use crate::every;

const BEFORE: &str =
    "type Item @model(id: SERIAL) @allow(to: [ALL], role: \"anyone\") { name: String!  old: Int }";
const AFTER: &str = "type Item @model(id: SERIAL) @allow(to: [ALL], role: \"anyone\") { title: String! @was(name: \"name\")  old: Int  new: Int }";

/// Applies a model from another process.
fn apply(app: &App, model: &str) {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("model.graphql"), model).unwrap();
    let _ = Launchway::new(folder.path(), ["apply", "--database", app.database()]).run().good();
}

#[test]
fn a_server_that_follows_takes_over_what_others_apply() {
    every(async |backend| {
        let app = App::with(backend, BEFORE).flags(&["--follow"]).start().await;
        let anyone = app.anyone();
        let _ = anyone.post("/v1/items", json!({ "name": "a" })).await.good();
        apply(&app, AFTER);
        // Old or new, never something between: one of the two names is always known, with the value.
        until(async || {
            let answer = anyone.get("/v1/items/1").await;
            let row = answer.good().json();
            let known = row.get("new").is_some();
            assert_eq!(row[if known { "title" } else { "name" }], "a", "{row}");
            known
        })
        .await;
        let _ = anyone.patch("/v1/items/1", json!({ "title": "b", "new": 3 })).await.good();
        let answer = anyone.graphql("{ items { nodes { title new } } }").await;
        assert_eq!(answer.good().json()["data"]["items"]["nodes"], json!([{ "title": "b", "new": 3 }]));
    });
}

#[test]
fn a_server_that_starts_with_a_former_model_takes_nothing_back() {
    every(async |backend| {
        let mut app = App::start(backend, BEFORE).await;
        let _ = app.anyone().post("/v1/items", json!({ "name": "a" })).await.good();
        apply(&app, AFTER);
        // A restart while the new ones are on their way.
        app.stop();
        app.launch().await;
        let row = app.anyone().patch("/v1/items/1", json!({ "old": 7 })).await.good().json();
        assert_eq!((&row["name"], &row["old"]), (&json!("a"), &json!(7)), "{row}");
        let row = app.anyone().get("/v1/items/1").await.good().json();
        assert_eq!(row["name"], "a", "{row}");
        assert!(app.logs().contains("was in force before"), "{}", app.logs());
        for refused in [&["apply"][..], &["plan", "--exit-code"]] {
            let said = app.command(refused).refused(1);
            assert!(said.stderr.contains("--allow revert"), "{}", said.text());
        }
        // The new field is still there for the next.
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("model.graphql"), AFTER).unwrap();
        let plan =
            Launchway::new(folder.path(), ["plan", "--exit-code", "--database", app.database()]).run().good();
        assert!(plan.stdout.contains("nothing to do"), "{}", plan.text());
    });
}

#[test]
fn what_became_required_with_a_default_gets_it_from_a_former_server_too() {
    every(async |backend| {
        let app = App::start(backend, BEFORE).await;
        let anyone = app.anyone();
        apply(&app, &BEFORE.replace("old: Int", "old: Int! @default(value: 4)"));
        let row = anyone.post("/v1/items", json!({ "name": "a" })).await.good().json();
        assert_eq!(row["old"], 4, "{row}");
        let rows = json!([{ "name": "b", "old": 5 }, { "name": "c" }, { "name": "d", "old": 6 }]);
        let _ = anyone.post("/v1/items", rows).await.is(201);
        let all = anyone.get("/v1/items?fields=name,old&sort=name").await.good().json();
        let olds: Vec<_> = all["data"].as_array().unwrap().iter().map(|row| row["old"].clone()).collect();
        assert_eq!(olds, [4, 5, 4, 6], "{all}");
    });
}

#[test]
fn what_became_required_without_a_default_is_asked_for_by_a_former_server() {
    every(async |backend| {
        let app = App::start(backend, BEFORE).await;
        let anyone = app.anyone();
        apply(&app, &BEFORE.replace("old: Int", "old: Int!"));
        let refused = anyone.post("/v1/items", json!({ "name": "a" })).await;
        let _ = refused.is(422).fails("REQUIRED").says("Another model is in force by now");
        let made = anyone.post("/v1/items", json!({ "name": "a", "old": 1 })).await.good();
        assert_eq!(made.json()["old"], 1, "{}", made.whole());
    });
}
