//! Who asks, as it is typed in a shell: `anyone`, `user:ann@example.com`, `user,roles=editor+author,org=0190…`.

use serde_json::Value as Json;
use service::principal::{Kind, Organization, Subject};
use service::{Principal, Service};
use uuid::Uuid;

use super::aim::unknown;
use super::table::plain;
use super::{Stop, user};

/// Bytes of a principal that is written out.
const LONGEST: usize = 16 * 1024;

/// Characters of a key that name it.
const PREFIX: usize = 16;

/// Who asks, before any database was looked at.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Who {
    /// Somebody of whom all is known that rules ask.
    Known(Principal),
    /// A user of the database, by address or id.
    User(String),
    /// A key of the database, by its id or how it begins.
    Key(String),
}

impl Who {
    /// Whether the database is needed to know more.
    pub(super) fn is_kept(&self) -> bool {
        !matches!(self, Who::Known(_))
    }

    /// The principal, looked up where it is one of the database's.
    pub(super) async fn principal(
        &self,
        service: &Service,
        organization: Option<Uuid>,
    ) -> Result<Principal, Stop> {
        Ok(match self {
            Who::Known(principal) => principal.clone(),
            Who::Key(named) => service.auth().as_key(named, organization).await?,
            Who::User(named) => {
                let id = match Uuid::parse_str(named) {
                    Ok(id) => id,
                    Err(_) => user::named(service, named).await?,
                };
                service.auth().as_user(id, organization).await?
            }
        })
    }
}

/// What a principal is called in answers: of a whole key, only how it begins.
pub(super) fn shown(text: &str) -> String {
    let short: String = match text.strip_prefix("key:") {
        Some(key) if key.starts_with("lwk_") => {
            format!("key:{}", key.chars().take(PREFIX).collect::<String>())
        }
        _ => text.to_owned(),
    };
    plain(&short)
}

/// Reads who asks.
///
/// # Errors
/// A sentence about what is wrong, with what may be meant.
pub(super) fn parse(text: &str) -> Result<Who, String> {
    if text.len() > LONGEST {
        return Err("this is too long for a principal".to_owned());
    }
    match text {
        "anyone" => return Ok(Who::Known(Principal::Anonymous)),
        "admin" => return Ok(Who::Known(Principal::Admin)),
        _ => {}
    }
    if let Some((kind, name)) = text.split_once(':').filter(|(kind, _)| matches!(*kind, "user" | "key")) {
        return match (kind, name) {
            (_, "") => Err("who? Write `user:ann@example.com` or `key:lwk_…`".to_owned()),
            ("user", name) => Ok(Who::User(name.to_owned())),
            (_, name) => Ok(Who::Key(name.to_owned())),
        };
    }
    // `user{…}` is how others write it; braces have to be quoted in a shell, so commas are enough.
    let flat = match text.split_once('{').zip(text.strip_suffix('}')) {
        Some(((kind, rest), _)) => {
            let inside = rest.strip_suffix('}').unwrap_or(rest);
            if inside.trim().is_empty() { kind.to_owned() } else { format!("{kind},{inside}") }
        }
        None => text.to_owned(),
    };
    let mut parts = flat.split(',').map(str::trim);
    let kind = match parts.next() {
        Some("user") => Kind::User,
        Some("key") => Kind::Key,
        other => {
            let kinds = ["anyone", "admin", "user", "key"];
            return Err(unknown("principal", other.unwrap_or_default(), kinds));
        }
    };
    let mut subject = Subject { kind, ..Subject::default() };
    let mut role = None;
    for part in parts {
        let (name, value) =
            part.split_once('=').ok_or_else(|| format!("`{part}` is not of the form name=value"))?;
        property(&mut subject, &mut role, name.trim(), value.trim())?;
    }
    match (&mut subject.organization, role) {
        (Some(organization), role) => organization.role = role,
        (None, Some(_)) => return Err("`orgrole` needs `org`: the id of the organization".to_owned()),
        (None, None) => {}
    }
    if kind == Kind::Key && subject.scopes.is_none() {
        subject.scopes = Some(vec!["*".to_owned()]);
    }
    Ok(Who::Known(Principal::known(subject)))
}

fn property(subject: &mut Subject, role: &mut Option<String>, name: &str, value: &str) -> Result<(), String> {
    let list = || value.split('+').filter(|item| !item.is_empty()).map(str::to_owned).collect::<Vec<_>>();
    let id = || Uuid::parse_str(value).map_err(|_| format!("`{name}` is an id such as 0190b5a4-7e8f-…"));
    match name {
        "id" => subject.user = Some(id()?),
        "email" => subject.email = Some(value.to_owned()),
        "roles" | "role" => subject.roles = list(),
        "org" => subject.organization = Some(Organization { id: id()?, role: None }),
        "orgrole" => *role = Some(value.to_owned()),
        "scopes" | "scope" => subject.scopes = Some(list()),
        other => match other.strip_prefix("claims.").filter(|name| !name.is_empty()) {
            Some(claim) => {
                subject.claims.insert(claim.to_owned(), claimed(value));
            }
            None => {
                let known = ["id", "email", "roles", "org", "orgrole", "scopes", "claims."];
                return Err(unknown("property of a principal", other, known));
            }
        },
    }
    Ok(())
}

/// A claim: a number or yes and no where it looks like one, a list where it has a `+`.
fn claimed(value: &str) -> Json {
    if value.contains('+') {
        return value.split('+').map(claimed).collect();
    }
    match serde_json::from_str(value) {
        Ok(json @ (Json::Bool(_) | Json::Number(_) | Json::String(_))) => json,
        _ => Json::from(value),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const ID: &str = "0190b5a4-7e8f-7c3d-8a21-5f6e7d8c9b0a";

    fn subject(text: &str) -> Subject {
        match parse(text) {
            Ok(Who::Known(principal)) => principal.subject().unwrap().clone(),
            other => panic!("{text}: {other:?}"),
        }
    }

    #[test]
    fn a_principal_is_written_out_with_or_without_braces() {
        let plain =
            format!("user,id={ID},roles=editor+x,org={ID},orgrole=owner,claims.plan=pro,claims.seats=3");
        let braces = format!("user{{{}}}", plain.strip_prefix("user,").unwrap());
        for text in [plain, braces] {
            let subject = subject(&text);
            assert_eq!(subject.user.map(|id| id.to_string()).as_deref(), Some(ID));
            assert_eq!(subject.roles, ["editor", "x"]);
            assert_eq!(subject.organization.unwrap().role.as_deref(), Some("owner"));
            assert_eq!(json!(subject.claims), json!({ "plan": "pro", "seats": 3 }));
        }
        assert_eq!(subject("user").user, None);
        assert_eq!(subject("user{}").user, None);
        assert_eq!(subject("key,scopes=tracks:read+albums:write").scopes.unwrap().len(), 2);
        assert_eq!(parse("user:a@b.c"), Ok(Who::User("a@b.c".to_owned())));
        assert_eq!(parse("key:lwk_x"), Ok(Who::Key("lwk_x".to_owned())));
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (text, word) in [
            ("anybody", "anyone"),
            ("user,rolse=x", "`roles`"),
            ("user,roles", "name=value"),
            ("user,id=5", "`id`"),
            ("user,orgrole=owner", "`org`"),
            ("user:", "who?"),
            ("", "possible here"),
        ] {
            let told = parse(text).unwrap_err();
            assert!(told.contains(word), "{text}: {told}");
        }
        assert!(parse(&"x".repeat(20_000)).is_err());
    }
}
