//! What other people's tools say about the program: they know the specifications better than we do, and have no reason
//! to be kind.
//!
//! [`install`] fetches them once into the user's cache, [`run`] runs one of them with a deadline. A test passes when its
//! tool found nothing at all: a warning fails it as an error does.

mod browser;
mod document;
mod graphql;
mod install;
mod openid;
mod provider;
mod request;
mod run;
