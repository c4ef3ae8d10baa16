//! A second factor: codes that are good once and for a while, recovery codes, guesses.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use harness::account::PASSWORD;
use harness::{Accounts, Actor, App, Door, Person, json};
use totp_rs::{Builder, Secret};

use super::{both, ended};

/// Seconds that a code is good.
const STEP: u64 = 30;

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

/// The code of a seed, some seconds from now.
pub(super) fn code(seed: &str, offset: i64) -> String {
    let seed = Secret::try_from_base32(seed).unwrap();
    let totp = Builder::new().with_secret(seed).with_account_name("x").build().unwrap();
    totp.generate(now().strict_add_signed(offset)).to_string()
}

/// Waits until the present step lasts long enough for what is asked in it.
async fn early_in_a_step() {
    while now() % STEP > STEP - 12 {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// Turns the second factor on with the code of the step before; gives the seed and the recovery codes.
async fn turned_on(door: Door, person: &Person) -> (String, Vec<String>) {
    let made = door.good(person, "startTotp", json!({ "password": PASSWORD })).await;
    let seed = made["secret"].as_str().unwrap().to_owned();
    assert!(made["url"].as_str().unwrap().starts_with("otpauth://totp/"), "{made}");
    let wrong = door.ask(person, "confirmTotp", json!({ "code": code(&seed, -90) })).await;
    let _ = wrong.fails("WRONG_CODE");
    let codes = door.good(person, "confirmTotp", json!({ "code": code(&seed, -30) })).await;
    let codes = codes["recoveryCodes"].as_array().unwrap().clone();
    (seed, codes.iter().map(|code| code.as_str().unwrap().to_owned()).collect())
}

async fn sign_in(door: Door, anyone: &Actor, email: &str, code: Option<&str>) -> harness::Response {
    let mut input = json!({ "email": email, "password": PASSWORD });
    if let Some(code) = code {
        input["code"] = json!(code);
    }
    door.ask(anyone, "signIn", input).await
}

#[test]
fn signing_in_takes_a_code_that_was_not_used() {
    both(async |app, accounts, _| {
        for door in Door::ALL {
            let email = format!("{door:?}@example.com").to_lowercase();
            let person = accounts.sign_up(&email).await;
            let elsewhere = accounts.sign_in(&email).await;
            early_in_a_step().await;
            let (seed, recovery) = turned_on(door, &person).await;
            let _ = person.get("/v1/notes").await.is(200);
            ended(app, &elsewhere).await;
            let again = door.ask(&person, "startTotp", json!({ "password": PASSWORD })).await;
            let _ = again.fails("CONFLICT");

            let anyone = app.anyone();
            let _ = sign_in(door, &anyone, &email, None).await.fails("SECOND_FACTOR_REQUIRED");
            // Seen already: it turned the factor on. Then too old, too new.
            for offset in [-30, -90, 90] {
                let refused = sign_in(door, &anyone, &email, Some(&code(&seed, offset))).await;
                let _ = refused.fails("BAD_CREDENTIALS");
            }
            for offset in [0, 30] {
                let code = code(&seed, offset);
                let _ = sign_in(door, &anyone, &email, Some(&code)).await.good();
                let _ = sign_in(door, &anyone, &email, Some(&code)).await.fails("BAD_CREDENTIALS");
            }
            drop(recovery);
        }
    });
}

#[test]
fn a_recovery_code_is_good_once_for_its_user() {
    both(async |app, accounts, _| {
        let anyone = app.anyone();
        for door in Door::ALL {
            let email = format!("{door:?}@example.com").to_lowercase();
            let person = accounts.sign_up(&email).await;
            let other = accounts.sign_up(&format!("other.{email}")).await;
            early_in_a_step().await;
            let (seed, recovery) = turned_on(door, &person).await;
            let _ = turned_on(door, &other).await;
            assert_eq!(recovery.len(), 10);
            let _ = sign_in(door, &anyone, &other.email, Some(&recovery[0])).await.fails("BAD_CREDENTIALS");
            let typed = recovery[0].to_uppercase().replace('-', " ");
            let _ = sign_in(door, &anyone, &email, Some(&typed)).await.good();
            let _ = sign_in(door, &anyone, &email, Some(&recovery[0])).await.fails("BAD_CREDENTIALS");

            let both = |code: &str| json!({ "password": PASSWORD, "code": code });
            let anew = door.good(&person, "makeRecoveryCodes", both(&code(&seed, 0))).await;
            let _ = sign_in(door, &anyone, &email, Some(&recovery[1])).await.fails("BAD_CREDENTIALS");
            let _ = door.ask(&person, "removeTotp", both("000000")).await.fails("WRONG_CODE");
            let fresh = anew["recoveryCodes"][0].as_str().unwrap();
            let _ = door.good(&person, "removeTotp", both(fresh)).await;
            let _ = sign_in(door, &anyone, &email, None).await.good();
        }
    });
}

#[test]
fn guesses_at_a_code_are_limited() {
    both(async |app, accounts, _| {
        let person = accounts.sign_up("ann@example.com").await;
        early_in_a_step().await;
        let (seed, _) = turned_on(Door::Rest, &person).await;
        let verdicts = guess(app, accounts, &seed).await;
        assert_eq!(verdicts.iter().filter(|status| **status == 401).count(), 5, "{verdicts:?}");
        assert_eq!(verdicts.iter().filter(|status| **status == 429).count(), 15, "{verdicts:?}");
        // Whoever has the session and not the app does not guess either.
        let mut verdicts = Vec::new();
        for _ in 0..20 {
            let body = json!({ "password": PASSWORD, "code": "000000" });
            verdicts.push(person.post("/auth/totp/remove", body).await.status);
        }
        assert!(verdicts.iter().filter(|status| **status == 403).count() <= 5, "{verdicts:?}");
        assert_eq!(verdicts.last(), Some(&429));
    });
}

/// The statuses of twenty guesses by somebody who has the password.
async fn guess(app: &App, _: &Accounts<'_>, seed: &str) -> Vec<u16> {
    let right: Vec<String> = [-30, 0, 30].map(|offset| code(seed, offset)).into();
    let mut verdicts = Vec::new();
    let guesses = (0..).map(|number| format!("{number:06}")).filter(|guess| !right.contains(guess));
    for guess in guesses.take(20) {
        verdicts.push(sign_in(Door::Rest, &app.anyone(), "ann@example.com", Some(&guess)).await.status);
    }
    verdicts
}
