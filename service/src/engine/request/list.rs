//! Which rows, in what order, which page of them.

use entity::{EntityId, Input};

use super::ConnectionPart;

/// A list of rows of a type.
#[derive(Debug, Clone, PartialEq)]
pub struct List {
    /// The type.
    pub entity: EntityId,
    /// Only rows on the other side of this row's relation.
    pub under: Option<Under>,
    /// The condition, in the filter grammar.
    pub filter: Option<Input>,
    /// The order; completed by `id` always.
    pub order: Vec<Order>,
    /// Words to search for.
    pub search: Option<String>,
    /// Which page.
    pub page: Page,
    /// What of it.
    pub parts: Vec<(String, ConnectionPart)>,
    /// Whether the reply tells the page's facts ([`Facts`](super::super::reply::Facts)) beside the JSON.
    pub facts: bool,
    /// Whether these facts include the number of rows on all pages.
    pub total: bool,
}

impl List {
    /// All rows of a type, first page, default order.
    #[must_use]
    pub fn of(entity: EntityId, parts: Vec<(String, ConnectionPart)>) -> Self {
        Self {
            entity,
            under: None,
            filter: None,
            order: Vec::new(),
            search: None,
            page: Page::default(),
            parts,
            facts: false,
            total: false,
        }
    }
}

/// The row whose relation is listed.
#[derive(Debug, Clone, PartialEq)]
pub struct Under {
    /// Its type.
    pub entity: EntityId,
    /// Its id.
    pub id: Input,
    /// The to-many relation.
    pub relation: String,
}

/// One term of an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    /// The way: to-one relations, then a field; a relation's name alone means its id. At least one name.
    pub path: Vec<String>,
    /// From high to low.
    pub descending: bool,
    /// Where rows without a value go; last by default when ascending, first when descending.
    pub nulls: Option<Nulls>,
}

/// Where rows without a value go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Nulls {
    /// Before all others.
    First,
    /// After all others.
    Last,
}

/// Which page of a list. `first` and `last` exclude each other.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Page {
    /// Rows from the start (or after `after`).
    pub first: Option<u64>,
    /// Rows from the end (or before `before`).
    pub last: Option<u64>,
    /// Only rows after this cursor.
    pub after: Option<String>,
    /// Only rows before this cursor.
    pub before: Option<String>,
    /// Only rows after the row with this id (REST's `starting_after`); not together with `after`.
    pub after_id: Option<String>,
    /// Only rows before the row with this id (REST's `ending_before`); not together with `before`.
    pub before_id: Option<String>,
    /// Rows to skip.
    pub offset: Option<u64>,
}
