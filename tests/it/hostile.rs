//! Requests nobody means well with: each gets an answer, and the program is still there afterwards.

use std::time::{Duration, Instant};

use harness::app::ADMIN_KEY;
use harness::raw::{self, Wire};
use harness::{App, Backend, STORE, both, json, model, runtime};

/// The program answers a decent request, and has not grown by much.
async fn alive(app: &App) {
    let _ = app.anyone().graphql("{ __typename genres { totalCount } }").await.good();
    app.no_panic();
}

async fn refused(app: &App, what: &str, body: Vec<u8>) {
    let reply =
        app.anyone().with("content-type", "application/json").send("POST", "/graphql", Some(body)).await;
    assert!(
        (400..500).contains(&reply.status) || reply.json().get("errors").is_some(),
        "{what}: {}",
        reply.whole()
    );
    assert!(reply.text().len() < 20_000, "{what}: an answer of {} bytes", reply.text().len());
    alive(app).await;
}

fn graphql(query: &str) -> Vec<u8> {
    json!({ "query": query }).to_string().into_bytes()
}

#[test]
fn nesting_of_every_kind_is_refused_before_it_hurts() {
    STORE.both(async |app| {
        for levels in [100, 1_000, 1_230, 1_554, 3_000, 3_950, 10_000] {
            let lists = format!("{{ tracks(first: {}1{}) {{ totalCount }} }}", "[".repeat(levels), "]".repeat(levels));
            let objects = format!("{{ tracks(where: {}1{}) {{ totalCount }} }}", "{ not: ".repeat(levels), " }".repeat(levels));
            let selections = format!("{}id{}", "{ tracks ".repeat(levels), " }".repeat(levels));
            let types = format!("query($a: {}Int{}) {{ __typename }}", "[".repeat(levels), "]".repeat(levels));
            let open = format!("{{ tracks(first: {}", "[".repeat(levels));
            let fragments = format!("{{ {} __typename {} }}", "... on Query {".repeat(levels), "}".repeat(levels));
            for query in [lists, objects, selections, types, open, fragments] {
                refused(app, &format!("{levels} levels of {}", &query[..20]), graphql(&query)).await;
            }
            let variables = format!("{{\"query\":\"query($w: TrackWhere) {{ tracks(where: $w) {{ totalCount }} }}\",\"variables\":{{\"w\":{}1{}}}}}", "{\"not\":".repeat(levels), "}".repeat(levels));
            refused(app, &format!("{levels} levels of variables"), variables.into_bytes()).await;
        }
    });
}

#[test]
fn the_same_in_rest() {
    STORE.both(async |app| {
        for levels in [100, 10_000] {
            let body = format!("{}1{}", "[".repeat(levels), "]".repeat(levels));
            let reply = app
                .admin()
                .with("content-type", "application/json")
                .send("POST", "/v1/artists", Some(body.into_bytes()))
                .await;
            assert!([400, 413, 422].contains(&reply.status), "{}", reply.whole());
            let condition =
                format!("{}1{}", "%7B%22not%22%3A".repeat(levels.min(500)), "%7D".repeat(levels.min(500)));
            let reply = app.anyone().get(&format!("/v1/tracks?where={condition}")).await;
            assert!([400, 414, 422, 431].contains(&reply.status), "{}", reply.whole());
        }
        let deep = format!("/v1/tracks?{}name=x", "album.tracks.some.".repeat(300));
        let reply = app.anyone().get(&deep).await;
        assert!((400..500).contains(&reply.status), "{}", reply.whole());
        let expand = format!("/v1/tracks?expand={}album", "album.tracks.".repeat(100));
        let reply = app.anyone().get(&expand).await;
        assert!((400..500).contains(&reply.status), "{}", reply.whole());
        alive(app).await;
    });
}

#[test]
fn width_of_every_kind_is_refused() {
    STORE.both(async |app| {
        let aliases: String = (0..1_000).map(|n| format!("a{n}: tracks {{ nodes {{ name }} }} ")).collect();
        refused(app, "aliases", graphql(&format!("{{ {aliases} }}"))).await;
        let fields: String = (0..5_000).map(|n| format!("n{n}: name ")).collect();
        refused(app, "fields", graphql(&format!("{{ tracks {{ nodes {{ {fields} }} }} }}"))).await;
        refused(app, "directives", graphql(&format!("{{ __typename {} }}", "@skip(if: false) ".repeat(3_000)))).await;
        let conditions: Vec<String> = (0..5_000).map(|n| format!("{{ position: {{ eq: {n} }} }}")).collect();
        refused(app, "conditions", graphql(&format!("{{ tracks(where: {{ or: [{}] }}) {{ totalCount }} }}", conditions.join(" ")))).await;
        let wide = "{ artists(first: 100) { nodes { albums(first: 100) { nodes { tracks(first: 100) { nodes { album { tracks(first: 100) { nodes { name } } } } } } } } } }";
        let reply = app.anyone().graphql(wide).await.fails("LIMIT_EXCEEDED");
        assert!(reply.status < 500);
        let list: Vec<u32> = (0..100_000).collect();
        let query = "query($p: [Int!]) { tracks(where: { position: { in: $p } }) { totalCount } }";
        refused(app, "a long list", json!({ "query": query, "variables": { "p": list } }).to_string().into_bytes()).await;
        let batch: Vec<_> = (0..1_000).map(|_| json!({ "query": "{ __typename }" })).collect();
        refused(app, "a batch", json!(batch).to_string().into_bytes()).await;
    });
}

#[test]
fn fragments_that_go_in_circles_or_explode_are_refused() {
    STORE.both(async |app| {
        refused(app, "a circle", graphql("{ ...A } fragment A on Query { ...B } fragment B on Query { ...A }")).await;
        let mut bomb = String::from("{ tracks { nodes { ...F0 } } } ");
        for n in 0..25 {
            bomb.push_str(&format!("fragment F{n} on Track {{ a{n}: album {{ tracks {{ nodes {{ ...F{} }} }} }} b{n}: album {{ tracks {{ nodes {{ ...F{} }} }} }} }} ", n + 1, n + 1));
        }
        bomb.push_str("fragment F25 on Track { name }");
        let started = Instant::now();
        refused(app, "a bomb", graphql(&bomb)).await;
        let mut flat = String::from("{ ...G0 } ");
        for n in 0..30 {
            flat.push_str(&format!("fragment G{n} on Query {{ ...G{} ...G{} }} ", n + 1, n + 1));
        }
        flat.push_str("fragment G30 on Query { nothing }");
        refused(app, "a flat bomb", graphql(&flat)).await;
        assert!(started.elapsed() < Duration::from_secs(10));
    });
}

#[test]
fn bytes_that_are_no_text_and_text_that_is_no_json() {
    STORE.both(async |app| {
        for body in [
            b"".to_vec(),
            b"{".to_vec(),
            b"null".to_vec(),
            b"[]".to_vec(),
            b"5".to_vec(),
            b"{\"query\": 5}".to_vec(),
            b"{\"query\": \"{ __typename }\", \"variables\": 5}".to_vec(),
            b"{\"query\": null}".to_vec(),
            b"{\"query\": \"\"}".to_vec(),
            b"\xff\xfe\x00".to_vec(),
            b"{\"query\": \"{ tracks(where: { name: { eq: \\\"\xff\\\" } }) { totalCount } }\"}".to_vec(),
            b"{\"query\": \"\\ud800\"}".to_vec(),
            graphql("{ tracks(where: { name: { eq: \"\u{0}\" } }) { totalCount } }"),
            graphql("{ tracks(where: { name: { eq: \"\\u0000\" } }) { totalCount } }"),
            graphql("query { tracks(first: 99999999999999999999999999) { totalCount } }"),
            graphql("\u{feff}\u{202e}{"),
        ] {
            refused(app, &String::from_utf8_lossy(&body), body.clone()).await;
        }
        for path in [
            "/v1/tracks?name=%00",
            "/v1/tracks?name=%ff",
            "/v1/tracks?name=%",
            "/v1/%ff",
            "/v1/tracks/%00",
            "/v1/tracks?position=99999999999999999999",
            "/v1/tracks?[]=1",
            "/v1/tracks?name[=x",
            "/v1/tracks?=x",
        ] {
            let reply = app.anyone().get(path).await;
            assert!((400..500).contains(&reply.status), "{path}: {}", reply.whole());
        }
        alive(app).await;
    });
}

#[test]
fn names_and_values_never_become_sql() {
    STORE.both(async |app| {
        for text in
            ["'; drop table tracks; --", "\" or 1=1 --", "$1", "?1", "{}", "%s", "\\", "' || (select 1) || '"]
        {
            let found = app
                .anyone()
                .graphql_with(
                    "query($t: String) { tracks(where: { name: { contains: $t } }) { totalCount } }",
                    json!({ "t": text }),
                )
                .await;
            let expected = if text == "\\" { 1 } else { 0 };
            assert_eq!(found.data()["tracks"]["totalCount"], expected, "{text}");
            let encoded: String = text.bytes().map(|byte| format!("%{byte:02X}")).collect();
            for parameter in [
                format!("sort={encoded}"),
                format!("fields={encoded}"),
                format!("{encoded}=1"),
                format!("expand={encoded}"),
            ] {
                let reply = app.anyone().get(&format!("/v1/tracks?{parameter}")).await;
                assert!((400..500).contains(&reply.status), "{parameter}: {}", reply.whole());
            }
        }
        alive(app).await;
    });
}

#[test]
fn large_bodies_are_cut_off_whether_they_say_their_length_or_not() {
    STORE.both(async |app| {
        let memory = app.memory();
        for path in ["/graphql", "/v1/artists"] {
            // 100 MB announced: refused without reading them all.
            let mut wire = Wire::open(app.address()).await;
            let head = format!("POST {path} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 100000000\r\nauthorization: Bearer {ADMIN_KEY}\r\nconnection: close\r\n\r\n");
            assert!(wire.write(head.as_bytes()).await);
            let answer = wire.read(Duration::from_secs(10)).await;
            assert_eq!(raw::status(&answer), 413, "{answer}");
            // In chunks without a length: counted while they come.
            let mut wire = Wire::open(app.address()).await;
            let head = format!("POST {path} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\nauthorization: Bearer {ADMIN_KEY}\r\nconnection: close\r\n\r\n");
            assert!(wire.write(head.as_bytes()).await);
            let chunk = [b"10000\r\n".as_slice(), &vec![b' '; 0x10000], b"\r\n"].concat();
            for _ in 0..1_600 {
                if !wire.write(&chunk).await {
                    break;
                }
            }
            let answer = wire.read(Duration::from_secs(10)).await;
            // The answer may be lost when the connection is reset under what we still write; then it must be closed.
            assert!(answer.is_empty() || raw::status(&answer) == 413, "{answer}");
        }
        alive(app).await;
        assert!(app.memory() < memory + 60 * 1024 * 1024, "{memory} → {} bytes", app.memory());
    });
}

#[test]
fn malformed_http_gets_an_answer_or_a_closed_connection() {
    STORE.both(async |app| {
        for request in [
            b"\x16\x03\x01\x02\x00\x01\x00".as_slice(),
            b"NONSENSE\r\n\r\n",
            b"GET / HTTP/9.9\r\n\r\n",
            b"GET /v1/tracks HTTP/1.1\r\nhost: x\r\ncontent-length: -1\r\n\r\n",
            b"POST /graphql HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
            b"GET /v1/tracks HTTP/1.1\r\nhost: x\r\nbroken header\r\n\r\n",
            b"GET /v1/tracks HTTP/1.1\r\nconnection: close\r\n\r\n",
        ] {
            let mut wire = Wire::open(app.address()).await;
            let _ = wire.write(request).await;
            let answer = wire.read(Duration::from_secs(2)).await;
            assert!(answer.is_empty() || raw::status(&answer) >= 200 && raw::status(&answer) < 500, "{answer}");
        }
        let long = format!("GET /v1/tracks?x={} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n", "a".repeat(1_000_000));
        let answer = raw::send(app.address(), long.as_bytes()).await;
        assert!(answer.is_empty() || (400..500).contains(&raw::status(&answer)), "{answer}");
        let headers: String = (0..2_000).map(|n| format!("x-{n}: y\r\n")).collect();
        let many = format!("GET /v1/genres HTTP/1.1\r\nhost: x\r\n{headers}connection: close\r\n\r\n");
        let answer = raw::send(app.address(), many.as_bytes()).await;
        assert!(answer.is_empty() || (400..500).contains(&raw::status(&answer)), "{answer}");
        alive(app).await;
    });
}

#[test]
fn slow_clients_are_hung_up_on_and_do_not_keep_others_out() {
    for backend in Backend::available() {
        runtime::block_on(async {
            let app = App::with(backend, &model::text("store"))
                .env("LAUNCHWAY_LIMITS__HEADER_TIMEOUT", "1s")
                .env("LAUNCHWAY_LIMITS__BODY_TIMEOUT", "1s")
                .start()
                .await;
            let mut slow = Vec::new();
            for index in 0..100 {
                let mut wire = Wire::open(app.address()).await;
                let begin: &[u8] = if index % 2 == 0 {
                    b"GET /v1/tracks HTTP/1.1\r\nhost: x\r\nx-slow: "
                } else {
                    b"POST /graphql HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 1000\r\n\r\n{"
                };
                let _ = wire.write(begin).await;
                slow.push(wire);
            }
            let asked = Instant::now();
            alive(&app).await;
            assert!(asked.elapsed() < Duration::from_secs(2), "{:?}", asked.elapsed());
            let closing = slow.iter_mut().map(|wire| wire.closes(Duration::from_secs(15)));
            let closed = futures::future::join_all(closing).await;
            assert!(
                closed.iter().all(|closed| *closed),
                "{} of 100 still open",
                closed.iter().filter(|closed| !**closed).count()
            );
        });
    }
}

#[test]
fn a_batch_has_ten_operations_at_most_whatever_is_set() {
    for backend in Backend::available() {
        runtime::block_on(async {
            let app =
                App::with(backend, &model::text("store")).env("LAUNCHWAY_GRAPHQL__BATCH", "50").start().await;
            let batch = |length: usize| json!(vec![json!({ "query": "{ __typename }" }); length]);
            let ten = app.anyone().post("/graphql", batch(10)).await.is(200);
            assert_eq!(ten.json(), json!(vec![json!({ "data": { "__typename": "Query" } }); 10]));
            let _ = app.anyone().post("/graphql", batch(11)).await.is(422).fails("LIMIT_EXCEEDED");
        });
    }
}

#[test]
fn what_is_too_much_costs_no_statement() {
    const LIMIT: &str = "LIMIT_EXCEEDED";
    STORE.fresh(async |app| {
        let aliases = |count: usize| {
            let fields: String = (0..count).map(|n| format!("a{n}: genres {{ totalCount }} ")).collect();
            json!({ "query": format!("{{ {fields} }}") })
        };
        let list = |length: usize| {
            let query = "query($p: [Int!]) { tracks(where: { position: { in: $p } }) { totalCount } }";
            json!({ "query": query, "variables": { "p": (0..length).collect::<Vec<_>>() } })
        };
        let pages = "{ artists(first: 100) { nodes { albums(first: 100) { nodes { tracks(first: 100) { nodes { name } } } } } } }";
        let deep = |levels: usize| {
            let query = format!("{{ tracks {{ nodes {{ {}name{} }} }} }}", "album { tracks(first: 1) { nodes { ".repeat(levels), " } } }".repeat(levels));
            json!({ "query": query })
        };
        let brackets = format!("{{ genres(where: {}{}) {{ totalCount }} }}", "{ not: ".repeat(65), " }".repeat(65));
        for executor in ["fast", "resolvers"] {
            let anyone = app.anyone().with("x-launchway-executor", executor);
            for (what, body, code) in [
                ("page sizes", json!({ "query": pages }), LIMIT),
                ("aliases", aliases(201), LIMIT),
                ("levels of selections", deep(6), LIMIT),
                ("brackets", json!({ "query": brackets }), LIMIT),
                ("a page", json!({ "query": "{ tracks(first: 100000) { totalCount } }" }), "PAGE_TOO_LARGE"),
                ("a list", list(5_001), LIMIT),
            ] {
                let (reply, statements) = app.statements_during(anyone.post("/graphql", body)).await;
                let _ = reply.fails(code);
                assert_eq!(statements.unwrap_or_default(), Vec::<String>::new(), "{what} of the {executor} one");
            }
            // What is just not too much is answered, and is counted.
            for (what, body) in [("aliases", aliases(200)), ("levels", deep(5)), ("a list", list(5_000))] {
                let (reply, statements) = app.statements_during(anyone.post("/graphql", body)).await;
                let _ = reply.good();
                assert!(statements.is_none_or(|statements| !statements.is_empty()), "{what} of the {executor} one");
            }
        }
        let expanded = "/v1/artists?expand=albums.tracks";
        for (parameters, code) in [
            ("&limit=100&limit[albums]=100&limit[albums.tracks]=100", LIMIT),
            ("&limit=1&limit[albums]=100000", "PAGE_TOO_LARGE"),
            ("&limit=1&limit[albums.tracks]=100000", "PAGE_TOO_LARGE"),
            ("&limit=100000", "PAGE_TOO_LARGE"),
        ] {
            let path = format!("{expanded}{parameters}");
            let (reply, statements) = app.statements_during(app.anyone().get(&path)).await;
            let _ = reply.fails(code);
            assert_eq!(statements.unwrap_or_default(), Vec::<String>::new(), "{path}");
        }
        let path = format!("{expanded}&limit=10&limit[albums]=10&limit[albums.tracks]=10");
        let (reply, statements) = app.statements_during(app.anyone().get(&path)).await;
        let _ = reply.good();
        assert!(statements.is_none_or(|statements| !statements.is_empty()), "{path}");
    });
}

#[test]
fn twenty_endless_uploads_at_once_are_not_kept_in_memory() {
    STORE.fresh(async |app| {
        let before = app.most_memory();
        let chunk = [b"10000\r\n".as_slice(), &vec![b' '; 0x10000], b"\r\n"].concat();
        let upload = async |path: &str| {
            let mut wire = Wire::open(app.address()).await;
            let head = format!("POST {path} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\nauthorization: Bearer {ADMIN_KEY}\r\nconnection: close\r\n\r\n");
            assert!(wire.write(head.as_bytes()).await);
            // 100 MB, or as much as is taken.
            let mut taken = 0;
            while taken < 1_600 && wire.write(&chunk).await {
                taken += 1;
            }
            let answer = wire.read(Duration::from_secs(30)).await;
            assert!(answer.is_empty() || raw::status(&answer) == 413, "{answer}");
            taken
        };
        let paths = ["/graphql", "/v1/artists"].into_iter().cycle().take(20);
        let taken = futures::future::join_all(paths.map(upload)).await;
        assert!(taken.iter().all(|chunks| *chunks > 16), "they were let in: {taken:?}");
        alive(app).await;
        let grown = app.most_memory().saturating_sub(before);
        assert!(grown < 64 * 1024 * 1024, "{grown} bytes more");
    });
}

#[test]
fn a_key_or_an_argument_that_is_there_twice_is_refused() {
    let model = "type Cup @model @allow(to: [ALL], role: \"anyone\") { size: Int }";
    both(model, async |app| {
        let anyone = app.anyone().with("content-type", "application/json");
        let query = "query($w: CupWhere) { cups(where: $w) { totalCount } }";
        for body in [
            "{\"query\":\"{ __typename }\",\"query\":\"{ cups { totalCount } }\"}".to_owned(),
            "{\"query\":\"{ __typename }\",\"variables\":{},\"variables\":{}}".to_owned(),
            format!("{{\"query\":\"{query}\",\"variables\":{{\"w\":{{}},\"w\":{{\"size\":{{\"eq\":1}}}}}}}}"),
            format!("{{\"query\":\"{query}\",\"variables\":{{\"w\":{{\"size\":{{\"eq\":1,\"eq\":2}}}}}}}}"),
            // The same key spelt in two ways.
            format!(
                "{{\"query\":\"{query}\",\"variables\":{{\"w\":{{\"size\":{{\"eq\":1,\"\\u0065q\":2}}}}}}}}"
            ),
            "{\"query\":\"{ __typename }\",\"extensions\":{\"a\":1,\"a\":2}}".to_owned(),
        ] {
            let reply = anyone.send("POST", "/graphql", Some(body.into_bytes())).await;
            let _ = reply.is(400).fails("BAD_REQUEST").says("twice");
        }
        // Among many keys, too.
        let many: String = (0..100).map(|n| format!("\"k{n}\":1,")).collect();
        let body = format!("{{\"query\":\"{{ __typename }}\",\"variables\":{{{many}\"k7\":2}}}}");
        let _ = anyone.send("POST", "/graphql", Some(body.into_bytes())).await.is(400).says("twice");
        for query in [
            "{ cups(first: 1, first: 2) { totalCount } }",
            "{ cups(where: { size: { eq: 1, eq: 2 } }) { totalCount } }",
            "{ cups(where: { size: { eq: 1 }, size: { eq: 2 } }) { totalCount } }",
            "{ cups(where: { or: [{ size: { eq: 1 }, size: { eq: 2 } }] }) { totalCount } }",
            "mutation { createCup(input: { size: 1, size: 2 }) { id } }",
            "mutation { createCup(input: { size: 1 }, input: { size: 2 }) { id } }",
            "query($w: CupWhere = { size: { eq: 1 }, size: { eq: 2 } }) { cups(where: $w) { totalCount } }",
        ] {
            let typed = app.anyone().with("accept", "application/graphql-response+json");
            let _ = typed.graphql(query).await.is(400).fails("GRAPHQL_VALIDATION_FAILED");
        }
        for (method, path, body) in [
            ("POST", "/v1/cups", "{\"size\":1,\"size\":2}"),
            ("POST", "/v1/cups", "[{\"size\":1},{\"size\":1,\"si\\u007ae\":2}]"),
            ("PUT", "/v1/cups/0190b5a4-7e8f-7c3d-8a21-5f6e7d8c9b0a", "{\"size\":1,\"size\":2}"),
            ("PATCH", "/v1/cups?size=1", "{\"size\":1,\"size\":2}"),
        ] {
            let reply = anyone.send(method, path, Some(body.as_bytes().to_vec())).await;
            let _ = reply.is(400).fails("BAD_REQUEST").says("twice");
        }
        for path in ["/v1/cups?size=1&size=2", "/v1/cups?where={\"size\":{\"eq\":1,\"eq\":2}}"] {
            let reply = app.anyone().get(path).await;
            assert!([400, 422].contains(&reply.status), "{}", reply.whole());
        }
        assert_eq!(app.anyone().graphql("{ cups { totalCount } }").await.data()["cups"]["totalCount"], 0);
    });
}

#[test]
fn the_preface_of_http_2_is_turned_away_at_once() {
    STORE.both(async |app| {
        let settings = b"\0\0\0\x04\0\0\0\0\0";
        for begin in ["", "GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n"] {
            let begun = Instant::now();
            let mut wire = Wire::open(app.address()).await;
            if !begin.is_empty() {
                assert!(wire.write(begin.as_bytes()).await);
                assert!(wire.answer().await.is_some_and(|answer| raw::status(&answer) == 200));
            }
            let _ = wire.write(&[b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".as_slice(), settings].concat()).await;
            let answer = wire.read(Duration::from_secs(20)).await;
            assert!(begun.elapsed() < Duration::from_secs(5), "{:?}: {answer:?}", begun.elapsed());
            assert!(answer.is_empty() || (400..500).contains(&raw::status(&answer)), "{answer:?}");
        }
        // Nor does it change over when it is asked to.
        let asked = b"GET /healthz HTTP/1.1\r\nhost: x\r\nconnection: upgrade, http2-settings, close\r\nupgrade: h2c\r\nhttp2-settings: AAMAAABkAAQAAP__\r\n\r\n";
        let answer = raw::send(app.address(), asked).await;
        assert_eq!(raw::status(&answer), 200, "{answer:?}");
        alive(app).await;
    });
}

#[test]
fn an_address_that_is_not_encoded_is_told_what_to_do() {
    STORE.both(async |app| {
        let mut wire = Wire::open(app.address()).await;
        let request = b"GET /v1/tracks?where={\"name\":{\"eq\":\"x\"}} HTTP/1.1\r\nhost: x\r\n\r\n";
        assert!(wire.write(request).await);
        let answer = wire.read(Duration::from_secs(5)).await;
        assert_eq!(raw::status(&answer), 400, "{answer}");
        assert!(
            answer.contains("application/problem+json") && answer.contains("percent-encoded"),
            "{answer}"
        );
        let mut wire = Wire::open(app.address()).await;
        let request = format!("GET /v1/tracks?name={} HTTP/1.1\r\nhost: x\r\n\r\n", "x".repeat(200_000));
        let _ = wire.write(request.as_bytes()).await;
        let answer = wire.read(Duration::from_secs(5)).await;
        assert!(answer.is_empty() || answer.contains("LIMIT_EXCEEDED"), "{answer}");
        alive(app).await;
    });
}

#[test]
fn a_mutation_over_get_is_refused_whoever_asks() {
    STORE.both(async |app| {
        let path = "/graphql?query=mutation%7BdeleteGenre(id:%221%22)%7Bid%7D%7D";
        for actor in [app.anyone(), app.admin()] {
            let _ = actor.get(path).await.is(405).fails("METHOD_NOT_ALLOWED");
        }
    });
}
