//! Whether the program lives, and whether it can be sent requests.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use poem::http::{HeaderValue, StatusCode, header};
use poem::{Endpoint, Request, Response, Result};
use serde_json::json;
use tokio_util::sync::CancellationToken;

/// A database that takes longer than this to answer nothing is not ready.
const PATIENCE: Duration = Duration::from_secs(2);

/// `/healthz`: the process runs. Says nothing about the database, so that a restart is not the answer to its loss.
#[derive(Debug, Clone, Copy)]
pub struct Live;

impl Endpoint for Live {
    type Output = Response;

    async fn call(&self, _: Request) -> Result<Response> {
        let body = json!({ "status": "ok", "version": env!("CARGO_PKG_VERSION") });
        Ok(answer(StatusCode::OK, &body))
    }
}

/// The outcome of asking the database.
pub type Check = Pin<Box<dyn Future<Output = service::Result<()>> + Send>>;

/// `/readyz`: the database answers, a model is loaded, and the program is not on its way out.
pub struct Ready {
    check: Box<dyn Fn() -> Check + Send + Sync>,
    draining: CancellationToken,
}

impl std::fmt::Debug for Ready {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ready").field("draining", &self.draining.is_cancelled()).finish_non_exhaustive()
    }
}

impl Ready {
    /// Ready when the check passes and nobody has asked to stop.
    pub fn new(check: impl Fn() -> Check + Send + Sync + 'static, draining: CancellationToken) -> Self {
        Self { check: Box::new(check), draining }
    }
}

impl Endpoint for Ready {
    type Output = Response;

    async fn call(&self, _: Request) -> Result<Response> {
        if self.draining.is_cancelled() {
            let body = json!({ "status": "stopping", "database": "ok", "model": "ok" });
            return Ok(answer(StatusCode::SERVICE_UNAVAILABLE, &body));
        }
        let outcome = tokio::time::timeout(PATIENCE, (self.check)()).await;
        if matches!(outcome, Ok(Ok(()))) {
            return Ok(answer(
                StatusCode::OK,
                &json!({ "status": "ready", "database": "ok", "model": "ok" }),
            ));
        }
        let body = json!({ "status": "not ready", "database": "away", "model": "ok" });
        Ok(answer(StatusCode::SERVICE_UNAVAILABLE, &body))
    }
}

fn answer(status: StatusCode, body: &serde_json::Value) -> Response {
    let mut response =
        Response::builder().status(status).content_type("application/json").body(body.to_string());
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if status == StatusCode::SERVICE_UNAVAILABLE {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
    }
    response
}

#[cfg(test)]
mod tests {
    use service::{Code, Error};

    use super::*;

    async fn status(ready: &Ready) -> u16 {
        ready.get_response(Request::default()).await.status().as_u16()
    }

    #[tokio::test]
    async fn not_ready_without_a_database_or_when_stopping() {
        let draining = CancellationToken::new();
        let good = Ready::new(|| Box::pin(async { Ok(()) }), draining.clone());
        let away = || Box::pin(async { Err(Error::new(Code::Unavailable, "away")) }) as Check;
        let bad = Ready::new(away, CancellationToken::new());
        assert_eq!(status(&good).await, 200);
        assert_eq!(status(&bad).await, 503);
        draining.cancel();
        assert_eq!(status(&good).await, 503);
        assert_eq!(Live.get_response(Request::default()).await.status(), 200);
    }

    #[tokio::test]
    async fn a_database_that_hangs_is_not_ready() {
        let hangs = Ready::new(|| Box::pin(std::future::pending()), CancellationToken::new());
        assert_eq!(status(&hangs).await, 503);
    }
}
