//! Model text → catalog → the database's shape → in force. Used by serve, apply and watch.

use std::sync::Arc;

use entity::Catalog;
use entity::model::{self, Compiled, Diagnostic, Diagnostics, Source};
use migration::Former;

use crate::Service;

/// How far publishing may change the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Apply {
    /// What is safe while requests run: new types, fields, indexes, names. What the model leaves out is hidden, its data
    /// kept.
    #[default]
    Safe,
    /// The same, also back to a model that was in force before: who works on a model goes to and fro.
    Freely,
    /// Nothing: the database must have the model's shape already.
    Never,
}

/// What publishing came to.
#[derive(Debug)]
pub struct Published {
    /// What was done to the database; no steps when it had the shape already.
    pub plan: migration::Plan,
    /// Warnings, and what is accepted but not in force yet.
    pub notices: Vec<Diagnostic>,
    /// Whether this model was in force before another one, which the database belongs to.
    pub former: bool,
}

/// Why a model was not published. The one in force before stays in force.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The model has mistakes.
    #[error("the model has mistakes")]
    Model(Diagnostics),
    /// The database would need more than is allowed; the plan says what.
    #[error("the database needs changes that are not made by themselves")]
    Pending(Box<migration::Plan>),
    /// The database said no.
    #[error(transparent)]
    Database(#[from] migration::Error),
    /// The model is in force, and accounts are not ready: there is no key to sign tokens with.
    #[error("accounts are not ready")]
    Accounts(crate::Error),
}

impl Service {
    /// Puts a model in force: checks it, gives the database its shape as far as allowed, and swaps it in. Requests
    /// that are under way keep the one they began with.
    ///
    /// # Errors
    /// Whatever stands in the way; nothing is changed then.
    pub async fn publish(&self, sources: &[Source], apply: Apply) -> Result<Published, Error> {
        let Compiled { catalog, notices } = model::compile(sources).map_err(Error::Model)?;
        let connection = self.database().writer();
        if apply != Apply::Freely
            && let Some(former) = migration::former(connection, &catalog).await?
        {
            return self.publish_former(catalog, notices, former).await;
        }
        let plan = match apply {
            Apply::Safe | Apply::Freely => {
                let text = sources.iter().map(|source| source.text.as_str()).collect::<Vec<_>>().join("\n");
                let allow = migration::Allow { hide: true, ..migration::Allow::default() };
                let options = migration::Options { only_safe: true, allow, ..migration::Options::default() };
                migration::apply(connection, &catalog, &text, &options).await?.plan
            }
            Apply::Never => {
                let plan = migration::plan_for(connection, &catalog, &migration::Allow::default()).await?;
                if !plan.steps.is_empty() {
                    return Err(Error::Pending(Box::new(plan)));
                }
                plan
            }
        };
        self.put_in_force(catalog).await?;
        Ok(Published { plan, notices, former: false })
    }

    /// Takes over the model that was applied to the database last, where it is another than the one in force here; says
    /// whether it was. Requests that are under way keep the one they began with.
    ///
    /// # Errors
    /// What the database said, and a model that a later program understands better.
    pub async fn follow(&self) -> Result<bool, Error> {
        let connection = self.database().writer();
        if migration::version(connection).await?.is_none_or(|version| version == self.catalog().version) {
            return Ok(false);
        }
        let Some(last) = migration::status(connection).await? else { return Ok(false) };
        let source = Source::new("launchway_catalog", last.model);
        let Compiled { catalog, .. } = model::compile(&[source]).map_err(Error::Model)?;
        self.put_in_force(catalog).await?;
        Ok(true)
    }

    async fn put_in_force(&self, catalog: Catalog) -> Result<(), Error> {
        self.replace(Arc::new(catalog));
        self.auth().prepare().await.map_err(Error::Accounts)
    }

    /// Serves a model that was in force before as it was: the database belongs to the one that is now. A server that
    /// starts again while it is being replaced must not take anything back.
    async fn publish_former(
        &self,
        catalog: Catalog,
        notices: Vec<Diagnostic>,
        former: Former,
    ) -> Result<Published, Error> {
        let Former { now, since, missing } = former;
        if let Some(missing) = missing {
            return Err(migration::Error::Superseded { now, since, missing: Some(missing) }.into());
        }
        tracing::warn!(%now, %since, "this model was in force before another one; it is served, and the database is left as it is");
        let plan = migration::Plan::nothing(self.database().dialect());
        self.put_in_force(catalog).await?;
        Ok(Published { plan, notices, former: true })
    }
}
