//! What the load asks: 70 % reads and 30 % writes, half of them REST and half GraphQL.

use serde_json::{Value, json};

use super::change::Words;
use crate::client::request;
use crate::workload::Random;

/// A row that the load made. Nobody else writes it, so what it must hold is known.
#[derive(Debug, Clone)]
pub struct Own {
    /// Its id.
    pub id: String,
    /// The number that its fields were given last.
    pub number: u64,
}

/// One thing to ask.
#[derive(Debug, Clone)]
pub enum Question {
    /// One row by its id.
    Point(u64),
    /// Twenty rows after an id, each with its shop.
    Page(u64),
    /// Twenty rows of a shop, by an index.
    Shop(u64),
    /// A new row of a shop, with this number.
    Insert(u64, u64),
    /// Another number for a row that was there from the beginning.
    Update(u64, u64),
    /// Another number for a row of ours.
    UpdateOwn(Own, u64),
    /// A row of ours less.
    Delete(Own),
}

/// How many rows there are to ask for.
#[derive(Debug, Clone, Copy)]
pub struct Size {
    /// Rows of the big table.
    pub rows: u64,
    /// Rows of the small tables.
    pub shops: u64,
}

impl Size {
    /// A thousand rows to a shop.
    pub fn of(rows: u64) -> Self {
        // Fewer rows than these leave a shop or a page empty.
        let rows = rows.max(200);
        Self { rows, shops: (rows / 1_000).max(10) }
    }
}

impl Question {
    /// The next one; `own` gives a row that the load made, which nobody else asks about until it is given back.
    pub fn draw(size: Size, random: &mut Random, number: u64, own: impl FnOnce() -> Option<Own>) -> Self {
        let id = 1 + random.below(size.rows);
        let shop = 1 + random.below(size.shops);
        match random.below(100) {
            0..30 => Self::Point(id),
            30..50 => Self::Page(random.below(size.rows - 20)),
            50..70 => Self::Shop(shop),
            70..80 => Self::Insert(shop, number),
            80..86 => Self::Update(id, number),
            86..92 => own().map_or(Self::Insert(shop, number), |own| Self::UpdateOwn(own, number)),
            _ => own().map_or(Self::Insert(shop, number), Self::Delete),
        }
    }

    /// Its name in the report.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Point(_) => "point",
            Self::Page(_) => "page",
            Self::Shop(_) => "filter",
            Self::Insert(..) => "insert",
            Self::Update(..) | Self::UpdateOwn(..) => "update",
            Self::Delete(_) => "delete",
        }
    }

    /// Whether it writes.
    pub fn writes(&self) -> bool {
        !matches!(self, Self::Point(_) | Self::Page(_) | Self::Shop(_))
    }

    /// The bytes of the request.
    pub fn request(&self, words: &Words, graphql: bool) -> Vec<u8> {
        if graphql { self.graphql(words) } else { self.rest(words) }
    }

    fn rest(&self, words: &Words) -> Vec<u8> {
        let Words { many, title, .. } = words;
        let get = |path: String| request("GET", &path, "", "");
        let patch = |id: &str, number: u64| {
            let path = format!("/v1/{many}/{id}?fields=id,code");
            request("PATCH", &path, "", &values(words, number).to_string())
        };
        match self {
            Self::Point(id) => {
                get(format!("/v1/{many}/{id}?fields=id,code,{title},grade,price,stock,views,weight"))
            }
            Self::Page(after) => get(format!(
                "/v1/{many}?id[gt]={after}&limit=20&expand=shop&fields=id,code,{title},shop.id,shop.name"
            )),
            Self::Shop(shop) => {
                get(format!("/v1/{many}?shop={shop}&sort=code&limit=20&fields=id,code,price,{title}"))
            }
            Self::Insert(shop, number) => {
                let body = row(words, json!(shop.to_string()), *number).to_string();
                request("POST", &format!("/v1/{many}?fields=id,code"), "", &body)
            }
            Self::Update(id, number) => patch(&id.to_string(), *number),
            Self::UpdateOwn(own, number) => patch(&own.id, *number),
            Self::Delete(own) => request("DELETE", &format!("/v1/{many}/{}", own.id), "", ""),
        }
    }

    fn graphql(&self, words: &Words) -> Vec<u8> {
        let Words { class, one, many, title } = words;
        let update = |id: &str, number: u64| {
            (
                format!(
                    "mutation Update($id: ID!, $set: {class}Set) {{ update{class}(id: $id, set: $set) {{ id code }} }}"
                ),
                json!({ "id": id, "set": values(words, number) }),
            )
        };
        let (query, variables) = match self {
            Self::Point(id) => (
                format!(
                    "query Point($id: ID!) {{ {one}(id: $id) {{ id code {title} grade price stock views weight }} }}"
                ),
                json!({ "id": id.to_string() }),
            ),
            Self::Page(after) => (
                format!(
                    "query Page($after: ID!) {{ {many}(where: {{ id: {{ gt: $after }} }}, first: 20) \
                     {{ nodes {{ id code {title} shop {{ id name }} }} }} }}"
                ),
                json!({ "after": after.to_string() }),
            ),
            Self::Shop(shop) => (
                format!(
                    "query Shop($shop: ID!) {{ {many}(where: {{ shop: {{ eq: $shop }} }}, orderBy: [{{ code: ASC }}], \
                     first: 20) {{ nodes {{ id code price {title} }} }} }}"
                ),
                json!({ "shop": shop.to_string() }),
            ),
            Self::Insert(shop, number) => (
                format!(
                    "mutation Insert($input: {class}Create!) {{ create{class}(input: $input) {{ id code }} }}"
                ),
                json!({ "input": row(words, json!({ "connect": shop.to_string() }), *number) }),
            ),
            Self::Update(id, number) => update(&id.to_string(), *number),
            Self::UpdateOwn(own, number) => update(&own.id, *number),
            Self::Delete(own) => (
                format!("mutation Delete($id: ID!) {{ delete{class}(id: $id) {{ id code }} }}"),
                json!({ "id": own.id }),
            ),
        };
        request("POST", "/graphql", "", &json!({ "query": query, "variables": variables }).to_string())
    }

    /// Why an answer is not the one that is expected, or the row that the load has from now on.
    pub fn judge(&self, status: u16, body: &[u8], graphql: bool) -> Result<Option<Own>, ()> {
        if !(200..300).contains(&status) {
            return Err(());
        }
        if let (Self::Delete(_), false) = (self, graphql) {
            return Ok(None);
        }
        let json: Value = serde_json::from_slice(body).map_err(|_| ())?;
        // GraphQL says no with status 200, and a row that is not found is null there.
        if json.get("errors").is_some() || !contains_key(&json, "code") {
            return Err(());
        }
        Ok(match self {
            Self::Insert(_, number) => {
                let row = if graphql {
                    json["data"].as_object().and_then(|data| data.values().next())
                } else {
                    Some(&json)
                };
                let id = row.and_then(|row| row["id"].as_str()).ok_or(())?;
                Some(Own { id: id.to_owned(), number: *number })
            }
            Self::UpdateOwn(own, number) => Some(Own { id: own.id.clone(), number: *number }),
            _ => None,
        })
    }
}

/// Whether the row has the values that were acknowledged last, whatever type the fields have now.
pub fn holds(words: &Words, number: u64, row: &Value) -> bool {
    let is_number = |field: &str| {
        let value = &row[field];
        let value = value.as_f64().or_else(|| value.as_str()?.parse().ok());
        value.is_some_and(|value| (value - number as f64).abs() < 0.5)
    };
    row[words.title] == json!(format!("Title {number}"))
        && ["stock", "views", "weight"].into_iter().all(is_number)
}

/// The fields that an update gives.
fn values(words: &Words, number: u64) -> Value {
    json!({ words.title: format!("Title {number}"), "stock": number, "views": number, "weight": number })
}

/// The fields of a new row.
fn row(words: &Words, shop: Value, number: u64) -> Value {
    let mut row = values(words, number);
    row["code"] = json!(format!("L{number}"));
    row["shop"] = shop;
    row["grade"] = json!("GOOD");
    row["price"] = json!(number % 1_000);
    row
}

fn contains_key(json: &Value, key: &str) -> bool {
    match json {
        Value::Object(object) => object.iter().any(|(name, value)| name == key || contains_key(value, key)),
        Value::Array(items) => items.iter().any(|item| contains_key(item, key)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::change::{Kind, Words};
    use super::{Own, Question, holds};

    #[test]
    fn an_answer_without_a_row_is_none() {
        let point = Question::Point(1);
        assert!(point.judge(200, br#"{"id":"1","code":"C1"}"#, false).is_ok());
        assert!(point.judge(500, br#"{"id":"1","code":"C1"}"#, false).is_err());
        assert!(point.judge(200, br#"{"data":{"item":null}}"#, true).is_err());
        assert!(point.judge(200, br#"{"data":{"item":{"code":"C1"}},"errors":[{}]}"#, true).is_err());
        assert!(Question::Page(1).judge(200, br#"{"data":[],"hasMore":false,"next":null}"#, false).is_err());
        let own =
            Question::Insert(1, 5).judge(201, br#"{"data":{"createItem":{"id":"9","code":"L5"}}}"#, true);
        assert!(matches!(own, Ok(Some(Own { id, number: 5 })) if id == "9"));
    }

    #[test]
    fn a_row_holds_its_number_whatever_the_types() {
        let (old, new) = (Words::after(&[]), Words::after(&[Kind::RenameField]));
        let row = json!({ "title": "Title 7", "stock": 7, "views": "7", "weight": 7.0 });
        assert!(holds(&old, 7, &row) && !holds(&old, 8, &row) && !holds(&new, 7, &row));
        let lost = json!({ "title": "Title 7", "stock": null, "views": 7, "weight": 7 });
        assert!(!holds(&old, 7, &lost));
    }
}
