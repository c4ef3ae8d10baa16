//! The two executors of GraphQL say the same: every query the tests ask by [`Actor::send`] is asked of the fast one and
//! of the resolvers, and their answers are compared. So the whole suite is the oracle.

use std::future::Future;

use serde_json::Value;

use crate::{Actor, Response};

/// The header that chooses the resolvers in development.
const EXECUTOR: &str = "x-launchway-executor";

/// How often a difference is looked at again: another test may have written between the two.
const TRIES: usize = 5;

tokio::task_local! {
    static ONCE: ();
}

/// Asks only once while this future runs: for tests that count or time what the program does.
pub async fn once<T>(future: impl Future<Output = T>) -> T {
    ONCE.scope((), future).await
}

/// Whether a request is a GraphQL query that may be asked again.
pub(crate) fn applies(method: &str, path: &str, body: Option<&[u8]>, headers: &[(String, String)]) -> bool {
    let named = |name: &str| headers.iter().any(|(known, _)| known.eq_ignore_ascii_case(name));
    if path != "/graphql" || method != "POST" || named(EXECUTOR) || named("idempotency-key") {
        return false;
    }
    let body: Option<Value> = body.and_then(|body| serde_json::from_slice(body).ok());
    let query = body.as_ref().and_then(|body| body.get("query")).and_then(Value::as_str);
    // Anything that could be a mutation is done once.
    query.is_some_and(|query| !query.contains("mutation")) && ONCE.try_with(|()| ()).is_err()
}

/// Asks both executors and compares.
pub(crate) async fn ask(actor: &Actor, method: &str, path: &str, body: Option<Vec<u8>>) -> Response {
    let resolvers = actor.with(EXECUTOR, "resolvers");
    let mut fast = actor.ask(method, path, body.clone()).await;
    for _ in 0..TRIES {
        // Refused for want of room or time: that is nobody's answer.
        if [408, 429, 503, 504].contains(&fast.status) {
            return fast;
        }
        let slow = resolvers.ask(method, path, body.clone()).await;
        if same(&fast, &slow) || [408, 429, 503, 504].contains(&slow.status) {
            return fast;
        }
        let again = actor.ask(method, path, body.clone()).await;
        assert!(
            !same(&fast, &again),
            "the executors differ.\nThe fast one:\n{}\nThe resolvers:\n{}",
            fast.whole(),
            slow.whole()
        );
        fast = again;
    }
    fast
}

fn same(a: &Response, b: &Response) -> bool {
    // As JSON in its order: PostgreSQL writes spaces that the resolvers do not.
    let text = |response: &Response| {
        let json: Result<Value, _> = serde_json::from_slice(response.bytes());
        json.map_or_else(|_| String::from_utf8_lossy(response.bytes()).into_owned(), |json| json.to_string())
    };
    a.status == b.status && a.media_type() == b.media_type() && text(a) == text(b)
}
