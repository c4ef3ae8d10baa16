//! Plans as people and programs see them.

use migration::{Allow, Dialect, Shape, plan, render};

use crate::database::catalog;

const STORE: &str = include_str!("model/store.graphql");
const EVERYTHING: &str = include_str!("model/everything.graphql");

/// Everything of `OLD` changed in every way.
const OLD: &str = r#"
enum Mood { CALM LOUD }
type Place { city: String!, zip: String }
type Song @model @index(fields: ["title"], where: { title: { ne: "" } }) {
  title: String! @unique, mood: Mood, length: Int, gone: String, at: Place, rate: Float @check(min: 0), maker: Person @relation(onDelete: CASCADE), required: Boolean!, optional: Boolean
}
type Person @model(id: SERIAL, plural: "people") { name: String, songs: [Song!]! }
type Leaves @model(plural: "leavings") { x: Int }
"#;

const NEW: &str = r#"
enum Mood { CALM WILD LOUD }
type Place { city: String!, zip: String! }
type Track @model(softDelete: true) @was(name: "Song") @index(fields: ["-name", "mood"], where: { mood: { in: [CALM, WILD] } }) @unique(fields: ["name", "mood"])
  @check(where: { or: [{ length: { isNull: true } }, { rate: { gt: 0.5 } }] }) {
  name: String! @was(name: "title") @unique @index(using: TRIGRAM), mood: Mood, length: BigInt, at: Place, rate: Float @check(min: 0, max: 10), maker: Person @relation(onDelete: SET_NULL),
  price: Decimal! @default(value: "0.99"), must: String!, label: Label, required: Boolean, optional: Boolean!
}
type Person @model(id: SERIAL, plural: "people") { name: String, songs: [Track!]!, label: Label }
type Label @model(id: CLIENT) @check(where: { name: { icontains: "Ltd's" } }) { name: String!, owner: Person @relation(inverse: "owns"), tracks: [Track!]!, people: [Person!]! @relation(inverse: "label"), head: Head! , heads: [Head!]! @relation(inverse: "label") }
type Head @model { label: Label @relation(inverse: "heads") , leads: [Label!]! @relation(inverse: "head") }
"#;

fn of(old: Option<&str>, new: &str, dialect: Dialect) -> migration::Plan {
    let old = old.map_or_else(Shape::empty, |old| Shape::of(&catalog(old)).unwrap());
    plan(&old, &Shape::of(&catalog(new)).unwrap(), dialect, &Allow::default())
}

#[test]
fn a_store_on_each() {
    insta::assert_snapshot!("store_sqlite", render(&of(None, STORE, Dialect::Sqlite)));
    insta::assert_snapshot!("store_postgres", render(&of(None, STORE, Dialect::Postgres)));
}

#[test]
fn everything_on_each() {
    insta::assert_snapshot!("everything_sqlite", render(&of(None, EVERYTHING, Dialect::Sqlite)));
    insta::assert_snapshot!("everything_postgres", render(&of(None, EVERYTHING, Dialect::Postgres)));
}

#[test]
fn changes_of_every_kind_on_each() {
    let new = NEW.replace(", owner: Person @relation(inverse: \"owns\")", "");
    insta::assert_snapshot!("changes_sqlite", render(&of(Some(OLD), &new, Dialect::Sqlite)));
    insta::assert_snapshot!("changes_postgres", render(&of(Some(OLD), &new, Dialect::Postgres)));
    insta::assert_json_snapshot!("changes_json", of(Some(OLD), &new, Dialect::Postgres));
}

#[test]
fn nothing_to_do() {
    insta::assert_snapshot!(render(&of(Some(STORE), STORE, Dialect::Sqlite)), @"The SQLite database has the shape of the model: nothing to do.");
}

#[test]
fn a_shape_survives_its_stored_form() {
    for model in [STORE, EVERYTHING, NEW.replace(", owner: Person @relation(inverse: \"owns\")", "").as_str()]
    {
        let shape = Shape::of(&catalog(model)).unwrap();
        let stored: Shape = serde_json::from_str(&serde_json::to_string(&shape).unwrap()).unwrap();
        assert!(stored.same(&shape));
        for dialect in [Dialect::Sqlite, Dialect::Postgres] {
            assert!(plan(&stored, &shape, dialect, &Allow::default()).is_empty());
        }
    }
}
