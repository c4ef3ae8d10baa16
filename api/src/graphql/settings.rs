//! What the operator may decide about the GraphQL endpoint, with defaults.

use std::path::PathBuf;
use std::time::Duration;

/// Settings of the GraphQL endpoint.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Whether developers' tools are on: `X-Launchway-Executor: resolvers` is understood. Default: no.
    pub development: bool,
    /// Whether the schema can be asked for. Default: yes; production switches it off unless told otherwise.
    pub introspection: bool,
    /// Whether browsers get the GraphiQL page. Default: yes; production switches it off unless told otherwise.
    pub graphiql: bool,
    /// Whether errors guess what was meant. Default: yes; production switches it off unless told otherwise.
    pub suggestions: bool,
    /// Operations in one request (a JSON array); 0 is off. Default: 0, at most 10.
    pub batch: usize,
    /// Bytes of a request's body. Default: 2 MiB.
    pub body: usize,
    /// Time for a request's body to arrive. Default: 10 s.
    pub body_timeout: Duration,
    /// What a document may be made of.
    pub bounds: Bounds,
    /// Documents named by hash.
    pub documents: Documents,
    /// Validated operations kept, of 4 KiB on average. Default: 1,000.
    pub operations: u64,
    /// Compiled plans kept, of 16 KiB on average: an operation has one for each shape of its variables. Default: 2,000.
    pub plans: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            development: false,
            introspection: true,
            graphiql: true,
            suggestions: true,
            batch: 0,
            body: 2 * 1024 * 1024,
            body_timeout: Duration::from_secs(10),
            bounds: Bounds::default(),
            documents: Documents::default(),
            operations: 1_000,
            plans: 2_000,
        }
    }
}

/// Bounds on a document, checked before anything recursive sees it.
#[derive(Debug, Clone)]
pub struct Bounds {
    /// Bytes. Default: 100,000.
    pub bytes: usize,
    /// Levels of nested `{`, `[` and `(`, of nested selections through fragments, and of JSON variables. Default: 64.
    pub depth: usize,
    /// Names, numbers, strings and punctuation marks. Default: 10,000.
    pub tokens: usize,
    /// Aliases. Default: 200.
    pub aliases: usize,
    /// Directives. Default: 100.
    pub directives: usize,
    /// Fields after fragments are spread. Default: 10,000.
    pub fields: usize,
}

impl Default for Bounds {
    fn default() -> Self {
        Self { bytes: 100_000, depth: 64, tokens: 10_000, aliases: 200, directives: 100, fields: 10_000 }
    }
}

/// How documents named by hash are treated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Persistence {
    /// Every request carries its document.
    Off,
    /// A document that came with its hash is remembered (Apollo's automatic persisted queries); documents of the
    /// folder are known from the start.
    #[default]
    Learn,
    /// Only documents of the folder are run.
    Safelist,
}

/// Documents named by hash.
#[derive(Debug, Clone)]
pub struct Documents {
    /// Default: learn.
    pub mode: Persistence,
    /// A folder of `*.graphql` files, each known by the hash of its bytes and by its file name, and of JSON files
    /// that map ids to documents.
    pub folder: Option<PathBuf>,
    /// Bytes of learned documents kept. Default: 16 MiB.
    pub learned: u64,
}

impl Default for Documents {
    fn default() -> Self {
        Self { mode: Persistence::default(), folder: None, learned: 16 * 1024 * 1024 }
    }
}
