//! Every operator of the filter grammar, through fields and relations, in both facades.

use harness::{App, STORE, Value, json};

/// The names of the tracks that a condition finds, sorted.
async fn names(app: &App, condition: &str) -> Vec<String> {
    let query = format!("{{ tracks(where: {condition}) {{ nodes {{ name }} }} }}");
    let data = app.anyone().graphql(&query).await.data();
    sorted(data["tracks"]["nodes"].as_array().unwrap())
}

fn sorted(rows: &[Value]) -> Vec<String> {
    let mut names: Vec<String> = rows.iter().map(|row| row["name"].as_str().unwrap().to_owned()).collect();
    names.sort();
    names
}

const LOW: &str = "Low Tide";
const HIGH: &str = "High Tide";
const RAIN: &str = "100% Rain";
const SCORE: &str = "under_score";
const UNDER: &str = "UNDER";
const QUOTE: &str = "O'Brien \"quoted\" \\ back";
const UNICODE: &str = "Ünïcode 🎵";

async fn all(app: &App, cases: &[(&str, &[&str])]) {
    for (condition, expected) in cases {
        let mut expected: Vec<_> = expected.iter().map(|&name| name.to_owned()).collect();
        expected.sort();
        assert_eq!(names(app, condition).await, expected, "{condition} on {:?}", app.backend());
    }
}

#[test]
fn numbers_compare() {
    STORE.both(async |app| {
        all(
            app,
            &[
                ("{ position: { eq: 3 } }", &[RAIN]),
                ("{ position: { ne: 1 } }", &[HIGH, RAIN, UNDER, UNICODE]),
                ("{ position: { in: [3, 99] } }", &[RAIN]),
                ("{ position: { in: [] } }", &[]),
                ("{ position: { notIn: [1, 2] } }", &[RAIN]),
                ("{ position: { notIn: [] }, explicit: { eq: true } }", &[RAIN]),
                ("{ position: { gt: 2 } }", &[RAIN]),
                ("{ position: { gte: 3 } }", &[RAIN]),
                ("{ milliseconds: { lt: 2 } }", &[QUOTE]),
                ("{ milliseconds: { lte: 60000 } }", &[QUOTE, SCORE, UNDER]),
                ("{ milliseconds: { between: [2, 180000] } }", &[LOW, SCORE, UNDER]),
                ("{ milliseconds: { isNull: true } }", &[RAIN, UNICODE]),
                ("{ rating: { eq: 4.5 } }", &[LOW, HIGH]),
                ("{ rating: { lt: 0 } }", &[UNDER]),
                ("{ rating: { gt: 0.05, lt: 0.2 } }", &[SCORE]),
                ("{ bytes: { eq: \"9007199254740993\" } }", &[LOW]),
                ("{ bytes: { eq: \"9007199254740992\" } }", &[]),
            ],
        )
        .await;
    });
}

#[test]
fn decimals_compare_as_numbers_and_without_loss() {
    STORE.both(async |app| {
        all(
            app,
            &[
                ("{ unitPrice: { eq: \"0.1\" } }", &[RAIN]),
                ("{ unitPrice: { eq: \"0.100000\" } }", &[RAIN]),
                ("{ unitPrice: { gt: \"9\" } }", &[SCORE]),
                ("{ unitPrice: { gt: \"1.29\" } }", &[SCORE, UNDER]),
                ("{ unitPrice: { lte: \"0.10\" } }", &[RAIN, QUOTE]),
                ("{ unitPrice: { in: [\"2\", \"10.0\"] } }", &[SCORE, UNDER]),
                ("{ unitPrice: { between: [\"0.99\", \"1.29\"] } }", &[LOW, HIGH, UNICODE]),
            ],
        )
        .await;
    });
}

#[test]
fn text_compares_and_wildcards_are_literal() {
    STORE.both(async |app| {
        all(
            app,
            &[
                ("{ name: { eq: \"Low Tide\" } }", &[LOW]),
                ("{ name: { eq: \"low tide\" } }", &[]),
                ("{ name: { ieq: \"low tide\" } }", &[LOW]),
                ("{ name: { contains: \"Tide\" } }", &[LOW, HIGH]),
                ("{ name: { contains: \"tide\" } }", &[]),
                ("{ name: { icontains: \"TIDE\" } }", &[LOW, HIGH]),
                ("{ name: { contains: \"%\" } }", &[RAIN]),
                ("{ name: { contains: \"_\" } }", &[SCORE]),
                ("{ name: { contains: \"\\\\\" } }", &[QUOTE]),
                ("{ name: { contains: \"'\" } }", &[QUOTE]),
                ("{ name: { startsWith: \"under\" } }", &[SCORE]),
                ("{ name: { istartsWith: \"under\" } }", &[SCORE, UNDER]),
                ("{ name: { endsWith: \"e\" } }", &[LOW, HIGH, SCORE]),
                ("{ name: { iendsWith: \"R\" } }", &[UNDER]),
                ("{ name: { like: \"%Tide\" } }", &[LOW, HIGH]),
                ("{ name: { like: \"_ow Tide\" } }", &[LOW]),
                ("{ name: { like: \"%tide\" } }", &[]),
                ("{ name: { contains: \"🎵\" } }", &[UNICODE]),
                ("{ name: { icontains: \"ünïc\" } }", &[UNICODE]),
                ("{ name: { icontains: \"ÜNÏC\" } }", &[UNICODE]),
                ("{ name: { gt: \"a\" } }", &[SCORE, UNICODE]), // by code point: capitals come before
                ("{ name: { lt: \"1\" } }", &[]),
            ],
        )
        .await;
    });
}

#[test]
fn booleans_enums_and_lists() {
    STORE.both(async |app| {
        all(
            app,
            &[
                ("{ explicit: { eq: true } }", &[RAIN]),
                ("{ explicit: { ne: false } }", &[RAIN]),
                ("{ mood: { eq: CALM } }", &[LOW, UNDER, QUOTE]),
                ("{ mood: { in: [HAPPY, LOUD] } }", &[HIGH, SCORE]),
                ("{ mood: { isNull: true } }", &[RAIN, UNICODE]),
                ("{ mood: { isNull: false }, position: { eq: 1 } }", &[LOW, SCORE, QUOTE]),
                ("{ tags: { has: \"sea\" } }", &[LOW, HIGH, UNDER]),
                ("{ tags: { has: \"%\" } }", &[]),
                ("{ tags: { hasAny: [\"slow\", \"it's\"] } }", &[LOW, QUOTE]),
                ("{ tags: { hasAll: [\"sea\", \"loud\"] } }", &[UNDER]),
                ("{ tags: { hasAny: [] } }", &[]),
                ("{ tags: { hasAll: [] }, position: { eq: 3 } }", &[RAIN]),
            ],
        )
        .await;
    });
}

#[test]
fn dates_and_instants_compare() {
    STORE.both(async |app| {
        all(
            app,
            &[
                ("{ recordedAt: { eq: \"2018-12-31T23:30:00Z\" } }", &[LOW]),
                ("{ recordedAt: { eq: \"2019-01-01T01:30:00+02:00\" } }", &[LOW]),
                ("{ recordedAt: { lt: \"2018-12-31T23:30:00.001Z\" } }", &[LOW]),
                ("{ recordedAt: { gt: \"2018-12-31T23:30:00Z\" } }", &[]),
                ("{ album: { releasedOn: { gte: \"2021-01-01\" } } }", &[SCORE, UNDER]),
                ("{ album: { releasedOn: { isNull: true } } }", &[QUOTE, UNICODE]),
            ],
        )
        .await;
    });
}

#[test]
fn conditions_combine_and_null_is_neither_true_nor_false() {
    STORE.both(async |app| {
        all(
            app,
            &[
                ("{ and: [{ position: { eq: 1 } }, { mood: { eq: CALM } }] }", &[LOW, QUOTE]),
                ("{ or: [{ position: { eq: 3 } }, { mood: { eq: LOUD } }] }", &[RAIN, SCORE]),
                ("{ not: { position: { in: [1, 2] } } }", &[RAIN]),
                ("{ and: [] , position: { eq: 3 } }", &[RAIN]),
                ("{ or: [] }", &[]),
                (
                    "{ position: { eq: 1 }, or: [{ mood: { eq: LOUD } }, { tags: { has: \"slow\" } }] }",
                    &[LOW, SCORE],
                ),
                ("{ not: { not: { position: { eq: 3 } } } }", &[RAIN]),
                // As in SQL: what is not there is neither equal nor unequal.
                ("{ mood: { ne: CALM } }", &[HIGH, SCORE]),
                ("{ not: { mood: { eq: CALM } } }", &[HIGH, SCORE]),
                ("{ not: { milliseconds: { gt: 60000 } } }", &[SCORE, UNDER, QUOTE]),
                ("{ mood: { notIn: [CALM] } }", &[HIGH, SCORE]),
            ],
        )
        .await;
    });
}

#[test]
fn relations_nest_in_all_directions() {
    STORE.both(async |app| {
        all(
            app,
            &[
                ("{ album: { title: { eq: \"Undertow\" } } }", &[SCORE, UNDER]),
                ("{ album: { artist: { country: { isNull: true } } } }", &[QUOTE, UNICODE]),
                ("{ genre: { isNull: true } }", &[UNDER, QUOTE]),
                ("{ genre: { name: { eq: \"Drone\" } } }", &[RAIN, SCORE]),
                ("{ not: { genre: { name: { eq: \"Drone\" } } } }", &[LOW, HIGH, UNDER, QUOTE, UNICODE]),
                ("{ playlists: { some: { name: { eq: \"Morning\" } } } }", &[LOW, HIGH, UNICODE]),
                ("{ playlists: { none: {} }, position: { eq: 1 } }", &[SCORE, QUOTE]),
                ("{ playlistsCount: { gt: 0 } }", &[LOW, HIGH, UNICODE]),
                ("{ playlistsCount: { eq: 0 }, mood: { eq: CALM } }", &[UNDER, QUOTE]),
                ("{ album: { tracks: { some: { explicit: { eq: true } } } } }", &[LOW, HIGH, RAIN]),
            ],
        )
        .await;
        let albums = async |condition: &str| {
            let query = format!(
                "{{ albums(where: {condition}, orderBy: [{{ title: ASC }}]) {{ nodes {{ title }} }} }}"
            );
            app.anyone().graphql(&query).await.data()["albums"]["nodes"].clone()
        };
        assert_eq!(
            albums("{ tracks: { every: { mood: { isNull: false } } } }").await,
            json!([{ "title": "Undertow" }]),
        );
        assert_eq!(
            albums("{ tracksCount: { between: [2, 2] } }").await,
            json!([{ "title": "Größe" }, { "title": "Undertow" }]),
        );
        assert_eq!(
            albums("{ tracks: { none: { unitPrice: { gt: \"1.29\" } } } }").await,
            json!([{ "title": "Größe" }, { "title": "Tidelines" }]),
        );
    });
}

#[test]
fn a_key_is_compared_without_a_join() {
    STORE.fresh(async |app| {
        let genre = app
            .anyone()
            .graphql("{ genres(where: { name: { eq: \"Drone\" } }) { nodes { id } } }")
            .await
            .data();
        let id = &genre["genres"]["nodes"][0]["id"];
        let query = "query($id: ID!) { tracks(where: { genre: { eq: $id } }) { nodes { name } } }";
        let anyone = app.anyone();
        let asked = anyone.graphql_with(query, json!({ "id": id }));
        let (reply, statements) = app.statements_during(asked).await;
        assert_eq!(sorted(reply.data()["tracks"]["nodes"].as_array().unwrap()), [RAIN, SCORE]);
        if let Some(statements) = statements {
            assert!(!statements.join("\n").contains("genres"), "{statements:#?}");
        }
        let rest =
            app.anyone().get(&format!("/v1/tracks?genre={}&fields=name", id.as_str().unwrap())).await.good();
        assert_eq!(sorted(rest.json()["data"].as_array().unwrap()), [RAIN, SCORE]);
    });
}

#[test]
fn equal_to_null_is_refused_and_points_to_is_null() {
    STORE.both(async |app| {
        let _ = app
            .anyone()
            .graphql("{ tracks(where: { mood: { eq: null } }) { nodes { name } } }")
            .await
            .says("isNull");
        let _ = app
            .anyone()
            .get("/v1/tracks?where=%7B%22mood%22%3A%7B%22eq%22%3Anull%7D%7D")
            .await
            .is(422)
            .says("isNull");
    });
}

#[test]
fn rest_says_the_same_conditions_as_parameters() {
    STORE.both(async |app| {
        for (parameters, expected) in [
            ("position=3", vec![RAIN]),
            ("position[gt]=2", vec![RAIN]),
            ("position[in]=3,99", vec![RAIN]),
            ("milliseconds[between]=2,180000", vec![LOW, UNDER, SCORE]),
            ("milliseconds[isNull]=true", vec![RAIN, UNICODE]),
            ("name[icontains]=tide", vec![HIGH, LOW]),
            ("name[contains]=%25", vec![RAIN]),
            ("album.artist.name[istartsWith]=br%C3%BCnn", vec![QUOTE, UNICODE]),
            ("tags[has]=slow", vec![LOW]),
            ("mood=LOUD", vec![SCORE]),
            ("explicit=true", vec![RAIN]),
            ("playlists.some.name=Morning&position=1", vec![LOW]),
            ("playlistsCount[gt]=0&position[gt]=1", vec![HIGH, UNICODE]),
            ("where=%7B%22or%22%3A%5B%7B%22position%22%3A%7B%22eq%22%3A3%7D%7D%2C%7B%22mood%22%3A%7B%22eq%22%3A%22LOUD%22%7D%7D%5D%7D", vec![RAIN, SCORE]),
        ] {
            let reply = app.anyone().get(&format!("/v1/tracks?{parameters}&fields=name")).await.good();
            let mut expected: Vec<String> = expected.into_iter().map(ToOwned::to_owned).collect();
            expected.sort();
            assert_eq!(sorted(reply.json()["data"].as_array().unwrap()), expected, "{parameters} on {:?}", app.backend());
        }
    });
}

const WORDS: &str = r#"type Word @model(id: SERIAL) @allow(to: [ALL], role: "anyone") { text: String! }"#;

#[test]
fn letters_of_either_case_are_alike_one_character_at_a_time_on_both_databases() {
    harness::both(WORDS, async |app| {
        let words = [
            "σ", "ς", "Σ", "ΑΣ", "ας", "İ", "i", "I", "ı", "i\u{307}", "ß", "ẞ", "SS", "ſ", "s", "\u{212a}",
            "k", "µ", "Μ", "Ä", "ä", "ᾈ", "ᾀ", "Ꭰ", "ꭰ", "ﬅ", "ﬆ", "ǅ", "ǆ",
        ];
        let rows: Vec<_> = words.iter().map(|word| harness::json!({ "text": word })).collect();
        let _ = app.anyone().post("/v1/words", harness::json!(rows)).await.is(201);
        let query = "query($where: WordWhere!) { words(where: $where, first: 100, orderBy: [{ id: ASC }]) { nodes { text } } }";
        for (operator, asked, found) in [
            ("ieq", "Σ", vec!["σ", "ς", "Σ"]),
            ("ieq", "ς", vec!["σ", "ς", "Σ"]),
            ("ieq", "αΣ", vec!["ΑΣ", "ας"]),
            ("iendsWith", "ς", vec!["σ", "ς", "Σ", "ΑΣ", "ας"]),
            ("istartsWith", "I", vec!["i", "I", "i\u{307}"]),
            ("ieq", "İ", vec!["İ"]),
            ("ieq", "ı", vec!["ı"]),
            ("ieq", "ß", vec!["ß", "ẞ"]),
            ("icontains", "ss", vec!["SS"]),
            ("ieq", "S", vec!["ſ", "s"]),
            ("ieq", "K", vec!["\u{212a}", "k"]),
            ("ieq", "μ", vec!["µ", "Μ"]),
            ("ieq", "Ä", vec!["Ä", "ä"]),
            ("ieq", "ᾈ", vec!["ᾈ", "ᾀ"]),
            ("ieq", "Ꭰ", vec!["Ꭰ", "ꭰ"]),
            ("ieq", "ﬆ", vec!["ﬅ", "ﬆ"]),
            ("ieq", "Ǆ", vec!["ǅ", "ǆ"]),
        ] {
            let where_ = harness::json!({ "where": { "text": { operator: asked } } });
            let data = app.anyone().graphql_with(query, where_).await.data();
            let texts: Vec<&str> = data["words"]["nodes"]
                .as_array()
                .unwrap()
                .iter()
                .map(|row| row["text"].as_str().unwrap())
                .collect();
            assert_eq!(texts, found, "{operator} {asked}");
        }
    });
}
