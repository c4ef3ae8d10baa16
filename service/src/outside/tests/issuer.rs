//! Good tokens of outside issuers, and what is read from them.

use std::time::Duration;

use harness::runtime::block_on;
use jsonwebtoken::Algorithm;
use serde_json::{Value, json};

use super::client;
use super::server::{Reply, Server};
use super::signer::{Signer, now, set};
use crate::error::Code;
use crate::outside::{IssuerSettings, Issuers};

/// Whom the tokens are for.
pub(super) const AUDIENCE: &str = "our-api";

/// An issuer with these keys, found by discovery.
pub(super) async fn issuer(keys: Value) -> Server {
    Server::start(move |own, request| match request.path.as_str() {
        "/.well-known/openid-configuration" => {
            Reply::Json(200, json!({ "issuer": own, "jwks_uri": format!("{own}/keys") }))
        }
        "/keys" => Reply::Json(200, keys.clone()),
        _ => Reply::Text(404, "text/plain", "Nothing.".to_owned()),
    })
    .await
}

/// The usual settings for a server.
pub(super) fn settings(server: &Server) -> IssuerSettings {
    IssuerSettings::new(server.url.clone(), vec![AUDIENCE.to_owned()])
}

/// Claims of a good token.
pub(super) fn claims(server: &Server) -> Value {
    json!({ "iss": server.url, "sub": "u-1", "aud": AUDIENCE, "iat": now(), "exp": now() + 300 })
}

fn known(settings: IssuerSettings) -> Issuers {
    Issuers::new(vec![settings], client()).unwrap()
}

#[test]
fn each_kind_of_key_is_taken() {
    block_on(async {
        let signers = [Signer::rsa("r", 2048), Signer::p256("e"), Signer::ed25519("d")];
        let server = issuer(set(&signers)).await;
        let issuers = known(settings(&server));
        for signer in &signers {
            let token = signer.sign(&claims(&server));
            assert!(issuers.knows(&token));
            let verified = issuers.verify(&token).await.unwrap();
            assert_eq!((verified.issuer.as_str(), verified.subject.as_str()), (server.url.as_str(), "u-1"));
        }
        assert_eq!(server.count("/keys"), 1, "the keys are kept");
    });
}

#[test]
fn claims_are_read_where_they_are() {
    block_on(async {
        let signer = Signer::ed25519("d");
        let server = issuer(set(std::slice::from_ref(&signer))).await;
        let mut settings = settings(&server);
        settings.claims.roles = Some("realm_access.roles".to_owned());
        settings.claims.organization = Some("https://example.com/org".to_owned());
        settings.claims.organization_role = Some("org.role".to_owned());
        let issuers = known(settings);
        let mut claims = claims(&server);
        claims["email"] = json!("ann@example.com");
        claims["email_verified"] = json!("true");
        claims["name"] = json!("Ann");
        claims["realm_access"] = json!({ "roles": ["editor", 3, "bad\u{0}role", "reader"] });
        claims["https://example.com/org"] = json!("acme");
        claims["org"] = json!({ "role": "owner" });
        claims["aud"] = json!(["another", AUDIENCE]);
        let verified = issuers.verify(&signer.sign(&claims)).await.unwrap();
        assert_eq!(verified.email.as_deref(), Some("ann@example.com"));
        assert!(verified.email_verified);
        assert_eq!(verified.name.as_deref(), Some("Ann"));
        assert_eq!(verified.roles, ["editor", "reader"]);
        assert_eq!(verified.organization.as_deref(), Some("acme"));
        assert_eq!(verified.organization_role.as_deref(), Some("owner"));
        assert_eq!(verified.expires_at.timestamp(), claims["exp"].as_i64().unwrap());
        assert_eq!(verified.claims.get("sub"), Some(&json!("u-1")));

        claims["email"] = json!("no address");
        let verified = issuers.verify(&signer.sign(&claims)).await.unwrap();
        assert_eq!((verified.email, verified.email_verified), (None, false));
    });
}

#[test]
fn a_single_key_needs_no_name_and_several_do() {
    block_on(async {
        let (one, other) = (Signer::ed25519("a"), Signer::ed25519("b"));
        let nameless = json!({ "alg": "EdDSA" });
        let server = issuer(set(std::slice::from_ref(&one))).await;
        let _ = known(settings(&server)).verify(&one.sign_as(&nameless, &claims(&server))).await.unwrap();
        let server = issuer(set(&[one.clone(), other])).await;
        let refused = known(settings(&server)).verify(&one.sign_as(&nameless, &claims(&server))).await;
        assert_eq!(refused.unwrap_err().code(), Code::BadCredentials);
    });
}

#[test]
fn without_audiences_only_tokens_for_nobody_are_taken() {
    block_on(async {
        let signer = Signer::ed25519("d");
        let server = issuer(set(std::slice::from_ref(&signer))).await;
        let issuers = known(IssuerSettings { audiences: Vec::new(), ..settings(&server) });
        let mut claims = claims(&server);
        assert!(issuers.verify(&signer.sign(&claims)).await.is_err());
        claims.as_object_mut().unwrap().remove("aud");
        let _ = issuers.verify(&signer.sign(&claims)).await.unwrap();
    });
}

#[test]
fn clocks_may_differ_a_little() {
    block_on(async {
        let signer = Signer::ed25519("d");
        let server = issuer(set(std::slice::from_ref(&signer))).await;
        let issuers = known(settings(&server));
        let mut claims = claims(&server);
        claims["exp"] = json!(now() - 10);
        claims["nbf"] = json!(now() + 10);
        let _ = issuers.verify(&signer.sign(&claims)).await.unwrap();
        let strict = known(IssuerSettings { leeway: Duration::ZERO, ..settings(&server) });
        assert!(strict.verify(&signer.sign(&claims)).await.is_err());
    });
}

#[test]
fn settings_that_make_no_sense_are_refused() {
    block_on(async {
        let good = IssuerSettings::new("https://issuer.example", vec![AUDIENCE.to_owned()]);
        let wrong = [
            IssuerSettings { issuer: "http://issuer.example".to_owned(), ..good.clone() },
            IssuerSettings { issuer: "issuer".to_owned(), ..good.clone() },
            IssuerSettings { jwks_url: Some("http://issuer.example/keys".to_owned()), ..good.clone() },
            IssuerSettings { algorithms: vec![Algorithm::RS256, Algorithm::HS256], ..good.clone() },
            IssuerSettings { algorithms: Vec::new(), ..good.clone() },
            IssuerSettings { leeway: Duration::from_secs(121), ..good.clone() },
        ];
        for settings in wrong {
            let text = format!("{settings:?}");
            assert_eq!(Issuers::new(vec![settings], client()).unwrap_err().code(), Code::BadValue, "{text}");
        }
        assert!(Issuers::new(vec![good.clone(), good.clone()], client()).is_err(), "twice");
        let _ = Issuers::new(vec![good], client()).unwrap();
    });
}
