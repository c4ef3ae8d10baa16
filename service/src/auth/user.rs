//! Users: their addresses, and the secrets they are sent.

use chrono::{DateTime, TimeDelta, Utc};
use entity::Value;
use serde_json::Value as Json;
use unicode_normalization::UnicodeNormalization;
use uuid::Uuid;

use super::secret;
use super::store::{Arg, Row, Store};
use crate::error::{Code, Error, Result};

/// Characters of an address (RFC 5321, section 4.5.3.1.3).
const LONGEST: usize = 254;

/// Secrets of one purpose that a user may have at once.
const AT_ONCE: i64 = 5;

/// A secret that is sent by mail, or a step of a longer exchange: good for one use, for one purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// The address of a new account is proved.
    VerifyEmail,
    /// A new password is chosen.
    ResetPassword,
    /// A new address is proved.
    ChangeEmail,
    /// An organization is joined.
    Invitation,
    /// A provider is signed in with.
    SignIn,
    /// A browser brought back a code for tokens.
    Exchange,
    /// A device that signed in before.
    Device,
}

impl Purpose {
    fn kind(self) -> &'static str {
        match self {
            Purpose::VerifyEmail => "verify_email",
            Purpose::ResetPassword => "reset_password",
            Purpose::ChangeEmail => "change_email",
            Purpose::Invitation => "invitation",
            Purpose::SignIn => "sign_in",
            Purpose::Exchange => "exchange",
            Purpose::Device => "device",
        }
    }

    /// How long it is good.
    pub(super) fn lifetime(self) -> TimeDelta {
        match self {
            Purpose::VerifyEmail => TimeDelta::days(1),
            Purpose::ResetPassword | Purpose::ChangeEmail => TimeDelta::hours(1),
            Purpose::Invitation => TimeDelta::days(7),
            Purpose::SignIn => TimeDelta::minutes(10),
            Purpose::Exchange => TimeDelta::minutes(1),
            Purpose::Device => TimeDelta::days(180),
        }
    }
}

/// An address in the one form it is kept and compared in: NFKC, small letters, no blanks around.
///
/// # Errors
/// `BAD_VALUE` for what is no address.
pub(super) fn address(text: &str) -> Result<String> {
    let wrong = || Error::new(Code::BadValue, "This is not an e-mail address.").at("email");
    if text.len() > 4 * LONGEST {
        return Err(wrong());
    }
    // Small letters first: some have a form of their own once they are small.
    let normal: String = text.trim().nfkc().collect::<String>().to_lowercase().nfkc().collect();
    let ty = entity::FieldType::Scalar(entity::Scalar::Email);
    let input = entity::Input::String(normal);
    match entity::value::coerce(&entity::Catalog::empty(), ty, false, &input) {
        Ok(Value::Text(normal)) if normal.chars().count() <= LONGEST => Ok(normal),
        _ => Err(wrong()),
    }
}

/// What is known of a user who wants to sign in.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Credentials {
    pub(super) user: Uuid,
    pub(super) verified: bool,
    pub(super) disabled: bool,
    pub(super) password: Option<String>,
    pub(super) totp: bool,
}

pub(super) const CREDENTIALS: &str = "select u.\"id\", u.\"email_verified\", u.\"disabled\", c.\"password\", coalesce(c.\"totp_on\", ?) \
     from \"launchway_users\" u left join \"launchway_credentials\" c on c.\"user_id\" = u.\"id\" where ";

impl Credentials {
    /// Whether what was decided by these credentials still is, now that nobody else changes them: comparing a password
    /// takes long enough for another one to be chosen. The user's row is locked from here on.
    pub(super) async fn still(&self, store: &mut Store) -> Result<bool> {
        store.lock_user(self.user).await?;
        let row =
            store.one(&format!("{CREDENTIALS}u.\"id\" = ?"), &[Arg::Flag(false), Arg::Id(self.user)]).await?;
        let now = row.as_ref().map(Self::of).transpose()?;
        Ok(now.is_some_and(|now| now == *self))
    }

    pub(super) fn of(row: &Row) -> Result<Self> {
        Ok(Self {
            user: row.id(0)?,
            verified: row.flag(1)?,
            disabled: row.flag(2)?,
            password: row.maybe_text(3)?,
            totp: row.flag(4)?,
        })
    }
}

/// The user of an address.
pub(super) async fn by_email(store: &mut Store, email: &str) -> Result<Option<Credentials>> {
    let text = format!("{CREDENTIALS}u.\"email\" = ?");
    let row = store.one(&text, &[Arg::Flag(false), Arg::Text(email)]).await?;
    row.as_ref().map(Credentials::of).transpose()
}

/// The credentials of a user.
pub(super) async fn by_id(store: &mut Store, user: Uuid) -> Result<Option<Credentials>> {
    let text = format!("{CREDENTIALS}u.\"id\" = ?");
    let row = store.one(&text, &[Arg::Flag(false), Arg::Id(user)]).await?;
    row.as_ref().map(Credentials::of).transpose()
}

/// The address of a user.
pub(super) async fn email(store: &mut Store, user: Uuid) -> Result<Option<String>> {
    let row =
        store.one("select \"email\" from \"launchway_users\" where \"id\" = ?", &[Arg::Id(user)]).await?;
    row.map(|row| row.maybe_text(0)).transpose().map(Option::flatten)
}

/// Makes a user without credentials.
///
/// # Errors
/// `UNIQUE_VIOLATION` when the address has one.
pub(super) async fn make(
    store: &mut Store,
    email: Option<&str>,
    verified: bool,
    name: Option<&str>,
) -> Result<Uuid> {
    let text = |text: Option<&str>| text.map_or(Value::Null, |text| Value::Text(text.to_owned()));
    let row = [("email", text(email)), ("emailVerified", Value::Bool(verified)), ("name", text(name))];
    store.insert("User", &row).await
}

/// Gives a user these roles; whether there is such a user.
pub(super) async fn set_roles(store: &mut Store, user: Uuid, roles: &[String]) -> Result<bool> {
    let now = store.now;
    let text = "update \"launchway_users\" set \"roles\" = ?, \"updated_at\" = ?, \"version\" = \"version\" + 1 where \"id\" = ?";
    Ok(store.run(text, &[Arg::Texts(roles), Arg::Time(now), Arg::Id(user)]).await? == 1)
}

/// Gives a user a password.
pub(super) async fn set_password(store: &mut Store, user: Uuid, hash: Option<&str>) -> Result<()> {
    let text = "insert into \"launchway_credentials\" (\"user_id\", \"password\", \"totp_on\", \"totp_step\") values (?, ?, ?, ?) \
                on conflict (\"user_id\") do update set \"password\" = excluded.\"password\"";
    let args = [Arg::Id(user), Arg::MaybeText(hash), Arg::Flag(false), Arg::Number(0)];
    store.run(text, &args).await.map(|_| ())
}

/// Says that a user's address is proved.
pub(super) async fn verified(store: &mut Store, user: Uuid) -> Result<()> {
    let now = store.now;
    let text = "update \"launchway_users\" set \"email_verified\" = ?, \"updated_at\" = ?, \"version\" = \"version\" + 1 where \"id\" = ?";
    store.run(text, &[Arg::Flag(true), Arg::Time(now), Arg::Id(user)]).await.map(|_| ())
}

/// Makes a secret for one use and keeps its hash; the oldest of the same purpose go.
pub(super) async fn send(
    store: &mut Store,
    purpose: Purpose,
    user: Option<Uuid>,
    data: Option<&Json>,
) -> Result<String> {
    if let Some(user) = user {
        // A few at a time: each mail's code stays good while a later one is on its way.
        let text = "delete from \"launchway_tokens\" where \"hash\" in (select \"hash\" from \"launchway_tokens\" \
                    where \"user_id\" = ? and \"kind\" = ? order by \"expires_at\" desc limit 100 offset ?)";
        store.run(text, &[Arg::Id(user), Arg::Text(purpose.kind()), Arg::Number(AT_ONCE - 1)]).await?;
    }
    let token = secret::token("lwt_")?;
    let data = data.map(ToString::to_string);
    let end: DateTime<Utc> = store.now + purpose.lifetime();
    let hash = secret::hash(&token);
    let text = "insert into \"launchway_tokens\" (\"hash\", \"kind\", \"user_id\", \"data\", \"expires_at\", \"used\") values (?, ?, ?, ?, ?, ?)";
    let args = [
        Arg::Text(&hash),
        Arg::Text(purpose.kind()),
        Arg::MaybeId(user),
        Arg::MaybeText(data.as_deref()),
        Arg::Number(end.timestamp()),
        Arg::Flag(false),
    ];
    store.run(text, &args).await?;
    Ok(token)
}

/// What a secret for one use stands for; it is used up.
///
/// # Errors
/// `TOKEN_INVALID` for one that is unknown, used, too old, or for another purpose.
pub(super) async fn take(store: &mut Store, purpose: Purpose, token: &str) -> Result<(Option<Uuid>, Json)> {
    let now = store.now.timestamp();
    let hash = secret::hash(token);
    let text = "delete from \"launchway_tokens\" where \"hash\" = ? and \"kind\" = ? and \"expires_at\" > ? returning \"user_id\", \"data\"";
    let args = [Arg::Text(&hash), Arg::Text(purpose.kind()), Arg::Number(now)];
    found(store.one(text, &args).await?)
}

/// What a secret for one use stands for; it stays good.
///
/// # Errors
/// As [`take`].
pub(super) async fn peek(store: &mut Store, purpose: Purpose, token: &str) -> Result<(Option<Uuid>, Json)> {
    let now = store.now.timestamp();
    let hash = secret::hash(token);
    let text = "select \"user_id\", \"data\" from \"launchway_tokens\" where \"hash\" = ? and \"kind\" = ? and \"expires_at\" > ?";
    let args = [Arg::Text(&hash), Arg::Text(purpose.kind()), Arg::Number(now)];
    found(store.one(text, &args).await?)
}

/// Writes down that something of ours was used that is good for one use until an end, in seconds, and that is known by a
/// hash. False where it was used before.
pub(super) async fn use_once(store: &mut Store, purpose: Purpose, hash: &str, end: i64) -> Result<bool> {
    let text = "insert into \"launchway_tokens\" (\"hash\", \"kind\", \"expires_at\", \"used\") values (?, ?, ?, ?) \
                on conflict (\"hash\") do nothing";
    let args = [Arg::Text(hash), Arg::Text(purpose.kind()), Arg::Number(end), Arg::Flag(true)];
    Ok(store.run(text, &args).await? == 1)
}

/// Whether [`use_once`] wrote this down.
///
/// # Errors
/// The database's.
pub(super) async fn was_used(store: &mut Store, purpose: Purpose, hash: &str) -> Result<bool> {
    let text = "select \"hash\" from \"launchway_tokens\" where \"hash\" = ? and \"kind\" = ?";
    Ok(store.one(text, &[Arg::Text(hash), Arg::Text(purpose.kind())]).await?.is_some())
}

/// Checks that an invitation was sent to an address: it proves that one alone.
///
/// # Errors
/// `TOKEN_INVALID`.
pub(super) async fn invited(store: &mut Store, token: &str, email: &str) -> Result<()> {
    let here = |error: Error| error.map_input(&|_, _| vec!["invitation".into()]);
    let (_, data) = peek(store, Purpose::Invitation, token).await.map_err(here)?;
    let id = data.get("invitation").and_then(Json::as_str).and_then(|id| Uuid::parse_str(id).ok());
    let text = "select \"email\" from \"launchway_invitations\" where \"id\" = ?";
    let row = store.one(text, &[Arg::MaybeId(id)]).await?;
    match row.map(|row| row.text(0)).transpose()?.as_deref() == Some(email) {
        true => Ok(()),
        false => {
            let message = "The invitation was withdrawn, or sent to another address.";
            Err(Error::new(Code::TokenInvalid, message).at("invitation"))
        }
    }
}

fn found(row: Option<Row>) -> Result<(Option<Uuid>, Json)> {
    let row = row.ok_or_else(|| {
        Error::new(Code::TokenInvalid, "The code is wrong, was used, or is too old.")
            .hint("Ask for a new one.")
            .at("token")
    })?;
    let data = row.maybe_text(1)?.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or(Json::Null);
    Ok((row.maybe_id(0)?, data))
}

/// Takes back the secrets of some purposes that a user was sent.
pub(super) async fn withdraw(store: &mut Store, user: Uuid, purposes: &[Purpose]) -> Result<()> {
    for purpose in purposes {
        let text = "delete from \"launchway_tokens\" where \"user_id\" = ? and \"kind\" = ?";
        store.run(text, &[Arg::Id(user), Arg::Text(purpose.kind())]).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::address;

    #[test]
    fn an_address_has_one_form() {
        for (written, kept) in [
            ("Ann@Example.COM", "ann@example.com"),
            ("  ann@example.com ", "ann@example.com"),
            ("\u{ff21}nn@example.com", "ann@example.com"),
            ("A\u{308}nn@example.com", "\u{e4}nn@example.com"),
        ] {
            assert_eq!(address(written).unwrap(), kept, "{written}");
        }
        for wrong in [
            "",
            "ann",
            "ann@",
            "@example.com",
            "a b@example.com",
            &format!("{}@example.com", "x".repeat(300)),
        ] {
            assert!(address(wrong).is_err(), "{wrong}");
        }
    }
}
