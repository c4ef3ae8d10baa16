//! Keys of programs: shown once, bound to scopes, ended at once; and what happened, for administrators.

use harness::account::{Account, PASSWORD, bearer, text, with_mail};
use harness::{App, json};

const MODEL: &str =
    "type Album @model @tenant @allow(to: [ALL], role: \"org:owner\") @allow(to: [ALL], role: \"service\") {
  title: String!
  tracks: [Track!]!
}
type Track @model @tenant @allow(to: [ALL], role: \"org:owner\") @allow(to: [ALL], role: \"service\") {
  name: String!
  album: Album!
}
type Diary @model(plural: \"diaries\") @allow(to: [ALL], where: { owner: { eq: \"$user.id\" } }) {
  text: String!
  owner: User! @default(value: \"$user.id\") @api(create: false, update: false)
}";

async fn key(owner: &Account, scopes: &[&str]) -> (String, String) {
    let body = json!({ "name": "ci", "scopes": scopes, "organization": true });
    let made = owner.actor.post("/auth/keys", body).await.is(201).json();
    (text(&made["id"]).to_owned(), text(&made["key"]).to_owned())
}

/// An organization with an album of one track.
async fn shop(app: &App, mailbox: &harness::Mailbox) -> (Account, String) {
    let (ann, _) = Account::owner(app, mailbox, "ann").await;
    let body = json!({ "title": "A", "tracks": { "create": [{ "name": "t" }] } });
    let album = ann.actor.post("/v1/albums", body).await.is(201).json();
    (ann, text(&album["id"]).to_owned())
}

#[test]
fn a_key_does_what_its_scopes_say_and_no_more() {
    with_mail(MODEL, &[], async |app, mailbox| {
        let (ann, album) = shop(app, mailbox).await;
        let (_, secret) = key(&ann, &["tracks:read"]).await;
        let reader = bearer(app, &secret);
        assert_eq!(reader.get("/v1/tracks").await.is(200).json()["data"][0]["name"], "t");
        let by_header = app.anyone().with("x-api-key", &secret);
        let _ = by_header.get("/v1/tracks").await.is(200);
        for path in [
            "/v1/albums".to_owned(),
            format!("/v1/albums/{album}"),
            format!("/v1/albums/{album}/tracks"),
            "/v1/albums/aggregate".to_owned(),
            "/v1/tracks?expand=album".to_owned(),
        ] {
            let _ = reader.get(&path).await.is(403).fails("INSUFFICIENT_SCOPE");
        }
        let _ = reader
            .post("/v1/tracks", json!({ "name": "x", "album": album }))
            .await
            .is(403)
            .fails("INSUFFICIENT_SCOPE");
        for query in [
            "{ albums { totalCount } }",
            "{ tracks { nodes { album { title } } } }",
            "{ albumsAggregate { count } }",
            "mutation { deleteTracks(where: { name: { eq: \"t\" } }) { count } }",
        ] {
            assert_eq!(reader.graphql(query).await.code(), "INSUFFICIENT_SCOPE", "{query}");
        }
        // What is out of scope can't be found out by a condition either.
        let filter = "{ tracks(where: { album: { title: { eq: \"A\" } } }) { totalCount } }";
        assert_ne!(reader.graphql(filter).await.json()["data"]["tracks"]["totalCount"], 1);
        let _ = reader.get("/v1/tracks?sort=album.title").await.is(400);

        let (_, secret) = key(&ann, &["tracks:write", "albums:read"]).await;
        let writer = bearer(app, &secret);
        let _ = writer.post("/v1/tracks", json!({ "name": "x", "album": album })).await.is(201);
        let _ = writer.patch(&format!("/v1/albums/{album}"), json!({ "title": "B" })).await.is(403);
        let nested = json!({ "name": "y", "album": { "create": { "title": "C" } } });
        let _ = writer.post("/v1/tracks", nested).await.is(403);

        // A key is no user: what is for users is not for it.
        let (_, secret) = key(&ann, &["*"]).await;
        let _ = bearer(app, &secret).get("/v1/diaries").await.is(404);
        let _ =
            bearer(app, &secret).post("/auth/keys", json!({ "name": "x", "scopes": ["*"] })).await.is(403);
        for scopes in [json!([]), json!(["tracks"]), json!(["trakcs:read"]), json!(["tracks:own"])] {
            let body = json!({ "name": "x", "scopes": scopes });
            let _ = ann.actor.post("/auth/keys", body).await.is(422);
        }
    });
}

#[test]
fn a_key_is_shown_once_and_ends_at_once() {
    with_mail(MODEL, &[], async |app, mailbox| {
        let (ann, _) = shop(app, mailbox).await;
        let (id, secret) = key(&ann, &["*"]).await;
        let program = bearer(app, &secret);
        let _ = program.get("/v1/tracks").await.is(200);
        for actor in [ann.actor.clone(), app.admin()] {
            let listed = actor.get("/v1/apiKeys").await.is(200);
            assert!(
                listed.text().contains(&id)
                    && !listed.text().contains(&secret)
                    && !listed.text().contains("hash")
            );
            let _ = actor.get("/v1/apiKeys?fields=hash").await.is(400);
            let _ = actor.get("/v1/apiKeys?hash=x").await.is(400);
        }
        // A key in an address is in every log on the way: it is none.
        let _ = app.admin().get(&format!("/v1/tracks?api_key={secret}")).await.is(400);
        for wrong in [&secret[..secret.len() - 1], &format!("{secret}x"), "lwk_", "lwk_short"] {
            let _ = bearer(app, wrong).get("/v1/tracks").await.is(401);
        }
        let _ = ann.actor.delete(&format!("/auth/keys/{id}")).await.is(200);
        let _ = program.get("/v1/tracks").await.is(401);

        let past = json!({ "name": "x", "scopes": ["*"], "expiresAt": "2020-01-01T00:00:00Z" });
        let _ = ann.actor.post("/auth/keys", past).await.is(422);
        let bob = Account::new(app, mailbox, "bob").await;
        let (id, _) = key(&ann, &["*"]).await;
        let _ = bob.actor.delete(&format!("/auth/keys/{id}")).await.is(404);
    });
}

#[test]
fn a_key_is_exchanged_for_a_token_of_minutes() {
    with_mail(MODEL, &[], async |app, mailbox| {
        let (ann, _) = shop(app, mailbox).await;
        let (id, secret) = key(&ann, &["tracks:read", "albums:write"]).await;
        let form = |text: String| async {
            app.anyone()
                .with("content-type", "application/x-www-form-urlencoded")
                .send("POST", "/auth/token", Some(text.into_bytes()))
                .await
        };
        let granted = form(format!("grant_type=client_credentials&client_id={id}&client_secret={secret}"))
            .await
            .is(200);
        assert_eq!(granted.header("cache-control"), "no-store");
        let granted = granted.json();
        assert_eq!(granted["token_type"], "Bearer");
        let program = bearer(app, text(&granted["access_token"]));
        let _ = program.get("/v1/tracks").await.is(200);
        let narrow = form(format!(
            "grant_type=client_credentials&client_id={id}&client_secret={secret}&scope=tracks:read"
        ))
        .await
        .is(200)
        .json();
        let narrow = bearer(app, text(&narrow["access_token"]));
        let _ = narrow.get("/v1/tracks").await.is(200);
        let _ = narrow.get("/v1/albums").await.is(403);
        for (body, status, error) in [
            (
                format!(
                    "grant_type=client_credentials&client_id={id}&client_secret={secret}&scope=tracks:write"
                ),
                400,
                "invalid_scope",
            ),
            (
                format!("grant_type=client_credentials&client_id={id}&client_secret={secret}x"),
                401,
                "invalid_client",
            ),
            (format!("grant_type=client_credentials&client_id={id}"), 401, "invalid_client"),
            (
                format!("grant_type=password&client_id={id}&client_secret={secret}"),
                400,
                "unsupported_grant_type",
            ),
            (format!("client_id={id}&client_secret={secret}"), 400, "invalid_request"),
            (
                format!("grant_type=client_credentials&grant_type=x&client_id={id}&client_secret={secret}"),
                400,
                "invalid_request",
            ),
        ] {
            let reply = form(body.clone()).await.is(status);
            assert_eq!(reply.json()["error"], error, "{body}");
        }
        // An access token is no client's secret, and a revoked key's token ends with it.
        let token = text(&granted["access_token"]);
        let _ =
            form(format!("grant_type=client_credentials&client_id={id}&client_secret={token}")).await.is(401);
        let _ = ann.actor.delete(&format!("/auth/keys/{id}")).await.is(200);
        let _ = program.get("/v1/tracks").await.is(401);
    });
}

#[test]
fn what_happened_is_for_administrators_and_holds_no_secret() {
    with_mail(MODEL, &[], async |app, mailbox| {
        let (ann, _) = shop(app, mailbox).await;
        let (_, secret) = key(&ann, &["*"]).await;
        let trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        let visitor = app.anyone().with("user-agent", "Browser/1").with("traceparent", trace);
        let _ = visitor
            .post("/auth/sign-in", json!({ "email": ann.email, "password": "wrong wrong wrong" }))
            .await
            .is(401);
        let _ =
            visitor.post("/auth/sign-in", json!({ "email": ann.email, "password": PASSWORD })).await.is(200);
        let events = app.admin().get("/v1/auditEvents?limit=100&sort=createdAt").await.is(200);
        let seen: Vec<String> = events.json()["data"]
            .as_array()
            .unwrap()
            .iter()
            .map(|event| text(&event["event"]).to_owned())
            .collect();
        for wanted in [
            "user.signed_up",
            "user.email_verified",
            "user.signed_in",
            "user.sign_in_refused",
            "organization.made",
            "key.made",
        ] {
            assert!(seen.iter().any(|event| event == wanted), "{wanted}: {seen:?}");
        }
        let refused =
            app.admin().get("/v1/auditEvents?event=user.sign_in_refused").await.json()["data"][0].clone();
        assert_eq!(refused["userAgent"], "Browser/1");
        assert_eq!(refused["address"], "127.0.0.1");
        assert_eq!(refused["subject"], json!(ann.id().await));
        for word in [PASSWORD, &secret, "wrong wrong", ann.refresh(), text(&ann.tokens["accessToken"])] {
            assert!(!events.text().contains(word), "{word}");
        }
        let data = app.admin().graphql("{ auditEvents(first: 1) { totalCount } }").await.data();
        assert!(data["auditEvents"]["totalCount"].as_u64().unwrap() > 5);
        for actor in [ann.actor.clone(), app.anyone(), bearer(app, &secret)] {
            let _ = actor.get("/v1/auditEvents").await.is(404);
        }
        // Nobody writes what the server writes.
        for actor in [ann.actor.clone(), app.admin(), bearer(app, &secret)] {
            for (path, body) in [
                ("/v1/auditEvents", json!({ "event": "x", "actor": "y" })),
                ("/v1/users", json!({ "email": "x@example.com" })),
                ("/v1/organizationMemberships", json!({ "role": "owner" })),
                ("/v1/apiKeys", json!({ "name": "x", "prefix": "y", "scopes": ["*"] })),
            ] {
                let reply = actor.post(path, body).await;
                assert!([403, 404, 405].contains(&reply.status), "{}", reply.whole());
            }
        }
        let path = format!("/v1/users/{}", ann.id().await);
        let _ = ann.actor.patch(&path, json!({ "name": "Ann" })).await.is(200);
        for stolen in [
            json!({ "roles": ["admin"] }),
            json!({ "emailVerified": true }),
            json!({ "disabled": false }),
            json!({ "email": "x@y.example" }),
        ] {
            let reply = ann.actor.patch(&path, stolen).await;
            assert!([403, 422].contains(&reply.status), "{}", reply.whole());
        }
        let _ = ann.actor.delete(&path).await.is(403);
        let _ = ann
            .actor
            .patch(&format!("/auth/users/{}", ann.id().await), json!({ "roles": ["admin"] }))
            .await
            .is(404);
    });
}
