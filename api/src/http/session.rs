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
        // Without an exporter there is no trace of ours: the one that the client's gateway keeps is as good.
        trace: call.trace().map(|trace| trace.to_string()).or_else(|| trace_of(request.headers())),
        device: None,
    }
}

/// The trace that a request says it belongs to (W3C Trace Context, section 3.2).
fn trace_of(headers: &HeaderMap) -> Option<String> {
    let mut parts = headers.get("traceparent")?.to_str().ok()?.split('-');
    let trace = parts.next().filter(|version| version.len() == 2).and_then(|_| parts.next())?;
    let digits = trace.len() == 32 && trace.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    (digits && trace.bytes().any(|byte| byte != b'0')).then(|| trace.to_owned())
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_a_trace_is_taken_for_one() {
        let told = |text: &'static str| {
            trace_of(&HeaderMap::from_iter([(
                header::HeaderName::from_static("traceparent"),
                HeaderValue::from_static(text),
            )]))
        };
        let good = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        assert_eq!(told(good).as_deref(), Some("4bf92f3577b34da6a3ce929d0e0e4736"));
        for wrong in [
            "",
            "00",
            "00-",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-x",
            "00-00000000000000000000000000000000-x",
        ] {
            assert_eq!(told(wrong), None, "{wrong}");
        }
    }
}
