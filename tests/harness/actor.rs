//! Who asks: the same methods for everyone, with different credentials.

use std::time::Duration;

use reqwest::header::{HeaderName, HeaderValue};
use reqwest::{Client, Method};
use serde_json::{Value, json};

use crate::{Response, oracle};

/// A caller of the API with their credentials.
#[derive(Debug, Clone)]
pub struct Actor {
    client: Client,
    root: String,
    headers: Vec<(String, String)>,
}

impl Actor {
    pub(crate) fn new(root: &str) -> Self {
        let client = Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .timeout(Duration::from_secs(120))
            .build()
            .expect("an HTTP client");
        Self { client, root: root.to_owned(), headers: Vec::new() }
    }

    /// The same caller with one more header on every request (a later one of the same name wins).
    #[must_use]
    pub fn with(&self, name: &str, value: &str) -> Self {
        let mut actor = self.clone();
        actor.headers.retain(|(known, _)| !known.eq_ignore_ascii_case(name));
        actor.headers.push((name.to_owned(), value.to_owned()));
        actor
    }

    /// A GraphQL operation without variables.
    pub async fn graphql(&self, query: &str) -> Response {
        self.post("/graphql", json!({ "query": query })).await
    }

    /// A GraphQL operation with variables.
    pub async fn graphql_with(&self, query: &str, variables: Value) -> Response {
        self.post("/graphql", json!({ "query": query, "variables": variables })).await
    }

    /// `GET`.
    pub async fn get(&self, path: &str) -> Response {
        self.send("GET", path, None).await
    }

    /// `HEAD`.
    pub async fn head(&self, path: &str) -> Response {
        self.send("HEAD", path, None).await
    }

    /// `OPTIONS`.
    pub async fn options(&self, path: &str) -> Response {
        self.send("OPTIONS", path, None).await
    }

    /// `POST` with a JSON body.
    pub async fn post(&self, path: &str, body: Value) -> Response {
        self.json("POST", path, body).await
    }

    /// `PATCH` with a JSON body.
    pub async fn patch(&self, path: &str, body: Value) -> Response {
        self.json("PATCH", path, body).await
    }

    /// `PUT` with a JSON body.
    pub async fn put(&self, path: &str, body: Value) -> Response {
        self.json("PUT", path, body).await
    }

    /// `DELETE`.
    pub async fn delete(&self, path: &str) -> Response {
        self.send("DELETE", path, None).await
    }

    /// Any method with a JSON body; a `content-type` given by [`Actor::with`] wins.
    pub async fn json(&self, method: &str, path: &str, body: Value) -> Response {
        let typed = self.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-type"));
        let actor = if typed { self.clone() } else { self.with("content-type", "application/json") };
        actor.send(method, path, Some(body.to_string().into_bytes())).await
    }

    /// Any method with any bytes. Panics when there is no answer: use [`Actor::attempt`] where that is allowed.
    /// A GraphQL query is asked of both executors ([`oracle`]).
    pub async fn send(&self, method: &str, path: &str, body: Option<Vec<u8>>) -> Response {
        if oracle::applies(method, path, body.as_deref(), &self.headers) {
            return Box::pin(oracle::ask(self, method, path, body)).await;
        }
        self.ask(method, path, body).await
    }

    /// Asks once. Panics when there is no answer.
    pub(crate) async fn ask(&self, method: &str, path: &str, body: Option<Vec<u8>>) -> Response {
        match self.attempt(method, path, body).await {
            Ok(response) => response,
            Err(error) => panic!("{method} {path}: no answer: {error:?}"),
        }
    }

    /// Any method with any bytes; an error when the connection fails.
    pub async fn attempt(
        &self,
        method: &str,
        path: &str,
        body: Option<Vec<u8>>,
    ) -> reqwest::Result<Response> {
        let method = Method::from_bytes(method.as_bytes()).expect("a method");
        let url = if path.starts_with("http") { path.to_owned() } else { format!("{}{path}", self.root) };
        let mut request = self.client.request(method.clone(), url);
        for (name, value) in &self.headers {
            let name = HeaderName::from_bytes(name.as_bytes()).expect("a header name");
            request =
                request.header(name, HeaderValue::from_bytes(value.as_bytes()).expect("a header value"));
        }
        let shown: String =
            body.as_deref().map(String::from_utf8_lossy).unwrap_or_default().chars().take(2_000).collect();
        if let Some(body) = body {
            request = request.body(body);
        }
        let answer = request.send().await?;
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        let bytes = answer.bytes().await?.to_vec();
        Ok(Response::new(status, headers, bytes, format!("{method} {path} {shown}")))
    }
}
