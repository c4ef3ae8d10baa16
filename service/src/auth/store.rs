//! The tables of accounts, in the few statements that this module needs: names are ours, values are bound.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use entity::catalog::{Default, System};
use entity::value::datetime_sortable;
use entity::{Catalog, Input, Value};
use migration::Dialect;
use sea_orm::{QueryResult, TryGetable, Value as Bound};
use serde_json::Value as Json;
use tokio::time::Instant;
use uuid::Uuid;

use crate::database::{Database, Transaction, bind, classify};
use crate::error::{Code, Error, Result};

/// A value of a statement.
#[derive(Debug, Clone)]
pub(super) enum Arg<'a> {
    Text(&'a str),
    MaybeText(Option<&'a str>),
    Id(Uuid),
    MaybeId(Option<Uuid>),
    Time(DateTime<Utc>),
    Flag(bool),
    Number(i64),
    Texts(&'a [String]),
}

/// The text of a statement for a dialect, whose values are written `?` in order, with what is bound.
fn statement(dialect: Dialect, text: &str, args: &[Arg<'_>]) -> (String, Vec<Bound>) {
    let values = args.iter().map(|arg| bound(dialect, arg)).collect();
    if dialect == Dialect::Sqlite {
        return (text.to_owned(), values);
    }
    let mut numbered = String::with_capacity(text.len() + args.len());
    for (index, part) in text.split('?').enumerate() {
        if index > 0 {
            numbered.push('$');
            numbered.push_str(&index.to_string());
        }
        numbered.push_str(part);
    }
    (numbered, values)
}

fn bound(dialect: Dialect, arg: &Arg<'_>) -> Bound {
    let text = |text: Option<String>| Bound::String(text);
    match (arg, dialect) {
        (Arg::Text(value), _) => text(Some((*value).to_owned())),
        (Arg::MaybeText(value), _) => text(value.map(str::to_owned)),
        (Arg::Id(id), Dialect::Postgres) => Bound::Uuid(Some(*id)),
        (Arg::Id(id), Dialect::Sqlite) => text(Some(id.to_string())),
        (Arg::MaybeId(id), Dialect::Postgres) => Bound::Uuid(*id),
        (Arg::MaybeId(id), Dialect::Sqlite) => text(id.map(|id| id.to_string())),
        (Arg::Time(time), Dialect::Postgres) => Bound::ChronoDateTimeUtc(Some(*time)),
        (Arg::Time(time), Dialect::Sqlite) => text(Some(datetime_sortable(time))),
        (Arg::Flag(flag), Dialect::Postgres) => Bound::Bool(Some(*flag)),
        (Arg::Flag(flag), Dialect::Sqlite) => Bound::BigInt(Some(i64::from(*flag))),
        (Arg::Number(number), _) => Bound::BigInt(Some(*number)),
        (Arg::Texts(texts), Dialect::Postgres) => Bound::Json(Some(Box::new(Json::from(texts.to_vec())))),
        (Arg::Texts(texts), Dialect::Sqlite) => text(Some(Json::from(texts.to_vec()).to_string())),
    }
}

/// A row of an answer.
#[derive(Debug)]
pub(super) struct Row {
    row: QueryResult,
    dialect: Dialect,
}

impl Row {
    fn get<T: TryGetable>(&self, index: usize) -> Result<T> {
        self.row.try_get_by_index(index).map_err(classify::database)
    }

    pub(super) fn text(&self, index: usize) -> Result<String> {
        self.get(index)
    }

    pub(super) fn maybe_text(&self, index: usize) -> Result<Option<String>> {
        self.get(index)
    }

    pub(super) fn number(&self, index: usize) -> Result<i64> {
        self.get(index)
    }

    pub(super) fn flag(&self, index: usize) -> Result<bool> {
        match self.dialect {
            Dialect::Postgres => self.get(index),
            Dialect::Sqlite => Ok(self.get::<i64>(index)? != 0),
        }
    }

    pub(super) fn maybe_id(&self, index: usize) -> Result<Option<Uuid>> {
        match self.dialect {
            Dialect::Postgres => self.get(index),
            Dialect::Sqlite => {
                let text: Option<String> = self.get(index)?;
                text.map(|text| Uuid::parse_str(&text).map_err(Error::internal)).transpose()
            }
        }
    }

    pub(super) fn id(&self, index: usize) -> Result<Uuid> {
        self.maybe_id(index)?.ok_or_else(|| Error::internal("an id is missing"))
    }

    pub(super) fn maybe_time(&self, index: usize) -> Result<Option<DateTime<Utc>>> {
        match self.dialect {
            Dialect::Postgres => self.get(index),
            Dialect::Sqlite => {
                let text: Option<String> = self.get(index)?;
                // Kept without its zone, so that it sorts.
                let parse = |text: String| {
                    let text = format!("{text}Z");
                    DateTime::parse_from_rfc3339(&text).map(|time| time.to_utc()).map_err(Error::internal)
                };
                text.map(parse).transpose()
            }
        }
    }

    pub(super) fn time(&self, index: usize) -> Result<DateTime<Utc>> {
        self.maybe_time(index)?.ok_or_else(|| Error::internal("a time is missing"))
    }

    pub(super) fn texts(&self, index: usize) -> Result<Vec<String>> {
        let json: Json = match self.dialect {
            Dialect::Postgres => self.get(index)?,
            Dialect::Sqlite => serde_json::from_str(&self.get::<String>(index)?).map_err(Error::internal)?,
        };
        serde_json::from_value(json).map_err(Error::internal)
    }
}

/// Asks for one row at most, outside of any transaction.
pub(super) async fn look(database: &Database, text: &str, args: &[Arg<'_>]) -> Result<Option<Row>> {
    let dialect = database.dialect();
    let (text, values) = statement(dialect, text, args);
    let deadline = Some(Instant::now() + super::PATIENCE);
    Ok(database.read(&text, values, deadline).await?.map(|row| Row { row, dialect }))
}

/// A transaction over the tables of accounts.
#[derive(Debug)]
pub(super) struct Store {
    transaction: Transaction,
    dialect: Dialect,
    pub(super) catalog: Arc<Catalog>,
    pub(super) now: DateTime<Utc>,
}

impl Store {
    pub(super) async fn begin(
        database: &Database,
        catalog: Arc<Catalog>,
        now: DateTime<Utc>,
    ) -> Result<Self> {
        let mut transaction = database.begin(Some(Instant::now() + super::PATIENCE)).await?;
        let catalog = database.names_of(&mut transaction, &catalog).await?;
        Ok(Self { transaction, dialect: database.dialect(), catalog, now })
    }

    pub(super) async fn all(&mut self, text: &str, args: &[Arg<'_>]) -> Result<Vec<Row>> {
        let (text, values) = statement(self.dialect, text, args);
        let rows = self.transaction.query(&text, values).await?;
        Ok(rows.into_iter().map(|row| Row { row, dialect: self.dialect }).collect())
    }

    pub(super) async fn one(&mut self, text: &str, args: &[Arg<'_>]) -> Result<Option<Row>> {
        Ok(self.all(text, args).await?.into_iter().next())
    }

    /// Runs a statement and tells how many rows it touched.
    pub(super) async fn run(&mut self, text: &str, args: &[Arg<'_>]) -> Result<u64> {
        let (text, values) = statement(self.dialect, text, args);
        self.transaction.execute(&text, values).await
    }

    /// Locks the row of a user, so that what is decided about it here stays true to the end. SQLite has one writer.
    pub(super) async fn lock_user(&mut self, user: Uuid) -> Result<()> {
        if self.dialect == Dialect::Postgres {
            self.all("select \"id\" from \"launchway_users\" where \"id\" = ? for update", &[Arg::Id(user)])
                .await?;
        }
        Ok(())
    }

    /// Locks the row of an organization: who is its last owner is decided by one at a time.
    pub(super) async fn lock_organization(&mut self, organization: Uuid) -> Result<()> {
        if self.dialect == Dialect::Postgres {
            let text = "select \"id\" from \"launchway_organizations\" where \"id\" = ? for update";
            self.all(text, &[Arg::Id(organization)]).await?;
        }
        Ok(())
    }

    /// Locks the rows of all organizations of a user, in one order: who owns them is decided by one at a time.
    pub(super) async fn lock_organizations_of(&mut self, user: Uuid) -> Result<()> {
        if self.dialect == Dialect::Postgres {
            let text = "select o.\"id\" from \"launchway_organizations\" o join \"launchway_memberships\" m on m.\"organization_id\" = o.\"id\" \
                        where m.\"user_id\" = ? order by o.\"id\" for update of o";
            self.all(text, &[Arg::Id(user)]).await?;
        }
        Ok(())
    }

    /// Makes a row of one of the server's own types. Fields that the model added get their defaults.
    pub(super) async fn insert(&mut self, ty: &str, given: &[(&str, Value)]) -> Result<Uuid> {
        let catalog = Arc::clone(&self.catalog);
        let entity = catalog.entity_named(ty).ok_or_else(|| Error::internal(format!("no type {ty}")))?;
        let id = Uuid::now_v7();
        let (mut columns, mut marks, mut values) = (Vec::new(), Vec::new(), Vec::new());
        for field in &entity.fields {
            let given = given.iter().find(|(name, _)| *name == field.name).map(|(_, value)| value.clone());
            let value = match (field.system, given) {
                (_, Some(value)) => value,
                (Some(System::Key), None) => Value::Uuid(id),
                (Some(System::CreatedAt | System::UpdatedAt), None) => Value::DateTime(self.now),
                (Some(System::Version), None) => Value::Int(1),
                (Some(System::DeletedAt), None) => Value::Null,
                (None, None) => match &field.default {
                    Some(Default::Value(value)) => value.clone(),
                    Some(Default::Now) => {
                        let now = Input::String(self.now.to_rfc3339());
                        entity::value::coerce(&catalog, field.ty, field.list, &now).unwrap_or(Value::Null)
                    }
                    Some(Default::Claim(_) | Default::Copy { .. }) | None => Value::Null,
                },
            };
            columns.push(format!("\"{}\"", field.column.replace('"', "\"\"")));
            values.push(bind::bind(self.dialect, field.ty, field.list, &value));
            marks.push(match self.dialect {
                Dialect::Postgres => format!("${}", values.len()),
                Dialect::Sqlite => "?".to_owned(),
            });
        }
        let text = format!(
            "insert into \"{}\" ({}) values ({})",
            entity.table,
            columns.join(", "),
            marks.join(", ")
        );
        let id = match given.iter().find(|(name, _)| *name == "id") {
            Some((_, Value::Uuid(given))) => *given,
            _ => id,
        };
        self.transaction.execute(&text, values).await?;
        Ok(id)
    }

    pub(super) async fn commit(self) -> Result<()> {
        self.transaction.commit().await
    }

    pub(super) async fn rollback(self) -> Result<()> {
        self.transaction.rollback().await
    }
}

/// Whether a statement failed because a unique constraint holds.
pub(super) fn is_taken(error: &Error) -> bool {
    error.code() == Code::UniqueViolation
}
