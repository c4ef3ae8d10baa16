//! A browser's session: its cookie, out of the reach of scripts and not sent along by other sites' forms; and who asks for
//! what concerns accounts.

use poem::Request;
use poem::http::{HeaderMap, HeaderValue, header};
use service::auth::{Caller, Cookie};

use super::Call;
use super::authenticate::{COOKIE, SECURE_COOKIE};

/// Characters of what a program calls itself.
const AGENT: usize = 300;

/// The caller of a request, and from where it comes.
#[must_use]
pub fn caller(request: &Request, call: &Call) -> Caller {
    let agent = request.headers().get(header::USER_AGENT).and_then(|value| value.to_str().ok());
    Caller {
        principal: call.principal().clone(),
        address: Some(call.client().to_string()),
        user_agent: agent.map(|text| text.chars().take(AGENT).collect()),
        trace: call.trace().map(|trace| trace.to_string()),
        device: None,
    }
}

/// Says to the browser what becomes of the cookie (RFC 6265). `secure` is for HTTPS alone.
pub fn set_cookie(headers: &mut HeaderMap, cookie: &Cookie, secure: bool) {
    let (name, flag) = if secure { (SECURE_COOKIE, "; Secure") } else { (COOKIE, "") };
    let text = match cookie {
        Cookie::Set(value, seconds) => {
            format!("{name}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax{flag}")
        }
        Cookie::Clear => format!("{name}=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax{flag}"),
    };
    if let Ok(mut value) = HeaderValue::try_from(text) {
        value.set_sensitive(true);
        headers.append(header::SET_COOKIE, value);
    }
}
