//! Steps on tables and columns that stay.

use super::{Planner, describe};
use crate::ddl::literal::ident;
use crate::ddl::probe::Probe;
use crate::ddl::{postgres, sqlite};
use crate::dialect::Dialect;
use crate::risk::Risk;
use crate::shape::{Column, ColumnType, ForeignKey, Form, Table};
use crate::step::{Action, Demand, Refusal, Step};

impl Planner<'_> {
    pub(super) fn probe<'a>(&'a self, table: &'a Table) -> Option<Probe<'a>> {
        let former = self.diff.former.get(&table.name)?;
        Some(Probe { dialect: self.dialect, table, former })
    }

    /// The table's name in the database as it is.
    pub(super) fn former<'a>(&'a self, table: &'a Table) -> &'a str {
        self.diff.former.get(&table.name).map_or(table.name.as_str(), |former| former.table.as_str())
    }

    pub(super) fn rename_table(&self, from: &Table, to: &str, cyclic: bool) -> Step {
        let now = self.new.table(to).map_or(from.origin(), Table::origin);
        let description = format!("rename table {} to {} ({now})", ident(&from.name), ident(to));
        let step = Step::new(Action::Change, now, description);
        if cyclic {
            return step.refuse(rewrites("the names go round in a circle"), circle());
        }
        step.run(match self.dialect {
            Dialect::Postgres => postgres::rename_table(&from.name, to),
            Dialect::Sqlite => sqlite::rename_table(from, to),
        })
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
            return step.refuse(rewrites("the names go round in a circle"), circle());
        }
        let what = format!("RENAME COLUMN {} TO {}", ident(from), ident(&to.name));
        step.run([postgres::alter(&table.name, &what)])
    }

    pub(super) fn add_column(&self, table: &Table, column: &Column, key: Option<&ForeignKey>) -> Step {
        let origin = table.origin_of(column);
        let kind = if column.required { "required column" } else { "column" };
        let description = format!("add {kind} {} to {} ({origin})", ident(&column.name), ident(&table.name));
        let statement = match self.dialect {
            Dialect::Postgres => postgres::add_column(&table.name, column, key),
            Dialect::Sqlite => sqlite::add_column(&table.name, column, key),
        };
        let mut step = Step::new(Action::Add, &origin, description).run([statement]);
        let known = self.old.table(self.former(table)).is_some_and(|old| old.column(&column.name).is_some());
        if !known {
            let (table, column) = (self.former(table).to_owned(), Some(column.name.clone()));
            step = step.demand(Demand::Absent { table, column });
        }
        let Some(probe) = self.probe(table) else { return step };
        let (one, many) = (format!("row of {}", table.origin()), format!("rows of {}", table.origin()));
        if column.required && column.default.is_none() {
            step = step.require(
                format!("{} has no rows: {origin} is required and has no constant default", table.origin()),
                probe.rows(),
                (&format!("{one} that would have no value for {origin}"), &format!("{many} that would have no value for {origin}")),
                "Give it a constant default (`@default(value: …)`), or make it optional (without `!`), fill the rows, and make it required later.",
            );
        }
        if let (Some(key), Some(_)) = (key, &column.default) {
            let target = self.diff.former.get(&key.target);
            step = step.require(
                format!("the default of {origin} refers to a row that is there"),
                probe.orphans(key, target),
                (
                    &format!("{one} that would refer to nothing"),
                    &format!("{many} that would refer to nothing"),
                ),
                "Leave the default away, or create the row it refers to first.",
            );
        }
        step
    }

    pub(super) fn alter_column(&self, table: &Table, from: &Column, to: &Column) -> Option<Step> {
        if let Some(step) = self.alter_type(table, from, to) {
            return Some(step);
        }
        if self.dialect == Dialect::Sqlite {
            // Every insert names its values, so the default of an existing column has nothing to do there.
            return (from.required != to.required).then(|| sqlite_null(table, to));
        }
        let statements = postgres::alter_column(&table.name, from, to);
        if statements.is_empty() {
            return None;
        }
        let origin = table.origin_of(to);
        let what = match (from.required, to.required) {
            (false, true) => format!("make {origin} required"),
            (true, false) => format!("make {origin} optional"),
            (true, true) | (false, false) => format!("change the default of {origin}"),
        };
        let step = Step::new(Action::Change, &origin, what).run(statements);
        if from.required || !to.required {
            return Some(step);
        }
        let former = self.former(table).to_owned();
        let step = step
            .locks(&former, format!("{} can't be written while its rows are looked through", table.origin()));
        let Some(probe) = self.probe(table) else { return Some(step) };
        Some(step.require(
            format!("every row of {} has a value for {origin}", table.origin()),
            probe.nulls(&to.name),
            (&format!("row without a value for {origin}"), &format!("rows without a value for {origin}")),
            "Give those rows a value, then apply again.",
        ))
    }

    /// The step where the type differs and that is more than a wider name for the same bytes.
    fn alter_type(&self, table: &Table, from: &Column, to: &Column) -> Option<Step> {
        let origin = table.origin_of(to);
        let hint = format!(
            "Add a field of the new type under another name, copy the values through the API, and use that one; or take the change of {origin} back."
        );
        match (&from.ty, &to.ty) {
            (ColumnType::Json(old), ColumnType::Json(new)) => {
                let why = Form::refuses(new, old)?;
                let probe = self.probe(table)?;
                let description = format!("the values of {origin} get another form: {why}");
                let with = format!("of {} with a value of {origin} in the former form", table.origin());
                let (one, many) = (format!("row {with}"), format!("rows {with}"));
                Some(Step::new(Action::Change, &origin, description).require(
                    format!("no row has a value of {origin}"),
                    probe.values(&to.name),
                    (&one, &many),
                    "Make new fields of an embedded type optional and keep its other fields; or put the new form into a field of another name.",
                ))
            }
            (old, new) if old == new => None,
            // The same bytes.
            (ColumnType::Int, ColumnType::BigInt) if self.dialect == Dialect::Sqlite => None,
            (old, new) => {
                let wider = matches!((old, new), (ColumnType::Int, ColumnType::BigInt));
                let (old, new) = (type_name(old), type_name(new));
                let mut reason =
                    format!("every value of {origin} would have to be written anew, from {old} to {new}");
                let risk = rewrites(&reason);
                if !wider {
                    reason.push_str(", and some may have no meaning there");
                }
                let description = format!("change {origin} from {old} to {new}");
                Some(Step::new(Action::Change, &origin, description).refuse(risk, Refusal::new(reason, hint)))
            }
        }
    }

    pub(super) fn alter_key(&self, table: &Table) -> Step {
        let reason = "the primary key would be another, and everything that refers to it with it";
        Step::new(
            Action::Change,
            table.origin(),
            format!("change the primary key of {}", describe::table(table)),
        )
        .refuse(
            rewrites(reason),
            Refusal::new(reason, "Add a type with the key you want, and copy the rows through the API."),
        )
    }
}

fn sqlite_null(table: &Table, column: &Column) -> Step {
    let origin = table.origin_of(column);
    let what = if column.required { "required" } else { "optional" };
    let reason = "SQLite would have to write the whole table anew";
    let hint = if column.required {
        format!(
            "Leave {origin} optional and hold new rows to it by a check: `@check(where: {{ {}: {{ isNull: false }} }})` on the type.",
            column.field
        )
    } else {
        format!("Leave {origin} required and give it a default, or add an optional field under another name.")
    };
    Step::new(Action::Change, &origin, format!("make {origin} {what}"))
        .refuse(rewrites(reason), Refusal::new(reason, hint))
}

fn rewrites(reason: &str) -> Risk {
    Risk::Rewrites { reason: reason.to_owned(), safer: "see the hint".to_owned() }
}

fn circle() -> Refusal {
    Refusal::new(
        "the names go round in a circle",
        "Rename one of them to a third name first, apply, then rename again.",
    )
}

fn type_name(ty: &ColumnType) -> &'static str {
    match ty {
        ColumnType::Serial => "a counted key",
        ColumnType::Uuid => "UUID",
        ColumnType::BigInt => "BigInt",
        ColumnType::Int => "Int",
        ColumnType::Float => "Float",
        ColumnType::Boolean => "Boolean",
        ColumnType::Decimal => "Decimal",
        ColumnType::Date => "Date",
        ColumnType::DateTime => "DateTime",
        ColumnType::Text => "text",
        ColumnType::Json(Form::List(_)) => "a list",
        ColumnType::Json(Form::Object(_)) => "an embedded value",
        ColumnType::Json(Form::Any | Form::Scalar(_) | Form::Enum(_) | Form::Again(_)) => "JSON",
    }
}
