//! What a database error means to a caller. The one place that reads them.

use sea_orm::sqlx::error::{DatabaseError, ErrorKind};
use sea_orm::sqlx::postgres::PgDatabaseError;
use sea_orm::{ConnAcquireErr, DbErr, RuntimeErr, sqlx};

use crate::error::{Code, Error};

/// Seconds after which a caller should try again while the database is away.
const RETRY_AFTER: u64 = 1;

/// What a statement says that makes a number leave the range of its column: followed by `table.column`.
pub(crate) const OUT_OF_RANGE: &str = "launchway_range:";

/// The error a caller reads for a database's. Nothing of its text is shown: it may hold values and SQL.
#[must_use]
pub fn database(error: DbErr) -> Error {
    match &error {
        DbErr::ConnectionAcquire(ConnAcquireErr::Timeout) => busy().because(error),
        DbErr::ConnectionAcquire(ConnAcquireErr::ConnectionClosed) => away().because(error),
        // Whatever a database says while it is connected to, it can't be used: it starts, stops, is full, is not there.
        DbErr::Conn(_) => away().because(error),
        DbErr::Exec(RuntimeErr::SqlxError(inner)) | DbErr::Query(RuntimeErr::SqlxError(inner)) => {
            from_sqlx(inner).because(error.clone())
        }
        _ => Error::internal(error),
    }
}

/// The name of the constraint a failed write broke, where the database told it.
#[must_use]
pub fn constraint(error: &Error) -> Option<String> {
    let reply = reply(error)?;
    // What has no value is told by its column.
    let postgres = reply.try_downcast_ref::<PgDatabaseError>();
    if let Some((table, column)) = postgres.and_then(|reply| reply.table().zip(reply.column())) {
        return Some(format!("{table}.{column}"));
    }
    if let Some(name) = reply.constraint() {
        return Some(name.to_owned());
    }
    let message = reply.message();
    // SQLite: "UNIQUE constraint failed: index 'ux_a_b'" or "UNIQUE constraint failed: tracks.album_id, tracks.position",
    // and our triggers: "launchway_check:ck_tracks_position_1".
    // A number that is too large: PostgreSQL quotes the text that is none, SQLite names the column alone.
    message
        .split_once("launchway_check:")
        .map(|(_, name)| name.trim().to_owned())
        .or_else(|| {
            let (_, rest) = message.split_once(OUT_OF_RANGE)?;
            rest.split('"').next().map(str::to_owned)
        })
        .or_else(|| {
            let (_, rest) = message.split_once("cannot store ")?;
            rest.split_once(" column ").map(|(_, column)| column.trim().to_owned())
        })
        .or_else(|| message.split_once("failed: ").map(|(_, columns)| columns.to_owned()))
}

/// Whether a statement named a table or a column that is not there. It has done nothing then.
#[must_use]
pub(crate) fn is_misnamed(error: &Error) -> bool {
    reply(error).is_some_and(names_nothing)
}

/// Whether a row was to be without a value that the database requires: another model is in force by now. Nothing was done
/// then. On PostgreSQL also where a column is not there any more.
#[must_use]
pub(crate) fn lacks_value(error: &Error) -> bool {
    match error.code() {
        Code::Required => true,
        // A check stands in for it while a field is being made required.
        Code::CheckFailed => constraint(error).is_some_and(|name| migration::is_temporary(&name)),
        _ => is_misnamed(error),
    }
}

fn names_nothing(reply: &dyn DatabaseError) -> bool {
    match reply.code().as_deref() {
        // PostgreSQL: undefined table, undefined column
        Some("42P01" | "42703") => true,
        // SQLite's code for whatever is wrong with a statement
        Some("1") => {
            let says = |text| reply.message().contains(text);
            says("no such table: ") || says("no such column: ") || says(" has no column named ")
        }
        _ => false,
    }
}

/// What the database said, where an error is its.
fn reply(error: &Error) -> Option<&dyn DatabaseError> {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = error.cause().map(|cause| cause as _);
    while let Some(found) = cause {
        if let Some(DbErr::Exec(RuntimeErr::SqlxError(inner)) | DbErr::Query(RuntimeErr::SqlxError(inner))) =
            found.downcast_ref::<DbErr>()
        {
            return inner.as_database_error();
        }
        cause = found.source();
    }
    None
}

fn from_sqlx(error: &sqlx::Error) -> Error {
    match error {
        sqlx::Error::Database(reply) => from_reply(reply.as_ref()),
        sqlx::Error::PoolTimedOut => busy(),
        sqlx::Error::Io(_)
        | sqlx::Error::Tls(_)
        | sqlx::Error::Protocol(_)
        | sqlx::Error::PoolClosed
        | sqlx::Error::WorkerCrashed => away(),
        _ => Error::new(Code::Internal, "Something went wrong on our side."),
    }
}

fn from_reply(reply: &dyn DatabaseError) -> Error {
    match reply.kind() {
        ErrorKind::UniqueViolation => {
            return Error::new(Code::UniqueViolation, "Another row has this value already.");
        }
        ErrorKind::ForeignKeyViolation => {
            return Error::new(
                Code::ForeignKeyViolation,
                "A row it refers to is not there, or another row still refers to it.",
            );
        }
        ErrorKind::NotNullViolation => return Error::new(Code::Required, "A required field has no value."),
        ErrorKind::CheckViolation => {
            return Error::new(Code::CheckFailed, "A value breaks a check of the model.");
        }
        _ => {}
    }
    if reply.message().contains("launchway_check:") {
        return Error::new(Code::CheckFailed, "A value breaks a check of the model.");
    }
    if reply.message().contains(OUT_OF_RANGE) {
        return Error::new(Code::OutOfRange, "A number left the range of its type.");
    }
    match reply.code().as_deref().unwrap_or_default() {
        // SQLite: a text or a double is to be stored where an integer is; only arithmetic gets there.
        "3091" => Error::new(Code::OutOfRange, "A number left the range of its type."),
        // PostgreSQL: number out of range, interval overflow, division by zero.
        "22003" | "22008" | "22012" => Error::new(Code::OutOfRange, "A number left the range of its type."),
        // statement_timeout, or an administrator's cancel; SQLite: interrupted by the alarm.
        "57014" | "9" => Error::new(Code::Timeout, "The database did not answer in time.").hint(
            "Ask for less: a narrower condition, a smaller page, an index on what is filtered and sorted by.",
        ),
        // serialization failure, deadlock, lock not available
        "40001" | "40P01" | "55P03" => Error::new(Code::Conflict, "The change collided with another one.")
            .hint("Try again.")
            .retry_after(RETRY_AFTER),
        // shutting down, crashed, starting up; too many connections; connection exceptions; read-only
        "57P01" | "57P02" | "57P03" | "53300" | "08000" | "08001" | "08003" | "08004" | "08006" | "25006" => {
            away()
        }
        // PostgreSQL: the disk is full, a sequence is used up; SQLite: either.
        "53100" | "2200H" | "13" => full(),
        // out of memory and the like; files that can't be read or written
        code if code.len() == 5 && (code.starts_with("53") || code.starts_with("58")) => away(),
        code if sqlite_kind(code).is_some_and(|kind| BUSY.contains(&kind)) => busy(),
        code if sqlite_kind(code).is_some_and(|kind| AWAY.contains(&kind)) => away(),
        _ if reply.message() == "integer overflow" => {
            Error::new(Code::OutOfRange, "A number left the range of its type.")
        }
        _ => Error::new(Code::Internal, "Something went wrong on our side."),
    }
}

/// SQLite's result codes for a file that others hold: busy, locked.
const BUSY: [u32; 2] = [5, 6];

/// SQLite's result codes for a file that can't be used: read only, I/O error, not to be opened.
const AWAY: [u32; 3] = [8, 10, 14];

/// The kind of an extended result code of SQLite, which is in its lowest byte; PostgreSQL's codes have five signs.
fn sqlite_kind(code: &str) -> Option<u32> {
    code.parse::<u32>().ok().filter(|_| code.len() < 5).map(|code| code & 0xff)
}

fn busy() -> Error {
    Error::new(Code::Unavailable, "All database connections are busy.")
        .hint("Try again in a moment.")
        .retry_after(RETRY_AFTER)
}

/// Trying again does not help.
fn full() -> Error {
    Error::new(Code::Unavailable, "The database has no room for another row.").hint(
        "Its disk is full, or all ids of the type are used up; who runs the server can tell from its log.",
    )
}

pub(super) fn away() -> Error {
    Error::new(Code::Unavailable, "The database can't be reached.")
        .hint("Try again in a moment.")
        .retry_after(RETRY_AFTER)
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;
    use std::error::Error as StdError;
    use std::fmt;

    use super::*;

    /// A code, and a message.
    #[derive(Debug)]
    struct Reply(&'static str, &'static str);

    impl fmt::Display for Reply {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(self.1)
        }
    }

    impl StdError for Reply {}

    impl DatabaseError for Reply {
        fn message(&self) -> &'static str {
            self.1
        }

        fn code(&self) -> Option<Cow<'_, str>> {
            Some(Cow::Borrowed(self.0))
        }

        fn as_error(&self) -> &(dyn StdError + Send + Sync + 'static) {
            self
        }

        fn as_error_mut(&mut self) -> &mut (dyn StdError + Send + Sync + 'static) {
            self
        }

        fn into_error(self: Box<Self>) -> Box<dyn StdError + Send + Sync + 'static> {
            self
        }

        fn kind(&self) -> ErrorKind {
            ErrorKind::Other
        }
    }

    #[test]
    fn a_database_that_can_not_be_used_for_now_says_so() {
        // SQLite: busy and its kinds, read only, I/O errors of reading, writing, syncing, locking; PostgreSQL's I/O error.
        for code in
            ["5", "261", "517", "6", "262", "8", "264", "10", "266", "778", "1034", "14", "58030", "53200"]
        {
            let error = from_reply(&Reply(code, "no"));
            assert_eq!(
                (error.code(), error.retry_seconds()),
                (Code::Unavailable, Some(RETRY_AFTER)),
                "{code}"
            );
        }
        assert_eq!(from_reply(&Reply("13", "no")).code(), Code::Unavailable);
        assert_eq!(from_reply(&Reply("3091", "no")).code(), Code::OutOfRange);
        for code in ["1", "11", "42601", "2F005", "XX000"] {
            assert_eq!(from_reply(&Reply(code, "no")).code(), Code::Internal, "{code}");
        }
    }

    #[test]
    fn names_of_nothing_are_told_apart_from_other_mistakes() {
        for (code, message) in [
            ("1", "no such table: tracks"),
            ("1", "no such column: t0.name"),
            ("1", "table tracks has no column named name"),
            ("42P01", "relation \"tracks\" does not exist"),
            ("42703", "column t0.name does not exist"),
        ] {
            assert!(names_nothing(&Reply(code, message)), "{message}");
        }
        for (code, message) in
            [("1", "near \"selct\": syntax error"), ("19", "no such table: x"), ("42601", "syntax error")]
        {
            assert!(!names_nothing(&Reply(code, message)), "{message}");
        }
    }
}
