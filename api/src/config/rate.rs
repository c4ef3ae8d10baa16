//! `[rate]` and `[redis]`: how often one client may ask, and where that is counted.

use std::str::FromStr;
use std::time::Duration;

use serde::Deserialize;
use service::throttle::{Policy, Settings};

use super::Config;
use super::unit::{Period, Secret, Switch};

/// The most units of one quota.
const UNITS: u32 = 1_000_000;

/// The most units of one second: a limiter that counts in microseconds is exact to a tenth there.
const PER_SECOND: u64 = 100_000;

/// The longest window.
const DAY: Duration = Duration::from_secs(24 * 3600);

/// How often one client may ask.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rate {
    /// Whether rates are limited; `auto` is in production.
    pub enabled: Switch,
    /// Requests of one address without credentials.
    pub address: Quota,
    /// Requests of one user, key or administrator.
    pub principal: Quota,
    /// Attempts to sign in from one address.
    pub sign_in: Quota,
}

/// What several processes share.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Redis {
    /// `redis://…` or, with TLS, `rediss://…`; may hold a password. Empty for none.
    pub url: Secret,
}

impl Redis {
    /// What is wrong with the URL.
    pub(super) fn problem(&self) -> Option<&'static str> {
        let text = self.url.reveal();
        if text.is_empty() {
            return None;
        }
        let url = url::Url::parse(text).ok().filter(|url| matches!(url.scheme(), "redis" | "rediss"));
        match url {
            Some(url) if url.host_str().is_some_and(|host| !host.is_empty()) => None,
            Some(_) => Some("names no host; write redis://host:6379"),
            None => Some("is neither redis://user:password@host:6379/0 nor, with TLS, rediss://..."),
        }
    }
}

/// The limits in force; none where a limit is off.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Policies {
    /// Of one address without credentials.
    pub address: Option<Policy>,
    /// Of one user, key or administrator.
    pub principal: Option<Policy>,
    /// Attempts to sign in, of one address.
    pub sign_in: Option<Policy>,
}

impl Config {
    /// The limits in force.
    #[must_use]
    pub fn policies(&self) -> Policies {
        let rate = &self.rate;
        if !rate.enabled.or(self.is_production()) {
            return Policies::default();
        }
        Policies {
            address: rate.address.policy("address"),
            principal: rate.principal.policy("principal"),
            sign_in: rate.sign_in.policy("sign-in"),
        }
    }

    /// Where rates are counted.
    #[must_use]
    pub fn throttle(&self) -> Settings {
        let url = &self.redis.url;
        Settings { redis: (!url.is_empty()).then(|| url.reveal().into()), ..Settings::default() }
    }
}

/// So many in so much time: `300/10s`; or any number: `off`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quota {
    /// Any number.
    Off,
    /// So many.
    Of {
        /// How many, at once if need be.
        units: u32,
        /// The time in which as many are allowed again: whole seconds.
        window: Duration,
    },
}

impl Quota {
    /// The quota under a name; none when it is off.
    #[must_use]
    pub fn policy(self, name: &'static str) -> Option<Policy> {
        match self {
            Quota::Off => None,
            Quota::Of { units, window } => Some(Policy { name, quota: units, window }),
        }
    }
}

impl FromStr for Quota {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is not a rate; write \"300/10s\", \"20/1m\" or \"off\"");
        if text.trim().eq_ignore_ascii_case("off") {
            return Ok(Quota::Off);
        }
        let (units, window) = text.split_once('/').ok_or_else(wrong)?;
        let (units, window) = (units.trim(), window.trim());
        let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        // "10/s" is read by people as "10/1s".
        let window = match window.starts_with(|c: char| c.is_ascii_digit()) {
            true => window.to_owned(),
            false => format!("1{window}"),
        };
        // A bare number could be anything.
        if !digits(units) || digits(&window) {
            return Err(wrong());
        }
        let Period(window) = window.parse().map_err(|_| wrong())?;
        let units = units.parse().ok().filter(|units| (1..=UNITS).contains(units));
        let units =
            units.ok_or_else(|| format!("`{text}`: must be 1 to {UNITS} at once; \"off\" for any number"))?;
        if window.is_zero() || window.subsec_nanos() != 0 || window > DAY {
            return Err(format!("`{text}`: the time must be whole seconds, from 1s to 24h"));
        }
        if u64::from(units) > PER_SECOND * window.as_secs() {
            return Err(format!("`{text}`: must be at most {PER_SECOND} per second; \"off\" for any number"));
        }
        Ok(Quota::Of { units, window })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Mode, Sources, print};

    fn load(environment: &[(&str, &str)]) -> Result<Config, String> {
        let environment =
            environment.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
        let sources = Sources { environment, folder: "/nonexistent".into(), ..Sources::default() };
        Config::load(&sources).map_err(|error| error.to_string())
    }

    #[test]
    fn rates_are_understood_and_nonsense_is_not() {
        let of = |units, seconds| Ok(Quota::Of { units, window: Duration::from_secs(seconds) });
        for (text, expected) in [
            ("300/10s", of(300, 10)),
            (" 20 / 1m ", of(20, 60)),
            ("5/s", of(5, 1)),
            ("1000000/24h", of(1_000_000, 86_400)),
            ("off", Ok(Quota::Off)),
            ("OFF", Ok(Quota::Off)),
        ] {
            assert_eq!(text.parse(), expected, "{text}");
        }
        for wrong in [
            "",
            "300",
            "300/",
            "/10s",
            "300/10",
            "-1/s",
            "+1/s",
            "a/s",
            "1/0s",
            "1/500ms",
            "1/1500ms",
            "1/25h",
            "0/s",
            "1000001/1h",
            "4294967297/1h",
            "200000/1s",
            "1/1s/1s",
            "on",
            "1/5 weeks",
        ] {
            assert!(wrong.parse::<Quota>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn production_limits_and_development_does_not_unless_told() {
        let mut config = Config::default();
        assert_eq!(config.policies(), Policies::default());
        config.mode = Mode::Production;
        let policies = config.policies();
        let told = |policy: Option<Policy>| {
            policy.map(|policy| (policy.name, policy.quota, policy.window.as_secs()))
        };
        assert_eq!(told(policies.address), Some(("address", 600, 10)));
        assert_eq!(told(policies.principal), Some(("principal", 1200, 10)));
        assert_eq!(told(policies.sign_in), Some(("sign-in", 20, 60)));
        config.rate.enabled = Switch::Off;
        assert_eq!(config.policies(), Policies::default());
        let config = load(&[("LAUNCHWAY_RATE__ENABLED", "on"), ("LAUNCHWAY_RATE__ADDRESS", "off")]).unwrap();
        assert_eq!(config.policies().address, None);
        assert!(config.policies().principal.is_some());
    }

    #[test]
    fn mistakes_are_named() {
        for (name, text, parts) in [
            ("LAUNCHWAY_RATE__ADDRESS", "lots", ["rate.address", "300/10s", "LAUNCHWAY_RATE__ADDRESS"]),
            ("LAUNCHWAY_RATE__PRINCIPAL", "0/1s", ["rate.principal", "1000000", "off"]),
            ("REDIS_URL", "http://ann:hush@x", ["redis.url", "redis://", "REDIS_URL"]),
            ("REDIS_URL", "hush", ["redis.url", "redis://", "REDIS_URL"]),
            ("REDIS_URL", "redis:///hush", ["redis.url", "host", "REDIS_URL"]),
        ] {
            let said = load(&[(name, text)]).unwrap_err();
            assert!(parts.iter().all(|part| said.contains(part)), "{said}");
            assert!(!said.contains("hush"), "{said}");
        }
    }

    #[test]
    fn the_password_of_redis_is_masked() {
        let config = load(&[("REDIS_URL", "rediss://ann:hush@cache.example:6380/1")]).unwrap();
        let text = format!("{}{config:?}{:?}", print::render(config.settings()), config.throttle());
        assert!(
            text.contains("rediss://ann:********@cache.example:6380/1") && !text.contains("hush"),
            "{text}"
        );
        assert!(config.throttle().redis.is_some());
        assert!(load(&[]).unwrap().throttle().redis.is_none());
    }
}
