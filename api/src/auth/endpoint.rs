//! The routes of the table: JSON in, JSON out.

use std::sync::Arc;
use std::time::Duration;

use poem::http::{HeaderValue, Method, StatusCode, header};
use poem::{Endpoint, Request, Response, Result as Answered};
use serde_json::{Map, Value as Json};
use service::auth::{Done, OPERATIONS, Operation};
use service::{Code, Error, Result, Service};

use super::{BASE, TOKEN, me, provider, token};
use crate::http::session::{caller, set_cookie};
use crate::http::{Call, body, method, problem};

/// Bytes of a body.
const BODY: usize = 64 * 1024;

/// How requests are read.
#[derive(Debug, Clone)]
pub struct Settings {
    /// How long a body may take to arrive.
    pub body_time: Duration,
    /// Whether errors guess what was meant.
    pub suggestions: bool,
}

/// Everything below `/auth`.
#[must_use]
pub fn routes(service: Service, settings: Settings) -> impl Endpoint<Output = Response> {
    Accounts { service, settings }
}

struct Accounts {
    service: Service,
    settings: Settings,
}

impl Endpoint for Accounts {
    type Output = Response;

    async fn call(&self, mut request: Request) -> Answered<Response> {
        let call = Call::of(&request);
        let mut response = match self.answer(&mut request, &call).await {
            Ok(response) => response,
            Err(error) => {
                let error = if self.settings.suggestions { error } else { error.without_suggestions() };
                problem::response(&error, &call)
            }
        };
        // Answers hold secrets and say who somebody is.
        response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        Ok(response)
    }
}

impl Accounts {
    async fn answer(&self, request: &mut Request, call: &Call) -> Result<Response> {
        if !self.service.auth().is_open() {
            return Err(Error::new(Code::NoSuchRoute, "The model has no accounts.")
                .hint("A model has them that names `User`, or a role other than `anyone` and `admin`."));
        }
        let path = request.original_uri().path().to_owned();
        if path == TOKEN {
            call.set_route(TOKEN);
            return match *request.method() {
                Method::POST => token::answer(&self.service, request, call, self.settings.body_time).await,
                _ => Ok(method::refuse(call, "POST")),
            };
        }
        let rest = path.strip_prefix(BASE).unwrap_or(&path);
        if let Some(rest) = rest.strip_prefix("/providers") {
            return match *request.method() {
                Method::GET | Method::HEAD => provider::answer(&self.service, request, call, rest).await,
                _ => Ok(method::refuse(call, "GET, HEAD")),
            };
        }
        if rest == "/me" {
            call.set_route("/auth/me");
            return match *request.method() {
                Method::GET | Method::HEAD => me::answer(&self.service, call).await,
                _ => Ok(method::refuse(call, "GET, HEAD")),
            };
        }
        let found: Vec<(&Operation, Option<&str>)> = OPERATIONS
            .iter()
            .filter(|operation| operation.is_offered(call.principal()) || operation.name != "changeUser")
            .filter_map(|operation| Some((operation, fits(operation.path, rest)?)))
            .collect();
        let Some((operation, id)) = found.iter().find(|(operation, _)| operation.method == request.method())
        else {
            let methods: Vec<&str> = found.iter().map(|(operation, _)| operation.method).collect();
            return match methods.is_empty() {
                true => Err(Error::new(Code::NoSuchRoute, "There is nothing at this path.")),
                false => Ok(method::refuse(call, &methods.join(", "))),
            };
        };
        call.set_route(Arc::<str>::from(format!("{BASE}{}", operation.path)));
        let mut input = self.input(request).await?;
        if let Some(id) = id {
            input.insert("id".to_owned(), Json::from(*id));
        }
        let caller = caller(request, call);
        let done = self.service.auth().run(operation, &caller, &input).await?;
        Ok(self.respond(done))
    }

    async fn input(&self, request: &mut Request) -> Result<Map<String, Json>> {
        let bytes = body::read(request, BODY, self.settings.body_time).await?;
        if bytes.is_empty() {
            return Ok(Map::new());
        }
        // A form of another site can send any text, but not say that it is JSON.
        if !crate::http::json::is_json(request.headers()) {
            return Err(Error::new(Code::UnsupportedMediaType, "The body must be JSON in UTF-8.")
                .hint("Send `Content-Type: application/json`."));
        }
        match crate::http::json::read(&bytes, "body")?.to_json() {
            Json::Object(input) => Ok(input),
            _ => Err(Error::new(Code::BadRequest, "The body must be a JSON object.")),
        }
    }

    fn respond(&self, done: Done) -> Response {
        let status = if done.created { StatusCode::CREATED } else { StatusCode::OK };
        let mut response =
            Response::builder().status(status).content_type("application/json").body(done.body.to_string());
        if let Some(cookie) = &done.cookie {
            let secure = self.service.auth().settings().secure_cookies;
            set_cookie(response.headers_mut(), cookie, secure);
        }
        response
    }
}

/// Whether a path is the one of an operation; what stands for its id.
fn fits<'a>(pattern: &str, path: &'a str) -> Option<Option<&'a str>> {
    match pattern.split_once("{id}") {
        None => (pattern == path).then_some(None),
        Some((before, after)) => {
            let id = path.strip_prefix(before)?.strip_suffix(after)?;
            (!id.is_empty() && !id.contains('/')).then_some(Some(id))
        }
    }
}
