//! Who asks for an operation, and from where.

use poem::http::header;
use poem::Request;
use service::auth::Caller;

use crate::http::Call;

/// The caller of a request.
#[must_use]
pub fn caller(request: &Request, call: &Call) -> Caller {
    let agent = request.headers().get(header::USER_AGENT).and_then(|value| value.to_str().ok());
    Caller {
        principal: call.principal().clone(),
        address: Some(call.client().to_string()),
        user_agent: agent.map(|text| text.chars().take(300).collect()),
        trace: call.trace().map(|trace| trace.to_string()),
        device: None,
    }
}
