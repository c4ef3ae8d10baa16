//! What happens around every request, in order, on one screen. One future and no boxes: a request that needs none
//! of it pays next to nothing.

use std::net::{IpAddr, Ipv4Addr};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use ipnet::IpNet;
use poem::error::{MethodNotAllowedError, NotFoundError};
use poem::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use poem::{Endpoint, Request, Response, Result};
use service::throttle::Throttle;
use service::{Auth, Code, Error};
use tokio::time::{Instant, timeout_at};
use tracing::Instrument;

use super::capacity::Capacity;
use super::cors::Cors;
use super::identity::{REQUEST_ID, request_id};
use super::rate::Rates;
use super::{client, compress, route};
use crate::config::Config;
use crate::config::rate::Policies;
use crate::http::authenticate::Keys;
use crate::http::call::Facts;
use crate::http::{Call, problem, status};
use crate::telemetry::{log, metric, trace};

const SERVER_TIMING: HeaderName = HeaderName::from_static("server-timing");

/// What an answer that is no page may do in a browser: nothing.
const NO_PAGE: HeaderValue = HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'");

/// These are answered however busy the server is, and however often they are asked: whoever watches it must see.
const ALWAYS: [&str; 3] = ["/healthz", "/readyz", "/metrics"];

/// The routes, and what happens around them.
#[derive(Debug)]
pub struct Layers<E> {
    inner: E,
    trusted: Vec<IpNet>,
    cors: Cors,
    capacity: Capacity,
    keys: Keys,
    rates: Option<Rates>,
    time: Duration,
    https: bool,
    server_timing: bool,
    access_log: bool,
}

impl<E: Endpoint<Output = Response>> Layers<E> {
    /// Around these routes.
    pub fn new(inner: E, config: &Config) -> Self {
        Self {
            inner,
            trusted: config.server.trusted_proxies.clone(),
            cors: Cors::new(config),
            capacity: Capacity::new(&config.limits),
            keys: Keys::new(config.auth.admin_key.reveal()),
            rates: None,
            time: config.limits.request_timeout.0,
            https: config.public_url().starts_with("https://"),
            server_timing: config.helps(config.telemetry.server_timing),
            access_log: log::has_access_log(config),
        }
    }

    /// Knows those with accounts too.
    #[must_use]
    pub fn identified(mut self, auth: Auth) -> Self {
        self.keys = self.keys.and(auth);
        self
    }

    /// Lets nobody ask more often than these limits say.
    #[must_use]
    pub fn limited(mut self, throttle: Throttle, policies: Policies) -> Self {
        self.rates = Some(Rates::new(throttle, policies));
        self
    }

    /// Answers a request, whatever happens. From the outside to the inside, and back:
    pub async fn answer(&self, mut request: Request) -> Response {
        let method = trace::method(request.method());
        let _active = metric::Active::begin(method);

        // 1. Trace span: outermost, so that it covers everything; made only when this request is sampled.
        let span = trace::Server::begin(&request);
        // 2. Request id and client address: every line, problem and span below names them.
        let call = self.identify(&request, span.as_ref());
        if let Some(span) = &span {
            span.asked(&request, &call);
        }
        request.set_data(call.clone());
        // 3. CORS and the coding of the answer are read before the request is gone; both are applied to every
        //    answer, errors too, or a browser would hide the error.
        let origin = self.cors.judge(request.headers());
        let coding = compress::negotiate(&mut request);
        let mut response = match self.cors.preflight(&request, &origin) {
            Some(preflight) => preflight,
            None => {
                // 4. Panics become a 500 of this request alone.
                let work = AssertUnwindSafe(self.inside(request, &call)).catch_unwind();
                let outcome = match &span {
                    Some(span) => work.instrument(span.span.clone()).await,
                    None => work.await,
                };
                outcome
                    .unwrap_or_else(|_| problem::response(&Error::internal("a panic, logged above"), &call))
            }
        };

        compress::apply(coding, &mut response).await;
        let time = call.started().elapsed();
        let headers = response.headers_mut();
        secure(headers, self.https);
        self.cors.apply(origin, headers);
        headers.insert(REQUEST_ID, call.id().clone());
        if let Some(meter) = call.meter() {
            meter.tell(headers);
        }
        if let Some(timing) = self.server_timing.then(|| call.timing().header(time)).flatten() {
            headers.append(SERVER_TIMING, timing);
        }
        if let Some(span) = &span {
            span.answered(method, &call, &response);
        }
        metric::finished(method, &call, response.status(), time);
        if self.access_log {
            log::access(method, &call, response.status(), time);
        }
        response
    }

    /// What may refuse a request.
    async fn inside(&self, request: Request, call: &Call) -> Response {
        // 5. The deadline covers waiting and working.
        let work = async {
            // 6. A place among those worked on: before anything that costs.
            let always = ALWAYS.contains(&request.uri().path());
            let _place = match always {
                true => None,
                false => Some(self.capacity.admit().await?),
            };
            // 7. Who asks: last, so that a refusal looks like every other answer.
            let principal = self.keys.authenticate(&request, self.cors.trusts(request.headers())).await;
            if let Ok(principal) = &principal {
                call.authenticated(principal.clone());
            }
            // 8. Whether they ask too often; whoever shows wrong credentials is counted as nobody, at an address.
            if let Some(rates) = self.rates.as_ref().filter(|_| !always) {
                rates.count(call).await?;
            }
            principal?;
            // 9. The routes.
            match self.inner.call(request).await {
                Ok(response) => Ok(response),
                Err(error) => Ok(translate(error, call)),
            }
        };
        let outcome = match call.deadline() {
            Some(deadline) => timeout_at(deadline, work).await.unwrap_or_else(|_| Err(self.too_late())),
            None => work.await,
        };
        outcome.unwrap_or_else(|error: Error| problem::response(&error, call))
    }

    fn identify(&self, request: &Request, span: Option<&trace::Server>) -> Call {
        let headers = request.headers();
        let peer = request
            .remote_addr()
            .as_socket_addr()
            .map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), std::net::SocketAddr::ip);
        let started = Instant::now();
        Call::new(Facts {
            id: request_id(headers),
            uri: request.uri().clone(),
            client: client::address(peer, headers, &self.trusted),
            local: client::is_local(peer, headers),
            started,
            deadline: started.checked_add(self.time),
            trace: span.map(trace::Server::trace),
        })
    }

    fn too_late(&self) -> Error {
        let seconds = self.time.as_secs_f64();
        Error::new(Code::Timeout, format!("The request was not answered within {seconds} seconds."))
            .hint("Ask for less at once.")
    }
}

impl<E: Endpoint<Output = Response>> Endpoint for Layers<E> {
    type Output = Response;

    async fn call(&self, request: Request) -> Result<Response> {
        Ok(self.answer(request).await)
    }
}

/// Headers that make an answer harmless in a browser, where the endpoint has not said better.
fn secure(headers: &mut HeaderMap, https: bool) {
    if https {
        headers.insert(header::STRICT_TRANSPORT_SECURITY, HeaderValue::from_static("max-age=31536000"));
    }
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if !headers.contains_key(header::CONTENT_SECURITY_POLICY) {
        headers.insert(header::CONTENT_SECURITY_POLICY, NO_PAGE);
    }
    if !headers.contains_key(header::REFERRER_POLICY) {
        headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    }
}

/// An error of the HTTP library, or one of ours that came its way, as a problem.
fn translate(error: poem::Error, call: &Call) -> Response {
    if let Some(ours) = error.downcast_ref::<Error>() {
        return problem::response(ours, call);
    }
    if error.is_from_response() {
        return error.into_response();
    }
    if error.is::<NotFoundError>() {
        return route::nothing(call);
    }
    if error.is::<MethodNotAllowedError>() {
        return crate::http::method::refuse(call, "");
    }
    let status = error.status();
    let known = [Code::BadRequest, Code::BodyTooLarge, Code::UnsupportedMediaType, Code::NotAcceptable];
    let code = known.into_iter().find(|code| status::of(*code) == status);
    let ours = match code.or(status.is_client_error().then_some(Code::BadRequest)) {
        Some(code) => Error::new(code, code.meaning()),
        None => Error::internal(error.to_string()),
    };
    problem::response(&ours, call)
}

/// Shared by all connections.
pub type Shared<E> = Arc<Layers<E>>;
