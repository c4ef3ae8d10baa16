//! `/auth/me`: who is signed in.

use poem::Response;
use service::engine::Request as Asked;
use service::engine::request::{By, Read, Requested, Root, Selected};
use service::{Code, Error, Result, Service, access};

use crate::http::Call;
use entity::catalog::Operation;

/// The row of the user who asks, with all that they may see of it, and what their credentials let them be.
///
/// # Errors
/// `UNAUTHENTICATED` for who is no user.
pub(super) async fn answer(service: &Service, call: &Call) -> Result<Response> {
    let principal = call.principal();
    let Some(subject) = principal.subject() else { return Err(access::closed(principal, "ask who you are")) };
    let context = service.context(principal.clone(), call.deadline());
    let catalog = &context.catalog;
    let entity = catalog.entity_named("User").ok_or_else(|| Error::internal("a caller without accounts"))?;
    let mut user = serde_json::Value::Null;
    if subject.user.is_some() && access::visible(entity, principal) {
        let readable = entity
            .plain_fields()
            .filter(|field| access::member_opens(catalog, entity, principal, &field.name, Operation::Read));
        let selection = readable
            .map(|field| Selected {
                key: field.name.clone(),
                what: Requested::Field { name: field.name.clone(), parts: None },
            })
            .collect();
        let read = Read::One { entity: entity.id, by: By::Me, selection, facts: false };
        let asked = Asked::Read(vec![Root { key: "me".to_owned(), ask: read }]);
        let reply = service.engine().run(&context, &asked).await?;
        let json = reply.roots.first().and_then(|root| root.json.as_deref());
        let json = json.ok_or_else(|| Error::new(Code::NotFound, "The user is gone."))?;
        user = serde_json::from_str(json).map_err(Error::internal)?;
    }
    let organization = subject.organization.as_ref().map(
        |organization| serde_json::json!({ "id": organization.id.to_string(), "role": organization.role }),
    );
    let body = serde_json::json!({
        "user": user,
        "session": subject.session.map(|session| session.to_string()),
        "key": subject.key.map(|key| key.to_string()),
        "scopes": subject.scopes,
        "organization": organization,
    });
    Ok(Response::builder().content_type("application/json").body(body.to_string()))
}
