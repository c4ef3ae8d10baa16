//! Steps on foreign keys, indexes and checks.

use super::convert::{has_former, renamed_value};
use super::{Planner, describe};
use crate::change::Change;
use crate::ddl::literal::ident;
use crate::ddl::{create_index, drop_index, postgres, sqlite};
use crate::dialect::Dialect;
use crate::reserved::TEMPORARY;
use crate::shape::{Check, Column, Condition, ForeignKey, Index, Table};
use crate::step::{Action, Step};
use crate::verdict::{Mode, Phase, Verdict};

impl Planner<'_> {
    /// SQLite does not name foreign keys anywhere but in the table's text, which nobody asks.
    pub(super) fn rename_foreign_key(&self, table: &Table, from: &str, to: &str) -> Option<Step> {
        let description =
            format!("rename foreign key {} of {} to {}", ident(from), table.origin(), ident(to));
        (self.dialect == Dialect::Postgres).then(|| {
            let step = Step::new(Action::Change, table.origin(), description);
            self.quick(step.run([postgres::rename_constraint(&table.name, from, to)]), table)
        })
    }

    pub(super) fn rename_index(&self, table: &Table, from: &str, index: &Index) -> Option<Step> {
        let made = create_index(self.dialect, &table.name, index)?;
        let statements = match self.dialect {
            Dialect::Postgres => {
                vec![postgres::rename_index(from, &index.name)]
            }
            Dialect::Sqlite if self.scale.text(self.former(table)).is_some() => {
                sqlite::rename_index(from, &index.name)
            }
            Dialect::Sqlite => vec![drop_index(from), made],
        };
        let description = format!("rename {} to {}", describe::index(table, index), ident(&index.name));
        let step = Step::new(Action::Change, table.origin(), description).run(statements);
        Some(match self.dialect {
            Dialect::Postgres => step.lock(&table.name, Mode::ShareUpdateExclusive),
            Dialect::Sqlite => step,
        })
    }

    pub(super) fn rename_check(&self, table: &Table, from: &str, check: &Check) -> Step {
        let description = format!("rename {} (was {})", describe::check(table, check), ident(from));
        let step = Step::new(Action::Change, table.origin(), description);
        self.quick(step.run([postgres::rename_constraint(&table.name, from, &check.name)]), table)
    }

    pub(super) fn remove_foreign_key(&self, table: &Table, key: &ForeignKey) -> Vec<Step> {
        // Another one of the column takes its place at once.
        if self.dialect == Dialect::Sqlite || table.foreign_keys.iter().any(|now| now.column == key.column) {
            return Vec::new();
        }
        let description =
            format!("drop foreign key {} of {} to {}", ident(&key.name), table.origin(), ident(&key.target));
        let step = Step::new(Action::Remove, table.origin(), description)
            .run([postgres::drop_constraint(&table.name, &key.name)])
            .makes(Change::RemoveForeignKey { table: table.clone(), key: key.clone() });
        vec![self.quick(step, table).lock(&key.target, Mode::AccessExclusive)]
    }

    /// A foreign key on a column that was there before.
    pub(super) fn add_foreign_key(&self, table: &Table, key: &ForeignKey) -> Vec<Step> {
        let former = self.diff.former.get(&table.name).and_then(|former| {
            let column = former.columns.get(&key.column)?;
            self.old.table(&former.table)?.foreign_keys.iter().find(|old| old.column == *column)
        });
        let mut steps = self.constrain(table, key, former);
        if let Some(first) = steps.first_mut() {
            *first = self.linked(first.clone(), table, key);
        }
        steps
    }

    /// A foreign key, and a look through the rows.
    pub(super) fn constrain(
        &self,
        table: &Table,
        key: &ForeignKey,
        former: Option<&ForeignKey>,
    ) -> Vec<Step> {
        let what =
            format!("foreign key {} of {} to {}", ident(&key.name), table.origin(), ident(&key.target));
        let step = Step::new(Action::Add, table.origin(), format!("add {what}")).on(Phase::Contract);
        if self.is_new(&table.name) {
            let step = step.run([postgres::add_foreign_key(&table.name, key)]);
            let step = self.beside(step, std::slice::from_ref(key));
            return vec![step.makes(Change::AddForeignKey { table: table.clone(), key: key.clone() })];
        }
        let name = former.map(|former| former.name.as_str());
        let step = step.run([postgres::replace_foreign_key(&table.name, name, key)]);
        let step = match former {
            Some(former) => {
                step.makes(Change::RemoveForeignKey { table: table.clone(), key: former.clone() })
            }
            None => step,
        };
        let unproved = ForeignKey { ready: false, ..key.clone() };
        // To drop the former one takes more than to add one.
        let mode = if former.is_some() { Mode::AccessExclusive } else { Mode::ShareRowExclusive };
        let step = step
            .makes(Change::AddForeignKey { table: table.clone(), key: unproved })
            .lock(&table.name, mode)
            .lock(&key.target, mode);
        let look = self
            .look(Action::Add, table, table.origin(), &what, &key.name)
            .makes(Change::AddForeignKey { table: table.clone(), key: key.clone() });
        vec![step, look]
    }

    /// Every row must refer to a row that is there.
    pub(super) fn linked(&self, step: Step, table: &Table, key: &ForeignKey) -> Step {
        let Some(probe) = self.probe(table) else { return step };
        step.require(
            format!("every row of {} refers to a row that is there", table.origin()),
            probe.orphans(key, self.diff.former.get(&key.target)),
            (
                &format!("row of {} that refers to nothing", table.origin()),
                &format!("rows of {} that refer to nothing", table.origin()),
            ),
            "Correct or delete those rows, then apply again.",
        )
    }

    /// None where this database keeps no such index.
    pub(super) fn remove_index(&self, table: &Table, index: &Index) -> Vec<Step> {
        if create_index(self.dialect, &table.name, index).is_none() {
            return Vec::new();
        }
        // Another one of the name takes its place, see `add_index`.
        if self.dialect == Dialect::Postgres && index.ready && replaced(table, index) {
            return Vec::new();
        }
        let drop = drop_index(&index.name);
        let step =
            Step::new(Action::Remove, table.origin(), format!("drop {}", describe::index(table, index)))
                .makes(Change::RemoveIndex { table: table.clone(), index: index.clone() });
        // What it serves is served by the new ones before it goes; a name that is given again has to be free.
        let step = if index.ready && !replaced(table, index) { step.on(Phase::Contract) } else { step };
        vec![match self.dialect {
            Dialect::Sqlite => step.run([drop]),
            Dialect::Postgres => {
                let step = step.lock(&table.name, Mode::ShareUpdateExclusive);
                Step { verdict: Verdict::Online, ..step }.concurrent(&index.name, drop)
            }
        }]
    }

    /// None where this database keeps no such index.
    pub(super) fn add_index(&self, table: &Table, index: &Index) -> Vec<Step> {
        if self.comes_with_shadow(table, &index.names()) {
            return Vec::new();
        }
        let Some(statement) = create_index(self.dialect, &table.name, index) else { return Vec::new() };
        let phase = if index.unique { Phase::Contract } else { Phase::Expand };
        let step = Step::new(Action::Add, table.origin(), format!("add {}", describe::index(table, index)))
            .on(phase);
        let step = self.apart(step, table, index);
        let former = self.former(table).to_owned();
        if self.dialect == Dialect::Sqlite {
            let step = step.run([statement]).long(Verdict::Backfill, &table.name, &former, Mode::File);
            return vec![step.makes(Change::AddIndex { table: table.clone(), index: index.clone() })];
        }
        let before = self.old.table(&former).into_iter().flat_map(|old| &old.indexes);
        let Some(before) = before.filter(|old| old.ready).find(|old| old.name == index.name) else {
            let step = step.long(Verdict::Online, &table.name, &former, Mode::ShareUpdateExclusive);
            let step = step.concurrent(&index.name, statement);
            return vec![step.makes(Change::AddIndex { table: table.clone(), index: index.clone() })];
        };
        // Until the new one stands, the former one serves.
        let interim = entity::name::identifier(&[TEMPORARY, &index.name]);
        let named = Index { name: interim.clone(), ..index.clone() };
        let Some(statement) = create_index(self.dialect, &table.name, &named) else { return Vec::new() };
        let step = step.long(Verdict::Online, &table.name, &former, Mode::ShareUpdateExclusive);
        let step = step
            .concurrent(&interim, statement)
            .makes(Change::AddIndex { table: table.clone(), index: named });
        let description = format!("put {} in the place of the former one", describe::index(table, index));
        let rename = postgres::rename_index(&interim, &index.name);
        let swap = Step::new(Action::Change, table.origin(), description)
            .on(phase)
            .run([drop_index(&index.name), rename])
            .makes(Change::RemoveIndex { table: table.clone(), index: before.clone() })
            .makes(Change::RenameIndex { table: table.clone(), from: interim, index: index.clone() });
        vec![step, self.quick(swap, table)]
    }

    /// No two rows may have the same values of a unique.
    pub(super) fn apart(&self, step: Step, table: &Table, index: &Index) -> Step {
        let (true, Some(probe)) = (index.unique, self.probe(table)) else { return step };
        let fields = describe::fields(table, index);
        let hint = format!(
            "Change or delete the rows of {} that share ({fields}), then apply again.",
            table.origin()
        );
        step.require(
            format!("no two rows of {} have the same ({fields})", table.origin()),
            probe.duplicates(index),
            (
                &format!("value of ({fields}) that several rows of {} have", table.origin()),
                &format!("values of ({fields}) that several rows of {} have", table.origin()),
            ),
            &hint,
        )
    }

    pub(super) fn remove_check(&self, table: &Table, check: &Check) -> Vec<Step> {
        // Another one takes its place at once.
        if table.checks.iter().any(|now| succeeds(now, check)) {
            return Vec::new();
        }
        let step =
            Step::new(Action::Remove, table.origin(), format!("drop {}", describe::check(table, check)))
                .run([postgres::drop_constraint(&table.name, &check.name)])
                .makes(Change::RemoveCheck { table: table.clone(), check: check.clone() });
        vec![self.quick(step, table)]
    }

    pub(super) fn add_check(&self, table: &Table, check: &Check) -> Vec<Step> {
        if self.comes_with_shadow(table, &check.names()) {
            return Vec::new();
        }
        let mut steps = self.rename_values(table, check);
        // Who still writes former names does so until this check is there.
        let again = steps.last().map(Step::meanwhile);
        let former = if steps.is_empty() { self.predecessor(table, check) } else { None };
        let step = Step::new(Action::Add, table.origin(), format!("add {}", describe::check(table, check)))
            .on(Phase::Contract)
            .run([postgres::replace_check(&table.name, Some(name_of(former, check)), check)]);
        let step = match again {
            // Ended before the rows are looked through, an application begins with both names again.
            Some(_) => step,
            None => leaving(step, table, former).makes(Change::AddCheck {
                table: table.clone(),
                check: Check { ready: false, ..check.clone() },
            }),
        };
        steps.push(self.hold(self.quick(step, table), table, check));
        steps.extend(again);
        steps.push(
            self.look(Action::Add, table, table.origin(), &describe::check(table, check), &check.name)
                .makes(Change::AddCheck { table: table.clone(), check: check.clone() }),
        );
        steps
    }

    /// Values of an enum that have another name: for a while both names are good, and the rows are written.
    fn rename_values(&self, table: &Table, check: &Check) -> Vec<Step> {
        let Condition::Member { column, list, values } = &check.condition else { return Vec::new() };
        let Some(column) = table.column(column) else { return Vec::new() };
        let renamed = self.renamed_values(table, column);
        if renamed.is_empty() {
            return Vec::new();
        }
        let mut both = values.clone();
        both.extend(renamed.iter().map(|(_, was)| was.clone()));
        let condition = Condition::Member { column: column.name.clone(), list: *list, values: both };
        let wide = Check { condition, ready: false, ..check.clone() };
        let origin = table.origin_of(column);
        let former = self.predecessor(table, check);
        let open = Step::new(Action::Change, &origin, format!("take both names of values of {origin}"))
            .run([postgres::replace_check(&table.name, Some(name_of(former, check)), &wide)]);
        let open = leaving(open, table, former).makes(Change::AddCheck { table: table.clone(), check: wide });
        let (set, todo) = self.renaming(column, &renamed);
        let pairs: Vec<_> = renamed.iter().map(|(now, was)| format!("{was} to {now}")).collect();
        let description = format!("rename values of {origin}: {}", pairs.join(", "));
        let Some(write) = self.backfill(table, &origin, description, (set, todo)) else { return Vec::new() };
        vec![self.quick(open, table), write]
    }

    /// The check, as the database has it, whose place another one takes.
    fn predecessor(&self, table: &Table, check: &Check) -> Option<&Check> {
        self.former_checks(table).iter().find(|old| succeeds(check, old))
    }

    fn renaming(&self, column: &Column, renamed: &[(String, String)]) -> (String, String) {
        let name = ident(&column.name);
        let value = renamed_value(self.dialect, column, renamed, &name);
        (format!("{name} = {value}"), has_former(self.dialect, column, renamed, &name))
    }

    /// Demands that the rows that are there pass a check.
    pub(super) fn hold(&self, step: Step, table: &Table, check: &Check) -> Step {
        let Some(probe) = self.probe(table) else { return step };
        let what = describe::check(table, check);
        step.require(
            format!("every row of {} passes the {what}", table.origin()),
            probe.breaking(&check.condition),
            (
                &format!("row of {} that breaks the {what}", table.origin()),
                &format!("rows of {} that break the {what}", table.origin()),
            ),
            "Correct those rows, or loosen the check, then apply again.",
        )
    }

    /// The checks that the rows of a table were not held to before, whatever their names.
    pub(super) fn tighter<'a>(&self, table: &'a Table) -> Vec<&'a Check> {
        let before = self.former_checks(table);
        let holds = |check: &Check| before.iter().any(|old| old.ready && old.condition == check.condition);
        table.checks.iter().filter(|check| !holds(check)).collect()
    }

    /// The checks of a table as the database has them, with the names that columns have now.
    fn former_checks(&self, table: &Table) -> &[Check] {
        let known = !self.is_new(&table.name);
        let renamed = self.diff.renamed.table(&table.name).filter(|_| known);
        renamed.map(|renamed| renamed.checks.as_slice()).unwrap_or_default()
    }

    /// All checks of a table anew, as SQLite keeps them.
    pub(super) fn triggers(&self, table: &Table) -> Vec<Step> {
        let before = self.former_checks(table);
        let added = self.tighter(table);
        let stays = |check: &Check| {
            table.checks.iter().any(|now| now.name == check.name || now.condition == check.condition)
        };
        let gone = before.iter().filter(|check| !stays(check));
        let mut words: Vec<_> = added.iter().map(|check| describe::check(table, check)).collect();
        words.extend(gone.map(|check| format!("without {}", describe::check(table, check))));
        let description = match words.as_slice() {
            [] => format!("make the checks of {} again under its name", table.origin()),
            words => format!("set the checks of {}: {}", table.origin(), words.join("; ")),
        };
        let action = if added.is_empty() { Action::Remove } else { Action::Add };
        let mut step = Step::new(action, table.origin(), description)
            .on(Phase::Contract)
            .run(sqlite::drop_checks(&table.name));
        for column in &table.columns {
            let renamed = self.renamed_values(table, column);
            if !renamed.is_empty() {
                let (set, todo) = self.renaming(column, &renamed);
                step = step.run([format!("UPDATE {} SET {set} WHERE {todo}", ident(&table.name))]);
            }
        }
        step = self.named(step.run(sqlite::create_checks(table)), table);
        if !added.is_empty() {
            // Rows are looked through before, in the same lock.
            step = step.long(Verdict::Backfill, &table.name, self.former(table), Mode::File);
        }
        vec![added.into_iter().fold(step, |step, check| self.hold(step, table, check))]
    }
}

/// Whether a check takes the place of a former one: it has its name, or holds the same column to the values of an enum.
fn succeeds(check: &Check, former: &Check) -> bool {
    let column = |check: &Check| match &check.condition {
        Condition::Member { column, .. } => Some(column.clone()),
        _ => None,
    };
    check.name == former.name || (column(check).is_some() && column(check) == column(former))
}

fn name_of<'a>(former: Option<&'a Check>, check: &'a Check) -> &'a str {
    former.map_or(&check.name, |former| &former.name)
}

/// The former check goes with the step.
fn leaving(step: Step, table: &Table, former: Option<&Check>) -> Step {
    match former {
        Some(former) => step.makes(Change::RemoveCheck { table: table.clone(), check: former.clone() }),
        None => step,
    }
}

/// Whether a table has another index of the name.
fn replaced(table: &Table, index: &Index) -> bool {
    table.indexes.iter().any(|now| now.name == index.name)
}
