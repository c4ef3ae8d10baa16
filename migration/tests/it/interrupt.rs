//! Applications that end at any moment, and the one that goes on.

use std::future::Future;
use std::pin::pin;
use std::task::Poll;

use migration::{Allow, Options};

use crate::database::{Db, both, catalog};

const BEFORE: &str = r#"
enum Mood { CALM LOUD }
type Artist @model(id: SERIAL, timestamps: false) { name: String, nick: String @unique, mood: Mood, born: Int, gone: Int, albums: [Album!]! }
type Album @model(id: SERIAL, timestamps: false) @index(fields: ["title"]) { title: String!, artist: Artist }
"#;

/// A change of every kind.
const AFTER: &str = r#"
enum Mood { QUIET @was(name: "CALM") LOUD WILD }
type Person @model(id: SERIAL, timestamps: false, plural: "people") @was(name: "Artist") {
  name: String! @default(value: "?") @index, alias: String @was(name: "nick") @check(minLength: 1), mood: Mood, born: Float, best: Album @relation(inverse: "bestOf"),
  albums: [Album!]! @relation(inverse: "artist"), labels: [Label!]!
}
type Album @model(id: SERIAL, timestamps: false) @index(fields: ["plays", "-title"]) {
  title: String! @unique, artist: Person @relation(inverse: "albums", onDelete: SET_NULL), plays: Int! @default(value: 0), bestOf: [Person!]! @relation(inverse: "best")
}
type Label @model { name: String!, people: [Person!]! }
"#;

async fn filled(db: &Db) {
    db.apply(BEFORE).await.unwrap();
    db.run("INSERT INTO artists (id, version, name, nick, mood, born, gone) VALUES (1, 1, 'Ada', 'a', 'CALM', 1815, 1), (2, 1, NULL, 'b', 'LOUD', NULL, NULL)").await;
    db.run("INSERT INTO albums (id, version, title, artist_id) VALUES (1, 1, 'x', 1), (2, 1, 'y', 1), (3, 1, 'z', NULL)").await;
}

fn allowed() -> Options {
    let consents = ["drop:Person.gone", "revert"].map(|word| word.parse().unwrap()).to_vec();
    Options { allow: Allow { consents, hide: false }, ..Options::default() }
}

/// Polls a future so often at most; how often it was when it ended.
async fn polled<F: Future>(future: F, most: usize) -> Result<F::Output, ()> {
    let (mut future, mut polls) = (pin!(future), 0);
    std::future::poll_fn(|context| {
        if polls == most {
            return Poll::Ready(Err(()));
        }
        polls += 1;
        future.as_mut().poll(context).map(Ok)
    })
    .await
}

/// What the database has and holds, but for the order of columns.
async fn state(db: &Db) -> Vec<String> {
    let mut state = db.schema().await;
    for query in [
        "SELECT concat_ws(' ', id, name, alias, mood, born, best_id) AS x FROM people ORDER BY id",
        "SELECT concat_ws(' ', id, title, artist_id, plays) AS x FROM albums ORDER BY id",
    ] {
        state.extend(db.texts(query).await);
    }
    state.extend(db.texts("SELECT CAST(count(*) AS text) AS x FROM launchway_catalog").await);
    state
}

/// How often a whole application is polled, about.
async fn whole(db: &Db) -> usize {
    let (catalog, options) = (catalog(AFTER), allowed());
    let mut apply = pin!(migration::apply(&db.connection, &catalog, AFTER, &options));
    let mut polls = 0;
    std::future::poll_fn(|context| {
        polls += 1;
        apply.as_mut().poll(context)
    })
    .await
    .unwrap();
    polls
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_interrupted_goes_on() {
    let moments = std::env::var("LAUNCHWAY_INTERRUPTIONS").ok().and_then(|it| it.parse().ok()).unwrap_or(24);
    let undisturbed = std::sync::Mutex::new((0, Vec::new()));
    both(async |db| {
        filled(db).await;
        let polls = whole(db).await;
        assert!(
            migration::plan_for(&db.connection, &catalog(AFTER), &Allow::default()).await.unwrap().is_empty()
        );
        let (expected, engine) = (state(db).await, db.is_postgres());
        *undisturbed.lock().unwrap() = (polls, expected.clone());
        for moment in 1..=moments {
            let other = if engine { Db::postgres().await.unwrap() } else { Db::sqlite().await };
            filled(&other).await;
            let most = (polls * moment / moments).max(1);
            let _ =
                polled(migration::apply(&other.connection, &catalog(AFTER), AFTER, &allowed()), most).await;
            // A model of its own in between: what is half done is no part of it.
            if moment % 4 == 0 && !engine {
                let _ =
                    polled(migration::apply(&other.connection, &catalog(AFTER), AFTER, &allowed()), most / 2)
                        .await;
            }
            let applied = migration::apply(&other.connection, &catalog(AFTER), AFTER, &allowed()).await;
            let applied = applied.unwrap_or_else(|error| match error.plan() {
                Some(plan) => panic!("{moment} of {moments}: {}", migration::render(plan)),
                None => panic!("{moment} of {moments}: {error:?}"),
            });
            let again =
                migration::plan_for(&other.connection, &catalog(AFTER), &Allow::default()).await.unwrap();
            assert!(
                again.is_empty(),
                "{moment} of {moments}: {}\nafter {}",
                migration::render(&again),
                migration::render(&applied.plan)
            );
            assert_eq!(state(&other).await, expected, "{moment} of {moments}");
            other.close().await;
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_model_goes_on_from_there() {
    let Some(first) = Db::postgres().await else {
        println!("skipped: no PostgreSQL");
        return;
    };
    filled(&first).await;
    let polls = whole(&first).await;
    first.close().await;
    for moment in 1..=8 {
        let db = Db::postgres().await.unwrap();
        filled(&db).await;
        let most = polls * moment / 9;
        let _ = polled(migration::apply(&db.connection, &catalog(AFTER), AFTER, &allowed()), most).await;
        // The unique, the check and the fields it added last are not asked for any more.
        let third = AFTER
            .replace(" @unique, artist", ", artist")
            .replace("@check(minLength: 1)", "")
            .replace("plays: Int! @default(value: 0), ", "")
            .replace("@index(fields: [\"plays\", \"-title\"])", "")
            .replace("name: String! @default(value: \"?\") @index", "name: String");
        let consents = ["drop:Person.gone", "drop:Album.plays"].map(|word| word.parse().unwrap()).to_vec();
        let options = Options { allow: Allow { consents, hide: false }, ..Options::default() };
        let applied = migration::apply(&db.connection, &catalog(&third), &third, &options).await;
        applied.unwrap_or_else(|error| match error.plan() {
            Some(plan) => panic!("{moment}: {}", migration::render(plan)),
            None => panic!("{moment}: {error:?}"),
        });
        let left = "SELECT conname::text AS x FROM pg_constraint WHERE conname LIKE 'launchway%' AND connamespace = 'public'::regnamespace AND conrelid <> 0 AND NOT conrelid::regclass::text LIKE 'launchway%' \
                    UNION ALL SELECT indexrelid::regclass::text FROM pg_index WHERE NOT indisvalid";
        assert_eq!(db.texts(left).await, Vec::<String>::new(), "{moment}");
        db.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_type_half_way_goes_on() {
    let Some(first) = Db::postgres().await else {
        println!("skipped: no PostgreSQL");
        return;
    };
    let large = async |db: &Db| {
        filled(db).await;
        db.run("INSERT INTO artists (id, version, name, nick, mood, born) SELECT i, 1, NULL, 'n' || i, 'CALM', i FROM generate_series(100, 11099) AS i").await;
        db.run("ANALYZE artists").await;
    };
    large(&first).await;
    let polls = whole(&first).await;
    let expected = state(&first).await;
    first.close().await;
    for moment in 1..=12 {
        let db = Db::postgres().await.unwrap();
        large(&db).await;
        let _ =
            polled(migration::apply(&db.connection, &catalog(AFTER), AFTER, &allowed()), polls * moment / 13)
                .await;
        migration::apply(&db.connection, &catalog(AFTER), AFTER, &allowed())
            .await
            .unwrap_or_else(|error| panic!("{moment}: {error:?}"));
        let found = state(&db).await;
        assert_eq!(found.len(), expected.len());
        for (found, expected) in found.iter().zip(&expected) {
            assert_eq!(found, expected, "{moment}");
        }
        let left = "SELECT proname::text AS x FROM pg_proc WHERE proname LIKE 'launchway%' UNION ALL SELECT tgname::text FROM pg_trigger WHERE tgname LIKE 'launchway%'";
        assert_eq!(db.texts(left).await, Vec::<String>::new(), "{moment}");
        db.close().await;
    }
}
