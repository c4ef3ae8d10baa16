//! What a request uses up of its client's quota, and what its answer says about that
//! (draft-ietf-httpapi-ratelimit-headers).

use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, PoisonError};

use poem::http::{HeaderMap, HeaderName, HeaderValue};
use service::Result;
use service::throttle::{Policy, Throttle, Verdict, whole_seconds as seconds};

/// The header that says what is left.
pub const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");

/// The header that says what the limit is.
pub const RATE_LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

/// The quota a request is counted in.
#[derive(Debug)]
pub struct Meter {
    throttle: Throttle,
    policy: Policy,
    key: String,
    last: Mutex<Option<Verdict>>,
}

impl Meter {
    /// Counts under a key of the policy; nothing is taken yet.
    #[must_use]
    pub fn new(throttle: Throttle, policy: Policy, key: String) -> Self {
        Self { throttle, policy, key, last: Mutex::new(None) }
    }

    /// Takes units of the quota: one for the request, and one for each further piece of work in it.
    ///
    /// # Errors
    /// `RATE_LIMITED` when there are not so many.
    pub async fn charge(&self, units: u32) -> Result<()> {
        if units == 0 {
            return Ok(());
        }
        let verdict = self.throttle.take(&self.policy, &self.key, units).await;
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Some(verdict);
        if verdict.allowed { Ok(()) } else { Err(verdict.refusal(&self.policy, units)) }
    }

    /// Says in the headers of an answer what is left.
    pub fn tell(&self, headers: &mut HeaderMap) {
        let Some(verdict) = *self.last.lock().unwrap_or_else(PoisonError::into_inner) else { return };
        let Policy { name, quota, window } = self.policy;
        // Where a time to come back is named, both names the same one.
        let time = if verdict.allowed { verdict.reset } else { verdict.retry_after };
        let policy = format!("\"{name}\";q={quota};w={}", seconds(window));
        let left = format!("\"{name}\";r={};t={}", verdict.remaining, seconds(time));
        for (header, text) in [(RATE_LIMIT_POLICY, policy), (RATE_LIMIT, left)] {
            if let Ok(value) = HeaderValue::try_from(text) {
                headers.insert(header, value);
            }
        }
    }
}

/// What an address is counted under: one IPv6 customer has a whole /64, and so many addresses count as one.
#[must_use]
pub fn network(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => {
            let network = u128::from(address) >> 64 << 64;
            format!("{}/64", Ipv6Addr::from(network))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use service::Code;
    use service::throttle::Settings;

    use super::*;

    #[test]
    fn an_address_is_counted_with_its_network() {
        for (address, expected) in [
            ("203.0.113.9", "203.0.113.9"),
            ("::ffff:203.0.113.9", "203.0.113.9"),
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
            ("2001:db8:1:2:ffff::1", "2001:db8:1:2::/64"),
            ("2001:db8:1:3::1", "2001:db8:1:3::/64"),
            ("::1", "::/64"),
        ] {
            assert_eq!(network(address.parse().unwrap()), expected, "{address}");
        }
    }

    #[tokio::test]
    async fn headers_say_what_is_left_and_times_are_rounded_up() {
        let policy = Policy { name: "test", quota: 2, window: Duration::from_secs(3000) };
        let meter = Meter::new(Throttle::new(Settings::default()).unwrap(), policy, "a".to_owned());
        let told = || {
            let mut headers = HeaderMap::new();
            meter.tell(&mut headers);
            let text = |name| headers.get(name).map(|value: &HeaderValue| value.to_str().unwrap().to_owned());
            (text(RATE_LIMIT_POLICY), text(RATE_LIMIT))
        };
        assert_eq!(told(), (None, None), "nothing was counted");
        meter.charge(0).await.unwrap();
        assert_eq!(told(), (None, None), "nothing was counted");
        meter.charge(1).await.unwrap();
        let policy = Some("\"test\";q=2;w=3000".to_owned());
        assert_eq!(told(), (policy.clone(), Some("\"test\";r=1;t=1500".to_owned())));
        meter.charge(1).await.unwrap();
        let error = meter.charge(1).await.unwrap_err();
        assert_eq!((error.code(), error.retry_seconds()), (Code::RateLimited, Some(1500)));
        assert_eq!(told(), (policy, Some("\"test\";r=0;t=1500".to_owned())));
        let never = meter.charge(3).await.unwrap_err();
        assert!(never.hint_text().unwrap().contains("less"), "{never:?}");
        assert_eq!(seconds(Duration::from_micros(1)), 1);
        assert_eq!(seconds(Duration::ZERO), 0);
    }
}
