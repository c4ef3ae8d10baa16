//! Guessing is slow: ten guesses in five minutes for each account, wherever they come from. Somebody who signed in from a
//! device before has guesses of their own there, so that nobody is locked out by the guesses of others.

use std::time::Duration;

use super::operation::Caller;
use super::user::{self, Purpose};
use super::{Auth, secret};
use crate::error::{Code, Error, Result};
use crate::throttle::{Policy, whole_seconds};

/// Guesses at one account by all who are not known to it.
const STRANGERS: Policy = Policy { name: "account", quota: 10, window: Duration::from_secs(300) };

/// Guesses at one account from a device that signed in before.
const DEVICE: Policy = Policy { name: "device", quota: 10, window: Duration::from_secs(300) };

impl Auth {
    /// Counts a guess at somebody's secret before it is looked at.
    ///
    /// # Errors
    /// `RATE_LIMITED`, with the time to wait.
    pub(super) async fn attempt(&self, caller: &Caller, at: &str) -> Result<()> {
        // What is limited is looked up by its hash: addresses are nobody's business.
        let account = secret::hash(at);
        let device = match &caller.device {
            Some(device) => self.is_device(device, at).await?,
            None => false,
        };
        let key = match (&caller.device, device) {
            (Some(device), true) => format!("{account} {}", secret::hash(device)),
            _ => account,
        };
        let policy = if device { &DEVICE } else { &STRANGERS };
        let address = caller.network();
        let mut asked = vec![(policy, key.as_str())];
        let attempts = self.0.settings.attempts.filter(|_| !device);
        if let (Some(policy), Some(address)) = (&attempts, address.as_deref()) {
            asked.push((policy, address));
        }
        let verdicts = self.0.throttle.take_all(&asked).await;
        match verdicts.iter().filter(|verdict| !verdict.allowed).map(|verdict| verdict.retry_after).max() {
            None => Ok(()),
            Some(wait) => Err(Error::new(Code::RateLimited, "Too many attempts.")
                .hint("Wait, or choose a new password with the code of a mail.")
                .retry_after(whole_seconds(wait).max(1))),
        }
    }

    /// Whether a device signed in to the account of an address before.
    async fn is_device(&self, device: &str, email: &str) -> Result<bool> {
        let mut store = self.store().await?;
        let owner = user::peek(&mut store, Purpose::Device, device).await.ok().and_then(|(user, _)| user);
        let known = match owner {
            Some(owner) => {
                user::email(&mut store, owner).await?.as_deref() == Some(email) || owner.to_string() == email
            }
            None => false,
        };
        store.rollback().await?;
        Ok(known)
    }
}
