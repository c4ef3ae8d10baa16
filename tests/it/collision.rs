//! Writes that want the same rows at the same time: all of them are done, or say at once why not.

use std::time::{Duration, Instant};

use futures::future::join_all;
use harness::{App, both, json};

const AUTHORS: &str = r#"
type Author @model @allow(to: [ALL], role: "anyone") { name: String! @unique  count: Int! @default(value: 0) }
type Count @model(id: SERIAL) @allow(to: [ALL], role: "anyone") { name: String! @unique  total: Int! @default(value: 0) }
"#;

/// Clients at the same time, and how often each writes.
const CLIENTS: usize = 16;
const TIMES: usize = 5;

/// Does what `ask` writes for each client and turn at the same time; how long it took.
async fn rush(app: &App, ask: impl Fn(usize, usize) -> String) -> Duration {
    let started = Instant::now();
    let clients = (0..CLIENTS).map(|client| {
        let queries: Vec<String> = (0..TIMES).map(|turn| ask(client, turn)).collect();
        async move {
            for query in queries {
                let _ = app.anyone().graphql(&query).await.data();
            }
        }
    });
    let _ = join_all(clients).await;
    started.elapsed()
}

#[test]
fn upserts_of_the_same_rows_in_other_orders_don_t_lock_each_other_out() {
    both(AUTHORS, async |app| {
        let took = rush(app, |client, _| {
            let mut names: Vec<usize> = (0..10).collect();
            if client % 2 == 1 {
                names.reverse();
            }
            let rows: Vec<String> =
                names.iter().map(|name| format!("{{ name: \"n{name}\", count: {client} }}")).collect();
            format!(
                "mutation {{ upsertAuthors(on: NAME, input: [{}]) {{ count nodes {{ name }} }} }}",
                rows.join(", ")
            )
        })
        .await;
        assert!(took < Duration::from_secs(20), "{took:?}");
        let data = app.anyone().graphql("{ authors { totalCount } }").await.data();
        assert_eq!(data["authors"]["totalCount"], 10);
        // The order of writing is not the order of the answer.
        let query = "mutation { upsertAuthors(on: NAME, input: [{ name: \"n7\" }, { name: \"n1\" }, { name: \"n4\" }]) { nodes { name } } }";
        let data = app.anyone().graphql(query).await.data();
        assert_eq!(
            data["upsertAuthors"]["nodes"],
            json!([{ "name": "n7" }, { "name": "n1" }, { "name": "n4" }])
        );
    });
}

#[test]
fn a_deadlock_is_tried_again() {
    both(AUTHORS, async |app| {
        for name in ["a", "b"] {
            let _ = app.anyone().post("/v1/authors", json!({ "name": name })).await.is(201);
        }
        let step = |name: &str| {
            format!(
                "{name}: updateAuthors(where: {{ name: {{ eq: \"{name}\" }} }}, inc: {{ count: 1 }}) {{ count }}"
            )
        };
        // Two at a time, so that each pair can only lock each other out.
        for _ in 0..8 {
            let (one, other) = (
                format!("mutation {{ {} {} }}", step("a"), step("b")),
                format!("mutation {{ {} {} }}", step("b"), step("a")),
            );
            let (anyone, someone) = (app.anyone(), app.anyone());
            let (one, other) = tokio::join!(anyone.graphql(&one), someone.graphql(&other));
            assert_eq!((&one.data()["a"]["count"], &other.data()["b"]["count"]), (&json!(1), &json!(1)));
        }
        let data =
            app.anyone().graphql("{ authors(orderBy: [{ name: ASC }]) { nodes { count } } }").await.data();
        assert_eq!(data["authors"]["nodes"], json!([{ "count": 16 }, { "count": 16 }]));
    });
}

#[test]
fn plural_changes_of_the_same_rows_don_t_lock_each_other_out() {
    both(AUTHORS, async |app| {
        let rows: Vec<_> = (0..20).map(|name| json!({ "name": format!("n{name}") })).collect();
        let _ = app.anyone().post("/v1/counts", json!(rows)).await.is(201);
        let took = rush(app, |client, turn| {
            let condition =
                if (client + turn) % 2 == 0 { "total: { gte: 0 }" } else { "name: { startsWith: \"n\" }" };
            format!("mutation {{ updateCounts(where: {{ {condition} }}, inc: {{ total: 1 }}) {{ count }} }}")
        })
        .await;
        assert!(took < Duration::from_secs(20), "{took:?}");
        let data = app.anyone().graphql("{ countsAggregate { min { total } max { total } } }").await.data();
        let all = i64::try_from(CLIENTS * TIMES).unwrap();
        assert_eq!(data["countsAggregate"][0], json!({ "min": { "total": all }, "max": { "total": all } }));
    });
}

#[test]
fn a_batch_answers_in_the_order_of_its_input_or_of_keys() {
    both(AUTHORS, async |app| {
        let names = ["c", "a", "d", "b"];
        let rows: Vec<_> = names.iter().map(|name| json!({ "name": name })).collect();
        for list in ["authors", "counts"] {
            let made = app.anyone().post(&format!("/v1/{list}"), json!(rows)).await.is(201).json();
            let told: Vec<_> =
                made["data"].as_array().unwrap().iter().map(|row| row["name"].as_str().unwrap()).collect();
            assert_eq!(told, names, "{list}");
        }
        // The last one is written first: PostgreSQL has it in another place then.
        for name in ["d", "c"] {
            let one = format!(
                "mutation {{ updateCounts(where: {{ name: {{ eq: \"{name}\" }} }}, inc: {{ total: 1 }}) {{ count }} }}"
            );
            let _ = app.anyone().graphql(&one).await.data();
        }
        for verb in [
            "updateCounts(where: { total: { gte: 0 } }, inc: { total: 1 })",
            "deleteCounts(where: { total: { gte: 0 } })",
        ] {
            let data = app
                .anyone()
                .graphql(&format!("mutation {{ it: {verb} {{ nodes {{ name }} }} }}"))
                .await
                .data();
            assert_eq!(
                data["it"]["nodes"],
                json!([{ "name": "c" }, { "name": "a" }, { "name": "d" }, { "name": "b" }]),
                "{verb}"
            );
        }
    });
}
