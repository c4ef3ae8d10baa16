//! Models that change in every way that keeps rows, and what is dropped or hidden when somebody says so.

use migration::facts::compare;
use migration::{Action, Verdict};

use crate::database::{Db, both, refusals};
use crate::facts::read;

const BASE: &str = r#"
enum Mood { CALM LOUD }
type Artist @model(id: SERIAL, timestamps: false) {
  name: String!, nick: String, mood: Mood, moods: [Mood!], born: Int, score: BigInt, since: Date, code: String @index,
  key: UUID, fan: Boolean, parent: Artist @relation(inverse: "children"), children: [Artist!]! @relation(inverse: "parent"),
  albums: [Album!]!
}
type Album @model(id: SERIAL, timestamps: false) { title: String! @unique, artist: Artist @relation(onDelete: CASCADE) }
"#;

const KEY: &str = "01900000-0000-7000-8000-00000000abcd";

async fn filled(db: &Db) {
    db.apply(BASE).await.unwrap();
    let moods = if db.is_postgres() { "'[\"LOUD\", \"CALM\"]'" } else { "'[\"LOUD\",\"CALM\"]'" };
    let yes = if db.is_postgres() { "true" } else { "1" };
    for (id, rest) in [
        (
            1,
            format!(
                "'Ada', 'A', 'CALM', {moods}, 1815, 9000000000, '1815-12-10', '42', '{KEY}', {yes}, NULL"
            ),
        ),
        (2, "'Bob', NULL, 'LOUD', NULL, NULL, 7, NULL, '-7', NULL, NULL, 1".to_owned()),
        (3, "'Cid', 'c', NULL, NULL, 3, NULL, NULL, NULL, NULL, NULL, 1".to_owned()),
    ] {
        db.run(&format!(
            "INSERT INTO artists (id, version, name, nick, mood, moods, born, score, since, code, key, fan, parent_id) VALUES ({id}, 1, {rest})"
        ))
        .await;
    }
    db.run("INSERT INTO albums (id, version, title, artist_id) VALUES (1, 1, 'x', 1), (2, 1, 'y', 1), (3, 1, 'z', NULL)").await;
    db.run("INSERT INTO artists (id, version, name) VALUES (77, 1, 'Gone')").await;
    db.run("DELETE FROM artists WHERE id = 77").await;
}

fn change(from: &str, to: &str) -> String {
    assert!(BASE.contains(from), "{from}");
    BASE.replace(from, to)
}

/// Applies a model, after which a second time has nothing to do.
async fn applied(db: &Db, model: &str, consents: &[&str]) -> migration::Plan {
    let applied = db.apply_with(model, consents).await.unwrap_or_else(|error| match error.plan() {
        Some(plan) => panic!("{}", migration::render(plan)),
        None => panic!("{error:?}"),
    });
    let again = db.apply_with(model, &[]).await.unwrap();
    assert!(again.plan.is_empty() && !again.changed, "{}", migration::render(&again.plan));
    applied.plan
}

/// The values of a column as text, by the key.
async fn values(db: &Db, table: &str, column: &str) -> Vec<String> {
    db.texts(&format!("SELECT CAST({column} AS text) AS x FROM {table} ORDER BY id")).await
}

/// Nothing that refers to a row is lost, and no number is given again.
async fn whole(db: &Db) {
    assert_eq!(values(db, "albums", "artist_id").await, ["1", "1", "null"]);
    assert_eq!(values(db, "artists", "parent_id").await, ["null", "1", "1"]);
    assert!(db.try_run("UPDATE albums SET artist_id = 99").await.is_err(), "references hold");
    if !db.is_postgres() {
        // The highest number that was ever given was 77.
        db.run("INSERT INTO artists (version, name) VALUES (1, 'Next')").await;
        assert_eq!(values(db, "artists", "id").await.last().map(String::as_str), Some("78"));
        db.run("DELETE FROM artists WHERE id = 78").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn types_that_lose_nothing() {
    for (from, to, column, postgres, sqlite) in [
        ("born: Int", "born: BigInt", "born", ["1815", "null", "3"], ["1815", "null", "3"]),
        ("born: Int", "born: Float", "born", ["1815", "null", "3"], ["1815.0", "null", "3.0"]),
        (
            "born: Int",
            "born: Decimal",
            "born",
            ["1815.000000", "null", "3.000000"],
            ["1815000000", "null", "3000000"],
        ),
        ("born: Int", "born: String", "born", ["1815", "null", "3"], ["1815", "null", "3"]),
        (
            "score: BigInt",
            "score: Decimal",
            "score",
            ["9000000000.000000", "7.000000", "null"],
            ["9000000000000000", "7000000", "null"],
        ),
        ("code: String @index", "code: Int @index", "code", ["42", "-7", "null"], ["42", "-7", "null"]),
        ("code: String @index", "code: BigInt", "code", ["42", "-7", "null"], ["42", "-7", "null"]),
        (
            "since: Date",
            "since: String",
            "since",
            ["1815-12-10", "null", "null"],
            ["1815-12-10", "null", "null"],
        ),
        ("key: UUID", "key: String", "key", [KEY, "null", "null"], [KEY, "null", "null"]),
        ("fan: Boolean", "fan: String", "fan", ["true", "null", "null"], ["true", "null", "null"]),
        ("nick: String", "nick: String! @default(value: \"?\")", "nick", ["A", "?", "c"], ["A", "?", "c"]),
        ("mood: Mood", "mood: String", "mood", ["CALM", "LOUD", "null"], ["CALM", "LOUD", "null"]),
    ] {
        both(async |db| {
            filled(db).await;
            applied(db, &change(from, to), &[]).await;
            let expected = if db.is_postgres() { postgres } else { sqlite };
            assert_eq!(values(db, "artists", column).await, expected, "{to}");
            whole(db).await;
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn types_of_which_some_values_do_not_fit() {
    both(async |db| {
        filled(db).await;
        for (from, to, said) in [
            ("score: BigInt", "score: Int", "there is 1 value of Artist.score that Int can't have"),
            ("name: String!", "name: Int!", "there are 3 values of Artist.name that Int can't have"),
            ("name: String!", "name: UUID!", "there are 3 values of Artist.name that UUID can't have"),
            (
                "name: String!",
                "name: Mood!",
                "there are 3 rows of Artist that break the values of Artist.name: CALM LOUD",
            ),
        ] {
            let before = db.schema().await;
            let found = refusals(db.apply(&change(from, to)).await);
            assert!(found[0].contains(said), "{found:?}");
            assert_eq!(db.schema().await, before);
        }
        db.run("UPDATE artists SET score = 5 WHERE id = 1").await;
        applied(db, &change("score: BigInt", "score: Int"), &[]).await;
        whole(db).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn values_of_an_enum_get_other_names() {
    both(async |db| {
        filled(db).await;
        let quiet = change("CALM LOUD", "QUIET @was(name: \"CALM\") LOUD WILD");
        let plan = applied(db, &quiet, &[]).await;
        assert_eq!(plan.verdict(), Some(Verdict::Backfill));
        assert_eq!(values(db, "artists", "mood").await, ["QUIET", "LOUD", "null"]);
        let lists = values(db, "artists", "moods").await;
        assert_eq!(lists[0].replace(' ', ""), "[\"LOUD\",\"QUIET\"]");
        assert!(db.try_run("UPDATE artists SET mood = 'CALM'").await.is_err());
        db.run("UPDATE artists SET mood = 'WILD' WHERE id = 3").await;
        whole(db).await;
        // Together with another type of another field, for which SQLite writes the table anew.
        let both = quiet
            .replace("QUIET @was(name: \"CALM\")", "STILL @was(name: \"QUIET\")")
            .replace("born: Int", "born: Float");
        applied(db, &both, &[]).await;
        assert_eq!(values(db, "artists", "mood").await[..2], ["STILL", "LOUD"]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn references_change_their_ways() {
    both(async |db| {
        filled(db).await;
        let set_null = change("artist: Artist @relation(onDelete: CASCADE)", "artist: Artist @relation(onDelete: SET_NULL)");
        applied(db, &set_null, &[]).await;
        whole(db).await;
        let required = set_null.replace("artist: Artist @relation(onDelete: SET_NULL)", "artist: Artist! @relation(onDelete: CASCADE)");
        let found = refusals(db.apply(&required).await);
        assert!(found[0].contains("there is 1 row without a value for Album.artist"), "{found:?}");
        db.run("DELETE FROM albums WHERE artist_id IS NULL").await;
        applied(db, &required, &[]).await;
        assert!(db.try_run("INSERT INTO albums (version, title) VALUES (1, 'q')").await.is_err());
        // A reference that is there from the start.
        let first = required.replace("type Album", "type Shop @model(id: SERIAL, timestamps: false) { of: Artist! @default(value: 1) } type Album").replace("title: String!", "by: Artist! @default(value: 2) @relation(inverse: \"wrote\"), title: String!").replace("albums: [Album!]!", "albums: [Album!]! @relation(inverse: \"artist\"), wrote: [Album!]! @relation(inverse: \"by\")").replace("artist: Artist! @relation(onDelete", "artist: Artist! @relation(inverse: \"albums\", onDelete");
        applied(db, &first, &[]).await;
        assert_eq!(values(db, "albums", "by_id").await, ["2", "2"]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_left_out_is_dropped_when_somebody_says_so() {
    both(async |db| {
        filled(db).await;
        let less = change(" nick: String,", "");
        let error = db.apply_with(&less, &["drop:Artist.nik"]).await.unwrap_err();
        let text = migration::render(error.plan().unwrap());
        assert!(text.contains("2 rows have a value for Artist.nick"), "{text}");
        assert!(
            text.contains("--allow drop:Artist.nick") && text.contains("called as in drop:Artist.nik"),
            "{text}"
        );
        let plan = applied(db, &less, &["drop:Artist.nick"]).await;
        assert_eq!(
            (plan.verdict(), plan.count(Action::Remove)),
            if db.is_postgres() { (Some(Verdict::Destructive), 1) } else { (Some(Verdict::Destructive), 0) }
        );
        assert!(db.try_run("SELECT nick FROM artists").await.is_err());
        assert_eq!(values(db, "artists", "name").await, ["Ada", "Bob", "Cid"]);
        whole(db).await;
        // A type with what refers to it.
        let none = "type Album @model(id: SERIAL, timestamps: false) { title: String! @unique }";
        let found = refusals(db.apply_with(none, &["drop:Artist"]).await);
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(found.iter().all(|found| found.contains("Album.artist")), "{found:?}");
        applied(db, none, &["drop:Artist", "drop:Album.artist"]).await;
        assert!(db.try_run("SELECT * FROM artists").await.is_err());
        assert_eq!(values(db, "albums", "title").await, ["x", "y", "z"]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_hidden_stays_and_comes_back() {
    both(async |db| {
        filled(db).await;
        let hidden = change("name: String!, nick: String,", "nick: String,");
        applied(db, &hidden, &["hide:Artist.name"]).await;
        // Nobody has to give it any more.
        db.run("INSERT INTO artists (id, version, nick) VALUES (9, 1, 'n')").await;
        assert_eq!(values(db, "artists", "name").await, ["Ada", "Bob", "Cid", "null"]);
        db.run("DELETE FROM artists WHERE id = 9").await;
        // Something else in the same table does not bring it to light, and does not lose it.
        let wider = hidden.replace("born: Int", "born: Float");
        applied(db, &wider, &[]).await;
        assert_eq!(values(db, "artists", "name").await, ["Ada", "Bob", "Cid"]);
        let back = change("born: Int", "born: Float");
        applied(db, &back, &[]).await;
        assert!(db.try_run("INSERT INTO artists (id, version) VALUES (9, 1)").await.is_err());
        whole(db).await;
        // A whole type, and then for good.
        db.run("DELETE FROM artists WHERE id > 3").await;
        let alone = "type Album @model(id: SERIAL, timestamps: false) { title: String! @unique }";
        applied(db, alone, &["hide:Artist", "hide:Album.artist"]).await;
        assert_eq!(values(db, "artists", "name").await, ["Ada", "Bob", "Cid"]);
        let found = refusals(db.apply_with(alone, &["drop:Artist"]).await);
        assert!(found[0].contains("Album.artist, whose values are kept, refers to it"), "{found:?}");
        applied(db, alone, &["drop:Artist", "drop:Album.artist"]).await;
        assert!(db.try_run("SELECT * FROM artists").await.is_err());
        assert!(db.try_run("SELECT artist_id FROM albums").await.is_err());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn former_names_serve_the_former_model() {
    both(async |db| {
        if !db.is_postgres() {
            return;
        }
        let before = db.apply(BASE).await.unwrap().version;
        filled(db).await;
        let after = BASE.replace("type Artist @model", "type Person @was(name: \"Artist\") @model").replace(": Artist", ": Person").replace("[Artist!]", "[Person!]").replace("nick: String", "alias: String @was(name: \"nick\")");
        applied(db, &after, &[]).await;
        assert!(db.try_run("SELECT nick FROM artists").await.is_err());
        let old = migration::version_schema(&before);
        db.run(&format!("INSERT INTO {old}.artists (id, version, name, nick) VALUES (50, 1, 'Dan', 'd') ON CONFLICT (id) DO UPDATE SET nick = excluded.nick")).await;
        db.run(&format!("UPDATE {old}.artists SET nick = 'dd' WHERE name = 'Dan'")).await;
        assert_eq!(db.texts("SELECT alias AS x FROM people WHERE name = 'Dan'").await, ["dd"]);
        // What holds a column fast goes before it.
        let less = after.replace("alias: String @was(name: \"nick\"), ", "");
        applied(db, &less, &["drop:Person.alias"]).await;
        assert_eq!(db.texts("SELECT nspname::text AS x FROM pg_namespace WHERE nspname LIKE 'launchway%'").await, Vec::<String>::new());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_former_model_is_taken_for_an_old_copy() {
    both(async |db| {
        db.apply("type A @model { x: String }").await.unwrap();
        db.apply("type A @model { x: String, y: Int }").await.unwrap();
        let model = "type A @model { x: String }";
        let options = migration::Options::default();
        let error = migration::apply(&db.connection, &crate::database::catalog(model), model, &options)
            .await
            .unwrap_err();
        assert_eq!(error.code(), "SUPERSEDED");
        assert!(error.hint().unwrap().contains("--allow revert"));
        // On purpose it is a model as any other.
        let found = refusals(db.apply(model).await);
        assert!(found[0].contains("A.y"), "{found:?}");
        db.apply_with(model, &["hide:A.y"]).await.unwrap();
    })
    .await;
}

/// Rows enough for a table not to be changed in a moment.
async fn many(db: &Db) {
    db.run("INSERT INTO artists (id, version, name, code, born) SELECT i, 1, 'a' || i, CAST(i AS text), CASE WHEN i % 3 = 0 THEN i END FROM generate_series(100, 12099) AS i").await;
    db.run("ANALYZE artists").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn types_of_large_tables_change_beside_those_who_write() {
    let Some(db) = Db::postgres().await else { return println!("skipped: no PostgreSQL") };
    filled(&db).await;
    many(&db).await;
    let wider = change("code: String @index", "code: Int @unique")
        .replace("born: Int", "born: Float! @default(value: -1) @check(min: -1)")
        .replace("score: BigInt", "score: Decimal");
    let plan =
        migration::plan_for(&db.connection, &crate::database::catalog(&wider), &migration::Allow::default())
            .await
            .unwrap();
    let long = plan.steps.iter().flat_map(|step| &step.locks).filter(|lock| lock.long);
    assert!(long.clone().count() >= 3, "{}", migration::render(&plan));
    for lock in long {
        assert_eq!(lock.mode, migration::Mode::ShareUpdateExclusive, "nobody who reads or writes waits long");
    }
    applied(&db, &wider, &[]).await;
    assert_eq!(db.texts("SELECT count(*)::text AS x FROM artists WHERE born = -1").await, ["8001"]);
    assert_eq!(db.texts("SELECT sum(code)::text AS x FROM artists WHERE id >= 100").await, ["73194000"]);
    assert_eq!(values(&db, "artists", "score").await[..2], ["9000000000.000000", "7.000000"]);
    for wrong in ["born = -2", "born = NULL", "code = 42 WHERE id = 2"] {
        assert!(db.try_run(&format!("UPDATE artists SET {wrong}")).await.is_err(), "{wrong}");
    }
    let there = db.schema().await;
    let fresh = Db::postgres().await.unwrap();
    fresh.apply(&wider).await.unwrap();
    assert_eq!(there, fresh.schema().await);
    fresh.close().await;
    db.close().await;
}

/// Columns come and names change in texts of the schema alone: nobody waits until all rows are gone through.
#[tokio::test(flavor = "multi_thread")]
async fn large_tables_of_sqlite_get_columns_and_names_without_a_look_at_their_rows() {
    let db = Db::sqlite().await;
    filled(&db).await;
    db.run("INSERT INTO artists (version, name, code) WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10000) SELECT 1, 'a' || i, i FROM n").await;
    db.run("ANALYZE").await;
    let after = change("type Artist @model(", "type Singer @was(name: \"Artist\") @model(")
        .replace("Artist", "Singer")
        .replace("name: \"Singer\"", "name: \"Artist\"")
        .replace(
            "fan: Boolean",
            "fan: Boolean, votes: Int! @default(value: 7), first: Album @relation(inverse: \"opens\")",
        )
        .replace("artist: Singer", "opens: [Singer!]!, artist: Singer");
    let plan = applied(&db, &after, &[]).await;
    let statements: Vec<_> = plan.steps.iter().flat_map(|step| &step.statements).collect();
    let anew =
        |statement: &&&String| statement.starts_with("CREATE INDEX") && !statement.contains("\"first_id\"");
    assert_eq!(statements.iter().filter(anew).count(), 0, "{}", migration::render(&plan));
    assert!(
        statements.iter().any(|statement| statement.contains("name = 'ix_singers_code'")),
        "{statements:?}"
    );

    assert_eq!(db.texts("SELECT group_concat(DISTINCT votes) AS x FROM singers").await, ["7"]);
    assert_eq!(db.texts("SELECT integrity_check AS x FROM pragma_integrity_check").await, ["ok"]);
    assert_eq!(db.texts("SELECT CAST(count(*) AS text) AS x FROM pragma_table_list WHERE strict = 0 AND name IN ('singers', 'albums')").await, ["0"]);
    let by_index = "SELECT name AS x FROM singers INDEXED BY ix_singers_code WHERE code = '17'";
    assert_eq!(db.texts(by_index).await, ["a17"]);
    // Required, and optional again; in the second step with a default for the rows that have no value.
    let required = after
        .replace("name: String!", "name: String")
        .replace("code: String @index", "code: String! @index")
        .replace("born: Int", "born: Int! @default(value: 5)");
    db.run("UPDATE singers SET code = 'c' WHERE code IS NULL").await;
    let plan = applied(&db, &required, &[]).await;
    let anew = plan.steps.iter().any(|step| step.description.contains("anew"));
    assert!(!anew && plan.steps.len() == 4, "{}", migration::render(&plan));
    assert_eq!(values(&db, "singers", "born").await[..4], ["1815", "5", "3", "5"]);
    assert_eq!(db.texts("SELECT integrity_check AS x FROM pragma_integrity_check").await, ["ok"]);
    db.run("INSERT INTO singers (version, name, code) VALUES (1, NULL, 'd')").await;
    assert_eq!(values(&db, "singers", "born").await.last().map(String::as_str), Some("5"));
    for wrong in ["code = NULL", "born = NULL", "votes = 'x'", "votes = NULL", "first_id = 99"] {
        assert!(db.try_run(&format!("UPDATE singers SET {wrong}")).await.is_err(), "{wrong}");
    }
    let fresh = Db::sqlite().await;
    fresh.apply(&required).await.unwrap();
    let (there, empty) = (read(&db).await, read(&fresh).await);
    assert!(compare(&there, &empty).is_empty(), "{:?}", compare(&there, &empty));
    fresh.close().await;
    db.close().await;
}

/// An index that somebody made otherwise gets the other name, and stays what it is.
#[tokio::test(flavor = "multi_thread")]
async fn an_index_made_by_hand_survives_its_new_name_in_a_large_table() {
    let db = Db::sqlite().await;
    filled(&db).await;
    db.run("INSERT INTO artists (version, name, code) WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10000) SELECT 1, 'a' || i, i FROM n").await;
    db.run("DROP INDEX ix_artists_code; CREATE INDEX \"ix_artists_code\" ON artists (name DESC) WHERE born IS NULL").await;
    let after = change("type Artist @model(", "type Singer @was(name: \"Artist\") @model(")
        .replace("Artist", "Singer")
        .replace("name: \"Singer\"", "name: \"Artist\"");
    let _ = db.apply(&after).await.unwrap();
    assert_eq!(db.texts("SELECT integrity_check AS x FROM pragma_integrity_check").await, ["ok"]);
    let made = db.texts("SELECT sql AS x FROM sqlite_schema WHERE name = 'ix_singers_code'").await;
    assert!(made[0].contains("name DESC"), "{made:?}");
    db.close().await;
}
