//! Mail to the users of the product: what it says, and how it gets there without anybody waiting for it.

mod carrier;
mod letter;
mod mailer;
mod message;
mod name;
mod wording;

#[cfg(test)]
mod tests;

use std::fmt;

use secrecy::SecretString;
use url::Url;

pub use carrier::{check_sender, check_url};
pub use mailer::{Mailer, QUEUE};
pub use message::Message;

/// How mail is sent, and what it says about the product.
#[derive(Debug, Clone)]
pub struct Settings {
    /// How mail leaves.
    pub transport: Transport,
    /// Who sends: `Name <name@example.com>`, or the address alone.
    pub from: String,
    /// The name of the product, in subjects and texts.
    pub product: String,
    /// The product's web site, which the links lead to; without one, mails hold the code alone.
    pub app_url: Option<Url>,
}

impl Settings {
    /// No mail at all.
    #[must_use]
    pub fn off() -> Self {
        let from = "Launchway <launchway@localhost>".to_owned();
        Self { transport: Transport::Off, from, product: "Launchway".to_owned(), app_url: None }
    }
}

/// How mail leaves.
#[derive(Clone)]
pub enum Transport {
    /// It does not: each mail counts as dropped, and the log says so.
    Off,
    /// Its text is written to the log, codes included: for development only.
    Log,
    /// By a mail server.
    Smtp {
        /// `smtps://user:password@host:465`, `smtp://user:password@host:587?tls=required`, or `smtp://localhost:1025`
        /// for a connection in the clear.
        url: SecretString,
    },
}

impl fmt::Debug for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Transport::Off => "Off",
            Transport::Log => "Log",
            Transport::Smtp { .. } => "Smtp",
        })
    }
}
