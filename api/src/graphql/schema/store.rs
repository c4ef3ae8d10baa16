//! Schemas, made once per model and principal.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arc_swap::ArcSwap;
use async_graphql::dynamic::Schema;
use async_graphql::registry::Registry;
use entity::Catalog;
use service::{Context, Error, Principal, Profile, Result};
use tokio::sync::Mutex;

use super::{Roots, build};
use crate::graphql::settings::Settings;

/// Schemas kept at once; a model rarely has more kinds of callers.
const KEPT: usize = 16;

/// A schema with what its root fields mean.
pub(crate) struct Bundle {
    /// Different for each bundle ever made: a part of cache keys.
    pub(crate) id: u64,
    pub(crate) schema: Schema,
    pub(crate) roots: Roots,
    /// The model it was made from.
    pub(crate) catalog: Arc<Catalog>,
    /// For whom it was made.
    profile: Profile,
    principal: Principal,
}

impl Bundle {
    /// One of those for whom it was made: what exists for them is the same for all.
    pub(crate) fn principal(&self) -> &Principal {
        &self.principal
    }

    /// The types by name.
    pub(crate) fn registry(&self) -> &Registry {
        self.schema.registry()
    }

    fn fits(&self, context: &Context, profile: &Profile) -> bool {
        self.profile == *profile
            && (Arc::ptr_eq(&self.catalog, &context.catalog)
                || self.catalog.version == context.catalog.version)
    }
}

/// The schemas made so far.
#[derive(Default)]
pub(crate) struct Schemas {
    made: ArcSwap<Vec<Arc<Bundle>>>,
    making: Mutex<()>,
    next: AtomicU64,
}

impl Schemas {
    /// The schema for the principal and model of a context; made when it is asked for first.
    ///
    /// # Errors
    /// As [`build`].
    pub(crate) async fn bundle(&self, context: &Context, settings: &Arc<Settings>) -> Result<Arc<Bundle>> {
        let profile = context.principal.profile(&context.catalog).unscoped();
        if let Some(found) = self.find(context, &profile) {
            return Ok(found);
        }
        let _one_at_a_time = self.making.lock().await;
        if let Some(found) = self.find(context, &profile) {
            return Ok(found);
        }
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let (asked, settings) = (context.clone(), Arc::clone(settings));
        // Hundreds of types take a while: other requests go on meanwhile.
        let (schema, roots) = tokio::task::spawn_blocking(move || build(&asked, &settings))
            .await
            .map_err(Error::internal)??;
        let bundle = Arc::new(Bundle {
            id,
            schema,
            roots,
            catalog: Arc::clone(&context.catalog),
            profile,
            principal: context.principal.clone(),
        });
        let mut made: Vec<Arc<Bundle>> = self
            .made
            .load()
            .iter()
            .filter(|other| other.catalog.version == context.catalog.version)
            .cloned()
            .collect();
        made.truncate(KEPT - 1);
        made.insert(0, Arc::clone(&bundle));
        self.made.store(Arc::new(made));
        Ok(bundle)
    }

    fn find(&self, context: &Context, profile: &Profile) -> Option<Arc<Bundle>> {
        self.made.load().iter().find(|bundle| bundle.fits(context, profile)).cloned()
    }
}
