//! Credentials to principal. What is found is believed for seconds at most, and forgotten at once when it is changed here.

use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::store::{Arg, Row, look};
use super::touch::Used;
use super::{Auth, bad_credentials, key, secret, session};
use crate::error::{Code, Error, Result};
use crate::principal::{Kind, Organization, Principal, Subject};

/// Bytes of credentials at most.
const LONGEST: usize = 8 * 1024;

/// What a caller showed.
#[derive(Clone, Copy)]
pub enum Credential<'a> {
    /// `Authorization: Bearer …` or `X-Api-Key`: an access token or a key.
    Bearer(&'a str),
    /// The cookie of a browser's session.
    Cookie(&'a str),
}

impl std::fmt::Debug for Credential<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Credential::Bearer(_) => "Bearer",
            Credential::Cookie(_) => "Cookie",
        })
    }
}

/// What was shown, as it is remembered: no secret.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Shown {
    Session { session: Uuid, user: Uuid, organization: Option<Uuid> },
    Key { key: Uuid, scopes: Option<String>, organization: Option<Uuid> },
    Secret { hash: [u8; 32], organization: Option<Uuid> },
}

const SESSION: &str = "select u.\"id\", u.\"email\", u.\"roles\", u.\"disabled\", m.\"organization_id\", m.\"role\", s.\"id\", s.\"last_used_at\" \
     from \"launchway_sessions\" s join \"launchway_users\" u on u.\"id\" = s.\"user_id\" \
     left join \"launchway_memberships\" m on m.\"user_id\" = u.\"id\" and m.\"organization_id\" = coalesce(?, s.\"organization_id\") \
     where s.\"expires_at\" > ? and ";

const KEY: &str = "select u.\"id\", u.\"email\", u.\"roles\", u.\"disabled\", coalesce(k.\"organization_id\", m.\"organization_id\"), m.\"role\", k.\"id\", \
     k.\"scopes\", k.\"organization_id\", k.\"hash\", k.\"expires_at\", k.\"last_used_at\" \
     from \"launchway_api_keys\" k left join \"launchway_users\" u on u.\"id\" = k.\"user_id\" \
     left join \"launchway_memberships\" m on m.\"user_id\" = u.\"id\" and m.\"organization_id\" = ? where ";

impl Auth {
    /// Who shows these credentials. `organization` is the one that the request names.
    ///
    /// # Errors
    /// `BAD_CREDENTIALS` for all that is wrong with them; `FORBIDDEN` for an organization of others.
    pub async fn identify(
        &self,
        credential: Credential<'_>,
        organization: Option<Uuid>,
    ) -> Result<Principal> {
        if !self.is_open() {
            return Err(bad_credentials());
        }
        let principal = match credential {
            Credential::Cookie(cookie) if cookie.len() <= LONGEST => {
                self.by_cookie(cookie, organization).await?
            }
            Credential::Bearer(key) if key.starts_with(key::PREFIX) && key.len() <= LONGEST => {
                self.by_key(key, organization).await?
            }
            Credential::Bearer(token) if token.len() <= LONGEST => self.by_token(token, organization).await?,
            Credential::Cookie(_) | Credential::Bearer(_) => return Err(bad_credentials()),
        };
        let acts_for = principal.subject().and_then(|subject| subject.organization.as_ref());
        if organization.is_some() && acts_for.map(|found| found.id) != organization {
            return Err(Error::new(Code::Forbidden, "You don't belong to this organization.")
                .hint("Name one of yours in `X-Organization`, or leave it out."));
        }
        Ok(principal)
    }

    async fn by_token(&self, token: &str, organization: Option<Uuid>) -> Result<Principal> {
        let issuers = self.0.issuers.as_ref().filter(|_| !self.0.tokens.is_ours(token));
        if let Some(issuers) = issuers.filter(|issuers| issuers.knows(token)) {
            let shown = Shown::Secret { hash: digest("token", token), organization };
            if let Some(known) = self.0.known.get(&shown) {
                return Ok(known);
            }
            let changes = self.changes();
            let found = self.vouched(issuers.verify(token).await?, organization).await?;
            self.remember(shown, &found, changes);
            return Ok(found);
        }
        let claims = self.0.tokens.verify(&self.0.database, token).await?.ok_or_else(bad_credentials)?;
        let shown = match claims.sid {
            Some(session) => Shown::Session { session, user: claims.sub, organization },
            None => Shown::Key { key: claims.sub, scopes: claims.scope, organization },
        };
        if let Some(known) = self.0.known.get(&shown) {
            return Ok(known);
        }
        let changes = self.changes();
        let found = match &shown {
            Shown::Key { key, scopes, .. } => {
                let text = format!("{KEY}k.\"id\" = ?");
                let row = look(&self.0.database, &text, &[Arg::MaybeId(organization), Arg::Id(*key)]).await?;
                self.key(row, scopes.as_deref(), None)?
            }
            _ => {
                let text = format!("{SESSION}s.\"id\" = ? and u.\"id\" = ?");
                let args = [
                    Arg::MaybeId(organization),
                    Arg::Time(self.now()),
                    Arg::MaybeId(claims.sid),
                    Arg::Id(claims.sub),
                ];
                self.user(look(&self.0.database, &text, &args).await?)?
            }
        };
        self.remember(shown, &found, changes);
        Ok(found)
    }

    async fn by_cookie(&self, cookie: &str, organization: Option<Uuid>) -> Result<Principal> {
        let shown = Shown::Secret { hash: digest("cookie", cookie), organization };
        if let Some(known) = self.0.known.get(&shown) {
            return Ok(known);
        }
        let changes = self.changes();
        let text = format!(
            "{SESSION}s.\"last_used_at\" > ? and s.\"id\" = (select \"session_id\" from \"launchway_tokens\" where \"hash\" = ? and \"kind\" = ? and \"expires_at\" > ?)"
        );
        let (hash, now) = (secret::hash(cookie), self.now());
        let args = [
            Arg::MaybeId(organization),
            Arg::Time(now),
            Arg::Time(self.idle_since()),
            Arg::Text(&hash),
            Arg::Text(session::COOKIE),
            Arg::Number(now.timestamp()),
        ];
        let found = self.user(look(&self.0.database, &text, &args).await?)?;
        self.remember(shown, &found, changes);
        Ok(found)
    }

    async fn by_key(&self, key: &str, organization: Option<Uuid>) -> Result<Principal> {
        let shown = Shown::Secret { hash: digest("key", key), organization };
        if let Some(known) = self.0.known.get(&shown) {
            return Ok(known);
        }
        let changes = self.changes();
        let Some(prefix) = key::prefix_of(key) else { return Err(bad_credentials()) };
        let text = format!("{KEY}k.\"prefix\" = ?");
        let row = look(&self.0.database, &text, &[Arg::MaybeId(organization), Arg::Text(prefix)]).await?;
        let found = self.key(row, None, Some(&secret::hash(key)))?;
        self.remember(shown, &found, changes);
        Ok(found)
    }

    /// A key, whose hash must be this one where its secret was shown; narrowed to scopes where a token names some.
    fn key(&self, row: Option<Row>, scopes: Option<&str>, hash: Option<&str>) -> Result<Principal> {
        let row = row.ok_or_else(bad_credentials)?;
        let kept = row.text(9)?;
        let same =
            hash.is_none_or(|hash| subtle::ConstantTimeEq::ct_eq(hash.as_bytes(), kept.as_bytes()).into());
        let ended = row.maybe_time(10)?.is_some_and(|end| end <= self.now());
        let user = row.maybe_id(0)?;
        if !same || ended || (user.is_some() && row.flag(3)?) {
            return Err(bad_credentials());
        }
        let granted = row.texts(7)?;
        let scopes = match scopes {
            Some(narrow) => key::narrowed(&granted, narrow),
            None => granted,
        };
        let owner = row.maybe_id(8)?;
        let organization = row.maybe_id(4)?;
        let role = row.maybe_text(5)?.filter(|_| owner.is_none());
        let id = row.id(6)?;
        self.touch(Used::Key(id), row.maybe_time(11)?);
        Ok(Principal::known(Subject {
            kind: Kind::Key,
            user,
            email: if user.is_some() { row.maybe_text(1)? } else { None },
            roles: if user.is_some() { row.texts(2)? } else { Vec::new() },
            organization: organization.map(|id| Organization { id, role }),
            scopes: Some(scopes),
            key: Some(id),
            ..Subject::default()
        }))
    }

    /// A signed-in user.
    fn user(&self, row: Option<Row>) -> Result<Principal> {
        let row = row.ok_or_else(bad_credentials)?;
        if row.flag(3)? {
            return Err(bad_credentials());
        }
        let organization = row.maybe_id(4)?;
        let role = row.maybe_text(5)?;
        let session = row.id(6)?;
        self.touch(Used::Session(session), row.maybe_time(7)?);
        Ok(Principal::known(Subject {
            kind: Kind::User,
            user: Some(row.id(0)?),
            email: row.maybe_text(1)?,
            roles: row.texts(2)?,
            organization: organization.map(|id| Organization { id, role }),
            session: Some(session),
            ..Subject::default()
        }))
    }
}

/// What a secret is remembered by. A key is no cookie, whoever shows it as one.
fn digest(kind: &str, text: &str) -> [u8; 32] {
    Sha256::new_with_prefix(kind).chain_update([0]).chain_update(text).finalize().into()
}
