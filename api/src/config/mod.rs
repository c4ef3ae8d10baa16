//! The settings: a documented default file, then a file, then the environment, then flags; checked once.

pub mod auth;
mod check;
pub mod cors;
pub mod database;
pub mod error;
pub mod graphql;
mod layer;
pub mod limits;
pub mod mail;
pub mod print;
pub mod rate;
pub mod server;
pub mod telemetry;
pub mod unit;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use figment::Figment;
use figment::value::Value;
use serde::Deserialize;

pub use error::{Error, Problem};
pub use print::Setting;
pub use unit::{Listen, Period, Secret, Size, Switch};

use layer::{Single, Text};

/// Every setting, documented, with its default.
pub const DEFAULT: &str = include_str!("default.toml");

/// All settings, checked.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Development or production.
    pub mode: Mode,
    /// Where to listen, whom to believe, how to stop.
    pub server: server::Server,
    /// Where the data is.
    pub database: database::Database,
    /// How much one client may ask.
    pub limits: limits::Limits,
    /// Who is the administrator.
    pub auth: auth::Auth,
    /// Which web sites' scripts may call the API.
    pub cors: cors::Cors,
    /// What the GraphQL facade shows and accepts.
    pub graphql: graphql::Graphql,
    /// What the REST facade shows.
    pub rest: graphql::Rest,
    /// What is logged, measured and traced.
    pub telemetry: telemetry::Telemetry,
    /// How often one client may ask.
    pub rate: rate::Rate,
    /// What several processes share.
    pub redis: rate::Redis,
    /// How mail to users is sent.
    pub mail: mail::Mail,
    /// Each setting with the layer it came from.
    #[serde(skip)]
    settings: Vec<Setting>,
}

/// How careful the program is, and how talkative.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// On this machine only, with every help.
    Development,
    /// For the world.
    Production,
}

/// A value given by a flag.
#[derive(Debug, Clone)]
pub struct Flag {
    /// As it is typed: `--listen`.
    pub name: &'static str,
    /// The setting it is: `server.listen`.
    pub key: &'static str,
    /// What was typed.
    pub value: String,
}

/// Where settings are looked for, besides the default file.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    /// The file named by `--config`.
    pub file: Option<PathBuf>,
    /// The folder where `launchway.toml` is looked for.
    pub folder: PathBuf,
    /// The environment.
    pub environment: Vec<(String, String)>,
    /// The flags.
    pub flags: Vec<Flag>,
}

impl Sources {
    /// The environment of this process, its working folder, and these flags.
    #[must_use]
    pub fn process(file: Option<&Path>, flags: Vec<Flag>) -> Self {
        let environment = std::env::vars_os()
            .filter_map(|(name, text)| Some((name.into_string().ok()?, text.into_string().ok()?)))
            .collect();
        Self { file: file.map(Path::to_path_buf), folder: PathBuf::from("."), environment, flags }
    }
}

impl Config {
    /// Reads and checks the settings.
    ///
    /// # Errors
    /// Every wrong setting, with its key and the layer that set it.
    pub fn load(sources: &Sources) -> Result<Self, Error> {
        let mut figment = Figment::from(Text::parse("the default", DEFAULT)?);
        let variables = layer::environment(&sources.environment, &figment);
        if let Some(file) = layer::file(sources.file.as_deref(), &sources.folder)? {
            figment = figment.merge(file);
        }
        for variable in variables {
            figment = figment.merge(variable);
        }
        for flag in &sources.flags {
            figment = figment.merge(Single::new(flag.name, flag.key, Value::from(flag.value.as_str())));
        }
        let mut config: Config = figment.extract().map_err(|error| Error::from_figment(error, &figment))?;
        check::check(&config, &figment)?;
        config.settings = print::settings(&figment, DEFAULT);
        Ok(config)
    }

    /// Each setting with the layer it came from, secrets masked.
    #[must_use]
    pub fn settings(&self) -> &[Setting] {
        &self.settings
    }

    /// Whether the program serves the world.
    #[must_use]
    pub fn is_production(&self) -> bool {
        self.mode == Mode::Production
    }

    /// The address to listen on.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.server.listen.address(self.is_production())
    }

    /// The URL that users reach the server under, without a slash at its end.
    #[must_use]
    pub fn public_url(&self) -> String {
        match self.server.public_url.trim_end_matches('/') {
            "" => format!("http://{}", self.address()),
            url => url.to_owned(),
        }
    }

    /// Whether a switch is on, where `auto` is on in development.
    #[must_use]
    pub fn helps(&self, switch: Switch) -> bool {
        switch.or(!self.is_production())
    }
}

impl Default for Config {
    /// The default file's settings: what tests start from.
    #[allow(clippy::expect_used, reason = "the file is part of the program; a test reads it")]
    fn default() -> Self {
        Self::load(&Sources { folder: PathBuf::from("/nonexistent"), ..Sources::default() })
            .expect("the default settings are valid")
    }
}

#[cfg(test)]
mod tests;
