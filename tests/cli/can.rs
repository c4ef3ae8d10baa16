//! `launchway can`: the answer, the rule, and that the answer is the server's.

use harness::program::Ended;
use harness::{App, Backend, Launchway, json, runtime};
use tempfile::TempDir;

use crate::told::told;

const MODEL: &str = r#"
type Note @model
  @allow(to: [ALL], role: "user", where: { author: { eq: "$user.id" } })
  @allow(to: [READ], role: "anyone", where: { public: { eq: true } })
  @allow(to: [READ], role: "service") {
  text: String!
  public: Boolean! @default(value: false)
  author: User @default(value: "$user.id")
  secret: String @allow(to: [READ], role: "editor")
  lines: [Line!]!
}
type Line @model
  @allow(to: [READ, UPDATE], role: "anyone", via: "note")
  @allow(to: [DELETE], role: "org:owner") {
  words: String!
  note: Note!
}
type Ledger @model @tenant @allow(to: [READ], role: "user") { amount: Int! }
"#;

fn folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("model.graphql"), MODEL).unwrap();
    folder
}

#[test]
fn the_model_is_enough_for_who_is_written_out() {
    let folder = folder();
    let can = |line: &str| Launchway::new(folder.path(), format!("can --as {line}").split(' ')).run();
    let id = "0190b5a4-7e8f-7c3d-8a21-5f6e7d8c9b0a";
    for (line, code) in [
        ("anyone read Note".to_owned(), 0),
        ("anyone read Note.text".to_owned(), 0),
        ("anyone read Note.secret".to_owned(), 1),
        ("anyone create Note".to_owned(), 1),
        ("anyone update Line".to_owned(), 1),
        ("user update Line".to_owned(), 1),
        (format!("user,id={id} update Line"), 0),
        (format!("user{{id={id}}} update Line"), 0),
        ("user,roles=editor read Note.secret".to_owned(), 0),
        ("key read Note".to_owned(), 0),
        ("key,scopes=notes:read create Note".to_owned(), 1),
        ("key,scopes=lines:read read Note".to_owned(), 1),
        ("user read Ledger".to_owned(), 1),
        (format!("user,org={id} read Ledger"), 0),
        (format!("user,org={id},orgrole=owner delete Line"), 0),
        (format!("user,org={id},orgrole=admin delete Line"), 1),
        ("user,roles=admin delete Ledger".to_owned(), 0),
        ("admin update Note.version".to_owned(), 1),
        ("admin create ApiKey".to_owned(), 1),
    ] {
        let said = can(&line);
        assert_eq!(said.code, Some(code), "{line}\n{}", said.text());
        assert_eq!(said.stderr, "", "{line}");
        assert_eq!(said.stdout.starts_with("yes, "), code == 0, "{line}\n{}", said.stdout);
    }
    let told = [
        "anyone read Note",
        "anyone update Line",
        "user delete Line",
        "user read Ledger",
        "admin delete Note",
    ]
    .map(|line| format!("$ can --as {line}\n{}", can(line).stdout));
    insta::assert_snapshot!("can", told.join("\n"));
    let body: serde_json::Value = serde_json::from_str(&can("anyone read Note --json").stdout).unwrap();
    insta::assert_json_snapshot!("can.json", body);
    assert!(!folder.path().join("launchway.db").exists());
}

#[test]
fn what_is_asked_wrongly_is_2_with_a_suggestion() {
    let folder = folder();
    for (line, word) in [
        ("anybody read Note", "anyone"),
        ("anyone raed Note", "`read`"),
        ("anyone read Noet", "`Note`"),
        ("anyone read Note.txet", "`text`"),
        ("anyone create Note/1", "no row"),
        ("user,rolse=x read Note", "`roles`"),
    ] {
        let said = Launchway::new(folder.path(), format!("can --as {line}").split(' ')).run().refused(2);
        assert!(said.stderr.contains(word), "{line}: {}", said.stderr);
    }
}

#[test]
fn a_row_of_the_database_is_decided_as_the_server_does() {
    for backend in Backend::available() {
        runtime::block_on(async {
            println!("on {backend:?}");
            let app = App::start(backend, MODEL).await;
            let run = |arguments: &[&str]| -> Ended {
                let all = arguments.iter().copied().chain(["--database", app.database()]);
                Launchway::new(app.folder(), all).run()
            };
            for email in ["ann@example.com", "bob@example.com"] {
                let _ = run(&["user", "create", email]).good();
            }
            let key =
                run(&["key", "create", "--name", "k", "--scope", "notes:read", "--user", "ann@example.com"]);
            let key = key.good().stdout.trim().to_owned();
            let ann = run(&["user", "list", "--json"]).good().stdout;
            let ann: serde_json::Value = serde_json::from_str(&ann).unwrap();
            let ann = ann[0]["id"].as_str().unwrap().to_owned();
            let note = async |public: bool| {
                let body = json!({ "text": "t", "public": public, "author": ann });
                let note = app.admin().post("/v1/notes", body).await.is(201).json();
                note["id"].as_str().unwrap().to_owned()
            };
            let (open, hidden) = (note(true).await, note(false).await);
            let service = app.anyone().with("authorization", &format!("Bearer {key}"));
            for id in [&open, &hidden] {
                let row = format!("Note/{id}");
                let shown = app.anyone().get(&format!("/v1/notes/{id}")).await.status == 200;
                let said = run(&["can", "--as", "anyone", "read", &row]);
                assert_eq!(said.code, Some(i32::from(!shown)), "{}", said.text());
                let shown = service.get(&format!("/v1/notes/{id}")).await.status == 200;
                let who = format!("key:{key}");
                let said = run(&["can", "--as", &who, "read", &row]);
                assert_eq!(said.code, Some(i32::from(!shown)), "{}", said.text());
                assert!(!said.text().contains(&key), "the key is repeated: {}", said.text());
                for (who, code) in [("user:ann@example.com", 0), ("user:bob@example.com", 1)] {
                    for operation in ["update", "delete"] {
                        let said = run(&["can", "--as", who, operation, &row]);
                        assert_eq!(said.code, Some(code), "{who} {operation}\n{}", said.text());
                    }
                }
            }
            let row = format!("Note/{hidden}");
            let said = run(&["can", "--as", "user:bob@example.com", "read", &row]).refused(1);
            insta::allow_duplicates! { insta::assert_snapshot!("can-row", told(&said.stdout)); }
            let nowhere = run(&["can", "--as", "admin", "read", &format!("Note/{ann}")]).refused(1);
            assert!(nowhere.stderr.contains("there is no Note"), "{}", nowhere.text());
            let strange =
                run(&["can", "--as", "user:ann@example.com", "--organization", &ann, "read", "Ledger"]);
            assert!(strange.refused(1).stderr.contains("does not belong"));
            let _ = run(&["user", "disable", "ann@example.com"]).good();
            let said = run(&["can", "--as", &format!("user:{ann}"), "read", "Note"]).refused(1);
            assert!(said.stderr.contains("disabled"), "{}", said.text());
        });
    }
}
