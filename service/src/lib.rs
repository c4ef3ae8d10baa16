#![doc = include_str!("../README.md")]

pub mod access;
pub mod auth;
pub mod clock;
pub mod context;
pub mod database;
pub mod engine;
pub mod error;
pub mod limit;
pub mod mail;
pub mod outside;
pub mod principal;
pub mod publish;
pub mod throttle;
pub mod transfer;

use std::sync::Arc;

use arc_swap::ArcSwap;
use entity::Catalog;
use mail::Mailer;
use throttle::Throttle;

pub use auth::Auth;
pub use context::Context;
pub use database::Database;
pub use engine::Engine;
pub use error::{Code, Error, Kind, Result};
pub use limit::Limits;
pub use principal::{Principal, Profile, Subject};

/// What the protocols hold: a cheap clone.
#[derive(Debug, Clone)]
pub struct Service {
    engine: Engine,
    database: Database,
    catalog: Arc<ArcSwap<Catalog>>,
    limits: Arc<Limits>,
    auth: Auth,
}

impl Service {
    /// Opens the database. The model is empty until one is published.
    ///
    /// # Errors
    /// See [`Database::open`].
    pub async fn open(database: &database::Settings, limits: Limits) -> Result<Self> {
        let database = Database::open(database).await?;
        let catalog = Arc::new(ArcSwap::from_pointee(Catalog::empty()));
        // Accounts as they are until somebody says how they are kept: no mail is sent.
        let mailer = Mailer::new(&mail::Settings::off())?;
        let throttle = Throttle::new(throttle::Settings::default())?;
        let auth =
            Auth::new(database.clone(), Arc::clone(&catalog), auth::Settings::default(), mailer, throttle)?;
        let engine = Engine::new(database.clone());
        Ok(Self { engine, database, catalog, limits: Arc::new(limits), auth })
    }

    /// The same service with accounts kept as these settings say.
    ///
    /// # Errors
    /// See [`Auth::new`].
    pub fn with_auth(self, settings: auth::Settings, mailer: Mailer, throttle: Throttle) -> Result<Self> {
        let auth = Auth::new(self.database.clone(), Arc::clone(&self.catalog), settings, mailer, throttle)?;
        Ok(Self { auth, ..self })
    }

    /// Accounts, sessions, keys.
    #[must_use]
    pub fn auth(&self) -> &Auth {
        &self.auth
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
        self.database.speak(&catalog.version);
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
