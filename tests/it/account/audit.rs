//! What happened is written down: what, by whom, from where; and administrators alone read it.

use harness::account::{OPERATIONS, PASSWORD};
use harness::{Accounts, Actor, App, Door, Value, json};

use super::both;

const OTHER: &str = "another long and quiet password";
const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const AGENT: &str = "tests/1.0 (audit)";

/// The same caller with a name and a trace.
fn seen(actor: &Actor) -> Actor {
    actor.with("user-agent", AGENT).with("traceparent", &format!("00-{TRACE}-00f067aa0ba902b7-01"))
}

/// The newest event of a name; some are written after the answer.
async fn event(app: &App, name: &str, number: usize) -> Value {
    let path = format!("/v1/auditEvents?event={name}&sort=-createdAt&limit=100");
    for _ in 0..1_000 {
        let rows = app.admin().get(&path).await.is(200).json();
        let rows = rows["data"].as_array().unwrap().clone();
        if rows.len() >= number {
            return rows[0].clone();
        }
    }
    panic!("there is no event {name}");
}

/// Operations whose events are those of others, or are none: a session is renewed every few minutes, and who comes from
/// a provider has signed in before the code is exchanged. What has to do with providers is tried with one.
const SILENT: &[&str] = &["refreshTokens", "exchangeCode", "unlinkIdentity"];

/// Does everything once; gives what was done, by whom, and which event it left.
async fn everything(
    app: &App,
    accounts: &Accounts<'_>,
    door: Door,
) -> Vec<(&'static str, String, &'static str)> {
    let tag = format!("{door:?}@example.com").to_lowercase();
    let anyone = seen(&app.anyone());
    let ann = accounts.sign_up(&format!("ann.{tag}")).await;
    let bob = accounts.sign_up(&format!("bob.{tag}")).await;
    let cas = accounts.sign_up(&format!("cas.{tag}")).await;
    let me = format!("user:{}", ann.id);
    let nobody = "anyone".to_owned();
    let mut done = Vec::new();
    let a = seen(&ann);
    let new = format!("new.{tag}");
    let _ = door.good(&anyone, "signUp", json!({ "email": new, "password": PASSWORD })).await;
    done.push(("signUp", nobody.clone(), "user.signed_up"));
    let token = accounts.code(&new).await;
    let _ = door.good(&anyone, "resendVerification", json!({ "email": new })).await;
    done.push(("resendVerification", nobody.clone(), "user.verification_sent"));
    let _ = accounts.code(&new).await;
    let _ = door.good(&anyone, "verifyEmail", json!({ "token": token, "password": PASSWORD })).await;
    done.push(("verifyEmail", nobody.clone(), "user.email_verified"));
    let _ = door
        .ask(&anyone, "signIn", json!({ "email": ann.email, "password": OTHER }))
        .await
        .fails("BAD_CREDENTIALS");
    done.push(("signIn", nobody.clone(), "user.sign_in_refused"));
    let _ = door.good(&anyone, "signIn", json!({ "email": ann.email, "password": PASSWORD })).await;
    done.push(("signIn", nobody.clone(), "user.signed_in"));
    let made = door.good(&a, "createApiKey", json!({ "name": "k", "scopes": ["*"] })).await;
    done.push(("createApiKey", me.clone(), "key.made"));
    let _ = door.good(&a, "revokeApiKey", json!({ "id": made["id"] })).await;
    done.push(("revokeApiKey", me.clone(), "key.revoked"));
    let session = accounts.sign_in(&ann.email).await.get("/auth/me").await.json()["session"].clone();
    let _ = door.good(&a, "revokeSession", json!({ "id": session })).await;
    done.push(("revokeSession", me.clone(), "session.revoked"));
    let firm = door.good(&a, "createOrganization", json!({ "name": "firm" })).await;
    done.push(("createOrganization", me.clone(), "organization.made"));
    let _ = door.good(&a, "useOrganization", json!({ "organization": firm["id"] })).await;
    done.push(("useOrganization", me.clone(), "organization.used"));
    let asked = door.good(&a, "inviteMember", json!({ "email": "x@example.com", "role": "member" })).await;
    done.push(("inviteMember", me.clone(), "organization.invited"));
    let _ = door.good(&a, "revokeInvitation", json!({ "id": asked["id"] })).await;
    done.push(("revokeInvitation", me.clone(), "organization.invitation_revoked"));
    let _ = door.good(&a, "inviteMember", json!({ "email": bob.email, "role": "member" })).await;
    let _ =
        door.good(&seen(&bob), "acceptInvitation", json!({ "token": accounts.code(&bob.email).await })).await;
    done.push(("acceptInvitation", format!("user:{}", bob.id), "organization.joined"));
    let removed = accounts.join(&ann, &cas, "member").await;
    let rows = ann.get(&format!("/v1/organizationMemberships?user={}", bob.id)).await.json();
    let membership = rows["data"][0]["id"].clone();
    let _ = door.good(&a, "changeMemberRole", json!({ "id": membership, "role": "admin" })).await;
    done.push(("changeMemberRole", me.clone(), "organization.role_changed"));
    let _ = door.good(&a, "removeMember", json!({ "id": removed })).await;
    done.push(("removeMember", me.clone(), "organization.removed"));
    let _ = door
        .good(&a, "transferOrganization", json!({ "membership": membership, "password": PASSWORD }))
        .await;
    done.push(("transferOrganization", me.clone(), "organization.transferred"));
    let _ = door.good(&a, "leaveOrganization", json!({})).await;
    done.push(("leaveOrganization", me.clone(), "organization.left"));
    let _ = door.good(&seen(&bob), "deleteOrganization", json!({ "password": PASSWORD })).await;
    done.push(("deleteOrganization", format!("user:{}", bob.id), "organization.deleted"));
    done.extend(secrets(app, accounts, door, &ann).await);
    let _ = door.good(&seen(&bob), "signOut", json!({})).await;
    done.push(("signOut", format!("user:{}", bob.id), "user.signed_out"));
    done
}

/// What has to do with the password, the address and the second factor; the account is gone afterwards.
async fn secrets(
    app: &App,
    accounts: &Accounts<'_>,
    door: Door,
    ann: &harness::Person,
) -> Vec<(&'static str, String, &'static str)> {
    let (anyone, a, me) = (seen(&app.anyone()), seen(ann), format!("user:{}", ann.id));
    let nobody = "anyone".to_owned();
    let mut done = Vec::new();
    let _ = door.good(&a, "changePassword", json!({ "password": PASSWORD, "newPassword": OTHER })).await;
    done.push(("changePassword", me.clone(), "user.password_changed"));
    let moved = format!("moved.{}", ann.email);
    let _ = door.good(&a, "changeEmail", json!({ "email": moved, "password": OTHER })).await;
    done.push(("changeEmail", me.clone(), "user.email_change_asked"));
    let _ = door.good(&anyone, "confirmEmail", json!({ "token": accounts.code(&moved).await })).await;
    done.push(("confirmEmail", nobody.clone(), "user.email_changed"));
    let seed =
        door.good(&a, "startTotp", json!({ "password": OTHER })).await["secret"].as_str().unwrap().to_owned();
    done.push(("startTotp", me.clone(), "user.second_factor_begun"));
    let codes = door.good(&a, "confirmTotp", json!({ "code": super::totp::code(&seed, 0) })).await;
    done.push(("confirmTotp", me.clone(), "user.second_factor_added"));
    let with = |code: &Value| json!({ "password": OTHER, "code": code });
    let anew = door.good(&a, "makeRecoveryCodes", with(&codes["recoveryCodes"][0])).await;
    done.push(("makeRecoveryCodes", me.clone(), "user.recovery_codes_made"));
    let _ = door.good(&a, "removeTotp", with(&anew["recoveryCodes"][0])).await;
    done.push(("removeTotp", me.clone(), "user.second_factor_removed"));
    let _ = door.good(&seen(&app.admin()), "changeUser", json!({ "id": ann.id, "roles": ["editor"] })).await;
    done.push(("changeUser", "admin".to_owned(), "user.changed"));
    let _ = door.good(&anyone, "forgotPassword", json!({ "email": moved })).await;
    done.push(("forgotPassword", nobody.clone(), "user.password_forgotten"));
    let _ = door.good(&a, "deleteAccount", json!({ "password": OTHER })).await;
    done.push(("deleteAccount", me, "user.deleted"));
    done
}

#[test]
fn each_operation_leaves_an_event() {
    both(async |app, accounts, _| {
        // The administrator's schema has but the operations that are for one.
        for door in Door::ALL {
            let done = everything(app, accounts, door).await;
            for (operation, actor, name) in &done {
                let row = event(app, name, 1).await;
                assert_eq!(row["actor"], json!(actor), "{door:?} {operation}: {row}");
                assert_eq!(row["address"], "127.0.0.1", "{door:?} {operation}: {row}");
                assert_eq!(row["userAgent"], AGENT, "{door:?} {operation}: {row}");
                assert_eq!(row["traceId"], TRACE, "{door:?} {operation}: {row}");
            }
            let reset = ["resetPassword"];
            for (name, ..) in OPERATIONS {
                let known = done.iter().any(|(operation, ..)| operation == name);
                assert!(known || SILENT.contains(name) || reset.contains(name), "{name} is not tried");
            }
        }
        let ann = accounts.sign_up("ann@example.com").await;
        let _ = app.anyone().post("/auth/password/forgot", json!({ "email": ann.email })).await.is(200);
        let body = json!({ "token": accounts.code(&ann.email).await, "newPassword": OTHER });
        let _ = seen(&app.anyone()).post("/auth/password/reset", body).await.is(200);
        let row = event(app, "user.password_reset", 1).await;
        assert_eq!(
            (&row["actor"], &row["subject"], &row["traceId"]),
            (&json!("anyone"), &json!(ann.id), &json!(TRACE))
        );
        // A program whose key was refused, a token that was used twice.
        let bob = accounts.sign_up("bob@example.com").await;
        for status in [200, 401] {
            let body = json!({ "refreshToken": bob.refresh });
            let _ = seen(&app.anyone()).post("/auth/refresh", body).await.is(status);
        }
        assert_eq!(event(app, "session.token_reused", 1).await["subject"], json!(bob.id));
    });
}

#[test]
fn administrators_read_events_and_nobody_else() {
    both(async |app, accounts, _| {
        let (ann, _) = accounts.owner("ann@example.com").await;
        let made = ann.post("/auth/keys", json!({ "name": "k", "scopes": ["*"] })).await.is(201).json();
        let key = app.anyone().with("x-api-key", made["key"].as_str().unwrap());
        let row = event(app, "key.made", 1).await;
        let path = format!("/v1/auditEvents/{}", row["id"].as_str().unwrap());
        let query = "{ auditEvents { totalCount nodes { event actor details } } }";
        for actor in [app.anyone(), ann.actor.clone(), key.clone()] {
            for path in ["/v1/auditEvents", path.as_str(), "/v1/auditEvents/aggregate"] {
                let reply = actor.get(path).await;
                assert!([401, 403, 404].contains(&reply.status), "{}", reply.whole());
            }
            let refused = actor.graphql(query).await;
            assert!(
                !refused.errors().is_empty() && !refused.text().contains("user.signed"),
                "{}",
                refused.whole()
            );
        }
        let user = format!("/auth/users/{}", ann.id);
        let _ = app.admin().patch(&user, json!({ "roles": ["admin"] })).await.is(200);
        for actor in [app.admin(), ann.actor.clone()] {
            let _ = actor.get("/v1/auditEvents").await.is(200).says("organization.made");
            let data = actor.graphql(query).await.data();
            assert!(data["auditEvents"]["totalCount"].as_u64().unwrap() >= 4);
        }
        // A key of an administrator is a key.
        assert!([401, 403, 404].contains(&key.get("/v1/auditEvents").await.status));
    });
}
