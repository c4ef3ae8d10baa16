//! Integers, however JSON writes them.

use harness::{both, json};

const MODEL: &str = r#"
type Cup @model(id: SERIAL) @allow(to: [ALL], role: "anyone") {
  size: Int
  weight: BigInt
}
"#;

#[test]
fn an_integer_may_be_written_with_a_fraction_of_zero() {
    both(MODEL, async |app| {
        let caller = app.anyone().with("content-type", "application/json");
        let body = br#"{ "size": 73411.0, "weight": -3.35e2 }"#;
        let row = caller.send("POST", "/v1/cups", Some(body.to_vec())).await.is(201).json();
        assert_eq!(row["size"], json!(73411));
        assert_eq!(row["weight"], "-335");
        for body in [
            r#"{"size":1.5}"#,
            r#"{"size":1e10}"#,
            r#"{"weight":0.5}"#,
            r#"{"weight":9223372036854775808.0}"#,
        ] {
            let _ = caller.send("POST", "/v1/cups", Some(body.into())).await.is(422).fails("BAD_VALUE");
        }
    });
}
