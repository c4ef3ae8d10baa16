//! Models that were in force before: an old copy, or a server that has not been replaced yet.

use entity::Catalog;
use sea_orm::{ConnectionTrait, DatabaseConnection, Statement};

use crate::alias::version_schema;
use crate::apply::{self, journal};
use crate::dialect::Dialect;
use crate::error::{Error, Result};
use crate::facts::Facts;
use crate::history;
use crate::shape::Shape;

/// What a model that was in force before finds in a database that a later one has shaped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Former {
    /// The version that is in force now.
    pub now: String,
    /// Since when (RFC 3339).
    pub since: String,
    /// The first table or column that is not there any more, under its name; none where the model can still be served.
    pub missing: Option<String>,
}

/// Whether a model was in force before the present one, or is while another one is being applied, and what it still finds.
/// Changes nothing.
///
/// # Errors
/// [`Error::Newer`], [`Error::History`], or that the database said no.
pub async fn former(connection: &DatabaseConnection, catalog: &Catalog) -> Result<Option<Former>> {
    let dialect = Dialect::of(connection)?;
    let Some(last) = history::last(connection, dialect).await? else { return Ok(None) };
    let under_way = journal::interrupted(connection, dialect).await?.is_some();
    let former = last.version != catalog.version || under_way;
    if !former || !history::was_before(connection, &catalog.version).await? {
        return Ok(None);
    }
    let found = Facts::read(connection, dialect).await?;
    let kept = match dialect {
        Dialect::Postgres => names(connection, &version_schema(&catalog.version)).await?,
        Dialect::Sqlite => Vec::new(),
    };
    let renames = apply::renames_since(connection, catalog).await?.unwrap_or_default();
    let has = |table: &str, column: &str| {
        let alias = || kept.iter().any(|(of, name)| of == table && name == column);
        let (of, name) = renames.column(table, column);
        found.has(&of, Some(&name)) || alias()
    };
    let shape = Shape::of(catalog)?;
    let mut all =
        shape.tables.iter().flat_map(|table| table.columns.iter().map(move |column| (table, column)));
    let missing = all.find(|(table, column)| !has(&table.name, &column.name));
    Ok(Some(Former {
        now: last.version.0,
        since: last.applied_at.to_rfc3339(),
        missing: missing.map(|(table, column)| table.origin_of(column)),
    }))
}

/// The tables of a schema of former names, and their columns.
async fn names(connection: &impl ConnectionTrait, schema: &str) -> Result<Vec<(String, String)>> {
    let query = "SELECT c.relname::text AS relation, a.attname::text AS attribute FROM pg_catalog.pg_class c \
                 JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
                 JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped WHERE n.nspname = $1";
    let backend = connection.get_database_backend();
    let statement = Statement::from_sql_and_values(backend, query, [schema.into()]);
    let failed = |source| Error::of("looking for former names", source);
    let rows = connection.query_all_raw(statement).await.map_err(failed)?;
    rows.iter()
        .map(|row| {
            let text = |name: &str| row.try_get::<String>("", name).map_err(failed);
            Ok((text("relation")?, text("attribute")?))
        })
        .collect()
}
