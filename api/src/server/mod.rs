//! The route table, on one screen; around it the layers, and around them the connections.

mod capacity;
mod client;
mod compress;
pub mod connection;
mod cors;
mod frame;
mod guard;
mod identity;
pub mod layer;
mod page;
mod peer;
mod rate;
mod refusal;
pub mod route;

use std::path::Path;
use std::sync::Arc;

use poem::http::{StatusCode, header};
use poem::{Endpoint, Request, Response, Result};
use serde_json::json;
use service::throttle::Throttle;
use service::{Auth, Service};
use tokio_util::sync::CancellationToken;

use crate::auth;
use crate::config::Config;
use crate::graphql::{self, Graphql};
use crate::http::Methods;
use crate::http::health::{Check, Live, Ready};
use crate::page::asset;
use crate::rest;
use crate::telemetry::metric::Scrape;

pub use layer::Layers;
pub use route::Routes;

/// What every endpoint may hold on to: a cheap clone.
#[derive(Debug, Clone)]
pub struct State {
    /// The engine, the model, the database.
    pub service: Service,
    /// The settings.
    pub config: Arc<Config>,
    /// How often who may ask: the one limiter of the program.
    pub throttle: Throttle,
    /// Cancelled when the program is asked to stop: long-lived answers end then.
    pub draining: CancellationToken,
}

impl State {
    /// The state of a program that runs.
    ///
    /// # Errors
    /// See [`Throttle::new`].
    pub fn new(service: Service, config: Arc<Config>) -> service::Result<Self> {
        let throttle = Throttle::new(config.throttle())?;
        Ok(Self { service, config, throttle, draining: CancellationToken::new() })
    }
}

/// Every path the program answers.
///
/// # Errors
/// When the folder of persisted documents can't be read.
pub fn routes(state: &State) -> service::Result<Routes> {
    let config = &state.config;
    let service = state.service.clone();
    let ready = move || {
        let service = service.clone();
        Box::pin(async move { service.ready().await }) as Check
    };
    let graphql = Graphql::new(state.service.clone(), graphql_settings(config), "Launchway")?;
    let mut routes = Routes::new()
        .under("/v1", rest::routes(state.service.clone(), rest_settings(config)))
        .at("/graphql", graphql::endpoint(Arc::new(graphql)))
        .under(auth::BASE, auth::routes(state.service.clone(), auth_settings(config)))
        .at(auth::JWKS, Methods::new().get(auth::PublishedKeys(state.service.auth().clone())))
        .under(asset::PATH, Methods::new().get(page::Assets))
        .at("/healthz", Methods::new().get(Live))
        .at("/readyz", Methods::new().get(Ready::new(ready, state.draining.clone())))
        .at(
            "/",
            Methods::new().get(Index { docs: config.rest.docs, accounts: state.service.auth().clone() }),
        );
    if config.rest.docs {
        routes = routes
            .at("/openapi.json", Methods::new().get(page::Document::new(state.service.clone())))
            .at("/docs", Methods::new().get(page::Docs));
    }
    if config.telemetry.metrics {
        routes = routes.at("/metrics", Methods::new().get(Scrape { open: !config.is_production() }));
    }
    Ok(routes)
}

fn graphql_settings(config: &Config) -> graphql::Settings {
    let settings = &config.graphql;
    graphql::Settings {
        development: !config.is_production(),
        introspection: config.helps(settings.introspection),
        graphiql: config.helps(settings.graphiql),
        suggestions: config.helps(settings.suggestions),
        batch: settings.batch,
        body: config.limits.body.0,
        body_timeout: config.limits.body_timeout.0,
        bounds: graphql::Bounds {
            bytes: settings.document.0,
            depth: settings.nesting,
            tokens: settings.tokens,
            aliases: settings.aliases,
            directives: settings.directives,
            ..graphql::Bounds::default()
        },
        documents: graphql::Documents {
            mode: match settings.persisted_only {
                true => graphql::Persistence::Safelist,
                false => graphql::Persistence::Learn,
            },
            folder: settings.persisted().map(Path::to_path_buf),
            ..graphql::Documents::default()
        },
        ..graphql::Settings::default()
    }
}

fn auth_settings(config: &Config) -> auth::Settings {
    auth::Settings {
        body_time: config.limits.body_timeout.0,
        suggestions: config.helps(config.graphql.suggestions),
    }
}

fn rest_settings(config: &Config) -> rest::Settings {
    rest::Settings {
        body_limit: config.limits.body.0,
        body_time: config.limits.body_timeout.0,
        page_time: config.limits.request_timeout.0,
        suggestions: config.helps(config.graphql.suggestions),
        ..rest::Settings::default()
    }
}

/// `/`: where to look.
#[derive(Debug)]
struct Index {
    docs: bool,
    accounts: Auth,
}

impl Endpoint for Index {
    type Output = Response;

    async fn call(&self, request: Request) -> Result<Response> {
        let browser = request.header("accept").is_some_and(|accept| accept.contains("text/html"));
        if browser && self.docs {
            return Ok(Response::builder()
                .status(StatusCode::SEE_OTHER)
                .header(header::LOCATION, "/docs")
                .finish());
        }
        let mut places =
            json!({ "graphql": "/graphql", "rest": "/v1", "health": "/healthz", "ready": "/readyz" });
        if let Some(places) = places.as_object_mut().filter(|_| self.accounts.is_open()) {
            places.insert("auth".to_owned(), json!("/auth"));
        }
        if let Some(places) = places.as_object_mut().filter(|_| self.docs) {
            places.insert("openapi".to_owned(), json!("/openapi.json"));
            places.insert("docs".to_owned(), json!("/docs"));
        }
        Ok(Response::builder().content_type("application/json").body(places.to_string()))
    }
}

#[cfg(test)]
mod tests;
