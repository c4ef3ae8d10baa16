//! Sessions: begun by signing in, renewed by refresh tokens that are good for one use (RFC 9700, section 4.14.2), ended
//! at once. A browser's session is a cookie instead.

use chrono::{DateTime, Utc};
use entity::Value;
use serde_json::{Value as Json, json};
use uuid::Uuid;

use super::operation::{Caller, Done};
use super::store::{Arg, Store};
use super::{Auth, audit, bad_credentials, secret};
use crate::error::{Code, Error, Result};

/// Kinds of tokens in the table of tokens.
pub(super) const REFRESH: &str = "refresh";
pub(super) const COOKIE: &str = "cookie";

/// How refresh tokens and cookies begin.
const REFRESH_PREFIX: &str = "lwr_";
const COOKIE_PREFIX: &str = "lws_";

/// What becomes of the cookie of a browser's session.
#[derive(Clone, PartialEq, Eq)]
pub enum Cookie {
    /// It is this, for so many seconds.
    Set(String, i64),
    /// It is taken away.
    Clear,
}

impl std::fmt::Debug for Cookie {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Cookie::Set(..) => "Set",
            Cookie::Clear => "Clear",
        })
    }
}

/// A session that begins.
pub(super) struct Beginning<'a> {
    pub(super) user: Uuid,
    pub(super) method: &'a str,
    /// Whether a browser keeps it in a cookie.
    pub(super) cookie: bool,
}

impl Auth {
    /// Begins a session: the user's tokens, or a cookie.
    pub(super) async fn begin_session(
        &self,
        store: &mut Store,
        caller: &Caller,
        beginning: Beginning<'_>,
    ) -> Result<Done> {
        let user = beginning.user;
        let organization = store
            .one(
                "select \"organization_id\" from \"launchway_memberships\" where \"user_id\" = ? order by \"created_at\", \"id\" limit 1",
                &[Arg::Id(user)],
            )
            .await?
            .map(|row| row.id(0))
            .transpose()?;
        let end = store.now + self.0.settings.session;
        let text = |text: &Option<String>| text.clone().map_or(Value::Null, Value::Text);
        let session = store
            .insert(
                "AuthSession",
                &[
                    ("user", Value::Uuid(user)),
                    ("organization", organization.map_or(Value::Null, Value::Uuid)),
                    ("method", Value::Text(beginning.method.to_owned())),
                    ("address", text(&caller.address)),
                    ("userAgent", text(&caller.user_agent)),
                    ("lastUsedAt", Value::DateTime(store.now)),
                    ("expiresAt", Value::DateTime(end)),
                ],
            )
            .await?;
        audit::note(store, caller, audit::Event::of("user.signed_in", user).with("method", beginning.method))
            .await?;
        if beginning.cookie {
            let cookie = secret::token(COOKIE_PREFIX)?;
            keep(store, COOKIE, &cookie, user, session, end).await?;
            let seconds = self.0.settings.session.num_seconds();
            let body = json!({ "tokenType": "Cookie", "expiresIn": seconds, "accessToken": null, "refreshToken": null });
            return Ok(Done { cookie: Some(Cookie::Set(cookie, seconds)), ..Done::of(body) });
        }
        let refresh = secret::token(REFRESH_PREFIX)?;
        keep(store, REFRESH, &refresh, user, session, self.idle_end(store.now, end)).await?;
        Ok(Done::of(self.tokens_of(store.now, user, session, &refresh)?))
    }

    fn idle_end(&self, now: DateTime<Utc>, end: DateTime<Utc>) -> DateTime<Utc> {
        end.min(now + self.0.settings.session_idle)
    }

    fn tokens_of(&self, now: DateTime<Utc>, user: Uuid, session: Uuid, refresh: &str) -> Result<Json> {
        let access = self.0.tokens.issue(now, user, Some(session), None)?;
        let seconds = self.0.tokens.lifetime().num_seconds();
        Ok(json!({
            "tokenType": "Bearer", "expiresIn": seconds, "accessToken": access, "refreshToken": refresh,
        }))
    }

    /// Exchanges a refresh token for new tokens. One that was used before ends the session: somebody else has it.
    pub(super) async fn refresh(&self, caller: &Caller, token: &str) -> Result<Done> {
        let hash = secret::hash(token);
        let mut store = self.store().await?;
        let now = store.now;
        // The update decides who is first: it waits for another one of the same row, and then finds it used.
        let first = store
            .all(
                "update \"launchway_tokens\" set \"used\" = ? where \"hash\" = ? and \"kind\" = ? and \"used\" = ? and \"expires_at\" > ? \
                 returning \"user_id\", \"session_id\"",
                &[
                    Arg::Flag(true),
                    Arg::Text(&hash),
                    Arg::Text(REFRESH),
                    Arg::Flag(false),
                    Arg::Number(now.timestamp()),
                ],
            )
            .await?
            .into_iter()
            .next();
        let Some(row) = first else {
            self.reused(store, caller, &hash).await?;
            return Err(bad_credentials());
        };
        let (user, session) = (row.id(0)?, row.id(1)?);
        let alive = store
            .one(
                "select s.\"expires_at\", u.\"disabled\" from \"launchway_sessions\" s join \"launchway_users\" u on u.\"id\" = s.\"user_id\" \
                 where s.\"id\" = ? and s.\"expires_at\" > ?",
                &[Arg::Id(session), Arg::Time(now)],
            )
            .await?;
        let Some(alive) = alive else { return Err(bad_credentials()) };
        if alive.flag(1)? {
            return Err(bad_credentials());
        }
        let refresh = secret::token(REFRESH_PREFIX)?;
        keep(&mut store, REFRESH, &refresh, user, session, self.idle_end(now, alive.time(0)?)).await?;
        store
            .run(
                "update \"launchway_sessions\" set \"last_used_at\" = ?, \"updated_at\" = ?, \"version\" = \"version\" + 1 where \"id\" = ?",
                &[Arg::Time(now), Arg::Time(now), Arg::Id(session)],
            )
            .await?;
        let body = self.tokens_of(now, user, session, &refresh)?;
        store.commit().await?;
        Ok(Done::of(body))
    }

    /// Ends the session of a refresh token that was used before.
    async fn reused(&self, mut store: Store, caller: &Caller, hash: &str) -> Result<()> {
        let row = store
            .one(
                "select \"user_id\", \"session_id\" from \"launchway_tokens\" where \"hash\" = ? and \"kind\" = ? and \"used\" = ?",
                &[Arg::Text(hash), Arg::Text(REFRESH), Arg::Flag(true)],
            )
            .await?;
        let Some(row) = row else { return store.rollback().await };
        let (user, session) = (row.id(0)?, row.id(1)?);
        if end(&mut store, session).await? {
            audit::note(&mut store, caller, audit::Event::of("session.token_reused", user)).await?;
            let email = super::user::email(&mut store, user).await?;
            store.commit().await?;
            self.forget();
            if let Some(email) = email {
                self.0.mailer.post(&email, crate::mail::Message::RefreshReused);
            }
            return Ok(());
        }
        store.commit().await
    }

    /// Ends the caller's session, or all of them.
    pub(super) async fn sign_out(&self, caller: &Caller, everywhere: bool) -> Result<Done> {
        let user = caller.user()?;
        let mut store = self.store().await?;
        match (everywhere, caller.session()) {
            (false, Some(session)) => {
                end(&mut store, session).await?;
            }
            _ => end_all(&mut store, user, None).await?,
        }
        audit::note(&mut store, caller, audit::Event::of("user.signed_out", user)).await?;
        store.commit().await?;
        self.forget();
        Ok(Done { cookie: Some(Cookie::Clear), ..Done::accepted("You are signed out.") })
    }

    /// Ends one of the caller's sessions.
    pub(super) async fn revoke_session(&self, caller: &Caller, session: Uuid) -> Result<Done> {
        let user = caller.user()?;
        let mut store = self.store().await?;
        let text = "select \"id\" from \"launchway_sessions\" where \"id\" = ? and \"user_id\" = ?";
        if store.one(text, &[Arg::Id(session), Arg::Id(user)]).await?.is_none() {
            return Err(Error::new(Code::NotFound, "You have no such session."));
        }
        end(&mut store, session).await?;
        audit::note(&mut store, caller, audit::Event::of("session.revoked", user)).await?;
        store.commit().await?;
        self.forget();
        Ok(Done::accepted("The session has ended."))
    }
}

/// Keeps the hash of a token of a session.
async fn keep(
    store: &mut Store,
    kind: &str,
    token: &str,
    user: Uuid,
    session: Uuid,
    end: DateTime<Utc>,
) -> Result<()> {
    let hash = secret::hash(token);
    let text = "insert into \"launchway_tokens\" (\"hash\", \"kind\", \"user_id\", \"session_id\", \"expires_at\", \"used\") values (?, ?, ?, ?, ?, ?)";
    let args = [
        Arg::Text(&hash),
        Arg::Text(kind),
        Arg::Id(user),
        Arg::Id(session),
        Arg::Number(end.timestamp()),
        Arg::Flag(false),
    ];
    store.run(text, &args).await.map(|_| ())
}

/// Ends a session; false where it had ended.
pub(super) async fn end(store: &mut Store, session: Uuid) -> Result<bool> {
    store
        .run(
            "delete from \"launchway_tokens\" where \"session_id\" = ? and \"used\" = ?",
            &[Arg::Id(session), Arg::Flag(false)],
        )
        .await?;
    let ended = store.run("delete from \"launchway_sessions\" where \"id\" = ?", &[Arg::Id(session)]).await?;
    Ok(ended > 0)
}

/// Ends all sessions of a user, but for one.
pub(super) async fn end_all(store: &mut Store, user: Uuid, but: Option<Uuid>) -> Result<()> {
    let keep = but.unwrap_or_default();
    for table in ["launchway_tokens", "launchway_sessions"] {
        let column = if table == "launchway_tokens" { "session_id" } else { "id" };
        let text = format!(
            "delete from \"{table}\" where \"user_id\" = ? and \"{column}\" is not null and \"{column}\" <> ?"
        );
        store.run(&text, &[Arg::Id(user), Arg::Id(keep)]).await?;
    }
    Ok(())
}
