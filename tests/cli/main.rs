//! Black-box tests of the command line: exit codes, messages, what is printed where.

mod account;
mod model;
mod readme;
mod schema;
mod transfer;
