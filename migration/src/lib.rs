#![doc = include_str!("../README.md")]

mod alias;
mod apply;
mod change;
mod consent;
mod ddl;
mod dialect;
mod diff;
mod drift;
mod error;
pub mod facts;
mod fold;
mod former;
mod history;
mod plan;
mod rename;
mod render;
mod reserved;
pub mod shape;
mod step;
mod system;
mod verdict;
mod verify;

pub use alias::version_schema;
pub use apply::{Applied, Options, Progress};
pub use consent::{Allow, Consent, NoConsent};
pub use ddl::sqlite::CHECK_PREFIX;
pub use dialect::Dialect;
pub use drift::{Answer, Drift, DriftKind, drift};
use entity::Catalog;
pub use error::{Error, Result};
pub use facts::Facts;
pub use former::{Former, former};
pub use history::AppliedVersion;
pub use plan::{Plan, plan};
pub use rename::{Renames, is_gone};
pub use render::render;
pub use reserved::{BOOKKEEPING, TEMPORARY, is_temporary};
use sea_orm::DatabaseConnection;
pub use shape::{Shape, enum_check_name, foreign_key_name};
pub use step::{Action, Refusal, Step};
pub use system::Migrator;
pub use verdict::{Cost, Lock, Mode, Phase, Verdict};

/// What [`apply()`] would do to a database now. Changes nothing, and needs no right to.
///
/// # Errors
/// [`Error::Inexpressible`] for a model that the database can't hold, or that the database said no.
pub async fn plan_for(connection: &DatabaseConnection, catalog: &Catalog, allow: &Allow) -> Result<Plan> {
    apply::plan_for(connection, catalog, allow).await
}

/// What a database with the shape of one model needs to have that of another. No database is asked: what depends on its
/// rows is in [`Step::requires`].
///
/// # Errors
/// [`Error::Inexpressible`] for a model that a database can't hold.
pub fn plan_between(from: &Catalog, to: &Catalog, dialect: Dialect, allow: &Allow) -> Result<Plan> {
    let mut found = plan(&Shape::of(from)?, &Shape::of(to)?, dialect, allow);
    found.from = Some(from.version.clone());
    found.to = Some(to.version.clone());
    Ok(found)
}

/// Gives a database the shape of a model: all of it in one transaction, or nothing. `model` is the text of the
/// model, kept for people. Applied again, it does nothing; two at a time take turns.
///
/// # Errors
/// [`Error::Refused`] with the plan when a step would lose or rewrite data, or is not safe and
/// [`Options::only_safe`] is set; else as [`plan_for`].
pub async fn apply(
    connection: &DatabaseConnection,
    catalog: &Catalog,
    model: &str,
    options: &Options,
) -> Result<Applied> {
    apply::apply(connection, catalog, model, options).await
}

/// The content hash of the model in force; none for a database that was never given one. One small statement.
///
/// # Errors
/// That the database said no.
pub async fn version(connection: &DatabaseConnection) -> Result<Option<entity::catalog::Version>> {
    history::version(connection, Dialect::of(connection)?).await
}

/// The model version in force; none for a database that was never given one. Changes nothing.
///
/// # Errors
/// [`Error::Newer`], [`Error::History`], or that the database said no.
pub async fn status(connection: &DatabaseConnection) -> Result<Option<AppliedVersion>> {
    history::last(connection, Dialect::of(connection)?).await
}

/// What got another name since a model was in force, by applications of others; none while it is in force, and where nobody
/// knows when it was. A model that asks for the same tables as one that was applied counts as that one. Changes nothing.
///
/// # Errors
/// [`Error::Newer`], [`Error::History`], or that the database said no.
pub async fn renames_since(connection: &DatabaseConnection, catalog: &Catalog) -> Result<Option<Renames>> {
    apply::renames_since(connection, catalog).await
}
