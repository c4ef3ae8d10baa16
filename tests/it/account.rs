//! Accounts: made, signed in to, changed, deleted; and who guesses.

use harness::account::{Account, PASSWORD, bearer, text, with_mail};
use harness::{App, Value, json};

const MODEL: &str = "type Note @model @allow(to: [ALL], where: { owner: { eq: \"$user.id\" } }) {
  text: String!
  owner: User! @default(value: \"$user.id\") @api(create: false, update: false)
}";

fn sign_in(email: &str, password: &str) -> Value {
    json!({ "email": email, "password": password })
}

#[test]
fn an_account_from_its_first_mail_to_its_end() {
    with_mail(MODEL, &[], async |app, mailbox| {
        let anyone = app.anyone();
        let new = json!({ "email": "Ann@Example.com", "password": PASSWORD, "name": "Ann" });
        let _ = anyone.post("/auth/sign-up", new).await.is(200);
        // Before the address is proved the password opens nothing.
        let _ = anyone.post("/auth/sign-in", sign_in("ann@example.com", PASSWORD)).await.is(401);
        let code = mailbox.wait("ann@example.com").await.code.unwrap();
        // Whoever has the code alone gets nothing, and it stays good.
        let wrong = json!({ "token": code, "password": "not the password" });
        let _ = anyone.post("/auth/verify-email", wrong).await.is(403).fails("WRONG_PASSWORD");
        let _ = anyone
            .post("/auth/password/reset", json!({ "token": code, "newPassword": PASSWORD }))
            .await
            .is(422)
            .fails("TOKEN_INVALID");
        let right = json!({ "token": code, "password": PASSWORD });
        let tokens = anyone.post("/auth/verify-email", right.clone()).await.is(200).json();
        let _ = anyone.post("/auth/verify-email", right).await.is(422).fails("TOKEN_INVALID");
        let ann = bearer(app, text(&tokens["accessToken"]));
        assert_eq!(ann.get("/auth/me").await.json()["user"]["name"], "Ann");
        let me = ann.graphql("{ me { email emailVerified name roles } }").await.data();
        assert_eq!(
            me["me"],
            json!({ "email": "ann@example.com", "emailVerified": true, "name": "Ann", "roles": [] })
        );

        // A second device; changing the password ends it, and not this one.
        let other = anyone.post("/auth/sign-in", sign_in("ANN@example.com", PASSWORD)).await.is(200).json();
        let other = bearer(app, text(&other["accessToken"]));
        let sessions = ann.get("/v1/authSessions").await.json();
        assert_eq!(sessions["data"].as_array().unwrap().len(), 2, "{sessions}");
        let change = json!({ "password": PASSWORD, "newPassword": "another four words" });
        let _ = ann.post("/auth/password", change).await.is(200);
        let _ = mailbox.wait("ann@example.com").await;
        let _ = other.get("/auth/me").await.is(401);
        let _ = ann.get("/auth/me").await.is(200);
        let _ = anyone.post("/auth/sign-in", sign_in("ann@example.com", PASSWORD)).await.is(401);

        // Forgotten: every session ends.
        let _ = anyone.post("/auth/password/forgot", json!({ "email": "ann@example.com" })).await.is(200);
        let code = mailbox.wait("ann@example.com").await.code.unwrap();
        let reset = json!({ "token": code, "newPassword": "yet another four words" });
        let _ = anyone.post("/auth/password/reset", reset.clone()).await.is(200);
        let _ = anyone.post("/auth/password/reset", reset).await.is(422);
        let _ = ann.get("/auth/me").await.is(401);
        let _ = mailbox.wait("ann@example.com").await;

        let tokens = anyone
            .post("/auth/sign-in", sign_in("ann@example.com", "yet another four words"))
            .await
            .is(200)
            .json();
        let ann = bearer(app, text(&tokens["accessToken"]));
        let email = json!({ "email": "ann@new.example.com", "password": "yet another four words" });
        let _ = ann.post("/auth/email", email).await.is(200);
        let code = mailbox.wait("ann@new.example.com").await.code.unwrap();
        let _ = anyone.post("/auth/email/confirm", json!({ "token": code })).await.is(200);
        assert!(mailbox.wait("ann@example.com").await.text.contains("ann@new.example.com"));
        assert_eq!(ann.get("/auth/me").await.json()["user"]["email"], "ann@new.example.com");

        // Rows that refer to an account keep it.
        let note = ann.post("/v1/notes", json!({ "text": "x" })).await.is(201).json();
        let end = json!({ "password": "yet another four words" });
        let _ = ann.post("/auth/delete-account", end.clone()).await.is(409).says("onDelete");
        let _ = ann.delete(&format!("/v1/notes/{}", text(&note["id"]))).await.is(204);
        let _ = ann.post("/auth/delete-account", end).await.is(200);
        let _ = ann.get("/auth/me").await.is(401);
    });
}

#[test]
fn nobody_learns_whether_an_address_has_an_account() {
    with_mail(MODEL, &[], async |app, mailbox| {
        let _ = Account::new(app, mailbox, "ann").await;
        let plain = |reply: &harness::Response| {
            let mut body = reply.json();
            if let Some(body) = body.as_object_mut() {
                body.remove("requestId");
            }
            (reply.status, body)
        };
        for (path, field) in [
            ("/auth/sign-up", Some("password")),
            ("/auth/sign-in", Some("password")),
            ("/auth/password/forgot", None),
            ("/auth/verify-email/resend", None),
        ] {
            let mut said = Vec::new();
            for email in ["ann@example.com", "nobody@example.com"] {
                let mut body = json!({ "email": email });
                if let Some(field) = field {
                    body[field] = json!("some other four words");
                }
                said.push(plain(&app.anyone().post(path, body).await));
            }
            assert_eq!(said[0], said[1], "{path}");
        }
    });
}

#[test]
fn passwords_are_taken_as_they_are_and_weak_ones_are_not() {
    with_mail(MODEL, &[], async |app, _| {
        let long = "ab3$".repeat(250);
        for (password, status) in [
            ("short", 422),
            ("password123", 422),
            ("12345678", 422),
            (&format!("{long}x"), 422),
            (&long, 200),
            ("\u{1f984} vier W\u{f6}rter ohne Sinn", 200),
            ("  spaces around four words  ", 200),
        ] {
            let new = json!({ "email": "ann@example.com", "password": password });
            let reply = app.anyone().post("/auth/sign-up", new).await.is(status);
            if status == 422 {
                let _ = reply.fails("WEAK_PASSWORD");
            }
        }
        for email in ["", "ann", "ann@", &format!("{}@example.com", "x".repeat(300))] {
            let _ = app
                .anyone()
                .post("/auth/sign-up", json!({ "email": email, "password": PASSWORD }))
                .await
                .is(422);
        }
        let extra = json!({ "email": "a@example.com", "password": PASSWORD, "roles": ["admin"], "emailVerified": true });
        let _ = app.anyone().post("/auth/sign-up", extra).await.is(400).says("roles").says("emailVerified");
    });
}

#[test]
fn one_address_in_many_forms_is_one_account() {
    with_mail(MODEL, &[], async |app, mailbox| {
        let _ = Account::new(app, mailbox, "ann").await;
        for form in ["ANN@EXAMPLE.COM", " ann@example.com ", "\u{ff21}nn@example.com"] {
            let tokens = app.anyone().post("/auth/sign-in", sign_in(form, PASSWORD)).await.is(200).json();
            let me = bearer(app, text(&tokens["accessToken"])).get("/auth/me").await.json();
            assert_eq!(me["user"]["email"], "ann@example.com");
        }
    });
}

#[test]
fn guesses_run_out_for_everybody_but_a_known_device() {
    with_mail(MODEL, &[], async |app, mailbox| {
        let ann = Account::new(app, mailbox, "ann").await;
        let signed = app.anyone().post("/auth/sign-in", sign_in(&ann.email, PASSWORD)).await.is(200).json();
        let device = text(&signed["deviceToken"]).to_owned();

        // A thousand guesses in one request count one by one; so do aliases, up to their own limit.
        let aliases: String =
            (0..100).map(|at| format!("a{at}: signIn(email: \"ann@example.com\", password: \"guess {at} four words\") {{ tokenType }} ")).collect();
        let reply = app.anyone().graphql(&format!("mutation {{ {aliases} }}")).await.json();
        let codes: Vec<&str> = reply["errors"]
            .as_array()
            .unwrap()
            .iter()
            .map(|error| text(&error["extensions"]["code"]))
            .collect();
        assert_eq!(codes.len(), 100);
        let evaluated = codes.iter().filter(|code| **code == "BAD_CREDENTIALS").count();
        assert!((1..=10).contains(&evaluated), "{evaluated} were evaluated");
        let refused = app.anyone().post("/auth/sign-in", sign_in("Ann@example.com", PASSWORD)).await.is(429);
        assert!(refused.header("retry-after").parse::<u64>().unwrap() > 0);

        // She gets in all the same, from where she was before, and by mail.
        let known = json!({ "email": ann.email, "password": PASSWORD, "deviceToken": device });
        let _ = app.anyone().post("/auth/sign-in", known).await.is(200);
        let _ = app.anyone().post("/auth/password/forgot", json!({ "email": ann.email })).await.is(200);
        let code = mailbox.wait(&ann.email).await.code.unwrap();
        let reset = json!({ "token": code, "newPassword": "another four words" });
        let _ = app.anyone().post("/auth/password/reset", reset).await.is(200);
        // Who is not attacked is not slowed down.
        let bob = Account::new(app, mailbox, "bob").await;
        let _ = app.anyone().post("/auth/sign-in", sign_in(&bob.email, PASSWORD)).await.is(200);
    });
}

async fn crowd(app: &App, token: &str) -> Vec<harness::Response> {
    let asks = (0..20).map(|_| app.anyone()).collect::<Vec<_>>();
    let body = json!({ "refreshToken": token });
    futures::future::join_all(asks.iter().map(|actor| actor.post("/auth/refresh", body.clone()))).await
}

#[test]
fn of_two_uses_of_a_refresh_token_one_wins_and_the_session_ends() {
    with_mail(MODEL, &[], async |app, mailbox| {
        let ann = Account::new(app, mailbox, "ann").await;
        let renewed =
            app.anyone().post("/auth/refresh", json!({ "refreshToken": ann.refresh() })).await.is(200).json();
        let next = text(&renewed["refreshToken"]).to_owned();
        let _ = bearer(app, text(&renewed["accessToken"])).get("/auth/me").await.is(200);
        for round in 0..5 {
            let tokens =
                app.anyone().post("/auth/sign-in", sign_in(&ann.email, PASSWORD)).await.is(200).json();
            let replies = crowd(app, text(&tokens["refreshToken"])).await;
            let winners: Vec<_> = replies.iter().filter(|reply| reply.status == 200).collect();
            assert_eq!(winners.len(), 1, "round {round}");
            assert!(replies.iter().all(|reply| [200, 401].contains(&reply.status)));
            let won = winners[0].json();
            let _ = bearer(app, text(&won["accessToken"])).get("/auth/me").await.is(401);
            let _ = app
                .anyone()
                .post("/auth/refresh", json!({ "refreshToken": won["refreshToken"] }))
                .await
                .is(401);
        }
        // The other session goes on.
        let _ = app.anyone().post("/auth/refresh", json!({ "refreshToken": next })).await.is(200);
        assert!(mailbox.mails(&ann.email).len() >= 2, "she is told");
    });
}

#[test]
fn a_browser_s_session_is_a_cookie_that_other_sites_can_t_use() {
    let env = [
        ("LAUNCHWAY_CORS__ORIGINS", "https://app.example.com"),
        ("LAUNCHWAY_SERVER__PUBLIC_URL", "https://api.example.com"),
    ];
    with_mail(MODEL, &env, async |app, mailbox| {
        let ann = Account::new(app, mailbox, "ann").await;
        let mut body = sign_in(&ann.email, PASSWORD);
        body["cookie"] = json!(true);
        let fixed = app.anyone().with("cookie", "__Host-launchway=lws_fixed");
        let reply = fixed.post("/auth/sign-in", body.clone()).await.is(200);
        assert!(reply.json()["accessToken"].is_null() && reply.json()["refreshToken"].is_null());
        let line = reply.headers_named("set-cookie").remove(0);
        for flag in ["__Host-launchway=", "; Path=/", "; HttpOnly", "; SameSite=Lax", "; Secure"] {
            assert!(line.contains(flag), "{line}");
        }
        assert!(!line.contains("lws_fixed"));
        let value = line.split(';').next().unwrap().to_owned();
        let browser = app.anyone().with("cookie", &value);
        let _ = browser.get("/auth/me").await.is(200);
        assert!(!browser.get("/v1/notes").await.header("strict-transport-security").is_empty());
        let note = || json!({ "text": "x" });
        // From the own host, from a listed site, from what is no page.
        let _ = browser.with("origin", "https://app.example.com").post("/v1/notes", note()).await.is(201);
        let _ = browser
            .with("origin", &format!("https://{}", app.address()))
            .post("/v1/notes", note())
            .await
            .is(201);
        let _ = browser.with("sec-fetch-site", "same-origin").post("/v1/notes", note()).await.is(201);
        for (name, value) in [
            ("origin", "https://evil.example"),
            ("origin", "null"),
            ("origin", "https://app.example.com.evil.example"),
            ("sec-fetch-site", "cross-site"),
            ("sec-fetch-site", "same-site"),
        ] {
            let stranger = browser.with(name, value);
            let _ = stranger.post("/v1/notes", note()).await.is(403).fails("CROSS_SITE");
            let create = "mutation { createNote(input: { text: \"x\" }) { id } }";
            assert_eq!(stranger.graphql(create).await.code(), "CROSS_SITE");
            let _ = stranger.post("/auth/sign-out", json!({})).await.is(403);
        }
        // Simple requests, which need no permission of ours to be sent.
        for kind in ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"] {
            let reply = browser
                .with("content-type", kind)
                .send("POST", "/graphql", Some(b"{\"query\":\"{ me { id } }\"}".to_vec()))
                .await;
            assert_eq!(reply.status, 415, "{kind}");
            let reply =
                browser.with("content-type", kind).send("POST", "/auth/sign-out", Some(b"{}".to_vec())).await;
            assert_eq!(reply.status, 415, "{kind}");
        }
        let out =
            browser.with("origin", "https://app.example.com").post("/auth/sign-out", json!({})).await.is(200);
        assert!(out.headers_named("set-cookie")[0].contains("Max-Age=0"));
        let _ = browser.get("/auth/me").await.is(401);
    });
}

/// The code of an authenticator app, some steps of 30 seconds from now.
fn code(secret: &str, steps: i64) -> String {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    let time = now.checked_add_signed(steps * 30).unwrap();
    let totp = totp_rs::Builder::new().with_secret(totp_rs::Secret::try_from_base32(secret).unwrap());
    totp.with_account_name("x").build().unwrap().generate(time).to_string()
}

#[test]
fn a_second_factor_is_asked_for_and_each_code_is_good_once() {
    with_mail(MODEL, &[], async |app, mailbox| {
        let ann = Account::new(app, mailbox, "ann").await;
        let other = app.anyone().post("/auth/sign-in", sign_in(&ann.email, PASSWORD)).await.is(200).json();
        let _ = ann.actor.post("/auth/totp", json!({ "password": "not the password" })).await.is(403);
        let seed = ann.actor.post("/auth/totp", json!({ "password": PASSWORD })).await.is(200).json();
        let secret = text(&seed["secret"]).to_owned();
        assert!(text(&seed["url"]).starts_with("otpauth://totp/"), "{seed}");
        // It does not count before a code was shown.
        let _ = app.anyone().post("/auth/sign-in", sign_in(&ann.email, PASSWORD)).await.is(200);
        let _ = ann
            .actor
            .post("/auth/totp/confirm", json!({ "code": "000000" }))
            .await
            .is(403)
            .fails("WRONG_CODE");
        let codes =
            ann.actor.post("/auth/totp/confirm", json!({ "code": code(&secret, 0) })).await.is(200).json();
        let codes: Vec<String> =
            codes["recoveryCodes"].as_array().unwrap().iter().map(|code| text(code).to_owned()).collect();
        assert_eq!(codes.len(), 10);
        let _ = bearer(app, text(&other["accessToken"])).get("/auth/me").await.is(401);
        let _ = ann.actor.get("/auth/me").await.is(200);

        let with = |code: &str| {
            let mut body = sign_in(&ann.email, PASSWORD);
            body["code"] = json!(code);
            body
        };
        let _ = app
            .anyone()
            .post("/auth/sign-in", sign_in(&ann.email, PASSWORD))
            .await
            .is(401)
            .fails("SECOND_FACTOR_REQUIRED");
        let mut wrong = with(&code(&secret, 1));
        wrong["password"] = json!("not the password");
        let _ = app.anyone().post("/auth/sign-in", wrong).await.is(401).fails("BAD_CREDENTIALS");
        // Far from now, and used already.
        let _ = app.anyone().post("/auth/sign-in", with(&code(&secret, 4))).await.is(401);
        let next = code(&secret, 1);
        let _ = app.anyone().post("/auth/sign-in", with(&next)).await.is(200);
        let _ = app.anyone().post("/auth/sign-in", with(&next)).await.is(401).fails("BAD_CREDENTIALS");
        // A recovery code, typed as people do, once.
        let _ = app.anyone().post("/auth/sign-in", with(&codes[0].to_uppercase())).await.is(200);
        let _ = app.anyone().post("/auth/sign-in", with(&codes[0])).await.is(401);
    });
}

#[test]
fn what_is_for_one_purpose_is_good_for_no_other() {
    with_mail(MODEL, &[], async |app, mailbox| {
        let ann = Account::new(app, mailbox, "ann").await;
        let _ = app.anyone().post("/auth/password/forgot", json!({ "email": ann.email })).await.is(200);
        let reset = mailbox.wait(&ann.email).await.code.unwrap();
        let access = text(&ann.tokens["accessToken"]);
        for wrong in [ann.refresh(), &reset] {
            let _ = bearer(app, wrong).get("/auth/me").await.is(401);
            let _ = app.anyone().with("cookie", &format!("launchway={wrong}")).get("/auth/me").await.is(401);
        }
        for wrong in [access, &reset] {
            let _ = app.anyone().post("/auth/refresh", json!({ "refreshToken": wrong })).await.is(401);
        }
        for wrong in [access, ann.refresh()] {
            let body = json!({ "token": wrong, "newPassword": "another four words" });
            let _ = app.anyone().post("/auth/password/reset", body).await.is(422);
            let _ = app.anyone().post("/auth/email/confirm", json!({ "token": wrong })).await.is(422);
        }
        // The head and the body of another token don't go together, and a token of another server is none.
        let parts: Vec<&str> = access.split('.').collect();
        for forged in [
            format!("{}.{}.", parts[0], parts[1]),
            format!("{}.{}.{}", parts[0], parts[1], "A".repeat(86)),
            format!("{}.{}.{}x", parts[0], parts[1], parts[2]),
            "a.b.c".to_owned(),
            "x".repeat(20_000),
        ] {
            let reply = bearer(app, &forged).get("/v1/notes").await;
            assert!([401, 431].contains(&reply.status), "{}", reply.whole());
        }
        let other = App::start(app.backend(), MODEL).await;
        let _ = bearer(&other, access).get("/v1/notes").await.is(401);
        let keys = app.anyone().get("/.well-known/jwks.json").await.is(200);
        assert_eq!(keys.media_type(), "application/jwk-set+json");
        let key = &keys.json()["keys"][0];
        let public = jsonwebtoken::DecodingKey::from_ed_components(text(&key["x"])).unwrap();
        let mut rules = jsonwebtoken::Validation::new(jsonwebtoken::Algorithm::EdDSA);
        rules.set_audience(&["launchway"]);
        let claims = jsonwebtoken::decode::<Value>(access, &public, &rules).unwrap().claims;
        assert_eq!(claims["sub"], json!(ann.id().await));
        assert!(claims["exp"].as_u64().unwrap() - claims["iat"].as_u64().unwrap() <= 600);
    });
}
