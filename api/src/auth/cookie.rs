//! The cookie of a browser's session: out of the reach of scripts, not sent along by other sites' forms.

use poem::http::{HeaderMap, HeaderValue, header};
use service::auth::Cookie;

use crate::http::authenticate::{COOKIE, SECURE_COOKIE};

/// Says to the browser what becomes of the cookie (RFC 6265).
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
