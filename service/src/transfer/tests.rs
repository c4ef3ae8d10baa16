//! Files become rows and rows become files.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use entity::model::{Source, compile};
use entity::{Catalog, Input};
use proptest::prelude::*;
use sea_orm::ConnectionTrait;

use super::format::{Cell, Rows};
use super::{Format, Moved, OnError, export, import};
use crate::database::{Database, Settings};
use crate::error::{Error, Result};

const MODEL: &str = r#"
enum Mood { CALM LOUD }
type Address { city: String! zip: String }
type Artist @model(id: SERIAL) { name: String! @unique albums: [Album!]! }
type Album @model(id: SERIAL) { title: String! @check(maxLength: 20) artist: Artist! tracks: [Track!]! }
type Track @model {
  name: String! album: Album @relation(onDelete: CASCADE) price: Decimal rating: Float loud: Boolean mood: Mood
  day: Date at: DateTime big: BigInt tags: [String!] extra: JSON home: Address position: Int! @default(value: 1) @check(min: 1)
  playlists: [Playlist!]!
}
type Playlist @model(id: CLIENT) { name: String! tracks: [Track!]! }
type Employee @model(id: SERIAL) { name: String! reportsTo: Employee }
"#;

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn write(&self, name: &str, text: &str) -> &Self {
        std::fs::write(self.path().join(name), text).unwrap();
        self
    }

    fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path().join(name)).unwrap()
    }
}

/// The engines at hand: PostgreSQL where `LAUNCHWAY_TEST_POSTGRES` names a server.
fn engines() -> Vec<Option<String>> {
    std::iter::once(None).chain(std::env::var("LAUNCHWAY_TEST_POSTGRES").ok().map(Some)).collect()
}

async fn database(folder: &Folder, postgres: Option<&str>) -> (Database, Arc<Catalog>) {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let catalog = Arc::new(compile(&[Source::new("model.graphql", MODEL)]).expect("a good model").catalog);
    let url = match postgres {
        None => format!("sqlite://{}", folder.path().join("test.db").display()),
        Some(root) => {
            let name = format!("transfer_{}_{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
            let server = sea_orm::Database::connect(format!("{root}/postgres")).await.unwrap();
            server.execute_unprepared(&format!("create database {name}")).await.unwrap();
            format!("{root}/{name}")
        }
    };
    let database = Database::open(&Settings::new(url)).await.unwrap();
    migration::apply(database.writer(), &catalog, MODEL, &migration::Options::default()).await.unwrap();
    (database, catalog)
}

async fn moved(
    from: &Folder,
    on_error: OnError,
    postgres: Option<&str>,
) -> (Folder, Database, Arc<Catalog>, Result<Vec<Moved>>) {
    let home = Folder::new();
    let (database, catalog) = database(&home, postgres).await;
    let outcome =
        import(&database, &catalog, &[from.path().to_path_buf()], (on_error, None), &mut |_| {}).await;
    (home, database, catalog, outcome)
}

async fn exported(database: &Database, catalog: &Catalog, format: Format) -> Folder {
    let folder = Folder::new();
    export(database, catalog, folder.path(), (format, None), &mut |_| {}).await.unwrap();
    folder
}

fn failure(outcome: Result<Vec<Moved>>) -> Error {
    outcome.expect_err("an error")
}

const ID: &str = "0190a5b2-0000-7000-8000-00000000000";

fn good(folder: &Folder) {
    folder
        .write("Artist.ndjson", "{\"id\":1,\"name\":\"AC/DC\"}\n\n{\"id\":\"7\",\"name\":\"Ünï, \\\"q\\\"\\r\\nx\"}\n")
        .write("Album.csv", "id,title,artistId\r\n10,\"A, \"\"B\"\"\",7\r\n11,,1\r\n")
        .write(
            "Track.ndjson",
            &format!(
                "{{\"id\":\"{ID}1\",\"name\":\"one\",\"album\":10,\"price\":\"0.99\",\"rating\":1.5,\"loud\":true,\"mood\":\"LOUD\",\
                 \"day\":\"2026-01-31\",\"at\":\"2026-01-31T12:00:00.5+02:00\",\"big\":\"9007199254740993\",\
                 \"tags\":[\"a\",\"b,c\"],\"extra\":{{\"k\":[1,null]}},\"home\":{{\"city\":\"X\"}},\"position\":3,\
                 \"createdAt\":\"2020-01-01T00:00:00Z\",\"version\":4}}\n{{\"id\":\"{ID}2\",\"name\":\"\"}}\n"
            ),
        )
        .write("Playlist.ndjson", "{\"id\":\"p1\",\"name\":\"Mix\"}\n")
        .write("Playlist.tracks.csv", &format!("playlist,trackId\np1,{ID}2\np1,{ID}1\n"))
        .write("Employee.csv", "name,reportsTo,id\nAnn,2,1\nBob,,2\nCat,1,\n")
        .write("README.txt", "not rows");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_exported_comes_back_the_same() {
    for engine in engines() {
        round_trip(engine.as_deref()).await;
    }
}

async fn round_trip(postgres: Option<&str>) {
    let from = Folder::new();
    good(&from);
    let (_home, database, catalog, outcome) = moved(&from, OnError::Stop, postgres).await;
    let files = outcome.unwrap();
    assert_eq!(files.iter().map(|file| file.rows).sum::<u64>(), 12);
    let first = exported(&database, &catalog, Format::Ndjson).await;
    let tracks = first.read("Track.ndjson");
    assert!(
        tracks.contains("\"price\":\"0.99\"") && tracks.contains("\"at\":\"2026-01-31T10:00:00.5Z\""),
        "{tracks}"
    );
    assert!(
        tracks.contains("\"version\":4") && tracks.contains("\"updatedAt\":\"2020-01-01T00:00:00Z\""),
        "{tracks}"
    );
    assert!(first.read("Artist.ndjson").contains("Ünï, \\\"q\\\"\\r\\nx"));
    assert_eq!(first.read("Playlist.tracks.ndjson").lines().count(), 2);
    assert!(first.read("Employee.ndjson").contains("\"id\":3"));
    for format in [Format::Ndjson, Format::Csv] {
        let files = exported(&database, &catalog, format).await;
        let (_again, other, catalog, outcome) = moved(&files, OnError::Stop, postgres).await;
        outcome.unwrap();
        let second = exported(&other, &catalog, Format::Ndjson).await;
        for name in ["Artist", "Album", "Track", "Playlist", "Playlist.tracks", "Employee"] {
            let file = format!("{name}.ndjson");
            assert_eq!(first.read(&file), second.read(&file), "{format:?} {name}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bad_row_stops_everything_and_is_named() {
    for engine in engines() {
        bad_row(engine.as_deref()).await;
    }
}

async fn bad_row(postgres: Option<&str>) {
    for (name, text, says) in [
        ("Artist.ndjson", "{\"id\":1,\"name\":\"a\"}\n{\"id\":2}\n", "Artist.ndjson:2: name: it is required"),
        (
            "Artist.ndjson",
            "{\"id\":1,\"name\":\"a\"}\n{\"id\":2,\"name\":\"a\"}\n",
            "Artist.ndjson:2: name: ",
        ),
        ("Artist.ndjson", "{\"id\":1,\"name\":5}\n", "Artist.ndjson:1: name: expected a String"),
        ("Artist.ndjson", "{\"id\":1,\"nam\":\"a\"}\n", "Artist.ndjson:1: nam: Artist has no such field"),
        (
            "Artist.ndjson",
            "{\"id\":1,\"name\":\"a\",\"name\":\"b\"}\n",
            "Artist.ndjson:1: it is not a JSON object",
        ),
        ("Artist.ndjson", "[1]\n", "Artist.ndjson:1: it is not a JSON object"),
        ("Artist.csv", "id,name\n1,a\n2\n", "Artist.csv:3: the row has 1 fields, the header 2"),
        ("Artist.csv", "id,name\n1,\"a\nb\n", "Artist.csv:2: a quoted field does not end"),
        (
            "Album.ndjson",
            "{\"title\":\"x\",\"artist\":9}\n",
            "Album.ndjson:1: artist: there is no Artist with the id 9",
        ),
        ("Album.csv", "title,artist\naaaaaaaaaaaaaaaaaaaaaaaa,9\n", "Album.csv:2: title: "),
        (
            "Album.ndjson",
            "{\"title\":\"x\",\"artist\":1,\"tracks\":[]}\n",
            "Album.ndjson:1: tracks: lists of related rows",
        ),
        ("Track.ndjson", "{\"name\":\"x\",\"position\":0}\n", "Track.ndjson:1: position: "),
        ("Playlist.ndjson", "{\"name\":\"x\"}\n", "Playlist.ndjson:1: id: it is required"),
        (
            "Playlist.tracks.ndjson",
            "{\"playlist\":\"x\"}\n",
            "Playlist.tracks.ndjson:1: track: it is required",
        ),
        ("Trak.ndjson", "{}\n", "no type or relation `Trak`"),
    ] {
        let from = Folder::new();
        from.write("Employee.ndjson", "{\"name\":\"Ann\"}\n").write(name, text);
        let (_home, database, catalog, outcome) = moved(&from, OnError::Stop, postgres).await;
        let error = failure(outcome);
        assert!(error.message().contains(says), "{says}: {}", error.message());
        let files = exported(&database, &catalog, Format::Ndjson).await;
        assert_eq!(files.read("Employee.ndjson"), "", "nothing is written: {says}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bad_rows_can_be_left_out_and_are_written_down() {
    for engine in engines() {
        skipped(engine.as_deref()).await;
    }
}

async fn skipped(postgres: Option<&str>) {
    let from = Folder::new();
    from.write("Artist.ndjson", "{\"id\":1,\"name\":\"a\"}\n{\"id\":2,\"name\":\"a\"}\nx\n{\"id\":3,\"name\":\"c\"}\n")
        .write("Album.ndjson", "{\"id\":1,\"title\":\"x\",\"artist\":2}\n{\"id\":2,\"title\":\"y\",\"artist\":3}\n")
        .write("Track.ndjson", &format!("{{\"id\":\"{ID}1\",\"name\":\"t\",\"album\":1}}\n{{\"id\":\"{ID}2\",\"name\":\"u\",\"album\":2}}\n"))
        .write("Playlist.ndjson", "{\"id\":\"p\",\"name\":\"P\"}\n")
        .write("Playlist.tracks.ndjson", &format!("{{\"playlist\":\"p\",\"track\":\"{ID}1\"}}\n{{\"playlist\":\"p\",\"track\":\"{ID}2\"}}\n"));
    let (_home, database, catalog, outcome) = moved(&from, OnError::Skip, postgres).await;
    let files = outcome.unwrap();
    let tally: Vec<(String, u64, u64)> =
        files.iter().map(|file| (file.name.clone(), file.rows, file.rejected)).collect();
    for (name, rows, rejected) in
        [("Artist", 2, 2), ("Album", 1, 1), ("Track", 1, 1), ("Playlist", 1, 0), ("Playlist.tracks", 1, 1)]
    {
        assert!(tally.contains(&(name.to_owned(), rows, rejected)), "{name}: {tally:?}");
    }
    assert!(from.read("Artist.rejects.ndjson").contains("\"line\":2"));
    assert!(from.read("Album.rejects.ndjson").contains("there is no Artist with the id 2"));
    assert!(from.read("Playlist.tracks.rejects.ndjson").contains(&format!("{ID}1")));
    let out = exported(&database, &catalog, Format::Ndjson).await;
    assert_eq!(out.read("Track.ndjson").lines().count(), 1);
    assert_eq!(out.read("Playlist.tracks.ndjson").lines().count(), 1);
    // The reject files of the first try are not rows of the second.
    let (_home, _database, _catalog, again) = moved(&from, OnError::Skip, postgres).await;
    again.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_rows_go_in_batches_and_ids_go_on() {
    for engine in engines() {
        batches(engine.as_deref()).await;
    }
}

async fn batches(postgres: Option<&str>) {
    let from = Folder::new();
    let artists: String =
        (1..=2_500).map(|id| format!("{{\"id\":{id},\"name\":\"artist {id}\"}}\n")).collect();
    from.write("Artist.ndjson", &artists).write("Artist.csv", "name\nlate\n");
    let (_home, database, catalog, outcome) = moved(&from, OnError::Stop, postgres).await;
    outcome.unwrap();
    let out = exported(&database, &catalog, Format::Ndjson).await;
    let lines = out.read("Artist.ndjson");
    assert_eq!(lines.lines().count(), 2_501);
    assert!(lines.lines().last().unwrap().contains("\"name\":\"late\""));
}

fn rows(text: &str, format: Format) -> Vec<std::result::Result<Vec<(String, Cell)>, String>> {
    let reader = Box::new(std::io::Cursor::new(text.as_bytes().to_vec()));
    Rows::new(reader, format).map(|row| row.map(|row| row.cells).map_err(|bad| bad.reason)).collect()
}

#[test]
fn csv_is_read_by_the_book() {
    let text = "\u{feff}a,b\r\n1,\"x, \"\"y\"\"\r\nz\"\r\n\r\n,\"\"\n";
    let cell = |text: &str, quoted| Cell::Text(text.to_owned(), quoted);
    let found = rows(text, Format::Csv);
    assert_eq!(found[0].as_ref().unwrap()[1], ("b".to_owned(), cell("x, \"y\"\r\nz", true)));
    assert_eq!(found[1].as_ref().unwrap()[0], ("a".to_owned(), cell("", false)));
    assert_eq!(found[1].as_ref().unwrap()[1], ("b".to_owned(), cell("", true)));
    assert_eq!(found.len(), 2);
    assert!(rows("a,a\n1,2\n", Format::Csv)[0].is_err());
    assert!(rows("a\nx\"y\"\n", Format::Csv)[0].is_err());
    assert!(rows("a\n\"x\"y\n", Format::Csv)[0].is_err());
}

#[test]
fn ndjson_is_read_line_by_line() {
    let found = rows("{\"a\":1}\r\n \n{\"a\":{\"b\":null}}", Format::Ndjson);
    assert_eq!(found[0].as_ref().unwrap()[0].1, Cell::Value(Input::Int(1)));
    assert_eq!(found.len(), 2);
    assert!(rows("1\n{}\n", Format::Ndjson)[0].is_err());
}

#[test]
fn names_mean_types_and_relations() {
    let catalog = compile(&[Source::new("model.graphql", MODEL)]).unwrap().catalog;
    let folder = Folder::new();
    for name in ["Track.ndjson", "Playlist.tracks.jsonl", "Track.playlists.csv", "PlaylistTrack.ndjson"] {
        folder.write(name, "");
        assert!(super::source::sources(&catalog, &[folder.path().join(name)]).is_ok(), "{name}");
    }
    for name in ["track.ndjson", "Album.tracks.ndjson", "Track.txt"] {
        folder.write(name, "");
        assert!(super::source::sources(&catalog, &[folder.path().join(name)]).is_err(), "{name}");
    }
    assert!(super::source::sources(&catalog, &[Path::new("/nowhere/at/all").to_path_buf()]).is_err());
}

proptest! {
    #[test]
    fn no_file_panics(text in "[a-z\",\\r\\n{}:0-9\u{e9}]{0,80}") {
        let _ = rows(&text, Format::Csv);
        let _ = rows(&text, Format::Ndjson);
    }

    #[test]
    fn cells_round_trip(cells in proptest::collection::vec("[^\0]{0,12}", 1..5)) {
        let header: Vec<String> = (0..cells.len()).map(|at| format!("c{at}")).collect();
        let mut line = String::new();
        for (at, text) in cells.iter().enumerate() {
            if at > 0 {
                line.push(',');
            }
            super::export::cell(text, &mut line);
        }
        let found = rows(&format!("{}\r\n{line}\r\n", header.join(",")), Format::Csv);
        let found: Vec<String> = found[0].as_ref().unwrap().iter().map(|(_, cell)| match cell {
            Cell::Text(text, _) => text.clone(),
            Cell::Value(value) => panic!("{value:?}"),
        }).collect();
        prop_assert_eq!(found, cells);
    }
}
