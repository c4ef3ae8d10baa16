//! The life of an account: made, proved, signed in to, changed, deleted.

use harness::account::PASSWORD;
use harness::{Door, json};

use super::{both, ended};

const OTHER: &str = "another long and quiet password";

#[test]
fn an_address_is_proved_by_the_code_and_the_password_together() {
    both(async |app, accounts, _| {
        let anyone = app.anyone();
        for door in Door::ALL {
            let email = format!("{door:?}@example.com").to_lowercase();
            let credentials = json!({ "email": email, "password": PASSWORD });
            let _ = door.good(&anyone, "signUp", credentials.clone()).await;
            let code = accounts.code(&email).await;
            let _ = door.ask(&anyone, "signIn", credentials.clone()).await.fails("BAD_CREDENTIALS");
            let wrong = json!({ "token": code, "password": OTHER });
            let _ = door.ask(&anyone, "verifyEmail", wrong).await.fails("WRONG_PASSWORD");
            let reset = json!({ "token": code, "newPassword": OTHER });
            let _ = door.ask(&anyone, "resetPassword", reset).await.fails("TOKEN_INVALID");
            let _ = door.ask(&anyone, "confirmEmail", json!({ "token": code })).await.fails("TOKEN_INVALID");
            // Sent again: both codes are good, until one of them was used.
            let _ = door.good(&anyone, "resendVerification", json!({ "email": email })).await;
            let later = accounts.code(&email).await;
            assert_ne!(code, later);
            let proof = |code: &str| json!({ "token": code, "password": PASSWORD });
            let tokens = door.good(&anyone, "verifyEmail", proof(&code)).await;
            assert_eq!(tokens["tokenType"], "Bearer");
            for code in [&code, &later] {
                let _ = door.ask(&anyone, "verifyEmail", proof(code)).await.fails("TOKEN_INVALID");
            }
            let person = accounts.person(&email, &tokens).await;
            let _ = person.get("/v1/notes").await.is(200);
            let _ = door.good(&anyone, "signIn", credentials).await;
        }
    });
}

#[test]
fn the_password_is_the_one_that_was_chosen_with_the_code() {
    both(async |app, accounts, _| {
        let anyone = app.anyone();
        let email = "victim@example.com";
        // Somebody else signs up with the address first; its owner does so too, and clicks on what came.
        let _ = anyone.post("/auth/sign-up", json!({ "email": email, "password": OTHER })).await.is(200);
        let theirs = accounts.code(email).await;
        let _ = anyone.post("/auth/sign-up", json!({ "email": email, "password": PASSWORD })).await.is(200);
        let own = accounts.code(email).await;
        let mixed = json!({ "token": theirs, "password": PASSWORD });
        let _ = anyone.post("/auth/verify-email", mixed).await.is(403).fails("WRONG_PASSWORD");
        let _ =
            anyone.post("/auth/verify-email", json!({ "token": own, "password": PASSWORD })).await.is(200);
        let credentials = json!({ "email": email, "password": OTHER });
        let _ = anyone.post("/auth/sign-in", credentials).await.is(401).fails("BAD_CREDENTIALS");
        let late = json!({ "token": theirs, "password": OTHER });
        let _ = anyone.post("/auth/verify-email", late).await.is(422).fails("TOKEN_INVALID");
    });
}

#[test]
fn sessions_are_listed_and_end_at_once() {
    both(async |app, accounts, _| {
        let bob = accounts.sign_up("bob@example.com").await;
        let theirs = bob.get("/v1/authSessions").await.is(200).json();
        let theirs = theirs["data"][0]["id"].as_str().unwrap().to_owned();
        for door in Door::ALL {
            let email = format!("{door:?}@example.com").to_lowercase();
            let first = accounts.sign_up(&email).await;
            let second = accounts.sign_in(&email).await;
            let third = accounts.sign_in(&email).await;
            let mine = second.get("/auth/me").await.is(200).json()["session"].clone();
            let listed = first.get("/v1/authSessions").await.is(200).json();
            let listed: Vec<_> =
                listed["data"].as_array().unwrap().iter().map(|row| row["id"].clone()).collect();
            let query = "{ authSessions { totalCount nodes { id method address } } }";
            let asked = first.graphql(query).await.data();
            assert_eq!((asked["authSessions"]["totalCount"].clone(), listed.len()), (json!(3), 3));
            assert!(listed.contains(&mine) && !listed.contains(&json!(theirs)), "{listed:?}");
            for wrong in [theirs.as_str(), "0190b5a4-7e8f-7c3d-8a21-5f6e7d8c9b0a"] {
                let _ = door.ask(&first, "revokeSession", json!({ "id": wrong })).await.fails("NOT_FOUND");
            }
            let _ = door.good(&first, "revokeSession", json!({ "id": mine })).await;
            ended(app, &second).await;
            let _ = door.good(&third, "signOut", json!({})).await;
            ended(app, &third).await;
            let _ = first.get("/v1/notes").await.is(200);
            let fourth = accounts.sign_in(&email).await;
            let _ = door.good(&first, "signOut", json!({ "everywhere": true })).await;
            ended(app, &first).await;
            ended(app, &fourth).await;
        }
        let _ = bob.get("/v1/notes").await.is(200);
    });
}

#[test]
fn another_password_ends_other_sessions() {
    both(async |app, accounts, mailbox| {
        for door in Door::ALL {
            let email = format!("{door:?}@example.com").to_lowercase();
            let person = accounts.sign_up(&email).await;
            let elsewhere = accounts.sign_in(&email).await;
            let _ = door.good(&app.anyone(), "forgotPassword", json!({ "email": email })).await;
            let forgotten = accounts.code(&email).await;
            let change = |old: &str, new: &str| json!({ "password": old, "newPassword": new });
            let _ = door.ask(&person, "changePassword", change(OTHER, OTHER)).await.fails("WRONG_PASSWORD");
            let weak = door.ask(&person, "changePassword", change(PASSWORD, "password1")).await;
            let _ = weak.fails("WEAK_PASSWORD").says("newPassword");
            let _ = person.get("/v1/notes").await.is(200);
            let _ = elsewhere.get("/v1/notes").await.is(200);
            let _ = door.good(&person, "changePassword", change(PASSWORD, OTHER)).await;
            let _ = person.get("/v1/notes").await.is(200);
            ended(app, &elsewhere).await;
            assert!(mailbox.wait(&email).await.code.is_none(), "the user is told");
            let old = json!({ "email": email, "password": PASSWORD });
            let _ = door.ask(&app.anyone(), "signIn", old).await.fails("BAD_CREDENTIALS");
            let new = json!({ "email": email, "password": OTHER });
            let _ = door.good(&app.anyone(), "signIn", new).await;
            // A code that was asked for before is not good any more.
            let late = json!({ "token": forgotten, "newPassword": PASSWORD });
            let _ = door.ask(&app.anyone(), "resetPassword", late).await.fails("TOKEN_INVALID");
        }
    });
}

#[test]
fn a_forgotten_password_is_replaced_once() {
    both(async |app, accounts, mailbox| {
        for door in Door::ALL {
            let email = format!("{door:?}@example.com").to_lowercase();
            let person = accounts.sign_up(&email).await;
            let mut codes = Vec::new();
            for _ in 0..2 {
                let _ = door.good(&app.anyone(), "forgotPassword", json!({ "email": email })).await;
                codes.push(accounts.code(&email).await);
            }
            let reset = |code: &str, new: &str| json!({ "token": code, "newPassword": new });
            let weak = door.ask(&app.anyone(), "resetPassword", reset(&codes[1], "12345678")).await;
            let _ = weak.fails("WEAK_PASSWORD");
            let done = door.good(&app.anyone(), "resetPassword", reset(&codes[1], OTHER)).await;
            assert!(done.get("accessToken").is_none(), "a second factor stays: {done}");
            ended(app, &person).await;
            assert!(mailbox.wait(&email).await.code.is_none(), "the user is told");
            for code in &codes {
                let again = door.ask(&app.anyone(), "resetPassword", reset(code, PASSWORD)).await;
                let _ = again.fails("TOKEN_INVALID");
            }
            let new = json!({ "email": email, "password": OTHER });
            let _ = door.good(&app.anyone(), "signIn", new).await;
        }
    });
}

#[test]
fn another_address_is_proved_and_the_old_one_is_told() {
    both(async |app, accounts, mailbox| {
        for door in Door::ALL {
            let (old, new) = (format!("old.{door:?}@example.com"), format!("New.{door:?}@Example.com"));
            let (old, kept) = (old.to_lowercase(), new.to_lowercase());
            let person = accounts.sign_up(&old).await;
            let ask = |password: &str| json!({ "email": new, "password": password });
            let _ = door.ask(&person, "changeEmail", ask(OTHER)).await.fails("WRONG_PASSWORD");
            let typo = format!("typo.{kept}");
            let _ = door.good(&person, "changeEmail", json!({ "email": typo, "password": PASSWORD })).await;
            let mistyped = accounts.code(&typo).await;
            let _ = door.good(&person, "changeEmail", ask(PASSWORD)).await;
            let code = accounts.code(&kept).await;
            let _ = door.good(&app.anyone(), "forgotPassword", json!({ "email": old })).await;
            let forgotten = accounts.code(&old).await;
            let me = person.get("/auth/me").await.is(200).json();
            assert_eq!(me["user"]["email"], json!(old), "not before it is proved");
            let _ = door.good(&app.anyone(), "confirmEmail", json!({ "token": code })).await;
            // Neither the same code again, nor the one that a stranger got.
            for stale in [&code, &mistyped] {
                let again = door.ask(&app.anyone(), "confirmEmail", json!({ "token": stale })).await;
                let _ = again.fails("TOKEN_INVALID");
            }
            assert!(mailbox.wait(&old).await.text.contains(&kept), "the old address is told");
            let me = person.get("/auth/me").await.is(200).json();
            assert_eq!(me["user"]["email"], json!(kept));
            let _ = accounts.sign_in(&kept).await;
            let stale = json!({ "email": old, "password": PASSWORD });
            let _ = door.ask(&app.anyone(), "signIn", stale).await.fails("BAD_CREDENTIALS");
            let late = json!({ "token": forgotten, "newPassword": OTHER });
            let _ = door.ask(&app.anyone(), "resetPassword", late).await.fails("TOKEN_INVALID");
        }
    });
}

#[test]
fn an_account_is_deleted_when_nothing_refers_to_it() {
    both(async |app, accounts, _| {
        for door in Door::ALL {
            let email = format!("{door:?}@example.com").to_lowercase();
            let person = accounts.sign_up(&email).await;
            let password = json!({ "password": PASSWORD });
            let _ = door
                .ask(&person, "deleteAccount", json!({ "password": OTHER }))
                .await
                .fails("WRONG_PASSWORD");
            let note = person.post("/v1/notes", json!({ "text": "mine" })).await.is(201).json();
            let held = door.ask(&person, "deleteAccount", password.clone()).await;
            let _ = held.fails("FOREIGN_KEY_VIOLATION").says("onDelete");
            let _ = person.get("/v1/notes").await.is(200);
            let _ = accounts.sign_in(&email).await;
            let _ = person.delete(&format!("/v1/notes/{}", note["id"].as_str().unwrap())).await.good();

            let _ = door.good(&person, "createOrganization", json!({ "name": "firm" })).await;
            let _ = door.ask(&person, "deleteAccount", password.clone()).await.fails("LAST_OWNER");
            let _ = door.good(&person, "deleteOrganization", password.clone()).await;
            let _ = door.good(&person, "deleteAccount", password).await;
            ended(app, &person).await;
            let credentials = json!({ "email": email, "password": PASSWORD });
            let _ = door.ask(&app.anyone(), "signIn", credentials).await.fails("BAD_CREDENTIALS");
            // The address is free again, and the new account is another one.
            let anew = accounts.sign_up(&email).await;
            assert_ne!(anew.id, person.id);
        }
    });
}
