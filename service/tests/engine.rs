//! The engine on both databases, without a protocol: a request in, JSON out, the same from both.
//!
//! SQLite always; PostgreSQL where its programs are found (see the harness).
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]
#![allow(clippy::too_many_lines, reason = "a test is a story")]

use entity::Input;
use entity::model::Source;
use serde_json::{Value, json};
use service::database::Settings;
use service::engine::request::{
    Aggregate, AggregateOrder, AggregatePart, Answer, BatchPart, Bucket, By, Change, ConnectionPart,
    EdgePart, Function, Group, KeyPart, List, Measure, MeasurePart, Order, PageFact, Read, Requested, Root,
    Selected, Target, Write,
};
use service::engine::{Facts, Request, WriteOptions, Written};
use service::publish::Apply;
use service::{Code, Limits, Principal, Service};

const MODEL: &str = r#"
enum Mood { CALM LOUD }
type Genre @model(id: SERIAL) @allow(to: [READ], role: "anyone") { name: String! @unique tracks: [Track!]! }
type Artist @model @allow(to: [READ], role: "anyone") { name: String! @unique albums: [Album!]! }
type Album @model @allow(to: [READ], role: "anyone", where: { published: { eq: true } }) {
  title: String! @check(maxLength: 20)
  artist: Artist! @relation(onDelete: CASCADE)
  releasedOn: Date
  published: Boolean! @default(value: false)
  tracks: [Track!]!
}
type Address { street: String! city: String zip: BigInt }
type Track @model @unique(fields: ["album", "position"]) @allow(to: [READ], role: "anyone", via: "album") {
  name: String!
  album: Album! @relation(onDelete: CASCADE)
  genre: Genre
  position: Int! @check(min: 1)
  price: Decimal! @default(value: "0.99")
  length: Float
  plays: BigInt! @default(value: 0)
  mood: Mood
  tags: [String!]
  extra: JSON
  recorded: Address
  secret: String @allow(to: [READ], role: "admin")
  playlists: [Playlist!]!
}
type Playlist @model(softDelete: true) @allow(to: [READ], role: "anyone") { name: String! tracks: [Track!]! }
"#;

struct Bench {
    service: Service,
    _folder: tempfile::TempDir,
}

async fn sqlite() -> Bench {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}", folder.path().join("test.db").display());
    open(url, folder).await
}

async fn postgres() -> Option<Bench> {
    let cluster = tokio::task::spawn_blocking(harness::postgres::shared).await.unwrap()?;
    let name = cluster.create_database().await;
    Some(open(cluster.url(&name), tempfile::tempdir().unwrap()).await)
}

async fn open(url: String, folder: tempfile::TempDir) -> Bench {
    let service = Service::open(&Settings::new(url), Limits::default()).await.unwrap();
    if let Err(error) = service.publish(&[Source::new("model.graphql", MODEL)], Apply::Safe).await {
        panic!("{error:?}");
    }
    Bench { service, _folder: folder }
}

fn input(value: Value) -> Input {
    Input::from(value)
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

impl Bench {
    fn entity(&self, name: &str) -> entity::EntityId {
        self.service.catalog().entity_named(name).unwrap().id
    }

    async fn run(
        &self,
        principal: Principal,
        request: Request,
    ) -> service::Result<Vec<(Value, Option<Facts>)>> {
        let context = self.service.context(principal, None);
        let reply = self.service.engine().run(&context, &request).await?;
        Ok(reply
            .roots
            .into_iter()
            .map(|root| {
                (root.json.map_or(Value::Null, |json| serde_json::from_str(&json).unwrap()), root.facts)
            })
            .collect())
    }

    async fn read(&self, principal: Principal, read: Read) -> service::Result<Value> {
        Ok(self.run(principal, Request::Read(vec![Root { key: "x".into(), ask: read }])).await?.remove(0).0)
    }

    async fn write(&self, write: Write) -> service::Result<(Value, Facts)> {
        let (json, facts) = self
            .run(Principal::Admin, Request::Write(vec![Root { key: "x".into(), ask: write }]))
            .await?
            .remove(0);
        Ok((json, facts.unwrap()))
    }

    async fn create(&self, entity: &str, row: Value, selection: &[&str]) -> service::Result<(Value, Facts)> {
        let change = Change::Create { rows: vec![input(row)] };
        self.write(Write { entity: self.entity(entity), change, answer: Answer::One(fields(selection)) })
            .await
    }

    fn list(&self, entity: &str, selection: Vec<Selected>) -> List {
        List::of(self.entity(entity), vec![("nodes".into(), ConnectionPart::Nodes(selection))])
    }

    /// Two artists, three albums, some tracks.
    async fn fill(&self) {
        for (artist, albums) in [
            (
                "Ada",
                json!([
            { "title": "First", "published": true, "releasedOn": "2020-01-31", "tracks": { "create": [
                { "name": "One", "position": 1, "price": "1.5", "length": 100.0, "mood": "CALM", "tags": ["a", "b"], "genre": { "create": { "name": "Jazz" } } },
                { "name": "Two %", "position": 2, "length": 0.1, "plays": "9007199254740993", "extra": { "b": 1, "aa": [true, null] },
                  "recorded": { "street": "Main \"1\"", "zip": "12" } },
                { "name": "three", "position": 3, "price": "-0.000001", "secret": "s3" } ] } },
            { "title": "Hidden", "tracks": { "create": [{ "name": "Unheard", "position": 1 }] } } ]),
            ),
            (
                "Bo",
                json!([{ "title": "Ünïcode 🎵", "published": true, "tracks": { "create": [{ "name": "", "position": 1, "length": 1e20 }] } }]),
            ),
        ] {
            self.create("Artist", json!({ "name": artist, "albums": { "create": albums } }), &["id"])
                .await
                .unwrap();
        }
    }
}

/// The same on both databases, compared.
async fn both<F>(test: F)
where
    F: AsyncFn(&Bench) -> Value,
{
    let lite = sqlite().await;
    let from_sqlite = test(&lite).await;
    if let Some(bench) = postgres().await {
        let from_postgres = test(&bench).await;
        assert_eq!(from_sqlite, from_postgres, "the databases differ");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nested_pages_with_values_of_every_kind() {
    both(async |bench| {
        bench.fill().await;
        let tracks = List {
            order: vec![Order { path: vec!["position".into()], descending: true, nulls: None }],
            ..bench.list("Track", fields(&["name", "position", "price", "length", "plays", "mood", "tags", "extra", "recorded"]))
        };
        let mut tracks = tracks;
        tracks.parts.push(("totalCount".into(), ConnectionPart::Total));
        tracks.parts.push(("info".into(), ConnectionPart::PageInfo(vec![("next".into(), PageFact::HasNext), ("previous".into(), PageFact::HasPrevious)])));
        tracks.page.first = Some(2);
        let mut selection = fields(&["title", "releasedOn", "published"]);
        selection.push(Selected { key: "by".into(), what: Requested::One { name: "artist".into(), selection: fields(&["name"]) } });
        selection.push(Selected { key: "tracks".into(), what: Requested::Many { name: "tracks".into(), list: Box::new(tracks) } });
        let albums = List { order: vec![Order { path: vec!["artist".into(), "name".into()], descending: true, nulls: None }, Order { path: vec!["title".into()], descending: false, nulls: None }], ..bench.list("Album", selection) };
        let all = bench.read(Principal::Admin, Read::List(albums.clone())).await.unwrap();
        assert_eq!(all["nodes"][0]["title"], "Ünïcode 🎵");
        assert_eq!(all["nodes"][0]["tracks"]["nodes"][0]["length"], json!(1e20));
        assert_eq!(all["nodes"][1]["tracks"], json!({
            "nodes": [
                { "name": "three", "position": 3, "price": "-0.000001", "length": null, "plays": "0", "mood": null, "tags": null, "extra": null, "recorded": null },
                { "name": "Two %", "position": 2, "price": "0.99", "length": 0.1, "plays": "9007199254740993", "mood": null, "tags": null,
                  "extra": { "b": 1, "aa": [true, null] }, "recorded": { "street": "Main \"1\"", "city": null, "zip": "12" } }
            ],
            "totalCount": 3,
            "info": { "next": true, "previous": false }
        }));
        let visible = bench.read(Principal::Anonymous, Read::List(albums)).await.unwrap();
        assert_eq!(visible["nodes"].as_array().unwrap().len(), 2, "{visible}");
        json!([all, visible])
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn conditions_of_every_operator() {
    both(async |bench| {
        bench.fill().await;
        let cases = [
            (json!({ "name": { "eq": "One" } }), 1),
            (json!({ "name": { "ne": "One" } }), 4),
            (json!({ "name": { "in": ["One", "three"] } }), 2),
            (json!({ "name": { "in": [] } }), 0),
            (json!({ "name": { "notIn": [] } }), 5),
            (json!({ "name": { "contains": "%" } }), 1),
            (json!({ "name": { "startsWith": "T" } }), 1),
            (json!({ "name": { "istartsWith": "T" } }), 2),
            (json!({ "name": { "endsWith": "e" } }), 2),
            (json!({ "name": { "like": "T__ \\%" } }), 1),
            (json!({ "name": { "like": "T\\" } }), 0),
            (json!({ "name": { "ieq": "ONE" } }), 1),
            (json!({ "name": { "icontains": "N" } }), 2),
            (json!({ "name": { "iendsWith": "E" } }), 2),
            (json!({ "price": { "gt": "0.99" } }), 1),
            (json!({ "price": { "between": ["-1", "0.99"] } }), 4),
            (json!({ "price": { "lt": 0 } }), 1),
            (json!({ "length": { "isNull": true } }), 2),
            (json!({ "length": { "gte": 0.1 } }), 3),
            (json!({ "plays": { "eq": "9007199254740993" } }), 1),
            (json!({ "mood": { "in": ["CALM"] } }), 1),
            (json!({ "tags": { "has": "a" } }), 1),
            (json!({ "tags": { "hasAny": ["x", "b"] } }), 1),
            (json!({ "tags": { "hasAll": ["a", "x"] } }), 0),
            (json!({ "tags": { "hasAll": [] } }), 1),
            (json!({ "not": { "tags": { "has": "a" } } }), 0),
            (json!({ "album": { "artist": { "name": { "eq": "Ada" } } } }), 4),
            (json!({ "album": { "title": { "eq": "First" }, "isNull": false } }), 3),
            (json!({ "genre": { "isNull": true } }), 4),
            (json!({ "genre": { "name": { "eq": "Jazz" } } }), 1),
            (json!({ "or": [{ "position": { "eq": 3 } }, { "and": [{ "position": { "lt": 2 } }, { "not": { "name": { "eq": "" } } }] }] }), 3),
        ];
        let mut found = Vec::new();
        for (filter, count) in cases {
            let list = List { filter: Some(input(filter.clone())), ..bench.list("Track", fields(&["name"])) };
            let rows = bench.read(Principal::Admin, Read::List(list)).await.unwrap_or_else(|error| panic!("{filter}: {error}"));
            assert_eq!(rows["nodes"].as_array().unwrap().len(), count, "{filter} gave {rows}");
            found.push(rows);
        }
        let albums = [
            (json!({ "tracks": { "some": { "position": { "eq": 2 } } } }), 1),
            (json!({ "tracks": { "none": { "position": { "eq": 2 } } } }), 2),
            (json!({ "tracks": { "every": { "length": { "gt": 0.0 } } } }), 1),
            (json!({ "tracksCount": { "gt": 1 } }), 1),
            (json!({ "tracksCount": { "in": [1, 3] } }), 3),
            (json!({ "artist": { "albumsCount": { "eq": 2 } } }), 2),
        ];
        for (filter, count) in albums {
            let list = List { filter: Some(input(filter.clone())), ..bench.list("Album", fields(&["title"])) };
            let rows = bench.read(Principal::Admin, Read::List(list)).await.unwrap_or_else(|error| panic!("{filter}: {error}"));
            assert_eq!(rows["nodes"].as_array().unwrap().len(), count, "{filter} gave {rows}");
        }
        json!(found.len())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_page_in_both_directions_under_any_order() {
    both(async |bench| {
        bench.fill().await;
        let orders = [
            vec![],
            vec![("length", false, None)],
            vec![("length", true, None)],
            vec![("length", false, Some(service::engine::request::Nulls::First)), ("name", true, None)],
            vec![("genre.name", true, Some(service::engine::request::Nulls::Last))],
            vec![("album.artist.name", false, None), ("price", true, None)],
            vec![("plays", true, None), ("id", false, None)],
        ];
        let mut all = Vec::new();
        for order in orders {
            let order: Vec<Order> = order
                .into_iter()
                .map(|(path, descending, nulls)| Order {
                    path: path.split('.').map(str::to_owned).collect(),
                    descending,
                    nulls,
                })
                .collect();
            let edges = || {
                vec![
                    (
                        "edges".to_owned(),
                        ConnectionPart::Edges(vec![
                            ("cursor".into(), EdgePart::Cursor),
                            ("node".into(), EdgePart::Node(fields(&["name"]))),
                        ]),
                    ),
                    ("end".to_owned(), ConnectionPart::Fact(PageFact::End)),
                    ("start".to_owned(), ConnectionPart::Fact(PageFact::Start)),
                    ("next".to_owned(), ConnectionPart::Fact(PageFact::HasNext)),
                    ("previous".to_owned(), ConnectionPart::Fact(PageFact::HasPrevious)),
                ]
            };
            let whole = bench
                .read(
                    Principal::Admin,
                    Read::List(List { order: order.clone(), ..List::of(bench.entity("Track"), edges()) }),
                )
                .await
                .unwrap();
            let names = |page: &Value| {
                page["edges"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(|edge| edge["node"]["name"].as_str().unwrap().to_owned())
                    .collect::<Vec<_>>()
            };
            let expected = names(&whole);
            assert_eq!(expected.len(), 5);
            let (mut forward, mut after) = (Vec::new(), None);
            loop {
                let mut list = List { order: order.clone(), ..List::of(bench.entity("Track"), edges()) };
                (list.page.first, list.page.after) = (Some(2), after.clone());
                let page = bench.read(Principal::Admin, Read::List(list)).await.unwrap();
                forward.extend(names(&page));
                assert_eq!(page["previous"], json!(after.is_some()));
                assert_eq!(page["end"], page["edges"].as_array().unwrap().last().unwrap()["cursor"]);
                if page["next"] == json!(false) {
                    break;
                }
                after = Some(page["end"].as_str().unwrap().to_owned());
            }
            assert_eq!(forward, expected, "{order:?}");
            let (mut backward, mut before) = (Vec::new(), None);
            loop {
                let mut list = List { order: order.clone(), ..List::of(bench.entity("Track"), edges()) };
                (list.page.last, list.page.before) = (Some(2), before.clone());
                let page = bench.read(Principal::Admin, Read::List(list)).await.unwrap();
                backward.splice(0..0, names(&page));
                assert_eq!(page["next"], json!(before.is_some()));
                if page["previous"] == json!(false) {
                    break;
                }
                before = Some(page["start"].as_str().unwrap().to_owned());
            }
            assert_eq!(backward, expected, "{order:?}");
            all.push(expected);
        }
        json!(all)
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn groups_and_numbers() {
    both(async |bench| {
        bench.fill().await;
        let aggregate = Aggregate {
            entity: bench.entity("Track"),
            filter: None,
            search: None,
            groups: vec![Group { name: "album".into(), bucket: None }],
            having: Some(input(json!({ "count": { "gte": 1 }, "or": [{ "sum": { "price": { "gt": "1" } } }, { "max": { "position": { "eq": 1 } } }] }))),
            order: vec![AggregateOrder::Measure(Measure::Count, true), AggregateOrder::Measure(Measure::Of(Function::Sum, "price".into()), true)],
            first: None,
            parts: vec![
                ("key".into(), AggregatePart::Key(vec![("album".into(), KeyPart::Row("album".into(), fields(&["title"])))])),
                ("count".into(), AggregatePart::Count),
                ("sum".into(), AggregatePart::Measures(Function::Sum, vec![("price".into(), MeasurePart::Field("price".into())), ("plays".into(), MeasurePart::Field("plays".into()))])),
                ("avg".into(), AggregatePart::Measures(Function::Avg, vec![("price".into(), MeasurePart::Field("price".into())), ("length".into(), MeasurePart::Field("length".into()))])),
                ("max".into(), AggregatePart::Measures(Function::Max, vec![("createdAt".into(), MeasurePart::Field("position".into())), ("name".into(), MeasurePart::Field("name".into()))])),
            ],
        };
        let groups = bench.read(Principal::Admin, Read::Aggregate(aggregate)).await.unwrap();
        assert_eq!(groups[0]["key"]["album"]["title"], "First");
        assert_eq!(groups[0]["sum"]["price"], "2.489999");
        assert_eq!(groups[0]["avg"]["length"], json!(50.05));
        for bucket in Bucket::ALL.into_iter().filter(|bucket| *bucket != Bucket::Hour) {
            let by_time = Aggregate {
                entity: bench.entity("Album"), filter: Some(input(json!({ "releasedOn": { "isNull": false } }))), search: None,
                groups: vec![Group { name: "releasedOn".into(), bucket: Some(bucket) }], having: None, order: vec![], first: None,
                parts: vec![("key".into(), AggregatePart::Key(vec![("day".into(), KeyPart::Value("releasedOn".into()))]))],
            };
            let groups_by = bench.read(Principal::Admin, Read::Aggregate(by_time)).await.unwrap();
            let expected = match bucket { Bucket::Year | Bucket::Quarter | Bucket::Month => "2020-01-01", Bucket::Week => "2020-01-27", _ => "2020-01-31" };
            assert_eq!(groups_by, json!([{ "key": { "day": expected } }]));
        }
        groups
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_hidden_is_as_if_it_were_not_there() {
    both(async |bench| {
        bench.fill().await;
        let secret = bench
            .read(Principal::Anonymous, Read::List(bench.list("Track", fields(&["secret"]))))
            .await
            .unwrap_err();
        let missing = bench
            .read(Principal::Anonymous, Read::List(bench.list("Track", fields(&["secrex"]))))
            .await
            .unwrap_err();
        assert_eq!(secret.code(), Code::UnknownField);
        assert_eq!(secret.message().replace("secret", "*"), missing.message().replace("secrex", "*"));
        assert!(!missing.hint_text().unwrap_or_default().contains("secret"));
        for filter in
            [json!({ "secret": { "eq": "s3" } }), json!({ "not": { "secret": { "isNull": true } } })]
        {
            let list = List { filter: Some(input(filter)), ..bench.list("Track", fields(&["name"])) };
            assert_eq!(
                bench.read(Principal::Anonymous, Read::List(list)).await.unwrap_err().code(),
                Code::UnknownField
            );
        }
        let list = List {
            filter: Some(input(json!({ "tracks": { "some": { "name": { "eq": "Unheard" } } } }))),
            ..bench.list("Album", fields(&["title"]))
        };
        let rows = bench.read(Principal::Anonymous, Read::List(list)).await.unwrap();
        assert_eq!(rows["nodes"], json!([]));
        let write = Write {
            entity: bench.entity("Genre"),
            change: Change::Create { rows: vec![input(json!({ "name": "x" }))] },
            answer: Answer::Nothing,
        };
        let refused = bench
            .run(Principal::Anonymous, Request::Write(vec![Root { key: "x".into(), ask: write }]))
            .await
            .unwrap_err();
        assert_eq!(refused.code(), Code::Unauthenticated);
        json!(null)
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn writes_of_every_kind() {
    both(async |bench| {
        bench.fill().await;
        let track = |name: &str| Read::List(List { filter: Some(input(json!({ "name": { "eq": name } }))), ..bench.list("Track", fields(&["id", "version", "plays", "price", "tags", "position"])) });
        let one = bench.read(Principal::Admin, track("One")).await.unwrap()["nodes"][0].clone();
        let id = one["id"].as_str().unwrap().to_owned();
        let update = |set: Value, inc: Value, append: Value, remove: Value, if_version| Write {
            entity: bench.entity("Track"),
            change: Change::Update {
                target: Target::One(By::Id(Input::String(id.clone()))),
                set: (!set.is_null()).then(|| input(set)), inc: (!inc.is_null()).then(|| input(inc)),
                append: (!append.is_null()).then(|| input(append)), remove: (!remove.is_null()).then(|| input(remove)), if_version,
            },
            answer: Answer::One(fields(&["version", "plays", "price", "tags", "genre"].map(|name| if name == "genre" { "position" } else { name }))),
        };
        let (changed, facts) = bench.write(update(json!({ "position": 9 }), json!({ "plays": "5", "price": "-0.5" }), json!({ "tags": ["c"] }), json!(null), Some(1))).await.unwrap();
        assert_eq!(changed, json!({ "version": 2, "plays": "5", "price": "1", "tags": ["a", "b", "c"], "position": 9 }));
        assert_eq!(facts.version, Some(2));
        let (changed, _) = bench.write(update(json!(null), json!(null), json!(null), json!({ "tags": ["a", "c"] }), None)).await.unwrap();
        assert_eq!(changed["tags"], json!(["b"]));
        assert_eq!(bench.write(update(json!({ "position": 1 }), json!(null), json!(null), json!(null), Some(1))).await.unwrap_err().code(), Code::VersionMismatch);
        assert_eq!(bench.write(update(json!({ "position": 2 }), json!(null), json!(null), json!(null), None)).await.unwrap_err().code(), Code::UniqueViolation);
        assert_eq!(bench.write(update(json!({ "position": 0 }), json!(null), json!(null), json!(null), None)).await.unwrap_err().code(), Code::CheckFailed);
        assert_eq!(bench.write(update(json!(null), json!({ "position": -20 }), json!(null), json!(null), None)).await.unwrap_err().code(), Code::CheckFailed);
        assert_eq!(bench.write(update(json!(null), json!({ "position": 2147483647 }), json!(null), json!(null), None)).await.unwrap_err().code(), Code::OutOfRange);
        assert_eq!(bench.write(update(json!({ "album": null }), json!(null), json!(null), json!(null), None)).await.unwrap_err().code(), Code::Required);
        let unknown = bench.write(update(json!({ "positon": 0 }), json!(null), json!(null), json!(null), None)).await.unwrap_err();
        assert_eq!((unknown.code(), unknown.hint_text()), (Code::UnknownField, Some("Did you mean `position`?")));

        // Many-to-many, and the other side of a relation.
        let (list, facts) = bench.create("Playlist", json!({ "name": "mix", "tracks": { "connect": [id], "create": [] } }), &["name", "version"]).await.unwrap();
        assert_eq!(list, json!({ "name": "mix", "version": 1 }));
        let playlist = facts.ids[0].clone();
        let members = |bench: &Bench| {
            let mut selection = fields(&["name"]);
            selection.push(Selected { key: "tracks".into(), what: Requested::Many { name: "tracks".into(), list: Box::new(bench.list("Track", fields(&["name"]))) } });
            Read::One { entity: bench.entity("Playlist"), by: By::Id(Input::String(playlist.clone())), selection, facts: true }
        };
        assert_eq!(bench.read(Principal::Admin, members(bench)).await.unwrap()["tracks"]["nodes"], json!([{ "name": "One" }]));
        let change = Change::Update { target: Target::One(By::Id(Input::String(playlist.clone()))), set: Some(input(json!({ "tracks": { "set": [] } }))), inc: None, append: None, remove: None, if_version: None };
        bench.write(Write { entity: bench.entity("Playlist"), change, answer: Answer::Nothing }).await.unwrap();
        assert_eq!(bench.read(Principal::Admin, members(bench)).await.unwrap()["tracks"]["nodes"], json!([]));

        // Soft and hard deletes.
        let delete = |entity: &str, id: &str| Write { entity: bench.entity(entity), change: Change::Delete { target: Target::One(By::Id(Input::String(id.to_owned()))), if_version: None }, answer: Answer::One(fields(&["name"])) };
        assert_eq!(bench.write(delete("Playlist", &playlist)).await.unwrap().0, json!({ "name": "mix" }));
        assert_eq!(bench.read(Principal::Admin, members(bench)).await.unwrap(), Value::Null);
        assert_eq!(bench.write(delete("Playlist", &playlist)).await.unwrap_err().code(), Code::NotFound);
        assert_eq!(bench.write(delete("Track", &id)).await.unwrap().0, json!({ "name": "One" }));

        // Plural changes are bounded, upserts find their row.
        let plural = |max| Write { entity: bench.entity("Track"), change: Change::Update { target: Target::Many { filter: input(json!({ "position": { "gt": 0 } })), max }, set: Some(input(json!({ "mood": "LOUD" }))), inc: None, append: None, remove: None, if_version: None }, answer: Answer::Batch(vec![("count".into(), BatchPart::Count), ("nodes".into(), BatchPart::Nodes(fields(&["mood"])))]) };
        assert_eq!(bench.write(plural(2)).await.unwrap_err().code(), Code::TooManyRows);
        let (batch, _) = bench.write(plural(100)).await.unwrap();
        assert_eq!(batch, json!({ "count": 4, "nodes": [{ "mood": "LOUD" }, { "mood": "LOUD" }, { "mood": "LOUD" }, { "mood": "LOUD" }] }));
        let upsert = |name: &str| Write { entity: bench.entity("Genre"), change: Change::Upsert { rows: vec![input(json!({ "name": name }))], on: Some("name".into()), set: None, if_version: None, create_only: false }, answer: Answer::One(fields(&["id", "name", "version"])) };
        let (made, facts) = bench.write(upsert("Folk")).await.unwrap();
        assert!(facts.created);
        let (found, facts) = bench.write(upsert("Folk")).await.unwrap();
        assert!(!facts.created);
        assert_eq!((&made["id"], &found["version"]), (&found["id"], &json!(2)));
        let rows: Vec<Input> = (0..300).map(|n| input(json!({ "name": format!("g{n}") }))).collect();
        let (many, facts) = bench.write(Write { entity: bench.entity("Genre"), change: Change::Create { rows }, answer: Answer::Batch(vec![("count".into(), BatchPart::Count)]) }).await.unwrap();
        assert_eq!((many, facts.ids.len()), (json!({ "count": 300 }), 300));

        // Everything or nothing.
        let two = Request::Write(vec![
            Root { key: "a".into(), ask: Write { entity: bench.entity("Genre"), change: Change::Create { rows: vec![input(json!({ "name": "A" }))] }, answer: Answer::Nothing } },
            Root { key: "b".into(), ask: Write { entity: bench.entity("Genre"), change: Change::Create { rows: vec![input(json!({ "name": "A" }))] }, answer: Answer::Nothing } },
        ]);
        assert_eq!(bench.run(Principal::Admin, two).await.unwrap_err().code(), Code::UniqueViolation);
        let left = bench.read(Principal::Admin, Read::One { entity: bench.entity("Genre"), by: By::Unique(vec![("name".into(), Input::String("A".into()))]), selection: fields(&["name"]), facts: false }).await.unwrap();
        json!([left, found["name"]])
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_idempotency_key_has_one_effect() {
    both(async |bench| {
        let context = bench.service.context(Principal::Admin, None);
        let request = Request::Write(vec![Root {
            key: "x".into(),
            ask: Write {
                entity: bench.entity("Artist"),
                change: Change::Create { rows: vec![input(json!({ "name": "Once" }))] },
                answer: Answer::Nothing,
            },
        }]);
        let render = |reply: &service::engine::Reply| service::engine::StoredAnswer {
            status: 201,
            headers: vec![("etag".into(), "\"1\"".into())],
            body: reply.roots[0].facts.as_ref().unwrap().ids[0].clone().into_bytes(),
        };
        let options = |fingerprint| WriteOptions {
            dry_run: false,
            idempotency: Some(service::engine::Idempotency {
                key: "k",
                route: "POST /v1/artists",
                fingerprint,
                render: &render,
            }),
        };
        assert!(matches!(
            bench.service.engine().write(&context, &request, options("a")).await.unwrap(),
            Written::Now(_)
        ));
        let Written::Before(stored) =
            bench.service.engine().write(&context, &request, options("a")).await.unwrap()
        else {
            panic!("done twice")
        };
        assert_eq!((stored.status, stored.headers.len()), (201, 1));
        assert_eq!(
            bench.service.engine().write(&context, &request, options("b")).await.unwrap_err().code(),
            Code::IdempotencyMismatch
        );
        json!(null)
    })
    .await;
}
