//! What a change makes of a shape. After each step the shape is written down as the database has it by then: whatever
//! ends an application, the next one plans from there.

use crate::change::Change;
use crate::shape::{Check, Column, ForeignKey, Index, Shape, Table};

impl Shape {
    /// Does a change to the description.
    pub(crate) fn fold(&mut self, change: &Change) {
        match change {
            Change::RenameTable { from, to, .. } => self.rename_table(&from.name, to),
            Change::AddTable { table } => {
                self.tables.retain(|other| other.name != table.name);
                self.tables.push(table.clone());
            }
            Change::RemoveTable { table } => self.tables.retain(|other| other.name != table.name),
            Change::RetireTable { table } => self.with(&table.name, |it| it.retired = true),
            Change::ReviveTable { table } => self.with(&table.name, |it| it.retired = false),
            Change::RenameColumn { table, from, to, .. } => self.rename_column(&table.name, from, to),
            Change::RenameForeignKey { table, from, to } => self.with(&table.name, |it| {
                it.foreign_keys
                    .iter_mut()
                    .filter(|key| key.name == *from)
                    .for_each(|key| key.name.clone_from(to));
            }),
            Change::RenameIndex { table, from, index } => self.with(&table.name, |it| {
                it.indexes.retain(|other| other.name != *from);
                it.put_index(index);
            }),
            Change::RenameCheck { table, from, check } => self.with(&table.name, |it| {
                it.checks.retain(|other| other.name != *from);
                it.put_check(check);
            }),
            Change::RemoveForeignKey { table, key } => {
                self.with(&table.name, |it| it.foreign_keys.retain(|other| other.name != key.name));
            }
            Change::RemoveIndex { table, index } => {
                self.with(&table.name, |it| it.indexes.retain(|other| other.name != index.name));
            }
            Change::RemoveCheck { table, check } => {
                self.with(&table.name, |it| it.checks.retain(|other| other.name != check.name));
            }
            Change::AddColumn { table, column, key } => self.with(&table.name, |it| {
                it.put_column(column);
                key.iter().for_each(|key| it.put_key(key));
            }),
            Change::AlterColumn { table, to: column, .. } => {
                self.with(&table.name, |it| it.put_column(column));
            }
            Change::RetireColumn { table, column } => {
                self.with(&table.name, |it| it.put_column(&Column { retired: true, ..column.clone() }));
            }
            Change::ReviveColumn { table, column } => {
                self.with(&table.name, |it| it.put_column(&Column { retired: false, ..column.clone() }));
            }
            Change::AddForeignKey { table, key } => self.with(&table.name, |it| it.put_key(key)),
            Change::AddIndex { table, index } => self.with(&table.name, |it| it.put_index(index)),
            Change::AddCheck { table, check } => self.with(&table.name, |it| it.put_check(check)),
            Change::RemoveColumn { table, column } => {
                self.with(&table.name, |it| {
                    it.columns.retain(|other| other.name != column.name);
                    it.foreign_keys.retain(|key| key.column != column.name);
                    it.indexes.retain(|index| !index.names().contains(&column.name));
                    it.checks.retain(|check| !check.names().contains(&column.name));
                });
            }
            Change::Rebuild { table } => {
                let (name, now) = (table.name.clone(), table.clone());
                self.with(&name, |it| *it = now);
            }
            Change::AlterKey { table } => {
                self.with(&table.name, |it| it.primary_key.clone_from(&table.primary_key));
            }
        }
    }

    /// The description that is kept of a database with the shape of a model: with what the model left out and the
    /// database still has.
    #[must_use]
    pub(crate) fn carrying(&self, before: &Shape) -> Shape {
        let mut shape = self.clone();
        for old in &before.tables {
            if old.retired {
                shape.tables.retain(|table| table.name != old.name);
                shape.tables.push(old.clone());
                continue;
            }
            let Some(table) = shape.tables.iter_mut().find(|table| table.name == old.name) else { continue };
            for column in old.columns.iter().filter(|column| column.retired) {
                if table.column(&column.name).is_some() {
                    continue;
                }
                table.columns.push(column.clone());
                let keys = old.foreign_keys.iter().filter(|key| key.column == column.name);
                table.foreign_keys.extend(keys.cloned());
            }
        }
        shape
    }

    fn with(&mut self, name: &str, change: impl FnOnce(&mut Table)) {
        if let Some(table) = self.tables.iter_mut().find(|table| table.name == name) {
            change(table);
        }
    }

    fn rename_table(&mut self, from: &str, to: &Table) {
        for key in self.tables.iter_mut().flat_map(|table| &mut table.foreign_keys) {
            if key.target == from {
                key.target.clone_from(&to.name);
            }
        }
        self.with(from, |table| {
            table.name.clone_from(&to.name);
            table.origins.clone_from(&to.origins);
        });
    }

    fn rename_column(&mut self, table: &str, from: &str, to: &Column) {
        for key in self.tables.iter_mut().flat_map(|table| &mut table.foreign_keys) {
            if key.target == table && key.target_column == from {
                key.target_column.clone_from(&to.name);
            }
        }
        self.with(table, |table| {
            table.rename_column(from, &to.name);
            if let Some(column) = table.columns.iter_mut().find(|column| column.name == to.name) {
                column.field.clone_from(&to.field);
            }
        });
    }
}

impl Table {
    /// Gives a column another name, wherever the table speaks of it.
    pub(crate) fn rename_column(&mut self, from: &str, to: &str) {
        let rename = |name: &mut String| {
            if name == from {
                to.clone_into(name);
            }
        };
        self.columns.iter_mut().for_each(|column| rename(&mut column.name));
        self.primary_key.iter_mut().for_each(rename);
        self.foreign_keys.iter_mut().for_each(|key| rename(&mut key.column));
        for index in &mut self.indexes {
            index.columns.iter_mut().for_each(|(name, _)| rename(name));
            if let Some(condition) = &mut index.condition {
                condition.each_column(&mut { rename });
            }
        }
        self.checks.iter_mut().for_each(|check| check.condition.each_column(&mut { rename }));
    }

    fn put_column(&mut self, column: &Column) {
        match self.columns.iter_mut().find(|other| other.name == column.name) {
            Some(other) => *other = column.clone(),
            None => self.columns.push(column.clone()),
        }
    }

    fn put_key(&mut self, key: &ForeignKey) {
        self.foreign_keys.retain(|other| other.name != key.name);
        self.foreign_keys.push(key.clone());
    }

    fn put_index(&mut self, index: &Index) {
        self.indexes.retain(|other| other.name != index.name);
        self.indexes.push(index.clone());
    }

    fn put_check(&mut self, check: &Check) {
        self.checks.retain(|other| other.name != check.name);
        self.checks.push(check.clone());
    }
}
