//! The same question gives the same JSON on both engines, and the same rows through both facades.

use harness::{Backend, STORE, Value, json, runtime};

/// Ids and stamps differ between two databases that were filled alike.
fn masked(value: &Value) -> Value {
    match value {
        Value::Object(object) => object
            .iter()
            .filter(|(key, _)| !["id", "createdAt", "updatedAt", "next"].contains(&key.as_str()))
            .map(|(key, value)| (key.clone(), masked(value)))
            .collect(),
        Value::Array(items) => items.iter().map(masked).collect(),
        Value::String(text) if text.len() == 36 && text.as_bytes()[8] == b'-' => json!("(an id)"),
        other => other.clone(),
    }
}

#[test]
fn both_engines_say_the_same() {
    if Backend::available().len() < 2 {
        return;
    }
    runtime::block_on(async {
        let (sqlite, postgres) = (STORE.shared(Backend::Sqlite).await, STORE.shared(Backend::Postgres).await);
        for query in [
            "{ tracks(orderBy: [{ name: ASC }]) { totalCount nodes { name position unitPrice milliseconds bytes rating mood tags explicit recordedAt album { title releasedOn artist { name country } } genre { name } playlists { nodes { name } } } } }",
            "{ tracks(orderBy: [{ rating: DESC }, { name: ASC }], first: 3) { nodes { rating } pageInfo { hasNextPage hasPreviousPage } } }",
            "{ tracksAggregate { count sum { unitPrice milliseconds rating bytes position } avg { unitPrice milliseconds rating position } min { unitPrice name recordedAt mood } max { unitPrice name recordedAt bytes } } }",
            "{ tracksAggregate(groupBy: [{ field: mood }, { field: genre }], orderBy: [{ count: DESC }]) { key { mood genre { name } } count avg { unitPrice } } }",
            "{ tracks(where: { nonsense: 1 }) { totalCount } }",
            "{ tracks(first: 1000) { totalCount } }",
            "mutation { createTrack(input: { name: \"x\" }) { id } }",
        ] {
            for (a, b) in [(sqlite.anyone(), postgres.anyone()), (sqlite.admin(), postgres.admin())] {
                let (a, b) = (a.graphql(query).await, b.graphql(query).await);
                assert_eq!(a.status, b.status, "{query}");
                assert_eq!(masked(&a.json()).to_string(), masked(&b.json()).to_string(), "{query}");
            }
        }
        for path in [
            "/v1/tracks?sort=name&expand=album.artist,genre",
            "/v1/tracks?sort=-rating,name&limit=2",
            "/v1/tracks?position[gt]=1&fields=name,mood&sort=name",
            "/v1/tracks?nonsense=1",
            "/v1/albums?releasedOn[isNull]=true",
            "/v1/tracks/aggregate?group=mood&avg=unitPrice&max=name&sort=mood",
        ] {
            let (a, b) = (sqlite.anyone().get(path).await, postgres.anyone().get(path).await);
            assert_eq!(a.status, b.status, "{path}");
            let (mut a, mut b) = (masked(&a.json()), masked(&b.json()));
            for json in [&mut a, &mut b] {
                if let Some(object) = json.as_object_mut() {
                    object.retain(|key, _| !["requestId", "traceId"].contains(&key.as_str()));
                }
            }
            assert_eq!(a.to_string(), b.to_string(), "{path}");
        }
    });
}

#[test]
fn both_facades_find_the_same_rows() {
    STORE.both(async |app| {
        for (condition, order, sort) in [
            (json!({ "position": { "gt": 1 } }), "[{ name: ASC }]", "name"),
            (json!({ "or": [{ "mood": { "eq": "CALM" } }, { "rating": { "isNull": true } }] }), "[{ unitPrice: DESC }, { name: ASC }]", "-unitPrice,name"),
            (json!({ "album": { "artist": { "name": { "icontains": "marsh" } } } }), "[{ album: { title: ASC } }, { position: DESC }]", "album.title,-position"),
            (json!({ "playlists": { "some": { "name": { "startsWith": "M" } } } }), "[{ rating: DESC }, { name: ASC }]", "-rating,name"),
        ] {
            let query = format!("query($where: TrackWhere) {{ tracks(where: $where, orderBy: {order}, first: 3) {{ nodes {{ id name unitPrice }} pageInfo {{ hasNextPage endCursor }} }} }}");
            let graphql = app.anyone().graphql_with(&query, json!({ "where": condition })).await.data()["tracks"].clone();
            let encoded: String = condition.to_string().bytes().map(|byte| format!("%{byte:02X}")).collect();
            let rest = app.anyone().get(&format!("/v1/tracks?where={encoded}&sort={sort}&limit=3&fields=id,name,unitPrice")).await.good().json();
            assert_eq!(rest["data"], graphql["nodes"], "{condition}");
            assert_eq!(rest["hasMore"], graphql["pageInfo"]["hasNextPage"], "{condition}");
        }
    });
}
