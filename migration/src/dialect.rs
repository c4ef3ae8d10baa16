//! The two databases.

use std::fmt;

use sea_orm::{DatabaseConnection, DbBackend};
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// Which SQL is spoken: our own two, not the driver's three.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Dialect {
    /// SQLite 3.38 or later.
    Sqlite,
    /// PostgreSQL 13 or later.
    Postgres,
}

impl Dialect {
    /// The dialect of a connection.
    ///
    /// # Errors
    /// [`Error::Database`] for a database that is neither.
    pub fn of(connection: &DatabaseConnection) -> Result<Self> {
        Self::of_backend(connection.get_database_backend())
    }

    pub(crate) fn of_backend(backend: DbBackend) -> Result<Self> {
        match backend {
            DbBackend::Sqlite => Ok(Dialect::Sqlite),
            DbBackend::Postgres => Ok(Dialect::Postgres),
            other @ (DbBackend::MySql | _) => Err(Error::Database {
                doing: "telling the database's kind".to_owned(),
                source: sea_orm::DbErr::Custom(format!("{other:?} is not supported")),
            }),
        }
    }
}

impl fmt::Display for Dialect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Dialect::Sqlite => "SQLite",
            Dialect::Postgres => "PostgreSQL",
        })
    }
}
