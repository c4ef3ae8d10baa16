//! What is told to users by mail, in words for the users of the product.

use std::fmt;

use secrecy::SecretString;

use super::letter::Letter;
use super::wording::Wording;

/// Bytes that are kept of a text somebody chose, until the mail is written.
const KEPT: usize = 1024;

/// What is told. Tokens are secrets; the other texts may be what users chose, and are made harmless.
#[derive(Clone)]
pub enum Message {
    /// To a new account: proves that the address is its own.
    VerifyEmail {
        /// Proves it.
        token: SecretString,
    },
    /// To an account whose password was forgotten.
    ResetPassword {
        /// Allows to choose a new password.
        token: SecretString,
    },
    /// To the new address of an account that wants to change it.
    ChangeEmail {
        /// Proves that the new address is the account's own.
        token: SecretString,
    },
    /// To the address an account had until now.
    EmailChanged {
        /// The address it has from now on.
        to: String,
    },
    /// The password of the account was changed.
    PasswordChanged,
    /// Somebody tried to sign up with the address of this account.
    AccountExists,
    /// Somebody is asked to join an organization.
    Invitation {
        /// The organization's name.
        organization: String,
        /// The name or the address of who asks.
        inviter: String,
        /// What the invited one will be there.
        role: String,
        /// Accepts the invitation.
        token: SecretString,
    },
    /// From now on, somebody can sign in to this account with another provider.
    IdentityLinked {
        /// The provider's name.
        provider: String,
    },
    /// A session was ended, because its token was used twice.
    RefreshReused,
}

impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind())
    }
}

impl Message {
    /// What kind of message this is, in one word: for logs.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Message::VerifyEmail { .. } => "VerifyEmail",
            Message::ResetPassword { .. } => "ResetPassword",
            Message::ChangeEmail { .. } => "ChangeEmail",
            Message::EmailChanged { .. } => "EmailChanged",
            Message::PasswordChanged => "PasswordChanged",
            Message::AccountExists => "AccountExists",
            Message::Invitation { .. } => "Invitation",
            Message::IdentityLinked { .. } => "IdentityLinked",
            Message::RefreshReused => "RefreshReused",
        }
    }

    /// The message without what will not be read anyway of texts that are too long: it may wait in a queue.
    pub(super) fn bounded(mut self) -> Self {
        match &mut self {
            Message::EmailChanged { to: text } | Message::IdentityLinked { provider: text } => bound(text),
            Message::Invitation { organization, inviter, role, .. } => {
                bound(organization);
                bound(inviter);
                bound(role);
            }
            Message::VerifyEmail { .. }
            | Message::ResetPassword { .. }
            | Message::ChangeEmail { .. }
            | Message::PasswordChanged
            | Message::AccountExists
            | Message::RefreshReused => {}
        }
        self
    }

    /// Writes the letter.
    pub(super) fn letter(&self, wording: &Wording) -> Letter {
        match self {
            Message::VerifyEmail { token } => wording.verify_email(token),
            Message::ResetPassword { token } => wording.reset_password(token),
            Message::ChangeEmail { token } => wording.change_email(token),
            Message::EmailChanged { to } => wording.email_changed(to),
            Message::PasswordChanged => wording.password_changed(),
            Message::AccountExists => wording.account_exists(),
            Message::Invitation { organization, inviter, role, token } => {
                wording.invitation(organization, inviter, role, token)
            }
            Message::IdentityLinked { provider } => wording.identity_linked(provider),
            Message::RefreshReused => wording.refresh_reused(),
        }
    }
}

/// Cuts a text to what is kept, and gives the rest of its memory back.
fn bound(text: &mut String) {
    text.truncate(text.floor_char_boundary(KEPT));
    text.shrink_to_fit();
}
