//! A column of a large table in another type, beside those who work (PostgreSQL): a second column is filled by a trigger and
//! in batches, gets the indexes and checks of the first, and takes its place in a moment.

use std::collections::BTreeSet;

use super::convert::Conversion;
use super::{Planner, describe};
use crate::alias;
use crate::change::Change;
use crate::ddl::literal::{constant, ident};
use crate::ddl::{create_index, postgres};
use crate::dialect::Dialect;
use crate::reserved::TEMPORARY;
use crate::shape::{Check, Column, Condition, Index, Table};
use crate::step::{Action, Step};
use crate::verdict::{Mode, Phase, Verdict};

/// A column that takes the place of another one.
struct Shadow<'a> {
    table: &'a Table,
    from: &'a Column,
    to: &'a Column,
    /// Its name until then.
    name: String,
    /// The trigger that fills it, and its function.
    trigger: String,
    /// The indexes that the column gets, each under its name until then.
    indexes: Vec<(Index, Index)>,
    /// The checks, likewise.
    checks: Vec<(Check, Check)>,
}

impl<'a> Shadow<'a> {
    fn new(table: &'a Table, from: &'a Column, to: &'a Column) -> Self {
        let name = entity::name::identifier(&[TEMPORARY, &to.name]);
        let mut shadowed = table.clone();
        shadowed.rename_column(&to.name, &name);
        let indexes = table.indexes.iter().zip(&shadowed.indexes);
        let indexes = indexes.filter(|(index, _)| index.names().contains(&to.name)).map(|(index, now)| {
            let name = entity::name::identifier(&[TEMPORARY, &index.name]);
            (index.clone(), Index { name, ..now.clone() })
        });
        let checks = table.checks.iter().zip(&shadowed.checks);
        let checks = checks.filter(|(check, _)| check.names().contains(&to.name)).map(|(check, now)| {
            let name = entity::name::identifier(&[TEMPORARY, &check.name]);
            (check.clone(), Check { name, ready: false, ..now.clone() })
        });
        let (indexes, mut checks): (Vec<_>, Vec<_>) = (indexes.collect(), checks.collect());
        if to.required {
            // Proves NOT NULL, and ends with it.
            let proof = Check {
                name: entity::name::identifier(&[TEMPORARY, "nn", &table.name, &to.name]),
                field: Some(to.field.clone()),
                condition: Condition::Not(Box::new(Condition::is_null(&name))),
                renamed: Vec::new(),
                ready: false,
            };
            checks.push((proof.clone(), proof));
        }
        let trigger = trigger(&table.name, &name);
        Self { table, from, to, name, trigger, indexes, checks }
    }

    fn column(&self) -> Column {
        let (name, field) = (self.name.clone(), self.name.clone());
        Column { name, field, was: None, required: false, default: None, ..self.to.clone() }
    }
}

/// The name of the trigger that fills a column which takes the place of another one, and of its function.
fn trigger(table: &str, column: &str) -> String {
    entity::name::identifier(&[TEMPORARY, table, column])
}

/// The statements that end such a column, its trigger and function.
pub(super) fn clear(table: &str, column: &str) -> Vec<String> {
    let trigger = ident(&trigger(table, column));
    vec![
        format!("DROP TRIGGER IF EXISTS {trigger} ON {}", ident(table)),
        format!("DROP FUNCTION IF EXISTS {trigger}()"),
        postgres::alter(table, &format!("DROP COLUMN IF EXISTS {}", ident(column))),
    ]
}

impl Planner<'_> {
    /// Whether a change of a column's type is done beside those who work.
    pub(super) fn is_shadowed(&self, table: &Table, column: &str) -> bool {
        let Some(former) = self.diff.former.get(&table.name) else { return false };
        let pair = || {
            let from = self.old.table(&former.table)?.column(former.columns.get(column)?)?;
            Some((from, table.column(column)?))
        };
        self.dialect == Dialect::Postgres
            && self.scale.is_large(&former.table)
            && pair().is_some_and(|(from, to)| self.conversion(table, from, to, "").is_some())
    }

    /// Whether an index or a check of a table comes with a column that takes the place of another one.
    pub(super) fn comes_with_shadow(&self, table: &Table, columns: &BTreeSet<String>) -> bool {
        columns.iter().any(|column| self.is_shadowed(table, column))
    }

    pub(super) fn shadow(&self, table: &Table, from: &Column, to: &Column) -> Vec<Step> {
        let shadow = Shadow::new(table, from, to);
        let mut steps = vec![self.begin_shadow(&shadow)];
        steps.extend(self.fill_shadow(&shadow));
        for (index, now) in &shadow.indexes {
            steps.extend(self.index_shadow(&shadow, index, now));
        }
        for (check, now) in &shadow.checks {
            steps.extend(self.check_shadow(&shadow, check, now));
        }
        steps.push(self.swap_shadow(&shadow));
        steps
    }

    fn value(&self, shadow: &Shadow<'_>, column: &str) -> String {
        let conversion = self.conversion(shadow.table, shadow.from, shadow.to, column);
        let value = conversion.map_or_else(|| column.to_owned(), |Conversion { value, .. }| value);
        match &shadow.to.default {
            Some(default) if shadow.to.required && !shadow.from.required => {
                format!("coalesce({value}, {})", constant(self.dialect, default))
            }
            _ => value,
        }
    }

    fn begin_shadow(&self, shadow: &Shadow<'_>) -> Step {
        let (table, origin) = (shadow.table, shadow.table.origin_of(shadow.to));
        let (trigger, column) = (ident(&shadow.trigger), ident(&shadow.name));
        let value = self.value(shadow, &format!("NEW.{}", ident(&shadow.to.name)));
        let step = Step::new(Action::Change, &origin, format!("add a column that becomes {origin}, and a trigger that fills it"))
            .run(clear(&table.name, &shadow.name))
            .run([
                postgres::add_column(&table.name, &shadow.column()),
                format!("CREATE FUNCTION {trigger}() RETURNS trigger LANGUAGE plpgsql AS $launchway$ BEGIN NEW.{column} := {value}; RETURN NEW; END $launchway$"),
                format!("CREATE TRIGGER {trigger} BEFORE INSERT OR UPDATE ON {} FOR EACH ROW EXECUTE FUNCTION {trigger}()", ident(&table.name)),
            ])
            .makes(Change::AddColumn { table: table.clone(), column: shadow.column(), key: None });
        let step = self.fits(self.quick(step, table), table, shadow.from, shadow.to);
        let empty = !shadow.from.required && shadow.to.required && shadow.to.default.is_none();
        if empty { self.valued(step, table, shadow.to) } else { step }
    }

    fn fill_shadow(&self, shadow: &Shadow<'_>) -> Option<Step> {
        let table = shadow.table;
        let origin = table.origin_of(shadow.to);
        let (column, former) = (ident(&shadow.name), ident(&shadow.to.name));
        let set = format!("{column} = {}", self.value(shadow, &former));
        let filled = shadow.to.required && shadow.to.default.is_some();
        let todo = match filled {
            true => format!("{column} IS NULL"),
            false => format!("{column} IS NULL AND {former} IS NOT NULL"),
        };
        let description = format!("write the values of {origin} in the new type");
        self.backfill(table, &origin, description, (set, todo))
    }

    fn index_shadow(&self, shadow: &Shadow<'_>, index: &Index, now: &Index) -> Option<Step> {
        let table = shadow.table;
        let statement = create_index(self.dialect, &table.name, now)?;
        let what = format!("add {} for the new type", describe::index(table, index));
        let step = Step::new(Action::Add, table.origin(), what)
            .on(Phase::Contract)
            .long(Verdict::Online, &table.name, self.former(table), Mode::ShareUpdateExclusive)
            .concurrent(&now.name, statement)
            .makes(Change::AddIndex { table: table.clone(), index: now.clone() });
        Some(self.apart(step, table, index))
    }

    fn check_shadow(&self, shadow: &Shadow<'_>, check: &Check, now: &Check) -> [Step; 2] {
        let (table, origin) = (shadow.table, shadow.table.origin_of(shadow.to));
        let hold =
            Step::new(Action::Add, &origin, format!("hold new rows to {}", describe::check(table, check)))
                .on(Phase::Contract)
                .run([postgres::replace_check(&table.name, Some(&now.name), now)])
                .makes(Change::AddCheck { table: table.clone(), check: now.clone() });
        let proof = check.name == now.name;
        let hold = self.quick(hold, table);
        let hold = if proof { hold } else { self.hold(hold, table, check) };
        let look = self
            .look(Action::Add, table, &origin, &describe::check(table, check), &now.name)
            .makes(Change::AddCheck { table: table.clone(), check: Check { ready: true, ..now.clone() } });
        [hold, look]
    }

    fn swap_shadow(&self, shadow: &Shadow<'_>) -> Step {
        let (table, to) = (shadow.table, shadow.to);
        let (origin, trigger) = (table.origin_of(to), ident(&shadow.trigger));
        let mut statements = vec![
            format!("DROP TRIGGER {trigger} ON {}", ident(&table.name)),
            format!("DROP FUNCTION {trigger}()"),
            postgres::alter(&table.name, &format!("DROP COLUMN {}", ident(&to.name))),
            postgres::rename_column(&table.name, &shadow.name, &to.name),
        ];
        let what = format!("put the column of the new type in the place of {origin}");
        let mut step = Step::new(Action::Change, &origin, what)
            .on(Phase::Contract)
            .makes(Change::RemoveColumn { table: table.clone(), column: shadow.from.clone() })
            .makes(Change::RemoveColumn { table: table.clone(), column: shadow.column() })
            .makes(Change::AddColumn { table: table.clone(), column: to.clone(), key: None });
        if to.default.is_some() {
            statements.push(postgres::set_default(&table.name, to));
        }
        for (index, now) in &shadow.indexes {
            if create_index(self.dialect, &table.name, now).is_some() {
                statements.push(postgres::rename_index(&now.name, &index.name));
            }
            step = step.makes(Change::AddIndex { table: table.clone(), index: index.clone() });
        }
        for (check, now) in &shadow.checks {
            if check.name == now.name {
                statements.push(postgres::alter_column(&table.name, &to.name, "SET NOT NULL"));
                statements.push(postgres::drop_constraint(&table.name, &now.name));
            } else {
                statements.push(postgres::rename_constraint(&table.name, &now.name, &check.name));
                step = step.makes(Change::AddCheck { table: table.clone(), check: check.clone() });
            }
        }
        let step = step.run(alias::over(&table.name, statements));
        self.quick(step, table)
    }
}
