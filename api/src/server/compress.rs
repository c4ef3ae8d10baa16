//! Compressed answers: negotiated, not for small ones, not for streams of events; entity tags say how it was packed.

use async_compression::Level;
use async_compression::tokio::bufread::{BrotliEncoder, GzipEncoder, ZstdEncoder};
use bytes::Bytes;
use futures::TryStreamExt;
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, BodyStream};
use hyper::body::Body as _;
use poem::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use poem::http::{Method, StatusCode};
use poem::{Body, Request, Response};
use tokio::io::{AsyncBufRead, AsyncRead, AsyncReadExt};
use tokio_util::io::StreamReader;

use crate::rest::render::Spared;

/// Smaller answers gain nothing.
const SMALLEST: u64 = 1024;

/// Larger ones are packed while they are sent, so that no thread is busy with one of them for long.
const WHOLE: u64 = 128 * 1024;

type Frames = BoxBody<Bytes, std::io::Error>;

/// How an answer is packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Coding {
    Zstd,
    Brotli,
    Gzip,
}

impl Coding {
    /// In the order of preference among those the client likes equally.
    const ALL: [Coding; 3] = [Coding::Zstd, Coding::Brotli, Coding::Gzip];

    fn name(self) -> &'static str {
        match self {
            Coding::Zstd => "zstd",
            Coding::Brotli => "br",
            Coding::Gzip => "gzip",
        }
    }

    fn encoder<'a>(
        self,
        plain: impl AsyncBufRead + Send + Unpin + 'a,
    ) -> Box<dyn AsyncRead + Send + Unpin + 'a> {
        // Levels at which an answer is not worth waiting for longer.
        match self {
            Coding::Zstd => Box::new(ZstdEncoder::with_quality(plain, Level::Precise(3))),
            Coding::Brotli => Box::new(BrotliEncoder::with_quality(plain, Level::Precise(4))),
            Coding::Gzip => Box::new(GzipEncoder::with_quality(plain, Level::Precise(5))),
        }
    }
}

/// The coding the client likes best. Takes our mark off the entity tags it sends back, so that the endpoints see
/// their own.
pub(super) fn negotiate(request: &mut Request) -> Option<Coding> {
    for name in [header::IF_NONE_MATCH, header::IF_MATCH] {
        unmark(request.headers_mut(), &name);
    }
    if *request.method() == Method::HEAD {
        return None;
    }
    let accept = request.headers().get(header::ACCEPT_ENCODING)?.to_str().ok()?;
    best(accept)
}

fn best(accept: &str) -> Option<Coding> {
    let mut chosen = None;
    let mut most = 0;
    for coding in Coding::ALL {
        let quality = quality(accept, coding.name());
        if quality > most {
            (chosen, most) = (Some(coding), quality);
        }
    }
    chosen
}

/// How much a coding is liked, in thousandths; `*` speaks for those that are not named.
fn quality(accept: &str, name: &str) -> u32 {
    let mut star = 0;
    for item in accept.split(',').take(16) {
        let mut parts = item.split(';').map(str::trim);
        let coding = parts.next().unwrap_or_default();
        let said = parts.find_map(|part| part.strip_prefix("q=").or_else(|| part.strip_prefix("Q=")));
        let quality = said.map_or(1000, |text| text.parse::<f32>().map_or(0, thousandths));
        if coding.eq_ignore_ascii_case(name) {
            return quality;
        }
        if coding == "*" {
            star = quality;
        }
    }
    star
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped before")]
fn thousandths(quality: f32) -> u32 {
    (quality.clamp(0.0, 1.0) * 1000.0) as u32
}

/// Packs an answer when that is worth it.
pub(super) async fn apply(coding: Option<Coding>, response: &mut Response) {
    if !is_packable(response) {
        return;
    }
    response.headers_mut().append(header::VARY, HeaderValue::from_static("accept-encoding"));
    let Some(coding) = coding else { return };
    if response.status() == StatusCode::NOT_MODIFIED {
        // The tag is that of the answer it stands for, and small ones are not packed.
        if response.extensions().get::<Spared>().is_none_or(|spared| spared.0 >= SMALLEST) {
            mark(response.headers_mut(), coding);
        }
        return;
    }
    let body: Frames = response.take_body().into();
    let exact = body.size_hint().exact();
    if exact.is_some_and(|size| size < SMALLEST) {
        response.set_body(body);
        return;
    }
    let packed = match exact {
        Some(size) if size <= WHOLE => whole(coding, body).await,
        Some(_) | None => Ok(stream(coding, body)),
    };
    let headers = response.headers_mut();
    headers.remove(header::CONTENT_LENGTH);
    headers.remove(header::ACCEPT_RANGES);
    headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(coding.name()));
    mark(headers, coding);
    match packed {
        Ok(body) => response.set_body(body),
        // The body broke while it was read: so it does for the client.
        Err(error) => {
            response.set_body(Body::from_bytes_stream(futures::stream::iter([Err::<Bytes, _>(error)])))
        }
    }
}

async fn whole(coding: Coding, body: Frames) -> Result<Body, std::io::Error> {
    let plain = body.collect().await?.to_bytes();
    let mut packed = Vec::with_capacity(plain.len() / 3);
    coding.encoder(plain.as_ref()).read_to_end(&mut packed).await?;
    Ok(Body::from_vec(packed))
}

fn stream(coding: Coding, body: Frames) -> Body {
    let frames = BodyStream::new(body).try_filter_map(|frame| std::future::ready(Ok(frame.into_data().ok())));
    Body::from_async_read(coding.encoder(StreamReader::new(Box::pin(frames))))
}

fn is_packable(response: &Response) -> bool {
    let headers = response.headers();
    if response.status() == StatusCode::NOT_MODIFIED {
        return headers.contains_key(header::ETAG);
    }
    let closed = matches!(response.status(), StatusCode::NO_CONTENT | StatusCode::PARTIAL_CONTENT)
        || response.status().is_informational()
        || headers.contains_key(header::CONTENT_ENCODING)
        || headers
            .get(header::CACHE_CONTROL)
            .is_some_and(|value| value.as_bytes().ends_with(b"no-transform"));
    let text = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).is_some_and(is_text);
    text && !closed
}

fn is_text(content_type: &str) -> bool {
    let essence = content_type.split(';').next().unwrap_or_default().trim();
    let known = [
        "application/json",
        "application/x-ndjson",
        "application/ndjson",
        "application/javascript",
        "application/xml",
        "application/yaml",
        "image/svg+xml",
    ];
    essence != "text/event-stream"
        && (essence.starts_with("text/") || essence.ends_with("+json") || known.contains(&essence))
}

/// `"abc"` becomes `"abc-gzip"`: other bytes, so another strong tag. Weak tags speak of the meaning, which is the same.
fn mark(headers: &mut HeaderMap, coding: Coding) {
    let Some(tag) = headers.get(header::ETAG).and_then(|value| value.to_str().ok()) else { return };
    let Some(inner) = tag.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) else { return };
    if let Ok(value) = HeaderValue::from_str(&format!("\"{inner}-{}\"", coding.name())) {
        headers.insert(header::ETAG, value);
    }
}

fn unmark(headers: &mut HeaderMap, name: &HeaderName) {
    let Some(tags) = headers.get(name).and_then(|value| value.to_str().ok()) else { return };
    if !Coding::ALL.iter().any(|coding| tags.contains(coding.name())) {
        return;
    }
    let mut plain = tags.to_owned();
    for coding in Coding::ALL {
        plain = plain.replace(&format!("-{}\"", coding.name()), "\"");
    }
    if let Ok(value) = HeaderValue::from_str(&plain) {
        headers.insert(name.clone(), value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_liked_coding() {
        for (accept, expected) in [
            ("gzip", Some(Coding::Gzip)),
            ("gzip, deflate, br", Some(Coding::Brotli)),
            ("gzip, deflate, br, zstd", Some(Coding::Zstd)),
            ("gzip;q=1.0, br;q=0.5", Some(Coding::Gzip)),
            ("*", Some(Coding::Zstd)),
            ("*;q=0.5, zstd;q=0", Some(Coding::Brotli)),
            ("identity", None),
            ("gzip;q=0", None),
            ("gzip;q=nonsense", None),
            ("", None),
        ] {
            assert_eq!(best(accept), expected, "{accept}");
        }
    }

    async fn packed(coding: Coding, content_type: &str, body: Body) -> Response {
        let mut response = Response::builder().content_type(content_type).header("etag", "\"v1\"").body(body);
        apply(Some(coding), &mut response).await;
        response
    }

    async fn unpack(coding: Coding, response: Response) -> Vec<u8> {
        use async_compression::tokio::bufread::{BrotliDecoder, GzipDecoder, ZstdDecoder};
        let bytes = response.into_body().into_bytes().await.unwrap();
        let mut plain = Vec::new();
        let _ = match coding {
            Coding::Zstd => ZstdDecoder::new(&bytes[..]).read_to_end(&mut plain).await.unwrap(),
            Coding::Brotli => BrotliDecoder::new(&bytes[..]).read_to_end(&mut plain).await.unwrap(),
            Coding::Gzip => GzipDecoder::new(&bytes[..]).read_to_end(&mut plain).await.unwrap(),
        };
        plain
    }

    #[tokio::test]
    async fn every_coding_comes_out_as_it_went_in_whole_or_streamed() {
        for coding in Coding::ALL {
            for size in [2_000, 300_000] {
                let text: String =
                    (0..size).map(|n| char::from(b'a' + u8::try_from(n % 23).unwrap())).collect();
                let response = packed(coding, "application/json", Body::from_string(text.clone())).await;
                assert_eq!(response.header("content-encoding"), Some(coding.name()));
                assert_eq!(response.header("etag"), Some(format!("\"v1-{}\"", coding.name()).as_str()));
                assert_eq!(response.header("vary"), Some("accept-encoding"));
                assert_eq!(unpack(coding, response).await, text.into_bytes());
            }
        }
    }

    #[tokio::test]
    async fn small_answers_events_and_images_stay_as_they_are() {
        let long = "x".repeat(5000);
        for (content_type, body) in
            [("application/json", "{}"), ("text/event-stream", long.as_str()), ("image/png", long.as_str())]
        {
            let response = packed(Coding::Gzip, content_type, Body::from_string(body.to_owned())).await;
            assert_eq!(response.header("content-encoding"), None, "{content_type}");
            assert_eq!(response.header("etag"), Some("\"v1\""));
            assert_eq!(response.into_body().into_string().await.unwrap(), body);
        }
    }

    #[test]
    fn tags_come_back_without_our_mark() {
        let mut request = Request::builder()
            .header("if-none-match", "\"a-gzip\", \"b\", W/\"c\"")
            .header("if-match", "\"v3-zstd\"")
            .header("accept-encoding", "br")
            .finish();
        assert_eq!(negotiate(&mut request), Some(Coding::Brotli));
        assert_eq!(request.header("if-none-match"), Some("\"a\", \"b\", W/\"c\""));
        assert_eq!(request.header("if-match"), Some("\"v3\""));
    }
}
