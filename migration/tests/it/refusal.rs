//! What would lose or rewrite data is refused, and nothing is changed.

use crate::database::{Db, both, catalog, refusals};

const BASE: &str = r#"
enum Mood { CALM LOUD }
type Artist @model(id: SERIAL, timestamps: false) {
  name: String!, nick: String, mood: Mood, born: Int, home: String, albums: [Album!]!, genres: [Genre!]!
}
type Album @model(id: SERIAL, timestamps: false) { title: String!, artist: Artist }
type Genre @model(id: SERIAL, timestamps: false) { name: String!, artists: [Artist!]! }
"#;

async fn filled(db: &Db) {
    db.apply(BASE).await.unwrap();
    for row in ["(1, 1, 'Ada', 'A', 'CALM')", "(2, 1, 'Bob', 'A', 'LOUD')", "(3, 1, 'Bob', 'c', NULL)"] {
        db.run(&format!("INSERT INTO artists (id, version, name, nick, mood) VALUES {row}")).await;
    }
    db.run("INSERT INTO albums (id, version, title, artist_id) VALUES (1, 1, 'x', 1)").await;
}

/// The refusals of a model, after which nothing has changed.
async fn refused(model: &str) -> Vec<String> {
    let found = std::sync::Mutex::new(Vec::new());
    both(async |db| {
        filled(db).await;
        let (schema, status) = (db.schema().await, migration::status(&db.connection).await.unwrap());
        let rows = db.texts("SELECT name AS x FROM artists ORDER BY id").await;
        // Something that could be done rides along, and must not be done either.
        let model = format!("{model} type Extra @model {{ x: Int }}");
        let planned = migration::plan_for(&db.connection, &catalog(&model), &migration::Allow::default())
            .await
            .unwrap();
        let result = db.apply(&model).await;
        assert_eq!(*result.as_ref().unwrap_err().plan().unwrap(), planned);
        let refusals = refusals(result);
        assert_eq!(db.schema().await, schema);
        assert_eq!(migration::status(&db.connection).await.unwrap(), status);
        assert_eq!(db.texts("SELECT name AS x FROM artists ORDER BY id").await, rows);
        for step in planned.refused() {
            assert!(!step.refusal.as_ref().unwrap().hint.is_empty());
        }
        found.lock().unwrap().push(refusals);
    })
    .await;
    let found = found.into_inner().unwrap();
    // SQLite keeps all checks of a table in one place, and says so; the reasons are the same.
    let reasons = |refusals: &[String]| {
        let reason = |text: &String| text.rsplit(": there ").next().unwrap_or_default().to_owned();
        refusals.iter().map(reason).collect::<Vec<_>>()
    };
    assert!(found.iter().all(|refusals| reasons(refusals) == reasons(&found[0])), "{found:#?}");
    found.into_iter().next().unwrap()
}

fn change(from: &str, to: &str) -> String {
    assert!(BASE.contains(from));
    BASE.replace(from, to)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_field_less() {
    let found = refused(&change(" nick: String,", "")).await;
    assert_eq!(
        found,
        [
            "drop column \"nick\" of \"artists\" (Artist.nick): the values of Artist.nick would be lost: 3 rows have a value for Artist.nick"
        ]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_type_and_a_relation_less() {
    let found =
        refused(&change(", albums: [Album!]!", "").replace(
            "type Album @model(id: SERIAL, timestamps: false) { title: String!, artist: Artist }",
            "",
        ))
        .await;
    assert_eq!(found, ["drop table \"albums\" (Album): the rows of Album would be lost: 1 row of Album"]);
    let found = refused(&change(", artist: Artist }", " }").replace("albums: [Album!]!, ", "")).await;
    assert_eq!(
        found,
        [
            "drop column \"artist_id\" of \"albums\" (Album.artist): the values of Album.artist would be lost: 1 row has a value for Album.artist"
        ]
    );
    let found = refused(&change(", genres: [Genre!]!", "").replace(", artists: [Artist!]!", "")).await;
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].starts_with("drop table"), "{found:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn another_type() {
    for (from, to) in
        [("nick: String", "nick: Float"), ("born: Int", "born: Date"), ("born: Int", "born: [Int!]")]
    {
        let found = refused(&change(from, to)).await;
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].contains("would have to be written anew"), "{found:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_required_field_without_default() {
    let found = refused(&change("nick: String,", "nick: String, email: Email!,")).await;
    assert_eq!(
        found,
        [
            "add required column \"email\" to \"artists\" (Artist.email): there are 3 rows of Artist that would have no value for Artist.email"
        ]
    );
    let found = refused(&change("nick: String,", "nick: String, main: Extra!,")).await;
    assert_eq!(found.len(), 1, "{found:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_unique_that_does_not_hold() {
    let found = refused(&change("name: String!, nick", "name: String! @unique, nick")).await;
    assert_eq!(
        found,
        ["add unique (name) of Artist: there is 1 value of (name) that several rows of Artist have"]
    );
    let constant = change("nick: String,", "nick: String, kind: String! @default(value: \"x\") @unique,");
    let found = refused(&constant).await;
    assert_eq!(
        found,
        ["add unique (kind) of Artist: there is 1 value of (kind) that several rows of Artist have"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_that_rows_break() {
    let found = refused(&change("nick: String", "nick: String @check(minLength: 2)")).await;
    assert_eq!(found.len(), 1);
    assert!(found[0].contains("there are 3 rows of Artist that break the check"), "{found:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_value_of_an_enum_that_rows_have() {
    let found = refused(&change("CALM LOUD", "CALM")).await;
    assert_eq!(found.len(), 1);
    assert!(found[0].contains("there is 1 row of Artist that breaks the values of Artist.mood"), "{found:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn another_key() {
    let found = refused(&BASE.replace("type Genre @model(id: SERIAL", "type Genre @model(id: UUID7")).await;
    assert!(!found.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_dropped_by_hand_is_seen() {
    both(async |db| {
        filled(db).await;
        db.run("ALTER TABLE artists DROP COLUMN nick").await;
        let model = change(" nick: String,", "");
        let applied = db.apply(&model).await.unwrap();
        assert!(applied.changed && applied.plan.is_empty());
        db.run("ALTER TABLE artists ADD COLUMN email text").await;
        let again = model.replace("mood: Mood", "mood: Mood, email: Email");
        let found = refusals(db.apply(&again).await);
        assert!(found[0].ends_with("already has a column \"email\" that we did not make"), "{found:?}");
    })
    .await;
}
