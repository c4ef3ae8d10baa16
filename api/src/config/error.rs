//! What is wrong with the settings: every problem, with its key and the layer that set it.

use std::fmt;

use figment::Figment;
use figment::error::Kind;

/// One wrong setting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// `server.listen`; empty when the whole layer is wrong.
    pub key: String,
    /// Where the value came from.
    pub layer: String,
    /// What is wrong with it.
    pub message: String,
}

/// All wrong settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    /// In the order they were found.
    pub problems: Vec<Problem>,
}

impl Error {
    pub(super) fn one(problem: Problem) -> Self {
        Self { problems: vec![problem] }
    }

    pub(super) fn from_figment(error: figment::Error, figment: &Figment) -> Self {
        let problems = error.into_iter().map(|error| problem(&error, figment)).collect();
        Self { problems }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.problems.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            match problem.key.is_empty() {
                true => write!(f, "{}: {}", problem.layer, problem.message)?,
                false => write!(f, "{}: {} (set by {})", problem.key, problem.message, problem.layer)?,
            }
        }
        Ok(())
    }
}

impl std::error::Error for Error {}

fn problem(error: &figment::Error, figment: &Figment) -> Problem {
    let mut path = error.path.clone();
    let message = match &error.kind {
        Kind::UnknownField(name, known) => {
            if path.last() != Some(name) {
                path.push(name.clone());
            }
            let hint = entity::suggest::hint(name, known.iter().copied());
            format!(
                "there is no such setting; {}",
                hint.unwrap_or_else(|| "see `launchway config`".to_owned())
            )
        }
        Kind::UnknownVariant(word, known) => format!("`{word}` is not one of {}", known.join(", ")),
        Kind::InvalidType(actual, expected) | Kind::InvalidValue(actual, expected) => {
            format!("is {actual}, expected {expected}")
        }
        Kind::MissingField(name) => {
            path.push(name.to_string());
            "is missing".to_owned()
        }
        Kind::Message(text) => text.clone(),
        Kind::InvalidLength(..)
        | Kind::DuplicateField(..)
        | Kind::ISizeOutOfRange(..)
        | Kind::USizeOutOfRange(..)
        | Kind::Unsupported(..)
        | Kind::UnsupportedKey(..) => error.kind.to_string(),
    };
    let key = path.join(".");
    let layer = layer(figment, &key)
        .or_else(|| error.metadata.as_ref().map(|metadata| metadata.name.to_string()))
        .unwrap_or_else(|| "the settings".to_owned());
    Problem { key, layer, message }
}

/// The name of the layer a value came from.
pub(super) fn layer(figment: &Figment, key: &str) -> Option<String> {
    figment.find_metadata(key).map(|metadata| metadata.name.to_string())
}
