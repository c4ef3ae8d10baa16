//! Traces leave as OpenTelemetry's variables say.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use harness::app::ADMIN_KEY;
use harness::{App, Backend, json, runtime};

const MODEL: &str = "type Cup @model @allow(to: [ALL], role: \"anyone\") { size: Int }";

/// What came: path and body. Texts stand in OTLP's protobuf as they are.
type Received = Arc<Mutex<Vec<(String, Vec<u8>)>>>;

/// A collector that keeps what it is sent. It has threads of its own: a program that ends waits for it a few seconds
/// only, and the tests' runtime may be busy.
pub(crate) struct Collector {
    pub(crate) url: String,
    received: Received,
}

impl Collector {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let received = Received::default();
        let kept = Arc::clone(&received);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let kept = Arc::clone(&kept);
                std::thread::spawn(move || serve(stream, &kept));
            }
        });
        Self { url, received }
    }

    /// All that was sent to a path so far, as one text.
    pub(crate) fn said(&self, path: &str) -> String {
        let received = self.received.lock().unwrap();
        let bodies = received.iter().filter(|(to, _)| to == path).flat_map(|(_, body)| body.clone());
        String::from_utf8_lossy(&bodies.collect::<Vec<u8>>()).into_owned()
    }
}

/// Takes requests from a connection until it is closed.
fn serve(stream: TcpStream, received: &Received) {
    let mut answers = stream.try_clone().unwrap();
    let mut stream = BufReader::new(stream);
    loop {
        let (mut path, mut length) = (String::new(), 0);
        loop {
            let mut line = String::new();
            if !stream.read_line(&mut line).is_ok_and(|bytes| bytes > 0) {
                return;
            }
            let line = line.trim_end().to_lowercase();
            if let Some(digits) = line.strip_prefix("content-length:") {
                length = digits.trim().parse().unwrap();
            } else if line.is_empty() {
                break;
            } else if path.is_empty() {
                path = line.split(' ').nth(1).unwrap().to_owned();
            }
        }
        let mut body = vec![0; length];
        if stream.read_exact(&mut body).is_err() {
            return;
        }
        received.lock().unwrap().push((path, body));
        let answer = "HTTP/1.1 200 OK\r\ncontent-type: application/x-protobuf\r\ncontent-length: 0\r\n\r\n";
        if answers.write_all(answer.as_bytes()).is_err() {
            return;
        }
    }
}

/// Runs a program with these variables, asks it something (as part of a sampled trace or of none), and ends it in order:
/// what it had to send is sent then.
async fn run(backend: Backend, env: &[(&str, &str)], traceparent: Option<&str>) -> String {
    let app = env.iter().fold(App::with(backend, MODEL), |app, (name, value)| app.env(name, value));
    let mut app = app.start().await;
    let anyone = app.anyone();
    let asker = traceparent.map_or(anyone.clone(), |parent| anyone.with("traceparent", parent));
    let _ = asker.get("/v1/cups?size=1").await.good();
    app.signal("TERM");
    assert_eq!(app.ended(Duration::from_secs(30)).await, Some(0), "{}", app.logs());
    app.logs()
}

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

#[test]
fn traces_carry_the_names_they_are_given() {
    for backend in Backend::available() {
        runtime::block_on(async {
            let collector = Collector::start();
            let attributes = "team=the%20band,deployment.environment.name=staging,service.name=ignored";
            let env = [
                ("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url.as_str()),
                ("OTEL_SERVICE_NAME", "record-store"),
                ("OTEL_RESOURCE_ATTRIBUTES", attributes),
            ];
            let _ = run(backend, &env, None).await;
            let said = collector.said("/v1/traces");
            for word in ["service.name", "record-store", "team", "staging", "/v1/cups", "service.version"] {
                assert!(said.contains(word), "{word} on {backend:?}: {said:?}");
            }
            for word in ["ignored", "development"] {
                assert!(!said.contains(word), "{word} on {backend:?}: {said:?}");
            }
            assert!(collector.said("/v1/metrics").contains("http.server.request.duration"));
        });
    }
}

#[test]
fn each_signal_may_have_an_address_of_its_own() {
    runtime::block_on(async {
        let (common, own) = (Collector::start(), Collector::start());
        let address = format!("{}/of/my/own", own.url);
        let env = [
            ("OTEL_EXPORTER_OTLP_ENDPOINT", common.url.as_str()),
            ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", address.as_str()),
            ("OTEL_RESOURCE_ATTRIBUTES", "service.name=attributed"),
        ];
        let _ = run(Backend::Sqlite, &env, None).await;
        assert!(own.said("/of/my/own").contains("/v1/cups"));
        assert!(own.said("/of/my/own").contains("attributed"));
        assert_eq!(common.said("/v1/traces"), "");
        assert!(common.said("/v1/metrics").contains("http.server.request.duration"));
    });
}

#[test]
fn the_sampler_is_the_one_that_is_named() {
    runtime::block_on(async {
        let (sampled, not) =
            (format!("00-{TRACE}-00f067aa0ba902b7-01"), format!("00-{TRACE}-00f067aa0ba902b7-00"));
        let (sampled, not) = (Some(sampled.as_str()), Some(not.as_str()));
        for (sampler, share, parent, kept) in [
            ("always_on", "", not, true),
            ("always_off", "", sampled, false),
            ("traceidratio", "0", sampled, false),
            ("traceidratio", "1.0", None, true),
            ("parentbased_always_on", "", None, true),
            ("parentbased_always_on", "", not, false),
            ("parentbased_always_off", "", sampled, true),
            ("parentbased_always_off", "", None, false),
            ("parentbased_traceidratio", "0", None, false),
            ("parentbased_traceidratio", "0.0", sampled, true),
        ] {
            let collector = Collector::start();
            let env = [
                ("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url.as_str()),
                ("OTEL_TRACES_SAMPLER", sampler),
                ("OTEL_TRACES_SAMPLER_ARG", share),
            ];
            run(Backend::Sqlite, &env, parent).await;
            assert_eq!(
                collector.said("/v1/traces").contains("/v1/cups"),
                kept,
                "{sampler} {share} {parent:?}"
            );
        }
    });
}

#[test]
fn what_is_disabled_sends_nothing() {
    runtime::block_on(async {
        for (value, sent) in [("TRUE", false), ("true", false), ("0", true)] {
            let collector = Collector::start();
            let env = [("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url.as_str()), ("OTEL_SDK_DISABLED", value)];
            run(Backend::Sqlite, &env, None).await;
            assert_eq!(!collector.received.lock().unwrap().is_empty(), sent, "{value}");
        }
    });
}

#[test]
fn a_trace_says_what_was_asked_of_the_database_and_not_with_which_values() {
    const NUMBER: &str = "918273645";
    for (backend, log) in
        Backend::available().into_iter().flat_map(|backend| [(backend, "info"), (backend, "debug")])
    {
        runtime::block_on(async {
            println!("on {backend:?}, {log}");
            let collector = Collector::start();
            let mut app = App::with(backend, MODEL)
                .env("OTEL_EXPORTER_OTLP_ENDPOINT", &collector.url)
                .env("LAUNCHWAY_TELEMETRY__LOG", log)
                .start()
                .await;
            let anyone = app.anyone();
            let number: u32 = NUMBER.parse().unwrap();
            let _ = anyone.post("/v1/cups", json!({ "size": number })).await.is(201);
            let _ = anyone.get(&format!("/v1/cups?size={NUMBER}")).await.good();
            let _ = anyone.get(&format!("/v1/cups?where={{\"size\":{{\"eq\":{NUMBER}}}}}")).await.good();
            let _ = anyone.get(&format!("/v1/cups/aggregate?sum=size&size={NUMBER}")).await.good();
            let _ = anyone
                .json("PATCH", &format!("/v1/cups?size={NUMBER}"), json!({ "size": number }))
                .await
                .good();
            let _ = anyone.get(&format!("/v1/cups?size={NUMBER}{NUMBER}")).await.is(422);
            let literal = format!("{{ cups(where: {{ size: {{ eq: {NUMBER} }} }}) {{ totalCount }} }}");
            let _ = anyone.graphql(&literal).await.good();
            let query = "query Big($n: Int!) { cups(where: { size: { eq: $n } }) { totalCount } }";
            let _ = anyone.graphql_with(query, json!({ "n": number })).await.good();
            app.signal("TERM");
            assert_eq!(app.ended(Duration::from_secs(30)).await, Some(0), "{}", app.logs());
            let said = collector.said("/v1/traces");
            for word in ["db.system.name", "db.operation.name", "db.query.summary", "SELECT", "cups"] {
                assert!(said.contains(word), "{word} on {backend:?}: {said:?}");
            }
            for word in ["db.statement", "db.query.text", "select ", "insert ", " from ", "where", NUMBER] {
                assert!(!said.contains(word), "{word} on {backend:?}: {said:?}");
            }
            let metrics = collector.said("/v1/metrics");
            assert!(
                !metrics.contains(NUMBER) && metrics.contains("db.client.operation.duration"),
                "{metrics:?}"
            );
        });
    }
}

#[test]
fn what_callers_send_is_not_logged() {
    const CANARY: &str = "c4n4ryc4n4ry";
    let model = "type Cup @model(id: SERIAL) @allow(to: [ALL], role: \"anyone\") { label: String! @unique @check(maxLength: 60)  size: Int }";
    for backend in Backend::available() {
        runtime::block_on(async {
            println!("on {backend:?}");
            let app = App::with(backend, model)
                .env("LAUNCHWAY_TELEMETRY__LOG", "debug")
                .env("LAUNCHWAY_TELEMETRY__ACCESS_LOG", "true")
                .start()
                .await;
            let anyone = app.anyone();
            // In a body that is good, and in bodies that are not.
            let _ = anyone.post("/v1/cups", json!({ "label": CANARY })).await.is(201);
            let _ =
                anyone.post("/v1/cups", json!({ "label": CANARY })).await.is(409).fails("UNIQUE_VIOLATION");
            let _ = anyone.post("/v1/cups", json!({ "label": CANARY.repeat(9) })).await.is(422);
            let create = "mutation($label: String!) { createCup(input: { label: $label }) { id } }";
            let _ = anyone.graphql_with(create, json!({ "label": CANARY })).await.fails("UNIQUE_VIOLATION");
            let literal = format!("{{ cups(where: {{ label: {{ eq: \"{CANARY}\" }} }}) {{ totalCount }} }}");
            let _ = anyone.graphql(&literal).await.good();
            let broken = format!("{{\"label\": \"{CANARY}\", ").into_bytes();
            let typed = anyone.with("content-type", "application/json");
            let _ = typed.send("POST", "/v1/cups", Some(broken)).await.is(400);
            // As a credential, as another header, in a query string.
            let _ = anyone.with("authorization", &format!("Bearer {CANARY}")).get("/v1/cups").await.is(401);
            let _ = anyone.with("authorization", CANARY).get("/v1/cups").await.is(401);
            let _ = anyone.with("x-api-key", CANARY).get("/v1/cups").await.is(401);
            let _ = anyone.with("cookie", CANARY).get("/v1/cups").await.good();
            let _ = anyone.get(&format!("/v1/cups?label={CANARY}")).await.good();
            let _ = anyone.get(&format!("/v1/cups?where={{\"label\":{{\"eq\":\"{CANARY}\"}}}}")).await.good();
            let path = format!(
                "/graphql?query=query($l:String){{cups(where:{{label:{{eq:$l}}}}){{totalCount}}}}&variables={{\"l\":\"{CANARY}\"}}"
            );
            let _ = anyone.get(&path).await.good();
            let logs = app.logs();
            for word in ["/v1/cups", "the request was refused", "UNIQUE_VIOLATION"] {
                assert!(logs.contains(word), "{word} is not in\n{logs}");
            }
            let lines: Vec<&str> = logs.lines().filter(|line| line.contains(CANARY)).collect();
            assert!(lines.is_empty() && !logs.contains(ADMIN_KEY), "{lines:#?}");
        });
    }
}

#[test]
fn a_value_that_is_refused_is_told_to_its_sender_and_not_to_the_log() {
    const CANARY: &str = "c4n4ryc4n4ry";
    let model =
        "type Cup @model(id: SERIAL) @allow(to: [ALL], role: \"anyone\") { label: String  size: Int }";
    for backend in Backend::available() {
        runtime::block_on(async {
            println!("on {backend:?}");
            let app = App::with(backend, model).env("LAUNCHWAY_TELEMETRY__LOG", "debug").start().await;
            let anyone = app.anyone();
            let _ = anyone.post("/v1/cups", json!({ "label": "a" })).await.is(201);
            let _ = anyone.post("/v1/cups", json!({ "size": CANARY })).await.is(422).says(CANARY);
            let _ = anyone.patch("/v1/cups/1", json!({ "size": CANARY })).await.is(422);
            let _ = anyone.put("/v1/cups/1", json!({ "size": CANARY })).await.is(422);
            let _ = anyone.get(&format!("/v1/cups?size={CANARY}")).await.is(422);
            let _ = anyone.get(&format!("/v1/cups?size[in]=1,{CANARY}")).await.is(422);
            let _ = anyone.get(&format!("/v1/cups?where={{\"size\":{{\"eq\":\"{CANARY}\"}}}}")).await.is(422);
            let _ = anyone.get(&format!("/v1/cups?after={CANARY}")).await.is(400);
            let _ = anyone.get(&format!("/v1/cups?limit={CANARY}")).await.is(400);
            let query = "query($n: Int) { cups(where: { size: { eq: $n } }) { totalCount } }";
            let _ = anyone.graphql_with(query, json!({ "n": CANARY })).await.fails("BAD_VARIABLE");
            let literal = format!("{{ cups(where: {{ size: {{ eq: \"{CANARY}\" }} }}) {{ totalCount }} }}");
            assert!(!anyone.graphql(&literal).await.errors().is_empty());
            let _ = anyone
                .graphql(&format!("{{ cups(after: \"{CANARY}\") {{ totalCount }} }}"))
                .await
                .fails("CURSOR_INVALID");
            let logs = app.logs();
            assert!(logs.contains("the request was refused"), "{logs}");
            let lines: Vec<&str> = logs.lines().filter(|line| line.contains(CANARY)).collect();
            assert!(lines.is_empty(), "{lines:#?}");
        });
    }
}
