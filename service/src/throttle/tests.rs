use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use futures::future::join_all;
use governor::clock::FakeRelativeClock;
use harness::redis::Server;
use proptest::prelude::{Strategy, any, prop_assert, prop_assert_eq, prop_oneof, proptest};

use super::gcra::Take;
use super::key::Key;
use super::local::Local;
use super::{Policy, Settings, Throttle, Verdict};
use crate::error::Code;

const SECOND: Duration = Duration::from_secs(1);

fn policy(quota: u32, window: Duration) -> Policy {
    Policy { name: "test", quota, window }
}

/// A limiter in memory, with a clock that stands still.
struct Fake {
    clock: FakeRelativeClock,
    local: Local<FakeRelativeClock>,
}

impl Fake {
    fn new(keys: usize) -> Self {
        let clock = FakeRelativeClock::default();
        Self { local: Local::new(clock.clone(), keys), clock }
    }

    fn take(&self, policy: &Policy, key: &str, cost: u32) -> Verdict {
        let take = Take { key: Key::new(policy, key), policy: *policy, cost };
        Verdict::of(&take, self.local.take(std::slice::from_ref(&take))[0])
    }
}

#[test]
fn the_quota_at_once_then_as_it_flows_back() {
    let fake = Fake::new(100);
    let policy = policy(5, 10 * SECOND);
    for left in (0..5).rev() {
        let verdict = fake.take(&policy, "a", 1);
        let reset = 2 * SECOND * (5 - left);
        let retry_after = Duration::ZERO;
        assert_eq!(verdict, Verdict { allowed: true, limit: 5, remaining: left, reset, retry_after });
    }
    let refused = fake.take(&policy, "a", 1);
    assert_eq!((refused.allowed, refused.remaining, refused.retry_after), (false, 0, 2 * SECOND));
    assert_eq!(refused.reset, 10 * SECOND, "a refusal takes nothing");
    assert_eq!(fake.take(&policy, "a", 3).retry_after, 6 * SECOND);
    assert!(fake.take(&policy, "b", 1).allowed, "another key");
    fake.clock.advance(2 * SECOND - Duration::from_micros(1));
    assert!(!fake.take(&policy, "a", 1).allowed);
    fake.clock.advance(Duration::from_micros(1));
    assert!(fake.take(&policy, "a", 1).allowed);
    fake.clock.advance(10 * SECOND);
    assert!(fake.take(&policy, "a", 5).allowed, "the whole quota is back");
    fake.clock.advance(1000 * SECOND);
    assert!(!fake.take(&policy, "a", 6).allowed, "more than the quota is never there");
}

#[test]
fn a_refusal_says_which_limit_and_when_to_come_back() {
    let fake = Fake::new(100);
    let policy = policy(2, 5 * SECOND);
    assert!(fake.take(&policy, "a", 2).allowed);
    let error = fake.take(&policy, "a", 1).refusal(&policy, 1);
    assert_eq!((error.code(), error.retry_seconds()), (Code::RateLimited, Some(3)), "2.5 s, rounded up");
    assert_eq!(error.message(), "The limit `test` is used up: 2 in 5 seconds.");
    assert_eq!(error.hint_text(), Some("Try again in 3 s."));
    let never = fake.take(&policy, "b", 3).refusal(&policy, 3);
    assert!(never.hint_text().is_some_and(|hint| hint.contains("never")), "{never:?}");
}

#[test]
fn a_policy_without_a_quota_allows_nothing() {
    let fake = Fake::new(100);
    assert!(!fake.take(&policy(0, SECOND), "a", 1).allowed);
}

#[test]
fn a_quota_that_became_smaller_locks_nobody_out() {
    let fake = Fake::new(100);
    assert!(fake.take(&policy(1, 3600 * SECOND), "a", 1).allowed);
    let smaller = fake.take(&policy(1, SECOND), "a", 1);
    assert!(!smaller.allowed && smaller.retry_after <= SECOND, "{smaller:?}");
}

#[test]
fn keys_beyond_the_most_share_counters_and_are_not_let_free() {
    let fake = Fake::new(10);
    let policy = policy(1, 10 * SECOND);
    let ask = |from: usize| {
        let allowed = (from..from + 5_000).filter(|key| fake.take(&policy, &key.to_string(), 1).allowed);
        allowed.count()
    };
    let first = ask(0);
    assert!((11..=10 + 256).contains(&first), "{first}");
    assert!(fake.local.len() <= 10 + 256, "{}", fake.local.len());
    assert_eq!(ask(5_000), 0, "all counters are used up");
    // Once their quota is free again they are forgotten, and new keys count for themselves.
    fake.clock.advance(10 * SECOND);
    let later = ask(10_000);
    assert!((11..=10 + 256).contains(&later), "{later}");
    assert!(fake.local.len() <= 10 + 256, "{}", fake.local.len());
}

#[test]
fn keys_are_forgotten() {
    let fake = Fake::new(1_000_000);
    let policy = policy(10, SECOND);
    for key in 0..1_000 {
        let _ = fake.take(&policy, &key.to_string(), 1);
    }
    fake.clock.advance(11 * SECOND);
    let _ = fake.take(&policy, "one more", 1);
    assert_eq!(fake.local.len(), 1);
}

#[test]
fn threads_together_take_the_quota_and_not_more() {
    let fake = Fake::new(100);
    let policy = policy(50, 3600 * SECOND);
    let taken: usize = std::thread::scope(|scope| {
        let ask = || (0..100).filter(|_| fake.take(&policy, "a", 1).allowed).count();
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(ask)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).sum()
    });
    assert_eq!(taken, 50);
}

#[test]
fn all_or_none() {
    let fake = Fake::new(100);
    let (wide, narrow) = (policy(10, 10 * SECOND), Policy { name: "narrow", quota: 2, window: 10 * SECOND });
    let take = |policy: &Policy| Take { key: Key::new(policy, "a"), policy: *policy, cost: 1 };
    let both = [take(&wide), take(&narrow)];
    for expected in [[true, true], [true, true], [true, false], [true, false]] {
        let fits: Vec<bool> = fake.local.take(&both).iter().map(|measure| measure.fits).collect();
        assert_eq!(fits, expected);
    }
    assert_eq!(fake.take(&wide, "a", 0).remaining, 8, "what was refused was given back");
    assert_eq!(fake.take(&wide, "a", 0).reset, 2 * SECOND);
}

#[test]
fn whoever_always_asks_gets_what_flows_back_and_no_more() {
    let fake = Fake::new(100);
    let policy = policy(7, Duration::from_millis(10));
    let (mut taken, milliseconds) = (0, 20_000);
    for _ in 0..milliseconds {
        while fake.take(&policy, "a", 1).allowed {
            taken += 1;
        }
        fake.clock.advance(Duration::from_millis(1));
    }
    // Intervals are not whole microseconds here: they are rounded so that it is never more.
    let most = 7 + 7 * milliseconds / 10;
    assert!((most - 10..=most).contains(&taken), "{taken} of {most}");
}

/// A step: so many milliseconds pass, then so many units are asked for.
fn steps() -> impl Strategy<Value = Vec<(u64, u32)>> {
    let pause = prop_oneof![4 => 0..3_u64, 2 => 0..200_u64, 1 => 0..5_000_u64];
    proptest::collection::vec((pause, 0..4_u32), 1..120)
}

proptest! {
    #[test]
    fn in_no_span_of_time_is_more_allowed_than_the_quota_and_what_flowed_back(
        quota in 1..40_u32,
        window in 1..3_000_u64,
        steps in steps(),
        key in any::<u64>(),
    ) {
        let fake = Fake::new(100);
        let policy = policy(quota, Duration::from_millis(window));
        let mut now = 0_u64;
        let mut taken: Vec<(u64, u64)> = Vec::new();
        for (pause, cost) in steps {
            fake.clock.advance(Duration::from_millis(pause));
            now += pause;
            let verdict = fake.take(&policy, &key.to_string(), cost);
            prop_assert!(verdict.remaining <= quota);
            prop_assert_eq!(verdict.allowed, verdict.retry_after.is_zero());
            if verdict.allowed {
                taken.push((now, u64::from(cost)));
            }
        }
        for (index, (begin, _)) in taken.iter().enumerate() {
            let mut sum = 0;
            for (end, cost) in &taken[index..] {
                sum += cost;
                // sum <= quota + quota * elapsed / window, in whole numbers.
                let bound = u64::from(quota) * window + u64::from(quota) * (end - begin);
                prop_assert!(sum * window <= bound, "{sum} from {begin} to {end}");
            }
        }
    }
}

fn throttle(url: &str) -> Throttle {
    let settings = Settings {
        redis: Some(url.to_owned().into()),
        // Tests that are not about time do not fail on a busy machine.
        deadline: 10 * SECOND,
        pause: Duration::from_millis(20),
        ..Settings::default()
    };
    Throttle::new(settings).unwrap()
}

fn impatient(url: &str) -> Throttle {
    let settings = Settings {
        redis: Some(url.to_owned().into()),
        pause: Duration::from_millis(20),
        ..Settings::default()
    };
    Throttle::new(settings).unwrap()
}

fn is_away(throttle: &Throttle) -> bool {
    throttle.shared.as_ref().is_some_and(|shared| shared.away.load(Ordering::Acquire))
}

/// A key no other test uses.
fn fresh() -> String {
    uuid::Uuid::new_v4().to_string()
}

#[tokio::test]
async fn in_memory_it_answers_as_asked() {
    let throttle = Throttle::new(Settings::default()).unwrap();
    answers(&throttle).await;
}

#[tokio::test]
async fn in_redis_it_answers_the_same() {
    let Some(url) = harness::redis::url() else { return };
    let throttle = throttle(url);
    answers(&throttle).await;
    assert!(!is_away(&throttle));
}

/// What both ways of counting say. The window is long: nothing flows back meanwhile.
async fn answers(throttle: &Throttle) {
    let (policy, key) = (policy(4, 4000 * SECOND), fresh());
    let peeked = throttle.peek(&policy, &key).await;
    assert_eq!((peeked.allowed, peeked.remaining, peeked.reset), (true, 4, Duration::ZERO));
    let first = throttle.take(&policy, &key, 1).await;
    assert_eq!((first.allowed, first.limit, first.remaining), (true, 4, 3));
    assert!((990 * SECOND..=1000 * SECOND).contains(&first.reset), "{first:?}");
    assert!(!throttle.take(&policy, &key, 4).await.allowed);
    assert!(throttle.take(&policy, &key, 3).await.allowed);
    let refused = throttle.take(&policy, &key, 1).await;
    assert_eq!((refused.allowed, refused.remaining), (false, 0));
    assert!((980 * SECOND..=1000 * SECOND).contains(&refused.retry_after), "{refused:?}");
    let peeked = throttle.peek(&policy, &key).await;
    assert!(!peeked.allowed && !peeked.retry_after.is_zero(), "{peeked:?}");
    // All or none.
    let (wide, other) = (Policy { name: "wide", ..policy }, fresh());
    let both = throttle.take_all(&[(&wide, &other), (&policy, &key)]).await;
    assert_eq!(both.iter().map(|verdict| verdict.allowed).collect::<Vec<_>>(), [true, false]);
    assert_eq!(throttle.peek(&wide, &other).await.remaining, 4);
    let both = throttle.take_all(&[(&wide, &other), (&policy, &other)]).await;
    assert!(both.iter().all(|verdict| verdict.allowed && verdict.remaining == 3), "{both:?}");
    assert!(throttle.take_all(&[]).await.is_empty());
}

#[tokio::test]
async fn limiters_on_one_redis_share_their_counts() {
    let Some(url) = harness::redis::url() else { return };
    let (one, other) = (throttle(url), throttle(url));
    let (policy, key) = (policy(10, 3600 * SECOND), fresh());
    let takes =
        (0..40).map(|turn| if turn % 2 == 0 { &one } else { &other }).map(|it| it.take(&policy, &key, 1));
    let allowed = join_all(takes).await.iter().filter(|verdict| verdict.allowed).count();
    assert_eq!(allowed, 10);
    assert!(!is_away(&one) && !is_away(&other));
}

#[tokio::test]
async fn redis_counts_by_its_own_clock() {
    let Some(url) = harness::redis::url() else { return };
    let throttle = throttle(url);
    let (policy, key) = (policy(20, Duration::from_millis(200)), fresh());
    let (begin, mut allowed) = (Instant::now(), 0);
    // Until a unit has flowed back twice the quota.
    while allowed < 60 && begin.elapsed() < 60 * SECOND {
        allowed += u128::from(throttle.take(&policy, &key, 1).await.allowed);
    }
    assert_eq!(allowed, 60, "the quota comes back");
    let bound = 20 + 20 * begin.elapsed().as_millis() / 200 + 1;
    assert!(allowed <= bound, "{allowed} > {bound}");
    assert!(!is_away(&throttle));
}

#[tokio::test]
async fn keys_in_redis_are_named_and_end() {
    let Some(server) = Server::start() else { return };
    let throttle = throttle(server.url());
    let _ = throttle.take(&policy(2, 10 * SECOND), "somebody@example.com", 1).await;
    let mut connection =
        redis::Client::open(server.url()).unwrap().get_multiplexed_async_connection().await.unwrap();
    let keys: Vec<String> = redis::cmd("KEYS").arg("*").query_async(&mut connection).await.unwrap();
    assert_eq!(keys.len(), 1);
    assert!(keys[0].starts_with("launchway:rate:test:") && !keys[0].contains("somebody"), "{keys:?}");
    let time: i64 = redis::cmd("PTTL").arg(&keys[0]).query_async(&mut connection).await.unwrap();
    assert!((1..=5_000).contains(&time), "{time}");
}

/// Limits go on while Redis is not there, and nobody waits long for it.
async fn goes_on(throttle: &Throttle) {
    let (policy, key) = (policy(10, 3600 * SECOND), fresh());
    let begin = Instant::now();
    let takes = join_all((0..50).map(|_| throttle.take(&policy, &key, 1))).await;
    let first = begin.elapsed();
    assert_eq!(takes.iter().filter(|verdict| verdict.allowed).count(), 10);
    assert!(is_away(throttle));
    let begin = Instant::now();
    for _ in 0..1_000 {
        assert!(!throttle.take(&policy, &key, 1).await.allowed);
    }
    // The deadline is 100 ms; the rest is a busy machine.
    assert!(first < SECOND, "{first:?}");
    assert!(begin.elapsed() < SECOND, "a thousand did not wait one after the other: {:?}", begin.elapsed());
}

/// Waits until Redis is asked again.
async fn came_back(throttle: &Throttle) {
    let begin = Instant::now();
    while is_away(throttle) {
        assert!(begin.elapsed() < 30 * SECOND, "it was not asked again");
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_redis_that_ends_is_done_without_until_it_is_back() {
    let Some(mut server) = Server::start() else { return };
    let (throttle, other) = (throttle(server.url()), throttle(server.url()));
    assert!(throttle.take(&policy(1, SECOND), "warm", 1).await.allowed);
    assert!(!is_away(&throttle));
    server.stop();
    goes_on(&throttle).await;
    server.launch();
    came_back(&throttle).await;
    let (policy, key) = (policy(10, 3600 * SECOND), fresh());
    assert!(throttle.take(&policy, &key, 4).await.allowed);
    assert_eq!(other.peek(&policy, &key).await.remaining, 6, "they share again");
}

#[tokio::test]
async fn a_redis_that_is_frozen_is_done_without_until_it_thaws() {
    let Some(server) = Server::start() else { return };
    let throttle = impatient(server.url());
    let _ = throttle.take(&policy(1, SECOND), "warm", 1).await;
    came_back(&throttle).await;
    server.signal("STOP");
    goes_on(&throttle).await;
    server.signal("CONT");
    came_back(&throttle).await;
    assert!(throttle.take(&policy(1, SECOND), &fresh(), 1).await.allowed);
}

#[tokio::test]
async fn a_redis_that_was_never_there_keeps_nobody_waiting() {
    let throttle = impatient("redis://127.0.0.1:1");
    goes_on(&throttle).await;
}

#[tokio::test]
async fn a_connection_that_was_closed_is_made_again() {
    let Some(server) = Server::start() else { return };
    let throttle = throttle(server.url());
    let (policy, key) = (policy(10, 3600 * SECOND), fresh());
    assert_eq!(throttle.take(&policy, &key, 1).await.remaining, 9);
    let mut connection =
        redis::Client::open(server.url()).unwrap().get_multiplexed_async_connection().await.unwrap();
    let closed: i64 =
        redis::cmd("CLIENT").arg(&["KILL", "TYPE", "normal"]).query_async(&mut connection).await.unwrap();
    assert!(closed >= 1);
    assert_eq!(throttle.take(&policy, &key, 1).await.remaining, 8);
    assert!(!is_away(&throttle));
}

#[test]
fn passwords_are_not_shown() {
    let throttle = throttle("redis://ann:hush@127.0.0.1:6379/1");
    assert!(!format!("{throttle:?}").contains("hush"));
    let settings = Settings { redis: Some("nonsense:hush".to_owned().into()), ..Settings::default() };
    assert!(!format!("{settings:?}").contains("hush"));
    let error = Throttle::new(settings).unwrap_err();
    assert!(!format!("{error:?}").contains("hush"));
}
