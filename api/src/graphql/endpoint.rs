//! The endpoint: GraphQL over HTTP, as its specification says.

use std::sync::Arc;
use std::time::Duration;

use entity::catalog::{Entity, Operation};
use poem::http::{HeaderValue, Method, StatusCode, header};
use poem::{Endpoint, Request, Response, Result as Answered};
use service::{Code, Error, Kind, Principal, Result, Service, access};

use super::execute::{Call as Asking, Executor};
use super::negotiate::{self, Media};
use super::params::{self, Asked, Params};
use super::persist::{self, Store};
use super::render::{Answer, Verdict};
use super::settings::Settings;
use crate::http::{Call, body, json, problem, session, status};
use crate::page::{self, Place, graphiql};

/// Characters of an idempotency key.
const KEY: usize = 255;

/// What the endpoint holds.
pub struct Graphql {
    service: Service,
    settings: Arc<Settings>,
    executor: Executor,
    documents: Store,
    title: String,
}

impl Graphql {
    /// The endpoint's state.
    ///
    /// # Errors
    /// `BadRequest` where the folder of documents can't be read.
    pub fn new(service: Service, settings: Settings, title: impl Into<String>) -> Result<Self> {
        let settings = Arc::new(settings);
        Ok(Self {
            documents: Store::open(&settings.documents)?,
            executor: Executor::new(service.clone(), Arc::clone(&settings)),
            service,
            settings,
            title: title.into(),
        })
    }

    /// Runs the operations of a request.
    async fn answer(&self, request: &mut Request, call: &Call) -> Result<Answer> {
        if *request.method() == Method::POST {
            return self.post(request, call).await;
        }
        let params = params::url(request.uri().query().unwrap_or_default(), self.settings.bounds.depth)?;
        Ok(self.run(request, call, params, true, None).await)
    }

    async fn post(&self, request: &mut Request, call: &Call) -> Result<Answer> {
        if !json::is_json(request.headers()) {
            return Err(Error::new(Code::UnsupportedMediaType, "The body must be JSON in UTF-8.")
                .hint("send `Content-Type: application/json`"));
        }
        let key = idempotency_key(request)?;
        let bytes = body::read(request, self.settings.body, self.settings.body_timeout).await?;
        match params::body(&bytes, self.settings.bounds.depth, self.settings.batch.min(10))? {
            Asked::One(params) => {
                let key = key.map(|key| (key, fingerprint(&bytes)));
                Ok(self.run(request, call, params, false, key).await)
            }
            Asked::Many(_) if key.is_some() => Err(Error::new(
                Code::NotSupported,
                "An idempotency key stands for one operation, not for a list.",
            )),
            Asked::Many(list) => {
                // The request itself was counted as one.
                call.charge(u32::try_from(list.len().saturating_sub(1)).unwrap_or(u32::MAX)).await?;
                let mut bodies = Vec::with_capacity(list.len());
                let (mut database, mut cookies) = (Duration::ZERO, Vec::new());
                for params in list {
                    let answer = match params {
                        Ok(params) => self.run(request, call, params, false, None).await,
                        Err(error) => Answer::refused(vec![error.into()]),
                    };
                    database += answer.database.unwrap_or_default();
                    cookies.extend(answer.cookies);
                    bodies.push(answer.body);
                }
                let body = format!("[{}]", bodies.join(","));
                Ok(Answer { database: Some(database), cookies, ..Answer::data(body) })
            }
        }
    }

    async fn run(
        &self,
        request: &Request,
        call: &Call,
        params: Params,
        safe: bool,
        key: Option<(String, String)>,
    ) -> Answer {
        let extensions = params.extensions.as_ref();
        let text =
            match self.documents.document(params.query.as_deref(), params.document.as_deref(), extensions) {
                Ok(text) => text,
                Err(error) => return Answer::refused(vec![error.into()]),
            };
        let context = self.service.context(call.principal().clone(), call.deadline());
        let caller = session::caller(request, call);
        let asking = Asking {
            caller: &caller,
            http: call,
            text: &text,
            name: params.operation.as_deref(),
            variables: &params.variables,
            safe,
            idempotency: key.as_ref().map(|(key, fingerprint)| (key.as_str(), fingerprint.as_str())),
            resolvers: self.settings.development
                && request.header("x-launchway-executor") == Some("resolvers"),
        };
        self.executor.run(context, asking).await
    }

    fn page(&self, request: &Request) -> Response {
        let catalog = self.service.catalog();
        let anyone = Principal::Anonymous;
        let shown = |entity: &Entity, name: &str| {
            access::member_opens(&catalog, entity, &anyone, name, Operation::Read)
        };
        // Whoever sees the page may have no credentials yet: it names nothing that is not open to anyone.
        let sample = catalog.entities.iter().find(|entity| access::visible(entity, &anyone)).map(|entity| {
            let mut fields =
                entity.plain_fields().filter(|field| field.system.is_none() && field.ty.scalar().is_some());
            graphiql::Sample {
                list: &entity.plural,
                field: fields.find(|field| shown(entity, &field.name)).map(|field| field.name.as_str()),
            }
        });
        let path = request.original_uri().path();
        let place = Place { title: &self.title, graphql: path, ..Place::default() };
        let mut response = Response::builder().body(graphiql::html(&place, &graphiql::welcome(sample)));
        for (name, value) in page::HEADERS {
            response.headers_mut().insert(name, HeaderValue::from_static(value));
        }
        response.headers_mut().insert(header::VARY, HeaderValue::from_static("Accept"));
        response
    }
}

impl std::fmt::Debug for Graphql {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Graphql").field("settings", &self.settings).finish_non_exhaustive()
    }
}

/// The endpoint for one path, all methods.
pub fn endpoint(state: Arc<Graphql>) -> impl Endpoint<Output = Response> {
    At(state)
}

struct At(Arc<Graphql>);

impl Endpoint for At {
    type Output = Response;

    async fn call(&self, mut request: Request) -> Answered<Response> {
        let state = &self.0;
        let call = Call::of(&request);
        let get = matches!(*request.method(), Method::GET | Method::HEAD);
        let media = negotiate::wanted(request.headers(), get && state.settings.graphiql);
        if media == Some(Media::Html) {
            return Ok(state.page(&request));
        }
        let answer = match media {
            None => Err(Error::new(
                Code::NotAcceptable,
                "None of the media types in `Accept` can be answered with.",
            )
            .hint("accept `application/graphql-response+json` or `application/json`")),
            Some(_) if get || *request.method() == Method::POST => state.answer(&mut request, &call).await,
            Some(_) => Err(Error::new(Code::MethodNotAllowed, "GraphQL takes GET and POST.")),
        };
        // What keeps a request from being understood at all has its own status, whatever is accepted.
        let (answer, formed) = match answer {
            Ok(answer) => (answer, true),
            Err(error) => (Answer::refused(vec![error.into()]), false),
        };
        let allow = if get { "POST" } else { "GET, POST" };
        let secure = state.service.auth().settings().secure_cookies;
        let cookies = answer.cookies.clone();
        let mut response = respond(answer, (media.unwrap_or(Media::Json), formed), allow, &call);
        for cookie in &cookies {
            session::set_cookie(response.headers_mut(), cookie, secure);
        }
        Ok(response)
    }
}

fn respond(answer: Answer, (media, formed): (Media, bool), allow: &'static str, call: &Call) -> Response {
    let status = answer_status(&answer, media, formed);
    if let Some(time) = answer.database {
        call.timing().add("db", time);
    }
    let mut response = Response::builder().status(status).body(answer.body);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media.content_type()));
    headers.insert(
        header::VARY,
        HeaderValue::from_static("Accept, Authorization, X-Api-Key, X-Organization, Cookie"),
    );
    // An answer hangs on who asks; nobody on the way may keep it.
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    if answer.repeated {
        headers.insert("idempotent-replayed", HeaderValue::from_static("true"));
    }
    if let Some(error) = &answer.error {
        problem::report(error, call);
        problem::decorate(error, headers);
    }
    if status == StatusCode::METHOD_NOT_ALLOWED {
        headers.insert(header::ALLOW, HeaderValue::from_static(allow));
    }
    response
}

/// The status: with `application/graphql-response+json` it tells what happened, with `application/json` a
/// well-formed request is answered with 200 unless the fault is ours or the method's.
fn answer_status(answer: &Answer, media: Media, formed: bool) -> StatusCode {
    let code = answer.error.as_ref().map(Error::code);
    let (kind, run) = match answer.verdict {
        Verdict::Answered => return StatusCode::OK,
        Verdict::Refused(kind) => (kind, false),
        Verdict::Failed(kind) => (kind, true),
    };
    let status = code.map_or_else(|| status::of_kind(kind), status::of);
    let ours = matches!(kind, Kind::Unavailable | Kind::Timeout | Kind::RateLimited | Kind::Internal);
    if !formed || ours || kind == Kind::MethodNotAllowed {
        return status;
    }
    // Without a document there is nothing that a GraphQL answer could be about.
    if code == Some(Code::BadRequest) && !run {
        return status;
    }
    if run || media == Media::Json { StatusCode::OK } else { status }
}

fn idempotency_key(request: &Request) -> Result<Option<String>> {
    let Some(value) = request.headers().get("idempotency-key") else { return Ok(None) };
    let key = value.to_str().ok().filter(|key| !key.is_empty() && key.len() <= KEY);
    key.map(|key| Some(key.to_owned())).ok_or_else(|| {
        Error::new(
            Code::BadRequest,
            format!("`Idempotency-Key` must be 1 to {KEY} printable ASCII characters."),
        )
    })
}

/// A hash of the body: another body under the same key is an error.
fn fingerprint(bytes: &[u8]) -> String {
    persist::hash(&String::from_utf8_lossy(bytes))
}
