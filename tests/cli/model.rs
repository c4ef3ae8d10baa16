//! `check`, `config`, `--help`: what is said about models and settings.

use harness::{Launchway, model, program};
use tempfile::TempDir;

fn folder(model: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("model.graphql"), model).unwrap();
    folder
}

fn check(model: &str) -> harness::program::Ended {
    let folder = folder(model);
    Launchway::new(folder.path(), ["check"]).run()
}

#[test]
fn every_model_of_the_tests_and_the_examples_passes() {
    for name in ["store", "everything", "chinook"] {
        let _ = check(&model::text(name)).good();
    }
    let example = program::workspace().join("examples/music-store/model.graphql");
    let said = check(&std::fs::read_to_string(example).unwrap()).good();
    assert!(said.text().contains("not in force yet"), "{}", said.text());
}

#[test]
fn all_mistakes_are_reported_at_once_with_their_places() {
    let said = check(
        r#"
type Track @modle { name: String! }
type Album @model {
  title: Strnig!
  artist: Artist!
  pages: Int @check(mni: 1)
  state: Int @default(value: "x")
  tags: [String!]! @index(using: BTRE)
}
type Other @model @allow(to: [RAED], role: "anyone") { a: Int @unique(fields: ["b"]) }
type News @model { id: Int }
"#,
    )
    .refused(1);
    let text = said.text();
    for (place, word) in [
        ("model.graphql:2:", "model"),
        ("model.graphql:4:", "String"),
        ("model.graphql:5:", "Artist"),
        ("model.graphql:6:", "min"),
        ("model.graphql:7:", "default"),
        ("model.graphql:8:", "BTREE"),
        ("model.graphql:10:", "READ"),
    ] {
        assert!(text.contains(place), "{place} is not named in\n{text}");
        assert!(text.contains(word), "{word} is not suggested in\n{text}");
    }
    assert!(text.contains("type Track @modle"), "the source line is shown:\n{text}");
}

#[test]
fn names_that_would_collide_are_refused_with_a_way_out() {
    for (model, word) in [
        ("type News @model { a: Int }", "plural"),
        ("type Foo @model { a: Int }\ntype Bar @model(plural: \"foos\") { a: Int }", "plural"),
        ("type Node @model { a: Int }", "Node"),
        ("type Query @model { a: Int }", "Query"),
        ("type A @model { createdAt: Int }", "createdAt"),
        ("type A @model { fooBar: Int  foo_bar: Int }", "foo_bar"),
        ("type A @model { __x: Int }", "__x"),
        ("type A @model { a: Int } type A @model { b: Int }", "A"),
    ] {
        let said = check(model).refused(1);
        assert!(said.text().contains(word), "{model}\n{}", said.text());
    }
    let long = format!("type {} @model {{ a: Int }}", "A".repeat(200));
    let _ = check(&long).refused(1);
    let _ = check("type Ünïcode @model { a: Int }").refused(1);
}

fn pair(one: &str, other: &str) -> harness::program::Ended {
    check(&format!("type {one} @model {{ size: Int }}\ntype {other} @model {{ size: Int }}"))
}

#[test]
fn nouns_that_go_together_do_not_collide() {
    for (one, other) in [
        ("Track", "TrackPage"),
        ("Order", "OrderBy"),
        ("Order", "OrderItem"),
        ("Order", "OrderLine"),
        ("Guest", "GuestInput"),
        ("Guest", "GuestGroup"),
        ("Guest", "GuestFilter"),
        ("Guest", "GuestAggregation"),
        ("Phone", "PhoneNumber"),
        ("Item", "ItemList"),
        ("Store", "StoreKey"),
        ("Person", "PersonRelation"),
        ("Post", "PostTag"),
        ("Task", "TaskField"),
    ] {
        let _ = pair(one, other).good();
    }
}

#[test]
fn names_that_the_schema_needs_are_refused_with_both_named_and_a_way_out() {
    for (one, other) in [
        ("Post", "PostLink"),
        ("Guest", "GuestConnection"),
        ("Product", "ProductSet"),
        ("Import", "ImportBatch"),
        ("Log", "LogWhere"),
    ] {
        let said = pair(one, other).refused(1);
        for word in [
            format!("`{other}` is the name of a GraphQL type that is made for `{one}`"),
            format!("`{other}Item @model("),
            "table:".to_owned(),
            "plural:".to_owned(),
            "model.graphql:2:".to_owned(),
        ] {
            assert!(said.text().contains(&word), "{word}\n{}", said.text());
        }
        // The way out works as it is told.
        let hint = said.text();
        let declared = hint.split('`').find(|code| code.contains("@model(")).unwrap().to_owned();
        let _ = check(&format!("type {one} @model {{ size: Int }}\ntype {declared} {{ size: Int }}")).good();
    }
}

#[test]
fn broken_models_of_any_kind_are_refused_without_a_panic() {
    for model in [
        "",
        "{",
        "type",
        "type A @model",
        "type A @model {}",
        "\u{0}",
        "type A @model { a: [[Int]] }",
        "type A @model { a: A! }",
        "type A { b: B } type B { a: A }",
        "interface I { a: Int }",
        "type A @model { a: Int } extend type A { b: Int }",
        "union U = A type A @model { a: Int }",
        "type A @model @allow(to: [READ], via: \"b\") { b: B! } type B @model @allow(to: [READ], via: \"a\") { a: A! }",
    ] {
        let said = check(model);
        assert!(matches!(said.code, Some(0 | 1)), "{model:?}: {:?}\n{}", said.code, said.text());
        assert!(!said.text().contains("panicked"), "{model:?}\n{}", said.text());
    }
    for levels in [1_000, 10_000] {
        let deep = format!(
            "type A @model @allow(to: [READ], where: {}{}) {{ a: Int }}",
            "{ not: ".repeat(levels),
            "}".repeat(levels)
        );
        let _ = check(&deep).refused(1);
    }
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("model.graphql"), b"type A @model { a: Int } \xff").unwrap();
    let _ = Launchway::new(folder.path(), ["check"]).run().refused(1);
}

#[test]
fn a_folder_of_files_is_one_model() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("model")).unwrap();
    std::fs::write(folder.path().join("model/a.graphql"), "type A @model { b: B! }").unwrap();
    std::fs::write(folder.path().join("model/b.graphql"), "type B @model { c: Missing }").unwrap();
    let said = Launchway::new(folder.path(), ["check", "model"]).run().refused(1);
    assert!(said.text().contains("b.graphql:1:"), "{}", said.text());
}

#[test]
fn the_prelude_declares_every_directive() {
    let folder = tempfile::tempdir().unwrap();
    let said = Launchway::new(folder.path(), ["check", "--prelude"]).run().good();
    for directive in [
        "model",
        "was",
        "relation",
        "default",
        "computed",
        "check",
        "unique",
        "index",
        "search",
        "partition",
        "allow",
        "api",
        "tenant",
        "cache",
        "limit",
        "emit",
    ] {
        assert!(said.stdout.contains(&format!("directive @{directive}")), "@{directive}\n{}", said.stdout);
    }
}

#[test]
fn help_teaches_and_wrong_usage_is_2() {
    let folder = tempfile::tempdir().unwrap();
    let help = Launchway::new(folder.path(), ["--help"]).run().good();
    for command in
        ["serve", "check", "plan", "apply", "import", "export", "config", "user", "key", "can", "test"]
    {
        assert!(help.stdout.contains(command), "{command}\n{}", help.stdout);
        let _ = Launchway::new(folder.path(), [command, "--help"]).run().good();
    }
    for line in ["user create", "user list", "user role", "key create", "key revoke", "can", "test"] {
        let help = Launchway::new(folder.path(), line.split(' ').chain(["--help"])).run().good();
        assert!(help.stdout.contains("Examples:\n"), "{line}\n{}", help.stdout);
    }
    let wrong = Launchway::new(folder.path(), ["sevre"]).run().refused(2);
    assert!(wrong.stderr.contains("serve"), "{}", wrong.stderr);
    let _ = Launchway::new(folder.path(), ["serve", "--nonsense"]).run().refused(2);
    let missing = Launchway::new(folder.path(), ["check"]).run().refused(1);
    assert!(missing.stderr.contains("model.graphql"), "{}", missing.stderr);
}

#[test]
fn the_settings_are_shown_with_their_origin_and_without_secrets() {
    let folder = folder("type A @model { a: Int }");
    let said = Launchway::new(folder.path(), ["config"])
        .env("LAUNCHWAY_AUTH__ADMIN_KEY", "very-secret-admin-key-0123456789")
        .env("DATABASE_URL", "postgres://ann:hunter2@db.example/shop")
        .env("LAUNCHWAY_MAIL__URL", "smtps://ann:hunter2@mail.example")
        .run()
        .good();
    assert!(!said.text().contains("very-secret") && !said.text().contains("hunter2"), "{}", said.text());
    assert!(said.text().contains("DATABASE_URL"), "{}", said.text());
    let wrong = Launchway::new(folder.path(), ["config"]).env("LAUNCHWAY_SEVRER__LISTEN", "x").run();
    assert!(wrong.code != Some(0), "an unknown setting is a mistake: {}", wrong.text());
}

#[test]
fn production_demands_real_secrets_before_it_listens_elsewhere() {
    let folder = folder("type A @model { a: Int }");
    let said = Launchway::new(folder.path(), ["serve", "--listen", "0.0.0.0:0"]).run();
    assert!(said.code != Some(0) && said.stderr.contains("--production"), "{}", said.text());
    let said = Launchway::new(folder.path(), ["serve", "--production", "--listen", "127.0.0.1:0"])
        .env("LAUNCHWAY_AUTH__ADMIN_KEY", "short")
        .run();
    assert!(
        said.code != Some(0) && said.stderr.contains("ADMIN_KEY") || said.stderr.contains("admin_key"),
        "{}",
        said.text()
    );
}

#[test]
fn production_demands_what_accounts_need_each_by_its_name() {
    let folder = folder("type Note @model @allow(to: [ALL]) { text: String }");
    let given = [
        ("LAUNCHWAY_AUTH__ADMIN_KEY", "lwa_0123456789abcdef0123456789abcdef"),
        ("LAUNCHWAY_AUTH__SECRET", "a secret of tests that is long enough for anything"),
        ("LAUNCHWAY_SERVER__PUBLIC_URL", "https://api.example.com"),
        ("LAUNCHWAY_MAIL__URL", "smtps://post:very-secret@mail.example.com"),
        ("LAUNCHWAY_MAIL__FROM", "Example <post@example.com>"),
    ];
    for (missing, key) in [(1, "auth.secret"), (2, "server.public_url"), (3, "mail.url")] {
        let program = Launchway::new(folder.path(), ["serve", "--production", "--listen", "127.0.0.1:0"]);
        let settings = given.iter().enumerate().filter(|(number, _)| *number != missing);
        let said =
            settings.fold(program, |program, (_, (name, value))| program.env(name, value)).run().refused(1);
        let variable = given[missing].0;
        assert!(said.stderr.contains(key) && said.stderr.contains(variable), "{key}: {}", said.text());
        assert!(!said.text().contains("very-secret"), "{}", said.text());
    }
}
