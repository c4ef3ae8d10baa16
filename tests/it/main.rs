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
mod name;
mod nested;
mod number;
mod page;
mod parity;
mod random;
mod rest;
mod server;
mod value;
mod write;
