//! GitHub: OAuth 2.0 without OpenID; who it is says its API.

use serde::Deserialize;
use serde_json::Value;
use url::Url;

use super::claim;
use super::exchange::Endpoints;
use super::http::{Client, Failure};
use super::provider::OutsideIdentity;

/// Where GitHub is, or somebody's own GitHub Enterprise.
#[derive(Debug)]
pub(super) struct Place {
    /// Without a slash at its end.
    web: String,
    web_url: Url,
    authorization: Url,
    token: Url,
    user: Url,
    emails: Url,
}

#[derive(Debug, Deserialize)]
struct User {
    /// Stays the same when the person takes another login.
    id: u64,
    login: Option<Value>,
    name: Option<Value>,
    avatar_url: Option<Value>,
}

#[derive(Debug, Deserialize)]
struct Email {
    email: Value,
    primary: bool,
    verified: bool,
}

impl Place {
    /// GitHub itself, or what is named.
    ///
    /// # Errors
    /// When an address may not be called.
    pub(super) fn new(http: &Client, web: Option<&str>, api: Option<&str>) -> Result<Self, Failure> {
        let web = web.unwrap_or("https://github.com").trim_end_matches('/');
        let api = api.unwrap_or("https://api.github.com").trim_end_matches('/');
        Ok(Self {
            web: web.to_owned(),
            web_url: http.address(web)?,
            authorization: http.address(&format!("{web}/login/oauth/authorize"))?,
            token: http.address(&format!("{web}/login/oauth/access_token"))?,
            user: http.address(&format!("{api}/user"))?,
            emails: http.address(&format!("{api}/user/emails?per_page=100"))?,
        })
    }

    /// Its addresses for the two steps.
    pub(super) fn endpoints(&self) -> Endpoints {
        Endpoints {
            issuer: self.web_url.clone(),
            authorization: self.authorization.clone(),
            token: self.token.clone(),
            secret_in_body: true,
        }
    }

    /// Whether a callback's `iss` is its own (RFC 9207): the address of its OAuth endpoints, or of itself.
    pub(super) fn is_issuer(&self, issuer: &str) -> bool {
        issuer.strip_prefix(self.web.as_str()).is_some_and(|rest| matches!(rest, "" | "/login/oauth"))
    }

    /// Who an access token is of: the address is the primary one, and only when it is verified.
    ///
    /// # Errors
    /// When it can't be asked, or answers something else.
    pub(super) async fn identity(&self, http: &Client, access: &str) -> Result<OutsideIdentity, Failure> {
        let user: User = http.json(&self.user, Some(access)).await?;
        let emails: Vec<Email> = http.json(&self.emails, Some(access)).await?;
        let primary = emails.iter().find(|email| email.primary && email.verified);
        let email = primary.and_then(|email| claim::email(Some(&email.email)));
        Ok(OutsideIdentity {
            issuer: self.web.clone(),
            subject: user.id.to_string(),
            email_verified: email.is_some(),
            email,
            name: claim::name(user.name.as_ref()).or_else(|| claim::name(user.login.as_ref())),
            picture: claim::picture(user.avatar_url.as_ref()),
        })
    }
}
