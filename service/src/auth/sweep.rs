//! What is kept for a time only: sessions and codes that have ended, and accounts that nobody proved to be theirs.

use chrono::{DateTime, Utc};
use entity::Catalog;
use entity::catalog::Join;
use uuid::Uuid;

use super::Auth;
use super::store::{Arg, Store};
use crate::error::{Code, Result};

/// Rows swept in one transaction.
const BATCH: i64 = 1_000;

/// Accounts of a sign-up whose address was never proved, and for which no code is under way.
const UNPROVED: &str = "u.\"email_verified\" = ? and u.\"created_at\" < ? \
     and exists (select 1 from \"launchway_audit_events\" a where a.\"subject\" = u.\"id\" and a.\"event\" = ?) \
     and not exists (select 1 from \"launchway_tokens\" t where t.\"user_id\" = u.\"id\" and t.\"expires_at\" > ?)";

impl Auth {
    /// Deletes what has ended. Tells how many rows.
    ///
    /// # Errors
    /// The database's.
    pub async fn sweep(&self) -> Result<u64> {
        if !self.is_open() {
            return Ok(0);
        }
        let mut swept = 0;
        loop {
            let mut store = self.store().await?;
            let batch = ended(&mut store).await?;
            store.commit().await?;
            swept += batch;
            if batch == 0 {
                break;
            }
        }
        Ok(swept + self.unproved().await?)
    }

    /// Deletes accounts that a sign-up made, whose address nobody proved for long, and that no row refers to. Users whom
    /// an administrator made or imported stay.
    async fn unproved(&self) -> Result<u64> {
        let before = self.now().checked_sub_signed(self.0.settings.unproved);
        let Some(before) = before.filter(|before| *before > DateTime::UNIX_EPOCH) else { return Ok(0) };
        let (mut last, mut swept) = (Uuid::nil(), 0);
        loop {
            let mut store = self.store().await?;
            let text = format!(
                "select u.\"id\" from \"launchway_users\" u where u.\"id\" > ? and {} order by u.\"id\" limit ?",
                deletable(&store.catalog)
            );
            let mut args = vec![Arg::Id(last)];
            args.extend(unproved(before, store.now));
            args.push(Arg::Number(BATCH));
            let found = store.all(&text, &args).await?;
            store.rollback().await?;
            if found.is_empty() {
                return Ok(swept);
            }
            for row in found {
                last = row.id(0)?;
                swept += self.delete_unproved(last, before).await?;
            }
        }
    }

    /// Deletes one of them, if it still is one.
    async fn delete_unproved(&self, user: Uuid, before: DateTime<Utc>) -> Result<u64> {
        let mut store = self.store().await?;
        store.lock_user(user).await?;
        let text = format!(
            "delete from \"launchway_users\" where \"id\" in (select u.\"id\" from \"launchway_users\" u where u.\"id\" = ? and {})",
            deletable(&store.catalog)
        );
        let mut args = vec![Arg::Id(user)];
        args.extend(unproved(before, store.now));
        match store.run(&text, &args).await {
            Ok(0) => store.rollback().await.map(|()| 0),
            Ok(_) => {
                for table in ["launchway_tokens", "launchway_credentials"] {
                    let text = format!("delete from \"{table}\" where \"user_id\" = ?");
                    store.run(&text, &[Arg::Id(user)]).await?;
                }
                store.commit().await.map(|()| 1)
            }
            // A table beside the model refers to it.
            Err(error) if error.code() == Code::ForeignKeyViolation => store.rollback().await.map(|()| 0),
            Err(error) => Err(error),
        }
    }
}

/// The values of [`UNPROVED`].
fn unproved(before: DateTime<Utc>, now: DateTime<Utc>) -> [Arg<'static>; 4] {
    [Arg::Flag(false), Arg::Time(before), Arg::Text("user.signed_up"), Arg::Number(now.timestamp())]
}

/// Whether a user is one that nobody proved to be theirs, and nothing refers to.
fn deletable(catalog: &Catalog) -> String {
    format!("{UNPROVED}{}", unreferred(catalog))
}

/// That no row of the model refers to a user: sessions, identities and keys among them.
fn unreferred(catalog: &Catalog) -> String {
    let Some(user) = catalog.entity_named("User") else { return String::new() };
    let own = catalog.entities.iter().flat_map(|entity| {
        let relations = entity.relations.iter().filter(|relation| relation.target == user.id);
        relations.filter_map(|relation| match relation.join {
            Join::Outgoing { field } => Some((entity.table.as_str(), entity.field(field).column.as_str())),
            Join::Incoming { .. } | Join::Through { .. } => None,
        })
    });
    let joined = catalog.join_tables.iter().flat_map(|join| {
        let sides = join.sides.iter().filter(|(_, entity)| *entity == user.id);
        sides.map(|(column, _)| (join.table.as_str(), column.as_str()))
    });
    let quoted = |name: &str| name.replace('"', "\"\"");
    let none = |(table, column): (&str, &str)| {
        let (table, column) = (quoted(table), quoted(column));
        format!(" and not exists (select 1 from \"{table}\" r where r.\"{column}\" = u.\"id\")")
    };
    own.chain(joined).map(none).collect()
}

/// Deletes sessions and codes that have ended.
async fn ended(store: &mut Store) -> Result<u64> {
    let now = store.now;
    let tokens = store
        .run(
            "delete from \"launchway_tokens\" where \"hash\" in (select \"hash\" from \"launchway_tokens\" where \"expires_at\" < ? limit ?)",
            &[Arg::Number(now.timestamp()), Arg::Number(BATCH)],
        )
        .await?;
    let sessions = store
        .run(
            "delete from \"launchway_sessions\" where \"id\" in (select \"id\" from \"launchway_sessions\" where \"expires_at\" < ? limit ?)",
            &[Arg::Time(now), Arg::Number(BATCH)],
        )
        .await?;
    Ok(tokens + sessions)
}
