//! Plans and what comes of them, on SQLite and on PostgreSQL.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test says what is wrong by failing"
)]

mod additive;
mod database;
mod drift;
mod evolve;
mod facts;
mod fresh;
mod generator;
mod hostile;
mod interrupt;
mod large;
mod memory;
mod pairs;
mod rebind;
mod refusal;
mod rename;
mod snapshot;
mod together;
