//! Black-box tests of the command line: exit codes, messages, what is printed where.

mod account;
mod can;
mod model;
mod readme;
mod rebind;
mod rule_test;
mod schema;
mod since;
mod told;
mod transfer;
