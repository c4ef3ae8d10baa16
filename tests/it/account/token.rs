//! Access tokens: forged ones are refused, all in the same words, and the published key verifies ours.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use ed25519_dalek::SigningKey;
use ed25519_dalek::pkcs8::EncodePrivateKey;
use harness::account::PASSWORD;
use harness::{App, Door, Response, Value, json};
use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, encode};
use sea_orm::{ConnectionTrait, Database, DatabaseBackend, Statement};
use sha2::{Digest, Sha256};

use super::{SECRET, beside, both, program};

/// The key that a program signs with: whoever has its database and its secret has it.
async fn signing_key(app: &App) -> EncodingKey {
    let database = Database::connect(app.database()).await.unwrap();
    let engine = if app.database().starts_with("sqlite") {
        DatabaseBackend::Sqlite
    } else {
        DatabaseBackend::Postgres
    };
    let row = database
        .query_one_raw(Statement::from_string(engine, "select sealed from launchway_signing_keys"))
        .await
        .unwrap()
        .unwrap();
    let sealed: String = row.try_get_by_index(0).unwrap();
    let bytes = URL_SAFE_NO_PAD.decode(sealed).unwrap();
    let (nonce, sealed) = bytes.split_at(24);
    let key = Sha256::digest([b"launchway vault 1\0", SECRET.as_bytes()].concat());
    let nonce: [u8; 24] = nonce.try_into().unwrap();
    let payload = Payload { msg: sealed, aad: b"signing key" };
    let seed = XChaCha20Poly1305::new(&key).decrypt(&XNonce::from(nonce), payload).unwrap();
    let key = SigningKey::from_bytes(&seed.try_into().unwrap());
    EncodingKey::from_ed_der(key.to_pkcs8_der().unwrap().as_bytes())
}

/// A part of a token as JSON.
fn part(token: &str, index: usize) -> Value {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(token.split('.').nth(index).unwrap()).unwrap()).unwrap()
}

fn encoded(json: &Value) -> String {
    URL_SAFE_NO_PAD.encode(json.to_string())
}

/// A value with one member replaced; null takes it away.
fn but(json: &Value, name: &str, value: Value) -> Value {
    let mut json = json.clone();
    match value {
        Value::Null => drop(json.as_object_mut().unwrap().shift_remove(name)),
        value => json[name] = value,
    }
    json
}

/// Signs a head and claims as they are.
fn signed(head: &Value, claims: &Value, key: &EncodingKey) -> String {
    let header: Header = serde_json::from_value(head.clone()).unwrap();
    encode(&header, claims, key).unwrap()
}

async fn ask(app: &App, token: &str) -> Response {
    let asker = app.anyone().with("authorization", &format!("Bearer {token}"));
    asker.with("x-request-id", "same").get("/v1/notes").await
}

/// Tokens whose signature is none, another one, or by another key.
fn unsigned(own: &str, public: &[u8]) -> Vec<String> {
    let (head, claims) = (part(own, 0), part(own, 1));
    let (start, signature) = own.rsplit_once('.').unwrap();
    let mut forged: Vec<String> = Vec::new();
    for alg in ["none", "None", "NONE", "nOnE", ""] {
        let head = encoded(&but(&head, "alg", json!(alg)));
        forged.extend([
            format!("{head}.{}.", encoded(&claims)),
            format!("{head}.{}.{signature}", encoded(&claims)),
        ]);
    }
    let other = SigningKey::from_bytes(&[7; 32]);
    let other = EncodingKey::from_ed_der(other.to_pkcs8_der().unwrap().as_bytes());
    let text = URL_SAFE_NO_PAD.encode(public);
    forged.extend([
        signed(&head, &claims, &other),
        signed(&but(&head, "alg", json!("HS256")), &claims, &EncodingKey::from_secret(public)),
        signed(&but(&head, "alg", json!("HS256")), &claims, &EncodingKey::from_secret(text.as_bytes())),
        format!("{start}."),
        format!("{start}.AAAA"),
        start.to_owned(),
        own[..own.len() - 5].to_owned(),
        format!("{own}.{signature}"),
        format!("{own}{}", "A".repeat(9_000)),
        format!(
            "{}.{}.{signature}",
            encoded(&head),
            encoded(&but(&claims, "sub", json!("0190b5a4-7e8f-7c3d-8a21-5f6e7d8c9b0a")))
        ),
        "a.b.c".to_owned(),
        "..".to_owned(),
        "x".to_owned(),
    ]);
    forged
}

#[test]
fn forged_tokens_are_refused_in_the_same_words() {
    both(async |app, accounts, mailbox| {
        let ann = accounts.sign_up("ann@example.com").await;
        let (head, claims) = (part(&ann.access, 0), part(&ann.access, 1));
        assert_eq!((&head["typ"], &head["alg"]), (&json!("at+jwt"), &json!("EdDSA")));
        let jwks = app.anyone().get("/.well-known/jwks.json").await.is(200).json();
        let public = URL_SAFE_NO_PAD.decode(jwks["keys"][0]["x"].as_str().unwrap()).unwrap();
        let mut forged = unsigned(&ann.access, &public);

        // With the right key: only what they say is wrong.
        let key = signing_key(app).await;
        let again = but(&claims, "jti", json!("0190b5a4-7e8f-4c3d-8a21-5f6e7d8c9b0b"));
        let _ = ask(app, &signed(&head, &again, &key)).await.is(200);
        for (name, value) in [
            ("kid", json!("nobody")),
            ("kid", json!(null)),
            ("typ", json!("JWT")),
            ("typ", json!(null)),
            ("typ", json!("id_token+jwt")),
        ] {
            forged.push(signed(&but(&head, name, value), &claims, &key));
        }
        let now = claims["iat"].as_i64().unwrap();
        for (name, value) in [
            ("aud", json!("somebody")),
            ("aud", json!(null)),
            ("iss", json!("https://evil.example")),
            ("iss", json!(null)),
            ("exp", json!(now - 1)),
            ("exp", json!(null)),
            ("exp", json!("tomorrow")),
            ("nbf", json!(now + 600)),
            ("sub", json!("0190b5a4-7e8f-7c3d-8a21-5f6e7d8c9b0a")),
            ("sub", json!(null)),
            ("sid", json!("0190b5a4-7e8f-7c3d-8a21-5f6e7d8c9b0a")),
            // Without a session it would be a key's.
            ("sid", json!(null)),
        ] {
            forged.push(signed(&head, &but(&claims, name, value), &key));
        }

        // What is good elsewhere.
        let _ = ann.post("/auth/organizations", json!({ "name": "firm" })).await.is(201);
        let _ = ann
            .post("/auth/invitations", json!({ "email": "b@example.com", "role": "member" }))
            .await
            .is(201);
        let _ = app.anyone().post("/auth/password/forgot", json!({ "email": ann.email })).await.is(200);
        let device = accounts.sign_in("ann@example.com").await.device;
        forged.extend([
            ann.refresh.clone(),
            accounts.code("b@example.com").await,
            accounts.code(&ann.email).await,
            device,
        ]);
        // Of another server with the same users, and of this one under another name.
        let renamed = beside(app, mailbox, &[("LAUNCHWAY_SERVER__PUBLIC_URL", "http://other.example")]).await;
        let body = json!({ "email": ann.email, "password": PASSWORD });
        let tokens = renamed.anyone().post("/auth/sign-in", body).await.is(200).json();
        forged.push(tokens["accessToken"].as_str().unwrap().to_owned());
        let elsewhere = program(app.backend(), mailbox, &[]).await;
        forged.push(harness::Accounts::start(&elsewhere, mailbox).sign_up("ann@example.com").await.access);

        let expected = ask(app, "x").await.is(401).fails("BAD_CREDENTIALS").text().to_owned();
        for token in &forged {
            let reply = ask(app, token).await;
            assert_eq!((reply.status, reply.text()), (401, expected.as_str()), "{token}");
            assert!(reply.header("www-authenticate").starts_with("Bearer"));
        }
        for token in [&ann.access, &ann.refresh] {
            let refused = Door::Rest
                .ask(&app.anyone(), "verifyEmail", json!({ "token": token, "password": PASSWORD }))
                .await;
            let _ = refused.fails("TOKEN_INVALID");
        }
        let _ = ask(app, &ann.access).await.is(200);
    });
}

#[test]
fn a_token_ends_when_it_says() {
    both(async |app, accounts, _| {
        let ann = accounts.sign_up("ann@example.com").await;
        let now = || i64::try_from(std::time::UNIX_EPOCH.elapsed().unwrap().as_secs()).unwrap();
        let (end, key) = (now() + 2, signing_key(app).await);
        let short = signed(&part(&ann.access, 0), &but(&part(&ann.access, 1), "exp", json!(end)), &key);
        let _ = ask(app, &short).await.is(200);
        loop {
            let before = now();
            match ask(app, &short).await.status {
                200 => assert!(before <= end, "it goes on"),
                status => break assert_eq!(status, 401),
            }
        }
        assert!(now() >= end);
        let _ = ask(app, &ann.access).await.is(200);
    });
}

#[test]
fn the_published_key_verifies_a_token() {
    both(async |app, accounts, _| {
        let ann = accounts.sign_up("ann@example.com").await;
        let reply = app.anyone().get("/.well-known/jwks.json").await.is(200);
        assert_eq!(reply.header("content-type"), "application/jwk-set+json");
        assert_eq!(reply.header("cache-control"), "public, max-age=300");
        for secret in ["\"d\"", "sealed", "private"] {
            assert!(!reply.text().contains(secret), "{}", reply.whole());
        }
        let keys: JwkSet = serde_json::from_slice(reply.bytes()).unwrap();
        let kid = part(&ann.access, 0)["kid"].as_str().unwrap().to_owned();
        let key = DecodingKey::from_jwk(keys.find(&kid).unwrap()).unwrap();
        let mut validation = Validation::new(Algorithm::EdDSA);
        validation.set_audience(&["launchway"]);
        let claims = decode::<Value>(&ann.access, &key, &validation).unwrap().claims;
        assert_eq!(claims["sub"], json!(ann.id));
        for name in ["iss", "aud", "iat", "exp", "jti", "sub", "sid"] {
            assert!(!claims[name].is_null(), "{name} in {claims}");
        }
        assert_eq!(claims.as_object().unwrap().len(), 7, "nothing else is told: {claims}");
    });
}
