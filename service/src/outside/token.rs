//! Signed tokens (JWT), read strictly: what is allowed is listed, everything else is refused.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::Algorithm;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::key::{self, Key};

/// 9999-12-31T23:59:59Z in Unix seconds: the end of what has a date.
const LATEST: i64 = 253_402_300_799;

/// Why a token is not taken: for the log, which never reads the token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Refusal {
    #[error("it is too large")]
    Large,
    #[error("it is no signed JWT")]
    Malformed,
    #[error("its header asks for something that is not supported")]
    Header,
    #[error("its algorithm is not allowed")]
    Algorithm,
    #[error("its key is not known")]
    Key,
    #[error("its signature is wrong")]
    Signature,
    #[error("it is from another issuer")]
    Issuer,
    #[error("it is for somebody else")]
    Audience,
    #[error("it has no good expiry, or is expired")]
    Expired,
    #[error("it is not valid yet")]
    Early,
    #[error("it has no good subject")]
    Subject,
    #[error("it has not the nonce of this sign-in")]
    Nonce,
}

/// A token, taken apart; nothing of it is proved before its signature was checked.
#[derive(Debug)]
pub(super) struct Token<'a> {
    pub(super) algorithm: Algorithm,
    pub(super) key_id: Option<String>,
    pub(super) claims: Map<String, Value>,
    message: &'a str,
    signature: &'a str,
}

/// The part of a header that is looked at. `jku`, `jwk`, `x5u` and `x5c` are not: a token does not choose its key.
#[derive(Debug, Deserialize)]
struct Header {
    alg: String,
    kid: Option<String>,
    typ: Option<String>,
    cty: Option<Value>,
    enc: Option<Value>,
    zip: Option<Value>,
    #[serde(default, deserialize_with = "present")]
    crit: bool,
}

/// Whether it is there at all, whatever it is.
fn present<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    serde::de::IgnoredAny::deserialize(deserializer).map(|_| true)
}

impl<'a> Token<'a> {
    /// Takes a token of at most so many bytes apart.
    pub(super) fn read(text: &'a str, largest: usize) -> Result<Self, Refusal> {
        if text.len() > largest {
            return Err(Refusal::Large);
        }
        let (message, signature) = text.rsplit_once('.').ok_or(Refusal::Malformed)?;
        let (header, claims) = message.split_once('.').ok_or(Refusal::Malformed)?;
        if claims.contains('.') || signature.is_empty() {
            return Err(Refusal::Malformed);
        }
        let header: Header = part(header)?;
        let claims = part(claims)?;
        let algorithm = key::algorithm(&header.alg).ok_or(Refusal::Algorithm)?;
        let typed = header.typ.as_deref().is_none_or(is_jwt);
        if !typed || header.crit || header.cty.is_some() || header.enc.is_some() || header.zip.is_some() {
            return Err(Refusal::Header);
        }
        Ok(Self { algorithm, key_id: header.kid, claims, message, signature })
    }

    /// Checks the signature with a key, by the key's algorithm.
    pub(super) fn check(&self, key: &Key) -> Result<(), Refusal> {
        if key.algorithm != self.algorithm {
            return Err(Refusal::Algorithm);
        }
        let message = self.message.as_bytes();
        match jsonwebtoken::crypto::verify(self.signature, message, &key.decoding, key.algorithm) {
            Ok(true) => Ok(()),
            Ok(false) | Err(_) => Err(Refusal::Signature),
        }
    }

    /// The issuer it says.
    pub(super) fn issuer(&self) -> Option<&str> {
        self.text("iss")
    }

    /// A claim that is text.
    pub(super) fn text(&self, claim: &str) -> Option<&str> {
        self.claims.get(claim).and_then(Value::as_str)
    }

    /// Those it is for. A list with anything but text in it is none.
    pub(super) fn audiences(&self) -> Result<Vec<&str>, Refusal> {
        match self.claims.get("aud") {
            None => Ok(Vec::new()),
            Some(Value::String(one)) => Ok(vec![one]),
            Some(Value::Array(several)) if !several.is_empty() => {
                several.iter().map(|one| one.as_str().ok_or(Refusal::Audience)).collect()
            }
            Some(_) => Err(Refusal::Audience),
        }
    }

    /// Checks `exp` and `nbf` against the time, in Unix seconds, and gives back `exp`.
    pub(super) fn check_time(&self, now: i64, leeway: i64) -> Result<i64, Refusal> {
        let expiry = self.seconds("exp").ok().flatten().ok_or(Refusal::Expired)?;
        if expiry.saturating_add(leeway) <= now {
            return Err(Refusal::Expired);
        }
        match self.seconds("nbf") {
            Ok(None) => Ok(expiry),
            Ok(Some(start)) if start <= now.saturating_add(leeway) => Ok(expiry),
            Ok(Some(_)) | Err(()) => Err(Refusal::Early),
        }
    }

    /// A claim that is a time in whole seconds; none where it is not there.
    pub(super) fn seconds(&self, claim: &str) -> Result<Option<i64>, ()> {
        match self.claims.get(claim) {
            None => Ok(None),
            Some(value) => match value.as_i64() {
                Some(seconds) if (0..=LATEST).contains(&seconds) => Ok(Some(seconds)),
                _ => Err(()),
            },
        }
    }
}

fn part<T: serde::de::DeserializeOwned>(text: &str) -> Result<T, Refusal> {
    let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| Refusal::Malformed)?;
    serde_json::from_slice(&bytes).map_err(|_| Refusal::Malformed)
}

/// `JWT`, and `at+jwt` of access tokens (RFC 9068), with or without `application/`, in any case.
fn is_jwt(typ: &str) -> bool {
    let typ = typ.to_ascii_lowercase();
    matches!(typ.strip_prefix("application/").unwrap_or(&typ), "jwt" | "at+jwt")
}
