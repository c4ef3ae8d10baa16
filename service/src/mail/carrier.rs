//! One attempt to send one mail: written in MIME, handed to a mail server or to the log.

use std::fmt::Write as _;
use std::time::Duration;

use lettre::address::Envelope;
use lettre::message::header::{HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart};
use lettre::transport::smtp;
use lettre::{Address, AsyncSmtpTransport, AsyncTransport, Tokio1Executor};
use secrecy::ExposeSecret;
use tokio::time::timeout;
use url::Url;
use uuid::Uuid;

use super::letter::Letter;
use super::{Settings, Transport};
use crate::error::{Code, Error, Result};

/// How long one attempt may take, from the connection to the server's last word.
const ATTEMPT: Duration = Duration::from_secs(10);

/// Characters of a cause that are logged.
const CAUSE: usize = 200;

/// How mail leaves this program.
pub(super) struct Carrier {
    from: Mailbox,
    way: Way,
}

enum Way {
    Off,
    Log,
    Smtp(AsyncSmtpTransport<Tokio1Executor>),
}

/// A mail, ready to go: each attempt sends the same bytes, so that a server can tell a copy by its `Message-ID`.
pub(super) struct Parcel {
    letter: Letter,
    envelope: Envelope,
    bytes: Vec<u8>,
}

/// Why an attempt failed, without anything of the mail.
#[derive(Debug)]
pub(super) struct Failure {
    /// For the log.
    pub(super) cause: String,
    /// Whether the next attempt would fail too.
    pub(super) lasting: bool,
}

impl Failure {
    fn lasting(cause: &str) -> Self {
        Self { cause: cause.to_owned(), lasting: true }
    }
}

/// Whether a text can be who sends: `Name <name@example.com>`, or the address alone. Gives the address' domain.
///
/// # Errors
/// `BAD_VALUE` when it can't.
pub fn check_sender(text: &str) -> Result<String> {
    sender(text).map(|from| from.email.domain().to_owned())
}

fn sender(text: &str) -> Result<Mailbox> {
    let wrong = || {
        Error::new(Code::BadValue, "The sender of mail is not an address.")
            .hint("Write `Name <name@example.com>`, or the address alone.")
    };
    if text.chars().any(char::is_control) {
        return Err(wrong());
    }
    text.parse().map_err(|_| wrong())
}

/// Whether a text is the address of a mail server.
///
/// # Errors
/// `BAD_VALUE` when it is not; what is wrong, never the text: it may hold a password.
pub fn check_url(text: &str) -> Result<()> {
    let wrong = |message: &str| {
        Err(Error::new(Code::BadValue, message).hint(
            "Write smtps://user:password@host, smtp://user:password@host:587?tls=required or, for a connection in \
             the clear, smtp://host:port; characters such as @ and / in a password as %40 and %2F.",
        ))
    };
    let Ok(url) = Url::parse(text) else { return wrong("The address of the mail server is not a URL.") };
    if !matches!(url.scheme(), "smtp" | "smtps") {
        return wrong("The address of the mail server begins with neither smtp:// nor smtps://.");
    }
    if url.host_str().is_none_or(str::is_empty) {
        return wrong("The address of the mail server names no host.");
    }
    if url.username().is_empty() != url.password().is_none() {
        return wrong(
            "The address of the mail server has a user without a password, or the other way round.",
        );
    }
    let known = |(name, value): (_, _)| name == "tls" && (value == "required" || value == "opportunistic");
    if !url.query_pairs().all(known) || (url.scheme() == "smtps" && url.query().is_some()) {
        return wrong("The address of the mail server has parameters that mean nothing.");
    }
    Ok(())
}

impl Carrier {
    /// Prepares the way; nothing is connected to yet.
    ///
    /// # Errors
    /// `BAD_VALUE` when the sender or the mail server's address is wrong.
    pub(super) fn new(settings: &Settings) -> Result<Self> {
        let way = match &settings.transport {
            Transport::Off => Way::Off,
            Transport::Log => Way::Log,
            Transport::Smtp { url } => {
                check_url(url.expose_secret())?;
                let builder = AsyncSmtpTransport::<Tokio1Executor>::from_url(url.expose_secret());
                let builder = builder.map_err(|error| {
                    Error::new(Code::BadValue, "The address of the mail server is not understood.")
                        .because(error)
                })?;
                Way::Smtp(builder.timeout(Some(ATTEMPT)).build())
            }
        };
        Ok(Self { from: sender(&settings.from)?, way })
    }

    /// Puts a letter into its envelope.
    pub(super) fn pack(&self, to: &str, letter: Letter) -> Result<Parcel, Failure> {
        let to: Address = to.parse().map_err(|_| Failure::lasting("the address is not one"))?;
        // The usual one names this machine.
        let id = format!("<{}@{}>", Uuid::new_v4(), self.from.email.domain());
        let mut builder = lettre::Message::builder()
            .from(self.from.clone())
            .to(to.into())
            .subject(letter.subject.as_str())
            .message_id(Some(id));
        // Nobody's absence is answered to (RFC 3834).
        if let Ok(name) = HeaderName::new_from_ascii("Auto-Submitted".to_owned()) {
            builder = builder.raw_header(HeaderValue::new(name, "auto-generated".to_owned()));
        }
        let parts = MultiPart::alternative_plain_html(letter.text.clone(), letter.html.clone());
        let message =
            builder.multipart(parts).map_err(|_| Failure::lasting("it can't be written in MIME"))?;
        Ok(Parcel { letter, envelope: message.envelope().clone(), bytes: message.formatted() })
    }

    /// Tries once.
    pub(super) async fn carry(&self, parcel: &Parcel) -> Result<(), Failure> {
        match &self.way {
            Way::Off => Err(Failure::lasting("no mail server is set (mail.url)")),
            Way::Log => {
                let to = parcel.envelope.to().first().map(ToString::to_string).unwrap_or_default();
                let (subject, text) = (parcel.letter.subject.as_str(), parcel.letter.text.as_str());
                tracing::info!(to, subject, text, "mail");
                Ok(())
            }
            Way::Smtp(transport) => {
                let attempt = transport.send_raw(&parcel.envelope, &parcel.bytes);
                match timeout(ATTEMPT, attempt).await {
                    Ok(Ok(_)) => Ok(()),
                    Ok(Err(error)) => Err(failure(&error)),
                    Err(_) => {
                        Err(Failure { cause: "the mail server took too long".to_owned(), lasting: false })
                    }
                }
            }
        }
    }
}

/// What a failure is told as. The server's own words are left out: they often repeat the address.
fn failure(error: &smtp::Error) -> Failure {
    let lasting = error.is_permanent() || error.is_client();
    let mut cause = String::new();
    if let Some(code) = error.status() {
        let _ = write!(cause, "the mail server answered {code}");
    } else if error.is_timeout() {
        cause.push_str("the mail server took too long");
    } else if error.is_response() {
        cause.push_str("the mail server's answer is not understood");
    } else {
        // Of the network, of TLS, or of the client: these know the server, not the mail.
        cause = error.to_string().chars().take(CAUSE).map(|c| if c.is_control() { ' ' } else { c }).collect();
    }
    Failure { cause, lasting }
}
