//! What SQLite can't change in place: the table is written anew, once for all reasons
//! (<https://www.sqlite.org/lang_altertable.html#otheralter>).

use std::collections::{BTreeMap, BTreeSet};

use super::{Planner, describe};
use crate::change::Change;
use crate::ddl::literal::{constant, ident};
use crate::ddl::sqlite;
use crate::dialect::Dialect;
use crate::shape::{Column, ColumnType, Table};
use crate::step::{Action, Step};
use crate::verdict::{Mode, Phase, Verdict};

impl Planner<'_> {
    /// The tables that have to be written anew, and why.
    pub(super) fn rebuilt(&self, changes: &[Change]) -> BTreeMap<String, BTreeSet<String>> {
        let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        if self.dialect == Dialect::Postgres {
            return found;
        }
        for change in changes {
            if let Some((table, reason)) = self.beyond(change) {
                found.entry(table).or_default().insert(reason);
            }
        }
        found
    }

    /// Why SQLite can't do a change in place: the table, and the reason.
    fn beyond(&self, change: &Change) -> Option<(String, String)> {
        let (table, reason) = match change {
            Change::AddColumn { table, column, key: Some(_) } if column.default.is_some() => {
                (table, format!("{} refers to a row from the start", table.origin_of(column)))
            }
            Change::AlterColumn { table, from, to } => {
                let origin = table.origin_of(to);
                let written = self.conversion(table, from, to, "").is_some()
                    && !matches!((&from.ty, &to.ty), (ColumnType::Int, ColumnType::BigInt));
                match (from.required, to.required) {
                    _ if written => (table, format!("{origin} has another type")),
                    _ if self.in_text(table, from, to).is_some() => return None,
                    (false, true) => (table, format!("{origin} is required")),
                    (true, false) => (table, format!("{origin} is optional")),
                    (true, true) | (false, false) => return None,
                }
            }
            Change::AlterKey { table } if self.is_reordered(table) => {
                (table, "its key has another order".to_owned())
            }
            Change::AddForeignKey { table, key } | Change::RemoveForeignKey { table, key }
                if !self.is_new(&table.name) =>
            {
                (table, format!("its reference to {} is another", ident(&key.target)))
            }
            Change::RemoveColumn { table, column } => {
                let origin = table.origin_of(column);
                let kept = Self::hidden(column);
                if self.allow.drops(&origin) {
                    (table, format!("{origin} is dropped"))
                } else if !column.retired && self.allow.hides(&origin) && kept.required != column.required {
                    (table, format!("{origin}, which is hidden, is optional"))
                } else {
                    return None;
                }
            }
            _ => return None,
        };
        Some((table.name.clone(), reason))
    }

    /// The table of a change that is part of a table written anew.
    pub(super) fn within_rebuild<'a>(&self, change: &'a Change) -> Option<&'a Table> {
        let table = match change {
            Change::AlterKey { table } if self.is_reordered(table) => table,
            Change::AddColumn { table, .. }
            | Change::AddForeignKey { table, .. }
            | Change::RemoveForeignKey { table, .. }
            | Change::RenameForeignKey { table, .. }
            | Change::AddIndex { table, .. }
            | Change::RemoveIndex { table, .. }
            | Change::RenameIndex { table, .. }
            | Change::AddCheck { table, .. }
            | Change::RemoveCheck { table, .. }
            | Change::RenameCheck { table, .. } => table,
            Change::AlterColumn { table, .. } => table,
            Change::RemoveColumn { table, column } => {
                let origin = table.origin_of(column);
                (self.allow.drops(&origin) || (self.allow.hides(&origin) && !column.retired))
                    .then_some(table)?
            }
            _ => return None,
        };
        self.anew.contains_key(&table.name).then_some(table)
    }

    /// The step that writes a table anew, with all that the rows have to hold for it.
    pub(super) fn rebuild(&self, table: &Table) -> Step {
        let reasons: Vec<_> = self.anew.get(&table.name).into_iter().flatten().cloned().collect();
        let description = format!("write table {} anew: {}", describe::table(table), reasons.join("; "));
        let kept = self.with_hidden(table);
        let step = Step::new(Action::Change, table.origin(), description)
            .on(Phase::Backfill)
            .run(sqlite::drop_checks(&table.name))
            .run(sqlite::rebuild(&kept, &self.copied(table, &kept)))
            .long(Verdict::Backfill, &table.name, self.former(table), Mode::File);
        let step = self.named(step, table).makes(Change::Rebuild { table: kept });
        let changes = self
            .diff
            .changes
            .iter()
            .filter(|change| self.within_rebuild(change).is_some_and(|other| other.name == table.name));
        changes.fold(step, |step, change| self.held(step, table, change))
    }

    /// What has another name, or none, when SQLite has dealt with all of a table in one step.
    pub(super) fn named(&self, step: Step, table: &Table) -> Step {
        let of = |other: &Table| other.name == table.name;
        let named = self.diff.changes.iter().filter(|change| match change {
            Change::RenameIndex { table, .. } => of(table) && self.anew.contains_key(&table.name),
            Change::RenameCheck { table, .. } => of(table),
            Change::RemoveColumn { table, column } => {
                of(table)
                    && self.within_rebuild(change).is_some()
                    && self.allow.drops(&table.origin_of(column))
            }
            _ => false,
        });
        named.fold(step, |step, change| step.makes(change.clone()))
    }

    /// What the rows have to hold for one change.
    fn held(&self, step: Step, table: &Table, change: &Change) -> Step {
        match change {
            Change::AddColumn { column, key, .. } => self.filled(step, table, column, key.as_ref()),
            Change::AlterColumn { from, to, .. } => {
                let parts = self.alter_type(table, from, to).into_iter();
                let step = parts.fold(step, joined);
                let empty = !from.required && to.required && to.default.is_none();
                if empty { self.valued(step, table, to) } else { step }
            }
            Change::AddForeignKey { key, .. } => self.linked(step, table, key),
            Change::AddIndex { index, .. } => self.apart(step, table, index),
            Change::AddCheck { check, .. } => self.hold(step, table, check),
            Change::RemoveColumn { column, .. } => {
                let removal = self.remove_column(table, column);
                removal.into_iter().fold(step, joined)
            }
            _ => step,
        }
    }

    /// The table with the columns that the model left out and that stay.
    fn with_hidden(&self, table: &Table) -> Table {
        let mut kept = table.clone();
        let Some(old) = self.old.table(self.former(table)) else { return kept };
        let known: BTreeSet<&String> = self
            .diff
            .former
            .get(&table.name)
            .into_iter()
            .flat_map(|former| former.columns.values())
            .collect();
        for column in old.columns.iter().filter(|column| !known.contains(&column.name)) {
            if self.allow.drops(&table.origin_of(column)) {
                continue;
            }
            kept.columns.push(Self::hidden(column));
            kept.foreign_keys
                .extend(old.foreign_keys.iter().filter(|key| key.column == column.name).cloned());
        }
        kept
    }

    /// Each column and its value, by the table as it is after all renames.
    fn copied(&self, table: &Table, kept: &Table) -> Vec<(String, String)> {
        let written = self.values(table, |_, to| ident(&to.name));
        let old = self.old.table(self.former(table));
        let former = self.diff.former.get(&table.name);
        let before = |column: &Column| {
            let name = former.and_then(|former| former.columns.get(&column.name)).unwrap_or(&column.name);
            old.and_then(|old| old.column(name))
        };
        let value = |column: &Column| {
            let name = || format!("t.{}", ident(&column.name));
            let default = column.default.as_ref().map(|value| constant(self.dialect, value));
            match (before(column), written.get(&column.name), default) {
                (None, _, default) => default.unwrap_or_else(|| "NULL".to_owned()),
                (Some(before), written, Some(default)) if column.required && !before.required => {
                    format!("coalesce({}, {default})", written.cloned().unwrap_or_else(name))
                }
                (Some(_), Some(written), _) => written.clone(),
                (Some(_), None, _) => name(),
            }
        };
        kept.columns.iter().map(|column| (column.name.clone(), value(column))).collect()
    }
}

/// A step with what another one of the same table has to hold for it.
fn joined(mut step: Step, part: Step) -> Step {
    step.verdict = step.verdict.max(part.verdict);
    step.refusal = step.refusal.or(part.refusal);
    step.requires.extend(part.requires);
    step.demands.extend(part.demands);
    step
}
