//! What is logged of mails, and what is not.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use harness::mailbox::{Mailbox, Trouble};
use tracing::subscriber::{DefaultGuard, set_default};
use tracing_subscriber::filter::LevelFilter;

use super::super::{Mailer, QUEUE};
use super::{Message, PATIENCE, SHORT, Transport, by, secret, settings, verify};

/// Everything that is logged on this thread while it lives.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    fn start(level: LevelFilter) -> (Self, DefaultGuard) {
        let log = Self::default();
        let writer = log.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_max_level(level)
            .with_ansi(false)
            .with_writer(move || writer.clone())
            .finish();
        (log, set_default(subscriber))
    }

    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn in_development_the_log_is_the_mailbox() {
    let (log, _guard) = Log::start(LevelFilter::INFO);
    let mailer = Mailer::new(&settings(Transport::Log)).unwrap();
    mailer.post("ann@example.com", verify("lw_the_code"));
    assert_eq!(mailer.flush(PATIENCE).await, 0);
    assert_eq!(mailer.sent(), 1);
    let text = log.text();
    for part in [
        "INFO",
        "to=\"ann@example.com\"",
        "subject=\"Confirm your address for Tunes\"",
        "text=\"Somebody",
        "https://tunes.example/app/verify-email?token=lw_the_code",
    ] {
        assert!(text.contains(part), "`{part}` is not in: {text}");
    }
}

#[tokio::test]
async fn nothing_of_a_mail_is_logged_when_a_server_has_it() {
    let (log, _guard) = Log::start(LevelFilter::TRACE);
    let mailbox = Mailbox::with([Trouble::Busy, Trouble::Closes, Trouble::Refuses]);
    let mailer = Mailer::with(&by(&mailbox), QUEUE, SHORT).unwrap();
    mailer.post("secret-ann@example.com", verify("lw_the_code"));
    mailbox.connected(3).await;
    mailer.post("secret-bob@example.com", verify("lw_the_code"));
    let _ = mailbox.wait("secret-bob@example.com").await;
    mailer.post("secret-eve, not an address", verify("lw_the_code"));
    assert_eq!(mailer.flush(PATIENCE).await, 0);
    assert_eq!((mailer.sent(), mailer.dropped()), (1, 2));
    let text = log.text();
    for part in
        ["kind=\"VerifyEmail\"", "tried again later", "421", "550", "a mail was dropped", "attempts=3"]
    {
        assert!(text.contains(part), "`{part}` is not in: {text}");
    }
    assert!(!text.contains("secret-") && !text.contains("lw_the_code"), "{text}");
}

#[test]
fn nothing_secret_is_in_debug() {
    let mut settings = settings(Transport::Smtp { url: secret("smtp://ann:hush@mail.example.com") });
    settings.product = "Tunes".to_owned();
    let message = Message::Invitation {
        organization: "Acme".to_owned(),
        inviter: "secret-ann@example.com".to_owned(),
        role: "member".to_owned(),
        token: secret("hush"),
    };
    let text = format!("{settings:?} {message:?} {:?}", verify("hush"));
    assert!(!text.contains("hush") && !text.contains("secret-ann"), "{text}");
    assert!(text.contains("Invitation VerifyEmail"), "{text}");
}
