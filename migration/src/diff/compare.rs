//! What differs between two shapes in which equal things have equal names.

use std::collections::{BTreeMap, BTreeSet};

use super::Former;
use crate::change::Change;
use crate::shape::{Check, Column, ColumnType, ForeignKey, Form, Index, Shape, Table};

/// Changes by the phase they belong to: constraints leave, tables and columns come, constraints come, data leaves.
#[derive(Default)]
struct Phases {
    loosen: Vec<Change>,
    table: Vec<Change>,
    column: Vec<Change>,
    tighten: Vec<Change>,
    remove: Vec<Change>,
}

pub(super) fn changes(old: &Shape, new: &Shape, former: &BTreeMap<String, Former>, out: &mut Vec<Change>) {
    let mut phases = Phases::default();
    for table in by_dependency(new, former) {
        phases.table.push(Change::AddTable { table: table.clone() });
    }
    for table in new.tables.iter().filter(|table| former.contains_key(&table.name)) {
        if let Some(before) = old.tables.iter().find(|before| before.name == table.name) {
            if before.retired {
                phases.table.push(Change::ReviveTable { table: table.clone() });
            }
            compare(before, table, &mut phases);
        }
    }
    let kept: BTreeSet<&str> = former.keys().map(String::as_str).collect();
    for table in old.tables.iter().filter(|table| !kept.contains(table.name.as_str())) {
        phases.remove.push(Change::RemoveTable { table: table.clone() });
    }
    // A name must be free before it is given to something else.
    phases.loosen.sort_by_key(|change| {
        !matches!(
            change,
            Change::RemoveForeignKey { .. } | Change::RemoveIndex { .. } | Change::RemoveCheck { .. }
        )
    });
    out.extend(phases.loosen);
    out.extend(phases.table);
    out.extend(phases.column);
    out.extend(phases.tighten);
    out.extend(phases.remove);
}

/// The new tables, each after those it refers to as far as that is possible.
fn by_dependency<'a>(new: &'a Shape, former: &BTreeMap<String, Former>) -> Vec<&'a Table> {
    let mut open: Vec<&Table> = new.tables.iter().filter(|table| !former.contains_key(&table.name)).collect();
    let mut done = Vec::with_capacity(open.len());
    while !open.is_empty() {
        let names: BTreeSet<&str> = open.iter().map(|table| table.name.as_str()).collect();
        let ready = |table: &&Table| {
            table
                .foreign_keys
                .iter()
                .all(|key| key.target == table.name || !names.contains(key.target.as_str()))
        };
        // In a circle somebody has to be first.
        let (now, later): (Vec<_>, Vec<_>) = open.iter().partition(|table| ready(table));
        if now.is_empty() {
            done.push(open.remove(0));
        } else {
            done.extend(now);
            open = later;
        }
    }
    done
}

fn compare(old: &Table, new: &Table, phases: &mut Phases) {
    if old.primary_key != new.primary_key {
        phases.column.push(Change::AlterKey { table: new.clone() });
    }
    columns(old, new, phases);
    foreign_keys(old, new, phases);
    indexes(old, new, phases);
    checks(old, new, phases);
}

fn columns(old: &Table, new: &Table, phases: &mut Phases) {
    for column in &new.columns {
        match old.column(&column.name) {
            None => phases.column.push(Change::AddColumn {
                table: new.clone(),
                column: column.clone(),
                key: new.foreign_keys.iter().find(|key| key.column == column.name).cloned(),
            }),
            Some(before) => {
                if before.retired {
                    let (table, column) = (new.clone(), before.clone());
                    phases.column.push(Change::ReviveColumn { table, column });
                }
                if differs(before, column) {
                    let (from, to) = (before.clone(), column.clone());
                    phases.column.push(Change::AlterColumn { table: new.clone(), from, to });
                }
            }
        }
    }
    for column in old.columns.iter().filter(|column| new.column(&column.name).is_none()) {
        phases.remove.push(Change::RemoveColumn { table: new.clone(), column: column.clone() });
    }
}

/// Whether the database or the stored values must change; a form that takes all former values is no difference.
fn differs(old: &Column, new: &Column) -> bool {
    let ty = match (&old.ty, &new.ty) {
        (ColumnType::Json(old), ColumnType::Json(new)) => Form::refuses(new, old).is_some(),
        (old, new) => old != new,
    };
    ty || old.required != new.required || old.default != new.default
}

fn foreign_keys(old: &Table, new: &Table, phases: &mut Phases) {
    for key in &old.foreign_keys {
        let now = new.foreign_keys.iter().find(|other| other.column == key.column);
        match now {
            Some(now) if now.target == key.target && now.on_delete == key.on_delete && key.ready => {
                if now.name != key.name {
                    let (from, to) = (key.name.clone(), now.name.clone());
                    phases.loosen.push(Change::RenameForeignKey { table: new.clone(), from, to });
                }
            }
            // With its column gone, the column is what is said to be gone.
            None if new.column(&key.column).is_none() => {}
            Some(_) | None => {
                phases.loosen.push(Change::RemoveForeignKey { table: new.clone(), key: key.clone() });
            }
        }
    }
    for key in new.foreign_keys.iter().filter(|key| old.column(&key.column).is_some()) {
        let same = |other: &ForeignKey| {
            (&other.column, &other.target, other.on_delete, other.ready)
                == (&key.column, &key.target, key.on_delete, true)
        };
        if !old.foreign_keys.iter().any(same) {
            phases.tighten.push(Change::AddForeignKey { table: new.clone(), key: key.clone() });
        }
    }
}

fn indexes(old: &Table, new: &Table, phases: &mut Phases) {
    let same = |a: &Index, b: &Index| {
        (a.unique, &a.columns, &a.condition, a.using, a.ready)
            == (b.unique, &b.columns, &b.condition, b.using, b.ready)
    };
    let missing: Vec<_> = new.indexes.iter().filter(|index| !old.indexes.contains(index)).collect();
    let mut renamed = BTreeSet::new();
    for index in old.indexes.iter().filter(|index| !new.indexes.contains(index)) {
        match missing.iter().find(|now| !renamed.contains(&now.name) && same(index, now)) {
            Some(now) => {
                renamed.insert(now.name.clone());
                let (from, index) = (index.name.clone(), (*now).clone());
                phases.loosen.push(Change::RenameIndex { table: new.clone(), from, index });
            }
            None => {
                let free = new.indexes.iter().all(|now| now.name != index.name) && index.ready;
                let phase = if free { &mut phases.remove } else { &mut phases.loosen };
                phase.push(Change::RemoveIndex { table: new.clone(), index: index.clone() });
            }
        }
    }
    for index in missing.into_iter().filter(|index| !renamed.contains(&index.name)) {
        phases.tighten.push(Change::AddIndex { table: new.clone(), index: index.clone() });
    }
}

fn checks(old: &Table, new: &Table, phases: &mut Phases) {
    let same = |a: &Check, b: &Check| (&a.name, &a.condition, a.ready) == (&b.name, &b.condition, b.ready);
    let missing: Vec<_> =
        new.checks.iter().filter(|check| !old.checks.iter().any(|other| same(check, other))).collect();
    let mut renamed = BTreeSet::new();
    for check in old.checks.iter().filter(|check| !new.checks.iter().any(|other| same(check, other))) {
        let now = missing
            .iter()
            .find(|now| check.ready && !renamed.contains(&now.name) && now.condition == check.condition);
        match now {
            Some(now) => {
                renamed.insert(now.name.clone());
                let (from, check) = (check.name.clone(), (*now).clone());
                phases.loosen.push(Change::RenameCheck { table: new.clone(), from, check });
            }
            None => phases.loosen.push(Change::RemoveCheck { table: new.clone(), check: check.clone() }),
        }
    }
    for check in missing.into_iter().filter(|check| !renamed.contains(&check.name)) {
        phases.tighten.push(Change::AddCheck { table: new.clone(), check: check.clone() });
    }
}
