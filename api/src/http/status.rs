//! What an error is in each protocol: the two tables, side by side, no wildcard.

use poem::http::StatusCode;
use service::{Code, Kind};

/// The HTTP status of a code.
#[must_use]
pub fn of(code: Code) -> StatusCode {
    match code {
        // The codes whose status is not their kind's.
        Code::BodyTimeout => StatusCode::REQUEST_TIMEOUT,
        Code::QueryTooLong => StatusCode::URI_TOO_LONG,
        _ => of_kind(code.kind()),
    }
}

/// The HTTP status of a kind.
#[must_use]
pub fn of_kind(kind: Kind) -> StatusCode {
    match kind {
        Kind::BadRequest => StatusCode::BAD_REQUEST,
        Kind::Unauthenticated => StatusCode::UNAUTHORIZED,
        Kind::Forbidden => StatusCode::FORBIDDEN,
        Kind::NotFound => StatusCode::NOT_FOUND,
        Kind::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
        Kind::NotAcceptable => StatusCode::NOT_ACCEPTABLE,
        Kind::Conflict => StatusCode::CONFLICT,
        Kind::PreconditionFailed => StatusCode::PRECONDITION_FAILED,
        Kind::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        Kind::UnsupportedMediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        Kind::Invalid | Kind::TooCostly => StatusCode::UNPROCESSABLE_ENTITY,
        Kind::RateLimited => StatusCode::TOO_MANY_REQUESTS,
        Kind::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        Kind::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        Kind::Timeout => StatusCode::GATEWAY_TIMEOUT,
    }
}

/// The family of a kind in GraphQL's `extensions`: what a client can do about it, in one word. The exact word is
/// the code itself.
#[must_use]
pub fn family(kind: Kind) -> &'static str {
    match kind {
        Kind::BadRequest => "BAD_REQUEST",
        Kind::Unauthenticated => "UNAUTHENTICATED",
        Kind::Forbidden => "FORBIDDEN",
        Kind::NotFound => "NOT_FOUND",
        Kind::MethodNotAllowed => "METHOD_NOT_ALLOWED",
        Kind::NotAcceptable => "NOT_ACCEPTABLE",
        Kind::Conflict => "CONFLICT",
        Kind::PreconditionFailed => "PRECONDITION_FAILED",
        Kind::TooLarge | Kind::TooCostly => "LIMIT_EXCEEDED",
        Kind::UnsupportedMediaType => "UNSUPPORTED_MEDIA_TYPE",
        Kind::Invalid => "INVALID",
        Kind::RateLimited => "RATE_LIMITED",
        Kind::Internal => "INTERNAL",
        Kind::Unavailable => "UNAVAILABLE",
        Kind::Timeout => "TIMEOUT",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_an_error_status_and_a_family() {
        for code in Code::ALL {
            let status = of(*code);
            assert!(status.is_client_error() || status.is_server_error(), "{code}");
            assert!(!family(code.kind()).is_empty());
        }
    }

    #[test]
    fn the_statuses_clients_rely_on() {
        let table = [
            (Code::BadRequest, 400),
            (Code::BadCredentials, 401),
            (Code::Forbidden, 403),
            (Code::NotFound, 404),
            (Code::MethodNotAllowed, 405),
            (Code::NotAcceptable, 406),
            (Code::BodyTimeout, 408),
            (Code::UniqueViolation, 409),
            (Code::VersionMismatch, 412),
            (Code::BodyTooLarge, 413),
            (Code::QueryTooLong, 414),
            (Code::UnsupportedMediaType, 415),
            (Code::CheckFailed, 422),
            (Code::LimitExceeded, 422),
            (Code::RateLimited, 429),
            (Code::Internal, 500),
            (Code::Unavailable, 503),
            (Code::Timeout, 504),
        ];
        for (code, status) in table {
            assert_eq!(of(code).as_u16(), status, "{code}");
        }
    }
}
