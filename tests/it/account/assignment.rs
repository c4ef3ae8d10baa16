//! Nobody gives themselves what others give: no input is taken that is not in the table, and the server's own rows are
//! written by the server alone.

use harness::account::PASSWORD;
use harness::{Door, json};

use super::both;

#[test]
fn inputs_that_are_not_in_the_table_are_refused() {
    both(async |app, accounts, mailbox| {
        for (name, value) in [
            ("roles", json!(["admin"])),
            ("disabled", json!(false)),
            ("emailVerified", json!(true)),
            ("id", json!("0190b5a4-7e8f-7c3d-8a21-5f6e7d8c9b0a")),
            ("organization", json!("0190b5a4-7e8f-7c3d-8a21-5f6e7d8c9b0a")),
            ("createdAt", json!("2020-01-01T00:00:00Z")),
            ("__proto__", json!({ "roles": ["admin"] })),
        ] {
            let mut body = json!({ "email": "new@example.com", "password": PASSWORD });
            body[name] = value;
            let refused = app.anyone().post("/auth/sign-up", body.clone()).await.is(400);
            let _ = refused.fails("UNKNOWN_FIELD").says(name);
            if name != "id" && name != "__proto__" {
                let refused = Door::Graphql.ask(&app.anyone(), "signUp", body).await;
                let _ = refused.fails("GRAPHQL_VALIDATION_FAILED");
            }
        }
        assert!(mailbox.all().is_empty());
        let ann = accounts.sign_up("ann@example.com").await;
        let me = ann.get("/auth/me").await.is(200).json();
        assert_eq!((&me["user"]["roles"], &me["organization"]), (&json!([]), &json!(null)));
    });
}

#[test]
fn users_and_organizations_change_what_is_theirs_to_change() {
    both(async |app, accounts, _| {
        let (ann, organization) = accounts.owner("ann@example.com").await;
        let bob = accounts.sign_up("bob@example.com").await;
        let mine = format!("/v1/users/{}", ann.id);
        let _ = ann.patch(&mine, json!({ "name": "Ann" })).await.is(200);
        for (name, value, literal) in [
            ("roles", json!(["admin"]), "[\"admin\"]"),
            ("disabled", json!(false), "false"),
            ("emailVerified", json!(true), "true"),
            ("email", json!("x@example.com"), "\"x@example.com\""),
            ("id", json!(bob.id), "\"0190b5a4-7e8f-7c3d-8a21-5f6e7d8c9b0a\""),
            ("version", json!(9), "9"),
        ] {
            for actor in [ann.actor.clone(), app.admin()] {
                let reply = actor.patch(&mine, json!({ name: value })).await;
                assert!([400, 403, 422].contains(&reply.status), "{name}: {}", reply.whole());
                let reply = actor.put(&mine, json!({ name: value })).await;
                assert!((400..500).contains(&reply.status), "{name}: {}", reply.whole());
            }
            let query = format!(
                "mutation {{ updateUser(id: \"{}\", set: {{ {name}: {literal} }}) {{ id }} }}",
                ann.id
            );
            assert!(!ann.graphql(&query).await.errors().is_empty());
        }
        for actor in [&bob.actor, &app.anyone()] {
            assert!((400..500).contains(&actor.patch(&mine, json!({ "name": "x" })).await.status));
        }
        let firm = format!("/v1/organizations/{organization}");
        let _ = ann.patch(&firm, json!({ "name": "renamed" })).await.is(200);
        for (name, value) in [
            ("id", json!(bob.id)),
            ("memberships", json!([])),
            ("memberships", json!({ "create": [{ "user": bob.id, "role": "owner" }] })),
        ] {
            let reply = ann.patch(&firm, json!({ name: value })).await;
            assert!((400..500).contains(&reply.status), "{name}: {}", reply.whole());
        }
        assert!((400..500).contains(&bob.patch(&firm, json!({ "name": "x" })).await.status));
    });
}

#[test]
fn the_servers_own_rows_are_made_and_deleted_by_nobody() {
    both(async |app, accounts, _| {
        let (ann, organization) = accounts.owner("ann@example.com").await;
        let _ = ann.post("/auth/keys", json!({ "name": "k", "scopes": ["*"] })).await.is(201);
        let _ = ann
            .post("/auth/invitations", json!({ "email": "x@example.com", "role": "member" }))
            .await
            .is(201);
        for (plural, ty) in [
            ("users", "User"),
            ("organizations", "Organization"),
            ("organizationMemberships", "OrganizationMembership"),
            ("organizationInvitations", "OrganizationInvitation"),
            ("authSessions", "AuthSession"),
            ("authIdentities", "AuthIdentity"),
            ("apiKeys", "ApiKey"),
            ("auditEvents", "AuditEvent"),
        ] {
            let list = app.admin().get(&format!("/v1/{plural}")).await.is(200).json();
            let id =
                list["data"][0]["id"].as_str().unwrap_or("0190b5a4-7e8f-7c3d-8a21-5f6e7d8c9b0a").to_owned();
            let capital = plural[..1].to_uppercase() + &plural[1..];
            for (who, actor) in
                [("the administrator", app.admin()), ("ann", ann.actor.clone()), ("anyone", app.anyone())]
            {
                let row = json!({ "user": ann.id, "organization": organization, "role": "owner", "name": "x", "email": "y@example.com" });
                for (method, path) in [
                    ("POST", format!("/v1/{plural}")),
                    ("PUT", format!("/v1/{plural}/{id}")),
                    ("PUT", format!("/v1/{plural}/0190b5a4-7e8f-7c3d-8a21-5f6e7d8c9b0b")),
                    ("DELETE", format!("/v1/{plural}/{id}")),
                    ("DELETE", format!("/v1/{plural}?id={id}")),
                ] {
                    let reply = actor.json(method, &path, row.clone()).await;
                    assert!([401, 403, 404, 405].contains(&reply.status), "{who}: {}", reply.whole());
                }
                for query in [
                    format!("create{ty}(input: {{}}) {{ id }}"),
                    format!("create{capital}(input: []) {{ count }}"),
                    format!("upsert{ty}(input: {{}}) {{ id }}"),
                    format!("delete{ty}(id: \"{id}\") {{ id }}"),
                    format!("delete{capital}(where: {{ id: {{ eq: \"{id}\" }} }}) {{ count }}"),
                ] {
                    let reply = actor.graphql(&format!("mutation {{ {query} }}")).await;
                    let name = query.split('(').next().unwrap();
                    assert_eq!(reply.code(), "GRAPHQL_VALIDATION_FAILED", "{who} {name}: {}", reply.whole());
                    assert!(reply.text().contains(name), "{who}: {}", reply.whole());
                }
            }
            let kept = app.admin().get(&format!("/v1/{plural}")).await.is(200).json();
            assert_eq!(kept["data"].as_array().map(Vec::len), list["data"].as_array().map(Vec::len));
        }
        // Nor through the rows around them.
        for body in [
            json!({ "text": "x", "owner": { "create": { "email": "z@example.com" } } }),
            json!({ "text": "x", "owner": { "connect": ann.id, "update": { "roles": ["admin"] } } }),
        ] {
            for actor in [app.admin(), ann.actor.clone()] {
                let reply = actor.post("/v1/notes", body.clone()).await;
                assert!((400..500).contains(&reply.status), "{}", reply.whole());
            }
        }
    });
}
