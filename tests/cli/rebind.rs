//! A server goes on answering in the words of its model while another process gives other names to everything.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use harness::{Actor, App, Backend, Response, Value, json, runtime};

const FIRST: &str = r#"
enum Mood { CALM LOUD }
type Artist @model(id: SERIAL) @allow(to: [ALL], role: "anyone") { name: String! @unique  albums: [Album!]! }
type Album @model(id: SERIAL) @allow(to: [ALL], role: "anyone") {
  title: String! @check(minLength: 1)  artist: Artist!  price: Int! @default(value: 3)  tracks: [Track!]!
}
type Track @model(id: SERIAL) @unique(fields: ["code"]) @allow(to: [ALL], role: "anyone") {
  name: String!  code: String!  mood: Mood  position: Int! @default(value: 1) @check(min: 1)
  album: Album!  price: Int! @default(value: "$new.album.price")  playlists: [Playlist!]!
}
type Playlist @model(id: SERIAL) @allow(to: [ALL], role: "anyone") { name: String!  tracks: [Track!]! }
"#;

const SECOND: &str = r#"
enum Mood { CALM LOUD }
type Maker @model(id: SERIAL) @was(name: "Artist") @allow(to: [ALL], role: "anyone") {
  label: String! @was(name: "name") @unique  records: [Record!]!
}
type Record @model(id: SERIAL) @was(name: "Album") @allow(to: [ALL], role: "anyone") {
  heading: String! @was(name: "title") @check(minLength: 1)  maker: Maker! @was(name: "artist")
  cost: Int! @was(name: "price") @default(value: 3)  songs: [Song!]!
}
type Song @model(id: SERIAL) @was(name: "Track") @unique(fields: ["mark"]) @allow(to: [ALL], role: "anyone") {
  label: String! @was(name: "name")  mark: String! @was(name: "code")  feel: Mood @was(name: "mood")
  place: Int! @was(name: "position") @default(value: 1) @check(min: 1)
  record: Record! @was(name: "album")  cost: Int! @was(name: "price") @default(value: "$new.record.cost")
  mixes: [Mix!]! @was(name: "playlists")
}
type Mix @model(id: SERIAL) @was(name: "Playlist") @allow(to: [ALL], role: "anyone") {
  label: String! @was(name: "name")  songs: [Song!]! @was(name: "tracks")
}
"#;

/// What is asked all the time, by one who does something else than the others do.
async fn round(actor: &Actor, worker: usize, turn: usize) {
    let code = format!("{worker}-{turn}");
    // Point reads, lists, conditions, numbers, all rows.
    is(&actor.get("/v1/artists/1").await, 200, &["Ada"]);
    is(&actor.get("/v1/tracks?code=first&fields=name,album.title").await, 200, &["One", "Blue"]);
    is(&actor.get("/v1/tracks/aggregate?sum=position&group=mood").await, 200, &["position"]);
    is(&actor.with("accept", "application/x-ndjson").get("/v1/tracks?limit=1000").await, 200, &["\"first\""]);
    let query = "{ albums { nodes { title artist { name } tracks(first: 2, where: { playlists: { some: { name: { eq: \"Mine\" } } } }) \
                 { nodes { name code } totalCount } } } tracksAggregate { count max { position } } }";
    is(&graphql(actor, query).await, 200, &["Blue", "Ada", "One", "count"]);
    is(&graphql(actor, "{ artist(id: \"1\") { name albums { totalCount } } }").await, 200, &["Ada", "1"]);

    // Rows come, change, are put, are linked, go.
    let made = actor.post("/v1/tracks", json!({ "name": "New", "code": code, "album": "1" })).await;
    is(&made, 201, &[&code, "\"price\":3"]);
    let id = made.json()["id"].as_str().map_or_else(|| made.json()["id"].to_string(), str::to_owned);
    is(&actor.patch(&format!("/v1/tracks/{id}"), json!({ "mood": "LOUD" })).await, 200, &["LOUD"]);
    let taken = actor.post("/v1/tracks", json!({ "name": "New", "code": code, "album": "1" })).await;
    is(&taken, 409, &["UNIQUE_VIOLATION", "code"]);
    let below =
        actor.post("/v1/tracks", json!({ "name": "x", "code": "x", "album": "1", "position": 0 })).await;
    is(&below, 422, &["position"]);
    let link = |verb: &str| {
        format!(
            "mutation {{ updatePlaylist(id: \"1\", set: {{ tracks: {{ {verb}: [\"{id}\"] }} }}) {{ name tracks(where: {{ code: {{ eq: \"{code}\" }} }}) {{ totalCount }} }} }}"
        )
    };
    is(&graphql(actor, &link("connect")).await, 200, &["\"totalCount\":1"]);
    is(&graphql(actor, &link("disconnect")).await, 200, &["\"totalCount\":0"]);
    let upsert = format!(
        "mutation {{ upsertTrack(input: {{ name: \"Put\", code: \"{code}\", album: {{ connect: \"1\" }} }}, on: CODE) {{ id name price }} }}"
    );
    is(&graphql(actor, &upsert).await, 200, &["Put", "\"price\":3"]);
    if turn.is_multiple_of(2) {
        is(&actor.delete(&format!("/v1/tracks/{id}")).await, 204, &[]);
    }
}

/// One executor alone: two at once would do a change twice.
async fn graphql(actor: &Actor, query: &str) -> Response {
    let body = json!({ "query": query }).to_string().into_bytes();
    let actor = actor.with("content-type", "application/json");
    actor.attempt("POST", "/graphql", Some(body)).await.expect("an answer")
}

#[track_caller]
fn is(reply: &Response, status: u16, says: &[&str]) {
    // PostgreSQL puts spaces around colons.
    let text = reply.text().replace("\" : ", "\":");
    assert_eq!(reply.status, status, "{}", reply.whole());
    assert!(status >= 400 || !text.contains("\"errors\""), "{}", reply.whole());
    assert!(says.iter().all(|word| text.contains(word)), "{says:?}: {}", reply.whole());
}

/// Asks all the time while `apply` runs once for each model, and a while before and after.
async fn renamed_under_load(backend: Backend, models: &[String]) -> App {
    let app = App::start(backend, FIRST).await;
    let album = json!({ "title": "Blue", "artist": { "create": { "name": "Ada" } } });
    is(&app.anyone().post("/v1/albums", album).await, 201, &["Blue"]);
    let track = json!({ "name": "One", "code": "first", "album": "1", "playlists": { "create": [{ "name": "Mine" }] } });
    is(&app.anyone().post("/v1/tracks", track).await, 201, &["One"]);

    let (over, turns) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let ask = |worker: usize| {
        let (actor, over, turns) = (app.anyone(), Arc::clone(&over), Arc::clone(&turns));
        async move {
            for turn in 0.. {
                round(&actor, worker, turn).await;
                turns.fetch_add(1, Ordering::Relaxed);
                if over.load(Ordering::Relaxed) {
                    break;
                }
            }
        }
    };
    let change = async {
        for model in models {
            let more = turns.load(Ordering::Relaxed) + 6;
            app.write_model(model);
            let folder = app.folder().to_path_buf();
            let database = app.database().to_owned();
            let run = move || {
                let arguments = ["apply", "model.graphql", "--database", database.as_str()];
                harness::Launchway::new(&folder, arguments).run().good()
            };
            let _ = tokio::task::spawn_blocking(run).await.expect("apply runs");
            while turns.load(Ordering::Relaxed) < more {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
        over.store(true, Ordering::Relaxed);
    };
    futures::join!(ask(0), ask(1), ask(2), change);
    app
}

/// The second model with other names once more.
fn third() -> String {
    let bare: String =
        SECOND.split(" @was(name: \"").enumerate().fold(String::new(), |mut text, (index, part)| {
            text.push_str(if index == 0 {
                part
            } else {
                part.split_once("\")").map_or(part, |(_, rest)| rest)
            });
            text
        });
    bare.replace("type Song @model(id: SERIAL)", "type Piece @model(id: SERIAL) @was(name: \"Song\")")
        .replace("Song!", "Piece!")
        .replace("mark: String!", "sign: String! @was(name: \"mark\")")
        .replace("[\"mark\"]", "[\"sign\"]")
        .replace("record: Record!", "disc: Record! @was(name: \"record\")")
        .replace("$new.record.cost", "$new.disc.cost")
}

#[test]
fn a_server_goes_on_while_everything_gets_other_names() {
    for backend in Backend::available() {
        runtime::block_on(async {
            println!("on {backend:?}");
            let mut app = renamed_under_load(backend, &[SECOND.to_owned(), third()]).await;
            // What it wrote is there in the names of the last model.
            let made = app
                .anyone()
                .post("/v1/tracks", json!({ "name": "Last", "code": "last", "album": "1" }))
                .await;
            is(&made, 201, &["last"]);
            app.launch().await;
            let last = app.anyone().get("/v1/pieces?sign=last&fields=label,cost,disc.heading").await.good();
            let row: Value = last.json()["data"][0].clone();
            assert_eq!((&row["label"], &row["cost"]), (&json!("Last"), &json!(3)), "{}", last.whole());
            assert_eq!(row["disc"]["heading"], "Blue", "{}", last.whole());
        });
    }
}

#[test]
fn a_name_that_belongs_to_something_else_by_now_is_not_mistaken() {
    for backend in Backend::available() {
        runtime::block_on(async {
            println!("on {backend:?}");
            let item = |body: &str| format!("type {body}");
            let app = App::start(
                backend,
                &item("Item @model(id: SERIAL) @allow(to: [ALL], role: \"anyone\") { name: String  note: String }"),
            )
            .await;
            is(&app.anyone().post("/v1/items", json!({ "name": "a", "note": "b" })).await, 201, &[]);
            // The server is asked nothing while names go round.
            for model in [
                "Item @model(id: SERIAL) @allow(to: [ALL], role: \"anyone\") { x: String @was(name: \"name\")  note: String }",
                "Item @model(id: SERIAL) @allow(to: [ALL], role: \"anyone\") { x: String  name: String @was(name: \"note\") }",
                "Item @model(id: SERIAL) @allow(to: [ALL], role: \"anyone\") { note: String @was(name: \"x\")  name: String }",
            ] {
                app.write_model(&item(model));
                let _ = app.command(&["apply"]).good();
            }
            let read = app.anyone().get("/v1/items/1").await.good();
            assert_eq!(read.json()["name"], "a", "{}", read.whole());
            is(&app.anyone().patch("/v1/items/1", json!({ "name": "c" })).await, 200, &["\"c\"", "\"b\""]);
            let read = app.anyone().get("/v1/items/1").await.good();
            assert_eq!(
                (&read.json()["name"], &read.json()["note"]),
                (&json!("c"), &json!("b")),
                "{}",
                read.whole()
            );
        });
    }
}
