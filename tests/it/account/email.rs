//! Addresses: one account for all ways to write one; and mails, which say nothing that a request could make them say.

use harness::account::PASSWORD;
use harness::{Door, json};

use super::{both, with};

#[test]
fn letters_and_forms_of_an_address_are_one_account() {
    both(async |app, accounts, mailbox| {
        let anyone = app.anyone();
        let ann = accounts.sign_up("ann@example.com").await;
        for written in ["Ann@Example.COM", "  ann@example.com ", "\u{ff21}nn@example.com", "ann@EXAMPLE.com"]
        {
            let credentials = json!({ "email": written, "password": PASSWORD });
            let tokens = anyone.post("/auth/sign-in", credentials).await.is(200).json();
            assert_eq!(accounts.person("ann@example.com", &tokens).await.id, ann.id, "{written}");
            let _ =
                anyone.post("/auth/sign-up", json!({ "email": written, "password": PASSWORD })).await.is(200);
            let told = mailbox.wait("ann@example.com").await;
            assert!(told.code.is_none(), "no second account:\n{}", told.text);
        }
        for wrong in [
            "",
            "ann",
            "ann@",
            "@example.com",
            "a b@example.com",
            "ann@example.com\r\nBcc: x@example.com",
            "ann@example.com, bob@example.com",
        ] {
            let body = json!({ "email": wrong, "password": PASSWORD });
            let _ = anyone.post("/auth/sign-up", body.clone()).await.is(422).fails("BAD_VALUE");
            let _ = anyone.post("/auth/sign-in", body).await.is(401).fails("BAD_CREDENTIALS");
            let _ = anyone.post("/auth/password/forgot", json!({ "email": wrong })).await.is(422);
        }
    });
}

#[test]
fn mails_go_to_the_address_and_lead_where_the_settings_say() {
    for site in ["https://app.example.com", ""] {
        with(&[("LAUNCHWAY_MAIL__APP_URL", site)], async |app, accounts, mailbox| {
            let evil = app
                .anyone()
                .with("host", "evil.example")
                .with("x-forwarded-host", "evil.example")
                .with("x-forwarded-proto", "evil")
                .with("forwarded", "host=evil.example")
                .with("origin", "https://evil.example")
                .with("referer", "https://evil.example/");
            let email = "Ann@Example.com";
            let _ = evil.post("/auth/sign-up", json!({ "email": email, "password": PASSWORD })).await.is(200);
            let code = accounts.code("ann@example.com").await;
            let _ =
                evil.post("/auth/verify-email", json!({ "token": code, "password": PASSWORD })).await.is(200);
            let _ = evil.post("/auth/password/forgot", json!({ "email": email })).await.is(200);
            let _ = accounts.code("ann@example.com").await;
            let ann = accounts.sign_in("ann@example.com").await;
            let cross = ann.with("host", "evil.example").with("x-forwarded-host", "evil.example");
            let _ = cross.post("/auth/organizations", json!({ "name": "firm" })).await.is(201);
            let invitation = json!({ "email": "bob@example.com", "role": "member" });
            let _ = cross.post("/auth/invitations", invitation).await.is(201);
            let _ = accounts.code("bob@example.com").await;
            let change = json!({ "email": "ann2@example.com", "password": PASSWORD });
            let _ = cross.post("/auth/email", change).await.is(200);
            let _ = accounts.code("ann2@example.com").await;
            let all = mailbox.all();
            assert_eq!(all.len(), 4);
            for mail in all {
                assert!(!mail.raw.contains("evil") && !mail.text.contains("evil"), "{}", mail.raw);
                let leads =
                    mail.link.as_deref().is_some_and(|link| link.starts_with("https://app.example.com/"));
                assert_eq!(leads, !site.is_empty(), "{}", mail.text);
            }
        });
    }
}

#[test]
fn a_code_is_for_one_purpose() {
    both(async |app, accounts, _| {
        let (ann, _) = accounts.owner("ann@example.com").await;
        let anyone = app.anyone();
        let bob = accounts.sign_up("bob@example.com").await;
        let _ = anyone
            .post("/auth/sign-up", json!({ "email": "new@example.com", "password": PASSWORD }))
            .await
            .is(200);
        let verify = accounts.code("new@example.com").await;
        let _ = anyone.post("/auth/password/forgot", json!({ "email": ann.email })).await.is(200);
        let reset = accounts.code(&ann.email).await;
        let _ = ann
            .post("/auth/email", json!({ "email": "ann2@example.com", "password": PASSWORD }))
            .await
            .is(200);
        let change = accounts.code("ann2@example.com").await;
        let _ = ann.post("/auth/invitations", json!({ "email": bob.email, "role": "member" })).await.is(201);
        let invitation = accounts.code(&bob.email).await;
        let device = accounts.sign_in(&bob.email).await.device;
        let secrets = [&verify, &reset, &change, &invitation, &device, &bob.refresh, &bob.access];
        for door in Door::ALL {
            for (own, name) in [
                (&verify, "verifyEmail"),
                (&reset, "resetPassword"),
                (&change, "confirmEmail"),
                (&invitation, "acceptInvitation"),
            ] {
                for secret in secrets.iter().filter(|secret| **secret != own) {
                    let input = match name {
                        "verifyEmail" => json!({ "token": secret, "password": PASSWORD }),
                        "resetPassword" => {
                            json!({ "token": secret, "newPassword": "another long and quiet password" })
                        }
                        _ => json!({ "token": secret }),
                    };
                    let _ = door.ask(&bob, name, input).await.fails("TOKEN_INVALID");
                }
            }
            for secret in secrets.iter().filter(|secret| **secret != &bob.refresh) {
                let refused = door.ask(&anyone, "refreshTokens", json!({ "refreshToken": secret })).await;
                let _ = refused.fails("BAD_CREDENTIALS");
            }
        }
        // Not one of them was used up by being shown at the wrong place.
        let _ =
            anyone.post("/auth/verify-email", json!({ "token": verify, "password": PASSWORD })).await.is(200);
        let _ = bob.post("/auth/invitations/accept", json!({ "token": invitation })).await.is(200);
        let _ = anyone.post("/auth/email/confirm", json!({ "token": change })).await.is(200);
        let _ = anyone.post("/auth/refresh", json!({ "refreshToken": bob.refresh })).await.is(200);
    });
}
