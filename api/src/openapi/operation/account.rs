//! `/auth`: the table of what can be done about accounts, as paths.

use serde_json::{Map, Value, json};
use service::auth::operation::{Answer, Field, Kind};
use service::auth::{OPERATIONS, Operation as Doing};

use super::super::schema::Registry;
use super::{Operation, Writer, answer, body};
use crate::auth::{BASE, JWKS, TOKEN};

/// The tag of what concerns accounts.
pub(in super::super) const TAG: &str = "Accounts";

impl<'v> Writer<'v> {
    /// The paths of accounts, where the model has them.
    pub(super) fn accounts(&mut self) {
        if !self.view.accounts {
            return;
        }
        let mut paths: Vec<(String, Vec<(&str, Value)>)> = Vec::new();
        let view = self.view;
        for doing in OPERATIONS.iter().filter(|doing| doing.is_offered(view.principal)) {
            let written = self.doing(doing);
            let path = format!("{BASE}{}", doing.path);
            let method = match doing.method {
                "DELETE" => "delete",
                "PATCH" => "patch",
                _ => "post",
            };
            match paths.iter_mut().find(|(known, _)| *known == path) {
                Some((_, operations)) => operations.push((method, written)),
                None => paths.push((path, vec![(method, written)])),
            }
        }
        for (path, operations) in paths {
            let shared = match path.contains("{id}") {
                true => {
                    vec![parameter("id", "path", "Its id.", &json!({ "type": "string", "format": "uuid" }))]
                }
                false => Vec::new(),
            };
            self.place(path, shared, operations);
        }
        self.others();
    }

    fn doing(&mut self, doing: &'static Doing) -> Value {
        let about =
            doing.about.split_once(". ").map_or(doing.about, |(first, _)| first).trim_end_matches('.');
        let taken: Vec<&Field> = doing.takes.iter().filter(|field| field.name != "id").collect();
        let gives = gives(&mut self.registry, doing.gives);
        let created = matches!(doing.name, "createApiKey" | "createOrganization" | "inviteMember");
        let status = if created { 201 } else { 200 };
        let operation = Operation {
            id: doing.name.to_owned(),
            summary: about.to_owned(),
            description: Some(doing.about.to_owned()),
            parameters: Vec::new(),
            body: (!taken.is_empty()).then(|| {
                let schema = takes(&taken);
                let mut body = body("What it takes.", &schema, &["application/json"]);
                body["required"] = taken.iter().any(|field| field.required).into();
                body
            }),
            answers: vec![(status, answer("It is done.", gives, json!({})))],
            refusals: &[&[400, 403, 404, 408, 409, 413, 415, 422, 431]],
            public: doing.open,
        };
        self.operation(TAG, operation)
    }

    /// What is not in the table: who asks, providers, tokens of keys, published keys.
    fn others(&mut self) {
        let free = |schema: Value, about: &str| answer(about, schema, json!({}));
        let me = Operation {
            id: "whoAmI".to_owned(),
            summary: "Who is signed in".to_owned(),
            description: Some(
                "The user with all of its fields, the session or key, and the organization.".to_owned(),
            ),
            parameters: Vec::new(),
            body: None,
            answers: vec![(200, free(json!({ "type": "object" }), "Who asks."))],
            refusals: &[&[400, 403, 404, 431]],
            public: false,
        };
        let me = self.operation(TAG, me);
        self.place(format!("{BASE}/me"), Vec::new(), vec![("get", me)]);
        let list = Operation {
            id: "listProviders".to_owned(),
            summary: "The providers one can sign in with".to_owned(),
            description: Some(
                "`GET /auth/providers/{name}?redirect=/` sends a browser to one of them and back, with a session cookie. \
                 With `mode=code&code_challenge=…` it brings a code for `POST /auth/exchange`; the challenge is \
                 base64url(SHA-256(verifier)) of a random verifier that the page keeps (RFC 7636, S256)."
                    .to_owned(),
            ),
            parameters: Vec::new(),
            body: None,
            answers: vec![(
                200,
                free(
                    json!({
                        "type": "object",
                        "properties": { "providers": { "type": "array", "items": { "type": "string" } } },
                        "required": ["providers"],
                    }),
                    "Their names.",
                ),
            )],
            refusals: &[&[400, 431]],
            public: true,
        };
        let list = self.operation(TAG, list);
        self.place(format!("{BASE}/providers"), Vec::new(), vec![("get", list)]);
        let exchange = Operation {
            id: "exchangeKey".to_owned(),
            summary: "Exchanges a key for an access token".to_owned(),
            description: Some("The client credentials grant (RFC 6749, section 4.4): the client's id is the key's, its secret the key.".to_owned()),
            parameters: Vec::new(),
            body: Some(body("A form.", &grant(), &["application/x-www-form-urlencoded"])),
            answers: vec![
                (200, free(granted(), "The token.")),
                (400, free(json!({ "type": "object", "properties": { "error": { "type": "string" } } }), "Why not (RFC 6749, section 5.2).")),
                (401, free(json!({ "type": "object", "properties": { "error": { "type": "string" } } }), "The client or its secret is wrong.")),
            ],
            refusals: &[&[408, 413, 415, 431]],
            public: true,
        };
        let exchange = self.operation(TAG, exchange);
        self.place(TOKEN.to_owned(), Vec::new(), vec![("post", exchange)]);
        let keys = Operation {
            id: "publishedKeys".to_owned(),
            summary: "With what tokens of this server are verified".to_owned(),
            description: Some("A JWK set (RFC 7517).".to_owned()),
            parameters: Vec::new(),
            body: None,
            answers: vec![(200, jwks())],
            refusals: &[&[400, 431]],
            public: true,
        };
        let keys = self.operation(TAG, keys);
        self.place(JWKS.to_owned(), Vec::new(), vec![("get", keys)]);
    }
}

fn grant() -> Value {
    json!({
        "type": "object",
        "properties": {
            "grant_type": { "type": "string", "const": "client_credentials", "description": "What is asked for." },
            "client_id": { "type": "string", "description": "The key's id; or `Authorization: Basic`." },
            "client_secret": { "type": "string", "description": "The key." },
            "scope": { "type": "string", "description": "Scopes of the key, with blanks between; all when left out." },
        },
        "required": ["grant_type"],
    })
}

fn granted() -> Value {
    json!({
        "type": "object",
        "properties": {
            "access_token": { "type": "string" },
            "token_type": { "type": "string" },
            "expires_in": { "type": "integer", "format": "int32" },
            "scope": { "type": "string" },
        },
        "required": ["access_token", "token_type", "expires_in", "scope"],
    })
}

fn jwks() -> Value {
    let keys = json!({ "type": "array", "items": { "type": "object" } });
    let schema = json!({ "type": "object", "properties": { "keys": keys }, "required": ["keys"] });
    json!({ "description": "The keys.", "content": { "application/jwk-set+json": { "schema": schema } } })
}

fn parameter(name: &str, place: &str, about: &str, schema: &Value) -> Value {
    json!({ "name": name, "in": place, "required": true, "description": about, "schema": schema })
}

fn takes(fields: &[&Field]) -> Value {
    let properties: Map<_, _> =
        fields.iter().map(|field| (field.name.to_owned(), value(field, true))).collect();
    let required: Vec<&str> = fields.iter().filter(|field| field.required).map(|field| field.name).collect();
    let mut schema = json!({ "type": "object", "properties": properties, "additionalProperties": false });
    if !required.is_empty() {
        schema["required"] = json!(required);
    }
    schema
}

fn gives<'v>(registry: &mut Registry<'v>, gives: &'static Answer) -> Value {
    registry.shared(gives.name, move |_| {
        let properties: Map<_, _> =
            gives.fields.iter().map(|field| (field.name.to_owned(), value(field, false))).collect();
        let required: Vec<&str> =
            gives.fields.iter().filter(|field| field.required).map(|field| field.name).collect();
        json!({ "type": "object", "description": gives.about, "properties": properties, "required": required })
    })
}

/// A value; one that may be left out may also be null.
fn value(field: &Field, input: bool) -> Value {
    let ty = |name: &str| match field.required {
        true => json!(name),
        false => json!([name, "null"]),
    };
    let mut schema = match field.kind {
        Kind::Text | Kind::Email => json!({ "type": ty("string") }),
        Kind::Secret => json!({ "type": ty("string"), "format": "password" }),
        Kind::Id => json!({ "type": ty("string"), "format": "uuid" }),
        Kind::Number => json!({ "type": ty("integer"), "format": "int32" }),
        Kind::Flag => json!({ "type": ty("boolean") }),
        Kind::Time => json!({ "type": ty("string"), "format": "date-time" }),
        Kind::Texts => json!({ "type": ty("array"), "items": { "type": "string" } }),
    };
    match field.kind {
        Kind::Text | Kind::Email | Kind::Secret if input => schema["maxLength"] = json!(4096),
        Kind::Texts if input => schema["maxItems"] = json!(100),
        _ => {}
    }
    schema["description"] = json!(field.about);
    schema
}
