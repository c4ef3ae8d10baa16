//! REST's headers and formats: ETag, Location, Link, Prefer, merge patch, idempotency, CSV, NDJSON.

use harness::{EVERYTHING, STORE, Value, both, json};

const NOTES: &str = r#"
type Note @model(id: SERIAL) @allow(to: [ALL], role: "anyone") {
  title: String! @unique
  body: String
  meta: JSON
  words: [String!]! @default(value: [])
}
"#;

#[test]
fn reads_have_an_etag_and_honor_it() {
    both(NOTES, async |app| {
        let anyone = app.anyone();
        let made = anyone.post("/v1/notes", json!({ "title": "a" })).await.is(201);
        assert_eq!(made.header("location"), "/v1/notes/1");
        let tag = made.header("etag").to_owned();
        let read = anyone.get("/v1/notes/1").await.good();
        assert_eq!(read.header("etag"), tag);
        assert_eq!(read.media_type(), "application/json");
        let same = anyone.with("if-none-match", &tag).get("/v1/notes/1").await.is(304);
        assert!(same.bytes().is_empty());
        assert_eq!(same.header("etag"), tag);
        let _ = anyone.with("if-none-match", &format!("\"other\", {tag}")).get("/v1/notes/1").await.is(304);
        let _ = anyone.with("if-none-match", "\"other\"").get("/v1/notes/1").await.is(200);
        let changed = anyone.patch("/v1/notes/1", json!({ "body": "b" })).await.is(200);
        assert_ne!(changed.header("etag"), tag);
        let _ = anyone.with("if-none-match", &tag).get("/v1/notes/1").await.is(200);
        let head = anyone.head("/v1/notes/1").await.is(200);
        assert!(head.bytes().is_empty() && !head.header("etag").is_empty());
    });
}

#[test]
fn patch_is_a_merge_patch() {
    both(NOTES, async |app| {
        let anyone = app.anyone();
        let _ = anyone
            .post(
                "/v1/notes",
                json!({ "title": "a", "body": "b", "meta": { "x": 1, "y": { "z": 2 } }, "words": ["p"] }),
            )
            .await
            .is(201);
        let patch = anyone.with("content-type", "application/merge-patch+json");
        let changed = patch
            .json("PATCH", "/v1/notes/1", json!({ "body": null, "words": ["q", "r"] }))
            .await
            .is(200)
            .json();
        assert_eq!(
            (&changed["title"], &changed["body"], &changed["words"]),
            (&json!("a"), &Value::Null, &json!(["q", "r"]))
        );
        assert_eq!(changed["version"], 2);
        let _ = anyone.patch("/v1/notes/1", json!({ "title": null })).await.is(422);
        let _ = anyone.patch("/v1/notes/1", json!({ "tilte": "x" })).await.is(400).says("title");
        let _ = anyone.patch("/v1/notes/99", json!({ "body": "x" })).await.is(404).fails("NOT_FOUND");
        let _ = anyone.patch("/v1/notes/1", json!([])).await;
    });
}

#[test]
fn many_rows_are_one_transaction() {
    both(NOTES, async |app| {
        let anyone = app.anyone();
        let clash =
            anyone.post("/v1/notes", json!([{ "title": "a" }, { "title": "b" }, { "title": "a" }])).await;
        let _ = clash.is(409).fails("UNIQUE_VIOLATION").says("title");
        assert_eq!(anyone.get("/v1/notes").await.good().json()["data"], json!([]));
        let _ = anyone
            .post("/v1/notes", json!([{ "title": "a" }, { "title": "b" }, { "title": "c" }]))
            .await
            .is(201);
        let _ = anyone.json("PATCH", "/v1/notes?title[in]=a,b", json!({ "body": "x" })).await.is(200);
        let _ = anyone.delete("/v1/notes?body=x").await;
        let left = anyone.get("/v1/notes?fields=title").await.good().json();
        assert_eq!(left["data"], json!([{ "title": "c" }]));
        let _ =
            anyone.json("PATCH", "/v1/notes", json!({ "body": "x" })).await.is(400).fails("WHERE_REQUIRED");
    });
}

#[test]
fn prefer_minimal_sends_no_body() {
    both(NOTES, async |app| {
        let brief = app.anyone().with("prefer", "return=minimal");
        let made = brief.post("/v1/notes", json!({ "title": "a" })).await;
        assert!([201, 204].contains(&made.status) && made.bytes().is_empty(), "{}", made.whole());
        assert_eq!(made.header("location"), "/v1/notes/1");
        assert!(made.header("preference-applied").contains("return=minimal"));
        let changed = brief.patch("/v1/notes/1", json!({ "body": "x" })).await;
        assert!(changed.status == 204 && changed.bytes().is_empty(), "{}", changed.whole());
        let gone = app.anyone().delete("/v1/notes/1").await.is(204);
        assert!(gone.bytes().is_empty());
        let _ = app.anyone().delete("/v1/notes/1").await.is(404);
    });
}

#[test]
fn a_repeated_key_repeats_the_answer_and_not_the_write() {
    both(NOTES, async |app| {
        let keyed = app.anyone().with("idempotency-key", "k-1");
        let first = keyed.post("/v1/notes", json!({ "title": "a" })).await.is(201);
        let second = keyed.post("/v1/notes", json!({ "title": "a" })).await.is(201);
        assert_eq!(first.text(), second.text());
        assert_eq!(first.header("location"), second.header("location"));
        let _ = keyed
            .post("/v1/notes", json!({ "title": "other" }))
            .await
            .is(422)
            .fails("IDEMPOTENCY_KEY_REUSED");
        assert_eq!(app.anyone().get("/v1/notes").await.good().json()["data"].as_array().unwrap().len(), 1);
        let twice = app.anyone().with("idempotency-key", "k-2");
        let both = futures::future::join(
            twice.post("/v1/notes", json!({ "title": "b" })),
            twice.post("/v1/notes", json!({ "title": "b" })),
        )
        .await;
        for reply in [both.0, both.1] {
            assert!([201, 409].contains(&reply.status), "{}", reply.whole());
        }
        assert_eq!(app.anyone().get("/v1/notes").await.good().json()["data"].as_array().unwrap().len(), 2);
    });
}

#[test]
fn lists_as_csv_and_ndjson() {
    STORE.both(async |app| {
        let csv = app
            .anyone()
            .with("accept", "text/csv")
            .get("/v1/tracks?fields=name,unitPrice,mood,explicit&sort=name&album.title=Tidelines")
            .await
            .good();
        assert_eq!(csv.media_type(), "text/csv");
        let lines: Vec<&str> = csv.text().lines().collect();
        assert_eq!(
            lines,
            [
                "name,unitPrice,mood,explicit",
                "100% Rain,0.1,,true",
                "High Tide,1.29,HAPPY,false",
                "Low Tide,0.99,CALM,false"
            ]
        );
        let quoted = app
            .anyone()
            .with("accept", "text/csv")
            .get("/v1/tracks?fields=name&name[startsWith]=O")
            .await
            .good();
        assert_eq!(quoted.text().lines().nth(1), Some("\"O'Brien \"\"quoted\"\" \\ back\""));
        let lines = app
            .anyone()
            .with("accept", "application/x-ndjson")
            .get("/v1/tracks?fields=name&sort=name")
            .await
            .good();
        let rows: Vec<Value> = lines.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(rows.len(), 7);
        assert_eq!(rows[0], json!({ "name": "100% Rain" }));
    });
}

#[test]
fn references_are_ids_or_rows_and_nested_writes_work() {
    EVERYTHING.fresh(async |app| {
        let anyone = app.anyone();
        let made = anyone
            .post(
                "/v1/notes",
                json!({ "slug": "a", "country": { "create": { "id": "no", "name": "Norway" } } }),
            )
            .await
            .is(201)
            .json();
        assert_eq!(made["country"], "no");
        let path = format!("/v1/notes/{}", made["id"].as_str().unwrap());
        let expanded = anyone.get(&format!("{path}?expand=country")).await.good().json();
        assert_eq!(expanded["country"]["name"], "Norway");
        let cut = anyone.patch(&path, json!({ "country": null })).await.is(200).json();
        assert_eq!(cut["country"], Value::Null);
        let back = anyone.patch(&path, json!({ "country": "no" })).await.is(200).json();
        assert_eq!(back["country"], "no");
        let wrong = anyone.patch(&path, json!({ "country": "nowhere" })).await;
        assert!([404, 409, 422].contains(&wrong.status), "{}", wrong.whole());
    });
}
