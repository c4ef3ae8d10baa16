//! `/auth/token`: the client credentials grant (RFC 6749, sections 4.4 and 5).

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use poem::http::{HeaderValue, StatusCode, header};
use poem::{Request, Response};
use service::{Code, Error, Kind, Result, Service};

use crate::http::{Call, body, problem, status};

/// Bytes of a body.
const BODY: usize = 16 * 1024;

/// Exchanges a key for a token.
///
/// # Errors
/// What is wrong with the request as HTTP; all else is answered as the specification says.
pub(super) async fn answer(
    service: &Service,
    request: &mut Request,
    call: &Call,
    time: Duration,
) -> Result<Response> {
    let form = request.content_type().is_some_and(|ty| {
        ty.split(';')
            .next()
            .is_some_and(|ty| ty.trim().eq_ignore_ascii_case("application/x-www-form-urlencoded"))
    });
    if !form {
        return Err(Error::new(Code::UnsupportedMediaType, "The token endpoint takes a form.")
            .hint("Send `Content-Type: application/x-www-form-urlencoded`."));
    }
    let bytes = body::read(request, BODY, time).await?;
    let basic = request.headers().get(header::AUTHORIZATION).map(HeaderValue::as_bytes);
    Ok(match exchange(service, &bytes, basic).await {
        Ok(json) => Response::builder().content_type("application/json").body(json.to_string()),
        Err(Refusal { error, status, about, cause }) => {
            let body = serde_json::json!({ "error": error, "error_description": about });
            let mut response =
                Response::builder().status(status).content_type("application/json").body(body.to_string());
            if status == StatusCode::UNAUTHORIZED {
                let challenge = HeaderValue::from_static("Basic realm=\"launchway\"");
                response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
            }
            if let Some(cause) = &cause {
                problem::report(cause, call);
                problem::decorate(cause, response.headers_mut());
            }
            response
        }
    })
}

/// A refusal as the specification words it.
struct Refusal {
    error: &'static str,
    status: StatusCode,
    about: String,
    /// What went wrong on our side.
    cause: Option<Error>,
}

impl Refusal {
    fn new(error: &'static str, about: &str) -> Self {
        Self { error, status: StatusCode::BAD_REQUEST, about: about.to_owned(), cause: None }
    }
}

async fn exchange(
    service: &Service,
    bytes: &[u8],
    basic: Option<&[u8]>,
) -> Result<serde_json::Value, Refusal> {
    let mut fields: Vec<(String, String)> = Vec::new();
    for (name, value) in url::form_urlencoded::parse(bytes) {
        if fields.iter().any(|(known, _)| *known == name) {
            return Err(Refusal::new("invalid_request", "A parameter is there twice."));
        }
        fields.push((name.into_owned(), value.into_owned()));
    }
    let field = |name: &str| fields.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
    match field("grant_type") {
        Some("client_credentials") => {}
        Some(_) => return Err(Refusal::new("unsupported_grant_type", "Only client_credentials is granted.")),
        None => return Err(Refusal::new("invalid_request", "`grant_type` is missing.")),
    }
    let named = match basic {
        // Two ways at once: it can't be told which one is meant.
        Some(_) if field("client_secret").is_some() => {
            return Err(Refusal::new("invalid_request", "Give the client's secret in one place."));
        }
        Some(basic) => pair(basic),
        None => field("client_id")
            .zip(field("client_secret"))
            .map(|(id, secret)| (id.to_owned(), secret.to_owned())),
    };
    let unknown = || Refusal {
        status: StatusCode::UNAUTHORIZED,
        ..Refusal::new("invalid_client", "The client or its secret is wrong.")
    };
    let (client, secret) = named.ok_or_else(unknown)?;
    let done = service.auth().client_credentials((&client, &secret), field("scope")).await;
    done.map(|done| done.body).map_err(|error| match error.code() {
        Code::InvalidClient => unknown(),
        Code::InvalidScope => Refusal::new("invalid_scope", error.message()),
        code => Refusal {
            status: status::of(code),
            cause: Some(error),
            ..match code.kind() {
                Kind::Internal => Refusal::new("server_error", "Something is wrong on our side."),
                _ => Refusal::new("temporarily_unavailable", "Try again."),
            }
        },
    })
}

/// The client's id and secret of `Basic …`, each encoded as in a form (RFC 6749, section 2.3.1).
fn pair(value: &[u8]) -> Option<(String, String)> {
    let (scheme, text) = value.split_at_checked(6)?;
    if !scheme.eq_ignore_ascii_case(b"basic ") {
        return None;
    }
    let text = String::from_utf8(STANDARD.decode(text.trim_ascii()).ok()?).ok()?;
    let (id, secret) = text.split_once(':')?;
    let plain = |text: &str| {
        let text = text.replace('+', " ");
        url::form_urlencoded::parse(format!("x={}", text.replace('&', "%26")).as_bytes())
            .next()
            .map(|(_, value)| value.into_owned())
    };
    Some((plain(id)?, plain(secret)?))
}
