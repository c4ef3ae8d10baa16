//! People with accounts: they sign up by mail, as everybody does.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::{Actor, App, Backend, Mailbox, runtime};

/// The password of everybody in tests.
pub const PASSWORD: &str = "four words nobody guesses";

/// Somebody who is signed in.
#[derive(Debug, Clone)]
pub struct Account {
    /// Their address.
    pub email: String,
    /// They, with their access token.
    pub actor: Actor,
    /// The tokens of their session.
    pub tokens: Value,
}

impl Account {
    /// Signs up and proves the address.
    pub async fn new(app: &App, mailbox: &Mailbox, name: &str) -> Self {
        let email = format!("{name}@example.com");
        let new = json!({ "email": email, "password": PASSWORD });
        let _ = app.anyone().post("/auth/sign-up", new).await.is(200);
        let code = mailbox.wait(&email).await.code.expect("a code in the mail");
        let verify = json!({ "token": code, "password": PASSWORD });
        let tokens = app.anyone().post("/auth/verify-email", verify).await.is(200).json();
        Self { actor: bearer(app, text(&tokens["accessToken"])), email, tokens }
    }

    /// Signs up and makes an organization; gives its id too.
    pub async fn owner(app: &App, mailbox: &Mailbox, name: &str) -> (Self, String) {
        let account = Self::new(app, mailbox, name).await;
        let made = account.actor.post("/auth/organizations", json!({ "name": name })).await.is(201).json();
        (account, text(&made["id"]).to_owned())
    }

    /// Their refresh token.
    #[must_use]
    pub fn refresh(&self) -> &str {
        text(&self.tokens["refreshToken"])
    }

    /// Their id.
    pub async fn id(&self) -> String {
        text(&self.actor.get("/auth/me").await.is(200).json()["user"]["id"]).to_owned()
    }
}

/// Somebody who shows a token or a key.
#[must_use]
pub fn bearer(app: &App, token: &str) -> Actor {
    app.anyone().with("authorization", &format!("Bearer {token}"))
}

/// A value that has to be a text.
#[must_use]
pub fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}"))
}

/// Asks again until something holds.
pub async fn until(holds: impl AsyncFn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !holds().await {
        assert!(Instant::now() < deadline, "it does not come to hold");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Runs a test on every engine, with a program that sends its mails to a mailbox.
pub fn with_mail(model: &str, env: &[(&str, &str)], test: impl AsyncFn(&App, &Mailbox)) {
    for backend in Backend::available() {
        runtime::block_on(async {
            println!("on {backend:?}");
            let mailbox = Mailbox::start();
            let mut builder = App::with(backend, model).env("LAUNCHWAY_MAIL__URL", &mailbox.url());
            for (name, value) in env {
                builder = builder.env(name, value);
            }
            let app = builder.start().await;
            test(&app, &mailbox).await;
        });
    }
}
