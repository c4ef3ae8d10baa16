//! Black-box tests of the running program, one file per concern, each on SQLite and on PostgreSQL.

mod access;
mod aggregate;
mod architecture;
mod chinook;
mod example;
mod failure;
mod filter;
mod graphql_transport;
mod harness_promises;
mod hostile;
mod idempotency;
mod name;
mod nested;
mod page;
mod parity;
mod random;
mod refusal;
mod rest;
mod server;
mod stream;
mod telemetry;
mod through;
mod timeout;
mod value;
mod variable;
mod write;
