//! Every numeric limit of the engine, named, documented, with its default.

/// Bounds on the work one request may cause. Units are in the field docs.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Levels of nested selections (root field = 1).
    pub depth: usize,
    /// Rows one read may touch in the worst case: page size × page size of each nested list.
    pub cost: u64,
    /// Selected fields in one operation.
    pub fields: usize,
    /// Levels of nesting inside `where` and inside nested writes.
    pub nesting: usize,
    /// Conditions in one `where`.
    pub conditions: usize,
    /// Items in one list operand (`in: [...]`).
    pub list: usize,
    /// Rows in one plural create or upsert, nested ones included.
    pub batch: usize,
    /// Bytes in one text value.
    pub text: usize,
    /// `offset` at most.
    pub offset: u64,
    /// Groups an aggregate may return at most.
    pub groups: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            depth: 12,
            cost: 50_000,
            fields: 2_000,
            nesting: 16,
            conditions: 500,
            list: 5_000,
            batch: 1_000,
            text: 1_000_000,
            offset: 100_000,
            groups: 1_000,
        }
    }
}
