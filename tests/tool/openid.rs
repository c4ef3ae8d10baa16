//! An OpenID provider that other people wrote (the npm package `oidc-provider`), and the browser that goes there.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use harness::{runtime, watchdog};
use reqwest::header::{COOKIE, LOCATION, SET_COOKIE};
use reqwest::{Client, Url};
use secrecy::SecretString;
use service::Code;
use service::outside::{Client as Http, OutsideIdentity, Provider, ProviderSettings};
use tempfile::TempDir;

use crate::install;

/// More redirects than any sign-in needs.
const MOST_STEPS: usize = 20;

/// What the provider is told.
#[derive(Debug, Clone, Copy)]
pub struct Account<'a> {
    /// Whom it signs in where there is no `login_hint`.
    pub subject: &'a str,
    /// Their address.
    pub email: &'a str,
    /// Whether it says that the address is theirs.
    pub email_verified: bool,
    /// Whether the address is only at the UserInfo endpoint, as its authors advise, and not in the ID token.
    pub only_userinfo: bool,
}

/// A provider on a free port, with one client, until it is dropped.
#[derive(Debug)]
pub struct OpenIdProvider {
    /// Its issuer.
    pub issuer: String,
    child: Child,
    _said: TempDir,
}

impl OpenIdProvider {
    /// What it calls its client.
    pub const CLIENT_ID: &str = "client";
    /// What proves that one is that, with what has to be encoded on the way.
    pub const CLIENT_SECRET: &str = "a secret with : + % and &";

    /// Starts one that sends browsers back to this address; none where there is no Node.js, which was then said once.
    pub async fn start(redirect_uri: &str, account: Account<'_>) -> Option<Self> {
        let folder = install::open_id()?;
        let script = std::fs::read_to_string(install::here().join("oidc/provider.mjs")).expect("the script");
        let said = tempfile::tempdir().expect("a temporary folder");
        let path = said.path().join("said");
        let yes = |yes: bool| if yes { "yes" } else { "no" };
        let mut child = Command::new("node")
            .args(["--input-type=module", "--eval", &script])
            .current_dir(folder)
            .envs([
                ("OIDC_REDIRECT_URI", redirect_uri),
                ("OIDC_CLIENT_ID", Self::CLIENT_ID),
                ("OIDC_CLIENT_SECRET", Self::CLIENT_SECRET),
                ("OIDC_SUBJECT", account.subject),
                ("OIDC_EMAIL", account.email),
                ("OIDC_EMAIL_VERIFIED", yes(account.email_verified)),
                ("OIDC_USERINFO", yes(account.only_userinfo)),
            ])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(File::create(&path).expect("a file for what it says"))
            .spawn()
            .expect("Node.js starts");
        watchdog::watch(child.id());
        // One line, when it listens; none when it ended instead.
        let mut issuer = String::new();
        let out = child.stdout.take().expect("its output");
        let read = BufReader::new(out).read_line(&mut issuer);
        let provider = Self { issuer: issuer.trim().to_owned(), child, _said: said };
        let complaints = || std::fs::read_to_string(&path).unwrap_or_default();
        assert!(read.is_ok() && provider.issuer.starts_with("http"), "it does not start:\n{}", complaints());
        let address = format!("{}/.well-known/openid-configuration", provider.issuer);
        let status = browser().get(address).send().await.map(|reply| reply.status().as_u16());
        assert_eq!(status.ok(), Some(200), "it does not say what it is:\n{}", complaints());
        Some(provider)
    }
}

impl Drop for OpenIdProvider {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        watchdog::release(self.child.id());
    }
}

fn browser() -> Client {
    let builder = Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy();
    builder.build().expect("a client")
}

/// A cookie, for the paths that begin with its own.
#[derive(Debug)]
struct Cookie {
    path: String,
    name: String,
    value: String,
}

impl Cookie {
    /// As a `Set-Cookie` says it; one that has expired has no value.
    fn read(text: &str) -> Self {
        let mut parts = text.split(';').map(str::trim);
        let (name, value) = parts.next().and_then(|pair| pair.split_once('=')).unwrap_or_default();
        let path = parts.find_map(|part| part.strip_prefix("path=").or_else(|| part.strip_prefix("Path=")));
        Self { path: path.unwrap_or("/").to_owned(), name: name.to_owned(), value: value.to_owned() }
    }
}

/// Plays the browser: follows the redirects from an address, with cookies, up to `redirect_uri`, and gives back the
/// address with which the browser would come back.
pub async fn follow(start: &Url, redirect_uri: &str) -> Url {
    let (browser, mut cookies, mut url) = (browser(), Vec::<Cookie>::new(), start.clone());
    for _ in 0..MOST_STEPS {
        if url.as_str().starts_with(redirect_uri) {
            return url;
        }
        let sent: Vec<String> = cookies
            .iter()
            .filter(|cookie| url.path().starts_with(&cookie.path))
            .map(|cookie| format!("{}={}", cookie.name, cookie.value))
            .collect();
        let reply = browser.get(url.clone()).header(COOKIE, sent.join("; ")).send().await.expect("an answer");
        for text in reply.headers().get_all(SET_COOKIE) {
            let cookie = Cookie::read(text.to_str().expect("a cookie"));
            cookies.retain(|known| (&known.name, &known.path) != (&cookie.name, &cookie.path));
            if !cookie.value.is_empty() {
                cookies.push(cookie);
            }
        }
        let next = reply.headers().get(LOCATION).map(|next| next.to_str().expect("an address").to_owned());
        let Some(next) = next else {
            let status = reply.status();
            panic!("{url} is no redirect: {status}\n{}", reply.text().await.unwrap_or_default());
        };
        url = url.join(&next).expect("an address");
    }
    panic!("the redirects do not end; the last leads to {url}");
}

const BACK: &str = "http://127.0.0.1:9/back";

/// Nobody is at the address to come back to: the browser does not go there.
async fn sign_in(account: Account<'_>, hint: Option<&str>) -> Option<OutsideIdentity> {
    let server = OpenIdProvider::start(BACK, account).await?;
    let secret = SecretString::from(OpenIdProvider::CLIENT_SECRET);
    let settings =
        ProviderSettings::open_id("mine", server.issuer.as_str(), OpenIdProvider::CLIENT_ID, secret);
    let provider = Provider::new(settings, Http::new(true).expect("a client")).expect("a provider");
    let mut begun = provider.begin(BACK).await.expect("a sign-in begins");
    if let Some(hint) = hint {
        begun.url.query_pairs_mut().append_pair("login_hint", hint);
    }
    let back = follow(&begun.url, BACK).await;
    let field = |name: &str| {
        back.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned()).expect("a field")
    };
    assert_eq!(field("state"), begun.state);
    let (code, issuer) = (field("code"), field("iss"));
    let finish = || provider.finish(BACK, &code, Some(&issuer), &begun.nonce, &begun.verifier);
    let identity = finish().await.expect("a sign-in ends");
    let again = finish().await.expect_err("a code is good once");
    assert_eq!(again.code(), Code::ProviderFailed);
    assert_eq!(identity.issuer, server.issuer);
    Some(identity)
}

#[test]
fn a_sign_in_with_the_address_at_the_userinfo_endpoint() {
    runtime::block_on(async {
        let account =
            Account { subject: "ann", email: "ann@example.com", email_verified: true, only_userinfo: true };
        let Some(identity) = sign_in(account, None).await else { return };
        assert_eq!((identity.subject.as_str(), identity.name.as_deref()), ("ann", Some("ann")));
        assert_eq!((identity.email.as_deref(), identity.email_verified), (Some("ann@example.com"), true));
    });
}

#[test]
fn a_sign_in_with_the_address_in_the_id_token() {
    runtime::block_on(async {
        let account =
            Account { subject: "ann", email: "bob@example.com", email_verified: false, only_userinfo: false };
        let Some(identity) = sign_in(account, Some("bob")).await else { return };
        assert_eq!(identity.subject, "bob");
        assert_eq!((identity.email.as_deref(), identity.email_verified), (Some("bob@example.com"), false));
    });
}
