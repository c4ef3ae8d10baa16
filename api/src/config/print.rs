//! The settings in force, and where each came from, with secrets masked.

use std::fmt::Write as _;

use figment::Figment;
use figment::value::{Dict, Value};

use super::error::layer;

/// Settings whose value is never shown.
const SECRET: [&str; 3] = ["auth.admin_key", "auth.secret", "mail.url"];

/// One setting in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    /// `server.listen`.
    pub key: String,
    /// Its value as TOML, masked when it is a secret.
    pub value: String,
    /// The layer it came from.
    pub layer: String,
}

/// Every setting, in the order of the default file.
pub(super) fn settings(figment: &Figment, order: &str) -> Vec<Setting> {
    let mut found = Vec::new();
    if let Ok(dict) = figment.extract::<Dict>() {
        collect(&dict, "", figment, &mut found);
    }
    let keys = keys(order);
    found.sort_by_key(|setting: &Setting| keys.iter().position(|key| *key == setting.key));
    found
}

/// The settings as a TOML text that says where each value came from.
#[must_use]
pub fn render(settings: &[Setting]) -> String {
    let mut text = String::new();
    let mut section = "";
    let width = settings.iter().map(|setting| line(setting).chars().count()).filter(|w| *w <= 60).max();
    for setting in settings {
        let (at, _) = setting.key.rsplit_once('.').unwrap_or(("", &setting.key));
        if at != section {
            let _ = write!(text, "\n[{at}]\n");
            section = at;
        }
        let _ = writeln!(text, "{:width$}  # {}", line(setting), setting.layer, width = width.unwrap_or(0));
    }
    text
}

fn line(setting: &Setting) -> String {
    let name = setting.key.rsplit('.').next().unwrap_or(&setting.key);
    format!("{name} = {}", setting.value)
}

fn collect(dict: &Dict, prefix: &str, figment: &Figment, found: &mut Vec<Setting>) {
    for (name, value) in dict {
        let key = if prefix.is_empty() { name.clone() } else { format!("{prefix}.{name}") };
        if let Value::Dict(_, inner) = value {
            collect(inner, &key, figment, found);
            continue;
        }
        let layer = layer(figment, &key).unwrap_or_default();
        found.push(Setting { value: shown(&key, value), key, layer });
    }
}

fn shown(key: &str, value: &Value) -> String {
    match value.as_str() {
        Some("") => "\"\"".to_owned(),
        Some(_) if SECRET.contains(&key) || key.ends_with(".client_secret") => "\"********\"".to_owned(),
        Some(text) if key == "database.url" || key == "redis.url" => quoted(&mask_url(text)),
        Some(text) if key == "telemetry.endpoint" => quoted(&mask_url(text)),
        Some(text) => quoted(text),
        None => toml::Value::try_from(value).map_or_else(|_| String::new(), |value| value.to_string()),
    }
}

fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

/// A URL without its password, and without parameters that may hold one.
#[must_use]
pub fn mask_url(text: &str) -> String {
    let Ok(mut url) = url::Url::parse(text) else {
        return match text.starts_with("sqlite:") {
            true => text.to_owned(),
            false => "********".to_owned(),
        };
    };
    if url.password().is_some() && url.set_password(Some("********")).is_err() {
        return "********".to_owned();
    }
    let secret = |name: &str| name.contains("password") || name.contains("key") || name.contains("token");
    if url.query_pairs().any(|(name, _)| secret(&name.to_lowercase())) {
        url.set_query(None);
    }
    if url.scheme() == "sqlite" { text.split('?').next().unwrap_or(text).to_owned() } else { url.into() }
}

/// The keys of a TOML text, in the order they are written.
fn keys(text: &str) -> Vec<String> {
    let mut section = String::new();
    let mut keys = Vec::new();
    for line in text.lines().map(str::trim) {
        if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            section = format!("{name}.");
        } else if let Some((name, _)) = line.split_once(" = ").filter(|_| !line.starts_with('#')) {
            keys.push(format!("{section}{name}"));
        }
    }
    keys
}
