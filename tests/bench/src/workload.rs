//! What is asked of every contender, and how their answers compare.

use serde_json::{Value, json};

use crate::client::request;
use crate::database::Size;
use crate::statement;

/// One of the six workloads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Workload {
    /// One row by its id.
    Point,
    /// Twenty rows with two levels of what they belong to.
    Page,
    /// Three levels: 10 × 5 × 5.
    Nested,
    /// Twenty rows and the number of all.
    Total,
    /// A new row.
    Insert,
    /// A changed row.
    Update,
}

/// Who answers over HTTP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Facade {
    /// Launchway's GraphQL.
    GraphQl,
    /// Launchway's REST.
    Rest,
    /// The hand-written handler.
    Hand,
}

/// The two numbers a request is made of.
#[derive(Debug, Clone, Copy)]
pub struct Draw {
    /// An id in the workload's range.
    pub id: u64,
    /// Any number.
    pub number: u64,
}

/// A small fast generator: the numbers need not be good, only different.
#[derive(Debug)]
pub struct Random(u64);

impl Random {
    /// From a seed.
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    /// A number from 0 to `below` - 1.
    pub fn below(&mut self, below: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % below.max(1)
    }
}

impl Workload {
    /// All of them.
    pub const ALL: [Workload; 6] = [
        Workload::Point,
        Workload::Page,
        Workload::Nested,
        Workload::Total,
        Workload::Insert,
        Workload::Update,
    ];

    /// The name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Workload::Point => "point",
            Workload::Page => "page",
            Workload::Nested => "nested",
            Workload::Total => "total",
            Workload::Insert => "insert",
            Workload::Update => "update",
        }
    }

    /// Ids are drawn from 1 to this.
    pub fn range(self, size: &Size) -> u64 {
        match self {
            Workload::Point | Workload::Update => size.tracks,
            Workload::Page => size.genres,
            Workload::Nested => size.artists - 10,
            Workload::Total | Workload::Insert => size.customers,
        }
    }

    /// The next request's numbers.
    pub fn draw(self, size: &Size, random: &mut Random) -> Draw {
        Draw { id: 1 + random.below(self.range(size)), number: 1 + random.below(1_000_000) }
    }

    /// The SQL that the hand-written handler and pgbench run.
    pub fn sql(self) -> &'static str {
        match self {
            Workload::Point => statement::POINT,
            Workload::Page => statement::PAGE,
            Workload::Nested => statement::NESTED,
            Workload::Total => statement::TOTAL,
            Workload::Insert => statement::INSERT,
            Workload::Update => statement::UPDATE,
        }
    }

    /// The bytes of one request.
    pub fn request(self, facade: Facade, draw: Draw) -> Vec<u8> {
        match facade {
            Facade::GraphQl => self.graphql(draw),
            Facade::Rest => self.rest(draw),
            Facade::Hand => self.hand(draw),
        }
    }

    fn graphql(self, Draw { id, number }: Draw) -> Vec<u8> {
        let (query, variables) = match self {
            Workload::Point => (
                "query Point($id: ID!) { track(id: $id) { id name milliseconds unitPrice } }",
                json!({ "id": id.to_string() }),
            ),
            Workload::Page => (
                "query Page($genre: ID!) { tracks(where: { genre: { eq: $genre } }, orderBy: [{ name: ASC }], first: 20) \
                 { nodes { id name album { id title artist { name } } } pageInfo { hasNextPage } } }",
                json!({ "genre": id.to_string() }),
            ),
            Workload::Nested => (
                "query Nested($after: ID!) { artists(where: { id: { gt: $after } }, first: 10) { nodes { id name \
                 albums(first: 5) { nodes { id title tracks(first: 5) { nodes { id name } } } } } } }",
                json!({ "after": id.to_string() }),
            ),
            Workload::Total => (
                "query Total($customer: ID!) { invoices(where: { customer: { eq: $customer } }, \
                 orderBy: [{ number: DESC }, { id: DESC }], first: 20) { nodes { id number total } totalCount } }",
                json!({ "customer": id.to_string() }),
            ),
            Workload::Insert => (
                "mutation Insert($input: InvoiceCreate!) { createInvoice(input: $input) { id number total } }",
                json!({ "input": { "customer": { "connect": id.to_string() }, "number": number, "total": "12.34" } }),
            ),
            Workload::Update => (
                "mutation Update($id: ID!, $set: TrackSet) { updateTrack(id: $id, set: $set) { id name milliseconds } }",
                json!({ "id": id.to_string(), "set": { "milliseconds": number } }),
            ),
        };
        request("POST", "/graphql", "", &json!({ "query": query, "variables": variables }).to_string())
    }

    fn rest(self, Draw { id, number }: Draw) -> Vec<u8> {
        match self {
            Workload::Point => {
                request("GET", &format!("/v1/tracks/{id}?fields=id,name,milliseconds,unitPrice"), "", "")
            }
            Workload::Page => {
                let fields = "id,name,album.id,album.title,album.artist.name";
                request(
                    "GET",
                    &format!("/v1/tracks?genre={id}&sort=name&limit=20&expand=album.artist&fields={fields}"),
                    "",
                    "",
                )
            }
            Workload::Nested => {
                let fields = "id,name,albums.id,albums.title,albums.tracks.id,albums.tracks.name";
                let limits = "limit=10&limit[albums]=5&limit[albums.tracks]=5";
                request(
                    "GET",
                    &format!("/v1/artists?id[gt]={id}&{limits}&expand=albums.tracks&fields={fields}"),
                    "",
                    "",
                )
            }
            Workload::Total => {
                let path =
                    format!("/v1/invoices?customer={id}&sort=-number,-id&limit=20&fields=id,number,total");
                request("GET", &path, "prefer: count=exact\r\n", "")
            }
            Workload::Insert => {
                let body = json!({ "customer": id.to_string(), "number": number, "total": "12.34" });
                request("POST", "/v1/invoices?fields=id,number,total", "", &body.to_string())
            }
            Workload::Update => {
                let body = json!({ "milliseconds": number });
                request(
                    "PATCH",
                    &format!("/v1/tracks/{id}?fields=id,name,milliseconds"),
                    "",
                    &body.to_string(),
                )
            }
        }
    }

    fn hand(self, Draw { id, number }: Draw) -> Vec<u8> {
        match self {
            Workload::Point => request("GET", &format!("/tracks/{id}"), "", ""),
            Workload::Page => request("GET", &format!("/tracks?genre={id}"), "", ""),
            Workload::Nested => request("GET", &format!("/artists?after={id}"), "", ""),
            Workload::Total => request("GET", &format!("/invoices?customer={id}"), "", ""),
            Workload::Insert => request(
                "POST",
                "/invoices",
                "",
                &json!({ "customer": id.to_string(), "number": number }).to_string(),
            ),
            Workload::Update => {
                request("PATCH", &format!("/tracks/{id}"), "", &json!({ "milliseconds": number }).to_string())
            }
        }
    }

    /// The rows in an answer, in one shape for all contenders, so that they can be compared.
    pub fn rows(self, facade: Facade, body: &[u8]) -> Result<Value, String> {
        let mut json: Value = serde_json::from_slice(body).map_err(|error| error.to_string())?;
        if facade == Facade::GraphQl {
            if json.get("errors").is_some() {
                return Err(json.to_string());
            }
            json =
                json["data"].as_object().and_then(|data| data.values().next()).cloned().unwrap_or_default();
        }
        let mut rows = match self {
            Workload::Point | Workload::Update => json,
            Workload::Insert => {
                let mut row = json;
                row.as_object_mut().map(|row| row.remove("id"));
                row
            }
            Workload::Page => {
                json!({ "data": rows(&json), "hasMore": first(&json, &["/hasMore", "/pageInfo/hasNextPage"]) })
            }
            Workload::Nested => rows(&json),
            Workload::Total => {
                json!({ "data": rows(&json), "total": first(&json, &["/total", "/totalCount"]) })
            }
        };
        flatten(&mut rows);
        Ok(rows)
    }
}

fn rows(json: &Value) -> Value {
    first(json, &["/nodes", "/data"])
}

fn first(json: &Value, pointers: &[&str]) -> Value {
    pointers.iter().find_map(|pointer| json.pointer(pointer)).cloned().unwrap_or_default()
}

/// Nested lists as plain arrays, whether they came as a connection, as a page or as an array.
fn flatten(value: &mut Value) {
    match value {
        Value::Object(object) => {
            for child in object.values_mut() {
                if let Some(list) = child.get("nodes").or_else(|| child.get("data")) {
                    *child = list.clone();
                }
                flatten(child);
            }
        }
        Value::Array(items) => items.iter_mut().for_each(flatten),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
