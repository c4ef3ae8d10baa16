//! Passwords: Argon2id, a policy without composition rules (NIST SP 800-63B), and the same time for everybody.

use std::sync::Arc;

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};
use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use tokio::sync::Semaphore;
use unicode_normalization::UnicodeNormalization;

use super::secret;
use crate::error::{Code, Error, Result};

/// Characters of a password at least.
const SHORTEST: usize = 8;

/// Characters of a password at most: what is hashed takes time.
pub(super) const LONGEST: usize = 1_000;

/// Characters that are looked at for strength: the estimate takes the square of it.
const ESTIMATED: usize = 100;

/// KiB, rounds and lanes (OWASP Password Storage Cheat Sheet, Argon2id).
const MEMORY: u32 = 19 * 1024;
const ROUNDS: u32 = 2;
const LANES: u32 = 1;

/// Hashes made at once: each takes its memory.
const AT_ONCE: usize = 4;

/// Those who wait: beyond, the server is too busy.
const WAITING: usize = 200;

/// Hashes and compares passwords.
#[derive(Debug, Clone)]
pub(super) struct Passwords {
    at_once: Arc<Semaphore>,
    waiting: Arc<Semaphore>,
    /// What is compared with where there is no password: it takes as long.
    nobody: Arc<str>,
}

impl Passwords {
    /// # Errors
    /// `INTERNAL` where there are no random bytes.
    pub(super) fn new() -> Result<Self> {
        // Looks like a hash of today, of no password at all: making a real one takes time and memory at each start.
        let (salt, output) = (secret::random::<16>()?, secret::random::<32>()?);
        let nobody =
            format!("{}{}${}", today(), STANDARD_NO_PAD.encode(salt), STANDARD_NO_PAD.encode(output));
        Ok(Self {
            at_once: Arc::new(Semaphore::new(AT_ONCE)),
            waiting: Arc::new(Semaphore::new(WAITING)),
            nobody: nobody.into(),
        })
    }

    /// The hash of a password.
    ///
    /// # Errors
    /// `UNAVAILABLE` when too many wait.
    pub(super) async fn hash(&self, password: &str) -> Result<String> {
        let password = normal(password);
        self.work(move || hash(&password)).await?
    }

    /// Whether a password is the one of a hash, and whether it should be hashed anew. Takes as long without a hash.
    ///
    /// # Errors
    /// `UNAVAILABLE` when too many wait.
    pub(super) async fn verify(&self, password: &str, hash: Option<&str>) -> Result<Verdict> {
        let known = hash.is_some();
        let hash = hash.map_or_else(|| self.nobody.to_string(), str::to_owned);
        // Nobody has a longer one; a shorter text in its stead takes the same time.
        let password = if password.chars().count() > LONGEST { String::new() } else { normal(password) };
        let verdict = self.work(move || verify(&password, &hash)).await?;
        Ok(if known { verdict } else { Verdict::Wrong })
    }

    async fn work<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
        let _waiting = self.waiting.try_acquire().map_err(|_| {
            Error::new(Code::Unavailable, "Too many are signing in at the moment.").retry_after(1)
        })?;
        let _place = self.at_once.acquire().await.map_err(Error::internal)?;
        tokio::task::spawn_blocking(work).await.map_err(Error::internal)
    }
}

/// What came of comparing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It is another one.
    Wrong,
    /// It is this one.
    Right,
    /// It is this one, and its hash is weaker than those of today.
    RightButOld,
}

fn argon() -> Result<Argon2<'static>> {
    let params =
        Params::new(MEMORY, ROUNDS, LANES, None).map_err(|error| Error::internal(error.to_string()))?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

fn hash(password: &str) -> Result<String> {
    let salt = secret::random::<16>()?;
    let hash: PasswordHash = argon()?
        .hash_password_with_salt(password.as_bytes(), &salt)
        .map_err(|error| Error::internal(error.to_string()))?;
    Ok(hash.to_string())
}

fn verify(password: &str, hash: &str) -> Verdict {
    let (Ok(argon), Ok(parsed)) = (argon(), PasswordHash::new(hash)) else { return Verdict::Wrong };
    if argon.verify_password(password.as_bytes(), &parsed).is_err() {
        return Verdict::Wrong;
    }
    if hash.starts_with(&today()) { Verdict::Right } else { Verdict::RightButOld }
}

/// How hashes of today begin (the PHC string format).
fn today() -> String {
    format!("$argon2id$v=19$m={MEMORY},t={ROUNDS},p={LANES}$")
}

/// Whether a text can be somebody's password, given in a field. `about` is what an attacker would try first: name and
/// address.
///
/// # Errors
/// `WEAK_PASSWORD`, saying why.
pub(super) fn acceptable(password: &str, about: &[&str], field: &str) -> Result<()> {
    let weak = |message: String| Error::new(Code::WeakPassword, message).at(field);
    let count = password.chars().count();
    if count < SHORTEST {
        return Err(weak(format!("A password has at least {SHORTEST} characters.")));
    }
    if count > LONGEST {
        return Err(weak(format!("A password has at most {LONGEST} characters.")));
    }
    let start: String = password.chars().take(ESTIMATED).collect();
    let entropy = zxcvbn::zxcvbn(&start, about);
    if u8::from(entropy.score()) < 2 && count <= ESTIMATED {
        return Err(weak("This password is too easy to guess.".to_owned())
            .hint("Take a longer one: a few words that have nothing to do with each other."));
    }
    Ok(())
}

/// One form for all ways to type the same characters (RFC 8265, OpaqueString: NFC; NIST: NFKC).
fn normal(password: &str) -> String {
    password.nfkc().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_password_is_itself_in_any_form_and_nothing_else() {
        let passwords = Passwords::new().unwrap();
        let hash = passwords.hash("pa\u{df}w\u{f6}rt \u{1f512}").await.unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        assert_eq!(
            passwords.verify("pa\u{df}wo\u{308}rt \u{1f512}", Some(&hash)).await.unwrap(),
            Verdict::Right
        );
        assert_eq!(passwords.verify("passwort", Some(&hash)).await.unwrap(), Verdict::Wrong);
        assert_eq!(passwords.verify("anything", None).await.unwrap(), Verdict::Wrong);
    }

    #[test]
    fn where_there_is_no_password_there_is_as_much_to_do() {
        let nobody = Passwords::new().unwrap().nobody;
        let (invented, real) = (PasswordHash::new(&nobody).unwrap(), hash("somebody").unwrap());
        let real = PasswordHash::new(&real).unwrap();
        assert_eq!((invented.algorithm, &invented.params), (real.algorithm, &real.params));
        let sizes = |hash: &PasswordHash| (hash.salt.map(|it| it.len()), hash.hash.map(|it| it.len()));
        assert_eq!(sizes(&invented), sizes(&real));
        assert_eq!(nobody.len(), real.to_string().len());
    }

    #[tokio::test]
    async fn nothing_is_cut_off() {
        let passwords = Passwords::new().unwrap();
        let long = "x".repeat(72);
        let hash = passwords.hash(&format!("{long}a")).await.unwrap();
        assert_eq!(passwords.verify(&format!("{long}b"), Some(&hash)).await.unwrap(), Verdict::Wrong);
        assert_eq!(passwords.verify(&format!("{long}a"), Some(&hash)).await.unwrap(), Verdict::Right);
        let nul = passwords.hash("be\0fore and after").await.unwrap();
        assert_eq!(passwords.verify("be", Some(&nul)).await.unwrap(), Verdict::Wrong);
    }

    #[tokio::test]
    async fn an_old_hash_is_told_from_a_new_one() {
        let argon =
            Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::new(8 * 1024, 1, 1, None).unwrap());
        let old: PasswordHash = argon.hash_password_with_salt(b"correct horse", b"0123456789abcdef").unwrap();
        let passwords = Passwords::new().unwrap();
        let verdict = passwords.verify("correct horse", Some(&old.to_string())).await.unwrap();
        assert_eq!(verdict, Verdict::RightButOld);
    }

    #[test]
    fn what_is_guessed_first_is_refused() {
        for weak in
            ["short", "password", "password1", "qwertyuiop", "12345678", "iloveyou1", "ann@example.com"]
        {
            let refused = acceptable(weak, &["ann@example.com", "Ann"], "password").unwrap_err();
            assert_eq!(refused.code(), Code::WeakPassword, "{weak}");
        }
        assert!(acceptable(&"x".repeat(1_001), &[], "password").is_err());
        for fine in [
            "correct horse battery staple",
            "\u{1f984}\u{1f40e}\u{1f50b}\u{1f4ce} vier W\u{f6}rter",
            &"ab3$".repeat(250),
        ] {
            assert!(acceptable(fine, &[], "password").is_ok(), "{fine}");
        }
    }
}
