//! Organizations: made, joined, led, left; and what nobody outside may see.

use harness::account::PASSWORD;
use harness::{Accounts, App, Backend, Door, Mailbox, json, runtime};

use super::{beside, both, configured};

#[test]
fn the_life_of_an_organization() {
    both(async |app, accounts, _| {
        for door in Door::ALL {
            let tag = format!("{door:?}@example.com").to_lowercase();
            let owner = accounts.sign_up(&format!("owner.{tag}")).await;
            let admin = accounts.sign_up(&format!("admin.{tag}")).await;
            let member = accounts.sign_up(&format!("member.{tag}")).await;
            let made = door.good(&owner, "createOrganization", json!({ "name": "firm" })).await;
            let id = made["id"].as_str().unwrap().to_owned();

            let invite = |email: &str, role: &str| json!({ "email": email, "role": role });
            for role in ["owner", "anyone", "service", "nonsense", "org:owner", ""] {
                let _ = door.ask(&owner, "inviteMember", invite(&admin.email, role)).await.fails("BAD_VALUE");
            }
            let _ = door.good(&owner, "inviteMember", invite(&admin.email, "admin")).await;
            let code = accounts.code(&admin.email).await;
            // The invitation was sent to one address.
            let _ = door.ask(&member, "acceptInvitation", json!({ "token": code })).await.fails("FORBIDDEN");
            let joined = door.good(&admin, "acceptInvitation", json!({ "token": code })).await;
            assert_eq!(joined, json!({ "organization": id, "role": "admin" }));
            let _ =
                door.ask(&admin, "acceptInvitation", json!({ "token": code })).await.fails("TOKEN_INVALID");
            let _ = door.ask(&owner, "inviteMember", invite(&admin.email, "member")).await.fails("CONFLICT");
            // Taken back, and asked again.
            let sent = door.good(&admin, "inviteMember", invite(&member.email, "member")).await;
            let code = accounts.code(&member.email).await;
            let _ = door.good(&admin, "revokeInvitation", json!({ "id": sent["id"] })).await;
            let _ =
                door.ask(&member, "acceptInvitation", json!({ "token": code })).await.fails("TOKEN_INVALID");
            let membership = accounts.join(&admin, &member, "member").await;

            let _ = member.post("/v1/tasks", json!({ "title": "t" })).await.is(201);
            let _ = owner.get("/v1/tasks").await.is(200).says("\"t\"");
            let role = |role: &str| json!({ "id": membership, "role": role });
            let _ = door.ask(&member, "changeMemberRole", role("admin")).await.fails("FORBIDDEN");
            let _ = door.ask(&admin, "changeMemberRole", role("owner")).await.fails("BAD_VALUE");
            let _ = door.good(&admin, "changeMemberRole", role("admin")).await;
            assert_eq!(member.get("/auth/me").await.is(200).json()["organization"]["role"], "admin");
            // An administrator of an organization is none of the server.
            let _ = member.get("/v1/auditEvents").await.is(404);
            let _ = member
                .patch(&format!("/auth/users/{}", member.id), json!({ "roles": ["admin"] }))
                .await
                .is(404);
            let users = member.get("/v1/users").await.is(200).json();
            assert_eq!(users["data"].as_array().unwrap().len(), 3, "{users}");

            let transfer = json!({ "membership": membership, "password": PASSWORD });
            let _ = door.ask(&admin, "transferOrganization", transfer.clone()).await.fails("FORBIDDEN");
            let _ = door.good(&owner, "transferOrganization", transfer.clone()).await;
            let _ = door.ask(&owner, "transferOrganization", transfer).await.fails("FORBIDDEN");
            let _ = door
                .ask(&owner, "deleteOrganization", json!({ "password": PASSWORD }))
                .await
                .fails("FORBIDDEN");
            for leaves in ["leaveOrganization"] {
                let _ = door.ask(&member, leaves, json!({})).await.fails("LAST_OWNER");
                let _ = door.good(&owner, leaves, json!({})).await;
            }
            let _ = owner.with("x-organization", &id).get("/v1/tasks").await.is(403);
            let held = door.ask(&member, "deleteOrganization", json!({ "password": PASSWORD })).await;
            let _ = held.fails("FOREIGN_KEY_VIOLATION");
            let _ = app.admin().delete("/v1/tasks?title=t").await.good();
            let _ = door.good(&member, "deleteOrganization", json!({ "password": PASSWORD })).await;
            let me = admin.get("/auth/me").await.is(200).json();
            assert_eq!(me["organization"], json!(null));
        }
    });
}

/// Everybody makes organizations and gives roles in them: that opens nothing outside of them.
#[test]
fn roles_in_an_organization_are_no_roles_of_the_server() {
    const MODEL: &str = r#"
    type Album @model @allow(to: [READ], role: "user") @allow(to: [ALL], role: "editor") @allow(to: [ALL], role: "owner") { title: String }
    type Sheet @model @tenant @allow(to: [READ]) @allow(to: [ALL], role: "editor") { title: String }
    "#;
    for backend in Backend::available() {
        runtime::block_on(async {
            let mailbox = Mailbox::start();
            let app = configured(App::with(backend, MODEL), &mailbox, &[]).start().await;
            let accounts = Accounts::start(&app, &mailbox);
            let album = app.admin().post("/v1/albums", json!({ "title": "ours" })).await.is(201).json();
            let album = format!("/v1/albums/{}", album["id"].as_str().unwrap());
            let (owner, _) = accounts.owner("owner@example.com").await;
            let (editor, _) = accounts.member(&owner, "editor@example.com", "editor").await;
            let (member, _) = accounts.member(&owner, "member@example.com", "member").await;
            for person in [&owner, &editor, &member] {
                let _ = person.get(&album).await.is(200);
                let _ = person.delete(&album).await.is(403).fails("FORBIDDEN");
                let _ = person.post("/v1/albums", json!({ "title": "theirs" })).await.is(403);
                let said = person.graphql("mutation { createAlbum(input: { title: \"x\" }) { id } }").await;
                assert!(!said.errors().is_empty(), "{}", said.whole());
            }
            // In the organization they are what they are called.
            let _ = editor.post("/v1/sheets", json!({ "title": "a" })).await.is(201);
            let _ = member.post("/v1/sheets", json!({ "title": "b" })).await.is(403);
        });
    }
}

#[test]
fn whoever_is_removed_is_out_at_once() {
    both(async |_, accounts, _| {
        for door in Door::ALL {
            let tag = format!("{door:?}@example.com").to_lowercase();
            let (owner, id) = accounts.owner(&format!("owner.{tag}")).await;
            let (member, membership) = accounts.member(&owner, &format!("member.{tag}"), "member").await;
            let task = member.post("/v1/tasks", json!({ "title": "t" })).await.is(201).json();
            let path = format!("/v1/tasks/{}", task["id"].as_str().unwrap());
            let named = member.with("x-organization", &id);
            let _ = named.get(&path).await.is(200);
            let _ = door.good(&owner, "removeMember", json!({ "id": membership })).await;
            let _ = named.get(&path).await.is(403).fails("FORBIDDEN");
            assert!(member.get(&path).await.status >= 400);
            let all = member
                .graphql("{ organizations { totalCount } organizationMemberships { totalCount } }")
                .await
                .data();
            assert_eq!(
                (&all["organizations"]["totalCount"], &all["organizationMemberships"]["totalCount"]),
                (&json!(0), &json!(0))
            );
            let _ =
                door.ask(&member, "useOrganization", json!({ "organization": id })).await.fails("NOT_FOUND");
            let _ = door.ask(&owner, "removeMember", json!({ "id": membership })).await.fails("NOT_FOUND");
        }
    });
}

#[test]
fn an_organization_of_others_is_the_same_as_none() {
    both(async |_, accounts, _| {
        let (_, theirs) = accounts.owner("bob@example.com").await;
        let (ann, mine) = accounts.owner("ann@example.com").await;
        let nowhere = "0190b5a4-7e8f-7c3d-8a21-5f6e7d8c9b0a";
        let ann = ann.with("x-request-id", "same");
        for path in ["/v1/tasks", "/v1/notes", "/auth/me"] {
            let ask = async |id: &str| {
                let reply = ann.with("x-organization", id).get(path).await.is(403).fails("FORBIDDEN");
                reply.text().to_owned()
            };
            assert_eq!(ask(&theirs).await, ask(nowhere).await);
            let _ = ann.with("x-organization", &mine).get(path).await.is(200);
            let _ = ann.with("x-organization", "nonsense").get(path).await.is(400);
        }
    });
}

#[test]
fn where_accounts_are_made_by_invitation_it_is_for_one_address() {
    both(async |app, accounts, mailbox| {
        let (owner, _) = accounts.owner("owner@example.com").await;
        let settings = [("LAUNCHWAY_AUTH__SIGN_UP", "invitation")];
        let closed = beside(app, mailbox, &settings).await;
        let anyone = closed.anyone();
        let asked = json!({ "email": "a@example.com", "role": "member" });
        let _ = owner.post("/auth/invitations", asked).await.is(201);
        let code = accounts.code("a@example.com").await;
        let up = async |email: &str, invitation: Option<&str>| {
            let body = json!({ "email": email, "password": PASSWORD, "invitation": invitation });
            anyone.post("/auth/sign-up", body).await
        };
        let _ = up("a@example.com", None).await.is(403).fails("SIGN_UP_CLOSED");
        for (email, invitation) in [("a@example.com", "lwt_nonsense"), ("b@example.com", code.as_str())] {
            let refused = up(email, Some(invitation)).await.is(422);
            let _ = refused.fails("TOKEN_INVALID").says("#/invitation");
        }
        let _ = up("A@example.com", Some(&code)).await.is(200);
        let proof = json!({ "token": accounts.code("a@example.com").await, "password": PASSWORD });
        let tokens = anyone.post("/auth/verify-email", proof).await.is(200).json();
        let invited = accounts.person("a@example.com", &tokens).await;
        let _ = invited.post("/auth/invitations/accept", json!({ "token": code })).await.is(200);
        let nobody = beside(app, mailbox, &[("LAUNCHWAY_AUTH__SIGN_UP", "closed")]).await;
        let body = json!({ "email": "c@example.com", "password": PASSWORD, "invitation": "x" });
        let _ = nobody.anyone().post("/auth/sign-up", body).await.is(403).fails("SIGN_UP_CLOSED");
    });
}
