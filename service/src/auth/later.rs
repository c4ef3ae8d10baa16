//! What is done after the answer, so that how long an answer takes tells nothing about an address.

use std::future::Future;
use std::sync::Arc;

use super::Auth;
use crate::error::{Code, Error, Result};

/// Pieces of work that wait or are being done, at most: beyond, the server is too busy.
pub(super) const PLACES: usize = 200;

impl Auth {
    /// Does work that nobody waits for. Whether there is a place for it does not depend on what it finds.
    ///
    /// # Errors
    /// `UNAVAILABLE` when too much waits.
    pub(super) fn later(&self, work: impl Future<Output = Result<()>> + Send + 'static) -> Result<()> {
        let place = Arc::clone(&self.0.later)
            .try_acquire_owned()
            .map_err(|_| Error::new(Code::Unavailable, "Too many ask at the moment.").retry_after(1))?;
        tokio::spawn(async move {
            if let Err(error) = work.await {
                tracing::warn!(
                    code = error.code().as_str(),
                    "what was asked for an account could not be done"
                );
            }
            drop(place);
        });
        Ok(())
    }
}
