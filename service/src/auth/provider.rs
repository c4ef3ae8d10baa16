//! Signing in with an account elsewhere. Accounts are linked by an address that both sides have proved, and by nothing else.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use entity::Value;
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use url::Url;
use uuid::Uuid;

use super::operation::{Caller, Done};
use super::session::{self, Beginning};
use super::store::{Arg, Row, Store, is_taken, look};
use super::user::{self, Purpose};
use super::{Auth, SignUp, audit, secret};
use crate::error::{Code, Error, Result};
use crate::mail::Message;
use crate::outside::issuer::Verified;
use crate::outside::provider::{OutsideIdentity, Provider};
use crate::principal::Principal;

/// What the sealed memory of a sign-in is for.
const PURPOSE: &str = "provider sign-in";

/// Bytes of an address to come back to: sealed with the rest, it has to fit into a cookie.
const LONGEST: usize = 2_000;

/// How often it is looked again for an account that another request is making.
const TRIES: u32 = 2;

/// A sign-in that is on its way through a provider. The browser keeps it, sealed: whoever sets out and never comes back
/// leaves nothing behind.
#[derive(Serialize, Deserialize)]
struct Journey {
    /// When it is too late to come back, in seconds.
    end: i64,
    provider: String,
    state: String,
    nonce: String,
    verifier: String,
    back: String,
    /// Of the page that wants a code; none where the browser keeps the session in a cookie.
    challenge: Option<String>,
}

/// What a browser brings back to the page that sent it away.
#[derive(Debug, Clone, Copy)]
pub enum Mode<'a> {
    /// A session, in a cookie.
    Cookie,
    /// A code, for whoever knows the verifier of this challenge (RFC 7636): a code that somebody else began with and
    /// planted in a browser is of no use there.
    Code {
        /// The SHA-256 of the verifier, in base64url.
        challenge: Option<&'a str>,
    },
}

/// A sign-in that has begun: where the browser goes, and what it has to bring back.
#[derive(Debug)]
pub struct Departure {
    /// The provider's page.
    pub url: Url,
    /// What ties the sign-in to this browser, and remembers it: the value of a cookie.
    pub secret: String,
}

/// What the provider sent the browser back with.
#[derive(Debug, Default, Clone, Deserialize)]
pub struct Callback {
    /// The code to be exchanged.
    pub code: Option<String>,
    /// The state we sent it there with.
    pub state: Option<String>,
    /// Who answers (RFC 9207).
    pub iss: Option<String>,
    /// Why not.
    pub error: Option<String>,
}

/// A sign-in that came back.
#[derive(Debug)]
pub struct Arrival {
    /// Where the browser goes.
    pub back: String,
    /// The session, or why there is none.
    pub outcome: Result<Done>,
}

impl Auth {
    /// The providers one can sign in with.
    #[must_use]
    pub fn providers(&self) -> Vec<&str> {
        self.0.providers.iter().map(Provider::name).collect()
    }

    fn provider(&self, name: &str) -> Result<&Provider> {
        self.0.providers.iter().find(|provider| provider.name() == name).ok_or_else(|| {
            Error::new(Code::NoSuchRoute, "There is no such provider.").hint("`/auth/providers` lists them.")
        })
    }

    fn redirect_uri(&self, name: &str) -> String {
        format!("{}/auth/providers/{name}/callback", self.0.settings.issuer.trim_end_matches('/'))
    }

    /// Sends a browser to a provider. It comes back to `back`: a path of this server, or a page of a site that may.
    ///
    /// # Errors
    /// `NO_SUCH_ROUTE` for a provider that is not set up, `BAD_VALUE` for a page that may not and for a code without a
    /// challenge, and the provider's.
    pub async fn depart(&self, name: &str, back: &str, mode: Mode<'_>) -> Result<Departure> {
        let provider = self.provider(name)?;
        let back = self.may_return_to(back)?;
        let challenge = match mode {
            Mode::Cookie => None,
            Mode::Code { challenge } => Some(checked(challenge)?.to_owned()),
        };
        let begun = provider.begin(&self.redirect_uri(name)).await?;
        let journey = Journey {
            end: (self.now() + Purpose::SignIn.lifetime()).timestamp(),
            provider: name.to_owned(),
            state: secret::hash(&begun.state),
            nonce: begun.nonce.expose_secret().to_owned(),
            verifier: begun.verifier.expose_secret().to_owned(),
            back,
            challenge,
        };
        let plain = serde_json::to_vec(&journey).map_err(Error::internal)?;
        Ok(Departure { url: begun.url, secret: self.0.vault.seal(PURPOSE, &plain)? })
    }

    /// Takes a browser back from a provider.
    ///
    /// # Errors
    /// `TOKEN_INVALID` where the sign-in did not begin in this browser, or was finished before.
    pub async fn arrive(
        &self,
        caller: &Caller,
        name: &str,
        callback: &Callback,
        browser: Option<&str>,
    ) -> Result<Arrival> {
        let plain = browser.and_then(|sealed| self.0.vault.open(PURPOSE, sealed)).ok_or_else(strange)?;
        let journey: Journey = serde_json::from_slice(&plain).map_err(|_| strange())?;
        let state = secret::hash(callback.state.as_deref().unwrap_or_default());
        let same: bool = subtle::ConstantTimeEq::ct_eq(state.as_bytes(), journey.state.as_bytes()).into();
        if journey.provider != name || !same || journey.end <= self.now().timestamp() {
            return Err(strange());
        }
        // Those of one sign-in take turns: a provider that is shown a code twice believes neither.
        let turn = self.turn(&journey.state).await;
        let mut store = self.store().await?;
        let used = user::was_used(&mut store, Purpose::SignIn, &journey.state).await?;
        store.rollback().await?;
        if used {
            return Err(strange());
        }
        let outcome = self.finish(caller, &journey, callback).await;
        drop(turn);
        if let Err(error) = &outcome {
            tracing::info!(provider = name, code = error.code().as_str(), "a sign-in with a provider failed");
        }
        Ok(Arrival { back: journey.back, outcome })
    }

    async fn finish(&self, caller: &Caller, journey: &Journey, callback: &Callback) -> Result<Done> {
        let provider = self.provider(&journey.provider)?;
        let Some(code) = callback.code.as_deref().filter(|_| callback.error.is_none()) else {
            return Err(Error::new(Code::ProviderFailed, "The provider did not sign you in."));
        };
        let identity = provider
            .finish(
                &self.redirect_uri(&journey.provider),
                code,
                callback.iss.as_deref(),
                &journey.nonce.clone().into(),
                &journey.verifier.clone().into(),
            )
            .await?;
        let mut store = self.store().await?;
        // Only who was signed in by the provider leaves a row: others can't fill the table.
        if !user::use_once(&mut store, Purpose::SignIn, &journey.state, journey.end).await? {
            return Err(strange());
        }
        let (user, linked) = self.account_of(&mut store, caller, &journey.provider, &identity).await?;
        let done = match &journey.challenge {
            None => {
                let beginning = Beginning { user, method: &journey.provider, cookie: true };
                self.begin_session(&mut store, caller, beginning).await?
            }
            // Tokens don't belong into an address: the page exchanges a code for them.
            Some(challenge) => {
                let data = serde_json::json!({ "method": journey.provider, "challenge": challenge });
                let code = user::send(&mut store, Purpose::Exchange, Some(user), Some(&data)).await?;
                Done::of(serde_json::json!({ "code": code }))
            }
        };
        store.commit().await?;
        self.forget();
        if let Some(email) = linked {
            self.0.mailer.post(&email, Message::IdentityLinked { provider: journey.provider.clone() });
        }
        Ok(done)
    }

    /// Exchanges the code that a page was called back with for tokens. With a verifier that is not the one of the
    /// page that began, the code is used up.
    pub(super) async fn exchange(&self, caller: &Caller, code: &str, verifier: Option<&str>) -> Result<Done> {
        let mut store = self.store().await?;
        let (user, data) = user::take(&mut store, Purpose::Exchange, code)
            .await
            .map_err(|error| error.map_input(&|_, _| vec!["code".into()]))?;
        let user = user.ok_or_else(|| Error::internal("a code without a user"))?;
        let challenge = data.get("challenge").and_then(serde_json::Value::as_str).unwrap_or_default();
        if !verifier.is_some_and(|verifier| verifies(verifier, challenge)) {
            store.commit().await?;
            return Err(Error::new(
                Code::TokenInvalid,
                "This is not the verifier that the sign-in began with.",
            )
            .hint("Begin again, and send the `code_verifier` of that `code_challenge` as `codeVerifier`.")
            .at("codeVerifier"));
        }
        if user::by_id(&mut store, user).await?.is_none_or(|found| found.disabled) {
            return Err(super::bad_credentials());
        }
        let method = data.get("method").and_then(serde_json::Value::as_str).unwrap_or("provider").to_owned();
        let beginning = Beginning { user, method: &method, cookie: false };
        let done = self.begin_session(&mut store, caller, beginning).await?;
        store.commit().await?;
        Ok(done)
    }

    /// The account of somebody known elsewhere, and the address to be told that it was linked just now.
    pub(super) async fn account_of(
        &self,
        store: &mut Store,
        caller: &Caller,
        provider: &str,
        identity: &OutsideIdentity,
    ) -> Result<(Uuid, Option<String>)> {
        let text = "select i.\"user_id\", u.\"disabled\" from \"launchway_identities\" i join \"launchway_users\" u on u.\"id\" = i.\"user_id\" \
                    where i.\"issuer\" = ? and i.\"subject\" = ?";
        if let Some(row) =
            store.one(text, &[Arg::Text(&identity.issuer), Arg::Text(&identity.subject)]).await?
        {
            return match row.flag(1)? {
                true => Err(super::bad_credentials()),
                false => Ok((row.id(0)?, None)),
            };
        }
        let email = identity.email.as_deref().filter(|_| identity.email_verified);
        let email = email.and_then(|email| user::address(email).ok());
        let known = match &email {
            Some(email) => user::by_email(store, email).await?,
            None => None,
        };
        let (user, linked) = match known {
            Some(known) if known.disabled => return Err(super::bad_credentials()),
            // The mailbox alone opens no account that has a second factor.
            Some(known) if known.totp => {
                return Err(Error::new(Code::SecondFactorRequired, "The account has a second factor.")
                    .hint("Sign in with the password and a code."));
            }
            Some(known) => {
                if !known.verified {
                    // Whoever made the account did not prove the address; this one has. Nothing of theirs stays.
                    user::set_password(store, known.user, None).await?;
                    user::withdraw(store, known.user, &[Purpose::VerifyEmail]).await?;
                    session::end_all(store, known.user, None).await?;
                    user::verified(store, known.user).await?;
                }
                (known.user, email.clone())
            }
            None if self.0.settings.sign_up != SignUp::Open => {
                return Err(Error::new(Code::SignUpClosed, "Nobody can make an account here."));
            }
            None => {
                let made =
                    user::make(store, email.as_deref(), email.is_some(), identity.name.as_deref()).await;
                match made {
                    Err(error) if is_taken(&error) => {
                        return Err(Error::new(
                            Code::Conflict,
                            "Somebody signed in with this address just now.",
                        )
                        .hint("Try again."));
                    }
                    made => {
                        let made = made?;
                        audit::note(store, caller, audit::Event::of("user.signed_up", made)).await?;
                        (made, None)
                    }
                }
            }
        };
        let text = |text: &Option<String>| text.clone().map_or(Value::Null, Value::Text);
        let row = [
            ("user", Value::Uuid(user)),
            ("issuer", Value::Text(identity.issuer.clone())),
            ("subject", Value::Text(identity.subject.clone())),
            ("email", text(&email)),
        ];
        store.insert("AuthIdentity", &row).await?;
        let event = audit::Event::of("user.identity_linked", user).with("provider", provider);
        audit::note(store, caller, event).await?;
        Ok((user, linked))
    }

    /// A page that a browser may be sent to: one of this server, or of a site in the list.
    fn may_return_to(&self, back: &str) -> Result<String> {
        let wrong = || {
            Error::new(Code::BadValue, "A browser can't be sent there.")
                .hint("`redirect` is a path, or a page of an origin in cors.origins or of mail.app_url.")
                .at("redirect")
        };
        let own = Url::parse(&self.0.settings.issuer).map_err(|_| wrong())?;
        if back.chars().any(|c| c.is_control() || c == '\\') {
            return Err(wrong());
        }
        let url = own.join(back).map_err(|_| wrong())?;
        let listed =
            self.0.settings.returns.iter().any(|origin| *origin == url.origin().ascii_serialization());
        let fine = matches!(url.scheme(), "http" | "https")
            && url.username().is_empty()
            && url.password().is_none()
            && (url.origin() == own.origin() || listed)
            && url.as_str().len() <= LONGEST;
        if fine { Ok(url.into()) } else { Err(wrong()) }
    }

    /// Unlinks an account elsewhere from the caller's. One way to sign in stays.
    pub(super) async fn unlink(&self, caller: &Caller, identity: Uuid) -> Result<Done> {
        let user = caller.user()?;
        let mut store = self.store().await?;
        store.lock_user(user).await?;
        let password = user::by_id(&mut store, user).await?.is_some_and(|found| found.password.is_some());
        let others = "select \"id\" from \"launchway_identities\" where \"user_id\" = ? and \"id\" <> ?";
        let other = store.one(others, &[Arg::Id(user), Arg::Id(identity)]).await?.is_some();
        if !password && !other {
            return Err(Error::new(Code::Conflict, "You could not sign in any more.")
                .hint("Choose a password first."));
        }
        let text = "delete from \"launchway_identities\" where \"id\" = ? and \"user_id\" = ?";
        if store.run(text, &[Arg::Id(identity), Arg::Id(user)]).await? == 0 {
            return Err(Error::new(Code::NotFound, "You have no such account."));
        }
        audit::note(&mut store, caller, audit::Event::of("user.identity_unlinked", user)).await?;
        store.commit().await?;
        Ok(Done::accepted("The account is unlinked."))
    }

    /// The principal of a token of an issuer elsewhere. Its user is made when it is seen first.
    pub(super) async fn vouched(&self, verified: Verified, organization: Option<Uuid>) -> Result<Principal> {
        let identity = OutsideIdentity {
            issuer: verified.issuer.clone(),
            subject: verified.subject.clone(),
            email: verified.email.clone(),
            email_verified: verified.email_verified,
            name: verified.name.clone(),
            picture: None,
        };
        let row = match self.vouched_for(&identity, organization).await? {
            Some(row) => row,
            None => {
                self.seen_first(&identity).await?;
                self.vouched_for(&identity, organization).await?.ok_or_else(super::bad_credentials)?
            }
        };
        if row.flag(5)? {
            return Err(super::bad_credentials());
        }
        let user = row.id(0)?;
        let member = row.maybe_id(3)?.map(|id| (id, row.maybe_text(4).ok().flatten()));
        // What the issuer says of organizations counts where it was told to say so.
        let said = verified.organization.as_deref().and_then(|id| Uuid::parse_str(id).ok());
        let said = said.map(|id| (id, verified.organization_role.clone()));
        let acts_for = member.or(said);
        let mut roles = row.texts(2)?;
        roles.extend(verified.roles);
        let email = row.maybe_text(1)?;
        Ok(Principal::known(crate::principal::Subject {
            user: Some(user),
            email,
            roles,
            organization: acts_for.map(|(id, role)| crate::principal::Organization { id, role }),
            claims: verified.claims,
            ..crate::principal::Subject::default()
        }))
    }

    /// Makes or links the account of somebody whom an issuer vouches for. First requests come several at once: where another
    /// one was quicker, there is an account now.
    async fn seen_first(&self, identity: &OutsideIdentity) -> Result<()> {
        let caller = Caller { principal: Principal::Anonymous, ..Caller::operator() };
        let mut tries = TRIES;
        loop {
            let mut store = self.store().await?;
            match self.account_of(&mut store, &caller, &identity.issuer, identity).await {
                Ok(_) => return store.commit().await,
                Err(error) if tries > 0 && (is_taken(&error) || error.code() == Code::Conflict) => {
                    tries -= 1;
                    store.rollback().await?;
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// The user whom an issuer vouched for before, and their membership of an organization.
    async fn vouched_for(
        &self,
        identity: &OutsideIdentity,
        organization: Option<Uuid>,
    ) -> Result<Option<Row>> {
        let text = "select u.\"id\", u.\"email\", u.\"roles\", m.\"organization_id\", m.\"role\", u.\"disabled\" \
                    from \"launchway_identities\" i join \"launchway_users\" u on u.\"id\" = i.\"user_id\" \
                    left join \"launchway_memberships\" m on m.\"user_id\" = u.\"id\" and m.\"organization_id\" = ? \
                    where i.\"issuer\" = ? and i.\"subject\" = ?";
        let args = [Arg::MaybeId(organization), Arg::Text(&identity.issuer), Arg::Text(&identity.subject)];
        look(&self.0.database, text, &args).await
    }
}

fn strange() -> Error {
    Error::new(Code::TokenInvalid, "This sign-in did not begin in this browser, or has ended.")
        .hint("Begin again.")
}

/// A challenge that a verifier may have: the 43 characters of a SHA-256 in base64url (RFC 7636, section 4.2).
fn checked(challenge: Option<&str>) -> Result<&str> {
    let hash = |text: &str| URL_SAFE_NO_PAD.decode(text).is_ok_and(|bytes| bytes.len() == 32);
    challenge.filter(|challenge| hash(challenge)).ok_or_else(|| {
        Error::new(
            Code::BadValue,
            "`mode=code` needs a `code_challenge`: base64url of a SHA-256, 43 characters.",
        )
        .hint(
            "Make a random `code_verifier` (RFC 7636), keep it in the page, and send base64url(sha256(it)).",
        )
        .at("code_challenge")
    })
}

/// Whether a verifier is the one of a challenge: 43 to 128 characters (RFC 7636, section 4.1).
fn verifies(verifier: &str, challenge: &str) -> bool {
    let letter = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~');
    let formed = (43..=128).contains(&verifier.len()) && verifier.bytes().all(letter);
    let same: bool =
        subtle::ConstantTimeEq::ct_eq(secret::hash(verifier).as_bytes(), challenge.as_bytes()).into();
    formed && same
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 7636, appendix B.
    const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

    #[test]
    fn a_challenge_is_the_hash_of_one_verifier() {
        assert_eq!(checked(Some(CHALLENGE)).ok(), Some(CHALLENGE));
        assert!(verifies(VERIFIER, CHALLENGE));
        for wrong in [CHALLENGE, "", &VERIFIER[1..], &format!("{VERIFIER}="), &"x".repeat(129)] {
            assert!(!verifies(wrong, CHALLENGE), "{wrong}");
        }
        // What is no verifier is none, even of its own hash.
        for wrong in ["", "short", &"x".repeat(42), &"x".repeat(129), &"\u{e4}".repeat(43), &" ".repeat(43)] {
            assert!(!verifies(wrong, &secret::hash(wrong)), "{wrong}");
        }
        assert!(!verifies(VERIFIER, ""));
        for wrong in [
            None,
            Some(""),
            Some(&CHALLENGE[1..]),
            Some(&format!("{CHALLENGE}=")),
            Some("x".repeat(43).as_str()),
        ] {
            let error = checked(wrong).unwrap_err();
            assert_eq!(
                (error.code(), error.input_path().as_str()),
                (Code::BadValue, "code_challenge"),
                "{wrong:?}"
            );
        }
    }
}
