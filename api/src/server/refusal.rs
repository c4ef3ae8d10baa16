//! Answers to heads that hyper does not understand. Its own have no body; callers are to learn what was wrong.

use std::sync::LazyLock;

use serde_json::json;
use service::Code;

use crate::http::problem::MEDIA_TYPE;

/// What every answer of ours has, and none of hyper's.
const OURS: &[u8] = b"x-request-id: ";

static MALFORMED: LazyLock<Vec<u8>> = LazyLock::new(|| {
    answer(
        "400 Bad Request",
        Code::BadRequest,
        "The head of the request is not HTTP/1.1, or its address holds characters that must be percent-encoded.",
        "Encode quotes, braces and blanks in an address: %22, %7B, %7D, %20; curl does it with -G --data-urlencode.",
    )
});

static LARGE: LazyLock<Vec<u8>> = LazyLock::new(|| {
    answer(
        "431 Request Header Fields Too Large",
        Code::LimitExceeded,
        "The address and the headers together are larger than allowed.",
        "Send fewer or shorter headers; a long condition fits into the body of a GraphQL request.",
    )
});

/// The answer to send instead of one that begins like this; nothing where it is not one of hyper's own.
pub(super) fn instead_of(head: &[u8]) -> Option<&'static [u8]> {
    let answer = match head.get(..13)? {
        b"HTTP/1.1 400 " => &MALFORMED,
        b"HTTP/1.1 414 " | b"HTTP/1.1 431 " => &LARGE,
        _ => return None,
    };
    let ours = head.windows(OURS.len()).any(|window| window == OURS);
    (!ours).then(|| answer.as_slice())
}

fn answer(status: &str, code: Code, detail: &str, hint: &str) -> Vec<u8> {
    let number: Option<u16> = status.split(' ').next().and_then(|number| number.parse().ok());
    let word = code.as_str();
    let body = json!({
        "type": format!("urn:launchway:error:{}", word.to_ascii_lowercase().replace('_', "-")),
        "title": code.meaning(),
        "status": number,
        "detail": detail,
        "code": word,
        "hint": hint,
    })
    .to_string();
    format!(
        "HTTP/1.1 {status}\r\ncontent-type: {MEDIA_TYPE}\r\ncache-control: no-store\r\nx-content-type-options: nosniff\r\n\
         connection: close\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

#[cfg(test)]
mod tests {
    use super::instead_of;

    #[test]
    fn only_answers_without_our_mark_are_replaced() {
        let empty = b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n";
        let text = String::from_utf8(instead_of(empty).unwrap().to_vec()).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        assert!(head.ends_with(&format!("content-length: {}", body.len())), "{head}");
        let json: serde_json::Value = serde_json::from_str(body).unwrap();
        assert_eq!((&json["code"], &json["status"]), (&"BAD_REQUEST".into(), &400.into()));
        assert!(instead_of(b"HTTP/1.1 431 Request Header Fields Too Large\r\n\r\n").is_some());
        for head in [
            &b"HTTP/1.1 400 Bad Request\r\nx-request-id: 1\r\n\r\n"[..],
            b"HTTP/1.1 200 OK\r\n\r\n",
            b"{\"a\":1}",
            b"",
        ] {
            assert!(instead_of(head).is_none());
        }
    }
}
