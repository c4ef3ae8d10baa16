//! What went wrong, as values; no message holds SQL or a row.

use std::borrow::Cow;

use sea_orm::{ConnAcquireErr, DbErr, RuntimeErr};

use crate::plan::Plan;

/// The crate's result.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What went wrong.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The model needs more than this version, or the caller's options, allow. Nothing was changed.
    #[error("{}", refused(.0))]
    Refused(Box<Plan>),
    /// A condition of the model can't be held by the database.
    #[error("{what} of {origin} can't be kept by the database: {reason}")]
    Inexpressible {
        /// The type.
        origin: String,
        /// The index, unique or check.
        what: String,
        /// Why not.
        reason: String,
    },
    /// Existing rows break what a step introduces; found while it ran, as they came after the look before.
    #[error("{doing}: {problem}")]
    Violation {
        /// The step.
        doing: String,
        /// What the rows break.
        problem: String,
    },
    /// Another process applies a model, or somebody holds a table for long.
    #[error("the database is busy: {0}")]
    Busy(String),
    /// A later version of the program has shaped this database.
    #[error("a later version of this program shaped the database (form {found}, this program knows {known})")]
    Newer {
        /// The stored form.
        found: u64,
        /// Ours.
        known: u32,
    },
    /// A model that was in force before the present one; it may be an old copy.
    #[error(
        "this model was in force before; another one has been since {since} (version {now}){}",
        missing.as_ref().map(|it| format!(", and there is no {it} any more")).unwrap_or_default()
    )]
    Superseded {
        /// The version in force.
        now: String,
        /// Since when.
        since: String,
        /// What it needs and the database has no more, where that was asked.
        missing: Option<String>,
    },
    /// An application that is done step by step could not go on.
    #[error("{source}; stopped at step {number} of {of}")]
    Stopped {
        /// The step that was not done.
        number: usize,
        /// Of how many.
        of: usize,
        /// Why.
        source: Box<Error>,
    },
    /// The stored history can't be read.
    #[error("the history in `launchway_catalog` can't be read: {0}")]
    History(String),
    /// The database user may not do what a step needs.
    #[error("{doing}: the database user is not allowed to")]
    Privilege {
        /// The step.
        doing: String,
    },
    /// The server has no such database.
    #[error("the database `{0}` does not exist")]
    Missing(String),
    /// The database can't be reached.
    #[error("the database can't be reached")]
    Unavailable(#[source] DbErr),
    /// The database said no for another reason. Nothing was changed.
    #[error("{doing} failed")]
    Database {
        /// The step.
        doing: String,
        /// What the driver said: for the log, not for API clients.
        #[source]
        source: DbErr,
    },
}

impl Error {
    /// A word for programs.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Error::Refused(_) => "REFUSED",
            Error::Inexpressible { .. } => "INEXPRESSIBLE",
            Error::Violation { .. } => "VIOLATION",
            Error::Busy(_) => "BUSY",
            Error::Newer { .. } => "NEWER",
            Error::Superseded { .. } => "SUPERSEDED",
            Error::Stopped { source, .. } => source.code(),
            Error::History(_) => "HISTORY",
            Error::Privilege { .. } => "PRIVILEGE",
            Error::Missing(_) => "MISSING",
            Error::Unavailable(_) => "UNAVAILABLE",
            Error::Database { .. } => "DATABASE",
        }
    }

    /// What a person can do.
    #[must_use]
    pub fn hint(&self) -> Option<Cow<'static, str>> {
        Some(Cow::Borrowed(match self {
            Error::Missing(name) => {
                return Some(Cow::Owned(format!("Make it with `createdb {name}`, or correct the URL.")));
            }
            Error::Stopped { source, .. } => {
                let way = source.hint().unwrap_or(Cow::Borrowed("Apply again to go on."));
                return Some(Cow::Owned(format!(
                    "{way} What was done before is in place and changes nothing for the model in force; `launchway apply` goes on from there."
                )));
            }
            Error::Superseded { .. } => {
                "Take the present model; or, to go back on purpose, `launchway apply --allow revert`."
            }
            Error::Refused(_) => "The plan says for each refused step what to do instead.",
            Error::Inexpressible { .. } => {
                "Compare the type's own fields with constants there, and put the rest into a rule (`@allow`)."
            }
            Error::Violation { .. } => "Correct those rows and apply again.",
            Error::Busy(_) => "Try again; if it stays so, look for a long transaction and end it.",
            Error::Newer { .. } => "Use the version of the program that was used last, or a later one.",
            Error::History(_) => "Restore the table `launchway_catalog` from a backup.",
            Error::Privilege { .. } => {
                "Apply as the owner of the schema, or let the owner run what `plan` prints."
            }
            Error::Unavailable(_) => {
                "Check that the database runs and that the URL, the user and the password are right."
            }
            Error::Database { .. } => return None,
        }))
    }

    /// The plan, where that is what was refused.
    #[must_use]
    pub fn plan(&self) -> Option<&Plan> {
        match self {
            Error::Refused(plan) => Some(plan),
            Error::Inexpressible { .. }
            | Error::Violation { .. }
            | Error::Busy(_)
            | Error::Newer { .. }
            | Error::Superseded { .. }
            | Error::Stopped { .. }
            | Error::History(_)
            | Error::Privilege { .. }
            | Error::Missing(_)
            | Error::Unavailable(_)
            | Error::Database { .. } => None,
        }
    }

    /// The same of an application that had begun; before the first step nothing was.
    pub(crate) fn stopped(self, number: usize, of: usize) -> Self {
        if number == 1 { self } else { Error::Stopped { number, of, source: Box::new(self) } }
    }

    /// Tells by the driver's code what a failure while `doing` means.
    pub(crate) fn of(doing: &str, source: DbErr) -> Self {
        let doing = doing.to_owned();
        let violation =
            |problem: &str| Error::Violation { doing: doing.clone(), problem: problem.to_owned() };
        match code(&source).as_deref() {
            Some("23505" | "1555" | "2067") => violation("several rows have the same value"),
            Some("23503" | "787" | "1811") => violation("a row refers to a row that is not there"),
            Some("23514" | "275") => violation("a row breaks the check"),
            Some("23502" | "1299") => violation("a row has no value"),
            Some("42501" | "8") => Error::Privilege { doing },
            Some("3D000") => Error::Missing(quoted(&source)),
            Some("55P03") => Error::Busy(format!("{doing}: a table is in use")),
            Some("40P01" | "40001") => Error::Busy(format!("{doing}: others were in the way")),
            Some("5" | "6" | "261" | "517" | "262") => {
                Error::Busy(format!("{doing}: somebody else is writing"))
            }
            Some(_) => Error::Database { doing, source },
            None if away(&source) => Error::Unavailable(source),
            None => Error::Database { doing, source },
        }
    }
}

/// What a message of the database quotes.
fn quoted(error: &DbErr) -> String {
    let text = error.to_string();
    let inner = text.split_once('"').and_then(|(_, rest)| rest.split_once('"'));
    inner.map_or_else(|| "of the URL".to_owned(), |(name, _)| name.to_owned())
}

fn refused(plan: &Plan) -> String {
    let refused: Vec<_> = plan.refused().collect();
    match refused.as_slice() {
        [] => "the plan is refused".to_owned(),
        [step] => format!("{} is refused; nothing was changed", step.description),
        [step, rest @ ..] => {
            format!("{} and {} more are refused; nothing was changed", step.description, rest.len())
        }
    }
}

#[allow(
    clippy::wildcard_enum_match_arm,
    reason = "the driver's errors are many, and only three come from the database"
)]
fn runtime(error: &DbErr) -> Option<&sea_orm::SqlxError> {
    match error {
        DbErr::Conn(RuntimeErr::SqlxError(error))
        | DbErr::Exec(RuntimeErr::SqlxError(error))
        | DbErr::Query(RuntimeErr::SqlxError(error)) => Some(error),
        _ => None,
    }
}

#[allow(clippy::wildcard_enum_match_arm, reason = "only one of the driver's errors has a code")]
fn code(error: &DbErr) -> Option<String> {
    match runtime(error)? {
        sea_orm::SqlxError::Database(error) => error.code().map(std::borrow::Cow::into_owned),
        _ => None,
    }
}

fn away(error: &DbErr) -> bool {
    matches!(
        runtime(error),
        Some(
            sea_orm::SqlxError::Io(_)
                | sea_orm::SqlxError::Tls(_)
                | sea_orm::SqlxError::PoolTimedOut
                | sea_orm::SqlxError::PoolClosed
                | sea_orm::SqlxError::WorkerCrashed
        )
    ) || matches!(
        error,
        DbErr::ConnectionAcquire(ConnAcquireErr::Timeout | ConnAcquireErr::ConnectionClosed) | DbErr::Conn(_)
    )
}
