//! Secrets are where they belong and nowhere else: not in logs, metrics, traces, errors or events.

use std::time::Duration;

use harness::account::{PASSWORD, mutation};
use harness::app::ADMIN_KEY;
use harness::{Accounts, Actor, Backend, Door, Mailbox, Response, json, runtime};

use crate::telemetry::Collector;

use super::program;

/// What is recognised, in secrets that are chosen.
const CANARY: &str = "c4n4ryc4n4ry";

/// Asks what is wrong in all ways with a secret, and gives the answers.
async fn wrong(anyone: &Actor, ann: &Actor, secret: &str) -> Vec<Response> {
    let typed = anyone.with("content-type", "application/json");
    let mut replies = Vec::new();
    for door in Door::ALL {
        for (actor, name, input) in [
            (anyone, "signUp", json!({ "email": "x", "password": secret })),
            (anyone, "signUp", json!({ "email": "new@example.com", "password": secret.get(..7) })),
            (
                anyone,
                "signIn",
                json!({ "email": "nobody@example.com", "password": secret, "code": secret, "deviceToken": secret }),
            ),
            (anyone, "verifyEmail", json!({ "token": secret, "password": secret })),
            (anyone, "resetPassword", json!({ "token": secret, "newPassword": secret })),
            (anyone, "refreshTokens", json!({ "refreshToken": secret })),
            (ann, "changePassword", json!({ "password": secret, "newPassword": secret })),
            (ann, "confirmTotp", json!({ "code": secret })),
            (ann, "acceptInvitation", json!({ "token": secret })),
        ] {
            replies.push(door.ask(actor, name, input).await);
        }
    }
    for broken in [
        format!("{{\"email\": \"x@example.com\", \"password\": \"{secret}\", "),
        format!("{{\"email\": \"x@example.com\", \"password\": \"{secret}\" \"{secret}\"}}"),
        format!("{{\"password\": [\"{secret}\"], \"password\": \"{secret}\"}}"),
    ] {
        replies.push(typed.send("POST", "/auth/sign-in", Some(broken.into_bytes())).await);
    }
    for wrong in [json!([secret]), json!({ "a": secret }), json!({ secret: 1 })] {
        replies
            .push(anyone.post("/auth/sign-in", json!({ "email": "x@example.com", "password": wrong })).await);
        let query =
            "mutation($p: String!) { signIn(email: \"x@example.com\", password: $p) { accessToken } }";
        replies.push(anyone.graphql_with(query, json!({ "p": wrong })).await);
    }
    let literal = mutation("signIn", &json!({ "email": "x", "password": [secret] }), "accessToken");
    replies.push(anyone.graphql(&format!("mutation {{ {literal} }}")).await);
    replies.push(
        anyone
            .graphql(&format!("mutation {{ signIn(email: \"x\", password: \"{secret}) {{ accessToken }} }}"))
            .await,
    );
    replies.push(anyone.with("authorization", &format!("Bearer {secret}")).get("/v1/notes").await);
    replies.push(anyone.with("authorization", secret).get("/v1/notes").await);
    replies.push(anyone.with("x-api-key", secret).get("/v1/notes").await);
    replies.push(anyone.with("cookie", &format!("launchway={secret}")).get("/auth/me").await);
    replies
}

/// Everything that is a secret of somebody; what is said of each is not.
async fn planted(accounts: &Accounts<'_>, anyone: &Actor) -> (harness::Person, Vec<String>) {
    let mut secrets = Vec::new();
    let own = format!("{CANARY} horse battery");
    let _ =
        anyone.post("/auth/sign-up", json!({ "email": "ann@example.com", "password": own })).await.is(200);
    secrets.push(accounts.code("ann@example.com").await);
    let proof = json!({ "token": secrets[0], "password": own });
    let _ = anyone.post("/auth/verify-email", proof).await.is(200);
    let tokens = anyone
        .post("/auth/sign-in", json!({ "email": "ann@example.com", "password": own }))
        .await
        .is(200)
        .json();
    let ann = accounts.person("ann@example.com", &tokens).await;
    secrets.extend([ann.access.clone(), ann.refresh.clone(), ann.device.clone()]);
    let cookie = json!({ "email": "ann@example.com", "password": own, "cookie": true });
    let cookie = anyone.post("/auth/sign-in", cookie).await.is(200).header("set-cookie");
    secrets.push(cookie.split(['=', ';']).nth(1).unwrap().to_owned());
    let browser = anyone.with("cookie", cookie.split(';').next().unwrap());
    let _ = browser.get("/v1/notes").await.is(200);
    let seed = ann.post("/auth/totp", json!({ "password": own })).await.is(200).json()["secret"]
        .as_str()
        .unwrap()
        .to_owned();
    let code = super::totp::code(&seed, 0);
    let codes = ann.post("/auth/totp/confirm", json!({ "code": code })).await.is(200).json();
    secrets.extend(
        codes["recoveryCodes"].as_array().unwrap().iter().map(|code| code.as_str().unwrap().to_owned()),
    );
    secrets.push(seed);
    let made = Door::Graphql.good(&ann, "createApiKey", json!({ "name": "k", "scopes": ["*"] })).await;
    let key = made["key"].as_str().unwrap().to_owned();
    let _ = anyone.with("x-api-key", &key).get("/v1/notes").await.is(200);
    let form = format!(
        "grant_type=client_credentials&client_id={}&client_secret={key}",
        made["id"].as_str().unwrap()
    );
    let typed = anyone.with("content-type", "application/x-www-form-urlencoded");
    let token = typed.send("POST", "/auth/token", Some(form.into_bytes())).await.is(200).json();
    secrets.push(token["access_token"].as_str().unwrap().to_owned());
    secrets.push(key[16..].to_owned());
    let _ = anyone.post("/auth/password/forgot", json!({ "email": ann.email })).await.is(200);
    secrets.push(accounts.code(&ann.email).await);
    let _ = ann.post("/auth/organizations", json!({ "name": "firm" })).await.is(201);
    let _ =
        ann.post("/auth/invitations", json!({ "email": "b@example.com", "role": "member" })).await.is(201);
    secrets.push(accounts.code("b@example.com").await);
    let renewed = anyone.post("/auth/refresh", json!({ "refreshToken": ann.refresh })).await.is(200).json();
    secrets.push(renewed["refreshToken"].as_str().unwrap().to_owned());
    let ann = harness::Person { access: renewed["accessToken"].as_str().unwrap().to_owned(), ..ann };
    (ann, secrets)
}

#[test]
fn no_secret_is_told_where_it_does_not_belong() {
    for backend in Backend::available() {
        runtime::block_on(async {
            println!("on {backend:?}");
            let (collector, mailbox) = (Collector::start(), Mailbox::start());
            let settings = [
                ("LAUNCHWAY_TELEMETRY__LOG", "trace"),
                ("LAUNCHWAY_TELEMETRY__ACCESS_LOG", "true"),
                ("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url.as_str()),
            ];
            let mut app = program(backend, &mailbox, &settings).await;
            let accounts = Accounts::start(&app, &mailbox);
            let (ann, mut secrets) = planted(&accounts, &app.anyone()).await;
            for reply in wrong(&app.anyone(), &ann, &format!("{CANARY} is a guess")).await {
                assert!(reply.status < 500 && !reply.text().contains(CANARY), "{}", reply.whole());
            }
            let events = app.admin().get("/v1/auditEvents?limit=100").await.is(200).text().to_owned();
            let metrics = app.admin().get("/metrics").await.is(200).text().to_owned();
            app.signal("TERM");
            assert_eq!(app.ended(Duration::from_secs(30)).await, Some(0));
            let logs = app.logs();
            secrets.extend([
                CANARY.to_owned(),
                PASSWORD.to_owned(),
                ADMIN_KEY.to_owned(),
                super::SECRET.to_owned(),
            ]);
            assert!(logs.contains("TRACE") && logs.contains("/auth/sign-in"), "{} bytes of log", logs.len());
            for (place, text) in [
                ("events", events),
                ("metrics", metrics),
                ("logs", logs),
                ("traces", collector.said("/v1/traces")),
                ("metrics that are sent", collector.said("/v1/metrics")),
            ] {
                assert!(!text.is_empty(), "{place}");
                for secret in &secrets {
                    let line = text.lines().find(|line| line.contains(secret.as_str()));
                    assert!(line.is_none(), "{place}: {secret} in {line:?}");
                }
            }
        });
    }
}
