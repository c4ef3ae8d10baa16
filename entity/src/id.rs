//! Positions in the catalog, as small copyable numbers: no look-up by name after planning.

use serde::{Deserialize, Serialize};

macro_rules! id {
    ($($(#[$doc:meta])* $name:ident),* $(,)?) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub struct $name(pub u32);

        impl $name {
            /// The position in its list.
            #[must_use]
            pub fn index(self) -> usize {
                self.0 as usize
            }
        }

        impl From<usize> for $name {
            fn from(index: usize) -> Self {
                Self(u32::try_from(index).unwrap_or(u32::MAX))
            }
        }
    )*};
}

id! {
    /// An entity of the catalog.
    EntityId,
    /// A field of one entity.
    FieldId,
    /// A relation of one entity.
    RelationId,
    /// An enum of the catalog.
    EnumId,
    /// An embedded value type of the catalog.
    EmbeddedId,
}
