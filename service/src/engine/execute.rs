//! The only I/O of the engine's reads: one statement, one row.

use std::time::Instant;

use entity::{Claim, FieldType, Input, Value};
use migration::Dialect;
use sea_orm::QueryResult;
use tracing::Instrument;

use super::plan::write::{KeyRef, Keys};
use super::sql::text::form_value;
use super::sql::{Bind, Form};
use crate::context::Context;
use crate::database::{Database, bind, classify};
use crate::error::{Code, Error, Result};

/// What the binds of a statement take their values from.
pub(crate) struct Values<'a> {
    /// The request.
    pub(crate) context: &'a Context,
    /// Its variables.
    pub(crate) params: &'a [Input],
    /// The keys the steps of a script touched.
    pub(crate) touched: &'a [Vec<Value>],
}

impl Values<'_> {
    /// The keys themselves.
    #[must_use]
    pub(crate) fn keys(&self, keys: &Keys) -> Vec<Value> {
        let mut all = Vec::new();
        for key in &keys.0 {
            match key {
                KeyRef::Known(value) => all.push(value.clone()),
                KeyRef::Slot(slot) => all.extend(self.touched.get(*slot).into_iter().flatten().cloned()),
            }
        }
        all
    }
}

/// Runs a reading statement.
///
/// # Errors
/// A parameter that does not fit, or the database's.
pub(crate) async fn read(
    database: &Database,
    text: &str,
    binds: &[Bind],
    values: &Values<'_>,
    summary: &str,
) -> Result<(Option<QueryResult>, std::time::Duration)> {
    let bound = bind_all(database, binds, values)?;
    let started = Instant::now();
    let work = database.read(text, bound, values.context.deadline);
    let span = span(database, summary, "SELECT");
    let row = if span.is_disabled() { work.await } else { work.instrument(span).await }?;
    Ok((row, started.elapsed()))
}

/// The span of a statement: what kind it is and of which tables, never its values.
pub(crate) fn span(database: &Database, summary: &str, operation: &'static str) -> tracing::Span {
    let system = match database.dialect() {
        migration::Dialect::Postgres => "postgresql",
        migration::Dialect::Sqlite => "sqlite",
    };
    tracing::debug_span!(
        target: "launchway::sql",
        "sql",
        otel.name = summary,
        otel.kind = "client",
        db.system.name = system,
        db.operation.name = operation,
        db.query.summary = summary,
    )
}

/// The values of a statement's parameters.
///
/// # Errors
/// A parameter that does not fit its field.
pub(crate) fn bind_all(
    database: &Database,
    binds: &[Bind],
    values: &Values<'_>,
) -> Result<Vec<sea_orm::Value>> {
    binds.iter().map(|bind| bind_one(database, bind, values)).collect()
}

fn bind_one(database: &Database, bind: &Bind, values: &Values<'_>) -> Result<sea_orm::Value> {
    let dialect = database.dialect();
    match bind {
        Bind::Value(value) => Ok(value.clone()),
        Bind::Now(offset, ty) => {
            let time = values.context.now + chrono::TimeDelta::seconds(*offset);
            let value = match ty {
                entity::FieldType::Scalar(entity::Scalar::Date) => Value::Date(time.date_naive()),
                _ => Value::DateTime(time),
            };
            Ok(form_value(dialect, *ty, Form::Plain(false), &value))
        }
        Bind::Param { index, ty, list, form } => {
            let input = values.params.get(*index).unwrap_or(&Input::Null);
            if *input == Input::Null {
                return Err(Error::new(Code::BadValue, "A condition compares with null.")
                    .hint("Use `isNull` to find rows without a value."));
            }
            if let Input::List(items) = input
                && items.len() > values.context.limits.list
            {
                return Err(Error::new(
                    Code::LimitExceeded,
                    format!("A list may have {} items at most.", values.context.limits.list),
                ));
            }
            if let (Form::Pattern(_) | Form::Expression(_), Input::String(text)) = (form, input)
                && text.len() > entity::resolve::PATTERN_LENGTH
            {
                let limit = entity::resolve::PATTERN_LENGTH;
                return Err(Error::new(
                    Code::LimitExceeded,
                    format!("A text to look for may have {limit} bytes at most."),
                ));
            }
            let value = entity::value::coerce(&values.context.catalog, *ty, *list, input)
                .map_err(super::plan::problem)?;
            Ok(form_value(dialect, *ty, *form, &value))
        }
        Bind::Claim { claim, ty, form } => Ok(claimed(dialect, values.context, claim, *ty, *form)),
        Bind::Keys { keys, ty } => Ok(bind::bind_list(dialect, *ty, &values.keys(keys))),
        Bind::Key { keys, ty } => {
            let key = values.keys(keys).into_iter().next().unwrap_or(Value::Null);
            Ok(form_value(dialect, *ty, Form::Plain(false), &key))
        }
    }
}

/// A property of who asks, as what it is compared with. One that is missing or of another type is null, and nothing is
/// known of a comparison with null: it opens nothing, negated or not.
fn claimed(dialect: Dialect, context: &Context, claim: &Claim, ty: FieldType, form: Form) -> sea_orm::Value {
    let list = matches!(form, Form::Set | Form::Item(_) | Form::Items | Form::Plain(true));
    let value = context.principal.claim(claim).and_then(|input| {
        let input = match input {
            Input::List(items) => Input::List(items),
            one if list => Input::List(vec![one]),
            one => one,
        };
        let value = entity::value::coerce(&context.catalog, ty, list, &input).ok()?;
        // A range has two ends; with one of them unknown, something would still be known.
        let range = matches!(&value, Value::List(ends) if ends.len() == 2);
        (range || !matches!(form, Form::Item(_))).then_some(value)
    });
    match (value, form) {
        (Some(value), form) => form_value(dialect, ty, form, &value),
        (None, Form::Set) => bind::bind_unknown_list(dialect, ty),
        (None, Form::Items | Form::OneItem) => bind::bind(dialect, ty, true, &Value::Null),
        (None, Form::Pattern(_) | Form::Expression(_)) => sea_orm::Value::String(None),
        (None, Form::Plain(list)) => bind::bind(dialect, ty, list, &Value::Null),
        (None, Form::Item(_)) => bind::bind(dialect, ty, false, &Value::Null),
    }
}

/// The version of the schema that a read saw; none where no row came, and on PostgreSQL.
pub(crate) fn schema_seen(row: Option<&QueryResult>) -> Option<i64> {
    row?.try_get("", super::sql::read::SCHEMA_SEEN).ok()
}

/// A column of the answer.
///
/// # Errors
/// `INTERNAL` when it is of another type: our fault.
pub(crate) fn column<T: sea_orm::TryGetable>(row: &QueryResult, index: usize) -> Result<T> {
    row.try_get_by_index(index).map_err(classify::database)
}
