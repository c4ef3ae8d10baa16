//! A server whose model has less than the database: it starts, says nothing of what it does not know, and loses nothing.

use harness::{App, json};

use super::{every, texts};

const WHOLE: &str = r#"
type Item @model(id: SERIAL) @allow(to: [ALL], role: "anyone") { name: String!  secret: String!  size: Int  box: Box }
type Box @model(id: SERIAL, plural: "boxes") @allow(to: [ALL], role: "anyone") { label: String  items: [Item!]! }
"#;

const LESS: &str = r#"
type Item @model(id: SERIAL) @allow(to: [ALL], role: "anyone") { name: String!  size: Int }
"#;

async fn fields(app: &App, of: &str) -> String {
    let query = format!("{{ __type(name: \"{of}\") {{ fields {{ name }} }} }}");
    app.anyone().graphql(&query).await.data()["__type"].to_string()
}

#[test]
fn serve_hides_what_the_model_leaves_out_and_it_comes_back() {
    every(async |backend| {
        let mut app = App::start(backend, WHOLE).await;
        let rows = json!({ "name": "a", "secret": "s", "size": 1, "box": { "create": { "label": "b" } } });
        let query = "mutation($row: ItemCreate!) { createItem(input: $row) { id box { id } } }";
        let _ = app.anyone().graphql_with(query, json!({ "row": rows })).await.good();
        app.write_model(LESS);
        app.launch().await;
        assert_eq!(app.command(&["plan", "--exit-code"]).code, Some(0));
        let item = fields(&app, "Item").await;
        assert!(item.contains("size") && !item.contains("secret") && !item.contains("box"), "{item}");
        assert_eq!(fields(&app, "Box").await, "null");
        let document = app.anyone().get("/openapi.json").await.good().text().to_owned();
        assert!(document.contains("\"size\"") && !document.contains("secret") && !document.contains("boxes"));
        let item = app.anyone().get("/v1/items/1").await.good().json();
        assert!(item.get("secret").is_none() && item.get("box").is_none(), "{item}");
        let _ = app.anyone().get("/v1/boxes").await.is(404);
        // What was required is not asked for any more.
        let _ = app.anyone().post("/v1/items", json!({ "name": "n" })).await.is(201);
        let _ = app.anyone().patch("/v1/items/1", json!({ "name": "changed" })).await.good();
        assert_eq!(texts(&app, "SELECT secret FROM items ORDER BY id").await, ["s", "null"]);
        assert_eq!(texts(&app, "SELECT label FROM boxes").await, ["b"]);
        let _ = app.anyone().delete("/v1/items/2").await.is(204);
        app.write_model(WHOLE);
        app.launch().await;
        let data =
            app.anyone().graphql("{ item(id: \"1\") { name secret size box { label } } }").await.data();
        assert_eq!(
            data["item"],
            json!({ "name": "changed", "secret": "s", "size": 1, "box": { "label": "b" } })
        );
        let _ = app.anyone().post("/v1/items", json!({ "name": "n" })).await.is(422);
    });
}

#[test]
fn what_came_without_a_value_meanwhile_is_told_before_it_is_required_again() {
    every(async |backend| {
        let mut app = App::start(backend, WHOLE).await;
        app.write_model(LESS);
        app.launch().await;
        let _ = app.anyone().post("/v1/items", json!([{ "name": "n" }, { "name": "m" }])).await.is(201);
        app.stop();
        app.write_model(WHOLE);
        let said = app.command(&["apply", "--allow", "revert"]).refused(1);
        assert!(said.text().contains("2 rows without a value for Item.secret"), "{}", said.text());
        // Nothing was changed: the model in force still is.
        app.write_model(LESS);
        assert_eq!(app.command(&["plan", "--exit-code"]).code, Some(0));
        app.write_model(&WHOLE.replace("secret: String!", "secret: String! @default(value: \"?\")"));
        app.launch().await;
        assert_eq!(app.anyone().get("/v1/items/2").await.good().json()["secret"], "?");
    });
}
