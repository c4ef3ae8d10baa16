//! What mails say, and that they arrive.

mod delivery;
mod log;
mod text;

use std::time::Duration;

use harness::mailbox::Mailbox;
use secrecy::SecretString;

use super::{Message, Settings, Transport};

/// Pauses that make no test wait.
const SHORT: [Duration; 4] = [Duration::from_millis(1); 4];

/// Pauses that no test lives to see the end of.
const LONG: [Duration; 4] = [Duration::from_secs(3600); 4];

/// Longer than anything takes here.
const PATIENCE: Duration = Duration::from_secs(30);

fn secret(text: &str) -> SecretString {
    SecretString::from(text)
}

fn settings(transport: Transport) -> Settings {
    Settings {
        transport,
        from: "Tunes <no-reply@tunes.example>".to_owned(),
        product: "Tunes".to_owned(),
        app_url: Some("https://tunes.example/app".parse().unwrap()),
    }
}

fn by(mailbox: &Mailbox) -> Settings {
    settings(Transport::Smtp { url: secret(&mailbox.url()) })
}

fn verify(token: &str) -> Message {
    Message::VerifyEmail { token: secret(token) }
}
