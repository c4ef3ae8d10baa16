//! What a condition may compare with.

use serde::{Deserialize, Serialize};

use crate::scalar::FieldType;
use crate::value::Value;

/// A value, or where it comes from when the plan is bound to a request.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Operand {
    /// Known now.
    Value(Value),
    /// Known from who asks.
    Claim(Claim),
    /// The time of the request, plus seconds.
    Now(i64),
    /// Known from the request's variables.
    Param(Param),
}

/// A property of who asks: `$user.id`, `$claims.plan`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Claim {
    /// `$user.id`
    UserId,
    /// `$user.email`
    UserEmail,
    /// `$user.roles`
    UserRoles,
    /// `$org.id`
    OrgId,
    /// `$org.role`
    OrgRole,
    /// `$key.scopes`
    KeyScopes,
    /// `$claims.<name>`
    Named(String),
}

impl Claim {
    /// The names a model may write, `claims.<name>` apart.
    pub const NAMES: [&str; 6] = ["user.id", "user.email", "user.roles", "org.id", "org.role", "key.scopes"];

    /// The claim of a name without its dollar.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Some(match name {
            "user.id" => Claim::UserId,
            "user.email" => Claim::UserEmail,
            "user.roles" => Claim::UserRoles,
            "org.id" => Claim::OrgId,
            "org.role" => Claim::OrgRole,
            "key.scopes" => Claim::KeyScopes,
            other => Claim::Named(other.strip_prefix("claims.").filter(|name| !name.is_empty())?.to_owned()),
        })
    }
}

/// A variable of the request used as a value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Param {
    /// Its position among the request's variables.
    pub index: usize,
    /// The type its value must fit.
    pub ty: FieldType,
    /// Whether it is a list of them.
    pub list: bool,
}
