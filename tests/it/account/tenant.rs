//! Two organizations: what is asked with an id of the other one is answered as with one that is nowhere.

use harness::account::PASSWORD;
use harness::{Accounts, Actor, Door, Person, Response, json};

use super::both;

const NOWHERE: &str = "0190b5a4-7e8f-7c3d-8a21-5f6e7d8c9b0a";

/// What is there of somebody's: the name of the thing, and its id.
async fn belongings(
    accounts: &Accounts<'_>,
    person: &Person,
    organization: &str,
) -> Vec<(&'static str, String)> {
    let id = |reply: Response| reply.json()["id"].as_str().unwrap().to_owned();
    let (member, membership) = accounts.member(person, &format!("member.{}", person.email), "member").await;
    let invited = json!({ "email": "asked@example.com", "role": "member" });
    let key = json!({ "name": "k", "scopes": ["*"], "organization": true });
    let session = member.get("/auth/me").await.is(200).json()["session"].as_str().unwrap().to_owned();
    vec![
        ("organizations", organization.to_owned()),
        ("users", person.id.clone()),
        ("organizationMemberships", membership),
        ("organizationInvitations", id(person.post("/auth/invitations", invited).await.is(201))),
        ("apiKeys", id(person.post("/auth/keys", key).await.is(201))),
        ("authSessions", session),
        ("tasks", id(person.post("/v1/tasks", json!({ "title": "theirs" })).await.is(201))),
        ("notes", id(person.post("/v1/notes", json!({ "text": "theirs" })).await.is(201))),
    ]
}

/// All of an answer but for the id and the time.
fn masked(reply: &Response, id: &str) -> (u16, String, Vec<String>) {
    assert!(reply.status < 500, "{}", reply.whole());
    let kept = ["etag", "location", "allow", "www-authenticate"].map(|name| reply.header(name));
    (reply.status, reply.text().replace(id, "ID"), kept.into())
}

/// Asks the same with both ids.
async fn same(actor: &Actor, method: &str, path: &str, body: Option<String>, id: &str) {
    let ask = async |id: &str| {
        let body = body.as_ref().map(|body| body.replace("ID", id).into_bytes());
        masked(&actor.send(method, &path.replace("ID", id), body).await, id)
    };
    assert_eq!(ask(id).await, ask(NOWHERE).await, "{method} {path} {body:?}");
}

#[test]
fn ids_of_others_are_answered_as_ids_of_nothing() {
    both(async |_, accounts, _| {
        let (bob, theirs) = accounts.owner("bob@example.com").await;
        let (ann, _) = accounts.owner("ann@example.com").await;
        let mine = ann.post("/v1/notes", json!({ "text": "mine" })).await.is(201).json();
        let mine = mine["id"].as_str().unwrap();
        let things = belongings(accounts, &bob, &theirs).await;
        let ann = ann.with("x-request-id", "same").with("content-type", "application/json");
        for (plural, id) in &things {
            for (name, input) in [
                ("revokeSession", json!({ "id": "ID" })),
                ("revokeApiKey", json!({ "id": "ID" })),
                ("useOrganization", json!({ "organization": "ID" })),
                ("revokeInvitation", json!({ "id": "ID" })),
                ("changeMemberRole", json!({ "id": "ID", "role": "admin" })),
                ("removeMember", json!({ "id": "ID" })),
                ("changeUser", json!({ "id": "ID", "disabled": true })),
            ] {
                for door in Door::ALL {
                    let ask = async |id: &str| {
                        let input = serde_json(&input.to_string().replace("ID", id));
                        let reply = door.ask(&ann, name, input).await;
                        assert!(!reply.code().is_empty(), "{name}: {}", reply.whole());
                        masked(&reply, id)
                    };
                    assert_eq!(ask(id).await, ask(NOWHERE).await, "{door:?} {name} {plural}");
                }
            }
            let body = json!({ "title": "x", "text": "x", "name": "x" }).to_string();
            same(&ann, "GET", &format!("/v1/{plural}/ID"), None, id).await;
            same(&ann, "HEAD", &format!("/v1/{plural}/ID"), None, id).await;
            same(&ann, "DELETE", &format!("/v1/{plural}/ID"), None, id).await;
            same(&ann, "PATCH", &format!("/v1/{plural}/ID"), Some(body.clone()), id).await;
            same(&ann, "GET", &format!("/v1/{plural}?id=ID"), None, id).await;
            same(&ann.with("x-organization", id), "GET", "/v1/tasks", None, id).await;
            let singular = plural.trim_end_matches('s');
            for query in [
                format!("{{ {singular}(id: \"ID\") {{ id }} }}"),
                "{ node(id: \"ID\") { id } }".to_owned(),
                format!("{{ {plural}(where: {{ id: {{ eq: \"ID\" }} }}) {{ totalCount nodes {{ id }} }} }}"),
                format!("{{ {plural}Aggregate(where: {{ id: {{ eq: \"ID\" }} }}) {{ count }} }}"),
                format!(
                    "mutation {{ updateNote(id: \"{mine}\", set: {{ owner: {{ connect: \"ID\" }} }}) {{ id }} }}"
                ),
                "mutation { createLine(input: { words: \"x\", note: { connect: \"ID\" } }) { id } }"
                    .to_owned(),
                "mutation { createTask(input: { title: \"x\", organization: \"ID\" }) { id } }".to_owned(),
            ] {
                let body = json!({ "query": query }).to_string();
                same(&ann, "POST", "/graphql", Some(body), id).await;
            }
            same(&ann, "POST", "/v1/lines", Some(json!({ "words": "x", "note": "ID" }).to_string()), id)
                .await;
            same(
                &ann,
                "POST",
                "/v1/tasks",
                Some(json!({ "title": "x", "organization": "ID" }).to_string()),
                id,
            )
            .await;
        }
        // In each other's name, by password, too.
        let membership = &things[2].1;
        let transfer = json!({ "membership": "ID", "password": PASSWORD }).to_string();
        same(&ann, "POST", "/auth/organizations/transfer", Some(transfer), membership).await;
        for (plural, id) in &things[..7] {
            if *plural != "authSessions" {
                let _ = bob.get(&format!("/v1/{plural}/{id}")).await.is(200);
            }
        }
        assert_eq!(ann.get("/v1/tasks").await.is(200).json()["data"], json!([]));
    });
}

fn serde_json(text: &str) -> harness::Value {
    text.parse().unwrap()
}
