//! Settings that people write with a unit, or with a word.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Deserializer, de};

/// A length of time: `500ms`, `10s`, `2m`, `1h`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Period(pub Duration);

impl FromStr for Period {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is not a time; write \"500ms\", \"10s\", \"2m\" or \"1h\"");
        let (number, unit) = split(text).ok_or_else(wrong)?;
        let milliseconds = match unit {
            "ms" => 1,
            "s" | "" => 1_000,
            "m" => 60_000,
            "h" => 3_600_000,
            _ => return Err(wrong()),
        };
        let total = number.checked_mul(milliseconds).filter(|total| *total <= 366 * 24 * 3_600_000);
        total.map(|total| Self(Duration::from_millis(total))).ok_or_else(wrong)
    }
}

/// A number of bytes: `100KB`, `2MB`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size(pub usize);

impl FromStr for Size {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is not a size; write \"65536\", \"100KB\" or \"2MB\"");
        let (number, unit) = split(text).ok_or_else(wrong)?;
        let bytes = match unit.to_ascii_uppercase().as_str() {
            "" | "B" => 1,
            "K" | "KB" | "KIB" => 1 << 10,
            "M" | "MB" | "MIB" => 1 << 20,
            "G" | "GB" | "GIB" => 1 << 30,
            _ => return Err(wrong()),
        };
        let total = number.checked_mul(bytes).and_then(|total| usize::try_from(total).ok());
        total.map(Self).ok_or_else(wrong)
    }
}

fn split(text: &str) -> Option<(u64, &str)> {
    let text = text.trim();
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    Some((text.get(..end)?.parse().ok()?, text.get(end..)?.trim()))
}

/// On, off, or what the mode says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Switch {
    /// What the mode says.
    Auto,
    /// On.
    On,
    /// Off.
    Off,
}

impl Switch {
    /// Whether it is on, where `auto` means the argument.
    #[must_use]
    pub fn or(self, auto: bool) -> bool {
        match self {
            Switch::Auto => auto,
            Switch::On => true,
            Switch::Off => false,
        }
    }
}

impl FromStr for Switch {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.trim().to_ascii_lowercase().as_str() {
            "auto" => Ok(Switch::Auto),
            "on" | "true" | "yes" | "1" => Ok(Switch::On),
            "off" | "false" | "no" | "0" => Ok(Switch::Off),
            _ => Err(format!("`{text}` is not one of \"auto\", \"on\", \"off\"")),
        }
    }
}

/// Where to listen: a port, on an address or on those the mode allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Listen {
    host: Option<IpAddr>,
    port: u16,
}

impl Listen {
    /// The address, where a bare port is this machine or all of its addresses.
    #[must_use]
    pub fn address(self, everywhere: bool) -> SocketAddr {
        let any = if everywhere { Ipv4Addr::UNSPECIFIED } else { Ipv4Addr::LOCALHOST };
        SocketAddr::new(self.host.unwrap_or(IpAddr::V4(any)), self.port)
    }
}

impl FromStr for Listen {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong =
            || format!("`{text}` is not an address; write \"127.0.0.1:8000\", \"[::1]:8000\" or \":8000\"");
        if let Ok(address) = text.parse::<SocketAddr>() {
            return Ok(Self { host: Some(address.ip()), port: address.port() });
        }
        let (host, port) = text.rsplit_once(':').ok_or_else(wrong)?;
        let port = port.parse().map_err(|_| wrong())?;
        match host {
            "" => Ok(Self { host: None, port }),
            "localhost" => Ok(Self { host: Some(IpAddr::V4(Ipv4Addr::LOCALHOST)), port }),
            _ => Err(wrong()),
        }
    }
}

/// Text that is never shown.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Secret(String);

impl Secret {
    /// Keeps a text.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text, for those who compare it.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_empty() { "(none)" } else { "********" })
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // The usual error would show the value.
        String::deserialize(deserializer).map(Self).map_err(|_| de::Error::custom("is not a text"))
    }
}

struct Spoken<T>(std::marker::PhantomData<T>);

impl<T: FromStr<Err = String>> de::Visitor<'_> for Spoken<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<T, E> {
        text.parse().map_err(E::custom)
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<T, E> {
        number.to_string().parse().map_err(E::custom)
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<T, E> {
        number.to_string().parse().map_err(E::custom)
    }

    fn visit_bool<E: de::Error>(self, on: bool) -> Result<T, E> {
        on.to_string().parse().map_err(E::custom)
    }
}

macro_rules! spoken {
    ($($kind:ty),*) => { $(
        impl<'de> Deserialize<'de> for $kind {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserializer.deserialize_any(Spoken::<$kind>(std::marker::PhantomData))
            }
        }
    )* };
}

spoken!(Period, Size, Switch, Listen, super::rate::Quota);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_understood_and_nonsense_is_not() {
        assert_eq!("500ms".parse(), Ok(Period(Duration::from_millis(500))));
        assert_eq!("2 m".parse(), Ok(Period(Duration::from_secs(120))));
        assert_eq!("100KB".parse(), Ok(Size(102_400)));
        assert_eq!("65536".parse(), Ok(Size(65_536)));
        assert_eq!("off".parse(), Ok(Switch::Off));
        for wrong in ["", "ten", "-1s", "5 weeks", "99999999999999999999s", "9999999h"] {
            assert!(wrong.parse::<Period>().is_err(), "{wrong}");
        }
        assert!("1TB".parse::<Size>().is_err());
        assert!("maybe".parse::<Switch>().is_err());
    }

    #[test]
    fn a_bare_port_follows_the_mode() {
        let bare: Listen = ":80".parse().unwrap();
        assert_eq!(bare.address(true).to_string(), "0.0.0.0:80");
        assert_eq!(bare.address(false).to_string(), "127.0.0.1:80");
        let six: Listen = "[::1]:0".parse().unwrap();
        assert_eq!(six.address(true).to_string(), "[::1]:0");
        for wrong in ["", "8000", "example.com:80", "127.0.0.1", ":99999"] {
            assert!(wrong.parse::<Listen>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn secrets_do_not_show() {
        assert_eq!(format!("{:?}", Secret::new("hush")), "********");
    }
}
