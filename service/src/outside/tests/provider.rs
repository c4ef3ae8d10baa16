//! Sign-in at an OpenID provider that is honest, and at some that are not.

use harness::runtime::block_on;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};

use super::client;
use super::scene::{BACK, CLIENT, Scene, provider};
use super::server::{Reply, Server};
use super::signer::{Signer, message, now};
use crate::error::{Code, Error};
use crate::outside::{OutsideIdentity, Provider, ProviderSettings};

#[test]
fn an_honest_sign_in() {
    block_on(async {
        let scene = Scene::new().await;
        let identity = scene.sign_in().await.unwrap();
        let expected = OutsideIdentity {
            issuer: scene.server.url.clone(),
            subject: "s-1".to_owned(),
            email: Some("ann@example.com".to_owned()),
            email_verified: true,
            name: Some("Ann".to_owned()),
            // Not https.
            picture: None,
        };
        assert_eq!(identity, expected);
        assert_eq!(scene.sign_in().await.unwrap(), expected);
        assert_eq!(scene.server.count("/.well-known/openid-configuration"), 1);
        let begun = scene.begin().await.unwrap();
        let other = scene.begin().await.unwrap();
        assert_ne!(begun.state, other.state);
        assert_ne!(begun.nonce.expose_secret(), other.nonce.expose_secret());
        assert_ne!(begun.verifier.expose_secret(), other.verifier.expose_secret());
        let query: Vec<(String, String)> = begun.url.query_pairs().into_owned().collect();
        let field = |name: &str| query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
        assert_eq!(field("response_type"), Some("code"));
        assert_eq!(field("code_challenge_method"), Some("S256"));
        assert_eq!(field("scope"), Some("openid email profile"));
        assert_eq!(field("redirect_uri"), Some(BACK));
        assert_eq!(field("state"), Some(begun.state.as_str()));
    });
}

fn set_claim(name: &'static str, value: Value) -> impl Fn(&Signer, &mut Value) -> String + Send + 'static {
    move |signer, claims| {
        claims[name] = value.clone();
        signer.sign(claims)
    }
}

#[test]
fn id_tokens_that_prove_nothing() {
    block_on(async {
        let scene = Scene::new().await;
        let no = |answer: Result<OutsideIdentity, Error>, what: &str| {
            let error = answer.expect_err(what);
            assert_eq!(error.code(), Code::ProviderFailed, "{what}");
            assert_eq!(error.message(), "The identity provider said no or gave something wrong.");
        };
        let claims = [
            ("nonce", json!("another")),
            ("nonce", json!("")),
            ("iss", json!("https://evil.example")),
            ("aud", json!("another")),
            ("aud", json!([CLIENT, "another"])),
            ("azp", json!("another")),
            ("exp", json!(now() - 120)),
            ("exp", json!(now() + 300).to_string().into()),
            ("iat", json!(now() - 3600)),
            ("iat", json!(now() + 3600)),
            ("nbf", json!(now() + 3600)),
            ("sub", json!("")),
        ];
        for (name, value) in claims {
            let what = format!("{name}: {value}");
            no(scene.with(set_claim(name, value)).await, &what);
        }
        for name in ["nonce", "iat", "exp", "sub", "aud", "iss"] {
            let answer = scene.with(move |signer, claims| {
                claims.as_object_mut().unwrap().remove(name);
                signer.sign(claims)
            });
            no(answer.await, name);
        }
        for alg in ["none", "None", "NONE"] {
            let answer = scene
                .with(move |_, claims| format!("{}.", message(&json!({ "alg": alg, "kid": "d" }), claims)));
            no(answer.await, alg);
        }
        let hmac = |secret: Vec<u8>| {
            move |_: &Signer, claims: &mut Value| {
                Signer::hmac(&json!({ "alg": "HS256", "kid": "d" }), claims, &secret)
            }
        };
        no(scene.with(hmac(b"secret".to_vec())).await, "HS256 with the client's secret");
        let public = scene.play.lock().unwrap().signer.public().to_string().into_bytes();
        no(scene.with(hmac(public)).await, "HS256 with the public key");
        let stranger = Signer::ed25519("d");
        no(scene.with(move |_, claims| stranger.sign(claims)).await, "a stranger's key");
        no(scene.with(|_, _| "no token".to_owned()).await, "no token");
        let _ = scene.sign_in().await.unwrap();
        let several = scene.with(|signer, claims| {
            claims["aud"] = json!([CLIENT, "another"]);
            claims["azp"] = json!(CLIENT);
            signer.sign(claims)
        });
        let _ = several.await.unwrap();
        let word = scene.with(set_claim("email_verified", json!("true"))).await.unwrap();
        assert!(word.email_verified);
        // Some write times as text, and claims of their own.
        let unusual = scene.with(|signer, claims| {
            claims["updated_at"] = json!("2026-01-01T00:00:00Z");
            claims["address"] = json!(["none"]);
            claims["gender"] = json!(1);
            signer.sign(claims)
        });
        let _ = unusual.await.unwrap();
        let unproved = scene.with(set_claim("email_verified", json!(false))).await.unwrap();
        assert!(!unproved.email_verified && unproved.email.is_some());
    });
}

#[test]
fn callbacks_that_are_not_ours() {
    block_on(async {
        let scene = Scene::new().await;
        let code = |answer: Result<OutsideIdentity, Error>| answer.map(|_| ()).map_err(|error| error.code());
        let begun = scene.begin().await.unwrap();
        let own = scene.server.url.clone();
        assert_eq!(
            code(scene.finish(&begun, "c-1", Some("https://evil.example")).await),
            Err(Code::ProviderFailed)
        );
        assert_eq!(scene.server.count("/token"), 0, "a mixed-up code is given to nobody");
        assert_eq!(code(scene.finish(&begun, "", None).await), Err(Code::ProviderFailed));
        assert_eq!(code(scene.finish(&begun, &"c".repeat(5000), None).await), Err(Code::ProviderFailed));
        assert_eq!(code(scene.finish(&begun, "c-1", Some(&own)).await), Ok(()));
        assert_eq!(
            code(scene.finish(&begun, "c-1", Some(&own)).await),
            Err(Code::ProviderFailed),
            "replayed"
        );
        // The verifier of another sign-in.
        let other = scene.provider.begin(BACK).await.unwrap();
        let mixed = scene.provider.finish(BACK, "c-2", None, &begun.nonce, &other.verifier).await;
        assert_eq!(code(mixed), Err(Code::ProviderFailed));
        // One that always says who it is, and does not.
        let scene = Scene::new().await;
        scene.play.lock().unwrap().document =
            json!({ "authorization_response_iss_parameter_supported": true });
        let begun = scene.begin().await.unwrap();
        assert_eq!(code(scene.finish(&begun, "c-1", None).await), Err(Code::ProviderFailed));
        let own = scene.server.url.clone();
        assert_eq!(code(scene.finish(&begun, "c-1", Some(&own)).await), Ok(()));
    });
}

#[test]
fn trouble_at_each_step() {
    block_on(async {
        let down =
            [Reply::Hangup, Reply::Stall, Reply::Json(503, Value::Null), Reply::Json(429, Value::Null)];
        let wrong = [
            Reply::Endless,
            Reply::Redirect("https://evil.example/".to_owned()),
            Reply::Text(200, "application/json", "{\"".to_owned()),
            Reply::Text(200, "text/html", "<p>Hello</p>".to_owned()),
            Reply::Json(200, json!([])),
            Reply::Json(400, json!({})),
        ];
        let replies = down.map(|reply| (reply, Code::ProviderUnavailable)).into_iter();
        for (reply, code) in replies.chain(wrong.map(|reply| (reply, Code::ProviderFailed))) {
            for path in ["/.well-known/openid-configuration", "/keys", "/token"] {
                let scene = Scene::new().await;
                scene.play.lock().unwrap().instead = Some((path, reply.clone()));
                let error = scene.sign_in().await.unwrap_err();
                assert_eq!(error.code(), code, "{path}");
                assert!(error.hint_text().is_some());
                assert_eq!(error.retry_seconds().is_some(), code == Code::ProviderUnavailable);
                // It is over when the trouble is.
                scene.play.lock().unwrap().instead = None;
                let _ = scene.sign_in().await.unwrap();
            }
        }
    });
}

#[test]
fn a_provider_that_is_down_breaks_no_other() {
    block_on(async {
        let scene = Scene::new().await;
        let down = provider(&Server::nobody().await);
        let error = down.begin(BACK).await.unwrap_err();
        assert_eq!(error.code(), Code::ProviderUnavailable);
        assert!(error.retry_seconds().is_some());
        let _ = scene.sign_in().await.unwrap();
    });
}

#[test]
fn a_new_key_is_found() {
    block_on(async {
        let scene = Scene::new().await;
        let _ = scene.sign_in().await.unwrap();
        let new = Signer::p256("new");
        {
            let mut play = scene.play.lock().unwrap();
            play.keys.push(new.clone());
            play.signer = new;
        }
        let _ = scene.sign_in().await.unwrap();
        assert_eq!(scene.server.count("/keys"), 2);
        let unknown = scene.with(|_, claims| Signer::ed25519("unknown").sign(claims)).await;
        assert_eq!(unknown.unwrap_err().code(), Code::ProviderFailed);
    });
}

#[test]
fn an_address_that_is_only_at_the_userinfo_endpoint() {
    block_on(async {
        let scene = Scene::new().await;
        let place = format!("{}/userinfo", scene.server.url);
        scene.play.lock().unwrap().document = json!({ "userinfo_endpoint": place });
        let bare = |signer: &Signer, claims: &mut Value| {
            claims.as_object_mut().unwrap().remove("email");
            signer.sign(claims)
        };
        // The ID token's word on the address is not for an address from elsewhere.
        scene.play.lock().unwrap().told =
            Some(json!({ "sub": "s-1", "email": "bob@example.com", "name": "Bob" }));
        let identity = scene.with(bare).await.unwrap();
        assert_eq!(identity.email.as_deref(), Some("bob@example.com"));
        assert!(!identity.email_verified);
        assert_eq!(identity.name.as_deref(), Some("Ann"), "what is signed goes first");
        let verified = json!({ "sub": "s-1", "email": "bob@example.com", "email_verified": true });
        scene.play.lock().unwrap().told = Some(verified);
        assert!(scene.with(bare).await.unwrap().email_verified);
        scene.play.lock().unwrap().told = Some(json!({ "sub": "s-2", "email": "eve@example.com" }));
        assert_eq!(scene.with(bare).await.unwrap_err().code(), Code::ProviderFailed, "somebody else");
    });
}

#[test]
fn settings_that_make_no_sense_are_refused() {
    block_on(async {
        let secret = || SecretString::from("secret");
        let good = || ProviderSettings::open_id("mine", "https://issuer.example", CLIENT, secret());
        let wrong = [
            ProviderSettings { name: "My Provider".to_owned(), ..good() },
            ProviderSettings { name: String::new(), ..good() },
            ProviderSettings { name: "a/b".to_owned(), ..good() },
            ProviderSettings { client_id: String::new(), ..good() },
            ProviderSettings { issuer: None, ..good() },
            ProviderSettings { issuer: Some("http://issuer.example".to_owned()), ..good() },
            ProviderSettings {
                web_url: Some("http://x.example".to_owned()),
                ..ProviderSettings::github("c", secret())
            },
        ];
        for settings in wrong {
            let text = format!("{settings:?}");
            assert!(!text.contains("\"secret\""), "{text}");
            assert_eq!(Provider::new(settings, client()).unwrap_err().code(), Code::BadValue, "{text}");
        }
        let google = Provider::new(ProviderSettings::google("c", secret()), client()).unwrap();
        assert_eq!(google.name(), "google");
        let _ = Provider::new(good(), client()).unwrap();
    });
}
