//! `[graphql]` and `[rest]`: what the two facades show and accept.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::unit::{Size, Switch};

/// What the GraphQL facade shows and accepts.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Graphql {
    /// Whether the schema may be asked for.
    pub introspection: Switch,
    /// Whether browsers get the GraphiQL page.
    pub graphiql: Switch,
    /// Whether errors suggest names that exist, in both facades.
    pub suggestions: Switch,
    /// A folder of persisted documents; empty for none.
    persisted: PathBuf,
    /// Whether only those documents are run.
    pub persisted_only: bool,
    /// Operations in one batched request; 0 turns batching off.
    pub batch: usize,
    /// Bytes of one document.
    pub document: Size,
    /// Tokens of one document.
    pub tokens: usize,
    /// Aliases of one document.
    pub aliases: usize,
    /// Directives of one document.
    pub directives: usize,
    /// Levels of brackets of one document.
    pub nesting: usize,
}

impl Graphql {
    /// The folder of persisted documents, when there is one.
    #[must_use]
    pub fn persisted(&self) -> Option<&Path> {
        (!self.persisted.as_os_str().is_empty()).then_some(self.persisted.as_path())
    }
}

/// What the REST facade shows.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rest {
    /// Whether the OpenAPI document and the reference are served.
    pub docs: bool,
}
