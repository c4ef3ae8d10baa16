//! The harness' own promises: what it counts, and that it leaves nothing behind.

use harness::{App, Backend, oracle, postgres, redis, runtime};
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
fn statements_that_are_none_are_noticed_and_no_others() {
    let Some(cluster) = postgres::shared().filter(|cluster| cluster.pid().is_some()) else { return };
    runtime::block_on(async {
        let (name, other) = (cluster.create_database().await, cluster.create_database().await);
        let database = Database::connect(cluster.url(&name)).await.unwrap();
        database.execute_unprepared("select 1 / 0 as \"x|42601|y\"").await.unwrap_err();
        database.execute_unprepared("select '|42601|'").await.unwrap();
        assert_eq!(cluster.malformed(&name), Vec::<String>::new());
        database.execute_unprepared("selekt 1").await.unwrap_err();
        database.execute_unprepared("select * from nowhere").await.unwrap_err();
        let told = cluster.malformed(&name).join("\n");
        assert!(told.contains("selekt") && told.contains("nowhere"), "{told}");
        assert_eq!(cluster.malformed(&other), Vec::<String>::new());
        cluster.drop_database(&name).await;
        cluster.drop_database(&other).await;
    });
}

#[test]
fn an_app_whose_statement_was_none_fails_its_test() {
    if postgres::shared().is_none_or(|cluster| cluster.pid().is_none()) {
        return;
    }
    runtime::block_on(async {
        let app = App::start(Backend::Postgres, "type Cup @model { n: Int }").await;
        let database = Database::connect(app.database()).await.unwrap();
        database.execute_unprepared("selekt 1").await.unwrap_err();
        let dropped = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| drop(app)));
        assert!(dropped.is_err());
    });
}

#[test]
fn queries_are_asked_of_both_executors_unless_they_are_counted() {
    let Some(cluster) = postgres::shared() else { return };
    runtime::block_on(async {
        let app =
            App::start(Backend::Postgres, "type Cup @model @allow(to: [ALL], role: \"anyone\") { n: Int }")
                .await;
        let count = async |query: &str| {
            let mark = cluster.mark();
            let _ = app.anyone().graphql(query).await.good();
            cluster.statements(app.database_name().unwrap(), mark).unwrap().len()
        };
        assert_eq!(count("{ cups { totalCount } }").await, 2);
        assert_eq!(oracle::once(count("{ cups { totalCount } }")).await, 1);
        // Done twice, it would be there twice.
        let _ = app.anyone().graphql("mutation { createCup(input: { n: 1 }) { n } }").await.good();
        assert_eq!(app.anyone().graphql("{ cups { totalCount } }").await.data()["cups"]["totalCount"], 1);
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
