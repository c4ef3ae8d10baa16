//! An answer, and what tests say about answers.

use reqwest::header::HeaderMap;
use serde_json::Value;

/// A whole answer.
#[derive(Debug, Clone)]
pub struct Response {
    /// The status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    body: Vec<u8>,
    asked: String,
}

impl Response {
    pub(crate) fn new(status: u16, headers: HeaderMap, body: Vec<u8>, asked: String) -> Self {
        Self { status, headers, body, asked }
    }

    /// A header as text; several of a name are one list (RFC 9110, section 5.2); empty when it is not there.
    #[must_use]
    pub fn header(&self, name: &str) -> String {
        let values: Vec<&str> =
            self.headers.get_all(name).iter().filter_map(|value| value.to_str().ok()).collect();
        values.join(", ")
    }

    /// Each value of a header for itself.
    #[must_use]
    pub fn headers_named(&self, name: &str) -> Vec<String> {
        let values = self.headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
        values.map(ToOwned::to_owned).collect()
    }

    /// The media type without its parameters.
    #[must_use]
    pub fn media_type(&self) -> String {
        self.header("content-type").split(';').next().unwrap_or_default().trim().to_owned()
    }

    /// The body's bytes.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.body
    }

    /// The body as text.
    #[track_caller]
    #[must_use]
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("a body in UTF-8")
    }

    /// The body as JSON.
    #[track_caller]
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error} in\n{}", self.whole()))
    }

    /// Asserts success: a 2xx status and no GraphQL errors.
    #[track_caller]
    #[must_use]
    pub fn good(self) -> Self {
        let said_errors = (self.media_type().ends_with("/json") || self.media_type().ends_with("+json"))
            && !self.body.is_empty()
            && self.json().get("errors").is_some();
        assert!((200..300).contains(&self.status) && !said_errors, "{}", self.whole());
        self
    }

    /// Asserts a status.
    #[track_caller]
    #[must_use]
    pub fn is(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", self.whole());
        self
    }

    /// The `data` of a GraphQL answer that has no errors.
    #[track_caller]
    #[must_use]
    pub fn data(&self) -> Value {
        let mut json = self.clone().good().json();
        json.get_mut("data").map_or(Value::Null, Value::take)
    }

    /// The GraphQL errors; at least one.
    #[track_caller]
    #[must_use]
    pub fn errors(&self) -> Vec<Value> {
        let json = self.json();
        let errors = json["errors"].as_array().cloned().unwrap_or_default();
        assert!(!errors.is_empty(), "no errors in\n{}", self.whole());
        errors
    }

    /// The code of the only error, in either facade.
    #[track_caller]
    #[must_use]
    pub fn code(&self) -> String {
        let json = self.json();
        let code = if json.get("errors").is_some_and(|errors| errors[0].get("extensions").is_some()) {
            &json["errors"][0]["extensions"]["code"]
        } else {
            &json["code"]
        };
        code.as_str().unwrap_or_else(|| panic!("no code in\n{}", self.whole())).to_owned()
    }

    /// Asserts the code of the only error, in either facade, and that the error is well formed.
    #[track_caller]
    #[must_use]
    pub fn fails(self, code: &str) -> Self {
        assert_eq!(self.code(), code, "{}", self.whole());
        let text = String::from_utf8_lossy(&self.body).to_lowercase();
        for leak in [
            "select ",
            " from \"",
            "sqlx",
            "sqlstate",
            "sqlite_",
            "relation \"",
            "panicked",
            "stack backtrace",
        ] {
            assert!(!text.contains(leak), "an error must not show {leak:?}:\n{}", self.whole());
        }
        self
    }

    /// Asserts that the body says this somewhere.
    #[track_caller]
    #[must_use]
    pub fn says(self, words: &str) -> Self {
        assert!(self.text().contains(words), "{words:?} is not in\n{}", self.whole());
        self
    }

    /// The whole answer and what was asked, for the message of a failed assertion.
    #[must_use]
    pub fn whole(&self) -> String {
        let mut text = format!("{}\n\n{}\n", self.asked, self.status);
        for (name, value) in &self.headers {
            text.push_str(&format!("{name}: {}\n", value.to_str().unwrap_or("(not text)")));
        }
        let body = String::from_utf8_lossy(&self.body);
        let shown: String = body.chars().take(4_000).collect();
        format!("{text}\n{shown}")
    }
}
