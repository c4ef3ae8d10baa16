//! The words of each mail: for users of the product, who know nothing of this program.

use secrecy::{ExposeSecret, SecretString};
use url::Url;

use super::letter::{Block, Letter};
use super::name::{self, NAME};

/// What all mails say about the product.
pub(super) struct Wording {
    product: String,
    app_url: Option<Url>,
}

impl Wording {
    /// The words for a product, and its web site.
    pub(super) fn new(product: &str, app_url: Option<Url>) -> Self {
        Self { product: name::line(product, NAME), app_url }
    }

    pub(super) fn verify_email(&self, token: &SecretString) -> Letter {
        let product = &self.product;
        request(
            format!("Confirm your address for {product}"),
            format!("Somebody, hopefully you, signed up for {product} with this address."),
            self.token("Confirm the address", "verify-email", token),
            "If it was not you, ignore this mail: the address is not confirmed then.",
        )
    }

    pub(super) fn reset_password(&self, token: &SecretString) -> Letter {
        let product = &self.product;
        request(
            format!("Reset your password for {product}"),
            format!("Somebody, hopefully you, asked for a new password for your account at {product}."),
            self.token("Choose a new password", "reset-password", token),
            "If it was not you, ignore this mail: your password stays as it is.",
        )
    }

    pub(super) fn change_email(&self, token: &SecretString) -> Letter {
        let product = &self.product;
        request(
            format!("Confirm your new address for {product}"),
            format!("Somebody, hopefully you, wants to use this address for an account at {product}."),
            self.token("Confirm the new address", "change-email", token),
            "If it was not you, ignore this mail: nothing changes until the address is confirmed.",
        )
    }

    pub(super) fn invitation(
        &self,
        organization: &str,
        inviter: &str,
        role: &str,
        token: &SecretString,
    ) -> Letter {
        let product = &self.product;
        let (organization, role) = (name::unlinked(organization), name::unlinked(role));
        let inviter = name::address(inviter);
        request(
            format!("Invitation to {organization} at {product}"),
            format!(
                "{inviter} invites you to the organization \"{organization}\" at {product}, with the role \"{role}\"."
            ),
            self.token("Accept the invitation", "accept-invitation", token),
            "If you did not expect it, or do not know who sends it, ignore this mail: nothing happens then.",
        )
    }

    pub(super) fn email_changed(&self, to: &str) -> Letter {
        let product = &self.product;
        let to = name::address(to);
        self.notice(
            format!("Your address for {product} was changed"),
            format!("The address of your account at {product} was changed to {to}. This is the last mail to this one."),
            format!(
                "If it was not you, somebody else got into your account: tell those who run {product} at once, \
                 and change the password of this mailbox."
            ),
        )
    }

    pub(super) fn password_changed(&self) -> Letter {
        let product = &self.product;
        self.notice(
            format!("Your password for {product} was changed"),
            format!("The password of your account at {product} was changed."),
            "If it was not you, somebody else got into your account: reset your password at once, and end all \
             sessions that you do not know."
                .to_owned(),
        )
    }

    pub(super) fn account_exists(&self) -> Letter {
        let product = &self.product;
        self.notice(
            format!("You already have an account at {product}"),
            format!(
                "Somebody, hopefully you, tried to sign up for {product} with this address. There is an account with \
                 it already, and nothing was changed. Sign in with your password; if you do not know it any more, \
                 reset it."
            ),
            "If it was not you, you need to do nothing: whoever it was did not learn that you have an account."
                .to_owned(),
        )
    }

    pub(super) fn identity_linked(&self, provider: &str) -> Letter {
        let product = &self.product;
        let provider = name::unlinked(provider);
        self.notice(
            format!("A new way to sign in to {product}"),
            format!("From now on, you can sign in to your account at {product} with {provider}."),
            format!(
                "If it was not you, somebody else got into your account: remove {provider} from it at once, and \
                 reset your password."
            ),
        )
    }

    pub(super) fn refresh_reused(&self) -> Letter {
        let product = &self.product;
        self.notice(
            format!("You were signed out of {product}"),
            format!(
                "One of your sessions at {product} was ended, because its key was used twice: somebody may have a \
                 copy of it. Please sign in again."
            ),
            "If this happens again, or if you see something in your account that was not you, reset your password \
             and end all other sessions."
                .to_owned(),
        )
    }

    /// Something that happened, and what to do when it was not the reader.
    fn notice(&self, subject: String, text: String, otherwise: String) -> Letter {
        let mut blocks = vec![Block::Paragraph(text), Block::Paragraph(otherwise)];
        if let Some(url) = self.app_url.clone() {
            blocks.push(Block::Link { says: format!("Open {}", self.product), url: url.into() });
        }
        Letter::new(subject, &blocks)
    }

    /// The way to use a token: a link, or the token itself where there is no web site.
    fn token(&self, says: &str, path: &str, token: &SecretString) -> Block {
        match self.page(path, token) {
            Some(url) => Block::Link { says: says.to_owned(), url },
            None => {
                Block::Code { says: format!("{says} with this code"), code: token.expose_secret().to_owned() }
            }
        }
    }

    /// The address of a page of the product's web site, with a token.
    fn page(&self, path: &str, token: &SecretString) -> Option<String> {
        let mut url = self.app_url.clone()?;
        url.path_segments_mut().ok()?.pop_if_empty().push(path);
        url.query_pairs_mut().append_pair("token", token.expose_secret());
        Some(url.into())
    }
}

/// Something somebody asked for, how to go on, and what to do when it was not the reader.
fn request(subject: String, text: String, action: Block, otherwise: &str) -> Letter {
    let once = "This works once, and only for a limited time. Give it to nobody, whoever asks.";
    Letter::new(
        subject,
        &[
            Block::Paragraph(text),
            action,
            Block::Paragraph(once.to_owned()),
            Block::Paragraph(otherwise.to_owned()),
        ],
    )
}
