//! What a change of the model does to the clients of both APIs: the documents they were written against, compared with
//! those they will meet.

mod graphql;
mod render;
mod rest;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::sync::Arc;

use entity::Catalog;
use serde::Serialize;
use service::principal::{Kind, ORGANIZATION_ROLE, Organization, Subject};
use service::{Context, Limits, Principal, Result};
use uuid::Uuid;

use crate::openapi;

pub(crate) use render::render;

/// How clients take a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Effect {
    /// Requests that were answered are refused, or answers hold what clients do not expect.
    Breaking,
    /// Clients that handle every case by name meet one that they have no name for.
    Risky,
    /// Nobody notices who does not look.
    Compatible,
}

/// An API.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Api {
    /// GraphQL.
    Graphql,
    /// REST.
    Rest,
}

/// A change as clients meet it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub(crate) struct Finding {
    /// What it does to them.
    pub(crate) effect: Effect,
    /// Where they meet it.
    pub(crate) api: Api,
    /// What is changed: `Track.mood`, `GET /v1/tracks`.
    pub(crate) place: String,
    /// How.
    pub(crate) change: String,
    /// For whom: a role, where others do not notice.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) role: Option<String>,
}

impl Finding {
    fn new(effect: Effect, api: Api, place: impl Into<String>, change: impl Into<String>) -> Self {
        Self { effect, api, place: place.into(), change: change.into(), role: None }
    }
}

/// Compares the APIs of two models: for administrators, who see all of them, and for every role.
///
/// # Errors
/// `INTERNAL` where a schema can't be made.
pub(crate) fn compare(old: &Catalog, new: &Catalog) -> Result<Vec<Finding>> {
    let (old, new) = (Arc::new(old.clone()), Arc::new(new.clone()));
    let mut found = BTreeSet::new();
    let mut known = BTreeSet::new();
    for (role, principal) in audiences(&old, &new) {
        let (before, after) = (sdl(&old, &principal)?, sdl(&new, &principal)?);
        let documents =
            [&old, &new].map(|catalog| openapi::document(catalog, &principal, &openapi::Options::default()));
        let changes =
            graphql::compare(&before, &after)?.into_iter().chain(rest::compare(&documents[0], &documents[1]));
        for change in changes {
            // What administrators meet too is told once.
            if known.insert(change.clone()) {
                found.insert(Finding { role: role.clone(), ..change });
            }
        }
    }
    Ok(found.into_iter().collect())
}

/// Compares an SDL that clients were written against with the API of a model; roles are not in it.
///
/// # Errors
/// `BAD_REQUEST` for what is no schema.
pub(crate) fn compare_sdl(old: &str, new: &Catalog) -> Result<Vec<Finding>> {
    let after = sdl(&Arc::new(new.clone()), &Principal::Admin)?;
    let mut found = graphql::compare(old, &after)?;
    found.sort();
    Ok(found)
}

fn sdl(catalog: &Arc<Catalog>, principal: &Principal) -> Result<String> {
    let context = Context::new(Arc::clone(catalog), principal.clone(), Arc::new(Limits::default()), None);
    crate::graphql::sdl(&context)
}

/// Administrators first; then those who are asked about by name.
fn audiences(old: &Catalog, new: &Catalog) -> Vec<(Option<String>, Principal)> {
    let roles: BTreeSet<&String> = old.roles().iter().chain(new.roles()).collect();
    let named =
        roles.into_iter().filter(|role| *role != "admin").map(|role| (Some(role.clone()), holder(role)));
    std::iter::once((None, Principal::Admin)).chain(named).collect()
}

/// Somebody who has a role, and no other than everybody of the kind.
fn holder(role: &str) -> Principal {
    let organization =
        |role: Option<&str>| Some(Organization { id: Uuid::nil(), role: role.map(str::to_owned) });
    let user = Subject { user: Some(Uuid::nil()), organization: organization(None), ..Subject::default() };
    Principal::known(match role {
        "anyone" => return Principal::Anonymous,
        "service" => {
            Subject { kind: Kind::Key, key: Some(Uuid::nil()), scopes: Some(vec!["*".to_owned()]), ..user }
        }
        "user" => user,
        role => match role.strip_prefix(ORGANIZATION_ROLE) {
            Some(role) => Subject { organization: organization(Some(role)), ..user },
            None => Subject { roles: vec![role.to_owned()], ..user },
        },
    })
}
