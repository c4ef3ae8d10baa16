//! One request's catalog, principal, limits, deadline: captured once, used to the end.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use entity::Catalog;
use tokio::time::Instant;

use crate::clock;
use crate::limit::Limits;
use crate::principal::Principal;

/// What one request holds on to, whatever is swapped meanwhile.
#[derive(Debug, Clone)]
pub struct Context {
    /// The model in force when the request came.
    pub catalog: Arc<Catalog>,
    /// Who asks.
    pub principal: Principal,
    /// How much they may ask.
    pub limits: Arc<Limits>,
    /// When an answer is no use any more.
    pub deadline: Option<Instant>,
    /// The time of the request: `$now`, `createdAt`, `updatedAt`.
    pub now: DateTime<Utc>,
}

impl Context {
    /// A request of a principal, now.
    #[must_use]
    pub fn new(
        catalog: Arc<Catalog>,
        principal: Principal,
        limits: Arc<Limits>,
        deadline: Option<Instant>,
    ) -> Self {
        Self { catalog, principal, limits, deadline, now: clock::now() }
    }
}
