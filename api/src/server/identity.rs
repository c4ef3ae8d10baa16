//! The request id: the caller's when it is harmless, else one of ours.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};

use hyper::http::{HeaderMap, HeaderName, HeaderValue};
use uuid::{Builder, Uuid};

/// The header that carries it both ways.
pub(super) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Longer ids are replaced.
const LONGEST: usize = 128;

/// The id of a request.
pub(super) fn request_id(headers: &HeaderMap) -> HeaderValue {
    match headers.get(&REQUEST_ID) {
        Some(value) if is_harmless(value.as_bytes()) => value.clone(),
        Some(_) | None => fresh(),
    }
}

/// An id goes into logs, answers and other systems: nothing there may read more into it.
fn is_harmless(id: &[u8]) -> bool {
    let plain = |byte: &u8| {
        byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b':' | b'/' | b'+' | b'=')
    };
    !id.is_empty() && id.len() <= LONGEST && id.iter().all(plain)
}

/// A UUIDv7. It names and secures nothing, so its tail is a mixed counter and not a system call per request.
pub(super) fn fresh() -> HeaderValue {
    static SEED: LazyLock<u128> = LazyLock::new(|| Uuid::new_v4().as_u128());
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    #[allow(clippy::cast_possible_truncation, reason = "two halves of one seed")]
    let (low, high) = (*SEED as u64, (*SEED >> 64) as u64);
    let mixed = (u128::from(mix(low.wrapping_add(count))) << 64) | u128::from(mix(high ^ count));
    let mut tail = [0; 10];
    tail.copy_from_slice(mixed.to_be_bytes().get(..10).unwrap_or(&[0; 10]));
    let milliseconds = u64::try_from(service::clock::now().timestamp_millis()).unwrap_or_default();
    let id = Builder::from_unix_timestamp_millis(milliseconds, &tail).into_uuid();
    let mut text = Uuid::encode_buffer();
    HeaderValue::from_str(id.as_hyphenated().encode_lower(&mut text)).unwrap_or(HeaderValue::from_static("-"))
}

/// The finalizer of SplitMix64.
fn mix(number: u64) -> u64 {
    let mut z = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ours_are_uuid7_and_different() {
        let ids: std::collections::HashSet<_> = (0..1000).map(|_| fresh()).collect();
        assert_eq!(ids.len(), 1000);
        for id in ids {
            assert_eq!(Uuid::try_parse(id.to_str().unwrap()).unwrap().get_version_num(), 7);
        }
    }

    #[test]
    fn harmless_ids_are_kept_and_others_replaced() {
        let kept = |text: &[u8]| {
            let mut headers = HeaderMap::new();
            headers.insert(REQUEST_ID, HeaderValue::from_bytes(text).unwrap());
            request_id(&headers).as_bytes() == text
        };
        assert!(kept(b"abc-123_4.5:6/7+8="));
        let long = [b'a'; 129];
        for hostile in [&b""[..], b"a b", b"a\"b", b"a\xffb", b"${jndi}", b"<b>", &long] {
            assert!(!kept(hostile), "{hostile:?}");
        }
    }
}
