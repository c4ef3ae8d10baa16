//! Steps on what the model leaves out: refused until somebody says whether it is to be dropped or hidden.

use super::{Planner, describe};
use crate::alias;
use crate::change::Change;
use crate::ddl::literal::ident;
use crate::ddl::{postgres, probe};
use crate::dialect::Dialect;
use crate::shape::{Column, Table};
use crate::step::{Action, Demand, Refusal, Step};
use crate::verdict::{Mode, Phase, Verdict};

impl Planner<'_> {
    pub(super) fn remove_column(&self, table: &Table, column: &Column) -> Vec<Step> {
        let origin = table.origin_of(column);
        let step = if self.allow.drops(&origin) {
            self.drop_column(table, column)
        } else if column.retired {
            return Vec::new();
        } else if self.allow.hides(&origin) {
            self.hide_column(table, column)
        } else {
            let hint = format!(
                "Was it renamed? Write `@was(name: \"{}\")` on the new field. `--allow hide:{origin}` takes it out of \
                 the APIs and keeps its values; `--allow drop:{origin}` drops it with them.",
                column.field,
            );
            let reason = format!("the values of {origin} would be lost");
            Step::new(Action::Remove, &origin, Self::dropping(table, column))
                .on(Phase::Contract)
                .refuse(Verdict::Destructive, Refusal::new(reason, hint))
        };
        let (one, many) =
            (format!("row has a value for {origin}"), format!("rows have a value for {origin}"));
        let former = self.former(table).to_owned();
        let gone = Demand::UnlessGone { table: former.clone(), column: Some(column.name.clone()) };
        let query = probe::filled(&former, &column.name);
        let step = match step.verdict {
            Verdict::Destructive => step.demand(Demand::Counted { query, one, many }),
            Verdict::Safe | Verdict::Online | Verdict::Backfill => step,
        };
        vec![step.demand(gone)]
    }

    fn dropping(table: &Table, column: &Column) -> String {
        let origin = table.origin_of(column);
        format!("drop column {} of {} ({origin})", ident(&column.name), ident(&table.name))
    }

    fn drop_column(&self, table: &Table, column: &Column) -> Step {
        let origin = table.origin_of(column);
        let step = Step::new(Action::Remove, &origin, Self::dropping(table, column))
            .on(Phase::Contract)
            .makes(Change::RemoveColumn { table: table.clone(), column: column.clone() });
        let mut step = Step { verdict: Verdict::Destructive, ..step };
        if self.dialect == Dialect::Postgres {
            let drop =
                postgres::alter(&table.name, &format!("DROP COLUMN IF EXISTS {}", ident(&column.name)));
            step = step
                .run([alias::forget_column(&table.name, &column.name), drop])
                .lock(&table.name, Mode::AccessExclusive);
            for key in self.kept_keys(table).filter(|key| key.column == column.name) {
                step = step.lock(&key.target, Mode::AccessExclusive);
            }
        }
        step
    }

    fn hide_column(&self, table: &Table, column: &Column) -> Step {
        let origin = table.origin_of(column);
        let description = format!("hide {origin}: no API has it any more, its values stay");
        let step = Step::new(Action::Remove, &origin, description).on(Phase::Contract);
        let kept = Self::hidden(column);
        let step = if kept.required == column.required || self.dialect == Dialect::Sqlite {
            step
        } else {
            let loosen = format!("ALTER COLUMN {} DROP NOT NULL", ident(&column.name));
            step.run([postgres::alter(&table.name, &loosen)]).lock(&table.name, Mode::AccessExclusive)
        };
        step.makes(Change::RetireColumn { table: table.clone(), column: kept })
    }

    /// A column as it is kept when no API writes it: without a default it can't be required.
    pub(super) fn hidden(column: &Column) -> Column {
        Column { retired: true, required: column.required && column.default.is_some(), ..column.clone() }
    }

    /// The foreign keys of a table as the database has them.
    fn kept_keys<'a>(&'a self, table: &'a Table) -> impl Iterator<Item = &'a crate::shape::ForeignKey> {
        self.old.table(self.former(table)).into_iter().flat_map(|old| &old.foreign_keys)
    }

    pub(super) fn remove_table(&self, table: &Table) -> Vec<Step> {
        let origin = table.origin();
        let former = self.old.tables.iter().find(|old| old.origins == table.origins);
        let former = former.map_or(&table.name, |old| &old.name).clone();
        let taken = self.new.table(&former).is_some();
        let description = format!("drop table {}", describe::table(table));
        let step = if self.allow.drops(origin) {
            self.drop_table(table, &former, description)
        } else if taken {
            let reason = format!("the rows of {origin} would be lost: another table gets its name");
            let hint =
                format!("`--allow drop:{origin}` drops it; or leave the other one its name with `table:`.");
            Step::new(Action::Remove, origin, description)
                .refuse(Verdict::Destructive, Refusal::new(reason, hint))
        } else if table.retired {
            return Vec::new();
        } else if self.allow.hides(origin) {
            Step::new(Action::Remove, origin, format!("hide {origin}: no API has it any more, its rows stay"))
                .on(Phase::Contract)
                .makes(Change::RetireTable { table: table.clone() })
        } else {
            let again = match table.join {
                true => String::new(),
                false => format!("Was it renamed? Write `@was(name: \"{origin}\")` on the new type. "),
            };
            let hint = format!(
                "{again}`--allow hide:{origin}` takes it out of the APIs and keeps its rows; `--allow drop:{origin}` drops it with them."
            );
            let reason = format!("the rows of {origin} would be lost");
            Step::new(Action::Remove, origin, description)
                .on(Phase::Contract)
                .refuse(Verdict::Destructive, Refusal::new(reason, hint))
        };
        let step = match step.verdict {
            Verdict::Destructive => step.demand(Demand::Counted {
                query: probe::all(&former),
                one: format!("row of {origin}"),
                many: format!("rows of {origin}"),
            }),
            Verdict::Safe | Verdict::Online | Verdict::Backfill => step,
        };
        let step = if taken { step.on(Phase::Expand) } else { step };
        vec![step.demand(Demand::UnlessGone { table: former, column: None })]
    }

    fn drop_table(&self, table: &Table, former: &str, description: String) -> Step {
        let origin = table.origin();
        let step = Step::new(Action::Remove, origin, description)
            .on(Phase::Contract)
            .makes(Change::RemoveTable { table: table.clone() });
        let mut step = Step { verdict: Verdict::Destructive, ..step };
        // What refers to it leaves before it, or is refused: nothing is dropped that nobody named.
        let referring = self.old.tables.iter().filter(|old| old.name != former);
        let keys = referring.flat_map(|old| old.foreign_keys.iter().map(move |key| (old, key)));
        for (old, key) in keys.filter(|(_, key)| key.target == former) {
            let column = old.column(&key.column);
            let named = column.map_or_else(|| old.origin().to_owned(), |column| old.origin_of(column));
            let leaves = self.allow.drops(&named) || self.allow.drops(old.origin());
            let kept =
                self.new.tables.iter().any(|now| now.name == old.name && now.column(&key.column).is_some());
            if !leaves && !kept {
                let reason = format!("{named}, whose values are kept, refers to it");
                return step.refuse(
                    Verdict::Destructive,
                    Refusal::new(reason, format!("Add `--allow drop:{named}`, or keep {origin} hidden.")),
                );
            }
            if self.dialect == Dialect::Postgres && self.allow.drops(old.origin()) {
                let what = format!(
                    "ALTER TABLE IF EXISTS {} DROP CONSTRAINT IF EXISTS {}",
                    ident(&old.name),
                    ident(&key.name)
                );
                step = step.run([what]).lock(&old.name, Mode::AccessExclusive);
            }
        }
        let drop = format!("DROP TABLE IF EXISTS {}", ident(&table.name));
        step = step.run([drop]);
        if self.dialect == Dialect::Sqlite {
            return step;
        }
        step.statements.insert(0, alias::forget(&table.name));
        step = step.lock(&table.name, Mode::AccessExclusive);
        let targets = table.foreign_keys.iter().filter(|key| key.target != table.name);
        targets.fold(step, |step, key| step.lock(&key.target, Mode::AccessExclusive))
    }
}
