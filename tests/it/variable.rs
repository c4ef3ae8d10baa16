//! Variables may be used where the specification says so (section 5.8.5), and nowhere else.

use harness::{STORE, json};

#[test]
fn a_variable_goes_where_its_type_fits() {
    STORE.fresh(async |app| {
        let admin = app.admin();
        for (query, variables) in [
            // Nullable where there is a default.
            ("mutation($m: Int) { updateTracks(where: { name: { eq: \"none\" } }, max: $m, set: { explicit: true }) { count } }", json!({})),
            ("mutation($m: Int) { updateTracks(where: { name: { eq: \"none\" } }, max: $m, set: { explicit: true }) { count } }", json!({ "m": null })),
            ("mutation($m: Int = 7) { deleteTracks(where: { name: { eq: \"none\" } }, max: $m) { count } }", json!({})),
            ("mutation($m: Int!) { deleteTracks(where: { name: { eq: \"none\" } }, max: $m) { count } }", json!({ "m": 3 })),
            ("mutation($on: GenreUnique) { upsertGenre(on: $on, input: { id: \"1\", name: \"new\" }) { name } }", json!({})),
            ("mutation($on: GenreUnique = NAME) { upsertGenre(on: $on, input: { name: \"new\" }) { name } }", json!({})),
            ("query($n: Int) { tracks(first: $n) { totalCount } }", json!({})),
            ("query($n: Int) { tracks(first: $n) { totalCount } }", json!({ "n": null })),
            ("query($n: Int = 2) { tracks(first: $n) { totalCount } }", json!({})),
            ("query($n: Int!) { tracks(first: $n) { totalCount } }", json!({ "n": 2 })),
            ("query($b: Boolean = true) { tracks { totalCount @include(if: $b) } }", json!({})),
            // Lists, nullable and not.
            ("query($o: [TrackOrderBy!]!) { tracks(orderBy: $o) { totalCount } }", json!({ "o": [{ "name": "ASC" }] })),
            ("query($o: [TrackOrderBy!]) { tracks(orderBy: $o) { totalCount } }", json!({})),
            ("query($o: [TrackOrderBy!] = [{ name: ASC }]) { tracks(orderBy: $o) { totalCount } }", json!({})),
            ("query($o: TrackOrderBy!) { tracks(orderBy: [$o]) { totalCount } }", json!({ "o": { "name": "ASC" } })),
            ("query($ids: [ID!]!) { tracks(where: { id: { in: $ids } }) { totalCount } }", json!({ "ids": [] })),
            ("query($ids: [ID!]) { tracks(where: { id: { in: $ids } }) { totalCount } }", json!({ "ids": [] })),
            ("query($ids: [ID!]! = []) { tracks(where: { id: { in: $ids } }) { totalCount } }", json!({})),
            ("query($all: [TrackWhere!]!) { tracks(where: { and: $all }) { totalCount } }", json!({ "all": [{ "position": { "gt": 0 } }] })),
            ("query($w: TrackWhere!) { tracks(where: $w) { totalCount } }", json!({ "w": {} })),
            ("query($ids: [ID!]!) { ...F } fragment F on Query { tracks(where: { id: { in: $ids } }) { totalCount } }", json!({ "ids": [] })),
        ] {
            for executor in ["fast", "resolvers"] {
                let _ = admin.with("x-launchway-executor", executor).graphql_with(query, variables.clone()).await.good();
            }
        }
        for (query, variables) in [
            ("query($w: String) { tracks(where: { name: { eq: \"x\" }, and: [{ position: { eq: $w } }] }) { totalCount } }", json!({ "w": "1" })),
            ("query($id: String!) { ...F } fragment F on Query { artist(id: $id) { albums(where: { id: { in: [$id] } }) { totalCount } } }", json!({ "id": "x" })),
            ("query($w: ArtistWhere) { tracks(where: $w) { totalCount } }", json!({})),
            ("mutation($id: ID) { deleteGenre(id: $id) { name } }", json!({ "id": "0190b5a4-7e8f-7c3d-8a21-000000000001" })),
            ("mutation($rows: [GenreCreate!]) { createGenres(input: $rows) { count } }", json!({ "rows": [] })),
            ("mutation($rows: [GenreCreate]!) { createGenres(input: $rows) { count } }", json!({ "rows": [] })),
            ("query($n: Float) { tracks(first: $n) { totalCount } }", json!({ "n": 1 })),
            ("query($o: TrackOrderBy!) { tracks(orderBy: $o) { totalCount } }", json!({ "o": { "name": "ASC" } })),
            ("query($b: Boolean) { tracks { totalCount @include(if: $b) } }", json!({ "b": true })),
        ] {
            let reply = admin.graphql_with(query, variables).await.fails("GRAPHQL_VALIDATION_FAILED");
            assert!(reply.errors()[0]["message"].as_str().unwrap().starts_with("Variable"), "{}", reply.whole());
        }
    });
}
