//! Nested reads: one statement whatever the depth, each level with its own arguments.

use harness::{STORE, Value, json};

const DEEP: &str = r#"{
  artists(orderBy: [{ name: ASC }]) {
    totalCount
    nodes {
      name
      albums(orderBy: [{ title: DESC }], first: 1) {
        totalCount
        pageInfo { hasNextPage }
        nodes {
          title
          artist { name }
          tracks(where: { position: { gt: 1 } }, orderBy: [{ position: DESC }]) {
            nodes { name genre { name tracks(first: 1, orderBy: [{ name: ASC }]) { nodes { name } } } playlists { nodes { name } } }
          }
        }
      }
    }
  }
}"#;

#[test]
fn every_level_has_its_own_arguments() {
    STORE.both(async |app| {
        let data = app.anyone().graphql(DEEP).await.data();
        let track = |name: &str, genre: Value, playlists: Value| json!({ "name": name, "genre": genre, "playlists": { "nodes": playlists } });
        let ambient = json!({ "name": "Ambient", "tracks": { "nodes": [{ "name": "High Tide" }] } });
        assert_eq!(
            data["artists"],
            json!({ "totalCount": 3, "nodes": [
                { "name": "Ada Marsh", "albums": { "totalCount": 2, "pageInfo": { "hasNextPage": true }, "nodes": [
                    { "title": "Undertow", "artist": { "name": "Ada Marsh" }, "tracks": { "nodes": [track("UNDER", Value::Null, json!([]))] } }
                ] } },
                { "name": "Brünn & Söhne", "albums": { "totalCount": 1, "pageInfo": { "hasNextPage": false }, "nodes": [
                    { "title": "Größe", "artist": { "name": "Brünn & Söhne" }, "tracks": { "nodes": [
                        track("Ünïcode 🎵", ambient, json!([{ "name": "Morning" }]))
                    ] } }
                ] } },
                { "name": "zero", "albums": { "totalCount": 0, "pageInfo": { "hasNextPage": false }, "nodes": [] } },
            ] }),
        );
    });
}

#[test]
fn a_read_is_one_statement_whatever_its_depth_and_width() {
    // A database of its own: those of other tests are not counted.
    STORE.fresh(async |app| {
        let wide = "{ a: tracks { nodes { name } totalCount } b: albums { nodes { title tracks { nodes { name } } } } \
                    c: genres { nodes { name } } artists(first: 1) { nodes { albums { nodes { tracks { totalCount } } } } } }";
        for query in ["{ genres { nodes { name } } }", DEEP, wide] {
            let _ = app.anyone().graphql(query).await.good(); // anything prepared once is prepared now
            let (reply, statements) = app.statements_during(app.anyone().graphql(query)).await;
            let _ = reply.good();
            if let Some(statements) = statements {
                assert_eq!(statements.len(), 1, "{query}\n{statements:#?}");
            }
        }
        for path in ["/v1/tracks?expand=album.artist,genre&limit=5", "/v1/genres", "/v1/tracks?sort=album.title"] {
            let _ = app.anyone().get(path).await.good();
            let (reply, statements) = app.statements_during(app.anyone().with("prefer", "count=exact").get(path)).await;
            let _ = reply.good();
            if let Some(statements) = statements {
                assert_eq!(statements.len(), 1, "{path}\n{statements:#?}");
            }
        }
    });
}

#[test]
fn aliases_fragments_and_directives() {
    STORE.both(async |app| {
        let query = r#"
          query Q($yes: Boolean!, $no: Boolean!) {
            __typename
            low: tracks(where: { name: { eq: "Low Tide" } }) { nodes { ...Bits title: name ... on Track { position } } }
            rain: tracks(where: { explicit: { eq: true } }) { nodes { ...Bits } __typename }
            genres @include(if: $no) { nodes { name } }
          }
          fragment Bits on Track { __typename name position @skip(if: $yes) album { ...Title } }
          fragment Title on Album { title }"#;
        let data = app.anyone().graphql_with(query, json!({ "yes": true, "no": false })).await.data();
        assert_eq!(
            data,
            json!({
                "__typename": "Query",
                "low": { "nodes": [{ "__typename": "Track", "name": "Low Tide", "album": { "title": "Tidelines" }, "title": "Low Tide", "position": 1 }] },
                "rain": { "nodes": [{ "__typename": "Track", "name": "100% Rain", "album": { "title": "Tidelines" } }], "__typename": "TrackConnection" },
            }),
        );
    });
}

#[test]
fn one_row_by_id_by_a_unique_key_and_by_node() {
    STORE.both(async |app| {
        let anyone = app.anyone();
        let found = anyone.graphql("{ artists(where: { name: { eq: \"zero\" } }) { nodes { id } } }").await.data();
        let id = found["artists"]["nodes"][0]["id"].clone();
        let data = anyone
            .graphql_with(
                "query($id: ID!) { artist(id: $id) { name } byName: artist(by: { name: \"zero\" }) { id } node(id: $id) { id __typename ... on Artist { name } } }",
                json!({ "id": id }),
            )
            .await
            .data();
        assert_eq!(data["artist"], json!({ "name": "zero" }));
        assert_eq!(data["byName"], json!({ "id": id }));
        assert_eq!(data["node"], json!({ "id": id, "__typename": "Artist", "name": "zero" }));
        let plain = anyone.graphql_with("query($id: ID!) { node(id: $id) { id } }", json!({ "id": id })).await.data();
        assert_eq!(plain["node"]["id"], id);
        let reply = anyone.graphql("{ artist(by: { name: \"nobody\" }) { name } }").await.fails("NOT_FOUND");
        assert_eq!(reply.errors()[0]["path"], json!(["artist"]));
        let _ = anyone.graphql("{ artist { name } }").await.says("error");
    });
}

#[test]
fn rest_expands_relations_and_lists_what_is_under_a_row() {
    STORE.both(async |app| {
        let anyone = app.anyone();
        let list = anyone
            .get("/v1/tracks?name=Low%20Tide&fields=name,album,genre&expand=album.artist")
            .await
            .good()
            .json();
        let row = &list["data"][0];
        assert_eq!(row["name"], "Low Tide");
        assert_eq!(row["album"]["title"], "Tidelines");
        assert_eq!(row["album"]["artist"]["name"], "Ada Marsh");
        assert!(row["genre"].is_string(), "unexpanded is the id: {row}");
        let album = row["album"]["id"].as_str().unwrap();
        let under = anyone
            .get(&format!("/v1/albums/{album}/tracks?sort=-position&fields=name&limit=2"))
            .await
            .good()
            .json();
        assert_eq!(under["data"], json!([{ "name": "100% Rain" }, { "name": "High Tide" }]));
        assert_eq!(under["hasMore"], true);
        let _ = anyone
            .get("/v1/albums/0190b5a4-7e8f-7c3d-8a21-5f6e7d8c9b0a/tracks")
            .await
            .is(404)
            .fails("NOT_FOUND");
        let _ = anyone.get(&format!("/v1/albums/{album}/trakcs")).await.is(404).says("tracks");
    });
}

#[test]
fn an_expanded_list_has_a_size_an_order_and_a_condition_of_its_own() {
    STORE.both(async |app| {
        let anyone = app.anyone();
        let path = "/v1/artists?name=Ada%20Marsh&fields=name&expand=albums.tracks&sort[albums]=-title\
                    &limit[albums.tracks]=1&sort[albums.tracks]=-position&where[albums.tracks]={%22position%22:{%22lt%22:3}}";
        let list = anyone.get(path).await.good().json();
        let albums = list["data"][0]["albums"]["data"].as_array().unwrap();
        let tracks = |album: &harness::Value| {
            let tracks = &album["tracks"];
            (tracks["data"].as_array().unwrap().iter().map(|row| row["name"].clone()).collect::<Vec<_>>(), tracks["hasMore"] == true)
        };
        assert_eq!([&albums[0]["title"], &albums[1]["title"]], ["Undertow", "Tidelines"]);
        assert_eq!(tracks(&albums[0]), (vec![json!("UNDER")], true));
        assert_eq!(tracks(&albums[1]), (vec![json!("High Tide")], true));
        // One row has them too, through a relation to one.
        let track = anyone.get("/v1/tracks?name=UNDER&fields=id").await.good().json();
        let id = track["data"][0]["id"].as_str().unwrap().to_owned();
        let path = format!("/v1/tracks/{id}?fields=name&expand=album.tracks&limit[album.tracks]=0");
        let row = anyone.get(&path).await.good().json();
        assert_eq!(row["album"]["tracks"], json!({ "data": [], "hasMore": true }));
        for (path, code, field) in [
            ("/v1/artists?limit[albums]=1", "BAD_REQUEST", "limit[albums]"),
            ("/v1/artists?expand=albums&limit[albums.tracks]=1", "BAD_REQUEST", "limit[albums.tracks]"),
            ("/v1/tracks?expand=album&limit[album]=1", "BAD_REQUEST", "limit[album]"),
            ("/v1/artists?expand=albums&limit[albums]=x", "PAGE_INVALID", "limit[albums]"),
            ("/v1/artists?expand=albums&limit[albums]=1001", "PAGE_TOO_LARGE", "limit[albums]"),
            ("/v1/artists?expand=albums&sort[albums]=titel", "UNKNOWN_FIELD", "sort[albums]"),
            ("/v1/artists?expand=albums&where[albums]=x", "BAD_REQUEST", "where[albums]"),
            (
                "/v1/artists?expand=albums&where[albums]={%22titel%22:{}}",
                "UNKNOWN_FIELD",
                "where[albums].titel",
            ),
            ("/v1/artists?expand=albums&limit[albums]=1&limit[albums]=2", "BAD_REQUEST", "limit[albums]"),
        ] {
            let problem = anyone.get(path).await.is(400).fails(code).json();
            assert_eq!(problem["errors"][0]["field"], field, "{path}: {problem}");
        }
    });
}
