//! What the server knows about one request before any protocol reads it. Every endpoint finds it in the request.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::{Arc, OnceLock};

use hyper::http::HeaderValue;
use opentelemetry::TraceId;
use poem::Request;
use poem::http::Uri;
use service::{Code, Principal, Result};
use tokio::time::Instant;

use super::rate::Meter;
use super::timing::Timing;

/// The pattern of the route that answers: `/v1/tracks/{id}`. It names the span and labels the metrics, so it
/// must come from a closed set, never from what a client sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Route {
    /// Known when the program was written.
    Fixed(&'static str),
    /// Known when the model was compiled.
    Shared(Arc<str>),
}

impl Route {
    /// The pattern.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Route::Fixed(text) => text,
            Route::Shared(text) => text,
        }
    }
}

impl From<&'static str> for Route {
    fn from(text: &'static str) -> Self {
        Route::Fixed(text)
    }
}

impl From<Arc<str>> for Route {
    fn from(text: Arc<str>) -> Self {
        Route::Shared(text)
    }
}

/// One request: a cheap clone.
#[derive(Debug, Clone)]
pub struct Call(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    id: HeaderValue,
    uri: Uri,
    client: IpAddr,
    local: bool,
    started: Instant,
    deadline: Option<Instant>,
    trace: Option<TraceId>,
    principal: OnceLock<Principal>,
    meter: OnceLock<Meter>,
    route: OnceLock<Route>,
    failure: OnceLock<Code>,
    timing: Timing,
}

/// What the layers found out, in the order they found it.
#[derive(Debug)]
pub struct Facts {
    /// The request id, as it is echoed.
    pub id: HeaderValue,
    /// What was asked for.
    pub uri: Uri,
    /// Who is at the other end, proxies of ours left out.
    pub client: IpAddr,
    /// Whether the request comes from this machine, and not through a proxy on it.
    pub local: bool,
    /// When it came.
    pub started: Instant,
    /// When an answer is no use any more.
    pub deadline: Option<Instant>,
    /// The trace it belongs to, when it is recorded.
    pub trace: Option<TraceId>,
}

impl Call {
    /// A call of these facts, by nobody yet.
    #[must_use]
    pub fn new(facts: Facts) -> Self {
        Self(Arc::new(Inner {
            id: facts.id,
            uri: facts.uri,
            client: facts.client,
            local: facts.local,
            started: facts.started,
            deadline: facts.deadline,
            trace: facts.trace,
            principal: OnceLock::new(),
            meter: OnceLock::new(),
            route: OnceLock::new(),
            failure: OnceLock::new(),
            timing: Timing::default(),
        }))
    }

    /// The call of a request; one by nobody, without a deadline, when no layer has seen the request.
    #[must_use]
    pub fn of(request: &Request) -> Self {
        request.data::<Call>().cloned().unwrap_or_else(|| {
            Self::new(Facts {
                id: HeaderValue::from_static("-"),
                uri: request.uri().clone(),
                client: IpAddr::V4(Ipv4Addr::UNSPECIFIED),
                local: false,
                started: Instant::now(),
                deadline: None,
                trace: None,
            })
        })
    }

    /// Who asks. Nobody, until credentials were checked.
    #[must_use]
    pub fn principal(&self) -> &Principal {
        self.0.principal.get().unwrap_or(&Principal::Anonymous)
    }

    /// Says who asks; the first word counts.
    pub fn authenticated(&self, principal: Principal) {
        let _ = self.0.principal.set(principal);
    }

    /// Says what the request is counted in; the first word counts.
    pub fn metered(&self, meter: Meter) {
        let _ = self.0.meter.set(meter);
    }

    /// What the request is counted in, when it is limited.
    #[must_use]
    pub fn meter(&self) -> Option<&Meter> {
        self.0.meter.get()
    }

    /// Takes further units of the client's quota, for an endpoint that was asked for several things at once. Nothing
    /// happens where the request is not limited.
    ///
    /// # Errors
    /// `RATE_LIMITED` when there are not so many.
    pub async fn charge(&self, units: u32) -> Result<()> {
        match self.meter() {
            Some(meter) => meter.charge(units).await,
            None => Ok(()),
        }
    }

    /// When an answer is no use any more.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        self.0.deadline
    }

    /// When the request came.
    #[must_use]
    pub fn started(&self) -> Instant {
        self.0.started
    }

    /// The request id.
    #[must_use]
    pub fn id(&self) -> &HeaderValue {
        &self.0.id
    }

    /// The request id as text.
    #[must_use]
    pub fn id_text(&self) -> &str {
        self.0.id.to_str().unwrap_or("-")
    }

    /// What was asked for.
    #[must_use]
    pub fn uri(&self) -> &Uri {
        &self.0.uri
    }

    /// The address of the client, proxies of ours left out.
    #[must_use]
    pub fn client(&self) -> IpAddr {
        self.0.client
    }

    /// Whether the request comes from this machine, and not through a proxy on it.
    #[must_use]
    pub fn is_local(&self) -> bool {
        self.0.local
    }

    /// The trace the request belongs to, when it is recorded.
    #[must_use]
    pub fn trace(&self) -> Option<TraceId> {
        self.0.trace
    }

    /// Says which route answers. The first word counts, so a facade that knows better than the route table
    /// (`/v1/tracks/{id}` rather than `/v1`) is asked before the table's own pattern is used.
    pub fn set_route(&self, route: impl Into<Route>) {
        let _ = self.0.route.set(route.into());
    }

    /// The route that answers, when one does.
    #[must_use]
    pub fn route(&self) -> Option<&Route> {
        self.0.route.get()
    }

    /// Says what went wrong, for traces and metrics. The first word counts.
    pub fn failed(&self, code: Code) {
        let _ = self.0.failure.set(code);
    }

    /// What went wrong, if anything did.
    #[must_use]
    pub fn failure(&self) -> Option<Code> {
        self.0.failure.get().copied()
    }

    /// How long the parts of the work took: becomes `Server-Timing`.
    #[must_use]
    pub fn timing(&self) -> &Timing {
        &self.0.timing
    }
}
