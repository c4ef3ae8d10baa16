//! Secrets are nowhere but where they belong; and who may do what under `/auth`, for every operation there is.

use harness::account::{Account, PASSWORD, bearer, text, with_mail};
use harness::{Actor, Value, json};
use service::auth::OPERATIONS;
use service::auth::operation::Kind;

const MODEL: &str = "type Note @model @allow(to: [ALL], where: { owner: { eq: \"$user.id\" } }) {
  text: String!
  owner: User! @default(value: \"$user.id\") @api(create: false, update: false)
}
type Sheet @model @tenant @allow(to: [ALL]) @allow(to: [READ], role: \"service\") { text: String }";

#[test]
fn secrets_are_in_no_log_no_metric_no_trail_and_no_error() {
    with_mail(
        MODEL,
        &[("LAUNCHWAY_TELEMETRY__LOG", "trace"), ("LAUNCHWAY_TELEMETRY__LOG_FORMAT", "json")],
        async |app, mailbox| {
            let (ann, _) = Account::owner(app, mailbox, "ann").await;
            let mut secrets: Vec<String> = vec![PASSWORD.to_owned()];
            secrets.extend(mailbox.mails(&ann.email).into_iter().filter_map(|mail| mail.code));
            secrets.extend([ann.refresh(), text(&ann.tokens["accessToken"])].map(str::to_owned));
            let key =
                ann.actor.post("/auth/keys", json!({ "name": "ci", "scopes": ["*"] })).await.is(201).json();
            secrets.push(text(&key["key"]).to_owned());
            let _ = bearer(app, text(&key["key"])).get("/v1/sheets").await;
            let form = format!(
                "grant_type=client_credentials&client_id={}&client_secret={}",
                text(&key["id"]),
                text(&key["key"])
            );
            let form = app
                .anyone()
                .with("content-type", "application/x-www-form-urlencoded")
                .send("POST", "/auth/token", Some(form.into_bytes()))
                .await;
            secrets.push(text(&form.json()["access_token"]).to_owned());
            let mut errors = String::new();
            for (path, body) in [
                ("/auth/sign-in", json!({ "email": ann.email, "password": "canary-password-1" })),
                (
                    "/auth/sign-in",
                    json!({ "email": "canary-nobody@example.com", "password": "canary-password-2", "code": "canary-code" }),
                ),
                ("/auth/refresh", json!({ "refreshToken": "canary-refresh" })),
                ("/auth/verify-email", json!({ "token": "canary-token", "password": "canary-password-3" })),
                (
                    "/auth/password/reset",
                    json!({ "token": "canary-token", "newPassword": "canary password 4" }),
                ),
                ("/auth/sign-in", json!({ "email": 7, "password": ["canary-password-5"] })),
                ("/auth/exchange", json!({ "code": "canary-exchange" })),
            ] {
                errors.push_str(app.anyone().post(path, body).await.text());
            }
            let query = "mutation { signIn(email: \"ann@example.com\", password: \"canary-password-6\") { tokenType } }";
            errors.push_str(app.anyone().graphql(query).await.text());
            for (name, value) in [
                ("authorization", "Bearer canary-bearer"),
                ("x-api-key", "canary-key"),
                ("cookie", "launchway=canary-cookie"),
            ] {
                errors.push_str(app.anyone().with(name, value).get("/v1/notes").await.text());
            }
            let mut body = json!({ "email": ann.email, "password": PASSWORD });
            body["cookie"] = json!(true);
            let signed = app.anyone().post("/auth/sign-in", body).await.is(200);
            secrets.push(signed.headers_named("set-cookie")[0].split(['=', ';']).nth(1).unwrap().to_owned());
            secrets.push(text(&signed.json()["deviceToken"]).to_owned());
            let trail = app.admin().get("/v1/auditEvents?limit=100").await.is(200).text().to_owned();
            let metrics = app.admin().get("/metrics").await.is(200).text().to_owned();
            let log = app.logs();
            assert!(log.contains("sign-in") || log.contains("/auth"), "nothing is logged");
            secrets.push("canary".to_owned());
            for secret in &secrets {
                for (place, text) in
                    [("the log", &log), ("an error", &errors), ("the trail", &trail), ("metrics", &metrics)]
                {
                    // The part behind the prefix, so that a mask that keeps it is found too.
                    let at = text.find(secret.as_str());
                    assert!(
                        at.is_none(),
                        "{secret} is in {place}: {}",
                        &text[at.unwrap_or(0).saturating_sub(200)..][..300.min(text.len())]
                    );
                }
            }
        },
    );
}

/// A value of a kind that means nothing.
fn sample(kind: Kind) -> Value {
    match kind {
        Kind::Text => json!("member"),
        Kind::Secret => json!("some four words nobody knows"),
        Kind::Email => json!("somebody@example.com"),
        Kind::Id => json!("0190b5a4-7e8f-7c3d-8a21-5f6e7d8c9b0a"),
        Kind::Number => json!(1),
        Kind::Flag => json!(false),
        Kind::Time => json!("2099-01-01T00:00:00Z"),
        Kind::Texts => json!(["*"]),
    }
}

/// What only the owner of an organization or who manages it may do.
const MANAGED: [&str; 6] = [
    "inviteMember",
    "revokeInvitation",
    "changeMemberRole",
    "removeMember",
    "transferOrganization",
    "deleteOrganization",
];

#[test]
fn every_operation_is_for_whom_it_is_for() {
    with_mail(MODEL, &[], async |app, mailbox| {
        let (ann, _) = Account::owner(app, mailbox, "ann").await;
        let bob = Account::new(app, mailbox, "bob").await;
        let invite = json!({ "email": bob.email, "role": "member" });
        let _ = ann.actor.post("/auth/invitations", invite).await.is(201);
        let code = mailbox.wait(&bob.email).await.code.unwrap();
        let _ = bob.actor.post("/auth/invitations/accept", json!({ "token": code })).await.is(200);
        let key = ann
            .actor
            .post("/auth/keys", json!({ "name": "ci", "scopes": ["*"], "organization": true }))
            .await
            .is(201)
            .json();
        let key = bearer(app, text(&key["key"]));
        for operation in OPERATIONS.iter().filter(|operation| operation.name != "signOut") {
            let mut body = json!({});
            for field in operation.takes.iter().filter(|field| field.name != "id" && field.required) {
                body[field.name] = sample(field.kind);
            }
            let path = format!("/auth{}", operation.path.replace("{id}", text(&sample(Kind::Id))));
            let ask = async |actor: &Actor| match operation.method {
                "DELETE" => actor.delete(&path).await,
                "PATCH" => actor.patch(&path, body.clone()).await,
                _ => actor.post(&path, body.clone()).await,
            };
            let name = operation.name;
            let reply = ask(&app.anyone()).await;
            match name {
                "changeUser" => assert_eq!(reply.status, 404, "{name}"),
                _ if operation.open => assert!(
                    ![403, 404, 405].contains(&reply.status) && !reply.text().contains("UNAUTHENTICATED"),
                    "{}",
                    reply.whole()
                ),
                _ => assert_eq!((reply.status, reply.code().as_str()), (401, "UNAUTHENTICATED"), "{name}"),
            }
            if operation.open {
                continue;
            }
            let reply = ask(&key).await;
            assert!([403, 404].contains(&reply.status), "a key: {}", reply.whole());
            let reply = ask(&bob.actor).await;
            if name == "changeUser" {
                assert_eq!(reply.status, 404, "{name}");
            } else if MANAGED.contains(&name) {
                assert_eq!(reply.status, 403, "a member: {}", reply.whole());
            }
            let shown = ann.actor.graphql("{ __schema { mutationType { fields { name } } } }").await;
            assert_eq!(shown.text().contains(&format!("\"{name}\"")), name != "changeUser", "{name}");
            if name == "changeUser" {
                assert_eq!(ask(&app.admin()).await.status, 404, "{name}");
                let shown = app.admin().graphql("{ __schema { mutationType { fields { name } } } }").await;
                assert!(shown.text().contains("\"changeUser\"") && !shown.text().contains("\"signOut\""));
            }
        }
        // The administrator of an organization is not the server's.
        let roles = json!({ "roles": ["anyone"] });
        let path = format!("/auth/users/{}", bob.id().await);
        let _ = app.admin().patch(&path, roles).await.is(422);
        let _ = app.admin().patch(&path, json!({ "roles": ["admin"] })).await.is(200);
        // At once.
        let _ = bob.actor.get("/v1/auditEvents").await.is(200);
        let _ = app.admin().patch(&path, json!({ "disabled": true })).await.is(200);
        let _ = bob.actor.get("/v1/notes").await.is(401);
    });
}
