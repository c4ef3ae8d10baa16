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
fn a_304_has_the_tag_of_the_200_it_stands_for() {
    both(NOTES, async |app| {
        let anyone = app.anyone();
        for (at, body) in ["short".to_owned(), "long ".repeat(1_000)].iter().enumerate() {
            let path = format!("/v1/notes/{}", at + 1);
            let made =
                anyone.post("/v1/notes", json!({ "title": format!("{at}"), "body": body })).await.is(201);
            let plain = anyone.with("accept-encoding", "identity").get(&path).await.is(200);
            let packing = anyone.with("accept-encoding", "gzip");
            let packed = packing.get(&path).await.is(200);
            assert_eq!(packed.header("content-encoding").is_empty(), at == 0, "{}", packed.whole());
            assert_eq!(packed.header("etag") == plain.header("etag"), at == 0);
            for tag in ["*".to_owned(), packed.header("etag"), plain.header("etag"), made.header("etag")] {
                let same = packing.with("if-none-match", &tag).get(&path).await.is(304);
                assert_eq!(same.header("etag"), packed.header("etag"), "{tag}");
                let same = anyone
                    .with("accept-encoding", "identity")
                    .with("if-none-match", &tag)
                    .get(&path)
                    .await
                    .is(304);
                assert_eq!(same.header("etag"), plain.header("etag"), "{tag}");
            }
        }
    });
}

#[test]
fn a_tag_of_one_caller_says_nothing_to_another() {
    let model = "type Cup @model(id: SERIAL) @allow(to: [READ, UPDATE], role: \"anyone\") { size: Int  secret: String @allow(to: [READ], role: \"admin\") }";
    both(model, async |app| {
        let _ = app.admin().post("/v1/cups", json!({ "size": 1, "secret": "s3cret" })).await.is(201);
        let (anyone, admin) = (app.anyone(), app.admin());
        for path in ["/v1/cups/1", "/v1/cups", "/v1/cups?sort=size"] {
            let (own, full) = (anyone.get(path).await.good(), admin.get(path).await.good());
            assert!(
                full.text().contains("s3cret") && !own.text().contains("s3cret"),
                "{path}: {}",
                own.whole()
            );
            for reply in [&own, &full] {
                let vary = reply.header("vary").to_lowercase();
                for name in ["x-api-key", "authorization", "accept"] {
                    assert!(
                        vary.split(',').any(|item| item.trim() == name),
                        "{path}: {name} is not in {vary}"
                    );
                }
                assert!(!reply.header("cache-control").contains("public"), "{}", reply.whole());
            }
            if full.header("etag").is_empty() {
                continue;
            }
            assert_ne!(own.header("etag"), full.header("etag"), "{path}");
            let asked = anyone.with("if-none-match", &full.header("etag")).get(path).await.is(200);
            assert_eq!(asked.json(), own.json(), "{path}");
            let asked = admin.with("if-none-match", &own.header("etag")).get(path).await.is(200);
            assert_eq!(asked.json(), full.json(), "{path}");
            // Each to their own.
            let same = anyone.with("if-none-match", &own.header("etag")).get(path).await.is(304);
            assert!(same.header("vary").to_lowercase().contains("x-api-key"), "{}", same.whole());
            let key = app.anyone().with("x-api-key", harness::app::ADMIN_KEY);
            let _ = key.with("if-none-match", &full.header("etag")).get(path).await.is(304);
            let _ = key.with("if-none-match", &own.header("etag")).get(path).await.is(200).says("s3cret");
        }
        assert!(!anyone.get("/v1/cups/1").await.header("etag").is_empty());
    });
}

#[test]
fn reads_and_bulk_changes_keep_to_the_rules_of_tags() {
    both(NOTES, async |app| {
        let anyone = app.anyone();
        let made = anyone.post("/v1/notes", json!({ "title": "a" })).await.is(201);
        let _ = anyone.with("if-match", &made.header("etag")).get("/v1/notes/1").await.is(200);
        let _ = anyone.with("if-match", "*").get("/v1/notes/1").await.is(200);
        let weak = format!("W/{}", made.header("etag"));
        for tag in ["\"1:7\"", "\"\"", &weak] {
            let _ = anyone.with("if-match", tag).get("/v1/notes/1").await.is(412).fails("VERSION_MISMATCH");
            let _ = anyone.with("if-match", tag).head("/v1/notes/1").await.is(412);
        }
        // 412 comes before 304.
        let both = anyone.with("if-match", "\"1:7\"").with("if-none-match", &made.header("etag"));
        let _ = both.get("/v1/notes/1").await.is(412);
        let changed = anyone.json("PATCH", "/v1/notes?title=a", json!({ "body": "x" })).await.is(200);
        assert_eq!(changed.header("etag"), "");
        let many = anyone.post("/v1/notes", json!([{ "title": "b" }])).await.is(201);
        assert_eq!(many.header("etag"), "");
        let gone = anyone.delete("/v1/notes?title=a").await.is(200);
        assert_eq!(gone.header("etag"), "", "{}", gone.whole());
    });
}

#[test]
fn a_page_of_no_rows_says_whether_there_are_any() {
    both(NOTES, async |app| {
        let anyone = app.anyone();
        let empty = json!({ "data": [], "hasMore": false, "next": null });
        assert_eq!(anyone.get("/v1/notes?limit=0").await.good().json(), empty);
        let _ = anyone.post("/v1/notes", json!({ "title": "a" })).await.is(201);
        let some = json!({ "data": [], "hasMore": true, "next": null });
        assert_eq!(anyone.get("/v1/notes?limit=0").await.good().json(), some);
        let data = anyone
            .graphql("{ notes(first: 0) { nodes { id } pageInfo { hasNextPage endCursor } } }")
            .await
            .data();
        assert_eq!(
            data["notes"],
            json!({ "nodes": [], "pageInfo": { "hasNextPage": true, "endCursor": null } })
        );
    });
}

#[test]
fn numbers_with_an_exponent_are_numbers_in_a_query_too() {
    let model =
        "type Item @model(id: SERIAL) @allow(to: [ALL], role: \"anyone\") { d: Decimal  f: Float  n: Int }";
    both(model, async |app| {
        let anyone = app.anyone();
        let body = b"{\"d\":1e1,\"f\":1e1,\"n\":10}".to_vec();
        let _ = anyone
            .with("content-type", "application/json")
            .send("POST", "/v1/items", Some(body))
            .await
            .is(201);
        for query in ["d=1e1", "f=1e1", "d=10", "d=1E%2B1", "d[in]=1e1,2", "f[lt]=1.1e1", "d=10.0", "n=10"] {
            let found = anyone.get(&format!("/v1/items?{query}")).await.good().json();
            assert_eq!(found["data"].as_array().unwrap().len(), 1, "{query}: {found}");
        }
        // JSON takes no such number for an Int either.
        let _ = anyone.get("/v1/items?n=1e1").await.is(422);
        let _ = anyone.get("/v1/items?d=1e999").await.is(422);
    });
}

#[test]
fn ids_that_clients_make_fit_into_a_path() {
    let model = "type Tag @model(id: CLIENT) @allow(to: [ALL], role: \"anyone\") { label: String }";
    both(model, async |app| {
        let anyone = app.anyone();
        for id in [String::new(), "x".repeat(1_001)] {
            let refused =
                anyone.post("/v1/tags", json!({ "id": id, "label": "a" })).await.is(422).fails("BAD_VALUE");
            assert_eq!(refused.json()["errors"][0]["pointer"], "#/id");
            let create = "mutation($id: ID!) { createTag(input: { id: $id }) { id } }";
            let _ = anyone.graphql_with(create, json!({ "id": id })).await.fails("BAD_VALUE");
        }
        let longest = "x".repeat(1_000);
        let _ = anyone.post("/v1/tags", json!({ "id": longest })).await.is(201);
        let _ = anyone.get(&format!("/v1/tags/{longest}")).await.is(200);
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
