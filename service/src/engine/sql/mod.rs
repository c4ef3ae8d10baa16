//! A plan becomes the text of a statement and what is bound to it. Cannot fail; knows names only from the catalog.

pub(crate) mod aggregate;
pub(crate) mod json;
pub(crate) mod list;
pub(crate) mod order;
pub(crate) mod predicate;
pub(crate) mod read;
pub(crate) mod text;
pub(crate) mod write;

pub(crate) use text::{Bind, Form, Sql};
