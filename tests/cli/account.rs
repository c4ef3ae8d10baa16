//! `launchway user` and `launchway key`: what is made works, secrets go where they should and nowhere else.

use harness::account::{bearer, text, until};
use harness::program::Ended;
use harness::{App, Backend, Launchway, Value, json, runtime};

use crate::told::told;

const MODEL: &str = r#"
type Note @model
  @allow(to: [ALL], role: "user", where: { author: { eq: "$user.id" } })
  @allow(to: [READ], role: "service") {
  text: String!
  author: User @default(value: "$user.id")
}
"#;

const PASSWORD: &str = "correct horse battery staple";

/// Runs a command on an app's database.
fn run(app: &App, arguments: &[&str]) -> Ended {
    started(app, arguments).run()
}

fn started(app: &App, arguments: &[&str]) -> Launchway {
    Launchway::new(app.folder(), arguments.iter().copied().chain(["--database", app.database()]))
}

/// Runs a test on each engine, with an applied model and nothing that runs.
fn applied(test: impl AsyncFn(App)) {
    for backend in Backend::available() {
        runtime::block_on(async {
            println!("on {backend:?}");
            let app = App::with(backend, MODEL).prepare().await;
            let _ = app.command(&["apply"]).good();
            test(app).await;
        });
    }
}

async fn sign_in(app: &App, email: &str, password: &str) -> u16 {
    app.anyone().post("/auth/sign-in", json!({ "email": email, "password": password })).await.status
}

fn json_of(ended: &Ended) -> Value {
    serde_json::from_str(&ended.stdout).unwrap_or_else(|error| panic!("{error}: {}", ended.text()))
}

#[test]
fn a_user_is_made_with_a_password_that_is_shown_once_and_works() {
    applied(async |mut app| {
        let said =
            run(&app, &["user", "create", "Ann@example.com", "--role", "editor", "--role", "admin"]).good();
        let password = said.stdout.trim().to_owned();
        assert_eq!((said.stdout.lines().count(), password.len()), (1, 24), "{}", said.stdout);
        assert!(!said.stderr.contains(&password), "the password is on stderr");
        insta::allow_duplicates! { insta::assert_snapshot!("user-create", told(&said.stderr)); }
        let given = started(&app, &["user", "create", "bob@example.com", "--password-stdin", "--json"]);
        let given = given.input(&format!("{PASSWORD}\n")).run().good();
        assert!(!given.text().contains(PASSWORD), "{}", given.text());
        assert_eq!(json_of(&given)["email"], "bob@example.com");
        let listed = run(&app, &["user", "list"]).good();
        insta::allow_duplicates! { insta::assert_snapshot!("user-list", told(&listed.stdout)); }
        assert!(!listed.text().contains(&password) && !listed.text().contains("argon2"), "{}", listed.text());
        app.launch().await;
        assert_eq!(sign_in(&app, "ann@example.com", &password).await, 200);
        assert_eq!(sign_in(&app, "bob@example.com", PASSWORD).await, 200);
        assert!(!app.logs().contains(&password) && !app.logs().contains(PASSWORD));
    });
}

#[test]
fn a_user_is_changed_disabled_and_deleted() {
    applied(async |mut app| {
        let create = ["user", "create", "ann@example.com", "--role", "author", "--password-stdin"];
        let _ = started(&app, &create).input(PASSWORD).run().good();
        let role = ["user", "role", "ann@example.com", "--add", "editor,admin", "--remove", "author"];
        assert_eq!(run(&app, &role).good().stdout, "editor\nadmin\n");
        assert_eq!(run(&app, &["user", "role", "ann@example.com"]).good().stdout, "editor\nadmin\n");
        let listed = json_of(&run(&app, &["user", "list", "--json"]).good());
        assert_eq!(listed[0]["roles"], json!(["editor", "admin"]));
        assert_eq!((&listed[0]["disabled"], &listed[0]["password"]), (&json!(false), &json!(true)));
        app.launch().await;
        assert_eq!(sign_in(&app, "ann@example.com", PASSWORD).await, 200);
        let _ = run(&app, &["user", "disable", "ann@example.com"]).good();
        assert_ne!(sign_in(&app, "ann@example.com", PASSWORD).await, 200);
        assert!(run(&app, &["user", "list"]).good().stdout.contains("disabled"));
        let _ = run(&app, &["user", "enable", "ann@example.com"]).good();
        let other = "another staple for the horse";
        let changed = started(&app, &["user", "password", "ann@example.com", "--password-stdin"]);
        let changed = changed.input(&format!("{other}\r\n")).run().good();
        assert!(!changed.text().contains(other), "{}", changed.text());
        assert_ne!(sign_in(&app, "ann@example.com", PASSWORD).await, 200);
        assert_eq!(sign_in(&app, "ann@example.com", other).await, 200);
        let _ = run(&app, &["user", "delete", "ann@example.com"]).good();
        assert_ne!(sign_in(&app, "ann@example.com", other).await, 200);
        let listed = run(&app, &["user", "list"]).good();
        assert_eq!((listed.stdout.as_str(), listed.stderr.as_str()), ("", "There are no users.\n"));
        // All of it is written down, and no secret is.
        let events = app.admin().get("/v1/auditEvents?fields=event,actor,details&limit=50").await.good();
        for event in ["user.made", "user.changed", "user.password_set", "user.deleted"] {
            assert!(events.text().contains(event), "{event}: {}", events.text());
        }
        assert!(!events.text().contains(other) && !events.text().contains(PASSWORD));
    });
}

#[test]
fn what_is_done_beside_a_running_server_is_in_force_there_within_seconds() {
    applied(async |mut app| {
        app.launch().await;
        let made = run(&app, &["user", "create", "root@example.com", "--role", "admin"]).good();
        let sign_in = json!({ "email": "root@example.com", "password": made.stdout.trim() });
        let tokens = app.anyone().post("/auth/sign-in", sign_in).await.is(200).json();
        let root = bearer(&app, text(&tokens["accessToken"]));
        let _ = root.get("/v1/auditEvents").await.is(200);
        let _ = run(&app, &["user", "role", "root@example.com", "--remove", "admin"]).good();
        until(async || root.get("/v1/auditEvents").await.status == 404).await;
        let create = ["key", "create", "--name", "ci", "--scope", "*", "--user", "root@example.com"];
        let key = run(&app, &create).good().stdout.trim().to_owned();
        let program = bearer(&app, &key);
        let _ = program.get("/v1/notes").await.is(200);
        let _ = run(&app, &["key", "revoke", &key[..16]]).good();
        until(async || program.get("/v1/notes").await.status == 401).await;
        let _ = root.get("/v1/notes").await.is(200);
        let _ = run(&app, &["user", "disable", "root@example.com"]).good();
        until(async || root.get("/v1/notes").await.status == 401).await;
    });
}

#[test]
fn a_key_goes_to_standard_output_alone_and_ends_when_it_is_revoked() {
    applied(async |mut app| {
        let _ = started(&app, &["user", "create", "ann@example.com", "--password-stdin"])
            .input(PASSWORD)
            .run()
            .good();
        let create =
            ["key", "create", "--name", "shop", "--scope", "notes:read", "--user", "ann@example.com"];
        let said = run(&app, &create).good();
        let key = said.stdout.trim().to_owned();
        assert!(key.starts_with("lwk_") && key.len() == 47 && said.stdout.lines().count() == 1, "{key}");
        assert!(!said.stderr.contains(&key), "{}", said.stderr);
        insta::allow_duplicates! { insta::assert_snapshot!("key-create", told(&said.stderr)); }
        let second = run(&app, &[&create[..], &["--expires", "90d", "--json"]].concat()).good();
        let second = json_of(&second);
        assert_eq!(second["scopes"], json!(["notes:read"]));
        app.launch().await;
        let shop = |key: &str| app.anyone().with("authorization", &format!("Bearer {key}"));
        let _ = shop(&key).get("/v1/notes").await.good();
        let _ = shop(second["key"].as_str().unwrap()).get("/v1/notes").await.good();
        let listed = run(&app, &["key", "list"]).good();
        assert!(!listed.text().contains(&key), "{}", listed.text());
        let listed = json_of(&run(&app, &["key", "list", "--json"]).good());
        assert_eq!(listed.as_array().map(Vec::len), Some(2));
        assert_eq!((&listed[0]["expiresAt"], &listed[0]["user"]), (&Value::Null, &json!("ann@example.com")));
        assert!(listed[1]["expiresAt"].is_string() && listed.to_string().find("hash").is_none(), "{listed}");
        // By how it begins, and by its id.
        let _ = run(&app, &["key", "revoke", &key[..16]]).good();
        let _ = run(&app, &["key", "revoke", second["id"].as_str().unwrap()]).good();
        let again = run(&app, &["key", "revoke", &key[..16]]).refused(1);
        assert!(again.stderr.contains("no such key"), "{}", again.stderr);
        assert_eq!(run(&app, &["key", "list"]).good().stdout, "");
        // What a server believes of a caller is believed for seconds; one that starts knows better.
        app.launch().await;
        let shop = app.anyone().with("authorization", &format!("Bearer {key}"));
        assert_eq!(shop.get("/v1/notes").await.status, 401);
    });
}

#[test]
fn a_database_without_the_tables_is_left_alone() {
    for backend in Backend::available() {
        runtime::block_on(async {
            let app = App::with(backend, MODEL).prepare().await;
            for command in [
                &["user", "list"][..],
                &["user", "create", "ann@example.com"],
                &["key", "list"],
                &["can", "--as", "user:ann@example.com", "read", "Note"],
            ] {
                let said = run(&app, command).refused(1);
                assert!(said.stderr.contains("launchway apply"), "{command:?}: {}", said.stderr);
                assert_eq!(said.stdout, "", "{command:?}");
            }
            assert!(!app.folder().join("test.db").exists(), "a look made the database");
            // Still everything is to be done.
            let plan = app.command(&["plan"]).good();
            assert!(plan.stdout.contains("Note") && plan.stdout.contains("User"), "{}", plan.stdout);
        });
    }
}

#[test]
fn a_model_without_accounts_is_told_so() {
    let folder = tempfile::tempdir().unwrap();
    let model = "type Note @model @allow(to: [READ], role: \"anyone\") { text: String! }";
    std::fs::write(folder.path().join("shop.graphql"), model).unwrap();
    for command in [
        &["user", "list", "shop.graphql"][..],
        &["key", "list", "shop.graphql"],
        &["can", "--as", "user:ann@example.com", "read", "Note", "shop.graphql"],
    ] {
        let said = Launchway::new(folder.path(), command).run().refused(1);
        insta::allow_duplicates! { insta::assert_snapshot!("no-accounts", said.stderr); }
    }
    assert!(!folder.path().join("launchway.db").exists());
}

#[test]
fn what_is_wrong_is_refused_and_named() {
    applied(async |app| {
        let _ = started(&app, &["user", "create", "ann@example.com", "--password-stdin"])
            .input(PASSWORD)
            .run()
            .good();
        let nobody = "0190b5a4-7e8f-7c3d-8a21-5f6e7d8c9b0a";
        let key = ["key", "create", "--name", "x"];
        for (arguments, code, word) in [
            (&["user", "create", "ann@example.com"][..], 1, "has an account already"),
            (&["user", "create", "ann"], 1, "not an e-mail address"),
            (&["user", "create", "bob@example.com", "--role", "user"], 1, "`user` can't be given"),
            (&["user", "role", "bob@example.com", "--add", "x"], 1, "bob@example.com: Nobody"),
            (&["user", "role", "ann@example.com", "--add", "org:owner"], 1, "can't be given"),
            (&["user", "disable", "bob@example.com"], 1, "Nobody"),
            (&["user", "delete", "bob@example.com"], 1, "Nobody"),
            (&["user", "password", "ann@example.com"], 2, "--password-stdin"),
            (&[&key[..], &["--scope", "note:read", "--user", "ann@example.com"]].concat(), 1, "`notes`"),
            (&[&key[..], &["--scope", "*", "--user", "bob@example.com"]].concat(), 1, "Nobody"),
            (&[&key[..], &["--scope", "*", "--organization", nobody]].concat(), 1, "no such owner"),
            (&[&key[..], &["--scope", "*"]].concat(), 2, "--user"),
            (
                &[&key[..], &["--scope", "*", "--user", "ann@example.com", "--expires", "soon"]].concat(),
                2,
                "90d",
            ),
            (
                &[&key[..], &["--scope", "*", "--user", "ann@example.com", "--expires", "2001-01-01"]]
                    .concat(),
                1,
                "ended already",
            ),
            (&["key", "revoke", "lwk_nothing"], 1, "launchway key list"),
        ] {
            let said = run(&app, arguments).refused(code);
            assert!(said.stderr.contains(word), "{arguments:?}: {word} is not in\n{}", said.stderr);
            assert_eq!(said.stdout, "", "{arguments:?}");
        }
        for (input, code, word) in
            [("password", 1, "easy to guess"), ("", 2, "standard input"), ("two\nlines\n", 2, "one line")]
        {
            let said = started(&app, &["user", "password", "ann@example.com", "--password-stdin"])
                .input(input)
                .run();
            let said = said.refused(code);
            assert!(said.stderr.contains(word), "{input:?}: {}", said.stderr);
        }
        assert_eq!(json_of(&run(&app, &["key", "list", "--json"]).good()), json!([]));
    });
}
