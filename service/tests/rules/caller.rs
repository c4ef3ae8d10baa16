//! Who asks, as the oracle knows them.

use serde_json::{Map, Value as Json, json};
use service::principal::{Kind, Organization};
use service::{Principal, Subject};

use super::dice::Dice;
use super::model::{Key, Model, ORGANIZATION, Ty, USER};
use super::store::make_id;

/// A caller.
#[derive(Debug, Clone)]
pub(crate) enum Caller {
    /// Without credentials.
    Anonymous,
    /// With the admin key.
    Admin,
    /// Somebody known.
    Known(Known),
}

/// Somebody known.
#[derive(Debug, Clone, Default)]
pub(crate) struct Known {
    /// Whether it is a key.
    pub(crate) key: bool,
    /// `$user.id`
    pub(crate) user: Option<String>,
    /// `$user.roles`
    pub(crate) roles: Vec<String>,
    /// `$org.id` and `$org.role`
    pub(crate) organization: Option<(String, Option<String>)>,
    /// `$key.scopes`
    pub(crate) scopes: Option<Vec<String>>,
    /// `$claims`
    pub(crate) claims: Map<String, Json>,
}

/// A random caller.
pub(crate) fn caller(dice: &mut Dice, model: &Model) -> Caller {
    match dice.below(20) {
        0 | 1 => Caller::Anonymous,
        2 => Caller::Admin,
        number => Caller::Known(known(dice, model, number < 7)),
    }
}

fn known(dice: &mut Dice, model: &Model, key: bool) -> Known {
    let user = dice.chance(if key { 50 } else { 92 }).then(|| make_id(Key::Uuid, USER, dice.below(4)));
    let mut roles = dice.some(&["editor", "a", "b"].map(str::to_owned), 30);
    if dice.chance(5) {
        roles.push("admin".to_owned());
    }
    let organization = dice.chance(70).then(|| {
        let role = (!key || dice.chance(40)).then(|| dice.word(&["owner", "member", "member", "admin", "a"]));
        (make_id(Key::Uuid, ORGANIZATION, dice.below(3)), role)
    });
    let scopes = key.then(|| scopes(dice, model));
    let mut claims = Map::new();
    for (name, values) in [
        ("level", [json!(1), json!(2), json!("x"), json!([1, 2]), json!(null), json!(1.0)]),
        ("tag", [json!("a"), json!("b"), json!(1), json!(["a", "b"]), json!([]), json!(["a", 1])]),
        ("flag", [json!(true), json!(false), json!("true"), json!(0), json!(true), json!({ "a": true })]),
    ] {
        if dice.chance(65) {
            claims.insert(name.to_owned(), dice.pick(&values).clone());
        }
    }
    Known { key, user, roles, organization, scopes, claims }
}

fn scopes(dice: &mut Dice, model: &Model) -> Vec<String> {
    if dice.chance(30) {
        return vec!["*".to_owned()];
    }
    let mut scopes = Vec::new();
    for ty in &model.types {
        if dice.chance(75) {
            let how = dice.word(&["read", "write", "*", "write"]);
            scopes.push(format!("{}:{how}", ty.plural));
        }
    }
    if dice.chance(20) {
        scopes.push(dice.word(&["*:read", "*:write", "a", "b"]));
    }
    scopes
}

impl Caller {
    /// The same for the engine.
    pub(crate) fn principal(&self) -> Principal {
        let known = match self {
            Caller::Anonymous => return Principal::Anonymous,
            Caller::Admin => return Principal::Admin,
            Caller::Known(known) => known,
        };
        Principal::known(Subject {
            kind: if known.key { Kind::Key } else { Kind::User },
            user: known.user.as_ref().map(|id| id.parse().unwrap()),
            roles: known.roles.clone(),
            organization: known
                .organization
                .as_ref()
                .map(|(id, role)| Organization { id: id.parse().unwrap(), role: role.clone() }),
            scopes: known.scopes.clone(),
            claims: known.claims.clone(),
            ..Subject::default()
        })
    }

    /// Whether no rule is asked.
    pub(crate) fn is_admin(&self) -> bool {
        match self {
            Caller::Anonymous => false,
            Caller::Admin => true,
            Caller::Known(known) => !known.key && known.roles.iter().any(|role| role == "admin"),
        }
    }

    /// Whether the caller has a role. Administrators are not asked.
    pub(crate) fn has_role(&self, role: &str, members: bool) -> bool {
        let Caller::Known(known) = self else { return role == "anyone" };
        let member = known.organization.as_ref().and_then(|(_, role)| role.as_deref());
        match role {
            "anyone" => true,
            "user" => !known.key,
            "service" => known.key,
            "admin" => false,
            _ if known.key => false,
            other => match other.strip_prefix("org:") {
                Some(role) => member == Some(role),
                None => members && member == Some(other) || known.roles.iter().any(|role| role == other),
            },
        }
    }

    /// Whether the scopes of a key cover reading or writing rows of a plural.
    pub(crate) fn in_scope(&self, plural: &str, writes: bool) -> bool {
        let Caller::Known(Known { scopes: Some(scopes), .. }) = self else { return true };
        let mut enough = vec!["*".to_owned()];
        for what in ["*", plural] {
            enough.push(format!("{what}:*"));
            enough.push(format!("{what}:write"));
            if !writes {
                enough.push(format!("{what}:read"));
            }
        }
        scopes.iter().any(|scope| enough.contains(scope))
    }

    /// The value of `$user.id` and its kin.
    pub(crate) fn claim(&self, name: &str) -> Option<Json> {
        let Caller::Known(known) = self else { return None };
        match name {
            "user.id" => known.user.clone().map(Json::from),
            "user.roles" => Some(known.roles.clone().into()),
            "org.id" => known.organization.as_ref().map(|(id, _)| id.clone().into()),
            "org.role" => known.organization.as_ref().and_then(|(_, role)| role.clone()).map(Json::from),
            "key.scopes" => known.scopes.clone().map(Json::from),
            other => known.claims.get(other.strip_prefix("claims.")?).cloned(),
        }
    }
}

/// A claim as a value of a type; none where it is of another one.
pub(crate) fn coerce(ty: Ty, value: &Json) -> Option<Json> {
    let whole = |value: &Json| {
        value.as_i64().or_else(|| value.as_f64().filter(|it| it.fract() == 0.0).map(|it| it as i64))
    };
    match ty {
        Ty::Int => whole(value).map(Json::from),
        Ty::Count => {
            whole(value).or_else(|| value.as_str().and_then(|text| text.parse().ok())).map(Json::from)
        }
        Ty::Text | Ty::Texts => value.as_str().map(Json::from),
        Ty::Flag => value.as_bool().map(Json::from),
        Ty::Id(Key::Uuid) => value.as_str().filter(|text| text.len() == 36).map(Json::from),
        Ty::Id(Key::Serial) => {
            let number = whole(value).or_else(|| value.as_str().and_then(|text| text.parse().ok()));
            number.map(|number| number.to_string().into())
        }
        Ty::Id(Key::Client) => match value {
            Json::String(text) => Some(text.clone().into()),
            other => whole(other).map(|number| number.to_string().into()),
        },
    }
}
