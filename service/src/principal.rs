//! Who asks.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use entity::catalog::Rule;
use entity::{Catalog, Claim, Input};
use serde_json::{Map, Value as Json};
use uuid::Uuid;

/// The caller of a request, as its credentials proved.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Principal {
    /// No credentials were shown.
    Anonymous,
    /// The operator's admin key was shown: every rule is open.
    Admin,
    /// A user, a program with a key, or somebody an issuer elsewhere vouches for.
    Known(Arc<Subject>),
}

/// Somebody known. Two are equal when nothing a rule could ask differs.
#[derive(Clone, PartialEq, Default)]
pub struct Subject {
    /// How the caller proved who it is.
    pub kind: Kind,
    /// `$user.id`: who is signed in, or whose key it is.
    pub user: Option<Uuid>,
    /// `$user.email`
    pub email: Option<String>,
    /// `$user.roles`: the roles that hold everywhere.
    pub roles: Vec<String>,
    /// The organization the caller acts for, and as what.
    pub organization: Option<Organization>,
    /// `$key.scopes`: what a key or a token of a key may be used for at most.
    pub scopes: Option<Vec<String>>,
    /// `$claims.…`: what an issuer elsewhere says.
    pub claims: Map<String, Json>,
    /// The session of a signed-in user.
    pub session: Option<Uuid>,
    /// The key of a program.
    pub key: Option<Uuid>,
}

/// How a caller proved who it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Kind {
    /// A user who signed in, here or with an issuer elsewhere: the role `user`.
    #[default]
    User,
    /// A key, or a token that a key was exchanged for: the role `service`.
    Key,
}

/// The organization a caller acts for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Organization {
    /// `$org.id`
    pub id: Uuid,
    /// `$org.role`; none for a key of the organization itself.
    pub role: Option<String>,
}

// A JSON number is never NaN.
impl Eq for Subject {}

impl Hash for Subject {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (self.kind, self.user, self.session, self.key, &self.roles, &self.organization).hash(state);
    }
}

impl fmt::Debug for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subject").field("kind", &self.kind).field("user", &self.user).finish_non_exhaustive()
    }
}

/// The role of organizations' members is written with this where it must not be taken for one that holds everywhere.
pub const ORGANIZATION_ROLE: &str = "org:";

/// Roles that mean something by themselves.
pub const BUILT_IN: [&str; 4] = ["anyone", "user", "service", "admin"];

impl Principal {
    /// Somebody known.
    #[must_use]
    pub fn known(subject: Subject) -> Self {
        Self::Known(Arc::new(subject))
    }

    /// Whether the caller is an administrator.
    #[must_use]
    pub fn is_admin(&self) -> bool {
        match self {
            Principal::Anonymous => false,
            Principal::Admin => true,
            // A key of an administrator is a key: it does what rules for keys let it do.
            Principal::Known(subject) => {
                subject.kind == Kind::User && subject.roles.iter().any(|role| role == "admin")
            }
        }
    }

    /// The caller, where it is somebody known.
    #[must_use]
    pub fn subject(&self) -> Option<&Subject> {
        match self {
            Principal::Known(subject) => Some(subject),
            Principal::Anonymous | Principal::Admin => None,
        }
    }

    /// Whether a rule is for the caller.
    #[must_use]
    pub fn meets(&self, rule: &Rule) -> bool {
        self.has_role(&rule.role, rule.members)
    }

    /// Whether the caller has a role named in a rule, be it as a member of the organization acted for where that counts.
    #[must_use]
    pub fn has_role(&self, role: &str, members: bool) -> bool {
        match self {
            _ if role == "anyone" => true,
            Principal::Anonymous => false,
            Principal::Admin => true,
            Principal::Known(_) if self.is_admin() => true,
            Principal::Known(subject) => subject.has_role(role, members),
        }
    }

    /// The value of `$user.id` and its kin; none where the caller has no such thing.
    #[must_use]
    pub fn claim(&self, claim: &Claim) -> Option<Input> {
        self.subject()?.claim(claim)
    }

    /// Whether the scopes of the caller's key, if it is one, cover an operation on rows of this plural.
    #[must_use]
    pub fn in_scope(&self, plural: &str, writes: bool) -> bool {
        let Some(scopes) = self.subject().and_then(|subject| subject.scopes.as_ref()) else { return true };
        scopes.iter().any(|scope| covers(scope, plural, writes))
    }

    /// What of the caller decides what is planned: two callers of one profile get the same plans, with other values.
    #[must_use]
    pub fn profile(&self, catalog: &Catalog) -> Profile {
        let (class, roles) = match self {
            Principal::Anonymous => (Class::Anonymous, Vec::new()),
            _ if self.is_admin() => (Class::Admin, Vec::new()),
            Principal::Admin | Principal::Known(_) => {
                let roles = catalog.roles().iter().enumerate().flat_map(|(index, role)| {
                    let has = |members: bool| self.has_role(role, members);
                    [has(false).then_some(2 * index), has(true).then_some(2 * index + 1)]
                        .into_iter()
                        .flatten()
                });
                (Class::Known, roles.map(|index| u32::try_from(index).unwrap_or(u32::MAX)).collect())
            }
        };
        let subject = self.subject();
        let scopes = subject.and_then(|subject| subject.scopes.clone());
        Profile { class, proof: subject.map(|subject| subject.kind), roles, scopes }
    }

    /// A name of the caller that is unique and never a secret: what audit events and limits call it.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Principal::Anonymous => "anyone".to_owned(),
            Principal::Admin => "admin".to_owned(),
            Principal::Known(subject) => match (subject.key, subject.user) {
                (Some(key), _) => format!("key:{key}"),
                (None, Some(user)) => format!("user:{user}"),
                (None, None) => "somebody".to_owned(),
            },
        }
    }
}

impl Subject {
    fn has_role(&self, role: &str, members: bool) -> bool {
        let member = self.organization.as_ref().and_then(|organization| organization.role.as_deref());
        match role {
            "user" => self.kind == Kind::User,
            "service" => self.kind == Kind::Key,
            "admin" => false,
            _ if self.kind == Kind::Key => false,
            _ => match role.strip_prefix(ORGANIZATION_ROLE) {
                Some(role) => member == Some(role),
                None => members && member == Some(role) || self.roles.iter().any(|own| own == role),
            },
        }
    }

    fn claim(&self, claim: &Claim) -> Option<Input> {
        let texts =
            |all: &[String]| Input::List(all.iter().map(|text| Input::String(text.clone())).collect());
        Some(match claim {
            Claim::UserId => Input::String(self.user?.to_string()),
            Claim::UserEmail => Input::String(self.email.clone()?),
            Claim::UserRoles => texts(&self.roles),
            Claim::OrgId => Input::String(self.organization.as_ref()?.id.to_string()),
            Claim::OrgRole => Input::String(self.organization.as_ref()?.role.clone()?),
            Claim::KeyScopes => texts(self.scopes.as_deref()?),
            Claim::Named(name) => match named(&self.claims, name)? {
                Json::Null => return None,
                value => Input::from(value.clone()),
            },
        })
    }
}

/// A claim by its name, or by a path of names joined by dots.
fn named<'a>(claims: &'a Map<String, Json>, name: &str) -> Option<&'a Json> {
    if let Some(value) = claims.get(name) {
        return Some(value);
    }
    let (first, rest) = name.split_once('.')?;
    named(claims.get(first)?.as_object()?, rest)
}

/// Whether a scope covers an operation: `*`, `tracks:*`, `*:read`, `tracks:read`, `tracks:write`. Who may write may read:
/// an answer tells what was written.
fn covers(scope: &str, plural: &str, writes: bool) -> bool {
    if scope == "*" {
        return true;
    }
    let Some((what, how)) = scope.split_once(':') else { return false };
    let fits = matches!((how, writes), ("*" | "write", _) | ("read", false));
    (what == "*" || what == plural) && fits
}

/// What of a caller decides what is planned.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Profile {
    class: Class,
    /// What can be done about accounts differs between users, keys and the operator.
    proof: Option<Kind>,
    /// Positions in the catalog's list of roles.
    roles: Vec<u32>,
    scopes: Option<Vec<String>>,
}

impl Profile {
    /// The same without scopes: what decides what exists, rather than what may be done.
    #[must_use]
    pub fn unscoped(mut self) -> Self {
        self.scopes = None;
        self
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Class {
    Anonymous,
    Known,
    Admin,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(role: &str, roles: &[&str]) -> Principal {
        Principal::known(Subject {
            user: Some(Uuid::nil()),
            roles: roles.iter().map(|role| (*role).to_owned()).collect(),
            organization: Some(Organization { id: Uuid::nil(), role: Some(role.to_owned()) }),
            ..Subject::default()
        })
    }

    #[test]
    fn the_administrator_of_an_organization_is_not_the_servers() {
        let member = member("admin", &["editor"]);
        assert!(!member.is_admin());
        for (role, has) in [
            ("anyone", true),
            ("user", true),
            ("service", false),
            ("admin", false),
            ("org:admin", true),
            ("org:owner", false),
            ("editor", true),
            ("org:editor", false),
        ] {
            assert_eq!(member.has_role(role, false), has, "{role}");
        }
    }

    #[test]
    fn what_a_member_is_called_counts_for_rows_of_organizations_alone() {
        let member = member("editor", &[]);
        assert!(!member.has_role("editor", false) && member.has_role("editor", true));
        assert!(member.has_role("org:editor", false) && member.has_role("org:editor", true));
    }

    #[test]
    fn a_key_of_an_administrator_is_a_key() {
        let key = Principal::known(Subject {
            kind: Kind::Key,
            user: Some(Uuid::nil()),
            roles: vec!["admin".to_owned(), "editor".to_owned()],
            scopes: Some(vec!["tracks:read".to_owned()]),
            ..Subject::default()
        });
        assert!(!key.is_admin());
        assert!(
            key.has_role("service", true) && !key.has_role("user", true) && !key.has_role("editor", true)
        );
        assert!(key.in_scope("tracks", false));
        assert!(!key.in_scope("tracks", true) && !key.in_scope("albums", false));
    }

    #[test]
    fn scopes_cover_what_they_say() {
        for (scope, plural, writes, wanted) in [
            ("*", "tracks", true, true),
            ("tracks:*", "tracks", true, true),
            ("*:read", "tracks", false, true),
            ("*:read", "tracks", true, false),
            ("tracks", "tracks", false, false),
            ("track:read", "tracks", false, false),
            ("tracks:write", "tracks", false, true),
            ("tracks:write", "albums", false, false),
        ] {
            assert_eq!(covers(scope, plural, writes), wanted, "{scope} {plural} {writes}");
        }
    }
}
