//! What happened is written down: what, by whom, from where; and administrators alone read it.

use harness::account::{OPERATIONS, PASSWORD};
use harness::{Accounts, Actor, App, Door, Value, json};

use super::both;

const OTHER: &str = "another long and quiet password";
const AGENT: &str = "tests/1.0 (audit)";

/// The trace of what is done through an API.
fn trace(door: Door) -> &'static str {
    match door {
        Door::Rest => "4bf92f3577b34da6a3ce929d0e0e4736",
        Door::Graphql => "4bf92f3577b34da6a3ce929d0e0e4737",
    }
}

/// The same caller with a name and a trace.
fn seen(door: Door, actor: &Actor) -> Actor {
    let parent = format!("00-{}-00f067aa0ba902b7-01", trace(door));
    actor.with("user-agent", AGENT).with("traceparent", &parent)
}

/// The newest event of a name in a trace; some are written after the answer.
async fn event(app: &App, name: &str, trace: &str) -> Value {
    let path = format!("/v1/auditEvents?event={name}&traceId={trace}&sort=-createdAt&limit=1");
    for _ in 0..1_000 {
        let rows = app.admin().get(&path).await.is(200).json();
        if let Some(row) = rows["data"].get(0) {
            return row.clone();
        }
    }
    panic!("there is no event {name} in the trace {trace}");
}

/// Operations that are tried by themselves, or whose events are those of others: a session is renewed every few minutes,
/// and who comes from a provider has signed in before the code is exchanged. What has to do with providers is tried with
/// one.
const ELSEWHERE: &[&str] = &["refreshTokens", "resetPassword", "exchangeCode", "unlinkIdentity"];

/// Does everything once; gives what was done, by whom, and which event it left.
async fn everything(
    app: &App,
    accounts: &Accounts<'_>,
    door: Door,
) -> Vec<(&'static str, String, &'static str)> {
    let tag = format!("{door:?}@example.com").to_lowercase();
    let anyone = seen(door, &app.anyone());
    let ann = accounts.sign_up(&format!("ann.{tag}")).await;
    let bob = accounts.sign_up(&format!("bob.{tag}")).await;
    let cas = accounts.sign_up(&format!("cas.{tag}")).await;
    let me = format!("user:{}", ann.id);
    let nobody = "anyone".to_owned();
    let mut done = Vec::new();
    let a = seen(door, &ann);
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
    let _ = door
        .good(&seen(door, &bob), "acceptInvitation", json!({ "token": accounts.code(&bob.email).await }))
        .await;
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
    let _ = door.good(&seen(door, &bob), "deleteOrganization", json!({ "password": PASSWORD })).await;
    done.push(("deleteOrganization", format!("user:{}", bob.id), "organization.deleted"));
    done.extend(secrets(app, accounts, door, &ann).await);
    let _ = door.good(&seen(door, &bob), "signOut", json!({})).await;
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
    let (anyone, a, me) = (seen(door, &app.anyone()), seen(door, ann), format!("user:{}", ann.id));
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
    let _ = door
        .good(&seen(door, &app.admin()), "changeUser", json!({ "id": ann.id, "roles": ["editor"] }))
        .await;
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
        for door in Door::ALL {
            let done = everything(app, accounts, door).await;
            for (operation, actor, name) in &done {
                let row = event(app, name, trace(door)).await;
                assert_eq!(row["actor"], json!(actor), "{door:?} {operation}: {row}");
                assert_eq!(row["address"], "127.0.0.1", "{door:?} {operation}: {row}");
                assert_eq!(row["userAgent"], AGENT, "{door:?} {operation}: {row}");
            }
            for (name, ..) in OPERATIONS {
                let known = done.iter().any(|(operation, ..)| operation == name);
                assert!(known || ELSEWHERE.contains(name), "{name} is not tried");
            }
        }
        for door in Door::ALL {
            let ann = accounts.sign_up(&format!("reset.{door:?}@example.com").to_lowercase()).await;
            let anyone = seen(door, &app.anyone());
            let _ = door.good(&anyone, "forgotPassword", json!({ "email": ann.email })).await;
            let code = accounts.code(&ann.email).await;
            let _ = door.good(&anyone, "resetPassword", json!({ "token": code, "newPassword": OTHER })).await;
            let row = event(app, "user.password_reset", trace(door)).await;
            assert_eq!((&row["actor"], &row["subject"]), (&json!("anyone"), &json!(ann.id)));
            // A token that was used twice.
            let bob = accounts.sign_up(&format!("twice.{door:?}@example.com").to_lowercase()).await;
            let twice = json!({ "refreshToken": bob.refresh });
            let _ = door.good(&anyone, "refreshTokens", twice.clone()).await;
            let _ = door.ask(&anyone, "refreshTokens", twice).await.fails("BAD_CREDENTIALS");
            let row = event(app, "session.token_reused", trace(door)).await;
            assert_eq!(row["subject"], json!(bob.id));
        }
    });
}

#[test]
fn administrators_read_events_and_nobody_else() {
    both(async |app, accounts, _| {
        let (ann, _) = accounts.owner("ann@example.com").await;
        let made = ann.post("/auth/keys", json!({ "name": "k", "scopes": ["*"] })).await.is(201).json();
        let key = app.anyone().with("x-api-key", made["key"].as_str().unwrap());
        let row = app.admin().get("/v1/auditEvents?event=key.made").await.is(200).json()["data"][0].clone();
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
