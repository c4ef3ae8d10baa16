//! What an ID token proves, and what the provider tells beside it.

use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value};
use subtle::ConstantTimeEq;

use super::claim;
use super::http::{Client, Failure};
use super::key::{Found, KeySet};
use super::provider::OutsideIdentity;
use super::token::{Refusal, Token};

/// Bytes of an ID token: some put a person's groups into it.
const LARGEST: usize = 64 * 1024;

/// Seconds that clocks may differ.
const LEEWAY: i64 = 30;

/// Seconds after which an ID token is too old to be that of a sign-in that ends now.
const OLDEST: i64 = 600;

/// What an ID token has to say.
pub(super) struct Expected<'a> {
    pub(super) issuer: &'a str,
    pub(super) client: &'a str,
    pub(super) nonce: &'a SecretString,
    /// Unix seconds.
    pub(super) now: i64,
}

/// Takes an ID token apart.
pub(super) fn read(text: &str) -> Result<Token<'_>, Refusal> {
    Token::read(text, LARGEST)
}

/// Whether fetching the keys again could not help.
pub(super) fn is_settled(keys: &KeySet, token: &Token<'_>) -> bool {
    !matches!(keys.find(token.key_id.as_deref(), token.algorithm), Found::Unknown)
}

/// Checks an ID token (OpenID Connect Core 1.0, section 3.1.3.7), and gives back its claims.
pub(super) fn check(
    token: Token<'_>,
    keys: &KeySet,
    expected: &Expected<'_>,
) -> Result<Map<String, Value>, Refusal> {
    let Found::Key(key) = keys.find(token.key_id.as_deref(), token.algorithm) else {
        return Err(Refusal::Key);
    };
    token.check(key)?;
    if token.issuer() != Some(expected.issuer) {
        return Err(Refusal::Issuer);
    }
    let audiences = token.audiences()?;
    // Among several it has to say to whom it was given.
    let party = match token.claims.get("azp") {
        None => audiences.len() == 1,
        Some(party) => party.as_str() == Some(expected.client),
    };
    if !audiences.contains(&expected.client) || !party {
        return Err(Refusal::Audience);
    }
    token.check_time(expected.now, LEEWAY)?;
    let issued = token.seconds("iat").ok().flatten().ok_or(Refusal::Early)?;
    if issued > expected.now + LEEWAY {
        return Err(Refusal::Early);
    }
    if issued < expected.now - OLDEST - LEEWAY {
        return Err(Refusal::Expired);
    }
    let nonce = token.text("nonce").ok_or(Refusal::Nonce)?.as_bytes();
    if !bool::from(nonce.ct_eq(expected.nonce.expose_secret().as_bytes())) {
        return Err(Refusal::Nonce);
    }
    Ok(token.claims)
}

/// The claims, and those that the provider has at its UserInfo endpoint; what is signed goes first.
///
/// # Errors
/// When it can't be asked, or speaks of somebody else.
pub(super) async fn more(
    http: &Client,
    place: &str,
    access: &str,
    mut claims: Map<String, Value>,
) -> Result<Map<String, Value>, Failure> {
    let told: Map<String, Value> = http.json(&http.address(place)?, Some(access)).await?;
    // The endpoint is not bound to the ID token but by this.
    if told.get("sub").and_then(Value::as_str) != claims.get("sub").and_then(Value::as_str) {
        return Err(Failure::NotUnderstood);
    }
    // The address and whether it is theirs come from one place: never one from here and one from there.
    for name in ["email", "email_verified"] {
        if let Some(value) = told.get(name) {
            claims.insert(name.to_owned(), value.clone());
        } else {
            claims.remove(name);
        }
    }
    for name in ["name", "picture"] {
        if let (false, Some(value)) = (claims.contains_key(name), told.get(name)) {
            claims.insert(name.to_owned(), value.clone());
        }
    }
    Ok(claims)
}

/// Who the claims are about.
pub(super) fn person(issuer: &str, claims: &Map<String, Value>) -> Result<OutsideIdentity, Refusal> {
    let email = claim::email(claims.get("email"));
    Ok(OutsideIdentity {
        issuer: issuer.to_owned(),
        subject: claim::subject(claims.get("sub")).ok_or(Refusal::Subject)?,
        email_verified: email.is_some() && claim::yes(claims.get("email_verified")),
        email,
        name: claim::name(claims.get("name")),
        picture: claim::picture(claims.get("picture")),
    })
}
