//! What a person allows by name: data is lost or hidden by nobody else.

use std::fmt;
use std::str::FromStr;

use crate::step::Step;

/// A word of consent, as people write it: `drop:Track.mood`, `hide:Track`, `revert`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Consent {
    /// A type, field or relation may be dropped with its data.
    Drop(String),
    /// A type, field or relation may be left out of the APIs while its data stays.
    Hide(String),
    /// What was lost may be made anew, without its data.
    Recreate(String),
    /// A model that was in force before another one may come back.
    Revert,
}

/// Why a text is no consent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no consent: write `drop:Track.mood`, `hide:Track.mood` or `revert`")]
pub struct NoConsent(String);

impl FromStr for Consent {
    type Err = NoConsent;

    fn from_str(text: &str) -> Result<Self, NoConsent> {
        let wrong = || NoConsent(text.chars().take(100).collect());
        let named = |name: &str| match name.trim() {
            "" => Err(wrong()),
            name => Ok(name.to_owned()),
        };
        match text.split_once(':') {
            Some(("drop", name)) => Ok(Consent::Drop(named(name)?)),
            Some(("hide", name)) => Ok(Consent::Hide(named(name)?)),
            Some(("recreate", name)) => Ok(Consent::Recreate(named(name)?)),
            None if text == "revert" => Ok(Consent::Revert),
            Some(_) | None => Err(wrong()),
        }
    }
}

impl fmt::Display for Consent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Consent::Drop(name) => write!(f, "drop:{name}"),
            Consent::Hide(name) => write!(f, "hide:{name}"),
            Consent::Recreate(name) => write!(f, "recreate:{name}"),
            Consent::Revert => f.write_str("revert"),
        }
    }
}

/// What is allowed beyond what loses nothing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Allow {
    /// What people said yes to.
    pub consents: Vec<Consent>,
    /// Whether everything that the model leaves out is hidden, its data kept: what a server does that starts.
    pub hide: bool,
}

impl Allow {
    pub(crate) fn drops(&self, subject: &str) -> bool {
        self.consents.iter().any(|consent| matches!(consent, Consent::Drop(name) if name == subject))
    }

    pub(crate) fn hides(&self, subject: &str) -> bool {
        self.hide
            || self.consents.iter().any(|consent| matches!(consent, Consent::Hide(name) if name == subject))
    }

    pub(crate) fn recreates(&self, subject: &str) -> bool {
        self.consents.iter().any(|consent| matches!(consent, Consent::Recreate(name) if name == subject))
    }

    pub(crate) fn reverts(&self) -> bool {
        self.consents.contains(&Consent::Revert)
    }

    /// The consents that none of the steps asks for.
    pub(crate) fn idle<'a>(&'a self, steps: &'a [Step]) -> impl Iterator<Item = &'a Consent> {
        self.consents.iter().filter(|consent| match consent {
            Consent::Drop(name) | Consent::Hide(name) | Consent::Recreate(name) => {
                !steps.iter().any(|step| step.subject == *name)
            }
            Consent::Revert => false,
        })
    }
}
