//! Accounts: the types that come with the server as soon as a model asks for somebody to sign in.

use std::collections::HashSet;
use std::sync::LazyLock;

use apollo_compiler::Node;
use apollo_compiler::ast::{
    Definition, DirectiveList, Document, FieldDefinition, ObjectTypeDefinition, Value,
};

use super::source::Source;
use crate::catalog::Operations;

/// What messages call the text of the server's own types.
const NAME: &str = "launchway";

/// The server's own types.
const TEXT: &str = include_str!("accounts.graphql");

/// The types a model may refer to and extend.
const NAMED: [&str; 8] = [
    "User",
    "Organization",
    "OrganizationMembership",
    "OrganizationInvitation",
    "AuthSession",
    "AuthIdentity",
    "ApiKey",
    "AuditEvent",
];

/// Values of a condition or a default that say who asks.
const CLAIMS: [&str; 4] = ["$user.", "$org.", "$key.", "$claims."];

/// A model's sources with the server's own types as the last one, which is read when the model asks for them.
pub(super) fn beside(sources: &[Source]) -> Vec<Source> {
    sources.iter().cloned().chain([Source::new(NAME, TEXT)]).collect()
}

static TYPES: LazyLock<HashSet<String>> = LazyLock::new(|| {
    let parsed = Document::parse(TEXT, NAME).unwrap_or_else(|failed| failed.partial);
    let types = parsed.definitions.iter().filter_map(|definition| match definition {
        Definition::ObjectTypeDefinition(ty) => Some(ty.to_string()),
        _ => None,
    });
    types.collect()
});

/// Whether a declaration is one of the server's own types, word by word: the prelude may be part of a model.
pub(super) fn is_pasted(ty: &ObjectTypeDefinition) -> bool {
    is_named(&ty.name) && TYPES.contains(&ty.to_string())
}

/// Whether a type is one of the server's own.
pub(super) fn is_named(name: &str) -> bool {
    NAMED.contains(&name)
}

/// What the two APIs may do with rows of one of the server's own types; the rest is done under `/auth`.
pub(super) fn writes(name: &str) -> Operations {
    let update = matches!(name, "User" | "Organization");
    Operations { read: true, create: false, update, delete: false }
}

/// Whether a model asks for somebody to sign in: it names `User` or another type of the server's, keeps rows of
/// organizations apart, has a rule for a role that only somebody known can have, or compares with who asks.
pub(super) fn asked(documents: &[Document]) -> bool {
    documents.iter().flat_map(|document| &document.definitions).any(|definition| match definition {
        Definition::ObjectTypeDefinition(ty) if is_pasted(ty) => false,
        Definition::ObjectTypeDefinition(ty) => {
            is_named(&ty.name) || on(&ty.directives) || ty.fields.iter().any(field)
        }
        Definition::ObjectTypeExtension(ty) => {
            is_named(&ty.name) || on(&ty.directives) || ty.fields.iter().any(field)
        }
        _ => false,
    })
}

fn field(field: &Node<FieldDefinition>) -> bool {
    is_named(field.ty.inner_named_type()) || on(&field.directives)
}

fn on(directives: &DirectiveList) -> bool {
    directives.iter().any(|directive| {
        let role = directive.specified_argument_by_name("role").and_then(|role| role.as_str());
        let known = directive.name == "allow" && !matches!(role, Some("anyone" | "admin"));
        known
            || directive.name == "tenant"
            || directive.arguments.iter().any(|argument| claims(&argument.value))
    })
}

fn claims(value: &Value) -> bool {
    match value {
        Value::String(text) => CLAIMS.iter().any(|claim| text.starts_with(claim)),
        Value::List(items) => items.iter().any(|item| claims(item)),
        Value::Object(fields) => fields.iter().any(|(_, value)| claims(value)),
        _ => false,
    }
}
