//! Rate limits: what is counted under what, what answers say about it, and what happens without Redis.
//!
//! Nothing here is about the database: it is tried on one. Windows are long, so that nothing flows back meanwhile.

use std::time::{Duration, Instant};

use harness::redis::Server;
use harness::{Actor, App, Backend, Response, json, model, runtime};

const PATH: &str = "/v1/genres";

/// The program with limits of so much per address and per principal.
async fn limited(address: &str, principal: &str, further: &[(&str, &str)]) -> App {
    let mut builder = App::with(Backend::Sqlite, &model::text("store"))
        .env("LAUNCHWAY_RATE__ENABLED", "on")
        .env("LAUNCHWAY_RATE__ADDRESS", address)
        .env("LAUNCHWAY_RATE__PRINCIPAL", principal);
    for (name, value) in further {
        builder = builder.env(name, value);
    }
    builder.start().await
}

/// The name of the policy and what is left of it.
#[track_caller]
fn left(reply: &Response) -> (String, u32) {
    let header = reply.header("ratelimit");
    let (name, rest) = header.split_once(";r=").unwrap_or_else(|| panic!("{}", reply.whole()));
    let (left, _) = rest.split_once(";t=").unwrap_or_else(|| panic!("{}", reply.whole()));
    (name.trim_matches('"').to_owned(), left.parse().unwrap())
}

async fn used_up(actor: &Actor) -> Response {
    actor.get(PATH).await.is(429).fails("RATE_LIMITED")
}

#[test]
fn answers_say_what_is_left_and_a_refusal_when_to_come_back() {
    runtime::block_on(async {
        let app = limited("3/1h", "5/1h", &[]).await;
        for expected in [2, 1, 0] {
            let reply = app.anyone().get(PATH).await.good();
            assert_eq!(left(&reply), ("address".to_owned(), expected));
            assert_eq!(reply.header("ratelimit-policy"), "\"address\";q=3;w=3600");
            assert_eq!(reply.header("retry-after"), "");
        }
        let refused = used_up(&app.anyone()).await;
        assert_eq!(refused.media_type(), "application/problem+json");
        let wait: u64 = refused.header("retry-after").parse().unwrap();
        assert!((1_100..=1_200).contains(&wait), "{}", refused.whole());
        assert_eq!(refused.header("ratelimit"), format!("\"address\";r=0;t={wait}"));
        assert_eq!(refused.header("ratelimit-policy"), "\"address\";q=3;w=3600");
        assert_eq!(refused.json()["requestId"], refused.header("x-request-id"));
        // Another path, a page, GraphQL: one quota.
        let _ = app.anyone().get("/v1/nonsense").await.is(429);
        let _ = app.anyone().get("/").await.is(429);
        let query = app.anyone().graphql("{ __typename }").await.is(429).fails("RATE_LIMITED");
        assert!(!query.header("retry-after").is_empty(), "{}", query.whole());
        // Who shows credentials has another.
        let admin = app.admin().get(PATH).await.good();
        assert_eq!(left(&admin), ("principal".to_owned(), 4));
        assert_eq!(admin.header("ratelimit-policy"), "\"principal\";q=5;w=3600");
    });
}

#[test]
fn whoever_watches_is_never_refused_nor_counted() {
    runtime::block_on(async {
        let app = limited("1/1h", "1/1h", &[]).await;
        assert_eq!(left(&app.anyone().get(PATH).await.good()).1, 0, "readiness was asked before");
        let _ = used_up(&app.anyone()).await;
        for path in ["/healthz", "/readyz", "/metrics"] {
            let reply = app.anyone().get(path).await.is(200);
            assert_eq!(reply.header("ratelimit"), "", "{path}");
        }
    });
}

#[test]
fn wrong_credentials_are_counted_at_the_address() {
    runtime::block_on(async {
        let app = limited("2/1h", "5/1h", &[]).await;
        let guess =
            async |key: &str| app.anyone().with("authorization", &format!("Bearer {key}")).get(PATH).await;
        for (key, expected) in [("first", 1), ("second", 0)] {
            let reply = guess(key).await.is(401);
            assert_eq!(left(&reply), ("address".to_owned(), expected));
        }
        let _ = guess("third").await.is(429).fails("RATE_LIMITED");
        let _ = app.admin().get(PATH).await.good();
    });
}

#[test]
fn each_operation_of_a_batch_counts() {
    runtime::block_on(async {
        let app = limited("6/1h", "100/1h", &[("LAUNCHWAY_GRAPHQL__BATCH", "10")]).await;
        let batch = async |operations: usize| {
            let list = vec![json!({ "query": "{ genres { totalCount } }" }); operations];
            app.anyone().post("/graphql", json!(list)).await
        };
        assert_eq!(left(&batch(1).await.is(200)).1, 5);
        assert_eq!(left(&batch(3).await.is(200)).1, 2);
        // None of them is done when there is not enough for all; asking has cost one.
        let refused = batch(3).await.is(429);
        assert_eq!((refused.code().as_str(), left(&refused).1), ("RATE_LIMITED", 1), "{}", refused.whole());
        let wait: u64 = refused.header("retry-after").parse().unwrap();
        assert!((500..=600).contains(&wait), "{}", refused.whole());
        assert_eq!(left(&app.anyone().get(PATH).await.good()).1, 0);
    });
}

#[test]
fn what_a_client_says_about_its_address_is_not_believed() {
    runtime::block_on(async {
        let from = |app: &App, address: &str| app.anyone().with("x-forwarded-for", address);
        let app = limited("2/1h", "5/1h", &[]).await;
        assert_eq!(left(&from(&app, "198.51.100.1").get(PATH).await.good()).1, 1);
        assert_eq!(left(&from(&app, "198.51.100.2").get(PATH).await.good()).1, 0);
        let _ = used_up(&from(&app, "198.51.100.3")).await;
        // A proxy of ours is; an IPv6 address counts with its network.
        let app =
            limited("2/1h", "5/1h", &[("LAUNCHWAY_SERVER__TRUSTED_PROXIES", "[\"127.0.0.0/8\"]")]).await;
        for address in ["198.51.100.1", "198.51.100.2", "2001:db8:0:1::1", "2001:db8:0:2::1"] {
            assert_eq!(left(&from(&app, address).get(PATH).await.good()).1, 1, "{address}");
        }
        assert_eq!(left(&from(&app, "2001:db8:0:1:ffff::2").get(PATH).await.good()).1, 0);
        let _ = used_up(&from(&app, "2001:db8:0:1::3")).await;
        assert_eq!(
            left(&from(&app, "1.2.3.4, 198.51.100.1").get(PATH).await.good()).1,
            0,
            "the last one counts"
        );
    });
}

#[test]
fn scripts_of_other_sites_may_read_it_and_their_preflights_are_free() {
    runtime::block_on(async {
        let app = limited("2/1h", "5/1h", &[]).await;
        let script = app.anyone().with("origin", "http://localhost:5173");
        for _ in 0..4 {
            let _ = script.with("access-control-request-method", "GET").options(PATH).await.is(204);
        }
        let reply = script.get(PATH).await.good();
        let exposed = reply.header("access-control-expose-headers");
        assert!(
            exposed.contains("RateLimit, RateLimit-Policy") && exposed.contains("Retry-After"),
            "{exposed}"
        );
        assert_eq!(left(&reply).1, 1);
    });
}

#[test]
fn production_limits_and_development_does_not() {
    runtime::block_on(async {
        let builder = || App::with(Backend::Sqlite, &model::text("store"));
        let app = builder().start().await;
        assert_eq!(app.anyone().get(PATH).await.good().header("ratelimit"), "");
        let app = builder().flags(&["--production"]).start().await;
        let reply = app.anyone().get(PATH).await.good();
        assert_eq!(reply.header("ratelimit-policy"), "\"address\";q=600;w=10");
        assert_eq!(left(&reply).1, 599);
        let reply = app.admin().get(PATH).await.good();
        assert_eq!(reply.header("ratelimit-policy"), "\"principal\";q=1200;w=10");
        let app = limited("off", "5/1h", &[]).await;
        assert_eq!(app.anyone().get(PATH).await.good().header("ratelimit"), "");
        assert_eq!(left(&app.admin().get(PATH).await.good()).1, 4);
    });
}

/// Waits until the program's log says this as often.
async fn logged(app: &App, words: &str, times: usize) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while app.logs().matches(words).count() < times {
        assert!(Instant::now() < deadline, "{words:?} is not {times} times in:\n{}", app.logs());
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[test]
fn programs_on_one_redis_share_and_go_on_without_it() {
    const AWAY: &str = "Redis does not work";
    const BACK: &str = "Redis works again";
    let Some(mut redis) = Server::start() else { return };
    runtime::block_on(async {
        let further = [("REDIS_URL", redis.url())];
        let (one, other) =
            futures::future::join(limited("6/1h", "100/1h", &further), limited("6/1h", "100/1h", &further))
                .await;
        // The first request connects; on a busy machine that may last longer than requests wait for it.
        for app in [&one, &other] {
            let _ = app.admin().get(PATH).await.good();
            logged(app, BACK, app.logs().matches(AWAY).count()).await;
        }
        let quiet = one.logs().matches(AWAY).count();
        for (app, expected) in [(&one, 5), (&other, 4), (&one, 3)] {
            assert_eq!(left(&app.anyone().get(PATH).await.good()).1, expected, "{}", app.logs());
        }
        redis.stop();
        // Each for itself from now on.
        for expected in (0..6).rev() {
            assert_eq!(left(&one.anyone().get(PATH).await.good()).1, expected);
        }
        let _ = used_up(&one.anyone()).await;
        assert_eq!(one.logs().matches(AWAY).count(), quiet + 1, "it is said once:\n{}", one.logs());
        redis.launch();
        logged(&one, BACK, quiet + 1).await;
        assert_eq!(left(&one.anyone().get(PATH).await.good()).1, 5, "the new Redis has counted nobody");
    });
}
