//! The program as a server: health, shutdown, request ids, compression, CORS, and a database that goes away.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use harness::app::ADMIN_KEY;
use harness::raw::Wire;
use harness::{App, Backend, STORE, Value, both, json, model, postgres, runtime};
use sea_orm::ConnectionTrait;

#[test]
fn it_says_how_it_is() {
    STORE.both(async |app| {
        let _ = app.anyone().get("/healthz").await.is(200);
        let _ = app.anyone().get("/readyz").await.is(200);
        let metrics = app.anyone().get("/metrics").await;
        assert_eq!(metrics.status, 200, "{}", metrics.whole());
        assert!(metrics.text().contains("http_server_request_duration_seconds"), "{}", metrics.whole());
        let document = app.anyone().get("/openapi.json").await.good().json();
        assert!(document["openapi"].as_str().unwrap().starts_with("3.1"));
    });
}

#[test]
fn requests_have_ids_timings_and_traces() {
    STORE.both(async |app| {
        let reply = app.anyone().get("/v1/genres").await.good();
        assert!(!reply.header("x-request-id").is_empty(), "{}", reply.whole());
        assert!(reply.header("server-timing").contains("dur="), "{}", reply.whole());
        let missing = app.anyone().with("x-request-id", "my-id-0").get("/v1/nonsense").await;
        assert_eq!(missing.json()["requestId"], "my-id-0", "{}", missing.whole());
        let given = app.anyone().with("x-request-id", "my-id-1").get("/v1/genres").await;
        assert_eq!(given.header("x-request-id"), "my-id-1");
        let hostile = app.anyone().with("x-request-id", &"x".repeat(5_000)).get("/v1/genres").await;
        assert!(hostile.header("x-request-id").len() < 200);
    });
}

#[test]
fn long_answers_are_compressed_when_the_client_can() {
    STORE.both(async |app| {
        for coding in ["gzip", "br", "zstd"] {
            let reply = app.admin().with("accept-encoding", coding).get("/openapi.json").await.is(200);
            assert_eq!(reply.header("content-encoding"), coding);
            assert!(reply.header("vary").to_lowercase().contains("accept-encoding"));
        }
        let plain = app.admin().with("accept-encoding", "identity").get("/openapi.json").await.is(200);
        assert_eq!(plain.header("content-encoding"), "");
    });
}

#[test]
fn other_origins_are_let_in_only_by_name() {
    for backend in Backend::available() {
        runtime::block_on(async {
            let app = App::with(backend, &model::text("store"))
                .env("LAUNCHWAY_CORS__ORIGINS", "[\"https://shop.example\"]")
                .start()
                .await;
            let known = app.anyone().with("origin", "https://shop.example").get("/v1/genres").await;
            assert_eq!(known.header("access-control-allow-origin"), "https://shop.example");
            assert!(known.header("vary").to_lowercase().contains("origin"));
            for origin in ["https://evil.example", "https://shop.example.evil.example", "null", "\u{fc}"] {
                let other = app.anyone().with("origin", origin).get("/v1/genres").await;
                assert_eq!(other.header("access-control-allow-origin"), "", "{origin}");
                assert!(other.header("vary").to_lowercase().contains("origin"), "{origin}");
            }
            let asked = app
                .anyone()
                .with("origin", "https://shop.example")
                .with("access-control-request-method", "PATCH")
                .with("access-control-request-headers", "authorization, content-type")
                .options("/v1/genres/1")
                .await;
            assert!(
                asked.status < 300 && asked.header("access-control-allow-methods").contains("PATCH"),
                "{}",
                asked.whole()
            );
        });
    }
}

#[test]
fn it_finishes_what_it_began_when_told_to_stop() {
    for backend in Backend::available() {
        runtime::block_on(async {
            let mut app = STORE.start(backend).await;
            // A request whose body is on its way when the signal comes.
            let mut wire = Wire::open(app.address()).await;
            let body = json!({ "query": "{ genres { totalCount } }" }).to_string();
            let (head, tail) = body.split_at(10);
            let request = format!(
                "POST /graphql HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{head}",
                body.len()
            );
            assert!(wire.write(request.as_bytes()).await);
            // It is in the program's hands once another request made after it has been answered.
            let _ = app.anyone().get("/healthz").await.is(200);
            app.signal("TERM");
            assert!(wire.write(tail.as_bytes()).await);
            let answer = wire.read(Duration::from_secs(10)).await;
            assert!(answer.replace(' ', "").contains("\"totalCount\":3"), "{answer}");
            assert_eq!(app.ended(Duration::from_secs(15)).await, Some(0), "{}", app.logs());
        });
    }
}

#[test]
fn every_request_that_was_sent_is_answered_when_it_is_told_to_stop() {
    let model = "type Item @model(id: SERIAL) @allow(to: [ALL], role: \"anyone\") { n: Int! }";
    for backend in Backend::available() {
        runtime::block_on(async {
            let mut app = App::start(backend, model).await;
            let address = app.address().to_owned();
            let body = json!({ "n": 1 }).to_string();
            let request = format!(
                "POST /v1/items HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
                body.len()
            );
            let made = std::cell::Cell::new(0);
            let client = async || {
                let mut wire = Wire::open(&address).await;
                loop {
                    assert!(wire.write(request.as_bytes()).await, "the connection was closed without a word");
                    let answer = wire.answer().await.expect("an answer to every request");
                    assert!(answer.starts_with("HTTP/1.1 201"), "{answer}");
                    made.set(made.get() + 1);
                    if answer.to_lowercase().contains("connection: close") {
                        return;
                    }
                }
            };
            // Connections that wait are not hung up on at once either.
            let mut idle = Wire::open(&address).await;
            assert!(idle.write(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n").await);
            assert!(idle.answer().await.is_some());
            let mut quiet = Wire::open(&address).await;
            assert!(quiet.write(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n").await);
            assert!(quiet.answer().await.is_some());
            let stop = async {
                while made.get() < 100 {
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
                app.signal("TERM");
            };
            let clients = futures::future::join_all((0..16).map(|_| client()));
            futures::future::join(clients, stop).await;
            assert!(idle.write(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n").await);
            let last = idle.answer().await.expect("an answer to who comes late");
            assert!(last.to_lowercase().contains("connection: close"), "{last}");
            assert!(quiet.closes(Duration::from_secs(10)).await);
            assert_eq!(app.ended(Duration::from_secs(15)).await, Some(0), "{}", app.logs());
            app.launch().await;
            let data = app.anyone().graphql("{ items { totalCount } }").await.data();
            assert_eq!(data["items"]["totalCount"], made.get());
        });
    }
}

#[test]
fn too_much_is_refused_before_it_is_sent() {
    STORE.both(async |app| {
        let mut wire = Wire::open(app.address()).await;
        let head = format!(
            "POST /v1/genres HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {ADMIN_KEY}\r\ncontent-type: application/json\r\nexpect: 100-continue\r\ncontent-length: 100000000\r\n\r\n"
        );
        assert!(wire.write(head.as_bytes()).await);
        let answer = wire.read(Duration::from_secs(10)).await;
        assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");
        // What is not too much is asked for.
        let mut wire = Wire::open(app.address()).await;
        let body = "{\"query\":\"{__typename}\"}";
        let head = format!(
            "POST /graphql HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\nexpect: 100-continue\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        assert!(wire.write(head.as_bytes()).await);
        assert!(wire.answer().await.is_some_and(|answer| answer.starts_with("HTTP/1.1 100")));
        assert!(wire.write(body.as_bytes()).await);
        assert!(wire.read(Duration::from_secs(10)).await.starts_with("HTTP/1.1 200"));
        let long = format!("/v1/genres?name={}", "x".repeat(17_000));
        let _ = app.anyone().get(&long).await.is(414).fails("QUERY_TOO_LONG");
    });
}

#[test]
fn heads_that_two_readers_may_read_differently_are_refused() {
    let get = "GET /v1/genres HTTP/1.1\r\n";
    let post = "POST /graphql HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n";
    let heads = [
        format!("{get}\r\n"),
        format!("{get}host: a\r\nhost: b\r\n\r\n"),
        format!("{get}host: a\r\nHost: a\r\n\r\n"),
        "GET /v1/genres HTTP/1.1\nhost: x\r\n\r\n".to_owned(),
        format!("{get}host: x\n\r\n"),
        format!("{get}host: x\r\na: b\n\n"),
        format!("{get}host: x\r\n\n"),
        format!("{get}host: x\r\na: b\r\n c\r\n\r\n"),
        format!("{get}host : x\r\n\r\n"),
        format!("{post}content-length: 2\r\ncontent-length: 3\r\n\r\n{{}} "),
        format!("{post}content-length: 2\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n"),
        format!("{post}transfer-encoding: chunked\r\ncontent-length: 5\r\n\r\n0\r\n\r\n"),
        format!("{post}transfer-encoding: chunked, identity\r\n\r\n0\r\n\r\n"),
    ];
    STORE.both(async |app| {
        for head in &heads {
            // Whole, and in two pieces; after a good request on the same connection, too.
            let good = format!("{get}host: x\r\n\r\n");
            for (first, cut) in [("", head.len()), ("", head.len() - 1), ("", head.len() / 2), (good.as_str(), head.len())] {
                let mut wire = Wire::open(app.address()).await;
                if !first.is_empty() {
                    assert!(wire.write(first.as_bytes()).await);
                    assert!(wire.answer().await.is_some_and(|answer| answer.starts_with("HTTP/1.1 200")));
                }
                let (one, other) = head.split_at(cut);
                let _ = wire.write(one.as_bytes()).await;
                tokio::task::yield_now().await;
                let _ = wire.write(other.as_bytes()).await;
                let answer = wire.read(Duration::from_secs(20)).await;
                assert!(answer.starts_with("HTTP/1.1 400"), "{head:?}: {answer}");
                assert!(wire.closes(Duration::from_secs(5)).await, "{head:?}");
            }
        }
        // What is good passes, several at once too.
        let body = "{\"query\":\"{__typename}\"}";
        let good = format!(
            "{get}host: x\r\n\r\n{post}content-length: {}\r\n\r\n{body}{post}transfer-encoding: chunked\r\n\r\n{:x};a=b\r\n{body}\r\n0\r\n\r\nGET /healthz HTTP/1.0\r\n\r\n",
            body.len(),
            body.len(),
        );
        let answer = harness::raw::send(app.address(), good.as_bytes()).await;
        assert_eq!(answer.matches("HTTP/1.1 200").count() + answer.matches("HTTP/1.0 200").count(), 4, "{answer}");
    });
}

#[test]
fn what_was_answered_survives_a_kill() {
    let model = "type Item @model(id: SERIAL) @allow(to: [ALL], role: \"anyone\") { n: Int! }";
    for backend in Backend::available() {
        runtime::block_on(async {
            let mut app = App::start(backend, model).await;
            for n in 0..20 {
                let _ = app.anyone().post("/v1/items", json!({ "n": n })).await.is(201);
            }
            app.stop();
            app.launch().await;
            let data = app.anyone().graphql("{ items { totalCount } }").await.data();
            assert_eq!(data["items"]["totalCount"], 20);
        });
    }
}

#[test]
fn a_database_that_goes_away_is_503_and_comes_back_by_itself() {
    let Some(cluster) = postgres::shared().filter(|cluster| cluster.pid().is_some()) else { return };
    runtime::block_on(async {
        let app = STORE.start(Backend::Postgres).await;
        let name = app.database_name().unwrap();
        cluster.allow_connections(name, false).await;
        cluster.disconnect(name).await;
        let mut away = app.anyone().get("/v1/genres").await;
        for _ in 0..50 {
            if away.status == 503 {
                break;
            }
            away = app.anyone().get("/v1/genres").await;
        }
        assert_eq!(away.status, 503, "{}", away.whole());
        assert!(!away.header("retry-after").is_empty(), "{}", away.whole());
        let _ = away.fails("UNAVAILABLE");
        let _ = app.anyone().graphql("{ genres { totalCount } }").await.fails("UNAVAILABLE");
        let _ = app.anyone().get("/readyz").await.is(503);
        let _ = app.anyone().get("/healthz").await.is(200);
        cluster.allow_connections(name, true).await;
        let mut back = app.anyone().get("/v1/genres").await;
        for _ in 0..200 {
            if back.status == 200 {
                break;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
            back = app.anyone().get("/v1/genres").await;
        }
        let _ = back.good();
    });
}

#[test]
fn a_hundred_clients_at_once_are_all_answered() {
    both("type Item @model(id: SERIAL) @allow(to: [ALL], role: \"anyone\") { n: Int! }", async |app| {
        let anyone = app.anyone();
        let writes = (0..100).map(|n| anyone.post("/v1/items", json!({ "n": n })));
        for reply in futures::future::join_all(writes).await {
            let _ = reply.is(201);
        }
        let reads = (0..100).map(|_| anyone.get("/v1/items?limit=100"));
        for reply in futures::future::join_all(reads).await {
            assert_eq!(reply.good().json()["data"].as_array().unwrap().len(), 100);
        }
    });
}

#[test]
fn a_database_that_is_gone_is_told_at_once_every_time() {
    let setting = postgres::Setting { fsync: false, ..postgres::Setting::default() };
    let Some(cluster) = postgres::Cluster::start(&setting) else { return };
    runtime::block_on(async {
        let name = cluster.create_database().await;
        let model = "type Item @model(id: SERIAL) @allow(to: [ALL], role: \"anyone\") { n: Int! }";
        let app = App::with(Backend::Postgres, model).database(&cluster.url(&name)).start().await;
        let _ = app.anyone().post("/v1/items", json!({ "n": 1 })).await.is(201);
        let pid = cluster.pid().unwrap().to_string();
        // Without waiting for clients, as a crash would.
        assert!(std::process::Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
        let mut reply = app.anyone().get("/v1/items").await;
        for _ in 0..200 {
            if reply.status != 200 {
                break;
            }
            reply = app.anyone().get("/v1/items").await;
        }
        for turn in 0..6 {
            let started = std::time::Instant::now();
            let reply = match turn % 3 {
                0 => app.anyone().get("/v1/items").await.is(503),
                1 => app.anyone().post("/v1/items", json!({ "n": 2 })).await.is(503),
                _ => app.anyone().graphql("{ items { totalCount } }").await,
            };
            let took = started.elapsed();
            assert!(took < Duration::from_secs(2), "{took:?}: {}", reply.whole());
            let _ = reply.fails("UNAVAILABLE").says("can't be reached");
        }
        let reply = app.anyone().get("/v1/items").await;
        assert!(!reply.header("retry-after").is_empty(), "{}", reply.whole());
    });
}

#[test]
fn without_a_cache_of_statements_none_has_a_name() {
    let Some(cluster) = postgres::shared().filter(|cluster| cluster.pid().is_some()) else { return };
    runtime::block_on(async {
        for (cache, named) in [("0", false), ("256", true)] {
            let model = "type Item @model(id: SERIAL) @allow(to: [ALL], role: \"anyone\") { n: Int! }";
            let app = App::with(Backend::Postgres, model)
                .env("LAUNCHWAY_DATABASE__STATEMENT_CACHE", cache)
                .start()
                .await;
            let mark = cluster.mark();
            let _ = app.anyone().post("/v1/items", json!({ "n": 1 })).await.is(201);
            let first = app.anyone().get("/v1/items").await.good().json();
            assert_eq!(app.anyone().get("/v1/items").await.good().json(), first);
            assert_eq!(first["data"][0]["n"], 1);
            let log = cluster.log_since(mark).unwrap();
            let own = format!("{}|", app.database_name().unwrap());
            let lines: Vec<&str> = log.lines().filter(|line| line.starts_with(&own)).collect();
            let unnamed = lines.iter().filter(|line| line.contains("execute <unnamed>: ")).count();
            assert_eq!(lines.iter().any(|line| line.contains("sqlx_s_")), named, "{cache}: {lines:#?}");
            assert!(named || unnamed >= 3, "{cache}: {lines:#?}");
            let executes = lines.iter().filter(|line| line.contains("LOG:  execute ")).count();
            assert!(named || unnamed == executes, "{cache}: {lines:#?}");
        }
    });
}

/// What SQLite says about its file; nothing to be said of PostgreSQL, which was not killed.
async fn sound(app: &App) {
    if app.backend() == Backend::Sqlite {
        let database = sea_orm::Database::connect(app.database()).await.unwrap();
        let check = sea_orm::Statement::from_string(sea_orm::DbBackend::Sqlite, "PRAGMA integrity_check");
        let row = database.query_one_raw(check).await.unwrap().unwrap();
        assert_eq!(row.try_get_by_index::<String>(0).unwrap(), "ok");
        let _ = database.close().await;
    }
}

#[test]
fn what_was_acknowledged_in_a_crowd_survives_a_kill() {
    let model = "type Item @model(id: SERIAL) @allow(to: [ALL], role: \"anyone\") { n: Int! }";
    for backend in Backend::available() {
        runtime::block_on(async {
            println!("on {backend:?}");
            let mut app = App::start(backend, model).await;
            let made = Arc::new(AtomicUsize::new(0));
            let clients: Vec<_> = (0..8)
                .map(|n| {
                    let (anyone, made) =
                        (app.anyone().with("content-type", "application/json"), Arc::clone(&made));
                    tokio::spawn(async move {
                        let mut ids = Vec::new();
                        let body = json!({ "n": n }).to_string().into_bytes();
                        while let Ok(reply) = anyone.attempt("POST", "/v1/items", Some(body.clone())).await {
                            let row = reply.is(201).json();
                            ids.push(row["id"].as_str().unwrap().to_owned());
                            made.fetch_add(1, Ordering::Relaxed);
                        }
                        ids
                    })
                })
                .collect();
            while made.load(Ordering::Relaxed) < 200 {
                assert!(clients.iter().all(|client| !client.is_finished()), "{}", app.logs());
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            app.stop();
            let mut acknowledged = Vec::new();
            for client in clients {
                acknowledged.extend(client.await.unwrap());
            }
            assert!(acknowledged.len() >= 200);
            if backend == Backend::Sqlite {
                sound(&app).await;
            }
            app.launch().await;
            let lines =
                app.anyone().with("accept", "application/x-ndjson").get("/v1/items?fields=id").await.good();
            let there: HashSet<String> = lines
                .text()
                .lines()
                .map(|line| {
                    let row: Value = serde_json::from_str(line).unwrap();
                    row["id"].as_str().unwrap().to_owned()
                })
                .collect();
            let lost: Vec<&String> = acknowledged.iter().filter(|id| !there.contains(*id)).collect();
            assert!(lost.is_empty(), "lost: {lost:?}");
            sound(&app).await;
        });
    }
}

#[test]
fn a_kill_leaves_all_of_many_rows_or_none() {
    let model = "
type Box @model(id: SERIAL, plural: \"boxes\") @allow(to: [ALL], role: \"anyone\") { text: String! items: [Item!]! }
type Item @model(id: SERIAL) @allow(to: [ALL], role: \"anyone\") { text: String! box: Box! }";
    // With those inside, 1,000 rows in one request.
    let text = "word ".repeat(40);
    let row = json!({ "text": text, "items": { "create": [{ "text": text }] } });
    let body = json!(vec![row; 500]).to_string().into_bytes();
    for backend in Backend::available() {
        runtime::block_on(async {
            println!("on {backend:?}");
            let mut app = App::start(backend, model).await;
            let poster = |app: &App| app.anyone().with("content-type", "application/json");
            let begun = std::time::Instant::now();
            let _ = poster(&app).send("POST", "/v1/boxes", Some(body.clone())).await.is(201);
            let whole = begun.elapsed();
            let mut acknowledged = 1;
            for part in 1..=6 {
                let anyone = poster(&app);
                let body = body.clone();
                let post = tokio::spawn(async move { anyone.attempt("POST", "/v1/boxes", Some(body)).await });
                // At another moment each time.
                tokio::time::sleep(whole * part / 6).await;
                app.stop();
                if let Ok(reply) = post.await.unwrap() {
                    let _ = reply.is(201);
                    acknowledged += 1;
                }
                sound(&app).await;
                app.launch().await;
                let data = app.anyone().graphql("{ boxes { totalCount } items { totalCount } }").await.data();
                let (boxes, items) = (
                    data["boxes"]["totalCount"].as_u64().unwrap(),
                    data["items"]["totalCount"].as_u64().unwrap(),
                );
                assert_eq!((boxes % 500, boxes), (0, items), "killed after {part} sixths of {whole:?}");
                assert!(boxes >= acknowledged * 500, "{boxes} of {acknowledged} requests");
            }
        });
    }
}
