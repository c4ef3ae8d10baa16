//! The OpenAPI documents, judged by what integrators use: two linters, a validator, and a generator of types.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;
use std::time::Duration;

use harness::program::workspace;
use harness::{App, Backend, Mailbox, Value, json, model, runtime};

use crate::install;
use crate::run::{Said, run};

/// The longest takes half a minute on a small machine that does something else too.
const PATIENCE: Duration = Duration::from_secs(300);

/// Each model's document as anyone and as the admin sees it, in files.
static DOCUMENTS: LazyLock<Vec<PathBuf>> = LazyLock::new(|| {
    let example = workspace().join("examples/music-store/model.graphql");
    let example = std::fs::read_to_string(example).expect("the example's model");
    let further = std::fs::read_to_string(install::here().join("further.graphql")).expect("the model");
    let everything = format!("{}\n{further}", model::text("everything"));
    let mut files = Vec::new();
    for (name, model) in [("music-store", example), ("everything", everything)] {
        let told: Vec<_> = Backend::available()
            .into_iter()
            .map(|backend| runtime::block_on(told(backend, &model)))
            .collect();
        assert!(told.windows(2).all(|pair| pair[0] == pair[1]), "{name}: the engines' documents differ");
        for (who, document) in ["anyone", "admin"].iter().zip(&told[0]) {
            let file = install::left().join(format!("{name}-{who}.json"));
            std::fs::write(&file, document.to_string()).expect("the document is written");
            files.push(file);
        }
    }
    let told: Vec<_> =
        Backend::available().into_iter().map(|backend| runtime::block_on(told_a_user(backend))).collect();
    assert!(told.windows(2).all(|pair| pair[0] == pair[1]), "accounts: the engines' documents differ");
    for (who, document) in ["anyone", "admin", "user"].iter().zip(&told[0]) {
        let file = install::left().join(format!("accounts-{who}.json"));
        std::fs::write(&file, document.to_string()).expect("the document is written");
        files.push(file);
    }
    files
});

/// A model that somebody has to sign in for.
const ACCOUNTS: &str = "type Note @model @allow(to: [ALL], where: { owner: { eq: \"$user.id\" } }) {
  text: String!
  owner: User! @default(value: \"$user.id\") @api(create: false, update: false)
}
type Project @model @tenant @unique(fields: [\"code\"]) @allow(to: [ALL], role: \"org:owner\") @allow(to: [READ], role: \"service\") {
  code: String!
}";

async fn told_a_user(backend: Backend) -> [Value; 3] {
    let mailbox = Mailbox::start();
    let app = App::with(backend, ACCOUNTS).env("LAUNCHWAY_MAIL__URL", &mailbox.url()).start().await;
    let (email, password) = ("ann@example.com", "four words nobody guesses");
    let _ = app.anyone().post("/auth/sign-up", json!({ "email": email, "password": password })).await.is(200);
    let code = mailbox.wait(email).await.code.expect("a code");
    let verify = json!({ "token": code, "password": password });
    let tokens = app.anyone().post("/auth/verify-email", verify).await.is(200).json();
    let bearer = format!("Bearer {}", tokens["accessToken"].as_str().expect("a token"));
    let user = app.anyone().with("authorization", &bearer);
    let mut documents = Vec::new();
    for actor in [app.anyone(), app.admin(), user] {
        documents.push(actor.get("/openapi.json").await.good().json());
    }
    documents.try_into().expect("three documents")
}

async fn told(backend: Backend, model: &str) -> [Value; 2] {
    let app = App::start(backend, model).await;
    let [anyone, admin] = [app.anyone(), app.admin()];
    [anyone.get("/openapi.json").await.good().json(), admin.get("/openapi.json").await.good().json()]
}

/// A program of `package.json`, with the ways in which they write to the outside turned off.
fn program(folder: &Path, name: &str) -> Command {
    let mut command = Command::new("node");
    command.arg(folder.join("node_modules/.bin").join(name)).current_dir(folder).envs([
        ("REDOCLY_TELEMETRY", "off"),
        ("REDOCLY_SUPPRESS_UPDATE_NOTICE", "true"),
        ("NO_COLOR", "1"),
    ]);
    command
}

fn spectral(folder: &Path, documents: &[PathBuf]) -> Said {
    let rules = install::here().join("spectral.yaml");
    let mut command = program(folder, "spectral");
    run(command.args(["lint", "--fail-severity", "hint", "--ruleset"]).arg(rules).args(documents), PATIENCE)
}

fn redocly(folder: &Path, documents: &[PathBuf]) -> Said {
    let rules = install::here().join("redocly.yaml");
    let mut command = program(folder, "redocly");
    run(command.args(["lint", "--format", "stylish", "--config"]).arg(rules).args(documents), PATIENCE)
}

fn validator(folder: &Path, documents: &[PathBuf]) -> Said {
    let program = folder.join("bin/openapi-spec-validator");
    run(Command::new(program).args(["--schema", "3.1"]).args(documents), PATIENCE)
}

/// The types of a document, beside it.
fn types(folder: &Path, document: &Path) -> (Said, PathBuf) {
    let target = document.with_extension("d.ts");
    let mut command = program(folder, "openapi-typescript");
    // What has a default may be left out of a body; the generator believes otherwise unless it is told.
    let _ = command.args(["--default-non-nullable", "false"]);
    (run(command.arg(document).arg("--output").arg(&target), PATIENCE), target)
}

fn typescript(folder: &Path, files: &[PathBuf]) -> Said {
    let mut command = program(folder, "tsc");
    let strict =
        ["--noEmit", "--strict", "--target", "es2022", "--module", "es2022", "--moduleResolution", "bundler"];
    run(command.args(strict).args(files), PATIENCE)
}

#[test]
fn spectral_finds_nothing() {
    let Some(folder) = install::node() else { return };
    let _ = spectral(folder, &DOCUMENTS).content("Spectral");
}

#[test]
fn redocly_finds_nothing() {
    let Some(folder) = install::node() else { return };
    let _ = redocly(folder, &DOCUMENTS).content("Redocly");
}

#[test]
fn the_specification_s_own_schema_finds_nothing() {
    let Some(folder) = install::python() else { return };
    let _ = validator(folder, &DOCUMENTS).content("openapi-spec-validator");
}

#[test]
fn types_can_be_generated_and_are_exact() {
    let Some(folder) = install::node() else { return };
    let mut files = Vec::new();
    for document in DOCUMENTS.iter() {
        let (said, types) = types(folder, document);
        let _ = said.content("openapi-typescript");
        files.push(types);
    }
    let client = install::left().join("client.ts");
    let _ = std::fs::copy(install::here().join("client.ts"), &client).expect("a client to be compiled");
    files.push(client);
    let _ = typescript(folder, &files).content("TypeScript");
}

/// So that silence is worth something: each of the tools complains when there is a reason to.
#[test]
fn each_of_them_complains_of_a_broken_document() {
    let broken = install::left().join("broken.json");
    let document = json!({
        "openapi": "3.1.0",
        "info": { "title": "Broken", "version": "1" },
        "paths": { "/a/{id}": { "get": { "responses": { "200": { "$ref": "#/components/responses/Missing" } } } } },
    });
    std::fs::write(&broken, document.to_string()).expect("the document is written");
    let documents = [broken.clone()];
    if let Some(folder) = install::node() {
        assert!(!spectral(folder, &documents).good);
        assert!(!redocly(folder, &documents).good);
        assert!(!types(folder, &broken).0.good);
        let wrong = install::left().join("wrong.ts");
        std::fs::write(&wrong, "export const one: number = \"one\";\n").expect("the file is written");
        assert!(!typescript(folder, &[wrong]).good);
    }
    if let Some(folder) = install::python() {
        assert!(!validator(folder, &documents).good);
    }
}
