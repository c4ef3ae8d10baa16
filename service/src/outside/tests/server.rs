//! A server of a few lines, that can misbehave in all the ways that are wanted.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// What was asked.
pub(super) struct Request {
    /// With the query.
    pub(super) path: String,
    /// Names in small letters.
    pub(super) headers: HashMap<String, String>,
    pub(super) body: String,
}

impl Request {
    /// A field of the form in the body.
    pub(super) fn field(&self, name: &str) -> Option<String> {
        url::form_urlencoded::parse(self.body.as_bytes())
            .find(|(field, _)| field == name)
            .map(|(_, value)| value.into_owned())
    }
}

/// What is answered.
#[derive(Clone)]
pub(super) enum Reply {
    /// JSON, with a status.
    Json(u16, Value),
    /// Text of another type, or a broken one.
    Text(u16, &'static str, String),
    /// To another address.
    Redirect(String),
    /// JSON that never ends.
    Endless,
    /// The beginning of JSON, and then nothing.
    Stall,
    /// Nothing at all.
    Hangup,
}

/// A server on a free port, until it is dropped.
pub(super) struct Server {
    pub(super) url: String,
    calls: Arc<Mutex<Vec<String>>>,
    task: JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Server {
    /// Starts one; the handler is told its own address.
    pub(super) async fn start(handler: impl Fn(&str, &Request) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let calls = Arc::new(Mutex::new(Vec::new()));
        let (own, seen, handler) = (url.clone(), Arc::clone(&calls), Arc::new(handler));
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (own, seen, handler) = (own.clone(), Arc::clone(&seen), Arc::clone(&handler));
                tokio::spawn(async move {
                    let mut stream = BufReader::new(stream);
                    if let Some(request) = read(&mut stream).await {
                        seen.lock().unwrap().push(request.path.clone());
                        let reply = handler(&own, &request);
                        answer(stream.into_inner(), reply).await;
                    }
                });
            }
        });
        Self { url, calls, task }
    }

    /// How often a path was asked for.
    pub(super) fn count(&self, path: &str) -> usize {
        self.calls.lock().unwrap().iter().filter(|call| *call == path).count()
    }

    /// An address where nobody is.
    pub(super) async fn nobody() -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        format!("http://{}", listener.local_addr().unwrap())
    }
}

async fn read(stream: &mut BufReader<TcpStream>) -> Option<Request> {
    let mut line = String::new();
    stream.read_line(&mut line).await.ok()?;
    let path = line.split(' ').nth(1)?.to_owned();
    let mut headers = HashMap::new();
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).await.ok()?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
    }
    let length = headers.get("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.ok()?;
    Some(Request { path, headers, body: String::from_utf8(body).ok()? })
}

async fn answer(mut stream: TcpStream, reply: Reply) {
    let head = |status: u16, more: &str| format!("HTTP/1.1 {status} X\r\nconnection: close\r\n{more}\r\n");
    let json = "content-type: application/json\r\n";
    let text = match reply {
        Reply::Json(status, value) => {
            let body = value.to_string();
            head(status, &format!("{json}content-length: {}\r\n", body.len())) + &body
        }
        Reply::Text(status, kind, body) => {
            head(status, &format!("content-type: {kind}\r\ncontent-length: {}\r\n", body.len())) + &body
        }
        Reply::Redirect(to) => head(302, &format!("location: {to}\r\ncontent-length: 0\r\n")),
        Reply::Endless => {
            let _ = stream.write_all((head(200, json) + "\"").as_bytes()).await;
            while stream.write_all(&[b'x'; 16 * 1024]).await.is_ok() {}
            return;
        }
        Reply::Stall => {
            let _ = stream.write_all((head(200, json) + "{").as_bytes()).await;
            // Until the other side has enough of it.
            let _ = stream.read(&mut [0; 1]).await;
            return;
        }
        Reply::Hangup => return,
    };
    let _ = stream.write_all(text.as_bytes()).await;
    let _ = stream.shutdown().await;
}
