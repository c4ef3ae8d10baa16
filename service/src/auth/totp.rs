//! A second factor: codes of an authenticator app (RFC 6238), each good once, and recovery codes.

use serde_json::json;
use totp_rs::{Builder, Secret, Totp};
use uuid::Uuid;

use super::operation::{Caller, Done};
use super::store::{Arg, Store};
use super::{Auth, audit, secret, session, user};
use crate::error::{Code, Error, Result};

/// What the sealed seeds are for.
const PURPOSE: &str = "second factor";

/// Recovery codes of a user.
const CODES: usize = 10;

/// The kind of recovery codes in the table of tokens, and how long they are good: as good as for ever.
const RECOVERY: &str = "recovery";
const FOREVER: i64 = 253_402_300_799;

/// Bytes of a seed (RFC 4226, section 4, R6 recommends 160 bits).
const SEED: usize = 20;

impl Auth {
    fn totp(&self, seed: &[u8], account: &str) -> Result<Totp> {
        Builder::new()
            .with_secret(Secret::from(seed.to_vec()))
            // One step before and after: clocks differ.
            .with_skew(1)
            .with_account_name(account.replace(':', " "))
            .with_issuer(Some(self.0.settings.product.replace(':', " ")))
            .build()
            .map_err(|error| Error::internal(error.to_string()))
    }

    /// Makes a seed, which counts once a code of it was shown.
    pub(super) async fn start_totp(&self, caller: &Caller, password: &str) -> Result<Done> {
        let user = self.confirm_password(caller, password).await?;
        let seed = secret::random::<SEED>()?;
        let mut store = self.store().await?;
        store.lock_user(user).await?;
        if user::by_id(&mut store, user).await?.is_some_and(|found| found.totp) {
            return Err(
                Error::new(Code::Conflict, "There is a second factor already.").hint("Remove it first.")
            );
        }
        let account = user::email(&mut store, user).await?.unwrap_or_else(|| user.to_string());
        let sealed = self.0.vault.seal(PURPOSE, &seed)?;
        let text = "insert into \"launchway_credentials\" (\"user_id\", \"totp_seed\", \"totp_on\", \"totp_step\") values (?, ?, ?, ?) \
                    on conflict (\"user_id\") do update set \"totp_seed\" = excluded.\"totp_seed\", \"totp_step\" = excluded.\"totp_step\"";
        store.run(text, &[Arg::Id(user), Arg::Text(&sealed), Arg::Flag(false), Arg::Number(0)]).await?;
        audit::note(&mut store, caller, audit::Event::of("user.second_factor_begun", user)).await?;
        store.commit().await?;
        let totp = self.totp(&seed, &account)?;
        let url = totp.to_url().map_err(|error| Error::internal(error.to_string()))?;
        Ok(Done::of(json!({ "secret": Secret::from(seed.to_vec()).to_base32(), "url": url })))
    }

    /// Turns the second factor on with a first code. All other sessions end.
    pub(super) async fn confirm_totp(&self, caller: &Caller, code: &str) -> Result<Done> {
        let user = caller.user()?;
        let attempt = self.attempt(caller, &user.to_string()).await?;
        let mut store = self.store().await?;
        store.lock_user(user).await?;
        if !self.step(&mut store, user, code, false).await? {
            self.wrong(attempt).await;
            return Err(wrong_code());
        }
        let text = "update \"launchway_credentials\" set \"totp_on\" = ? where \"user_id\" = ?";
        store.run(text, &[Arg::Flag(true), Arg::Id(user)]).await?;
        let codes = recovery(&mut store, user).await?;
        user::withdraw(&mut store, user, &[user::Purpose::Device]).await?;
        session::end_all(&mut store, user, caller.session()).await?;
        audit::note(&mut store, caller, audit::Event::of("user.second_factor_added", user)).await?;
        store.commit().await?;
        self.forget();
        Ok(Done::of(json!({ "recoveryCodes": codes })))
    }

    /// Turns it off, with the password and a code.
    pub(super) async fn disable_totp(&self, caller: &Caller, password: &str, code: &str) -> Result<Done> {
        let (found, attempt) = self.confirmed(caller, password).await?;
        let user = found.user;
        let mut store = self.store().await?;
        store.lock_user(user).await?;
        if !self.second_factor(&mut store, user, code).await? {
            store.rollback().await?;
            self.wrong(attempt).await;
            return Err(wrong_code());
        }
        let text = "update \"launchway_credentials\" set \"totp_on\" = ?, \"totp_seed\" = null where \"user_id\" = ?";
        store.run(text, &[Arg::Flag(false), Arg::Id(user)]).await?;
        let text = "delete from \"launchway_tokens\" where \"user_id\" = ? and \"kind\" = ?";
        store.run(text, &[Arg::Id(user), Arg::Text(RECOVERY)]).await?;
        audit::note(&mut store, caller, audit::Event::of("user.second_factor_removed", user)).await?;
        store.commit().await?;
        Ok(Done::accepted("The second factor is removed."))
    }

    /// Makes new recovery codes in place of the old ones.
    pub(super) async fn recovery_codes(&self, caller: &Caller, password: &str, code: &str) -> Result<Done> {
        let (found, attempt) = self.confirmed(caller, password).await?;
        let user = found.user;
        let mut store = self.store().await?;
        store.lock_user(user).await?;
        if !self.second_factor(&mut store, user, code).await? {
            store.rollback().await?;
            self.wrong(attempt).await;
            return Err(wrong_code());
        }
        let codes = recovery(&mut store, user).await?;
        audit::note(&mut store, caller, audit::Event::of("user.recovery_codes_made", user)).await?;
        store.commit().await?;
        Ok(Done::of(json!({ "recoveryCodes": codes })))
    }

    /// Whether a text is a code of the user's app or a recovery code; it is used up. The user's row is locked.
    pub(super) async fn second_factor(&self, store: &mut Store, user: Uuid, code: &str) -> Result<bool> {
        let code: String = code.chars().filter(|c| !c.is_whitespace() && *c != '-').take(64).collect();
        if code.len() == 6 && code.bytes().all(|byte| byte.is_ascii_digit()) {
            return self.step(store, user, &code, true).await;
        }
        let hash = secret::hash(&recovery_text(user, &code));
        let text = "delete from \"launchway_tokens\" where \"hash\" = ? and \"kind\" = ? and \"user_id\" = ?";
        Ok(store.run(text, &[Arg::Text(&hash), Arg::Text(RECOVERY), Arg::Id(user)]).await? == 1)
    }

    /// Whether a code is of a step that was not used yet; it is now.
    async fn step(&self, store: &mut Store, user: Uuid, code: &str, on: bool) -> Result<bool> {
        let text = "select \"totp_seed\", \"totp_step\", \"totp_on\" from \"launchway_credentials\" where \"user_id\" = ?";
        let Some(row) = store.one(text, &[Arg::Id(user)]).await? else { return Ok(false) };
        let Some(sealed) = row.maybe_text(0)?.filter(|_| row.flag(2).is_ok_and(|found| found == on)) else {
            return Ok(false);
        };
        let seed = self.0.vault.open(PURPOSE, &sealed).ok_or_else(|| {
            Error::internal("a seed can't be read: `auth.secret` is not the one it was sealed with")
        })?;
        let time = u64::try_from(store.now.timestamp()).unwrap_or_default();
        let Some(step) = self.totp(&seed, "x")?.check(code, time) else { return Ok(false) };
        let step = i64::try_from(step).unwrap_or(i64::MAX);
        if step <= row.number(1)? {
            return Ok(false);
        }
        let text = "update \"launchway_credentials\" set \"totp_step\" = ? where \"user_id\" = ? and \"totp_step\" < ?";
        Ok(store.run(text, &[Arg::Number(step), Arg::Id(user), Arg::Number(step)]).await? == 1)
    }
}

/// New recovery codes of a user, in place of the old ones.
async fn recovery(store: &mut Store, user: Uuid) -> Result<Vec<String>> {
    let text = "delete from \"launchway_tokens\" where \"user_id\" = ? and \"kind\" = ?";
    store.run(text, &[Arg::Id(user), Arg::Text(RECOVERY)]).await?;
    let mut codes = Vec::with_capacity(CODES);
    for _ in 0..CODES {
        // 80 bits in letters and digits that are not mistaken for each other.
        let base32 = Secret::from(secret::random::<SEED>()?.to_vec()).to_base32().to_lowercase();
        let code: String = base32.chars().take(16).collect();
        let hash = secret::hash(&recovery_text(user, &code));
        let text = "insert into \"launchway_tokens\" (\"hash\", \"kind\", \"user_id\", \"expires_at\", \"used\") values (?, ?, ?, ?, ?)";
        let args =
            [Arg::Text(&hash), Arg::Text(RECOVERY), Arg::Id(user), Arg::Number(FOREVER), Arg::Flag(false)];
        store.run(text, &args).await?;
        codes.push(code.as_bytes().chunks(4).map(String::from_utf8_lossy).collect::<Vec<_>>().join("-"));
    }
    Ok(codes)
}

/// What is hashed of a recovery code: it is one of this user's alone.
fn recovery_text(user: Uuid, code: &str) -> String {
    format!("{user} {}", code.to_lowercase())
}

fn wrong_code() -> Error {
    Error::new(Code::WrongCode, "The code is wrong, or was used.").hint("Wait for the next one.").at("code")
}
