//! What is read from the database is what a shape makes one expect.

use migration::facts::{Part, compare, expect};
use migration::{Facts, Shape, TEMPORARY};

use crate::database::{Db, both, catalog};

const MODELS: [&str; 6] = [
    include_str!("../../../tests/model/store.graphql"),
    include_str!("../../../tests/model/chinook.graphql"),
    include_str!("../../../tests/model/everything.graphql"),
    include_str!("../../../examples/music-store/model.graphql"),
    ACCOUNTS,
    KINDS,
];

/// The server's own types are part of the shape.
const ACCOUNTS: &str = r#"type Note @model @allow(to: [ALL], role: "user", where: { owner: { id: { eq: "$user.id" } } }) {
  text: String!, owner: User! @default(value: "$user.id") @relation(onDelete: CASCADE) }
  extend type User { notes: [Note!]! }"#;

/// Every kind of index, key and delete.
const KINDS: &str = r#"
enum Mood { CALM LOUD }
type A @model(id: SERIAL, timestamps: false, softDelete: true) @index(fields: ["rank", "-name"])
  @index(fields: ["mood"], where: { mood: { eq: CALM }, name: { like: "A%*" } }, using: HASH)
  @unique(fields: ["code", "rank"], where: { rank: { gt: 0 } }) @check(where: { not: { rank: { eq: 3 }, code: { isNull: true } } }) {
  name: String! @unique @index(using: TRIGRAM), code: String @check(minLength: 1), mood: Mood, moods: [Mood!], rank: Int,
  tags: [String!]! @default(value: ["x"]) @index(using: GIN), at: DateTime! @default(value: "2024-02-29T12:00:00.5Z") @index(using: BRIN),
  one: B @relation(inverse: "as", onDelete: SET_NULL), two: B! @relation(inverse: "others", onDelete: CASCADE), cs: [C!]! }
type B @model(id: CLIENT) { as: [A!]! @relation(inverse: "one"), others: [A!]! @relation(inverse: "two"), rate: Float, price: Decimal! @default(value: "0.99"), day: Date, big: BigInt, uuid: UUID, json: JSON, ok: Boolean! @default(value: true) }
type C @model { as: [A!]!, friend: C @relation(inverse: "friends"), friends: [C!]! @relation(inverse: "friend") }
"#;

/// What a database has.
pub(crate) async fn read(db: &Db) -> Facts {
    Facts::read(&db.connection, db.dialect()).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fresh_database_has_what_its_shape_says() {
    for model in MODELS {
        both(async |db| {
            assert!(read(db).await.tables.is_empty());
            db.apply(model).await.unwrap();
            let found = read(db).await;
            let shape = Shape::of(&catalog(model)).unwrap();
            let differences = compare(&expect(&shape, db.dialect()), &found);
            assert!(differences.is_empty(), "{differences:#?}");
            assert_eq!(found.tables.len(), shape.tables.len());
            assert!(migration::drift(&shape, Some(&found), &found, db.dialect()).is_empty());

            let stored = serde_json::to_string(&found).unwrap();
            assert_eq!(serde_json::from_str::<Facts>(&stored).unwrap(), found);
            assert!(compare(&found, &read(db).await).is_empty());
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_server_keeps_its_tables_out_of_it() {
    both(async |db| {
        db.apply("type A @model(table: \"a\") { x: Int }").await.unwrap();
        // Also what later migrations of ours make must be known as ours.
        assert_eq!(read(db).await.tables.into_keys().collect::<Vec<_>>(), ["a"]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_under_way_is_recognised() {
    both(async |db| {
        db.apply("type A @model(table: \"a\") { x: Int }").await.unwrap();
        db.run(&format!("ALTER TABLE a ADD COLUMN {TEMPORARY}new_x integer")).await;
        db.run(&format!("CREATE INDEX {TEMPORARY}ix ON a (x)")).await;
        db.run(&format!("CREATE TABLE {TEMPORARY}new_a (x integer)")).await;
        let found = read(db).await;
        let names =
            |part: fn(String) -> Part, name: &str| ("a".to_owned(), part(format!("{TEMPORARY}{name}")));
        let expected = [
            names(Part::Column, "new_x"),
            names(Part::Index, "ix"),
            (format!("{TEMPORARY}new_a"), Part::Table),
        ];
        assert_eq!(found.temporary(), expected);
        let shape = Shape::of(&catalog("type A @model(table: \"a\") { x: Int }")).unwrap();
        assert!(migration::drift(&shape, None, &found, db.dialect()).is_empty());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn odd_things_made_by_hand_are_read() {
    both(async |db| {
        db.run(
            "CREATE TABLE \"O\"\"dd\" (\"a,b\" text DEFAULT '(,' CHECK (\"a,b\" <> ')'), c integer UNIQUE)",
        )
        .await;
        db.run("CREATE INDEX \"i x\" ON \"O\"\"dd\" (lower(\"a,b\") DESC, c) WHERE c > 1").await;
        db.run("CREATE VIEW v AS SELECT c FROM \"O\"\"dd\"").await;
        if !db.is_postgres() {
            // A view whose table is gone breaks nothing.
            db.run("CREATE TABLE gone (x integer)").await;
            db.run("CREATE VIEW broken AS SELECT x FROM gone").await;
            db.run("DROP TABLE gone").await;
        }
        let found = read(db).await;
        let table = &found.tables["O\"dd"];
        assert!(found.views.contains("v") && found.has("v", None) && !found.has("v", Some("c")));
        assert_eq!(table.columns.len(), 2);
        assert_eq!(table.checks.len(), 1, "{table:#?}");
        assert_eq!(table.indexes.len(), 2, "{table:#?}");
        let index = &table.indexes["i x"];
        assert!(index.parts[0].expression && index.parts[0].descending && index.partial, "{index:#?}");
        assert!(index.parts[0].what.starts_with("lower("), "{index:#?}");
        assert_eq!(index.parts[1].what, "c");
        assert!(index.condition.as_deref().unwrap().contains("c > 1"), "{index:#?}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_schema_of_any_name_is_the_current_one() {
    let Some(db) = Db::postgres().await else { return };
    db.run("CREATE SCHEMA \"Shop one\"").await;
    db.run("CREATE TABLE \"Shop one\".mine (x integer PRIMARY KEY)").await;
    db.run("CREATE TABLE other (x integer)").await;
    let transaction = sea_orm::TransactionTrait::begin(&db.connection).await.unwrap();
    sea_orm::ConnectionTrait::execute_unprepared(&transaction, "SET LOCAL search_path = \"Shop one\"")
        .await
        .unwrap();
    let found = Facts::read(&transaction, db.dialect()).await.unwrap();
    assert_eq!(found.tables.keys().collect::<Vec<_>>(), ["mine"]);
    assert_eq!(found.tables["mine"].primary_key.columns, ["x"]);
}
