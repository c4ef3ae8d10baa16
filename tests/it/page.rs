//! Pages: both directions, ties, rows without a value, mixed orders, cursors that are refused.

use harness::{App, STORE, Value, both, json};

/// Walks a list page by page and returns the names in the order met.
async fn walk(app: &App, order: &str, size: usize, backwards: bool) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    let mut cursor = Value::Null;
    loop {
        let (amount, side) = if backwards { ("last", "before") } else { ("first", "after") };
        let query = format!(
            "query($cursor: Cursor) {{ tracks(orderBy: {order}, {amount}: {size}, {side}: $cursor) {{
               edges {{ cursor node {{ name }} }} pageInfo {{ hasNextPage hasPreviousPage startCursor endCursor }} totalCount }} }}"
        );
        let reply = app.anyone().graphql_with(&query, json!({ "cursor": cursor })).await;
        let page = reply.data()["tracks"].clone();
        let edges = page["edges"].as_array().unwrap().clone();
        assert!(edges.len() <= size);
        assert_eq!(page["totalCount"], 7, "the total does not depend on the page");
        let found = edges.iter().map(|edge| edge["node"]["name"].as_str().unwrap().to_owned());
        let info = &page["pageInfo"];
        assert_eq!(info["startCursor"], edges.first().map_or(Value::Null, |edge| edge["cursor"].clone()));
        assert_eq!(info["endCursor"], edges.last().map_or(Value::Null, |edge| edge["cursor"].clone()));
        if backwards {
            names.splice(0..0, found);
        } else {
            names.extend(found);
        }
        let (more, next) =
            if backwards { ("hasPreviousPage", "startCursor") } else { ("hasNextPage", "endCursor") };
        if info[more] == false {
            return names;
        }
        assert!(names.len() < 50, "pages do not end");
        cursor = info[next].clone();
    }
}

async fn whole(app: &App, order: &str) -> Vec<String> {
    let reply = app.anyone().graphql(&format!("{{ tracks(orderBy: {order}) {{ nodes {{ name }} }} }}")).await;
    let nodes = reply.data()["tracks"]["nodes"].as_array().unwrap().clone();
    nodes.iter().map(|row| row["name"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn any_order_pages_forwards_and_backwards_without_gaps_or_repeats() {
    STORE.both(async |app| {
        for order in [
            "[]",
            "[{ name: ASC }]",
            "[{ name: DESC }]",
            "[{ rating: ASC }]",
            "[{ rating: DESC }]",
            "[{ rating: ASC_NULLS_FIRST }]",
            "[{ rating: DESC_NULLS_LAST }]",
            "[{ mood: ASC }, { milliseconds: DESC }, { name: ASC }]",
            "[{ milliseconds: DESC_NULLS_LAST }, { rating: ASC_NULLS_FIRST }]",
            "[{ explicit: DESC }, { unitPrice: ASC }]",
            "[{ unitPrice: DESC }]",
            "[{ recordedAt: ASC }, { bytes: DESC }]",
            "[{ genre: { name: DESC } }, { name: ASC }]",
            "[{ album: { artist: { country: ASC_NULLS_FIRST } } }, { position: DESC }]",
            "[{ album: { releasedOn: ASC } }]",
        ] {
            let expected = whole(app, order).await;
            assert_eq!(expected.len(), 7, "{order}");
            for size in [1, 2, 3, 7] {
                assert_eq!(
                    walk(app, order, size, false).await,
                    expected,
                    "{order} by {size} on {:?}",
                    app.backend()
                );
                assert_eq!(
                    walk(app, order, size, true).await,
                    expected,
                    "{order} back by {size} on {:?}",
                    app.backend()
                );
            }
        }
    });
}

#[test]
fn rows_without_a_value_come_last_up_and_first_down_unless_asked_otherwise() {
    STORE.both(async |app| {
        let nulls = async |order: &str| -> Vec<usize> {
            let reply = app
                .anyone()
                .graphql(&format!("{{ tracks(orderBy: {order}) {{ nodes {{ rating }} }} }}"))
                .await;
            let nodes = reply.data()["tracks"]["nodes"].as_array().unwrap().clone();
            nodes.iter().enumerate().filter(|(_, row)| row["rating"].is_null()).map(|(at, _)| at).collect()
        };
        assert_eq!(nulls("[{ rating: ASC }]").await, [5, 6]);
        assert_eq!(nulls("[{ rating: DESC }]").await, [0, 1]);
        assert_eq!(nulls("[{ rating: ASC_NULLS_FIRST }]").await, [0, 1]);
        assert_eq!(nulls("[{ rating: DESC_NULLS_LAST }]").await, [5, 6]);
    });
}

#[test]
fn text_is_ordered_by_code_point() {
    STORE.both(async |app| {
        let names = whole(app, "[{ name: ASC }]").await;
        let mut expected = names.clone();
        expected.sort();
        assert_eq!(names, expected);
    });
}

#[test]
fn first_and_last_take_the_page_that_is_meant() {
    STORE.both(async |app| {
        let ask = async |arguments: &str| {
            let query = format!("{{ tracks(orderBy: [{{ unitPrice: ASC }}, {{ name: ASC }}], {arguments}) {{ nodes {{ unitPrice }} pageInfo {{ hasNextPage hasPreviousPage }} }} }}");
            app.anyone().graphql(&query).await.data()["tracks"].clone()
        };
        let prices = |page: &Value| -> Vec<String> {
            page["nodes"].as_array().unwrap().iter().map(|row| row["unitPrice"].as_str().unwrap().to_owned()).collect()
        };
        assert_eq!(prices(&ask("first: 2").await), ["0", "0.1"]);
        assert_eq!(prices(&ask("last: 2").await), ["2", "10"]);
        assert_eq!(prices(&ask("first: 2, offset: 1").await), ["0.1", "0.99"]);
        assert_eq!(prices(&ask("first: 2, offset: 6").await), ["10"]);
        assert_eq!(prices(&ask("first: 0").await), Vec::<String>::new());
        let page = ask("first: 2").await;
        assert_eq!(page["pageInfo"], json!({ "hasNextPage": true, "hasPreviousPage": false }));
    });
}

#[test]
fn cursors_that_do_not_belong_are_refused() {
    STORE.both(async |app| {
        let anyone = app.anyone();
        let reply =
            anyone.graphql("{ tracks(orderBy: [{ name: ASC }], first: 1) { pageInfo { endCursor } } }").await;
        let cursor = reply.data()["tracks"]["pageInfo"]["endCursor"].clone();
        let with =
            async |query: &str, cursor: Value| anyone.graphql_with(query, json!({ "cursor": cursor })).await;
        let same =
            "query($cursor: Cursor) { tracks(orderBy: [{ name: ASC }], after: $cursor) { nodes { name } } }";
        let _ = with(same, cursor.clone()).await.good();
        let other_order =
            "query($cursor: Cursor) { tracks(orderBy: [{ name: DESC }], after: $cursor) { nodes { name } } }";
        let _ = with(other_order, cursor.clone()).await.fails("CURSOR_MISMATCH");
        let other_type = "query($cursor: Cursor) { albums(after: $cursor) { nodes { title } } }";
        let _ = with(other_type, cursor.clone()).await.fails("CURSOR_MISMATCH");
        for nonsense in ["", "x", "bm9uc2Vuc2U", "eyJ2IjoxfQ==", "%00", "🎵"] {
            let _ = with(same, json!(nonsense)).await.fails("CURSOR_INVALID");
        }
        let _ = anyone.get("/v1/tracks?after=nonsense").await.is(400).fails("CURSOR_INVALID");
    });
}

#[test]
fn page_arguments_that_contradict_each_other_are_refused() {
    STORE.both(async |app| {
        for arguments in [
            "first: 1, last: 1",
            "first: -1",
            "last: -1",
            "offset: -1",
            "first: 1, before: \"x\", after: \"x\", last: 2",
        ] {
            let reply =
                app.anyone().graphql(&format!("{{ tracks({arguments}) {{ nodes {{ name }} }} }}")).await;
            assert!(!reply.errors().is_empty(), "{arguments}");
        }
        let _ = app
            .anyone()
            .graphql("{ tracks(first: 101) { nodes { name } } }")
            .await
            .fails("PAGE_TOO_LARGE")
            .says("100");
        let _ = app.anyone().get("/v1/tracks?limit=101").await.is(400).fails("PAGE_TOO_LARGE").says("100");
    });
}

#[test]
fn rest_links_lead_through_all_pages() {
    STORE.both(async |app| {
        let mut path = "/v1/tracks?sort=-rating,name&limit=3&fields=name".to_owned();
        let mut names: Vec<String> = Vec::new();
        for _ in 0..5 {
            let reply = app.anyone().get(&path).await.good();
            let json = reply.json();
            names.extend(
                json["data"].as_array().unwrap().iter().map(|row| row["name"].as_str().unwrap().to_owned()),
            );
            if json["hasMore"] == false {
                assert!(json["next"].is_null());
                assert!(!reply.header("link").contains("rel=\"next\""));
                break;
            }
            path = json["next"].as_str().unwrap().to_owned();
            assert!(path.starts_with("/v1/tracks?") && path.contains("limit=3"), "{path}");
            let link = reply.header("link");
            assert!(link.contains("rel=\"next\"") && link.contains("after="), "{link}");
        }
        assert_eq!(names, whole(app, "[{ rating: DESC }, { name: ASC }]").await);
    });
}

#[test]
fn the_total_comes_when_it_is_asked_for() {
    STORE.both(async |app| {
        let counted =
            app.anyone().with("prefer", "count=exact").get("/v1/tracks?limit=2&position=1").await.good();
        assert_eq!(counted.json()["total"], 3);
        assert!(counted.header("preference-applied").contains("count=exact"));
        let plain = app.anyone().get("/v1/tracks?limit=2").await.good();
        assert_eq!(plain.json().get("total"), None);
    });
}

#[test]
fn a_page_stays_where_it_is_while_rows_come_and_go() {
    let model = "type Item @model(id: SERIAL) @allow(to: [ALL], role: \"anyone\") { rank: Int }";
    both(model, async |app| {
        let rows: Vec<Value> = (0..10).map(|n| json!({ "rank": n / 2 })).collect();
        let _ = app.anyone().post("/v1/items", json!(rows)).await.is(201);
        let query = "query($after: Cursor) { items(orderBy: [{ rank: ASC }], first: 5, after: $after) { nodes { id } pageInfo { endCursor } } }";
        let first = app.anyone().graphql_with(query, json!({})).await.data();
        let ids = |page: &Value| -> Vec<String> {
            page["items"]["nodes"]
                .as_array()
                .unwrap()
                .iter()
                .map(|row| row["id"].as_str().unwrap().to_owned())
                .collect()
        };
        assert_eq!(ids(&first), ["1", "2", "3", "4", "5"]);
        let _ = app.anyone().delete("/v1/items/3").await.is(204);
        let _ = app.anyone().post("/v1/items", json!({ "rank": 0 })).await.is(201);
        let second = app
            .anyone()
            .graphql_with(query, json!({ "after": first["items"]["pageInfo"]["endCursor"] }))
            .await
            .data();
        assert_eq!(ids(&second), ["6", "7", "8", "9", "10"]);
    });
}
