//! Programs of the former model that start again, when another model came meanwhile or is about to come.

use harness::{App, Backend};
use sea_orm::{ConnectionTrait, Database, TransactionTrait};

use super::beside::{ask, both, new};
use super::{OLD, every, filled, gives_way, on_postgres, rows, same, shape};

async fn artists(app: &App) -> harness::Value {
    ask(app, "{ artists { totalCount } }").await["artists"]["totalCount"].clone()
}

#[test]
fn a_former_server_that_starts_again_changes_nothing_back() {
    on_postgres(async || {
        let (mut old, new) = both().await;
        let before = (shape(&new).await, rows(&new).await);
        // It may refuse to start; when it serves, it serves the rows that are there.
        if old.try_launch().await {
            assert_eq!(artists(&old).await, 60);
        }
        same(&shape(&new).await, &before.0, "the tables");
        same(&rows(&new).await, &before.1, "the rows");
        assert_eq!(new.command(&["plan", "--exit-code"]).code, Some(0));
    });
}

#[test]
fn an_export_with_the_former_model_changes_nothing_back() {
    every(async |backend| {
        let app = filled(backend, 60).await;
        app.write_model(&new());
        let _ = app.command(&["apply"]).good();
        let before = (shape(&app).await, rows(&app).await);
        app.write_model(OLD);
        let _ = app.command(&["export", "out"]);
        same(&shape(&app).await, &before.0, "the tables");
        same(&rows(&app).await, &before.1, "the rows");
    });
}

#[test]
fn a_server_of_the_model_in_force_starts_when_an_application_was_killed() {
    on_postgres(async || {
        let mut old = filled(Backend::Postgres, 60).await;
        let new = App::with(Backend::Postgres, &new()).database(old.database()).prepare().await;
        let mut run = new.begin(&["apply"]);
        let _ = run.line(|line| line.contains("create table"));
        let _ = run.kill();
        old.launch().await;
        assert_eq!(artists(&old).await, 60);
        let _ = new.command(&["apply"]).good();
        assert_eq!(artists(&old).await, 60);
    });
}

#[test]
fn a_server_of_the_model_in_force_starts_while_an_application_goes_on() {
    on_postgres(async || {
        let mut old = filled(Backend::Postgres, 60).await;
        let new = App::with(Backend::Postgres, &new()).database(old.database()).prepare().await;
        let database = Database::connect(old.database()).await.unwrap();
        let reader = database.begin().await.unwrap();
        reader.execute_unprepared("SELECT 1 FROM albums LIMIT 1").await.unwrap();
        let mut run = new.begin(&["apply"]);
        let _ = gives_way(&mut run);
        old.launch().await;
        assert_eq!(artists(&old).await, 60);
        reader.rollback().await.unwrap();
        let _ = run.end().good();
        assert_eq!(artists(&old).await, 60);
    });
}
