//! `[auth]`: who is the administrator, and how accounts are kept.

use chrono::TimeDelta;
use serde::Deserialize;
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
            secure_cookies: issuer.starts_with("https://"),
            attempts,
        }
    }
}
