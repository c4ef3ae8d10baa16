//! Which shape the database was given, and when.

use entity::catalog::Version;
use entity::system::{catalog_facts, catalog_version};
use sea_orm::entity::prelude::DateTimeUtc;
use sea_orm::{
    ActiveModelTrait, ActiveValue, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder,
    QuerySelect, Statement,
};

use crate::dialect::Dialect;
use crate::error::{Error, Result};
use crate::facts::Facts;
use crate::rename::Renames;
use crate::shape::{FORMAT, Shape};

/// Applications that are looked through for a model that was never applied itself.
const LOOKED_THROUGH: u64 = 100;

/// The model version in force in a database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AppliedVersion {
    /// The number of the application.
    pub id: i64,
    /// The content hash of the model.
    pub version: Version,
    /// The text of the model.
    pub model: String,
    /// The shape the tables have.
    pub shape: Shape,
    /// What the database said it has after that.
    pub facts: Option<Facts>,
    /// When it was applied.
    pub applied_at: DateTimeUtc,
}

/// The last application; none for a fresh database. Writes nothing.
pub(crate) async fn last(
    connection: &impl ConnectionTrait,
    dialect: Dialect,
) -> Result<Option<AppliedVersion>> {
    if !has_table(connection, dialect, "launchway_catalog").await? {
        return Ok(None);
    }
    let row = catalog_version::Entity::find()
        .order_by_desc(catalog_version::Column::Id)
        .limit(1)
        .one(connection)
        .await
        .map_err(|source| Error::of("reading the history", source))?;
    let Some(mut last) = row.map(read).transpose()? else { return Ok(None) };
    if has_table(connection, dialect, "launchway_facts").await? {
        let facts: Option<String> = catalog_facts::Entity::find_by_id(last.id)
            .select_only()
            .column(catalog_facts::Column::Facts)
            .into_tuple()
            .one(connection)
            .await
            .map_err(|source| Error::of("reading the history", source))?;
        // Without them less is known of what was changed by hand; nothing else depends on them.
        last.facts = facts.and_then(|facts| serde_json::from_str(&facts).ok());
    }
    Ok(Some(last))
}

/// The version in force alone, which is asked often.
pub(crate) async fn version(connection: &impl ConnectionTrait, dialect: Dialect) -> Result<Option<Version>> {
    if !has_table(connection, dialect, "launchway_catalog").await? {
        return Ok(None);
    }
    let found: Option<String> = catalog_version::Entity::find()
        .select_only()
        .column(catalog_version::Column::Version)
        .order_by_desc(catalog_version::Column::Id)
        .limit(1)
        .into_tuple()
        .one(connection)
        .await
        .map_err(|source| Error::of("reading the history", source))?;
    Ok(found.map(Version))
}

/// Whether a version was ever in force.
pub(crate) async fn was_before(connection: &impl ConnectionTrait, version: &Version) -> Result<bool> {
    let found = catalog_version::Entity::find()
        .filter(catalog_version::Column::Version.eq(version.0.as_str()))
        .limit(1)
        .one(connection)
        .await
        .map_err(|source| Error::of("reading the history", source))?;
    Ok(found.is_some())
}

/// Whether the server's own tables have this one already.
pub(crate) async fn has_table(
    connection: &impl ConnectionTrait,
    dialect: Dialect,
    table: &str,
) -> Result<bool> {
    let query = match dialect {
        Dialect::Postgres => "SELECT 1 WHERE to_regclass($1) IS NOT NULL",
        Dialect::Sqlite => "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = $1",
    };
    let statement = Statement::from_sql_and_values(connection.get_database_backend(), query, [table.into()]);
    let found = connection.query_one_raw(statement).await;
    Ok(found.map_err(|source| Error::of("reading the history", source))?.is_some())
}

/// Whether a table of the server's own has the column for other names already.
pub(crate) async fn has_renames(
    connection: &impl ConnectionTrait,
    dialect: Dialect,
    table: &str,
) -> Result<bool> {
    let query = match dialect {
        Dialect::Postgres => {
            "SELECT 1 FROM pg_attribute WHERE attrelid = to_regclass($1) AND attname = 'renames' AND NOT attisdropped"
        }
        Dialect::Sqlite => "SELECT 1 FROM pragma_table_info($1) WHERE name = 'renames'",
    };
    let statement = Statement::from_sql_and_values(connection.get_database_backend(), query, [table.into()]);
    let found = connection.query_one_raw(statement).await;
    Ok(found.map_err(|source| Error::of("reading the history", source))?.is_some())
}

fn read(row: catalog_version::Model) -> Result<AppliedVersion> {
    Ok(AppliedVersion {
        id: row.id,
        version: Version(row.version),
        model: row.model,
        shape: read_shape(&row.shape)?,
        facts: None,
        applied_at: row.applied_at,
    })
}

/// A shape as it was written down.
pub(crate) fn read_shape(text: &str) -> Result<Shape> {
    let broken = |error: serde_json::Error| Error::History(error.to_string());
    let json: serde_json::Value = serde_json::from_str(text).map_err(broken)?;
    let found = json.get("format").and_then(serde_json::Value::as_u64).unwrap_or_default();
    if found > u64::from(FORMAT) {
        return Err(Error::Newer { found, known: FORMAT });
    }
    serde_json::from_value(json).map_err(broken)
}

/// A shape as it is written down.
pub(crate) fn shape_text(shape: &Shape) -> Result<String> {
    let shape = Shape { format: FORMAT, ..shape.clone() };
    serde_json::to_string(&shape).map_err(|error| Error::History(error.to_string()))
}

/// Other names as they are written down.
pub(crate) fn renames_text(renames: &Renames) -> Result<String> {
    serde_json::to_string(renames).map_err(|error| Error::History(error.to_string()))
}

/// Other names as they were written down.
pub(crate) fn read_renames(text: &str) -> Result<Renames> {
    serde_json::from_str(text).map_err(|error| Error::History(error.to_string()))
}

/// The last application of a model, or of one that asks for the same tables.
pub(crate) async fn last_of(
    connection: &impl ConnectionTrait,
    version: &Version,
    shape: &Shape,
) -> Result<Option<i64>> {
    let failed = |source| Error::of("reading the history", source);
    let newest = || catalog_version::Entity::find().order_by_desc(catalog_version::Column::Id);
    let named = newest().filter(catalog_version::Column::Version.eq(version.0.as_str())).limit(1);
    if let Some(row) = named.one(connection).await.map_err(failed)? {
        return Ok(Some(row.id));
    }
    for row in newest().limit(LOOKED_THROUGH).all(connection).await.map_err(failed)? {
        if read_shape(&row.shape).is_ok_and(|found| found.same(shape)) {
            return Ok(Some(row.id));
        }
    }
    Ok(None)
}

/// What got another name in the applications after one; none where there were no others.
pub(crate) async fn renames_after(connection: &impl ConnectionTrait, id: i64) -> Result<Option<Renames>> {
    let rows = catalog_facts::Entity::find()
        .filter(catalog_facts::Column::CatalogId.gt(id))
        .order_by_asc(catalog_facts::Column::CatalogId)
        .all(connection)
        .await
        .map_err(|source| Error::of("reading the history", source))?;
    let mut all = None;
    for row in rows {
        all.get_or_insert_with(Renames::default).then(read_renames(&row.renames)?);
    }
    Ok(all)
}

/// What is written down of an application.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Entry<'a> {
    /// The content hash of the model.
    pub(crate) version: &'a Version,
    /// The text of the model.
    pub(crate) model: &'a str,
    /// The shape the tables have.
    pub(crate) shape: &'a Shape,
    /// What the database said it has after that.
    pub(crate) facts: &'a Facts,
    /// What got another name.
    pub(crate) renames: &'a Renames,
}

/// Writes down an application.
pub(crate) async fn record(connection: &impl ConnectionTrait, entry: Entry<'_>) -> Result<()> {
    let facts = serde_json::to_string(entry.facts).map_err(|error| Error::History(error.to_string()))?;
    let row = catalog_version::ActiveModel {
        id: ActiveValue::NotSet,
        version: ActiveValue::Set(entry.version.0.clone()),
        shape: ActiveValue::Set(shape_text(entry.shape)?),
        model: ActiveValue::Set(entry.model.to_owned()),
        applied_at: ActiveValue::Set(std::time::SystemTime::now().into()),
    };
    let failed = |source| Error::of("writing the history", source);
    let row = row.insert(connection).await.map_err(failed)?;
    let facts = catalog_facts::ActiveModel {
        catalog_id: ActiveValue::Set(row.id),
        facts: ActiveValue::Set(facts),
        renames: ActiveValue::Set(renames_text(entry.renames)?),
    };
    facts.insert(connection).await.map_err(failed)?;
    Ok(())
}
