//! A server of a former model finds its tables, columns and constraints under the names of today.

use entity::Catalog;
use entity::catalog::Join;
use migration::renames_since;

use crate::database::{Db, both, catalog};

const STORE: &str = include_str!("../../../tests/model/store.graphql");

/// The same with other names of everything.
const RENAMED: &str = r#"
enum Mood { CALM HAPPY LOUD }
type Style @model(id: SERIAL) @was(name: "Genre") @allow(to: [READ], role: "anyone") {
  label: String! @unique @was(name: "name")
  songs: [Song!]!
}
type Maker @model @was(name: "Artist") @allow(to: [READ], role: "anyone") {
  label: String! @unique @was(name: "name")
  origin: String @was(name: "country")
  records: [Record!]!
}
type Record @model @was(name: "Album") @index(fields: ["maker", "-issuedOn"])
  @allow(to: [READ], role: "anyone", where: { open: { eq: true } }) {
  heading: String! @was(name: "title") @check(minLength: 1, maxLength: 160)
  maker: Maker! @was(name: "artist")
  issuedOn: Date @was(name: "releasedOn")
  open: Boolean! @was(name: "published") @default(value: true)
  songs: [Song!]!
}
type Song @model @was(name: "Track") @unique(fields: ["record", "place"]) @index(fields: ["style", "label"])
  @limit(default: 25, max: 100) @allow(to: [READ], role: "anyone", via: "record") {
  label: String! @was(name: "name") @check(minLength: 1)
  record: Record! @was(name: "album") @relation(onDelete: CASCADE)
  style: Style @was(name: "genre") @relation(onDelete: SET_NULL)
  place: Int! @was(name: "position") @check(min: 1, message: "Positions start at 1.")
  price: Decimal! @was(name: "unitPrice") @default(value: "0.99") @check(min: "0")
  duration: Int @was(name: "milliseconds")
  size: BigInt @was(name: "bytes")
  stars: Float @was(name: "rating")
  feel: Mood @was(name: "mood")
  words: [String!]! @was(name: "tags") @default(value: [])
  rude: Boolean! @was(name: "explicit") @default(value: false)
  madeAt: DateTime @was(name: "recordedAt")
  fee: Decimal @was(name: "royalty") @allow(to: [READ], role: "admin")
  mixes: [Mix!]! @was(name: "playlists")
}
type Mix @model @was(name: "Playlist") @allow(to: [READ], role: "anyone") {
  label: String! @unique @was(name: "name")
  songs: [Song!]! @was(name: "tracks")
}
"#;

/// Applies a model, which is not refused.
async fn apply(db: &Db, model: &str, consents: &[&str]) {
    match db.apply_with(model, consents).await {
        Ok(_) => {}
        Err(migration::Error::Refused(plan)) => panic!("{}", migration::render(&plan)),
        Err(error) => panic!("{error}"),
    }
}

/// A model in the names that the database has for it today.
async fn bound(db: &Db, model: &Catalog) -> Option<Catalog> {
    renames_since(&db.connection, model).await.unwrap().and_then(|renames| renames.rebind(model))
}

/// Every name that the database has of a model, in the model's order.
fn names(catalog: &Catalog) -> Vec<String> {
    let mut names = Vec::new();
    for entity in &catalog.entities {
        names.push(entity.table.clone());
        names.extend(entity.fields.iter().map(|field| format!("{}.{}", entity.table, field.column)));
        names.extend(entity.indexes.iter().map(|index| index.name.clone()));
        names.extend(entity.uniques.iter().map(|unique| unique.name.clone()));
        let checks = entity.fields.iter().flat_map(|field| &field.checks).chain(&entity.checks);
        names.extend(checks.map(|check| check.name.clone()));
        for relation in &entity.relations {
            if let Join::Through { table, near, far, .. } = &relation.join {
                names.extend([format!("{table}.{near}"), format!("{table}.{far}")]);
            }
        }
    }
    for join in &catalog.join_tables {
        let mut sides: Vec<_> = join.sides.iter().map(|(side, _)| side.clone()).collect();
        sides.sort();
        names.push(format!("{} {}", join.table, sides.join(" ")));
    }
    names
}

#[tokio::test(flavor = "multi_thread")]
async fn every_name_is_known_after_each_application() {
    both(async |db| {
        let (first, second) = (catalog(STORE), catalog(RENAMED));
        assert!(names(&first).iter().zip(names(&second)).filter(|(one, other)| *one != other).count() > 40);
        assert_eq!(renames_since(&db.connection, &first).await.unwrap(), None, "nobody has applied anything");
        apply(db, STORE, &[]).await;
        assert_eq!(renames_since(&db.connection, &first).await.unwrap(), None, "it is in force");

        apply(db, RENAMED, &[]).await;
        let found = bound(db, &first).await.unwrap();
        assert_eq!(names(&found), names(&second));
        assert_eq!(found.version, first.version);
        let apis = |catalog: &Catalog| -> Vec<String> {
            let members = catalog.entities.iter().flat_map(|entity| entity.member_names());
            members.map(str::to_owned).collect()
        };
        assert_eq!(apis(&found), apis(&first));

        // Another one on top, of which only some names are others.
        let third = RENAMED
            .replace(" @was(name: \"Track\")", " @was(name: \"Song\")")
            .replace("Song!", "Piece!")
            .replace("type Song ", "type Piece ")
            .replace(" @was(name: \"unitPrice\")", " @was(name: \"price\")")
            .replace("  price:", "  cost:");
        apply(db, &third, &[]).await;
        for model in [&first, &second] {
            assert_eq!(names(&bound(db, model).await.unwrap()), names(&catalog(&third)));
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_of_the_same_tables_counts_as_the_one_that_was_applied() {
    both(async |db| {
        let (one, other) =
            ("type Item @model { name: String }", "type Item @model { label: String @was(name: \"name\") }");
        apply(db, one, &[]).await;
        let told = catalog(&one.replace("type", "\"\"\"A thing.\"\"\" type"));
        assert_ne!(told.version, catalog(one).version);
        assert_eq!(bound(db, &told).await, None);
        apply(db, other, &[]).await;
        assert_eq!(names(&bound(db, &told).await.unwrap()), names(&catalog(other)));
        // Taken back, they are the model's own again.
        apply(db, "type Item @model { name: String @was(name: \"label\") }", &[]).await;
        assert_eq!(bound(db, &told).await, None);
        assert_eq!(bound(db, &catalog(one)).await, None);
        assert_eq!(bound(db, &catalog("type Box @model(plural: \"boxes\") { x: Int }")).await, None);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_that_is_written_anew_keeps_its_renames() {
    both(async |db| {
        let before = "type Item @model { name: String! @unique @check(minLength: 1) size: Int old: Int }";
        db.apply(before).await.unwrap();
        let after = "type Thing @model @was(name: \"Item\") { label: String! @was(name: \"name\") @unique @check(minLength: 1) size: Int! @default(value: 0) }";
        apply(db, after, &["drop:Thing.old"]).await;
        let bound = bound(db, &catalog(before)).await.unwrap();
        let (mut found, expected) = (names(&bound), names(&catalog(after)));
        found.retain(|name| !name.contains("_gone_"));
        assert_eq!(found, expected);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_something_else_gets_is_not_taken_for_it() {
    both(async |db| {
        let before = "type Item @model { name: String size: Int } type Box @model(plural: \"boxes\") { label: String }";
        db.apply(before).await.unwrap();
        apply(db, before, &[]).await;
        // Items are things now, and their size is another thing; then there are other items.
        let after = "type Thing @model @was(name: \"Item\") { name: String extent: Int @was(name: \"size\") }";
        apply(db, after, &["drop:Box"]).await;
        let after = "type Thing @model { name: String extent: Int } type Item @model { note: String }";
        apply(db, after, &[]).await;
        let last = "type Thing @model { name: String extent: Int }
                    type Box @model(plural: \"boxes\") @was(name: \"Item\") { note: String }";
        apply(db, last, &[]).await;
        let bound = bound(db, &catalog(before)).await.unwrap();
        assert_eq!(bound.entity_named("Item").unwrap().table, "things");
        assert!(names(&bound).contains(&"things.extent".to_owned()));
        assert_eq!(bound.entity_named("Box").unwrap().table, "launchway_tmp_gone_boxes");
    })
    .await;
}
