//! `launchway_application`: how far an application came, so that the next one goes on from there.

use entity::catalog::Version;
use entity::system::{application, application_step};
use sea_orm::sea_query::Expr;
use sea_orm::{
    ActiveModelTrait, ActiveValue, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder,
    QuerySelect,
};

use crate::dialect::Dialect;
use crate::error::{Error, Result};
use crate::history;
use crate::step::Step;

use super::Made;

const RUNNING: &str = "running";
const DONE: &str = "done";
const LEFT: &str = "left";

/// The entry of an application that is under way.
#[derive(Debug)]
pub(super) struct Journal {
    id: i64,
}

/// A step that was done.
#[derive(Debug)]
pub(super) struct Record {
    pub(super) started: std::time::SystemTime,
    pub(super) rows: u64,
    pub(super) gave_way: u64,
}

/// What an application that did not end, or has not yet, has made of the database; none when all ended. Writes nothing.
pub(crate) async fn interrupted(connection: &impl ConnectionTrait, dialect: Dialect) -> Result<Option<Made>> {
    let table = "launchway_application";
    if !history::has_table(connection, dialect, table).await? {
        return Ok(None);
    }
    let renames = match history::has_renames(connection, dialect, table).await? {
        true => Expr::col(application::Column::Renames),
        false => Expr::value("[]"),
    };
    let row: Option<(String, String)> = application::Entity::find()
        .select_only()
        .column(application::Column::Shape)
        .column_as(renames, "renames")
        .filter(application::Column::State.eq(RUNNING))
        .order_by_desc(application::Column::Id)
        .into_tuple()
        .one(connection)
        .await
        .map_err(|source| Error::of("reading the history", source))?;
    let read = |(shape, renames): (String, String)| {
        Ok(Made { shape: history::read_shape(&shape)?, renames: history::read_renames(&renames)? })
    };
    row.map(read).transpose()
}

impl Journal {
    /// Begins an entry; one that was left behind is taken over.
    pub(super) async fn begin(
        connection: &impl ConnectionTrait,
        version: &Version,
        made: &Made,
    ) -> Result<Self> {
        let failed = |source| Error::of("writing the history", source);
        leave(connection).await?;
        let now = std::time::SystemTime::now();
        let row = application::ActiveModel {
            id: ActiveValue::NotSet,
            version: ActiveValue::Set(version.0.clone()),
            shape: ActiveValue::Set(history::shape_text(&made.shape)?),
            renames: ActiveValue::Set(history::renames_text(&made.renames)?),
            state: ActiveValue::Set(RUNNING.to_owned()),
            started_at: ActiveValue::Set(now.into()),
            touched_at: ActiveValue::Set(now.into()),
        };
        let row = row.insert(connection).await.map_err(failed)?;
        Ok(Self { id: row.id })
    }

    /// Writes down what the database has by now.
    pub(super) async fn keep(&self, connection: &impl ConnectionTrait, made: &Made) -> Result<()> {
        let renames = history::renames_text(&made.renames)?;
        let shape = (application::Column::Shape, history::shape_text(&made.shape)?);
        self.set(connection, [shape, (application::Column::Renames, renames)]).await
    }

    /// Writes down a step that was done.
    pub(super) async fn record(
        &self,
        connection: &impl ConnectionTrait,
        step: &Step,
        record: &Record,
    ) -> Result<()> {
        let count = |count: u64| ActiveValue::Set(i64::try_from(count).unwrap_or(i64::MAX));
        let row = application_step::ActiveModel {
            id: ActiveValue::NotSet,
            application_id: ActiveValue::Set(self.id),
            description: ActiveValue::Set(step.description.clone()),
            statements: ActiveValue::Set(step.statements.join(";\n")),
            rows: count(record.rows),
            gave_way: count(record.gave_way),
            started_at: ActiveValue::Set(record.started.into()),
            ended_at: ActiveValue::Set(std::time::SystemTime::now().into()),
        };
        row.insert(connection).await.map_err(|source| Error::of("writing the history", source))?;
        Ok(())
    }

    /// The application has come to its end.
    pub(super) async fn end(&self, connection: &impl ConnectionTrait) -> Result<()> {
        self.set(connection, [(application::Column::State, DONE.to_owned())]).await
    }

    async fn set(
        &self,
        connection: &impl ConnectionTrait,
        values: impl IntoIterator<Item = (application::Column, String)>,
    ) -> Result<()> {
        let now: sea_orm::entity::prelude::DateTimeUtc = std::time::SystemTime::now().into();
        values
            .into_iter()
            .fold(application::Entity::update_many(), |update, (column, value)| {
                update.col_expr(column, Expr::value(value))
            })
            .col_expr(application::Column::TouchedAt, Expr::value(now))
            .filter(application::Column::Id.eq(self.id))
            .exec(connection)
            .await
            .map_err(|source| Error::of("writing the history", source))?;
        Ok(())
    }
}

/// Ends the entries of applications that were interrupted: another one went on.
pub(super) async fn leave(connection: &impl ConnectionTrait) -> Result<()> {
    application::Entity::update_many()
        .col_expr(application::Column::State, Expr::value(LEFT))
        .filter(application::Column::State.eq(RUNNING))
        .exec(connection)
        .await
        .map_err(|source| Error::of("writing the history", source))?;
    Ok(())
}
