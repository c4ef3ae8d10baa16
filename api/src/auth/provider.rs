//! `/auth/providers`: a browser is sent to a provider, and comes back.

use poem::http::{HeaderMap, HeaderValue, StatusCode, header};
use poem::{Request, Response};
use service::auth::{Callback, Cookie, Mode};
use service::{Code, Error, Result, Service};

use crate::http::Call;
use crate::http::authenticate::cookie;
use crate::http::session::{caller, set_cookie};

/// The cookie that ties a sign-in to the browser it began in. It has to come along when the provider sends the browser
/// back, from another site. The prefix makes browsers keep it to HTTPS and to this very host.
const SECURE_JOURNEY: &str = "__Host-launchway_sign_in";

/// The same in development, where there is no HTTPS.
const JOURNEY: &str = "launchway_sign_in";

/// Seconds a sign-in may take.
const PATIENCE: u32 = 600;

/// Answers a path below `/auth/providers`: the list, the way there, the way back.
///
/// # Errors
/// `NO_SUCH_ROUTE`, what is wrong with the parameters, and the provider's.
pub(super) async fn answer(
    service: &Service,
    request: &Request,
    call: &Call,
    rest: &str,
) -> Result<Response> {
    let parts: Vec<&str> = rest.split('/').filter(|part| !part.is_empty()).collect();
    match parts.as_slice() {
        [] => {
            call.set_route("/auth/providers");
            let body = serde_json::json!({ "providers": service.auth().providers() });
            Ok(Response::builder().content_type("application/json").body(body.to_string()))
        }
        [name] => {
            call.set_route("/auth/providers/{name}");
            depart(service, request, name).await
        }
        [name, "callback"] => {
            call.set_route("/auth/providers/{name}/callback");
            arrive(service, request, call, name).await
        }
        _ => Err(Error::new(Code::NoSuchRoute, "There is nothing at this path.")),
    }
}

async fn depart(service: &Service, request: &Request, name: &str) -> Result<Response> {
    let (mut redirect, mut mode, mut challenge, mut method) = (None, None, None, None);
    for (key, value) in url::form_urlencoded::parse(request.uri().query().unwrap_or_default().as_bytes()) {
        let place = match key.as_ref() {
            "redirect" => &mut redirect,
            "mode" => &mut mode,
            "code_challenge" => &mut challenge,
            "code_challenge_method" => &mut method,
            other => {
                let message = format!("There is no parameter `{}`.", entity::value::excerpt(other));
                return Err(Error::new(Code::UnknownParameter, message)
                    .hint("Possible: redirect, mode, code_challenge, code_challenge_method."));
            }
        };
        if place.replace(value.into_owned()).is_some() {
            return Err(twice());
        }
    }
    if method.is_some_and(|method| method != "S256") {
        return Err(
            Error::new(Code::BadValue, "`code_challenge_method` is `S256`.").at("code_challenge_method")
        );
    }
    let mode = match mode.as_deref() {
        None | Some("cookie") if challenge.is_some() => {
            return Err(
                Error::new(Code::BadValue, "`code_challenge` is for `mode=code`.").at("code_challenge")
            );
        }
        None | Some("cookie") => Mode::Cookie,
        Some("code") => Mode::Code { challenge: challenge.as_deref() },
        Some(_) => return Err(Error::new(Code::BadValue, "`mode` is `cookie` or `code`.").at("mode")),
    };
    let departure = service.auth().depart(name, redirect.as_deref().unwrap_or("/"), mode).await?;
    let mut response = sent(departure.url.as_str())?;
    journey(response.headers_mut(), Some(&departure.secret), service.auth().settings().secure_cookies);
    Ok(response)
}

fn twice() -> Error {
    Error::new(Code::BadRequest, "A parameter is there twice.")
}

async fn arrive(service: &Service, request: &Request, call: &Call, name: &str) -> Result<Response> {
    let mut callback = Callback::default();
    for (key, value) in url::form_urlencoded::parse(request.uri().query().unwrap_or_default().as_bytes()) {
        let place = match key.as_ref() {
            "code" => &mut callback.code,
            "state" => &mut callback.state,
            "iss" => &mut callback.iss,
            "error" => &mut callback.error,
            // What providers add of their own means nothing here.
            _ => continue,
        };
        if place.replace(value.into_owned()).is_some() {
            return Err(twice());
        }
    }
    let secure = service.auth().settings().secure_cookies;
    let browser = cookie(request.headers(), if secure { SECURE_JOURNEY } else { JOURNEY });
    let arrival = service.auth().arrive(&caller(request, call), name, &callback, browser).await?;
    let mut back = url::Url::parse(&arrival.back).map_err(Error::internal)?;
    let mut session: Option<Cookie> = None;
    match arrival.outcome {
        Ok(done) => {
            if let Some(code) = done.body.get("code").and_then(serde_json::Value::as_str) {
                back.query_pairs_mut().append_pair("code", code);
            }
            session = done.cookie;
        }
        Err(error) => {
            call.failed(error.code());
            back.query_pairs_mut().append_pair("error", error.code().as_str());
        }
    }
    let mut response = sent(back.as_str())?;
    journey(response.headers_mut(), None, secure);
    if let Some(cookie) = &session {
        set_cookie(response.headers_mut(), cookie, secure);
    }
    Ok(response)
}

fn sent(to: &str) -> Result<Response> {
    let mut response = Response::builder().status(StatusCode::SEE_OTHER).finish();
    let to = HeaderValue::from_str(to).map_err(Error::internal)?;
    response.headers_mut().insert(header::LOCATION, to);
    Ok(response)
}

/// Says to the browser what becomes of the cookie of a sign-in.
fn journey(headers: &mut HeaderMap, secret: Option<&str>, secure: bool) {
    let (name, place) =
        if secure { (SECURE_JOURNEY, "Path=/; Secure") } else { (JOURNEY, "Path=/auth/providers") };
    let (value, age) = secret.map_or(("", 0), |secret| (secret, PATIENCE));
    let text = format!("{name}={value}; {place}; Max-Age={age}; HttpOnly; SameSite=Lax");
    if let Ok(mut value) = HeaderValue::try_from(text) {
        value.set_sensitive(true);
        headers.append(header::SET_COOKIE, value);
    }
}
