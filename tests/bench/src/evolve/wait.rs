//! How long requests waited for locks: what the server's log says of waits over 10 ms, and what is seen every 10 ms.
//!
//! The log is exact about waits that ended well; only a look sees those that were given up.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, Statement};
use tokio::task::JoinHandle;

use super::stage::{SERVER, Stage};

/// Between two looks.
const INTERVAL: Duration = Duration::from_millis(10);

/// The longest wait for a lock.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Wait {
    /// How long.
    pub milliseconds: f64,
    /// For what.
    pub lock: String,
    /// How many waits there were.
    pub count: usize,
}

impl Wait {
    fn longer(self, other: Self) -> Self {
        let count = self.count.max(other.count);
        let longer = if other.milliseconds > self.milliseconds { other } else { self };
        Self { count, ..longer }
    }
}

/// Looks on while requests wait. On SQLite there is nobody to ask, and it sees nothing.
#[derive(Debug)]
pub struct Watch {
    seen: Arc<Mutex<Wait>>,
    task: Option<JoinHandle<()>>,
}

impl Watch {
    /// Begins to look.
    pub async fn start(stage: &Stage) -> Self {
        let seen = Arc::default();
        let task = match stage.cluster {
            Some(_) => Some(tokio::spawn(look(stage.watcher().await, Arc::clone(&seen)))),
            None => None,
        };
        Self { seen, task }
    }

    /// The longest wait since the last time, and since this mark of the log.
    pub fn take(&self, stage: &Stage, mark: u64) -> Wait {
        let seen = std::mem::take(&mut *self.seen.lock().unwrap_or_else(PoisonError::into_inner));
        let log = stage.cluster.as_ref().and_then(|cluster| cluster.log_since(mark)).unwrap_or_default();
        logged(&log).longer(seen)
    }

    /// Ends it.
    pub fn end(self) {
        if let Some(task) = self.task {
            task.abort();
        }
    }
}

async fn look(database: DatabaseConnection, seen: Arc<Mutex<Wait>>) {
    // `pg_blocking_pids` holds up everybody who wants a lock: it is asked of those alone that wait for one.
    let query = format!(
        "select pid::text || ' ' || query_start::text as waiter, coalesce(wait_event, '') as lock
         from pg_stat_activity where usename = '{SERVER}'
         and case when wait_event_type = 'Lock' then cardinality(pg_blocking_pids(pid)) > 0 else false end"
    );
    let mut since: HashMap<String, Instant> = HashMap::new();
    let mut ticks = tokio::time::interval(INTERVAL);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let statement = Statement::from_string(DbBackend::Postgres, query.clone());
        let rows = database.query_all_raw(statement).await.expect("what the database does");
        let now = Instant::now();
        let mut waiting = HashMap::new();
        for row in rows {
            let (Ok(waiter), Ok(lock)) =
                (row.try_get::<String>("", "waiter"), row.try_get::<String>("", "lock"))
            else {
                continue;
            };
            let (begun, new) = since.get(&waiter).map_or((now, true), |begun| (*begun, false));
            waiting.insert(waiter, begun);
            let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
            seen.count += usize::from(new);
            // It began at some time before the first look.
            let milliseconds = ((now - begun) + INTERVAL / 2).as_secs_f64() * 1e3;
            if milliseconds > seen.milliseconds {
                (seen.milliseconds, seen.lock) = (milliseconds, lock);
            }
        }
        since = waiting;
    }
}

/// What the log says: `…|launchway|LOG:  process 7 acquired AccessShareLock on relation 16402 of database 5 after 83.1 ms`.
fn logged(log: &str) -> Wait {
    let mut found = Wait::default();
    for line in log.lines() {
        let mut parts = line.splitn(4, '|').skip(2);
        if parts.next() != Some(SERVER) {
            continue;
        }
        let Some((lock, milliseconds)) = parts.next().and_then(wait) else { continue };
        // One that is logged as still waiting is logged again when it has the lock.
        found.count += usize::from(line.contains(" acquired "));
        if milliseconds > found.milliseconds {
            (found.milliseconds, found.lock) = (milliseconds, lock.to_owned());
        }
    }
    found
}

/// The first statement of a server that the database refused: what the server itself tells nobody.
pub fn first_error(log: &str) -> Option<String> {
    let refused = format!("|{SERVER}|ERROR:");
    log.lines().find_map(|line| line.split_once(&refused)).map(|(_, message)| message.trim().to_owned())
}

fn wait(message: &str) -> Option<(&str, f64)> {
    let (_, rest) = message.split_once(" acquired ").or_else(|| message.split_once(" still waiting for "))?;
    let (lock, rest) = rest.split_once(" on ")?;
    let (_, time) = rest.rsplit_once(" after ")?;
    Some((lock, time.trim_end().strip_suffix(" ms")?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::{first_error, logged};

    #[test]
    fn the_log_names_the_longest_wait_of_a_server() {
        let log = "\
t1|00000|changer|LOG:  process 9 acquired AccessExclusiveLock on relation 16402 of database 16384 after 900.001 ms
t1|00000|launchway|LOG:  process 7 still waiting for AccessShareLock on relation 16402 of database 16384 after 10.118 ms
t1|00000|launchway|DETAIL:  Process holding the lock: 9. Wait queue: 7.
t1|00000|launchway|LOG:  process 7 acquired AccessShareLock on relation 16402 of database 16384 after 83.119 ms
t1|00000|launchway|LOG:  process 8 acquired ShareLock on transaction 12 after 20.5 ms
t1|55P03|changer|ERROR:  canceling statement due to lock timeout
t1|42703|launchway|ERROR:  column t0.title does not exist at character 8
";
        let wait = logged(log);
        assert_eq!((wait.count, wait.milliseconds, wait.lock.as_str()), (2, 83.119, "AccessShareLock"));
        assert_eq!(first_error(log).as_deref(), Some("column t0.title does not exist at character 8"));
    }
}
