//! What a refusal tells: where the mistake is, and nothing about what the caller may not see.

use harness::{App, Backend, Value, both, json, runtime};

const BOOKS: &str = r#"
type Book @model(id: CLIENT) @allow(to: [ALL], role: "anyone") {
  title: String! @unique
  n: Int
  price: Float
  secret: String @allow(to: [READ], role: "admin")
  shelf: Shelf
}

type Shelf @model(id: SERIAL) @allow(to: [READ], role: "admin") {
  name: String!
}
"#;

/// The places a refusal names: the parameter, or the pointer into the body.
fn places(reply: &Value, member: &str) -> Vec<String> {
    let errors = reply["errors"].as_array().cloned().unwrap_or_default();
    errors.iter().map(|error| error[member].as_str().unwrap_or_default().to_owned()).collect()
}

#[test]
fn what_is_hidden_is_refused_as_what_is_not_there() {
    both(BOOKS, async |app| {
        let anyone = app.anyone().with("x-request-id", "same");
        for path in [
            "/v1/books?NAME=x",
            "/v1/books?NAME[gt]=x",
            "/v1/books?NAME[like]=x",
            "/v1/books?NAME.some.title=x",
            "/v1/books?NAMECount=1",
            "/v1/books?fields=NAME",
            "/v1/books?fields=NAME.id",
            "/v1/books?expand=NAME",
            "/v1/books?expand=NAME.shelf",
            "/v1/books?sort=NAME",
            "/v1/books?sort=NAME.name",
            "/v1/books?where={\"NAME\":{\"eq\":\"x\"}}",
            "/v1/books/1?fields=NAME",
            "/v1/books/1?NAME=x",
            "/v1/books/1/NAME",
            "/v1/books/aggregate?group=NAME",
            "/v1/books/aggregate?group=NAME&expand=NAME.x",
            "/v1/books/aggregate?sum=NAME",
            "/v1/books/aggregate?max=NAME",
            "/v1/books/aggregate?having[max][NAME][gt]=1",
        ] {
            let ask = async |name: &str| {
                let reply = anyone.get(&path.replace("NAME", name)).await;
                assert!((400..500).contains(&reply.status), "{}", reply.whole());
                (reply.status, reply.text().replace(name, "NAME"))
            };
            let strange = ask("qqqqqq").await;
            assert_eq!(ask("secret").await, strange, "{path}");
            assert_eq!(ask("shelf").await, strange, "{path}");
            // And it is there for those who may see it.
            let _ = app.admin().get("/v1/books?fields=secret,shelf&secret=x").await.good();
        }
    });
}

#[test]
fn production_suggests_no_names() {
    for backend in Backend::available() {
        runtime::block_on(async {
            let app = App::with(backend, BOOKS).flags(&["--production"]).start().await;
            let _ = app.anyone().post("/v1/books", json!({ "id": "1", "title": "a" })).await.is(201);
            for path in [
                "/v1/book",
                "/v1/zzzzzz",
                "/v1/books?titel=x",
                "/v1/books?n[eg]=x",
                "/v1/books?fields=titel",
                "/v1/books?expand=titel",
                "/v1/books?sort=titel",
                "/v1/books?where={\"titel\":{\"eq\":1}}",
                "/v1/books/1?field=x",
                "/v1/books/1/titel",
                "/v1/books/aggregate?group=titel",
                "/v1/books/aggregate?sum=titel",
                "/v1/books/aggregate?group=createdAt:mont",
            ] {
                let reply = app.anyone().get(path).await;
                assert!((400..500).contains(&reply.status), "{}", reply.whole());
                let text = reply.text().to_lowercase();
                assert!(!text.contains("did you mean") && !text.contains("possible here"), "{path}: {text}");
                assert!(!text.contains("`title`"), "{path}: {text}");
            }
            let reply =
                app.anyone().post("/v1/books", json!({ "id": "2", "title": "b", "titel": 1 })).await.is(400);
            assert!(!reply.text().contains("`title`"), "{}", reply.whole());
        });
        runtime::block_on(async {
            let suggesting = [("LAUNCHWAY_GRAPHQL__SUGGESTIONS", "true")];
            let builder = App::with(backend, BOOKS).flags(&["--production"]);
            let app =
                suggesting.iter().fold(builder, |app, (name, value)| app.env(name, value)).start().await;
            let _ = app.anyone().get("/v1/books?titel=x").await.is(400).says("did you mean `title`?");
        });
    }
}

#[test]
fn production_tells_strangers_nothing_about_itself() {
    for backend in Backend::available() {
        runtime::block_on(async {
            println!("on {backend:?}");
            let app = App::with(backend, BOOKS).flags(&["--production"]).start().await;
            let anyone = app.anyone();
            // The schema, in whatever form.
            for query in [
                "{ __schema { types { name } } }",
                "{ __type(name: \"Book\") { fields { name } } }",
                "{ books { totalCount } __schema { queryType { name } } }",
                "{ ...All } fragment All on Query { __schema { types { name } } }",
            ] {
                let reply = anyone.graphql(query).await;
                assert!(!reply.errors().is_empty(), "{}", reply.whole());
                assert!(reply.json()["data"].is_null(), "{}", reply.whole());
                assert!(!reply.text().contains("Shelf"), "{}", reply.whole());
            }
            // A mistake is told, and what would be right is not.
            for (query, names) in [
                ("{ boks { id } }", &["books", "book"][..]),
                ("{ books { nodes { titel } } }", &["title"]),
                ("{ books(wher: {}) { totalCount } }", &["where"]),
                ("{ books(where: { titel: { eq: \"a\" } }) { totalCount } }", &["title"]),
                (
                    "{ books(where: { title: { eqq: \"a\" } }) { totalCount } }",
                    &["startsWith", "`eq`", "\"eq\""],
                ),
                ("{ books(orderBy: [{ title: ASCC }]) { totalCount } }", &["DESC", "\"ASC\"", "`ASC`"]),
                ("{ books(orderBy: [{ titel: ASC }]) { totalCount } }", &["title"]),
                ("mutation { createBok(input: { id: \"1\" }) { id } }", &["createBook"]),
                (
                    "mutation { createBook(input: { id: \"1\", titel: \"a\" }) { id } }",
                    &["\"title\"", "`title`"],
                ),
                ("query($w: BookWher) { books(where: $w) { totalCount } }", &["BookWhere"]),
                ("{ node(id: \"x\") { ... on Bok { id } } }", &["Book"]),
                ("{ books @skp(if: true) { totalCount } }", &["skip"]),
            ] {
                let reply = anyone.graphql(query).await;
                assert!(!reply.errors().is_empty(), "{}", reply.whole());
                let text = reply.text().replace("field \"books\"", "").replace("type \"Book\"", "");
                let text = text.replace("`createBook`", "").replace("\"createBook\"", "");
                for name in names {
                    assert!(!text.contains(name), "{name:?} for {query}: {}", reply.whole());
                }
                let text = text.to_lowercase();
                assert!(!text.contains("did you mean") && !text.contains("possible"), "{}", reply.whole());
            }
            let variables = json!({ "w": { "titel": { "eq": "a" } }, "o": "ASCC" });
            let query = "query($w: BookWhere, $o: OrderDirection!) { books(where: $w, orderBy: [{ title: $o }]) { totalCount } }";
            let reply = anyone.graphql_with(query, variables).await;
            assert!(!reply.errors().is_empty(), "{}", reply.whole());
            for name in ["title", "DESC", "did you mean"] {
                assert!(!reply.text().contains(name), "{name}: {}", reply.whole());
            }
            // Nor is there a page to try things on.
            for accept in ["text/html", "text/html,application/xhtml+xml,*/*;q=0.8"] {
                let reply = anyone.with("accept", accept).get("/graphql").await;
                assert!((400..500).contains(&reply.status), "{}", reply.whole());
                assert_ne!(reply.media_type(), "text/html", "{}", reply.whole());
                assert!(!reply.text().to_lowercase().contains("<html"), "{}", reply.whole());
            }
            let canary = anyone.with("cookie", "canary=c4n4ry");
            for path in ["/", "/graphql", "/v1/books", "/v1/books/1", "/metrics", "/healthz"] {
                let reply = canary.send("TRACE", path, None).await.is(405);
                assert!(
                    !reply.text().contains("c4n4ry") && !reply.header("allow").contains("TRACE"),
                    "{}",
                    reply.whole()
                );
            }
            // Numbers are for this machine: who comes through a proxy is from elsewhere, whatever it says.
            let _ = anyone.get("/metrics").await.is(200);
            for (name, value) in [
                ("x-forwarded-for", "203.0.113.7"),
                ("x-forwarded-for", "127.0.0.1"),
                ("forwarded", "for=127.0.0.1"),
            ] {
                let reply = anyone.with(name, value).get("/metrics").await.is(401).fails("UNAUTHENTICATED");
                assert!(!reply.text().contains("http_server"), "{}", reply.whole());
            }
            let _ = app.admin().with("x-forwarded-for", "203.0.113.7").get("/metrics").await.is(200);
        });
    }
}

#[test]
fn mistakes_in_a_query_string_name_the_parameter() {
    both(BOOKS, async |app| {
        let _ = app.anyone().post("/v1/books", json!({ "id": "1", "title": "a", "n": 1 })).await.is(201);
        for (path, parameter) in [
            ("/v1/books?sort=titel", "sort"),
            ("/v1/books?n=abc", "n"),
            ("/v1/books?n[gt]=1&n[lt]=abc", "n[lt]"),
            ("/v1/books?n[in]=1,abc", "n[in]"),
            ("/v1/books?titel=a", "titel"),
            ("/v1/books?n=abc&where={\"title\":{\"eq\":\"a\"}}", "n"),
            ("/v1/books?n=1&where={\"titel\":{\"eq\":\"a\"}}", "where"),
            ("/v1/books?where={\"n\":{\"eq\":\"a\"}}", "where"),
            ("/v1/books?limit=x", "limit"),
            ("/v1/books?fields=titel", "fields"),
            ("/v1/books?fields[]=titel", "fields[]"),
            ("/v1/books?expand=titel", "expand"),
            ("/v1/books?after=x", "after"),
            ("/v1/books/1?fields=titel", "fields"),
            ("/v1/books/aggregate?group=titel", "group"),
            ("/v1/books/aggregate?sort=titel", "sort"),
            ("/v1/books/aggregate?having[count][gt]=x", "having[count][gt]"),
        ] {
            let reply = app.anyone().get(path).await;
            assert!([400, 422].contains(&reply.status), "{}", reply.whole());
            assert_eq!(places(&reply.json(), "parameter"), [parameter], "{path}: {}", reply.whole());
            assert_eq!(places(&reply.json(), "pointer"), [""], "{path}");
        }
        let refused = app.anyone().json("PATCH", "/v1/books?n=abc", json!({ "title": "b" })).await.is(422);
        assert_eq!(places(&refused.json(), "parameter"), ["n"]);
        let refused = app.anyone().json("PATCH", "/v1/books?n=1", json!({ "n": "b" })).await.is(422);
        assert_eq!(places(&refused.json(), "pointer"), ["#/n"]);
        let refused = app.anyone().delete("/v1/books?n=abc").await.is(422);
        assert_eq!(places(&refused.json(), "parameter"), ["n"]);
        let refused =
            app.anyone().post("/v1/books?fields=x", json!({ "id": "3", "title": "c" })).await.is(400);
        assert_eq!(places(&refused.json(), "parameter"), ["fields"]);
    });
}

#[test]
fn mistakes_in_a_body_name_the_row_and_the_field() {
    both(BOOKS, async |app| {
        let anyone = app.anyone();
        for (body, pointers) in [
            (json!({ "id": "1", "title": 1 }), &["#/title"][..]),
            (json!([{ "id": "1", "title": 1 }]), &["#/0/title"]),
            (json!([{ "id": "1", "title": "a" }, { "id": "2", "title": 1 }]), &["#/1/title"]),
            (json!([{ "id": "1", "title": 2 }, { "id": "2", "title": 1 }]), &["#/0/title", "#/1/title"]),
            (json!([{ "id": "1", "title": "a" }, 7]), &["#/1"]),
        ] {
            let refused = anyone.post("/v1/books", body.clone()).await;
            assert!([400, 422].contains(&refused.status), "{}", refused.whole());
            assert_eq!(places(&refused.json(), "pointer"), pointers, "{body}");
        }
        let _ = anyone.post("/v1/books", json!({ "id": "old", "title": "old" })).await.is(201);
        let row = |id: &str, title: &str| json!({ "id": id, "title": title });
        for (body, pointer) in [
            (json!([row("1", "a"), row("2", "b"), row("3", "a")]), "#/2/title"),
            (json!([row("1", "a"), row("1", "b")]), "#/1/id"),
            (json!([row("1", "a"), row("2", "old"), row("3", "c")]), "#/1/title"),
            (json!([row("1", "a"), row("2", "b"), row("old", "c")]), "#/2/id"),
            (json!([row("old", "a")]), "#/0/id"),
            (row("old", "a"), "#/id"),
        ] {
            let refused = anyone.post("/v1/books", body.clone()).await.is(409).fails("UNIQUE_VIOLATION");
            assert_eq!(places(&refused.json(), "pointer"), [pointer], "{body}");
        }
    });
}
