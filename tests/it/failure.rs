//! An error says what is wrong, where, and what to do; in the right format with the right status.

use harness::{STORE, json};

#[test]
fn graphql_errors_have_a_code_a_place_and_a_suggestion() {
    STORE.both(async |app| {
        let anyone = app.anyone();
        for (query, word) in [
            ("{ trakcs { nodes { name } } }", "tracks"),
            ("{ tracks { nodes { nmae } } }", "name"),
            ("{ tracks(wher: {}) { nodes { name } } }", "where"),
            ("{ tracks(where: { nmae: { eq: \"x\" } }) { nodes { name } } }", "name"),
            ("{ tracks(where: { name: { eqq: \"x\" } }) { nodes { name } } }", "eq"),
            ("{ tracks(where: { mood: { eq: CLAM } }) { nodes { name } } }", "CALM"),
            ("{ tracks(orderBy: [{ nmae: ASC }]) { nodes { name } } }", "name"),
        ] {
            let reply = anyone.graphql(query).await.says(word);
            let error = &reply.errors()[0];
            assert!(error["locations"][0]["line"].is_u64(), "{}", reply.whole());
            assert!(error["extensions"]["code"].is_string(), "{}", reply.whole());
            assert!(
                reply.text().to_lowercase().contains("did you mean") || reply.text().contains("possible"),
                "{}",
                reply.whole()
            );
        }
        let _ = anyone.graphql("{ tracks { nodes { name } ").await.fails("GRAPHQL_PARSE_FAILED");
        let _ = anyone.graphql("{ tracks { nodes } }").await.fails("GRAPHQL_VALIDATION_FAILED");
    });
}

#[test]
fn bad_variables_say_which_and_where() {
    STORE.both(async |app| {
        let query = "query($where: TrackWhere, $first: Int) { tracks(where: $where, first: $first) { nodes { name } } }";
        let anyone = app.anyone();
        for variables in [
            json!({ "first": "x" }),
            json!({ "first": 1.5 }),
            json!({ "first": 99_999_999_999_u64 }),
            json!({ "where": [] , "first": {} }),
            json!({ "where": { "name": 5 } }),
            json!({ "where": { "nmae": { "eq": "x" } } }),
            json!({ "where": { "position": { "eq": "one" } } }),
            json!({ "where": { "position": { "eq": 2_147_483_648_u64 } } }),
            json!({ "where": { "unitPrice": { "eq": "1.2.3" } } }),
            json!({ "where": { "unitPrice": { "eq": "99999999999999999999" } } }),
            json!({ "where": { "recordedAt": { "eq": "yesterday" } } }),
            json!({ "where": { "position": { "between": [1] } } }),
        ] {
            let reply = anyone.graphql_with(query, variables.clone()).await;
            let error = &reply.errors()[0];
            let message = error["message"].as_str().unwrap();
            assert!(message.len() > 10 && message.len() < 600, "{}", reply.whole());
            assert_ne!(error["extensions"]["code"], "INTERNAL", "{variables}: {}", reply.whole());
        }
    });
}

/// Each error as its code, path and place in the input.
fn told(reply: &harness::Response) -> Vec<(String, String, String)> {
    let text = |value: &harness::Value| value.as_str().unwrap_or_default().to_owned();
    let each = |error: &harness::Value| {
        assert!(error["locations"][0]["line"].is_u64(), "{}", reply.whole());
        (text(&error["extensions"]["code"]), error["path"].to_string(), text(&error["extensions"]["input"]))
    };
    reply.errors().iter().map(each).collect()
}

#[test]
fn graphql_tells_everything_that_is_wrong_at_once() {
    STORE.fresh(async |app| {
        // Values of a row, as REST tells them.
        let bad = json!({ "name": "", "position": 0, "unitPrice": "-1", "album": { "connect": "0190b5a4-7e8f-7c3d-8a21-000000000002" } });
        let rest = app.admin().post("/v1/tracks", bad.clone()).await.is(422);
        let fields = rest.json()["errors"].as_array().unwrap().iter().map(|error| error["field"].clone()).collect::<Vec<_>>();
        assert!(fields.len() > 1, "{}", rest.whole());
        let create = "mutation($input: TrackCreate!) { t: createTrack(input: $input) { id } }";
        for executor in ["fast", "resolvers"] {
            let admin = app.admin().with("x-launchway-executor", executor);
            let reply = admin.graphql_with(create, json!({ "input": bad })).await;
            let said = told(&reply);
            assert_eq!(said.len(), fields.len(), "{}", reply.whole());
            for ((_, path, input), field) in said.iter().zip(&fields) {
                assert_eq!((path.as_str(), input.rsplit('.').next()), (r#"["t"]"#, field.as_str()), "{}", reply.whole());
            }

            // Rows of a batch, fields of the operation.
            let reply = admin
                .graphql("mutation { a: createTracks(input: [{ name: \"\", position: 1, album: { connect: \"0190b5a4-7e8f-7c3d-8a21-000000000002\" } }, { name: \"y\", position: 0, album: { connect: \"0190b5a4-7e8f-7c3d-8a21-000000000002\" } }]) { count } b: updateGenre(id: \"nonsense\", set: { name: \"x\" }) { id } c: createGenre(input: { name: \"fine\" }) { id } }")
                .await;
            let paths: Vec<String> = told(&reply).into_iter().map(|(_, path, _)| path).collect();
            assert_eq!(paths, [r#"["a"]"#, r#"["a"]"#, r#"["b"]"#], "{}", reply.whole());
            assert_eq!(admin.graphql("{ genres(where: { name: { eq: \"fine\" } }) { totalCount } }").await.data()["genres"]["totalCount"], 0);

            // Variables of the wrong type, also several in one.
            let two = "query($a: Int, $where: TrackWhere) { tracks(first: $a, where: $where) { totalCount } }";
            let reply = admin
                .graphql_with(two, json!({ "a": "x", "where": { "nmae": { "eq": "x" }, "position": { "eq": "one", "gt": [] } } }))
                .await;
            let messages: Vec<String> = reply.errors().iter().map(|error| error["message"].to_string()).collect();
            assert_eq!(messages.len(), 4, "{}", reply.whole());
            for (message, place) in messages.iter().zip(["$a", "$where.nmae", "$where.position.eq", "$where.position.gt"]) {
                assert!(message.contains(place), "{place}: {message}");
            }

            // Several roots of a query.
            let reply = admin.graphql("{ a: tracks(first: 100000) { totalCount } b: genres { totalCount } c: albums(after: \"x\") { totalCount } }").await;
            let said: Vec<(String, String)> = told(&reply).into_iter().map(|(code, path, _)| (code, path)).collect();
            let wanted = [("PAGE_TOO_LARGE", r#"["a"]"#), ("CURSOR_INVALID", r#"["c"]"#)];
            assert_eq!(said, wanted.map(|(code, path)| (code.to_owned(), path.to_owned())), "{}", reply.whole());
        }
        // A request that is nothing but mistakes is answered with a bounded number of them.
        let rows: Vec<_> = (0..200).map(|_| json!({ "name": 1, "nmae": 2 })).collect();
        let reply = app.admin().graphql_with("mutation($rows: [GenreCreate!]!) { createGenres(input: $rows) { count } }", json!({ "rows": rows })).await;
        assert_eq!(reply.errors().len(), 50, "{}", reply.whole());
    });
}

#[test]
fn rest_errors_are_problem_details() {
    STORE.both(async |app| {
        let anyone = app.anyone();
        for (path, status, code, word) in [
            ("/v1/tracks?nmae=x", 400, "UNKNOWN_PARAMETER", "name"),
            ("/v1/tracks?limt=5", 400, "UNKNOWN_PARAMETER", "limit"),
            ("/v1/tracks?name[eqq]=x", 400, "UNKNOWN_OPERATOR", "eq"),
            ("/v1/tracks?position=one", 422, "BAD_VALUE", "position"),
            ("/v1/tracks?mood=CLAM", 422, "BAD_VALUE", "CALM"),
            ("/v1/tracks?expand=ablum", 400, "UNKNOWN_FIELD", "album"),
            ("/v1/tracks?fields=nmae", 400, "UNKNOWN_FIELD", "name"),
            ("/v1/tracks?sort=nmae", 400, "UNKNOWN_FIELD", "name"),
            ("/v1/trakcs", 404, "UNKNOWN_TYPE", "tracks"),
            ("/v1/tracks?where=%7B", 400, "BAD_REQUEST", "where"),
            ("/v1/tracks?limit=x", 400, "PAGE_INVALID", "limit"),
            ("/v1/tracks/not-a-uuid", 404, "NOT_FOUND", ""),
            ("/nowhere", 404, "NO_SUCH_ROUTE", ""),
        ] {
            let reply = anyone.get(path).await;
            let problem = reply.json();
            assert_eq!(reply.status, status, "{}", reply.whole());
            assert_eq!(reply.media_type(), "application/problem+json", "{}", reply.whole());
            assert_eq!(problem["code"], code, "{}", reply.whole());
            assert_eq!(problem["status"], status);
            assert_eq!(problem["instance"], path.split('?').next().unwrap());
            for member in ["type", "title", "detail"] {
                assert!(problem[member].is_string(), "{member}: {}", reply.whole());
            }
            assert!(reply.text().contains(word), "{word}: {}", reply.whole());
        }
    });
}

#[test]
fn bodies_that_do_not_fit_name_every_field() {
    STORE.both(async |app| {
        let admin = app.admin();
        for (body, field) in [
            (json!({ "nmae": "x" }), "name"),
            (json!({ "name": 5 }), "name"),
            (json!({ "name": ["x"] }), "name"),
            (json!({ "name": null }), "name"),
            (json!({ "name": "x\u{0}y" }), "name"),
            (json!({ "name": "x", "country": {} }), "country"),
            (json!([{ "name": "fine" }, { "name": 5 }]), "name"),
            (json!("text"), "object"),
            (json!(5), "object"),
            (json!(null), "object"),
        ] {
            let reply = admin.post("/v1/artists", body.clone()).await;
            assert!([400, 422].contains(&reply.status), "{body}: {}", reply.whole());
            assert!(reply.text().contains(field), "{field}: {}", reply.whole());
        }
        let _ = admin.get("/v1/artists?name=fine").await.good().says("\"data\":[]");
    });
}

#[test]
fn methods_and_media_types_that_are_not_taken() {
    STORE.both(async |app| {
        let reply = app.anyone().send("PUT", "/v1/tracks", Some(b"{}".to_vec())).await.is(405);
        assert!(reply.header("allow").contains("GET"), "{}", reply.whole());
        let _ = app.anyone().with("accept", "image/png").get("/v1/tracks").await.is(406);
        let admin = app.admin().with("content-type", "text/plain");
        let _ = admin
            .send("POST", "/v1/artists", Some(b"{}".to_vec()))
            .await
            .is(415)
            .fails("UNSUPPORTED_MEDIA_TYPE");
        for (actor, posts) in [(app.admin(), true), (app.anyone(), false)] {
            let reply = actor.options("/v1/tracks").await;
            let allowed = reply.header("allow").contains("POST");
            assert!(reply.status < 300 && allowed == posts, "{}", reply.whole());
        }
    });
}
