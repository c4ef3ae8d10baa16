//! `[auth]`: who is the administrator, and how accounts are kept.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use serde::Deserialize;
use service::outside::issuer::IssuerSettings;
use service::outside::provider::ProviderSettings;
use service::throttle::Policy;

use super::unit::{Period, Secret};

/// The shortest admin key that production accepts.
pub const ADMIN_KEY_MIN: usize = 32;

/// Different characters of an administrator's key in production: random ones of that length have more.
pub const ADMIN_KEY_DIFFERENT: usize = 8;

/// Characters of the secret that production accepts at least.
pub const SECRET_MIN: usize = 32;

/// Who is the administrator, and how accounts are kept.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Auth {
    /// Whoever shows this is the administrator; empty for nobody.
    pub admin_key: Secret,
    /// What signing keys and seeds of second factors are encrypted with.
    pub secret: Secret,
    /// Who may make an account.
    pub sign_up: SignUp,
    /// How long an access token lasts.
    pub access_token: Period,
    /// How long a session lasts that is not used.
    pub session_idle: Period,
    /// How long a session lasts at most.
    pub session: Period,
    /// How long an account is kept whose address nobody proves.
    pub unproved_account: Period,
    /// Where one can sign in besides here, by name.
    #[serde(default)]
    pub providers: BTreeMap<String, Provider>,
    /// Whose tokens are taken besides ours, by a name for messages.
    #[serde(default)]
    pub issuers: BTreeMap<String, Issuer>,
}

/// A provider to sign in with.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Provider {
    /// `google`, `github` or `openid`; the provider's name where that is one of the first two.
    pub kind: Option<String>,
    /// The issuer of an OpenID provider: what its discovery document is found under.
    pub issuer: Option<String>,
    /// What the provider calls this server.
    pub client_id: String,
    /// What the server proves itself with.
    pub client_secret: Secret,
    /// What is asked for; what is usual when empty.
    #[serde(default)]
    pub scopes: Vec<String>,
}

/// An issuer whose tokens are taken.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Issuer {
    /// The `iss` of its tokens.
    pub issuer: String,
    /// Where its keys are; found by discovery when absent.
    pub jwks_url: Option<String>,
    /// One of these must be in `aud`.
    pub audiences: Vec<String>,
    /// Which claims say what; each a name, or a path of names joined by dots.
    #[serde(default)]
    pub claims: BTreeMap<String, String>,
}

impl Provider {
    fn settings(&self, name: &str) -> Result<ProviderSettings, String> {
        let secret = || self.client_secret.reveal().into();
        let made = match self.kind.as_deref().unwrap_or(name) {
            "google" => ProviderSettings::google(&self.client_id, secret()),
            "github" => ProviderSettings::github(&self.client_id, secret()),
            "openid" => match &self.issuer {
                Some(issuer) => ProviderSettings::open_id(name, issuer, &self.client_id, secret()),
                None => return Err("needs an `issuer`".to_owned()),
            },
            other => return Err(format!("`{other}` is none of google, github, openid; say which as `kind`")),
        };
        Ok(ProviderSettings { name: name.to_owned(), scopes: self.scopes.clone(), ..made })
    }
}

impl Issuer {
    fn settings(&self) -> Result<IssuerSettings, String> {
        let mut settings = IssuerSettings::new(&self.issuer, self.audiences.clone());
        settings.jwks_url.clone_from(&self.jwks_url);
        for (what, claim) in &self.claims {
            let claim = claim.clone();
            match what.as_str() {
                "subject" => settings.claims.subject = claim,
                "email" => settings.claims.email = claim,
                "email_verified" => settings.claims.email_verified = claim,
                "name" => settings.claims.name = claim,
                "roles" => settings.claims.roles = Some(claim),
                "organization" => settings.claims.organization = Some(claim),
                "organization_role" => settings.claims.organization_role = Some(claim),
                other => {
                    let known =
                        "subject, email, email_verified, name, roles, organization, organization_role";
                    return Err(format!("`{other}` is none of {known}"));
                }
            }
        }
        Ok(settings)
    }
}

/// Who may make an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SignUp {
    /// Everybody.
    Open,
    /// Whoever was invited to an organization.
    Invitation,
    /// Nobody; administrators make accounts.
    Closed,
}

impl Auth {
    /// How the service is to keep accounts. `issuer` is the URL the server is reached under.
    #[must_use]
    pub fn settings(&self, issuer: &str, product: &str, attempts: Option<Policy>) -> service::auth::Settings {
        let providers = self.providers.iter().filter_map(|(name, provider)| provider.settings(name).ok());
        let issuers = self.issuers.values().filter_map(|issuer| issuer.settings().ok());
        let time = |period: Period| TimeDelta::from_std(period.0).unwrap_or(TimeDelta::MAX);
        service::auth::Settings {
            sign_up: match self.sign_up {
                SignUp::Open => service::auth::SignUp::Open,
                SignUp::Invitation => service::auth::SignUp::Invitation,
                SignUp::Closed => service::auth::SignUp::Closed,
            },
            secret: self.secret.reveal().into(),
            issuer: issuer.to_owned(),
            product: product.to_owned(),
            access_token: time(self.access_token),
            session_idle: time(self.session_idle),
            session: time(self.session),
            unproved: time(self.unproved_account),
            secure_cookies: issuer.starts_with("https://"),
            attempts,
            providers: providers.collect(),
            issuers: issuers.collect(),
            ..service::auth::Settings::default()
        }
    }

    /// What is wrong with providers and issuers: the setting, and why.
    pub(super) fn problems(&self) -> Vec<(String, String)> {
        let providers = self.providers.iter().filter_map(|(name, provider)| {
            provider.settings(name).err().map(|why| (format!("auth.providers.{name}"), why))
        });
        let issuers = self.issuers.iter().filter_map(|(name, issuer)| {
            issuer.settings().err().map(|why| (format!("auth.issuers.{name}"), why))
        });
        providers.chain(issuers).collect()
    }
}
