//! Renames: the changes, and the old shape as it is after them.

use std::collections::BTreeMap;

use super::Former;
use crate::change::Change;
use crate::shape::{Shape, Table};

type FormerTables = BTreeMap<String, Former>;

/// The renames of tables, then of columns, each in an order that never needs a name twice.
pub(super) fn changes(old: &Shape, new: &Shape, former: &FormerTables) -> Vec<Change> {
    let moves = former.iter().map(|(to, before)| (before.table.clone(), to.clone()));
    let mut found: Vec<_> = ordered(moves)
        .into_iter()
        .filter_map(|(from, to, cyclic)| {
            Some(Change::RenameTable { from: old.table(&from)?.clone(), to: new.table(&to)?.clone(), cyclic })
        })
        .collect();
    for table in &new.tables {
        let Some(before) = former.get(&table.name) else { continue };
        let moves = before.columns.iter().map(|(to, from)| (from.clone(), to.clone()));
        found.extend(ordered(moves).into_iter().filter_map(|(from, to, cyclic)| {
            Some(Change::RenameColumn { table: table.clone(), from, to: table.column(&to)?.clone(), cyclic })
        }));
    }
    found
}

/// Those that change a name, so ordered that a name is free when it is given; what is left over goes in a circle.
fn ordered(moves: impl Iterator<Item = (String, String)>) -> Vec<(String, String, bool)> {
    let mut open: Vec<_> = moves.filter(|(from, to)| from != to).collect();
    let mut done = Vec::new();
    while let Some(index) = open.iter().position(|(_, to)| !open.iter().any(|(from, _)| from == to)) {
        let (from, to) = open.remove(index);
        done.push((from, to, false));
    }
    done.extend(open.into_iter().map(|(from, to)| (from, to, true)));
    done
}

/// The old shape in the new names of tables and columns; names of constraints stay.
pub(super) fn shape(old: &Shape, former: &FormerTables) -> Shape {
    let tables: BTreeMap<&str, (&str, BTreeMap<&str, &str>)> = former
        .iter()
        .map(|(to, before)| {
            let columns = before.columns.iter().map(|(to, from)| (from.as_str(), to.as_str())).collect();
            (before.table.as_str(), (to.as_str(), columns))
        })
        .collect();
    let mut renamed = old.clone();
    for table in &mut renamed.tables {
        let target =
            |name: &String| tables.get(name.as_str()).map_or(name.clone(), |(to, _)| (*to).to_owned());
        for key in &mut table.foreign_keys {
            key.target = target(&key.target);
        }
        if let Some((name, columns)) = tables.get(table.name.as_str()) {
            (*name).clone_into(&mut table.name);
            rename_columns(table, columns);
        }
    }
    renamed
}

fn rename_columns(table: &mut Table, names: &BTreeMap<&str, &str>) {
    let mut rename = |name: &mut String| {
        if let Some(to) = names.get(name.as_str()) {
            (*to).clone_into(name);
        }
    };
    table.columns.iter_mut().for_each(|column| rename(&mut column.name));
    table.primary_key.iter_mut().for_each(&mut rename);
    table.foreign_keys.iter_mut().for_each(|key| rename(&mut key.column));
    for index in &mut table.indexes {
        index.columns.iter_mut().for_each(|(name, _)| rename(name));
        if let Some(condition) = &mut index.condition {
            condition.each_column(&mut rename);
        }
    }
    table.checks.iter_mut().for_each(|check| check.condition.each_column(&mut rename));
}
