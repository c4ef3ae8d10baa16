//! Tokens that nobody honest made: every one is refused, with the same words.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use harness::runtime::block_on;
use serde_json::{Value, json};

use super::client;
use super::issuer::{AUDIENCE, claims, issuer, settings};
use super::server::{Reply, Server};
use super::signer::{Signer, encode, message, now, set};
use crate::error::{Code, Error};
use crate::outside::Issuers;

/// The public half of the RSA key, in the two forms that programs write.
const PUBLIC: [&str; 2] =
    [include_str!("test-key-rsa-2048-public.pem"), include_str!("test-key-rsa-2048-public-pkcs1.pem")];

struct Scene {
    server: Server,
    rsa: Signer,
    curve: Signer,
    edwards: Signer,
    issuers: Issuers,
}

impl Scene {
    async fn new() -> Self {
        let (rsa, curve, edwards) = (Signer::rsa("r", 2048), Signer::p256("e"), Signer::ed25519("d"));
        let server = issuer(set(&[rsa.clone(), curve.clone(), edwards.clone()])).await;
        let issuers = Issuers::new(vec![settings(&server)], client()).unwrap();
        Self { server, rsa, curve, edwards, issuers }
    }

    fn claims(&self) -> Value {
        claims(&self.server)
    }

    /// A token with other claims; a null takes one away.
    fn with(&self, changes: Value) -> String {
        let mut claims = self.claims();
        change(&mut claims, changes);
        self.edwards.sign(&claims)
    }

    /// A token with another head.
    fn headed(&self, changes: Value) -> String {
        let mut header = self.edwards.header();
        change(&mut header, changes);
        self.edwards.sign_as(&header, &self.claims())
    }

    /// All of them, and the honest one before and after.
    async fn refuses(&self, forged: Vec<(&str, String)>) {
        let honest = self.edwards.sign(&self.claims());
        let _ = self.issuers.verify(&honest).await.unwrap();
        let answer = Error::new(Code::BadCredentials, "The credentials are not valid.");
        for (what, token) in forged {
            let error = self.issuers.verify(&token).await.map(|verified| verified.subject).expect_err(what);
            assert_eq!(error, answer, "{what}");
            assert_eq!(error.retry_seconds(), None, "{what}");
        }
        let _ = self.issuers.verify(&honest).await.unwrap();
    }
}

fn change(object: &mut Value, changes: Value) {
    let (object, Value::Object(changes)) = (object.as_object_mut().unwrap(), changes) else { return };
    for (name, value) in changes {
        if value.is_null() {
            object.remove(&name);
        } else {
            object.insert(name, value);
        }
    }
}

#[test]
fn algorithms_that_prove_nothing() {
    block_on(async {
        let scene = Scene::new().await;
        let mut forged = Vec::new();
        for name in ["none", "None", "NONE", "nOnE", "", " none", "none ", "nul"] {
            for signature in ["", "AA", "AAAA"] {
                let header = json!({ "alg": name, "kid": "d", "typ": "JWT" });
                forged.push((name, format!("{}.{signature}", message(&header, &scene.claims()))));
            }
        }
        for alg in [json!(null), json!(["EdDSA"]), json!(0), json!({})] {
            let header = json!({ "alg": alg, "kid": "d" });
            forged.push(("alg is no text", scene.edwards.sign_as(&header, &scene.claims())));
        }
        forged.push(("no alg", scene.edwards.sign_as(&json!({ "kid": "d" }), &scene.claims())));
        scene.refuses(forged).await;
    });
}

#[test]
fn public_keys_as_shared_secrets() {
    block_on(async {
        let scene = Scene::new().await;
        let mut forged = Vec::new();
        for signer in [&scene.rsa, &scene.curve, &scene.edwards] {
            let jwk = signer.public();
            let field = |name: &str| jwk[name].as_str().unwrap_or_default().to_owned();
            let mut secrets = vec![
                jwk.to_string().into_bytes(),
                serde_json::to_string_pretty(&jwk).unwrap().into_bytes(),
                field("n").into_bytes(),
                field("x").into_bytes(),
                decode(&field("n")),
                decode(&field("x")),
                Vec::new(),
            ];
            for pem in PUBLIC {
                let text: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
                secrets.extend([pem.as_bytes().to_vec(), pem.trim().as_bytes().to_vec()]);
                secrets.push(STANDARD.decode(text).unwrap());
            }
            for secret in &secrets {
                for alg in ["HS256", "hs256", "HS384", "HS512"] {
                    let header = json!({ "alg": alg, "kid": signer.id, "typ": "JWT" });
                    forged.push(("HMAC with a public key", Signer::hmac(&header, &scene.claims(), secret)));
                }
                // The head says what the key is for, the signature is the secret's.
                forged.push(("HMAC in disguise", Signer::hmac(&signer.header(), &scene.claims(), secret)));
            }
        }
        scene.refuses(forged).await;
    });
}

fn decode(text: &str) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(text).unwrap()
}

#[test]
fn keys_of_other_names_and_of_others() {
    block_on(async {
        let scene = Scene::new().await;
        let stranger = Signer::ed25519("d");
        let forged = vec![
            ("unknown key", scene.headed(json!({ "kid": "x" }))),
            ("no key named", scene.headed(json!({ "kid": null }))),
            ("empty name", scene.headed(json!({ "kid": "" }))),
            ("name is no text", scene.headed(json!({ "kid": 1 }))),
            ("path", scene.headed(json!({ "kid": "../../../../dev/null" }))),
            ("address", scene.headed(json!({ "kid": "https://evil.example/keys" }))),
            ("statement", scene.headed(json!({ "kid": "d' or '1'='1" }))),
            ("zero", scene.headed(json!({ "kid": "d\u{0}" }))),
            ("of another issuer", stranger.sign(&scene.claims())),
            ("another key of the set", scene.headed(json!({ "kid": "e" }))),
            ("another algorithm", scene.headed(json!({ "alg": "ES256" }))),
            ("another algorithm and key", scene.headed(json!({ "alg": "RS256", "kid": "r" }))),
            ("of another RSA algorithm", {
                let header = json!({ "alg": "PS256", "kid": "r" });
                scene.rsa.sign_as(&header, &scene.claims())
            }),
            ("the key in the token", {
                let header = json!({ "alg": "EdDSA", "kid": "d", "jwk": stranger.public() });
                stranger.sign_as(&header, &scene.claims())
            }),
            ("an address of keys in the token", {
                let header = json!({ "alg": "EdDSA", "kid": "d", "jku": "https://evil.example/keys" });
                stranger.sign_as(&header, &scene.claims())
            }),
        ];
        scene.refuses(forged).await;
        // Such heads are ignored, not refused: some honest issuers write them.
        let token = scene.headed(json!({ "jku": "https://evil.example/keys", "x5c": ["AAAA"], "x5u": "x" }));
        let _ = scene.issuers.verify(&token).await.unwrap();
    });
}

#[test]
fn claims_that_are_not_for_us_or_not_for_now() {
    block_on(async {
        let scene = Scene::new().await;
        let later = now() + 300;
        let changes = vec![
            ("wrong iss", json!({ "iss": "https://evil.example" })),
            ("iss with a slash", json!({ "iss": format!("{}/", scene.server.url) })),
            ("no iss", json!({ "iss": null })),
            ("iss list", json!({ "iss": [scene.server.url] })),
            ("wrong aud", json!({ "aud": "another" })),
            ("no aud", json!({ "aud": null })),
            ("aud list of others", json!({ "aud": ["a", "b"] })),
            ("aud list with a number", json!({ "aud": [AUDIENCE, 1] })),
            ("aud empty", json!({ "aud": [] })),
            ("aud object", json!({ "aud": { AUDIENCE: true } })),
            ("aud in another case", json!({ "aud": AUDIENCE.to_uppercase() })),
            ("expired", json!({ "exp": now() - 3600 })),
            ("just expired", json!({ "exp": now() - 31 })),
            ("no exp", json!({ "exp": null })),
            ("exp as text", json!({ "exp": later.to_string() })),
            ("exp as float", json!({ "exp": 4_102_444_800.5 })),
            ("exp huge", json!({ "exp": u64::MAX })),
            ("exp huger", json!({ "exp": 1e300 })),
            ("exp after all dates", json!({ "exp": 253_402_300_800_i64 })),
            ("exp negative", json!({ "exp": -1 })),
            ("exp list", json!({ "exp": [later] })),
            ("nbf in the future", json!({ "nbf": later })),
            ("nbf as text", json!({ "nbf": "0" })),
            ("nbf as float", json!({ "nbf": 0.5 })),
            ("no sub", json!({ "sub": null })),
            ("empty sub", json!({ "sub": "" })),
            ("sub as number", json!({ "sub": 1 })),
            ("sub with a zero", json!({ "sub": "u-1\u{0}" })),
            ("sub too long", json!({ "sub": "u".repeat(256) })),
        ];
        scene.refuses(changes.into_iter().map(|(what, change)| (what, scene.with(change))).collect()).await;
    });
}

#[test]
fn shapes_that_are_no_token() {
    block_on(async {
        let scene = Scene::new().await;
        let honest = scene.edwards.sign(&scene.claims());
        let parts: Vec<&str> = honest.split('.').collect();
        let [head, body, signature] = parts[..] else { panic!("three parts") };
        let huge = "x".repeat(9000);
        let mut forged = vec![
            ("empty", String::new()),
            ("dots", "..".to_owned()),
            ("two signatures", format!("{honest}.{signature}")),
            ("no signature", format!("{head}.{body}")),
            ("empty signature", format!("{head}.{body}.")),
            ("truncated signature", honest[..honest.len() - 4].to_owned()),
            ("truncated claims", format!("{head}.{}.{signature}", &body[..body.len() - 4])),
            ("five parts", format!("{head}.{body}.{signature}.{body}.{signature}")),
            ("padded", format!("{honest}=")),
            ("space before", format!(" {honest}")),
            ("line after", format!("{honest}\n")),
            ("other alphabet", format!("{head}.{body}.{}", "+/".repeat(43))),
            (
                "JSON form",
                json!({ "payload": body, "signatures": [{ "protected": head, "signature": signature }] })
                    .to_string(),
            ),
            ("claims are a list", scene.edwards.sign_as(&scene.edwards.header(), &json!([1]))),
            ("head is a list", format!("{}.{body}.{signature}", encode("[]"))),
            ("algorithm twice", {
                let head = encode(r#"{"alg":"none","alg":"EdDSA","kid":"d"}"#);
                format!("{head}.{body}.{signature}")
            }),
            ("deep", format!("{head}.{}.{signature}", encode("[".repeat(4000)))),
            ("huge", scene.with(json!({ "more": huge }))),
        ];
        for typ in ["jose", "dpop+jwt", "logout+jwt", "secevent+jwt", "id", ""] {
            forged.push(("wrong typ", scene.headed(json!({ "typ": typ }))));
        }
        for crit in [json!(["exp"]), json!([]), json!("b64"), json!({ "b64": false })] {
            forged.push(("crit", scene.headed(json!({ "crit": crit }))));
        }
        forged.push(("encrypted", scene.headed(json!({ "enc": "A128GCM" }))));
        forged.push(("compressed", scene.headed(json!({ "zip": "DEF" }))));
        forged.push(("nested", scene.headed(json!({ "cty": "JWT" }))));
        assert!(!scene.issuers.knows(&scene.with(json!({ "more": huge }))), "too large to be known");
        scene.refuses(forged).await;
        for typ in ["JWT", "jwt", "at+jwt", "application/at+jwt"] {
            let _ = scene.issuers.verify(&scene.headed(json!({ "typ": typ }))).await.unwrap();
        }
        let _ = scene.issuers.verify(&scene.headed(json!({ "typ": null }))).await.unwrap();
    });
}

#[test]
fn signatures_that_are_none() {
    block_on(async {
        let scene = Scene::new().await;
        let signed = |signer: &Signer, signature: &[u8]| {
            format!("{}.{}", message(&signer.header(), &scene.claims()), encode(signature))
        };
        let honest = scene.curve.sign(&scene.claims());
        let (_, good) = honest.rsplit_once('.').unwrap();
        let mut claims = scene.claims();
        claims["sub"] = json!("u-2");
        let forged = vec![
            ("ES256 all zero", signed(&scene.curve, &[0; 64])),
            ("ES256 all ones", signed(&scene.curve, &[0xff; 64])),
            ("ES256 zero in DER", signed(&scene.curve, &[0x30, 6, 2, 1, 0, 2, 1, 0])),
            ("EdDSA all zero", signed(&scene.edwards, &[0; 64])),
            ("RS256 all zero", signed(&scene.rsa, &[0; 256])),
            ("RS256 one", signed(&scene.rsa, &[1])),
            ("of other claims", format!("{}.{good}", message(&scene.curve.header(), &claims))),
        ];
        scene.refuses(forged).await;
        let _ = scene.issuers.verify(&honest).await.unwrap();
    });
}

#[test]
fn keys_that_are_too_weak_or_for_something_else() {
    block_on(async {
        let good = Signer::ed25519("good");
        let changed = |signer: &Signer, changes: Value| {
            let mut jwk = signer.public();
            change(&mut jwk, changes);
            jwk
        };
        let (weak, weaker) = (Signer::rsa("weak", 1024), Signer::rsa("weaker", 512));
        let (crypt, sign, other) =
            (Signer::ed25519("crypt"), Signer::ed25519("sign"), Signer::ed25519("other"));
        let zeros = Signer::rsa("zeros", 1024);
        let n = zeros.public()["n"].as_str().unwrap().to_owned();
        // Zeros in front make no key stronger.
        let padded = format!("{}{n}", "A".repeat(172));
        let one = Signer::rsa("one", 2048);
        let keys = json!({ "keys": [
            good.public(),
            weak.public(),
            weaker.public(),
            changed(&crypt, json!({ "use": "enc" })),
            changed(&sign, json!({ "key_ops": ["sign"] })),
            changed(&other, json!({ "alg": "ES256" })),
            changed(&zeros, json!({ "n": padded })),
            changed(&one, json!({ "e": "AQ" })),
            { "kty": "oct", "kid": "oct", "k": "c2VjcmV0", "alg": "HS256" },
            { "kty": "OKP", "crv": "Ed25519", "kid": "short", "x": "AAAA" },
            { "kty": "EC", "crv": "P-256", "kid": "flat", "x": "AAAA", "y": "AAAA" },
            "no key",
        ]});
        let server = issuer(keys).await;
        let issuers = Issuers::new(vec![settings(&server)], client()).unwrap();
        let claims = claims(&server);
        let _ = issuers.verify(&good.sign(&claims)).await.unwrap();
        for signer in [&weak, &weaker, &crypt, &sign, &other, &zeros, &one] {
            let refused = issuers.verify(&signer.sign(&claims)).await.map(|_| ()).expect_err(&signer.id);
            assert_eq!(refused.code(), Code::BadCredentials, "{}", signer.id);
        }
        let header = json!({ "alg": "HS256", "kid": "oct" });
        assert!(issuers.verify(&Signer::hmac(&header, &claims, b"secret")).await.is_err());
        for (id, alg) in [("short", "EdDSA"), ("flat", "ES256")] {
            let header = json!({ "alg": alg, "kid": id });
            assert!(issuers.verify(&good.sign_as(&header, &claims)).await.is_err());
        }
    });
}

#[test]
fn a_key_of_one_issuer_is_worth_nothing_at_another() {
    block_on(async {
        let (one, two) = (Signer::ed25519("same"), Signer::ed25519("same"));
        let (first, second) =
            (issuer(set(std::slice::from_ref(&one))).await, issuer(set(std::slice::from_ref(&two))).await);
        let issuers = Issuers::new(vec![settings(&first), settings(&second)], client()).unwrap();
        let _ = issuers.verify(&one.sign(&claims(&first))).await.unwrap();
        let _ = issuers.verify(&two.sign(&claims(&second))).await.unwrap();
        assert!(issuers.verify(&one.sign(&claims(&second))).await.is_err());
        assert!(issuers.verify(&two.sign(&claims(&first))).await.is_err());
    });
}

#[test]
fn a_document_of_another_issuer_is_not_taken() {
    block_on(async {
        let signer = Signer::ed25519("d");
        let evil = issuer(set(std::slice::from_ref(&signer))).await;
        let keys = format!("{}/keys", evil.url);
        let server = Server::start(move |_, _| {
            Reply::Json(200, json!({ "issuer": "https://evil.example", "jwks_uri": keys }))
        })
        .await;
        let issuers = Issuers::new(vec![settings(&server)], client()).unwrap();
        let refused = issuers.verify(&signer.sign(&claims(&server))).await.unwrap_err();
        assert_eq!(refused.code(), Code::Unavailable);
        assert_eq!(evil.count("/keys"), 0);
    });
}
