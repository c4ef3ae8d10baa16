//! Arithmetic on what is stored stays in the range of the type, or says which field leaves it.

use harness::{Value, both, json};

const NUMBERS: &str = r#"
type Number @model @allow(to: [ALL], role: "anyone") {
  small: Int! @default(value: 0)
  large: BigInt! @default(value: "0")
  exact: Decimal! @default(value: "0")
  near: Float! @default(value: 0)
  maybe: BigInt
}
"#;

#[test]
fn adding_never_leaves_the_range_of_a_type() {
    both(NUMBERS, async |app| {
        let anyone = app.anyone();
        let row = json!({
            "small": 2_147_483_640, "large": "9223372036854775800", "exact": "9223372036854.7", "near": 1e308
        });
        let id = anyone.post("/v1/numbers", row).await.is(201).json()["id"].as_str().unwrap().to_owned();
        let add = async |inc: &str| {
            anyone.graphql(&format!("mutation {{ updateNumber(id: \"{id}\", inc: {{ {inc} }}) {{ small large exact near maybe version }} }}")).await
        };
        for (inc, field) in [
            ("small: 8", "small"),
            ("large: \"8\"", "large"),
            ("large: \"9223372036854775807\"", "large"),
            ("exact: \"1\"", "exact"),
            ("exact: \"9223372036854.775807\"", "exact"),
            ("near: 1e308", "near"),
            // Not the first one that is added to, but the one that is too large.
            ("small: 1, large: \"8\"", "large"),
            ("small: 1, large: \"1\", near: 1.7e308", "near"),
        ] {
            let reply = add(inc).await.fails("OUT_OF_RANGE");
            let error = &reply.errors()[0];
            assert_eq!(
                error["message"],
                format!("`{field}` left the range of its type."),
                "{inc}: {}",
                reply.whole()
            );
            assert_eq!(error["extensions"]["input"], format!("inc.{field}"), "{inc}: {}", reply.whole());
        }
        let data =
            add("small: 7, large: \"7\", exact: \"0.075807\", near: -1e308, maybe: \"5\"").await.data();
        assert_eq!(
            data["updateNumber"],
            json!({ "small": i32::MAX, "large": i64::MAX.to_string(), "exact": "9223372036854.775807", "near": 0, "maybe": Value::Null, "version": 2 }),
        );
    });
}

#[test]
fn taking_away_never_leaves_the_range_of_a_type() {
    both(NUMBERS, async |app| {
        let anyone = app.anyone();
        let row = json!({ "small": -2_147_483_640, "large": "-9223372036854775800", "exact": "-9223372036854.7", "near": -1e308, "maybe": "-1" });
        let id = anyone.post("/v1/numbers", row).await.is(201).json()["id"].as_str().unwrap().to_owned();
        let add = async |inc: &str| {
            anyone
                .graphql(&format!(
                    "mutation {{ updateNumber(id: \"{id}\", inc: {{ {inc} }}) {{ small large near maybe }} }}"
                ))
                .await
        };
        for (inc, field) in [
            ("small: -9", "small"),
            ("large: \"-9\"", "large"),
            ("large: \"-9223372036854775808\"", "large"),
            ("exact: \"-1\"", "exact"),
            ("near: -1e308", "near"),
            ("maybe: \"-9223372036854775808\"", "maybe"),
        ] {
            let _ = add(inc).await.fails("OUT_OF_RANGE").says(&format!("`{field}`"));
        }
        let many =
            "mutation { updateNumbers(where: { small: { lt: 0 } }, inc: { large: \"-9\" }) { count } }";
        let _ = anyone.graphql(many).await.fails("OUT_OF_RANGE").says("`large`");
        let data = add("small: -8, large: \"-8\", near: 0.5, maybe: \"-9223372036854775807\"").await.data();
        assert_eq!(data["updateNumber"]["small"], i32::MIN);
        assert_eq!(
            (&data["updateNumber"]["large"], &data["updateNumber"]["maybe"]),
            (&json!(i64::MIN.to_string()), &json!(i64::MIN.to_string()))
        );
    });
}
