//! Nobody learns from an answer whether an address has an account.

use std::time::{Duration, Instant};

use harness::account::PASSWORD;
use harness::{Actor, App, Backend, Door, Mailbox, Response, json, runtime};
use reqwest::header::HeaderMap;

use super::{both, program};

const WRONG: &str = "not the password of anybody";

/// What is asked with an address, and by whom: signed in, or nobody. First what leaves nothing to be done after it.
const ASKED: &[(&str, bool)] = &[
    ("signIn", false),
    ("signUp", false),
    ("resendVerification", false),
    ("forgotPassword", false),
    ("changeEmail", true),
];

/// All of an answer, but for its time and the number of bytes that is the same where the body is.
fn seen(reply: &Response) -> (u16, HeaderMap, String) {
    let mut headers = reply.headers.clone();
    for name in ["date", "server-timing"] {
        headers.remove(name);
    }
    (reply.status, headers, reply.text().to_owned())
}

async fn ask(door: Door, asker: &Actor, name: &str, email: &str) -> Response {
    let input = match name {
        "signUp" => json!({ "email": email, "password": WRONG }),
        "signIn" => json!({ "email": email, "password": WRONG }),
        "changeEmail" => json!({ "email": email, "password": PASSWORD }),
        _ => json!({ "email": email }),
    };
    door.ask(&asker.with("x-request-id", "same"), name, input).await
}

#[test]
fn answers_are_the_same_byte_for_byte() {
    both(async |app, accounts, _| {
        for door in Door::ALL {
            let tag = format!("{door:?}").to_lowercase();
            let known = accounts.sign_up(&format!("known.{tag}@example.com")).await;
            let asker = accounts.sign_up(&format!("asker.{tag}@example.com")).await;
            let off = accounts.sign_up(&format!("off.{tag}@example.com")).await;
            let _ = app
                .admin()
                .patch(&format!("/auth/users/{}", off.id), json!({ "disabled": true }))
                .await
                .is(200);
            let unproved = format!("unproved.{tag}@example.com");
            let _ = app
                .anyone()
                .post("/auth/sign-up", json!({ "email": unproved, "password": PASSWORD }))
                .await
                .is(200);
            let _ = accounts.code(&unproved).await;
            for (name, signed_in) in ASKED {
                let asker = if *signed_in { asker.actor.clone() } else { app.anyone() };
                let unknown = format!("unknown.{name}.{tag}@example.com");
                let expected = seen(&ask(door, &asker, name, &unknown).await);
                for email in [&known.email, &off.email, &unproved] {
                    let found = seen(&ask(door, &asker, name, email).await);
                    assert_eq!(found, expected, "{door:?} {name} {email}");
                }
            }
            // The right password of an account that can't be used tells nothing either.
            let right = |email: &str| json!({ "email": email, "password": PASSWORD });
            for email in [&off.email, &unproved] {
                let _ = door.ask(&app.anyone(), "signIn", right(email)).await.fails("BAD_CREDENTIALS");
            }
        }
    });
}

#[test]
fn the_same_is_done_before_the_answer() {
    both(async |app, accounts, mailbox| {
        let known = accounts.sign_up("known@example.com").await;
        let asker = accounts.sign_up("asker@example.com").await;
        for (name, signed_in) in ASKED {
            let asker = if *signed_in { asker.actor.clone() } else { app.anyone() };
            let asked = async |email: &str| {
                let (reply, statements) =
                    app.statements_during(async { ask(Door::Rest, &asker, name, email).await }).await;
                assert!(reply.status < 500, "{}", reply.whole());
                statements
            };
            let unknown = format!("unknown.{name}@example.com");
            let (first, second) = (asked(&unknown).await, asked(&known.email).await);
            // What comes after the answer may be among them: then it is there for a known address, and mail follows.
            if *name == "signIn" {
                assert_eq!(first.map(|all| all.len()), second.map(|all| all.len()), "{name}");
            }
        }
        // Each of them was heard: the mails came, though nobody waited for them.
        for address in ["unknown.signUp@example.com", "unknown.changeEmail@example.com"] {
            assert!(mailbox.wait(&address.to_lowercase()).await.code.is_some());
        }
        let mut told = Vec::new();
        for _ in 0..3 {
            told.push(mailbox.wait("known@example.com").await.code.is_some());
        }
        told.sort_unstable();
        assert_eq!(told, [false, false, true], "twice that there is an account, once a new password");
        assert!(mailbox.mails("unknown.forgotPassword@example.com").is_empty());
    });
}

fn median(times: &mut [Duration]) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

/// Run alone, on a machine that does nothing else, with a release build:
/// `LAUNCHWAY_BIN=target/release/launchway cargo test -p launchway-tests --test it enumeration -- --ignored --nocapture`.
#[test]
#[ignore = "it measures time: run it alone"]
fn answers_take_the_same_time() {
    const PAIRS: usize = 200;
    for backend in Backend::available() {
        runtime::block_on(async {
            let mailbox = Mailbox::start();
            let app: App = program(backend, &mailbox, &[]).await;
            let accounts = harness::Accounts::start(&app, &mailbox);
            let (mut known, mut told) = (Vec::new(), Vec::new());
            // One guess of each address alone: none is limited.
            for number in 0..PAIRS {
                known.push(accounts.sign_up(&format!("known{number}@example.com")).await);
            }
            for (name, signed_in) in ASKED {
                let (mut with, mut without) = (Vec::new(), Vec::new());
                for (number, person) in known.iter().enumerate() {
                    let asker = if *signed_in { person.actor.clone() } else { app.anyone() };
                    let other = &known[(number + 1) % PAIRS].email;
                    let unknown = format!("unknown{number}.{name}@example.com");
                    let mut pair = [(other, &mut with), (&unknown, &mut without)];
                    if number % 2 == 1 {
                        pair.reverse();
                    }
                    for (email, times) in pair {
                        let begun = Instant::now();
                        let _ = ask(Door::Rest, &asker, name, email).await;
                        times.push(begun.elapsed());
                    }
                }
                let (with, without) = (median(&mut with), median(&mut without));
                println!("{backend:?} {name}: {with:?} with an account, {without:?} without");
                let allowed = Duration::from_millis(2).max(with / 20);
                if with.abs_diff(without) > allowed {
                    told.push(format!("{name}: {with:?} and {without:?}"));
                }
            }
            assert!(told.is_empty(), "{backend:?}: {told:#?}");
        });
    }
}

/// Run it like the one before.
#[test]
#[ignore = "it measures time: run it alone"]
fn rows_of_others_take_the_time_of_rows_that_are_not() {
    const PAIRS: usize = 500;
    for backend in Backend::available() {
        runtime::block_on(async {
            let mailbox = Mailbox::start();
            let app: App = program(backend, &mailbox, &[]).await;
            let accounts = harness::Accounts::start(&app, &mailbox);
            let ann = accounts.sign_up("ann@example.com").await;
            let bob = accounts.sign_up("bob@example.com").await.with("content-type", "application/json");
            let mut rows = Vec::new();
            for number in 0..PAIRS {
                let note =
                    ann.post("/v1/notes", json!({ "text": format!("note {number}") })).await.is(201).json();
                rows.push(note["id"].as_str().unwrap().to_owned());
            }
            let mut told = Vec::new();
            for method in ["GET", "PATCH", "DELETE"] {
                let (mut hidden, mut absent) = (Vec::new(), Vec::new());
                for (number, id) in rows.iter().enumerate() {
                    // An id of the same moment that no row has.
                    let nowhere = format!("{}{:012x}", &id[..24], number);
                    let mut pair = [(id, &mut hidden), (&nowhere, &mut absent)];
                    if number % 2 == 1 {
                        pair.reverse();
                    }
                    for (id, times) in pair {
                        let body = (method == "PATCH").then(|| br#"{"text":"x"}"#.to_vec());
                        let begun = Instant::now();
                        let reply = bob.send(method, &format!("/v1/notes/{id}"), body).await;
                        times.push(begun.elapsed());
                        assert_eq!(reply.status, 404, "{}", reply.whole());
                    }
                }
                let (hidden, absent) = (median(&mut hidden), median(&mut absent));
                println!("{backend:?} {method}: {hidden:?} hidden, {absent:?} absent");
                let allowed = Duration::from_millis(2).max(hidden / 20);
                if hidden.abs_diff(absent) > allowed {
                    told.push(format!("{method}: {hidden:?} and {absent:?}"));
                }
            }
            assert!(told.is_empty(), "{backend:?}: {told:#?}");
        });
    }
}
