//! Steps on foreign keys, indexes and checks.

use super::{Planner, describe};
use crate::ddl::literal::ident;
use crate::ddl::{create_index, drop_index, postgres, sqlite};
use crate::dialect::Dialect;
use crate::risk::Risk;
use crate::shape::{Check, ForeignKey, Index, Table};
use crate::step::{Action, Refusal, Step};

impl Planner<'_> {
    /// SQLite does not name foreign keys anywhere but in the table's text, which nobody asks.
    pub(super) fn rename_foreign_key(&self, table: &Table, from: &str, to: &str) -> Option<Step> {
        let description =
            format!("rename foreign key {} of {} to {}", ident(from), table.origin(), ident(to));
        (self.dialect == Dialect::Postgres).then(|| {
            Step::new(Action::Change, table.origin(), description).run([postgres::rename_constraint(
                &table.name,
                from,
                to,
            )])
        })
    }

    pub(super) fn rename_index(&self, table: &Table, from: &str, index: &Index) -> Option<Step> {
        let made = create_index(self.dialect, &table.name, index)?;
        let statements = match self.dialect {
            Dialect::Postgres => {
                vec![format!("ALTER INDEX {} RENAME TO {}", ident(from), ident(&index.name))]
            }
            Dialect::Sqlite => vec![drop_index(from), made],
        };
        let description = format!("rename {} to {}", describe::index(table, index), ident(&index.name));
        Some(Step::new(Action::Change, table.origin(), description).run(statements))
    }

    pub(super) fn rename_check(&self, table: &Table, from: &str, check: &Check) -> Step {
        let description = format!("rename {} (was {})", describe::check(table, check), ident(from));
        Step::new(Action::Change, table.origin(), description).run([postgres::rename_constraint(
            &table.name,
            from,
            &check.name,
        )])
    }

    pub(super) fn remove_foreign_key(&self, table: &Table, key: &ForeignKey) -> Step {
        let step = Step::new(
            Action::Remove,
            table.origin(),
            format!("drop foreign key {} of {} to {}", ident(&key.name), table.origin(), ident(&key.target)),
        );
        match self.dialect {
            Dialect::Postgres => step.run([postgres::drop_constraint(&table.name, &key.name)]),
            Dialect::Sqlite => sqlite_foreign_key(step),
        }
    }

    pub(super) fn add_foreign_key(&self, table: &Table, key: &ForeignKey) -> Step {
        let step = Step::new(
            Action::Add,
            table.origin(),
            format!("add foreign key {} of {} to {}", ident(&key.name), table.origin(), ident(&key.target)),
        );
        if self.dialect == Dialect::Sqlite {
            return sqlite_foreign_key(step);
        }
        let step = step.run(postgres::add_foreign_key(&table.name, key));
        let Some(probe) = self.probe(table) else { return step };
        let former = self.former(table).to_owned();
        step.locks(&former, format!("{} can't be written while its rows are looked through", table.origin()))
            .require(
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
    pub(super) fn remove_index(&self, table: &Table, index: &Index) -> Option<Step> {
        create_index(self.dialect, &table.name, index)?;
        Some(
            Step::new(Action::Remove, table.origin(), format!("drop {}", describe::index(table, index)))
                .run([drop_index(&index.name)]),
        )
    }

    /// None where this database keeps no such index.
    pub(super) fn add_index(&self, table: &Table, index: &Index) -> Option<Step> {
        let statement = create_index(self.dialect, &table.name, index)?;
        let description = format!("add {}", describe::index(table, index));
        let former = self.former(table).to_owned();
        let step = Step::new(Action::Add, table.origin(), description)
            .run([statement])
            .locks(&former, format!("{} can't be written while the index is built", table.origin()));
        let (true, Some(probe)) = (index.unique, self.probe(table)) else { return Some(step) };
        let fields = describe::fields(table, index);
        let hint = format!(
            "Change or delete the rows of {} that share ({fields}), then apply again.",
            table.origin()
        );
        Some(step.require(
            format!("no two rows of {} have the same ({fields})", table.origin()),
            probe.duplicates(index),
            (
                &format!("value of ({fields}) that several rows of {} have", table.origin()),
                &format!("values of ({fields}) that several rows of {} have", table.origin()),
            ),
            &hint,
        ))
    }

    pub(super) fn remove_check(&self, table: &Table, check: &Check) -> Step {
        Step::new(Action::Remove, table.origin(), format!("drop {}", describe::check(table, check)))
            .run([postgres::drop_constraint(&table.name, &check.name)])
    }

    pub(super) fn add_check(&self, table: &Table, check: &Check) -> Step {
        let former = self.former(table).to_owned();
        let step = Step::new(Action::Add, table.origin(), format!("add {}", describe::check(table, check)))
            .run(postgres::add_check(&table.name, check))
            .locks(&former, format!("{} can't be used while its rows are looked through", table.origin()));
        self.hold(step, table, check)
    }

    /// Demands that the rows that are there pass a check.
    fn hold(&self, step: Step, table: &Table, check: &Check) -> Step {
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

    /// All checks of a table anew, as SQLite keeps them.
    pub(super) fn triggers(&self, table: &Table) -> Step {
        let before =
            self.old.table(self.former(table)).map(|former| former.checks.as_slice()).unwrap_or_default();
        let added: Vec<_> = table.checks.iter().filter(|check| !holds(before, check)).collect();
        let gone = before.iter().filter(|check| !table.checks.iter().any(|now| now.name == check.name));
        let mut words: Vec<_> = added.iter().map(|check| describe::check(table, check)).collect();
        words.extend(gone.map(|check| format!("without {}", describe::check(table, check))));
        let description = match words.as_slice() {
            [] => format!("make the checks of {} again under its name", table.origin()),
            words => format!("set the checks of {}: {}", table.origin(), words.join("; ")),
        };
        let action = if added.is_empty() { Action::Remove } else { Action::Add };
        let mut step = Step::new(action, table.origin(), description)
            .run(sqlite::drop_checks(&table.name))
            .run(sqlite::create_checks(table));
        for check in added {
            step = self.hold(step, table, check);
        }
        step
    }
}

/// Whether rows were held to a check already: by an equal one, or by one of fewer values.
fn holds(before: &[Check], check: &Check) -> bool {
    before.iter().any(|former| former.name == check.name && former.condition == check.condition)
}

fn sqlite_foreign_key(step: Step) -> Step {
    let reason = "SQLite would have to write the whole table anew";
    let hint = "Add a relation under another name, set it through the API, and use that one; or take the change back.";
    let risk = Risk::Rewrites { reason: reason.to_owned(), safer: "see the hint".to_owned() };
    step.refuse(risk, Refusal::new(reason, hint))
}
