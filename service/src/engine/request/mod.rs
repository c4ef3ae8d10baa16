//! What is asked, in no protocol's words. Names are as the caller wrote them; nothing below a root is resolved yet.

use entity::{EntityId, Input};

pub mod aggregate;
pub mod list;
pub mod selection;
pub mod write;

pub use aggregate::{
    Aggregate, AggregateOrder, AggregatePart, Bucket, Function, Group, KeyPart, Measure, MeasurePart,
};
pub use list::{List, Nulls, Order, Page, Under};
pub use selection::{ConnectionPart, EdgePart, EmbeddedPart, PageFact, Requested, Selected};
pub use write::{Answer, BatchPart, Change, Target, Write};

/// A whole operation: several reads are one statement, several writes are one transaction.
#[derive(Debug, Clone, PartialEq)]
pub enum Request {
    /// Reads, answered by one statement.
    Read(Vec<Root<Read>>),
    /// Writes, done in order in one transaction.
    Write(Vec<Root<Write>>),
}

/// One root of an operation.
#[derive(Debug, Clone, PartialEq)]
pub struct Root<T> {
    /// The name the client gets its answer under.
    pub key: String,
    /// What is asked.
    pub ask: T,
}

/// One read.
#[derive(Debug, Clone, PartialEq)]
pub enum Read {
    /// One row, or none.
    One {
        /// Of which type.
        entity: EntityId,
        /// Which one.
        by: By,
        /// What of it.
        selection: Vec<Selected>,
        /// Whether the reply tells the row's version ([`Facts`](super::reply::Facts)).
        facts: bool,
    },
    /// A list.
    List(List),
    /// Groups.
    Aggregate(Aggregate),
    /// A row of any type with globally unique ids.
    Node {
        /// The id.
        id: Input,
        /// What of it, for each type it may be; other types are not looked in.
        kinds: Vec<(EntityId, Vec<Selected>)>,
    },
    /// A text known without asking: `__typename` of the root.
    Constant(String),
}

/// How one row is named.
#[derive(Debug, Clone, PartialEq)]
pub enum By {
    /// By its id.
    Id(Input),
    /// The user who asks.
    Me,
    /// By all fields of one of its unique constraints: field (or to-one relation) names and values.
    Unique(Vec<(String, Input)>),
}
