//! Accounts over HTTP, on both engines and through both APIs: what users and attackers do.

mod assignment;
mod audit;
mod canary;
mod client;
mod cookie;
mod email;
mod enumeration;
mod guess;
mod idle;
mod key;
mod life;
mod matrix;
mod organization;
mod password;
mod race;
mod refresh;
mod repeat;
mod rotation;
mod tenant;
mod token;
mod totp;
mod unproved;
mod visible;

use harness::app::Builder;
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

/// What signing keys and seeds are encrypted with.
const SECRET: &str = "a secret of the tests, and of nothing else at all";

/// A program on an engine, with the settings given.
async fn program(backend: Backend, mailbox: &Mailbox, settings: &[(&str, &str)]) -> App {
    configured(App::with(backend, MODEL), mailbox, settings).start().await
}

/// Another node on the database of a program, with settings of its own.
async fn beside(app: &App, mailbox: &Mailbox, settings: &[(&str, &str)]) -> App {
    let builder = App::with(app.backend(), MODEL).database(app.database());
    configured(builder, mailbox, settings).start().await
}

fn configured(builder: Builder, mailbox: &Mailbox, settings: &[(&str, &str)]) -> Builder {
    let builder = builder.env("LAUNCHWAY_MAIL__URL", &mailbox.url()).env("LAUNCHWAY_AUTH__SECRET", SECRET);
    settings.iter().fold(builder, |builder, (name, value)| builder.env(name, value))
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
