//! Idempotency keys are remembered for a day, not for ever.

use std::time::{Duration, Instant};

use harness::{App, Backend, json, runtime};
use sea_orm::{ConnectionTrait, Database, DbBackend, Statement};

const MODEL: &str = "type Cup @model @allow(to: [ALL], role: \"anyone\") { size: Int! }";

fn every(test: impl AsyncFn(App)) {
    for backend in Backend::available() {
        runtime::block_on(async {
            println!("on {backend:?}");
            test(App::start(backend, MODEL).await).await;
        });
    }
}

/// Makes all keys as if they had been sent so many hours ago.
async fn age(app: &App, hours: i32) {
    let sql = match app.backend() {
        Backend::Sqlite => format!(
            "update launchway_idempotency set created_at = strftime('%Y-%m-%dT%H:%M:%f', created_at, '-{hours} hours')"
        ),
        Backend::Postgres => {
            format!("update launchway_idempotency set created_at = created_at - interval '{hours} hours'")
        }
    };
    let database = Database::connect(app.database()).await.unwrap();
    assert!(database.execute_unprepared(&sql).await.unwrap().rows_affected() > 0);
    database.close().await.unwrap();
}

async fn keys(app: &App) -> Vec<String> {
    let database = Database::connect(app.database()).await.unwrap();
    let backend = match app.backend() {
        Backend::Sqlite => DbBackend::Sqlite,
        Backend::Postgres => DbBackend::Postgres,
    };
    let statement = Statement::from_string(backend, "select key from launchway_idempotency order by key");
    let rows = database.query_all_raw(statement).await.unwrap();
    database.close().await.unwrap();
    rows.iter().map(|row| row.try_get("", "key").unwrap()).collect()
}

#[test]
fn a_key_of_yesterday_is_a_new_one() {
    every(async |app| {
        let keyed = app.anyone().with("idempotency-key", "k");
        let first = keyed.post("/v1/cups", json!({ "size": 1 })).await.is(201);
        age(&app, 23).await;
        let again = keyed.post("/v1/cups", json!({ "size": 1 })).await.is(201);
        assert_eq!(first.json()["id"], again.json()["id"]);
        let _ = keyed.post("/v1/cups", json!({ "size": 2 })).await.is(422).fails("IDEMPOTENCY_KEY_REUSED");
        age(&app, 2).await;
        // The old one is still in the table: nothing has swept since.
        assert_eq!(keys(&app).await, ["k"]);
        let new = keyed.post("/v1/cups", json!({ "size": 2 })).await.is(201);
        assert_ne!(first.json()["id"], new.json()["id"]);
        let repeated = keyed.post("/v1/cups", json!({ "size": 2 })).await.is(201);
        assert_eq!(repeated.json(), new.json());
        let _ = keyed.post("/v1/cups", json!({ "size": 1 })).await.is(422).fails("IDEMPOTENCY_KEY_REUSED");
        assert_eq!(
            app.anyone().get("/v1/cups?fields=size&sort=size").await.good().json()["data"],
            json!([{ "size": 1 }, { "size": 2 }])
        );
    });
}

#[test]
fn old_keys_are_swept_when_the_program_starts() {
    every(async |mut app| {
        for key in ["a", "b"] {
            let _ = app
                .anyone()
                .with("idempotency-key", key)
                .post("/v1/cups", json!({ "size": 1 }))
                .await
                .is(201);
        }
        age(&app, 25).await;
        let _ =
            app.anyone().with("idempotency-key", "c").post("/v1/cups", json!({ "size": 1 })).await.is(201);
        app.launch().await;
        let deadline = Instant::now() + Duration::from_secs(20);
        while keys(&app).await != ["c"] {
            assert!(Instant::now() < deadline, "{:?}\n{}", keys(&app).await, app.logs());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    });
}
