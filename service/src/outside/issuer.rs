//! Bearer tokens that other services sign (Auth0, Keycloak, Supabase, Clerk and their like).

use std::collections::HashSet;
use std::time::Duration;

use chrono::{DateTime, Utc};
use jsonwebtoken::Algorithm;
use serde_json::{Map, Value};
use url::Url;

use super::cache::{Absent, Cache, Pace};
use super::http::Client;
use super::key::{Found, KeySet};
use super::token::{Refusal, Token};
use super::{claim, discovery};
use crate::clock;
use crate::error::{Code, Error, Result};

/// Bytes of a token.
pub const LARGEST_TOKEN: usize = 8 * 1024;

/// The most that clocks may differ.
pub const LARGEST_LEEWAY: Duration = Duration::from_secs(120);

/// How often the keys of an issuer are fetched.
const PACE: Pace = Pace { age: Duration::from_secs(600), pause: Duration::from_secs(30) };

/// An issuer whose tokens are taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IssuerSettings {
    /// What its tokens say in `iss`, letter by letter.
    pub issuer: String,
    /// Where its keys are; else they are found by discovery.
    pub jwks_url: Option<String>,
    /// Whom a token has to be for: one of these. Where there is none here, a token may not say whom it is for.
    pub audiences: Vec<String>,
    /// Which algorithms are taken: asymmetric ones only.
    pub algorithms: Vec<Algorithm>,
    /// How far its clock and ours may differ, at most [`LARGEST_LEEWAY`].
    pub leeway: Duration,
    /// Which claim says what.
    pub claims: ClaimMap,
}

impl IssuerSettings {
    /// An issuer with the usual settings.
    #[must_use]
    pub fn new(issuer: impl Into<String>, audiences: Vec<String>) -> Self {
        Self {
            issuer: issuer.into(),
            jwks_url: None,
            audiences,
            algorithms: vec![
                Algorithm::RS256,
                Algorithm::PS256,
                Algorithm::ES256,
                Algorithm::ES384,
                Algorithm::EdDSA,
            ],
            leeway: Duration::from_secs(30),
            claims: ClaimMap::default(),
        }
    }

    fn check(&self, http: &Client) -> Result<()> {
        let wrong = |place: &str, what: &str| {
            Err(Error::new(Code::BadValue, what).at(place).at(self.issuer.as_str()))
        };
        if !Url::parse(&self.issuer).is_ok_and(|url| http.allows(&url)) {
            return wrong("issuer", "An issuer is an https address.");
        }
        if self.jwks_url.as_deref().is_some_and(|url| http.address(url).is_err()) {
            return wrong("jwks_url", "The keys of an issuer are at an https address.");
        }
        let shared = [Algorithm::HS256, Algorithm::HS384, Algorithm::HS512];
        if self.algorithms.is_empty() || self.algorithms.iter().any(|one| shared.contains(one)) {
            return wrong("algorithms", "Name asymmetric algorithms, such as RS256, ES256 or EdDSA.");
        }
        if self.leeway > LARGEST_LEEWAY {
            return wrong("leeway", "Clocks may differ by 120 seconds at most.");
        }
        Ok(())
    }
}

/// Which claim says what: the name of a claim, or a path of names with dots between them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimMap {
    /// Who it is, for the issuer.
    pub subject: String,
    /// The e-mail address.
    pub email: String,
    /// Whether the address is known to be theirs.
    pub email_verified: String,
    /// How they are called.
    pub name: String,
    /// Their roles, such as `realm_access.roles` or `https://example.com/roles`.
    pub roles: Option<String>,
    /// The organization they act in.
    pub organization: Option<String>,
    /// Their role in it.
    pub organization_role: Option<String>,
}

impl Default for ClaimMap {
    fn default() -> Self {
        Self {
            subject: "sub".to_owned(),
            email: "email".to_owned(),
            email_verified: "email_verified".to_owned(),
            name: "name".to_owned(),
            roles: None,
            organization: None,
            organization_role: None,
        }
    }
}

/// What a good token says.
#[derive(Debug, Clone, PartialEq)]
pub struct Verified {
    /// Who says it.
    pub issuer: String,
    /// Who it is, for the issuer.
    pub subject: String,
    /// The e-mail address.
    pub email: Option<String>,
    /// Whether the issuer knows that the address is theirs; never without an address.
    pub email_verified: bool,
    /// How they are called.
    pub name: Option<String>,
    /// Their roles, at most 100.
    pub roles: Vec<String>,
    /// The organization they act in.
    pub organization: Option<String>,
    /// Their role in it.
    pub organization_role: Option<String>,
    /// From when on the token is not to be taken any more.
    pub expires_at: DateTime<Utc>,
    /// Everything it says.
    pub claims: Map<String, Value>,
}

/// The issuers whose tokens are taken.
#[derive(Debug)]
pub struct Issuers(Vec<Issuer>);

#[derive(Debug)]
struct Issuer {
    settings: IssuerSettings,
    keys: Cache<KeySet>,
}

/// Why there is no identity in a token.
enum Rejected {
    Refused(Refusal),
    Absent(Absent),
}

impl From<Refusal> for Rejected {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl Issuers {
    /// Knows these issuers from now on; nothing is fetched before the first token comes.
    ///
    /// # Errors
    /// `BAD_VALUE` when settings make no sense, or two are for the same issuer.
    pub fn new(settings: Vec<IssuerSettings>, http: Client) -> Result<Self> {
        Self::with_pace(settings, &http, PACE)
    }

    pub(super) fn with_pace(settings: Vec<IssuerSettings>, http: &Client, pace: Pace) -> Result<Self> {
        let mut seen = HashSet::new();
        for one in &settings {
            one.check(http)?;
            if !seen.insert(&one.issuer) {
                return Err(Error::new(Code::BadValue, "The issuer is named twice.").at(one.issuer.as_str()));
            }
        }
        drop(seen);
        Ok(Self(settings.into_iter().map(|settings| Issuer::new(settings, http, pace)).collect()))
    }

    /// Whether a text is a token that says to be from one of these issuers. Nothing of it is proved.
    #[must_use]
    pub fn knows(&self, token: &str) -> bool {
        Token::read(token, LARGEST_TOKEN).is_ok_and(|token| self.find(&token).is_ok())
    }

    /// Who sent a token. Fetches the issuer's keys where they are needed.
    ///
    /// # Errors
    /// `BAD_CREDENTIALS` for every token that is not taken, whatever the reason; `UNAVAILABLE` when its issuer's keys
    /// could never be fetched.
    pub async fn verify(&self, token: &str) -> Result<Verified> {
        self.examine(token, clock::now()).await.map_err(|rejected| match rejected {
            Rejected::Refused(reason) => {
                tracing::debug!(%reason, "a token of an outside issuer is refused");
                Error::new(Code::BadCredentials, "The credentials are not valid.")
            }
            Rejected::Absent(absent) => {
                Error::new(Code::Unavailable, "The keys that prove these credentials can't be fetched.")
                    .hint("Try again in a moment.")
                    .retry_after(absent.retry_after)
                    .because(absent.failure)
            }
        })
    }

    async fn examine(&self, text: &str, now: DateTime<Utc>) -> Result<Verified, Rejected> {
        let token = Token::read(text, LARGEST_TOKEN)?;
        let issuer = self.find(&token)?;
        // First what costs nothing: a token that is no use anyway causes no fetch.
        let expiry = issuer.check_claims(&token, now)?;
        let known =
            |keys: &KeySet| !matches!(keys.find(token.key_id.as_deref(), token.algorithm), Found::Unknown);
        let keys = issuer.keys.read(known).await.map_err(Rejected::Absent)?;
        let Found::Key(key) = keys.find(token.key_id.as_deref(), token.algorithm) else {
            return Err(Refusal::Key.into());
        };
        token.check(key)?;
        Ok(issuer.verified(token, expiry)?)
    }

    fn find(&self, token: &Token<'_>) -> Result<&Issuer, Refusal> {
        let name = token.issuer().ok_or(Refusal::Issuer)?;
        self.0.iter().find(|issuer| issuer.settings.issuer == name).ok_or(Refusal::Issuer)
    }
}

impl Issuer {
    fn new(settings: IssuerSettings, http: &Client, pace: Pace) -> Self {
        let (http, issuer, place) = (http.clone(), settings.issuer.clone(), settings.jwks_url.clone());
        let keys = Cache::new(pace, move || {
            let (http, issuer, place) = (http.clone(), issuer.clone(), place.clone());
            Box::pin(async move {
                let place = match place {
                    Some(place) => place,
                    None => discovery::document(&http, &issuer).await?.jwks_uri,
                };
                discovery::keys(&http, &place).await
            })
        });
        Self { settings, keys }
    }

    /// Checks everything but the signature, and gives back the expiry.
    fn check_claims(&self, token: &Token<'_>, now: DateTime<Utc>) -> Result<DateTime<Utc>, Refusal> {
        if !self.settings.algorithms.contains(&token.algorithm) {
            return Err(Refusal::Algorithm);
        }
        let audiences = token.audiences()?;
        let ours = |one: &&str| self.settings.audiences.iter().any(|known| known == one);
        let good = match self.settings.audiences.is_empty() {
            true => audiences.is_empty(),
            false => audiences.iter().any(ours),
        };
        if !good {
            return Err(Refusal::Audience);
        }
        let leeway = i64::try_from(self.settings.leeway.as_secs()).unwrap_or_default();
        let expiry = token.check_time(now.timestamp(), leeway)?;
        DateTime::from_timestamp(expiry, 0).ok_or(Refusal::Expired)
    }

    fn verified(&self, token: Token<'_>, expires_at: DateTime<Utc>) -> Result<Verified, Refusal> {
        let (claims, map) = (token.claims, &self.settings.claims);
        let at = |path: &str| claim::at(&claims, path);
        let maybe = |path: &Option<String>| path.as_deref().and_then(at);
        let subject = claim::subject(at(&map.subject)).ok_or(Refusal::Subject)?;
        let email = claim::email(at(&map.email));
        Ok(Verified {
            issuer: self.settings.issuer.clone(),
            subject,
            email_verified: email.is_some() && claim::yes(at(&map.email_verified)),
            email,
            name: claim::name(at(&map.name)),
            roles: claim::roles(maybe(&map.roles)),
            organization: claim::name(maybe(&map.organization)),
            organization_role: claim::name(maybe(&map.organization_role)),
            expires_at,
            claims,
        })
    }
}
