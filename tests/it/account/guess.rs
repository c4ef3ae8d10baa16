//! Guessing is slow, whatever it hides behind; and whoever is attacked is not locked out.

use harness::account::{PASSWORD, mutation, until};
use harness::{Actor, Door, Response, json};

use super::{both, with};

const OTHER: &str = "another long and quiet password";

/// The guesses that are looked at at once; after them one each minute, which makes ten in five minutes.
const GUESSES: usize = 5;

async fn guess(actor: &Actor, email: &str, password: &str) -> Response {
    actor.post("/auth/sign-in", json!({ "email": email, "password": password })).await
}

#[track_caller]
fn limited(reply: &Response) {
    assert_eq!(reply.status, 429, "{}", reply.whole());
    let wait: u64 = reply.header("retry-after").parse().unwrap();
    assert!((1..=300).contains(&wait), "{}", reply.whole());
}

#[test]
fn a_few_guesses_from_wherever_and_the_account_waits() {
    with(&[("LAUNCHWAY_SERVER__TRUSTED_PROXIES", "[\"127.0.0.0/8\"]")], async |app, accounts, _| {
        let ann = accounts.sign_up("ann@example.com").await;
        let spelled = ["ann@example.com", "ANN@example.com", " ann@example.com ", "\u{ff21}nn@example.com"];
        for number in 0..GUESSES {
            let asker = app.anyone().with("x-forwarded-for", &format!("198.51.100.{number}"));
            let email = spelled[number % spelled.len()];
            let _ = guess(&asker, email, &format!("guess {number}")).await.is(401).fails("BAD_CREDENTIALS");
        }
        for (number, email) in spelled.into_iter().enumerate() {
            let asker = app.anyone().with("x-forwarded-for", &format!("203.0.113.{number}"));
            limited(&guess(&asker, email, "guess").await);
        }
        // The right password tells nothing either.
        limited(&guess(&app.anyone(), "ann@example.com", PASSWORD).await);
        let _ = ann.get("/v1/notes").await.is(200);
        // An address without an account is limited in the same way.
        for _ in 0..GUESSES {
            let _ = guess(&app.anyone(), "nobody@example.com", "guess").await.is(401);
        }
        limited(&guess(&app.anyone(), "nobody@example.com", "guess").await);
    });
}

#[test]
fn aliases_and_batches_count_one_by_one() {
    let settings = [
        ("LAUNCHWAY_GRAPHQL__ALIASES", "2000"),
        ("LAUNCHWAY_GRAPHQL__TOKENS", "50000"),
        ("LAUNCHWAY_GRAPHQL__DOCUMENT", "1MB"),
        ("LAUNCHWAY_GRAPHQL__BATCH", "10"),
        ("LAUNCHWAY_LIMITS__FIELDS", "10000"),
    ];
    with(&settings, async |app, accounts, _| {
        let _ = accounts.sign_up("ann@example.com").await;
        let _ = accounts.sign_up("bob@example.com").await;
        let count = |reply: &Response, code: &str| reply.text().matches(code).count();
        let sign_in = |alias: usize, email: &str| {
            let given = json!({ "email": email, "password": format!("guess {alias}") });
            format!("a{alias}: {}", mutation("signIn", &given, "accessToken"))
        };
        let all: Vec<String> = (0..1_000).map(|alias| sign_in(alias, "ann@example.com")).collect();
        let reply = app.anyone().graphql(&format!("mutation {{ {} }}", all.join(" "))).await;
        assert_eq!(count(&reply, "\"BAD_CREDENTIALS\""), GUESSES, "{}", reply.whole());
        assert_eq!(count(&reply, "\"RATE_LIMITED\""), 1_000 - GUESSES, "{}", reply.whole());
        limited(&guess(&app.anyone(), "ann@example.com", PASSWORD).await);

        let batch: Vec<_> = (0..3)
            .map(|alias| json!({ "query": format!("mutation {{ {} }}", sign_in(alias, "bob@example.com")) }))
            .collect();
        let first = app.anyone().post("/graphql", json!(batch)).await;
        assert_eq!(count(&first, "\"BAD_CREDENTIALS\""), 3, "{}", first.whole());
        let second = app.anyone().post("/graphql", json!(batch)).await;
        assert_eq!(count(&second, "\"BAD_CREDENTIALS\""), GUESSES - 3, "{}", second.whole());
        assert_eq!(count(&second, "\"RATE_LIMITED\""), 6 - GUESSES, "{}", second.whole());
    });
}

#[test]
fn aliases_count_as_so_many_requests() {
    let document = [
        ("LAUNCHWAY_RATE__ENABLED", "on"),
        ("LAUNCHWAY_RATE__PRINCIPAL", "off"),
        ("LAUNCHWAY_GRAPHQL__ALIASES", "2000"),
        ("LAUNCHWAY_GRAPHQL__TOKENS", "50000"),
        ("LAUNCHWAY_GRAPHQL__DOCUMENT", "1MB"),
        ("LAUNCHWAY_LIMITS__FIELDS", "10000"),
    ];
    // Each at another account: what is limited is who asks.
    let sign_in = |alias: usize| {
        let given = json!({ "email": format!("a{alias}@example.com"), "password": "guess" });
        format!("a{alias}: {}", mutation("signIn", &given, "accessToken"))
    };
    let all: Vec<String> = (0..1_000).map(sign_in).collect();
    let all = format!("mutation {{ n: __typename {} }}", all.join(" "));
    for (address, attempts, looked_at) in [("20/1h", "off", 20), ("off", "10/1h", 10), ("30/1h", "5/1h", 5)] {
        let limits = [("LAUNCHWAY_RATE__ADDRESS", address), ("LAUNCHWAY_RATE__SIGN_IN", attempts)];
        with(&[&document[..], &limits].concat(), async |app, _, _| {
            let reply = app.anyone().graphql(&all).await;
            let codes: Vec<_> =
                reply.errors().iter().map(|error| error["extensions"]["code"].clone()).collect();
            assert_eq!(codes.len(), 1_000, "{address} {attempts}");
            let (seen, refused) = codes.split_at(looked_at);
            assert!(seen.iter().all(|code| code == "BAD_CREDENTIALS"), "{address} {attempts}: {seen:?}");
            assert!(refused.iter().all(|code| code == "RATE_LIMITED"), "{address} {attempts}");
            let next = guess(&app.anyone(), "another@example.com", "guess").await.is(429);
            assert!(!next.header("retry-after").is_empty(), "{}", next.whole());
        });
    }
}

#[test]
fn what_makes_accounts_sends_mails_or_shows_codes_counts_with_the_guesses() {
    let settings = [
        ("LAUNCHWAY_RATE__ENABLED", "on"),
        ("LAUNCHWAY_RATE__ADDRESS", "off"),
        ("LAUNCHWAY_RATE__SIGN_IN", "3/1h"),
        ("LAUNCHWAY_SERVER__TRUSTED_PROXIES", "[\"127.0.0.0/8\"]"),
    ];
    with(&settings, async |app, _, _| {
        let email = json!({ "email": "ann@example.com" });
        let credentials = json!({ "email": "ann@example.com", "password": PASSWORD });
        let asked = [
            ("signUp", credentials.clone()),
            ("resendVerification", email.clone()),
            ("forgotPassword", email),
            ("resetPassword", json!({ "token": "x", "newPassword": PASSWORD })),
            ("confirmEmail", json!({ "token": "x" })),
            ("verifyEmail", json!({ "token": "x", "password": PASSWORD })),
            ("signIn", credentials),
        ];
        for (number, (name, input)) in asked.iter().enumerate() {
            // Each from an address of its own; the two APIs count together.
            let asker = app.anyone().with("x-forwarded-for", &format!("198.51.100.{number}"));
            for door in [Door::Rest, Door::Graphql, Door::Rest] {
                let reply = door.ask(&asker, name, input.clone()).await;
                assert!(!reply.text().contains("RATE_LIMITED"), "{name}: {}", reply.whole());
            }
            for door in Door::ALL {
                let _ = door.ask(&asker, name, input.clone()).await.fails("RATE_LIMITED");
                let _ = door
                    .ask(&asker, "forgotPassword", json!({ "email": "bob@example.com" }))
                    .await
                    .fails("RATE_LIMITED");
            }
        }
    });
}

#[test]
fn whoever_is_attacked_signs_in_from_a_known_device_or_after_a_reset() {
    both(async |app, accounts, _| {
        let _ = accounts.sign_up("ann@example.com").await;
        let ann = accounts.sign_in("ann@example.com").await;
        let bob = accounts.sign_up("bob@example.com").await;
        let bob_device = accounts.sign_in(&bob.email).await.device;
        assert!(!ann.device.is_empty() && !bob_device.is_empty());
        let attack = async || {
            for _ in 0..=GUESSES {
                let _ = guess(&app.anyone(), "ann@example.com", "guess").await;
            }
            limited(&guess(&app.anyone(), "ann@example.com", PASSWORD).await);
        };
        attack().await;
        let from = async |device: &str, password: &str| {
            let body = json!({ "email": "ann@example.com", "password": password, "deviceToken": device });
            app.anyone().post("/auth/sign-in", body).await
        };
        // A device of somebody else, or an invented one, is a stranger's.
        limited(&from(&bob_device, PASSWORD).await);
        limited(&from("lwt_invented", PASSWORD).await);
        let _ = from(&ann.device, PASSWORD).await.is(200);
        // On the known device guesses are limited, too.
        for _ in 0..GUESSES {
            let _ = from(&ann.device, "guess").await.is(401);
        }
        limited(&from(&ann.device, PASSWORD).await);

        let _ =
            app.anyone().post("/auth/password/forgot", json!({ "email": "ann@example.com" })).await.is(200);
        let reset = json!({ "token": accounts.code("ann@example.com").await, "newPassword": OTHER });
        let reset = app.anyone().post("/auth/password/reset", reset).await.is(200).json();
        limited(&guess(&app.anyone(), "ann@example.com", OTHER).await);
        let device = reset["deviceToken"].as_str().expect("the device that was shown the code is known");
        let _ = from(device, OTHER).await.is(200);
        limited(&from(&ann.device, OTHER).await);
    });
}

#[test]
fn passwords_are_not_guessed_behind_a_code_or_a_session_either() {
    both(async |app, accounts, _| {
        let ann = accounts.sign_up("ann@example.com").await;
        let new = json!({ "email": "new@example.com", "password": PASSWORD });
        let _ = app.anyone().post("/auth/sign-up", new).await.is(200);
        let code = accounts.code("new@example.com").await;
        for _ in 0..GUESSES {
            let body = json!({ "token": code, "password": "guess" });
            let _ = app.anyone().post("/auth/verify-email", body).await.is(403).fails("WRONG_PASSWORD");
            let body = json!({ "password": "guess" });
            let _ = ann.post("/auth/delete-account", body).await.is(403).fails("WRONG_PASSWORD");
        }
        let body = json!({ "token": code, "password": PASSWORD });
        limited(&app.anyone().post("/auth/verify-email", body).await);
        limited(&ann.post("/auth/delete-account", json!({ "password": PASSWORD })).await);
        let change = json!({ "password": PASSWORD, "newPassword": OTHER });
        limited(&ann.post("/auth/password", change).await);
    });
}

#[test]
fn mails_that_others_cause_keep_no_code_from_its_user() {
    both(async |app, accounts, mailbox| {
        let _ = accounts.sign_up("ann@example.com").await;
        let anyone = app.anyone();
        // Each tells her by mail that somebody tried; then more codes are asked for than mails are sent.
        for _ in 0..20 {
            let again = json!({ "email": "ann@example.com", "password": OTHER });
            let _ = anyone.post("/auth/sign-up", again).await.is(200);
        }
        for _ in 0..20 {
            let forgot = json!({ "email": "ann@example.com" });
            let _ = anyone.post("/auth/password/forgot", forgot).await.is(200);
        }
        let codes = || mailbox.all().into_iter().skip(1).filter_map(|mail| mail.code).collect::<Vec<_>>();
        until(async || codes().len() == 10).await;
        // Codes that are asked for at once may come in another order than they were made in; the last one made is good.
        let mut good = false;
        for code in codes().into_iter().rev() {
            let reset = json!({ "token": code, "newPassword": OTHER });
            good = anyone.post("/auth/password/reset", reset).await.status == 200;
            if good {
                break;
            }
        }
        assert!(good, "none of them is good");
    });
}
