//! `import` and `export`: all or nothing, with places; and what comes out goes in again.

use harness::{App, Backend, json, model, runtime};

fn every(test: impl AsyncFn(App)) {
    for backend in Backend::available() {
        runtime::block_on(async {
            println!("on {backend:?}");
            let app = App::with(backend, &model::text("store")).prepare().await;
            let _ = app.command(&["apply"]).good();
            test(app).await;
        });
    }
}

fn write(app: &App, name: &str, text: &str) -> std::path::PathBuf {
    let path = app.folder().join(name);
    std::fs::write(&path, text).unwrap();
    path
}

const ARTIST: &str = "0190b5a4-7e8f-7c3d-8a21-000000000001";
const ALBUM: &str = "0190b5a4-7e8f-7c3d-8a21-000000000002";

#[test]
fn ndjson_and_csv_with_keys_of_either_name() {
    every(async |mut app| {
        let artists = write(
            &app,
            "Artist.ndjson",
            &format!("{{\"id\":\"{ARTIST}\",\"name\":\"Ann\"}}\n\n{{\"name\":\"Bob\"}}\n"),
        );
        let albums = write(
            &app,
            "Album.csv",
            &format!(
                "id,title,artistId,releasedOn,published\n{ALBUM},\"Say \"\"hi\"\", twice\",{ARTIST},2024-01-02,true\n"
            ),
        );
        let tracks = write(
            &app,
            "Track.ndjson",
            &format!("{{\"name\":\"One\",\"album\":\"{ALBUM}\",\"position\":1,\"tags\":[\"a\"]}}\n"),
        );
        // In the wrong order on purpose.
        let paths = [tracks, albums, artists].map(|path| path.display().to_string());
        let _ = app.command(&["import", &paths[0], &paths[1], &paths[2]]).good();
        app.launch().await;
        let data = app.anyone().graphql("{ albums { nodes { id title releasedOn artist { name } tracks { nodes { name tags unitPrice } } } } artists { totalCount } }").await.data();
        assert_eq!(
            data,
            json!({
                "albums": { "nodes": [{ "id": ALBUM, "title": "Say \"hi\", twice", "releasedOn": "2024-01-02", "artist": { "name": "Ann" },
                             "tracks": { "nodes": [{ "name": "One", "tags": ["a"], "unitPrice": "0.99" }] } }] },
                "artists": { "totalCount": 2 },
            }),
        );
    });
}

#[test]
fn a_bad_row_stops_it_with_its_place_and_nothing_is_written() {
    every(async |mut app| {
        for (name, text, place, word) in [
            ("Genre.ndjson", "{\"name\":\"a\"}\n{\"nmae\":\"b\"}\n".to_owned(), "Genre.ndjson:2", "name"),
            ("Genre.ndjson", "{\"name\":\"a\"}\n{\"name\":5}\n".to_owned(), "Genre.ndjson:2", "name"),
            ("Genre.ndjson", "{\"name\":\"a\"}\n{\"name\":\n".to_owned(), "Genre.ndjson:2", ""),
            ("Genre.ndjson", "{\"name\":\"a\"}\n{\"name\":\"a\"}\n".to_owned(), "Genre.ndjson", "name"),
            (
                "Genre.ndjson",
                "{\"name\":\"a\"}\n{\"name\":\"b\", \"name\":\"\\ud800\"}\n".to_owned(),
                "Genre.ndjson:2",
                "",
            ),
            ("Genre.csv", "name\na\n\"b\n".to_owned(), "Genre.csv", ""),
            ("Gerne.ndjson", "{\"name\":\"a\"}\n".to_owned(), "Gerne.ndjson", "Genre"),
            (
                "Album.ndjson",
                format!("{{\"title\":\"x\",\"artist\":\"{ARTIST}\"}}\n"),
                "Album.ndjson",
                "artist",
            ),
        ] {
            let path = write(&app, name, &text);
            let said = app.import(&path).refused(1);
            assert!(said.stderr.contains(place), "{place} is not named in\n{}", said.stderr);
            assert!(said.stderr.contains(word), "{word} is not named in\n{}", said.stderr);
            std::fs::remove_file(path).unwrap();
        }
        let missing = app.import(&app.folder().join("nowhere")).refused(1);
        assert!(missing.stderr.contains("nowhere"), "{}", missing.stderr);
        app.launch().await;
        let data = app.admin().graphql("{ genres { totalCount } albums { totalCount } }").await.data();
        assert_eq!(data, json!({ "genres": { "totalCount": 0 }, "albums": { "totalCount": 0 } }));
    });
}

#[test]
fn bad_rows_can_be_skipped_and_are_kept_aside() {
    every(async |mut app| {
        let path = write(&app, "Genre.ndjson", "{\"name\":\"a\"}\n{\"name\":5}\n{\"name\":\"c\"}\n");
        let _ = app.command(&["import", &path.display().to_string(), "--on-error", "skip"]).good();
        app.launch().await;
        let data =
            app.anyone().graphql("{ genres(orderBy: [{ name: ASC }]) { nodes { name } } }").await.data();
        assert_eq!(data["genres"]["nodes"], json!([{ "name": "a" }, { "name": "c" }]));
        let files: Vec<String> = std::fs::read_dir(app.folder())
            .unwrap()
            .flatten()
            .map(|file| file.file_name().to_string_lossy().into_owned())
            .collect();
        assert!(files.iter().any(|name| name.contains("reject")), "{files:?}");
    });
}

#[test]
fn what_is_exported_imports_again() {
    for backend in Backend::available() {
        runtime::block_on(async {
            let mut app = harness::STORE.start(backend).await;
            let query = "{ tracks(orderBy: [{ id: ASC }]) { nodes { id name unitPrice bytes rating mood tags recordedAt album { id title } playlists { nodes { name } } } } }";
            let before = app.admin().graphql(query).await.good().json().to_string();
            app.stop();
            let out = app.folder().join("out");
            let _ = app.command(&["export", &out.display().to_string()]).good();
            for other in Backend::available() {
                let copy = App::with(other, &model::text("store")).data(&out).start().await;
                assert_eq!(
                    copy.admin().graphql(query).await.good().json().to_string(),
                    before,
                    "{backend:?} → {other:?}"
                );
            }
        });
    }
}

#[test]
fn a_wrong_header_is_told_where_it_stands() {
    every(async |app| {
        let path = write(&app, "Genre.csv", "\nname,lable\nJazz,x\nRock,y\n").display().to_string();
        let said = app.command(&["import", &path]);
        assert!(said.code != Some(0) && said.stderr.contains("Genre.csv:2: lable"), "{}", said.text());
        let path = write(&app, "Genre.csv", "name,lable\nJazz,x\n").display().to_string();
        let said = app.command(&["import", &path]);
        assert!(said.code != Some(0) && said.stderr.contains("Genre.csv:1: lable"), "{}", said.text());
        // A wrong value stands in its row.
        let path = write(&app, "Genre.csv", "name\nJazz\n\"\"\n").display().to_string();
        let said = app.command(&["import", &path]);
        assert!(said.code == Some(0) || said.stderr.contains("Genre.csv:3"), "{}", said.text());
    });
}

#[test]
fn an_export_does_not_mix_with_one_in_another_format() {
    every(async |app| {
        let out = app.folder().join("out");
        let folder = out.display().to_string();
        let _ = app.command(&["export", &folder]).good();
        let said = app.command(&["export", &folder, "--format", "csv"]);
        assert!(said.code != Some(0) && said.stderr.contains(".ndjson"), "{}", said.text());
        assert!(
            std::fs::read_dir(&out)
                .unwrap()
                .flatten()
                .all(|file| file.path().extension().unwrap() == "ndjson")
        );
        // The same again replaces its own files.
        let _ = app.command(&["export", &folder]).good();
        let _ = app.command(&["import", &folder]).good();
    });
}
