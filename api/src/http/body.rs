//! Reading a body: counted while it is read, within a time, never unpacked.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use http_body_util::combinators::BoxBody;
use hyper::body::Body as _;
use poem::Request;
use poem::http::header;
use service::{Code, Error, Result};
use tokio::time::{Instant, timeout, timeout_at};

/// How much of a body that is too large is read and dropped, so that the client sees the answer and not a reset.
const LINGER_BYTES: u64 = 256 * 1024 * 1024;

/// How long that may take.
const LINGER: Duration = Duration::from_secs(2);

type Frames = BoxBody<Bytes, std::io::Error>;

/// The whole body: at most `limit` bytes (413), within `time` (408), not compressed (415).
///
/// # Errors
/// `BODY_TOO_LARGE`, `BODY_TIMEOUT`, `UNSUPPORTED_MEDIA_TYPE`, or `BAD_REQUEST` when the client went away or sent
/// broken chunks.
pub async fn read(request: &mut Request, limit: usize, time: Duration) -> Result<Bytes> {
    refuse_packed(request)?;
    // Who asks first has sent nothing yet: there is nothing to drop, and reading would ask for it.
    let asks = request.headers().contains_key(header::EXPECT);
    let mut body: Frames = request.take_body().into();
    let expected = body.size_hint().lower();
    if expected > limit as u64 {
        return Err(match asks {
            true => refusal(limit),
            false => too_large(&mut body, limit, expected).await,
        });
    }
    let deadline = Instant::now() + time;
    let mut first = Bytes::new();
    let mut rest = BytesMut::new();
    loop {
        let frame = timeout_at(deadline, body.frame()).await.map_err(|_| too_slow(time))?;
        let Some(frame) = frame else { break };
        let Ok(data) = frame.map_err(broken)?.into_data() else { continue };
        if first.len() + rest.len() + data.len() > limit {
            drop((first, rest));
            return Err(too_large(&mut body, limit, 0).await);
        }
        if first.is_empty() {
            first = data; // most bodies are one frame, and then nothing is copied
        } else {
            if rest.is_empty() {
                rest.reserve((expected as usize).min(limit).saturating_sub(first.len()).max(data.len()));
            }
            rest.extend_from_slice(&data);
        }
    }
    if rest.is_empty() {
        return Ok(first);
    }
    let mut whole = BytesMut::with_capacity(first.len() + rest.len());
    whole.extend_from_slice(&first);
    whole.extend_from_slice(&rest);
    Ok(whole.freeze())
}

/// A small body that unpacks to gigabytes is the oldest trick there is.
fn refuse_packed(request: &Request) -> Result<()> {
    match request.headers().get(header::CONTENT_ENCODING) {
        None => Ok(()),
        Some(coding) if coding.as_bytes().eq_ignore_ascii_case(b"identity") => Ok(()),
        Some(_) => Err(Error::new(Code::UnsupportedMediaType, "Compressed request bodies are not accepted.")
            .hint("Send the body without Content-Encoding.")),
    }
}

async fn too_large(body: &mut Frames, limit: usize, expected: u64) -> Error {
    if expected <= LINGER_BYTES {
        let _ = timeout(LINGER, drain(body)).await;
    }
    refusal(limit)
}

fn refusal(limit: usize) -> Error {
    Error::new(Code::BodyTooLarge, format!("The body is larger than {limit} bytes."))
        .hint("Send less in one request, or raise `limits.body`.")
}

async fn drain(body: &mut Frames) {
    let mut dropped = 0;
    while let Some(Ok(frame)) = body.frame().await {
        dropped += frame.data_ref().map_or(0, |data| data.len() as u64);
        if dropped > LINGER_BYTES {
            break;
        }
    }
}

fn too_slow(time: Duration) -> Error {
    Error::new(Code::BodyTimeout, format!("The body did not arrive within {} seconds.", time.as_secs_f64()))
}

fn broken(error: std::io::Error) -> Error {
    Error::new(Code::BadRequest, "The body ended early or is not well framed.").because(error)
}

#[cfg(test)]
mod tests {

    use futures::StreamExt;
    use futures::stream;
    use poem::Body;

    use super::*;

    fn chunked(chunks: Vec<&'static str>) -> Request {
        let chunks =
            chunks.into_iter().map(|chunk| Ok::<_, std::io::Error>(Bytes::from_static(chunk.as_bytes())));
        Request::builder().body(Body::from_bytes_stream(stream::iter(chunks)))
    }

    async fn code(mut request: Request, limit: usize) -> Result<Bytes, Code> {
        read(&mut request, limit, Duration::from_millis(50)).await.map_err(|error| error.code())
    }

    #[tokio::test]
    async fn bodies_are_counted_however_they_come() {
        assert_eq!(code(Request::builder().body("0123456789"), 10).await, Ok(Bytes::from("0123456789")));
        assert_eq!(code(Request::builder().body("0123456789"), 9).await, Err(Code::BodyTooLarge));
        assert_eq!(code(chunked(vec!["01234", "", "56789"]), 10).await, Ok(Bytes::from("0123456789")));
        assert_eq!(code(chunked(vec!["01234", "56789", "x"]), 10).await, Err(Code::BodyTooLarge));
        assert_eq!(code(chunked(vec![]), 0).await, Ok(Bytes::new()));
    }

    #[tokio::test]
    async fn slow_endless_broken_and_packed_bodies_are_refused() {
        let stalls = stream::iter([Ok::<_, std::io::Error>(Bytes::from("x"))]).chain(stream::pending());
        assert_eq!(
            code(Request::builder().body(Body::from_bytes_stream(stalls)), 10).await,
            Err(Code::BodyTimeout)
        );
        let drips = stream::unfold((), |()| async {
            tokio::time::sleep(Duration::from_millis(20)).await;
            Some((Ok::<_, std::io::Error>(Bytes::from("x")), ()))
        });
        assert_eq!(
            code(Request::builder().body(Body::from_bytes_stream(drips)), 10).await,
            Err(Code::BodyTimeout)
        );
        let endless = stream::repeat_with(|| Ok::<_, std::io::Error>(Bytes::from_static(&[0; 65536])));
        assert_eq!(
            code(Request::builder().body(Body::from_bytes_stream(endless)), 10).await,
            Err(Code::BodyTooLarge)
        );
        let broken = stream::iter([Ok(Bytes::from("x")), Err(std::io::Error::other("reset"))]);
        assert_eq!(
            code(Request::builder().body(Body::from_bytes_stream(broken)), 10).await,
            Err(Code::BadRequest)
        );
        let packed = Request::builder().header("content-encoding", "gzip").body("x");
        assert_eq!(code(packed, 10).await, Err(Code::UnsupportedMediaType));
        let plain = Request::builder().header("content-encoding", "identity").body("x");
        assert_eq!(code(plain, 10).await, Ok(Bytes::from("x")));
    }
}
