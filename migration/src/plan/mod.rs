//! [Change] -> Plan: the steps in the order they can be done in.

use std::collections::{BTreeMap, BTreeSet};

use entity::catalog::{Using, Version};
use serde::Serialize;

use crate::change::Change;
use crate::consent::Allow;
use crate::ddl;
use crate::dialect::Dialect;
use crate::diff::{self, Diff};
use crate::drift::Drift;
use crate::reserved::is_temporary;
use crate::shape::{ForeignKey, Shape, Table};
use crate::step::{Action, Demand, Run, Step};
use crate::verdict::{Mode, Verdict};

mod alter;
mod beside;
mod constraint;
mod convert;
mod describe;
mod rebuild;
mod remove;
mod shadow;

/// What apply would do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Plan {
    /// For which database.
    pub dialect: Dialect,
    /// The model version in force, none for a fresh database.
    pub from: Option<Version>,
    /// The model version asked for.
    pub to: Option<Version>,
    /// What was changed by hand since the last application.
    pub drift: Vec<Drift>,
    /// What is done, in order.
    pub steps: Vec<Step>,
}

impl Plan {
    /// The plan that does nothing.
    #[must_use]
    pub fn nothing(dialect: Dialect) -> Self {
        Self { dialect, from: None, to: None, drift: Vec::new(), steps: Vec::new() }
    }

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

    /// The worst of the steps; none when there is nothing to do.
    #[must_use]
    pub fn verdict(&self) -> Option<Verdict> {
        self.steps.iter().map(|step| step.verdict).max()
    }

    /// Whether a table is written anew or goes, so that references have to be looked through (SQLite).
    pub(crate) fn moves_rows(&self) -> bool {
        let moves = |change: &Change| matches!(change, Change::Rebuild { .. } | Change::RemoveTable { .. });
        self.steps.iter().flat_map(|step| &step.effects).any(moves)
    }

    /// Whether nobody can be in the way of any step: all of it is done in one transaction.
    pub(crate) fn is_together(&self) -> bool {
        self.dialect == Dialect::Sqlite || self.steps.iter().all(|step| step.run == Run::Together)
    }
}

/// Compares two shapes. No database is asked: what depends on its rows is in [`Step::requires`].
#[must_use]
pub fn plan(old: &Shape, new: &Shape, dialect: Dialect, allow: &Allow) -> Plan {
    scaled(old, new, dialect, allow, &Scale::Unknown)
}

/// The same for tables of which is known how large they are.
pub(crate) fn scaled(old: &Shape, new: &Shape, dialect: Dialect, allow: &Allow, scale: &Scale) -> Plan {
    let mut old = old.clone();
    let left = leftovers(&mut old);
    let old = &old;
    let diff = diff::diff(old, new);
    let mut planner = Planner { dialect, old, new, diff: &diff, allow, scale, anew: BTreeMap::new() };
    let changes = planner.expanded();
    planner.anew = planner.rebuilt(&changes);
    let mut steps: Vec<Step> = planner.extension().into_iter().collect();
    let mut seen = Seen::default();
    for change in &changes {
        steps.extend(planner.steps(change, &mut seen));
    }
    if old.tables.is_empty() {
        steps.iter_mut().for_each(|step| step.run = Run::Together);
    }
    steps.sort_by_key(|step| step.phase);
    steps.splice(0..0, left);
    Plan { steps, ..Plan::nothing(dialect) }
}

/// Which tables are so large that others must not wait until all their rows are written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Scale {
    /// Nobody was asked: each may be.
    Unknown,
    /// These are, each with the text that makes it (SQLite).
    Large(BTreeMap<String, String>),
}

impl Scale {
    fn is_large(&self, table: &str) -> bool {
        match self {
            Scale::Unknown => true,
            Scale::Large(_) => self.text(table).is_some(),
        }
    }

    /// The text that makes a table that is known to be large; empty on PostgreSQL.
    fn text(&self, table: &str) -> Option<&str> {
        match self {
            Scale::Unknown => None,
            Scale::Large(tables) => tables.get(table).map(String::as_str),
        }
    }
}

/// Clears away what an application that was interrupted made for a while: what still needs it makes it again.
fn leftovers(old: &mut Shape) -> Option<Step> {
    let mut step = Step::new(Action::Remove, "leftovers", "clear away what an interrupted application left");
    for table in &old.tables {
        let indexes = table.indexes.iter().filter(|index| is_temporary(&index.name));
        step = indexes.fold(step, |step, index| {
            step.run([ddl::drop_index(&index.name)])
                .makes(Change::RemoveIndex { table: table.clone(), index: index.clone() })
        });
        let checks = table.checks.iter().filter(|check| is_temporary(&check.name));
        step = checks.fold(step, |step, check| {
            step.run([ddl::postgres::drop_constraint(&table.name, &check.name)])
                .makes(Change::RemoveCheck { table: table.clone(), check: check.clone() })
        });
        let columns = table.columns.iter().filter(|column| is_temporary(&column.name));
        step = columns.fold(step, |step, column| {
            step.run(shadow::clear(&table.name, &column.name))
                .makes(Change::RemoveColumn { table: table.clone(), column: column.clone() })
        });
    }
    let locked: BTreeSet<&str> = step.effects.iter().filter_map(Change::table).collect();
    let locked: Vec<String> = locked.into_iter().map(str::to_owned).collect();
    step = locked.iter().fold(step, |step, table| step.lock(table, Mode::AccessExclusive));
    step.effects.iter().for_each(|effect| old.fold(effect));
    (!step.effects.is_empty()).then_some(step)
}

/// What every step needs to know.
#[derive(Debug, Clone)]
pub(crate) struct Planner<'a> {
    pub(crate) dialect: Dialect,
    pub(crate) old: &'a Shape,
    pub(crate) new: &'a Shape,
    pub(crate) diff: &'a Diff,
    pub(crate) allow: &'a Allow,
    pub(crate) scale: &'a Scale,
    /// The tables that SQLite has to write anew, and why.
    pub(crate) anew: BTreeMap<String, BTreeSet<String>>,
}

/// Tables of which SQLite has dealt with all that it keeps in one place.
#[derive(Debug, Default)]
struct Seen {
    /// Their checks.
    checks: BTreeSet<String>,
    /// The whole of them.
    whole: BTreeSet<String>,
}

impl Planner<'_> {
    /// The steps of a change, where the database has something to do.
    fn steps(&self, change: &Change, seen: &mut Seen) -> Vec<Step> {
        if let Some(table) = self.within_rebuild(change) {
            return if seen.whole.insert(table.name.clone()) {
                vec![self.rebuild(table)]
            } else {
                Vec::new()
            };
        }
        if self.dialect == Dialect::Sqlite
            && let Change::RenameCheck { table, .. }
            | Change::RemoveCheck { table, .. }
            | Change::AddCheck { table, .. } = change
        {
            // At the place of the first of them; the columns they speak of may come later, see `expanded`.
            return if seen.checks.insert(table.name.clone()) { self.triggers(table) } else { Vec::new() };
        }
        let one = |step: Step| vec![step.makes(change.clone())];
        match change {
            Change::RenameTable { from, to, cyclic } => one(self.rename_table(from, to, *cyclic)),
            Change::RenameColumn { table, from, to, cyclic } => {
                one(self.rename_column(table, from, to, *cyclic))
            }
            Change::RenameForeignKey { table, from, to } => {
                self.rename_foreign_key(table, from, to).map(one).unwrap_or_default()
            }
            Change::RenameIndex { table, from, index } => {
                self.rename_index(table, from, index).map(one).unwrap_or_default()
            }
            Change::RenameCheck { table, from, check } => one(self.rename_check(table, from, check)),
            Change::RemoveForeignKey { table, key } => self.remove_foreign_key(table, key),
            Change::RemoveIndex { table, index } => self.remove_index(table, index),
            Change::RemoveCheck { table, check } => self.remove_check(table, check),
            Change::AddTable { table } => one(self.add_table(table)),
            Change::AddColumn { table, column, key } => self.add_column(table, column, key.as_ref()),
            Change::AlterColumn { table, from, to } => self.alter_column(table, from, to),
            Change::AlterKey { table } => self.alter_key(table),
            Change::AddForeignKey { table, key } => self.add_foreign_key(table, key),
            Change::AddIndex { table, index } => self.add_index(table, index),
            Change::AddCheck { table, check } => self.add_check(table, check),
            Change::RemoveColumn { table, column } => self.remove_column(table, column),
            Change::RemoveTable { table } => self.remove_table(table),
            Change::ReviveColumn { table, column } => one(Self::revive(&table.origin_of(column))),
            Change::ReviveTable { table } => one(Self::revive(table.origin())),
            // Made by steps, not by comparing.
            Change::RetireColumn { .. } | Change::RetireTable { .. } | Change::Rebuild { .. } => Vec::new(),
        }
    }

    /// Whether a table was there before.
    pub(crate) fn is_new(&self, table: &str) -> bool {
        !self.diff.former.contains_key(table)
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
        let step = self.beside(step.run(statements), &table.foreign_keys);
        // A table of this name that we know of gets another name first.
        if self.old.table(&table.name).is_some() {
            return step;
        }
        step.demand(Demand::Absent { table: table.name.clone(), column: None })
    }

    /// A step on a new table: nobody is in the way unless it refers to a table that is in use.
    pub(super) fn beside(&self, mut step: Step, keys: &[ForeignKey]) -> Step {
        let targets: BTreeSet<&str> = keys.iter().map(|key| key.target.as_str()).collect();
        let used: Vec<&str> = targets.into_iter().filter(|target| !self.is_new(target)).collect();
        if used.is_empty() {
            step.run = Run::Together;
        }
        match self.dialect {
            Dialect::Postgres => {
                used.iter().fold(step, |step, target| step.lock(target, Mode::ShareRowExclusive))
            }
            Dialect::Sqlite => step,
        }
    }

    /// The model names again what it had left out.
    fn revive(origin: &str) -> Step {
        Step::new(Action::Add, origin, format!("take {origin} back, with the data that was kept"))
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
