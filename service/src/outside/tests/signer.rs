//! Keys made for the tests, and tokens signed with them – also such as no honest issuer signs.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey};
use serde_json::{Value, json};

/// A key of an issuer.
#[derive(Clone)]
pub(super) struct Signer {
    pub(super) id: String,
    pub(super) algorithm: Algorithm,
    key: EncodingKey,
}

impl Signer {
    /// Ed25519, new.
    pub(super) fn ed25519(id: &str) -> Self {
        let der = [hex("302e020100300506032b657004220420"), random()].concat();
        Self { id: id.to_owned(), algorithm: Algorithm::EdDSA, key: EncodingKey::from_ed_der(&der) }
    }

    /// P-256, new.
    pub(super) fn p256(id: &str) -> Self {
        let head = hex("3041020100301306072a8648ce3d020106082a8648ce3d030107042730250201010420");
        let mut secret = random();
        // Less than the order of the curve.
        secret[0] = 0x7f;
        let der = [head, secret].concat();
        Self { id: id.to_owned(), algorithm: Algorithm::ES256, key: EncodingKey::from_ec_der(&der) }
    }

    /// RSA, the fixed key of so many bits.
    pub(super) fn rsa(id: &str, bits: usize) -> Self {
        let pem = match bits {
            512 => include_str!("test-key-rsa-512.pem"),
            1024 => include_str!("test-key-rsa-1024.pem"),
            _ => include_str!("test-key-rsa-2048.pem"),
        };
        let text: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
        let der = STANDARD.decode(text).unwrap();
        Self { id: id.to_owned(), algorithm: Algorithm::RS256, key: EncodingKey::from_rsa_der(&der) }
    }

    /// What the issuer tells everybody about it.
    pub(super) fn public(&self) -> Value {
        let mut jwk =
            serde_json::to_value(Jwk::from_encoding_key(&self.key, self.algorithm).unwrap()).unwrap();
        jwk["kid"] = json!(self.id);
        jwk["use"] = json!("sig");
        jwk
    }

    /// The head of its tokens.
    pub(super) fn header(&self) -> Value {
        json!({ "alg": format!("{:?}", self.algorithm), "kid": self.id, "typ": "JWT" })
    }

    /// A token.
    pub(super) fn sign(&self, claims: &Value) -> String {
        self.sign_as(&self.header(), claims)
    }

    /// A token with any head, signed with this key.
    pub(super) fn sign_as(&self, header: &Value, claims: &Value) -> String {
        let message = message(header, claims);
        let signature = jsonwebtoken::crypto::sign(message.as_bytes(), &self.key, self.algorithm).unwrap();
        format!("{message}.{signature}")
    }

    /// A token with any head, signed with HMAC and this secret.
    pub(super) fn hmac(header: &Value, claims: &Value, secret: &[u8]) -> String {
        let message = message(header, claims);
        let key = EncodingKey::from_secret(secret);
        let signature = jsonwebtoken::crypto::sign(message.as_bytes(), &key, Algorithm::HS256).unwrap();
        format!("{message}.{signature}")
    }
}

/// The two parts that are signed.
pub(super) fn message(header: &Value, claims: &Value) -> String {
    format!("{}.{}", encode(header.to_string()), encode(claims.to_string()))
}

/// As the parts of tokens are written.
pub(super) fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// The set of some keys.
pub(super) fn set(signers: &[Signer]) -> Value {
    json!({ "keys": signers.iter().map(Signer::public).collect::<Vec<_>>() })
}

/// Unix seconds.
pub(super) fn now() -> i64 {
    chrono::Utc::now().timestamp()
}

fn random() -> Vec<u8> {
    let mut bytes = vec![0; 32];
    getrandom::fill(&mut bytes).unwrap();
    bytes
}

fn hex(text: &str) -> Vec<u8> {
    let pairs = text.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).unwrap());
    pairs.map(|pair| u8::from_str_radix(pair, 16).unwrap()).collect()
}
