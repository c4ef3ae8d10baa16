//! A model changes while it is used: what is killed goes on, servers of two models work side by side, and nobody loses a
//! row by surprise.

use crate::every;
use harness::{App, Backend, Watched, runtime};
use sea_orm::{ConnectionTrait, Database, Statement};

mod again;
mod beside;
mod by_hand;
mod chinook;
mod hide;
mod kill;
mod wait;

/// The model before.
const OLD: &str = r#"
enum Mood { CALM LOUD }
enum Grade { PLAIN GOOD }
type Artist @model(id: SERIAL) @allow(to: [ALL], role: "anyone") {
  name: String!
  nick: String
  born: Int
  code: String @unique
  mood: Mood
  albums: [Album!]!
  labels: [Label!]!
}
type Album @model(id: SERIAL) @index(fields: ["title"]) @allow(to: [ALL], role: "anyone") {
  title: String!
  artist: Artist
  plays: Int
}
type Label @model(id: SERIAL) @allow(to: [ALL], role: "anyone") {
  name: String! @unique
  artists: [Artist!]!
}
type Gauge @model(id: SERIAL) @allow(to: [ALL], role: "anyone") {
  code: String!
  reading: Int!
  scale: Int
  grade: Grade!
  gone: Int
}
"#;

/// The model after: a change of every kind. What a server of the former model can't know is in `Gauge` alone.
const NEW: &str = r#"
enum Mood { CALM LOUD WILD }
enum Grade { BASIC @was(name: "PLAIN") GOOD FINE }
type Author @model(id: SERIAL) @was(name: "Artist") @allow(to: [ALL], role: "anyone") {
  name: String! @index
  alias: String! @was(name: "nick") @default(value: "?")
  born: Int @check(max: 3000)
  code: String @unique
  mood: Mood
  rank: Int! @default(value: 3)
  best: Album @relation(inverse: "bestOf")
  albums: [Album!]! @relation(inverse: "performer")
  labels: [Label!]!
  prizes: [Prize!]!
}
type Album @model(id: SERIAL) @index(fields: ["plays", "-title"]) @allow(to: [ALL], role: "anyone") {
  title: String! @unique
  performer: Author @was(name: "artist") @relation(inverse: "albums")
  plays: Int
  bestOf: [Author!]! @relation(inverse: "best")
}
type Label @model(id: SERIAL) @allow(to: [ALL], role: "anyone") {
  name: String! @unique
  authors: [Author!]! @was(name: "artists")
}
type Prize @model(id: SERIAL) @allow(to: [ALL], role: "anyone") {
  name: String!
  authors: [Author!]!
}
type Gauge @model(id: SERIAL) @allow(to: [ALL], role: "anyone") {
  code: String! @unique
  reading: Float!
  scale: BigInt @default(value: 7)
  grade: Grade!
  limit: Int! @default(value: 9) @check(min: 0)
}
"#;

/// Leads from the one to the other.
const APPLY: [&str; 3] = ["apply", "--allow", "drop:Gauge.gone"];

/// Only where servers go on while a model is applied.
fn on_postgres(test: impl AsyncFn()) {
    if Backend::available().contains(&Backend::Postgres) {
        runtime::block_on(test());
    }
}

/// A database of the model before, with so many artists in it.
async fn filled(backend: Backend, artists: usize) -> App {
    let app = App::with(backend, OLD).prepare().await;
    let _ = app.command(&["apply"]).good();
    let folder = app.folder().join("data");
    std::fs::create_dir_all(&folder).unwrap();
    let labels = 50;
    let write = |name: &str, count: usize, row: &dyn Fn(usize) -> String| {
        let lines: String = (1..=count).map(|n| row(n) + "\n").collect();
        std::fs::write(folder.join(format!("{name}.ndjson")), lines).unwrap();
    };
    let quoted = |yes: bool, text: String| if yes { format!("\"{text}\"") } else { "null".to_owned() };
    write("Artist", artists, &|n| {
        let (nick, mood) = (quoted(n % 3 == 0, format!("k{n}")), ["\"CALM\"", "\"LOUD\"", "null"][n % 3]);
        format!(r#"{{"id":"{n}","name":"n{n}","nick":{nick},"born":{},"mood":{mood}}}"#, n % 2000)
    });
    write("Album", artists, &|n| {
        let artist = quoted(n % 5 > 0, (n % artists + 1).to_string());
        format!(r#"{{"id":"{n}","title":"t{n}","artist":{artist},"plays":{n}}}"#)
    });
    write("Label", labels, &|n| format!(r#"{{"id":"{n}","name":"l{n}"}}"#));
    write("Artist.labels", artists, &|n| format!(r#"{{"artist":"{n}","label":"{}"}}"#, n % labels + 1));
    write("Gauge", artists, &|n| {
        let grade = ["PLAIN", "GOOD"][n % 2];
        format!(r#"{{"id":"{n}","code":"c{n}","reading":{n},"scale":{n},"grade":"{grade}","gone":{n}}}"#)
    });
    let _ = app.import(&folder).good();
    app
}

/// The only column of what a query answers.
async fn texts(app: &App, query: &str) -> Vec<String> {
    let database = Database::connect(app.database()).await.unwrap();
    let statement = Statement::from_string(database.get_database_backend(), query);
    let rows = database.query_all_raw(statement).await.unwrap_or_else(|error| panic!("{error} of {query}"));
    let found = rows.iter().map(|row| row.try_get_by_index::<Option<String>>(0).unwrap());
    let found = found.map(|text| text.unwrap_or_else(|| "null".to_owned())).collect();
    let _ = database.close().await;
    found
}

/// Runs statements as somebody would by hand.
async fn by_hand(app: &App, statements: &str) {
    let database = Database::connect(app.database()).await.unwrap();
    database.execute_unprepared(statements).await.unwrap_or_else(|error| panic!("{error} of {statements}"));
    let _ = database.close().await;
}

/// The tables, with their columns in the order of names, however they came.
async fn shape(app: &App) -> Vec<String> {
    let query = match app.backend() {
        Backend::Postgres => {
            "SELECT concat_ws(' ', c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attidentity, pg_get_expr(d.adbin, d.adrelid)) AS x \
             FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped \
             LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum \
             WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' AND c.relname NOT LIKE 'launchway%' \
             UNION ALL SELECT concat_ws(' ', conrelid::regclass, conname, convalidated, pg_get_constraintdef(oid)) FROM pg_constraint \
             WHERE connamespace = 'public'::regnamespace AND conrelid::regclass::text NOT LIKE 'launchway%' \
             UNION ALL SELECT concat_ws(' ', indisvalid, pg_get_indexdef(indexrelid)) FROM pg_index \
             WHERE indrelid IN (SELECT oid FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relname NOT LIKE 'launchway%') \
             ORDER BY x"
        }
        Backend::Sqlite => {
            "SELECT concat_ws(' ', t.name, c.name, c.type, c.\"notnull\", c.pk) AS x \
             FROM sqlite_schema t JOIN pragma_table_xinfo(t.name) c WHERE t.type = 'table' AND t.name NOT LIKE 'launchway%' \
             UNION ALL SELECT concat_ws(' ', t.name, k.\"from\", k.\"table\", k.\"to\", k.on_delete) \
             FROM sqlite_schema t JOIN pragma_foreign_key_list(t.name) k WHERE t.type = 'table' AND t.name NOT LIKE 'launchway%' \
             UNION ALL SELECT sql FROM sqlite_schema WHERE type IN ('index', 'trigger') AND sql IS NOT NULL AND tbl_name NOT LIKE 'launchway%' \
             ORDER BY x"
        }
    };
    texts(app, query).await
}

/// All rows, with their values in the order of the columns' names.
async fn rows(app: &App) -> Vec<String> {
    let postgres = app.backend() == Backend::Postgres;
    let query = if postgres {
        "SELECT format('SELECT concat_ws('','', ''%1$s'', %2$s) FROM %1$I', table_name, \
         string_agg(format('quote_nullable(%I)', column_name), ', ' ORDER BY column_name)) FROM information_schema.columns \
         WHERE table_schema = 'public' AND table_name NOT LIKE 'launchway%' GROUP BY table_name"
    } else {
        "SELECT format('SELECT concat_ws('','', ''%s'', %s) FROM \"%w\"', t.name, \
         group_concat(format('quote(\"%w\")', c.name), ', ' ORDER BY c.name), t.name) FROM sqlite_schema t JOIN pragma_table_xinfo(t.name) c \
         WHERE t.type = 'table' AND t.name NOT LIKE 'launchway%' AND t.name NOT LIKE 'sqlite%' GROUP BY t.name"
    };
    let mut found = Vec::new();
    for query in texts(app, query).await {
        found.extend(texts(app, &query).await);
    }
    found.sort();
    found
}

/// Asserts that both are the same, and shows some of what is not.
#[track_caller]
fn same(found: &[String], expected: &[String], what: &str) {
    let less = |of: &[String], other: &[String]| -> Vec<String> {
        let other: std::collections::HashSet<_> = other.iter().collect();
        of.iter().filter(|one| !other.contains(one)).take(5).cloned().collect()
    };
    assert!(
        found == expected,
        "{what}: {} of {} expected\nmissing: {:#?}\nbesides: {:#?}",
        found.len(),
        expected.len(),
        less(expected, found),
        less(found, expected)
    );
}

/// Whether a line says that a step begins.
fn begins(line: &str) -> bool {
    let number = line.split_once(' ').and_then(|(count, _)| count.split_once('/'));
    number.is_some_and(|(a, b)| a.parse::<u32>().is_ok() && b.parse::<u32>().is_ok())
}

/// Whether a line says that a step was done.
fn ends(line: &str) -> bool {
    line.trim_start().starts_with("done in ")
}

/// Waits until an application stands before a table that somebody uses.
fn gives_way(run: &mut Watched) -> String {
    run.line(|line| line.contains("gave way")).expect("it gives way before it ends")
}
