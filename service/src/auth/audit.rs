//! Security events, written in the transaction of what happened.

use entity::Value;
use serde_json::{Map, Value as Json};
use uuid::Uuid;

use super::operation::Caller;
use super::store::Store;
use crate::error::Result;

/// Characters of what clients say about themselves.
const LONGEST: usize = 300;

/// Something that happened. Never holds a secret.
pub(super) struct Event {
    name: &'static str,
    subject: Option<Uuid>,
    organization: Option<Uuid>,
    details: Map<String, Json>,
}

impl Event {
    /// Something that happened to a user.
    pub(super) fn of(name: &'static str, subject: Uuid) -> Self {
        Self { subject: Some(subject), ..Self::new(name) }
    }

    /// Something that happened to nobody in particular.
    pub(super) fn new(name: &'static str) -> Self {
        Self { name, subject: None, organization: None, details: Map::new() }
    }

    /// In an organization.
    pub(super) fn within(mut self, organization: Option<Uuid>) -> Self {
        self.organization = organization;
        self
    }

    /// With something else to be known.
    pub(super) fn with(mut self, name: &str, value: impl Into<Json>) -> Self {
        self.details.insert(name.to_owned(), value.into());
        self
    }
}

/// Writes an event down.
///
/// # Errors
/// The database's.
pub(super) async fn note(store: &mut Store, caller: &Caller, event: Event) -> Result<()> {
    let text = |text: &Option<String>| match text {
        Some(text) => Value::Text(text.chars().filter(|c| !c.is_control()).take(LONGEST).collect()),
        None => Value::Null,
    };
    let id = |id: Option<Uuid>| id.map_or(Value::Null, Value::Uuid);
    let details =
        if event.details.is_empty() { Value::Null } else { Value::Json(Json::Object(event.details)) };
    let row = [
        ("event", Value::Text(event.name.to_owned())),
        ("actor", Value::Text(caller.principal.name())),
        ("subject", id(event.subject)),
        ("organizationId", id(event.organization)),
        ("address", text(&caller.address)),
        ("userAgent", text(&caller.user_agent)),
        ("traceId", text(&caller.trace)),
        ("details", details),
    ];
    store.insert("AuditEvent", &row).await.map(|_| ())
}
