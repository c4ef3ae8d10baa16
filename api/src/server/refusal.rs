//! Answers to heads that hyper does not understand. Its own have no body; callers are to learn what was wrong.

use poem::http::StatusCode;
use service::{Code, Error};

use super::identity::fresh;
use crate::http::problem;

/// What every answer of ours has, and none of hyper's.
const OURS: &[u8] = b"x-request-id: ";

/// The answer to send instead of one that begins like this; nothing where it is not one of hyper's own.
pub(super) fn instead_of(head: &[u8]) -> Option<Vec<u8>> {
    let (status, error) = match head.get(..13)? {
        b"HTTP/1.1 400 " => {
            let text = "The head of the request is not HTTP/1.1, or its address holds characters that must be percent-encoded.";
            let hint = "Encode quotes, braces and blanks in an address: %22, %7B, %7D, %20; curl does it with -G --data-urlencode.";
            (StatusCode::BAD_REQUEST, Error::new(Code::BadRequest, text).hint(hint))
        }
        b"HTTP/1.1 414 " | b"HTTP/1.1 431 " => {
            let text = "The address and the headers together are larger than allowed.";
            let hint =
                "Send fewer or shorter headers; a long condition fits into the body of a GraphQL request.";
            let status = StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE;
            (status, Error::new(Code::LimitExceeded, text).hint(hint))
        }
        _ => return None,
    };
    let ours = head.windows(OURS.len()).any(|window| window == OURS);
    (!ours).then(|| answer(status, &error))
}

fn answer(status: StatusCode, error: &Error) -> Vec<u8> {
    let id = fresh();
    let id = id.to_str().unwrap_or("-");
    let body = problem::bare(error, status, id);
    let mut answer = format!(
        "HTTP/1.1 {status}\r\ncontent-type: {}\r\ncache-control: no-store\r\nx-content-type-options: nosniff\r\n\
         x-request-id: {id}\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
        problem::MEDIA_TYPE,
        body.len()
    )
    .into_bytes();
    answer.extend(body);
    answer
}

#[cfg(test)]
mod tests {
    use super::instead_of;

    #[test]
    fn only_answers_without_our_mark_are_replaced() {
        let empty = b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n";
        let text = String::from_utf8(instead_of(empty).unwrap()).unwrap();
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
