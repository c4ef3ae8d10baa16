//! What was changed by hand is seen, and answered.

use migration::facts::{Part, compare};
use migration::{Answer, Drift, DriftKind, Facts, Shape};

use crate::database::{Db, both, catalog};
use crate::facts::read;

const BASE: &str = r#"
enum Mood { CALM LOUD }
type Artist @model(id: SERIAL, timestamps: false) @index(fields: ["rank"], where: { rank: { gt: 0 } }) {
  name: String! @unique @check(minLength: 1), nick: String, mood: Mood, rank: Int! @default(value: 1), albums: [Album!]!, genres: [Genre!]!
}
type Album @model(id: SERIAL, timestamps: false) { title: String!, artist: Artist @relation(onDelete: CASCADE) }
type Genre @model(id: SERIAL, timestamps: false) { artists: [Artist!]! }
"#;

/// The table of albums as SQLite has it, with one part otherwise.
fn albums(from: &str, to: &str) -> String {
    let made = "CREATE TABLE albums (id INTEGER PRIMARY KEY AUTOINCREMENT, version INTEGER NOT NULL, title TEXT NOT NULL, \
                artist_id INTEGER REFERENCES artists (id) ON DELETE CASCADE) STRICT";
    assert!(made.contains(from), "{from}");
    let made = made.replace(from, to);
    format!("DROP TABLE albums; {made}; CREATE INDEX \"ix_albums_artist_id\" ON \"albums\" (\"artist_id\")")
}

/// A database of the base, and what it had then.
async fn made(db: &Db) -> Facts {
    db.apply(BASE).await.unwrap();
    read(db).await
}

/// What is told of it now, with the former facts at hand, or without.
async fn told(db: &Db, recorded: Option<&Facts>) -> Vec<Drift> {
    let shape = Shape::of(&catalog(BASE)).unwrap();
    let found = migration::drift(&shape, recorded, &read(db).await, db.dialect());
    for drift in &found {
        println!("{drift}");
        assert!(serde_json::to_string(drift).unwrap().contains("\"answer\":"));
    }
    found
}

/// The only drift after `statement`; whether the facts are at hand is no matter.
async fn one(db: &Db, statement: &str) -> Drift {
    let recorded = made(db).await;
    db.run(statement).await;
    let found = told(db, Some(&recorded)).await;
    assert_eq!(found.len(), 1, "{found:#?}");
    assert_eq!(told(db, None).await, found);
    found.into_iter().next().unwrap()
}

/// Applies the model again; then all is as it was.
async fn restored(db: &Db, recorded: &Facts) {
    for drift in told(db, None).await {
        assert_eq!(drift.answer, Answer::Restores, "{drift}");
    }
    db.apply(BASE).await.unwrap();
    assert!(told(db, Some(recorded)).await.is_empty());
    let differences = compare(recorded, &read(db).await);
    assert!(differences.is_empty(), "{differences:#?}");
}

fn refuses(drift: &Drift, with: &str) {
    let Answer::Refuses(hint) = &drift.answer else { panic!("{drift}") };
    assert!(hint.contains(with), "{hint}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_there_besides_is_left_alone() {
    both(async |db| {
        let recorded = made(db).await;
        for statement in [
            "CREATE TABLE notes (x integer)",
            "CREATE VIEW loud AS SELECT id FROM artists",
            "ALTER TABLE artists ADD COLUMN remark text",
            "ALTER TABLE artists ADD COLUMN stars integer NOT NULL DEFAULT 3",
            "CREATE INDEX mine ON artists (nick, rank)",
        ] {
            db.run(statement).await;
        }
        if db.is_postgres() {
            db.run("ALTER TABLE artists ADD CONSTRAINT mine_too CHECK (rank < 99)").await;
            db.run("CREATE FUNCTION nothing() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'")
                .await;
            db.run("CREATE TRIGGER quiet BEFORE INSERT ON artists FOR EACH ROW EXECUTE FUNCTION nothing()")
                .await;
        } else {
            db.run("CREATE TRIGGER quiet BEFORE INSERT ON artists BEGIN SELECT 1; END").await;
        }
        let found = told(db, Some(&recorded)).await;
        assert_eq!(found.len(), if db.is_postgres() { 7 } else { 6 });
        for drift in &found {
            assert_eq!((drift.kind, &drift.answer), (DriftKind::Extra, &Answer::LeavesAlone), "{drift}");
            assert_eq!(drift.warning, None, "{drift}");
        }
        // Nor does it keep apply from its work.
        assert!(
            migration::plan_for(&db.connection, &catalog(BASE), &migration::Allow::default())
                .await
                .unwrap()
                .is_empty()
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_column_that_no_insert_of_ours_fills_is_warned_of() {
    both(async |db| {
        let statement = if db.is_postgres() {
            "ALTER TABLE albums ADD COLUMN extra integer NOT NULL".to_owned()
        } else {
            albums("title TEXT NOT NULL", "title TEXT NOT NULL, extra INTEGER NOT NULL")
        };
        let drift = one(db, &statement).await;
        assert_eq!((drift.kind, &drift.answer), (DriftKind::Extra, &Answer::LeavesAlone));
        assert!(drift.warning.unwrap().contains("every row made through the APIs is refused"));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_index_is_restored() {
    for index in ["ux_artists_name", "ix_artists_rank", "ix_albums_artist_id"] {
        both(async |db| {
            let recorded = made(db).await;
            let names: Vec<_> = recorded.tables.values().flat_map(|table| table.indexes.keys()).collect();
            assert!(recorded.indexed(index).is_some(), "{names:?}");
            db.run(&format!("DROP INDEX {index}")).await;
            let found = told(db, Some(&recorded)).await;
            assert_eq!(found.len(), 1);
            assert_eq!((found[0].kind, &found[0].part), (DriftKind::Missing, &Part::Index(index.to_owned())));
            restored(db, &recorded).await;
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_index_whose_name_is_taken_is_refused() {
    both(async |db| {
        let recorded = made(db).await;
        db.run("DROP INDEX ix_albums_artist_id; CREATE INDEX ix_albums_artist_id ON artists (nick)").await;
        let found = told(db, Some(&recorded)).await;
        let missing: Vec<_> = found.iter().filter(|drift| drift.kind == DriftKind::Missing).collect();
        assert_eq!(missing.len(), 1);
        refuses(missing[0], "An index of \"artists\" has its name");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_index_broken_off_is_restored() {
    let Some(db) = Db::postgres().await else { return };
    let recorded = made(&db).await;
    db.run("DROP INDEX ux_artists_name").await;
    db.run("INSERT INTO artists (version, name) VALUES (1, 'x'), (1, 'x')").await;
    assert!(db.try_run("CREATE UNIQUE INDEX CONCURRENTLY ux_artists_name ON artists (name)").await.is_err());
    db.run("DELETE FROM artists").await;
    let found = told(&db, Some(&recorded)).await;
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].kind, DriftKind::Invalid);
    restored(&db, &recorded).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn missing_checks_are_restored() {
    both(async |db| {
        let recorded = made(db).await;
        if db.is_postgres() {
            db.run("ALTER TABLE artists DROP CONSTRAINT ck_artists_mood_values").await;
        } else {
            db.run("DROP TRIGGER artists_check_update").await;
        }
        let found = told(db, Some(&recorded)).await;
        assert_eq!((found.len(), found[0].kind), (1, DriftKind::Missing));
        restored(db, &recorded).await;
        if !db.is_postgres() {
            // One check less in triggers that are there.
            for event in ["insert", "update"] {
                let text =
                    recorded.tables["artists"].triggers[&format!("artists_check_{event}")].clone().unwrap();
                let kept: Vec<_> =
                    text.lines().filter(|line| !line.contains("ck_artists_mood_values")).collect();
                db.run(&format!("DROP TRIGGER artists_check_{event}; {}", kept.join("\n"))).await;
            }
            let found = told(db, Some(&recorded)).await;
            assert_eq!((found.len(), found[0].kind), (1, DriftKind::Missing));
            assert!(found[0].what.contains("ck_artists_mood_values"));
            restored(db, &recorded).await;
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_foreign_key_is_restored() {
    both(async |db| {
        if db.is_postgres() {
            let recorded = made(db).await;
            db.run("ALTER TABLE albums DROP CONSTRAINT fk_albums_artist_id").await;
            let found = told(db, Some(&recorded)).await;
            assert_eq!((found.len(), found[0].kind), (1, DriftKind::Missing));
            restored(db, &recorded).await;
        } else {
            let drift = one(db, &albums(" REFERENCES artists (id) ON DELETE CASCADE", "")).await;
            assert_eq!(drift.kind, DriftKind::Missing);
            assert_eq!(drift.answer, Answer::Restores);
            db.apply(BASE).await.unwrap();
            assert!(told(db, None).await.is_empty());
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_primary_key_is_for_people_and_what_refers_to_it_is_restored() {
    let Some(db) = Db::postgres().await else { return };
    let recorded = made(&db).await;
    db.run("ALTER TABLE artists DROP CONSTRAINT artists_pkey CASCADE").await;
    let found = told(&db, Some(&recorded)).await;
    assert_eq!(found[0].part, Part::PrimaryKey);
    assert_eq!(found.len(), 3);
    let by_hand = "ALTER TABLE \"artists\" ADD CONSTRAINT \"artists_pkey\" PRIMARY KEY (\"id\")";
    refuses(&found[0], by_hand);
    assert_eq!(db.apply(BASE).await.unwrap_err().code(), "REFUSED");
    db.run(by_hand).await;
    restored(&db, &recorded).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn constraints_that_rows_were_not_held_to_are_validated() {
    let Some(db) = Db::postgres().await else { return };
    let recorded = made(&db).await;
    for (table, constraint) in [("albums", "fk_albums_artist_id"), ("artists", "ck_artists_mood_values")] {
        let facts = &recorded.tables[table];
        let definition = match facts.foreign_keys.get(constraint) {
            Some(key) => key.definition.clone(),
            None => facts.checks[constraint].definition.clone(),
        };
        db.run(&format!("ALTER TABLE {table} DROP CONSTRAINT {constraint}")).await;
        let added =
            format!("ALTER TABLE {table} ADD CONSTRAINT {constraint} {} NOT VALID", definition.unwrap());
        db.run(&added).await;
    }
    let found = told(&db, Some(&recorded)).await;
    assert_eq!(found.iter().map(|drift| drift.kind).collect::<Vec<_>>(), [DriftKind::Invalid; 2]);
    restored(&db, &recorded).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_differs_is_shown_with_both_texts() {
    let statements = [
        ("ALTER TABLE albums ALTER COLUMN title TYPE varchar(9)", "title TEXT", "title ANY", true),
        ("ALTER TABLE albums ALTER COLUMN title DROP NOT NULL", "title TEXT NOT NULL", "title TEXT", true),
        ("ALTER TABLE albums ALTER COLUMN title SET DEFAULT 'x'", "", "", true),
        (
            "ALTER TABLE albums DROP CONSTRAINT fk_albums_artist_id, ADD CONSTRAINT fk_albums_artist_id FOREIGN KEY (artist_id) REFERENCES artists (id)",
            "ON DELETE CASCADE",
            "ON DELETE SET NULL",
            true,
        ),
        ("ALTER TABLE albums SET UNLOGGED", " STRICT", "", true),
        // Only what was printed then tells these.
        ("ALTER TABLE artists ALTER COLUMN rank SET DEFAULT 2", "", "", false),
        (
            "ALTER TABLE artists DROP CONSTRAINT ck_artists_name_1, ADD CONSTRAINT ck_artists_name_1 CHECK (name <> '')",
            "",
            "",
            false,
        ),
        (
            "DROP INDEX ix_artists_rank; CREATE INDEX ix_artists_rank ON artists (rank) WHERE rank > 5",
            "same",
            "",
            false,
        ),
    ];
    for (postgres, from, to, plain) in statements {
        both(async |db| {
            let statement = match (db.is_postgres(), from) {
                (true, _) | (false, "same") => postgres.to_owned(),
                (false, "") => return,
                (false, _) => albums(from, to),
            };
            let recorded = made(db).await;
            db.run(&statement).await;
            let found = told(db, Some(&recorded)).await;
            assert_eq!(found.len(), 1, "{statement}: {found:#?}");
            let drift = &found[0];
            assert_eq!((drift.kind, &drift.answer), (DriftKind::Differs, &Answer::LeavesAlone));
            assert!(drift.expected.is_some() && drift.found.is_some() && drift.expected != drift.found);
            assert!(drift.warning.is_some());
            assert_eq!(told(db, None).await.len(), usize::from(plain), "{statement}");
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_column_or_table_is_refused() {
    both(async |db| {
        let drift = one(db, "ALTER TABLE artists DROP COLUMN nick").await;
        assert_eq!((drift.kind, drift.found.as_deref()), (DriftKind::Missing, None));
        assert_eq!(drift.what, "the column \"nick\" of \"artists\" (Artist.nick)");
        refuses(&drift, "`--allow recreate:Artist.nick`");
    })
    .await;
    both(async |db| {
        // What goes with it is not told again: its foreign key and its index.
        if !db.is_postgres() {
            return;
        }
        let drift = one(db, "ALTER TABLE albums DROP COLUMN artist_id").await;
        refuses(&drift, "`--allow recreate:Album.artist`");
    })
    .await;
    both(async |db| {
        let drift = one(db, "DROP TABLE albums").await;
        assert_eq!((drift.kind, drift.what.as_str()), (DriftKind::Missing, "the table \"albums\" (Album)"));
        refuses(&drift, "`--allow recreate:Album`");
    })
    .await;
    both(async |db| {
        let drift = one(db, "DROP TABLE albums; CREATE VIEW albums AS SELECT id FROM artists").await;
        refuses(&drift, "A view has taken its name");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_renamed_by_hand_is_told_as_such() {
    both(async |db| {
        let drift = one(db, "ALTER TABLE artists RENAME COLUMN mood TO feeling").await;
        assert_eq!((drift.kind, drift.found.as_deref()), (DriftKind::Renamed, Some("\"feeling\"")));
        refuses(&drift, "Renamed by hand to \"feeling\"? Rename it back: `ALTER TABLE \"artists\" RENAME COLUMN \"feeling\" TO \"mood\"`");
    })
    .await;
    both(async |db| {
        let drift = one(db, "ALTER TABLE artists RENAME TO people").await;
        assert_eq!((drift.kind, drift.found.as_deref()), (DriftKind::Renamed, Some("\"people\"")));
        refuses(&drift, "`ALTER TABLE \"people\" RENAME TO \"artists\"`");
    })
    .await;
    both(async |db| {
        // A column of another type is not it, nor is one that was there before.
        db.apply(BASE).await.unwrap();
        db.run("ALTER TABLE artists ADD COLUMN before text").await;
        let recorded = read(db).await;
        db.run("ALTER TABLE artists DROP COLUMN nick").await;
        db.run("ALTER TABLE artists ADD COLUMN number integer").await;
        let found = told(db, Some(&recorded)).await;
        let kinds: Vec<_> = found.iter().map(|drift| drift.kind).collect();
        assert_eq!(kinds.iter().filter(|kind| **kind == DriftKind::Extra).count(), 2, "{found:#?}");
        assert!(kinds.contains(&DriftKind::Missing), "{found:#?}");
    })
    .await;
}
