//! Names and constants as SQL text. DDL takes no bind parameters, so everything is escaped here and nowhere else.

use rust_decimal::Decimal;

use crate::dialect::Dialect;
use crate::shape::Constant;

/// A name in double quotes.
pub(crate) fn ident(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// Names in double quotes, with commas.
pub(crate) fn idents<'a>(names: impl IntoIterator<Item = &'a String>) -> String {
    names.into_iter().map(|name| ident(name)).collect::<Vec<_>>().join(", ")
}

/// A text in single quotes. With a backslash PostgreSQL needs its escape form, which means the same whatever
/// `standard_conforming_strings` says.
pub(crate) fn text(dialect: Dialect, value: &str) -> String {
    let quoted = value.replace('\'', "''");
    if dialect == Dialect::Postgres && value.contains('\\') {
        return format!("E'{}'", quoted.replace('\\', "\\\\"));
    }
    format!("'{quoted}'")
}

/// Texts with commas.
pub(crate) fn texts(dialect: Dialect, values: &[String]) -> String {
    values.iter().map(|value| text(dialect, value)).collect::<Vec<_>>().join(", ")
}

/// A constant as the column of its type holds it.
pub(crate) fn constant(dialect: Dialect, value: &Constant) -> String {
    let typed = |value: &str, name: &str| match dialect {
        Dialect::Postgres => format!("{}::{name}", text(dialect, value)),
        Dialect::Sqlite => text(dialect, value),
    };
    match (value, dialect) {
        (Constant::Null, _) => "NULL".to_owned(),
        (Constant::Bool(value), Dialect::Postgres) => if *value { "TRUE" } else { "FALSE" }.to_owned(),
        (Constant::Bool(value), Dialect::Sqlite) => i32::from(*value).to_string(),
        (Constant::Int(value), _) => value.to_string(),
        (Constant::Float(value), Dialect::Postgres) => typed(value, "double precision"),
        (Constant::Float(value), Dialect::Sqlite) => value.clone(),
        (Constant::Decimal(value), Dialect::Postgres) => value.clone(),
        (Constant::Decimal(value), Dialect::Sqlite) => scaled(value),
        (Constant::Text(value), _) => text(dialect, value),
        (Constant::Date(value), _) => typed(value, "date"),
        (Constant::DateTime(value), Dialect::Postgres) => typed(&format!("{value}Z"), "timestamptz"),
        (Constant::DateTime(value), Dialect::Sqlite) => text(dialect, value),
        (Constant::Uuid(value), _) => typed(value, "uuid"),
        (Constant::Json(value), _) => typed(value, "jsonb"),
    }
}

/// A decimal as an integer of millionths. The compiler has refused what does not fit.
fn scaled(value: &str) -> String {
    let scaled = value.parse::<Decimal>().ok().and_then(entity::value::decimal_scaled);
    scaled.map_or_else(|| "NULL".to_owned(), |scaled| scaled.to_string())
}

#[cfg(test)]
mod tests {
    use super::{Constant, Dialect, constant, ident, text};

    #[test]
    fn what_is_quoted_stays_quoted() {
        assert_eq!(ident(r#"a"; drop table b; --"#), r#""a""; drop table b; --""#);
        assert_eq!(text(Dialect::Sqlite, r"it's \ ok"), r"'it''s \ ok'");
        assert_eq!(text(Dialect::Postgres, r"it's \' ok"), r"E'it''s \\'' ok'");
    }

    #[test]
    fn decimals_are_millionths_in_sqlite() {
        assert_eq!(constant(Dialect::Sqlite, &Constant::Decimal("0.99".to_owned())), "990000");
        assert_eq!(constant(Dialect::Postgres, &Constant::Decimal("0.99".to_owned())), "0.99");
    }
}
