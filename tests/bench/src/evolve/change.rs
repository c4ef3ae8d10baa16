//! The changes, the model that each leads to, and what only a server of that model answers.

use std::fmt::Write as _;

use clap::ValueEnum;
use serde_json::json;

use crate::client::request;

/// A kind of change. They are made in this order; later models keep the earlier changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Kind {
    /// An optional field.
    AddNullable,
    /// An optional field, while a long transaction reads the table.
    LongReader,
    /// A required field with a constant default.
    AddRequired,
    /// An index.
    AddIndex,
    /// A unique that all rows fulfil.
    AddUnique,
    /// An optional to-one relation to a small table.
    AddRelation,
    /// A check that all rows fulfil.
    AddCheck,
    /// Required, where every row has a value.
    MakeRequired,
    /// One more value of an enum.
    AddEnumValue,
    /// Another name of a field.
    RenameField,
    /// Another name of a type.
    RenameType,
    /// Int to BigInt.
    WidenBigint,
    /// Int to Float.
    WidenFloat,
}

impl Kind {
    /// The name on the command line and in the report.
    pub fn name(self) -> String {
        self.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned())
    }

    /// Whether every row is written anew: reported apart.
    pub fn is_backfill(self) -> bool {
        matches!(self, Kind::WidenBigint | Kind::WidenFloat)
    }

    /// What only a server of the new model answers so.
    pub fn proof(self, words: &Words) -> Proof {
        let one = format!("/v1/{}/1", words.many);
        let get =
            |query: &str, says| Proof::new(request("GET", &format!("{one}?{query}"), "", ""), 200, says);
        let patch = |body: serde_json::Value, status, says| {
            Proof::new(request("PATCH", &one, "", &body.to_string()), status, says)
        };
        match self {
            Kind::AddNullable => get("fields=id,remark", "\"remark\":null"),
            Kind::LongReader => get("fields=id,hint", "\"hint\":null"),
            Kind::AddRequired => get("fields=id,rank", "\"rank\":3"),
            Kind::AddIndex => {
                let path = format!("/v1/{}?price=1&limit=1", words.many);
                Proof::new(request("GET", &path, "", ""), 200, "\"code\"")
            }
            Kind::AddUnique => patch(json!({ "code": "C2" }), 409, "code"),
            Kind::AddRelation => patch(json!({ "maker": "1" }), 200, "\"code\""),
            Kind::AddCheck => patch(json!({ "price": -1 }), 422, "price"),
            Kind::MakeRequired => patch(json!({ "stock": null }), 422, "stock"),
            Kind::AddEnumValue => patch(json!({ "grade": "FINE" }), 200, "\"FINE\""),
            Kind::RenameField => get("fields=id,name", "\"name\":\"Title"),
            Kind::RenameType => get("fields=id,code", "\"code\""),
            Kind::WidenBigint => patch(json!({ "views": "5000000000" }), 200, "5000000000"),
            Kind::WidenFloat => patch(json!({ "weight": 1.5 }), 200, "1.5"),
        }
    }
}

/// One request and the answer that proves a change.
#[derive(Debug)]
pub struct Proof {
    /// The request's bytes.
    pub request: Vec<u8>,
    /// The status it must have.
    pub status: u16,
    /// What the body must contain, without its spaces.
    pub says: &'static str,
}

impl Proof {
    fn new(request: Vec<u8>, status: u16, says: &'static str) -> Self {
        Self { request, status, says }
    }
}

/// The names that a model gives to what the load asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Words {
    /// The type.
    pub class: &'static str,
    /// One in the APIs.
    pub one: &'static str,
    /// Many in the APIs.
    pub many: &'static str,
    /// The text field that is renamed.
    pub title: &'static str,
}

impl Words {
    /// The names after these changes.
    pub fn after(made: &[Kind]) -> Self {
        let (class, one, many) = if made.contains(&Kind::RenameType) {
            ("Product", "product", "products")
        } else {
            ("Item", "item", "items")
        };
        let title = if made.contains(&Kind::RenameField) { "name" } else { "title" };
        Self { class, one, many, title }
    }
}

/// The model after these changes. Everything is open: rules are not what is measured.
pub fn model(made: &[Kind]) -> String {
    let has = |kind| made.contains(&kind);
    let either = |kind, new: &'static str, old: &'static str| if has(kind) { new } else { old };
    let Words { class, .. } = Words::after(made);
    let mut text = format!(
        "enum Grade {{ PLAIN GOOD {} }}\n\n\
         type Shop @model(id: SERIAL) @allow(to: [ALL], role: \"anyone\") {{\n  name: String!\n  items: [{class}!]!\n}}\n\n\
         type Maker @model(id: SERIAL) @allow(to: [ALL], role: \"anyone\") {{\n  name: String!\n}}\n\n\
         type {class} {} @model(id: SERIAL) @index(fields: [\"shop\", \"code\"]) @allow(to: [ALL], role: \"anyone\") {{\n",
        either(Kind::AddEnumValue, "FINE", ""),
        either(Kind::RenameType, "@was(name: \"Item\")", ""),
    );
    let fields = [
        either(Kind::AddUnique, "code: String! @unique", "code: String!"),
        either(Kind::RenameField, "name: String! @was(name: \"title\")", "title: String!"),
        "shop: Shop!",
        "grade: Grade!",
        either(Kind::MakeRequired, "stock: Int!", "stock: Int"),
        either(Kind::WidenBigint, "views: BigInt!", "views: Int!"),
        either(Kind::WidenFloat, "weight: Float!", "weight: Int!"),
        either(Kind::AddNullable, "remark: String", ""),
        either(Kind::LongReader, "hint: String", ""),
        either(Kind::AddRequired, "rank: Int! @default(value: 3)", ""),
        either(Kind::AddRelation, "maker: Maker", ""),
    ];
    for field in fields.into_iter().filter(|field| !field.is_empty()) {
        let _ = writeln!(text, "  {field}");
    }
    let (index, check) = (either(Kind::AddIndex, "@index", ""), either(Kind::AddCheck, "@check(min: 0)", ""));
    let _ = writeln!(text, "  price: Int! {index} {check}\n}}");
    text
}

#[cfg(test)]
mod tests {
    use clap::ValueEnum;

    use super::{Kind, Words, model};

    #[test]
    fn every_change_is_in_its_model() {
        for kind in Kind::value_variants() {
            assert_ne!(model(&[]), model(&[*kind]), "{}", kind.name());
        }
        let all = model(Kind::value_variants());
        assert!(
            all.contains("type Product @was(name: \"Item\")") && all.contains("items: [Product!]!"),
            "{all}"
        );
        assert_eq!(Words::after(&[Kind::RenameField]).title, "name");
    }
}
