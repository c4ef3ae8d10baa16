//! Steps that take as long as a table is large, beside those who work on it.

use super::Planner;
use crate::ddl::column::sql_type;
use crate::ddl::literal::ident;
use crate::ddl::{concurrently, postgres};
use crate::shape::Table;
use crate::step::{Action, Backfill, Run, Step};
use crate::verdict::{Mode, Phase, Verdict};

impl Planner<'_> {
    /// The rows are looked through for a constraint that new rows are held to already (PostgreSQL).
    pub(super) fn look(
        &self,
        action: Action,
        table: &Table,
        subject: &str,
        what: &str,
        constraint: &str,
    ) -> Step {
        Step::new(action, subject, format!("look through the rows for {what}"))
            .on(Phase::Contract)
            .run([postgres::validate(&table.name, constraint)])
            .long(Verdict::Online, &table.name, self.former(table), Mode::ShareUpdateExclusive)
    }

    /// Rows are written, some at a time: those of which `todo` is true get `set`. None for a table without a key.
    pub(super) fn backfill(
        &self,
        table: &Table,
        subject: &str,
        description: String,
        (set, todo): (String, String),
    ) -> Option<Step> {
        let key = table.primary_key.first().and_then(|key| table.column(key))?;
        let key = (key.name.clone(), sql_type(self.dialect, &key.ty));
        let step = Step::new(Action::Change, subject, description)
            .on(Phase::Backfill)
            .run([format!("UPDATE {} SET {set} WHERE {todo}", ident(&table.name))]);
        Some(Step {
            verdict: Verdict::Backfill,
            sized: Some(self.former(table).to_owned()),
            run: Run::Batches(Backfill { table: table.name.clone(), key, set, todo }),
            ..step
        })
    }
}

impl Step {
    /// The same for rows that came while others were written.
    pub(super) fn meanwhile(&self) -> Step {
        let description = format!("{} that came meanwhile", self.description);
        Step { phase: Phase::Contract, description, ..self.clone() }
    }

    /// An index is built or dropped by this statement, outside of transactions (PostgreSQL).
    pub(super) fn concurrent(self, index: &str, statement: String) -> Step {
        let step = self.run([concurrently(&statement)]);
        Step { run: Run::Concurrently { index: index.to_owned(), plain: vec![statement] }, ..step }
    }
}
