//! A browser's session: a cookie that scripts can't read and other sites can't use.

use harness::account::{PASSWORD, mutation};
use harness::{Accounts, Actor, App, Door, Response, json};

use super::{both, with};

async fn sign_in(door: Door, actor: &Actor, email: &str) -> Response {
    let input = json!({ "email": email, "password": PASSWORD, "cookie": true });
    door.ask(actor, "signIn", input).await.good()
}

/// The name and value of the cookie that an answer sets.
#[track_caller]
fn cookie(reply: &Response) -> String {
    let set = reply.header("set-cookie");
    set.split(';')
        .next()
        .filter(|pair| pair.contains('='))
        .unwrap_or_else(|| panic!("{}", reply.whole()))
        .to_owned()
}

/// Somebody whose browser keeps the session.
async fn browser(app: &App, accounts: &Accounts<'_>, email: &str) -> Actor {
    let _ = accounts.sign_up(email).await;
    let reply = sign_in(Door::Rest, &app.anyone(), email).await;
    app.anyone().with("cookie", &cookie(&reply))
}

#[test]
fn the_session_is_in_the_cookie_and_nowhere_else() {
    both(async |app, accounts, _| {
        let _ = accounts.sign_up("ann@example.com").await;
        for door in Door::ALL {
            let reply = sign_in(door, &app.anyone(), "ann@example.com").await;
            let set = reply.header("set-cookie");
            assert!(set.starts_with("launchway=lws_"), "{set}");
            for flag in ["; HttpOnly", "; SameSite=Lax", "; Path=/", "; Max-Age="] {
                assert!(set.contains(flag), "{flag} in {set}");
            }
            assert!(!set.contains("Domain") && !set.contains("Secure"), "{set}");
            let body = reply.json();
            let tokens = if door == Door::Rest { body } else { body["data"]["signIn"].clone() };
            assert_eq!((&tokens["accessToken"], &tokens["refreshToken"]), (&json!(null), &json!(null)));
            assert_eq!(tokens["tokenType"], "Cookie");
            let pair = cookie(&reply);
            let value = pair.split_once('=').unwrap().1;
            assert!(!reply.text().contains(value), "{}", reply.whole());
            let _ = app.anyone().with("cookie", &pair).get("/v1/notes").await.is(200);
            // It is no access token, nor a refresh token.
            let bearer = app.anyone().with("authorization", &format!("Bearer {value}"));
            let _ = bearer.get("/v1/notes").await.is(401);
            let _ = app.anyone().post("/auth/refresh", json!({ "refreshToken": value })).await.is(401);
        }
    });
}

#[test]
fn under_https_the_cookie_is_bound_to_https_and_the_host() {
    with(&[("LAUNCHWAY_SERVER__PUBLIC_URL", "https://api.example.com")], async |app, accounts, _| {
        let _ = accounts.sign_up("ann@example.com").await;
        let reply = sign_in(Door::Rest, &app.anyone(), "ann@example.com").await;
        let set = reply.header("set-cookie");
        assert!(set.starts_with("__Host-launchway=lws_") && set.contains("; Secure"), "{set}");
        assert!(set.contains("; Path=/") && !set.contains("Domain"), "{set}");
        let pair = cookie(&reply);
        let ann = app.anyone().with("cookie", &pair);
        let _ = ann.get("/v1/authSessions").await.is(200);
        // The other name is anybody's to set, from a subdomain or without TLS.
        let plain = app.anyone().with("cookie", pair.trim_start_matches("__Host-"));
        let _ = plain.get("/auth/me").await.is(401);
        let out = ann.post("/auth/sign-out", json!({})).await.is(200).header("set-cookie");
        assert!(out.starts_with("__Host-launchway=;") && out.contains("; Secure"), "{out}");
    });
}

#[test]
fn a_value_that_was_there_before_is_replaced_and_never_accepted() {
    both(async |app, accounts, _| {
        let _ = accounts.sign_up("ann@example.com").await;
        let planted = "launchway=lws_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
        let victim = app.anyone().with("cookie", planted);
        let (first, second) = (
            sign_in(Door::Rest, &victim, "ann@example.com").await,
            sign_in(Door::Graphql, &victim, "ann@example.com").await,
        );
        assert_ne!(cookie(&first), planted);
        assert_ne!(cookie(&first), cookie(&second));
        let _ = victim.get("/auth/me").await.is(401).fails("UNAUTHENTICATED");
        // Two of the same name: one of them is somebody else's.
        let twice = app.anyone().with("cookie", &format!("{planted}; {}", cookie(&first)));
        let _ = twice.get("/auth/me").await.is(401);
    });
}

#[test]
fn operations_of_a_batch_set_it_too() {
    with(&[("LAUNCHWAY_GRAPHQL__BATCH", "10")], async |app, accounts, _| {
        let _ = accounts.sign_up("ann@example.com").await;
        let input = json!({ "email": "ann@example.com", "password": PASSWORD, "cookie": true });
        let sign_in = mutation("signIn", &input, "tokenType");
        let batch = json!([{ "query": "{ __typename }" }, { "query": format!("mutation {{ {sign_in} }}") }]);
        let reply = app.anyone().post("/graphql", batch).await.is(200);
        assert_eq!(reply.json()[1]["data"]["signIn"]["tokenType"], "Cookie");
        let ann = app.anyone().with("cookie", &cookie(&reply));
        let _ = ann.get("/auth/me").await.is(200);
        let batch = json!([{ "query": "mutation { signOut { message } }" }, { "query": "{ __typename }" }]);
        let set = ann.post("/graphql", batch).await.is(200).header("set-cookie");
        assert!(set.starts_with("launchway=;"), "{set}");
        let _ = ann.get("/auth/me").await.is(401);
    });
}

#[test]
fn signing_out_clears_it_and_ends_it() {
    both(async |app, accounts, _| {
        for (number, door) in Door::ALL.into_iter().enumerate() {
            let ann = browser(app, accounts, &format!("ann{number}@example.com")).await;
            let _ = ann.get("/auth/me").await.is(200);
            let out = door.ask(&ann, "signOut", json!({})).await.good();
            let set = out.header("set-cookie");
            assert!(set.starts_with("launchway=;") && set.contains("Max-Age=0"), "{set}");
            let _ = ann.get("/auth/me").await.is(401).fails("UNAUTHENTICATED");
        }
    });
}

#[test]
fn other_sites_change_nothing_with_it() {
    let settings = [
        ("LAUNCHWAY_CORS__ORIGINS", "[\"https://app.example.com\"]"),
        ("LAUNCHWAY_CORS__CREDENTIALS", "true"),
    ];
    with(&settings, async |app, accounts, _| {
        let ann = browser(app, accounts, "ann@example.com").await;
        let note = json!({ "text": "n" });
        let query = json!({ "query": "mutation { createNote(input: { text: \"n\" }) { id } }" });
        let lied = format!("{}.evil.example", app.url());
        for (name, value) in [
            ("origin", "https://evil.example"),
            ("origin", "null"),
            ("origin", "https://app.example.com.evil.example"),
            ("origin", lied.as_str()),
            ("sec-fetch-site", "cross-site"),
            ("sec-fetch-site", "same-site"),
        ] {
            let page = ann.with(name, value);
            for (method, path, body) in [
                ("POST", "/v1/notes", &note),
                ("POST", "/graphql", &query),
                ("POST", "/auth/organizations", &json!({ "name": "x" })),
                ("POST", "/auth/sign-out", &json!({})),
            ] {
                let reply = page.json(method, path, body.clone()).await;
                assert_eq!(reply.status, 403, "{name}: {value}: {}", reply.whole());
                let _ = reply.fails("CROSS_SITE");
            }
            // A form has no body of JSON, and one that signs out needs none at all.
            let _ = page.send("POST", "/auth/sign-out", None).await.is(403).fails("CROSS_SITE");
            let _ = page.get("/v1/notes").await.is(200);
        }
        for ty in ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", ""] {
            let form = ann.with("content-type", ty);
            for (path, body) in [("/v1/notes", &note), ("/auth/organizations", &json!({ "name": "x" }))] {
                let reply = form.send("POST", path, Some(body.to_string().into_bytes())).await;
                assert!([400, 415].contains(&reply.status), "{ty}: {}", reply.whole());
            }
            let reply = form.send("POST", "/graphql", Some(query.to_string().into_bytes())).await;
            assert!([400, 403, 415].contains(&reply.status), "{ty}: {}", reply.whole());
        }
        assert_eq!(ann.get("/v1/notes").await.is(200).json()["data"], json!([]), "nothing was written");
        for (name, value) in
            [("origin", app.url()), ("origin", "https://app.example.com"), ("sec-fetch-site", "same-origin")]
        {
            let page = ann.with(name, value);
            let _ = page.post("/v1/notes", note.clone()).await.is(201);
            let _ = page.post("/graphql", query.clone()).await.good();
        }
    });
}

#[test]
fn a_mutation_is_no_get() {
    both(async |app, accounts, _| {
        let ann = browser(app, accounts, "ann@example.com").await;
        for mutation in ["mutation{signOut{message}}", "mutation{createNote(input:{text:%22n%22}){id}}"] {
            let reply = ann.get(&format!("/graphql?query={mutation}")).await;
            assert_eq!(
                (reply.status, reply.header("allow").contains("POST")),
                (405, true),
                "{}",
                reply.whole()
            );
        }
        let _ = ann.get("/graphql?query={notes{totalCount}}").await.good();
        let _ = ann.get("/auth/sign-out").await.is(405);
        let _ = ann.get("/auth/me").await.is(200);
    });
}
