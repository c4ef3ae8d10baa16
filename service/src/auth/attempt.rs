//! Guessing is slow: at most ten wrong guesses in five minutes for each account, wherever they come from. Somebody who signed
//! in from a device before has guesses of their own there, so that nobody is locked out by the guesses of others.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Mutex, OwnedMutexGuard};

use super::operation::Caller;
use super::store::Store;
use super::user::{self, Purpose};
use super::{Auth, secret};
use crate::error::{Code, Error, Result};
use crate::mail::Message;
use crate::throttle::{Policy, whole_seconds};

/// Wrong guesses at one account by all who are not known to it: five at once, and one more each minute, which makes ten
/// in any five minutes.
const STRANGERS: Policy = Policy { name: "account", quota: 5, window: Duration::from_secs(300) };

/// Wrong guesses at one account from a device that signed in before.
const DEVICE: Policy = Policy { name: "device", quota: 5, window: Duration::from_secs(300) };

/// Mails of one kind to one address that somebody can cause who is not known.
const MAILS: Policy = Policy { name: "mail", quota: 10, window: Duration::from_secs(3600) };

/// A guess that is on its way. Guesses at one account take turns, or a crowd of them would all be the first.
#[derive(Debug)]
pub(super) struct Attempt {
    limits: Vec<(Policy, String)>,
    _turn: OwnedMutexGuard<()>,
}

impl Auth {
    /// Lets somebody guess at a secret of an account, which is named by its address or id.
    ///
    /// # Errors
    /// `RATE_LIMITED`, with the time to wait.
    pub(super) async fn attempt(&self, caller: &Caller, at: &str) -> Result<Attempt> {
        // What is limited is looked up by its hash: addresses are nobody's business.
        let account = secret::hash(at);
        let device = match &caller.device {
            Some(device) if self.is_device(device, at).await? => Some(secret::hash(device)),
            _ => None,
        };
        let known = device.is_some();
        let mut limits = match device {
            Some(device) => vec![(DEVICE, format!("{account} {device}"))],
            None => vec![(STRANGERS, account)],
        };
        if let (Some(policy), Some(address), false) = (self.0.settings.attempts, caller.network(), known) {
            limits.push((policy, address));
        }
        let key = limits.first().map(|(_, key)| key.as_str()).unwrap_or_default();
        let attempt = Attempt { _turn: self.turn(key).await, limits };
        let mut wait: Option<Duration> = None;
        for (policy, key) in &attempt.limits {
            let verdict = self.0.throttle.peek(policy, key).await;
            wait = wait.max((!verdict.allowed).then_some(verdict.retry_after));
        }
        match wait {
            None => Ok(attempt),
            Some(wait) => Err(Error::new(Code::RateLimited, "Too many attempts.")
                .hint("Wait, or choose a new password with the code of a mail.")
                .retry_after(whole_seconds(wait).max(1))),
        }
    }

    /// Waits until nobody else on this node is at what a hash names.
    pub(super) async fn turn(&self, at: &str) -> OwnedMutexGuard<()> {
        self.0.turns.get_with(at.to_owned(), || Arc::new(Mutex::new(()))).lock_owned().await
    }

    /// Counts something at the address it comes from: what makes us hash or send a mail, and whoever shows codes. It is
    /// counted with the wrong guesses, whichever way it was asked for.
    ///
    /// # Errors
    /// `RATE_LIMITED`, with the time to wait.
    pub(super) async fn count(&self, caller: &Caller) -> Result<()> {
        let (Some(policy), Some(address)) = (&self.0.settings.attempts, caller.network()) else {
            return Ok(());
        };
        let verdict = self.0.throttle.take(policy, &address, 1).await;
        match verdict.allowed {
            true => Ok(()),
            false => Err(verdict.refusal(policy, 1)),
        }
    }

    /// Counts a guess that was wrong.
    pub(super) async fn wrong(&self, attempt: Attempt) {
        for (policy, key) in &attempt.limits {
            self.0.throttle.take(policy, key, 1).await;
        }
    }

    /// Sends a mail that somebody unknown asked for, unless the address got too many of them.
    pub(super) async fn mail(&self, to: &str, message: Message) {
        if self.may_mail(to, message.kind()).await {
            self.0.mailer.post(to, message);
        }
    }

    /// Keeps what was done and sends its mail, or takes it back where the address got too many: a code that no mail
    /// brings would only take the place of one that was brought.
    pub(super) async fn keep_and_mail(&self, store: Store, to: &str, message: Message) -> Result<()> {
        if !self.may_mail(to, message.kind()).await {
            return store.rollback().await;
        }
        store.commit().await?;
        self.0.mailer.post(to, message);
        Ok(())
    }

    /// Whether an address may get another mail of a kind ([`Message::kind`]), which is counted. Kinds do not
    /// share: who makes us send one must not keep the others from arriving.
    async fn may_mail(&self, to: &str, kind: &str) -> bool {
        let key = format!("{} {kind}", secret::hash(to));
        let allowed = self.0.throttle.take(&MAILS, &key, 1).await.allowed;
        if !allowed {
            tracing::warn!(kind, "an address was to get more mails than any is sent");
        }
        allowed
    }

    /// Whether a device signed in to the account of an address before.
    async fn is_device(&self, device: &str, at: &str) -> Result<bool> {
        let mut store = self.store().await?;
        let owner = user::peek(&mut store, Purpose::Device, device).await.ok().and_then(|(user, _)| user);
        let known = match owner {
            Some(owner) => {
                user::email(&mut store, owner).await?.as_deref() == Some(at) || owner.to_string() == at
            }
            None => false,
        };
        store.rollback().await?;
        Ok(known)
    }
}
