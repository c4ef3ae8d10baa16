//! Idempotency keys: the answer of a write is stored in the write's own transaction, so that a crash between commit
//! and reply still replays (draft-ietf-httpapi-idempotency-key-header).

use chrono::{DateTime, TimeDelta, Utc};
use migration::Dialect;
use sea_orm::Value as Bound;
use sha2::{Digest, Sha256};

use super::execute::column;
use super::reply::Reply;
use super::script::{Idempotency, StoredAnswer};
use crate::context::Context;
use crate::database::{Database, Transaction};
use crate::error::{Code, Error, Result};

/// Hours a key is remembered.
const HOURS: i64 = 24;

/// Rows deleted in one transaction: writers wait for it on SQLite.
const BATCH: u64 = 500;

/// Takes the key for this transaction, or gives the answer that is stored under it.
///
/// A second request with a key whose first is still being answered waits for it, as long as its deadline allows.
///
/// # Errors
/// `IDEMPOTENCY_KEY_REUSED` when the key was used for something else.
pub(crate) async fn claim(
    transaction: &mut Transaction,
    context: &Context,
    idempotency: &Idempotency<'_>,
) -> Result<Option<StoredAnswer>> {
    let dialect = transaction.dialect();
    let mark = mark(dialect);
    // One that is too old counts as if it had been swept.
    let insert = format!(
        "insert into \"launchway_idempotency\" as \"old\" (\"principal\", \"key\", \"method_path\", \"body_hash\", \"created_at\") \
         values ({mark}1, {mark}2, {mark}3, {mark}4, {mark}5) on conflict (\"principal\", \"key\") do update set \
         \"method_path\" = excluded.\"method_path\", \"body_hash\" = excluded.\"body_hash\", \"status\" = null, \
         \"headers\" = null, \"body\" = null, \"created_at\" = excluded.\"created_at\" where \"old\".\"created_at\" < {mark}6"
    );
    let values = vec![
        text(&owner(context)),
        text(idempotency.key),
        text(idempotency.route),
        text(idempotency.fingerprint),
        bound_time(dialect, context.now),
        bound_time(dialect, oldest(context.now)),
    ];
    if transaction.execute(&insert, values).await? == 1 {
        return Ok(None);
    }
    let select = format!(
        "select \"method_path\", \"body_hash\", \"status\", \"headers\", \"body\" from \"launchway_idempotency\" \
         where \"principal\" = {mark}1 and \"key\" = {mark}2"
    );
    let rows = transaction.query(&select, vec![text(&owner(context)), text(idempotency.key)]).await?;
    let Some(row) = rows.first() else {
        return Err(Error::new(
            Code::IdempotencyInFlight,
            "A request with this idempotency key is still being answered.",
        )
        .retry_after(1));
    };
    let (route, fingerprint): (String, String) = (column(row, 0)?, column(row, 1)?);
    if route != idempotency.route || fingerprint != idempotency.fingerprint {
        return Err(Error::new(
            Code::IdempotencyMismatch,
            "The idempotency key was used before with another request.",
        )
        .hint(
            "Make a new key for each new request; repeat a key only with the same method, path and body.",
        ));
    }
    let status: i32 = column::<Option<i32>>(row, 2)?.unwrap_or(500);
    let headers: Option<String> = column(row, 3)?;
    let body: Option<Vec<u8>> = column(row, 4)?;
    Ok(Some(StoredAnswer {
        status: u16::try_from(status).unwrap_or(500),
        headers: headers.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default(),
        body: body.unwrap_or_default(),
    }))
}

/// Stores the answer under the key.
///
/// # Errors
/// The database's.
pub(crate) async fn store(
    transaction: &mut Transaction,
    context: &Context,
    idempotency: &Idempotency<'_>,
    reply: &Reply,
) -> Result<()> {
    let answer = (idempotency.render)(reply);
    let mark = mark(transaction.dialect());
    let update = format!(
        "update \"launchway_idempotency\" set \"status\" = {mark}1, \"headers\" = {mark}2, \"body\" = {mark}3 \
         where \"principal\" = {mark}4 and \"key\" = {mark}5"
    );
    let headers = serde_json::to_string(&answer.headers).map_err(Error::internal)?;
    let values = vec![
        Bound::Int(Some(i32::from(answer.status))),
        text(&headers),
        Bound::Bytes(Some(answer.body)),
        text(&owner(context)),
        text(idempotency.key),
    ];
    transaction.execute(&update, values).await?;
    Ok(())
}

/// Deletes the keys that are too old, in small batches. Tells how many.
///
/// # Errors
/// The database's.
pub(crate) async fn sweep(database: &Database, now: DateTime<Utc>) -> Result<u64> {
    let dialect = database.dialect();
    let mark = mark(dialect);
    let delete = format!(
        "delete from \"launchway_idempotency\" where (\"principal\", \"key\") in (select \"principal\", \"key\" \
         from \"launchway_idempotency\" where \"created_at\" < {mark}1 order by \"created_at\" limit {BATCH})"
    );
    let mut swept = 0;
    loop {
        let mut transaction = database.begin(None).await?;
        let count = transaction.execute(&delete, vec![bound_time(dialect, oldest(now))]).await?;
        transaction.commit().await?;
        swept += count;
        if count < BATCH {
            return Ok(swept);
        }
    }
}

/// Keys are private to who sends them.
fn owner(context: &Context) -> String {
    let organization = context.principal.subject().and_then(|subject| subject.organization.as_ref());
    let organization = organization.map(|organization| organization.id.to_string()).unwrap_or_default();
    let who = format!("{} {organization}", context.principal.name());
    let mut hash = Sha256::new();
    hash.update(who.as_bytes());
    hash.finalize().iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

fn mark(dialect: Dialect) -> char {
    match dialect {
        Dialect::Postgres => '$',
        Dialect::Sqlite => '?',
    }
}

fn text(value: &str) -> Bound {
    Bound::String(Some(value.to_owned()))
}

/// Keys from before are forgotten.
fn oldest(now: DateTime<Utc>) -> DateTime<Utc> {
    now - TimeDelta::hours(HOURS)
}

fn bound_time(dialect: Dialect, time: DateTime<Utc>) -> Bound {
    match dialect {
        Dialect::Postgres => Bound::ChronoDateTimeUtc(Some(time)),
        Dialect::Sqlite => Bound::String(Some(entity::value::datetime_sortable(&time))),
    }
}
