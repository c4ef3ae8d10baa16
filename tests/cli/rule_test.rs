//! `launchway test`: what passes, what does not and why, and what is wrong with a file.

use std::path::Path;

use harness::program::{Ended, workspace};
use harness::{Launchway, Value};
use tempfile::TempDir;

const MODEL: &str = r#"enum State { OPEN DONE }
type Note @model
  @allow(to: [ALL], role: "user", where: { author: { eq: "$user.id" } })
  @allow(to: [READ], role: "anyone", where: { public: { eq: true } })
  @allow(to: [READ], role: "service") {
  text: String! @check(maxLength: 20)
  public: Boolean! @default(value: false)
  state: State! @default(value: OPEN)
  author: User @default(value: "$user.id")
  secret: String @allow(to: [READ], role: "editor") @allow(to: [UPDATE], role: "editor")
  lines: [Line!]!
  tags: [Tag!]!
}
type Line @model @allow(to: [READ, CREATE, UPDATE], role: "anyone", via: "note") { words: String! note: Note! }
type Tag @model(id: CLIENT) @allow(to: [READ], role: "anyone") { name: String! notes: [Note!]! }
type Ledger @model @tenant
  @allow(to: [READ], role: "user")
  @allow(to: [CREATE], role: "org:owner")
  @allow(to: [UPDATE], role: "user", where: { amount: { lt: 10 } }, check: { amount: { lt: 100 } }) {
  amount: Int!
}
type Plan @model(id: SERIAL) @allow(to: [READ], role: "user", where: { name: { eq: "$claims.plan" } }) { name: String! }
"#;

const ROWS: &str = r#"rows:
  User:
    ann: { email: ann@example.com, roles: [editor] }
    bob: { email: bob@example.com }
  Organization:
    - { id: acme, name: Acme }
    - { id: other, name: Other }
  OrganizationMembership:
    - { organization: acme, user: ann, role: owner }
    - { organization: acme, user: bob, role: member }
  Note:
    - { id: open, text: Open, public: true, author: ann, tags: [red] }
    - { id: mine, text: Mine, author: ann, secret: s3cret }
    - { id: spare, text: Spare, author: ann }
  Line:
    - { id: first, words: One, note: open }
    - { id: second, words: Two, note: mine }
  Tag: { red: { name: Red } }
  Ledger:
    - { id: small, amount: 5, organization: acme }
    - { id: large, amount: 50, organization: acme }
    - { id: foreign, amount: 1, organization: other }
  Plan:
    - { id: pro, name: pro }
    - { id: 7, name: free }
principals:
  ann: { user: ann }
  bob: { user: bob }
  owner: { user: ann, organization: acme }
  member: { user: bob, organization: acme }
  promoted: { user: bob, organization: acme, role: owner }
  payer: { user: bob, claims: { plan: pro } }
  robot: { key: ["notes:read"], organization: acme }
"#;

const TESTS: &str = r#"tests:
  - as: anyone
    sees: { notes: [open], lines: [first], users: [], Tag: 1, ledgers: 0 }
    can: [read Note, read Note/open, read Line/first, read Note/open.text]
    cannot:
      - read Note/mine
      - read Note.secret
      - read User
      - create Note: { text: x }
      - update Note/open: { text: x }
      - 'update Line/first { words: "x" }'
      - delete Note/open
  - name: whose it is
    as: ann
    can:
      - update Note/mine: { text: Changed, state: DONE }
      - 'update Note/mine { secret: "x" }'
      - create Note: { text: New, tags: [red] }
      - create Note: { text: New, lines: { create: [{ words: x }] } }
      - create Line: { words: Three, note: mine }
      - delete Note/spare
      - update Note/open
      - read Note/mine.secret
      - update Note/mine.text
    cannot:
      - update Note/mine: { author: bob }
      - update Note/mine.createdAt
      - read Ledger
    sees: { notes: [mine, open, spare] }
  - as: bob
    cannot:
      - read Note/mine
      - update Note/open: { text: x }
      - read Note/open.secret
      - update Line/first
      - delete Note/mine
  - as: owner
    can:
      - create Ledger: { amount: 1 }
      - update Ledger/small: { amount: 99 }
      - read Organization/acme
    cannot:
      - update Ledger/small: { amount: 100 }
      - update Ledger/large: { amount: 1 }
      - update Ledger/foreign: { amount: 2 }
      - read Organization/other
    sees: { ledgers: [large, small] }
  - as: member
    can: [read Ledger/small]
    cannot:
      - create Ledger: { amount: 1 }
  - as: promoted
    can:
      - create Ledger: { amount: 1 }
  - as: [payer]
    sees: { plans: [pro] }
  - as: { user: bob, claims: { plan: free } }
    sees: { plans: [7] }
  - as: robot
    can: [read Note/mine]
    cannot: [read Note.secret, read Line, delete Note/open]
  - as: admin
    can: [delete Ledger/large, read Plan/7]
    sees: { notes: 3, users: [bob, ann] }
"#;

fn folder(model: &str, tests: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("model.graphql"), model).unwrap();
    std::fs::write(folder.path().join("access.test.yaml"), tests).unwrap();
    std::fs::create_dir(folder.path().join("temporary")).unwrap();
    folder
}

/// Runs it with a folder of its own for what is temporary, of which nothing is to be left.
fn run(folder: &Path, arguments: &[&str]) -> Ended {
    let temporary = folder.join("temporary");
    let said = Launchway::new(folder, std::iter::once("test").chain(arguments.iter().copied()))
        .env("TMPDIR", &temporary.display().to_string())
        // The database that is served is not this one's business.
        .env("DATABASE_URL", "postgres://nobody@127.0.0.1:1/nowhere")
        .run();
    let left = std::fs::read_dir(temporary).unwrap().count();
    assert_eq!(left, 0, "something temporary is left");
    said
}

#[test]
fn everything_that_can_be_said_passes_where_the_rules_say_so() {
    let folder = folder(MODEL, &format!("{ROWS}{TESTS}"));
    let said = run(folder.path(), &[]).good();
    assert_eq!(said.text(), "55 passed, 0 failed\n");
    assert!(!folder.path().join("launchway.db").exists());
}

#[test]
fn the_tests_of_the_example_pass() {
    let example = workspace().join("examples/music-store/model.graphql");
    let folder = folder(MODEL, "");
    let said = run(folder.path(), &[&example.display().to_string()]).good();
    assert!(said.stdout.contains(" passed, 0 failed"), "{}", said.text());
}

#[test]
fn a_rule_that_changes_makes_tests_fail() {
    for (rule, other) in [
        (", where: { public: { eq: true } }", ""),
        ("@allow(to: [READ], role: \"service\")", ""),
        ("role: \"org:owner\"", "role: \"user\""),
        ("where: { amount: { lt: 10 } }, ", ""),
        (", check: { amount: { lt: 100 } }", ""),
        ("type Ledger @model @tenant", "type Ledger @model"),
        ("$claims.plan", "free"),
        (", via: \"note\"", ""),
        ("@allow(to: [READ], role: \"editor\")", ""),
    ] {
        assert!(MODEL.contains(rule), "{rule}");
        let changed = folder(&MODEL.replacen(rule, other, 1), &format!("{ROWS}{TESTS}"));
        let said = run(changed.path(), &[]);
        assert_eq!(said.code, Some(1), "nothing fails without {rule}\n{}", said.text());
        assert!(!said.text().contains("panicked"), "{}", said.text());
    }
}

const WRONG: &str = r#"tests:
  - name: not as it is
    as: anyone
    can:
      - read Note/mine
      - update Note/open: { text: x }
      - read Note.secret
    cannot:
      - read Note/open
    sees: { notes: [mine], tags: 3 }
  - as: ann
    can:
      - update Note/mine: { text: much longer than twenty characters }
      - update Note/mine: { version: 7 }
      - create Note: { public: true }
    cannot:
      - update Note/mine: { text: much longer than twenty characters }
  - as: owner
    can:
      - update Ledger/large: { amount: 1 }
  - as: admin
    cannot: [delete Note/0190b5a4-7e8f-7c3d-8a21-5f6e7d8c9b0a]
"#;

#[test]
fn what_fails_is_told_with_its_place_what_came_and_the_rule() {
    let folder = folder(MODEL, &format!("{ROWS}{WRONG}"));
    let said = run(folder.path(), &[]).refused(1);
    insta::assert_snapshot!("rule-test-failures", format!("{}{}", said.stderr, said.stdout));
    let said = run(folder.path(), &["--json", "--junit", "report.xml"]).refused(1);
    let body: Value = serde_json::from_str(&said.stdout).unwrap();
    assert_eq!((&body["passed"], &body["failed"]), (&0.into(), &12.into()), "{body}");
    let first = &body["files"][0]["tests"][0];
    assert_eq!((&first["as"], &first["passed"]), (&"anyone".into(), &false.into()));
    assert_eq!(first["rules"]["rules"][0]["place"], "model.graphql:3");
    let xml = std::fs::read_to_string(folder.path().join("report.xml")).unwrap();
    assert!(xml.contains("tests=\"12\" failures=\"12\" errors=\"0\""), "{xml}");
    assert!(xml.contains("classname=\"access.test.yaml\" name=\"anyone: read Note/mine (line"), "{xml}");
    assert_eq!(xml.matches("<failure ").count(), 12, "{xml}");
}

/// The mistakes of a file.
fn mistakes(text: &str) -> String {
    let folder = folder(MODEL, text);
    let said = run(folder.path(), &[]).refused(1);
    assert!(said.stdout.ends_with("failed\n") && !said.stdout.contains(" 0 failed"), "{}", said.text());
    said.stderr
}

#[test]
fn everything_that_is_wrong_with_a_file_is_told_at_once_with_places_and_suggestions() {
    let text = r#"
row: {}
rows:
  Noet: []
  Note:
    - { id: a, txet: x }
    - { id: a, text: x }
principals:
  admin: { user: ann }
tests:
  - as: anyone
    can:
      - raed Note
      - read Noet
      - read Note.txet
      - read Note/a: { text: x }
      - create Note/a
      - update Note: { text: x }
      - create Note: { txet: x }
    sess: {}
    sees: { notse: [a] }
  - can: [read Note]
  - as: anyone
"#;
    insta::assert_snapshot!("rule-test-mistakes", mistakes(text));
}

#[test]
fn rows_and_principals_are_looked_at_too() {
    let tests = "tests: [{ as: anyone, can: [read Note] }]\n";
    let told = [
        format!("rows:\n  Note:\n    - {{ id: a, text: x }}\n    - {{ id: b }}\n{tests}"),
        format!("rows:\n  Note:\n    - {{ id: a, text: x, author: bob }}\n{tests}"),
        format!("rows:\n  Note:\n    - {{ id: a, text: x, lines: [b] }}\n{tests}"),
        format!("rows:\n  Plan:\n    - {{ id: a, name: [1] }}\n{tests}"),
        format!("data: nowhere\n{tests}"),
        format!("principals: {{ x: {{ usr: ann }} }}\n{tests}"),
        format!("{ROWS}  lonely: {{ user: ann, organization: other }}\n{tests}"),
        format!("{ROWS}  roles: {{ user: ann, role: owner }}\n{tests}"),
        "rows: { User: { ann: {} } }\ntests: [{ as: nan, can: [read Note] }]\n".to_owned(),
        "tests: [{ as: anyone, can: [read Tag/red] }]\n".to_owned(),
        "tests:\n  - as: anyone\n    can:\n      - create Note { text: \"x\" }\n".to_owned(),
        String::new(),
    ]
    .map(|text| mistakes(&text).trim().to_owned());
    insta::assert_snapshot!("rule-test-rows", told.join("\n---\n"));
}

#[test]
fn rows_can_come_from_a_folder_as_import_reads_it() {
    let tests = "data: ./rows\nrows: { Note: [{ id: b, text: B, public: true, tags: [red] }] }\n\
                 tests:\n  - as: anyone\n    can: [read Tag/red]\n    sees: { tags: [red], notes: [b] }\n";
    let folder = folder(MODEL, tests);
    std::fs::create_dir(folder.path().join("rows")).unwrap();
    std::fs::write(folder.path().join("rows/Tag.ndjson"), "{\"id\":\"red\",\"name\":\"Red\"}").unwrap();
    assert_eq!(run(folder.path(), &[]).good().text(), "3 passed, 0 failed\n");
}

#[test]
fn files_are_named_or_lie_beside_the_model() {
    let folder = folder(MODEL, "tests: [{ as: anyone, can: [read Note] }]");
    std::fs::create_dir(folder.path().join("shop")).unwrap();
    std::fs::copy(folder.path().join("model.graphql"), folder.path().join("shop/model.graphql")).unwrap();
    let missing = run(folder.path(), &["shop"]).refused(1);
    assert!(
        missing.stderr.contains("access.test.yaml") && missing.stderr.contains("--help"),
        "{}",
        missing.stderr
    );
    std::fs::copy(folder.path().join("access.test.yaml"), folder.path().join("shop/access.test.yaml"))
        .unwrap();
    for arguments in [
        &["shop"][..],
        &["shop/model.graphql"],
        &["access.test.yaml"],
        &["shop", "access.test.yaml", "shop/access.test.yaml"],
    ] {
        let said = run(folder.path(), arguments).good();
        assert!(said.stdout.ends_with(" passed, 0 failed\n"), "{arguments:?}: {}", said.text());
    }
    let broken = folder.path().join("shop/model.graphql");
    std::fs::write(broken, "type A @modle { a: Int }").unwrap();
    let said = run(folder.path(), &["shop"]).refused(1);
    assert!(said.stderr.contains("model.graphql:1:"), "{}", said.stderr);
}

#[test]
fn what_the_documents_print_passes_as_printed() {
    let model = "type Note @model @allow(to: [ALL], role: \"user\", where: { author: { eq: \"$user.id\" } }) { text: String! author: User }";
    let readme = std::fs::read_to_string(workspace().join("api/README.md")).unwrap();
    let printed = readme.split("```yaml\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
    let read = folder(model, printed);
    assert_eq!(run(read.path(), &[]).good().text(), "6 passed, 0 failed\n");
    let help = Launchway::new(read.path(), ["test", "--help"]).run().good();
    let shown =
        help.stdout.split("A file of tests:\n").nth(1).and_then(|rest| rest.split("\n\n").next()).unwrap();
    std::fs::write(read.path().join("access.test.yaml"), shown).unwrap();
    assert_eq!(run(read.path(), &[]).good().text(), "6 passed, 0 failed\n");
}
