//! What was changed by hand: how the database differs from what was applied last, and what `apply` does about it.

use std::collections::BTreeSet;
use std::fmt;

use serde::Serialize;

use crate::ddl::literal::{ident, idents};
use crate::ddl::postgres;
use crate::dialect::Dialect;
use crate::facts::expect::{foreign_key_name, key_name};
use crate::facts::{Aspect, Difference, Facts, Kind, Part, TableFacts, compare, expect};
use crate::reserved::is_temporary;
use crate::shape::{ForeignKey, Shape, Table};
use crate::step::{Action, Refusal, Step};
use crate::verdict::Verdict;

/// One thing that is not as it was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Drift {
    /// What, for people: `the column "mood" of "tracks" (Track.mood)`.
    pub what: String,
    /// The table by its name in the database.
    pub table: String,
    /// Which part of it: a step that touches it may have to be refused.
    pub part: Part,
    /// What people call it, where the model has it: `Track.mood`.
    pub origin: Option<String>,
    /// What became of it.
    pub kind: DriftKind,
    /// As it was made; none for what is there besides.
    pub expected: Option<String>,
    /// As it is; none for what is gone.
    pub found: Option<String>,
    /// What apply does about it.
    pub answer: Answer,
    /// What may go wrong as long as it stays so.
    pub warning: Option<String>,
}

/// What became of something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DriftKind {
    /// Made by hand.
    Extra,
    /// Gone.
    Missing,
    /// Gone, and something alike has come under another name.
    Renamed,
    /// There, but not in force.
    Invalid,
    /// Another than was made.
    Differs,
}

/// What apply does about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// Nothing, unless a step needs it to be otherwise.
    LeavesAlone,
    /// It is made again, by steps of the plan.
    Restores,
    /// Nothing at all is done before a person decides. This is the way out.
    Refuses(String),
}

/// How a database differs from the shape it was given last. `recorded` is what was found right after that: with it
/// texts (definitions, defaults, conditions) are compared as well, else only what the shape itself tells. Temporary
/// objects ([`crate::TEMPORARY`]) are no drift: they belong to an apply that was broken off.
#[must_use]
pub fn drift(shape: &Shape, recorded: Option<&Facts>, found: &Facts, dialect: Dialect) -> Vec<Drift> {
    let expected = expect(shape, dialect);
    let mut differences = compare(&expected, found);
    let printed = recorded.map(|recorded| compare(recorded, found)).unwrap_or_default();
    for difference in printed {
        let told = differences.iter().any(|other| {
            (&other.table, &other.part, other.kind) == (&difference.table, &difference.part, difference.kind)
        });
        let known =
            expected.tables.get(&difference.table).is_some_and(|table| knows(table, &difference.part));
        if known && !told && matches!(difference.kind, Kind::Differs(_)) {
            differences.push(difference);
        }
    }
    let judge = Judge { shape, recorded, found, expected: &expected, differences: &differences, dialect };
    let mut drifts: Vec<_> = differences.iter().filter_map(|difference| judge.of(difference)).collect();
    drifts.extend(shape.tables.iter().filter_map(|table| judge.sqlite_checks(table)));
    let suspects: BTreeSet<_> =
        differences.iter().flat_map(|difference| judge.suspects(difference)).collect();
    drifts.retain(|drift| {
        drift.kind != DriftKind::Extra || !suspects.contains(&(drift.table.clone(), drift.part.clone()))
    });
    // What others rely on is made again before them.
    drifts.sort_by_key(|drift| (drift.table.clone(), drift.part.clone()));
    drifts.sort_by_key(|drift| drift.part != Part::PrimaryKey);
    drifts
}

/// Whether a table should have a part.
fn knows(table: &TableFacts, part: &Part) -> bool {
    match part {
        Part::Table | Part::Options | Part::PrimaryKey => true,
        Part::Column(name) => table.columns.contains_key(name),
        Part::ForeignKey(name) => table.foreign_keys.contains_key(name),
        Part::Index(name) => table.indexes.contains_key(name),
        Part::Check(name) => table.checks.contains_key(name),
        Part::Trigger(name) => table.triggers.contains_key(name),
        Part::View => false,
    }
}

/// Everything that a verdict on a difference depends on.
#[derive(Clone, Copy)]
struct Judge<'a> {
    shape: &'a Shape,
    recorded: Option<&'a Facts>,
    found: &'a Facts,
    expected: &'a Facts,
    differences: &'a [Difference],
    dialect: Dialect,
}

impl Judge<'_> {
    /// None for what is no drift, or only follows from another one.
    fn of(&self, difference: &Difference) -> Option<Drift> {
        let Difference { table, part, kind, expected, found } = difference;
        if is_temporary(table) || name(part).is_some_and(is_temporary) || self.follows(difference) {
            return None;
        }
        let mut drift = Drift {
            what: self.what(table, part),
            table: table.clone(),
            part: part.clone(),
            origin: self.origin(table, part),
            kind: match kind {
                Kind::Missing => DriftKind::Missing,
                Kind::Extra => DriftKind::Extra,
                Kind::Invalid => DriftKind::Invalid,
                Kind::Differs(_) => DriftKind::Differs,
            },
            expected: expected.clone(),
            found: found.clone(),
            answer: Answer::LeavesAlone,
            warning: None,
        };
        match (kind, part) {
            (Kind::Extra, Part::Column(column)) => drift.warning = self.unfilled(table, column),
            (Kind::Extra, _) => {}
            (Kind::Missing, Part::Table | Part::Column(_)) => self.lost(&mut drift, difference),
            (Kind::Missing | Kind::Invalid, _) => drift.answer = self.restore(difference),
            (Kind::Differs(Aspect::Definition), Part::PrimaryKey) => {
                drift.answer = Answer::Refuses(
                    "Bring the former key back by hand: everything that refers to the table relies on it."
                        .to_owned(),
                );
            }
            (Kind::Differs(_), _) => {
                drift.warning = Some(
                    "A step that touches it can fail or take it back; bring it back by hand.".to_owned(),
                );
            }
        }
        Some(drift)
    }

    /// Whether a difference only follows from another one that is told.
    fn follows(&self, difference: &Difference) -> bool {
        let Difference { table, part, kind, .. } = difference;
        let Some(shaped) = self.shape.table(table) else { return false };
        let known = self.expected.tables.get(table).is_some_and(|expected| knows(expected, part));
        let gone = |column: &String| self.is_missing(table, &Part::Column(column.clone()));
        let lacks_columns = known
            && match part {
                Part::Table | Part::View | Part::Options | Part::Column(_) => false,
                Part::PrimaryKey => shaped.primary_key.iter().any(gone),
                Part::Index(name) => {
                    let index = shaped.indexes.iter().find(|index| index.name == *name);
                    index.is_some_and(|index| index.names().iter().any(gone))
                }
                Part::ForeignKey(name) => {
                    let mut keys = shaped.foreign_keys.iter();
                    let key = keys.find(|key| foreign_key_name(key, self.dialect) == name);
                    let target = key.map(|key| &key.target);
                    key.is_some_and(|key| gone(&key.column))
                        || target.is_some_and(|target| self.is_missing(target, &Part::Table))
                }
                Part::Check(name) => {
                    let check = shaped.checks.iter().find(|check| check.name == *name);
                    check.is_some_and(|check| check.names().iter().any(gone))
                }
                Part::Trigger(_) => shaped.columns.iter().any(|column| gone(&column.name)),
            };
        let others = || self.differences.iter().filter(|other| (&other.table, &other.part) == (table, part));
        let covered = match (kind, part) {
            // An index that is not in force is made again anyway; a constraint that is another is not held to its text.
            (Kind::Differs(_), Part::Index(_)) => others().any(|other| other.kind == Kind::Invalid),
            (Kind::Invalid, Part::ForeignKey(_) | Part::Check(_)) => {
                others().any(|other| matches!(other.kind, Kind::Differs(_)))
            }
            // SQLite's triggers are told of together, and a check of theirs by its trigger.
            (Kind::Missing, Part::Check(_) | Part::Trigger(_)) => self.dialect == Dialect::Sqlite,
            (Kind::Differs(_), Part::Check(_)) if self.dialect == Dialect::Sqlite => known,
            (Kind::Differs(_), Part::Trigger(_)) => self.lacks_checks(shaped),
            _ => false,
        };
        lacks_columns || covered
    }

    fn is_missing(&self, table: &str, part: &Part) -> bool {
        let mut all = self.differences.iter();
        all.any(|other| other.table == table && other.part == *part && other.kind == Kind::Missing)
    }

    /// Whether a table on SQLite has lost a check or one of the triggers that hold them.
    fn lacks_checks(&self, table: &Table) -> bool {
        self.dialect == Dialect::Sqlite
            && self.differences.iter().any(|other| {
                other.table == table.name
                    && other.kind == Kind::Missing
                    && matches!(other.part, Part::Check(_) | Part::Trigger(_))
            })
    }

    /// SQLite's checks are in two triggers, which are made again together.
    fn sqlite_checks(&self, table: &Table) -> Option<Drift> {
        let whole = table.columns.iter().all(|column| self.found.has(&table.name, Some(&column.name)));
        if !whole || !self.lacks_checks(table) {
            return None;
        }
        let missing =
            self.differences.iter().filter(|other| other.table == table.name && other.kind == Kind::Missing);
        let parts: Vec<_> = missing
            .filter(|other| matches!(other.part, Part::Check(_) | Part::Trigger(_)))
            .map(|other| other.part.to_string())
            .collect();
        let names = table.checks.iter().map(|check| format!("\"{}\"", check.name));
        Some(Drift {
            what: format!("{} of \"{}\" ({})", parts.join(", "), table.name, table.origin()),
            table: table.name.clone(),
            part: Part::Trigger(format!("{}_check_insert", table.name)),
            origin: None,
            kind: DriftKind::Missing,
            expected: Some(format!("triggers that hold {}", names.collect::<Vec<_>>().join(", "))),
            found: None,
            answer: Answer::Restores,
            warning: None,
        })
    }

    fn origin(&self, table: &str, part: &Part) -> Option<String> {
        let shaped = self.shape.table(table)?;
        match part {
            Part::Column(name) => shaped.column(name).map(|column| shaped.origin_of(column)),
            Part::Table => Some(shaped.origin().to_owned()),
            _ => None,
        }
    }

    fn what(&self, table: &str, part: &Part) -> String {
        let whole = match part {
            Part::Table | Part::View => format!("{part} \"{table}\""),
            other => format!("{other} of \"{table}\""),
        };
        let origin = self.origin(table, part);
        origin.map_or(whole.clone(), |origin| format!("{whole} ({origin})"))
    }

    /// The trouble that a column made by hand in one of our tables makes.
    fn unfilled(&self, table: &str, column: &str) -> Option<String> {
        let found = self.found.tables.get(table)?.columns.get(column)?;
        let unfilled = !found.nullable && !found.defaulted && found.filled.is_none();
        unfilled.then(|| {
            "It takes no row without a value and has no default: every row made through the APIs is refused. \
             Give it a default, or let it be null."
                .to_owned()
        })
    }

    /// What a lost table or column may have been renamed to: things of the same form that have come since.
    fn suspects(&self, difference: &Difference) -> Vec<(String, Part)> {
        let Some(expected) = self.expected.tables.get(&difference.table) else { return Vec::new() };
        let extra = self.differences.iter().filter(|other| other.kind == Kind::Extra);
        let before = |table: &str, column: Option<&str>| {
            self.recorded.is_some_and(|recorded| recorded.has(table, column))
        };
        let fits = |other: &&Difference| match (&difference.part, &other.part) {
            (Part::Table, Part::Table) => {
                let now = self.found.tables.get(&other.table);
                let same = now.is_some_and(|now| alike(expected, now));
                same && !before(&other.table, None)
            }
            (Part::Column(lost), Part::Column(name)) => {
                let of = |facts: &Facts, name: &str| {
                    facts.tables.get(&other.table)?.columns.get(name).map(|column| column.ty.clone())
                };
                other.table == difference.table
                    && of(self.expected, lost) == of(self.found, name)
                    && !before(&other.table, Some(name))
            }
            (_, _) => false,
        };
        if difference.kind != Kind::Missing {
            return Vec::new();
        }
        extra.filter(fits).map(|other| (other.table.clone(), other.part.clone())).collect()
    }

    /// A table or column is gone, or has another name.
    fn lost(&self, drift: &mut Drift, difference: &Difference) {
        let suspects = self.suspects(difference);
        let shaped = self.shape.table(&drift.table);
        let origin = match (shaped, &drift.part) {
            (Some(shaped), Part::Column(name)) => shaped.column(name).map(|column| shaped.origin_of(column)),
            (shaped, _) => shaped.map(|shaped| shaped.origin().to_owned()),
        };
        let recreate = format!("`--allow recreate:{}`", origin.unwrap_or_else(|| drift.table.clone()));
        let back: Vec<_> =
            suspects.iter().map(|(table, part)| self.rename_back(drift, table, part)).collect();
        let hint = match back.as_slice() {
            [] if drift.found.is_some() => {
                format!(
                    "A view has taken its name: rename or drop the view and restore the table from a backup, or make it anew and empty with {recreate}."
                )
            }
            [] => format!("Restore it from a backup, or make it anew and empty with {recreate}."),
            back => {
                drift.kind = DriftKind::Renamed;
                let names: Vec<_> =
                    suspects.iter().map(|(table, part)| name(part).unwrap_or(table)).map(ident).collect();
                drift.found = Some(names.join(", "));
                format!(
                    "Renamed by hand to {}? Rename it back: {}. To rename it for good, write `@was` in the model and apply. \
                     If it was not, make it anew and empty with {recreate}.",
                    names.join(" or "),
                    back.join(" or ")
                )
            }
        };
        drift.answer = Answer::Refuses(hint);
    }

    fn rename_back(&self, drift: &Drift, table: &str, part: &Part) -> String {
        match (part, &drift.part) {
            (Part::Column(from), Part::Column(to)) => {
                format!("`ALTER TABLE {} RENAME COLUMN {} TO {}`", ident(table), ident(from), ident(to))
            }
            (_, _) => format!("`ALTER TABLE {} RENAME TO {}`", ident(table), ident(&drift.table)),
        }
    }

    /// What is missing or not in force can be made again without a loss.
    fn restore(&self, difference: &Difference) -> Answer {
        let Some(table) = self.shape.table(&difference.table) else { return Answer::LeavesAlone };
        match &difference.part {
            Part::Index(name) => self.restore_index(name, difference.kind == Kind::Invalid),
            Part::ForeignKey(_) | Part::Check(_) => Answer::Restores,
            Part::PrimaryKey if self.dialect == Dialect::Postgres => {
                let (key, columns) = (ident(&key_name(&table.name)), idents(&table.primary_key));
                let what = format!("ADD CONSTRAINT {key} PRIMARY KEY ({columns})");
                Answer::Refuses(format!("Bring it back by hand: `{}`.", postgres::alter(&table.name, &what)))
            }
            Part::PrimaryKey
            | Part::Table
            | Part::View
            | Part::Options
            | Part::Column(_)
            | Part::Trigger(_) => {
                Answer::Refuses("Bring it back by hand, or restore the table from a backup.".to_owned())
            }
        }
    }

    fn restore_index(&self, name: &str, invalid: bool) -> Answer {
        if invalid {
            return Answer::Restores;
        }
        if let Some(other) = self.found.indexed(name) {
            return Answer::Refuses(format!(
                "An index of \"{other}\" has its name: rename or drop that one."
            ));
        }
        if self.found.has(name, None) {
            return Answer::Refuses("A table or view has its name: rename or drop that one.".to_owned());
        }
        Answer::Restores
    }
}

impl Drift {
    /// The refused step that says so, where nothing is done before a person decides.
    pub(crate) fn refused(&self) -> Option<Step> {
        let Answer::Refuses(hint) = &self.answer else { return None };
        let reason = match self.kind {
            DriftKind::Renamed => "it is missing, as if renamed by hand",
            DriftKind::Missing => "it is missing",
            DriftKind::Invalid | DriftKind::Differs | DriftKind::Extra => "it was changed by hand",
        };
        let subject = self.origin.clone().unwrap_or_else(|| self.table.clone());
        let step = Step::new(Action::Change, subject, format!("find {} as it was made", self.what));
        Some(step.refuse(Verdict::Safe, Refusal::new(reason, hint.clone())))
    }
}

impl Shape {
    /// Takes on names that somebody gave by hand and the model gives, too.
    pub(crate) fn adopt(&mut self, new: &Shape, found: &Facts) {
        for table in &new.tables {
            let former = |old: &&mut Table| table.was.iter().any(|was| old.origins.contains(was));
            if let Some(old) = self.tables.iter_mut().find(former)
                && old.name != table.name
                && !found.has(&old.name, None)
                && found.has(&table.name, None)
            {
                old.name.clone_from(&table.name);
            }
            let Some(old) = self.tables.iter_mut().find(|old| old.name == table.name) else { continue };
            for column in &table.columns {
                let before = old.columns.iter().find(|old| Some(&old.field) == column.was.as_ref());
                let Some(before) = before.map(|before| before.name.clone()) else { continue };
                let moved =
                    !found.has(&table.name, Some(&before)) && found.has(&table.name, Some(&column.name));
                if moved && old.column(&column.name).is_none() {
                    old.rename_column(&before, &column.name);
                }
            }
        }
    }

    /// Takes out of the description what the database has lost, so that a plan makes it again.
    pub(crate) fn lose(&mut self, drift: &Drift) {
        let Some(table) = self.tables.iter_mut().find(|table| table.name == drift.table) else { return };
        match &drift.part {
            Part::Table => self.tables.retain(|table| table.name != drift.table),
            Part::Column(name) => {
                table.columns.retain(|column| column.name != *name);
                table.foreign_keys.retain(|key| key.column != *name);
                table.indexes.retain(|index| !index.names().contains(name));
                table.checks.retain(|check| !check.names().contains(name));
            }
            Part::Index(name) if drift.kind == DriftKind::Invalid => {
                table
                    .indexes
                    .iter_mut()
                    .filter(|index| index.name == *name)
                    .for_each(|index| index.ready = false);
            }
            Part::Index(name) => table.indexes.retain(|index| index.name != *name),
            // SQLite knows them by their columns.
            Part::ForeignKey(name) => {
                let is = |key: &ForeignKey| key.name == *name || key.column == *name;
                if drift.kind == DriftKind::Invalid {
                    table.foreign_keys.iter_mut().filter(|key| is(key)).for_each(|key| key.ready = false);
                } else {
                    table.foreign_keys.retain(|key| !is(key));
                }
            }
            Part::Check(name) if drift.kind == DriftKind::Invalid => {
                let checks = table.checks.iter_mut();
                checks.filter(|check| check.name == *name).for_each(|check| check.ready = false);
            }
            Part::Check(name) => table.checks.retain(|check| check.name != *name),
            Part::Trigger(_) => table.checks.clear(),
            Part::Options | Part::PrimaryKey | Part::View => {}
        }
    }
}

/// Whether every column that should be there is, with its type.
fn alike(expected: &TableFacts, found: &TableFacts) -> bool {
    expected
        .columns
        .iter()
        .all(|(name, column)| found.columns.get(name).is_some_and(|other| other.ty == column.ty))
}

fn name(part: &Part) -> Option<&str> {
    match part {
        Part::Column(name)
        | Part::ForeignKey(name)
        | Part::Index(name)
        | Part::Check(name)
        | Part::Trigger(name) => Some(name),
        Part::Table | Part::Options | Part::PrimaryKey | Part::View => None,
    }
}

impl fmt::Display for Drift {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mark = match self.answer {
            Answer::LeavesAlone => '?',
            Answer::Restores => '~',
            Answer::Refuses(_) => '!',
        };
        let became = match self.kind {
            DriftKind::Extra => "was made by hand and is left alone",
            DriftKind::Missing => "is missing",
            DriftKind::Renamed => "is missing, as if renamed by hand",
            DriftKind::Invalid => "is not in force",
            DriftKind::Differs => "was changed by hand",
        };
        write!(f, "{mark} {} {became}", self.what)?;
        if self.kind == DriftKind::Differs {
            self.expected.iter().try_for_each(|text| write!(f, "\n    made as: {text}"))?;
            self.found.iter().try_for_each(|text| write!(f, "\n    is now:  {text}"))?;
        }
        match &self.answer {
            Answer::LeavesAlone => {}
            Answer::Restores => f.write_str("; apply makes it again")?,
            Answer::Refuses(hint) => write!(f, "; apply refuses. {hint}")?,
        }
        self.warning.iter().try_for_each(|warning| write!(f, "\n    {warning}"))
    }
}
