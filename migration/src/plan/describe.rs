//! The words of a plan.

use crate::ddl::literal::ident;
use crate::shape::{Check, Condition, Index, Table};

/// `"tracks" (Track)`
pub(super) fn table(table: &Table) -> String {
    format!("{} ({})", ident(&table.name), table.origins.join(", "))
}

/// The fields of an index: `album, position`.
pub(super) fn fields(table: &Table, index: &Index) -> String {
    let name = |column: &String| table.column(column).map_or(column.clone(), |column| column.field.clone());
    let fields: Vec<_> = index
        .columns
        .iter()
        .map(|(column, down)| format!("{}{}", if *down { "-" } else { "" }, name(column)))
        .collect();
    fields.join(", ")
}

/// `unique (album, position) of Track`
pub(super) fn index(table: &Table, index: &Index) -> String {
    let kind = if index.unique { "unique" } else { "index" };
    let part = if index.condition.is_some() { " for some rows" } else { "" };
    format!("{kind} ({}){part} of {}", fields(table, index), table.origin())
}

/// `check "ck_tracks_position" of Track.position`
pub(super) fn check(table: &Table, check: &Check) -> String {
    let of = match &check.field {
        Some(field) => format!("{}.{field}", table.origin()),
        None => table.origin().to_owned(),
    };
    match &check.condition {
        Condition::Member { values, .. } => format!("values of {of}: {}", short(values)),
        Condition::Always
        | Condition::Never
        | Condition::All(_)
        | Condition::Any(_)
        | Condition::Not(_)
        | Condition::Untrue(_)
        | Condition::Where(..)
        | Condition::Compare { .. }
        | Condition::Columns { .. }
        | Condition::Length { .. } => format!("check {} of {of}", ident(&check.name)),
    }
}

fn short(values: &[String]) -> String {
    const SHOWN: usize = 12;
    let mut text = values.iter().take(SHOWN).cloned().collect::<Vec<_>>().join(" ");
    if values.len() > SHOWN {
        text.push_str(" …");
    }
    text
}
