//! GraphQL over HTTP: methods, media types, statuses, persisted documents.

use harness::{STORE, json};

const TYPED: &str = "application/graphql-response+json";

#[test]
fn media_types_are_negotiated() {
    STORE.both(async |app| {
        let anyone = app.anyone();
        let body = json!({ "query": "{ __typename }" });
        for (accept, media_type) in [
            (TYPED, TYPED),
            ("application/json", "application/json"),
            ("application/graphql-response+json, application/json;q=0.9", TYPED),
            ("application/json, application/graphql-response+json;q=0.5", "application/json"),
        ] {
            let reply = anyone.with("accept", accept).post("/graphql", body.clone()).await.is(200);
            assert_eq!(reply.media_type(), media_type, "{accept}");
            assert_eq!(reply.json(), json!({ "data": { "__typename": "Query" } }));
        }
        let _ = anyone.with("accept", "image/png").post("/graphql", body).await.is(406);
    });
}

#[test]
fn statuses_follow_the_media_type() {
    STORE.both(async |app| {
        let typed = app.anyone().with("accept", TYPED);
        let plain = app.anyone().with("accept", "application/json");
        let broken = json!({ "query": "{ nonsense" });
        let invalid = json!({ "query": "{ nonsense }" });
        for body in [broken, invalid] {
            let _ = typed.post("/graphql", body.clone()).await.is(400);
            let reply = plain.post("/graphql", body).await;
            assert!([200, 400].contains(&reply.status), "{}", reply.whole());
            assert!(reply.json().get("data").is_none(), "nothing was executed: {}", reply.whole());
        }
        let field_error = json!({ "query": "{ artist(by: { name: \"nobody\" }) { name } }" });
        let reply = typed.post("/graphql", field_error).await;
        assert_eq!(reply.status, 200, "{}", reply.whole());
        assert_eq!(reply.json()["data"], json!({ "artist": null }));
    });
}

#[test]
fn queries_may_be_got_and_mutations_may_not() {
    STORE.both(async |app| {
        let anyone = app.anyone().with("accept", TYPED);
        let reply = anyone.get("/graphql?query=%7B__typename%7D").await.is(200);
        assert_eq!(reply.json()["data"]["__typename"], "Query");
        let with = anyone.get("/graphql?query=query%20Q(%24n%3A%20Int)%7Bgenres(first%3A%24n)%7BtotalCount%7D%7D&variables=%7B%22n%22%3A1%7D&operationName=Q").await.is(200);
        assert_eq!(with.json()["data"]["genres"]["totalCount"], 3);
        let mutation = app.admin().with("accept", TYPED).get("/graphql?query=mutation%7BdeleteGenre(id%3A1)%7Bid%7D%7D").await;
        assert_eq!(mutation.status, 405, "{}", mutation.whole());
        assert!(mutation.header("allow").contains("POST"));
        let _ = anyone.get("/graphql").await.is(400);
        let _ = anyone.get("/graphql?query=%7B").await.is(400);
        let _ = anyone.get("/graphql?query=%7B__typename%7D&variables=nonsense").await.is(400);
        let reply = anyone.send("PUT", "/graphql", Some(b"{}".to_vec())).await.is(405);
        assert!(reply.header("allow").contains("GET"));
    });
}

#[test]
fn other_content_types_are_refused_so_that_forms_can_not_post() {
    STORE.both(async |app| {
        let body = json!({ "query": "{ __typename }" }).to_string().into_bytes();
        for media_type in [
            "text/plain",
            "application/x-www-form-urlencoded",
            "multipart/form-data; boundary=x",
            "application/graphql",
            "",
        ] {
            let actor = if media_type.is_empty() {
                app.anyone()
            } else {
                app.anyone().with("content-type", media_type)
            };
            let reply = actor.send("POST", "/graphql", Some(body.clone())).await;
            assert!([400, 415].contains(&reply.status), "{media_type:?}: {}", reply.whole());
        }
        let charset = app
            .anyone()
            .with("content-type", "application/json; charset=utf-8")
            .send("POST", "/graphql", Some(body))
            .await;
        let _ = charset.is(200);
    });
}

#[test]
fn the_operation_is_chosen_by_name() {
    STORE.both(async |app| {
        let query = "query A { genres { totalCount } } query B { artists { totalCount } }";
        let ask = async |name: Option<&str>| {
            app.anyone().post("/graphql", json!({ "query": query, "operationName": name })).await
        };
        assert_eq!(ask(Some("B")).await.data()["artists"]["totalCount"], 3);
        assert!(!ask(None).await.errors().is_empty());
        assert!(!ask(Some("C")).await.errors().is_empty());
        assert!(!ask(Some("")).await.errors().is_empty());
    });
}

#[test]
fn apollos_persisted_queries() {
    STORE.both(async |app| {
        // sha256 of the document below.
        let query = "{__typename}";
        let hash = "ecf4edb46db40b5132295c0291d62fb65d6759a9eedfa4d5d612dd5ec54a6b38";
        let extensions = json!({ "persistedQuery": { "version": 1, "sha256Hash": hash } });
        let reply = app.anyone().post("/graphql", json!({ "extensions": extensions })).await;
        if reply.json().get("data").is_none() {
            let reply = reply.says("PersistedQueryNotFound");
            assert_eq!(reply.errors()[0]["extensions"]["code"], "PERSISTED_QUERY_NOT_FOUND");
        }
        let _ =
            app.anyone().post("/graphql", json!({ "query": query, "extensions": extensions })).await.good();
        let known = app.anyone().post("/graphql", json!({ "extensions": extensions })).await;
        assert_eq!(known.data()["__typename"], "Query");
        let wrong = json!({ "query": "{ genres { totalCount } }", "extensions": extensions });
        assert!(!app.anyone().post("/graphql", wrong).await.errors().is_empty());
    });
}

#[test]
fn browsers_get_graphiql_without_any_outside_host() {
    STORE.both(async |app| {
        let page =
            app.anyone().with("accept", "text/html,application/xhtml+xml").get("/graphql").await.is(200);
        assert_eq!(page.media_type(), "text/html");
        let text = page.text().to_lowercase();
        for outside in
            ["src=\"http", "href=\"http", "src=\"//", "href=\"//", "unpkg", "jsdelivr", "googleapis"]
        {
            assert!(!text.contains(outside), "{outside}");
        }
        let docs = app.anyone().with("accept", "text/html").get("/docs").await.is(200);
        assert!(!docs.text().contains("src=\"http"));
    });
}

#[test]
fn introspection_describes_what_the_caller_may_use() {
    STORE.both(async |app| {
        let query = "{ __schema { queryType { name } mutationType { name } } __type(name: \"Track\") { description fields { name } } genres { totalCount } }";
        let anyone = app.anyone().graphql(query).await.data();
        assert_eq!(anyone["__schema"]["queryType"]["name"], "Query");
        assert_eq!(anyone["__schema"]["mutationType"], json!(null), "nothing can be written by anyone here");
        assert_eq!(anyone["genres"]["totalCount"], 3);
        let names = |data: &harness::Value| -> Vec<String> {
            data["__type"]["fields"].as_array().unwrap().iter().map(|field| field["name"].as_str().unwrap().to_owned()).collect()
        };
        assert!(!names(&anyone).contains(&"royalty".to_owned()));
        let admin = app.admin().graphql(query).await.data();
        assert!(names(&admin).contains(&"royalty".to_owned()));
        assert_eq!(admin["__schema"]["mutationType"]["name"], "Mutation");
    });
}

#[test]
fn introspection_beside_data_is_one_statement() {
    STORE.fresh(async |app| {
        let query = "{ __schema { queryType { name } } genres(orderBy: [{ name: ASC }], first: 1) { nodes { name } } artists { totalCount } kind: __typename gone: genre(id: \"999999\") { name } }";
        let (reply, statements) = app.statements_during(app.anyone().graphql(query)).await;
        let reply = reply.json();
        let data = &reply["data"];
        assert_eq!(data["__schema"]["queryType"]["name"], "Query", "{reply}");
        assert_eq!(data["genres"]["nodes"].as_array().unwrap().len(), 1, "{reply}");
        assert!(data["artists"]["totalCount"].as_i64().unwrap() > 0, "{reply}");
        assert_eq!((&data["kind"], &data["gone"]), (&json!("Query"), &json!(null)), "{reply}");
        assert_eq!(reply["errors"][0]["path"], json!(["gone"]), "{reply}");
        if let Some(statements) = statements {
            assert_eq!(statements.len(), 1, "{statements:#?}");
        }
    });
}
