//! `plan` and `apply`: the database takes the shape of the model, and nothing is lost by surprise.

use harness::{App, Launchway, json};

use crate::every;

const BEFORE: &str =
    "type Item @model(id: SERIAL) @allow(to: [ALL], role: \"anyone\") { name: String!  old: Int }";

#[test]
fn a_second_apply_is_empty() {
    every(async |backend| {
        for model in ["store", "everything", "chinook"] {
            let app = App::with(backend, &harness::model::text(model)).prepare().await;
            let planned = app.command(&["plan"]).good();
            assert!(planned.stdout.to_lowercase().contains("create"), "{}", planned.text());
            let _ = app.command(&["apply"]).good();
            let again = app.command(&["plan", "--json"]).good();
            let plan: harness::Value = serde_json::from_str(&again.stdout).unwrap();
            assert_eq!(plan["steps"], json!([]), "{model} on {backend:?}: {plan}");
            let _ = app.command(&["apply"]).good();
        }
    });
}

#[test]
fn a_plan_makes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("model.graphql"), BEFORE).unwrap();
    let files = || {
        let mut names: Vec<_> =
            std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        names
    };
    for arguments in [
        vec!["plan"],
        vec!["plan", "--json"],
        vec!["plan", "--database", "sqlite://other.db"],
        vec!["plan", "--database", "sqlite:other.db?mode=rwc"],
    ] {
        let said = Launchway::new(folder.path(), &arguments).run().good();
        assert!(said.stderr.contains("no database yet"), "{}", said.text());
        assert!(said.stdout.contains("items"), "the table is in the plan: {}", said.text());
        assert_eq!(files(), ["model.graphql"], "{arguments:?}");
        if arguments.contains(&"--json") {
            let plan: harness::Value = serde_json::from_str(&said.stdout).unwrap();
            assert_ne!(plan["steps"], json!([]));
        }
    }
    let _ = Launchway::new(folder.path(), ["apply"]).run().good();
    let said = Launchway::new(folder.path(), ["plan"]).run().good();
    assert!(!said.text().contains("no database yet"), "{}", said.text());
}

#[test]
fn additions_are_applied_and_keep_the_data() {
    every(async |backend| {
        let mut app = App::start(backend, BEFORE).await;
        let _ =
            app.anyone().post("/v1/items", json!([{ "name": "a", "old": 1 }, { "name": "b" }])).await.is(201);
        app.stop();
        app.write_model(
            "enum Mood { CALM LOUD }
             type Item @model(id: SERIAL) @index(fields: [\"name\"]) @allow(to: [ALL], role: \"anyone\") {
               name: String!  old: Int  mood: Mood  size: Int! @default(value: 3)  words: [String!]! @default(value: [\"x\"])  box: Box
             }
             type Box @model(id: SERIAL, plural: \"boxes\") @allow(to: [ALL], role: \"anyone\") { label: String  items: [Item!]! }",
        );
        app.launch().await;
        let data = app
            .anyone()
            .graphql("{ items { nodes { name old mood size words box { label } } } }")
            .await
            .data();
        assert_eq!(
            data["items"]["nodes"],
            json!([
                { "name": "a", "old": 1, "mood": null, "size": 3, "words": ["x"], "box": null },
                { "name": "b", "old": null, "mood": null, "size": 3, "words": ["x"], "box": null },
            ]),
        );
    });
}

#[test]
fn what_would_lose_data_is_refused() {
    every(async |backend| {
        let mut app = App::start(backend, BEFORE).await;
        let _ = app.anyone().post("/v1/items", json!({ "name": "a", "old": 1 })).await.is(201);
        app.stop();
        app.write_model("type Item @model(id: SERIAL) @allow(to: [ALL], role: \"anyone\") { name: String! }");
        let planned = app.command(&["plan"]);
        assert!(planned.text().contains("Item.old would be lost"), "{}", planned.text());
        let refused = app.command(&["apply"]).refused(1);
        assert!(refused.text().contains("Item.old would be lost"), "{}", refused.text());
        app.write_model(BEFORE);
        app.launch().await;
        assert_eq!(app.anyone().get("/v1/items/1").await.good().json()["old"], 1);
    });
}

#[test]
fn two_that_apply_at_once_do_not_collide() {
    every(async |backend| {
        let app = App::with(backend, &harness::model::text("everything")).prepare().await;
        std::thread::scope(|scope| {
            let runs: Vec<_> = (0..3).map(|_| scope.spawn(|| app.command(&["apply"]))).collect();
            for run in runs {
                let _ = run.join().unwrap().good();
            }
        });
    });
}

#[test]
fn a_database_that_is_not_there_is_named() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("model.graphql"), BEFORE).unwrap();
    let run = |command: &str, url: &str| Launchway::new(folder.path(), [command, "--database", url]).run();
    let said = run("apply", "sqlite:///nonexistent/dir/x.db");
    assert!(
        said.code != Some(0) && said.stderr.contains("The folder `/nonexistent/dir` does not exist"),
        "{}",
        said.text()
    );
    assert!(!said.stderr.contains("Try again"), "{}", said.text());
    let Some(cluster) = harness::postgres::shared() else { return };
    for command in ["apply", "serve"] {
        let said = run(command, &cluster.url("nobody_made_it"));
        assert!(
            said.code != Some(0) && said.stderr.contains("the database `nobody_made_it` does not exist"),
            "{}",
            said.text()
        );
        assert!(
            said.stderr.contains("createdb nobody_made_it") && !said.stderr.contains("at line"),
            "{}",
            said.text()
        );
    }
}
