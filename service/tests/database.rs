//! What the connections to SQLite are set to: what was acknowledged is on the disk, readers can't write, keys are checked.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::Duration;

use sea_orm::TryGetable;
use service::Database;
use service::database::Settings;

/// The first column of the first row.
fn first<T: TryGetable>(row: &sea_orm::QueryResult) -> T {
    row.try_get_by_index(0).unwrap()
}

async fn database(folder: &std::path::Path) -> Database {
    let url = format!("sqlite://{}", folder.join("test.db").display());
    Database::open(&Settings::new(url)).await.unwrap()
}

#[tokio::test]
async fn the_writer_waits_for_the_disk_and_checks_keys() {
    let folder = tempfile::tempdir().unwrap();
    let database = database(folder.path()).await;
    let mut transaction = database.begin(None).await.unwrap();
    for (pragma, expected) in [("synchronous", 2), ("foreign_keys", 1), ("query_only", 0)] {
        let rows = transaction.query(&format!("PRAGMA {pragma}"), Vec::new()).await.unwrap();
        assert_eq!(first::<i64>(&rows[0]), expected, "{pragma}");
    }
    let rows = transaction.query("PRAGMA journal_mode", Vec::new()).await.unwrap();
    assert_eq!(first::<String>(&rows[0]), "wal");
    transaction.rollback().await.unwrap();
}

#[tokio::test]
async fn readers_can_not_write() {
    let folder = tempfile::tempdir().unwrap();
    let database = database(folder.path()).await;
    let row = database.read("PRAGMA query_only", Vec::new(), None).await.unwrap().unwrap();
    assert_eq!(first::<i64>(&row), 1);
    let refused = database.read("CREATE TABLE t (a INTEGER) RETURNING a", Vec::new(), None).await;
    assert!(refused.is_err());
    assert!(database.read("CREATE TABLE t (a INTEGER)", Vec::new(), None).await.is_err());
}

#[tokio::test]
async fn a_transaction_has_the_lock_of_writers_from_its_beginning() {
    let folder = tempfile::tempdir().unwrap();
    let (one, other) = (database(folder.path()).await, database(folder.path()).await);
    let first_in = one.begin(None).await.unwrap();
    // A deferred one would begin at once, read, and fail when it writes after the other one wrote.
    assert!(tokio::time::timeout(Duration::from_millis(300), other.begin(None)).await.is_err());
    first_in.commit().await.unwrap();
    other.begin(None).await.unwrap().rollback().await.unwrap();
}
