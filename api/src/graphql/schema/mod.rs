//! Catalog → dynamic schema, for one principal: what no rule opens to them does not exist.
//!
//! Names and types only; the two resolvers of the whole schema are in `resolve`.

mod account;
mod aggregate;
mod filter;
mod mutation;
pub(crate) mod name;
mod object;
mod order;
mod root;
mod scalar;
mod shape;
mod store;
mod visible;

use std::collections::HashSet;

use async_graphql::dynamic::{Schema, Type};
use service::{Context, Error, Result};

pub(crate) use account::account;
pub(crate) use mutation::keys;
pub(crate) use object::NODE;
pub(crate) use root::{Asks, Does, MAX, Roots};
pub(crate) use store::{Bundle, Schemas};

use super::settings::Settings;
use crate::graphql::resolve;
use filter::Filters;
use visible::View;

/// The types made so far.
pub(super) struct Builder<'a> {
    view: View<'a>,
    filters: Filters,
    types: Vec<Type>,
    used: HashSet<String>,
}

impl<'a> Builder<'a> {
    fn push(&mut self, ty: impl Into<Type>) {
        self.types.push(ty.into());
    }

    /// Notes that a type is referred to, and gives its name back.
    fn used(&mut self, name: String) -> String {
        if !self.used.contains(&name) {
            self.used.insert(name.clone());
        }
        name
    }

    fn is_used(&self, name: &str) -> bool {
        self.used.contains(name)
    }
}

/// The schema of the model for the principal of a context, with the meaning of its root fields.
///
/// # Errors
/// `Internal` where the model has names that GraphQL can't have; the model's checker refuses them before.
pub(crate) fn build(context: &Context, settings: &Settings) -> Result<(Schema, Roots)> {
    let view = View::new(context);
    let mut builder = Builder { view, filters: Filters::default(), types: Vec::new(), used: HashSet::new() };
    let mut roots = Roots::default();
    let entities: Vec<_> = view.entities().collect();
    for entity in &entities {
        object::mark_values(&mut builder, entity);
        object::rows(&mut builder, entity);
        filter::rows(&mut builder, entity);
        order::terms(&mut builder, entity);
        aggregate::groups(&mut builder, entity);
    }
    for entity in &entities {
        filter::related(&mut builder, entity);
    }
    object::values(&mut builder);
    root::query(&mut builder, &mut roots);
    let writes = root::mutation(&mut builder, &mut roots);
    finish(builder, settings, writes).map(|schema| (schema, roots))
}

fn finish(builder: Builder<'_>, settings: &Settings, writes: bool) -> Result<Schema> {
    let mut schema = Schema::build("Query", writes.then_some("Mutation"), None)
        .extension(resolve::Halt)
        // Our own suggestions are bounded, these are not; see `document::suggest`.
        .disable_suggestions()
        .limit_recursive_depth(settings.bounds.depth);
    if !settings.introspection {
        schema = schema.disable_introspection();
    }
    for scalar in scalar::scalars() {
        schema = schema.register(scalar);
    }
    for shared in scalar::enums() {
        schema = schema.register(shared);
    }
    schema = schema.register(object::page_info());
    let Builder { view, filters, types, .. } = builder;
    for ty in filters.types(view.catalog).into_iter().chain(types) {
        schema = schema.register(ty);
    }
    schema.finish().map_err(|error| Error::internal(error.to_string()))
}

/// The schema of a model for a principal, in the schema definition language.
///
/// # Errors
/// As [`build`].
pub fn sdl(context: &Context) -> Result<String> {
    let (schema, _) = build(context, &Settings::default())?;
    // Descriptions in one line would be written with backslashes that mean something else there.
    let options = async_graphql::SDLExportOptions::new().include_specified_by().use_space_ident();
    Ok(schema.sdl_with_options(options))
}

#[cfg(test)]
mod tests;
