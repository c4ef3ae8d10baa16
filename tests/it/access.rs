//! Deny by default, rules that filter, rules that go through relations, fields that are not for everyone.

use harness::{App, EVERYTHING, STORE, both, json};

#[test]
fn what_no_rule_opens_is_not_there() {
    EVERYTHING.both(async |app| {
        let anyone = app.anyone();
        let reply = anyone.graphql("{ ledgers { nodes { amount } } }").await;
        assert!(
            ["GRAPHQL_VALIDATION_FAILED", "UNAUTHENTICATED"].contains(&reply.code().as_str()),
            "{}",
            reply.whole()
        );
        for path in ["/v1/ledgers", "/v1/ledgers/0190b5a4-7e8f-7c3d-8a21-5f6e7d8c9b0a"] {
            let reply = anyone.get(path).await;
            assert!([401, 404].contains(&reply.status), "{}", reply.whole());
        }
        let reply = anyone.post("/v1/ledgers", json!({ "amount": "1" })).await;
        assert!([401, 404].contains(&reply.status), "{}", reply.whole());
        let _ = app.admin().get("/v1/ledgers").await.good();
        let schema = anyone.graphql("{ __schema { types { name } } }").await.good();
        assert!(!schema.text().contains("Ledger"), "{}", schema.whole());
    });
}

#[test]
fn wrong_credentials_are_refused_even_where_none_are_needed() {
    EVERYTHING.both(async |app| {
        for value in ["Bearer wrong", "Bearer ", "Basic YTpi", "nonsense"] {
            let stranger = app.anyone().with("authorization", value);
            let reply = stranger.get("/v1/samples").await.is(401);
            assert!(reply.header("www-authenticate").starts_with("Bearer"), "{}", reply.whole());
            let reply = stranger.graphql("{ samples { nodes { id } } }").await;
            assert_eq!(reply.status, 401, "{}", reply.whole());
        }
    });
}

/// An open group, a hidden one, and a post in each; returns the ids of the two posts.
async fn two_groups(app: &App) -> (String, String) {
    let admin = app.admin();
    let post = async |group: &str, hidden: bool| {
        let made = admin.post("/v1/groups", json!({ "name": group, "hidden": hidden })).await.is(201).json();
        let body = json!({ "title": format!("in {group}"), "group": made["id"], "secret": "s3cret" });
        let post = admin.post("/v1/posts", body).await.is(201).json();
        post["id"].as_str().unwrap().to_owned()
    };
    (post("open", false).await, post("hidden", true).await)
}

#[test]
fn hidden_rows_are_gone_from_lists_counts_relations_filters_and_aggregates() {
    EVERYTHING.fresh(async |app| {
        let (open, hidden) = two_groups(app).await;
        let anyone = app.anyone();
        let query = "{ groups { totalCount nodes { name posts { totalCount } } } posts { totalCount nodes { title group { name } } } \
                     groupsAggregate { count } postsAggregate { count } }";
        let data = anyone.graphql(query).await.data();
        assert_eq!(
            data,
            json!({
                "groups": { "totalCount": 1, "nodes": [{ "name": "open", "posts": { "totalCount": 1 } }] },
                "posts": { "totalCount": 1, "nodes": [{ "title": "in open", "group": { "name": "open" } }] },
                "groupsAggregate": [{ "count": 1 }], "postsAggregate": [{ "count": 1 }],
            }),
        );
        let _ = anyone.get(&format!("/v1/posts/{open}")).await.good();
        let _ = anyone.get(&format!("/v1/posts/{hidden}")).await.is(404).fails("NOT_FOUND");
        let asked = json!({ "id": hidden });
        let reply = anyone.graphql_with("query($id: ID!) { post(id: $id) { title } }", asked.clone()).await;
        assert_eq!(reply.json()["data"]["post"], json!(null));
        let reply = anyone.graphql_with("query($id: ID!) { node(id: $id) { id } }", asked).await;
        assert_eq!(reply.json()["data"]["node"], json!(null));
        // Related rows inside a filter are restricted by their own rules: nothing is learnt about the hidden group.
        let found = anyone.graphql("{ posts(where: { group: { name: { eq: \"hidden\" } } }) { totalCount } }").await.data();
        assert_eq!(found["posts"]["totalCount"], 0);
        let found = app.admin().graphql("{ posts(where: { group: { name: { eq: \"hidden\" } } }) { totalCount } }").await.data();
        assert_eq!(found["posts"]["totalCount"], 1);
    });
}

#[test]
fn writes_need_the_rule_before_and_after() {
    EVERYTHING.fresh(async |app| {
        let _ = two_groups(app).await;
        let anyone = app.anyone();
        let made = anyone.post("/v1/groups", json!({ "name": "mine" })).await.is(201).json();
        let path = format!("/v1/groups/{}", made["id"].as_str().unwrap());
        let _ = anyone
            .post("/v1/groups", json!({ "name": "x", "hidden": true }))
            .await
            .is(422)
            .fails("CHECK_FAILED");
        let _ = anyone.post("/v1/groups", json!({ "name": "forbidden" })).await.is(422).fails("CHECK_FAILED");
        let _ = anyone.patch(&path, json!({ "hidden": true })).await.is(422).fails("CHECK_FAILED");
        let _ = anyone.patch(&path, json!({ "name": "renamed" })).await.is(200);
        let reply = anyone.delete(&path).await;
        assert!([401, 403, 405].contains(&reply.status), "nobody may delete: {}", reply.whole());
        let hidden = app.admin().graphql("{ group(by: { name: \"hidden\" }) { id } }").await.data();
        let hidden = hidden["group"]["id"].as_str().unwrap();
        let _ = anyone.patch(&format!("/v1/groups/{hidden}"), json!({ "name": "y" })).await.is(404);
        // Through a relation: a post may be written where its group may be changed.
        let reply = anyone.post("/v1/posts", json!({ "title": "t", "group": hidden })).await;
        assert!([403, 404, 409, 422].contains(&reply.status), "{}", reply.whole());
        let _ = anyone.post("/v1/posts", json!({ "title": "t", "group": made["id"] })).await.is(201);
    });
}

#[test]
fn a_field_that_is_not_readable_can_not_be_used_either() {
    EVERYTHING.fresh(async |app| {
        let _ = two_groups(app).await;
        let anyone = app.anyone();
        for query in [
            "{ posts { nodes { secret } } }",
            "{ posts(where: { secret: { eq: \"s3cret\" } }) { totalCount } }",
            "{ posts(where: { not: { secret: { isNull: true } } }) { totalCount } }",
            "{ posts(orderBy: [{ secret: ASC }]) { nodes { title } } }",
            "{ postsAggregate(groupBy: [{ field: secret }]) { count } }",
            "{ postsAggregate { min { secret } } }",
            "{ groups(where: { posts: { some: { secret: { eq: \"s3cret\" } } } }) { totalCount } }",
            "{ posts { nodes { internal } } }",
        ] {
            let reply = anyone.graphql(query).await;
            assert!(
                !reply.errors().is_empty() && !reply.text().contains("s3cret\"}"),
                "{query}: {}",
                reply.whole()
            );
        }
        for parameters in [
            "secret=s3cret",
            "sort=secret",
            "fields=secret",
            "fields=internal",
            "where=%7B%22secret%22%3A%7B%22eq%22%3A%22x%22%7D%7D",
        ] {
            let reply = anyone.get(&format!("/v1/posts?{parameters}")).await;
            assert!((400..500).contains(&reply.status), "{parameters}: {}", reply.whole());
        }
        let list = anyone.get("/v1/posts").await.good();
        assert!(!list.text().contains("secret") && !list.text().contains("internal"), "{}", list.whole());
        let admin = app
            .admin()
            .graphql("{ posts(where: { secret: { eq: \"s3cret\" } }) { nodes { secret } } }")
            .await
            .data();
        assert_eq!(admin["posts"]["nodes"].as_array().unwrap().len(), 2);
    });
}

#[test]
fn fields_closed_to_one_kind_of_write_are_refused_there() {
    EVERYTHING.fresh(async |app| {
        let anyone = app.anyone();
        let group = anyone.post("/v1/groups", json!({ "name": "g" })).await.is(201).json();
        let made = anyone
            .post("/v1/posts", json!({ "title": "t", "group": group["id"], "fixed": "f" }))
            .await
            .is(201)
            .json();
        let path = format!("/v1/posts/{}", made["id"].as_str().unwrap());
        let reply =
            anyone.post("/v1/posts", json!({ "title": "t", "group": group["id"], "stamp": "s" })).await;
        assert!([400, 403, 422].contains(&reply.status), "{}", reply.whole());
        let reply = anyone.patch(&path, json!({ "fixed": "g" })).await;
        assert!([400, 403, 422].contains(&reply.status), "{}", reply.whole());
        let _ = anyone.patch(&path, json!({ "stamp": "s" })).await.is(200);
        for field in ["id", "createdAt", "version"] {
            let reply = anyone.patch(&path, json!({ field: "x" })).await;
            assert!([400, 403, 422].contains(&reply.status), "{field}: {}", reply.whole());
        }
    });
}

#[test]
fn a_via_rule_follows_the_related_row() {
    STORE.both(async |app| {
        let query = "{ tracks(where: { name: { eq: \"hidden draft\" } }) { totalCount } }";
        assert_eq!(app.anyone().graphql(query).await.data()["tracks"]["totalCount"], 0);
        assert_eq!(app.admin().graphql(query).await.data()["tracks"]["totalCount"], 1);
        let genres = "{ genre(by: { name: \"Ambient\" }) { tracks { totalCount } } }";
        assert_eq!(app.anyone().graphql(genres).await.data()["genre"]["tracks"]["totalCount"], 3);
        assert_eq!(app.admin().graphql(genres).await.data()["genre"]["tracks"]["totalCount"], 4);
    });
}

#[test]
fn a_write_that_no_rule_opens_is_refused_before_anything_else_is_looked_at() {
    let model = "type Cup @model @allow(to: [READ], role: \"anyone\") { size: Int! }";
    both(model, async |app| {
        let row = app.admin().post("/v1/cups", json!({ "size": 1 })).await.is(201).json();
        let path = format!("/v1/cups/{}", row["id"].as_str().unwrap());
        for (method, path) in [
            ("POST", "/v1/cups"),
            ("PATCH", "/v1/cups?nonsense=1"),
            ("DELETE", "/v1/cups?nonsense=1"),
            ("PUT", &path),
            ("PATCH", &path),
            ("DELETE", &path),
        ] {
            let caller = app.anyone().with("content-type", "text/nonsense").with("if-match", "nonsense");
            let body = Some(b"nonsense".to_vec());
            let _ = caller.send(method, path, body).await.is(401).fails("UNAUTHENTICATED");
        }
        let allow =
            async |actor: harness::Actor, path: &str| actor.options(path).await.is(204).header("allow");
        assert_eq!(allow(app.anyone(), "/v1/cups").await, "GET, HEAD, OPTIONS");
        assert_eq!(allow(app.anyone(), &path).await, "GET, HEAD, OPTIONS");
        assert_eq!(allow(app.admin(), "/v1/cups").await, "GET, HEAD, POST, PATCH, DELETE, OPTIONS");
        assert_eq!(allow(app.admin(), &path).await, "GET, HEAD, PUT, PATCH, DELETE, OPTIONS");
    });
}
