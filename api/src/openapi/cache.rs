//! Documents as text, each written once.

use std::sync::Arc;

use bytes::Bytes;
use entity::Catalog;
use entity::catalog::Version;
use service::{Principal, Profile};
use sha2::{Digest, Sha256};

use super::{Options, text};

/// Documents that are kept: one for each kind of caller, of the model in force and of the one before.
const KEPT: u64 = 16;

/// A document as it is sent.
#[derive(Debug)]
pub struct Text {
    /// The JSON.
    pub body: Bytes,
    /// Its entity tag, with quotes.
    pub etag: String,
}

/// The documents of the models that were in force lately.
#[derive(Debug, Clone)]
pub struct Documents {
    options: Arc<Options>,
    texts: moka::sync::Cache<(Version, Profile), Arc<Text>>,
}

impl Documents {
    /// None yet.
    #[must_use]
    pub fn new(options: Options) -> Self {
        Self { options: Arc::new(options), texts: moka::sync::Cache::new(KEPT) }
    }

    /// The document of a model for a principal. Written by one caller, while others who want it wait: a large model
    /// takes a noticeable part of a second, so call this where waiting is allowed.
    #[must_use]
    pub fn text(&self, catalog: &Catalog, principal: &Principal) -> Arc<Text> {
        let key = (catalog.version.clone(), principal.profile(catalog).unscoped());
        self.texts.get_with(key, || {
            let body = text(catalog, principal, &self.options);
            let hash = Sha256::digest(body.as_bytes());
            let short: String = hash.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
            Arc::new(Text { body: Bytes::from(body), etag: format!("\"{short}\"") })
        })
    }
}
