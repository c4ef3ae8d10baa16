//! An OpenID provider whose honesty the tests decide on, and a sign-in there.

use std::collections::HashSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use secrecy::SecretString;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::impatient;
use super::server::{Reply, Request, Server};
use super::signer::{Signer, encode, now, set};
use crate::error::Error;
use crate::outside::cache::Pace;
use crate::outside::{Begun, OutsideIdentity, Provider, ProviderSettings};

pub(super) const BACK: &str = "https://app.example/back";
pub(super) const CLIENT: &str = "client";

pub(super) type Make = Box<dyn Fn(&Signer, &mut Value) -> String + Send>;

/// What the provider does; the tests change it.
pub(super) struct Play {
    pub(super) signer: Signer,
    pub(super) keys: Vec<Signer>,
    begun: Option<(String, String)>,
    used: HashSet<String>,
    make: Make,
    pub(super) document: Value,
    pub(super) told: Option<Value>,
    /// What is answered at a path instead.
    pub(super) instead: Option<(&'static str, Reply)>,
}

pub(super) struct Scene {
    pub(super) server: Server,
    pub(super) play: Arc<Mutex<Play>>,
    pub(super) provider: Provider,
}

fn honest() -> Make {
    Box::new(|signer, claims| signer.sign(claims))
}

impl Scene {
    pub(super) async fn new() -> Self {
        let signer = Signer::ed25519("d");
        let (keys, begun, used, told) = (vec![signer.clone()], None, HashSet::new(), None);
        let (make, document, instead) = (honest(), json!({}), None);
        let play = Arc::new(Mutex::new(Play { signer, keys, begun, used, make, document, told, instead }));
        let current = Arc::clone(&play);
        let server = Server::start(move |own, request| current.lock().unwrap().answer(own, request)).await;
        let provider = provider(&server.url);
        Self { server, play, provider }
    }

    /// A sign-in with an ID token of another making.
    pub(super) async fn with(
        &self,
        make: impl Fn(&Signer, &mut Value) -> String + Send + 'static,
    ) -> Result<OutsideIdentity, Error> {
        self.play.lock().unwrap().make = Box::new(make);
        let answer = self.sign_in().await;
        self.play.lock().unwrap().make = honest();
        answer
    }

    pub(super) async fn sign_in(&self) -> Result<OutsideIdentity, Error> {
        let begun = self.begin().await?;
        self.finish(&begun, &begun.state, None).await
    }

    pub(super) async fn begin(&self) -> Result<Begun, Error> {
        let begun = self.provider.begin(BACK).await?;
        let field = |name: &str| begun.url.query_pairs().find(|(key, _)| key == name).unwrap().1.into_owned();
        self.play.lock().unwrap().begun = Some((field("nonce"), field("code_challenge")));
        Ok(begun)
    }

    pub(super) async fn finish(
        &self,
        begun: &Begun,
        code: &str,
        issuer: Option<&str>,
    ) -> Result<OutsideIdentity, Error> {
        self.provider.finish(BACK, code, issuer, &begun.nonce, &begun.verifier).await
    }
}

pub(super) fn provider(issuer: &str) -> Provider {
    let settings = ProviderSettings::open_id("mine", issuer, CLIENT, SecretString::from("secret"));
    let pace = Pace { age: Duration::from_secs(3600), pause: Duration::ZERO };
    Provider::with_pace(settings, impatient(), pace).unwrap()
}

impl Play {
    fn answer(&mut self, own: &str, request: &Request) -> Reply {
        if let Some((path, reply)) = &self.instead
            && *path == request.path
        {
            return reply.clone();
        }
        match request.path.as_str() {
            "/.well-known/openid-configuration" => {
                let mut document = json!({
                    "issuer": own,
                    "authorization_endpoint": format!("{own}/authorize"),
                    "token_endpoint": format!("{own}/token"),
                    "jwks_uri": format!("{own}/keys"),
                });
                for (name, value) in self.document.as_object().unwrap() {
                    document[name] = value.clone();
                }
                Reply::Json(200, document)
            }
            "/keys" => Reply::Json(200, set(&self.keys)),
            "/token" => self.token(own, request),
            "/userinfo"
                if request.headers.get("authorization").is_some_and(|value| value == "Bearer at-1") =>
            {
                Reply::Json(200, self.told.clone().unwrap_or_default())
            }
            _ => Reply::Json(404, Value::Null),
        }
    }

    /// A code is whatever it is, once; the proof has to fit.
    fn token(&mut self, own: &str, request: &Request) -> Reply {
        let basic = format!("Basic {}", STANDARD.encode(format!("{CLIENT}:secret")));
        if request.headers.get("authorization") != Some(&basic) {
            return Reply::Json(401, json!({ "error": "invalid_client" }));
        }
        let (nonce, challenge) = self.begun.clone().unwrap();
        let verifier = request.field("code_verifier").unwrap_or_default();
        let proved = encode(Sha256::digest(verifier.as_bytes())) == challenge;
        let back = request.field("redirect_uri").as_deref() == Some(BACK);
        if !proved || !back || !self.used.insert(request.field("code").unwrap_or_default()) {
            return Reply::Json(400, json!({ "error": "invalid_grant", "error_description": "No." }));
        }
        let mut claims = json!({
            "iss": own, "sub": "s-1", "aud": CLIENT, "iat": now(), "exp": now() + 300, "nonce": nonce,
            "email": "ann@example.com", "email_verified": true, "name": "Ann", "picture": "http://a.example/p",
        });
        let token = (self.make)(&self.signer, &mut claims);
        Reply::Json(200, json!({ "access_token": "at-1", "token_type": "Bearer", "id_token": token }))
    }
}
