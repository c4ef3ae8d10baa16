//! One statement per read: the texts, on both databases, as snapshots that review can read.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;

use entity::Input;
use entity::model::{Source, compile};
use service::database::Settings;
use service::engine::Request;
use service::engine::request::{By, ConnectionPart, List, Order, PageFact, Read, Requested, Root, Selected};
use service::{Limits, Principal, Service};

const MODEL: &str = r#"
type Artist @model @allow(to: [READ], role: "anyone") { name: String! albums: [Album!]! }
type Album @model @allow(to: [READ], role: "anyone", where: { published: { eq: true } }) {
  title: String! artist: Artist! published: Boolean! @default(value: false) tracks: [Track!]!
}
type Track @model @allow(to: [READ], role: "anyone", via: "album") {
  name: String! album: Album! position: Int! price: Decimal! @default(value: "0.99")
}
"#;

/// A service over a database that is never asked: only texts are made.
async fn service(url: &str) -> Service {
    let service = Service::open(&Settings::new(url), Limits::default()).await.unwrap();
    let compiled = compile(&[Source::new("model.graphql", MODEL)]).unwrap();
    service.replace(Arc::new(compiled.catalog));
    service
}

fn fields(names: &[&str]) -> Vec<Selected> {
    names
        .iter()
        .map(|name| Selected {
            key: (*name).to_owned(),
            what: Requested::Field { name: (*name).to_owned(), parts: None },
        })
        .collect()
}

fn one(key: &str, selection: Vec<Selected>) -> Selected {
    Selected { key: key.to_owned(), what: Requested::One { name: key.to_owned(), selection } }
}

/// The texts of a read, by an administrator and by anyone, on both databases.
async fn statements(read: impl Fn(&Service) -> Read) -> String {
    let folder = tempfile::tempdir().unwrap();
    let sqlite = format!("sqlite://{}", folder.path().join("test.db").display());
    let mut text = String::new();
    for (name, url) in [("SQLite", sqlite.as_str()), ("PostgreSQL", "postgres://nobody@127.0.0.1:1/none")] {
        let service = service(url).await;
        for principal in [Principal::Admin, Principal::Anonymous] {
            let context = service.context(principal.clone(), None);
            let request = Request::Read(vec![Root { key: "x".into(), ask: read(&service) }]);
            let prepared = service.engine().prepare(&context, &request).unwrap();
            text.push_str(&format!("-- {name}, {principal:?}\n{}\n\n", prepared.statement()));
        }
    }
    text
}

fn id(service: &Service, name: &str) -> entity::EntityId {
    service.catalog().entity_named(name).unwrap().id
}

#[tokio::test]
async fn a_row_by_id() {
    snapshot(
        "a_row_by_id",
        statements(|service| Read::One {
            entity: id(service, "Track"),
            by: By::Id(Input::Param(0)),
            selection: fields(&["id", "name", "price", "createdAt"]),
            facts: true,
        })
        .await,
    );
}

#[tokio::test]
async fn a_page_with_two_nested_levels() {
    snapshot(
        "a_page_with_two_nested_levels",
        statements(|service| {
            let mut selection = fields(&["id", "name"]);
            let mut album = fields(&["title"]);
            album.push(one("artist", fields(&["name"])));
            selection.push(one("album", album));
            let mut list = List::of(
                id(service, "Track"),
                vec![
                    ("nodes".into(), ConnectionPart::Nodes(selection)),
                    (
                        "pageInfo".into(),
                        ConnectionPart::PageInfo(vec![
                            ("hasNextPage".into(), PageFact::HasNext),
                            ("endCursor".into(), PageFact::End),
                        ]),
                    ),
                ],
            );
            list.page.first = Some(20);
            list.order = vec![Order { path: vec!["name".into()], descending: false, nulls: None }];
            Read::List(list)
        })
        .await,
    );
}

#[tokio::test]
async fn nested_lists_and_a_condition_through_relations() {
    snapshot(
        "nested_lists_and_a_condition_through_relations",
        statements(|service| {
            let tracks = List { page: service::engine::request::Page { first: Some(5), ..Default::default() }, ..List::of(id(service, "Track"), vec![("nodes".into(), ConnectionPart::Nodes(fields(&["name"])))]) };
            let mut album = fields(&["title"]);
            album.push(Selected { key: "tracks".into(), what: Requested::Many { name: "tracks".into(), list: Box::new(tracks) } });
            let albums = List { page: service::engine::request::Page { first: Some(5), ..Default::default() }, ..List::of(id(service, "Album"), vec![("nodes".into(), ConnectionPart::Nodes(album))]) };
            let mut artist = fields(&["name"]);
            artist.push(Selected { key: "albums".into(), what: Requested::Many { name: "albums".into(), list: Box::new(albums) } });
            let mut list = List::of(id(service, "Artist"), vec![("nodes".into(), ConnectionPart::Nodes(artist))]);
            list.filter = Some(Input::from(serde_json::json!({ "albums": { "some": { "tracks": { "none": { "price": { "gt": "10" } } } } } })));
            list.page.first = Some(10);
            Read::List(list)
        })
        .await,
    );
}

#[tokio::test]
async fn a_page_of_an_integrator_with_total() {
    snapshot(
        "a_page_of_an_integrator_with_total",
        statements(|service| {
            List {
                facts: true,
                total: true,
                filter: Some(Input::Object(vec![(
                    "position".into(),
                    Input::Object(vec![("gt".into(), Input::Param(0))]),
                )])),
                ..List::of(
                    id(service, "Track"),
                    vec![("data".into(), ConnectionPart::Nodes(fields(&["id", "name"])))],
                )
            }
            .into_read()
        })
        .await,
    );
}

fn snapshot(name: &str, text: String) {
    insta::with_settings!({ omit_expression => true }, { insta::assert_snapshot!(name, text) });
}

trait IntoRead {
    fn into_read(self) -> Read;
}

impl IntoRead for List {
    fn into_read(self) -> Read {
        Read::List(self)
    }
}
