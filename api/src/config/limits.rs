//! `[limits]`: how much one client may ask, of the server and of the engine.

use serde::Deserialize;

use super::unit::{Period, Size};

/// Bounds on bytes, time, connections and work.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// Bytes in a request's body.
    pub body: Size,
    /// How long a body may take to arrive.
    pub body_timeout: Period,
    /// How long a request's head may take to arrive.
    pub header_timeout: Period,
    /// Header fields of one request.
    pub headers: usize,
    /// Bytes of a request's head.
    pub header_size: Size,
    /// How long a connection may be idle between requests.
    pub idle_timeout: Period,
    /// How long a client may take none of an answer.
    pub write_timeout: Period,
    /// How long a request may take altogether.
    pub request_timeout: Period,
    /// Open connections.
    pub connections: usize,
    /// Open connections of one address.
    pub connections_per_peer: usize,
    /// Requests worked on at once.
    pub concurrency: usize,
    /// Requests that may wait for their turn.
    pub queue: usize,
    /// How long they may wait.
    pub queue_timeout: Period,
    /// Levels of nested selections.
    pub depth: usize,
    /// Rows one read may touch in the worst case.
    pub cost: u64,
    /// Selected fields in one operation.
    pub fields: usize,
    /// Levels of nesting inside a condition and inside nested writes.
    pub nesting: usize,
    /// Conditions in one `where`.
    pub conditions: usize,
    /// Items in one list operand.
    pub list: usize,
    /// Rows in one plural create or upsert.
    pub batch: usize,
    /// Bytes in one text value.
    pub text: usize,
    /// The largest `offset`.
    pub offset: u64,
    /// Groups one aggregate may return.
    pub groups: u64,
}

impl Limits {
    /// Those the engine keeps.
    #[must_use]
    pub fn engine(&self) -> service::Limits {
        service::Limits {
            depth: self.depth,
            cost: self.cost,
            fields: self.fields,
            nesting: self.nesting,
            conditions: self.conditions,
            list: self.list,
            batch: self.batch,
            text: self.text,
            offset: self.offset,
            groups: self.groups,
        }
    }
}
