//! Sign-in at something that behaves like GitHub.

use std::sync::{Arc, Mutex};

use harness::runtime::block_on;
use secrecy::SecretString;
use serde_json::{Value, json};

use super::client;
use super::server::{Reply, Server};
use crate::error::Code;
use crate::outside::{Provider, ProviderSettings};

const BACK: &str = "https://app.example/back";

/// A GitHub with these addresses, and a change to the answer of the token endpoint.
async fn github(emails: Value, tokens: Arc<Mutex<Option<Reply>>>) -> Server {
    Server::start(move |_, request| {
        let authorized = request.headers.get("authorization").map(String::as_str) == Some("Bearer gho_1");
        let agent = request.headers.get("user-agent").is_some_and(|agent| agent.starts_with("launchway/"));
        match request.path.as_str() {
            "/login/oauth/access_token" => {
                if let Some(reply) = tokens.lock().unwrap().clone() {
                    return reply;
                }
                let secret = request.field("client_secret").as_deref() == Some("secret");
                let proof = request.field("code_verifier").is_some_and(|verifier| verifier.len() >= 43);
                match request.field("code").as_deref() {
                    Some("good") if secret && proof => Reply::Json(
                        200,
                        json!({ "access_token": "gho_1", "scope": "read:user,user:email", "token_type": "bearer" }),
                    ),
                    // GitHub says no with a good status.
                    _ => Reply::Json(200, json!({ "error": "bad_verification_code" })),
                }
            }
            "/api/user" if authorized && agent => Reply::Json(
                200,
                json!({ "id": 583_231, "login": "octocat", "name": null, "email": "public@example.com",
                        "avatar_url": "https://avatars.example/u/583231" }),
            ),
            "/api/user/emails?per_page=100" if authorized => Reply::Json(200, emails.clone()),
            _ => Reply::Json(401, json!({ "message": "Bad credentials" })),
        }
    })
    .await
}

fn provider(server: &Server) -> Provider {
    let mut settings = ProviderSettings::github("client", SecretString::from("secret"));
    settings.web_url = Some(server.url.clone());
    settings.api_url = Some(format!("{}/api", server.url));
    Provider::new(settings, client()).unwrap()
}

async fn email(emails: Value) -> (Option<String>, bool) {
    let server = github(emails, Arc::default()).await;
    let provider = provider(&server);
    let begun = provider.begin(BACK).await.unwrap();
    let identity = provider.finish(BACK, "good", None, &begun.nonce, &begun.verifier).await.unwrap();
    assert_eq!(identity.issuer, server.url);
    assert_eq!(identity.subject, "583231");
    assert_eq!(identity.name.as_deref(), Some("octocat"));
    assert_eq!(identity.picture.as_deref(), Some("https://avatars.example/u/583231"));
    (identity.email, identity.email_verified)
}

#[test]
fn only_the_primary_address_counts_and_only_when_it_is_verified() {
    block_on(async {
        let one = |email: &str, primary: bool, verified: bool| json!({ "email": email, "primary": primary, "verified": verified, "visibility": null });
        let several = json!([one("a@example.com", false, true), one("b@example.com", true, true)]);
        assert_eq!(email(several).await, (Some("b@example.com".to_owned()), true));
        let unproved = json!([one("a@example.com", false, true), one("b@example.com", true, false)]);
        assert_eq!(email(unproved).await, (None, false));
        assert_eq!(email(json!([])).await, (None, false));
    });
}

#[test]
fn the_browser_is_sent_with_a_challenge() {
    block_on(async {
        let settings = ProviderSettings::github("client", SecretString::from("secret"));
        let begun = Provider::new(settings, client()).unwrap().begin(BACK).await.unwrap();
        assert!(begun.url.as_str().starts_with("https://github.com/login/oauth/authorize?"));
        let query: Vec<(String, String)> = begun.url.query_pairs().into_owned().collect();
        let field = |name: &str| query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
        assert_eq!(field("scope"), Some("read:user user:email"));
        assert_eq!(field("code_challenge_method"), Some("S256"));
        assert_eq!(field("state"), Some(begun.state.as_str()));
        assert_eq!(format!("{begun:?}"), "Begun { .. }");
    });
}

#[test]
fn refusals_in_its_own_manner() {
    block_on(async {
        let tokens = Arc::new(Mutex::new(None));
        let server = github(json!([]), Arc::clone(&tokens)).await;
        let provider = provider(&server);
        let begun = provider.begin(BACK).await.unwrap();
        let finish = async |code: &str, issuer: Option<&str>| {
            provider
                .finish(BACK, code, issuer, &begun.nonce, &begun.verifier)
                .await
                .map_err(|error| error.code())
        };
        assert_eq!(finish("bad", None).await, Err(Code::ProviderFailed));
        assert_eq!(finish("good", Some("https://evil.example")).await, Err(Code::ProviderFailed));
        let own = format!("{}/login/oauth", server.url);
        assert!(finish("good", Some(&own)).await.is_ok());
        let wrong = json!({ "access_token": "gho_2", "token_type": "bearer" });
        *tokens.lock().unwrap() = Some(Reply::Json(200, wrong));
        assert_eq!(finish("good", None).await, Err(Code::ProviderFailed));
        *tokens.lock().unwrap() = Some(Reply::Json(502, Value::Null));
        assert_eq!(finish("good", None).await, Err(Code::ProviderUnavailable));
    });
}
