//! The client credentials grant: a key for a token of minutes (RFC 6749, section 4.4).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use harness::{Accounts, Actor, App, Backend, Mailbox, Response, json, runtime};
use sea_orm::{ConnectionTrait, Database};

use super::{both, configured};

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
fn what_is_wrong_with_the_database_is_not_said_of_the_client() {
    both(async |app, accounts, _| {
        let ann = accounts.sign_up("ann@example.com").await;
        let made = ann.post("/auth/keys", json!({ "name": "k", "scopes": ["*"] })).await.is(201).json();
        let (id, key) = (made["id"].as_str().unwrap(), made["key"].as_str().unwrap());
        let database = Database::connect(app.database()).await.unwrap();
        // No list of scopes: the row can't be read.
        let broken = "update launchway_api_keys set scopes = '{}'";
        assert_eq!(database.execute_unprepared(broken).await.unwrap().rows_affected(), 1);
        refused(&grant(&basic(app, id, key), &[GRANT]).await, 500, "server_error");
        refused(&grant(&basic(app, id, "lwk_wrong"), &[GRANT]).await, 401, "invalid_client");
        let whole = "update launchway_api_keys set scopes = '[\"*\"]'";
        assert_eq!(database.execute_unprepared(whole).await.unwrap().rows_affected(), 1);
        let _ = grant(&basic(app, id, key), &[GRANT]).await.is(200);
        database.close().await.unwrap();
    });
}

/// A model of many types with long names.
fn wide() -> String {
    let name = "x".repeat(40);
    let ty = |number: usize| {
        format!("type Row{number}{name} @model @allow(to: [READ], role: \"service\") {{ text: String! }}\n")
    };
    (10..60).map(ty).collect()
}

#[test]
fn a_token_that_is_given_is_taken_however_many_scopes_it_has() {
    for backend in Backend::available() {
        runtime::block_on(async {
            let mailbox = Mailbox::start();
            let app = configured(App::with(backend, &wide()), &mailbox, &[]).start().await;
            let ann = Accounts::start(&app, &mailbox).sign_up("ann@example.com").await;
            let document = app.admin().get("/openapi.json").await.is(200).json();
            let paths = document["paths"].as_object().unwrap();
            let plurals = paths.keys().filter_map(|path| path.strip_prefix("/v1/"));
            let plurals: Vec<&str> =
                plurals.filter(|name| name.starts_with("row") && !name.contains('/')).collect();
            assert_eq!(plurals.len(), 50);
            let scopes: Vec<String> = plurals.iter().map(|name| format!("{name}:read")).collect();
            let key = async |scopes: &[String]| {
                let made =
                    ann.post("/auth/keys", json!({ "name": "k", "scopes": scopes })).await.is(201).json();
                basic(&app, made["id"].as_str().unwrap(), made["key"].as_str().unwrap())
            };
            let many = key(&scopes).await;
            let whole = grant(&many, &[GRANT]).await.is(200);
            let token = whole.json()["access_token"].as_str().unwrap().len();
            assert!((2_049..8_000).contains(&token), "{token}");
            let _ = bearer(&app, &whole).get(&format!("/v1/{}", plurals[0])).await.is(200);
            // The same one many times is one.
            let twice = [scopes.join(" "), scopes.join(" ")].join(" ");
            let again = grant(&many, &[GRANT, ("scope", &twice)]).await.is(200);
            assert_eq!(again.json()["scope"], scopes.join(" "));
            let _ = bearer(&app, &again).get(&format!("/v1/{}", plurals[0])).await.is(200);
            // What could not be shown is not given.
            let all = key(&["*".to_owned()]).await;
            let long = (0..1_000).map(|number| format!("x{number}:read")).collect::<Vec<_>>().join(" ");
            refused(&grant(&all, &[GRANT, ("scope", &long)]).await, 400, "invalid_scope");
        });
    }
}

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
