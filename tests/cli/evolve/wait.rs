//! `apply` among others: it waits for another application, and gives way to whoever uses a table (PostgreSQL).

use harness::{App, Backend, json};
use sea_orm::{ConnectionTrait, Database, DatabaseConnection, DatabaseTransaction, TransactionTrait};

use super::{APPLY, NEW, begins, ends, filled, gives_way, on_postgres, texts};

/// Somebody who looks at a table for long.
async fn reader(app: &App, table: &str) -> DatabaseTransaction {
    let database = Database::connect(app.database()).await.unwrap();
    reads(&database, table).await
}

async fn reads(database: &DatabaseConnection, table: &str) -> DatabaseTransaction {
    let reader = database.begin().await.unwrap();
    reader.execute_unprepared(&format!("SELECT 1 FROM {table} LIMIT 1")).await.unwrap();
    reader
}

async fn count(app: &App, table: &str) -> String {
    texts(app, &format!("SELECT count(*)::text FROM {table}")).await.remove(0)
}

#[test]
fn apply_gives_way_to_a_reader_and_ends_after_it() {
    on_postgres(async || {
        let mut app = filled(Backend::Postgres, 200).await;
        app.launch().await;
        app.write_model(NEW);
        let reader = reader(&app, "gauges").await;
        let mut first = app.begin(&APPLY);
        let _ = gives_way(&mut first);
        // Nobody waits behind it for long.
        let _ = app.anyone().get("/v1/artists/1").await.good();
        // Another one waits until it has ended, and has nothing to do then.
        let second = app.begin(&APPLY);
        let both = "SELECT pid::text FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'launchway apply'";
        while texts(&app, both).await.len() < 2 {
            tokio::task::yield_now().await;
        }
        let _ = gives_way(&mut first);
        reader.rollback().await.unwrap();
        let _ = first.end().good();
        let second = second.end().good();
        assert!(second.stdout.contains("nothing to do"), "{}", second.text());
        assert!(!second.stderr.lines().any(begins), "{}", second.text());
        assert_eq!(app.command(&["plan", "--exit-code"]).code, Some(0));
        assert_eq!(
            (count(&app, "authors").await, count(&app, "gauges").await),
            ("200".to_owned(), "200".to_owned())
        );
    });
}

#[test]
fn apply_without_patience_says_how_far_it_came_and_goes_on_later() {
    on_postgres(async || {
        let app = filled(Backend::Postgres, 200).await;
        app.write_model(NEW);
        let reader = reader(&app, "gauges").await;
        let impatient = [&APPLY[..], &["--patience", "2s"]].concat();
        let said = app.command(&impatient).refused(1);
        assert!(said.stderr.contains("gave way once"), "{}", said.text());
        let last = said.stderr.lines().rfind(|line| begins(line)).unwrap().to_owned();
        let (number, of) = last.split_once(' ').unwrap().0.split_once('/').unwrap();
        assert!(said.stderr.contains(&format!("stopped at step {number} of {of}")), "{}", said.text());
        assert!(
            said.stderr.contains("goes on from there") && said.stderr.contains("long transaction"),
            "{}",
            said.text()
        );
        // What was done is done, and shown as done.
        assert_eq!(count(&app, "authors").await, "200");
        let planned = app.command(&[&["plan", "--exit-code"], &APPLY[1..]].concat()).refused(3);
        assert!(!planned.stdout.contains("rename table"), "{}", planned.text());
        reader.rollback().await.unwrap();
        let said = app.command(&impatient).good();
        let rest = said.stderr.lines().find(|line| begins(line)).unwrap();
        assert!(!rest.starts_with(&format!("1/{of} ")), "{}", said.text());
        assert_eq!(app.command(&["plan", "--exit-code"]).code, Some(0));
    });
}

#[test]
fn apply_goes_on_when_the_database_ended_its_connection() {
    on_postgres(async || {
        let app = filled(Backend::Postgres, 200).await;
        app.write_model(NEW);
        let reader = reader(&app, "gauges").await;
        let mut run = app.begin(&APPLY);
        let _ = gives_way(&mut run);
        let cluster = harness::postgres::shared().unwrap();
        cluster.disconnect(app.database_name().unwrap()).await;
        drop(reader);
        let said = run.end().refused(1);
        assert!(
            said.stderr.contains("stopped at step ") && said.stderr.contains("Apply again"),
            "{}",
            said.text()
        );
        let _ = app.command(&APPLY).good();
        assert_eq!(app.command(&["plan", "--exit-code"]).code, Some(0));
    });
}

#[test]
fn rows_that_come_with_a_former_value_are_written_too() {
    on_postgres(async || {
        for killed in [false, true] {
            let mut app = filled(Backend::Postgres, 2_000).await;
            app.launch().await;
            app.write_model(NEW);
            let database = Database::connect(app.database()).await.unwrap();
            let mut run = app.begin(&APPLY);
            let _ = run.line(|line| line.contains("rename values of Gauge.grade"));
            // Rows are written beside it; only then it is in the way.
            let reader = reads(&database, "gauges").await;
            let _ = run.line(|line| line.contains("add values of Gauge.grade"));
            let _ = gives_way(&mut run);
            let row = json!({ "code": "new", "reading": 1, "grade": "PLAIN" });
            let _ = app.anyone().post("/v1/gauges", row).await.is(201);
            reader.rollback().await.unwrap();
            if killed {
                let _ = run.line(ends);
                let _ = run.kill();
                let _ = app.command(&APPLY).good();
            } else {
                let _ = run.end().good();
            }
            assert_eq!(app.command(&["plan", "--exit-code"]).code, Some(0));
            assert_eq!(texts(&app, "SELECT grade FROM gauges WHERE code = 'new'").await, ["BASIC"]);
        }
    });
}
