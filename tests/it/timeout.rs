//! A statement that takes too long is cut off, on both engines, and what it held is free at once.

use std::time::{Duration, Instant};

use harness::{App, Backend, json, runtime};

const MODEL: &str = "
type Group @model(id: CLIENT) @allow(to: [ALL], role: \"anyone\") { items: [Item!]! }
type Item @model(id: SERIAL) @allow(to: [ALL], role: \"anyone\") { name: String!  count: Int  group: Group! }";

/// Rows in one group.
const ITEMS: usize = 3_000;

/// Items of the group of items, and for each the number of those that match: ten thousand times three thousand.
const NESTED: &str = "group { items(first: 100) { nodes { group { items(first: 100) { nodes { group { \
    items(first: 1, where: { name: { icontains: \"nowhere\" } }) { totalCount } } } } } } } }";

/// From item to group to item and on: SQLite looks at the cube of their number, PostgreSQL is wiser.
const ENDLESS: &str = "{ group: { items: { some: { group: { items: { some: { group: { items: { some: \
    { name: { icontains: \"nowhere\" } } } } } } } } } } }";

fn every(env: &[(&str, &str)], test: impl AsyncFn(App)) {
    for backend in Backend::available() {
        runtime::block_on(async {
            println!("on {backend:?}");
            let folder = tempfile::tempdir().unwrap();
            std::fs::write(folder.path().join("Group.ndjson"), "{\"id\":\"g\"}\n").unwrap();
            let items: String =
                (0..ITEMS).map(|n| format!("{{\"name\":\"item number {n}\",\"group\":\"g\"}}\n")).collect();
            std::fs::write(folder.path().join("Item.ndjson"), items).unwrap();
            let app = env.iter().fold(App::with(backend, MODEL), |app, (name, value)| app.env(name, value));
            test(app.data(folder.path()).start().await).await;
        });
    }
}

fn query() -> harness::Value {
    json!({ "query": format!("{{ items(first: 1) {{ nodes {{ {NESTED} }} }} }}") })
}

fn mutation() -> harness::Value {
    json!({ "query": format!("mutation {{ updateItem(id: \"2\", set: {{ count: 7 }}) {{ {NESTED} }} }}") })
}

#[test]
fn a_read_that_takes_too_long_is_cut_off_and_its_connection_is_free() {
    let env = [("LAUNCHWAY_DATABASE__STATEMENT_TIMEOUT", "300ms"), ("LAUNCHWAY_DATABASE__CONNECTIONS", "1")];
    every(&env, async |app| {
        let begun = Instant::now();
        let _ = app.anyone().post("/graphql", query()).await.is(504).fails("TIMEOUT");
        assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
        // There is one connection: were the statement still running, this would wait.
        let begun = Instant::now();
        let _ = app.anyone().get("/v1/items?limit=1").await.good();
        assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
        if app.backend() == Backend::Sqlite {
            let path = format!("/v1/items?limit=1&where={}", encoded(ENDLESS));
            let _ = app.anyone().get(&path).await.is(504).fails("TIMEOUT");
            let _ = app.anyone().get("/v1/items?limit=1").await.good();
        }
    });
}

#[test]
fn a_write_that_takes_too_long_is_undone_and_the_next_one_goes_through() {
    every(&[("LAUNCHWAY_DATABASE__STATEMENT_TIMEOUT", "300ms")], async |app| {
        let reply = app.anyone().post("/graphql", mutation()).await.is(504).fails("TIMEOUT");
        assert_eq!(reply.json()["data"], json!(null));
        if app.backend() == Backend::Sqlite {
            // SQLite undoes the transaction of an update that is cut off by itself.
            let many = format!("updateItems(where: {ENDLESS}, max: 100, inc: {{ count: 1 }}) {{ count }}");
            let one = "updateItem(id: \"3\", set: { count: 7 }) { id }";
            for update in [format!("mutation {{ {many} }}"), format!("mutation {{ {one} {many} }}")] {
                let _ = app.anyone().graphql(&update).await.is(504).fails("TIMEOUT");
            }
        }
        let begun = Instant::now();
        for count in 1..=3 {
            let reply = app.anyone().patch("/v1/items/1", json!({ "count": count })).await.good();
            assert_eq!(reply.json()["count"], count);
        }
        assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
        let changed = app.anyone().get("/v1/items?count[isNull]=false&fields=id,count").await.good().json();
        assert_eq!(changed["data"], json!([{ "id": "1", "count": 3 }]));
    });
}

#[test]
fn when_the_client_hangs_up_its_statement_ends() {
    // By itself it would run until it is too late for this test.
    let env = [
        ("LAUNCHWAY_DATABASE__STATEMENT_TIMEOUT", "60s"),
        ("LAUNCHWAY_DATABASE__CONNECTIONS", "1"),
        ("LAUNCHWAY_LIMITS__REQUEST_TIMEOUT", "90s"),
    ];
    every(&env, async |app| {
        for body in [query(), mutation()] {
            let anyone = app.anyone();
            let asked = anyone.post("/graphql", body);
            let outcome =
                tokio::time::timeout(Duration::from_millis(500), harness::oracle::once(asked)).await;
            assert!(outcome.is_err(), "it takes longer: {}", outcome.unwrap().whole());
            let begun = Instant::now();
            let _ = app.anyone().get("/v1/items?limit=1").await.good();
            let _ = app.anyone().patch("/v1/items/1", json!({ "name": "free" })).await.good();
            assert!(begun.elapsed() < Duration::from_secs(4), "{:?}", begun.elapsed());
        }
    });
}

#[test]
fn who_finds_no_free_connection_is_told_so_soon() {
    let env = [
        ("LAUNCHWAY_DATABASE__STATEMENT_TIMEOUT", "60s"),
        ("LAUNCHWAY_DATABASE__CONNECTIONS", "1"),
        ("LAUNCHWAY_DATABASE__ACQUIRE_TIMEOUT", "300ms"),
        ("LAUNCHWAY_LIMITS__COST", "1000000"),
        ("LAUNCHWAY_LIMITS__REQUEST_TIMEOUT", "90s"),
    ];
    every(&env, async |app| {
        let slow = app.anyone();
        let four = format!(
            "{{ items(first: 1) {{ nodes {{ a: {NESTED} b: {NESTED} c: {NESTED} d: {NESTED} }} }} }}"
        );
        let four = json!({ "query": four });
        let slow = tokio::spawn(harness::oracle::once(async move { slow.post("/graphql", four).await }));
        let deadline = Instant::now() + Duration::from_secs(10);
        let (refused, took) = loop {
            let begun = Instant::now();
            let reply = app.anyone().get("/v1/items?limit=1").await;
            if reply.status != 200 {
                break (reply, begun.elapsed());
            }
            assert!(!slow.is_finished(), "it takes longer: {}", slow.await.unwrap().whole());
            assert!(Instant::now() < deadline, "the slow one holds no connection");
            tokio::task::yield_now().await;
        };
        let refused = refused.is(503).fails("UNAVAILABLE");
        assert!(
            refused.header("retry-after").parse::<u32>().is_ok_and(|wait| wait > 0),
            "{}",
            refused.whole()
        );
        assert!((Duration::from_millis(250)..Duration::from_secs(3)).contains(&took), "{took:?}");
        let _ = app.anyone().get("/healthz").await.is(200);
        let _ = harness::oracle::once(app.anyone().graphql("{ items(first: 1) { nodes { id } } }"))
            .await
            .fails("UNAVAILABLE");
        assert!(!slow.is_finished(), "it takes longer");
        // It hangs up, and there is room.
        slow.abort();
        let deadline = Instant::now() + Duration::from_secs(10);
        while app.anyone().get("/v1/items?limit=1").await.status != 200 {
            assert!(Instant::now() < deadline, "the connection does not come back");
        }
    });
}

/// The condition as REST takes it: names in quotes.
fn encoded(condition: &str) -> String {
    let json = condition.replace("{ ", "{\"").replace(": ", "\":");
    let _: harness::Value = serde_json::from_str(&json).unwrap();
    json.bytes().map(|byte| format!("%{byte:02X}")).collect()
}
