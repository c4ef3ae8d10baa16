//! The harness: starts the real program on a real database and speaks HTTP to it, as its users do.
//!
//! ```no_run
//! use harness::{STORE, json};
//!
//! #[test]
//! fn a_track_is_found_by_its_name() {
//!     STORE.both(async |app| {
//!         let reply = app.anyone().graphql("{ tracks(where: { name: { eq: \"Low Tide\" } }) { nodes { name } } }").await;
//!         assert_eq!(reply.data(), json!({ "tracks": { "nodes": [{ "name": "Low Tide" }] } }));
//!     });
//! }
//! ```
//!
//! In the order of use: [`program`] finds the binary, [`postgres`] and [`redis`] start servers, [`watchdog`] ends them
//! with this process, [`app`] starts the program, [`watched`] listens to a command of it and ends it, [`actor`] asks, [`response`] is the answer, [`oracle`] compares the
//! two GraphQL executors, [`mailbox`] takes the mail, [`account`] makes users, [`raw`] is bytes on a socket, [`fixture`] shares one running program between tests that only
//! read, [`chinook`] is a larger data set.

pub mod account;
pub mod actor;
pub mod app;
pub mod backend;
pub mod chinook;
pub mod fixture;
pub mod mailbox;
pub mod model;
pub mod oracle;
pub mod postgres;
pub mod program;
pub mod raw;
pub mod redis;
pub mod requirement;
pub mod response;
pub mod runtime;
pub mod watchdog;
pub mod watched;

pub use account::{Accounts, Door, Person};
pub use actor::Actor;
pub use app::{App, both};
pub use backend::Backend;
pub use chinook::CHINOOK;
pub use fixture::{EVERYTHING, Fixture, STORE};
pub use mailbox::Mailbox;
pub use program::Launchway;
pub use response::Response;
pub use serde_json::{Value, json};
pub use watched::Watched;
