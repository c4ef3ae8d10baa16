//! A service goes on with its model while the database gets other names, prepared reads included.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use entity::Input;
use entity::model::{Source, compile};
use migration::{Allow, Options};
use sea_orm::ConnectionTrait;
use serde_json::json;
use service::database::Settings;
use service::engine::Request;
use service::engine::request::{
    Answer, By, Change, ConnectionPart, List, Read, Requested, Root, Selected, Write,
};
use service::publish::Apply;
use service::{Code, Limits, Principal, Service};

const BEFORE: &str = "
type Item @model(id: SERIAL) { name: String! @unique @check(minLength: 2)  note: String  tags: [Tag!]! }
type Tag @model(id: SERIAL) { word: String!  items: [Item!]! }";

/// What a model may leave out.
const NOTE: &str = "note: String ";

const AFTER: &str = "
type Thing @model(id: SERIAL) @was(name: \"Item\") { label: String! @was(name: \"name\") @unique @check(minLength: 2)  note: String  words: [Word!]! @was(name: \"tags\") }
type Word @model(id: SERIAL) @was(name: \"Tag\") { text: String! @was(name: \"word\")  things: [Thing!]! @was(name: \"items\") }";

fn field(name: &str) -> Vec<Selected> {
    vec![Selected { key: name.to_owned(), what: Requested::Field { name: name.to_owned(), parts: None } }]
}

fn write(service: &Service, change: Change) -> Request {
    let entity = service.catalog().entity_named("Item").unwrap().id;
    let ask = Write { entity, change, answer: Answer::One(field("name")) };
    Request::Write(vec![Root { key: "x".into(), ask }])
}

fn create(service: &Service, name: &str) -> Request {
    let row = json!({ "name": name, "tags": { "create": [{ "word": "w" }] } });
    write(service, Change::Create { rows: vec![Input::from(row)] })
}

/// A service in which one row was made.
async fn begun(url: &str) -> Service {
    let service = Service::open(&Settings::new(url), Limits::default()).await.unwrap();
    service.publish(&[Source::new("model.graphql", BEFORE)], Apply::Safe).await.unwrap();
    let context = service.context(Principal::Admin, None);
    service.engine().run(&context, &create(&service, "one")).await.unwrap();
    service
}

/// Another process has another model.
async fn apply(url: &str, model: &str, allow: &[&str]) {
    let other = Service::open(&Settings::new(url), Limits::default()).await.unwrap();
    let catalog = compile(&[Source::new("model.graphql", model)]).unwrap().catalog;
    let consents = allow.iter().map(|consent| consent.parse().unwrap()).collect();
    let options = Options { allow: Allow { consents, ..Allow::default() }, ..Options::default() };
    let applied = migration::apply(other.database().writer(), &catalog, model, &options).await.unwrap();
    assert!(applied.changed);
}

async fn goes_on(url: &str, drops_views: bool) {
    let service = begun(url).await;
    let context = service.context(Principal::Admin, None);
    let engine = service.engine();
    let connection = service.database().writer();
    let entity = service.catalog().entity_named("Item").unwrap().id;
    let read = Read::One { entity, by: By::Id(Input::Param(0)), selection: field("name"), facts: false };
    let request = Request::Read(vec![Root { key: "x".into(), ask: read }]);
    let prepared = engine.prepare(&context, &request).unwrap();
    let id = [Input::from(json!("1"))];
    let before = engine.fetch(&context, &prepared, &id).await.unwrap();

    apply(url, AFTER, &[]).await;
    if drops_views {
        // As behind a pooler that does not keep the `search_path`.
        let schema = migration::version_schema(&service.catalog().version);
        connection.execute_unprepared(&format!("DROP SCHEMA \"{schema}\" CASCADE")).await.unwrap();
    }

    let after = engine.fetch(&context, &prepared, &id).await.unwrap();
    assert_eq!(before.roots[0].json, after.roots[0].json);
    assert!(prepared.statement().contains("things"), "{}", prepared.statement());
    assert!(prepared.fits(&service.context(Principal::Admin, None)), "what is kept of it stays good");
    engine.run(&context, &create(&service, "two")).await.unwrap();
    // What is wrong is said in the model's words.
    let twice = engine.run(&context, &create(&service, "two")).await.unwrap_err();
    assert_eq!((twice.code(), twice.input_path().as_str()), (Code::UniqueViolation, "name"));
    // A name that nobody knows is our fault, and no reason to go on trying.
    connection.execute_unprepared("ALTER TABLE \"things\" RENAME TO \"nowhere\"").await.unwrap();
    let gone = engine.fetch(&context, &prepared, &id).await.unwrap_err();
    assert_eq!(gone.code(), Code::Internal);
}

#[tokio::test(flavor = "multi_thread")]
async fn on_sqlite() {
    let folder = tempfile::tempdir().unwrap();
    goes_on(&file(&folder), false).await;
}

fn file(folder: &tempfile::TempDir) -> String {
    format!("sqlite://{}", folder.path().join("test.db").display())
}

#[tokio::test(flavor = "multi_thread")]
async fn on_postgres_without_the_former_names() {
    let Some(cluster) = tokio::task::spawn_blocking(harness::postgres::shared).await.unwrap() else { return };
    let name = cluster.create_database().await;
    goes_on(&cluster.url(&name), true).await;
}

/// What was dropped with consent is gone; the rest of the table goes on, whatever it is called by now.
async fn without_what_was_dropped(url: &str) {
    let service = begun(url).await;
    apply(url, &AFTER.replace(NOTE, ""), &["drop:Thing.note"]).await;
    let context = service.context(Principal::Admin, None);
    let engine = service.engine();
    let entity = service.catalog().entity_named("Item").unwrap().id;
    let read = |selection| {
        let read = Read::One { entity, by: By::Id(Input::from(json!("1"))), selection, facts: false };
        Request::Read(vec![Root { key: "x".into(), ask: read }])
    };
    let found = engine.run(&context, &read(field("name"))).await.unwrap();
    assert_eq!(found.roots[0].json.as_deref().unwrap().replace(' ', ""), r#"{"name":"one"}"#);
    engine.run(&context, &create(&service, "two")).await.unwrap();
    let found = engine.run(&context, &read(field("note"))).await;
    if url.starts_with("sqlite") {
        let json = found.unwrap().roots[0].json.clone().unwrap();
        assert_eq!(json.replace(' ', ""), r#"{"note":null}"#);
    } else {
        // The views of the former names are without it.
        assert_eq!(found.unwrap_err().code(), Code::Internal);
    }
    // What depends on its values can't be answered.
    let filter = Some(Input::from(json!({ "note": { "isNull": true } })));
    let list = List { filter, ..List::of(entity, vec![("count".into(), ConnectionPart::Total)]) };
    let asked = Request::Read(vec![Root { key: "x".into(), ask: Read::List(list) }]);
    assert_eq!(engine.run(&context, &asked).await.unwrap_err().code(), Code::Internal);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_column_on_sqlite() {
    let folder = tempfile::tempdir().unwrap();
    without_what_was_dropped(&file(&folder)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_column_on_postgres() {
    let Some(cluster) = tokio::task::spawn_blocking(harness::postgres::shared).await.unwrap() else { return };
    let name = cluster.create_database().await;
    without_what_was_dropped(&cluster.url(&name)).await;
}
