//! Writes: what they change, what they refuse, and that an operation is all or nothing.

use harness::{App, EVERYTHING, STORE, Value, both, json};

const ITEMS: &str = r#"
type Item @model(id: SERIAL) @allow(to: [ALL], role: "anyone") {
  code: String! @unique
  amount: Int! @default(value: 0) @check(min: 0)
  price: Decimal
  words: [String!]! @default(value: [])
  owner: Owner
}
type Owner @model(id: SERIAL) @allow(to: [ALL], role: "anyone") { name: String! @unique  items: [Item!]!  tags: [Tag!]! }
type Tag @model(id: SERIAL) @allow(to: [ALL], role: "anyone") { word: String! @unique  owners: [Owner!]! }
"#;

async fn mutate(app: &App, query: &str) -> Value {
    app.anyone().graphql(&format!("mutation {{ {query} }}")).await.data()
}

async fn count(app: &App, list: &str) -> u64 {
    let data = app.anyone().graphql(&format!("{{ {list} {{ totalCount }} }}")).await.data();
    data[list]["totalCount"].as_u64().unwrap()
}

#[test]
fn create_update_and_delete_answer_the_row() {
    both(ITEMS, async |app| {
        let data = mutate(app, "createItem(input: { code: \"a\", price: \"1.50\" }) { id code amount price words version createdAt updatedAt }").await;
        let row = &data["createItem"];
        assert_eq!((&row["id"], &row["version"], &row["price"]), (&json!("1"), &json!(1), &json!("1.5")));
        assert_eq!((&row["amount"], &row["words"]), (&json!(0), &json!([])));
        assert_eq!(row["createdAt"], row["updatedAt"]);
        assert!(row["createdAt"].as_str().unwrap().ends_with('Z'));
        let data = mutate(
            app,
            "updateItem(id: \"1\", set: { price: null }, inc: { amount: 5 }) { code amount price version }",
        )
        .await;
        assert_eq!(data["updateItem"], json!({ "code": "a", "amount": 5, "price": null, "version": 2 }));
        let data = mutate(app, "deleteItem(id: \"1\") { code version }").await;
        assert_eq!(data["deleteItem"]["code"], "a");
        assert_eq!(count(app, "items").await, 0);
        let _ = app.anyone().graphql("mutation { deleteItem(id: \"1\") { code } }").await.fails("NOT_FOUND");
        let _ = app
            .anyone()
            .graphql("mutation { updateItem(id: \"1\", set: { code: \"b\" }) { code } }")
            .await
            .fails("NOT_FOUND");
    });
}

#[test]
fn all_fields_of_a_mutation_are_one_transaction() {
    both(ITEMS, async |app| {
        let query = "mutation { a: createItem(input: { code: \"a\" }) { id } b: createItem(input: { code: \"b\" }) { id } c: createItem(input: { code: \"a\" }) { id } }";
        let reply = app.anyone().graphql(query).await.fails("UNIQUE_VIOLATION").says("code");
        assert_eq!(reply.errors()[0]["path"], json!(["c"]));
        assert_eq!(reply.json()["data"], Value::Null);
        assert_eq!(count(app, "items").await, 0);
        let query = "a: createItem(input: { code: \"a\" }) { amount } b: updateItem(id: \"ID\", inc: { amount: 2 }) { amount }";
        let data = mutate(app, "createItem(input: { code: \"x\" }) { id }").await;
        let id = data["createItem"]["id"].as_str().unwrap();
        let data = mutate(app, &query.replace("ID", id)).await;
        assert_eq!(data, json!({ "a": { "amount": 0 }, "b": { "amount": 2 } }));
    });
}

#[test]
fn plural_writes_have_a_maximum_and_need_a_condition() {
    both(ITEMS, async |app| {
        let rows: Vec<Value> = (0..10).map(|n| json!({ "code": format!("c{n}"), "amount": n })).collect();
        let query = "mutation($rows: [ItemCreate!]!) { createItems(input: $rows) { count nodes { code } } }";
        let data = app.anyone().graphql_with(query, json!({ "rows": rows })).await.data();
        assert_eq!(data["createItems"]["count"], 10);
        assert_eq!(data["createItems"]["nodes"][9], json!({ "code": "c9" }));
        let data = mutate(
            app,
            "updateItems(where: { amount: { gte: 8 } }, inc: { amount: 100 }) { count nodes { amount } }",
        )
        .await;
        assert_eq!(
            data["updateItems"],
            json!({ "count": 2, "nodes": [{ "amount": 108 }, { "amount": 109 }] })
        );
        let too_many =
            "mutation { updateItems(where: { amount: { gte: 0 } }, set: { amount: 0 }, max: 9) { count } }";
        let _ = app.anyone().graphql(too_many).await.fails("TOO_MANY_ROWS").says("9");
        let _ = app
            .anyone()
            .graphql("mutation { deleteItems(where: {}) { count } }")
            .await
            .fails("WHERE_REQUIRED");
        let _ = app.anyone().delete("/v1/items").await.is(400).fails("WHERE_REQUIRED");
        let refused = app.anyone().with("prefer", "max-affected=3").delete("/v1/items?amount[gte]=0").await;
        let _ = refused.fails("TOO_MANY_ROWS");
        assert_eq!(count(app, "items").await, 10);
        let data = mutate(app, "deleteItems(where: { amount: { lt: 5 } }) { count }").await;
        assert_eq!(data["deleteItems"]["count"], 5);
    });
}

#[test]
fn upsert_creates_or_updates_by_id_or_by_a_unique_key() {
    both(ITEMS, async |app| {
        let upsert = "upsertItem(input: { code: \"a\", amount: 1 }, on: CODE) { id amount version }";
        assert_eq!(mutate(app, upsert).await["upsertItem"], json!({ "id": "1", "amount": 1, "version": 1 }));
        let again = "upsertItem(input: { code: \"a\", amount: 7 }, on: CODE) { id amount version }";
        assert_eq!(mutate(app, again).await["upsertItem"], json!({ "id": "1", "amount": 7, "version": 2 }));
        let other =
            "upsertItem(input: { code: \"a\", amount: 9 }, on: CODE, set: { price: \"3\" }) { amount price }";
        assert_eq!(mutate(app, other).await["upsertItem"], json!({ "amount": 7, "price": "3" }));
        let many = "upsertItems(input: [{ code: \"a\", amount: 2 }, { code: \"b\" }], on: CODE) { count nodes { code amount } }";
        let data = mutate(app, many).await;
        assert_eq!(
            data["upsertItems"],
            json!({ "count": 2, "nodes": [{ "code": "a", "amount": 2 }, { "code": "b", "amount": 0 }] })
        );
        assert_eq!(count(app, "items").await, 2);
    });
}

#[test]
fn versions_keep_two_writers_apart() {
    both(ITEMS, async |app| {
        let _ = mutate(app, "createItem(input: { code: \"a\" }) { id }").await;
        let query = "updateItem(id: \"1\", inc: { amount: 1 }, ifVersion: 1) { version }";
        assert_eq!(mutate(app, query).await["updateItem"]["version"], 2);
        let _ = app.anyone().graphql(&format!("mutation {{ {query} }}")).await.fails("VERSION_MISMATCH");
        let _ = app
            .anyone()
            .graphql("mutation { deleteItem(id: \"1\", ifVersion: 1) { id } }")
            .await
            .fails("VERSION_MISMATCH");
        let tag = app.anyone().get("/v1/items/1").await.good().header("etag").to_owned();
        assert!(tag.starts_with('"') || tag.starts_with("W/\""), "{tag}");
        let _ =
            app.anyone().with("if-match", &tag).patch("/v1/items/1", json!({ "amount": 5 })).await.is(200);
        let _ = app
            .anyone()
            .with("if-match", &tag)
            .patch("/v1/items/1", json!({ "amount": 6 }))
            .await
            .is(412)
            .fails("VERSION_MISMATCH");
        let _ = app.anyone().with("if-match", &tag).delete("/v1/items/1").await.is(412);
    });
}

#[test]
fn counting_up_at_the_same_time_loses_nothing() {
    both(ITEMS, async |app| {
        let _ = mutate(app, "createItem(input: { code: \"a\" }) { id }").await;
        let anyone = app.anyone();
        let asks = (0..40)
            .map(|_| anyone.graphql("mutation { updateItem(id: \"1\", inc: { amount: 1 }) { amount } }"));
        for reply in futures::future::join_all(asks).await {
            let _ = reply.good();
        }
        let data = app.anyone().graphql("{ item(id: \"1\") { amount version } }").await.data();
        assert_eq!(data["item"], json!({ "amount": 40, "version": 41 }));
    });
}

#[test]
fn lists_grow_and_shrink() {
    both(ITEMS, async |app| {
        let _ = mutate(app, "createItem(input: { code: \"a\", words: [\"x\"] }) { id }").await;
        let data = mutate(app, "updateItem(id: \"1\", append: { words: [\"y\", \"x\"] }) { words }").await;
        assert_eq!(data["updateItem"]["words"], json!(["x", "y", "x"]));
        let data = mutate(app, "updateItem(id: \"1\", remove: { words: [\"x\"] }) { words }").await;
        assert_eq!(data["updateItem"]["words"], json!(["y"]));
    });
}

#[test]
fn relations_are_written_with_their_row() {
    both(ITEMS, async |app| {
        let data = mutate(
            app,
            "createOwner(input: { name: \"Ann\", items: { create: [{ code: \"a\" }, { code: \"b\" }] }, tags: { create: [{ word: \"t\" }] } }) \
             { id items { nodes { code owner { name } } } tags { nodes { word owners { totalCount } } } }",
        )
        .await;
        assert_eq!(
            data["createOwner"],
            json!({ "id": "1", "items": { "nodes": [{ "code": "a", "owner": { "name": "Ann" } }, { "code": "b", "owner": { "name": "Ann" } }] },
                    "tags": { "nodes": [{ "word": "t", "owners": { "totalCount": 1 } }] } }),
        );
        let data = mutate(
            app,
            "createItem(input: { code: \"c\", owner: { create: { name: \"Bob\" } } }) { owner { id name } }",
        )
        .await;
        assert_eq!(data["createItem"]["owner"], json!({ "id": "2", "name": "Bob" }));
        let data =
            mutate(app, "updateItem(id: \"1\", set: { owner: { connect: \"2\" } }) { owner { name } }").await;
        assert_eq!(data["updateItem"]["owner"]["name"], "Bob");
        let data =
            mutate(app, "updateItem(id: \"1\", set: { owner: { disconnect: true } }) { owner { name } }")
                .await;
        assert_eq!(data["updateItem"]["owner"], Value::Null);
        let data = mutate(app, "updateOwner(id: \"2\", set: { tags: { connect: [\"1\"] }, items: { connect: [\"2\"] } }) { tags { nodes { word } } items { nodes { code } } }").await;
        assert_eq!(
            data["updateOwner"],
            json!({ "tags": { "nodes": [{ "word": "t" }] }, "items": { "nodes": [{ "code": "b" }, { "code": "c" }] } })
        );
        let data = mutate(
            app,
            "updateOwner(id: \"2\", set: { tags: { disconnect: [\"1\"] } }) { tags { totalCount } }",
        )
        .await;
        assert_eq!(data["updateOwner"]["tags"]["totalCount"], 0);
        let nobody = "mutation { createItem(input: { code: \"z\", owner: { connect: \"99\" } }) { id } }";
        let reply = app.anyone().graphql(nobody).await;
        assert!(["FOREIGN_KEY_VIOLATION", "NOT_FOUND"].contains(&reply.code().as_str()), "{}", reply.whole());
        let both_ways = "mutation { createItem(input: { code: \"z\", owner: { connect: \"1\", create: { name: \"C\" } } }) { id } }";
        assert!(!app.anyone().graphql(both_ways).await.errors().is_empty());
    });
}

#[test]
fn a_row_that_is_referred_to_stays_and_cascades_go_where_the_model_says() {
    STORE.fresh(async |app| {
        let admin = app.admin();
        let find = async |query: &str| admin.graphql(query).await.data();
        let artist = find("{ artist(by: { name: \"Ada Marsh\" }) { id } }").await["artist"]["id"].as_str().unwrap().to_owned();
        let _ = admin.delete(&format!("/v1/artists/{artist}")).await.is(409).fails("FOREIGN_KEY_VIOLATION");
        let album = find("{ albums(where: { title: { eq: \"Tidelines\" } }) { nodes { id } } }").await["albums"]["nodes"][0]["id"].clone();
        let _ = admin.delete(&format!("/v1/albums/{}", album.as_str().unwrap())).await.is(204);
        assert_eq!(find("{ tracks { totalCount } }").await["tracks"]["totalCount"], 5);
        assert_eq!(find("{ playlist(by: { name: \"Morning\" }) { tracks { totalCount } } }").await["playlist"]["tracks"]["totalCount"], 1);
        let genre = find("{ genre(by: { name: \"Drone\" }) { id } }").await["genre"]["id"].as_str().unwrap().to_owned();
        let _ = admin.delete(&format!("/v1/genres/{genre}")).await.is(204);
        assert_eq!(find("{ tracks(where: { genre: { isNull: true } }) { totalCount } }").await["tracks"]["totalCount"], 3);
    });
}

#[test]
fn soft_deleted_rows_are_gone_for_everyone_but_the_admin() {
    EVERYTHING.fresh(async |app| {
        let anyone = app.anyone();
        let made = anyone.post("/v1/notes", json!({ "slug": "a", "body": "x" })).await.is(201).json();
        let id = made["id"].as_str().unwrap();
        let _ = anyone.delete(&format!("/v1/notes/{id}")).await.is(204);
        let _ = anyone.get(&format!("/v1/notes/{id}")).await.is(404);
        assert_eq!(count(app, "notes").await, 0);
        let _ = anyone.post("/v1/notes", json!({ "slug": "a" })).await.is(201); // the unique key is free again
        let kept = app
            .admin()
            .graphql("{ notes(where: { deletedAt: { isNull: false } }) { nodes { slug } } }")
            .await
            .data();
        assert_eq!(kept["notes"]["nodes"], json!([{ "slug": "a" }]));
    });
}

#[test]
fn checks_and_required_fields_name_the_field() {
    EVERYTHING.fresh(async |app| {
        let anyone = app.anyone();
        for (body, field) in [
            (json!({ "low": 11 }), "low"),
            (json!({ "low": -1 }), "low"),
            (json!({ "high": "0.001", "low": 1 }), "high"),
            (json!({ "low": 1, "code": "abc" }), "ABC-1"),
            (json!({ "low": 1, "name": "x" }), "name"),
            (json!({ "low": 1, "name": "toolong" }), "name"),
            (json!({}), "Give low or high."),
        ] {
            let _ = anyone.post("/v1/checkeds", body.clone()).await.is(422).fails("CHECK_FAILED").says(field);
        }
        let made = anyone
            .post("/v1/checkeds", json!({ "low": 3, "name": "🎵🎵🎵🎵🎵", "code": "ABC-12" }))
            .await
            .is(201)
            .json();
        let path = format!("/v1/checkeds/{}", made["id"].as_str().unwrap());
        let _ = anyone.patch(&path, json!({ "low": 99 })).await.is(422).fails("CHECK_FAILED");
        let _ = anyone
            .patch(&path, json!({ "low": null }))
            .await
            .is(422)
            .fails("CHECK_FAILED")
            .says("Give low or high.");
        let _ =
            anyone.post("/v1/orders", json!({ "user": "x" })).await.is(422).fails("REQUIRED").says("from");
        let _ = anyone.post("/v1/orders", json!({ "user": null, "from": "x" })).await.is(422).says("user");
    });
}

#[test]
fn changes_of_many_rows_are_told_apart_whatever_their_keys_are() {
    let model = r#"
type Counted @model(id: SERIAL) @allow(to: [ALL], role: "anyone") { size: Int! }
type Unique @model @allow(to: [ALL], role: "anyone") { size: Int! }
type Named @model(id: CLIENT) @allow(to: [ALL], role: "anyone") { size: Int! }
"#;
    both(model, async |app| {
        // One connection after the other: the statements it knows are known to the next request.
        for size in 1..3 {
            for path in ["counteds", "uniques", "nameds"] {
                let path = format!("/v1/{path}");
                let row = match path.ends_with("nameds") {
                    true => json!({ "id": format!("n{size}"), "size": size }),
                    false => json!({ "size": size }),
                };
                let _ = app.anyone().post(&path, row).await.is(201);
                let many = format!("{path}?size[gte]=0");
                let count = app.anyone().patch(&many, json!({ "size": size })).await.good().json();
                assert_eq!(count["count"], size, "{path}");
            }
        }
        for path in ["counteds", "uniques", "nameds"] {
            let gone = app.anyone().delete(&format!("/v1/{path}?size[gte]=0")).await.good().json();
            assert_eq!(gone["count"], 2);
        }
    });
}

#[test]
fn a_field_of_a_mutation_knows_nothing_of_those_behind_it() {
    let model = r#"
type Group @model(id: CLIENT) @allow(to: [ALL], role: "anyone") { name: String!  tags: [Tag!]! }
type Tag @model(id: CLIENT) @allow(to: [ALL], role: "anyone") { groups: [Group!]! }
"#;
    both(model, async |app| {
        let anyone = app.anyone();
        let query = "mutation { a: createGroup(input: { id: \"g\", name: \"one\", tags: { create: [{ id: \"t\" }] } }) { name tags { totalCount } } \
            b: updateGroup(id: \"g\", set: { name: \"two\", tags: { disconnect: [\"t\"] } }) { name version tags { totalCount } } \
            c: updateGroups(where: { id: { eq: \"g\" } }, set: { name: \"three\" }) { count nodes { name } } \
            d: deleteGroup(id: \"g\") { name } \
            e: createGroup(input: { id: \"g\", name: \"four\" }) { name version } }";
        let data = anyone.graphql(query).await.data();
        assert_eq!(
            data,
            json!({
                "a": { "name": "one", "tags": { "totalCount": 1 } },
                "b": { "name": "two", "version": 2, "tags": { "totalCount": 0 } },
                "c": { "count": 1, "nodes": [{ "name": "three" }] },
                "d": { "name": "three" },
                "e": { "name": "four", "version": 1 },
            })
        );
    });
}

#[test]
fn an_id_that_a_path_could_not_name_is_refused() {
    let model = "type Thing @model(id: CLIENT) @allow(to: [ALL], role: \"anyone\") { size: Int }";
    both(model, async |app| {
        for id in ["aggregate", ".", ".."] {
            let _ = app
                .anyone()
                .post("/v1/things", json!({ "id": id }))
                .await
                .is(422)
                .fails("BAD_VALUE")
                .says("path");
        }
        let _ = app.anyone().post("/v1/things", json!({ "id": "aggregates" })).await.is(201);
    });
}
