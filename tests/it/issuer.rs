//! Tokens of issuers elsewhere: taken when all about them is right, and only then.

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::time::{SystemTime, UNIX_EPOCH};

use futures::future::join_all;
use harness::{App, Backend, Value, json, runtime};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};

const MODEL: &str = "type Note @model @allow(to: [ALL], where: { owner: { eq: \"$user.id\" } }) {
  text: String!
  owner: User! @default(value: \"$user.id\") @api(create: false, update: false)
}
type Offer @model @allow(to: [READ], where: { plan: { eq: \"$claims.plan\" } }) @allow(to: [CREATE], role: \"editor\") {
  plan: String!
}";

/// The key of RFC 8037, appendix A.1: nobody's secret.
const SEED: [u8; 32] = [
    0x9d, 0x61, 0xb1, 0x9d, 0xef, 0xfd, 0x5a, 0x60, 0xba, 0x84, 0x4a, 0xf4, 0x92, 0xec, 0x2c, 0xc4, 0x44,
    0x49, 0xc5, 0x69, 0x7b, 0x32, 0x69, 0x19, 0x70, 0x3b, 0xac, 0x03, 0x1c, 0xae, 0x7f, 0x60,
];
const PUBLIC: &str = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";

/// Publishes the key for as long as the process lives; gives its issuer.
fn issuer() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let issuer = format!("http://{}/", listener.local_addr().unwrap());
    let keys =
        json!({ "keys": [{ "kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "kid": "one", "x": PUBLIC }] })
            .to_string();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { continue };
            let _ = stream.read(&mut [0; 4096]);
            let head = format!(
                "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
                keys.len()
            );
            let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(keys.as_bytes()));
        }
    });
    issuer
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

/// A token of these claims, signed as its head says.
fn token(head: &Header, claims: &Value) -> String {
    // PKCS #8 of an Ed25519 key is these bytes and the seed (RFC 8410, section 7).
    let der = [&[0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20][..], &SEED].concat();
    encode(head, claims, &EncodingKey::from_ed_der(&der)).unwrap()
}

fn head() -> Header {
    Header { kid: Some("one".to_owned()), ..Header::new(Algorithm::EdDSA) }
}

async fn program(backend: Backend, issuer: &str) -> (App, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("launchway.toml");
    let text = format!(
        "[auth.issuers.main]\nissuer = \"{issuer}\"\njwks_url = \"{issuer}keys\"\naudiences = [\"api\"]\nclaims = {{ roles = \"app.roles\" }}\n"
    );
    std::fs::write(&file, text).unwrap();
    let flags = ["--config", file.to_str().unwrap()];
    (App::with(backend, MODEL).flags(&flags).start().await, folder)
}

#[test]
fn whoever_an_issuer_vouches_for_is_a_user_with_its_claims_and_roles() {
    for backend in Backend::available() {
        runtime::block_on(async {
            let issuer = issuer();
            let (app, _folder) = program(backend, &issuer).await;
            let claims = |subject: &str, more: Value| {
                let mut claims = json!({ "iss": issuer, "aud": "api", "sub": subject, "exp": now() + 300 });
                claims.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
                claims
            };
            let bearer = |claims: &Value| {
                app.anyone().with("authorization", &format!("Bearer {}", token(&head(), claims)))
            };
            let email = json!({ "email": "Ann@Example.com", "email_verified": true, "plan": "pro", "app": { "roles": ["editor"] } });
            let ann = bearer(&claims("ann", email));
            let me = ann.get("/auth/me").await.is(200).json();
            assert_eq!(me["user"]["email"], "ann@example.com", "{me}");
            let _ = ann.post("/v1/notes", json!({ "text": "mine" })).await.is(201);
            let _ = ann.post("/v1/offers", json!({ "plan": "pro" })).await.is(201);
            let _ = ann.post("/v1/offers", json!({ "plan": "free" })).await.is(201);
            let seen = ann.get("/v1/offers").await.json();
            assert_eq!(seen["data"].as_array().unwrap().len(), 1, "{seen}");

            // The same subject later, without what it said of itself: the same account, and no roles.
            let later = bearer(&claims("ann", json!({})));
            assert_eq!(later.get("/v1/notes").await.json()["data"][0]["text"], "mine");
            let _ = later.post("/v1/offers", json!({ "plan": "x" })).await.is(403);
            assert_eq!(later.get("/v1/offers").await.json()["data"], json!([]));
            // Claims of another shape than what they are compared with open nothing.
            let odd = bearer(&claims("ann", json!({ "plan": ["pro"] })));
            assert_eq!(odd.get("/v1/offers").await.json()["data"], json!([]));

            // Another subject that claims the address without proof is somebody else.
            let other = bearer(&claims("eve", json!({ "email": "ann@example.com" })));
            let eve = other.get("/auth/me").await.is(200).json();
            assert_ne!(eve["user"]["id"], me["user"]["id"]);
            assert_eq!(other.get("/v1/notes").await.json()["data"], json!([]));

            let disable = json!({ "disabled": true });
            let path = format!("/auth/users/{}", me["user"]["id"].as_str().unwrap());
            let _ = app.admin().patch(&path, disable).await.is(200);
            let _ = ann.get("/v1/notes").await.is(401);
        });
    }
}

#[test]
fn first_requests_that_come_at_once_are_all_of_one_user() {
    for backend in Backend::available() {
        runtime::block_on(async {
            let issuer = issuer();
            let (app, _folder) = program(backend, &issuer).await;
            for round in 0..5 {
                let email = format!("ann{round}@example.com");
                let asked = (0..20).map(async |number| {
                    // Tokens of one subject; and of two with one address, which are one account.
                    let subject =
                        if round == 4 { format!("ann{round} {}", number % 2) } else { format!("ann{round}") };
                    let claims = json!({
                        "iss": issuer, "aud": "api", "sub": subject, "exp": now() + 300 + number,
                        "email": email, "email_verified": true,
                    });
                    let bearer = format!("Bearer {}", token(&head(), &claims));
                    let me = app.anyone().with("authorization", &bearer).get("/auth/me").await.is(200).json();
                    me["user"]["id"].as_str().unwrap().to_owned()
                });
                let users: BTreeSet<String> = join_all(asked).await.into_iter().collect();
                assert_eq!(users.len(), 1, "{users:?}");
            }
            let rows = app.admin().get("/v1/authIdentities?limit=100").await.is(200).json();
            assert_eq!(rows["data"].as_array().unwrap().len(), 6, "{rows}");
        });
    }
}

#[test]
fn forged_tokens_of_the_issuer_are_all_refused_alike() {
    for backend in Backend::available() {
        runtime::block_on(async {
            let issuer = issuer();
            let (app, _folder) = program(backend, &issuer).await;
            let good = json!({ "iss": issuer, "aud": "api", "sub": "ann", "exp": now() + 300 });
            let with = |name: &str, value: Value| {
                let mut claims = good.clone();
                claims[name] = value;
                claims
            };
            let part = |value: &Value| {
                use base64::Engine;
                base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(value.to_string())
            };
            let none = |alg: &str| {
                format!("{}.{}.", part(&json!({ "alg": alg, "kid": "one", "typ": "JWT" })), part(&good))
            };
            let hs256 = encode(
                &Header { kid: Some("one".to_owned()), ..Header::new(Algorithm::HS256) },
                &good,
                &EncodingKey::from_secret(PUBLIC.as_bytes()),
            )
            .unwrap();
            let forged = [
                none("none"),
                none("None"),
                none("nOnE"),
                hs256,
                token(&head(), &with("aud", json!("other"))),
                token(&head(), &with("iss", json!("https://evil.example/"))),
                token(&head(), &with("exp", json!(now() - 300))),
                token(&head(), &with("nbf", json!(now() + 3_600))),
                token(&Header { kid: Some("two".to_owned()), ..head() }, &good),
                format!("{}x", token(&head(), &good)),
                token(&head(), &good).rsplit_once('.').unwrap().0.to_owned() + ".",
            ];
            let _ = app
                .anyone()
                .with("authorization", &format!("Bearer {}", token(&head(), &good)))
                .get("/auth/me")
                .await
                .is(200);
            for token in forged {
                let reply = app
                    .anyone()
                    .with("authorization", &format!("Bearer {token}"))
                    .get("/v1/notes")
                    .await
                    .is(401);
                assert_eq!(reply.json()["detail"], "The credentials are not valid.", "{token}");
            }
        });
    }
}
