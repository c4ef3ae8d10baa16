//! Sessions that nobody uses end; those that are used don't.

use harness::account::{PASSWORD, bearer, until};
use harness::{Accounts, Actor, App, Backend, Door, Mailbox, json, runtime};
use sea_orm::{ConnectionTrait, Database};

use super::{beside, program};

const SETTINGS: &[(&str, &str)] =
    &[("LAUNCHWAY_AUTH__ACCESS_TOKEN", "1h"), ("LAUNCHWAY_AUTH__SESSION_IDLE", "2h")];

/// Makes all sessions as if they had been used last so many minutes before.
async fn rest(app: &App, minutes: i64) {
    let database = Database::connect(app.database()).await.unwrap();
    let then = match app.backend() {
        Backend::Sqlite => format!("strftime('%Y-%m-%dT%H:%M:%f', 'now', '-{minutes} minutes') || '000'"),
        Backend::Postgres => format!("now() - interval '{minutes} minutes'"),
    };
    let sql = format!("update launchway_sessions set last_used_at = {then}");
    assert!(database.execute_unprepared(&sql).await.unwrap().rows_affected() > 0);
    database.close().await.unwrap();
}

/// Somebody whose browser keeps the session.
async fn browser(app: &App, email: &str) -> Actor {
    let input = json!({ "email": email, "password": PASSWORD, "cookie": true });
    let reply = Door::Rest.ask(&app.anyone(), "signIn", input).await.good();
    let set = reply.header("set-cookie");
    app.anyone().with("cookie", set.split(';').next().unwrap())
}

/// The times at which sessions were used last, the latest last.
async fn used(app: &App) -> Vec<String> {
    let query = "{ authSessions(orderBy: [{ lastUsedAt: ASC }]) { nodes { lastUsedAt } } }";
    let rows = app.admin().graphql(query).await.data()["authSessions"]["nodes"].clone();
    rows.as_array().unwrap().iter().map(|row| row["lastUsedAt"].as_str().unwrap().to_owned()).collect()
}

fn each(test: impl AsyncFn(&App, &Accounts<'_>, &Mailbox)) {
    for backend in Backend::available() {
        runtime::block_on(async {
            println!("on {backend:?}");
            let mailbox = Mailbox::start();
            let app = program(backend, &mailbox, SETTINGS).await;
            test(&app, &Accounts::start(&app, &mailbox), &mailbox).await;
        });
    }
}

#[test]
fn a_browser_that_is_not_used_is_signed_out() {
    each(async |app, accounts, mailbox| {
        let ann = accounts.sign_up("ann@example.com").await;
        let kept = browser(app, "ann@example.com").await;
        let _ = kept.get("/auth/me").await.is(200);
        rest(app, 119).await;
        // What a node knows of a caller it believes for two seconds; another one looks.
        let near = beside(app, mailbox, SETTINGS).await;
        let cookie = browser(&near, "ann@example.com").await;
        let _ = cookie.get("/auth/me").await.is(200);
        rest(app, 121).await;
        until(async || cookie.get("/auth/me").await.status == 401).await;
        until(async || kept.get("/auth/me").await.status == 401).await;
        // An access token ends by itself, and a refresh token has an end of its own.
        let _ = bearer(&near, &ann.access).get("/v1/notes").await.is(200);
        let _ = near.anyone().post("/auth/refresh", json!({ "refreshToken": ann.refresh })).await.is(200);
    });
}

#[test]
fn what_is_used_is_renewed_about_once_a_minute() {
    each(async |app, accounts, _| {
        let _ = accounts.sign_up("ann@example.com").await;
        for tokens in [false, true] {
            rest(app, 100).await;
            let before = used(app).await;
            let ann = match tokens {
                true => accounts.sign_in("ann@example.com").await.actor,
                false => browser(app, "ann@example.com").await,
            };
            // Signing in is a use.
            let fresh = used(app).await.pop().unwrap();
            assert!(fresh > *before.last().unwrap());
            let _ = ann.get("/auth/me").await.is(200);
            assert_eq!(used(app).await.pop().unwrap(), fresh, "the minute is not over");
            rest(app, 90).await;
            let rested = used(app).await.pop().unwrap();
            until(async || {
                let _ = ann.get("/auth/me").await.is(200);
                used(app).await.pop().unwrap() > rested
            })
            .await;
            // One of them was used, and the others were not.
            let now = used(app).await;
            assert_eq!(now.iter().filter(|time| **time > rested).count(), 1, "{now:?}");
        }
    });
}
