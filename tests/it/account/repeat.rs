//! Idempotency keys are everybody's own: one that somebody else used is a new one.

use harness::account::bearer;
use harness::json;

use super::both;

#[test]
fn an_idempotency_key_of_somebody_else_is_a_new_one() {
    both(async |app, accounts, _| {
        let ann = accounts.sign_up("ann@example.com").await;
        let bob = accounts.sign_up("bob@example.com").await;
        let made = ann.post("/auth/keys", json!({ "name": "shop", "scopes": ["*"] })).await.is(201).json();
        let shop = bearer(app, made["key"].as_str().unwrap());
        let mut ids = Vec::new();
        for caller in [&ann.actor, &bob.actor, &shop] {
            let keyed = caller.with("idempotency-key", "the same for all");
            let note = json!({ "text": "mine" });
            let first = keyed.post("/v1/notes", note.clone()).await.is(201).json();
            let again = keyed.post("/v1/notes", note).await.is(201).json();
            assert_eq!(first["id"], again["id"]);
            let _ = keyed
                .post("/v1/notes", json!({ "text": "other" }))
                .await
                .is(422)
                .fails("IDEMPOTENCY_KEY_REUSED");
            let _ = caller.get(&format!("/v1/notes/{}", first["id"].as_str().unwrap())).await.is(200);
            ids.push(first["id"].clone());
        }
        assert!(ids[0] != ids[1] && ids[1] != ids[2] && ids[0] != ids[2], "{ids:?}");
        // A session that is renewed is the same user.
        let renewed = accounts.sign_in("ann@example.com").await;
        let keyed = renewed.with("idempotency-key", "the same for all");
        let again = keyed.post("/v1/notes", json!({ "text": "mine" }));
        assert_eq!(again.await.is(201).json()["id"], ids[0]);
        let counted = |reply: harness::Value| reply["data"].as_array().map(Vec::len);
        assert_eq!(counted(bob.get("/v1/notes").await.is(200).json()), Some(1));
    });
}
