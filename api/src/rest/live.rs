//! The whole facade over a database of its own.

use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

use entity::model::Source;
use poem::http::{HeaderMap, HeaderValue, Method, Uri};
use poem::{Endpoint, Request};
use serde_json::{Value, json};
use service::database::Settings as DatabaseSettings;
use service::publish::Apply;
use service::{Limits, Principal, Service};

use super::{Rest, Settings, routes};
use crate::http::call::{Call, Facts};

const MODEL: &str = r#"
enum Mood { CALM LOUD }
type Address { city: String! zip: String }
type Artist @model(id: SERIAL) @allow(to: [READ], role: "anyone") { name: String! @unique home: Address albums: [Album!]! }
type Album @model(id: SERIAL) @allow(to: [READ], role: "anyone") { title: String! @check(maxLength: 20) artist: Artist! tracks: [Track!]! }
type Track @model @allow(to: [READ], role: "anyone") {
  name: String! album: Album price: Decimal! @default(value: "0.99") rating: Float loud: Boolean mood: Mood
  tags: [String!] extra: JSON secret: String @allow(to: [READ], role: "admin")
}
type Ledger @model(id: CLIENT) { amount: Int! }
"#;

struct Answer {
    status: u16,
    headers: HeaderMap,
    body: String,
}

impl Answer {
    fn is(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{} {:?}", self.body, self.headers);
        self
    }

    fn fails(self, status: u16, code: &str) -> Self {
        let answer = self.is(status);
        assert_eq!(answer.json()["code"], code, "{}", answer.body);
        answer
    }

    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }

    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

struct App {
    rest: Rest,
    folder: PathBuf,
}

impl Drop for App {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

impl App {
    async fn start() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("launchway-rest-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let folder = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&folder).unwrap();
        let settings = DatabaseSettings::new(format!("sqlite://{}", folder.join("test.db").display()));
        let service = Service::open(&settings, Limits::default()).await.unwrap();
        service.publish(&[Source::new("model.graphql", MODEL)], Apply::Safe).await.unwrap();
        Self { rest: routes(service, Settings::default()), folder }
    }

    async fn say(
        &self,
        who: Principal,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<Value>,
    ) -> Answer {
        let uri: Uri = path.replace('"', "%22").replace(' ', "%20").parse().unwrap();
        let call = Call::new(Facts {
            id: HeaderValue::from_static("1"),
            uri: uri.clone(),
            client: IpAddr::V4(Ipv4Addr::LOCALHOST),
            local: true,
            started: tokio::time::Instant::now(),
            deadline: None,
            trace: None,
        });
        call.authenticated(who);
        let mut request = Request::builder().method(method.parse::<Method>().unwrap()).uri(uri);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if body.is_some() && !headers.iter().any(|(name, _)| *name == "content-type") {
            request = request.header("content-type", "application/json");
        }
        let mut request = request.body(body.map(|body| body.to_string()).unwrap_or_default());
        request.set_data(call);
        let response = self.rest.get_response(request).await;
        let (parts, body) = response.into_parts();
        Answer {
            status: parts.status.as_u16(),
            headers: parts.headers,
            body: body.into_string().await.unwrap(),
        }
    }

    async fn get(&self, path: &str) -> Answer {
        self.say(Principal::Admin, "GET", path, &[], None).await
    }

    async fn send(&self, method: &str, path: &str, body: Value) -> Answer {
        self.say(Principal::Admin, method, path, &[], Some(body)).await
    }

    async fn with(&self, method: &str, path: &str, header: (&str, &str), body: Option<Value>) -> Answer {
        self.say(Principal::Admin, method, path, &[header], body).await
    }

    /// Two artists, two albums, 30 tracks.
    async fn filled() -> Self {
        let app = Self::start().await;
        for (artist, album) in [("AC/DC", "Back in Black"), ("Björk", "Homogenic")] {
            let made = app
                .send("POST", "/v1/artists", json!({"name": artist, "home": {"city": "X", "zip": "1"}}))
                .await
                .is(201);
            let id = made.json()["id"].clone();
            app.send("POST", "/v1/albums", json!({"title": album, "artist": id})).await.is(201);
        }
        let tracks: Vec<Value> = (0..30)
            .map(|at| {
                json!({"name": format!("track {at:02}"), "album": if at % 2 == 0 { "1" } else { "2" }, "rating": at as f64 / 2.0,
                    "loud": at % 3 == 0, "mood": if at < 10 { json!("CALM") } else { json!(null) }, "tags": ["a", format!("t{at}")],
                    "secret": "s", "price": format!("{at}.50")})
            })
            .collect();
        let made = app.send("POST", "/v1/tracks", json!(tracks)).await.is(201);
        assert_eq!(made.json()["data"].as_array().unwrap().len(), 30);
        app
    }

    async fn names(&self, path: &str) -> Vec<String> {
        let answer = self.get(path).await.is(200).json();
        answer["data"]
            .as_array()
            .unwrap()
            .iter()
            .map(|row| row["name"].as_str().unwrap().to_owned())
            .collect()
    }
}

#[tokio::test]
async fn lists_are_filtered_sorted_and_paged() {
    let app = App::filled().await;
    for (query, expected) in [
        ("name=track+05", vec!["track 05"]),
        ("name[in]=track 01,\"track 02\"&sort=-name", vec!["track 02", "track 01"]),
        ("album.artist.name=Bj%C3%B6rk&rating[lt]=2&sort=name", vec!["track 01", "track 03"]),
        ("price[gt]=28.6&sort=name", vec!["track 29"]),
        ("price[between]=1,2.5&sort=name", vec!["track 01", "track 02"]),
        ("mood[isNull]=false&loud=true&sort=-name", vec!["track 09", "track 06", "track 03", "track 00"]),
        ("tags[has]=t7", vec!["track 07"]),
        ("album=1&rating[gte]=13", vec!["track 26", "track 28"]),
        (
            "where={\"or\":[{\"name\":{\"eq\":\"track%2001\"}},{\"name\":{\"endsWith\":\"29\"}}]}&sort=name",
            vec!["track 01", "track 29"],
        ),
        ("name[in]=", vec![]),
    ] {
        for _ in 0..2 {
            assert_eq!(app.names(&format!("/v1/tracks?{query}")).await, expected, "{query}");
        }
    }
    let mut path = "/v1/tracks?sort=-name&limit=12".to_owned();
    let mut names = Vec::new();
    let mut pages = 0;
    loop {
        let answer = app.get(&path).await.is(200);
        let page = answer.json();
        names.extend(
            page["data"].as_array().unwrap().iter().map(|row| row["name"].as_str().unwrap().to_owned()),
        );
        pages += 1;
        assert_eq!(page["hasMore"].as_bool().unwrap(), page["next"].is_string());
        match page["next"].as_str() {
            Some(next) => {
                assert!(answer.header("link").contains(&format!("<{next}>; rel=\"next\"")));
                path = next.to_owned();
            }
            None => {
                let back = answer.header("link").to_owned();
                assert!(back.contains("rel=\"prev\"") && back.contains("rel=\"first\""), "{back}");
                let previous = back
                    .split('<')
                    .find(|part| part.contains("rel=\"prev\""))
                    .unwrap()
                    .split('>')
                    .next()
                    .unwrap();
                assert_eq!(app.names(previous).await, names[12..24]);
                break;
            }
        }
    }
    assert_eq!((pages, names.len()), (3, 30));
    assert!(names.is_sorted_by(|one, other| one > other));
    let total =
        app.with("GET", "/v1/tracks?loud=true&limit=1", ("prefer", "count=exact"), None).await.is(200);
    assert_eq!(
        (total.json()["total"].as_i64(), total.header("preference-applied")),
        (Some(10), "count=exact")
    );
}

#[tokio::test]
async fn what_is_wrong_is_said() {
    let app = App::filled().await;
    for (path, status, code) in [
        ("/v1/tracks?nmae=x", 400, "UNKNOWN_PARAMETER"),
        ("/v1/tracks?rating=abc", 422, "BAD_VALUE"),
        ("/v1/tracks?name[gtt]=x", 400, "UNKNOWN_OPERATOR"),
        ("/v1/tracks?limit=1000", 400, "PAGE_TOO_LARGE"),
        ("/v1/tracks?limit=x", 400, "PAGE_INVALID"),
        ("/v1/tracks?after=x", 400, "CURSOR_INVALID"),
        ("/v1/tracks?sort=nam", 400, "UNKNOWN_FIELD"),
        ("/v1/tracks?fields=nam", 400, "UNKNOWN_FIELD"),
        ("/v1/tracks?name=%ff", 400, "BAD_REQUEST"),
        ("/v1/trakcs", 404, "UNKNOWN_TYPE"),
        ("/v1/tracks/nope", 404, "NOT_FOUND"),
        ("/v1/artists/99", 404, "NOT_FOUND"),
        ("/v1/artists/99/albums", 404, "NOT_FOUND"),
        ("/v1/artists/1?limit=5", 400, "UNKNOWN_PARAMETER"),
    ] {
        for _ in 0..2 {
            app.get(path).await.fails(status, code);
        }
    }
    let wrong = app.get("/v1/tracks?rating=abc").await;
    assert!(wrong.body.contains("rating"), "{}", wrong.body);
    app.with("GET", "/v1/tracks", ("accept", "text/html"), None).await.fails(406, "NOT_ACCEPTABLE");
    app.with("POST", "/v1/tracks", ("content-type", "text/plain"), Some(json!({})))
        .await
        .fails(415, "UNSUPPORTED_MEDIA_TYPE");
    let refused = app.with("PUT", "/v1/tracks", ("content-type", "application/json"), Some(json!({}))).await;
    assert_eq!(refused.header("allow"), "GET, HEAD, POST, PATCH, DELETE, OPTIONS");
    refused.fails(405, "METHOD_NOT_ALLOWED");
    app.say(Principal::Anonymous, "GET", "/v1/ledgers", &[], None).await.is(404);
    app.say(Principal::Anonymous, "POST", "/v1/artists", &[], Some(json!({"name": "x"}))).await.is(401);
    let seen = app.say(Principal::Anonymous, "GET", "/v1/tracks?limit=1", &[], None).await.is(200);
    assert!(!seen.body.contains("secret"), "{}", seen.body);
    let options = app.say(Principal::Anonymous, "OPTIONS", "/v1/tracks/x", &[], None).await;
    assert!(options.status == 204 || options.status == 404);
}

#[tokio::test]
async fn rows_are_represented_as_asked() {
    let app = App::filled().await;
    let track = app.get("/v1/tracks?name=track+01").await.json()["data"][0].clone();
    assert_eq!(track["album"], "2");
    assert_eq!(track["price"], "1.5");
    let id = track["id"].as_str().unwrap();
    let path = format!("/v1/tracks/{id}?fields=name&expand=album.artist");
    let expanded = app.get(&path).await.is(200);
    assert_eq!(expanded.json()["album"]["artist"]["name"], "Björk");
    assert!(expanded.header("etag").starts_with(&format!("\"{id}:1:")));
    app.with("GET", &path, ("if-none-match", expanded.header("etag")), None).await.is(304);
    let artist = app.get("/v1/artists/1?expand=albums.tracks&fields=id,home.city").await.is(200).json();
    assert_eq!(artist["home"], json!({"city": "X"}));
    let tracks = &artist["albums"]["data"][0]["tracks"];
    assert_eq!((tracks["data"].as_array().unwrap().len(), tracks["hasMore"].as_bool()), (15, Some(false)));
    let album = app.get(&format!("/v1/tracks/{id}/album?fields=title")).await.is(200);
    assert_eq!(album.json(), json!({"title": "Homogenic"}));
    assert_eq!(app.names("/v1/albums/2/tracks?sort=name&limit=2").await, ["track 01", "track 03"]);
    let next =
        app.get("/v1/albums/2/tracks?sort=name&limit=2").await.json()["next"].as_str().unwrap().to_owned();
    assert_eq!(app.names(&next).await, ["track 05", "track 07"]);
}

#[tokio::test]
async fn rows_are_written_under_preconditions() {
    let app = App::filled().await;
    let made = app.send("POST", "/v1/artists", json!({"name": "New"})).await.is(201);
    let id = made.json()["id"].as_str().unwrap().to_owned();
    let path = format!("/v1/artists/{id}");
    assert_eq!(
        (made.header("location"), made.header("etag")),
        (path.as_str(), format!("\"{id}:1\"").as_str())
    );
    let read = app.get(&path).await.is(200);
    assert_eq!(read.header("etag"), format!("\"{id}:1\""));
    assert_eq!(read.body, made.body);
    app.with("GET", &path, ("if-none-match", &format!("W/\"{id}:1\"")), None).await.is(304);
    let changed = app
        .with("PATCH", &path, ("if-match", read.header("etag")), Some(json!({"name": "Newer"})))
        .await
        .is(200);
    assert_eq!(
        (changed.json()["name"].as_str(), changed.header("etag")),
        (Some("Newer"), format!("\"{id}:2\"").as_str())
    );
    for header in [read.header("etag"), "\"x\"", &format!("W/\"{id}:2\"")] {
        app.with("PATCH", &path, ("if-match", header), Some(json!({"name": "No"})))
            .await
            .fails(412, "VERSION_MISMATCH");
        app.with("DELETE", &path, ("if-match", header), None).await.is(412);
    }
    let many = format!("\"{id}:1\", \"{id}:2\"");
    app.with("PATCH", &path, ("if-match", &many), Some(json!({"home": {"city": "A", "zip": "1"}})))
        .await
        .is(200);
    let merged = app.send("PATCH", &path, json!({"home": {"zip": null}})).await.is(200);
    assert_eq!(merged.json()["home"], json!({"city": "A", "zip": null}));
    let cleared = app.send("PATCH", &path, json!({"home": null})).await.is(200);
    assert_eq!(cleared.json()["home"], Value::Null);
    let minimal =
        app.with("PATCH", &path, ("prefer", "return=minimal"), Some(json!({"name": "Min"}))).await.is(204);
    assert_eq!((minimal.body.as_str(), minimal.header("preference-applied")), ("", "return=minimal"));
    app.with("PATCH", &path, ("prefer", "tx=rollback"), Some(json!({"name": "Undone"}))).await.is(200);
    assert_eq!(app.get(&path).await.json()["name"], "Min");
    app.with("DELETE", &path, ("if-match", "*"), None).await.is(204);
    app.get(&path).await.is(404);
    app.with("DELETE", &path, ("if-match", "*"), None).await.is(404);
    app.send("POST", "/v1/artists", json!({"name": "Björk"})).await.fails(409, "UNIQUE_VIOLATION");
    app.send("POST", "/v1/artists", json!({"nam": "x"})).await.fails(400, "UNKNOWN_FIELD");
    app.send("POST", "/v1/artists", json!([1])).await.is(400);
    app.send("POST", "/v1/albums", json!({"title": "x".repeat(21), "artist": "1"}))
        .await
        .fails(422, "CHECK_FAILED");
}

#[tokio::test]
async fn put_makes_or_changes() {
    let app = App::start().await;
    let made = app.send("PUT", "/v1/ledgers/a%2Fb", json!({"amount": 1})).await.is(201);
    assert_eq!((made.header("location"), made.json()["id"].as_str()), ("/v1/ledgers/a%2Fb", Some("a/b")));
    app.send("PUT", "/v1/ledgers/a%2Fb", json!({"amount": 2, "id": "a/b"})).await.is(200);
    app.send("PUT", "/v1/ledgers/a%2Fb", json!({"amount": 2, "id": "other"})).await.fails(422, "BAD_VALUE");
    let there =
        app.with("PUT", "/v1/ledgers/a%2Fb", ("if-none-match", "*"), Some(json!({"amount": 3}))).await;
    assert_eq!(there.status, 412, "{}", there.body);
    app.with("PUT", "/v1/ledgers/new", ("if-none-match", "*"), Some(json!({"amount": 3}))).await.is(201);
    let tag = app.get("/v1/ledgers/new").await.header("etag").to_owned();
    app.with("PUT", "/v1/ledgers/new", ("if-match", &tag), Some(json!({"amount": 4}))).await.is(200);
    app.with("PUT", "/v1/ledgers/new", ("if-match", &tag), Some(json!({"amount": 5}))).await.is(412);
    app.with("PUT", "/v1/ledgers/none", ("if-match", "*"), Some(json!({"amount": 5}))).await.is(412);
    assert_eq!(app.get("/v1/ledgers/new").await.json()["amount"], 4);
}

#[tokio::test]
async fn many_rows_are_changed_with_a_condition_and_a_bound() {
    let app = App::filled().await;
    for (method, body) in [("PATCH", Some(json!({"loud": true}))), ("DELETE", None)] {
        app.say(Principal::Admin, method, "/v1/tracks", &[], body.clone()).await.fails(400, "WHERE_REQUIRED");
        app.say(Principal::Admin, method, "/v1/tracks?where={}", &[], body.clone())
            .await
            .fails(400, "WHERE_REQUIRED");
        app.with(method, "/v1/tracks?album=1", ("prefer", "max-affected=3"), body)
            .await
            .fails(409, "TOO_MANY_ROWS");
    }
    let changed = app.send("PATCH", "/v1/tracks?album=1", json!({"loud": true})).await.is(200);
    assert_eq!(changed.json(), json!({"count": 15}));
    let shown = app
        .with(
            "DELETE",
            "/v1/tracks?name[in]=track%2001,track%2003&fields=name",
            ("prefer", "return=representation"),
            None,
        )
        .await
        .is(200);
    assert_eq!(
        (shown.json()["count"].as_i64(), shown.json()["data"].as_array().map(Vec::len)),
        (Some(2), Some(2))
    );
    assert_eq!(app.names("/v1/tracks?album=2&limit=100").await.len(), 13);
}

#[tokio::test]
async fn a_repeated_key_repeats_the_answer() {
    let app = App::start().await;
    let once =
        app.with("POST", "/v1/artists", ("idempotency-key", "k1"), Some(json!({"name": "A"}))).await.is(201);
    let again =
        app.with("POST", "/v1/artists", ("idempotency-key", "k1"), Some(json!({"name": "A"}))).await.is(201);
    assert_eq!(
        (once.body, once.headers["location"].clone()),
        (again.body.clone(), again.headers["location"].clone())
    );
    assert_eq!(again.header("idempotent-replayed"), "true");
    app.with("POST", "/v1/artists", ("idempotency-key", "k1"), Some(json!({"name": "B"})))
        .await
        .fails(422, "IDEMPOTENCY_KEY_REUSED");
    app.with("POST", "/v1/artists", ("idempotency-key", ""), Some(json!({"name": "B"}))).await.is(400);
    assert_eq!(app.names("/v1/artists").await, ["A"]);
}

#[tokio::test]
async fn groups_are_counted() {
    let app = App::filled().await;
    let path = "/v1/tracks/aggregate?group=album&avg=rating&sum=price&having[count][gt]=10&sort=-avg.rating&expand=album";
    let groups = app.get(path).await.is(200).json();
    let first = &groups["data"][0];
    assert_eq!(first["key"]["album"]["title"], "Homogenic", "{groups}");
    assert_eq!((first["count"].as_i64(), first["avg"]["rating"].as_f64()), (Some(15), Some(7.5)));
    assert_eq!(first["sum"]["price"], "232.5");
    let all = app.get("/v1/tracks/aggregate?loud=true").await.is(200).json();
    assert_eq!(all, json!({"data": [{"count": 10}]}));
    app.get("/v1/tracks/aggregate?group=nam").await.fails(400, "UNKNOWN_FIELD");
}

#[tokio::test]
async fn tables_are_streamed() {
    let app = App::filled().await;
    let many: Vec<Value> = (0..250).map(|at| json!({"id": format!("l{at:03}"), "amount": at})).collect();
    app.send("POST", "/v1/ledgers", json!(many)).await.is(201);
    let csv = app
        .with("GET", "/v1/ledgers?fields=id,amount&amount[gte]=10", ("accept", "text/csv"), None)
        .await
        .is(200);
    assert!(csv.header("content-type").starts_with("text/csv"));
    assert_eq!(csv.body.lines().count(), 241);
    assert!(csv.body.starts_with("id,amount\r\nl010,10\r\n"), "{}", &csv.body[..40]);
    let lines = app
        .with("GET", "/v1/ledgers?sort=-amount&limit=120", ("accept", "application/x-ndjson"), None)
        .await
        .is(200);
    let rows: Vec<Value> = lines.body.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(
        (rows.len(), rows[0]["amount"].as_i64(), rows[119]["amount"].as_i64()),
        (120, Some(249), Some(130))
    );
    let nested = app
        .with(
            "GET",
            "/v1/tracks?fields=name,album.artist.name,tags&name=track+01",
            ("accept", "text/csv"),
            None,
        )
        .await
        .is(200);
    assert_eq!(nested.body, "name,album.artist.name,tags\r\ntrack 01,Björk,\"[\"\"a\"\",\"\"t1\"\"]\"\r\n");
    let all = app.with("GET", "/v1/ledgers?limit=200000", ("accept", "text/csv"), None).await.is(200);
    assert_eq!(all.body.lines().count(), 251);
    app.with("GET", "/v1/ledgers?x=1", ("accept", "text/csv"), None).await.fails(400, "UNKNOWN_PARAMETER");
    app.with("GET", "/v1/artists/9/albums", ("accept", "text/csv"), None).await.fails(404, "NOT_FOUND");
}
