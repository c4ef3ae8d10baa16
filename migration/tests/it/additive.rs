//! What is only more: done on tables with rows.

use crate::database::{Db, both, catalog};

const BASE: &str = r#"
enum Mood { CALM LOUD }
type Artist @model(id: SERIAL, timestamps: false) { name: String!, code: String, mood: Mood, rank: Int }
"#;

/// The base with two artists in it.
async fn filled(db: &Db) {
    db.apply(BASE).await.unwrap();
    db.run("INSERT INTO artists (id, version, name, code, mood, rank) VALUES (1, 1, 'Ada', 'a', 'CALM', 1)")
        .await;
    db.run(
        "INSERT INTO artists (id, version, name, code, mood, rank) VALUES (2, 1, 'Bob', NULL, NULL, NULL)",
    )
    .await;
}

/// Applies a model on the filled base, twice, and answers one query of the result.
async fn grows(db: &Db, model: &str, query: &str) -> Vec<String> {
    filled(db).await;
    let applied = db.apply(model).await.unwrap_or_else(|error| match error.plan() {
        Some(plan) => panic!("{}", migration::render(plan)),
        None => panic!("{error:?}"),
    });
    assert!(!applied.plan.is_empty(), "nothing to do for {model}");
    let again =
        migration::plan_for(&db.connection, &catalog(model), &migration::Allow::default()).await.unwrap();
    assert!(again.is_empty(), "{}", migration::render(&again));
    assert!(!db.apply(model).await.unwrap().changed);
    db.texts(query).await
}

fn artist(extra: &str) -> String {
    format!(
        "enum Mood {{ CALM LOUD }}
         type Artist @model(id: SERIAL, timestamps: false) {{ name: String!, code: String, mood: Mood, rank: Int, {extra} }}"
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn a_type_with_a_relation_and_a_join_table() {
    both(async |db| {
        let model = artist("albums: [Album!]!, genres: [Genre!]!")
            + "type Album @model { title: String!, artist: Artist! @relation(onDelete: CASCADE) }
               type Genre @model(id: CLIENT) { artists: [Artist!]! }";
        assert_eq!(grows(db, &model, "SELECT name AS x FROM artists ORDER BY id").await, ["Ada", "Bob"]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn columns_optional_or_with_a_constant() {
    both(async |db| {
        let model = artist(
            r#"a: Int, b: String! @default(value: "it's \"x\" \\ ☃"), c: Boolean! @default(value: true),
               d: Decimal! @default(value: "19.90"), e: [String!]! @default(value: ["x", "y"]),
               f: DateTime! @default(value: "2024-02-29T12:00:00.5Z"), g: Date! @default(value: "2024-02-29"),
               h: BigInt! @default(value: "9007199254740993"), i: Float! @default(value: -0.25),
               j: Mood! @default(value: LOUD), k: UUID! @default(value: "01900000-0000-7000-8000-000000000000")"#,
        );
        let query = "SELECT concat_ws('|', a, b, c, d, e, f, g, h, i, j, k) AS x FROM artists ORDER BY id";
        let rows = if db.is_postgres() {
            grows(db, &model, &query.replace("f,", "f AT TIME ZONE 'UTC',")).await
        } else {
            grows(db, &model, query).await
        };
        let row = if db.is_postgres() {
            r#"it's "x" \ ☃|t|19.900000|["x", "y"]|2024-02-29 12:00:00.5|2024-02-29|9007199254740993|-0.25|LOUD|01900000-0000-7000-8000-000000000000"#
        } else {
            r#"it's "x" \ ☃|1|19900000|["x","y"]|2024-02-29T12:00:00.5|2024-02-29|9007199254740993|-0.25|LOUD|01900000-0000-7000-8000-000000000000"#
        };
        assert_eq!(rows, [row, row]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_relation_on_a_type_with_rows() {
    both(async |db| {
        let model = artist("mentor: Artist @relation(inverse: \"pupils\", onDelete: SET_NULL), pupils: [Artist!]! @relation(inverse: \"mentor\")");
        grows(db, &model, "SELECT name AS x FROM artists").await;
        db.run("UPDATE artists SET mentor_id = 1 WHERE id = 2").await;
        assert!(db.try_run("UPDATE artists SET mentor_id = 9 WHERE id = 2").await.is_err());
        db.run("DELETE FROM artists WHERE id = 1").await;
        let rows = db.texts("SELECT CAST(mentor_id AS text) AS x FROM artists").await;
        assert_eq!(rows, ["null"]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_required_field_without_default_on_an_empty_table() {
    both(async |db| {
        db.apply("type A @model { x: Int } type B @model(id: SERIAL) { y: Int }").await.unwrap();
        let model =
            "type A @model { x: Int, y: String!, b: B! } type B @model(id: SERIAL) { y: Int, as: [A!]! }";
        db.apply(model).await.unwrap();
        assert!(db.apply(model).await.unwrap().plan.is_empty());
        assert!(db.try_run("INSERT INTO a (id, version) VALUES ('x', 1)").await.is_err());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn indexes_and_uniques() {
    both(async |db| {
        let model = "enum Mood { CALM LOUD }
            type Artist @model(id: SERIAL, timestamps: false) @index(fields: [\"rank\", \"-name\"])
              @index(fields: [\"mood\"], where: { mood: { eq: CALM }, name: { like: \"A%*\" } }, using: HASH)
              @unique(fields: [\"code\"], where: { rank: { gt: 0 } }) {
              name: String! @unique @index(using: TRIGRAM), code: String, mood: Mood, rank: Int }";
        grows(db, model, "SELECT name AS x FROM artists").await;
        assert!(db.try_run("INSERT INTO artists (id, version, name) VALUES (9, 1, 'Ada')").await.is_err());
        assert!(
            db.try_run("INSERT INTO artists (id, version, name, code, rank) VALUES (8, 1, 'Cy', 'a', 1)")
                .await
                .is_err()
        );
        db.run("INSERT INTO artists (id, version, name, code, rank) VALUES (9, 1, 'Di', 'a', 0)").await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn indexes_uniques_and_checks_leave_and_come_back() {
    both(async |db| {
        let more = BASE.replace(
            "name: String!",
            "name: String! @unique @index(where: { name: { ne: \"\" } }) @check(minLength: 2)",
        );
        grows(db, &more, "SELECT name AS x FROM artists").await;
        let applied = db.apply(BASE).await.unwrap();
        assert!(applied.plan.count(migration::Action::Remove) >= 2, "{}", migration::render(&applied.plan));
        db.run("INSERT INTO artists (id, version, name) VALUES (8, 1, 'X'), (9, 1, 'X')").await;
        db.run("DELETE FROM artists WHERE name = 'X'").await;
        db.apply(&more).await.unwrap();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn checks_that_every_row_passes() {
    both(async |db| {
        let model = "enum Mood { CALM LOUD }
            type Artist @model(id: SERIAL, timestamps: false)
              @check(where: { or: [{ code: { isNull: false } }, { rank: { isNull: true } }] }) {
              name: String! @check(minLength: 3, maxLength: 5), code: String @check(pattern: \"^[a-z]$\"), mood: Mood,
              rank: Int @check(min: 1, max: 9), price: Decimal! @default(value: \"1.5\") @check(min: \"0.01\", max: \"9.99\"),
              tags: [Mood!]! @default(value: [CALM]) @check(minLength: 1) }";
        grows(db, model, "SELECT name AS x FROM artists").await;
        for broken in [
            "name = 'xx'",
            "name = 'öööööö'",
            "rank = 0",
            "code = NULL",
            "mood = 'WILD'",
            "price = 0",
            "tags = '[]'",
            "tags = '[\"WILD\"]'",
        ] {
            let statement = format!("UPDATE artists SET {broken} WHERE id = 1");
            let error = db.try_run(&statement).await.unwrap_err().to_string();
            let named = if db.is_postgres() { "check constraint \"ck_artists" } else { "launchway_check:ck_artists" };
            assert!(error.contains(named), "{statement}: {error}");
        }
        db.run("UPDATE artists SET name = 'ööööö', rank = NULL, code = NULL, tags = '[\"LOUD\",\"CALM\"]' WHERE id = 1").await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_value_of_an_enum_and_an_unused_one_less() {
    both(async |db| {
        let model = BASE.replace("CALM LOUD", "CALM WILD");
        grows(db, &model, "SELECT name AS x FROM artists").await;
        db.run("UPDATE artists SET mood = 'WILD' WHERE id = 1").await;
        assert!(db.try_run("UPDATE artists SET mood = 'LOUD' WHERE id = 1").await.is_err());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn soft_delete_makes_uniques_partial() {
    both(async |db| {
        let unique = BASE.replace("name: String!", "name: String! @unique");
        db.apply(&unique).await.unwrap();
        db.run("INSERT INTO artists (version, name) VALUES (1, 'Ada')").await;
        db.apply(&unique.replace("timestamps: false", "timestamps: false, softDelete: true")).await.unwrap();
        assert!(db.try_run("INSERT INTO artists (id, version, name) VALUES (9, 1, 'Ada')").await.is_err());
        db.run("UPDATE artists SET deleted_at = '2026-01-01T00:00:00'").await;
        db.run("INSERT INTO artists (version, name) VALUES (1, 'Ada')").await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn embedded_values_get_optional_fields() {
    both(async |db| {
        let model = "type Place { city: String! } type Shop @model(timestamps: false) { at: Place, all: [Place!] }";
        db.apply(model).await.unwrap();
        db.run("INSERT INTO shops (id, version, at) VALUES ('01900000-0000-7000-8000-000000000000', 1, '{\"city\":\"x\"}')").await;
        let applied = db.apply(&model.replace("city: String!", "city: String, zip: String")).await.unwrap();
        assert!(applied.plan.is_empty() && applied.changed);
        let error = db.apply(&model.replace("city: String!", "city: String, zip: String!")).await.unwrap_err();
        let plan = migration::render(error.plan().unwrap());
        assert!(plan.contains("there is 1 row of Shop with a value"), "{plan}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn optional_and_back() {
    both(async |db| {
        filled(db).await;
        let optional = BASE.replace("name: String!", "name: String");
        db.apply(&optional).await.unwrap();
        db.run("INSERT INTO artists (id, version) VALUES (9, 1)").await;
        let error = db.apply(BASE).await.unwrap_err();
        let plan = migration::render(error.plan().unwrap());
        assert!(plan.contains("there is 1 row without a value for Artist.name"), "{plan}");
        db.run("DELETE FROM artists WHERE name IS NULL").await;
        db.apply(BASE).await.unwrap();
        assert!(db.try_run("INSERT INTO artists (id, version) VALUES (9, 1)").await.is_err());
    })
    .await;
}
