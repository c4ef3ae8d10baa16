//! Who has an account, and which keys there are: what administrators list, and look up by the names people know.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::admin::{administrator, checked};
use super::operation::Caller;
use super::store::{Arg, Row};
use super::{Auth, audit, key, secret, user};
use crate::error::{Code, Error, Result};
use crate::principal::{Kind, Organization, Principal, Subject};

/// Entries of one page of a list.
pub const PAGE: usize = 500;

/// Characters of a password that is made: 144 random bits.
const PASSWORD: usize = 24;

/// A user, as administrators see one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserEntry {
    /// The id.
    pub id: Uuid,
    /// The address.
    pub email: Option<String>,
    /// What the user wants to be called.
    pub name: Option<String>,
    /// Roles that hold everywhere.
    pub roles: Vec<String>,
    /// Whether the address was proved.
    pub verified: bool,
    /// Whether the user is kept from signing in.
    pub disabled: bool,
    /// Whether there is a password.
    pub password: bool,
    /// Whether there is a second factor.
    pub second_factor: bool,
    /// When the account was made.
    pub created_at: DateTime<Utc>,
}

/// A key, as administrators see one. Its secret is not kept anywhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyEntry {
    /// The id.
    pub id: Uuid,
    /// What it is for.
    pub name: String,
    /// How it begins.
    pub prefix: String,
    /// What it may be used for.
    pub scopes: Vec<String>,
    /// The address of the user it belongs to.
    pub user: Option<String>,
    /// The organization it belongs to.
    pub organization: Option<Uuid>,
    /// When it ends.
    pub expires_at: Option<DateTime<Utc>>,
    /// When it was used last, to the minute.
    pub last_used_at: Option<DateTime<Utc>>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
}

const USERS: &str = "select u.\"id\", u.\"email\", u.\"name\", u.\"roles\", u.\"email_verified\", u.\"disabled\", \
     c.\"password\" is not null, coalesce(c.\"totp_on\", ?), u.\"created_at\" \
     from \"launchway_users\" u left join \"launchway_credentials\" c on c.\"user_id\" = u.\"id\" \
     where u.\"id\" > ? order by u.\"id\" limit ?";

const KEYS: &str = "select k.\"id\", k.\"name\", k.\"prefix\", k.\"scopes\", u.\"email\", k.\"organization_id\", \
     k.\"expires_at\", k.\"last_used_at\", k.\"created_at\" \
     from \"launchway_api_keys\" k left join \"launchway_users\" u on u.\"id\" = k.\"user_id\" \
     where k.\"id\" > ? order by k.\"id\" limit ?";

impl Auth {
    /// Users in the order they were made, [`PAGE`] of them, from the one after `after`.
    ///
    /// # Errors
    /// `FORBIDDEN` for who is no administrator, and the database's.
    pub async fn users(&self, caller: &Caller, after: Option<Uuid>) -> Result<Vec<UserEntry>> {
        administrator(caller)?;
        let mut store = self.store().await?;
        let args = [Arg::Flag(false), Arg::Id(after.unwrap_or_default()), page()];
        let rows = store.all(USERS, &args).await?;
        store.rollback().await?;
        rows.iter().map(user).collect()
    }

    /// Keys in the order they were made, [`PAGE`] of them, from the one after `after`.
    ///
    /// # Errors
    /// `FORBIDDEN` for who is no administrator, and the database's.
    pub async fn keys(&self, caller: &Caller, after: Option<Uuid>) -> Result<Vec<KeyEntry>> {
        administrator(caller)?;
        let mut store = self.store().await?;
        let rows = store.all(KEYS, &[Arg::Id(after.unwrap_or_default()), page()]).await?;
        store.rollback().await?;
        rows.iter().map(key_entry).collect()
    }

    /// Gives a user roles and takes some away; tells the roles afterwards.
    ///
    /// # Errors
    /// `BAD_VALUE` for what can't be a role, `NOT_FOUND` for nobody.
    pub async fn change_roles(
        &self,
        caller: &Caller,
        user: Uuid,
        add: &[String],
        remove: &[String],
    ) -> Result<Vec<String>> {
        administrator(caller)?;
        let mut store = self.store().await?;
        store.lock_user(user).await?;
        let row =
            store.one("select \"roles\" from \"launchway_users\" where \"id\" = ?", &[Arg::Id(user)]).await?;
        let row = row.ok_or_else(nobody)?;
        let mut roles = row.texts(0)?;
        roles.retain(|role| !remove.contains(role));
        for role in checked(add.to_vec())? {
            if !roles.contains(&role) {
                roles.push(role);
            }
        }
        let roles = checked(roles)?;
        user::set_roles(&mut store, user, &roles).await?;
        let event = audit::Event::of("user.changed", user).with("roles", roles.clone());
        audit::note(&mut store, caller, event).await?;
        store.commit().await?;
        self.forget();
        Ok(roles)
    }

    /// Keeps a user from signing in and ends all sessions, or takes that back.
    ///
    /// # Errors
    /// `NOT_FOUND` for nobody.
    pub async fn set_disabled(&self, caller: &Caller, user: Uuid, disabled: bool) -> Result<()> {
        self.change_user(caller, user, None, Some(disabled)).await.map(|_| ())
    }

    /// Ends a key that is named by its id, by how it begins, or by itself. Tells how it begins.
    ///
    /// # Errors
    /// `NOT_FOUND` where no key is called so.
    pub async fn revoke_named(&self, caller: &Caller, named: &str) -> Result<String> {
        administrator(caller)?;
        let (id, prefix) = self.key_named(named).await?;
        self.revoke_key(caller, id).await?;
        Ok(prefix)
    }

    /// What a user would be to a rule who acts for an organization, or for none; no credentials are shown.
    ///
    /// # Errors
    /// `NOT_FOUND` for nobody, `FORBIDDEN` for an organization the user does not belong to or a disabled user.
    pub async fn as_user(&self, user: Uuid, organization: Option<Uuid>) -> Result<Principal> {
        let mut store = self.store().await?;
        let text = "select u.\"id\", u.\"email\", u.\"roles\", u.\"disabled\", m.\"organization_id\", m.\"role\" \
                    from \"launchway_users\" u left join \"launchway_memberships\" m \
                    on m.\"user_id\" = u.\"id\" and m.\"organization_id\" = ? where u.\"id\" = ?";
        let row = store.one(text, &[Arg::MaybeId(organization), Arg::Id(user)]).await?;
        store.rollback().await?;
        let row = row.ok_or_else(nobody)?;
        if row.flag(3)? {
            return Err(Error::new(Code::Forbidden, "The user is disabled: no credentials of theirs count."));
        }
        let organization = acts_for(organization, row.maybe_id(4)?, row.maybe_text(5)?)?;
        Ok(Principal::known(Subject {
            kind: Kind::User,
            user: Some(row.id(0)?),
            email: row.maybe_text(1)?,
            roles: row.texts(2)?,
            organization,
            ..Subject::default()
        }))
    }

    /// What a key would be to a rule, of the organization it belongs to or acting for one; no credentials are shown.
    ///
    /// # Errors
    /// `NOT_FOUND` where no key is called so, `FORBIDDEN` where it has ended, or for an organization of others.
    pub async fn as_key(&self, named: &str, organization: Option<Uuid>) -> Result<Principal> {
        let (id, _) = self.key_named(named).await?;
        let mut store = self.store().await?;
        let now = store.now;
        let text = "select k.\"id\", k.\"scopes\", k.\"expires_at\", k.\"organization_id\", u.\"id\", u.\"email\", u.\"roles\", \
                    coalesce(u.\"disabled\", ?), m.\"organization_id\", m.\"role\" \
                    from \"launchway_api_keys\" k left join \"launchway_users\" u on u.\"id\" = k.\"user_id\" \
                    left join \"launchway_memberships\" m on m.\"user_id\" = u.\"id\" and m.\"organization_id\" = ? \
                    where k.\"id\" = ?";
        let row = store.one(text, &[Arg::Flag(false), Arg::MaybeId(organization), Arg::Id(id)]).await?;
        store.rollback().await?;
        let row = row.ok_or_else(|| Error::new(Code::NotFound, "There is no such key."))?;
        if row.maybe_time(2)?.is_some_and(|end| end <= now) || row.flag(7)? {
            return Err(Error::new(Code::Forbidden, "The key has ended, or its user is disabled."));
        }
        let user = row.maybe_id(4)?;
        let organization = match row.maybe_id(3)? {
            Some(owner) if organization.is_none_or(|asked| asked == owner) => {
                Some(Organization { id: owner, role: None })
            }
            Some(_) => return Err(stranger()),
            None => acts_for(organization, row.maybe_id(8)?, row.maybe_text(9)?)?,
        };
        Ok(Principal::known(Subject {
            kind: Kind::Key,
            user,
            email: row.maybe_text(5)?,
            roles: if user.is_some() { row.texts(6)? } else { Vec::new() },
            organization,
            scopes: Some(row.texts(1)?),
            key: Some(id),
            ..Subject::default()
        }))
    }

    async fn key_named(&self, named: &str) -> Result<(Uuid, String)> {
        let mut store = self.store().await?;
        let row = match Uuid::parse_str(named) {
            Ok(id) => {
                let text = "select \"id\", \"prefix\" from \"launchway_api_keys\" where \"id\" = ?";
                store.one(text, &[Arg::Id(id)]).await?
            }
            // Whoever has the whole key at hand names it by its beginning, too.
            Err(_) => {
                let prefix = key::prefix_of(named).unwrap_or_default();
                let text = "select \"id\", \"prefix\" from \"launchway_api_keys\" where \"prefix\" = ?";
                store.one(text, &[Arg::Text(prefix)]).await?
            }
        };
        store.rollback().await?;
        let row = row.ok_or_else(|| {
            Error::new(Code::NotFound, "There is no such key.").hint("`launchway key list` shows them.")
        })?;
        Ok((row.id(0)?, row.text(1)?))
    }
}

/// A password nobody guesses, for an account that somebody else makes.
///
/// # Errors
/// `INTERNAL` where there are no random bytes.
pub fn random_password() -> Result<String> {
    let token = secret::token("")?;
    Ok(token.chars().take(PASSWORD).collect())
}

fn page() -> Arg<'static> {
    Arg::Number(i64::try_from(PAGE).unwrap_or(i64::MAX))
}

fn nobody() -> Error {
    Error::new(Code::NotFound, "There is no such user.")
}

fn stranger() -> Error {
    Error::new(Code::Forbidden, "The caller does not belong to this organization.")
}

/// The organization that is acted for, where one was named and there is a membership.
fn acts_for(asked: Option<Uuid>, found: Option<Uuid>, role: Option<String>) -> Result<Option<Organization>> {
    match (asked, found) {
        (None, _) => Ok(None),
        (Some(_), Some(id)) => Ok(Some(Organization { id, role })),
        (Some(_), None) => Err(stranger()),
    }
}

fn user(row: &Row) -> Result<UserEntry> {
    Ok(UserEntry {
        id: row.id(0)?,
        email: row.maybe_text(1)?,
        name: row.maybe_text(2)?,
        roles: row.texts(3)?,
        verified: row.flag(4)?,
        disabled: row.flag(5)?,
        password: row.flag(6)?,
        second_factor: row.flag(7)?,
        created_at: row.time(8)?,
    })
}

fn key_entry(row: &Row) -> Result<KeyEntry> {
    Ok(KeyEntry {
        id: row.id(0)?,
        name: row.text(1)?,
        prefix: row.text(2)?,
        scopes: row.texts(3)?,
        user: row.maybe_text(4)?,
        organization: row.maybe_id(5)?,
        expires_at: row.maybe_time(6)?,
        last_used_at: row.maybe_time(7)?,
        created_at: row.time(8)?,
    })
}
