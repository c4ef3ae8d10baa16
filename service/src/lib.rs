#![doc = include_str!("../README.md")]

pub mod access;
pub mod clock;
pub mod context;
pub mod database;
pub mod engine;
pub mod error;
pub mod limit;
pub mod outside;
pub mod principal;
pub mod publish;
pub mod transfer;

use std::sync::Arc;

use arc_swap::ArcSwap;
use entity::Catalog;

pub use context::Context;
pub use database::Database;
pub use engine::Engine;
pub use error::{Code, Error, Kind, Result};
pub use limit::Limits;
pub use principal::Principal;

/// What the protocols hold: a cheap clone.
#[derive(Debug, Clone)]
pub struct Service {
    engine: Engine,
    database: Database,
    catalog: Arc<ArcSwap<Catalog>>,
    limits: Arc<Limits>,
}

impl Service {
    /// Opens the database. The model is empty until one is published.
    ///
    /// # Errors
    /// See [`Database::open`].
    pub async fn open(database: &database::Settings, limits: Limits) -> Result<Self> {
        let database = Database::open(database).await?;
        Ok(Self {
            engine: Engine::new(database.clone()),
            database,
            catalog: Arc::new(ArcSwap::from_pointee(Catalog::empty())),
            limits: Arc::new(limits),
        })
    }

    /// The engine.
    #[must_use]
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// The database.
    #[must_use]
    pub fn database(&self) -> &Database {
        &self.database
    }

    /// How much one request may ask.
    #[must_use]
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// The model in force.
    #[must_use]
    pub fn catalog(&self) -> Arc<Catalog> {
        self.catalog.load_full()
    }

    /// Puts another model in force for the requests to come.
    pub fn replace(&self, catalog: Arc<Catalog>) {
        self.catalog.store(catalog);
    }

    /// Whether the service can answer: the database does.
    ///
    /// # Errors
    /// `UNAVAILABLE` while it does not.
    pub async fn ready(&self) -> Result<()> {
        self.database.ping().await
    }

    /// The context of a new request.
    #[must_use]
    pub fn context(&self, principal: Principal, deadline: Option<tokio::time::Instant>) -> Context {
        Context::new(self.catalog(), principal, Arc::clone(&self.limits), deadline)
    }
}
