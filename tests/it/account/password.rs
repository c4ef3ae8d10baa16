//! What can be a password, and that all of it counts.

use harness::account::PASSWORD;
use harness::json;

use super::both;

#[test]
fn what_is_guessed_first_is_refused() {
    both(async |app, accounts, _| {
        let anyone = app.anyone();
        let ann = accounts.sign_up("ann@example.com").await;
        let long = |count: usize| "ab3$ ".repeat(250).chars().take(count).collect::<String>();
        for (number, (password, fine)) in [
            ("", false),
            ("short", false),
            ("password", false),
            ("password123", false),
            ("qwertyuiop", false),
            ("ann@example.com", false),
            (&*long(1_001), false),
            (&*long(1_000), true),
            ("\u{1f984}\u{1f40e}\u{1f50b}\u{1f4ce} vier W\u{f6}rter", true),
        ]
        .into_iter()
        .enumerate()
        {
            let email =
                if password.contains('@') { password.to_owned() } else { format!("u{number}@example.com") };
            let reply = anyone.post("/auth/sign-up", json!({ "email": email, "password": password })).await;
            match fine {
                true => drop(reply.is(200)),
                false => {
                    let reply = reply.is(422).fails("WEAK_PASSWORD").says("password");
                    assert!(password.len() < 10 || !reply.text().contains(password), "{}", reply.whole());
                    let change = json!({ "password": PASSWORD, "newPassword": password });
                    if number < 5 {
                        let _ = ann.post("/auth/password", change).await.is(422).fails("WEAK_PASSWORD");
                    }
                }
            }
        }
        let far = json!({ "email": "far@example.com", "password": "x".repeat(5_000) });
        let _ = anyone.post("/auth/sign-up", far).await.is(422);
        for wrong in [json!(12_345_678), json!(null), json!(["correct horse battery"]), json!({ "a": 1 })] {
            let body = json!({ "email": "far@example.com", "password": wrong });
            let _ = anyone.post("/auth/sign-up", body).await.is(422);
        }
    });
}

#[test]
fn every_character_counts_and_none_is_taken_away() {
    let prefix = "ab3$ef7h".repeat(9);
    assert_eq!(prefix.len(), 72);
    both(async |app, accounts, _| {
        let anyone = app.anyone();
        // The password, what is the same, and what is not.
        for (number, (password, same, other)) in [
            (
                "pa\u{df}w\u{f6}rt im T\u{fc}rspalt",
                "pa\u{df}wo\u{308}rt im Tu\u{308}rspalt",
                "passwort im Turspalt",
            ),
            (" leading and trailing ", " leading and trailing ", "leading and trailing"),
            ("be\0fore and after", "be\0fore and after", "be"),
            (&*format!("{prefix}a"), &*format!("{prefix}a"), &*format!("{prefix}b")),
            ("Correct Horse Battery", "Correct Horse Battery", "correct horse battery"),
        ]
        .into_iter()
        .enumerate()
        {
            let email = format!("u{number}@example.com");
            let with = |password: &str| json!({ "email": email, "password": password });
            let _ = anyone.post("/auth/sign-up", with(password)).await.is(200);
            let token = accounts.code(&email).await;
            let proof = json!({ "token": token, "password": password });
            let _ = anyone.post("/auth/verify-email", proof).await.is(200);
            for right in [password, same] {
                let _ = anyone.post("/auth/sign-in", with(right)).await.is(200);
            }
            for wrong in [other, "", &format!("{password} "), &"x".repeat(1_001)] {
                let reply = anyone.post("/auth/sign-in", with(wrong)).await.is(401);
                let _ = reply.fails("BAD_CREDENTIALS");
            }
        }
    });
}
