//! What mails say, as text and as HTML.

use super::super::wording::Wording;
use super::{Message, secret};

const TOKEN: &str = "lw_v_3kYx+9/=&?";

fn every() -> Vec<Message> {
    vec![
        Message::VerifyEmail { token: secret(TOKEN) },
        Message::ResetPassword { token: secret(TOKEN) },
        Message::ChangeEmail { token: secret(TOKEN) },
        Message::EmailChanged { to: "ann.new@example.com".to_owned() },
        Message::PasswordChanged,
        Message::AccountExists,
        invitation("Acme", "Ann Archer", "member"),
        Message::IdentityLinked { provider: "Google".to_owned() },
        Message::RefreshReused,
    ]
}

fn invitation(organization: &str, inviter: &str, role: &str) -> Message {
    Message::Invitation {
        organization: organization.to_owned(),
        inviter: inviter.to_owned(),
        role: role.to_owned(),
        token: secret(TOKEN),
    }
}

fn wording(app_url: Option<&str>) -> Wording {
    Wording::new("Tunes", app_url.map(|url| url.parse().unwrap()))
}

#[test]
fn each_message_with_links() {
    for message in every() {
        let letter = message.letter(&wording(Some("https://tunes.example/app/")));
        let html = letter.html.replace("><", ">\n<");
        let said = format!("{}\n---\n{}---\n{html}", letter.subject, letter.text);
        insta::assert_snapshot!(format!("{}_with_links", message.kind()), said);
    }
}

#[test]
fn each_message_without_a_web_site() {
    for message in every() {
        let letter = message.letter(&wording(None));
        let html = letter.html.replace("><", ">\n<");
        let said = format!("{}\n---\n{}---\n{html}", letter.subject, letter.text);
        assert!(!said.contains("://"), "there is no place to link to: {said}");
        insta::assert_snapshot!(format!("{}_without_links", message.kind()), said);
    }
}

#[test]
fn links_stay_below_the_web_sites_path() {
    for (site, link) in [
        ("https://tunes.example", "https://tunes.example/verify-email?token=t"),
        ("https://tunes.example/", "https://tunes.example/verify-email?token=t"),
        ("http://localhost:3000/a/b", "http://localhost:3000/a/b/verify-email?token=t"),
    ] {
        let letter = super::verify("t").letter(&wording(Some(site)));
        assert!(letter.text.contains(&format!("\n    {link}\n")), "{}", letter.text);
        assert!(letter.html.contains(&format!("href=\"{link}\"")), "{}", letter.html);
    }
}

#[test]
fn names_of_users_are_no_html_no_links_and_no_headers() {
    let message = invitation(
        "<script>alert(1)</script>\r\nBcc: all@example.com",
        "\"><a href='https://evil.example/win'>www.evil.example</a>\u{202e}",
        "owner\n\n    lw_forged_code\n\n",
    );
    let letter = message.letter(&wording(None));
    assert!(!letter.subject.contains(['\r', '\n']), "{:?}", letter.subject);
    for part in [&letter.subject, &letter.text, &letter.html] {
        assert!(
            !part.contains("evil.example") && !part.contains("://") && !part.contains('\u{202e}'),
            "{part}"
        );
    }
    assert!(!letter.html.contains("<script") && !letter.html.contains("<a "), "{}", letter.html);
    assert!(letter.html.contains("&lt;script&gt;"), "{}", letter.html);
    let codes: Vec<&str> = letter.text.lines().filter(|line| line.starts_with("    ")).collect();
    assert_eq!(codes, [format!("    {TOKEN}")], "a name makes no line of its own");
}

#[test]
fn names_of_users_are_bounded_everywhere() {
    let long = "x".repeat(1_000_000);
    for message in [
        invitation(&long, &long, &long),
        Message::IdentityLinked { provider: long.clone() },
        Message::EmailChanged { to: long.clone() },
    ] {
        let letter = message.bounded().letter(&wording(None));
        assert!(letter.subject.chars().count() < 200, "{}", letter.subject);
        assert!(letter.text.chars().count() < 1500, "{}", letter.text);
    }
    let Message::EmailChanged { to } = (Message::EmailChanged { to: "é".repeat(5000) }).bounded() else {
        unreachable!("it stays what it is")
    };
    assert!(to.len() <= 1024 && to.capacity() <= 1024);
}

#[test]
fn the_product_keeps_its_dots() {
    let letter = Message::PasswordChanged.letter(&Wording::new("Tunes.fm\r\n", None));
    assert_eq!(letter.subject, "Your password for Tunes.fm was changed");
}
