//! How does the world ask? GraphQL, REST, the command line, and the server around them.

pub mod auth;
pub mod boot;
pub mod cli;
pub mod config;
mod contract;
pub mod graphql;
pub mod http;
pub mod openapi;
pub mod page;
pub mod rest;
pub mod server;
pub mod telemetry;
