//! Several processes at once.

use std::time::Duration;

use migration::Options;
use sea_orm::{ConnectOptions, ConnectionTrait, Database, TransactionTrait};

use crate::database::{both, catalog};

const MODEL: &str = include_str!("../../../tests/model/store.graphql");

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn they_take_turns() {
    both(async |db| {
        let mut tasks = Vec::new();
        for _ in 0..6 {
            let url = db.url.clone();
            tasks.push(tokio::spawn(async move {
                let mut options = ConnectOptions::new(url);
                options.max_connections(1).sqlx_logging(false);
                let connection = Database::connect(options).await.unwrap();
                let applied =
                    migration::apply(&connection, &catalog(MODEL), MODEL, &Options::default()).await.unwrap();
                let _ = connection.close().await;
                applied.changed
            }));
        }
        let mut changed = 0;
        for task in tasks {
            changed += usize::from(task.await.unwrap());
        }
        assert_eq!(changed, 1);
        assert_eq!(migration::status(&db.connection).await.unwrap().unwrap().id, 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn who_is_in_the_way_is_waited_for() {
    both(async |db| {
        let model = "type Item @model(timestamps: false) { x: Int }";
        db.apply(model).await.unwrap();
        let busy = db.connection.begin().await.unwrap();
        busy.execute_unprepared(
            "INSERT INTO items (id, version) VALUES ('01900000-0000-7000-8000-000000000000', 1)",
        )
        .await
        .unwrap();
        let url = db.url.clone();
        let task = tokio::spawn(async move {
            let connection = Database::connect(url).await.unwrap();
            let model = "type Item @model(timestamps: false) { x: Int, y: Int }";
            let applied = migration::apply(&connection, &catalog(model), model, &Options::default()).await;
            let _ = connection.close().await;
            applied
        });
        tokio::time::sleep(Duration::from_secs(3)).await;
        busy.commit().await.unwrap();
        assert!(task.await.unwrap().unwrap().changed);
    })
    .await;
}
