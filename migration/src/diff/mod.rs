//! Shape × Shape -> [Change]: identity by origin and `@was`, never by guessing.

use std::collections::{BTreeMap, BTreeSet};

use crate::change::Change;
use crate::shape::{Column, FORMAT, Shape, Table};

mod compare;
mod rename;

/// What differs, and which old table each new one was.
#[derive(Debug)]
pub(crate) struct Diff {
    /// The changes: renames, removals of constraints, tables, columns, constraints, removals of data.
    pub(crate) changes: Vec<Change>,
    /// The old names of the tables that were there before, by new name.
    pub(crate) former: BTreeMap<String, Former>,
    /// The old shape in the new names of tables and columns.
    pub(crate) renamed: Shape,
}

/// A table as it is in the database before the plan runs.
#[derive(Debug, Clone, Default)]
pub(crate) struct Former {
    /// Its name.
    pub(crate) table: String,
    /// The names of its columns by their new names.
    pub(crate) columns: BTreeMap<String, String>,
}

/// Compares two shapes.
pub(crate) fn diff(old: &Shape, new: &Shape) -> Diff {
    let pairs = tables(&old.tables, &new.tables);
    let mut former = BTreeMap::new();
    for (now, before) in new.tables.iter().zip(&pairs) {
        let Some(before) = before else { continue };
        let names = columns(&before.columns, &now.columns)
            .into_iter()
            .zip(&now.columns)
            .filter_map(|(before, now)| Some((now.name.clone(), before?.name.clone())))
            .collect();
        former.insert(now.name.clone(), Former { table: before.name.clone(), columns: names });
    }
    // Whose name is given to another table has to leave before.
    let stays = |table: &Table| former.values().any(|former| former.table == table.name);
    let (first, old): (Vec<_>, Vec<_>) =
        old.tables.iter().cloned().partition(|table| !stays(table) && new.table(&table.name).is_some());
    let old = &Shape { format: FORMAT, tables: old };
    let mut changes: Vec<_> = first.into_iter().map(|table| Change::RemoveTable { table }).collect();
    changes.extend(rename::changes(old, new, &former));
    let renamed = rename::shape(old, &former);
    compare::changes(&renamed, new, &former, &mut changes);
    Diff { changes, former, renamed }
}

/// The old table of each new one: by `@was` where the new name is new, then by origin, then by name.
fn tables<'a>(old: &'a [Table], new: &[Table]) -> Vec<Option<&'a Table>> {
    let mut found: Vec<Option<&Table>> = vec![None; new.len()];
    let mut taken = BTreeSet::new();
    let known =
        |origins: &[String], table: &Table| table.origins.iter().any(|origin| origins.contains(origin));
    let mut pass = |fits: &dyn Fn(&Table, &Table) -> bool| {
        for (slot, now) in found.iter_mut().zip(new) {
            if slot.is_some() {
                continue;
            }
            let free =
                |table: &&Table| table.join == now.join && !taken.contains(&table.name) && fits(now, table);
            if let Some(table) = old.iter().find(free) {
                taken.insert(table.name.clone());
                *slot = Some(table);
            }
        }
    };
    pass(&|now, table| !old.iter().any(|other| known(&now.origins, other)) && known(&now.was, table));
    pass(&|now, table| known(&now.origins, table));
    pass(&|now, table| now.name == table.name && !new.iter().any(|other| known(&table.origins, other)));
    found
}

/// The old column of each new one, likewise.
fn columns<'a>(old: &'a [Column], new: &[Column]) -> Vec<Option<&'a Column>> {
    let mut found: Vec<Option<&Column>> = vec![None; new.len()];
    let mut taken = BTreeSet::new();
    let mut pass = |fits: &dyn Fn(&Column, &Column) -> bool| {
        for (slot, now) in found.iter_mut().zip(new) {
            if slot.is_some() {
                continue;
            }
            if let Some(column) = old.iter().find(|column| !taken.contains(&column.name) && fits(now, column))
            {
                taken.insert(column.name.clone());
                *slot = Some(column);
            }
        }
    };
    pass(&|now, column| {
        now.was.as_deref() == Some(column.field.as_str()) && !old.iter().any(|other| other.field == now.field)
    });
    pass(&|now, column| now.field == column.field);
    pass(&|now, column| now.name == column.name && !new.iter().any(|other| other.field == column.field));
    found
}
