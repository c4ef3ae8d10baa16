//! The whole facade over a real database: what goes in and what comes out.

use std::sync::Arc;

use entity::model::Source;
use poem::http::{Method, StatusCode};
use poem::{Endpoint, Request, Response};
use serde_json::{Value as Json, json};
use service::database::Settings as DatabaseSettings;
use service::publish::Apply;
use service::{Limits, Principal, Service};

use super::model::SHOP;
use super::{Graphql, Settings, endpoint};
use crate::http::Call;

const TYPED: &str = "application/graphql-response+json";

struct Fixture {
    state: Arc<Graphql>,
    _folder: tempfile::TempDir,
}

struct Reply {
    status: StatusCode,
    response: Response,
    json: Json,
}

impl Fixture {
    async fn new(settings: Settings) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}", folder.path().join("shop.db").display());
        let service = Service::open(&DatabaseSettings::new(url), Limits::default()).await.unwrap();
        let _ = service.publish(&[Source::new("model.graphql", SHOP)], Apply::Safe).await.unwrap();
        let state = Arc::new(Graphql::new(service, settings, "Shop").unwrap());
        let fixture = Self { state, _folder: folder };
        let fill = "mutation {
          createGenre(input: { name: \"Ambient\" }) { id }
          one: createAlbum(input: { title: \"One\", tracks: { create: [
            { name: \"a\", position: 1, tags: [\"x\", \"y\"], mood: CALM, credit: { name: \"Ann\", links: [\"https://a.example\"] }, genre: { connect: 1 } },
            { name: \"b\", position: 2, unitPrice: \"1.5\", royalty: 2 }] } }) { id }
          two: createAlbum(input: { title: \"Two\", published: false, tracks: { create: [{ name: \"c\", position: 1 }] } }) { id }
        }";
        let filled = fixture.admin(fill).await;
        assert_eq!(filled.json["errors"], Json::Null, "{}", filled.json);
        fixture
    }

    async fn development() -> Self {
        Self::new(Settings { development: true, ..Settings::default() }).await
    }

    async fn send(&self, mut request: Request, principal: Principal) -> Reply {
        let call = Call::of(&request);
        call.authenticated(principal);
        request.set_data(call);
        let response = endpoint(Arc::clone(&self.state)).call(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = body.into_vec().await.unwrap();
        let json = serde_json::from_slice(&bytes).unwrap_or(Json::Null);
        Reply { status: parts.status, response: Response::from_parts(parts, poem::Body::from(bytes)), json }
    }

    async fn post(&self, body: &Json, accept: &str, principal: Principal, resolvers: bool) -> Reply {
        let mut request = Request::builder()
            .method(Method::POST)
            .header("content-type", "application/json")
            .header("accept", accept);
        if resolvers {
            request = request.header("x-launchway-executor", "resolvers");
        }
        self.send(request.body(body.to_string()), principal).await
    }

    async fn admin(&self, query: &str) -> Reply {
        self.post(&json!({ "query": query }), TYPED, Principal::Admin, false).await
    }

    /// Through both executors, which must agree.
    async fn both(&self, body: Json, principal: Principal) -> Reply {
        let fast = self.post(&body, TYPED, principal.clone(), false).await;
        let slow = self.post(&body, TYPED, principal, true).await;
        assert_eq!(fast.json, slow.json, "{body}");
        assert_eq!(fast.status, slow.status, "{body}");
        fast
    }
}

#[tokio::test]
async fn both_executors_say_the_same() {
    let shop = Fixture::development().await;
    for query in [
        "{ __typename tracks { totalCount nodes { id name tags mood unitPrice position credit { name role links __typename } genre { id name } album { title } } } }",
        "{ a: tracks(first: 1, orderBy: [{ name: DESC }]) { edges { cursor node { n: name __typename } } pageInfo { hasNextPage hasPreviousPage startCursor endCursor __typename } __typename } b: tracks(first: 1) { nodes { id } } }",
        "{ tracks { nodes { ...T ...T ... on Track { name } ... on Node { i: id } ... { position } } nodes { album { id } } } } fragment T on Track { album { t: title tracks(where: { position: { gt: 1 } }) { nodes { name } totalCount } } }",
        "{ tracksAggregate(groupBy: [{ field: genre }], orderBy: [{ count: DESC }]) { __typename key { genre { name } __typename } count sum { unitPrice __typename } min { name } max { name } avg { position } } }",
        "{ genre(by: { name: \"Ambient\" }) { id name } none: genre(id: \"999\") { name } }",
        "{ genre(id: \"1\") { name @skip(if: true) id } tracks @include(if: false) { totalCount } }",
        "{ node(id: \"01900000-0000-7000-8000-000000000000\") { id } }",
        "{ tracks(first: 1000) { totalCount } }",
        "{ tracks(after: \"nonsense\") { totalCount } }",
        "{ tracks(where: { position: { eq: null } }) { totalCount } }",
        "{ tracks(where: { name: { in: [] } }) { nodes { id } } }",
        "{ ledgers { nodes { amount } } }",
        "{ nonsense }",
        "mutation { __typename }",
        "mutation { updateGenre(id: \"999\", set: { name: \"x\" }) { id } }",
        "mutation { a: updateGenre(id: \"1\", set: { name: \"Ambient\" }) { name } b: deletePlaylists(where: {}) { count } }",
    ] {
        for principal in [Principal::Anonymous, Principal::Admin] {
            let _ = shop.both(json!({ "query": query }), principal).await;
        }
    }
    let rows = shop.both(json!({ "query": "{ tracks(orderBy: [{ name: ASC }]) { nodes { id name album { title } royalty } } }" }), Principal::Admin).await;
    assert_eq!(rows.json["data"]["tracks"]["nodes"][1]["royalty"], "2");
    let id = rows.json["data"]["tracks"]["nodes"][0]["id"].clone();
    let node = "query($id: ID!) { node(id: $id) { __typename id ... on Track { name } ... on Album { title } } track(id: $id) { name } }";
    let found = shop.both(json!({ "query": node, "variables": { "id": id } }), Principal::Anonymous).await;
    assert_eq!(found.json["data"]["node"]["name"], "a", "{}", found.json);
    let hidden = rows.json["data"]["tracks"]["nodes"][2]["id"].clone();
    let missing =
        shop.both(json!({ "query": node, "variables": { "id": hidden } }), Principal::Anonymous).await;
    assert_eq!(missing.json["data"], json!({ "node": null, "track": null }));
    assert_eq!(missing.status, 200);
    let errors = missing.json["errors"].as_array().unwrap();
    assert_eq!(errors.len(), 2);
    assert_eq!(
        (&errors[0]["path"], &errors[0]["extensions"]["code"]),
        (&json!(["node"]), &json!("NOT_FOUND"))
    );
    assert!(errors[0]["locations"][0]["line"] == 1);
}

#[tokio::test]
async fn variables_of_every_shape_give_the_same_as_literals() {
    let shop = Fixture::development().await;
    let query = "query Q($name: String, $names: [String!], $first: Int, $order: [TrackOrderBy!], $where: TrackWhere = {}, $with: Boolean = true) {
      tracks(first: $first, orderBy: $order, where: { and: [{ name: { eq: $name, in: $names } }, $where] }) { totalCount nodes { name @include(if: $with) position } } }";
    for variables in [
        json!({}),
        json!({ "where": {}, "name": "a" }),
        json!({ "where": {}, "name": "b" }),
        json!({ "where": {}, "names": ["a", "b"], "first": 1, "order": [{ "name": "DESC" }] }),
        json!({ "where": {}, "names": "a", "with": false }),
        json!({ "where": { "position": { "gt": 1 } } }),
        json!({ "where": { "album": { "title": { "eq": "Two" } } } }),
        json!({ "where": null }),
        json!({ "where": {}, "name": null }),
        json!({ "where": { "nmae": {} } }),
        json!({ "where": {}, "order": { "name": "DESC" } }),
        json!({ "where": {}, "first": 1.5 }),
    ] {
        for _ in 0..2 {
            let _ = shop.both(json!({ "query": query, "variables": variables }), Principal::Admin).await;
        }
    }
    let reply = shop
        .both(json!({ "query": query, "variables": { "where": {}, "names": ["b"] } }), Principal::Admin)
        .await;
    assert_eq!(
        reply.json["data"]["tracks"],
        json!({ "totalCount": 1, "nodes": [{ "name": "b", "position": 2 }] })
    );
}

#[tokio::test]
async fn introspection_goes_with_data_and_can_be_switched_off() {
    let shop = Fixture::development().await;
    let query = "{ __schema { queryType { name } } type: __type(name: \"Track\") { name } tracks { totalCount } __typename }";
    let reply = shop.post(&json!({ "query": query }), TYPED, Principal::Anonymous, false).await;
    assert_eq!(
        reply.json,
        json!({ "data": { "__schema": { "queryType": { "name": "Query" } }, "type": { "name": "Track" }, "tracks": { "totalCount": 2 }, "__typename": "Query" } })
    );
    let closed =
        Fixture::new(Settings { introspection: false, suggestions: false, ..Settings::default() }).await;
    for query in [
        "{ __schema { queryType { name } } }",
        "{ __type(name: \"Track\") { name } }",
        "{ trakcs { totalCount } }",
    ] {
        let reply = closed.post(&json!({ "query": query }), TYPED, Principal::Anonymous, false).await;
        assert_eq!(reply.status, 400, "{}", reply.json);
        assert!(!reply.json.to_string().contains("tracks"), "{}", reply.json);
    }
    let typename = closed
        .post(&json!({ "query": "{ __typename tracks { __typename } }" }), TYPED, Principal::Anonymous, false)
        .await;
    assert_eq!(typename.json["data"]["tracks"]["__typename"], "TrackConnection");
}

#[tokio::test]
async fn statuses_and_media_types() {
    let shop = Fixture::development().await;
    for (body, accept, status, data) in [
        (json!({ "query": "{ __typename }" }), TYPED, 200, true),
        (json!({ "query": "{ __typename }" }), "*/*", 200, true),
        (json!({ "query": "{" }), TYPED, 400, false),
        (json!({ "query": "{" }), "application/json", 200, false),
        (json!({ "query": "{ nope }" }), TYPED, 400, false),
        (json!({ "query": "{ nope }" }), "application/json", 200, false),
        (json!({ "query": "query($x: ID!) { __typename }", "variables": { "x": null } }), TYPED, 400, false),
        (
            json!({ "query": "query($x: ID!) { __typename }", "variables": { "x": null } }),
            "application/json",
            200,
            false,
        ),
        (json!({ "query": "{ tracks(first: 51) { totalCount } }" }), TYPED, 400, false),
        (json!({ "query": "{ genre(id: 999) { name } }" }), TYPED, 200, true),
        (json!({ "qeury": "{ __typename }" }), "application/json", 400, false),
        (json!({ "query": 1 }), "application/json", 400, false),
        (json!([{ "query": "{ __typename }" }]), "application/json", 400, false),
        (json!({ "query": "{ __typename }" }), "image/png", 406, false),
        (
            json!({ "query": "mutation { deletePlaylist(id: \"01900000-0000-7000-8000-000000000000\") { id } }" }),
            TYPED,
            200,
            true,
        ),
    ] {
        let reply = shop.post(&body, accept, Principal::Anonymous, false).await;
        assert_eq!(reply.status.as_u16(), status, "{body} {accept}: {}", reply.json);
        assert_eq!(reply.json.get("data").is_some(), data, "{body} {accept}: {}", reply.json);
        let media = if accept == TYPED { TYPED } else { "application/json" };
        assert_eq!(reply.response.content_type(), Some(format!("{media}; charset=utf-8").as_str()), "{body}");
    }
}

#[tokio::test]
async fn methods_and_pages() {
    let shop = Fixture::development().await;
    let ask = async |method: Method, path: &str, accept: &str| {
        let request = Request::builder().method(method).uri_str(path).header("accept", accept).finish();
        shop.send(request, Principal::Anonymous).await
    };
    let query = ask(Method::GET, "/graphql?query=query(%24n%3AInt)%7Btracks(first%3A%24n)%7BtotalCount%7D%7D&variables=%7B%22n%22%3A1%7D", TYPED).await;
    assert_eq!(query.json["data"]["tracks"]["totalCount"], 2, "{}", query.json);
    let mutation = ask(Method::GET, "/graphql?query=mutation%7B__typename%7D", TYPED).await;
    assert_eq!((mutation.status.as_u16(), mutation.response.header("allow")), (405, Some("POST")));
    let put = ask(Method::PUT, "/graphql", TYPED).await;
    assert_eq!((put.status.as_u16(), put.response.header("allow")), (405, Some("GET, POST")));
    let page = ask(Method::GET, "/graphql", "text/html,*/*;q=0.8").await;
    assert_eq!(page.response.content_type(), Some("text/html; charset=utf-8"));
    let form = Request::builder()
        .method(Method::POST)
        .header("content-type", "text/plain")
        .body("{\"query\":\"{__typename}\"}");
    assert_eq!(shop.send(form, Principal::Anonymous).await.status, 415);
}

#[tokio::test]
async fn lists_of_operations_when_they_are_on() {
    let shop = Fixture::new(Settings { batch: 2, ..Settings::default() }).await;
    let two = json!([{ "query": "{ __typename }" }, { "query": "{ nope }" }]);
    let reply = shop.post(&two, "application/json", Principal::Anonymous, false).await;
    assert_eq!(reply.json[0], json!({ "data": { "__typename": "Query" } }));
    assert_eq!(reply.json[1]["errors"][0]["extensions"]["code"], "GRAPHQL_VALIDATION_FAILED");
    let three = json!([{}, {}, {}]);
    let reply = shop.post(&three, "application/json", Principal::Anonymous, false).await;
    assert_eq!(reply.json["errors"][0]["extensions"]["code"], "LIMIT_EXCEEDED");
}

#[tokio::test]
async fn a_mutation_under_a_key_is_done_once() {
    let shop = Fixture::development().await;
    let send = async |body: Json, key: &str| {
        let request = Request::builder()
            .method(Method::POST)
            .header("content-type", "application/json")
            .header("idempotency-key", key)
            .body(body.to_string());
        shop.send(request, Principal::Admin).await
    };
    let body = json!({ "query": "mutation { createPlaylist(input: { name: \"p\" }) { id } }" });
    let first = send(body.clone(), "k1").await;
    let again = send(body.clone(), "k1").await;
    assert_eq!(first.json, again.json, "{}", first.json);
    assert_eq!(again.response.header("idempotent-replayed"), Some("true"));
    let other =
        send(json!({ "query": "mutation { createPlaylist(input: { name: \"q\" }) { id } }" }), "k1").await;
    assert_eq!(other.json["errors"][0]["extensions"]["code"], "IDEMPOTENCY_KEY_REUSED");
    let count = shop.admin("{ playlists { totalCount } }").await;
    assert_eq!(count.json["data"]["playlists"]["totalCount"], 1);
    assert_eq!(send(body, &"k".repeat(256)).await.status, 400);
}

#[tokio::test]
async fn a_hostile_request_gets_an_answer() {
    let shop = Fixture::development().await;
    for levels in [65, 100, 1_230, 1_554, 3_950, 20_000] {
        for query in [
            format!("{{ tracks(first: {}1{}) {{ totalCount }} }}", "[".repeat(levels), "]".repeat(levels)),
            format!(
                "{{ tracks(where: {}1{}) {{ totalCount }} }}",
                "{ not: ".repeat(levels),
                " }".repeat(levels)
            ),
            format!("query($a: {}Int{}) {{ __typename }}", "[".repeat(levels), "]".repeat(levels)),
            format!("{}id{}", "{ tracks ".repeat(levels), " }".repeat(levels)),
        ] {
            let reply = shop.post(&json!({ "query": query }), TYPED, Principal::Anonymous, false).await;
            assert!(reply.status.is_client_error(), "{levels}");
            assert!(reply.json.to_string().len() < 5_000);
        }
    }
    // As deep as the scan allows: every recursion on the way has to bear it.
    let rows = format!("{}id{}", "{ tracks { nodes { album ".repeat(20), " } } }".repeat(20));
    let types = format!("{{ __type(name: \"Track\") {}name{} }}", "{ ofType ".repeat(60), " }".repeat(60));
    let not =
        format!("{{ tracks(where: {}{{}}{}) {{ totalCount }} }}", "{ not: ".repeat(58), " }".repeat(58));
    let fragments = (0..60).fold(String::from("{ ...F0 }"), |text, n| {
        format!(
            "{text} fragment F{n} on Query {{ {} }}",
            if n < 59 { format!("...F{}", n + 1) } else { "__typename".to_owned() }
        )
    });
    for (query, resolvers) in
        [&rows, &types, &not, &fragments].into_iter().flat_map(|query| [(query, false), (query, true)])
    {
        let reply = shop.post(&json!({ "query": query }), TYPED, Principal::Anonymous, resolvers).await;
        assert!(!reply.status.is_server_error(), "{query}: {}", reply.json);
    }
    let wide: String = (0..3_000).map(|n| format!("unknown{n} ")).collect();
    let reply =
        shop.post(&json!({ "query": format!("{{ {wide} }}") }), TYPED, Principal::Anonymous, false).await;
    assert!(reply.json["errors"].as_array().is_some_and(|errors| errors.len() <= 20));
}
