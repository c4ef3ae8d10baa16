//! Sign-in at somebody else's: authorization code with PKCE, state and nonce (OpenID Connect), and GitHub's way.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use url::Url;

use super::cache::{Cache, Pace};
use super::discovery::{self, Document};
use super::exchange::{self, Endpoints};
use super::github;
use super::http::{Client, Failure};
use super::identity;
use super::key::KeySet;
use crate::clock;
use crate::error::{Code, Error, Result};

/// Characters of a code in a callback: it comes from a browser.
const LONGEST_CODE: usize = 4096;

/// How often what a provider says of itself is fetched.
const PACE: Pace = Pace { age: Duration::from_secs(3600), pause: Duration::from_secs(60) };

/// How a provider is spoken with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProviderKind {
    /// Google, which is an OpenID provider at a known address.
    Google,
    /// GitHub, which is none.
    Github,
    /// Any OpenID provider, by its issuer.
    OpenId,
}

/// A provider people may sign in with.
#[derive(Debug, Clone)]
pub struct ProviderSettings {
    /// Its name in our addresses, such as `google`: small letters, digits, `-` and `_`.
    pub name: String,
    /// How it is spoken with.
    pub kind: ProviderKind,
    /// The OpenID issuer; needed for [`ProviderKind::OpenId`], not used for GitHub.
    pub issuer: Option<String>,
    /// What it calls us.
    pub client_id: String,
    /// What proves that we are that; empty for a public client.
    pub client_secret: SecretString,
    /// What is asked for; the usual where it is empty.
    pub scopes: Vec<String>,
    /// Where GitHub's pages are, for GitHub Enterprise; `https://github.com` otherwise.
    pub web_url: Option<String>,
    /// Where GitHub's API is, for GitHub Enterprise; `https://api.github.com` otherwise.
    pub api_url: Option<String>,
}

impl ProviderSettings {
    /// Google.
    #[must_use]
    pub fn google(client_id: impl Into<String>, client_secret: SecretString) -> Self {
        Self::preset("google", ProviderKind::Google, client_id.into(), client_secret)
    }

    /// GitHub.
    #[must_use]
    pub fn github(client_id: impl Into<String>, client_secret: SecretString) -> Self {
        Self::preset("github", ProviderKind::Github, client_id.into(), client_secret)
    }

    /// Any OpenID provider.
    #[must_use]
    pub fn open_id(
        name: &str,
        issuer: impl Into<String>,
        client_id: impl Into<String>,
        client_secret: SecretString,
    ) -> Self {
        let issuer = Some(issuer.into());
        Self { issuer, ..Self::preset(name, ProviderKind::OpenId, client_id.into(), client_secret) }
    }

    fn preset(name: &str, kind: ProviderKind, client_id: String, client_secret: SecretString) -> Self {
        let (issuer, web_url, api_url, scopes) = (None, None, None, Vec::new());
        Self { name: name.to_owned(), kind, issuer, client_id, client_secret, scopes, web_url, api_url }
    }

    /// What is asked for.
    fn scopes(&self) -> Vec<String> {
        let usual: &[&str] = match self.kind {
            ProviderKind::Google | ProviderKind::OpenId => &["openid", "email", "profile"],
            ProviderKind::Github => &["read:user", "user:email"],
        };
        match self.scopes.is_empty() {
            true => usual.iter().map(|scope| (*scope).to_owned()).collect(),
            false => self.scopes.clone(),
        }
    }
}

/// A sign-in that has begun. The caller keeps `state`, `nonce` and `verifier` for this browser, sends it to `url`, and
/// compares the `state` of the callback.
pub struct Begun {
    /// Where the browser goes.
    pub url: Url,
    /// What the callback has to bring back.
    pub state: String,
    /// What the ID token has to say.
    pub nonce: SecretString,
    /// What proves to the provider that the code is ours (PKCE).
    pub verifier: SecretString,
}

impl fmt::Debug for Begun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Begun").finish_non_exhaustive()
    }
}

/// Who came back from a provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutsideIdentity {
    /// Who says it: the OpenID issuer, or the address of GitHub.
    pub issuer: String,
    /// Who it is, for the issuer: never given to another person.
    pub subject: String,
    /// The e-mail address.
    pub email: Option<String>,
    /// Whether the provider knows that the address is theirs; never without an address.
    pub email_verified: bool,
    /// How they are called.
    pub name: Option<String>,
    /// The address of a picture.
    pub picture: Option<String>,
}

/// A provider: a cheap clone, with what is known of it.
#[derive(Debug, Clone)]
pub struct Provider(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    settings: ProviderSettings,
    http: Client,
    place: Place,
}

/// Where a provider is.
#[derive(Debug)]
enum Place {
    Github(Box<github::Place>),
    OpenId { issuer: String, known: Cache<Known> },
}

/// What an OpenID provider says of itself.
#[derive(Debug)]
pub(super) struct Known {
    pub(super) document: Document,
    pub(super) keys: KeySet,
}

impl Provider {
    /// A provider by its settings; nothing is asked of it yet.
    ///
    /// # Errors
    /// `BAD_VALUE` when the settings make no sense.
    pub fn new(settings: ProviderSettings, http: Client) -> Result<Self> {
        Self::with_pace(settings, http, PACE)
    }

    pub(super) fn with_pace(settings: ProviderSettings, http: Client, pace: Pace) -> Result<Self> {
        let name = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_');
        if settings.name.is_empty() || settings.name.len() > 50 || !settings.name.bytes().all(name) {
            return Err(wrong("name", "A provider's name is small letters, digits, - and _, 50 at most."));
        }
        if settings.client_id.is_empty() {
            return Err(wrong("client_id", "The provider's client id is missing."));
        }
        let place = match settings.kind {
            ProviderKind::Github => {
                let (web, api) = (settings.web_url.as_deref(), settings.api_url.as_deref());
                let place = github::Place::new(&http, web, api);
                let place = place.map_err(|_| wrong("web_url", "The provider is at an https address."))?;
                Place::Github(Box::new(place))
            }
            ProviderKind::Google | ProviderKind::OpenId => {
                let google =
                    (settings.kind == ProviderKind::Google).then(|| "https://accounts.google.com".to_owned());
                let issuer = settings.issuer.clone().or(google).unwrap_or_default();
                http.address(&issuer).map_err(|_| wrong("issuer", "An issuer is an https address."))?;
                let known = Cache::new(pace, known(http.clone(), issuer.clone()));
                Place::OpenId { issuer, known }
            }
        };
        Ok(Self(Arc::new(Inner { settings, http, place })))
    }

    /// Its name in our addresses.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.0.settings.name
    }

    /// Begins a sign-in that comes back to `redirect_uri`.
    ///
    /// # Errors
    /// `PROVIDER_UNAVAILABLE` while the provider can't be asked where to go; `PROVIDER_FAILED` when what it says makes no
    /// sense.
    pub async fn begin(&self, redirect_uri: &str) -> Result<Begun> {
        let endpoints = match &self.0.place {
            Place::Github(place) => place.endpoints(),
            Place::OpenId { known, .. } => self.endpoints(&self.known(known, |_| true).await?.document)?,
        };
        exchange::begin(&self.0.settings, &self.0.settings.scopes(), &endpoints, redirect_uri)
    }

    /// Ends a sign-in with what the callback brought: its `code`, and its `iss` where there is one (RFC 9207). The caller
    /// has compared its `state`; `redirect_uri`, `nonce` and `verifier` are those of the beginning.
    ///
    /// # Errors
    /// `PROVIDER_FAILED` when the provider says no, or what it says is not good; `PROVIDER_UNAVAILABLE` when it can't be
    /// asked.
    pub async fn finish(
        &self,
        redirect_uri: &str,
        code: &str,
        issuer: Option<&str>,
        nonce: &SecretString,
        verifier: &SecretString,
    ) -> Result<OutsideIdentity> {
        if code.is_empty() || code.len() > LONGEST_CODE {
            return Err(self.failed("the code of the callback is empty or too long"));
        }
        match &self.0.place {
            Place::Github(place) => {
                if issuer.is_some_and(|issuer| !place.is_issuer(issuer)) {
                    return Err(self.failed("the callback is from another issuer"));
                }
                let tokens = self.exchange(&place.endpoints(), redirect_uri, code, verifier).await?;
                let identity = place.identity(&self.0.http, tokens.access.expose_secret()).await;
                identity.map_err(|failure| self.trouble(failure, None))
            }
            Place::OpenId { issuer: ours, known } => {
                let document = self.known(known, |_| true).await?.document.clone();
                let always = document.authorization_response_iss_parameter_supported;
                if issuer.map_or(always, |issuer| issuer != ours) {
                    return Err(
                        self.failed("the callback is from another issuer, or does not say from which")
                    );
                }
                let endpoints = self.endpoints(&document)?;
                let tokens = self.exchange(&endpoints, redirect_uri, code, verifier).await?;
                self.identify(known, &document, &tokens, nonce).await
            }
        }
    }

    /// Who the tokens are about.
    async fn identify(
        &self,
        known: &Cache<Known>,
        document: &Document,
        tokens: &exchange::Tokens,
        nonce: &SecretString,
    ) -> Result<OutsideIdentity> {
        let text = tokens.id.as_ref().ok_or_else(|| self.failed("there is no ID token"))?;
        let token = identity::read(text.expose_secret()).map_err(|reason| self.failed(reason))?;
        let known = self.known(known, |known| identity::is_settled(&known.keys, &token)).await?;
        let client = self.0.settings.client_id.as_str();
        let now = clock::now().timestamp();
        let expected = identity::Expected { issuer: &document.issuer, client, nonce, now };
        let claims = identity::check(token, &known.keys, &expected).map_err(|reason| self.failed(reason))?;
        let claims = match document.userinfo_endpoint.as_deref() {
            // Not all put it into the ID token.
            Some(place) if !claims.contains_key("email") => {
                let more = identity::more(&self.0.http, place, tokens.access.expose_secret(), claims).await;
                more.map_err(|failure| self.trouble(failure, None))?
            }
            _ => claims,
        };
        identity::person(&document.issuer, &claims).map_err(|reason| self.failed(reason))
    }

    async fn exchange(
        &self,
        endpoints: &Endpoints,
        redirect_uri: &str,
        code: &str,
        verifier: &SecretString,
    ) -> Result<exchange::Tokens> {
        let exchanged =
            exchange::exchange(&self.0.settings, &self.0.http, endpoints, redirect_uri, code, verifier)
                .await?;
        exchanged.map_err(|refused| match refused {
            exchange::Refused::Failure(failure) => self.trouble(failure, None),
            exchange::Refused::Client => {
                tracing::warn!(
                    provider = self.name(),
                    "the identity provider does not know our client id and secret"
                );
                self.failed("the provider does not know our client id and secret")
            }
            exchange::Refused::Code => self.failed("the provider does not take the code"),
        })
    }

    fn endpoints(&self, document: &Document) -> Result<Endpoints> {
        Endpoints::of(document, &self.0.http).map_err(|failure| self.trouble(failure, None))
    }

    async fn known(&self, known: &Cache<Known>, good: impl Fn(&Known) -> bool + Send) -> Result<Arc<Known>> {
        known.read(good).await.map_err(|absent| self.trouble(absent.failure, Some(absent.retry_after)))
    }

    /// The error of a call that had no good end.
    fn trouble(&self, failure: Failure, retry_after: Option<u64>) -> Error {
        if !failure.is_temporary() {
            return self.failed(failure);
        }
        tracing::warn!(provider = self.name(), reason = %failure, "an identity provider can't be used");
        Error::new(Code::ProviderUnavailable, "The identity provider can't be reached at the moment.")
            .hint("Try again in a moment, or sign in another way.")
            .retry_after(retry_after.unwrap_or(5))
            .because(failure)
    }

    fn failed(&self, reason: impl fmt::Display) -> Error {
        tracing::debug!(provider = self.name(), %reason, "a sign-in at an identity provider failed");
        Error::new(Code::ProviderFailed, "The identity provider said no or gave something wrong.")
            .hint("Begin the sign-in again.")
    }
}

/// How what an OpenID provider says of itself is fetched.
fn known(
    http: Client,
    issuer: String,
) -> impl Fn() -> futures::future::BoxFuture<'static, Result<Known, Failure>> + Send + Sync {
    move || {
        let (http, issuer) = (http.clone(), issuer.clone());
        Box::pin(async move {
            let document = discovery::document(&http, &issuer).await?;
            let keys = discovery::keys(&http, &document.jwks_uri).await?;
            Ok(Known { document, keys })
        })
    }
}

fn wrong(place: &str, what: &str) -> Error {
    Error::new(Code::BadValue, what).at(place)
}
