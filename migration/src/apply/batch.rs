//! Rows written some at a time, in the order of their key, so that nobody waits long for any of them.

use std::time::Duration;

use sea_orm::{ConnectionTrait, Statement};
use tokio::time::Instant;

use super::session::{self, Session};
use crate::ddl::literal::ident;
use crate::error::{Error, Result};
use crate::step::Backfill;

/// Rows looked at in the first batch.
const FIRST: u64 = 1_000;

/// Rows looked at in a batch at most, and at least.
const BOUNDS: (u64, u64) = (100, 20_000);

/// How long a batch should take: as long others may wait for one of its rows.
const AIM: Duration = Duration::from_millis(40);

/// How often the whole table is gone through again for rows that came meanwhile.
const PASSES: usize = 20;

/// Writes the rows that are to be written, counting them in `written`. Interrupted, it goes on with the rows that still
/// have to be written.
pub(super) async fn run(
    session: &Session,
    backfill: &Backfill,
    doing: &str,
    written: &mut u64,
    tell: impl Fn(u64),
) -> Result<()> {
    for _ in 0..PASSES {
        if pass(session, backfill, doing, written, &tell).await? == 0 {
            return Ok(());
        }
    }
    Err(Error::Busy(format!("{doing}: rows come faster than they are written")))
}

/// Goes through the table once; how many rows were written.
async fn pass(
    session: &Session,
    backfill: &Backfill,
    doing: &str,
    written: &mut u64,
    tell: &impl Fn(u64),
) -> Result<u64> {
    let (mut size, mut after, mut found) = (FIRST, None::<String>, 0);
    loop {
        let begun = Instant::now();
        let Some(last) = boundary(session, backfill, doing, after.as_deref(), size).await? else {
            return Ok(found);
        };
        let rows = write(session, backfill, doing, after.as_deref(), &last).await?;
        (found, *written, after) = (found + rows, *written + rows, Some(last));
        if rows > 0 {
            tell(*written);
        }
        let took = begun.elapsed();
        size = if took > AIM { size / 2 } else { size * 2 }.clamp(BOUNDS.0, BOUNDS.1);
        if rows > 0 {
            // Others get as much of the disk as we took.
            tokio::time::sleep(took.min(AIM)).await;
        }
    }
}

/// The key that ends the next batch; none at the end of the table.
async fn boundary(
    session: &Session,
    backfill: &Backfill,
    doing: &str,
    after: Option<&str>,
    size: u64,
) -> Result<Option<String>> {
    let (key, ty) = (ident(&backfill.key.0), backfill.key.1);
    let from = after.map_or_else(String::new, |_| format!(" WHERE {key} > $1::text::{ty}"));
    let query = format!(
        "SELECT k::text AS k FROM (SELECT {key} AS k FROM {}{from} ORDER BY {key} LIMIT {size}) AS batch ORDER BY batch.k DESC LIMIT 1",
        ident(&backfill.table)
    );
    let failed = |source| Error::of(doing, source);
    let backend = session.connection.get_database_backend();
    let values = after.map(|after| after.to_owned().into());
    let statement = Statement::from_sql_and_values(backend, query, values);
    let row = session.connection.query_one_raw(statement).await.map_err(failed)?;
    row.map(|row| row.try_get::<String>("", "k").map_err(failed)).transpose()
}

async fn write(
    session: &Session,
    backfill: &Backfill,
    doing: &str,
    after: Option<&str>,
    last: &str,
) -> Result<u64> {
    let (key, ty) = (ident(&backfill.key.0), backfill.key.1);
    let from = after.map_or_else(String::new, |_| format!("{key} > $2::text::{ty} AND "));
    let text = format!(
        "UPDATE {} SET {} WHERE {from}{key} <= $1::text::{ty} AND ({})",
        ident(&backfill.table),
        backfill.set,
        backfill.todo
    );
    let values = [Some(last), after].into_iter().flatten().map(|value| value.to_owned().into());
    let transaction = session.begin().await?;
    let statement = Statement::from_sql_and_values(transaction.get_database_backend(), text, values);
    let done = transaction.execute_raw(statement).await;
    session::end(transaction, done.is_ok()).await?;
    Ok(done.map_err(|source| Error::of(doing, source))?.rows_affected())
}
