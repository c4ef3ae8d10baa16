//! GraphQL: the endpoint of our own, two executors over one lowering, the schema made from the model.
//!
//! async-graphql is used for what it is best at: the schema, parsing, validation, introspection. The path of a
//! request, in the order of these files: `endpoint` (HTTP) → `params`, `negotiate`, `persist` → `execute` → `scan`,
//! `document` (when an operation is seen first) → `lower` → the engine → `render`. `resolve` is the slow, complete
//! executor: introspection, and the oracle of the tests.

mod document;
mod endpoint;
mod execute;
mod lower;
#[cfg(test)]
mod model;
mod negotiate;
mod params;
mod persist;
mod render;
mod resolve;
mod scan;
mod schema;
mod settings;
mod usage;

pub use endpoint::{Graphql, endpoint};
pub use schema::sdl;
pub use settings::{Bounds, Documents, Persistence, Settings};

#[cfg(test)]
mod tests;
