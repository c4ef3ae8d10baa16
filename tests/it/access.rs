//! Deny by default, rules that filter, rules that go through relations, fields that are not for everyone.

use harness::{App, EVERYTHING, Response, STORE, both, json};

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

const SHELVES: &str = r#"
type Shelf @model(plural: "shelves") @allow(to: [READ, UPDATE, DELETE], role: "anyone", where: { hidden: { eq: false } }) {
  name: String!
  hidden: Boolean! @default(value: false)
  books: [Book!]!
}
type Drawer @model(id: SERIAL) @allow(to: [ALL], role: "anyone", where: { hidden: { eq: false } }) {
  name: String!
  hidden: Boolean! @default(value: false)
  books: [Book!]!
}
type Box @model(plural: "boxes", softDelete: true) @allow(to: [ALL], role: "anyone", where: { hidden: { eq: false } }) {
  name: String!
  hidden: Boolean! @default(value: false)
  books: [Book!]!
}
type Book @model(id: SERIAL, softDelete: true) @allow(to: [ALL], role: "anyone") {
  title: String!
  shelf: Shelf
  drawer: Drawer
  box: Box
}
"#;

#[test]
fn a_hidden_row_is_answered_as_one_that_is_nowhere() {
    both(SHELVES, async |app| {
        let anyone = app.anyone().with("x-request-id", "same");
        let book = app.anyone().post("/v1/books", json!({ "title": "t" })).await.is(201).json();
        let book = format!("/v1/books/{}", book["id"].as_str().unwrap());
        // Ids that are counted are masked, too: they must not be those of something else.
        let drawers = json!(vec![json!({ "name": "d" }); 20]);
        let _ = app.anyone().post("/v1/drawers", drawers).await.is(201);
        for (one, many, nowhere) in [
            ("shelf", "shelves", "0190b5a4-7e8f-7c3d-8a21-5f6e7d8c9b0a"),
            ("box", "boxes", "0190b5a4-7e8f-7c3d-8a21-5f6e7d8c9b0b"),
            ("drawer", "drawers", "987654321"),
        ] {
            let list = format!("/v1/{many}");
            let row = app.admin().post(&list, json!({ "name": "h", "hidden": true })).await.is(201);
            let (tag, row) = (row.header("etag"), row.json());
            let hidden = row["id"].as_str().unwrap();
            let masked = |reply: &Response, id: &str| {
                let kept = ["etag", "location", "allow", "www-authenticate"].map(|name| reply.header(name));
                (reply.status, reply.text().replace(id, "ID"), kept)
            };

            let set = json!({ "name": "x" });
            let pointed = json!({ "title": "u", one: "ID" });
            let connected = json!({ "title": "u", one: { "connect": "ID" } });
            for (method, path, header, body) in [
                ("GET", format!("{list}/ID"), ("", ""), None),
                ("GET", format!("{list}/ID"), ("if-none-match", tag.as_str()), None),
                ("GET", format!("{list}/ID"), ("if-match", "*"), None),
                ("HEAD", format!("{list}/ID"), ("", ""), None),
                ("GET", format!("{list}/ID/books"), ("", ""), None),
                ("GET", format!("{list}?id=ID"), ("", ""), None),
                ("PATCH", format!("{list}/ID"), ("", ""), Some(&set)),
                ("PATCH", format!("{list}/ID"), ("if-match", tag.as_str()), Some(&set)),
                ("PATCH", format!("{list}/ID"), ("if-match", "\"1:7\""), Some(&set)),
                ("PATCH", format!("{list}?id=ID"), ("", ""), Some(&set)),
                ("PUT", format!("{list}/ID"), ("", ""), Some(&set)),
                ("PUT", format!("{list}/ID"), ("if-match", tag.as_str()), Some(&set)),
                ("PUT", format!("{list}/ID"), ("if-match", "*"), Some(&set)),
                ("PUT", format!("{list}/ID"), ("if-none-match", "*"), Some(&set)),
                ("DELETE", format!("{list}/ID"), ("", ""), None),
                ("DELETE", format!("{list}/ID"), ("if-match", tag.as_str()), None),
                ("DELETE", format!("{list}?id=ID"), ("", ""), None),
                ("POST", "/v1/books".to_owned(), ("", ""), Some(&pointed)),
                ("POST", "/v1/books".to_owned(), ("", ""), Some(&connected)),
                ("PATCH", book.clone(), ("", ""), Some(&pointed)),
            ] {
                // Here an id that is nowhere is one for a new row: whoever may make it learns that it is free.
                if (one, method) == ("box", "PUT") && header.0 != "if-match" {
                    continue;
                }
                let ask = async |id: &str| {
                    let asker = match header {
                        ("", _) => anyone.clone(),
                        (name, value) => anyone.with(name, &value.replace(hidden, id)),
                    };
                    let reply = match body {
                        Some(body) => {
                            let body = body.to_string().replace("ID", id);
                            let asker = asker.with("content-type", "application/json");
                            asker.send(method, &path.replace("ID", id), Some(body.into_bytes())).await
                        }
                        None => asker.send(method, &path.replace("ID", id), None).await,
                    };
                    assert!(reply.status < 500, "{}", reply.whole());
                    masked(&reply, id)
                };
                let (there, gone) = (ask(hidden).await, ask(nowhere).await);
                assert_eq!(there, gone, "{method} {path} {header:?} {body:?}");
            }

            let (type_name, plural) = (capital(one), capital(many));
            for query in [
                format!("{{ {one}(id: \"ID\") {{ name }} }}"),
                format!("{{ {many}(where: {{ id: {{ eq: \"ID\" }} }}) {{ totalCount nodes {{ id }} }} }}"),
                format!("{{ books(where: {{ {one}: {{ eq: \"ID\" }} }}) {{ totalCount }} }}"),
                "{ node(id: \"ID\") { id } }".to_owned(),
                format!("mutation {{ update{type_name}(id: \"ID\", set: {{ name: \"x\" }}) {{ id }} }}"),
                format!(
                    "mutation {{ update{plural}(where: {{ id: {{ eq: \"ID\" }} }}, set: {{ name: \"x\" }}) {{ count }} }}"
                ),
                format!("mutation {{ upsert{type_name}(input: {{ id: \"ID\", name: \"x\" }}) {{ id }} }}"),
                format!("mutation {{ upsert{plural}(input: [{{ id: \"ID\", name: \"x\" }}]) {{ count }} }}"),
                format!("mutation {{ delete{type_name}(id: \"ID\") {{ id }} }}"),
                format!("mutation {{ delete{plural}(where: {{ id: {{ eq: \"ID\" }} }}) {{ count }} }}"),
                format!(
                    "mutation {{ createBook(input: {{ title: \"u\", {one}: {{ connect: \"ID\" }} }}) {{ id }} }}"
                ),
                format!(
                    "mutation {{ updateBook(id: \"1\", set: {{ {one}: {{ connect: \"ID\" }} }}) {{ id }} }}"
                ),
            ] {
                if one == "box" && query.contains("upsert") {
                    continue;
                }
                let ask = async |id: &str| masked(&anyone.graphql(&query.replace("ID", id)).await, id);
                let (there, gone) = (ask(hidden).await, ask(nowhere).await);
                assert_eq!(there, gone, "{query}");
            }
            let kept = app.admin().get(&format!("{list}/{hidden}")).await.good().json();
            assert_eq!(kept, row, "nothing of it was changed");
        }
        let left = app.anyone().get("/v1/books").await.good().json();
        assert_eq!(left["data"].as_array().unwrap().len(), 1, "no book was made: {left}");
    });
}

/// The name as types have it.
fn capital(name: &str) -> String {
    name[..1].to_uppercase() + &name[1..]
}

#[test]
fn what_the_program_keeps_of_a_row_is_not_for_others_to_write() {
    both(SHELVES, async |app| {
        let anyone = app.anyone();
        for (field, value) in [
            ("createdAt", json!("2020-01-01T00:00:00Z")),
            ("updatedAt", json!("2020-01-01T00:00:00Z")),
            ("deletedAt", json!("2020-01-01T00:00:00Z")),
            ("deletedAt", json!(null)),
            ("version", json!(7)),
        ] {
            let row = json!({ "title": "t", field: value });
            for body in [row.clone(), json!([row])] {
                let reply = anyone.post("/v1/books", body).await;
                assert!([400, 403, 422].contains(&reply.status), "{}", reply.whole());
                let _ = reply.says(field);
            }
            for create in [
                "mutation($row: BookCreate!) { createBook(input: $row) { id } }",
                "mutation($row: BookCreate!) { createBooks(input: [$row]) { count } }",
            ] {
                let reply = anyone.graphql_with(create, json!({ "row": row })).await;
                assert_eq!(reply.errors().len(), 1, "{}", reply.whole());
                let _ = reply.says(field);
            }
            let literal =
                format!("mutation {{ createBook(input: {{ title: \"t\", {field}: {value} }}) {{ id }} }}");
            assert!(!anyone.graphql(&literal).await.errors().is_empty());
        }
        assert_eq!(anyone.graphql("{ books { totalCount } }").await.data()["books"]["totalCount"], 0);
    });
}
