//! Tables of many rows, and models of many types.

use std::fmt::Write;

use migration::{Options, Verdict};

use crate::database::{both, catalog};

#[tokio::test(flavor = "multi_thread")]
async fn a_server_leaves_long_locks_to_people() {
    both(async |db| {
        let model = "type Item @model(id: SERIAL, timestamps: false) { x: Int }";
        db.apply(model).await.unwrap();
        db.run(
            "INSERT INTO items (version, x) WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100001) SELECT 1, i FROM n",
        )
        .await;
        let only_safe = Options { only_safe: true, ..Options::default() };
        let quick = "type Item @model(id: SERIAL, timestamps: false) { x: Int, y: Int! @default(value: 1) }";
        migration::apply(&db.connection, &catalog(quick), quick, &only_safe).await.unwrap();

        let slow = quick.replace("x: Int", "x: Int @unique");
        let error = migration::apply(&db.connection, &catalog(&slow), &slow, &only_safe).await.unwrap_err();
        let refusal = error.plan().unwrap().refused().next().unwrap().refusal.clone().unwrap();
        assert_eq!(refusal.reason, "the table is large, and this takes as long as it is");
        let applied = db.apply(&slow).await.unwrap();
        let verdict = if db.is_postgres() { Verdict::Online } else { Verdict::Backfill };
        assert_eq!(applied.plan.verdict(), Some(verdict));
        assert!(applied.plan.steps[0].cost.unwrap().rows >= 100_001);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn three_hundred_types_are_a_matter_of_seconds() {
    let mut model = String::new();
    for i in 0..300 {
        let other = (i * 7 + 1) % 300;
        writeln!(
            model,
            "type Thing{i} @model(plural: \"things{i}\") {{ name: String! @unique, size: Int @check(min: 0), kind: Kind, \
             other: Thing{other} @relation(inverse: \"others\"), others: [Thing{}!]! @relation(inverse: \"other\") }}",
            (0..300).find(|j| (j * 7 + 1) % 300 == i).unwrap()
        )
        .unwrap();
    }
    model.push_str("enum Kind { A B C }");
    both(async |db| {
        let start = std::time::Instant::now();
        assert!(db.apply(&model).await.unwrap().changed);
        let first = start.elapsed();
        assert!(!db.apply(&model).await.unwrap().changed);
        println!("300 types: {first:?} fresh, {:?} again, compiling included", start.elapsed() - first);
    })
    .await;
}
