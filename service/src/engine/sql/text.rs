//! The writer of statements: identifiers are always quoted, values are always bound.

use std::fmt::Write as _;

use entity::catalog::Catalog;
use entity::{Claim, FieldType, Op, Operand, Value};
use migration::Dialect;

use crate::database::bind;
use crate::engine::plan::write::{KeyRef, Keys, TOUCHED};

/// A table in a statement: `t0`, `t1`, … in the order of appearance, so that equal plans have equal texts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Alias(pub usize);

/// What a parameter of a statement is.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Bind {
    /// Known.
    Value(sea_orm::Value),
    /// A variable of the request.
    Param {
        /// Its position.
        index: usize,
        /// The type it must fit.
        ty: FieldType,
        /// Whether it is a list.
        list: bool,
        /// How it is bound.
        form: Form,
    },
    /// A property of who asks; null where the caller has none, or one of another type.
    Claim {
        /// Which.
        claim: Claim,
        /// The type of what it is compared with.
        ty: FieldType,
        /// How it is bound.
        form: Form,
    },
    /// The time of the request plus seconds, as a value of a type.
    Now(i64, FieldType),
    /// Keys of rows, as a list.
    Keys {
        /// Known ones, and those that steps touched.
        keys: Keys,
        /// Their type.
        ty: FieldType,
    },
    /// The first of some keys.
    Key {
        /// Known ones, and those that steps touched.
        keys: Keys,
        /// Their type.
        ty: FieldType,
    },
}

/// How a value is bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// As a value of a field; the flag is the field being a list.
    Plain(bool),
    /// As a list that one value is compared with.
    Set,
    /// The n-th item of a list.
    Item(usize),
    /// As a LIKE pattern of an operator.
    Pattern(Op),
    /// As a regular expression that does what an operator that ignores case does.
    Expression(Op),
    /// As a JSON list, of one item when it is no list.
    Items,
    /// As a JSON list of the one item it is.
    OneItem,
}

/// A statement being written.
#[derive(Debug)]
pub(crate) struct Sql<'a> {
    /// The text so far.
    pub(crate) text: String,
    /// What is bound, in order of numbers.
    pub(crate) binds: Vec<Bind>,
    /// The catalog names come from.
    pub(crate) catalog: &'a Catalog,
    /// The dialect it is written in.
    pub(crate) dialect: Dialect,
    /// Whether the answer holds doubles, which both databases print differently.
    pub(crate) floats: bool,
    aliases: usize,
}

impl<'a> Sql<'a> {
    /// An empty statement.
    #[must_use]
    pub(crate) fn new(catalog: &'a Catalog, dialect: Dialect) -> Self {
        Self {
            text: String::with_capacity(1024),
            binds: Vec::new(),
            catalog,
            dialect,
            floats: false,
            aliases: 0,
        }
    }

    /// A new table alias.
    pub(crate) fn alias(&mut self) -> Alias {
        self.aliases += 1;
        Alias(self.aliases - 1)
    }

    /// Text that is ours.
    pub(crate) fn push(&mut self, text: &str) -> &mut Self {
        self.text.push_str(text);
        self
    }

    /// A number that is ours: a limit, an offset, a position.
    pub(crate) fn number(&mut self, number: u64) -> &mut Self {
        let _ = write!(self.text, "{number}");
        self
    }

    /// A quoted identifier.
    pub(crate) fn ident(&mut self, name: &str) -> &mut Self {
        self.text.push('"');
        self.text.push_str(&name.replace('"', "\"\""));
        self.text.push('"');
        self
    }

    /// A table alias.
    pub(crate) fn table(&mut self, alias: Alias) -> &mut Self {
        let _ = write!(self.text, "t{}", alias.0);
        self
    }

    /// A column of a table.
    pub(crate) fn column(&mut self, alias: Alias, column: &str) -> &mut Self {
        self.table(alias).push(".").ident(column)
    }

    /// A quoted text that is ours or a name of the model or request; quotes are doubled.
    pub(crate) fn literal(&mut self, text: &str) -> &mut Self {
        self.text.push('\'');
        self.text.push_str(&text.replace('\'', "''"));
        self.text.push('\'');
        self
    }

    /// A parameter.
    pub(crate) fn bind(&mut self, bind: Bind) -> &mut Self {
        self.binds.push(bind);
        let mark = match self.dialect {
            Dialect::Postgres => '$',
            Dialect::Sqlite => '?',
        };
        let _ = write!(self.text, "{mark}{}", self.binds.len());
        self
    }

    /// An operand in some form. `NULL` where a claim or value is missing.
    pub(crate) fn operand(&mut self, operand: &Operand, ty: FieldType, form: Form) -> &mut Self {
        match operand {
            Operand::Value(Value::Null) => self.push("NULL"),
            Operand::Claim(claim) => self.bind(Bind::Claim { claim: claim.clone(), ty, form }),
            Operand::Value(value) => {
                let bound = form_value(self.dialect, ty, form, value);
                self.bind(Bind::Value(bound))
            }
            Operand::Now(offset) => self.bind(Bind::Now(*offset, ty)),
            Operand::Param(param) if param.index >= TOUCHED => {
                self.bind(Bind::Keys { keys: Keys(vec![KeyRef::Slot(param.index - TOUCHED)]), ty })
            }
            Operand::Param(param) => {
                self.bind(Bind::Param { index: param.index, ty: param.ty, list: param.list, form })
            }
        }
    }
}

/// The bound form of a value.
#[must_use]
pub(crate) fn form_value(dialect: Dialect, ty: FieldType, form: Form, value: &Value) -> sea_orm::Value {
    match form {
        Form::Plain(list) => bind::bind(dialect, ty, list, value),
        Form::Set => match value {
            Value::List(items) => bind::bind_list(dialect, ty, items),
            one => bind::bind_list(dialect, ty, std::slice::from_ref(one)),
        },
        Form::Item(index) => match value {
            Value::List(items) => bind::bind(dialect, ty, false, items.get(index).unwrap_or(&Value::Null)),
            _ => bind::bind(dialect, ty, false, &Value::Null),
        },
        Form::Pattern(op) => sea_orm::Value::String(Some(pattern(op, text(value)))),
        Form::Expression(op) => sea_orm::Value::String(Some(expression(op, text(value)))),
        Form::Items => match value {
            Value::List(_) => bind::bind(dialect, ty, true, value),
            one => bind::bind(dialect, ty, true, &Value::List(vec![one.clone()])),
        },
        Form::OneItem => bind::bind(dialect, ty, true, &Value::List(vec![value.clone()])),
    }
}

fn text(value: &Value) -> &str {
    match value {
        Value::Text(text) => text,
        _ => "",
    }
}

/// Characters whose small letter is not what they are folded to, and what stands for them. `Σ` is among them because
/// its small letter depends on what surrounds it, `İ` because its own has two characters: folded, it is only itself.
pub(crate) const FOLDED: [(char, char); 27] = [
    ('\u{b5}', '\u{3bc}'),
    ('\u{130}', '\u{fdd0}'),
    ('\u{17f}', 's'),
    ('\u{345}', '\u{3b9}'),
    ('\u{3a3}', '\u{3c3}'),
    ('\u{3c2}', '\u{3c3}'),
    ('\u{3d0}', '\u{3b2}'),
    ('\u{3d1}', '\u{3b8}'),
    ('\u{3d5}', '\u{3c6}'),
    ('\u{3d6}', '\u{3c0}'),
    ('\u{3f0}', '\u{3ba}'),
    ('\u{3f1}', '\u{3c1}'),
    ('\u{3f5}', '\u{3b5}'),
    ('\u{1c80}', '\u{432}'),
    ('\u{1c81}', '\u{434}'),
    ('\u{1c82}', '\u{43e}'),
    ('\u{1c83}', '\u{441}'),
    ('\u{1c84}', '\u{442}'),
    ('\u{1c85}', '\u{442}'),
    ('\u{1c86}', '\u{44a}'),
    ('\u{1c87}', '\u{463}'),
    ('\u{1c88}', '\u{a64b}'),
    ('\u{1e9b}', '\u{1e61}'),
    ('\u{1fbe}', '\u{3b9}'),
    ('\u{1fd3}', '\u{390}'),
    ('\u{1fe3}', '\u{3b0}'),
    ('\u{fb05}', '\u{fb06}'),
];

fn folded(letter: char) -> char {
    FOLDED.into_iter().find(|(from, _)| *from == letter).map_or(letter, |(_, to)| to)
}

/// The LIKE pattern of an operator and its operand; `\` is the escape.
fn pattern(op: Op, operand: &str) -> String {
    let fold = matches!(op, Op::Ieq | Op::Icontains | Op::IstartsWith | Op::IendsWith);
    if op == Op::Like {
        // A pattern that ends in a lone escape matches nothing on one database and is an error on the other.
        let trailing = operand.len() - operand.trim_end_matches('\\').len();
        return if trailing % 2 == 1 { format!("{operand}\\") } else { operand.to_owned() };
    }
    let mut escaped = String::with_capacity(operand.len() + 2);
    if matches!(op, Op::Contains | Op::EndsWith | Op::Icontains | Op::IendsWith) {
        escaped.push('%');
    }
    for letter in operand.chars() {
        if matches!(letter, '%' | '_' | '\\') {
            escaped.push('\\');
        }
        escaped.push(if fold { folded(letter) } else { letter });
    }
    if matches!(op, Op::Contains | Op::StartsWith | Op::Icontains | Op::IstartsWith) {
        escaped.push('%');
    }
    escaped
}

/// A regular expression for an operator that ignores case; `s`: a dot is any character, though none is written.
fn expression(op: Op, operand: &str) -> String {
    let literal = regex::escape(operand);
    match op {
        Op::Icontains => format!("(?is){literal}"),
        Op::IstartsWith => format!("(?is)^{literal}"),
        Op::IendsWith => format!("(?is){literal}$"),
        _ => format!("(?is)^{literal}$"),
    }
}
