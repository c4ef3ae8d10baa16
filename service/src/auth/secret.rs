//! Random secrets, their hashes, and what is kept encrypted.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};

use crate::error::{Error, Result};

/// Bytes of a secret that is guessed at by nobody.
const BYTES: usize = 32;

/// Bytes of the nonce of an encrypted value.
const NONCE: usize = 24;

/// Random bytes of the operating system.
///
/// # Errors
/// `INTERNAL` where it has none.
pub(super) fn random<const N: usize>() -> Result<[u8; N]> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|error| Error::internal(error.to_string()))?;
    Ok(bytes)
}

/// A new secret with a prefix that says what it is, so that scanners of leaked secrets find it: 256 random bits.
///
/// # Errors
/// As [`random`].
pub(super) fn token(prefix: &str) -> Result<String> {
    Ok(format!("{prefix}{}", URL_SAFE_NO_PAD.encode(random::<BYTES>()?)))
}

/// What is kept of a secret of 256 random bits: its SHA-256. Nothing slower is needed where nothing can be guessed.
#[must_use]
pub(super) fn hash(secret: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(secret.as_bytes()))
}

/// Encrypts what has to be read again: signing keys, seeds of second factors (XChaCha20-Poly1305).
#[derive(Clone)]
pub(super) struct Vault(XChaCha20Poly1305);

impl std::fmt::Debug for Vault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Vault")
    }
}

impl Vault {
    /// A vault whose key is made of the server's secret.
    pub(super) fn new(secret: &SecretString) -> Self {
        let mut hash = Sha256::new();
        hash.update(b"launchway vault 1\0");
        hash.update(secret.expose_secret().as_bytes());
        Self(XChaCha20Poly1305::new(&hash.finalize()))
    }

    /// Encrypts. What it is for is part of the seal: it opens nowhere else.
    ///
    /// # Errors
    /// `INTERNAL` where the operating system has no random bytes.
    pub(super) fn seal(&self, purpose: &str, plain: &[u8]) -> Result<String> {
        let nonce = random::<NONCE>()?;
        let payload = Payload { msg: plain, aad: purpose.as_bytes() };
        let sealed = self
            .0
            .encrypt(&XNonce::from(nonce), payload)
            .map_err(|_| Error::internal("a value could not be encrypted"))?;
        Ok(URL_SAFE_NO_PAD.encode([&nonce[..], &sealed].concat()))
    }

    /// Decrypts; none where the server's secret is another one than it was, or the purpose.
    pub(super) fn open(&self, purpose: &str, sealed: &str) -> Option<Vec<u8>> {
        let bytes = URL_SAFE_NO_PAD.decode(sealed).ok()?;
        let (nonce, sealed) = bytes.split_at_checked(NONCE)?;
        let nonce: [u8; NONCE] = nonce.try_into().ok()?;
        self.0.decrypt(&XNonce::from(nonce), Payload { msg: sealed, aad: purpose.as_bytes() }).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sealed_opens_with_the_same_secret_for_the_same_purpose() {
        let vault = Vault::new(&SecretString::from("secret"));
        let sealed = vault.seal("totp", b"seed").unwrap();
        assert_eq!(vault.open("totp", &sealed).as_deref(), Some(&b"seed"[..]));
        assert_eq!(vault.open("key", &sealed), None);
        assert_eq!(Vault::new(&SecretString::from("other")).open("totp", &sealed), None);
        assert_ne!(sealed, vault.seal("totp", b"seed").unwrap());
        for broken in ["", "x", &sealed[1..], &sealed[..sealed.len() - 4]] {
            assert_eq!(vault.open("totp", broken), None, "{broken}");
        }
    }

    #[test]
    fn tokens_are_long_and_never_the_same() {
        let one = token("lwr_").unwrap();
        assert!(one.starts_with("lwr_") && one.len() == 4 + 43);
        assert_ne!(one, token("lwr_").unwrap());
        assert_eq!(hash(&one), hash(&one));
    }
}
