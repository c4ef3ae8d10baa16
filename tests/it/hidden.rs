//! The key of a row that the caller may not see: it is as if the row referred to nothing, in both APIs.

use harness::{Actor, App, Value, both, json};

const PARTS: &str = r#"
type Part @model @allow(to: [READ], role: "anyone", where: { public: { eq: true } }) {
  name: String! @unique
  public: Boolean! @default(value: false)
  uses: [Use!]!
}
type Use @model(id: SERIAL) @allow(to: [ALL], role: "anyone") {
  name: String!
  part: Part
  shelf: Shelf
  line: Int
}
type Shelf @model @allow(to: [ALL], role: "anyone") { name: String! uses: [Use!]! }
"#;

/// Uses `h` of a hidden part, `v` of a visible one, `n` of none; the ids of the hidden and the visible part.
async fn parts(app: &App) -> (String, String) {
    let admin = app.admin();
    let part = async |name: &str, public: bool| {
        let made = admin.post("/v1/parts", json!({ "name": name, "public": public })).await.is(201).json();
        made["id"].as_str().unwrap().to_owned()
    };
    let (hidden, shown) = (part("hidden", false).await, part("shown", true).await);
    for (name, part) in [("h", json!(hidden)), ("v", json!(shown)), ("n", Value::Null)] {
        let _ = admin.post("/v1/uses", json!({ "name": name, "part": part })).await.is(201);
    }
    (hidden, shown)
}

async fn names(actor: &Actor, condition: &str) -> Vec<String> {
    let query = format!("{{ uses(where: {condition}, orderBy: [{{ name: ASC }}]) {{ nodes {{ name }} }} }}");
    let data = actor.graphql(&query).await.data();
    let nodes = data["uses"]["nodes"].as_array().unwrap();
    nodes.iter().map(|node| node["name"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn both_apis_show_the_key_of_a_hidden_row_as_null() {
    both(PARTS, async |app| {
        let (hidden, shown) = parts(app).await;
        let (anyone, admin) = (app.anyone(), app.admin());
        let rows = anyone.get("/v1/uses?fields=name,part&sort=name").await.good();
        assert_eq!(
            rows.json()["data"],
            json!([{ "name": "h", "part": null }, { "name": "n", "part": null }, { "name": "v", "part": shown }]),
        );
        for path in [
            "/v1/uses",
            "/v1/uses?fields=name,part",
            "/v1/uses?expand=part",
            "/v1/uses/1",
            "/v1/uses/aggregate?group=part",
            "/v1/uses?sort=-part",
            "/v1/uses?sort=part&limit=1",
        ] {
            let reply = anyone.get(path).await.good();
            assert!(!reply.text().contains(&hidden), "{path}: {}", reply.whole());
            for media in ["text/csv", "application/x-ndjson"] {
                if path.contains("aggregate") || path.contains("/1") {
                    continue;
                }
                let reply = anyone.with("accept", media).get(path).await.good();
                assert!(!reply.text().contains(&hidden), "{path} as {media}: {}", reply.whole());
            }
        }
        let _ = anyone.get("/v1/uses/1").await.good();
        let groups = anyone.get("/v1/uses/aggregate?group=part&sort=-count").await.good().json();
        let counts: Vec<&Value> =
            groups["data"].as_array().unwrap().iter().map(|group| &group["count"]).collect();
        assert_eq!(counts, [&json!(2), &json!(1)], "{groups}");
        let query = "{ usesAggregate(groupBy: [{ field: part }]) { key { part { id } } count } }";
        let data = anyone.graphql(query).await.data();
        assert_eq!(data["usesAggregate"].as_array().unwrap().len(), 2, "{data}");
        let patched = anyone.patch("/v1/uses/1", json!({ "line": 4 })).await.good();
        assert!(!patched.text().contains(&hidden), "{}", patched.whole());
        assert!(admin.get("/v1/uses/1").await.good().text().contains(&hidden));
        assert!(admin.get("/v1/uses/aggregate?group=part").await.good().text().contains(&hidden));
    });
}

#[test]
fn a_condition_finds_nothing_out_about_a_hidden_row() {
    both(PARTS, async |app| {
        let (hidden, shown) = parts(app).await;
        let anyone = app.anyone();
        let unknown = "0190b5a4-7e8f-7c3d-8a21-5f6e7d8c9b0a";
        // What is asked of the hidden row's id is answered as of an id that is nowhere.
        for template in [
            "{ part: { eq: \"ID\" } }",
            "{ part: { ne: \"ID\" } }",
            "{ part: { in: [\"ID\"] } }",
            "{ part: { notIn: [\"ID\"] } }",
            "{ not: { part: { eq: \"ID\" } } }",
            "{ not: { part: { ne: \"ID\" } } }",
            "{ not: { not: { part: { eq: \"ID\" } } } }",
            "{ not: { or: [{ part: { in: [\"ID\"] } }, { name: { eq: \"x\" } }] } }",
        ] {
            let (asked, nowhere) = (template.replace("ID", &hidden), template.replace("ID", unknown));
            assert_eq!(names(&anyone, &asked).await, names(&anyone, &nowhere).await, "{template}");
        }
        for (condition, found) in [
            ("{ part: { isNull: true } }", vec!["h", "n"]),
            ("{ part: { isNull: false } }", vec!["v"]),
            ("{ not: { part: { isNull: true } } }", vec!["v"]),
            ("{ not: { part: { isNull: false } } }", vec!["h", "n"]),
        ] {
            assert_eq!(names(&anyone, condition).await, found, "{condition}");
        }
        assert_eq!(names(&anyone, &format!("{{ part: {{ eq: \"{shown}\" }} }}")).await, ["v"]);
        assert_eq!(
            names(&anyone, &format!("{{ not: {{ part: {{ eq: \"{shown}\" }} }} }}")).await,
            Vec::<String>::new()
        );
        assert_eq!(names(&app.admin(), &format!("{{ part: {{ eq: \"{hidden}\" }} }}")).await, ["h"]);
        let asked = "query($null: Boolean!) { uses(where: { part: { isNull: $null } }) { totalCount } }";
        for (absent, count) in [(true, 2), (false, 1)] {
            let data = anyone.graphql_with(asked, json!({ "null": absent })).await.data();
            assert_eq!(data["uses"]["totalCount"], count);
        }
        let rest = anyone.get(&format!("/v1/uses?part={hidden}")).await.good().json();
        assert_eq!(rest["data"], json!([]));
        let rest = anyone.get("/v1/uses?part[isNull]=true&fields=name&sort=name").await.good().json();
        assert_eq!(rest["data"], json!([{ "name": "h" }, { "name": "n" }]));
    });
}

#[test]
fn an_order_by_a_key_has_hidden_rows_among_those_without() {
    both(PARTS, async |app| {
        let _ = parts(app).await;
        let order = async |actor: &Actor, sort: &str| {
            let rows = actor.get(&format!("/v1/uses?fields=name&sort={sort}")).await.good().json();
            rows["data"]
                .as_array()
                .unwrap()
                .iter()
                .map(|row| row["name"].as_str().unwrap().to_owned())
                .collect::<Vec<_>>()
        };
        assert_eq!(order(&app.anyone(), "part,name").await, ["v", "h", "n"]);
        assert_eq!(order(&app.admin(), "part,name").await, ["h", "v", "n"]);
        // Page by page, with cursors that hold nothing either.
        let mut seen = Vec::new();
        let mut path = "/v1/uses?fields=name&sort=part,name&limit=1".to_owned();
        while seen.len() < 3 {
            let page = app.anyone().get(&path).await.good().json();
            seen.push(page["data"][0]["name"].as_str().unwrap().to_owned());
            match page["next"].as_str() {
                Some(next) => path = next.to_owned(),
                None => break,
            }
        }
        assert_eq!(seen, ["v", "h", "n"]);
    });
}

#[test]
fn a_key_of_rows_that_all_can_see_costs_nothing() {
    both(PARTS, async |app| {
        let _ = parts(app).await;
        let path = "/v1/uses?fields=name,shelf&shelf[isNull]=true&sort=shelf";
        let (reply, statements) = app.statements_during(app.anyone().get(path)).await;
        let _ = reply.good();
        if let Some(statements) = statements {
            let told: Vec<&String> =
                statements.iter().filter(|statement| statement.contains("uses")).collect();
            assert_eq!(told.len(), 1, "{statements:?}");
            assert!(!told[0].contains("shelves"), "{}", told[0]);
        }
    });
}
