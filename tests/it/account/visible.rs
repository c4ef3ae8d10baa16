//! What the rules do not open to a caller is in no schema, document or message that the caller gets.

use harness::{Actor, Backend, Mailbox, json, runtime};

use super::configured;

/// What each kind of caller must not hear of.
const MODEL: &str = r#"
type Note @model
  @allow(to: [READ], role: "anyone", fields: ["title"])
  @allow(to: [ALL], where: { owner: { eq: "$user.id" } }) {
  title: String
  draftText: String
  owner: User @default(value: "$user.id")
}
type Payroll @model @allow(to: [ALL], role: "org:owner") { salary: Int, note: Note }
type Ledger @model @allow(to: [READ], role: "auditor") { amountDue: Decimal }
type Strongbox @model { lockSequence: String }
"#;

/// The SDL by introspection and the OpenAPI document, as texts.
async fn told(actor: &Actor) -> String {
    let query = "{ __schema { types { name description fields { name } inputFields { name } enumValues { name } } } }";
    let schema = actor.graphql(query).await.good();
    let document = actor.get("/openapi.json").await.is(200);
    format!("{}\n{}", schema.text(), document.text())
}

#[test]
fn schemas_and_documents_tell_of_nothing_that_is_closed() {
    for backend in Backend::available() {
        runtime::block_on(async {
            println!("on {backend:?}");
            let mailbox = Mailbox::start();
            let app = configured(harness::App::with(backend, MODEL), &mailbox, &[]).start().await;
            let accounts = harness::Accounts::start(&app, &mailbox);
            let user = accounts.sign_up("user@example.com").await;
            let (owner, _) = accounts.owner("owner@example.com").await;
            let made = user.post("/auth/keys", json!({ "name": "k", "scopes": ["*"] })).await.is(201).json();
            let key = harness::account::bearer(&app, made["key"].as_str().unwrap());
            let words = ["draftText", "ayroll", "salary", "edger", "amountDue", "trongbox", "lockSequence"];
            // The administrator is told of all of them: the words are the right ones.
            let all = told(&app.admin()).await;
            assert!(words.iter().all(|word| all.contains(word)), "{all}");
            for (who, actor, known) in [
                ("anyone", app.anyone(), &[][..]),
                ("a user", user.actor.clone(), &["draftText"]),
                ("an owner", owner.actor.clone(), &["draftText", "ayroll", "salary"]),
                ("a key", key, &[]),
            ] {
                let told = told(&actor).await;
                for word in words {
                    assert_eq!(told.contains(word), known.contains(&word), "{who}: {word}");
                }
                // A mistake is told with no name of what is closed.
                for query in [
                    "{ strongbo { nodes { id } } }",
                    "{ ledge { nodes { id } } }",
                    "{ payrol { id } }",
                    "{ notes { nodes { draftTex } } }",
                ] {
                    let reply = actor.graphql(query).await;
                    for word in words.iter().filter(|word| !known.contains(word)) {
                        let said = reply.text().replace("ledge\"", "").replace("payrol\"", "");
                        assert!(!said.contains(word), "{who} {query}: {}", reply.whole());
                    }
                }
                for path in
                    ["/v1/strongboxes", "/v1/strongboxes/0190b5a4-7e8f-7c3d-8a21-5f6e7d8c9b0a", "/v1/nothing"]
                {
                    let reply = actor.get(path).await;
                    assert!([401, 404].contains(&reply.status), "{who} {}", reply.whole());
                }
            }
        });
    }
}
