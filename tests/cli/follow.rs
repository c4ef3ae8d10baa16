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
        let said = app.command(&["apply"]);
        assert_eq!(said.code, Some(1), "{}", said.text());
        assert!(said.stderr.contains("--allow revert"), "{}", said.text());
        // The new field is still there for the next.
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("model.graphql"), AFTER).unwrap();
        let plan =
            Launchway::new(folder.path(), ["plan", "--exit-code", "--database", app.database()]).run().good();
        assert!(plan.stdout.contains("nothing to do"), "{}", plan.text());
    });
}
