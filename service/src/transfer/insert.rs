//! Many rows in one statement; when the database refuses one of them, each by itself, to know which.

use entity::{Catalog, FieldType, IdKind, Scalar, Value};
use migration::Dialect;

use super::quote;
use super::row::counted;
use super::source::Target;
use crate::database::Transaction;
use crate::database::bind::bind;
use crate::error::{Code, Error, Result};

/// Rows of one statement at most: more make it no faster.
const BATCH: usize = 500;

/// A table to be filled.
pub(super) struct Table {
    name: String,
    columns: Vec<Column>,
}

struct Column {
    name: String,
    ty: FieldType,
    list: bool,
    /// Null means that the database makes the value.
    counted: bool,
}

impl Table {
    pub(super) fn of(catalog: &Catalog, target: &Target) -> Self {
        match target {
            Target::Rows(id) => {
                let entity = catalog.entity(*id);
                let columns = entity.fields.iter().map(|field| Column {
                    name: field.column.clone(),
                    ty: field.ty,
                    list: field.list,
                    counted: counted(entity, field),
                });
                Self { name: entity.table.clone(), columns: columns.collect() }
            }
            Target::Links(links) => {
                let columns = links.sides.iter().map(|side| Column {
                    name: side.column.clone(),
                    ty: FieldType::Scalar(Scalar::Id(side.key)),
                    list: false,
                    counted: false,
                });
                Self { name: links.table.clone(), columns: columns.collect() }
            }
        }
    }

    /// Rows that fit one statement: each value is a parameter, and a statement has only so many.
    pub(super) fn batch(&self, dialect: Dialect) -> usize {
        let parameters = match dialect {
            Dialect::Postgres => 65_535,
            Dialect::Sqlite => 32_766,
        };
        (parameters / self.columns.len().max(1)).clamp(1, BATCH)
    }

    async fn insert(&self, transaction: &mut Transaction, rows: &[&[Value]]) -> Result<()> {
        let dialect = transaction.dialect();
        let names: Vec<String> = self.columns.iter().map(|column| quote(&column.name)).collect();
        let mut text = format!("INSERT INTO {} ({}) VALUES ", quote(&self.name), names.join(", "));
        let mut values = Vec::with_capacity(rows.len() * self.columns.len());
        for (at, row) in rows.iter().enumerate() {
            text.push_str(if at == 0 { "(" } else { ", (" });
            for (at, (column, value)) in self.columns.iter().zip(*row).enumerate() {
                if at > 0 {
                    text.push_str(", ");
                }
                if column.counted && value.is_null() && dialect == Dialect::Postgres {
                    text.push_str("DEFAULT");
                    continue;
                }
                values.push(bind(dialect, column.ty, column.list, value));
                match dialect {
                    Dialect::Postgres => text.push_str(&format!("${}", values.len())),
                    Dialect::Sqlite => text.push('?'),
                }
            }
            text.push(')');
        }
        transaction.execute(&text, values).await.map(|_| ())
    }

    /// Inserts rows. Those that the database refuses come back with its reason, by position; with `stop`, the first
    /// one only, and the rows after it are not tried.
    pub(super) async fn fill(
        &self,
        transaction: &mut Transaction,
        rows: &[&[Value]],
        stop: bool,
    ) -> Result<Vec<(usize, Error)>> {
        if rows.is_empty() {
            return Ok(Vec::new());
        }
        // After an error PostgreSQL takes nothing more until the transaction goes back to a point before it.
        transaction.execute("SAVEPOINT launchway_batch", Vec::new()).await?;
        match self.insert(transaction, rows).await {
            Ok(()) => {
                transaction.execute("RELEASE SAVEPOINT launchway_batch", Vec::new()).await?;
                return Ok(Vec::new());
            }
            Err(error) if is_about_the_row(&error) => back(transaction).await?,
            Err(error) => return Err(error),
        }
        let mut refused = Vec::new();
        for (at, row) in rows.iter().enumerate() {
            transaction.execute("SAVEPOINT launchway_batch", Vec::new()).await?;
            match self.insert(transaction, &[row]).await {
                Ok(()) => {
                    transaction.execute("RELEASE SAVEPOINT launchway_batch", Vec::new()).await?;
                }
                Err(error) if is_about_the_row(&error) => {
                    back(transaction).await?;
                    refused.push((at, error));
                    if stop {
                        break;
                    }
                }
                Err(error) => return Err(error),
            }
        }
        Ok(refused)
    }
}

async fn back(transaction: &mut Transaction) -> Result<()> {
    transaction.execute("ROLLBACK TO SAVEPOINT launchway_batch", Vec::new()).await?;
    transaction.execute("RELEASE SAVEPOINT launchway_batch", Vec::new()).await?;
    Ok(())
}

fn is_about_the_row(error: &Error) -> bool {
    matches!(
        error.code(),
        Code::UniqueViolation
            | Code::ForeignKeyViolation
            | Code::CheckFailed
            | Code::Required
            | Code::OutOfRange
            | Code::BadValue
    )
}

/// Lets the ids that the database counts go on after those that were given.
pub(super) async fn continue_ids(
    catalog: &Catalog,
    transaction: &mut Transaction,
    targets: &[Target],
) -> Result<()> {
    // SQLite's AUTOINCREMENT notes the largest id by itself.
    if transaction.dialect() != Dialect::Postgres {
        return Ok(());
    }
    for target in targets {
        let Target::Rows(id) = target else { continue };
        let entity = catalog.entity(*id);
        if entity.key != IdKind::Serial {
            continue;
        }
        let (table, key) = (quote(&entity.table), &entity.key_field().column);
        let text = format!(
            "SELECT setval(pg_get_serial_sequence($1, $2), greatest((SELECT coalesce(max({}), 0) + 1 FROM {table}), \
             nextval(pg_get_serial_sequence($1, $2))), false)",
            quote(key)
        );
        transaction.query(&text, vec![table.into(), key.clone().into()]).await?;
    }
    Ok(())
}
