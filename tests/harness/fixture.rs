//! Models with rows in them. Tests that only read share one running program per engine; tests that write get their own.

use futures::future::BoxFuture;
use serde_json::{Value, json};
use tokio::sync::OnceCell;

use crate::{App, Backend, model, runtime};

/// A model of `tests/model` and the rows it starts with.
pub struct Fixture {
    model: &'static str,
    fill: for<'a> fn(&'a App) -> BoxFuture<'a, ()>,
    shared: [OnceCell<App>; 2],
}

/// A small record store: few rows, each there for a reason (see `fill_store`).
pub static STORE: Fixture = Fixture::new("store", |app| Box::pin(fill_store(app)));

/// Every scalar, every kind of id, rules of every kind, names that are words of SQL and of GraphQL.
pub static EVERYTHING: Fixture = Fixture::new("everything", |app| Box::pin(fill_everything(app)));

impl Fixture {
    /// A fixture of this model, filled by this function.
    pub const fn new(model: &'static str, fill: for<'a> fn(&'a App) -> BoxFuture<'a, ()>) -> Self {
        Self { model, fill, shared: [OnceCell::const_new(), OnceCell::const_new()] }
    }

    /// Runs a test that only reads, on every engine, against a program that other such tests use too.
    pub fn both(&'static self, test: impl AsyncFn(&App)) {
        for backend in Backend::available() {
            runtime::block_on(async {
                println!("on {backend:?}");
                let app = self.shared(backend).await;
                test(app).await;
                app.no_panic();
                app.no_malformed_statement();
            });
        }
    }

    /// Runs a test that writes, on every engine, each with a program and a database of its own.
    pub fn fresh(&'static self, test: impl AsyncFn(&App)) {
        for backend in Backend::available() {
            runtime::block_on(async {
                println!("on {backend:?}");
                let app = self.start(backend).await;
                test(&app).await;
            });
        }
    }

    /// The shared program of an engine, started and filled on first use.
    pub async fn shared(&'static self, backend: Backend) -> &'static App {
        let cell = &self.shared[usize::from(backend == Backend::Postgres)];
        cell.get_or_init(|| self.start(backend)).await
    }

    /// A program of its own, filled.
    pub async fn start(&self, backend: Backend) -> App {
        let app = App::start(backend, &model::text(self.model)).await;
        (self.fill)(&app).await;
        app
    }
}

/// Creates rows in one request each type and returns their ids in the order given.
pub async fn create(app: &App, path: &str, rows: Value) -> Vec<String> {
    let reply = app.admin().post(path, rows).await.is(201);
    let json = reply.json();
    let list = json
        .as_array()
        .or_else(|| json["data"].as_array())
        .unwrap_or_else(|| panic!("{}", reply.whole()))
        .clone();
    list.iter().map(|row| row["id"].as_str().unwrap_or_else(|| panic!("an id in {row}")).to_owned()).collect()
}

/// Three artists (one without a country, one without albums), four albums (one unpublished, one without tracks),
/// eight tracks whose values tie, are null, are at the edges, or hold the wildcards of LIKE; two playlists.
async fn fill_store(app: &App) {
    let genres =
        create(app, "/v1/genres", json!([{ "name": "Ambient" }, { "name": "Drone" }, { "name": "Empty" }]))
            .await;
    let artists = create(
        app,
        "/v1/artists",
        json!([
            { "name": "Ada Marsh", "country": "NO" },
            { "name": "Brünn & Söhne", "country": null },
            { "name": "zero", "country": "DE" },
        ]),
    )
    .await;
    let albums = create(
        app,
        "/v1/albums",
        json!([
            { "title": "Tidelines", "artist": artists[0], "releasedOn": "2019-03-01" },
            { "title": "Undertow", "artist": artists[0], "releasedOn": "2021-11-30" },
            { "title": "Größe", "artist": artists[1], "releasedOn": null },
            { "title": "Drafts", "artist": artists[1], "releasedOn": "2024-02-29", "published": false },
        ]),
    )
    .await;
    let (ambient, drone) = (&genres[0], &genres[1]);
    let tracks = create(
        app,
        "/v1/tracks",
        json!([
            { "name": "Low Tide", "album": albums[0], "genre": ambient, "position": 1, "unitPrice": "0.99", "milliseconds": 180_000, "rating": 4.5, "mood": "CALM", "tags": ["sea", "slow"], "bytes": "9007199254740993", "recordedAt": "2018-12-31T23:30:00Z" },
            { "name": "High Tide", "album": albums[0], "genre": ambient, "position": 2, "unitPrice": "1.29", "milliseconds": 240_000, "rating": 4.5, "mood": "HAPPY", "tags": ["sea"] },
            { "name": "100% Rain", "album": albums[0], "genre": drone, "position": 3, "unitPrice": "0.10", "milliseconds": null, "rating": null, "mood": null, "tags": [], "explicit": true },
            { "name": "under_score", "album": albums[1], "genre": drone, "position": 1, "unitPrice": "10.00", "milliseconds": 60_000, "rating": 0.1, "mood": "LOUD", "tags": ["a_b", "100%"] },
            { "name": "UNDER", "album": albums[1], "genre": null, "position": 2, "unitPrice": "2.00", "milliseconds": 60_000, "rating": -1.0, "mood": "CALM", "tags": ["sea", "loud"] },
            { "name": "O'Brien \"quoted\" \\ back", "album": albums[2], "genre": null, "position": 1, "unitPrice": "0.00", "milliseconds": 1, "rating": 3.0, "mood": "CALM", "tags": ["it's"] },
            { "name": "Ünïcode 🎵", "album": albums[2], "genre": ambient, "position": 2, "unitPrice": "0.99", "milliseconds": null, "rating": null, "mood": null, "tags": ["🎵"] },
            { "name": "hidden draft", "album": albums[3], "genre": ambient, "position": 1, "unitPrice": "5.55", "milliseconds": 5, "rating": 5.0, "mood": "LOUD", "tags": [] },
        ]),
    )
    .await;
    let playlist = "mutation($name: String!, $tracks: [ID!]!) { createPlaylist(input: { name: $name, tracks: { connect: $tracks } }) { id } }";
    for (name, members) in [("Morning", [&tracks[0], &tracks[1], &tracks[6]].as_slice()), ("Nothing", &[])] {
        let _ = app.admin().graphql_with(playlist, json!({ "name": name, "tracks": members })).await.good();
    }
}

async fn fill_everything(app: &App) {
    let _ = create(
        app,
        "/v1/samples",
        json!([
            {
                "label": "full", "textValue": "plain", "intValue": 42, "floatValue": 1.5, "boolValue": true,
                "bigValue": "9223372036854775807", "decimalValue": "12345678.90", "dateValue": "2024-02-29",
                "momentValue": "2024-02-29T12:34:56.789Z", "uuidValue": "0190b5a4-7e8f-7c3d-8a21-5f6e7d8c9b0a",
                "jsonValue": { "a": [1, 2.5, null, "x"], "b": { "c": true } }, "emailValue": "ada@example.com",
                "urlValue": "https://example.com/a?b=c", "moodValue": "HAPPY",
                "address": { "street": "1 Quay", "city": "Bergen", "country": "NO", "point": { "latitude": 60.39, "longitude": 5.32 } },
                "texts": ["a", "", "ü"], "ints": [1, -2, 3], "floats": [0.5, 2.0], "flags": [true, false],
                "bigs": ["9007199254740993"], "decimals": ["0.10", "2.00"], "dates": ["2024-01-01"],
                "moments": ["2024-01-01T00:00:00Z"], "uuids": ["0190b5a4-7e8f-7c3d-8a21-5f6e7d8c9b0a"], "moods": ["LOUD", "CALM"],
            },
            { "label": "empty" },
            {
                "label": "edges", "textValue": "", "intValue": -2_147_483_648_i64, "floatValue": -0.0, "boolValue": false,
                "bigValue": "-9223372036854775808", "decimalValue": "-0.01", "dateValue": "0001-01-01",
                "momentValue": "1969-12-31T23:59:59.999Z", "jsonValue": [], "texts": [], "ints": [], "moods": [],
            },
        ]),
    )
    .await;
}
