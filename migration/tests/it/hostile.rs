//! Names and constants that want out of their quotes.

use entity::catalog::Default;
use entity::{Catalog, Value};
use migration::Options;

use crate::database::{both, catalog};

const TEXTS: [&str; 7] = [
    "'; DROP TABLE things; --",
    r"\'; DROP TABLE things; --",
    "\"quoted\" and `ticked` and [bracketed]",
    "$1 $$ :name @name ?1 %s {}",
    "line\nbreak\ttab /* comment */ -- more",
    "日本語 🚀 \u{200b}\u{202e}",
    "",
];

/// The model with names changed to what the compiler would never let through.
fn twisted(table: &str, column: &str, default: &str) -> Catalog {
    let catalog = catalog(
        "enum Mood { CALM } type Thing @model(id: SERIAL, timestamps: false) @index(fields: [\"x\"], where: { x: { eq: \"q\" } }) { x: String! @default(value: \"q\") @unique @check(maxLength: 99) mood: Mood, parent: Thing @relation(inverse: \"kids\"), kids: [Thing!]! @relation(inverse: \"parent\") }",
    );
    let mut entities = catalog.entities.clone();
    let entity = &mut entities[0];
    entity.table = table.to_owned();
    let text = Value::Text(default.to_owned());
    let field = entity.fields.iter_mut().find(|field| field.name == "x").unwrap();
    field.column = column.to_owned();
    field.default = Some(Default::Value(text.clone()));
    let id = field.id;
    entity.indexes[0].condition = Some(entity::Predicate::Compare {
        field: id,
        op: entity::Op::Eq,
        value: entity::Operand::Value(text),
    });
    let mut enums = catalog.enums.clone();
    enums[0].values[0].name = default.to_owned();
    Catalog::new(
        catalog.version.clone(),
        entities,
        enums,
        catalog.embedded.clone(),
        catalog.join_tables.clone(),
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn stay_in_their_quotes() {
    let name = "o\"; DROP TABLE things; --'\\";
    for text in TEXTS {
        both(async |db| {
            let catalog = twisted(name, "c\"'; --", text);
            migration::apply(&db.connection, &catalog, "", &Options::default()).await.unwrap();
            assert!(
                migration::plan_for(&db.connection, &catalog, &migration::Allow::default())
                    .await
                    .unwrap()
                    .is_empty()
            );
            let quoted = name.replace('"', "\"\"");
            db.run(&format!("INSERT INTO \"{quoted}\" (version) VALUES (1)")).await;
            let found = db.texts(&format!("SELECT \"c\"\"'; --\" AS x FROM \"{quoted}\"")).await;
            assert_eq!(found, [text]);
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn words_of_sql_are_names() {
    both(async |db| {
        let model = "type Order @model { select: String @unique, group: Int @check(min: 0), from: Order @relation(inverse: \"to\"), to: [Order!]! @relation(inverse: \"from\"), value: [String!], key: Int }
                     type Group @model { table: Int @index }";
        db.apply(model).await.unwrap();
        let renamed = model.replace("group: Int", "where: Int @was(name: \"group\")");
        db.apply(&renamed).await.unwrap();
        assert!(db.apply(&renamed).await.unwrap().plan.is_empty());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn errors_hold_no_sql() {
    both(async |db| {
        db.apply("type Item @model(timestamps: false) { x: Int }").await.unwrap();
        // An index in the way, which no plan could know of.
        let other = "type Item @model(timestamps: false) { x: Int @index }";
        db.run("CREATE INDEX ix_items_x ON items (version)").await;
        let error = match db.apply(other).await {
            Err(error) => error,
            Ok(applied) => panic!("{}", migration::render(&applied.plan)),
        };
        assert_eq!(error.code(), "DATABASE");
        assert!(!error.to_string().to_uppercase().contains("CREATE"), "{error}");
        assert_eq!(migration::status(&db.connection).await.unwrap().unwrap().id, 1);
    })
    .await;
}
