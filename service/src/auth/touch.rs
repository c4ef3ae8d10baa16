//! When keys and sessions were used last: written down once a minute, beside the request.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use super::Auth;
use super::store::Arg;
use crate::error::Result;

/// Uses that are written down at once, at most: beyond, the next use is.
pub(super) const PLACES: usize = 8;

/// How often the time of last use is written down.
const MINUTE: TimeDelta = TimeDelta::seconds(60);

/// What was used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Used {
    Key(Uuid),
    Session(Uuid),
}

impl Auth {
    /// Notes that something was used, which was last used at a time, so that nobody waits for it.
    pub(super) fn touch(&self, used: Used, last: Option<DateTime<Utc>>) {
        let now = self.now();
        let pause = self.pause();
        if last.is_some_and(|last| now - last < pause) {
            return;
        }
        let Ok(place) = Arc::clone(&self.0.touches).try_acquire_owned() else { return };
        let auth = self.clone();
        tokio::spawn(async move {
            if auth.note_use(used, now, now - pause).await.is_err() {
                tracing::debug!("the use of a key or a session could not be noted");
            }
            drop(place);
        });
    }

    async fn note_use(&self, used: Used, now: DateTime<Utc>, before: DateTime<Utc>) -> Result<()> {
        let (table, id) = match used {
            Used::Key(id) => ("launchway_api_keys", id),
            Used::Session(id) => ("launchway_sessions", id),
        };
        let mut store = self.store().await?;
        // Another request, or another node, may have been quicker.
        let text = format!(
            "update \"{table}\" set \"last_used_at\" = ? where \"id\" = ? and (\"last_used_at\" is null or \"last_used_at\" <= ?)"
        );
        store.run(&text, &[Arg::Time(now), Arg::Id(id), Arg::Time(before)]).await?;
        store.commit().await
    }

    /// How long a use stands for later ones: a session that is used must not look idle.
    fn pause(&self) -> TimeDelta {
        MINUTE.min(self.0.settings.session_idle / 4)
    }

    /// Sessions of browsers that were last used then have ended.
    pub(super) fn idle_since(&self) -> DateTime<Utc> {
        self.now().checked_sub_signed(self.0.settings.session_idle).unwrap_or(DateTime::UNIX_EPOCH)
    }
}
