//! The layers settings come from. Each layer knows its name, so that an error and `launchway config` can say it.

use std::path::Path;

use figment::value::{Dict, Map, Value};
use figment::{Figment, Metadata, Profile, Provider};

use super::error::{Error, Problem};

/// The prefix of our own variables.
const PREFIX: &str = "LAUNCHWAY_";

/// The standard variables that are understood, and the setting each one is.
const STANDARD: [(&str, &str); 10] = [
    ("DATABASE_URL", "database.url"),
    ("PORT", "server.listen"),
    ("REDIS_URL", "redis.url"),
    ("OTEL_SERVICE_NAME", "telemetry.service_name"),
    ("OTEL_SDK_DISABLED", "telemetry.disabled"),
    ("OTEL_EXPORTER_OTLP_ENDPOINT", "telemetry.endpoint"),
    ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "telemetry.traces_endpoint"),
    ("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", "telemetry.metrics_endpoint"),
    ("OTEL_TRACES_SAMPLER", "telemetry.sampler"),
    ("OTEL_TRACES_SAMPLER_ARG", "telemetry.sampler_ratio"),
];

/// A single value from a named place.
#[derive(Debug)]
pub(super) struct Single {
    name: String,
    path: String,
    value: Value,
}

impl Single {
    pub(super) fn new(name: impl Into<String>, path: &str, value: impl Into<Value>) -> Self {
        Self { name: name.into(), path: path.to_owned(), value: value.into() }
    }
}

impl Provider for Single {
    fn metadata(&self) -> Metadata {
        Metadata::named(self.name.clone())
    }

    fn data(&self) -> Result<Map<Profile, Dict>, figment::Error> {
        let mut keys = self.path.rsplit('.');
        let mut dict = Dict::new();
        if let Some(last) = keys.next() {
            dict.insert(last.to_owned(), self.value.clone());
        }
        for key in keys {
            dict = Dict::from([(key.to_owned(), Value::from(dict))]);
        }
        Ok(Profile::Default.collect(dict))
    }
}

/// A text in TOML from a named place.
#[derive(Debug)]
pub(super) struct Text {
    name: String,
    dict: Dict,
}

impl Text {
    pub(super) fn parse(name: impl Into<String>, text: &str) -> Result<Self, Error> {
        let name = name.into();
        match toml::from_str::<Dict>(text) {
            Ok(dict) => Ok(Self { name, dict }),
            Err(error) => {
                Err(Error::one(Problem { key: String::new(), layer: name, message: error.to_string() }))
            }
        }
    }
}

impl Provider for Text {
    fn metadata(&self) -> Metadata {
        Metadata::named(self.name.clone())
    }

    fn data(&self) -> Result<Map<Profile, Dict>, figment::Error> {
        Ok(Profile::Default.collect(self.dict.clone()))
    }
}

/// The file, when it is there or was asked for.
pub(super) fn file(path: Option<&Path>, folder: &Path) -> Result<Option<Text>, Error> {
    let usual = folder.join("launchway.toml");
    let chosen = path.unwrap_or(&usual);
    match std::fs::read_to_string(chosen) {
        Ok(text) => {
            Text::parse(path.map_or("launchway.toml".to_owned(), |path| path.display().to_string()), &text)
                .map(Some)
        }
        Err(error) if path.is_none() && error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Error::one(Problem {
            key: String::new(),
            layer: chosen.display().to_string(),
            message: format!("can't be read: {error}"),
        })),
    }
}

/// The environment's values: the standard names first, then our own.
pub(super) fn environment(variables: &[(String, String)], defaults: &Figment) -> Vec<Single> {
    let mut layers = Vec::new();
    for (name, path) in STANDARD {
        let Some((_, text)) = variables.iter().find(|(key, text)| key == name && !text.is_empty()) else {
            continue;
        };
        match name {
            "PORT" => layers.push(Single::new(name, path, format!(":{text}"))),
            // The specification: `true` in any case; anything else means false.
            "OTEL_SDK_DISABLED" => layers.push(Single::new(name, path, text.eq_ignore_ascii_case("true"))),
            _ => layers.push(Single::new(name, path, typed(text, path, defaults))),
        }
    }
    let mut own: Vec<&(String, String)> =
        variables.iter().filter(|(name, _)| name.starts_with(PREFIX)).collect();
    own.sort();
    for (name, text) in own {
        let path = name.trim_start_matches(PREFIX).to_ascii_lowercase().replace("__", ".");
        layers.push(Single::new(name.clone(), &path, typed(text, &path, defaults)));
    }
    layers
}

/// A variable's text as the type the setting has: a key of digits stays a text, a list may be written `a,b`.
fn typed(text: &str, path: &str, defaults: &Figment) -> Value {
    let default = defaults.find_value(path).ok();
    match default {
        Some(Value::Array(..)) if !text.trim_start().starts_with('[') => {
            let items: Vec<Value> =
                text.split(',').map(str::trim).filter(|item| !item.is_empty()).map(Value::from).collect();
            Value::from(items)
        }
        Some(Value::Bool(..) | Value::Num(..) | Value::Array(..)) => {
            text.trim().parse().unwrap_or_else(|_| Value::from(text))
        }
        Some(Value::String(..) | Value::Char(..) | Value::Dict(..) | Value::Empty(..)) | None => {
            Value::from(text)
        }
    }
}
