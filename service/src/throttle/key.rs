//! What is counted under: of a fixed size whatever a client sent, and without what it sent.

use sha2::{Digest, Sha256};

use super::gcra::Policy;

/// A policy, and whom it is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Key {
    policy: &'static str,
    /// 128 bits of the hash: nobody finds a text that is counted as somebody else's.
    hash: u128,
}

impl Key {
    pub(super) fn new(policy: &Policy, text: &str) -> Self {
        let mut hash = [0; 16];
        hash.copy_from_slice(Sha256::digest(text.as_bytes()).get(..16).unwrap_or(&[0; 16]));
        Self { policy: policy.name, hash: u128::from_be_bytes(hash) }
    }

    /// One of so many keys of the policy that others have too.
    pub(super) fn common(self, count: u128) -> Self {
        Self { hash: self.hash % count.max(1), ..self }
    }

    /// As a key of a store that others use too.
    pub(super) fn text(&self) -> String {
        format!("launchway:rate:{}:{:032x}", self.policy, self.hash)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn keys_have_one_size_and_tell_nothing() {
        let policy = |name| Policy { name, quota: 1, window: Duration::from_secs(1) };
        let (address, user) = (policy("address"), policy("user"));
        let long = Key::new(&address, &"secret".repeat(100_000)).text();
        assert_eq!(long.len(), Key::new(&address, "").text().len());
        assert!(long.starts_with("launchway:rate:address:") && !long.contains("secret"), "{long}");
        assert_ne!(Key::new(&address, "a"), Key::new(&user, "a"));
        assert_ne!(Key::new(&address, "a"), Key::new(&address, "b"));
    }
}
