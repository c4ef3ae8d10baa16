//! Rules: absent means closed.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::id::RelationId;
use crate::predicate::Predicate;

/// What may be done to a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Operation {
    /// See it.
    Read,
    /// Make it.
    Create,
    /// Change it.
    Update,
    /// Delete it.
    Delete,
}

/// A set of operations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Operations {
    /// See.
    pub read: bool,
    /// Make.
    pub create: bool,
    /// Change.
    pub update: bool,
    /// Delete.
    pub delete: bool,
}

impl Operations {
    /// All four.
    pub const ALL: Self = Self { read: true, create: true, update: true, delete: true };

    /// Whether the set has an operation.
    #[must_use]
    pub fn has(self, operation: Operation) -> bool {
        match operation {
            Operation::Read => self.read,
            Operation::Create => self.create,
            Operation::Update => self.update,
            Operation::Delete => self.delete,
        }
    }
}

/// The rules of an entity (`@allow`): rules for one operation are ORed.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Access {
    /// The rules on the type. No rule for an operation: closed.
    pub rules: Vec<Rule>,
    /// The rules on fields and relations by name. They narrow: a field with none is as open as its row, a field
    /// with some needs one that grants the operation.
    pub fields: BTreeMap<String, Vec<Rule>>,
}

/// One `@allow`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Rule {
    /// What it opens.
    pub operations: Operations,
    /// To whom.
    pub role: String,
    /// Whether the role of a member of the organization counts, too. Everybody makes organizations and gives roles in
    /// them: those count for rows of organizations alone, and where the rule says `org:`.
    pub members: bool,
    /// Which rows, as they are stored.
    pub condition: Predicate,
    /// How the row must look afterwards; `condition` when absent.
    pub check: Option<Predicate>,
    /// As the row on the other side of this to-one relation allows.
    pub via: Option<RelationId>,
    /// Only these fields and relations; all when absent.
    pub fields: Option<Vec<String>>,
}
