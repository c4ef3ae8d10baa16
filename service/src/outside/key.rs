//! Public keys of an issuer, each with the one algorithm it is used with.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, DecodingKey};
use serde::Deserialize;
use serde_json::Value;

use super::http::Failure;

/// Keys of one set that are looked at.
const MOST: usize = 100;

/// Bits of an RSA modulus: below is weak, above is work that nobody needs.
const RSA_BITS: std::ops::RangeInclusive<usize> = 2048..=4096;

/// A set as it is served: keys that make no sense to us are to be passed over, not to break it.
#[derive(Debug, Deserialize)]
pub(super) struct Served {
    keys: Vec<Value>,
}

#[derive(Debug, Deserialize)]
struct Jwk {
    kty: String,
    #[serde(rename = "use")]
    purpose: Option<String>,
    key_ops: Option<Vec<String>>,
    alg: Option<String>,
    kid: Option<String>,
    crv: Option<String>,
    n: Option<String>,
    e: Option<String>,
    x: Option<String>,
    y: Option<String>,
}

/// A key that checks signatures.
#[derive(Debug)]
pub(super) struct Key {
    id: Option<String>,
    /// The key's own, or what its type and curve imply: never what a token says.
    pub(super) algorithm: Algorithm,
    pub(super) decoding: DecodingKey,
}

/// The usable keys of an issuer.
#[derive(Debug)]
pub(super) struct KeySet(Vec<Key>);

/// What a set knows of a token's key.
#[derive(Debug)]
pub(super) enum Found<'a> {
    /// This one.
    Key(&'a Key),
    /// There is one of this name, for another algorithm; or the token has to name one and does not.
    Wrong,
    /// There is none of this name: it may be new.
    Unknown,
}

impl KeySet {
    /// Takes the keys that can be used out of a set.
    ///
    /// # Errors
    /// When there is none.
    pub(super) fn read(served: Served) -> Result<Self, Failure> {
        let jwks = served.keys.into_iter().take(MOST).filter_map(|key| serde_json::from_value(key).ok());
        let keys: Vec<Key> = jwks.filter_map(|jwk| key(&jwk)).collect();
        if keys.is_empty() { Err(Failure::NotUnderstood) } else { Ok(Self(keys)) }
    }

    /// The key that a token of this head has to be signed with.
    pub(super) fn find(&self, id: Option<&str>, algorithm: Algorithm) -> Found<'_> {
        let Some(id) = id else {
            return match self.0.as_slice() {
                [only] if only.algorithm == algorithm => Found::Key(only),
                _ => Found::Wrong,
            };
        };
        if let [only] = self.0.as_slice()
            && only.id.is_none()
        {
            return if only.algorithm == algorithm { Found::Key(only) } else { Found::Wrong };
        }
        let mut named = self.0.iter().filter(|key| key.id.as_deref() == Some(id)).peekable();
        if named.peek().is_none() {
            return Found::Unknown;
        }
        named.find(|key| key.algorithm == algorithm).map_or(Found::Wrong, Found::Key)
    }
}

/// The algorithm of this name: an asymmetric one, or none.
pub(super) fn algorithm(name: &str) -> Option<Algorithm> {
    match name {
        "RS256" => Some(Algorithm::RS256),
        "RS384" => Some(Algorithm::RS384),
        "RS512" => Some(Algorithm::RS512),
        "PS256" => Some(Algorithm::PS256),
        "PS384" => Some(Algorithm::PS384),
        "PS512" => Some(Algorithm::PS512),
        "ES256" => Some(Algorithm::ES256),
        "ES384" => Some(Algorithm::ES384),
        // RFC 9864 gives the only curve we take a name of its own.
        "EdDSA" | "Ed25519" => Some(Algorithm::EdDSA),
        _ => None,
    }
}

fn key(jwk: &Jwk) -> Option<Key> {
    let signs = jwk.purpose.as_deref().is_none_or(|purpose| purpose == "sig");
    let verifies = jwk.key_ops.as_ref().is_none_or(|operations| operations.iter().any(|one| one == "verify"));
    if !signs || !verifies {
        return None;
    }
    let (implied, decoding) = match (jwk.kty.as_str(), jwk.crv.as_deref()) {
        ("RSA", _) => (Algorithm::RS256, rsa(jwk)?),
        ("EC", Some("P-256")) => (Algorithm::ES256, curve(jwk, 32)?),
        ("EC", Some("P-384")) => (Algorithm::ES384, curve(jwk, 48)?),
        ("OKP", Some("Ed25519")) => (Algorithm::EdDSA, edwards(jwk)?),
        _ => return None,
    };
    let algorithm = match &jwk.alg {
        None => implied,
        Some(name) => algorithm(name)?,
    };
    // An RSA key may be for another RSA algorithm; a curve has only one.
    let fits = if jwk.kty == "RSA" { algorithm.family() == implied.family() } else { algorithm == implied };
    fits.then(|| Key { id: jwk.kid.clone(), algorithm, decoding })
}

fn rsa(jwk: &Jwk) -> Option<DecodingKey> {
    let (modulus, exponent) = (number(jwk.n.as_ref()?)?, number(jwk.e.as_ref()?)?);
    let first = modulus.first()?;
    let bits = modulus.len() * 8 - usize::try_from(first.leading_zeros()).ok()?;
    let odd = exponent.last()? % 2 == 1;
    // One is no exponent: everything would be its own signature.
    let good = RSA_BITS.contains(&bits) && odd && exponent.len() <= 4 && exponent != [1];
    good.then(|| DecodingKey::from_rsa_raw_components(&modulus, &exponent))
}

fn curve(jwk: &Jwk, length: usize) -> Option<DecodingKey> {
    let (x, y) = (jwk.x.as_ref()?, jwk.y.as_ref()?);
    let good = bytes(x)?.len() == length && bytes(y)?.len() == length;
    good.then(|| DecodingKey::from_ec_components(x, y).ok()).flatten()
}

fn edwards(jwk: &Jwk) -> Option<DecodingKey> {
    let x = bytes(jwk.x.as_ref()?)?;
    (x.len() == 32).then(|| DecodingKey::from_ed_der(&x))
}

fn bytes(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).ok()
}

/// The bytes of a number, without zeros in front.
fn number(text: &str) -> Option<Vec<u8>> {
    let bytes = bytes(text)?;
    let start = bytes.iter().position(|byte| *byte != 0)?;
    bytes.get(start..).map(<[u8]>::to_vec)
}
