//! A small model for the tests of this facade.

use std::sync::Arc;

use entity::Catalog;
use entity::model::{Source, compile};
use service::{Context, Limits, Principal};

/// Everything the facade treats differently, once.
pub(super) const SHOP: &str = r#"
"""How a track feels."""
enum Mood { CALM LOUD }
"""Who made it."""
type Credit { name: String!  role: String  links: [URL!] }

type Genre @model(id: SERIAL) @allow(to: [READ], role: "anyone") {
  name: String! @unique
}
"""A collection of tracks."""
type Album @model @allow(to: [READ], role: "anyone", where: { published: { eq: true } }) {
  title: String!
  published: Boolean! @default(value: true)
  releasedOn: Date
  tracks: [Track!]!
}
type Track @model @unique(fields: ["album", "position"]) @limit(default: 10, max: 50)
  @allow(to: [READ], role: "anyone", via: "album") {
  name: String!
  album: Album! @relation(onDelete: CASCADE)
  genre: Genre
  position: Int!
  unitPrice: Decimal! @default(value: "0.99")
  mood: Mood
  tags: [String!]! @default(value: [])
  credit: Credit
  royalty: Decimal @allow(to: [READ, UPDATE], role: "admin")
  secret: String @api(read: false)
  playlists: [Playlist!]!
}
type Playlist @model @allow(to: [ALL], role: "anyone") {
  name: String!
  tracks: [Track!]!
}
type Ledger @model { amount: BigInt! }
"#;

/// The compiled model.
pub(super) fn catalog(text: &str) -> Arc<Catalog> {
    let compiled = compile(&[Source::new("model.graphql", text)]);
    Arc::new(compiled.unwrap_or_else(|diagnostics| panic!("{diagnostics:?}")).catalog)
}

/// A request of a principal.
pub(super) fn context(text: &str, principal: Principal) -> Context {
    Context::new(catalog(text), principal, Arc::new(Limits::default()), None)
}
