//! Renames by `@was` keep the data.

use crate::database::{both, refusals};

const BASE: &str = "
enum Mood { CALM LOUD }
type Song @model(timestamps: false) @index(fields: [\"title\", \"mood\"]) {
  title: String! @unique @check(minLength: 1), mood: Mood, maker: Person, lists: [List!]!
}
type Person @model(id: SERIAL, plural: \"people\", timestamps: false) { name: String, songs: [Song!]! }
type List @model(timestamps: false) { songs: [Song!]! }
";

const AFTER: &str = "
enum Mood { CALM LOUD }
type Track @model(timestamps: false) @was(name: \"Song\") @index(fields: [\"name\", \"mood\"]) {
  name: String! @was(name: \"title\") @unique @check(minLength: 1), mood: Mood,
  artist: Artist @was(name: \"maker\"), playlists: [Playlist!]! @was(name: \"lists\")
}
type Artist @model(id: SERIAL, timestamps: false) @was(name: \"Person\") { name: String, tracks: [Track!]! }
type Playlist @model(timestamps: false) @was(name: \"List\") { tracks: [Track!]! @was(name: \"songs\") }
";

#[tokio::test(flavor = "multi_thread")]
async fn of_types_fields_relations_and_join_tables() {
    both(async |db| {
        let id = "01900000-0000-7000-8000-000000000001";
        db.apply(BASE).await.unwrap();
        db.run("INSERT INTO people (id, version, name) VALUES (7, 1, 'Ada')").await;
        db.run(&format!("INSERT INTO songs (id, version, title, mood, maker_id) VALUES ('{id}', 1, 'x', 'CALM', 7)")).await;
        db.run(&format!("INSERT INTO lists (id, version) VALUES ('{id}', 1)")).await;
        let join = db
            .texts(if db.is_postgres() {
                "SELECT relname::text AS x FROM pg_class WHERE relkind = 'r' AND relname LIKE '%list%song%' OR relkind = 'r' AND relname LIKE '%song%list%'"
            } else {
                "SELECT name AS x FROM sqlite_schema WHERE type = 'table' AND (name LIKE '%list%song%' OR name LIKE '%song%list%')"
            })
            .await;
        db.run(&format!("INSERT INTO {} (song_id, list_id) VALUES ('{id}', '{id}')", join[0])).await;

        let applied = db.apply(AFTER).await.unwrap_or_else(|error| match error.plan() {
            Some(plan) => panic!("{}", migration::render(plan)),
            None => panic!("{error:?}"),
        });
        assert!(applied.plan.steps.iter().all(|step| step.action != migration::Action::Add || step.description.contains("check") || step.subject == "names"), "{}", migration::render(&applied.plan));
        assert!(db.apply(AFTER).await.unwrap().plan.is_empty());
        assert_eq!(db.texts("SELECT name AS x FROM tracks WHERE artist_id = 7").await, ["x"]);
        assert_eq!(db.texts("SELECT name AS x FROM artists").await, ["Ada"]);
        // A fresh database of the new model has the same names of everything.
        let mut renamed = db.schema().await;
        let fresh = if db.is_postgres() { crate::database::Db::postgres().await.unwrap() } else { crate::database::Db::sqlite().await };
        fresh.apply(AFTER).await.unwrap();
        let mut expected = fresh.schema().await;
        if !db.is_postgres() {
            // SQLite writes names into its texts, and foreign keys keep theirs there.
            for schema in [&mut renamed, &mut expected] {
                schema.retain(|sql| !sql.starts_with("CREATE TABLE"));
            }
        }
        for schema in [&mut renamed, &mut expected] {
            schema.sort();
        }
        assert_eq!(renamed, expected);
        let broken = db.try_run("UPDATE tracks SET name = ''").await.unwrap_err().to_string();
        assert!(broken.contains("ck_tracks_name_1"), "{broken}");
        assert!(db.try_run("UPDATE tracks SET artist_id = 8").await.is_err());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_table_alone_and_once_only() {
    both(async |db| {
        db.apply("type Item @model(timestamps: false) { a: Int, b: Int }").await.unwrap();
        db.run("INSERT INTO items (id, version, a) VALUES ('01900000-0000-7000-8000-000000000001', 1, 5)")
            .await;
        let model =
            "type Item @model(table: \"things\", timestamps: false) { c: Int @was(name: \"a\"), b: Int }";
        db.apply(model).await.unwrap();
        assert_eq!(db.texts("SELECT CAST(c AS text) AS x FROM things").await, ["5"]);
        // What has been renamed stays so, whatever comes to have the former name.
        let again = model.replace("b: Int", "b: Int, d: Int");
        assert_eq!(db.apply(&again).await.unwrap().plan.steps.len(), 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_was_is_a_loss() {
    both(async |db| {
        db.apply("type Item @model { old: Int }").await.unwrap();
        let found = refusals(db.apply("type Item @model { new: Int }").await);
        assert_eq!(found.len(), 1, "{found:?}");
    })
    .await;
}
