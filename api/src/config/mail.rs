//! `[mail]`: how mail to users is sent, and what it says about the product.

use std::net::Ipv4Addr;

use serde::Deserialize;
use service::mail;
use url::Url;

use super::Mode;
use super::unit::Secret;

/// How mail to users is sent.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mail {
    /// The mail server, `smtps://…` or `smtp://…`; may hold a password. Empty for none.
    pub url: Secret,
    /// Who sends: `Name <name@example.com>`, or the address alone.
    pub from: String,
    /// The name of the product, in subjects and texts.
    pub product: String,
    /// The product's web site, which the links in mails lead to; empty for mails with codes alone.
    pub app_url: String,
}

impl Mail {
    /// Those the mailer keeps. Without a mail server, development writes mails to the log, codes included; production
    /// sends none.
    #[must_use]
    pub fn mailer(&self, mode: Mode) -> mail::Settings {
        let transport = match (self.url.is_empty(), mode) {
            (false, _) => mail::Transport::Smtp { url: self.url.reveal().into() },
            (true, Mode::Development) => mail::Transport::Log,
            (true, Mode::Production) => mail::Transport::Off,
        };
        mail::Settings {
            transport,
            from: self.from.clone(),
            product: self.product.clone(),
            app_url: self.site(),
        }
    }

    /// The product's web site: an address of the web that something can be added to.
    pub(super) fn site(&self) -> Option<Url> {
        Url::parse(&self.app_url).ok().filter(|url| {
            matches!(url.scheme(), "http" | "https")
                && url.query().is_none()
                && url.fragment().is_none()
                && url.username().is_empty()
                && url.password().is_none()
        })
    }

    /// Whether a password for the mail server may be read by others on its way there.
    pub(super) fn tells_its_password(&self) -> bool {
        Url::parse(self.url.reveal()).is_ok_and(|url| {
            let local = match url.host() {
                // Of a scheme that is not the web's, an address of the fourth version is a name too.
                Some(url::Host::Domain(name)) => {
                    name == "localhost" || name.parse().is_ok_and(|address: Ipv4Addr| address.is_loopback())
                }
                Some(url::Host::Ipv4(address)) => address.is_loopback(),
                Some(url::Host::Ipv6(address)) => address.is_loopback(),
                None => false,
            };
            let encrypted = url.query_pairs().any(|(name, value)| name == "tls" && value == "required");
            url.scheme() == "smtp" && url.password().is_some() && !encrypted && !local
        })
    }
}

#[cfg(test)]
mod tests {
    use service::mail::Transport;

    use super::super::{Config, Mode};
    use super::{Mail, Secret};

    fn mail(url: &str, app_url: &str) -> Mail {
        Mail { url: Secret::new(url), app_url: app_url.to_owned(), ..Config::default().mail }
    }

    #[test]
    fn without_a_server_only_development_writes_codes_to_the_log() {
        let mail = mail("", "");
        assert!(matches!(mail.mailer(Mode::Development).transport, Transport::Log));
        assert!(matches!(mail.mailer(Mode::Production).transport, Transport::Off));
    }

    #[tokio::test]
    async fn the_settings_make_a_mailer() {
        let mail = mail("smtp://ann:hush@mail.example?tls=required", "https://tunes.example/app");
        for mode in [Mode::Development, Mode::Production] {
            let settings = mail.mailer(mode);
            assert!(matches!(settings.transport, Transport::Smtp { .. }));
            assert_eq!(settings.app_url.as_ref().map(url::Url::as_str), Some("https://tunes.example/app"));
            let mailer = service::mail::Mailer::new(&settings);
            assert!(mailer.is_ok() && !format!("{settings:?} {mailer:?}").contains("hush"));
        }
        assert!(service::mail::Mailer::new(&Config::default().mail.mailer(Mode::Development)).is_ok());
    }

    #[test]
    fn a_password_in_the_clear_is_noticed() {
        for (url, told) in [
            ("smtp://ann:hush@mail.example", true),
            ("smtp://ann:hush@192.0.2.1:25", true),
            ("smtp://ann:hush@mail.example?tls=opportunistic", true),
            ("smtp://ann:hush@mail.example?tls=required", false),
            ("smtps://ann:hush@mail.example", false),
            ("smtp://ann:hush@localhost:25", false),
            ("smtp://ann:hush@127.0.0.1:25", false),
            ("smtp://ann:hush@[::1]:25", false),
            ("smtp://ann:hush@127.evil.example", true),
            ("smtp://mail.example", false),
        ] {
            assert_eq!(mail(url, "").tells_its_password(), told, "{url}");
        }
    }
}
