//! Deleted rows come back: an administrator sets `deletedAt` to null, and nobody else writes it.

use harness::{both, json};

const NOTES: &str = r#"
type Note @model(softDelete: true) @allow(to: [ALL], role: "anyone") { title: String!  name: String @unique }
type Entry @model(id: SERIAL, softDelete: true) @allow(to: [ALL], role: "anyone") { title: String! }
"#;

#[test]
fn an_administrator_brings_deleted_rows_back() {
    both(NOTES, async |app| {
        let (anyone, admin) = (app.anyone(), app.admin());
        for list in ["notes", "entries"] {
            let made = anyone.post(&format!("/v1/{list}"), json!({ "title": "a" })).await.is(201).json();
            let path = format!("/v1/{list}/{}", made["id"].as_str().unwrap());
            let _ = anyone.delete(&path).await.is(204);
            let _ = anyone.get(&path).await.is(404);
            // Nobody else: not by a change, not by an upsert.
            let _ = anyone.patch(&path, json!({ "deletedAt": null })).await.is(403).fails("FORBIDDEN");
            let put = anyone.put(&path, json!({ "title": "b", "deletedAt": null })).await;
            assert!([403, 422].contains(&put.status), "{}", put.whole());
            let _ = anyone.get(&path).await.is(404);

            let row = admin.patch(&path, json!({ "deletedAt": null })).await.is(200).json();
            assert_eq!((&row["title"], &row["deletedAt"]), (&json!("a"), &json!(null)));
            let _ = anyone.get(&path).await.is(200);

            let _ = anyone.delete(&path).await.is(204);
            let row = admin.put(&path, json!({ "title": "c", "deletedAt": null })).await.is(200).json();
            assert_eq!((&row["title"], &row["deletedAt"]), (&json!("c"), &json!(null)));
            let _ = anyone.get(&path).await.is(200);
            // Deleting is done by deleting.
            let _ = admin
                .patch(&path, json!({ "deletedAt": "2020-01-01T00:00:00Z" }))
                .await
                .is(422)
                .fails("BAD_VALUE")
                .says("deletedAt");
            let _ = anyone.get(&path).await.is(200);
        }
    });
}

#[test]
fn graphql_brings_deleted_rows_back_one_or_many() {
    both(NOTES, async |app| {
        let (anyone, admin) = (app.anyone(), app.admin());
        let made = anyone.post("/v1/notes", json!({ "title": "a", "name": "n" })).await.is(201).json();
        let id = made["id"].as_str().unwrap();
        let path = format!("/v1/notes/{id}");
        let _ = anyone.delete(&path).await.is(204);
        let back = format!(
            "mutation {{ updateNote(id: \"{id}\", set: {{ deletedAt: null }}) {{ title deletedAt }} }}"
        );
        // For others the input has no such field.
        let _ = anyone.graphql(&back).await.fails("GRAPHQL_VALIDATION_FAILED");
        assert_eq!(
            admin.graphql(&back).await.data()["updateNote"],
            json!({ "title": "a", "deletedAt": null })
        );
        let _ = anyone.delete(&path).await.is(204);
        let many = "mutation { updateNotes(where: { deletedAt: { isNull: false } }, set: { deletedAt: null }) { count nodes { title } } }";
        assert_eq!(
            admin.graphql(many).await.data()["updateNotes"],
            json!({ "count": 1, "nodes": [{ "title": "a" }] })
        );
        let _ = anyone.get(&path).await.is(200);
        // What is unique among the rows that are there stays so.
        let _ = anyone.delete(&path).await.is(204);
        let _ = anyone.post("/v1/notes", json!({ "title": "b", "name": "n" })).await.is(201);
        let _ = admin.graphql(&back).await.fails("UNIQUE_VIOLATION");
        let _ = anyone.get(&path).await.is(404);
    });
}
