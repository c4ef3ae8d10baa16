//! The keys that sign tokens are replaced while everybody stays signed in, on all nodes.

use std::collections::BTreeSet;

use harness::account::{PASSWORD, bearer};
use harness::{Accounts, App, Backend, Mailbox, json, runtime};
use sea_orm::{ConnectionTrait, Database};

use super::{beside, configured, program};

/// Makes the keys as if they had been made so many seconds before.
async fn age(app: &App, seconds: i64) {
    let database = Database::connect(app.database()).await.unwrap();
    let sql = format!("update launchway_signing_keys set since = since - {seconds}");
    assert!(database.execute_unprepared(&sql).await.unwrap().rows_affected() > 0);
    database.close().await.unwrap();
}

/// The ids of the keys that are published.
async fn published(app: &App) -> BTreeSet<String> {
    let set = app.anyone().get("/.well-known/jwks.json").await.is(200).json();
    let keys = set["keys"].as_array().unwrap().clone();
    assert!(keys.iter().all(|key| key.get("d").is_none() && key["alg"] == "EdDSA"), "{set}");
    keys.iter().map(|key| key["kid"].as_str().unwrap().to_owned()).collect()
}

/// The id of the key that signed a token.
fn signer(token: &str) -> String {
    jsonwebtoken::decode_header(token).unwrap().kid.unwrap()
}

/// Signs in, and gives the access token.
async fn token(app: &App) -> String {
    let body = json!({ "email": "ann@example.com", "password": PASSWORD });
    let tokens = app.anyone().post("/auth/sign-in", body).await.is(200).json();
    tokens["accessToken"].as_str().unwrap().to_owned()
}

async fn good(app: &App, token: &str) {
    let _ = bearer(app, token).get("/v1/notes").await.is(200);
}

#[test]
fn signing_keys_are_replaced_and_nobody_is_signed_out() {
    const DAY: i64 = 24 * 60 * 60;
    for backend in Backend::available() {
        runtime::block_on(async {
            println!("on {backend:?}");
            let mailbox = Mailbox::start();
            let mut app = program(backend, &mailbox, &[]).await;
            let _ = Accounts::start(&app, &mailbox).sign_up("ann@example.com").await;
            let first = token(&app).await;
            let old = signer(&first);
            assert_eq!(published(&app).await, BTreeSet::from([old.clone()]));
            // This one has read the keys before there is another, and does not read them again by itself for an hour.
            let other = beside(&app, &mailbox, &[]).await;

            age(&app, 31 * DAY).await;
            app.launch().await;
            let both = published(&app).await;
            assert_eq!(both.len(), 2, "the next key is shown before it signs");
            assert!(both.contains(&old));
            let second = token(&app).await;
            assert_eq!(signer(&second), old, "a key that was shown just now does not sign yet");

            age(&app, DAY).await;
            app.launch().await;
            assert_eq!(published(&app).await, both);
            let third = token(&app).await;
            assert!(signer(&third) != old && both.contains(&signer(&third)), "the new key signs");
            // Ids of keys that nobody has do not keep the other node from looking for this one.
            let invented = format!(
                "eyJhbGciOiJFZERTQSIsInR5cCI6ImF0K2p3dCIsImtpZCI6IngifQ.{}",
                &third[third.find('.').unwrap() + 1..]
            );
            let _ = bearer(&other, &invented).get("/v1/notes").await.is(401);
            harness::account::until(async || bearer(&other, &third).get("/v1/notes").await.status == 200)
                .await;
            for app in [&app, &other] {
                for token in [&first, &second, &third] {
                    good(app, token).await;
                }
            }
            assert_eq!(published(&other).await, both);
        });
    }
}

#[test]
fn another_secret_signs_with_keys_of_its_own_at_once() {
    for backend in Backend::available() {
        runtime::block_on(async {
            println!("on {backend:?}");
            let mailbox = Mailbox::start();
            let app = program(backend, &mailbox, &[]).await;
            let _ = Accounts::start(&app, &mailbox).sign_up("ann@example.com").await;
            let first = token(&app).await;
            let other = App::with(backend, super::MODEL).database(app.database());
            let other = configured(
                other,
                &mailbox,
                &[("LAUNCHWAY_AUTH__SECRET", "another secret, after the first was told")],
            );
            let other = other.start().await;
            let second = token(&other).await;
            assert_ne!(signer(&first), signer(&second));
            good(&other, &second).await;
            let _ = bearer(&other, &first).get("/v1/notes").await.is(401);
        });
    }
}
