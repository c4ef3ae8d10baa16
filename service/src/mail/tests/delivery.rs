//! Mails arrive, are tried again, and are given up.

use std::time::Duration;

use harness::mailbox::{Mailbox, Trouble};

use super::super::{Mailer, QUEUE, check_sender, check_url};
use super::{LONG, Message, PATIENCE, SHORT, Transport, by, secret, settings, verify};
use crate::error::Code;

#[tokio::test]
async fn a_mail_arrives_as_it_was_written() {
    let mailbox = Mailbox::start();
    let mut settings = by(&mailbox);
    settings.product = "Käse & Söhne".to_owned();
    settings.from = "Käse & Söhne <no-reply@kaese.example>".to_owned();
    let mailer = Mailer::new(&settings).unwrap();
    mailer.post("ann@example.com", verify("a+b/c=="));
    let mail = mailbox.wait("ann@example.com").await;
    assert_eq!(mail.from, "no-reply@kaese.example");
    assert_eq!(mail.subject, "Confirm your address for Käse & Söhne");
    assert_eq!(mail.code.as_deref(), Some("a+b/c=="));
    assert_eq!(
        mail.link.as_deref(),
        Some("https://tunes.example/app/verify-email?token=a%2Bb%2Fc%3D%3D"),
        "{}",
        mail.text
    );
    assert!(mail.text.contains("signed up for Käse & Söhne with this address."), "{}", mail.text);
    assert!(mail.html.contains("signed up for Käse &amp; Söhne with this address."), "{}", mail.html);
    assert!(mail.raw.contains("Auto-Submitted: auto-generated\r\n"), "{}", mail.raw);
    let id = mail.raw.lines().find(|line| line.starts_with("Message-ID: ")).unwrap();
    assert!(id.ends_with("@kaese.example>"), "it names no machine: {id}");
    assert_eq!(mailer.flush(PATIENCE).await, 0);
    assert_eq!((mailer.sent(), mailer.dropped(), mailer.waiting()), (1, 0, 0));
}

#[tokio::test]
async fn without_a_web_site_the_code_arrives_alone() {
    let mailbox = Mailbox::start();
    let mut settings = by(&mailbox);
    settings.app_url = None;
    let mailer = Mailer::new(&settings).unwrap();
    mailer.post("ann@example.com", Message::ResetPassword { token: secret("a+b/c==") });
    mailer.post("ann@example.com", Message::PasswordChanged);
    let mut mails = [mailbox.wait("ann@example.com").await, mailbox.wait("ann@example.com").await];
    mails.sort_by(|a, b| a.subject.cmp(&b.subject));
    assert_eq!(mails[0].code.as_deref(), Some("a+b/c=="));
    assert_eq!(mails[0].link, None);
    assert_eq!(mails[1].code, None);
    assert_eq!(mailbox.mails("ANN@example.com").len(), 2);
}

#[tokio::test]
async fn the_urls_user_signs_in() {
    let mailbox = Mailbox::start();
    let url = mailbox.url().replace("smtp://", "smtp://ann%40tunes.example:h%40%2Fsh@");
    let mailer = Mailer::new(&settings(Transport::Smtp { url: secret(&url) })).unwrap();
    mailer.post("bob@example.com", verify("code"));
    let mail = mailbox.wait("bob@example.com").await;
    assert_eq!(mail.login.as_deref(), Some("ann@tunes.example:h@/sh"));
}

#[tokio::test]
async fn a_server_that_does_not_encrypt_gets_nothing_where_that_is_required() {
    let mailbox = Mailbox::start();
    let url = format!("{}?tls=required", mailbox.url());
    let mailer = Mailer::with(&settings(Transport::Smtp { url: secret(&url) }), QUEUE, SHORT).unwrap();
    mailer.post("bob@example.com", verify("code"));
    mailbox.connected(1).await;
    assert_eq!(mailer.flush(PATIENCE).await, 0);
    assert_eq!((mailbox.all().len(), mailer.sent(), mailer.dropped()), (0, 0, 1));
}

#[tokio::test]
async fn names_and_addresses_inject_no_headers_and_no_receivers() {
    let mailbox = Mailbox::start();
    let mailer = Mailer::with(&by(&mailbox), QUEUE, SHORT).unwrap();
    let hostile = "Acme\r\nBcc: eve@example.com\r\n\r\n.\r\nRCPT TO:<eve@example.com>";
    mailer.post(
        "ann@example.com",
        Message::Invitation {
            organization: hostile.to_owned(),
            inviter: hostile.to_owned(),
            role: hostile.to_owned(),
            token: secret("code"),
        },
    );
    let addresses = [
        "ann@example.com\r\nRCPT TO:<eve@example.com>",
        "ann@example.com>\r\nDATA",
        "ann@example.com, eve@example.com",
        "Eve <eve@example.com>",
        "nobody",
        "",
    ];
    for address in addresses {
        mailer.post(address, verify("code"));
    }
    mailer.post(&format!("{}@example.com", "a".repeat(1000)), verify("code"));
    let mail = mailbox.wait("ann@example.com").await;
    assert_eq!(mailer.flush(PATIENCE).await, 0);
    assert_eq!(mailbox.all().len(), 1, "{:?}", mailbox.all());
    assert_eq!(mailer.dropped(), addresses.len() as u64 + 1);
    let (head, _) = mail.raw.split_once("\r\n\r\n").unwrap();
    let names: Vec<&str> = head
        .lines()
        .filter(|line| !line.starts_with([' ', '\t']))
        .filter_map(|line| line.split(':').next())
        .collect();
    assert!(!names.contains(&"Bcc") && names.contains(&"Subject"), "{head}");
    assert!(mail.subject.starts_with("Invitation to Acme Bcc: eve@example"), "{}", mail.subject);
}

#[tokio::test]
async fn a_server_in_trouble_is_tried_again() {
    let mailbox = Mailbox::with([Trouble::Busy, Trouble::Closes, Trouble::Forgets]);
    let mailer = Mailer::with(&by(&mailbox), QUEUE, SHORT).unwrap();
    mailer.post("ann@example.com", verify("code"));
    let mail = mailbox.wait("ann@example.com").await;
    assert_eq!(mail.code.as_deref(), Some("code"));
    assert_eq!(mailer.flush(PATIENCE).await, 0);
    assert_eq!(mailbox.connections(), 4);
    assert_eq!(mailbox.all().len(), 1);
    assert_eq!((mailer.sent(), mailer.dropped()), (1, 0));
}

#[tokio::test]
async fn a_server_that_stays_in_trouble_is_given_up_after_five_attempts() {
    let mailbox = Mailbox::with([Trouble::Busy; 6]);
    let mailer = Mailer::with(&by(&mailbox), QUEUE, SHORT).unwrap();
    mailer.post("ann@example.com", verify("code"));
    mailbox.connected(5).await;
    assert_eq!(mailer.flush(PATIENCE).await, 0);
    assert_eq!(mailbox.connections(), 5);
    assert_eq!((mailer.sent(), mailer.dropped()), (0, 1));
}

#[tokio::test]
async fn a_refused_address_is_given_up_at_once() {
    let mailbox = Mailbox::with([Trouble::Refuses]);
    let mailer = Mailer::with(&by(&mailbox), QUEUE, SHORT).unwrap();
    mailer.post("nobody@example.com", verify("code"));
    mailbox.connected(1).await;
    // The next one finds a server that takes it, and does not wait behind the other.
    mailer.post("ann@example.com", verify("code"));
    let _ = mailbox.wait("ann@example.com").await;
    assert_eq!(mailer.flush(PATIENCE).await, 0);
    assert_eq!(mailbox.connections(), 2);
    assert_eq!((mailer.sent(), mailer.dropped()), (1, 1));
}

#[tokio::test]
async fn mails_that_pause_keep_no_others_from_going() {
    let mailbox = Mailbox::with([Trouble::Busy; 8]);
    let mailer = Mailer::with(&by(&mailbox), QUEUE, LONG).unwrap();
    for number in 0..8 {
        mailer.post(&format!("{number}@example.com"), verify("code"));
    }
    mailbox.connected(8).await;
    mailer.post("ann@example.com", verify("code"));
    let _ = mailbox.wait("ann@example.com").await;
    assert_eq!(mailbox.all().len(), 1);
    assert_eq!(mailer.dropped(), 0);
}

#[tokio::test]
async fn the_queue_is_bounded() {
    let mailbox = Mailbox::with([Trouble::Silent; 8]);
    let mailer = Mailer::new(&by(&mailbox)).unwrap();
    for _ in 0..QUEUE {
        mailer.post("ann@example.com", verify("code"));
    }
    assert_eq!((mailer.waiting(), mailer.dropped()), (QUEUE, 0));
    mailer.post("ann@example.com", verify("code"));
    mailer.clone().post("ann@example.com", verify("code"));
    assert_eq!((mailer.waiting(), mailer.dropped()), (QUEUE, 2));
}

#[tokio::test]
async fn what_is_sent_makes_room_in_the_queue() {
    let mailbox = Mailbox::start();
    let mailer = Mailer::with(&by(&mailbox), 1, SHORT).unwrap();
    for number in 0..3 {
        let address = format!("{number}@example.com");
        mailer.post(&address, verify("code"));
        let _ = mailbox.wait(&address).await;
        while mailer.waiting() > 0 {
            tokio::task::yield_now().await;
        }
    }
    assert_eq!((mailer.sent(), mailer.dropped()), (3, 0));
}

#[tokio::test]
async fn the_end_of_the_program_hurries_what_pauses() {
    let mailbox = Mailbox::with([Trouble::Busy]);
    let mailer = Mailer::with(&by(&mailbox), QUEUE, LONG).unwrap();
    mailer.post("ann@example.com", verify("code"));
    mailbox.connected(1).await;
    assert_eq!(mailer.flush(PATIENCE).await, 0);
    assert_eq!(mailbox.mails("ann@example.com").len(), 1);
    assert_eq!(mailbox.connections(), 2);
}

#[tokio::test]
async fn the_end_of_the_program_does_not_wait_forever() {
    let mailbox = Mailbox::with([Trouble::Silent]);
    let mailer = Mailer::with(&by(&mailbox), QUEUE, LONG).unwrap();
    mailer.post("ann@example.com", verify("code"));
    mailbox.connected(1).await;
    assert_eq!(mailer.flush(Duration::from_millis(1)).await, 1);
}

#[tokio::test]
async fn without_a_way_mails_are_dropped() {
    let mailer = Mailer::with(&settings(Transport::Off), QUEUE, LONG).unwrap();
    mailer.post("ann@example.com", verify("code"));
    assert_eq!(mailer.flush(PATIENCE).await, 0);
    assert_eq!((mailer.sent(), mailer.dropped()), (0, 1));
}

#[tokio::test]
async fn wrong_settings_are_refused_and_not_repeated() {
    for url in [
        "",
        "localhost:25",
        "http://ann:hush@mail.example.com",
        "smtp://",
        "smtp://ann@mail.example.com",
        "smtp://:hush@mail.example.com",
        "smtp://ann:hush@mail.example.com?tls=maybe",
        "smtp://ann:hush@mail.example.com?ssl=hush",
        "smtps://ann:hush@mail.example.com?tls=required",
        "smtp://ann:hu/sh@mail.example.com",
    ] {
        let error = check_url(url).unwrap_err();
        assert_eq!(error.code(), Code::BadValue);
        assert!(!format!("{error} {error:?}").contains("hush"), "{error:?}");
        let error = Mailer::new(&settings(Transport::Smtp { url: secret(url) })).unwrap_err();
        assert_eq!(error.code(), Code::BadValue, "{url}");
    }
    for url in [
        "smtps://ann:hu%40sh@mail.example.com",
        "smtp://ann:hush@mail.example.com?tls=required",
        "smtp://localhost:1025",
        "smtp://[::1]:1025?tls=opportunistic",
    ] {
        assert_eq!(check_url(url), Ok(()));
        let mailer = Mailer::new(&settings(Transport::Smtp { url: secret(url) })).unwrap();
        assert!(!format!("{mailer:?}").contains("hush"));
    }
    for from in ["", "Tunes", "Tunes <>", "a@b.example\r\nBcc: eve@example.com", "a@b.example, c@d.example"] {
        assert_eq!(check_sender(from).unwrap_err().code(), Code::BadValue, "{from}");
    }
    assert_eq!(check_sender("Tunes <no-reply@tunes.example>").unwrap(), "tunes.example");
    assert_eq!(check_sender("no-reply@localhost").unwrap(), "localhost");
}

#[test]
fn a_mailer_needs_a_runtime() {
    let error = Mailer::new(&settings(Transport::Log)).unwrap_err();
    assert_eq!(error.code(), Code::Internal);
}
