//! `plan --since` and `check --against`: two models compared, without any database.

use std::path::Path;
use std::process::Command;

use harness::program::Ended;
use harness::{Launchway, Value};

const BEFORE: &str = "type Item @model @allow(to: [ALL], role: \"anyone\") { name: String!  old: Int }\n";
const MORE: &str =
    "type Item @model @allow(to: [ALL], role: \"anyone\") { name: String!  old: Int  size: Float @index }\n";
const LESS: &str = "type Item @model @allow(to: [ALL], role: \"anyone\") { name: String! }\n";

fn plan(folder: &Path, arguments: &[&str]) -> Ended {
    Launchway::new(folder, [&["plan"], arguments].concat()).run()
}

fn write(folder: &Path, name: &str, text: &str) {
    let path = folder.join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

fn git(folder: &Path, arguments: &[&str]) {
    let who = ["-c", "user.name=tests", "-c", "user.email=tests@example.com", "-c", "commit.gpgsign=false"];
    let done = Command::new("git").arg("-C").arg(folder).args(who).args(arguments).output().unwrap();
    assert!(done.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&done.stderr));
}

/// A folder whose model was committed; none, and said so, where there is no git.
fn committed(name: &str) -> Option<tempfile::TempDir> {
    if Command::new("git").arg("--version").output().is_err() {
        println!("skipped: git is not installed (apt-get install git)");
        return None;
    }
    let folder = tempfile::tempdir().unwrap();
    git(folder.path(), &["init", "--quiet", "--initial-branch=main"]);
    write(folder.path(), name, BEFORE);
    git(folder.path(), &["add", "."]);
    git(folder.path(), &["commit", "--quiet", "--message=first"]);
    Some(folder)
}

#[test]
fn two_files_are_compared_for_either_database() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "old.graphql", BEFORE);
    write(folder.path(), "model.graphql", MORE);
    let said = plan(folder.path(), &["--since", "old.graphql"]).good();
    assert!(
        said.stdout.contains("\"size\" REAL") && said.stdout.contains("Plan for SQLite"),
        "{}",
        said.text()
    );
    let postgres = ["--since", "old.graphql", "--database", "postgres://nobody@nowhere.invalid/shop"];
    let said = plan(folder.path(), &postgres).good();
    assert!(said.stdout.contains("double precision"), "{}", said.text());
    let said = plan(folder.path(), &["--since", "old.graphql", "--json"]).good();
    let json: Value = serde_json::from_str(&said.stdout).unwrap();
    assert_ne!(json["from"], json["to"]);
    assert_eq!(json["steps"].as_array().map(Vec::len), Some(2), "{json}");
    assert!(!folder.path().join("launchway.db").exists(), "no database was asked");
}

#[test]
fn the_exit_code_tells_whether_there_is_something_to_do() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "old.graphql", BEFORE);
    for (model, code, without) in [(BEFORE, 0, 0), (MORE, 3, 0), (LESS, 1, 1)] {
        write(folder.path(), "model.graphql", model);
        let said = plan(folder.path(), &["--since", "old.graphql", "--exit-code"]);
        assert_eq!(said.code, Some(code), "{}", said.text());
        let said = plan(folder.path(), &["--since", "old.graphql"]);
        assert_eq!(said.code, Some(without), "{}", said.text());
    }
    // Of a database it tells the same.
    write(folder.path(), "model.graphql", BEFORE);
    assert_eq!(plan(folder.path(), &["--exit-code"]).code, Some(3));
    let _ = Launchway::new(folder.path(), ["apply"]).run().good();
    assert_eq!(plan(folder.path(), &["--exit-code"]).code, Some(0));
}

#[test]
fn a_commit_is_looked_up_in_git() {
    let Some(folder) = committed("backend/model.graphql") else { return };
    let root = folder.path();
    write(root, "backend/model.graphql", MORE);
    for since in ["main", "HEAD", "main~0"] {
        let said = plan(root, &["backend/model.graphql", "--since", since]).good();
        assert!(said.stdout.contains("\"size\" REAL") && said.stdout.contains("2 to add"), "{}", said.text());
    }
    let said = plan(&root.join("backend"), &["--since", "main"]).good();
    assert!(said.stdout.contains("2 to add"), "{}", said.text());
    // A mistake of the earlier model is told with the name of its commit.
    write(root, "backend/model.graphql", "type Item @model { name: Nothing }");
    git(root, &["commit", "--quiet", "--all", "--message=broken"]);
    write(root, "backend/model.graphql", MORE);
    let said = plan(root, &["backend/model.graphql", "--since", "main"]).refused(1);
    assert!(said.stderr.contains("main:model.graphql:1"), "{}", said.stderr);
    // Folders are one model.
    write(root, "models/a.graphql", BEFORE);
    write(root, "models/deep/b.graphql", "type Box @model { label: String }");
    git(root, &["add", "."]);
    git(root, &["commit", "--quiet", "--message=folder"]);
    let said = plan(root, &["models", "--since", "HEAD"]).good();
    assert_eq!(said.stdout.trim(), "Both models ask for the same SQLite database: nothing to do.");
}

#[test]
fn what_is_neither_a_path_nor_a_commit_is_said_to_be() {
    let Some(folder) = committed("model.graphql") else { return };
    for since in ["nothing", "--output=stolen", "HEAD:model.graphql", "a b", ""] {
        let argument = format!("--since={since}");
        let said = plan(folder.path(), &[&argument]);
        assert!(matches!(said.code, Some(1 | 2)), "{since}: {}", said.text());
        assert!(said.stderr.contains("error: ") && said.stderr.len() < 500, "{since}: {}", said.stderr);
    }
    assert!(!folder.path().join("stolen").exists());
    write(folder.path(), "later.graphql", MORE);
    let said = plan(folder.path(), &["later.graphql", "--since", "main"]).refused(1);
    assert!(said.stderr.contains("later.graphql was not there at main"), "{}", said.stderr);
    // Outside of any repository.
    let plain = tempfile::tempdir().unwrap();
    write(plain.path(), "model.graphql", MORE);
    let said = plan(plain.path(), &["--since", "main"]).refused(1);
    assert!(said.stderr.contains("neither a file or folder `main`"), "{}", said.stderr);
}

#[test]
fn what_clients_notice_is_told_and_breaks_the_build_where_it_breaks_them() {
    let Some(folder) = committed("model.graphql") else { return };
    let check = |arguments: &[&str]| Launchway::new(folder.path(), [&["check"], arguments].concat()).run();
    let said = check(&["--against", "main"]).good();
    assert_eq!(said.stdout.trim(), "Clients notice nothing.");
    write(folder.path(), "model.graphql", MORE);
    let said = check(&["--against", "main"]).good();
    assert!(
        said.stdout.contains("Item.size is new") && said.stdout.contains("none of which breaks"),
        "{}",
        said.text()
    );
    write(folder.path(), "model.graphql", LESS);
    let said = check(&["--against", "main"]).refused(1);
    for line in ["Clients break:", "GraphQL  Item.old is gone", "REST     Item.old is gone"] {
        assert!(said.stdout.contains(line), "{line}: {}", said.text());
    }
    let said = check(&["--against", "HEAD", "--json"]).refused(1);
    let json: Value = serde_json::from_str(&said.stdout).unwrap();
    let gone = serde_json::json!({ "effect": "breaking", "api": "graphql", "place": "Item.old", "change": "is gone" });
    assert!(json.as_array().unwrap().contains(&gone), "{json}");
    // A schema that clients were written against.
    write(folder.path(), "api.graphql", "type Query { item(id: ID!): Item }\ntype Item { id: ID! old: Int }");
    let said = check(&["--against", "api.graphql"]).refused(1);
    assert!(
        said.stdout.contains("Item.old is gone") && said.stderr.contains("nothing of REST"),
        "{}",
        said.text()
    );
    write(folder.path(), "api.graphql", "type Query {");
    let said = check(&["--against", "api.graphql"]).refused(1);
    assert!(said.stderr.contains("no GraphQL schema"), "{}", said.stderr);
}
