//! Accounts that somebody made with an address and nobody proved: they don't stay for ever.

use std::time::Duration;

use harness::account::{PASSWORD, until};
use harness::{Accounts, App, Backend, Mailbox, json, runtime};
use sea_orm::{ConnectionTrait, Database};

use super::program;

async fn sql(app: &App, statement: &str) -> u64 {
    let database = Database::connect(app.database()).await.unwrap();
    let done = database.execute_unprepared(statement).await.unwrap().rows_affected();
    database.close().await.unwrap();
    done
}

/// Makes all users as if they had been made so many hours before.
async fn age(app: &App, hours: i64) {
    let then = match app.backend() {
        Backend::Sqlite => format!("strftime('%Y-%m-%dT%H:%M:%f', 'now', '-{hours} hours') || '000'"),
        Backend::Postgres => format!("now() - interval '{hours} hours'"),
    };
    assert!(sql(app, &format!("update launchway_users set created_at = {then}")).await > 0);
}

/// The addresses of all users.
async fn users(app: &App) -> Vec<String> {
    let rows =
        app.admin().graphql("{ users(orderBy: [{ email: ASC }]) { nodes { email } } }").await.data()["users"]
            ["nodes"]
            .clone();
    let address = |row: &harness::Value| row["email"].as_str().unwrap().split('@').next().unwrap().to_owned();
    rows.as_array().unwrap().iter().map(address).collect()
}

#[test]
fn accounts_that_nobody_proves_are_gone_after_a_week() {
    for backend in Backend::available() {
        runtime::block_on(async {
            println!("on {backend:?}");
            let mailbox = Mailbox::start();
            let mut app = program(backend, &mailbox, &[]).await;
            let accounts = Accounts::start(&app, &mailbox);
            let _ = accounts.sign_up("proved@example.com").await;
            for name in ["nobody", "referred", "asked"] {
                let body = json!({ "email": format!("{name}@example.com"), "password": PASSWORD });
                let _ = app.anyone().post("/auth/sign-up", body).await.is(200);
                let _ = accounts.code(&format!("{name}@example.com")).await;
            }
            // One that no sign-up made.
            let made = app.folder().join("User.ndjson");
            std::fs::write(&made, "{\"email\":\"imported@example.com\"}\n").unwrap();
            let _ = app.import(&made).good();
            let all = ["asked", "imported", "nobody", "proved", "referred"];
            assert_eq!(users(&app).await, all);
            let rows = app.admin().get("/v1/users?email=referred@example.com").await.is(200).json();
            let note = json!({ "text": "for them", "owner": rows["data"][0]["id"] });
            let _ = app.admin().post("/v1/notes", note).await.is(201);

            // A code that is under way keeps its account, however old that is.
            age(&app, 24 * 7 + 1).await;
            app.launch().await;
            tokio::time::sleep(Duration::from_millis(300)).await;
            assert_eq!(users(&app).await, all);

            // Codes last a day.
            let late =
                "update launchway_tokens set expires_at = expires_at - 90000 where kind = 'verify_email'";
            assert_eq!(sql(&app, late).await, 3);
            let again = json!({ "email": "asked@example.com", "password": PASSWORD });
            let _ = app.anyone().post("/auth/sign-up", again).await.is(200);
            let code = Accounts::start(&app, &mailbox).code("asked@example.com").await;
            age(&app, 24 * 7 - 1).await;
            app.launch().await;
            tokio::time::sleep(Duration::from_millis(300)).await;
            assert_eq!(users(&app).await, all);
            age(&app, 24 * 7 + 1).await;
            app.launch().await;
            until(async || users(&app).await.len() < all.len()).await;
            assert_eq!(users(&app).await, ["asked", "imported", "proved", "referred"]);
            let verify = json!({ "token": code, "password": PASSWORD });
            let _ = app.anyone().post("/auth/verify-email", verify).await.is(200);
            // The address is free again.
            let body = json!({ "email": "nobody@example.com", "password": PASSWORD });
            let _ = app.anyone().post("/auth/sign-up", body).await.is(200);
            let _ = Accounts::start(&app, &mailbox).code("nobody@example.com").await;
        });
    }
}
