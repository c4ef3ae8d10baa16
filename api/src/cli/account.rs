//! A database that is there already: commands that look at it, or at its accounts, do not make it.

use std::path::PathBuf;
use std::sync::Arc;

use entity::Catalog;
use service::Service;

use super::{Outcome, Stop, model};
use crate::boot;
use crate::config::Config;

/// The server's own types, whose tables accounts are in.
pub(super) const OWN: [&str; 4] = ["User", "OrganizationMembership", "ApiKey", "AuditEvent"];

/// Opens the database of the settings with the accounts of a model; nothing of its shape is changed.
pub(super) async fn open(config: &Config, given: Option<&PathBuf>) -> Result<Service, Stop> {
    let path = model::path(given);
    let compiled = model::compile(&model::read(&path)?)?;
    has_accounts(&compiled.catalog, &path.display().to_string())?;
    existing(config, compiled.catalog, |ty| OWN.contains(&ty)).await
}

/// Says no to a model in which nobody signs in.
pub(super) fn has_accounts(catalog: &Catalog, name: &str) -> Outcome {
    match catalog.has_accounts() {
        true => Ok(()),
        false => Err(Stop::refused(format!(
            "{name} has no accounts: nothing in it asks for somebody to sign in\n\
             hint: a model has accounts as soon as it names `User`, a role such as \"user\", or `$user.id`"
        ))),
    }
}

/// Opens a database that has the shape of these types of a model already.
pub(super) async fn existing(
    config: &Config,
    catalog: Catalog,
    concerns: impl Fn(&str) -> bool,
) -> Result<Service, Stop> {
    let first = "run `launchway apply` first, with the same model and database";
    if service::database::is_missing(config.database.url.reveal()) {
        return Err(Stop::refused(format!("there is no database yet\nhint: {first}")));
    }
    let service = boot::open(config).await?;
    let plan = migration::plan_for(service.database().writer(), &catalog, &migration::Allow::default())
        .await
        .map_err(|error| model::unmigrated(&error))?;
    let needed = |subject: &str| concerns(subject.split(['.', ' ', '(']).next().unwrap_or(subject));
    if let Some(step) = plan.steps.iter().find(|step| needed(&step.subject)) {
        return Err(Stop::refused(format!(
            "the database does not have the shape of the model yet: {}\nhint: {first}",
            step.description
        )));
    }
    service.replace(Arc::new(catalog));
    Ok(service)
}
