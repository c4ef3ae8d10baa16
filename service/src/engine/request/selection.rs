//! What of a row is asked.

use super::List;

/// One requested thing and the name the client gets it under.
#[derive(Debug, Clone, PartialEq)]
pub struct Selected {
    /// The name in the answer; unique among its siblings.
    pub key: String,
    /// What.
    pub what: Requested,
}

/// What of a row is requested.
#[derive(Debug, Clone, PartialEq)]
pub enum Requested {
    /// The name of the row's type.
    Typename,
    /// A scalar, enum or list; or a whole embedded value when `parts` is absent.
    Field {
        /// The field.
        name: String,
        /// Of an embedded value: what of it.
        parts: Option<Vec<EmbeddedPart>>,
    },
    /// The id on the other side of a to-one relation, without reading that row.
    Key {
        /// The relation.
        name: String,
    },
    /// The row on the other side of a to-one relation.
    One {
        /// The relation.
        name: String,
        /// What of it.
        selection: Vec<Selected>,
    },
    /// The rows on the other side of a to-many relation.
    Many {
        /// The relation.
        name: String,
        /// Which, in what order, and what of them. `entity` and `under` are not looked at here.
        list: Box<List>,
    },
}

/// What of an embedded value is requested.
#[derive(Debug, Clone, PartialEq)]
pub struct EmbeddedPart {
    /// The name in the answer.
    pub key: String,
    /// The field; `__typename` gives the type's name.
    pub name: String,
    /// Of an embedded value inside it: what of that.
    pub parts: Option<Vec<EmbeddedPart>>,
}

/// What of a list is requested, each part under its own key.
#[derive(Debug, Clone, PartialEq)]
pub enum ConnectionPart {
    /// The rows.
    Nodes(Vec<Selected>),
    /// The rows with their cursors.
    Edges(Vec<(String, EdgePart)>),
    /// An object of facts about the page; `__typename` is [`PageFact::Typename`].
    PageInfo(Vec<(String, PageFact)>),
    /// One fact about the page.
    Fact(PageFact),
    /// The number of rows on all pages.
    Total,
    /// The given type name.
    Typename(String),
}

/// What of an edge is requested.
#[derive(Debug, Clone, PartialEq)]
pub enum EdgePart {
    /// The cursor.
    Cursor,
    /// The row.
    Node(Vec<Selected>),
    /// The given type name.
    Typename(String),
}

/// A fact about a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PageFact {
    /// More rows follow.
    HasNext,
    /// Rows precede.
    HasPrevious,
    /// The cursor of the first row, null when there is none.
    Start,
    /// The cursor of the last row, null when there is none.
    End,
    /// The given type name.
    Typename(String),
}
