//! A database in memory, which has one connection alone.

use migration::{Allow, Options};
use sea_orm::{ConnectOptions, ConnectionTrait, Database, Statement};

use crate::database::catalog;

const MODEL: &str = "type Artist @model(id: SERIAL, timestamps: false) { name: String, albums: [Album!]! } \
                     type Album @model(id: SERIAL, timestamps: false) { title: String, artist: Artist @relation(onDelete: CASCADE) }";

#[tokio::test(flavor = "multi_thread")]
async fn a_table_that_is_written_anew_takes_nothing_along() {
    let mut options = ConnectOptions::new("sqlite::memory:");
    options.max_connections(1).sqlx_logging(false).map_sqlx_sqlite_opts(|it| it.foreign_keys(true));
    let connection = Database::connect(options).await.unwrap();
    let apply = async |model: &str| {
        let options = Options { allow: Allow::default(), ..Options::default() };
        migration::apply(&connection, &catalog(model), model, &options).await.unwrap()
    };
    apply(MODEL).await;
    connection
        .execute_unprepared("INSERT INTO artists (id, version, name) VALUES (1, 1, 'Ada')")
        .await
        .unwrap();
    connection
        .execute_unprepared("INSERT INTO albums (id, version, artist_id) VALUES (1, 1, 1), (2, 1, 1)")
        .await
        .unwrap();
    apply(&MODEL.replace("name: String", "name: String!")).await;
    let count = Statement::from_string(connection.get_database_backend(), "SELECT count(*) AS n FROM albums");
    let row = connection.query_one_raw(count).await.unwrap().unwrap();
    assert_eq!(row.try_get::<i64>("", "n").unwrap(), 2);
    assert!(
        connection.execute_unprepared("UPDATE albums SET artist_id = 9").await.is_err(),
        "references hold again"
    );
}
