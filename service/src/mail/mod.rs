//! Stand-in until the mail part is merged.
/// A mail.
#[derive(Debug, Clone)]
#[allow(missing_docs)]
pub enum Message {
    VerifyEmail { token: String },
    ResetPassword { token: String },
    ChangeEmail { token: String },
    EmailChanged { to: String },
    PasswordChanged,
    AccountExists,
    Invitation { organization: String, inviter: String, role: String, token: String },
    IdentityLinked { provider: String },
    RefreshReused,
}
/// Mailer.
#[derive(Debug, Clone)]
pub struct Mailer;
impl Mailer {
    /// Post.
    pub fn post(&self, to: &str, message: Message) {
        tracing::info!(to, ?message, "mail");
    }
}
