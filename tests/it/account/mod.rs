//! Accounts over HTTP, on both engines and through both APIs: what users and attackers do.

mod cookie;
mod email;
mod guess;
mod life;
mod password;
mod refresh;
mod totp;

use harness::{Accounts, App, Backend, Mailbox, Person, json, runtime};

/// Rows of users, and rows of organizations.
const MODEL: &str = r#"
type Note @model
  @allow(to: [ALL], where: { owner: { eq: "$user.id" } })
  @allow(to: [ALL], role: "service", where: { owner: { eq: "$user.id" } })
  @allow(to: [READ], role: "service", where: { text: { eq: "for keys" } })
  @allow(to: [READ], role: "admin") {
  text: String!
  owner: User! @default(value: "$user.id")
  lines: [Line!]!
}
type Line @model
  @allow(to: [ALL], where: { note: { owner: { eq: "$user.id" } } })
  @allow(to: [ALL], role: "service", where: { note: { owner: { eq: "$user.id" } } }) {
  words: String!
  note: Note!
}
type Task @model @tenant
  @allow(to: [ALL])
  @allow(to: [ALL], role: "service") {
  title: String!
}
"#;

/// A program on an engine, with the settings given.
async fn program(backend: Backend, mailbox: &Mailbox, settings: &[(&str, &str)]) -> App {
    let mut builder = App::with(backend, MODEL)
        .env("LAUNCHWAY_MAIL__URL", &mailbox.url())
        .env("LAUNCHWAY_AUTH__SECRET", "a secret of the tests, and of nothing else at all");
    for (name, value) in settings {
        builder = builder.env(name, value);
    }
    builder.start().await
}

/// Runs a test on every engine, each with a program, a database and a mailbox of its own.
fn both(test: impl AsyncFn(&App, &Accounts<'_>, &Mailbox)) {
    with(&[], test);
}

/// The same with settings.
fn with(settings: &[(&str, &str)], test: impl AsyncFn(&App, &Accounts<'_>, &Mailbox)) {
    for backend in Backend::available() {
        runtime::block_on(async {
            println!("on {backend:?}");
            let mailbox = Mailbox::start();
            let app = program(backend, &mailbox, settings).await;
            test(&app, &Accounts::start(&app, &mailbox), &mailbox).await;
        });
    }
}

/// Asserts that a session has ended: neither of its tokens is good.
async fn ended(app: &App, person: &Person) {
    let _ = person.get("/v1/notes").await.is(401).fails("BAD_CREDENTIALS");
    let refresh = json!({ "refreshToken": person.refresh });
    let _ = app.anyone().post("/auth/refresh", refresh).await.is(401).fails("BAD_CREDENTIALS");
}
