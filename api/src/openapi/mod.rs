//! The OpenAPI 3.1 document of a model, as one caller sees it: what a caller can't read or do is not in it.
//!
//! ```text
//! Catalog × Principal ─view─► View ─operation, parameter, response, schema─► document ─cache─► text
//! ```
//!
//! The document is written as JSON directly: OpenAPI 3.1 schemas are JSON Schema, of which a builder's closed set of
//! keywords is only a part.

mod cache;
mod example;
mod fragment;
mod name;
mod operation;
mod parameter;
mod pattern;
mod response;
mod schema;
#[cfg(test)]
mod tests;
mod view;

pub use cache::{Documents, Text};

use entity::Catalog;
use serde_json::{Value, json};
use service::{Limits, Principal};

use operation::Writer;
use schema::Registry;
use view::View;

/// What a document says beside the model.
#[derive(Debug, Clone)]
pub struct Options {
    /// The product's name.
    pub title: String,
    /// The version of the product's API.
    pub version: String,
    /// The path that every type's path begins with, without a slash at its end.
    pub base: String,
    /// The engine's limits, told as maxima.
    pub limits: Limits,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            title: "Launchway".to_owned(),
            version: "1".to_owned(),
            base: "/v1".to_owned(),
            limits: Limits::default(),
        }
    }
}

/// The document of a model for a principal.
#[must_use]
pub fn document(catalog: &Catalog, principal: &Principal, options: &Options) -> Value {
    serde_json::from_str(&text(catalog, principal, options)).unwrap_or_default()
}

/// The same as text.
fn text(catalog: &Catalog, principal: &Principal, options: &Options) -> String {
    let (view, names) = View::new(catalog, principal, &options.limits);
    let mut writer =
        Writer::new(&view, Registry::new(names), &options.base, *principal == Principal::Anonymous);
    let paths = writer.paths();
    let Writer { mut registry, parameters, responses, .. } = writer;
    let (responses, headers) = responses.finish(&mut registry);
    let schemes = json!({
        "bearer": { "type": "http", "scheme": "bearer", "description": "A token, or an API key." },
        "apiKey": { "type": "apiKey", "in": "header", "name": "X-Api-Key", "description": "An API key." },
    });
    let head = json!({
        "openapi": "3.1.0",
        "info": info(&view, options),
        "servers": [{ "url": "/", "description": "This server." }],
        "security": [{}, { "bearer": [] }, { "apiKey": [] }],
        "tags": tags(&view),
    });
    let mut out = head.to_string();
    out.pop();
    out.push_str(",\"paths\":");
    paths.write(&mut out);
    out.push_str(",\"components\":{\"schemas\":");
    registry.finish().sorted().write(&mut out);
    out.push_str(",\"parameters\":");
    parameters.finish().write(&mut out);
    for (key, value) in [("responses", responses), ("headers", headers), ("securitySchemes", schemes)] {
        out.push_str(&format!(",\"{key}\":{value}"));
    }
    out.push_str("}}");
    out
}

fn info(view: &View<'_>, options: &Options) -> Value {
    let mut text = String::from(
        "- Lists come in pages: follow `next` until it is null. Rows are filtered by `field=value` and `field[operator]=value`, sorted by `sort=-field`.
- `fields` and `expand` choose what of a row is answered.
- Writes can be repeated safely under an `Idempotency-Key`, and `If-Match` keeps two writers from undoing each other's work.
- Errors are problem details (RFC 9457); `code` is the word to program against.
- Times are in UTC. Decimals, 64-bit integers and ids are strings, so that no digit is lost.
- In a list inside of one parameter, an item with a comma is put in double quotes.",
    );
    if view.brief {
        text.push_str("\n- The model is large: the most frequent filters are listed one by one, all of them in the schema of `where`.");
    }
    json!({
        "title": options.title,
        "version": options.version,
        "description": text,
        "contact": { "name": options.title },
        "license": { "name": "All rights reserved", "identifier": "LicenseRef-All-Rights-Reserved" },
    })
}

fn tags(view: &View<'_>) -> Value {
    let own = view.types().map(|ty| {
        let text =
            ty.entity.description.clone().unwrap_or_else(|| format!("Operations on {}.", ty.entity.plural));
        json!({ "name": ty.entity.name, "description": text })
    });
    let server = (!view.types().any(|ty| ty.entity.name == operation::SERVER_TAG))
        .then(|| json!({ "name": operation::SERVER_TAG, "description": "The server itself." }));
    let accounts = view.accounts.then(|| {
        let text = "Signing up and in, keys, organizations.";
        json!({ "name": operation::ACCOUNT_TAG, "description": text })
    });
    own.chain(accounts).chain(server).collect()
}
