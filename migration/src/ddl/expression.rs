//! Condition -> SQL expression.

use entity::Op;

use super::literal::{constant, ident, text, texts};
use crate::dialect::Dialect;
use crate::shape::{Condition, Constant};

/// How columns are written where the expression stands.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place {
    /// The language.
    pub(crate) dialect: Dialect,
    /// What stands before a column: `NEW.`, `t.` or nothing.
    pub(crate) prefix: &'static str,
}

impl Place {
    fn column(self, name: &str) -> String {
        format!("{}{}", self.prefix, ident(name))
    }
}

/// The condition as SQL, in parentheses where it has parts.
pub(crate) fn expression(place: Place, condition: &Condition) -> String {
    let inner = |condition: &Condition| expression(place, condition);
    match condition {
        Condition::Always => "TRUE".to_owned(),
        Condition::Never => "FALSE".to_owned(),
        Condition::All(parts) if parts.is_empty() => "TRUE".to_owned(),
        Condition::Any(parts) if parts.is_empty() => "FALSE".to_owned(),
        Condition::All(parts) => format!("({})", parts.iter().map(inner).collect::<Vec<_>>().join(" AND ")),
        Condition::Any(parts) => format!("({})", parts.iter().map(inner).collect::<Vec<_>>().join(" OR ")),
        Condition::Not(part) => format!("(NOT {})", inner(part)),
        Condition::Untrue(part) => format!("({} IS NOT TRUE)", inner(part)),
        Condition::Where(shown, part) => format!("(CASE WHEN {} THEN {} END)", inner(shown), inner(part)),
        Condition::Compare { column, op, values } => compare(place, column, *op, values),
        Condition::Columns { column, op, other } => {
            format!("({} {} {})", place.column(column), symbol(*op), place.column(other))
        }
        Condition::Length { column, list, min, max } => length(place, column, *list, *min, *max),
        Condition::Member { column, list: false, values } => {
            format!("({} IN ({}))", place.column(column), texts(place.dialect, values))
        }
        Condition::Member { column, list: true, values } => items(place, column, values),
    }
}

fn symbol(op: Op) -> &'static str {
    match op {
        Op::Ne => "<>",
        Op::Gt => ">",
        Op::Gte => ">=",
        Op::Lt => "<",
        Op::Lte => "<=",
        // Only the operators of order and equality compare two columns.
        Op::Eq
        | Op::In
        | Op::NotIn
        | Op::Between
        | Op::IsNull
        | Op::Contains
        | Op::StartsWith
        | Op::EndsWith
        | Op::Like
        | Op::Ieq
        | Op::Icontains
        | Op::IstartsWith
        | Op::IendsWith
        | Op::Has
        | Op::HasAny
        | Op::HasAll => "=",
    }
}

fn compare(place: Place, column: &str, op: Op, values: &[Constant]) -> String {
    let column = place.column(column);
    let all: Vec<_> = values.iter().map(|value| constant(place.dialect, value)).collect();
    let first = all.first().map_or("NULL", String::as_str);
    let words = match values.first() {
        Some(Constant::Text(words)) => words.as_str(),
        _ => "",
    };
    match op {
        Op::In if all.is_empty() => "FALSE".to_owned(),
        Op::NotIn if all.is_empty() => "TRUE".to_owned(),
        Op::In => format!("({column} IN ({}))", all.join(", ")),
        Op::NotIn => format!("({column} NOT IN ({}))", all.join(", ")),
        Op::Between => {
            format!("({column} BETWEEN {first} AND {})", all.get(1).map_or("NULL", String::as_str))
        }
        Op::IsNull if values.first() == Some(&Constant::Bool(false)) => format!("({column} IS NOT NULL)"),
        Op::IsNull => format!("({column} IS NULL)"),
        Op::Eq | Op::Ne | Op::Gt | Op::Gte | Op::Lt | Op::Lte => format!("({column} {} {first})", symbol(op)),
        Op::Contains | Op::StartsWith | Op::EndsWith => part(place, &column, op, words),
        Op::Like => like(place, &column, words),
        Op::Ieq => format!("(lower({column}) = {})", text(place.dialect, &words.to_ascii_lowercase())),
        Op::Icontains => part(place, &format!("lower({column})"), Op::Contains, &words.to_ascii_lowercase()),
        Op::IstartsWith => {
            part(place, &format!("lower({column})"), Op::StartsWith, &words.to_ascii_lowercase())
        }
        Op::IendsWith => part(place, &format!("lower({column})"), Op::EndsWith, &words.to_ascii_lowercase()),
        // `Condition::of` lets none of these through.
        Op::Has | Op::HasAny | Op::HasAll => "NULL".to_owned(),
    }
}

fn part(place: Place, column: &str, op: Op, words: &str) -> String {
    let (literal, length) = (text(place.dialect, words), words.chars().count());
    match (op, place.dialect) {
        (Op::StartsWith, _) => format!("(substr({column}, 1, {length}) = {literal})"),
        (Op::EndsWith, Dialect::Postgres) => format!("(right({column}, {length}) = {literal})"),
        (Op::EndsWith, Dialect::Sqlite) if length == 0 => format!("({column} IS NOT NULL)"),
        (Op::EndsWith, Dialect::Sqlite) => format!("(substr({column}, -{length}) = {literal})"),
        (_, Dialect::Postgres) => format!("(strpos({column}, {literal}) > 0)"),
        (_, Dialect::Sqlite) => format!("(instr({column}, {literal}) > 0)"),
    }
}

/// SQLite's LIKE takes letters of either case for equal; its GLOB does not.
fn like(place: Place, column: &str, pattern: &str) -> String {
    if place.dialect == Dialect::Postgres {
        return format!("({column} LIKE {})", text(place.dialect, pattern));
    }
    let mut glob = String::new();
    let mut chars = pattern.chars();
    while let Some(c) = chars.next() {
        match c {
            '%' => glob.push('*'),
            '_' => glob.push('?'),
            '\\' => literal(&mut glob, chars.next().unwrap_or('\\')),
            other => literal(&mut glob, other),
        }
    }
    format!("({column} GLOB {})", text(place.dialect, &glob))
}

fn literal(glob: &mut String, c: char) {
    if matches!(c, '*' | '?' | '[') {
        glob.extend(['[', c, ']']);
    } else {
        glob.push(c);
    }
}

fn length(place: Place, column: &str, list: bool, min: Option<u64>, max: Option<u64>) -> String {
    let function = match (list, place.dialect) {
        (true, Dialect::Postgres) => "jsonb_array_length",
        (true, Dialect::Sqlite) => "json_array_length",
        (false, Dialect::Postgres) => "char_length",
        (false, Dialect::Sqlite) => "length",
    };
    let length = format!("{function}({})", place.column(column));
    match (min, max) {
        (Some(min), Some(max)) => format!("({length} BETWEEN {min} AND {max})"),
        (Some(min), None) => format!("({length} >= {min})"),
        (None, Some(max)) => format!("({length} <= {max})"),
        (None, None) => "TRUE".to_owned(),
    }
}

fn items(place: Place, column: &str, values: &[String]) -> String {
    let column = place.column(column);
    match place.dialect {
        Dialect::Postgres => {
            let list = serde_json::Value::from(values.to_vec()).to_string();
            format!("({column} <@ {}::jsonb)", text(place.dialect, &list))
        }
        Dialect::Sqlite => format!(
            "(NOT EXISTS (SELECT 1 FROM json_each({column}) AS item WHERE item.value NOT IN ({})))",
            texts(place.dialect, values)
        ),
    }
}
