//! Keys of programs: shown once, kept as a hash, bound to scopes; and what they are exchanged for (RFC 6749, 4.4).

use chrono::{DateTime, Utc};
use entity::Value;
use serde_json::json;
use uuid::Uuid;

use super::operation::{Caller, Done};
use super::store::{Arg, Store};
use super::{Auth, audit, secret, token};
use crate::error::{Code, Error, Result};

/// How a key begins.
pub(super) const PREFIX: &str = "lwk_";

/// Letters of a key that name it and are shown for ever.
const NAME: usize = 12;

/// Scopes of a key.
const SCOPES: usize = 50;

/// The part of a key that names it.
pub(super) fn prefix_of(key: &str) -> Option<&str> {
    key.strip_prefix(PREFIX)?.get(..NAME)?;
    key.get(..PREFIX.len() + NAME)
}

/// The scopes of a key that a token of it asks for.
pub(super) fn narrowed(granted: &[String], asked: &str) -> Vec<String> {
    asked.split(' ').filter(|scope| covered(granted, scope)).map(str::to_owned).collect()
}

/// Whether granted scopes cover one that is asked for.
fn covered(granted: &[String], asked: &str) -> bool {
    let (what, how) = asked.split_once(':').unwrap_or((asked, "*"));
    granted.iter().any(|scope| {
        let (own, right) = scope.split_once(':').unwrap_or((scope, "*"));
        (own == "*" || own == what) && (right == "*" || right == how || (right == "write" && how == "read"))
    })
}

/// A key to be made.
pub(super) struct NewKey {
    pub(super) name: String,
    pub(super) scopes: Vec<String>,
    pub(super) expires_at: Option<DateTime<Utc>>,
    pub(super) user: Option<Uuid>,
    pub(super) organization: Option<Uuid>,
}

impl Auth {
    /// Makes a key of the caller's, or of the organization the caller acts for.
    pub(super) async fn create_key(
        &self,
        caller: &Caller,
        mut new: NewKey,
        of_organization: bool,
    ) -> Result<Done> {
        match of_organization {
            true => new.organization = Some(caller.manages()?),
            false => new.user = Some(caller.user()?),
        }
        let mut store = self.store().await?;
        let done = make(&mut store, caller, new).await?;
        store.commit().await?;
        Ok(done)
    }

    /// Ends a key of the caller's, or of the organization the caller acts for.
    pub(super) async fn revoke_key(&self, caller: &Caller, key: Uuid) -> Result<Done> {
        if !caller.principal.is_admin() {
            caller.user()?;
        }
        let mut store = self.store().await?;
        let organization = caller.manages().ok();
        let text = "delete from \"launchway_api_keys\" where \"id\" = ? and (\"user_id\" = ? or \"organization_id\" = ?)";
        let args = [Arg::Id(key), Arg::MaybeId(caller.user().ok()), Arg::MaybeId(organization)];
        let gone = match caller.principal.is_admin() {
            true => store.run("delete from \"launchway_api_keys\" where \"id\" = ?", &[Arg::Id(key)]).await?,
            false => store.run(text, &args).await?,
        };
        if gone == 0 {
            return Err(Error::new(Code::NotFound, "You have no such key."));
        }
        let event = audit::Event::new("key.revoked").within(organization).with("key", key.to_string());
        audit::note(&mut store, caller, event).await?;
        store.commit().await?;
        self.forget();
        Ok(Done::accepted("The key has ended."))
    }

    /// Exchanges a key for a token that lasts minutes: the client credentials grant. The key's id is the client's, its
    /// text the client's secret.
    /// The answer is the one of RFC 6749, section 5.1.
    ///
    /// # Errors
    /// `INVALID_CLIENT`, `INVALID_SCOPE`, and the database's.
    pub async fn client_credentials(
        &self,
        (client, secret): (&str, &str),
        scope: Option<&str>,
    ) -> Result<Done> {
        if !secret.starts_with(PREFIX) {
            return Err(wrong_client());
        }
        let principal = match self.identify(super::Credential::Bearer(secret), None).await {
            Err(error) if error.code() == Code::BadCredentials => return Err(wrong_client()),
            // That the database is away says nothing of the client.
            found => found?,
        };
        let subject = principal.subject().ok_or_else(wrong_client)?;
        let (Some(key), Some(scopes)) = (subject.key, &subject.scopes) else { return Err(wrong_client()) };
        if key.to_string() != client.to_ascii_lowercase() {
            return Err(wrong_client());
        }
        let scope = match scope.map(str::trim).filter(|scope| !scope.is_empty()) {
            None => scopes.join(" "),
            Some(asked) => {
                if !asked.split(' ').all(|scope| covered(scopes, scope)) {
                    return Err(Error::new(Code::InvalidScope, "The key does not have all of these scopes."));
                }
                let mut once: Vec<&str> = Vec::new();
                for scope in asked.split(' ').filter(|scope| !scope.is_empty()) {
                    if !once.contains(&scope) {
                        once.push(scope);
                    }
                }
                once.join(" ")
            }
        };
        let access = self.0.tokens.issue(self.now(), key, None, Some(scope.clone()))?;
        if access.len() > token::LONGEST {
            return Err(Error::new(
                Code::InvalidScope,
                "These are more scopes than a token can hold; ask for fewer.",
            ));
        }
        Ok(Done::of(json!({
            "access_token": access, "token_type": "Bearer",
            "expires_in": self.0.tokens.lifetime().num_seconds(), "scope": scope,
        })))
    }
}

/// Makes a key.
pub(super) async fn make(store: &mut Store, caller: &Caller, new: NewKey) -> Result<Done> {
    let scopes = checked(store, new.scopes)?;
    if new.expires_at.is_some_and(|end| end <= store.now) {
        return Err(Error::new(Code::BadValue, "The key would have ended already.").at("expiresAt"));
    }
    let key = secret::token(PREFIX)?;
    let prefix = prefix_of(&key).ok_or_else(|| Error::internal("a key without a name"))?.to_owned();
    let id = |id: Option<Uuid>| id.map_or(Value::Null, Value::Uuid);
    let row = [
        ("name", Value::Text(new.name)),
        ("prefix", Value::Text(prefix.clone())),
        ("scopes", Value::List(scopes.iter().cloned().map(Value::Text).collect())),
        ("user", id(new.user)),
        ("organization", id(new.organization)),
        ("expiresAt", new.expires_at.map_or(Value::Null, Value::DateTime)),
        ("hash", Value::Text(secret::hash(&key))),
    ];
    let made = store.insert("ApiKey", &row).await?;
    let event = audit::Event::new("key.made")
        .within(new.organization)
        .with("key", made.to_string())
        .with("scopes", scopes.clone());
    audit::note(store, caller, event).await?;
    Ok(Done::created(json!({ "id": made.to_string(), "key": key, "prefix": prefix, "scopes": scopes })))
}

/// Scopes that mean something in the model.
fn checked(store: &Store, scopes: Vec<String>) -> Result<Vec<String>> {
    let wrong = |message: String, hint: Option<String>| {
        let error = Error::new(Code::BadValue, message).at("scopes");
        match hint {
            Some(hint) => error.hint(hint),
            None => error.hint("A scope is `*`, `tracks:read` or `tracks:write`."),
        }
    };
    if scopes.is_empty() || scopes.len() > SCOPES {
        return Err(wrong(format!("A key has 1 to {SCOPES} scopes."), None));
    }
    for scope in scopes.iter().filter(|scope| *scope != "*") {
        let Some((what, how)) = scope.split_once(':') else {
            return Err(wrong(format!("`{}` is not a scope.", entity::value::excerpt(scope)), None));
        };
        if !matches!(how, "read" | "write" | "*") {
            return Err(wrong(format!("`{}` is not a scope.", entity::value::excerpt(scope)), None));
        }
        if what != "*" && store.catalog.entity_plural(what).is_none() {
            let plurals = store.catalog.entities.iter().map(|entity| entity.plural.as_str());
            let hint = entity::suggest::hint(what, plurals.collect::<Vec<_>>());
            return Err(wrong(format!("The model has no `{}`.", entity::value::excerpt(what)), hint));
        }
    }
    Ok(scopes)
}

fn wrong_client() -> Error {
    Error::new(Code::InvalidClient, "The client or its secret is wrong.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_has_no_more_scopes_than_its_key() {
        let granted = vec!["tracks:read".to_owned(), "albums:write".to_owned()];
        for (asked, fine) in [
            ("tracks:read", true),
            ("albums:read", true),
            ("albums:write", true),
            ("tracks:write", false),
            ("*", false),
            ("*:read", false),
            ("tracks", false),
            ("", false),
        ] {
            assert_eq!(covered(&granted, asked), fine, "{asked}");
        }
        assert!(covered(&["*".to_owned()], "anything:write"));
        assert_eq!(narrowed(&granted, "tracks:write tracks:read *"), ["tracks:read"]);
    }
}
