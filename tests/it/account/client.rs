//! The client credentials grant: a key for a token of minutes (RFC 6749, section 4.4).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use harness::{Actor, App, Response, json};

use super::both;

async fn grant(actor: &Actor, form: &[(&str, &str)]) -> Response {
    let text: Vec<String> =
        form.iter().map(|(name, value)| format!("{name}={}", value.replace(' ', "+"))).collect();
    let typed = actor.with("content-type", "application/x-www-form-urlencoded");
    typed.send("POST", "/auth/token", Some(text.join("&").into_bytes())).await
}

fn basic(app: &App, id: &str, secret: &str) -> Actor {
    app.anyone().with("authorization", &format!("Basic {}", STANDARD.encode(format!("{id}:{secret}"))))
}

fn bearer(app: &App, reply: &Response) -> Actor {
    app.anyone().with("authorization", &format!("Bearer {}", reply.json()["access_token"].as_str().unwrap()))
}

#[track_caller]
fn refused(reply: &Response, status: u16, error: &str) {
    assert_eq!((reply.status, &reply.json()["error"]), (status, &json!(error)), "{}", reply.whole());
    assert_eq!(reply.header("www-authenticate").starts_with("Basic"), status == 401, "{}", reply.whole());
    assert_eq!(reply.header("cache-control"), "no-store");
}

const GRANT: (&str, &str) = ("grant_type", "client_credentials");

#[test]
fn a_key_is_exchanged_for_no_more_than_it_may() {
    both(async |app, accounts, _| {
        let ann = accounts.sign_up("ann@example.com").await;
        let _ = ann.post("/v1/notes", json!({ "text": "mine" })).await.is(201);
        let body = json!({ "name": "k", "scopes": ["notes:write", "lines:read"] });
        let made = ann.post("/auth/keys", body).await.is(201).json();
        let (id, key) = (made["id"].as_str().unwrap(), made["key"].as_str().unwrap());
        let anyone = app.anyone();
        let client = [GRANT, ("client_id", id), ("client_secret", key)];
        let whole = grant(&anyone, &client).await.is(200);
        assert_eq!(whole.json()["scope"], "notes:write lines:read");
        assert_eq!(whole.json()["token_type"], "Bearer");
        let _ = bearer(app, &whole).post("/v1/notes", json!({ "text": "t" })).await.is(201);

        let narrow = grant(&basic(app, id, key), &[GRANT, ("scope", "notes:read")]).await.is(200);
        let program = bearer(app, &narrow);
        let _ = program.get("/v1/notes").await.is(200);
        let _ = program.post("/v1/notes", json!({ "text": "t" })).await.is(403).fails("INSUFFICIENT_SCOPE");
        let _ = program.get("/v1/lines").await.is(403).fails("INSUFFICIENT_SCOPE");
        let _ = program.graphql("{ lines { totalCount } }").await.fails("INSUFFICIENT_SCOPE");
        // A token is no client's secret, and buys no other token.
        let token = narrow.json()["access_token"].as_str().unwrap().to_owned();
        refused(&grant(&basic(app, id, &token), &[GRANT]).await, 401, "invalid_client");

        refused(&grant(&basic(app, id, key), &[GRANT, ("client_secret", key)]).await, 400, "invalid_request");
        for scope in ["lines:write", "*", "notes:read tasks:read", "users:read"] {
            refused(&grant(&basic(app, id, key), &[GRANT, ("scope", scope)]).await, 400, "invalid_scope");
        }
        let other = "0190b5a4-7e8f-7c3d-8a21-5f6e7d8c9b0a";
        for (client, secret) in [
            (id, "lwk_wrong"),
            (id, ""),
            (other, key),
            ("", key),
            (id, ann.access.as_str()),
            (id, harness::app::ADMIN_KEY),
        ] {
            refused(&grant(&basic(app, client, secret), &[GRANT]).await, 401, "invalid_client");
        }
        refused(&grant(&anyone, &[GRANT]).await, 401, "invalid_client");
        refused(
            &grant(&basic(app, id, key), &[("grant_type", "password")]).await,
            400,
            "unsupported_grant_type",
        );
        refused(&grant(&basic(app, id, key), &[]).await, 400, "invalid_request");
        refused(&grant(&basic(app, id, key), &[GRANT, GRANT]).await, 400, "invalid_request");
        let _ = basic(app, id, key)
            .post("/auth/token", json!({ "grant_type": "client_credentials" }))
            .await
            .is(415);

        let _ = ann.delete(&format!("/auth/keys/{id}")).await.is(200);
        let _ = program.get("/v1/notes").await.is(401).fails("BAD_CREDENTIALS");
        refused(&grant(&anyone, &client).await, 401, "invalid_client");
    });
}
