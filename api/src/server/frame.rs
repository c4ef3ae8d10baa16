//! Where the messages of an HTTP/1 connection begin and end, and whether their heads are written by the rules.
//!
//! hyper takes a lone line feed for the end of a line, a head without a host or with two, and a length beside chunks.
//! A proxy in front may read such a head otherwise, and then takes one request for two (RFC 9112, 2.2, 3.2, 6.3).

/// Bytes of a line that are looked at: names and values that matter are shorter.
const LINE: usize = 128;

/// What comes next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum At {
    /// The line of a request, or empty lines before it.
    Start,
    /// A header, or the empty line after the last one.
    Header,
    /// So many bytes of a body.
    Body(u64),
    /// The length of a chunk.
    Size,
    /// So many bytes of a chunk, and its line end.
    Chunk(u64),
    /// A line after the last chunk.
    Trailer,
}

/// Follows the bytes a client sends.
#[derive(Debug)]
pub(super) struct Frames {
    at: At,
    line: Vec<u8>,
    /// Bytes of the line, those not kept too.
    length: usize,
    /// Whether the last byte was a carriage return.
    returned: bool,
    head: Head,
}

/// What a head has said so far.
#[derive(Debug, Default)]
struct Head {
    modern: bool,
    hosts: usize,
    length: Option<u64>,
    chunked: bool,
}

impl Frames {
    pub(super) fn new() -> Self {
        Self { at: At::Start, line: Vec::new(), length: 0, returned: false, head: Head::default() }
    }

    /// Takes bytes; says which of them is the first that must not be.
    pub(super) fn take(&mut self, bytes: &[u8]) -> Result<(), usize> {
        let mut at = 0;
        while let Some(byte) = bytes.get(at) {
            if let At::Body(left) | At::Chunk(left) = self.at
                && left > 0
            {
                let here = (bytes.len() - at).min(usize::try_from(left).unwrap_or(usize::MAX));
                at += here;
                self.at = match self.at {
                    At::Body(_) if left == here as u64 => At::Start,
                    At::Body(_) => At::Body(left - here as u64),
                    _ => At::Chunk(left - here as u64),
                };
                continue;
            }
            self.byte(*byte).map_err(|()| at)?;
            at += 1;
        }
        Ok(())
    }

    /// One byte of a line.
    fn byte(&mut self, byte: u8) -> Result<(), ()> {
        match (byte, self.returned) {
            (b'\n', true) => {
                self.returned = false;
                let (line, length) = (std::mem::take(&mut self.line), std::mem::take(&mut self.length));
                let next = self.end_of_line(&line, length);
                // The allocation is good for the next line.
                self.line = line;
                self.line.clear();
                self.at = next?;
                Ok(())
            }
            (b'\n', false) | (_, true) => Err(()),
            (b'\r', false) => {
                self.returned = true;
                Ok(())
            }
            // A chunk ends where its length says.
            (_, false) if matches!(self.at, At::Chunk(_)) => Err(()),
            (_, false) => {
                self.length += 1;
                if self.line.len() < LINE {
                    self.line.push(byte);
                } else if self.at == At::Start {
                    // Of a request line, the end matters.
                    self.line.rotate_left(1);
                    self.line.pop();
                    self.line.push(byte);
                }
                Ok(())
            }
        }
    }

    fn end_of_line(&mut self, line: &[u8], length: usize) -> Result<At, ()> {
        match self.at {
            At::Start if length == 0 => Ok(At::Start),
            At::Start => {
                self.head = Head { modern: !line.ends_with(b"HTTP/1.0"), ..Head::default() };
                Ok(At::Header)
            }
            At::Header if length == 0 => self.head.end(),
            At::Header => self.head.line(line, length).map(|()| At::Header),
            At::Size => size(line, length),
            At::Chunk(_) if length == 0 => Ok(At::Size),
            At::Trailer if length == 0 => Ok(At::Start),
            At::Trailer => Ok(At::Trailer),
            At::Chunk(_) | At::Body(_) => Err(()),
        }
    }
}

impl Head {
    fn line(&mut self, line: &[u8], length: usize) -> Result<(), ()> {
        // A line that begins with a space was part of the one before, once.
        if line.first().is_none_or(|first| b" \t".contains(first)) {
            return Err(());
        }
        let Some(colon) = line.iter().position(|byte| *byte == b':') else { return Ok(()) };
        let (name, value) = line.split_at(colon);
        let value = value.get(1..).unwrap_or_default().trim_ascii();
        if name.eq_ignore_ascii_case(b"host") {
            self.hosts += 1;
            return if self.hosts > 1 { Err(()) } else { Ok(()) };
        }
        if name.eq_ignore_ascii_case(b"content-length") {
            let given = digits(value, 10).filter(|_| length < LINE).ok_or(())?;
            return match self.length.replace(given) {
                None => Ok(()),
                Some(_) => Err(()),
            };
        }
        if name.eq_ignore_ascii_case(b"transfer-encoding") {
            if self.chunked || !value.eq_ignore_ascii_case(b"chunked") {
                return Err(());
            }
            self.chunked = true;
        }
        Ok(())
    }

    fn end(&self) -> Result<At, ()> {
        if self.modern && self.hosts == 0 {
            return Err(());
        }
        match (self.chunked, self.length) {
            (true, Some(_)) => Err(()),
            (true, None) => Ok(At::Size),
            (false, Some(0) | None) => Ok(At::Start),
            (false, Some(length)) => Ok(At::Body(length)),
        }
    }
}

fn size(line: &[u8], length: usize) -> Result<At, ()> {
    let end = line.iter().position(|byte| *byte == b';').unwrap_or(length.min(line.len()));
    match digits(line.get(..end).unwrap_or_default().trim_ascii_end(), 16).ok_or(())? {
        0 => Ok(At::Trailer),
        size => Ok(At::Chunk(size)),
    }
}

/// A number of digits only.
fn digits(text: &[u8], radix: u32) -> Option<u64> {
    if text.is_empty() || text.len() > 19 {
        return None;
    }
    text.iter().try_fold(0_u64, |number, byte| {
        let digit = char::from(*byte).to_digit(radix)?;
        number.checked_mul(u64::from(radix))?.checked_add(u64::from(digit))
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{At, Frames};

    const GOOD: &[&str] = &[
        "GET / HTTP/1.1\r\nhost: x\r\n\r\n",
        "\r\n\r\nGET / HTTP/1.1\r\nHost:\r\n\r\n",
        "GET / HTTP/1.0\r\n\r\n",
        "POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\n\r\na\nb\rcGET / HTTP/1.1\r\nhost: y\r\n\r\n",
        "POST / HTTP/1.1\r\nhost: x\r\nTransfer-Encoding: Chunked\r\n\r\n3;a=b\r\n\n\n\n\r\nA\r\n0123456789\r\n0\r\nt: u\r\n\r\nGET / HTTP/1.1\r\nhost: y\r\n\r\n",
    ];

    fn wrong(text: &str) -> Option<usize> {
        Frames::new().take(text.as_bytes()).err()
    }

    #[test]
    fn good_messages_pass_in_any_pieces() {
        for text in GOOD {
            let mut frames = Frames::new();
            assert_eq!((frames.take(text.as_bytes()), frames.at), (Ok(()), At::Start), "{text:?}");
            let mut frames = Frames::new();
            for byte in text.as_bytes() {
                assert_eq!(frames.take(&[*byte]), Ok(()), "{text:?}");
            }
            assert_eq!(frames.at, At::Start, "{text:?}");
        }
        let long = format!("GET /{} HTTP/1.0\r\na: {}\r\n\r\n", "x".repeat(500), "y".repeat(500));
        assert_eq!(wrong(&long), None);
        assert!(wrong(&long.replace("1.0", "1.1")).is_some());
    }

    #[test]
    fn what_two_readers_may_read_differently_is_found_where_it_is() {
        for (text, at) in [
            ("GET / HTTP/1.1\nhost: x\r\n\r\n", 14),
            ("GET / HTTP/1.1\r\nhost: x\n\r\n", 23),
            ("GET / HTTP/1.1\r\nhost: x\r\n\n", 25),
            ("\nGET / HTTP/1.1\r\nhost: x\r\n\r\n", 0),
            ("GET / HTTP/1.1\r\nhost: x\rx: y\r\n\r\n", 24),
            ("GET / HTTP/1.1\r\na: b\r\n\r\n", 23),
            ("GET / HTTP/1.1\r\nhost: x\r\nHOST: x\r\n\r\n", 33),
            ("GET / HTTP/1.0\r\nhost: x\r\nhost: y\r\n\r\n", 33),
            ("GET / HTTP/1.1\r\nhost: x\r\n folded\r\n\r\n", 33),
            ("POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n", 64),
            ("POST / HTTP/1.1\r\nhost: x\r\ncontent-length: +1\r\n\r\n", 46),
            ("POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 1, 1\r\n\r\n", 48),
            ("POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n", 74),
            ("POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: gzip, chunked\r\n\r\n", 60),
            ("POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n1\na", 56),
            ("POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n-1\r\n", 58),
            ("POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n1\r\nab\r\n", 60),
        ] {
            let found = wrong(text);
            assert!(found.is_some_and(|found| found.abs_diff(at) <= 1), "{text:?} at {found:?}");
        }
    }

    proptest! {
        #[test]
        fn never_panics_and_pieces_make_no_difference(bytes in proptest::collection::vec(any::<u8>(), 0..300), at in 0..300usize) {
            let whole = Frames::new().take(&bytes);
            let (first, second) = bytes.split_at(at.min(bytes.len()));
            let mut frames = Frames::new();
            let pieces = frames.take(first).and_then(|()| frames.take(second).map_err(|at| at + first.len()));
            prop_assert_eq!(whole, pieces);
        }
    }
}
