//! What administrators do to users.

use chrono::{DateTime, Utc};
use serde_json::Value as Json;
use uuid::Uuid;

use super::operation::{Caller, Done};
use super::store::{Arg, is_taken};
use super::{Auth, audit, key, password, session, user};
use crate::access;
use crate::error::{Code, Error, Result};
use crate::principal::BUILT_IN;

/// Roles of one user.
const ROLES: usize = 50;

impl Auth {
    /// Changes what only administrators change of a user.
    pub(super) async fn change_user(
        &self,
        caller: &Caller,
        user: Uuid,
        roles: Option<Vec<String>>,
        disabled: Option<bool>,
    ) -> Result<Done> {
        administrator(caller)?;
        let roles = roles.map(checked).transpose()?;
        let mut store = self.store().await?;
        let now = store.now;
        let mut event = audit::Event::of("user.changed", user);
        let mut found = user::by_id(&mut store, user).await?.is_some();
        if let Some(roles) = &roles {
            found &= user::set_roles(&mut store, user, roles).await?;
            event = event.with("roles", roles.clone());
        }
        if let Some(disabled) = disabled {
            let text = "update \"launchway_users\" set \"disabled\" = ?, \"updated_at\" = ?, \"version\" = \"version\" + 1 where \"id\" = ?";
            found &= store.run(text, &[Arg::Flag(disabled), Arg::Time(now), Arg::Id(user)]).await? == 1;
            if disabled {
                session::end_all(&mut store, user, None).await?;
            }
            event = event.with("disabled", disabled);
        }
        if !found {
            return Err(Error::new(Code::NotFound, "There is no such user."));
        }
        audit::note(&mut store, caller, event).await?;
        store.commit().await?;
        self.forget();
        Ok(Done::accepted("The user is changed."))
    }

    /// Makes a user whose address needs no proof. Without a password the user chooses one by asking for a new one.
    ///
    /// # Errors
    /// `CONFLICT` when the address has an account; `WEAK_PASSWORD`.
    pub async fn make_user(
        &self,
        caller: &Caller,
        email: &str,
        password: Option<&str>,
        roles: Vec<String>,
    ) -> Result<Uuid> {
        administrator(caller)?;
        let email = user::address(email)?;
        let roles = checked(roles)?;
        let hash = match password {
            Some(password) => {
                password::acceptable(password, &[&email], "password")?;
                Some(self.0.passwords.hash(password).await?)
            }
            None => None,
        };
        let mut store = self.store().await?;
        let made = match user::make(&mut store, Some(&email), true, None).await {
            Err(error) if is_taken(&error) => {
                return Err(Error::new(Code::Conflict, "The address has an account already.").at("email"));
            }
            other => other?,
        };
        let text = "update \"launchway_users\" set \"roles\" = ? where \"id\" = ?";
        store.run(text, &[Arg::Texts(&roles), Arg::Id(made)]).await?;
        user::set_password(&mut store, made, hash.as_deref()).await?;
        audit::note(&mut store, caller, audit::Event::of("user.made", made).with("roles", roles)).await?;
        store.commit().await?;
        Ok(made)
    }

    /// The user of an address.
    ///
    /// # Errors
    /// `NOT_FOUND` when nobody has it.
    pub async fn user_of(&self, email: &str) -> Result<Uuid> {
        let email = user::address(email)?;
        let mut store = self.store().await?;
        let found = user::by_email(&mut store, &email).await?;
        store.rollback().await?;
        found.map(|found| found.user).ok_or_else(|| Error::new(Code::NotFound, "Nobody has this address."))
    }

    /// Gives a user a new password and ends all sessions.
    ///
    /// # Errors
    /// `WEAK_PASSWORD`, and the database's.
    pub async fn set_password(&self, caller: &Caller, user: Uuid, password: &str) -> Result<()> {
        administrator(caller)?;
        password::acceptable(password, &[], "password")?;
        let hash = self.0.passwords.hash(password).await?;
        let mut store = self.store().await?;
        user::set_password(&mut store, user, Some(&hash)).await?;
        session::end_all(&mut store, user, None).await?;
        audit::note(&mut store, caller, audit::Event::of("user.password_set", user)).await?;
        store.commit().await?;
        self.forget();
        Ok(())
    }

    /// Deletes a user.
    ///
    /// # Errors
    /// When rows still refer to it.
    pub async fn remove_user(&self, caller: &Caller, user: Uuid) -> Result<()> {
        administrator(caller)?;
        let mut store = self.store().await?;
        self.delete_user(&mut store, user).await?;
        audit::note(&mut store, caller, audit::Event::of("user.deleted", user)).await?;
        store.commit().await?;
        self.forget();
        Ok(())
    }

    /// Makes a key for a user or an organization. The answer holds it, this once.
    ///
    /// # Errors
    /// `BAD_VALUE` for scopes that mean nothing, or an end that has passed.
    pub async fn make_key(
        &self,
        caller: &Caller,
        name: &str,
        scopes: Vec<String>,
        (user, organization): (Option<Uuid>, Option<Uuid>),
        expires_at: Option<DateTime<Utc>>,
    ) -> Result<Json> {
        administrator(caller)?;
        let mut store = self.store().await?;
        let new = key::NewKey { name: name.to_owned(), scopes, expires_at, user, organization };
        let done = key::make(&mut store, caller, new).await.map_err(|error| match error.code() {
            Code::ForeignKeyViolation => Error::new(Code::NotFound, "There is no such owner."),
            _ => error,
        })?;
        store.commit().await?;
        Ok(done.body)
    }
}

pub(super) fn administrator(caller: &Caller) -> Result<()> {
    match caller.principal.is_admin() {
        true => Ok(()),
        false => Err(access::closed(&caller.principal, "do this")),
    }
}

/// Roles that can be given to a user.
pub(super) fn checked(roles: Vec<String>) -> Result<Vec<String>> {
    let fine = |role: &str| {
        (1..=60).contains(&role.len())
            && role.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | ':'))
            && (role == "admin" || !BUILT_IN.contains(&role))
            && !role.starts_with(crate::principal::ORGANIZATION_ROLE)
    };
    match roles.iter().find(|role| !fine(role)) {
        _ if roles.len() > ROLES => {
            Err(Error::new(Code::BadValue, format!("A user has at most {ROLES} roles.")).at("roles"))
        }
        Some(role) => {
            let message = format!("`{}` can't be given as a role.", entity::value::excerpt(role));
            Err(Error::new(Code::BadValue, message)
                .hint("`admin`, or a role that the model names.")
                .at("roles"))
        }
        None => Ok(roles),
    }
}
