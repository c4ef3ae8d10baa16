//! `launchway user` and `launchway key`: accounts, by whoever runs the server.

use harness::account::{bearer, text, until};
use harness::program::Ended;
use harness::{App, Backend, Launchway, json, runtime};

const MODEL: &str = "type Note @model @allow(to: [READ], role: \"editor\") @allow(to: [READ], role: \"service\") { text: String }";

fn on_both(test: impl AsyncFn(&App)) {
    for backend in Backend::available() {
        runtime::block_on(async {
            println!("on {backend:?}");
            let app = App::start(backend, MODEL).await;
            test(&app).await;
        });
    }
}

fn run(app: &App, arguments: &[&str]) -> Ended {
    let mut all = arguments.to_vec();
    all.extend(["--database", app.database()]);
    Launchway::new(app.folder(), all).run()
}

#[test]
fn the_first_administrator_is_made_on_the_command_line() {
    on_both(async |app| {
        let made = run(app, &["user", "create", "Root@Example.com", "--role", "admin"]).good();
        let password = made.stdout.trim().to_owned();
        assert!(password.len() >= 20 && !made.stderr.contains(&password), "{}", made.stderr);
        let sign_in = json!({ "email": "root@example.com", "password": password });
        let tokens = app.anyone().post("/auth/sign-in", sign_in).await.is(200).json();
        let root = bearer(app, text(&tokens["accessToken"]));
        let _ = root.get("/v1/auditEvents").await.is(200);
        let _ = run(app, &["user", "create", "root@example.com"]).refused(1);

        // What is done beside the running server is in force there within seconds.
        let _ =
            run(app, &["user", "role", "root@example.com", "--remove", "admin", "--add", "editor"]).good();
        until(async || root.get("/v1/auditEvents").await.status == 404).await;
        let _ = root.get("/v1/notes").await.is(200);
        let listed = run(app, &["user", "list"]).good().stdout;
        assert!(listed.contains("root@example.com  editor"), "{listed}");
        let _ = run(app, &["user", "disable", "root@example.com"]).good();
        until(async || root.get("/v1/notes").await.status == 401).await;
        let _ = run(app, &["user", "role", "root@example.com", "--add", "service"]).refused(1);
        let _ = run(app, &["user", "delete", "nobody@example.com"]).refused(1);
        let _ = run(app, &["user", "delete", "root@example.com"]).good();
        assert_eq!(run(app, &["user", "list", "--json"]).good().stdout, "");
    });
}

#[test]
fn a_key_is_printed_alone_and_ended() {
    on_both(async |app| {
        let _ = run(app, &["user", "create", "ann@example.com"]).good();
        let made = run(
            app,
            &["key", "create", "--name", "ci", "--scope", "notes:read", "--user", "ann@example.com"],
        )
        .good();
        let key = made.stdout.trim().to_owned();
        assert!(key.starts_with("lwk_") && !key.contains(char::is_whitespace), "{key}");
        let program = bearer(app, &key);
        let _ = program.get("/v1/notes").await.is(200);
        let listed = run(app, &["key", "list"]).good().stdout;
        assert!(listed.contains("notes:read") && !listed.contains(&key), "{listed}");
        let wrong =
            run(app, &["key", "create", "--name", "x", "--scope", "note:read", "--user", "ann@example.com"])
                .refused(1);
        assert!(wrong.stderr.contains("notes"), "{}", wrong.stderr);
        let _ = run(app, &["key", "revoke", &key[..16]]).good();
        until(async || program.get("/v1/notes").await.status == 401).await;
        let _ = run(app, &["key", "revoke", "lwk_unknown"]).refused(1);
    });
}

#[test]
fn a_model_without_accounts_says_so() {
    for backend in Backend::available() {
        runtime::block_on(async {
            let model = "type Note @model @allow(to: [READ], role: \"anyone\") { text: String }";
            let app = App::start(backend, model).await;
            let said = run(&app, &["user", "list"]).refused(1);
            assert!(said.stderr.contains("no accounts"), "{}", said.stderr);
            let _ = app.anyone().post("/auth/sign-in", json!({})).await.is(404);
            let _ = app.anyone().get("/auth/me").await.is(404);
        });
    }
}
