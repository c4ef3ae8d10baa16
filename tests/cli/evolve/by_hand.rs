//! What somebody changed by hand: `plan` shows it, `apply` makes it again, refuses or leaves it alone.

use harness::{App, Backend, Value};

use super::{by_hand, every, shape, texts};

const MODEL: &str = r#"
type Item @model(id: SERIAL) @index(fields: ["name"]) @allow(to: [ALL], role: "anyone") {
  name: String!
  code: String @unique
  size: Int @check(min: 0)
}
"#;

async fn made(backend: Backend) -> App {
    let app = App::with(backend, MODEL).prepare().await;
    let _ = app.command(&["apply"]).good();
    let now = if backend == Backend::Postgres { "now()" } else { "'2026-01-01T00:00:00'" };
    let row = format!(
        "INSERT INTO items (created_at, updated_at, version, name, code, size) VALUES ({now}, {now}, 1, 'a', 'c', 7)"
    );
    by_hand(&app, &row).await;
    app
}

fn drift(app: &App) -> Vec<Value> {
    let said = app.command(&["plan", "--json"]);
    let plan: Value = serde_json::from_str(&said.stdout).unwrap();
    plan["drift"].as_array().unwrap().clone()
}

#[test]
fn what_is_gone_and_holds_no_data_is_made_again() {
    every(async |backend| {
        let app = made(backend).await;
        let before = shape(&app).await;
        let mut drops = vec![
            ("DROP INDEX ix_items_name", "ix_items_name"),
            ("DROP INDEX ux_items_code", "ux_items_code"),
        ];
        if backend == Backend::Postgres {
            drops.push(("ALTER TABLE items DROP CONSTRAINT ck_items_size_1", "ck_items_size_1"));
        } else {
            drops.push(("DROP TRIGGER items_check_insert", "items_check_insert"));
        }
        for (statement, name) in drops {
            assert_eq!(drift(&app), Vec::<Value>::new());
            by_hand(&app, statement).await;
            let said = app.command(&["plan", "--exit-code"]).refused(3);
            assert!(
                said.stdout.contains(name) && said.stdout.contains("is missing; apply makes it again"),
                "{}",
                said.text()
            );
            assert_eq!(drift(&app)[0]["kind"], "missing");
            let _ = app.command(&["apply"]).good();
            assert_eq!(shape(&app).await, before, "{statement}");
            let said = app.command(&["plan", "--exit-code"]).good();
            assert!(!said.text().contains(name), "{}", said.text());
        }
    });
}

#[test]
fn a_column_that_is_gone_is_refused_until_somebody_says_so() {
    every(async |backend| {
        let app = made(backend).await;
        // SQLite lets no column go that a trigger speaks of.
        if backend == Backend::Sqlite {
            by_hand(&app, "DROP TRIGGER items_check_insert; DROP TRIGGER items_check_update").await;
        }
        by_hand(&app, "ALTER TABLE items DROP COLUMN size").await;
        for command in [vec!["plan"], vec!["plan", "--exit-code"], vec!["apply"]] {
            let said = app.command(&command).refused(1);
            assert!(said.text().contains("--allow recreate:Item.size"), "{}", said.text());
        }
        assert!(drift(&app).iter().any(|drift| drift["kind"] == "missing" && drift["origin"] == "Item.size"));
        let said = app.command(&["apply", "--allow", "recreate:Item.size"]).good();
        assert!(said.text().contains("Item.size"), "{}", said.text());
        assert_eq!(texts(&app, "SELECT name || coalesce(CAST(size AS text), '-') FROM items").await, ["a-"]);
        assert_eq!(app.command(&["plan", "--exit-code"]).code, Some(0));
        let fresh = App::with(backend, MODEL).prepare().await;
        let _ = fresh.command(&["apply"]).good();
        assert_eq!(shape(&app).await, shape(&fresh).await);
    });
}

#[test]
fn what_came_by_hand_is_left_alone() {
    every(async |backend| {
        let mut app = made(backend).await;
        by_hand(&app, "ALTER TABLE items ADD COLUMN note text DEFAULT 'mine'").await;
        by_hand(&app, "CREATE INDEX mine ON items (note)").await;
        by_hand(&app, "CREATE TABLE others (x text)").await;
        let said = app.command(&["plan", "--exit-code"]).good();
        assert!(
            said.stdout.contains("\"note\"") && said.stdout.contains("was made by hand and is left alone"),
            "{}",
            said.text()
        );
        app.launch().await;
        let _ = app.anyone().post("/v1/items", harness::json!({ "name": "b" })).await.is(201);
        app.stop();
        // Also beside a change of the same table.
        app.write_model(&MODEL.replace("name: String!", "name: String!  more: Int"));
        let _ = app.command(&["apply"]).good();
        assert_eq!(texts(&app, "SELECT name || note FROM items ORDER BY id").await, ["amine", "bmine"]);
        assert!(shape(&app).await.iter().any(|line| line.contains("mine ON")));
    });
}
