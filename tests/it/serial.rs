//! Ids that the server makes as numbers: nobody else makes them, so that they never run out and never collide.

use harness::{App, Value, both, json};

const NOTES: &str = r#"
type Note @model(id: SERIAL) @allow(to: [ALL], role: "anyone") { text: String!  code: String @unique  tags: [Tag!]! }
type Tag @model(id: SERIAL) @allow(to: [ALL], role: "anyone") { word: String!  notes: [Note!]! }
"#;

/// The largest id there is: after it SQLite has no other one.
const LAST: &str = "9223372036854775807";

async fn texts(app: &App) -> Vec<Value> {
    let rows = app.anyone().get("/v1/notes?sort=id&fields=text").await.good().json();
    rows["data"].as_array().unwrap().iter().map(|row| row["text"].clone()).collect()
}

#[test]
fn an_id_the_server_makes_is_not_given_by_a_client() {
    both(NOTES, async |app| {
        let (anyone, admin) = (app.anyone(), app.admin());
        for actor in [&anyone, &admin] {
            for id in [LAST, "2", "-1"] {
                let put = actor.put(&format!("/v1/notes/{id}"), json!({ "text": "p" })).await.is(404);
                let _ = put.fails("NOT_FOUND").says("made by the server");
                let only = actor
                    .with("if-none-match", "*")
                    .put(&format!("/v1/notes/{id}"), json!({ "text": "p" }))
                    .await;
                let _ = only.is(422).fails("READ_ONLY").says("made by the server");
                let post = actor.post("/v1/notes", json!({ "id": id, "text": "p" })).await.is(422);
                let _ = post.fails("READ_ONLY").says("id");
                for (query, code) in [
                    (format!("upsertNote(input: {{ id: \"{id}\", text: \"p\" }}) {{ id }}"), "NOT_FOUND"),
                    (
                        format!("upsertNotes(input: [{{ id: \"{id}\", text: \"p\" }}]) {{ count }}"),
                        "NOT_FOUND",
                    ),
                    (
                        format!(
                            "upsertNote(input: {{ id: \"{id}\", text: \"p\", code: \"c\" }}, on: CODE) {{ id }}"
                        ),
                        "READ_ONLY",
                    ),
                    (format!("createNote(input: {{ id: \"{id}\", text: \"p\" }}) {{ id }}"), "READ_ONLY"),
                    (
                        format!(
                            "createNotes(input: [{{ text: \"a\" }}, {{ id: \"{id}\", text: \"p\" }}]) {{ count }}"
                        ),
                        "READ_ONLY",
                    ),
                    (
                        format!(
                            "createTag(input: {{ word: \"w\", notes: {{ create: [{{ id: \"{id}\", text: \"p\" }}] }} }}) {{ id }}"
                        ),
                        "READ_ONLY",
                    ),
                ] {
                    let reply = actor.graphql(&format!("mutation {{ {query} }}")).await;
                    let _ = reply.fails(code).says("made by the server");
                }
            }
        }
        assert_eq!(texts(app).await, Vec::<Value>::new());
        // Nothing of it was remembered: rows are made as before.
        for number in 1..4 {
            let made = anyone.post("/v1/notes", json!({ "text": format!("n{number}") })).await.is(201);
            assert!(made.json()["id"].as_str().unwrap().parse::<i64>().unwrap() < 50, "{}", made.whole());
        }
        assert_eq!(texts(app).await, ["n1", "n2", "n3"]);
    });
}

#[test]
fn a_row_that_is_there_is_changed_by_its_id() {
    both(NOTES, async |app| {
        let anyone = app.anyone();
        let made = anyone.post("/v1/notes", json!({ "text": "a", "code": "x" })).await.is(201).json();
        let id = made["id"].as_str().unwrap();
        let put = anyone.put(&format!("/v1/notes/{id}"), json!({ "text": "b" })).await.is(200).json();
        assert_eq!((&put["text"], &put["code"], &put["version"]), (&json!("b"), &json!("x"), &json!(2)));
        let upsert =
            format!("mutation {{ upsertNote(input: {{ id: \"{id}\", text: \"c\" }}) {{ text version }} }}");
        assert_eq!(anyone.graphql(&upsert).await.data()["upsertNote"], json!({ "text": "c", "version": 3 }));
        let set = format!(
            "mutation {{ upsertNote(input: {{ id: \"{id}\", text: \"c\" }}, set: {{ code: \"y\" }}) {{ text code }} }}"
        );
        assert_eq!(anyone.graphql(&set).await.data()["upsertNote"], json!({ "text": "c", "code": "y" }));
        let stale = anyone
            .with("if-match", "\"nonsense:1\"")
            .put(&format!("/v1/notes/{id}"), json!({ "text": "d" }))
            .await;
        let _ = stale.is(412);
        let _ =
            anyone.put(&format!("/v1/notes/{id}"), json!({ "code": "z" })).await.is(422).fails("REQUIRED");
        let by_code = "mutation { upsertNote(input: { text: \"e\", code: \"y\" }, on: CODE) { id text } }";
        assert_eq!(anyone.graphql(by_code).await.data()["upsertNote"], json!({ "id": id, "text": "e" }));
    });
}

const NARROW: &str = r#"
type Page @model @allow(to: [READ, CREATE, UPDATE], role: "anyone") {
  name: String! @unique
  body: String
  owner: String @allow(to: [READ, CREATE], role: "anyone") @allow(to: [UPDATE], role: "admin")
}
"#;

#[test]
fn an_upsert_changes_no_field_that_the_caller_may_not_change() {
    both(NARROW, async |app| {
        let anyone = app.anyone();
        let made = anyone.post("/v1/pages", json!({ "name": "a", "owner": "me" })).await.is(201).json();
        let id = made["id"].as_str().unwrap();
        let _ = anyone.patch(&format!("/v1/pages/{id}"), json!({ "owner": "you" })).await.is(403);
        let _ = anyone
            .put(&format!("/v1/pages/{id}"), json!({ "name": "a", "owner": "you" }))
            .await
            .is(403)
            .fails("FORBIDDEN");
        let upsert = "mutation { upsertPage(input: { name: \"a\", owner: \"you\" }, on: NAME) { owner } }";
        let _ = anyone.graphql(upsert).await.fails("FORBIDDEN");
        let row = anyone
            .put(&format!("/v1/pages/{id}"), json!({ "name": "a", "body": "text" }))
            .await
            .is(200)
            .json();
        assert_eq!((&row["owner"], &row["body"]), (&json!("me"), &json!("text")));
        assert_eq!(app.admin().graphql(upsert).await.data()["upsertPage"]["owner"], "you");
    });
}
