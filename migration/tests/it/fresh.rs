//! A fresh database.

use migration::Options;

use crate::database::{both, catalog};

const MODELS: [&str; 3] = [
    include_str!("../../../tests/model/store.graphql"),
    include_str!("../../../tests/model/chinook.graphql"),
    include_str!("../../../tests/model/everything.graphql"),
];

#[tokio::test(flavor = "multi_thread")]
async fn takes_every_model_and_then_has_its_shape() {
    for model in MODELS {
        both(async |db| {
            assert_eq!(migration::status(&db.connection).await.unwrap(), None);
            let first = db.apply(model).await.unwrap();
            assert!(first.changed && !first.plan.is_empty());
            let schema = db.schema().await;

            assert!(
                migration::plan_for(&db.connection, &catalog(model), &migration::Allow::default())
                    .await
                    .unwrap()
                    .is_empty()
            );
            let second = db.apply(model).await.unwrap();
            assert!(second.plan.is_empty() && !second.changed, "{}", migration::render(&second.plan));
            assert_eq!(db.schema().await, schema);

            let status = migration::status(&db.connection).await.unwrap().unwrap();
            assert_eq!(status.version, first.version);
            assert_eq!(status.model, model);
            assert_eq!(status.id, 1);
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_and_a_plan_leave_nothing() {
    both(async |db| {
        let model = MODELS[0];
        let plan =
            migration::plan_for(&db.connection, &catalog(model), &migration::Allow::default()).await.unwrap();
        let options = Options { dry_run: true, ..Options::default() };
        let applied = migration::apply(&db.connection, &catalog(model), model, &options).await.unwrap();
        assert_eq!(applied.plan, plan);
        assert_eq!(db.schema().await, Vec::<String>::new());
        assert_eq!(migration::status(&db.connection).await.unwrap(), None);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_that_says_the_same_of_tables_is_recorded() {
    both(async |db| {
        db.apply("type A @model { x: String }").await.unwrap();
        let applied = db.apply("\"\"\"Words.\"\"\" type A @model { x: String }").await.unwrap();
        assert!(applied.plan.is_empty() && applied.changed);
        assert_eq!(migration::status(&db.connection).await.unwrap().unwrap().version, applied.version);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_foreign_table_of_the_same_name_is_left_alone() {
    both(async |db| {
        db.run("CREATE TABLE tracks (id integer)").await;
        let error = db.apply("type Track @model { x: String }").await.unwrap_err();
        let plan = migration::render(error.plan().unwrap());
        assert!(plan.contains("the database already has a table \"tracks\" that we did not make"), "{plan}");
        assert_eq!(migration::status(&db.connection).await.unwrap(), None);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_later_form_and_a_lost_table_are_told() {
    both(async |db| {
        let model = "type Track @model { x: String }";
        db.apply(model).await.unwrap();
        db.run("ALTER TABLE tracks RENAME TO elsewhere").await;
        assert_eq!(db.apply(model).await.unwrap_err().code(), "REFUSED");
        db.run("UPDATE launchway_catalog SET shape = '{\"format\": 3, \"new\": 1}'").await;
        assert_eq!(db.apply(model).await.unwrap_err().code(), "NEWER");
        assert_eq!(migration::status(&db.connection).await.unwrap_err().code(), "NEWER");
    })
    .await;
}
