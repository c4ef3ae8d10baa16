//! What can be done under `/auth`, as mutations: the same table.

use async_graphql::dynamic::{InputValue, TypeRef};
use service::auth::operation::{Answer, Field, Kind};
use service::auth::{OPERATIONS, Operation};

use super::root::{Does, root};
use super::shape::{Outputs, picked, type_ref};
use super::{Builder, Roots};

/// Adds the mutations that are there for the caller.
pub(super) fn mutations(builder: &mut Builder<'_>, mutation: &mut Outputs, roots: &mut Roots) {
    if !builder.view.catalog.has_accounts() {
        return;
    }
    let view = builder.view;
    for operation in OPERATIONS.iter().filter(|operation| view.offers(operation)) {
        answer(builder, operation.gives);
        let mut field =
            root(operation.name, TypeRef::named(operation.gives.name), operation.about.to_owned());
        for taken in operation.takes {
            let (name, list) = value(taken.kind);
            let argument = InputValue::new(taken.name, type_ref(name, list, taken.required));
            field = field.argument(argument.description(taken.about));
        }
        mutation.put(operation.name, field);
        roots.mutation.entry(operation.name.to_owned()).or_insert(Does::Account(operation));
    }
}

fn answer(builder: &mut Builder<'_>, answer: &'static Answer) {
    if builder.is_used(answer.name) {
        return;
    }
    builder.used(answer.name.to_owned());
    let mut object = Outputs::new(answer.name).description(answer.about);
    for Field { name, kind, required, about } in answer.fields {
        let (ty, list) = value(*kind);
        object.put(name, picked(*name, type_ref(ty, list, *required)).description(*about));
    }
    builder.push(object.done());
}

fn value(kind: Kind) -> (&'static str, bool) {
    match kind {
        Kind::Text | Kind::Secret => (TypeRef::STRING, false),
        Kind::Email => ("Email", false),
        Kind::Id => (TypeRef::ID, false),
        Kind::Number => (TypeRef::INT, false),
        Kind::Flag => (TypeRef::BOOLEAN, false),
        Kind::Time => ("DateTime", false),
        Kind::Texts => (TypeRef::STRING, true),
    }
}

/// Whether an operation is one of accounts.
pub(crate) fn account(does: Option<&Does>) -> Option<&'static Operation> {
    match does {
        Some(Does::Account(operation)) => Some(operation),
        _ => None,
    }
}
