//! Numbers: integers however JSON writes them, and ids that the database counts.

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
        let body = br#"{ "id": 5.0, "size": 73411.0, "weight": -3.35e2 }"#;
        let row = caller.send("POST", "/v1/cups", Some(body.to_vec())).await.is(201).json();
        assert_eq!(row["id"], "5");
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

#[test]
fn the_database_counts_on_from_an_id_that_was_chosen() {
    both(MODEL, async |app| {
        let made = async |body| app.anyone().post("/v1/cups", body).await.is(201).json()["id"].clone();
        assert_eq!(made(json!({ "id": "2" })).await, "2");
        assert_eq!(made(json!({})).await, "3");
        assert_eq!(app.anyone().put("/v1/cups/10", json!({ "size": 1 })).await.is(201).json()["id"], "10");
        assert_eq!(made(json!({})).await, "11");
        assert_eq!(made(json!({ "id": 4 })).await, "4");
        assert_eq!(made(json!({})).await, "12");
        let rows = json!([{ "id": 30 }, { "id": 20 }]);
        let _ = app.anyone().post("/v1/cups", rows).await.is(201);
        assert_eq!(made(json!({})).await, "31");
    });
}

#[test]
fn nobody_chooses_an_id_that_is_the_last_one() {
    both(MODEL, async |app| {
        for id in [json!("9223372036854775807"), json!(9_007_199_254_740_992_i64)] {
            let body = json!({ "id": id });
            let _ = app.anyone().post("/v1/cups", body).await.is(422).fails("BAD_VALUE").says("id");
        }
        let _ = app.anyone().put("/v1/cups/9223372036854775807", json!({})).await.is(422).fails("BAD_VALUE");
        let _ = app.anyone().post("/v1/cups", json!({ "id": 9_007_199_254_740_991_i64 })).await.is(201);
        let _ = app.anyone().post("/v1/cups", json!({})).await.is(201);
    });
}
