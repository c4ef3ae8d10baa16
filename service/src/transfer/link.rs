//! References that lead nowhere: found by a query before the transaction is committed, so that they can be told by
//! name and value, which the database's own complaint does not do.

use std::collections::HashSet;

use entity::catalog::{Entity, Join};
use entity::{Catalog, EntityId, FieldType, Scalar, Value};
use migration::Dialect;

use super::source::{Links, Target, all_links};
use super::{decode, quote};
use crate::database::Transaction;
use crate::database::bind::bind;
use crate::error::Result;

/// Values of one column that are looked at.
const MAX_VALUES: usize = 10_000;

/// A value in a column that refers to a row.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Reference {
    pub(super) target: Target,
    /// The column's position in the target's rows.
    pub(super) column: usize,
    /// Its name in the database.
    name: String,
    /// Its key in files.
    pub(super) field: String,
    ty: FieldType,
    /// The type it refers to.
    pub(super) to: EntityId,
    /// What it holds; null when no value is meant yet.
    pub(super) value: Value,
}

impl PartialEq for Target {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Target::Rows(one), Target::Rows(other)) => one == other,
            (Target::Links(one), Target::Links(other)) => one.table == other.table,
            _ => false,
        }
    }
}

impl Reference {
    /// Names the place, apart from its value.
    fn key(&self, catalog: &Catalog) -> String {
        format!("{}.{}={:?}", table(catalog, &self.target), self.name, self.value)
    }
}

fn table<'a>(catalog: &'a Catalog, target: &'a Target) -> &'a str {
    match target {
        Target::Rows(id) => &catalog.entity(*id).table,
        Target::Links(links) => &links.table,
    }
}

/// The columns of a target that refer to rows.
fn columns(catalog: &Catalog, target: &Target) -> Vec<Reference> {
    match target {
        Target::Rows(id) => entity_columns(catalog.entity(*id), target),
        Target::Links(links) => link_columns(links, target),
    }
}

fn entity_columns(entity: &Entity, target: &Target) -> Vec<Reference> {
    entity
        .relations
        .iter()
        .filter_map(|relation| {
            let Join::Outgoing { field } = relation.join else { return None };
            let key = entity.field(field);
            Some(Reference {
                target: target.clone(),
                column: field.index(),
                name: key.column.clone(),
                field: relation.name.clone(),
                ty: key.ty,
                to: relation.target,
                value: Value::Null,
            })
        })
        .collect()
}

fn link_columns(links: &Links, target: &Target) -> Vec<Reference> {
    links
        .sides
        .iter()
        .enumerate()
        .map(|(column, side)| Reference {
            target: target.clone(),
            column,
            name: side.column.clone(),
            field: side.name.clone(),
            ty: FieldType::Scalar(Scalar::Id(side.key)),
            to: side.entity,
            value: Value::Null,
        })
        .collect()
}

/// The references of the given targets that lead nowhere.
pub(super) async fn dangling(
    catalog: &Catalog,
    transaction: &mut Transaction,
    targets: &[Target],
) -> Result<Vec<Reference>> {
    let mut found = Vec::new();
    for target in targets {
        for reference in columns(catalog, target) {
            let to = catalog.entity(reference.to);
            let (from, column) = (quote(table(catalog, target)), quote(&reference.name));
            let text = format!(
                "SELECT DISTINCT f.{column} FROM {from} f WHERE f.{column} IS NOT NULL AND NOT EXISTS \
                 (SELECT 1 FROM {} t WHERE t.{} = f.{column}) LIMIT {MAX_VALUES}",
                quote(&to.table),
                quote(&to.key_field().column)
            );
            for row in transaction.query(&text, Vec::new()).await? {
                let value = decode::value(catalog, transaction.dialect(), (reference.ty, false), &row, 0)?;
                found.push(Reference { value, ..reference.clone() });
            }
        }
    }
    Ok(found)
}

/// All references that must go with the given ones: those to rows that hold one of them, and so on.
pub(super) async fn closure(
    catalog: &Catalog,
    transaction: &mut Transaction,
    first: Vec<Reference>,
) -> Result<Vec<Reference>> {
    let links = all_links(catalog);
    let targets: Vec<Target> = catalog
        .entities
        .iter()
        .map(|entity| Target::Rows(entity.id))
        .chain(links.into_iter().map(Target::Links))
        .collect();
    let mut seen: HashSet<String> = first.iter().map(|reference| reference.key(catalog)).collect();
    let mut all = first;
    let mut next = 0;
    while let Some(reference) = all.get(next).cloned() {
        next += 1;
        let Target::Rows(holder) = reference.target else { continue };
        for id in ids(catalog, transaction, &reference).await? {
            for target in &targets {
                for column in columns(catalog, target).into_iter().filter(|column| column.to == holder) {
                    let child = Reference { value: id.clone(), ..column };
                    if !seen.contains(&child.key(catalog)) && exists(catalog, transaction, &child).await? {
                        seen.insert(child.key(catalog));
                        all.push(child);
                    }
                }
            }
        }
    }
    Ok(all)
}

fn condition(catalog: &Catalog, dialect: Dialect, reference: &Reference) -> (String, Vec<sea_orm::Value>) {
    let parameter = match dialect {
        Dialect::Postgres => "$1",
        Dialect::Sqlite => "?",
    };
    let text = format!(
        "FROM {} WHERE {} = {parameter}",
        quote(table(catalog, &reference.target)),
        quote(&reference.name)
    );
    (text, vec![bind(dialect, reference.ty, false, &reference.value)])
}

async fn ids(catalog: &Catalog, transaction: &mut Transaction, reference: &Reference) -> Result<Vec<Value>> {
    let Target::Rows(id) = reference.target else { return Ok(Vec::new()) };
    let key = catalog.entity(id).key_field();
    let (text, values) = condition(catalog, transaction.dialect(), reference);
    let rows = transaction.query(&format!("SELECT {} {text}", quote(&key.column)), values).await?;
    rows.iter().map(|row| decode::value(catalog, transaction.dialect(), (key.ty, false), row, 0)).collect()
}

async fn exists(catalog: &Catalog, transaction: &mut Transaction, reference: &Reference) -> Result<bool> {
    let (text, values) = condition(catalog, transaction.dialect(), reference);
    Ok(!transaction.query(&format!("SELECT 1 {text} LIMIT 1"), values).await?.is_empty())
}

/// Takes the rows that hold the given references out again.
pub(super) async fn remove(
    catalog: &Catalog,
    transaction: &mut Transaction,
    references: &[Reference],
) -> Result<()> {
    // From the leaves up: nothing that goes is referred to any more, so nothing else is changed along with it.
    for reference in references.iter().rev() {
        let (text, values) = condition(catalog, transaction.dialect(), reference);
        transaction.execute(&format!("DELETE {text}"), values).await?;
    }
    Ok(())
}
