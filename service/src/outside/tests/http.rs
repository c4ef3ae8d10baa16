//! The bounds of a single call.

use harness::runtime::block_on;
use serde_json::{Value, json};
use url::Url;

use super::server::{Reply, Server};
use super::{client, impatient};
use crate::outside::http::{Client, Failure, LARGEST_BODY};

async fn told(reply: Reply) -> Result<Value, Failure> {
    let server = Server::start(move |_, _| reply.clone()).await;
    impatient().json(&Url::parse(&server.url).unwrap(), None).await
}

#[test]
fn only_json_of_a_bearable_size_is_taken() {
    block_on(async {
        assert_eq!(told(Reply::Json(200, json!({ "a": 1 }))).await, Ok(json!({ "a": 1 })));
        let text = |kind, body: &str| Reply::Text(200, kind, body.to_owned());
        assert_eq!(told(text("application/jwk-set+json; charset=utf-8", "1")).await, Ok(json!(1)));
        assert_eq!(told(text("text/html", "{}")).await, Err(Failure::NotUnderstood));
        assert_eq!(told(text("text/json+html", "{}")).await, Err(Failure::NotUnderstood));
        assert_eq!(told(text("application/json", "{")).await, Err(Failure::NotUnderstood));
        let largest = "x".repeat(LARGEST_BODY - 2);
        assert_eq!(told(Reply::Json(200, json!(largest))).await, Ok(json!(largest)));
        assert_eq!(told(Reply::Json(200, json!(format!("{largest}x")))).await, Err(Failure::TooLarge));
        assert_eq!(told(Reply::Endless).await, Err(Failure::TooLarge));
    });
}

#[test]
fn trouble_is_told_apart() {
    block_on(async {
        assert_eq!(told(Reply::Json(404, json!({}))).await, Err(Failure::Status(404)));
        assert_eq!(told(Reply::Json(503, json!({}))).await, Err(Failure::Status(503)));
        assert_eq!(told(Reply::Stall).await, Err(Failure::Slow));
        assert_eq!(told(Reply::Hangup).await, Err(Failure::Unreachable));
        let nobody = Url::parse(&Server::nobody().await).unwrap();
        assert_eq!(client().json::<Value>(&nobody, None).await, Err(Failure::Unreachable));
        assert!(Failure::Status(503).is_temporary() && !Failure::Status(404).is_temporary());
    });
}

#[test]
fn redirects_are_not_followed() {
    block_on(async {
        let target = Server::start(|_, _| Reply::Json(200, json!({}))).await;
        let url = target.url.clone();
        assert_eq!(told(Reply::Redirect(url)).await, Err(Failure::Redirect));
        assert_eq!(target.count("/"), 0);
    });
}

#[test]
fn a_bearer_token_goes_along() {
    block_on(async {
        let server = Server::start(|_, request| {
            Reply::Json(200, json!(request.headers.get("authorization").cloned()))
        })
        .await;
        let url = Url::parse(&server.url).unwrap();
        assert_eq!(client().json(&url, Some("secret")).await, Ok(json!("Bearer secret")));
        assert_eq!(client().json(&url, None).await, Ok(Value::Null));
        assert_eq!(client().json::<Value>(&url, Some("a\r\nb: c")).await, Err(Failure::NotUnderstood));
    });
}

#[test]
fn addresses_that_may_be_called() {
    block_on(async {
        let (development, production) = (client(), Client::new(false).unwrap());
        for url in ["http://localhost:1/a", "http://127.0.0.1/", "http://127.9.9.9/", "http://[::1]:8/"] {
            assert!(development.address(url).is_ok() && production.address(url).is_err(), "{url}");
        }
        for url in ["https://issuer.example/a", "https://issuer.example:8443"] {
            assert!(development.address(url).is_ok() && production.address(url).is_ok(), "{url}");
        }
        let never = [
            "http://issuer.example/",
            "http://10.0.0.1/",
            "http://localhost.example/",
            "http://127.0.0.1.example/",
            "https://user@issuer.example/",
            "https://user:word@issuer.example/",
            "file:///etc/passwd",
            "ftp://localhost/",
            "issuer.example",
            "",
        ];
        for url in never {
            assert_eq!(development.address(url), Err(Failure::Address), "{url}");
        }
    });
}
