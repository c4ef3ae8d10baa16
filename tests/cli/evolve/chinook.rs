//! Changes of the Chinook model: what is kept, what is refused, what is hidden.

use std::collections::BTreeMap;
use std::path::Path;

use harness::{App, Value, chinook, json, model};

use super::{every, texts};

/// The files that `export` writes.
fn exported(app: &App) -> BTreeMap<String, String> {
    let folder = tempfile::tempdir_in(app.folder()).unwrap();
    let command = ["export", &folder.path().display().to_string()];
    let _ = app.command(&command).good();
    read(folder.path())
}

fn read(folder: &Path) -> BTreeMap<String, String> {
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    files
        .map(|path| {
            (path.file_name().unwrap().display().to_string(), std::fs::read_to_string(&path).unwrap())
        })
        .collect()
}

/// The model with other names and wider numbers.
fn changed() -> String {
    let mut text = model::text("chinook");
    for (from, to) in [
        ("type Album @model(id: SERIAL)", "type Record @was(name: \"Album\") @model(id: SERIAL)"),
        ("[Album!]!", "[Record!]!"),
        ("album: Album", "album: Record"),
        ("@index(fields: [\"name\"])", "@index(fields: [\"title\"])"),
        ("  name: String!\n  album:", "  title: String! @was(name: \"name\")\n  album:"),
        ("milliseconds: Int!", "milliseconds: BigInt!"),
        ("bytes: Int", "bytes: Float"),
    ] {
        assert_eq!(text.matches(from).count(), 1, "{from}");
        text = text.replace(from, to);
    }
    text
}

/// And without the composer.
fn less() -> String {
    changed().replace("  composer: String\n", "")
}

/// What an export of the former model is under the changed one.
fn renamed(before: &BTreeMap<String, String>, composer: bool) -> BTreeMap<String, Vec<Value>> {
    let mut after = parsed(before);
    let albums = after.remove("Album.ndjson").unwrap();
    after.insert("Record.ndjson".to_owned(), albums);
    for track in after.get_mut("Track.ndjson").unwrap() {
        let track = track.as_object_mut().unwrap();
        let name = track.remove("name").unwrap();
        track.insert("title".to_owned(), name);
        if let Some(bytes) = track["bytes"].as_f64() {
            track.insert("bytes".to_owned(), json!(bytes));
        }
        if !composer {
            track.remove("composer").unwrap();
        }
    }
    after
}

fn parsed(files: &BTreeMap<String, String>) -> BTreeMap<String, Vec<Value>> {
    let lines = |text: &String| text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    files.iter().map(|(name, text)| (name.clone(), lines(text))).collect()
}

#[track_caller]
fn equal(found: &BTreeMap<String, Vec<Value>>, expected: &BTreeMap<String, Vec<Value>>) {
    let names = |of: &BTreeMap<String, Vec<Value>>| of.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(found), names(expected));
    for (name, rows) in found {
        assert_eq!(rows.len(), expected[name].len(), "{name}");
        for (row, expected) in rows.iter().zip(&expected[name]) {
            assert_eq!(row, expected, "{name}");
        }
    }
}

#[test]
fn chinook_keeps_every_value_through_a_change_of_its_model() {
    every(async |backend| {
        let Some((mut base, _)) = chinook::load(backend).await else { return };
        base.stop();
        let before = exported(&base);
        assert_eq!(before["Track.ndjson"].lines().count(), 3_503);
        let composed =
            before["Track.ndjson"].lines().filter(|line| !line.contains("\"composer\":null")).count();
        assert!((2_500..2_600).contains(&composed), "{composed}");

        // Without consent nothing at all is done.
        base.write_model(&less());
        let said = base.command(&["apply"]).refused(1);
        let lost = format!("{composed} rows have a value for Track.composer");
        assert!(
            said.text().contains(&lost) && said.text().contains("--allow drop:Track.composer"),
            "{}",
            said.text()
        );
        let _ = base.command(&["plan"]).refused(1);
        base.write_model(&model::text("chinook"));
        assert_eq!(base.command(&["plan", "--exit-code"]).code, Some(0));
        assert_eq!(exported(&base), before, "byte for byte");

        // With it all else stays.
        let dropped = App::with(backend, &less()).copy(&base).prepare().await;
        let _ = dropped.command(&["apply", "--allow", "drop:Track.composer"]).good();
        equal(&parsed(&exported(&dropped)), &renamed(&before, false));
        assert_eq!(dropped.command(&["plan", "--exit-code"]).code, Some(0));

        // Hidden, it is only hidden.
        let mut hidden = App::with(backend, &less()).copy(&base).prepare().await;
        let _ = hidden.command(&["apply", "--allow", "hide:Track.composer"]).good();
        assert_eq!(hidden.command(&["plan", "--exit-code"]).code, Some(0));
        hidden.launch().await;
        let track = hidden
            .anyone()
            .graphql("{ __type(name: \"Track\") { fields { name } } }")
            .await
            .data()
            .to_string();
        assert!(track.contains("title") && !track.contains("composer"), "{track}");
        let document = hidden.anyone().get("/openapi.json").await.good();
        assert!(document.text().contains("unitPrice") && !document.text().contains("composer"));
        assert!(hidden.anyone().get("/v1/tracks/1").await.good().json().get("composer").is_none());
        let kept = texts(&hidden, "SELECT CAST(count(composer) AS text) FROM tracks").await;
        assert_eq!(kept, [composed.to_string()]);
        equal(&parsed(&exported(&hidden)), &renamed(&before, false));
        hidden.stop();
        hidden.write_model(&changed());
        let _ = hidden.command(&["apply"]).good();
        equal(&parsed(&exported(&hidden)), &renamed(&before, true));
    });
}
