//! Keys of programs: shown once, bound to scopes, ended at once.

use harness::{Actor, App, Door, Person, json};

use super::both;

/// A key with scopes: its id and its text.
async fn key(door: Door, owner: &Actor, scopes: &[&str]) -> (String, String) {
    let made = door.good(owner, "createApiKey", json!({ "name": "k", "scopes": scopes })).await;
    (made["id"].as_str().unwrap().to_owned(), made["key"].as_str().unwrap().to_owned())
}

fn with(app: &App, key: &str) -> Actor {
    app.anyone().with("authorization", &format!("Bearer {key}"))
}

async fn note(owner: &Person, text: &str) -> String {
    let made = owner
        .post("/v1/notes", json!({ "text": text, "lines": { "create": [{ "words": "w" }] } }))
        .await
        .is(201)
        .json();
    made["id"].as_str().unwrap().to_owned()
}

#[test]
fn a_key_is_shown_once() {
    both(async |app, accounts, _| {
        let (ann, _) = accounts.owner("ann@example.com").await;
        for door in Door::ALL {
            let (id, own) = key(door, &ann, &["notes:read"]).await;
            let input = json!({ "name": "k", "scopes": ["*"], "organization": true, "expiresAt": "2099-01-01T00:00:00Z" });
            let made = door.good(&ann, "createApiKey", input).await;
            let of_organization = made["key"].as_str().unwrap().to_owned();
            assert!(
                own.starts_with("lwk_")
                    && own.len() > 40
                    && own.starts_with(made["prefix"].as_str().unwrap().get(..4).unwrap())
            );
            let query = "{ apiKeys { nodes { id name prefix scopes expiresAt lastUsedAt } } }";
            for reader in [ann.actor.clone(), app.admin(), with(app, &own)] {
                for reply in [
                    reader.get("/v1/apiKeys").await,
                    reader.get(&format!("/v1/apiKeys/{id}")).await,
                    reader.graphql(query).await,
                ] {
                    for secret in [&own, &of_organization] {
                        assert!(!reply.text().contains(&secret[17..]), "{}", reply.whole());
                    }
                    assert!(!reply.text().contains("\"hash\""), "{}", reply.whole());
                }
                for reply in [
                    reader.get("/v1/apiKeys?fields=hash").await,
                    reader.get("/v1/apiKeys?hash=x").await,
                    reader.get("/v1/apiKeys?sort=hash").await,
                    reader.graphql("{ apiKeys { nodes { hash } } }").await,
                    reader
                        .graphql("{ apiKeys(where: { hash: { startsWith: \"a\" } }) { totalCount } }")
                        .await,
                ] {
                    assert!(reply.status >= 400 || reply.json().get("errors").is_some(), "{}", reply.whole());
                }
            }
            let listed = ann.get(&format!("/v1/apiKeys/{id}")).await.is(200).json();
            assert!(
                own.starts_with(listed["prefix"].as_str().unwrap())
                    && listed["scopes"] == json!(["notes:read"])
            );
            let folder = format!("backup-{door:?}");
            let _ = app.command(&["export", &folder]).good();
            let files = std::fs::read_dir(app.folder().join(folder)).unwrap().flatten();
            let database =
                app.database().strip_prefix("sqlite://").map(|path| [path.to_owned(), format!("{path}-wal")]);
            let paths = files.map(|file| file.path()).chain(database.into_iter().flatten().map(Into::into));
            let mut named = 0;
            for path in paths {
                let bytes = std::fs::read(&path).unwrap_or_default();
                let text = String::from_utf8_lossy(&bytes);
                named += usize::from(text.contains(&own[..16]));
                assert!(!text.contains(&own[17..]) && !text.contains(&of_organization[17..]), "{path:?}");
            }
            assert!(named > 0, "the key's row is among what was looked at");
        }
    });
}

#[test]
fn a_key_reads_and_writes_what_its_scopes_cover() {
    both(async |app, accounts, _| {
        let ann = accounts.sign_up("ann@example.com").await;
        let id = note(&ann, "mine").await;
        let bob = accounts.sign_up("bob@example.com").await;
        let theirs = note(&bob, "theirs").await;
        for door in Door::ALL {
            let reads = with(app, &key(door, &ann, &["notes:read"]).await.1);
            let lines = with(app, &key(door, &ann, &["lines:write"]).await.1);
            let _ = reads.get("/v1/notes").await.is(200).says(&id);
            let _ = reads.get(&format!("/v1/notes/{id}")).await.is(200);
            let _ = reads.get(&format!("/v1/notes/{theirs}")).await.is(404);
            let _ = reads.graphql("{ notes { nodes { text } } notesAggregate { count } }").await.good();
            let filter = "where=%7B%22note%22:%7B%22text%22:%7B%22eq%22:%22mine%22%7D%7D%7D";
            let body = json!({ "text": "x" });
            for (who, reply) in [
                ("by id", lines.get(&format!("/v1/notes/{id}")).await),
                ("list", lines.get("/v1/notes").await),
                ("aggregate", lines.get("/v1/notes/aggregate").await),
                ("nested list", lines.get(&format!("/v1/notes/{id}/lines")).await),
                ("filter", lines.get(&format!("/v1/lines?{filter}")).await),
                ("expand", reads.get("/v1/notes?expand=lines").await),
                ("create", reads.post("/v1/notes", body.clone()).await),
                ("change", reads.patch(&format!("/v1/notes/{id}"), body.clone()).await),
                ("put", reads.put(&format!("/v1/notes/{id}"), body).await),
                ("delete", reads.delete(&format!("/v1/notes/{id}")).await),
                ("graphql list", lines.graphql("{ notes { totalCount } }").await),
                ("graphql by id", lines.graphql(&format!("{{ note(id: \"{id}\") {{ text }} }}")).await),
                ("graphql nested", reads.graphql("{ notes { nodes { lines { nodes { words } } } } }").await),
                ("graphql up", lines.graphql("{ lines { nodes { note { text } } } }").await),
                (
                    "graphql filter",
                    lines
                        .graphql("{ lines(where: { note: { text: { eq: \"mine\" } } }) { totalCount } }")
                        .await,
                ),
                (
                    "graphql order",
                    lines.graphql("{ lines(orderBy: [{ note: { text: ASC } }]) { totalCount } }").await,
                ),
                ("graphql aggregate", lines.graphql("{ notesAggregate { count } }").await),
                ("graphql node", lines.graphql(&format!("{{ node(id: \"{id}\") {{ id }} }}")).await),
                (
                    "graphql create",
                    reads.graphql("mutation { createNote(input: { text: \"x\" }) { id } }").await,
                ),
                (
                    "graphql change",
                    reads
                        .graphql(&format!(
                            "mutation {{ updateNote(id: \"{id}\", set: {{ text: \"x\" }}) {{ id }} }}"
                        ))
                        .await,
                ),
                (
                    "graphql delete",
                    reads.graphql(&format!("mutation {{ deleteNote(id: \"{id}\") {{ id }} }}")).await,
                ),
            ] {
                let refused = reply.status >= 400 || reply.json().get("errors").is_some();
                assert!(refused, "{who}: {}", reply.whole());
                // By its id alone nobody knows of which type a row is.
                let expected = if who == "graphql node" { "NOT_FOUND" } else { "INSUFFICIENT_SCOPE" };
                assert_eq!(reply.code(), expected, "{who}: {}", reply.whole());
            }
            let unknown = json!({ "name": "k", "scopes": ["nonsense:read"] });
            let _ = door.ask(&ann, "createApiKey", unknown).await.fails("BAD_VALUE");
        }
        let kept = ann.get(&format!("/v1/notes/{id}")).await.is(200).json();
        assert_eq!(kept["text"], "mine");
    });
}

#[test]
fn a_key_ends_at_once_and_says_when_it_was_used() {
    both(async |app, accounts, _| {
        let ann = accounts.sign_up("ann@example.com").await;
        let bob = accounts.sign_up("bob@example.com").await;
        for door in Door::ALL {
            let (id, text) = key(door, &ann, &["*"]).await;
            let program = with(app, &text);
            let _ = program.get("/v1/notes").await.is(200);
            let _ = app.anyone().with("x-api-key", &text).get("/v1/notes").await.is(200);
            // Written beside the request.
            let path = format!("/v1/apiKeys/{id}");
            let mut used = json!(null);
            for _ in 0..500 {
                used = ann.get(&path).await.is(200).json()["lastUsedAt"].clone();
                if used.is_string() {
                    break;
                }
            }
            assert!(used.is_string(), "the use was not noted");
            let query = app.anyone().get(&format!("/v1/notes?api_key={text}")).await;
            let query = query.is(400).fails("UNKNOWN_PARAMETER");
            assert!(!query.text().contains(&text[17..]), "{}", query.whole());
            // Not a letter of it may be another one.
            let last = if text.ends_with('A') { "B" } else { "A" };
            for wrong in [
                format!("{}{last}", &text[..text.len() - 1]),
                text[..text.len() - 1].to_owned(),
                format!("{text}x"),
                text[..16].to_owned(),
                "lwk_".to_owned(),
            ] {
                let _ = with(app, &wrong).get("/v1/notes").await.is(401).fails("BAD_CREDENTIALS");
            }
            let _ = door.ask(&bob, "revokeApiKey", json!({ "id": id })).await.fails("NOT_FOUND");
            let _ = door.good(&ann, "revokeApiKey", json!({ "id": id })).await;
            let _ = program.get("/v1/notes").await.is(401).fails("BAD_CREDENTIALS");
            for (name, end) in [
                ("k", "2020-01-01T00:00:00Z"),
                ("k", "9999-12-31T23:59:59-12:00"),
                ("a\u{0}b", "2099-01-01T00:00:00Z"),
            ] {
                let wrong = json!({ "name": name, "scopes": ["*"], "expiresAt": end });
                let refused = door.ask(&ann, "createApiKey", wrong).await;
                assert!(refused.status < 500, "{}", refused.whole());
                let _ = refused.fails("BAD_VALUE");
            }
        }
    });
}

#[test]
fn a_key_is_a_program_and_nobody_else() {
    both(async |app, accounts, _| {
        let (ann, organization) = accounts.owner("ann@example.com").await;
        let (_, text) = key(Door::Rest, &ann, &["*"]).await;
        let _ = app
            .admin()
            .patch(&format!("/auth/users/{}", ann.id), json!({ "roles": ["admin"] }))
            .await
            .is(200);
        let _ = ann.get("/v1/auditEvents").await.is(200);
        let program = with(app, &text).with("x-organization", &organization);
        // Neither the server's administrator, nor the owner of the organization, nor a user.
        let _ = program.get("/v1/auditEvents").await.is(404);
        let rename =
            program.patch(&format!("/v1/organizations/{organization}"), json!({ "name": "x" })).await;
        assert!([401, 403, 404].contains(&rename.status), "{}", rename.whole());
        for (path, body) in [
            ("/auth/keys", json!({ "name": "k", "scopes": ["*"] })),
            ("/auth/organizations", json!({ "name": "x" })),
            ("/auth/sign-out", json!({ "everywhere": true })),
            ("/auth/invitations", json!({ "email": "x@example.com", "role": "member" })),
        ] {
            let _ = program.post(path, body).await.is(403).fails("FORBIDDEN");
        }
        let me = program.get("/auth/me").await.is(200).json();
        assert_eq!((me["session"].clone(), me["scopes"].clone()), (json!(null), json!(["*"])));
        // A disabled user's key is good for nothing.
        let _ =
            app.admin().patch(&format!("/auth/users/{}", ann.id), json!({ "disabled": true })).await.is(200);
        let _ = program.get("/v1/notes").await.is(401);
    });
}
