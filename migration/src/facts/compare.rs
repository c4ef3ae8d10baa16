//! Facts × Facts -> what differs. A text that one side does not have is not compared.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

use super::{CheckFacts, ColumnFacts, Facts, ForeignKeyFacts, IndexFacts, KeyFacts, TableFacts};
use crate::dialect::Dialect;

/// One difference.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// The table.
    pub table: String,
    /// Which part of it.
    pub part: Part,
    /// How it differs.
    pub kind: Kind,
    /// What should be there, for people; none for what is there besides.
    pub expected: Option<String>,
    /// What is there; none for what is missing.
    pub found: Option<String>,
}

/// A part of a table, by its name in the database.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// All of it.
    Table,
    /// What sets it apart from a plain table.
    Options,
    /// A column.
    Column(String),
    /// The primary key.
    PrimaryKey,
    /// A foreign key.
    ForeignKey(String),
    /// An index.
    Index(String),
    /// A check.
    Check(String),
    /// A trigger.
    Trigger(String),
    /// It is a view.
    View,
}

/// How something differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// It is not there.
    Missing,
    /// It is there besides.
    Extra,
    /// It is there, but not in force: an index whose building was broken off, a constraint that not every row was
    /// held to.
    Invalid,
    /// It is another, in this respect.
    Differs(Aspect),
}

/// In which respect something differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Aspect {
    /// The type of a column, its collation, and how it is filled.
    Type,
    /// Whether a column may be without a value.
    Null,
    /// The default of a column.
    Default,
    /// The name of a primary key.
    Name,
    /// Anything else.
    Definition,
}

/// What differs. Order is no matter, neither of tables nor of columns. SQLite's defaults aren't compared, as nothing
/// depends on them there; texts only where the same release of a database printed both.
#[must_use]
pub fn compare(expected: &Facts, found: &Facts) -> Vec<Difference> {
    let texts = expected.release == found.release;
    let mut out = Vec::new();
    for (name, table) in &expected.tables {
        let mut scene = Scene { table: name, dialect: expected.dialect, texts, out: &mut out };
        match found.tables.get(name) {
            Some(now) => scene.table(table, now),
            None => {
                let instead = found.views.contains(name).then(|| "a view".to_owned());
                scene.tell(Part::Table, Kind::Missing, Some("a table".to_owned()), instead);
            }
        }
    }
    let extra = |table: &String, part: Part, what: &str| Difference {
        table: table.clone(),
        part,
        kind: Kind::Extra,
        expected: None,
        found: Some(what.to_owned()),
    };
    let tables = found.tables.keys().filter(|name| !expected.tables.contains_key(*name));
    out.extend(tables.map(|name| extra(name, Part::Table, "a table")));
    let views = found.views.difference(&expected.views).filter(|name| !expected.tables.contains_key(*name));
    out.extend(views.map(|name| extra(name, Part::View, "a view")));
    out
}

/// The comparison of one table.
struct Scene<'a> {
    table: &'a str,
    dialect: Dialect,
    texts: bool,
    out: &'a mut Vec<Difference>,
}

impl Scene<'_> {
    fn tell(&mut self, part: Part, kind: Kind, expected: Option<String>, found: Option<String>) {
        self.out.push(Difference { table: self.table.to_owned(), part, kind, expected, found });
    }

    /// Tells of two things that `differs` calls different, in the words of `Display`.
    fn differ<T: fmt::Display>(&mut self, part: &Part, aspect: Aspect, differs: bool, pair: (T, T)) {
        if differs {
            let (expected, found) = (pair.0.to_string(), pair.1.to_string());
            self.tell(part.clone(), Kind::Differs(aspect), Some(expected), Some(found));
        }
    }

    fn table(&mut self, expected: &TableFacts, found: &TableFacts) {
        let options = |table: &TableFacts| table.options.iter().cloned().collect::<Vec<_>>().join(", ");
        let pair = (options(expected), options(found));
        self.differ(&Part::Options, Aspect::Definition, pair.0 != pair.1, pair);
        self.each(&expected.columns, &found.columns, Part::Column, Self::column);
        self.primary_key(&expected.primary_key, &found.primary_key);
        self.each(&expected.foreign_keys, &found.foreign_keys, Part::ForeignKey, Self::foreign_key);
        self.each(&expected.indexes, &found.indexes, Part::Index, Self::index);
        self.each(&expected.checks, &found.checks, Part::Check, Self::check);
        let triggers = |table: &TableFacts| {
            let all = table.triggers.iter().map(|(name, text)| (name.clone(), Definition(text.clone())));
            all.collect::<BTreeMap<_, _>>()
        };
        self.each(&triggers(expected), &triggers(found), Part::Trigger, |scene, part, expected, found| {
            scene.text(part, Aspect::Definition, expected.0.as_ref(), found.0.as_ref());
        });
    }

    /// Compares by name, two of the same name by `both`.
    fn each<T: fmt::Display>(
        &mut self,
        expected: &BTreeMap<String, T>,
        found: &BTreeMap<String, T>,
        part: impl Fn(String) -> Part,
        both: impl Fn(&mut Self, &Part, &T, &T),
    ) {
        for (name, should) in expected {
            let part = part(name.clone());
            match found.get(name) {
                Some(is) => both(self, &part, should, is),
                None => self.tell(part, Kind::Missing, Some(should.to_string()), None),
            }
        }
        for (name, is) in found.iter().filter(|(name, _)| !expected.contains_key(*name)) {
            self.tell(part(name.clone()), Kind::Extra, None, Some(is.to_string()));
        }
    }

    /// Two texts, where both were printed and the same release did.
    fn text(&mut self, part: &Part, aspect: Aspect, expected: Option<&String>, found: Option<&String>) {
        if let (true, Some(expected), Some(found)) = (self.texts, expected, found) {
            self.differ(part, aspect, expected != found, (expected, found));
        }
    }

    fn column(&mut self, part: &Part, expected: &ColumnFacts, found: &ColumnFacts) {
        let pair = (expected.whole_type(), found.whole_type());
        self.differ(part, Aspect::Type, pair.0 != pair.1, pair);
        let null = |column: &ColumnFacts| if column.nullable { "NULL" } else { "NOT NULL" };
        self.differ(part, Aspect::Null, expected.nullable != found.nullable, (null(expected), null(found)));
        if self.dialect == Dialect::Sqlite {
            return;
        }
        if expected.defaulted == found.defaulted {
            self.text(part, Aspect::Default, expected.default.as_ref(), found.default.as_ref());
        } else {
            let default = |column: &ColumnFacts| match &column.default {
                Some(text) => format!("DEFAULT {text}"),
                None if column.defaulted => "a default".to_owned(),
                None => "no default".to_owned(),
            };
            self.differ(part, Aspect::Default, true, (default(expected), default(found)));
        }
    }

    fn primary_key(&mut self, expected: &KeyFacts, found: &KeyFacts) {
        let part = Part::PrimaryKey;
        if expected.columns == found.columns {
            let name = |key: &KeyFacts| key.name.clone().unwrap_or_default();
            let pair = (name(expected), name(found));
            self.differ(&part, Aspect::Name, pair.0 != pair.1, pair);
        } else if found.columns.is_empty() {
            self.tell(part, Kind::Missing, Some(expected.to_string()), None);
        } else if expected.columns.is_empty() {
            self.tell(part, Kind::Extra, None, Some(found.to_string()));
        } else {
            self.differ(&part, Aspect::Definition, true, (expected, found));
        }
    }

    fn foreign_key(&mut self, part: &Part, expected: &ForeignKeyFacts, found: &ForeignKeyFacts) {
        let parts = |key: &ForeignKeyFacts| {
            let (columns, target) = (key.columns.clone(), key.target.clone());
            (columns, target, key.target_columns.clone(), key.on_delete.clone())
        };
        if parts(expected) == parts(found) {
            self.text(part, Aspect::Definition, expected.definition.as_ref(), found.definition.as_ref());
        } else {
            self.differ(part, Aspect::Definition, true, (expected, found));
        }
        self.validity(part, expected.validated, found.validated, found);
    }

    fn index(&mut self, part: &Part, expected: &IndexFacts, found: &IndexFacts) {
        if expected.same_parts(found) {
            self.text(part, Aspect::Definition, expected.definition.as_ref(), found.definition.as_ref());
        } else {
            self.differ(part, Aspect::Definition, true, (expected, found));
        }
        self.validity(part, expected.valid, found.valid, found);
    }

    fn check(&mut self, part: &Part, expected: &CheckFacts, found: &CheckFacts) {
        self.text(part, Aspect::Definition, expected.definition.as_ref(), found.definition.as_ref());
        self.validity(part, expected.validated, found.validated, found);
    }

    fn validity(&mut self, part: &Part, expected: bool, found: bool, what: &impl fmt::Display) {
        if expected && !found {
            self.tell(part.clone(), Kind::Invalid, Some("in force".to_owned()), Some(what.to_string()));
        }
    }
}

impl ColumnFacts {
    /// The type with its collation and with how it is filled.
    pub(crate) fn whole_type(&self) -> String {
        let collation =
            self.collation.as_ref().map(|name| format!(" COLLATE \"{name}\"")).unwrap_or_default();
        let filled = self.filled.as_ref().map(|how| format!(" {how}")).unwrap_or_default();
        format!("{}{collation}{filled}", self.ty)
    }
}

impl IndexFacts {
    /// Whether both are the same as far as their parts tell.
    pub(crate) fn same_parts(&self, other: &Self) -> bool {
        (self.unique, &self.method, &self.parts, self.partial)
            == (other.unique, &other.method, &other.parts, other.partial)
    }
}

impl fmt::Display for ColumnFacts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.whole_type())?;
        if !self.nullable {
            f.write_str(" NOT NULL")?;
        }
        self.default.iter().try_for_each(|default| write!(f, " DEFAULT {default}"))
    }
}

impl fmt::Display for KeyFacts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "({})", self.columns.join(", "))
    }
}

impl fmt::Display for ForeignKeyFacts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(definition) = &self.definition {
            return f.write_str(definition);
        }
        let (columns, there) = (self.columns.join(", "), self.target_columns.join(", "));
        write!(f, "({columns}) REFERENCES {}({there}) ON DELETE {}", self.target, self.on_delete)
    }
}

impl fmt::Display for IndexFacts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(definition) = &self.definition {
            return f.write_str(definition);
        }
        let parts: Vec<_> = self
            .parts
            .iter()
            .map(|part| {
                let class = part.class.as_ref().map(|class| format!(" {class}")).unwrap_or_default();
                format!("{}{class}{}", part.what, if part.descending { " DESC" } else { "" })
            })
            .collect();
        let unique = if self.unique { "unique " } else { "" };
        let partial = if self.partial { ", of some rows" } else { "" };
        write!(f, "{unique}{} ({}){partial}", self.method, parts.join(", "))
    }
}

impl fmt::Display for CheckFacts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.definition.as_deref().unwrap_or("a check"))
    }
}

/// The definition of a trigger.
struct Definition(Option<String>);

impl fmt::Display for Definition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_deref().unwrap_or("a trigger"))
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Part::Table => f.write_str("the table"),
            Part::Options => f.write_str("the kind of the table"),
            Part::Column(name) => write!(f, "the column \"{name}\""),
            Part::PrimaryKey => f.write_str("the primary key"),
            Part::ForeignKey(name) => write!(f, "the foreign key \"{name}\""),
            Part::Index(name) => write!(f, "the index \"{name}\""),
            Part::Check(name) => write!(f, "the check \"{name}\""),
            Part::Trigger(name) => write!(f, "the trigger \"{name}\""),
            Part::View => f.write_str("the view"),
        }
    }
}
