//! REST under `/v1`: every type of the model as a collection, every row at its id.
//!
//! A request is read ([`parse`]), asked of the engine, and its answer written ([`render`]); the rows' JSON is the
//! database's own text, passed on. Reads of a shape that was seen before skip parsing of names, planning and
//! compiling ([`known`]).

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use poem::http::{HeaderMap, Method};
use poem::{Endpoint, Request, Response};
use service::{Context, Result, Service};

use crate::http::{Call, body, method, problem};

mod answer;
mod clash;
mod known;
pub mod parse;
mod read;
pub(crate) mod render;
mod route;
mod stream;
mod table;
mod write;

use known::Generation;
use parse::place;
use parse::query::Query;
use route::Place;

/// What an operator can set.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The path everything is under, without a slash at its end.
    pub base: String,
    /// Bytes a body may have.
    pub body_limit: usize,
    /// How long a body may take to arrive.
    pub body_time: Duration,
    /// How long one page of such an answer may take.
    pub page_time: Duration,
    /// Rows that one change of many may touch when the caller names no number.
    pub max_affected: u64,
    /// Shapes of reads kept ready.
    pub shapes: u64,
    /// Whether errors suggest names that exist.
    pub suggestions: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            base: "/v1".to_owned(),
            body_limit: 8 * 1024 * 1024,
            body_time: Duration::from_secs(30),
            page_time: Duration::from_secs(30),
            max_affected: 100,
            shapes: 2_000,
            suggestions: true,
        }
    }
}

/// The endpoint of everything under the base path.
pub struct Rest {
    service: Service,
    settings: Settings,
    generation: ArcSwap<Generation>,
}

impl std::fmt::Debug for Rest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Rest").field("settings", &self.settings).finish_non_exhaustive()
    }
}

/// The endpoint, to be mounted at the base path and all paths below.
#[must_use]
pub fn routes(service: Service, settings: Settings) -> Rest {
    let generation = Generation::new(service.catalog(), &settings);
    Rest { service, settings, generation: ArcSwap::from_pointee(generation) }
}

/// One request while it is answered.
struct Asked<'a> {
    call: &'a Call,
    context: &'a Context,
    headers: &'a HeaderMap,
    query: Query<'a>,
    generation: Arc<Generation>,
    /// The body of a write.
    body: &'a [u8],
}

impl Endpoint for Rest {
    type Output = Response;

    async fn call(&self, mut request: Request) -> poem::Result<Response> {
        let call = Call::of(&request);
        match self.answer(&call, &mut request).await {
            Ok(response) => Ok(response),
            Err(error) => {
                let error = if self.settings.suggestions { error } else { error.without_suggestions() };
                Ok(problem::response(&error, &call))
            }
        }
    }
}

impl Rest {
    async fn answer(&self, call: &Call, request: &mut Request) -> Result<Response> {
        let context = self.service.context(call.principal().clone(), call.deadline());
        let generation = self.generation(&context);
        let place = route::find(&context, &self.settings.base, call.uri().path())?;
        if let Some(pattern) = generation.pattern(&place) {
            call.set_route(pattern);
        }
        let asked = if request.method() == Method::HEAD { Method::GET } else { request.method().clone() };
        if asked == Method::OPTIONS {
            return Ok(render::options(&place, &context.principal));
        }
        if !place.methods().contains(&asked) {
            return Ok(method::refuse(call, &place.allow()));
        }
        place.permit(&asked, &context.principal)?;
        let writes = [Method::POST, Method::PUT, Method::PATCH].contains(&asked);
        let content = if writes {
            parse::header::json_content(request.headers(), asked == Method::PATCH)?;
            body::read(request, self.settings.body_limit, self.settings.body_time).await?
        } else {
            bytes::Bytes::new()
        };
        let asked_for = Asked {
            call,
            context: &context,
            headers: request.headers(),
            query: Query::parse(call.uri().query())?,
            generation,
            body: &content,
        };
        let answered = self.dispatch(&asked_for, &place, &asked).await;
        match asked == Method::GET {
            true => answered.map_err(|error| place::written(error, &asked_for.query)),
            false => answered,
        }
    }

    async fn dispatch(&self, asked: &Asked<'_>, place: &Place<'_>, method: &Method) -> Result<Response> {
        match (place, method.as_str()) {
            (Place::Collection(entity), "GET") => self.list(asked, entity, None).await,
            (Place::Collection(entity), "POST") => self.create(asked, entity).await,
            (Place::Collection(entity), "PATCH") => self.patch_many(asked, entity).await,
            (Place::Collection(entity), _) => self.delete_many(asked, entity).await,
            (Place::Row(entity, id), "GET") => self.one(asked, entity, id).await,
            (Place::Row(entity, id), "PATCH") => self.patch(asked, entity, id).await,
            (Place::Row(entity, id), "PUT") => self.put(asked, entity, id).await,
            (Place::Row(entity, id), _) => self.delete(asked, entity, id).await,
            (Place::Related(entity, id, relation), _) => self.related(asked, entity, id, relation).await,
            (Place::Aggregate(entity), _) => self.aggregate(asked, entity).await,
        }
    }

    /// What is known about the model of a request; made anew when the model was replaced.
    fn generation(&self, context: &Context) -> Arc<Generation> {
        let current = self.generation.load();
        if Arc::ptr_eq(&current.catalog, &context.catalog) {
            return Arc::clone(&current);
        }
        let fresh = Arc::new(Generation::new(Arc::clone(&context.catalog), &self.settings));
        self.generation.store(Arc::clone(&fresh));
        fresh
    }
}

#[cfg(test)]
mod live;
#[cfg(test)]
mod tests;
