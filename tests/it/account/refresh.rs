//! Refresh tokens: each good for one use; a second use ends all that came of the first.

use futures::future::join_all;
use harness::account::PASSWORD;
use harness::{Door, json};

use super::{both, ended};

/// Uses of one token at the same time, and how often that is tried.
const AT_ONCE: usize = 20;
const ROUNDS: usize = 6;

#[test]
fn a_session_is_renewed_step_by_step() {
    both(async |app, accounts, mailbox| {
        for door in Door::ALL {
            let email = format!("{door:?}@example.com").to_lowercase();
            let first = accounts.sign_up(&email).await;
            let bystander = accounts.sign_in(&email).await;
            let renew = |token: &str| json!({ "refreshToken": token });
            let tokens = door.good(&app.anyone(), "refreshTokens", renew(&first.refresh)).await;
            let second = accounts.person(&email, &tokens).await;
            assert_ne!((&first.refresh, &first.access), (&second.refresh, &second.access));
            assert_eq!(tokens["tokenType"], "Bearer");
            let _ = first.get("/v1/notes").await.is(200);
            let tokens = door.good(&app.anyone(), "refreshTokens", renew(&second.refresh)).await;
            let third = accounts.person(&email, &tokens).await;
            // Somebody has the first one, too.
            let again = door.ask(&app.anyone(), "refreshTokens", renew(&first.refresh)).await;
            let _ = again.fails("BAD_CREDENTIALS");
            for person in [&first, &second, &third] {
                ended(app, person).await;
            }
            assert!(mailbox.wait(&email).await.code.is_none(), "the user is told");
            let _ = bystander.get("/v1/notes").await.is(200);
            for nonsense in ["", "lwr_", "x", &first.access] {
                let refused = door.ask(&app.anyone(), "refreshTokens", renew(nonsense)).await;
                let _ = refused.fails("BAD_CREDENTIALS");
            }
        }
    });
}

#[test]
fn one_of_many_at_once_is_first_and_none_goes_on() {
    both(async |app, accounts, _| {
        let anyone = app.anyone();
        for round in 0..ROUNDS {
            let email = format!("user{round}@example.com");
            let person = accounts.sign_up(&email).await;
            // The session is known already: what is remembered of it must be forgotten, too.
            let _ = person.get("/v1/notes").await.is(200);
            let body = json!({ "refreshToken": person.refresh });
            let replies = join_all((0..AT_ONCE).map(|_| anyone.post("/auth/refresh", body.clone()))).await;
            let good: Vec<_> = replies.iter().filter(|reply| reply.status == 200).collect();
            let bad = replies.iter().filter(|reply| reply.status == 401).count();
            assert!(good.len() <= 1 && good.len() + bad == AT_ONCE, "round {round}: {}", good.len());
            ended(app, &person).await;
            for reply in good {
                let tokens = reply.json();
                let access = format!("Bearer {}", tokens["accessToken"].as_str().unwrap());
                let _ = anyone.with("authorization", &access).get("/v1/notes").await.is(401);
                let next = json!({ "refreshToken": tokens["refreshToken"] });
                let _ = anyone.post("/auth/refresh", next).await.is(401).fails("BAD_CREDENTIALS");
            }
            let credentials = json!({ "email": email, "password": PASSWORD });
            let _ = anyone.post("/auth/sign-in", credentials).await.is(200);
        }
    });
}

#[test]
fn a_session_that_ends_while_it_is_asked_about_is_not_remembered() {
    both(async |_, accounts, _| {
        for round in 0..ROUNDS {
            let person = accounts.sign_up(&format!("user{round}@example.com")).await;
            let ask = async || {
                for _ in 0..10 {
                    let _ = person.get("/v1/notes").await;
                }
            };
            let out = async {
                let _ = person.post("/auth/sign-out", json!({})).await.is(200);
                // From the answer on, whatever others were asking meanwhile.
                for _ in 0..10 {
                    let _ = person.get("/v1/notes").await.is(401);
                }
            };
            let _ = futures::join!(ask(), ask(), ask(), out);
        }
    });
}
