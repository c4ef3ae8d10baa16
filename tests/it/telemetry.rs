//! Traces leave as OpenTelemetry's variables say.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use harness::{App, Backend, runtime};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

const MODEL: &str = "type Cup @model @allow(to: [ALL], role: \"anyone\") { size: Int }";

/// What came: path and body. Texts stand in OTLP's protobuf as they are.
type Received = Arc<Mutex<Vec<(String, Vec<u8>)>>>;

/// A collector that keeps what it is sent.
struct Collector {
    url: String,
    received: Received,
}

impl Collector {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let received = Received::default();
        let kept = Arc::clone(&received);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, Arc::clone(&kept)));
            }
        });
        Self { url, received }
    }

    /// All that was sent to a path so far, as one text.
    fn said(&self, path: &str) -> String {
        let received = self.received.lock().unwrap();
        let bodies = received.iter().filter(|(to, _)| to == path).flat_map(|(_, body)| body.clone());
        String::from_utf8_lossy(&bodies.collect::<Vec<u8>>()).into_owned()
    }
}

async fn serve(mut stream: TcpStream, received: Received) {
    let mut bytes = Vec::new();
    loop {
        let head = bytes.windows(4).position(|four| four == b"\r\n\r\n");
        if let Some(head) = head {
            let text = String::from_utf8_lossy(&bytes[..head]).to_lowercase();
            let length = text.lines().find_map(|line| line.strip_prefix("content-length:")).unwrap();
            let end = head + 4 + length.trim().parse::<usize>().unwrap();
            if bytes.len() >= end {
                let path = text.split(' ').nth(1).unwrap().to_owned();
                received.lock().unwrap().push((path, bytes[head + 4..end].to_vec()));
                bytes.drain(..end);
                let answer =
                    b"HTTP/1.1 200 OK\r\ncontent-type: application/x-protobuf\r\ncontent-length: 0\r\n\r\n";
                if stream.write_all(answer).await.is_err() {
                    return;
                }
                continue;
            }
        }
        match stream.read_buf(&mut bytes).await {
            Ok(0) | Err(_) => return,
            Ok(_) => {}
        }
    }
}

/// Runs a program with these variables, asks it something (as part of a sampled trace or of none), and ends it in order:
/// what it had to send is sent then.
async fn run(backend: Backend, env: &[(&str, &str)], traceparent: Option<&str>) {
    let app = env.iter().fold(App::with(backend, MODEL), |app, (name, value)| app.env(name, value));
    let mut app = app.start().await;
    let anyone = app.anyone();
    let asker = traceparent.map_or(anyone.clone(), |parent| anyone.with("traceparent", parent));
    let _ = asker.get("/v1/cups?size=1").await.good();
    app.signal("TERM");
    assert_eq!(app.ended(Duration::from_secs(30)).await, Some(0), "{}", app.logs());
}

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

#[test]
fn traces_carry_the_names_they_are_given() {
    for backend in Backend::available() {
        runtime::block_on(async {
            let collector = Collector::start().await;
            let attributes = "team=the%20band,deployment.environment.name=staging,service.name=ignored";
            let env = [
                ("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url.as_str()),
                ("OTEL_SERVICE_NAME", "record-store"),
                ("OTEL_RESOURCE_ATTRIBUTES", attributes),
            ];
            run(backend, &env, None).await;
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
        let (common, own) = (Collector::start().await, Collector::start().await);
        let address = format!("{}/of/my/own", own.url);
        let env = [
            ("OTEL_EXPORTER_OTLP_ENDPOINT", common.url.as_str()),
            ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", address.as_str()),
            ("OTEL_RESOURCE_ATTRIBUTES", "service.name=attributed"),
        ];
        run(Backend::Sqlite, &env, None).await;
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
            let collector = Collector::start().await;
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
        let begun = Instant::now();
        for (value, sent) in [("TRUE", false), ("true", false), ("0", true)] {
            let collector = Collector::start().await;
            let env = [("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url.as_str()), ("OTEL_SDK_DISABLED", value)];
            run(Backend::Sqlite, &env, None).await;
            assert_eq!(
                !collector.received.lock().unwrap().is_empty(),
                sent,
                "{value} after {:?}",
                begun.elapsed()
            );
        }
    });
}
