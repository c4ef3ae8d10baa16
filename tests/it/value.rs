//! Values come back as they went in, and both engines print them alike.

use harness::{EVERYTHING, Value, json};

const ALL: &str = "id label textValue intValue floatValue boolValue bigValue decimalValue dateValue momentValue uuidValue jsonValue \
                   emailValue urlValue moodValue address { street city country point { latitude longitude } } texts ints floats flags bigs decimals dates moments uuids moods";

#[test]
fn every_scalar_round_trips_through_both_facades() {
    EVERYTHING.both(async |app| {
        let data = app.anyone().graphql(&format!("{{ sample(by: {{ label: \"full\" }}) {{ {ALL} }} }}")).await.data();
        let row = &data["sample"];
        for (field, expected) in [
            ("textValue", json!("plain")),
            ("intValue", json!(42)),
            ("floatValue", json!(1.5)),
            ("boolValue", json!(true)),
            ("bigValue", json!("9223372036854775807")),
            ("decimalValue", json!("12345678.9")),
            ("dateValue", json!("2024-02-29")),
            ("momentValue", json!("2024-02-29T12:34:56.789Z")),
            ("uuidValue", json!("0190b5a4-7e8f-7c3d-8a21-5f6e7d8c9b0a")),
            ("jsonValue", json!({ "a": [1, 2.5, null, "x"], "b": { "c": true } })),
            ("emailValue", json!("ada@example.com")),
            ("urlValue", json!("https://example.com/a?b=c")),
            ("moodValue", json!("HAPPY")),
            ("address", json!({ "street": "1 Quay", "city": "Bergen", "country": "NO", "point": { "latitude": 60.39, "longitude": 5.32 } })),
            ("texts", json!(["a", "", "ü"])),
            ("ints", json!([1, -2, 3])),
            ("flags", json!([true, false])),
            ("bigs", json!(["9007199254740993"])),
            ("decimals", json!(["0.1", "2"])),
            ("dates", json!(["2024-01-01"])),
            ("moments", json!(["2024-01-01T00:00:00Z"])),
            ("uuids", json!(["0190b5a4-7e8f-7c3d-8a21-5f6e7d8c9b0a"])),
            ("moods", json!(["LOUD", "CALM"])),
        ] {
            assert_eq!(row[field], expected, "{field} on {:?}", app.backend());
        }
        let rest = app.anyone().get(&format!("/v1/samples/{}", row["id"].as_str().unwrap())).await.good().json();
        for (field, value) in row.as_object().unwrap() {
            assert_eq!(&rest[field], value, "{field}");
        }
    });
}

#[test]
fn nothing_is_null_and_the_edges_hold() {
    EVERYTHING.both(async |app| {
        let data = app.anyone().graphql(&format!("{{ empty: sample(by: {{ label: \"empty\" }}) {{ {ALL} }} edges: sample(by: {{ label: \"edges\" }}) {{ {ALL} }} }}")).await.data();
        for (field, value) in data["empty"].as_object().unwrap() {
            assert_eq!(value.is_null(), !["id", "label"].contains(&field.as_str()), "{field}");
        }
        let edges = &data["edges"];
        assert_eq!(edges["textValue"], "");
        assert_eq!(edges["intValue"], -2_147_483_648_i64);
        assert_eq!(edges["floatValue"].as_f64(), Some(0.0));
        assert!(!edges["floatValue"].to_string().starts_with('-'));
        assert_eq!(edges["boolValue"], false);
        assert_eq!(edges["bigValue"], "-9223372036854775808");
        assert_eq!(edges["decimalValue"], "-0.01");
        assert_eq!(edges["dateValue"], "0001-01-01");
        assert_eq!(edges["momentValue"], "1969-12-31T23:59:59.999Z");
        assert_eq!(edges["jsonValue"], json!([]));
        assert_eq!(edges["texts"], json!([]));
    });
}

#[test]
fn numbers_keep_their_digits() {
    EVERYTHING.fresh(async |app| {
        let cases = [
            ("decimalValue", json!("9223372036854.775807"), Some(json!("9223372036854.775807"))),
            ("decimalValue", json!("-9223372036854.775807"), Some(json!("-9223372036854.775807"))),
            ("decimalValue", json!("9223372036854.775808"), None),
            ("decimalValue", json!("0.0000001"), None),
            ("decimalValue", json!("0.000001"), Some(json!("0.000001"))),
            ("decimalValue", json!("100.00"), Some(json!("100"))),
            ("decimalValue", json!(0.1), Some(json!("0.1"))),
            ("decimalValue", json!("-0"), Some(json!("0"))),
            ("decimalValue", json!("1e3"), None),
            ("bigValue", json!("9223372036854775808"), None),
            ("bigValue", json!(5), Some(json!("5"))),
            ("intValue", json!(2_147_483_648_i64), None),
            ("intValue", json!(1.5), None),
            ("intValue", json!("5"), None),
            ("floatValue", json!(0.1), Some(json!(0.1))),
            ("floatValue", json!(1e300), Some(json!(1e300))),
            ("floatValue", json!(5e-324), Some(json!(5e-324))),
            ("floatValue", json!(0.30000000000000004), Some(json!(0.30000000000000004))),
            ("floatValue", json!(123_456_789.123_456_79), Some(json!(123_456_789.123_456_79))),
            (
                "momentValue",
                json!("2024-06-01T12:00:00.123456+05:30"),
                Some(json!("2024-06-01T06:30:00.123456Z")),
            ),
            ("momentValue", json!("2024-06-01T12:00:00.100000Z"), Some(json!("2024-06-01T12:00:00.1Z"))),
            ("momentValue", json!("2024-06-01"), None),
            ("dateValue", json!("2023-02-29"), None),
            ("dateValue", json!("9999-12-31"), Some(json!("9999-12-31"))),
            (
                "uuidValue",
                json!("0190B5A4-7E8F-7C3D-8A21-5F6E7D8C9B0A"),
                Some(json!("0190b5a4-7e8f-7c3d-8a21-5f6e7d8c9b0a")),
            ),
            ("uuidValue", json!("nonsense"), None),
            ("emailValue", json!("no at sign"), None),
            ("urlValue", json!("not a url"), None),
            ("moodValue", json!("happy"), None),
            ("textValue", json!("a\u{0}b"), None),
            (
                "textValue",
                json!("tab\tline\nquote\"back\\slash\u{1}\u{7f}\u{2028}🎵"),
                Some(json!("tab\tline\nquote\"back\\slash\u{1}\u{7f}\u{2028}🎵")),
            ),
            (
                "jsonValue",
                json!({ "zz": 1, "a": { "long": [], "b": "\u{1F600}" }, "": null }),
                Some(json!({ "zz": 1, "a": { "long": [], "b": "\u{1F600}" }, "": null })),
            ),
            ("jsonValue", json!("text"), Some(json!("text"))),
            ("jsonValue", json!(1.0), None),
            ("address", json!({ "street": "x" }), None),
            ("address", json!({ "street": "x", "city": "y", "planet": "z" }), None),
            ("texts", json!(["a", null]), None),
            ("texts", json!("a"), None),
            ("ints", json!([1, "2"]), None),
        ];
        for (at, (field, value, expected)) in cases.into_iter().enumerate() {
            let reply = app
                .anyone()
                .post("/v1/samples", json!({ "label": format!("case {at}"), field: value }))
                .await;
            match expected {
                Some(expected) => {
                    assert_eq!(reply.clone().is(201).json()[field], expected, "{field} = {value}")
                }
                // 1.0 in JSON may come back as 1 or as 1.0: only that it is taken matters.
                None if field == "jsonValue" => assert_eq!(reply.status, 201, "{}", reply.whole()),
                None => {
                    assert!([400, 422].contains(&reply.status), "{field} = {value}: {}", reply.whole());
                    assert!(reply.text().contains(field), "{field} is not named: {}", reply.whole());
                }
            }
        }
    });
}

#[test]
fn defaults_of_every_kind() {
    EVERYTHING.fresh(async |app| {
        let made = app.anyone().post("/v1/presets", json!({})).await.is(201).json();
        for (field, expected) in [
            ("text", json!("it's \"quoted\"")),
            ("number", json!(-1)),
            ("ratio", json!(0.25)),
            ("active", json!(true)),
            ("big", json!("9007199254740993")),
            ("price", json!("19.9")),
            ("day", json!("2024-02-29")),
            ("moment", json!("2024-02-29T00:00:00Z")),
            ("mood", json!("DEFAULT")),
            ("words", json!(["a", "b"])),
            ("version", json!(1)),
        ] {
            assert_eq!(made[field], expected, "{field}");
        }
        assert_eq!(made["now"], made["createdAt"]);
        let id = made["id"].as_str().unwrap();
        assert!(id.len() == 36 && id.as_bytes()[14] == b'7', "a UUIDv7: {id}");
        let refused = app.anyone().post("/v1/presets", json!({ "text": Value::Null })).await;
        assert_eq!(refused.status, 422, "{}", refused.whole());
    });
}

const PAPERS: &str = r#"
type Place { height: Float  heights: [Float!] }
type Paper @model @allow(to: [ALL], role: "anyone") { body: JSON  place: Place  floats: [Float!] }
"#;

#[test]
fn numbers_in_json_come_back_as_they_were_sent_or_are_refused() {
    harness::both(PAPERS, async |app| {
        let anyone = app.anyone();
        let kept = r#"{"a":[9223372036854775807,-9223372036854775808,9007199254740993,1.5,-0.1,1e-7],"b":1234567890123456800}"#;
        let body = format!("{{\"body\":{kept}}}").into_bytes();
        let json_type = anyone.with("content-type", "application/json");
        let made = json_type.send("POST", "/v1/papers?fields=body", Some(body)).await.is(201);
        let sent: Value = serde_json::from_str(kept).unwrap();
        assert_eq!(made.json()["body"], sent, "{}", made.whole());
        for (number, place) in [
            ("12345678901234567890", "body"),
            ("9223372036854775808", "body"),
            ("-9223372036854775809", "body"),
            ("123456789012345678901234567890", "body"),
            ("1e300", "body"),
        ] {
            let body = format!("{{\"body\":{number}}}").into_bytes();
            let reply = json_type.send("POST", "/v1/papers", Some(body)).await;
            let reply = reply.is(422).fails("BAD_VALUE").says("too large to be kept exactly");
            assert_eq!(reply.json()["errors"][0]["field"], place, "{}", reply.whole());
            let literal =
                format!("mutation {{ createPaper(input: {{ body: {{ a: [1, {number}] }} }}) {{ id }} }}");
            let reply = anyone.graphql(&literal).await.fails("BAD_VALUE");
            assert!(
                reply.errors()[0]["extensions"]["input"].as_str().unwrap().ends_with("body.a[1]"),
                "{}",
                reply.whole()
            );
        }
        // A double of a field has its own range, and looks the same from both databases.
        let row = json!({ "place": { "height": 1e300, "heights": [1e20, 1e18, 0.5] }, "floats": [1.234_567_890_123_456_7e18, 1e22] });
        let made = anyone.post("/v1/papers?fields=place,floats", row).await.is(201);
        let text: String = made.text().chars().filter(|c| !c.is_whitespace()).collect();
        assert_eq!(
            text,
            r#"{"place":{"height":1e+300,"heights":[1e+20,1000000000000000000,0.5]},"floats":[1234567890123456800,1e+22]}"#,
        );
    });
}
