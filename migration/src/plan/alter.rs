//! Steps on tables and columns that stay.

use entity::catalog::Using;

use super::{Planner, convert, describe};
use crate::change::Change;
use crate::ddl::literal::{constant, ident};
use crate::ddl::probe::Probe;
use crate::ddl::{create_index, postgres, sqlite};
use crate::dialect::Dialect;
use crate::reserved::TEMPORARY;
use crate::shape::{Check, Column, ColumnType, Condition, ForeignKey, Form, Index, Table};
use crate::step::{Action, Demand, Refusal, Step};
use crate::verdict::{Mode, Phase, Verdict};

impl Planner<'_> {
    pub(super) fn probe<'a>(&'a self, table: &'a Table) -> Option<Probe<'a>> {
        let former = self.diff.former.get(&table.name)?;
        let values = self.values(table, |from, _| ident(&from.name));
        Some(Probe { dialect: self.dialect, table, former, values })
    }

    /// The table's name in the database as it is.
    pub(super) fn former<'a>(&'a self, table: &'a Table) -> &'a str {
        self.diff.former.get(&table.name).map_or(table.name.as_str(), |former| former.table.as_str())
    }

    /// A step that changes a table which is in use, for a moment.
    pub(super) fn quick(&self, step: Step, table: &Table) -> Step {
        match self.dialect {
            Dialect::Postgres => step.lock(&table.name, Mode::AccessExclusive),
            Dialect::Sqlite => step,
        }
    }

    pub(super) fn rename_table(&self, from: &Table, to: &Table, cyclic: bool) -> Step {
        let now = to.origin();
        let description = format!("rename table {} to {} ({now})", ident(&from.name), ident(&to.name));
        let step = Step::new(Action::Change, now, description);
        if cyclic {
            return step.refuse(Verdict::Backfill, circle());
        }
        let step = step.run(match self.dialect {
            Dialect::Postgres => postgres::rename_table(&from.name, &to.name),
            Dialect::Sqlite => sqlite::rename_table(from, &to.name),
        });
        self.quick(step, from)
    }

    pub(super) fn rename_column(&self, table: &Table, from: &str, to: &Column, cyclic: bool) -> Step {
        let origin = table.origin_of(to);
        let description = format!(
            "rename column {} of {} to {} ({origin})",
            ident(from),
            ident(&table.name),
            ident(&to.name)
        );
        let step = Step::new(Action::Change, origin, description);
        if cyclic {
            return step.refuse(Verdict::Backfill, circle());
        }
        self.quick(step.run([postgres::rename_column(&table.name, from, &to.name)]), table)
    }

    pub(super) fn add_column(&self, table: &Table, column: &Column, key: Option<&ForeignKey>) -> Vec<Step> {
        let origin = table.origin_of(column);
        let kind = if column.required { "required column" } else { "column" };
        let description = format!("add {kind} {} to {} ({origin})", ident(&column.name), ident(&table.name));
        let step = Step::new(Action::Add, &origin, description);
        let step = self.quick(self.filled(self.unknown(step, table, column), table, column, key), table);
        let (table, column) = (table.clone(), column.clone());
        match (self.dialect, key) {
            (Dialect::Sqlite, _) => {
                let large = self.scale.text(self.former(&table)).is_some();
                let statements = sqlite::add_column(&table.name, &column, key, large);
                vec![step.run(statements).makes(Change::AddColumn { table, column, key: key.cloned() })]
            }
            (Dialect::Postgres, _) => {
                let statement = postgres::add_column(&table.name, &column);
                let later = key.map(|key| self.constrain(&table, key, None)).unwrap_or_default();
                let step = step.run([statement]).makes(Change::AddColumn { table, column, key: None });
                [step].into_iter().chain(later).collect()
            }
        }
    }

    /// A column that we did not make must not be in the way.
    fn unknown(&self, step: Step, table: &Table, column: &Column) -> Step {
        let old = self.old.table(self.former(table));
        if old.is_some_and(|old| old.column(&column.name).is_some()) {
            return step;
        }
        let (table, column) = (self.former(table).to_owned(), Some(column.name.clone()));
        step.demand(Demand::Absent { table, column })
    }

    /// Rows that are there must have a value for a new column, and what it refers to.
    pub(super) fn filled(
        &self,
        step: Step,
        table: &Table,
        column: &Column,
        key: Option<&ForeignKey>,
    ) -> Step {
        let Some(probe) = self.probe(table) else { return step };
        let origin = table.origin_of(column);
        let (one, many) = (format!("row of {}", table.origin()), format!("rows of {}", table.origin()));
        match (&column.default, key) {
            (None, _) if column.required => step.require(
                format!("{} has no rows: {origin} is required and has no constant default", table.origin()),
                probe.rows(),
                (&format!("{one} that would have no value for {origin}"), &format!("{many} that would have no value for {origin}")),
                "Give it a constant default (`@default(value: …)`), or make it optional (without `!`), fill the rows, and make it required later.",
            ),
            (Some(_), Some(key)) => step.require(
                format!("the default of {origin} refers to a row that is there"),
                probe.orphans(key, self.diff.former.get(&key.target)),
                (
                    &format!("{one} that would refer to nothing"),
                    &format!("{many} that would refer to nothing"),
                ),
                "Leave the default away, or create the row it refers to first.",
            ),
            _ => step,
        }
    }

    pub(super) fn alter_column(&self, table: &Table, from: &Column, to: &Column) -> Vec<Step> {
        if self.is_shadowed(table, &to.name) {
            return self.shadow(table, from, to);
        }
        let mut steps = self.alter_type(table, from, to);
        if steps.iter().any(|step| step.refusal.is_some()) {
            return steps;
        }
        if self.dialect == Dialect::Sqlite {
            // Every insert names its values, so the default of an existing column has nothing to do there.
            steps.extend(self.alter_text(table, from, to));
            return steps;
        }
        let origin = table.origin_of(to);
        let converted = self.conversion(table, from, to, "").is_some();
        if from.default != to.default && !converted {
            let step = Step::new(Action::Change, &origin, format!("change the default of {origin}"));
            let step = step.run([postgres::set_default(&table.name, to)]);
            let effect = Column { required: from.required, ..to.clone() };
            steps.push(self.altering(self.quick(step, table), table, from, &effect));
        }
        match (from.required, to.required) {
            (true, false) => {
                let step = Step::new(Action::Change, &origin, format!("make {origin} optional"))
                    .run([postgres::alter_column(&table.name, &to.name, "DROP NOT NULL")]);
                steps.push(self.altering(self.quick(step, table), table, from, to));
            }
            (false, true) => steps.extend(self.make_required(table, from, to)),
            (true, true) | (false, false) => {}
        }
        steps
    }

    /// What changes in the text of a large table when a column becomes required, or optional (SQLite): its rows need not be
    /// written anew for that.
    pub(super) fn in_text(&self, table: &Table, from: &Column, to: &Column) -> Option<(String, String)> {
        let former = self.diff.former.get(&table.name)?;
        let text = self.scale.text(&former.table).filter(|_| self.dialect == Dialect::Sqlite)?;
        // Values that a check of before refuses are written where the checks are made again.
        let checked = self.diff.changes.iter().any(|change| {
            matches!(change, Change::AddCheck { table: of, .. } | Change::RemoveCheck { table: of, .. } if of.name == table.name)
        });
        let same = from.required != to.required && *former.columns.get(&to.name)? == to.name;
        (same && !checked).then(|| sqlite::required(text, from, to)).flatten()
    }

    fn alter_text(&self, table: &Table, from: &Column, to: &Column) -> Vec<Step> {
        let Some(parts) = self.in_text(table, from, to) else { return Vec::new() };
        let origin = table.origin_of(to);
        let what = if to.required { "required" } else { "optional" };
        let step = Step::new(Action::Change, &origin, format!("make {origin} {what}"))
            .run(sqlite::replace(&table.name, &parts))
            .run(sqlite::noticed());
        let step = self.altering(step, table, from, to);
        if !to.required {
            return vec![step];
        }
        let fill = self.fill(table, to);
        let step =
            step.on(Phase::Contract).long(Verdict::Backfill, &table.name, self.former(table), Mode::File);
        let step = if fill.is_some() { step } else { self.valued(step, table, to) };
        fill.into_iter().chain([step]).collect()
    }

    fn altering(&self, step: Step, table: &Table, from: &Column, to: &Column) -> Step {
        step.makes(Change::AlterColumn { table: table.clone(), from: from.clone(), to: to.clone() })
    }

    /// A check stands in until all rows are known to have a value: looked through while others write, it then proves
    /// what would otherwise be looked through under a lock that nobody passes.
    fn make_required(&self, table: &Table, from: &Column, to: &Column) -> Vec<Step> {
        let origin = table.origin_of(to);
        let stand_in = Check {
            name: entity::name::identifier(&[TEMPORARY, "nn", &table.name, &to.name]),
            field: Some(to.field.clone()),
            condition: Condition::Not(Box::new(Condition::is_null(&to.name))),
            renamed: Vec::new(),
            ready: false,
        };
        let fill = self.fill(table, to);
        let hold = Step::new(Action::Change, &origin, format!("hold new rows to a value for {origin}"))
            .on(Phase::Contract)
            .run([postgres::replace_check(&table.name, None, &stand_in)])
            .makes(Change::AddCheck { table: table.clone(), check: stand_in.clone() });
        let hold = self.quick(hold, table);
        let hold = if fill.is_some() { hold } else { self.valued(hold, table, to) };
        let what = format!("a value for {origin}");
        let look = self.look(Action::Change, table, &origin, &what, &stand_in.name);
        let end =
            Step::new(Action::Change, &origin, format!("make {origin} required")).on(Phase::Contract).run([
                postgres::alter_column(&table.name, &to.name, "SET NOT NULL"),
                postgres::drop_constraint(&table.name, &stand_in.name),
            ]);
        let end = self
            .altering(self.quick(end, table), table, from, to)
            .makes(Change::RemoveCheck { table: table.clone(), check: stand_in });
        let again = fill.as_ref().map(Step::meanwhile);
        fill.into_iter().chain([hold]).chain(again).chain([look, end]).collect()
    }

    /// Rows without a value get the constant default, where there is one.
    fn fill(&self, table: &Table, column: &Column) -> Option<Step> {
        let value = constant(self.dialect, column.default.as_ref()?);
        let name = ident(&column.name);
        let origin = table.origin_of(column);
        let description = format!("give the rows without a value for {origin} its default");
        let rows = (format!("{name} = {value}"), format!("{name} IS NULL"));
        let step = self.backfill(table, &origin, description, rows)?;
        Some(match self.probe(table) {
            Some(probe) => step.demand(Demand::Some { query: probe.nulls(&column.name) }),
            None => step,
        })
    }

    /// Every row must have a value.
    pub(super) fn valued(&self, step: Step, table: &Table, column: &Column) -> Step {
        let Some(probe) = self.probe(table) else { return step };
        let origin = table.origin_of(column);
        step.require(
            format!("every row of {} has a value for {origin}", table.origin()),
            probe.nulls(&column.name),
            (&format!("row without a value for {origin}"), &format!("rows without a value for {origin}")),
            "Give those rows a value, or the field a constant default (`@default(value: …)`), then apply again.",
        )
    }

    /// The step where the type differs and that is more than a wider name for the same bytes.
    pub(super) fn alter_type(&self, table: &Table, from: &Column, to: &Column) -> Vec<Step> {
        let origin = table.origin_of(to);
        match (&from.ty, &to.ty) {
            (ColumnType::Json(old), ColumnType::Json(new)) => {
                let (Some(why), Some(probe)) = (Form::refuses(new, old), self.probe(table)) else {
                    return Vec::new();
                };
                let description = format!("the values of {origin} get another form: {why}");
                let with = format!("of {} with a value of {origin} in the former form", table.origin());
                let (one, many) = (format!("row {with}"), format!("rows {with}"));
                vec![Step::new(Action::Change, &origin, description).require(
                    format!("no row has a value of {origin}"),
                    probe.values(&to.name),
                    (&one, &many),
                    "Make new fields of an embedded type optional and keep its other fields; or put the new form into a field of another name.",
                )]
            }
            (old, new) if old == new => Vec::new(),
            // The same bytes.
            (ColumnType::Int, ColumnType::BigInt) if self.dialect == Dialect::Sqlite => Vec::new(),
            (old, new) => match self.conversion(table, from, to, &ident(&to.name)) {
                Some(conversion) => vec![self.converted(table, from, to, &conversion)],
                None => {
                    let (old, new) = (convert::type_name(old), convert::type_name(new));
                    let reason = format!(
                        "every value of {origin} would have to be written anew, from {old} to {new}, and some may have no meaning there"
                    );
                    let hint = format!(
                        "Add a field of the new type under another name, copy the values through the API, and use that one; or take the change of {origin} back."
                    );
                    let description = format!("change {origin} from {old} to {new}");
                    vec![
                        Step::new(Action::Change, &origin, description)
                            .refuse(Verdict::Backfill, Refusal::new(reason, hint)),
                    ]
                }
            },
        }
    }

    pub(super) fn alter_key(&self, table: &Table) -> Vec<Step> {
        let description = format!("change the primary key of {}", describe::table(table));
        if self.is_reordered(table) {
            return self.reorder_key(table, description);
        }
        let reason = "the primary key would be another, and everything that refers to it with it";
        let hint = "Add a type with the key you want, and copy the rows through the API.";
        let step = Step::new(Action::Change, table.origin(), description);
        vec![step.refuse(Verdict::Backfill, Refusal::new(reason, hint))]
    }

    /// Whether a key has the same columns in another order: that of a join table follows the names of its types.
    pub(super) fn is_reordered(&self, table: &Table) -> bool {
        let former = self.diff.former.get(&table.name);
        table.join
            && former.is_some_and(|former| {
                table.primary_key.iter().all(|column| former.columns.contains_key(column))
            })
    }

    /// An index in the new order is built beside those who write, and becomes the key in a moment.
    fn reorder_key(&self, table: &Table, description: String) -> Vec<Step> {
        let name = entity::name::identifier(&[TEMPORARY, &table.name, "pkey"]);
        let columns = table.primary_key.iter().map(|column| (column.clone(), false)).collect();
        let index = Index {
            name: name.clone(),
            unique: true,
            columns,
            condition: None,
            using: Using::Btree,
            ready: true,
        };
        let Some(statement) = create_index(self.dialect, &table.name, &index) else { return Vec::new() };
        let what = format!("build the index of another key of {}", table.origin());
        let build = Step::new(Action::Change, table.origin(), what)
            .on(Phase::Contract)
            .long(Verdict::Online, &table.name, self.former(table), Mode::ShareUpdateExclusive)
            .concurrent(&name, statement)
            .makes(Change::AddIndex { table: table.clone(), index: index.clone() });
        let swap = Step::new(Action::Change, table.origin(), description)
            .on(Phase::Contract)
            .run([postgres::replace_key(&table.name, &name)])
            .makes(Change::RemoveIndex { table: table.clone(), index })
            .makes(Change::AlterKey { table: table.clone() });
        vec![build, self.quick(swap, table)]
    }
}

fn circle() -> Refusal {
    Refusal::new(
        "the names go round in a circle",
        "Rename one of them to a third name first, apply, then rename again.",
    )
}
