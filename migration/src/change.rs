//! What differs between two shapes.

use crate::shape::{Check, Column, ForeignKey, Index, Table};

impl Change {
    /// The table that a change of something in a table is about.
    pub(crate) fn table(&self) -> Option<&str> {
        match self {
            Change::RemoveIndex { table, .. }
            | Change::RemoveCheck { table, .. }
            | Change::RemoveColumn { table, .. } => Some(&table.name),
            _ => None,
        }
    }
}

/// One difference, said in the new shape's names (renames apart, which come first).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Change {
    /// A table has another name.
    RenameTable {
        /// As it was.
        from: Table,
        /// As it is now.
        to: Table,
        /// Whether the names can't be given in any order.
        cyclic: bool,
    },
    /// A column has another name.
    RenameColumn {
        /// The table.
        table: Table,
        /// Its name before.
        from: String,
        /// As it is now.
        to: Column,
        /// Whether the names can't be given in any order.
        cyclic: bool,
    },
    /// A foreign key has another name.
    RenameForeignKey {
        /// The table.
        table: Table,
        /// Before.
        from: String,
        /// Now.
        to: String,
    },
    /// An index has another name.
    RenameIndex {
        /// The table.
        table: Table,
        /// Before.
        from: String,
        /// Now.
        index: Index,
    },
    /// A check has another name.
    RenameCheck {
        /// The table.
        table: Table,
        /// Before.
        from: String,
        /// Now.
        check: Check,
    },
    /// A foreign key is gone.
    RemoveForeignKey {
        /// The table.
        table: Table,
        /// The key.
        key: ForeignKey,
    },
    /// An index or unique is gone.
    RemoveIndex {
        /// The table.
        table: Table,
        /// The index.
        index: Index,
    },
    /// A check is gone.
    RemoveCheck {
        /// The table.
        table: Table,
        /// The check.
        check: Check,
    },
    /// A table is new.
    AddTable {
        /// The table.
        table: Table,
    },
    /// A column is new.
    AddColumn {
        /// The table.
        table: Table,
        /// The column.
        column: Column,
        /// Its foreign key.
        key: Option<ForeignKey>,
    },
    /// A column holds something else.
    AlterColumn {
        /// The table.
        table: Table,
        /// Before.
        from: Column,
        /// Now.
        to: Column,
    },
    /// The primary key is another.
    AlterKey {
        /// The table.
        table: Table,
    },
    /// A foreign key is new, on a column that is not.
    AddForeignKey {
        /// The table.
        table: Table,
        /// The key.
        key: ForeignKey,
    },
    /// An index or unique is new.
    AddIndex {
        /// The table.
        table: Table,
        /// The index.
        index: Index,
    },
    /// A check is new.
    AddCheck {
        /// The table.
        table: Table,
        /// The check.
        check: Check,
    },
    /// A column is gone.
    RemoveColumn {
        /// The table.
        table: Table,
        /// The column.
        column: Column,
    },
    /// A column stays, though the model has left it out.
    RetireColumn {
        /// The table.
        table: Table,
        /// The column.
        column: Column,
    },
    /// The model has a column again that it had left out.
    ReviveColumn {
        /// The table.
        table: Table,
        /// The column, as it was kept.
        column: Column,
    },
    /// A table stays, though the model has left it out.
    RetireTable {
        /// The table.
        table: Table,
    },
    /// The model has a table again that it had left out.
    ReviveTable {
        /// The table.
        table: Table,
    },
    /// A table is written anew.
    Rebuild {
        /// As it is then.
        table: Table,
    },
    /// A table is gone.
    RemoveTable {
        /// The table.
        table: Table,
    },
}
