use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use poem::endpoint::make;
use poem::{Request, Response};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::config::{Config, Period};
use crate::http::{Call, body, problem};
use crate::server::Layers;
use crate::server::connection::{Edge, serve};

struct Running {
    address: SocketAddr,
    stop: CancellationToken,
    task: JoinHandle<std::io::Result<()>>,
}

async fn start(change: impl FnOnce(&mut Config)) -> Running {
    let mut config = Config::default();
    let limits = &mut config.limits;
    for time in [&mut limits.header_timeout, &mut limits.idle_timeout, &mut limits.write_timeout] {
        *time = Period(Duration::from_millis(300));
    }
    limits.idle_timeout = Period(Duration::from_millis(900));
    change(&mut config);
    let route = make(async |mut request: Request| {
        let call = Call::of(&request);
        match request.uri().path() {
            "/slow" => {
                tokio::time::sleep(Duration::from_millis(400)).await;
                Response::from("done")
            }
            "/big" => Response::from(vec![b'x'; 64 << 20]),
            "/echo" => match body::read(&mut request, 1024, Duration::from_millis(300)).await {
                Ok(bytes) => Response::from(bytes),
                Err(error) => problem::response(&error, &call),
            },
            _ => Response::from("hello"),
        }
    });
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let stop = CancellationToken::new();
    let edge = Edge::new(&config.limits, Duration::from_secs(5));
    let app = Arc::new(Layers::new(route, &config));
    let task = tokio::spawn(serve(listener, app, edge, stop.clone()));
    Running { address, stop, task }
}

impl Running {
    async fn open(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }
}

async fn rest(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    let _ = timeout(Duration::from_secs(5), stream.read_to_end(&mut bytes)).await.expect("it closes");
    String::from_utf8_lossy(&bytes).into_owned()
}

async fn some(stream: &mut TcpStream) -> String {
    let mut bytes = [0; 4096];
    let read = timeout(Duration::from_secs(5), stream.read(&mut bytes)).await.unwrap().unwrap();
    String::from_utf8_lossy(&bytes[..read]).into_owned()
}

const GET: &[u8] = b"GET / HTTP/1.1\r\nhost: x\r\n\r\n";

#[tokio::test(flavor = "multi_thread")]
async fn slow_heads_end_the_connection_and_idle_ones_live_longer() {
    let server = start(|_| {}).await;
    // Nothing, half the preface of HTTP/2, half a head, a head that drips.
    for begin in [&b""[..], b"PRI * HT", b"GET / HTTP/1.1\r\nhost:"] {
        let mut stream = server.open().await;
        stream.write_all(begin).await.unwrap();
        let from = Instant::now();
        assert_eq!(rest(&mut stream).await, "", "{begin:?}");
        assert!(from.elapsed() < Duration::from_millis(800), "{begin:?} took {:?}", from.elapsed());
    }
    let mut stream = server.open().await;
    let mut closed = false;
    for byte in b"GET / HTTP/1.1\r\nhost: xxxxxxxxxxxxxxx" {
        tokio::time::sleep(Duration::from_millis(25)).await;
        closed = closed || stream.write_all(&[*byte]).await.is_err();
    }
    assert_eq!(rest(&mut stream).await, "");
    // Between two requests there is more time than for a head.
    let mut stream = server.open().await;
    stream.write_all(GET).await.unwrap();
    assert!(some(&mut stream).await.ends_with("hello"));
    tokio::time::sleep(Duration::from_millis(500)).await;
    stream.write_all(GET).await.unwrap();
    assert!(some(&mut stream).await.ends_with("hello"));
    // And the second head has its time too.
    stream.write_all(b"GET / HT").await.unwrap();
    let from = Instant::now();
    assert_eq!(rest(&mut stream).await, "");
    assert!(from.elapsed() < Duration::from_millis(800));
    // But an idle connection ends.
    let mut stream = server.open().await;
    stream.write_all(GET).await.unwrap();
    assert!(rest(&mut stream).await.ends_with("hello"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_may_take_longer_than_a_head() {
    let server = start(|_| {}).await;
    let mut stream = server.open().await;
    stream.write_all(b"GET /slow HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await.unwrap();
    assert!(rest(&mut stream).await.ends_with("done"));
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_are_counted_and_timed_on_the_wire() {
    let server = start(|_| {}).await;
    let ask = async |head: &str, body: &[u8]| {
        let mut stream = server.open().await;
        stream
            .write_all(
                format!("POST /echo HTTP/1.1\r\nhost: x\r\nconnection: close\r\n{head}\r\n\r\n").as_bytes(),
            )
            .await
            .unwrap();
        stream.write_all(body).await.unwrap();
        rest(&mut stream).await
    };
    assert!(ask("content-length: 3", b"abc").await.ends_with("abc"));
    assert!(ask("transfer-encoding: chunked", b"3\r\nabc\r\n0\r\n\r\n").await.ends_with("abc"));
    assert!(ask("content-length: 10", b"abc").await.starts_with("HTTP/1.1 408"));
    assert!(ask("transfer-encoding: chunked", b"3\r\nabc\r\n").await.starts_with("HTTP/1.1 408"));
    assert!(ask("transfer-encoding: chunked", b"zz\r\n").await.starts_with("HTTP/1.1 400"));
    let large = vec![b'x'; 100_000];
    assert!(ask("content-length: 100000", &large).await.starts_with("HTTP/1.1 413"));
    let chunk = [b"186a0\r\n", &large[..], b"\r\n0\r\n\r\n"].concat();
    assert!(ask("transfer-encoding: chunked", &chunk).await.starts_with("HTTP/1.1 413"));
    assert!(ask("content-encoding: gzip\r\ncontent-length: 1", b"x").await.starts_with("HTTP/1.1 415"));
}

#[tokio::test(flavor = "multi_thread")]
async fn heads_are_bounded() {
    let server = start(|_| {}).await;
    let ask = async |head: String| {
        let mut stream = server.open().await;
        stream
            .write_all(format!("GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n{head}\r\n").as_bytes())
            .await
            .unwrap();
        rest(&mut stream).await
    };
    assert!(ask(String::new()).await.starts_with("HTTP/1.1 200"));
    assert!(ask("a: b\r\n".repeat(150)).await.starts_with("HTTP/1.1 431"));
    assert!(ask(format!("a: {}\r\n", "b".repeat(64 << 10))).await.starts_with("HTTP/1.1 431"));
    assert!(
        ask("content-length: 3\r\ntransfer-encoding: chunked\r\n".to_owned())
            .await
            .starts_with("HTTP/1.1 400")
    );
    assert!(ask("content-length: 3\r\ncontent-length: 4\r\n".to_owned()).await.starts_with("HTTP/1.1 400"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_takes_no_answer_is_let_go() {
    let server = start(|_| {}).await;
    let mut stream = server.open().await;
    stream.write_all(b"GET /big HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    tokio::time::sleep(Duration::from_millis(900)).await;
    let mut bytes = Vec::new();
    let _ = timeout(Duration::from_secs(5), stream.read_to_end(&mut bytes)).await.expect("it was closed");
    assert!(bytes.len() < 64 << 20);
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_are_capped() {
    let server = start(|config| config.limits.connections_per_peer = 2).await;
    let (mut first, mut second) = (server.open().await, server.open().await);
    for stream in [&mut first, &mut second] {
        stream.write_all(GET).await.unwrap();
        assert!(some(stream).await.ends_with("hello"));
    }
    let mut third = server.open().await;
    let _ = third.write_all(GET).await;
    assert_eq!(rest(&mut third).await, "");
    drop(first);
    tokio::time::sleep(Duration::from_millis(100)).await;
    let mut fourth = server.open().await;
    fourth.write_all(GET).await.unwrap();
    assert!(some(&mut fourth).await.ends_with("hello"));

    // The total: the next one waits in the system's queue until there is a place.
    let server = start(|config| config.limits.connections = 1).await;
    let mut first = server.open().await;
    first.write_all(GET).await.unwrap();
    assert!(some(&mut first).await.ends_with("hello"));
    let mut second = server.open().await;
    second.write_all(GET).await.unwrap();
    assert!(timeout(Duration::from_millis(200), second.read_u8()).await.is_err());
    drop(first);
    assert!(some(&mut second).await.ends_with("hello"));
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_in_flight_finish_when_the_server_stops() {
    let server = start(|_| {}).await;
    let mut idle = server.open().await;
    idle.write_all(GET).await.unwrap();
    assert!(some(&mut idle).await.ends_with("hello"));
    let mut busy = server.open().await;
    busy.write_all(b"GET /slow HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    tokio::time::sleep(Duration::from_millis(100)).await;
    server.stop.cancel();
    assert!(rest(&mut busy).await.ends_with("done"));
    assert_eq!(rest(&mut idle).await, "");
    timeout(Duration::from_secs(2), server.task).await.unwrap().unwrap().unwrap();
    assert!(TcpStream::connect(server.address).await.is_err());
}
