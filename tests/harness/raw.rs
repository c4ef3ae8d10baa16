//! Bytes on a socket, for requests no decent client sends.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// An open connection to the program.
#[derive(Debug)]
pub struct Wire {
    stream: TcpStream,
}

impl Wire {
    /// Connects to `127.0.0.1:port`.
    pub async fn open(address: &str) -> Self {
        Self { stream: TcpStream::connect(address).await.expect("a connection") }
    }

    /// Writes bytes; false when the other side has closed.
    pub async fn write(&mut self, bytes: &[u8]) -> bool {
        self.stream.write_all(bytes).await.is_ok()
    }

    /// Reads until the other side closes or the time is over, and returns what came.
    pub async fn read(&mut self, wait: Duration) -> String {
        let mut bytes = Vec::new();
        let _ = timeout(wait, self.stream.read_to_end(&mut bytes)).await;
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// Reads one answer that tells its length; none when the other side closed before its first byte.
    pub async fn answer(&mut self) -> Option<String> {
        let mut bytes = Vec::new();
        loop {
            let mut more = [0; 4096];
            let read =
                timeout(Duration::from_secs(30), self.stream.read(&mut more)).await.expect("an answer");
            let read = read.unwrap_or(0);
            if read == 0 {
                assert!(bytes.is_empty(), "half an answer: {}", String::from_utf8_lossy(&bytes));
                return None;
            }
            bytes.extend_from_slice(&more[..read]);
            let text = String::from_utf8_lossy(&bytes).into_owned();
            let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
            let length = head.lines().find_map(|line| {
                let (name, value) = line.split_once(':')?;
                name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok())?
            });
            if body.len() >= length.unwrap_or(0) {
                return Some(text);
            }
        }
    }

    /// Whether the other side closes within the time.
    pub async fn closes(&mut self, wait: Duration) -> bool {
        let mut bytes = [0; 4096];
        let drained = async {
            while let Ok(read) = self.stream.read(&mut bytes).await {
                if read == 0 {
                    break;
                }
            }
        };
        timeout(wait, drained).await.is_ok()
    }
}

/// Sends one request as it is, with `Connection: close` expected in it, and returns the whole answer as text.
pub async fn send(address: &str, request: &[u8]) -> String {
    let mut wire = Wire::open(address).await;
    let _ = wire.write(request).await;
    wire.read(Duration::from_secs(30)).await
}

/// The status in an answer's first line; 0 when there is none.
#[must_use]
pub fn status(answer: &str) -> u16 {
    answer.split_whitespace().nth(1).and_then(|word| word.parse().ok()).unwrap_or(0)
}
