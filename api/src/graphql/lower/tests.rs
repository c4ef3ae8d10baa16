use std::fmt::Write;
use std::sync::Arc;

use serde_json::{Value as Json, json};
use service::Principal;

use super::{Budget, operation};
use crate::graphql::document;
use crate::graphql::execute::Call;
use crate::graphql::model::{SHOP, context};
use crate::graphql::render::Fault;
use crate::graphql::schema::Schemas;
use crate::graphql::settings::Settings;

/// What an operation comes to, as text.
async fn lowered(query: &str, variables: Json) -> String {
    let settings = Arc::new(Settings::default());
    let context = context(SHOP, Principal::Admin);
    let bundle = Schemas::default().bundle(&context, &settings).await.unwrap();
    let none = serde_json::Map::new();
    let caller = service::auth::Caller::operator();
    let call = Call {
        text: query,
        name: None,
        variables: &none,
        safe: false,
        idempotency: None,
        resolvers: false,
        caller: &caller,
        http: &crate::http::Call::of(&poem::Request::default()),
    };
    let known = match document::read(0, &call, &bundle, &settings).await {
        Ok(known) => known,
        Err(faults) => {
            return format!(
                "refused: {}",
                faults.iter().map(|f| f.error.to_string()).collect::<Vec<_>>().join("; ")
            );
        }
    };
    let variables = variables.as_object().cloned().unwrap_or_default();
    let bound = match known.definitions.bind(bundle.registry(), &variables, true) {
        Ok(bound) => bound,
        Err(faults) => return format!("unbound: {}", faults[0].error),
    };
    let budget = Budget { fields: 500, suggestions: true };
    match operation(&known, &bundle, &bound, budget) {
        Ok(lowered) => {
            let mut text = format!("key: {}\nparams: {:?}\n", bound.key, bound.params);
            for slot in &lowered.layout {
                let _ = writeln!(text, "slot: {} {:?}", slot.key, slot.known);
            }
            let _ = write!(text, "{:#?}", lowered.request);
            text
        }
        Err(faults) => {
            let said = |fault: &Fault| format!("refused: {} {:?}", fault.error, fault.error.hint_text());
            faults.iter().map(said).collect::<Vec<_>>().join("\n")
        }
    }
}

#[tokio::test]
async fn a_page_with_related_rows() {
    let query = "query Q($name: String!, $first: Int = 3, $with: Boolean!) {
      __typename
      list: tracks(first: $first, where: { name: { contains: $name }, album: { published: { eq: true } } },
                   orderBy: [{ name: ASC }, { album: { title: DESC_NULLS_FIRST } }]) {
        totalCount
        nodes { ...T album { title } }
        pageInfo { hasNextPage end: endCursor }
        edges @include(if: $with) { cursor node { id } }
      }
    }
    fragment T on Track { id ... on Node { id } album { id t: title } credit { name links } playlists(first: 2) { nodes { name } } }";
    insta::assert_snapshot!(lowered(query, json!({ "name": "x", "with": false })).await);
}

#[tokio::test]
async fn values_stay_out_of_the_plan_and_structure_goes_in() {
    let query = "query Q($id: ID!, $ids: [ID!], $max: Int, $after: Cursor, $absent: String) {
      track(id: $id) { name }
      tracks(after: $after, where: { genre: { in: $ids }, position: { lte: $max }, name: { eq: $absent } }) { totalCount }
    }";
    let one = lowered(query, json!({ "id": "a", "ids": [1], "max": 5, "after": "x" })).await;
    let two = lowered(query, json!({ "id": "b", "ids": ["2", "3"], "max": 7, "after": "x" })).await;
    let rest = |text: &str| text.split_once("slot").unwrap().1.to_owned();
    assert_eq!(rest(&one), rest(&two));
    assert!(
        one.starts_with("key: ?;?;?;\"x\";-;\nparams: [String(\"a\"), List([String(\"1\")]), Int(5), Null]"),
        "{one}"
    );
    let null = lowered(query, json!({ "id": "a", "max": null })).await;
    assert!(null.starts_with("key: ?;-;null;-;-;"), "{null}");
    insta::assert_snapshot!(one);
}

#[tokio::test]
async fn a_variable_used_in_two_ways_is_structure() {
    let query = "query Q($n: Int!) { tracks(first: $n, where: { position: { gt: $n } }) { totalCount } }";
    assert!(lowered(query, json!({ "n": 3 })).await.starts_with("key: 3;"));
    let query = "query Q($b: Boolean!) { albums(where: { published: { eq: $b }, title: { isNull: $b } }) { totalCount } }";
    assert!(lowered(query, json!({ "b": true })).await.starts_with("key: true;"));
    let query = "query Q($w: TrackWhere) { tracks(where: $w) { totalCount } }";
    assert!(
        lowered(query, json!({ "w": { "name": { "eq": "x" } } }))
            .await
            .contains("String(\n                                        \"x\"")
            || lowered(query, json!({ "w": { "name": { "eq": "x" } } })).await.contains("\"x\"")
    );
}

#[tokio::test]
async fn groups() {
    let query = "{ tracksAggregate(groupBy: [{ field: genre }, { field: createdAt, trunc: MONTH }],
        having: { count: { gt: 1 } }, orderBy: [{ sum: { unitPrice: DESC } }, { key: { genre: ASC } }, { count: ASC }], first: 5) {
        __typename key { genre { name } createdAt } n: count sum { unitPrice } min { name } } }";
    insta::assert_snapshot!(lowered(query, json!({})).await);
}

#[tokio::test]
async fn writes() {
    let query = "mutation M($input: TrackCreate!, $id: ID!) {
      createTrack(input: $input) { id }
      updateTrack(id: $id, set: { genre: { disconnect: true } }, inc: { position: 1 }, append: { tags: [\"x\"] }, ifVersion: 2) { id version }
      updateTracks(where: { position: { gt: 1 } }, set: { mood: LOUD }) { count nodes { id } }
      upsertTrack(input: $input, on: ALBUM_POSITION) { id }
      deleteAlbum(id: $id) { title }
      deletePlaylists(where: {}, max: 5) { count }
      __typename
    }";
    let input = json!({ "name": "n", "album": { "connect": "a" }, "position": 1, "credit": { "name": "c" } });
    insta::assert_snapshot!(lowered(query, json!({ "input": input, "id": "7" })).await);
}

#[tokio::test]
async fn rows_of_any_type() {
    insta::assert_snapshot!(
        lowered("{ node(id: \"x\") { id __typename ... on Track { name } } }", json!({})).await
    );
    let all = lowered("{ node(id: \"x\") { id } }", json!({})).await;
    assert_eq!(
        all.matches("\"id\"").count(),
        8,
        "two for each type with ids that are unique across types: {all}"
    );
}

#[tokio::test]
async fn what_the_validator_lets_pass_is_refused() {
    for (query, variables, expected) in [
        ("{ tracks(where: 5) { totalCount } }", json!({}), "expected a value of TrackWhere, got 5"),
        ("{ tracks(where: { nmae: { eq: \"x\" } }) { totalCount } }", json!({}), "Did you mean \"name\"?"),
        ("{ tracks(where: { name: { eqq: \"x\" } }) { totalCount } }", json!({}), "Did you mean \"eq\"?"),
        ("{ tracks(where: { mood: { eq: CLAM } }) { totalCount } }", json!({}), "Did you mean \"CALM\"?"),
        ("{ tracks(wher: {}) { totalCount } }", json!({}), "Did you mean \"where\"?"),
        ("{ tracks(orderBy: [{ nmae: ASC }]) { totalCount } }", json!({}), "Did you mean \"name\"?"),
        (
            "query ($x: String) { tracks(where: { nmae: { eq: $x } }) { totalCount } }",
            json!({}),
            "did you mean `name`?",
        ),
        (
            "query ($w: TrackWhere) { tracks(where: $w) { totalCount } }",
            json!({ "w": { "name": 5 } }),
            "Variable \"$w.name\"",
        ),
        (
            "query ($w: TrackWhere) { tracks(where: $w) { totalCount } }",
            json!({ "w": { "mood": { "eq": "SAD" } } }),
            "`SAD` is not a value of Mood",
        ),
        ("query ($n: Int!) { tracks(first: $n) { totalCount } }", json!({}), "required"),
        ("query ($n: Int!) { tracks(first: $n) { totalCount } }", json!({ "n": null }), "got null"),
        (
            "query ($n: Int!) { tracks(first: $n) { totalCount } }",
            json!({ "n": 4_294_967_296_u64 }),
            "32 bits",
        ),
        ("query ($n: Int!) { tracks(first: $n) { totalCount } }", json!({ "n": "3" }), "got \"3\""),
        ("{ tracks(first: -1) { totalCount } }", json!({}), "negative"),
        (
            "{ tracks(orderBy: [{ name: ASC, position: ASC }]) { totalCount } }",
            json!({}),
            "exactly one field",
        ),
        ("{ a: track(id: \"1\") { name } a: track(id: \"2\") { name } }", json!({}), "conflict"),
        ("{ tracks { nodes { album { title } } nodes { album { title: id } } } }", json!({}), "conflict"),
        ("{ track { name } }", json!({}), "`id` or `by`"),
        (
            "{ track(id: \"1\", by: { albumPosition: { album: \"1\", position: 2 } }) { name } }",
            json!({}),
            "not both",
        ),
        ("{ nonsense }", json!({}), "Unknown field"),
        ("{ trakcs { totalCount } }", json!({}), "Did you mean \"tracks\"?"),
        ("{ tracks { totalCount ", json!({}), "GRAPHQL_PARSE_FAILED"),
        ("{ ...A } fragment A on Query { ...B } fragment B on Query { ...A }", json!({}), "spreads itself"),
        (
            "{ __schema { types { fields { type { fields { type { fields { type { fields { name } } } } } } } } } }",
            json!({}),
            "Introspection",
        ),
    ] {
        let text = lowered(query, variables).await;
        assert!(text.contains(expected), "{query}\n{text}");
    }
}

#[tokio::test]
async fn fragments_that_explode_are_refused_at_once() {
    let started = std::time::Instant::now();
    let mut flat = String::from("{ ...F0 } ");
    let mut keyed = String::from("{ tracks { nodes { ...G0 } } } ");
    for n in 0..25 {
        let next = n + 1;
        let _ = write!(flat, "fragment F{n} on Query {{ ...F{next} ...F{next} }} ");
        let _ = write!(
            keyed,
            "fragment G{n} on Track {{ a: album {{ tracks {{ nodes {{ ...G{next} }} }} }} b: album {{ tracks {{ nodes {{ ...G{next} }} }} }} }} "
        );
    }
    flat.push_str("fragment F25 on Query { __typename }");
    keyed.push_str("fragment G25 on Track { name }");
    for bomb in [flat, keyed] {
        let text = lowered(&bomb, json!({})).await;
        assert!(text.contains("LIMIT_EXCEEDED"), "{text}");
    }
    assert!(started.elapsed().as_secs() < 5);
}
