//! Values of one type as values of another, where none is lost.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::Planner;
use crate::alias;
use crate::change::Change;
use crate::ddl::literal::{constant, ident, text, texts};
use crate::ddl::{column::sql_type, postgres};
use crate::dialect::Dialect;
use crate::shape::{Check, Column, ColumnType, Condition, Form, Table};
use crate::step::{Action, Step};
use crate::verdict::{Mode, Phase, Verdict};

/// How the values of a column become those of another type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Conversion {
    /// The value, by the column.
    pub(super) value: String,
    /// Which values have no meaning in the new type; none where all have.
    pub(super) misfits: Option<String>,
}

impl Planner<'_> {
    /// The conversion, where there is one that loses nothing. Keys and what refers to them have none: both sides would
    /// have to change at once.
    pub(super) fn conversion(
        &self,
        table: &Table,
        from: &Column,
        to: &Column,
        column: &str,
    ) -> Option<Conversion> {
        let linked = table.primary_key.contains(&to.name)
            || table.foreign_keys.iter().any(|key| key.column == to.name);
        if linked || from.ty == to.ty {
            return None;
        }
        match self.dialect {
            Dialect::Postgres => postgres_value(&from.ty, &to.ty, column),
            Dialect::Sqlite => sqlite_value(&from.ty, &to.ty, column),
        }
    }

    /// The values of the columns of a table that are written anew, as SQL over `name` of each: other types, and enum
    /// values that have another name.
    pub(super) fn values(
        &self,
        table: &Table,
        name: impl Fn(&Column, &Column) -> String,
    ) -> BTreeMap<String, String> {
        let Some(former) = self.diff.former.get(&table.name) else { return BTreeMap::new() };
        let Some(old) = self.old.table(&former.table) else { return BTreeMap::new() };
        let pairs = table.columns.iter().filter_map(|to| {
            let from = old.column(former.columns.get(&to.name)?)?;
            Some((from, to))
        });
        pairs
            .filter_map(|(from, to)| {
                let column = name(from, to);
                let renamed = self.renamed_values(table, to);
                let value = match self.conversion(table, from, to, &column) {
                    Some(Conversion { value, misfits: Some(misfits) }) => {
                        format!("CASE WHEN NOT ({misfits}) THEN {value} END")
                    }
                    Some(Conversion { value, misfits: None }) => value,
                    None if renamed.is_empty() => return None,
                    None => renamed_value(self.dialect, to, &renamed, &column),
                };
                Some((to.name.clone(), value))
            })
            .collect()
    }

    /// The values of an enum column that rows have under a former name: now, and before.
    pub(super) fn renamed_values(&self, table: &Table, column: &Column) -> Vec<(String, String)> {
        let member = |check: &Check| match &check.condition {
            Condition::Member { column: of, values, .. } if *of == column.name => Some(values.clone()),
            _ => None,
        };
        let Some(check) = table.checks.iter().find(|check| member(check).is_some()) else {
            return Vec::new();
        };
        let now = member(check).unwrap_or_default();
        let Some(former) = self.diff.former.get(&table.name) else { return Vec::new() };
        let name = former.columns.get(&column.name);
        let old = self.old.table(&former.table).into_iter().flat_map(|old| &old.checks);
        let before: Vec<String> = old
            .filter_map(|check| match &check.condition {
                Condition::Member { column, values, .. } if Some(column) == name => Some(values.clone()),
                _ => None,
            })
            .flatten()
            .collect();
        let mut renamed = check.renamed.clone();
        renamed.retain(|(_, was)| before.contains(was) && !now.contains(was));
        renamed
    }

    /// The step that writes a column in another type.
    pub(super) fn converted(
        &self,
        table: &Table,
        from: &Column,
        to: &Column,
        conversion: &Conversion,
    ) -> Step {
        let origin = table.origin_of(to);
        let (old, new) = (type_name(&from.ty), type_name(&to.ty));
        let description = format!("change {origin} from {old} to {new}");
        let mut step = Step::new(Action::Change, &origin, description).on(Phase::Backfill);
        if self.dialect == Dialect::Postgres {
            let (column, mut parts) = (ident(&to.name), Vec::new());
            if from.default.is_some() {
                parts.push(format!("ALTER COLUMN {column} DROP DEFAULT"));
            }
            let collation = if to.ty == ColumnType::Text { " COLLATE \"C\"" } else { "" };
            parts.push(format!(
                "ALTER COLUMN {column} TYPE {}{collation} USING {}",
                sql_type(self.dialect, &to.ty),
                conversion.value
            ));
            if let Some(value) = &to.default {
                parts.push(format!("ALTER COLUMN {column} SET DEFAULT {}", constant(self.dialect, value)));
            }
            let alter = postgres::alter(&table.name, &parts.join(", "));
            step = step.run(alias::over(&table.name, [alter]));
        }
        step = step.long(Verdict::Backfill, &table.name, self.former(table), self.exclusive()).makes(
            Change::AlterColumn {
                table: table.clone(),
                from: from.clone(),
                to: Column { required: from.required, ..to.clone() },
            },
        );
        self.fits(step, table, from, to)
    }

    /// The lock against everybody that this database has.
    pub(super) fn exclusive(&self) -> Mode {
        match self.dialect {
            Dialect::Postgres => Mode::AccessExclusive,
            Dialect::Sqlite => Mode::File,
        }
    }

    /// Every value must have a meaning in the new type.
    pub(super) fn fits(&self, step: Step, table: &Table, from: &Column, to: &Column) -> Step {
        let Some(probe) = self.probe(table) else { return step };
        let former = probe.former.columns.get(&to.name).unwrap_or(&to.name);
        let Some(misfits) = self.conversion(table, from, to, &ident(former)).and_then(|it| it.misfits) else {
            return step;
        };
        let (origin, new) = (table.origin_of(to), type_name(&to.ty));
        step.require(
            format!("every value of {origin} is one of {new}"),
            probe.misfits(&misfits),
            (
                &format!("value of {origin} that {new} can't have"),
                &format!("values of {origin} that {new} can't have"),
            ),
            "Correct those values, then apply again; or take the change of the type back.",
        )
    }
}

/// The value of an enum column, or of a list of them, under the names of now.
pub(super) fn renamed_value(
    dialect: Dialect,
    column: &Column,
    renamed: &[(String, String)],
    name: &str,
) -> String {
    let cases = |value: &str| {
        let mut sql = format!("CASE {value}");
        for (now, was) in renamed {
            let _ = write!(sql, " WHEN {} THEN {}", text(dialect, was), text(dialect, now));
        }
        format!("{sql} ELSE {value} END")
    };
    match (&column.ty, dialect) {
        (ColumnType::Json(_), Dialect::Postgres) => format!(
            "CASE WHEN {name} IS NOT NULL THEN (SELECT coalesce(jsonb_agg({} ORDER BY place), '[]'::jsonb) \
             FROM jsonb_array_elements_text({name}) WITH ORDINALITY AS item(value, place)) END",
            cases("item.value")
        ),
        (ColumnType::Json(_), Dialect::Sqlite) => format!(
            "CASE WHEN {name} IS NOT NULL THEN (SELECT json_group_array({}) FROM json_each({name}) AS item) END",
            cases("item.value")
        ),
        _ => cases(name),
    }
}

/// Which rows have a value under a former name.
pub(super) fn has_former(
    dialect: Dialect,
    column: &Column,
    renamed: &[(String, String)],
    name: &str,
) -> String {
    let former: Vec<String> = renamed.iter().map(|(_, was)| was.clone()).collect();
    let list = texts(dialect, &former);
    match (&column.ty, dialect) {
        (ColumnType::Json(_), Dialect::Postgres) => {
            format!("jsonb_exists_any({name}, ARRAY[{list}]::text[])")
        }
        (ColumnType::Json(_), Dialect::Sqlite) => {
            format!("EXISTS (SELECT 1 FROM json_each({name}) AS item WHERE item.value IN ({list}))")
        }
        _ => format!("{name} IN ({list})"),
    }
}

fn all(value: String) -> Option<Conversion> {
    Some(Conversion { value, misfits: None })
}

fn some(value: String, misfits: String) -> Option<Conversion> {
    Some(Conversion { value, misfits: Some(misfits) })
}

/// A number of thirteen digits before the point, which a decimal has.
const LARGEST: &str = "9999999999999";

fn postgres_value(from: &ColumnType, to: &ColumnType, column: &str) -> Option<Conversion> {
    use ColumnType as T;
    match (from, to) {
        (T::Int, T::BigInt | T::Float | T::Decimal) => {
            all(format!("{column}::{}", sql_type(Dialect::Postgres, to)))
        }
        (T::BigInt, T::Int) => {
            some(format!("{column}::integer"), format!("{column} NOT BETWEEN -2147483648 AND 2147483647"))
        }
        (T::BigInt, T::Decimal) => {
            some(format!("{column}::numeric(19,6)"), format!("{column} NOT BETWEEN -{LARGEST} AND {LARGEST}"))
        }
        (T::Date, T::DateTime) => all(format!("{column}::timestamp AT TIME ZONE 'UTC'")),
        (T::Int | T::BigInt | T::Uuid | T::Boolean, T::Text) => all(format!("{column}::text")),
        (T::Date, T::Text) => all(format!("to_char({column}, 'YYYY-MM-DD')")),
        (T::Text, T::Int | T::BigInt) => {
            some(format!("{column}::{}", sql_type(Dialect::Postgres, to)), whole_number(column, to))
        }
        (T::Text, T::Uuid) => some(
            format!("{column}::uuid"),
            format!("{column} !~ '^[0-9a-fA-F]{{8}}(-[0-9a-fA-F]{{4}}){{3}}-[0-9a-fA-F]{{12}}$'"),
        ),
        _ => None,
    }
}

/// Nine or eighteen digits fit whatever they are; the rest is for people.
fn whole_number(column: &str, to: &ColumnType) -> String {
    let digits = if *to == ColumnType::Int { 8 } else { 17 };
    format!("{column} !~ '^(0|-?[1-9][0-9]{{0,{digits}}})$'")
}

fn sqlite_value(from: &ColumnType, to: &ColumnType, column: &str) -> Option<Conversion> {
    use ColumnType as T;
    match (from, to) {
        (T::Int, T::BigInt) | (T::Uuid | T::Date, T::Text) => all(column.to_owned()),
        (T::Int, T::Float) => all(format!("CAST({column} AS REAL)")),
        (T::Int, T::Decimal) => all(format!("{column} * 1000000")),
        (T::BigInt, T::Int) => {
            some(column.to_owned(), format!("{column} NOT BETWEEN -2147483648 AND 2147483647"))
        }
        (T::BigInt, T::Decimal) => some(
            format!("{column} * 1000000"),
            format!("{column} NOT BETWEEN -9223372036854 AND 9223372036854"),
        ),
        (T::Date, T::DateTime) => all(format!("{column} || 'T00:00:00'")),
        (T::Int | T::BigInt, T::Text) => all(format!("CAST({column} AS TEXT)")),
        (T::Boolean, T::Text) => all(format!("CASE {column} WHEN 1 THEN 'true' WHEN 0 THEN 'false' END")),
        (T::Text, T::Int | T::BigInt) => some(
            format!("CAST({column} AS INTEGER)"),
            format!(
                "(CAST(CAST({column} AS INTEGER) AS TEXT) <> {column} OR length({column}) > {})",
                if *to == T::Int { 9 } else { 18 }
            ),
        ),
        (T::Text, T::Uuid) => {
            let digit = "[0-9a-fA-F]";
            let groups: Vec<_> = [8, 4, 4, 4, 12].iter().map(|count| digit.repeat(*count)).collect();
            some(format!("lower({column})"), format!("{column} NOT GLOB '{}'", groups.join("-")))
        }
        _ => None,
    }
}

/// What people call a type.
pub(super) fn type_name(ty: &ColumnType) -> &'static str {
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
