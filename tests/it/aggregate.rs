//! Numbers about many rows.

use harness::{STORE, json};

#[test]
fn all_rows_are_one_group() {
    STORE.both(async |app| {
        let query = "{ tracksAggregate { count sum { milliseconds unitPrice } min { unitPrice name } max { rating } avg { position } } }";
        let data = app.anyone().graphql(query).await.data();
        let group = &data["tracksAggregate"][0];
        assert_eq!(data["tracksAggregate"].as_array().unwrap().len(), 1);
        assert_eq!(group["count"], 7);
        assert_eq!(group["sum"], json!({ "milliseconds": "540001", "unitPrice": "15.37" }));
        assert_eq!(group["min"], json!({ "unitPrice": "0", "name": "100% Rain" }));
        assert_eq!(group["max"]["rating"].as_f64(), Some(4.5));
        assert!((group["avg"]["position"].as_f64().unwrap() - 12.0 / 7.0).abs() < 1e-9);
    });
}

#[test]
fn names_of_types_cost_no_statement() {
    STORE.fresh(async |app| {
        // The resolvers would ask once for each root.
        let part = "tracksAggregate { __typename sum { of: __typename unitPrice } avg { __typename position } min { __typename } max { __typename name } }";
        let query = format!("{{ a: {part} b: {part} }}");
        let (reply, statements) = app.statements_during(app.anyone().graphql(&query)).await;
        if let Some(statements) = statements {
            assert_eq!(statements.len(), 1, "{statements:?}");
        }
        let group = &reply.data()["b"][0];
        assert_eq!(group["__typename"], "TrackAggregate");
        assert_eq!(group["sum"], json!({ "of": "TrackSum", "unitPrice": "15.37" }));
        assert_eq!(group["avg"]["__typename"], "TrackAverage");
        assert_eq!(group["min"], json!({ "__typename": "TrackExtreme" }));
        assert_eq!(group["max"], json!({ "__typename": "TrackExtreme", "name": "Ünïcode 🎵" }));
        let _ = app.anyone().graphql(&query).await.good();
    });
}

#[test]
fn a_condition_narrows_the_rows_and_nothing_is_null() {
    STORE.both(async |app| {
        let query =
            "{ tracksAggregate(where: { position: { gt: 98 } }) { count sum { unitPrice } min { name } } }";
        let data = app.anyone().graphql(query).await.data();
        assert_eq!(
            data["tracksAggregate"],
            json!([{ "count": 0, "sum": { "unitPrice": null }, "min": { "name": null } }])
        );
    });
}

#[test]
fn rest_groups_filters_groups_and_sorts_them() {
    STORE.both(async |app| {
        let path = "/v1/tracks/aggregate?group=mood&sum=unitPrice&having[count][gt]=1&sort=-count,mood";
        let reply = app.anyone().get(path).await.good();
        let json = reply.json();
        let groups = json["data"].as_array().unwrap_or_else(|| panic!("{}", reply.whole()));
        let brief: Vec<_> = groups
            .iter()
            .map(|group| {
                (group["key"]["mood"].clone(), group["count"].clone(), group["sum"]["unitPrice"].clone())
            })
            .collect();
        assert_eq!(
            brief,
            [(json!("CALM"), json!(3), json!("2.99")), (json!(null), json!(2), json!("1.09"))],
            "{}",
            reply.whole()
        );
    });
}

#[test]
fn hidden_rows_are_not_counted_and_hidden_fields_not_summed() {
    STORE.both(async |app| {
        let count = app.admin().graphql("{ tracksAggregate { count } }").await.data();
        assert_eq!(count["tracksAggregate"][0]["count"], 8);
        let reply = app.anyone().graphql("{ tracksAggregate { sum { royalty } } }").await;
        assert!(!reply.errors().is_empty());
        let reply = app.anyone().get("/v1/tracks/aggregate?sum=royalty").await;
        assert!([400, 403].contains(&reply.status), "{}", reply.whole());
    });
}

#[test]
fn graphql_groups_by_a_relation_and_reads_its_row() {
    STORE.both(async |app| {
        let query = "{ tracksAggregate(groupBy: [{ field: genre }], having: { count: { gt: 1 } }, \
                     orderBy: [{ count: DESC }, { key: { genre: ASC } }]) { key { genre { name } } count sum { unitPrice } } }";
        let data = app.anyone().graphql(query).await.data();
        let group = |genre: harness::Value, count: u32, sum: &str| json!({ "key": { "genre": genre }, "count": count, "sum": { "unitPrice": sum } });
        assert_eq!(
            data["tracksAggregate"],
            json!([
                group(json!({ "name": "Ambient" }), 3, "3.27"),
                group(json!({ "name": "Drone" }), 2, "10.1"),
                group(json!(null), 2, "2"),
            ]),
        );
    });
}

#[test]
fn times_are_grouped_by_their_unit() {
    let model =
        "type Visit @model(id: SERIAL) @allow(to: [ALL], role: \"anyone\") { at: DateTime  day: Date }";
    harness::both(model, async |app| {
        let rows = json!([
            { "at": "2024-01-31T23:59:59.999999Z", "day": "2024-01-31" },
            { "at": "2024-02-01T00:00:00Z", "day": "2024-02-01" },
            { "at": "2024-02-29T12:00:00Z", "day": "2024-02-29" },
            { "at": "2023-12-31T23:30:00-01:00", "day": "2023-12-31" },
            { "at": null, "day": null },
        ]);
        let _ = app.anyone().post("/v1/visits", rows).await.is(201);
        for (unit, expected) in [
            ("YEAR", vec![4, 1]),
            ("MONTH", vec![2, 2, 1]),
            ("DAY", vec![1, 1, 1, 1, 1]),
            ("QUARTER", vec![4, 1]),
        ] {
            let query = format!(
                "{{ visitsAggregate(groupBy: [{{ field: at, trunc: {unit} }}], orderBy: [{{ key: {{ at: ASC }} }}]) {{ key {{ at }} count }} }}"
            );
            let data = app.anyone().graphql(&query).await.data();
            let counts: Vec<u64> = data["visitsAggregate"]
                .as_array()
                .unwrap()
                .iter()
                .map(|group| group["count"].as_u64().unwrap())
                .collect();
            assert_eq!(counts, expected, "{unit}: {data}");
        }
        let data = app
            .anyone()
            .graphql("{ visitsAggregate(groupBy: [{ field: at, trunc: MONTH }], first: 1) { key { at } } }")
            .await
            .data();
        assert_eq!(data["visitsAggregate"], json!([{ "key": { "at": "2024-01-01T00:00:00Z" } }]));
        let rest = app.anyone().get("/v1/visits/aggregate?group=day:month&sort=day").await.good().json();
        let counts: Vec<_> =
            rest["data"].as_array().unwrap().iter().map(|group| group["count"].clone()).collect();
        assert_eq!(counts, [json!(1), json!(1), json!(2), json!(1)]);
    });
}

#[test]
fn rest_names_its_own_parameters_in_what_is_wrong() {
    STORE.both(async |app| {
        for (path, field, code) in [
            ("/v1/tracks?sort=name,-name", "sort", "BAD_REQUEST"),
            ("/v1/tracks/aggregate?group=mood,mood", "group", "BAD_REQUEST"),
        ] {
            let problem = app.anyone().get(path).await.is(400).fails(code).json();
            assert_eq!(problem["errors"][0]["field"], field);
        }
        // One group at most, and still no more may be asked for than there may be.
        let _ = app.anyone().get("/v1/tracks/aggregate?limit=1000001").await.is(400).fails("PAGE_TOO_LARGE");
        for name in ["if-match", "if-none-match"] {
            let reply = app.admin().with(name, "").delete("/v1/genres/1").await;
            let _ = reply.is(400).fails("BAD_REQUEST");
        }
    });
}
