//! Which shape the database was given, and when.

use entity::catalog::Version;
use entity::system::catalog_version;
use sea_orm::entity::prelude::DateTimeUtc;
use sea_orm::{
    ActiveModelTrait, ActiveValue, ConnectionTrait, EntityTrait, QueryOrder, QuerySelect, Statement,
};

use crate::dialect::Dialect;
use crate::error::{Error, Result};
use crate::shape::{FORMAT, Shape};

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
    /// When it was applied.
    pub applied_at: DateTimeUtc,
}

/// The last application; none for a fresh database. Writes nothing.
pub(crate) async fn last(
    connection: &impl ConnectionTrait,
    dialect: Dialect,
) -> Result<Option<AppliedVersion>> {
    let failed = |source| Error::of("reading the history", source);
    let query = match dialect {
        Dialect::Postgres => "SELECT 1 WHERE to_regclass('launchway_catalog') IS NOT NULL",
        Dialect::Sqlite => "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'launchway_catalog'",
    };
    let statement = Statement::from_string(connection.get_database_backend(), query);
    if connection.query_one_raw(statement).await.map_err(failed)?.is_none() {
        return Ok(None);
    }
    let row = catalog_version::Entity::find()
        .order_by_desc(catalog_version::Column::Id)
        .limit(1)
        .one(connection)
        .await
        .map_err(failed)?;
    row.map(read).transpose()
}

fn read(row: catalog_version::Model) -> Result<AppliedVersion> {
    let broken = |error: serde_json::Error| Error::History(error.to_string());
    let json: serde_json::Value = serde_json::from_str(&row.shape).map_err(broken)?;
    let found = json.get("format").and_then(serde_json::Value::as_u64).unwrap_or_default();
    if found > u64::from(FORMAT) {
        return Err(Error::Newer { found, known: FORMAT });
    }
    Ok(AppliedVersion {
        id: row.id,
        version: Version(row.version),
        model: row.model,
        shape: serde_json::from_value(json).map_err(broken)?,
        applied_at: row.applied_at,
    })
}

/// Writes down an application.
pub(crate) async fn record(
    connection: &impl ConnectionTrait,
    version: &Version,
    shape: &Shape,
    model: &str,
) -> Result<()> {
    let shape = serde_json::to_string(shape).map_err(|error| Error::History(error.to_string()))?;
    let row = catalog_version::ActiveModel {
        id: ActiveValue::NotSet,
        version: ActiveValue::Set(version.0.clone()),
        shape: ActiveValue::Set(shape),
        model: ActiveValue::Set(model.to_owned()),
        applied_at: ActiveValue::Set(std::time::SystemTime::now().into()),
    };
    row.insert(connection).await.map_err(|source| Error::of("writing the history", source))?;
    Ok(())
}
