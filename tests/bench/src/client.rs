//! A small HTTP/1.1 client that keeps its connection: cheap enough not to be what is measured.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// One connection.
#[derive(Debug)]
pub struct Client {
    stream: TcpStream,
    buffer: Vec<u8>,
}

/// The answer's status and where its body is in the client's buffer.
#[derive(Debug)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The body.
    pub body: Vec<u8>,
}

impl Client {
    /// Connects to `host:port`.
    pub async fn connect(address: &str) -> std::io::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, buffer: Vec::with_capacity(64 * 1024) })
    }

    /// Sends one request and reads its whole answer.
    pub async fn ask(&mut self, request: &[u8]) -> std::io::Result<Answer> {
        self.stream.write_all(request).await?;
        self.buffer.clear();
        let head = loop {
            if let Some(at) = self.buffer.windows(4).position(|window| window == b"\r\n\r\n") {
                break at + 4;
            }
            self.more().await?;
        };
        let text = std::str::from_utf8(&self.buffer[..head]).map_err(|_| malformed("head"))?;
        let status =
            text.split(' ').nth(1).and_then(|word| word.parse().ok()).ok_or_else(|| malformed("status"))?;
        let value = |name: &str| {
            text.lines()
                .filter_map(|line| line.split_once(':'))
                .find(|(key, _)| key.eq_ignore_ascii_case(name))
                .map(|(_, v)| v.trim())
        };
        if let Some(length) = value("content-length") {
            let end = head + length.parse::<usize>().map_err(|_| malformed("content-length"))?;
            while self.buffer.len() < end {
                self.more().await?;
            }
            return Ok(Answer { status, body: self.buffer[head..end].to_vec() });
        }
        if value("transfer-encoding").is_some_and(|coding| coding.eq_ignore_ascii_case("chunked")) {
            return Ok(Answer { status, body: self.chunks(head).await? });
        }
        Ok(Answer { status, body: Vec::new() })
    }

    async fn chunks(&mut self, mut at: usize) -> std::io::Result<Vec<u8>> {
        let mut body = Vec::new();
        loop {
            let line = loop {
                if let Some(length) = self.buffer[at..].windows(2).position(|window| window == b"\r\n") {
                    break length;
                }
                self.more().await?;
            };
            let size = std::str::from_utf8(&self.buffer[at..at + line])
                .ok()
                .and_then(|text| usize::from_str_radix(text.trim(), 16).ok());
            let size = size.ok_or_else(|| malformed("chunk"))?;
            at += line + 2;
            while self.buffer.len() < at + size + 2 {
                self.more().await?;
            }
            if size == 0 {
                return Ok(body);
            }
            body.extend_from_slice(&self.buffer[at..at + size]);
            at += size + 2;
        }
    }

    async fn more(&mut self) -> std::io::Result<()> {
        if self.stream.read_buf(&mut self.buffer).await? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        Ok(())
    }
}

fn malformed(what: &str) -> std::io::Error {
    std::io::Error::new(std::io::ErrorKind::InvalidData, format!("a malformed {what}"))
}

/// The bytes of a request.
pub fn request(method: &str, path: &str, headers: &str, body: &str) -> Vec<u8> {
    let body_head = if body.is_empty() {
        String::new()
    } else {
        format!("content-type: application/json\r\ncontent-length: {}\r\n", body.len())
    };
    format!("{method} {path} HTTP/1.1\r\nhost: 127.0.0.1\r\naccept: application/json\r\n{headers}{body_head}\r\n{body}").into_bytes()
}
