//! [Change] -> Plan: the steps in the order they can be done in.

use std::collections::BTreeSet;

use entity::catalog::{Using, Version};
use serde::Serialize;

use crate::change::Change;
use crate::ddl;
use crate::dialect::Dialect;
use crate::diff::{self, Diff};
use crate::shape::{Shape, Table};
use crate::step::{Action, Demand, Step};

mod alter;
mod constraint;
mod describe;
mod remove;

/// What apply would do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Plan {
    /// For which database.
    pub dialect: Dialect,
    /// The model version in force, none for a fresh database.
    pub from: Option<Version>,
    /// The model version asked for.
    pub to: Option<Version>,
    /// What is done, in order.
    pub steps: Vec<Step>,
}

impl Plan {
    /// Whether there is nothing to do.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// The steps that are not done, because of which nothing is.
    pub fn refused(&self) -> impl Iterator<Item = &Step> {
        self.steps.iter().filter(|step| step.refusal.is_some())
    }

    /// Whether any step is refused.
    #[must_use]
    pub fn is_refused(&self) -> bool {
        self.refused().next().is_some()
    }

    /// The number of steps of a kind that are done.
    #[must_use]
    pub fn count(&self, action: Action) -> usize {
        self.steps.iter().filter(|step| step.action == action && step.refusal.is_none()).count()
    }
}

/// Compares two shapes. No database is asked: what depends on its rows is in [`Step::requires`].
#[must_use]
pub fn plan(old: &Shape, new: &Shape, dialect: Dialect) -> Plan {
    let diff = diff::diff(old, new);
    let planner = Planner { dialect, old, new, diff: &diff };
    let mut steps = Vec::new();
    steps.extend(planner.extension());
    let mut checked = BTreeSet::new();
    for change in planner.expanded() {
        steps.extend(planner.step(&change, &mut checked));
    }
    Plan { dialect, from: None, to: None, steps }
}

/// What every step needs to know.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Planner<'a> {
    pub(crate) dialect: Dialect,
    pub(crate) old: &'a Shape,
    pub(crate) new: &'a Shape,
    pub(crate) diff: &'a Diff,
}

impl Planner<'_> {
    /// The step of a change, where the database has something to do. `checked` are the tables whose checks, which
    /// SQLite keeps in one place, have been dealt with.
    fn step(&self, change: &Change, checked: &mut BTreeSet<String>) -> Option<Step> {
        if self.dialect == Dialect::Sqlite
            && let Change::RenameCheck { table, .. }
            | Change::RemoveCheck { table, .. }
            | Change::AddCheck { table, .. } = change
        {
            // At the place of the first of them; the columns they speak of may come later, see `expanded`.
            return checked.insert(table.name.clone()).then(|| self.triggers(table));
        }
        match change {
            Change::RenameTable { from, to, cyclic } => Some(self.rename_table(from, to, *cyclic)),
            Change::RenameColumn { table, from, to, cyclic } => {
                Some(self.rename_column(table, from, to, *cyclic))
            }
            Change::RenameForeignKey { table, from, to } => self.rename_foreign_key(table, from, to),
            Change::RenameIndex { table, from, index } => self.rename_index(table, from, index),
            Change::RenameCheck { table, from, check } => Some(self.rename_check(table, from, check)),
            Change::RemoveForeignKey { table, key } => Some(self.remove_foreign_key(table, key)),
            Change::RemoveIndex { table, index } => self.remove_index(table, index),
            Change::RemoveCheck { table, check } => Some(self.remove_check(table, check)),
            Change::AddTable { table } => Some(self.add_table(table)),
            Change::AddColumn { table, column, key } => Some(self.add_column(table, column, key.as_ref())),
            Change::AlterColumn { table, from, to } => self.alter_column(table, from, to),
            Change::AlterKey { table } => Some(self.alter_key(table)),
            Change::AddForeignKey { table, key } => Some(self.add_foreign_key(table, key)),
            Change::AddIndex { table, index } => self.add_index(table, index),
            Change::AddCheck { table, check } => Some(self.add_check(table, check)),
            Change::RemoveColumn { table, column } => Some(self.remove_column(table, column)),
            Change::RemoveTable { table } => Some(self.remove_table(table)),
        }
    }

    /// The changes as this database takes them. PostgreSQL can't refer to a table that is not there yet: a foreign
    /// key in a circle of new tables comes after them. SQLite keeps all checks of a table in one place, which is
    /// written when the columns are there.
    fn expanded(&self) -> Vec<Change> {
        match self.dialect {
            Dialect::Postgres => self.linked_later(),
            Dialect::Sqlite => {
                let is_check = |change: &Change| {
                    matches!(
                        change,
                        Change::RenameCheck { .. } | Change::RemoveCheck { .. } | Change::AddCheck { .. }
                    )
                };
                let (checks, mut rest): (Vec<_>, Vec<_>) =
                    self.diff.changes.iter().cloned().partition(is_check);
                let data = |change: &Change| {
                    matches!(change, Change::RemoveColumn { .. } | Change::RemoveTable { .. })
                };
                let end = rest.iter().position(data).unwrap_or(rest.len());
                rest.splice(end..end, self.moved_checks().chain(checks));
                rest
            }
        }
    }

    /// SQLite's triggers of a table that gets another name are made anew, even where no check differs.
    fn moved_checks(&self) -> impl Iterator<Item = Change> {
        self.new.tables.iter().filter_map(|table| {
            let former = self.diff.former.get(&table.name)?;
            let check = table.checks.first()?;
            let moved = former.table != table.name;
            moved.then(|| Change::AddCheck { table: table.clone(), check: check.clone() })
        })
    }

    fn linked_later(&self) -> Vec<Change> {
        let mut known: BTreeSet<&str> = self.diff.former.keys().map(String::as_str).collect();
        let (mut found, mut later) = (Vec::new(), Vec::new());
        for change in &self.diff.changes {
            let Change::AddTable { table } = change else {
                found.extend(after_table(change).then(|| std::mem::take(&mut later)).into_iter().flatten());
                found.push(change.clone());
                continue;
            };
            known.insert(&table.name);
            let (now, then): (Vec<_>, Vec<_>) =
                table.foreign_keys.iter().cloned().partition(|key| known.contains(key.target.as_str()));
            let table = Table { foreign_keys: now, ..table.clone() };
            later.extend(then.into_iter().map(|key| Change::AddForeignKey { table: table.clone(), key }));
            found.push(Change::AddTable { table });
        }
        found.extend(later);
        found
    }

    fn extension(&self) -> Option<Step> {
        let has = |shape: &Shape| {
            shape.tables.iter().any(|table| table.indexes.iter().any(|index| index.using == Using::Trigram))
        };
        let needed = self.dialect == Dialect::Postgres && has(self.new) && !has(self.old);
        needed.then(|| {
            Step::new(Action::Add, "pg_trgm", "install the extension pg_trgm, which TRIGRAM indexes need")
                .run(["CREATE EXTENSION IF NOT EXISTS pg_trgm".to_owned()])
                .demand(Demand::Trigram)
        })
    }

    fn add_table(&self, table: &Table) -> Step {
        let statements = match self.dialect {
            Dialect::Postgres => ddl::postgres::create_table(table),
            Dialect::Sqlite => ddl::sqlite::create_table(table),
        };
        let step = Step::new(Action::Add, table.origin(), format!("create table {}", describe::table(table)));
        let step = step.run(statements);
        // A table of this name that we know of gets another name first.
        if self.old.table(&table.name).is_some() {
            return step;
        }
        step.demand(Demand::Absent { table: table.name.clone(), column: None })
    }
}

/// Whether a change belongs after the new tables.
fn after_table(change: &Change) -> bool {
    !matches!(
        change,
        Change::RenameTable { .. }
            | Change::RenameColumn { .. }
            | Change::RenameForeignKey { .. }
            | Change::RenameIndex { .. }
            | Change::RenameCheck { .. }
            | Change::RemoveForeignKey { .. }
            | Change::RemoveIndex { .. }
            | Change::RemoveCheck { .. }
    )
}
