//! The harness' own promises: what it counts, and that it leaves nothing behind.

use harness::{postgres, redis, runtime};
use sea_orm::{ConnectionTrait, Database};

#[test]
fn statements_of_one_database_are_counted_and_frames_are_not() {
    let Some(cluster) = postgres::shared() else { return };
    runtime::block_on(async {
        let (name, other) = (cluster.create_database().await, cluster.create_database().await);
        let database = Database::connect(cluster.url(&name)).await.unwrap();
        let elsewhere = Database::connect(cluster.url(&other)).await.unwrap();
        let mark = cluster.mark();
        elsewhere.execute_unprepared("select 0").await.unwrap();
        database.execute_unprepared("begin").await.unwrap();
        database.execute_unprepared("select 1,\n  2").await.unwrap();
        database.execute_unprepared("commit").await.unwrap();
        assert_eq!(cluster.statements(&name, mark).unwrap(), ["select 1,\n  2"]);
        cluster.drop_database(&name).await;
        cluster.drop_database(&other).await;
    });
}

#[test]
fn text_is_sorted_by_a_natural_language_where_the_server_can() {
    let Some(cluster) = postgres::shared() else { return };
    runtime::block_on(async {
        let name = cluster.create_database().await;
        let database = Database::connect(cluster.url(&name)).await.unwrap();
        let statement = sea_orm::Statement::from_string(
            sea_orm::DbBackend::Postgres,
            "select datlocprovider::text as p, 'a' < 'B' as natural from pg_database where datname = current_database()",
        );
        let row = database.query_one_raw(statement).await.unwrap().unwrap();
        let provider: String = row.try_get("", "p").unwrap();
        let natural: bool = row.try_get("", "natural").unwrap();
        assert_eq!(provider == "i", natural);
        cluster.drop_database(&name).await;
    });
}

#[test]
fn redis_answers_where_it_is_installed() {
    if let Some(url) = redis::url() {
        assert!(std::net::TcpStream::connect(url.trim_start_matches("redis://")).is_ok());
    }
}
