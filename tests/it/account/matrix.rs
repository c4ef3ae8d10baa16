//! Every operation by everybody: what each may, and what each is told who may not.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU32, Ordering};

use harness::account::{OPERATIONS, PASSWORD};
use harness::{Accounts, Actor, App, Door, Value, json};

use super::both;

const NOWHERE: &str = "0190b5a4-7e8f-7c3d-8a21-5f6e7d8c9b0a";

/// What comes of an operation: by somebody without an organization, a member, an administrator of it, its owner.
type Verdicts = [&'static str; 4];

const fn all(verdict: &'static str) -> Verdicts {
    [verdict; 4]
}

/// The inputs of an operation that change nothing that another one needs, whether nobody needs to be signed in, and
/// what comes of it.
fn case(name: &str) -> (Value, bool, Verdicts) {
    let led = ["ORGANIZATION_REQUIRED", "FORBIDDEN", "NOT_FOUND", "NOT_FOUND"];
    // No more than five guesses at one account: the sixth has to wait.
    let password = json!({ "password": "guess" });
    let right = json!({ "password": PASSWORD });
    let coded = json!({ "password": "guess", "code": "000000" });
    match name {
        "signUp" => (json!({ "email": "new@example.com", "password": PASSWORD }), true, all("")),
        "verifyEmail" => (json!({ "token": "x", "password": PASSWORD }), true, all("TOKEN_INVALID")),
        "resendVerification" | "forgotPassword" => (json!({ "email": "no@example.com" }), true, all("")),
        "signIn" => (json!({ "email": "x", "password": "x" }), true, all("BAD_CREDENTIALS")),
        "exchangeCode" => (json!({ "code": "x" }), true, all("TOKEN_INVALID")),
        "refreshTokens" => (json!({ "refreshToken": "x" }), true, all("BAD_CREDENTIALS")),
        "resetPassword" => (json!({ "token": "x", "newPassword": PASSWORD }), true, all("TOKEN_INVALID")),
        "confirmEmail" => (json!({ "token": "x" }), true, all("TOKEN_INVALID")),
        "changePassword" => {
            (json!({ "password": PASSWORD, "newPassword": "short" }), false, all("WEAK_PASSWORD"))
        }
        "changeEmail" => (json!({ "email": "no@example.com", "password": PASSWORD }), false, all("")),
        "deleteAccount" => (password, false, all("WRONG_PASSWORD")),
        "startTotp" => (right, false, all("")),
        "removeTotp" | "makeRecoveryCodes" => (coded, false, all("WRONG_PASSWORD")),
        "confirmTotp" => (json!({ "code": "000000" }), false, all("WRONG_CODE")),
        "revokeSession" | "revokeApiKey" | "unlinkIdentity" => {
            (json!({ "id": NOWHERE }), false, all("NOT_FOUND"))
        }
        "createApiKey" => {
            let input = json!({ "name": "k", "scopes": [], "organization": true });
            (input, false, ["ORGANIZATION_REQUIRED", "FORBIDDEN", "BAD_VALUE", "BAD_VALUE"])
        }
        "createOrganization" => (json!({ "name": " " }), false, all("BAD_VALUE")),
        "useOrganization" => (json!({ "organization": NOWHERE }), false, all("NOT_FOUND")),
        "transferOrganization" => {
            let verdicts = ["ORGANIZATION_REQUIRED", "FORBIDDEN", "FORBIDDEN", "NOT_FOUND"];
            (json!({ "membership": NOWHERE, "password": PASSWORD }), false, verdicts)
        }
        "inviteMember" => {
            let verdicts = ["ORGANIZATION_REQUIRED", "FORBIDDEN", "BAD_VALUE", "BAD_VALUE"];
            (json!({ "email": "no@example.com", "role": "nonsense" }), false, verdicts)
        }
        "acceptInvitation" => (json!({ "token": "x" }), false, all("TOKEN_INVALID")),
        "revokeInvitation" | "removeMember" => (json!({ "id": NOWHERE }), false, led),
        "changeMemberRole" => (json!({ "id": NOWHERE, "role": "member" }), false, led),
        // Those who left it do not see it.
        "deleteOrganization" => {
            (right, false, ["ORGANIZATION_REQUIRED", "ORGANIZATION_REQUIRED", "ORGANIZATION_REQUIRED", ""])
        }
        "leaveOrganization" => (json!({}), false, ["ORGANIZATION_REQUIRED", "", "", "LAST_OWNER"]),
        "signOut" => (json!({}), false, all("")),
        "changeUser" => (json!({ "id": NOWHERE, "disabled": false }), false, all("HIDDEN")),
        other => panic!("{other} is not in the matrix"),
    }
}

/// The last ones change what the others need.
fn ordered() -> Vec<&'static str> {
    let late = ["leaveOrganization", "deleteOrganization", "signOut"];
    let names = OPERATIONS.iter().map(|(name, ..)| *name);
    names.filter(|name| !late.contains(name)).chain(late).collect()
}

async fn code(door: Door, actor: &Actor, name: &str, input: &Value) -> String {
    static ASKED: AtomicU32 = AtomicU32::new(0);
    let mut input = input.clone();
    if name == "verifyEmail" {
        // Guesses at one code are limited.
        input["token"] = json!(format!("lwt_{}", ASKED.fetch_add(1, Ordering::Relaxed)));
    }
    let reply = door.ask(actor, name, input).await;
    assert!(reply.status < 500, "{}", reply.whole());
    let failed = reply.status >= 400 || reply.json().get("errors").is_some();
    if failed { reply.code() } else { String::new() }
}

/// Somebody without an organization, a member, an administrator of an organization, its owner; and a key.
async fn cast(app: &App, accounts: &Accounts<'_>, door: Door) -> ([Actor; 4], Actor) {
    let tag = format!("{door:?}@example.com").to_lowercase();
    let user = accounts.sign_up(&format!("user.{tag}")).await;
    let (owner, _) = accounts.owner(&format!("owner.{tag}")).await;
    let (member, _) = accounts.member(&owner, &format!("member.{tag}"), "member").await;
    let (admin, _) = accounts.member(&owner, &format!("admin.{tag}"), "admin").await;
    let made = user.post("/auth/keys", json!({ "name": "k", "scopes": ["*"] })).await.is(201).json();
    let key = app.anyone().with("x-api-key", made["key"].as_str().unwrap());
    ([user.actor, member.actor, admin.actor, owner.actor], key)
}

#[test]
fn everybody_may_what_the_table_says() {
    both(async |app, accounts, _| {
        for door in Door::ALL {
            let (users, key) = cast(app, accounts, door).await;
            for name in ordered() {
                let (input, open, verdicts) = case(name);
                let hidden = if door == Door::Rest { "NO_SUCH_ROUTE" } else { "GRAPHQL_VALIDATION_FAILED" };
                for (number, (user, verdict)) in users.iter().zip(verdicts).enumerate() {
                    let verdict = if verdict == "HIDDEN" { hidden } else { verdict };
                    assert_eq!(code(door, user, name, &input).await, verdict, "{door:?} {name} by {number}");
                }
                let not_offered = |verdict: &'static str| match door {
                    Door::Rest => verdict,
                    Door::Graphql => "GRAPHQL_VALIDATION_FAILED",
                };
                for (who, actor, closed) in [
                    ("anyone", app.anyone(), "UNAUTHENTICATED"),
                    ("a key", key.clone(), "FORBIDDEN"),
                    ("the administrator", app.admin(), "FORBIDDEN"),
                ] {
                    let expected = match (name, who) {
                        ("changeUser" | "revokeApiKey", "the administrator") => "NOT_FOUND",
                        ("changeUser", _) => hidden,
                        _ if open => verdicts[0],
                        _ => not_offered(closed),
                    };
                    assert_eq!(code(door, &actor, name, &input).await, expected, "{door:?} {name} by {who}");
                }
            }
        }
    });
}

#[test]
fn the_table_of_the_tests_is_the_one_of_the_program() {
    both(async |app, accounts, _| {
        let ann = accounts.sign_up("ann@example.com").await;
        let path = format!("/auth/users/{}", ann.id);
        let _ = app.admin().patch(&path, json!({ "roles": ["admin"] })).await.is(200);
        // A user who is an administrator has all of them.
        let query = "{ __schema { mutationType { fields { name } } } }";
        let schema = ann.graphql(query).await.data();
        let fields = schema["__schema"]["mutationType"]["fields"].as_array().unwrap().clone();
        let own = ["create", "update", "upsert", "delete"]
            .map(|verb| ["Note", "Line", "Task", "Organization", "User"].map(|ty| format!("{verb}{ty}")));
        let names: BTreeSet<&str> = fields
            .iter()
            .map(|field| field["name"].as_str().unwrap())
            .filter(|name| {
                let known = OPERATIONS.iter().any(|(known, ..)| known == name);
                known || !own.iter().flatten().any(|prefix| name.starts_with(prefix.as_str()))
            })
            .collect();
        let table: BTreeSet<&str> = OPERATIONS.iter().map(|(name, ..)| *name).collect();
        assert_eq!(names, table);
        for (name, method, path, _) in OPERATIONS {
            let path = format!("/auth{}", path.replace("{id}", NOWHERE));
            let reply = app.admin().get(&path).await.is(405);
            assert!(reply.header("allow").contains(method), "{name}: {}", reply.whole());
        }
    });
}
