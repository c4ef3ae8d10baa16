//! Names that are words of SQL or GraphQL work like any other.

use harness::{EVERYTHING, Value, json};

#[test]
fn types_and_fields_named_as_keywords_read_and_write() {
    EVERYTHING.fresh(async |app| {
        let anyone = app.anyone();
        let mutation = "mutation($input: OrderCreate!) { createOrder(input: $input) { id select order group user node from where table query type } }";
        let input = json!({ "select": "s", "order": 1, "group": "g", "user": "u", "node": "n", "from": "f", "where": "w", "table": false, "query": { "a": 1 }, "type": "SELECT" });
        let made = anyone.graphql_with(mutation, json!({ "input": input })).await.data();
        for (key, value) in input.as_object().unwrap() {
            assert_eq!(&made["createOrder"][key], value, "{key}");
        }
        let id = made["createOrder"]["id"].as_str().unwrap();
        let found = anyone
            .graphql(
                "{ orders(where: { order: { eq: 1 }, group: { in: [\"g\"] }, from: { startsWith: \"f\" }, where: { isNull: false }, type: { eq: SELECT } }, \
                 orderBy: [{ order: DESC }, { group: ASC }, { select: ASC }]) { totalCount nodes { user } } \
                 ordersAggregate(groupBy: [{ field: order }, { field: from }]) { key { order from } count max { order } } }",
            )
            .await
            .data();
        assert_eq!(found["orders"], json!({ "totalCount": 1, "nodes": [{ "user": "u" }] }));
        assert_eq!(found["ordersAggregate"], json!([{ "key": { "order": 1, "from": "f" }, "count": 1, "max": { "order": 1 } }]));
        let list = anyone.get("/v1/orders?from=f&order[gte]=1&sort=-order,group&fields=select,from,user").await.good().json();
        assert_eq!(list["data"], json!([{ "select": "s", "from": "f", "user": "u" }]));
        let patched = anyone.patch(&format!("/v1/orders/{id}"), json!({ "select": "t", "where": null })).await.is(200).json();
        assert_eq!((&patched["select"], &patched["where"]), (&json!("t"), &Value::Null));
        let again = "mutation { upsertOrder(input: { user: \"u\", from: \"f\", order: 5 }, on: USER_FROM) { order } }";
        assert_eq!(anyone.graphql(again).await.data()["upsertOrder"]["order"], 5);
        let _ = anyone.delete(&format!("/v1/orders/{id}")).await.is(204);
    });
}

#[test]
fn a_relation_of_a_type_with_itself_and_a_plural_of_its_own() {
    EVERYTHING.fresh(async |app| {
        let anyone = app.anyone();
        let made = anyone
            .graphql("mutation { createPerson(input: { name: \"top\", reports: { create: [{ name: \"a\", reports: { create: [{ name: \"b\" }] } }] } }) { id } }")
            .await
            .data();
        assert_eq!(made["createPerson"]["id"], "1");
        let found = anyone.graphql("{ people(where: { manager: { manager: { isNull: true } } }, orderBy: [{ name: ASC }]) { nodes { name manager { name reports { totalCount } } } } }").await.data();
        assert_eq!(found["people"]["nodes"], json!([{ "name": "a", "manager": { "name": "top", "reports": { "totalCount": 1 } } }]));
        let listed = anyone.get("/v1/people/1/reports?fields=name").await.good().json();
        assert_eq!(listed["data"], json!([{ "name": "a" }]));
        let _ = anyone.delete("/v1/people/1").await.is(204);
        let left = anyone.graphql("{ people(where: { manager: { isNull: true } }) { nodes { name } } }").await.data();
        assert_eq!(left["people"]["nodes"], json!([{ "name": "a" }]));
    });
}

#[test]
fn keys_that_the_caller_makes() {
    EVERYTHING.fresh(async |app| {
        let anyone = app.anyone();
        for id in ["no", "ü/ø ?#%", "'quoted'", "123"] {
            let made = anyone.post("/v1/countries", json!({ "id": id, "name": "x" })).await.is(201);
            assert_eq!(made.json()["id"], id);
            let location = made.header("location").to_owned();
            let read = anyone.get(&location).await.good();
            assert_eq!(read.json()["id"], id, "{location}");
        }
        let _ = anyone
            .post("/v1/countries", json!({ "id": "no", "name": "y" }))
            .await
            .is(409)
            .fails("UNIQUE_VIOLATION");
        let _ =
            anyone.post("/v1/countries", json!({ "name": "y" })).await.is(422).fails("REQUIRED").says("id");
        let put = anyone.put("/v1/countries/se", json!({ "name": "Sweden" })).await;
        assert_eq!(put.status, 201, "{}", put.whole());
        let put = anyone.put("/v1/countries/se", json!({ "name": "Sverige" })).await;
        assert_eq!((put.status, &put.json()["name"]), (200, &json!("Sverige")), "{}", put.whole());
        let _ =
            anyone.with("if-none-match", "*").put("/v1/countries/se", json!({ "name": "x" })).await.is(412);
    });
}
