//! A model as the oracle knows it, and its SDL. Conditions are JSON in the filter grammar.

use entity::catalog::Operation;
use serde_json::{Value as Json, json};

/// The positions of the server's own types.
pub(crate) const USER: usize = 0;
/// See [`USER`].
pub(crate) const ORGANIZATION: usize = 1;
/// See [`USER`].
pub(crate) const MEMBERSHIP: usize = 2;
/// The position of the first type of the model itself.
pub(crate) const FIRST: usize = 3;

/// How ids are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Key {
    /// By the server.
    Uuid,
    /// By the database.
    Serial,
    /// By the caller.
    Client,
}

/// What a field holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ty {
    /// An id of a type with such keys.
    Id(Key),
    /// An integer of 32 bits.
    Int,
    /// A text.
    Text,
    /// A boolean.
    Flag,
    /// A list of texts.
    Texts,
    /// A number of rows.
    Count,
}

/// A rule.
#[derive(Debug, Clone, Default)]
pub(crate) struct Rule {
    /// What it opens.
    pub(crate) to: Vec<Operation>,
    /// To whom.
    pub(crate) role: String,
    /// Whether a member's role counts: rows of organizations.
    pub(crate) members: bool,
    /// Which rows.
    pub(crate) condition: Option<Json>,
    /// How they must look afterwards.
    pub(crate) check: Option<Json>,
    /// As the row of this relation allows.
    pub(crate) via: Option<String>,
    /// Which members.
    pub(crate) fields: Option<Vec<String>>,
}

/// A field.
#[derive(Debug, Clone)]
pub(crate) struct Field {
    /// Its name.
    pub(crate) name: String,
    /// What it holds.
    pub(crate) ty: Ty,
    /// Whether it always has a value.
    pub(crate) required: bool,
    /// Whether it can be given on create.
    pub(crate) create: bool,
    /// Whether it can be changed.
    pub(crate) update: bool,
    /// Whether no two rows have the same value.
    pub(crate) unique: bool,
    /// What narrows it.
    pub(crate) rules: Vec<Rule>,
}

/// What happens when the other row is deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OnDelete {
    /// Nothing: it is refused.
    Restrict,
    /// This row is deleted too.
    Cascade,
    /// The key becomes null.
    SetNull,
}

/// How the rows on the other side of a relation are found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Shape {
    /// This row has the other's id.
    One(OnDelete),
    /// The other rows have this one's id in a relation of this name.
    Back(String),
    /// Pairs in a table of their own, by position; whether this side comes first.
    Pairs(usize, bool),
}

/// A relation.
#[derive(Debug, Clone)]
pub(crate) struct Link {
    /// Its name.
    pub(crate) name: String,
    /// The type on the other side.
    pub(crate) target: usize,
    /// How the rows are found.
    pub(crate) shape: Shape,
    /// Whether there always is a row.
    pub(crate) required: bool,
    /// The name of the other side, where there is one.
    pub(crate) inverse: Option<String>,
    /// Whether it can be given by callers that are no administrators.
    pub(crate) writable: bool,
    /// What narrows it.
    pub(crate) rules: Vec<Rule>,
}

impl Link {
    /// Whether it leads to one row.
    pub(crate) fn is_one(&self) -> bool {
        matches!(self.shape, Shape::One(_))
    }
}

/// A type.
#[derive(Debug, Clone)]
pub(crate) struct Type {
    /// Its name.
    pub(crate) name: String,
    /// The name of many, as scopes have it.
    pub(crate) plural: String,
    /// How ids are made.
    pub(crate) key: Key,
    /// Whether rows belong to organizations.
    pub(crate) tenant: bool,
    /// Whether deleted rows stay.
    pub(crate) soft: bool,
    /// The fields; `id` and `version` first.
    pub(crate) fields: Vec<Field>,
    /// The relations.
    pub(crate) links: Vec<Link>,
    /// Who may do what.
    pub(crate) rules: Vec<Rule>,
    /// What the APIs may do at all.
    pub(crate) open: Vec<Operation>,
}

impl Type {
    /// A field by name.
    pub(crate) fn field(&self, name: &str) -> Option<&Field> {
        self.fields.iter().find(|field| field.name == name)
    }

    /// A relation by name.
    pub(crate) fn link(&self, name: &str) -> Option<&Link> {
        self.links.iter().find(|link| link.name == name)
    }

    /// Every name.
    pub(crate) fn members(&self) -> Vec<String> {
        let fields = self.fields.iter().map(|field| field.name.clone());
        fields.chain(self.links.iter().map(|link| link.name.clone())).collect()
    }

    /// The rules that narrow a member.
    pub(crate) fn narrowed(&self, name: &str) -> &[Rule] {
        let field = self.field(name).map(|field| field.rules.as_slice());
        field.or_else(|| self.link(name).map(|link| link.rules.as_slice())).unwrap_or_default()
    }
}

/// A model: the server's own types, then its own.
#[derive(Debug, Clone)]
pub(crate) struct Model {
    /// The types.
    pub(crate) types: Vec<Type>,
    /// The types on both sides of each table of pairs.
    pub(crate) pairs: Vec<(usize, usize)>,
}

/// A field that callers may write.
pub(crate) fn field(name: &str, ty: Ty, required: bool) -> Field {
    Field {
        name: name.to_owned(),
        ty,
        required,
        create: true,
        update: true,
        unique: false,
        rules: Vec::new(),
    }
}

fn kept(name: &str, ty: Ty) -> Field {
    Field { create: false, update: false, ..field(name, ty, true) }
}

/// The fields that every type has.
pub(crate) fn system(key: Key) -> Vec<Field> {
    vec![Field { update: false, ..field("id", Ty::Id(key), true) }, kept("version", Ty::Int)]
}

fn to_one(name: &str, target: usize, inverse: &str) -> Link {
    Link {
        name: name.to_owned(),
        target,
        shape: Shape::One(OnDelete::Cascade),
        required: true,
        inverse: Some(inverse.to_owned()),
        writable: true,
        rules: Vec::new(),
    }
}

fn back(name: &str, target: usize, field: &str) -> Link {
    Link { shape: Shape::Back(field.to_owned()), required: false, ..to_one(name, target, field) }
}

fn rule(to: Operation, role: &str, condition: Json, fields: Option<&[&str]>) -> Rule {
    Rule {
        to: vec![to],
        role: role.to_owned(),
        condition: Some(condition),
        fields: fields.map(|names| names.iter().map(|name| (*name).to_owned()).collect()),
        ..Rule::default()
    }
}

fn own(name: &str, plural: &str, fields: Vec<Field>, links: Vec<Link>, rules: Vec<Rule>) -> Type {
    let fields = system(Key::Uuid).into_iter().chain(fields).collect();
    let open = match name {
        "OrganizationMembership" => vec![Operation::Read],
        _ => vec![Operation::Read, Operation::Update],
    };
    let (name, plural) = (name.to_owned(), plural.to_owned());
    Type { name, plural, key: Key::Uuid, tenant: false, soft: false, fields, links, rules, open }
}

/// The server's own types, as `accounts.graphql` has them.
pub(crate) fn accounts() -> Vec<Type> {
    use Operation::{Read, Update};
    let own_organization = json!({ "id": { "eq": "$org.id" } });
    let same_organization = json!({ "memberships": { "some": { "organization": { "eq": "$org.id" } } } });
    vec![
        own(
            "User",
            "users",
            vec![
                field("name", Ty::Text, false),
                Field { required: true, ..kept("roles", Ty::Texts) },
                kept("disabled", Ty::Flag),
            ],
            vec![back("memberships", MEMBERSHIP, "user")],
            vec![
                rule(Read, "user", json!({ "id": { "eq": "$user.id" } }), None),
                rule(Read, "user", same_organization, Some(&["name", "picture", "email"])),
                rule(Update, "user", json!({ "id": { "eq": "$user.id" } }), Some(&["name", "picture"])),
            ],
        ),
        own(
            "Organization",
            "organizations",
            vec![field("name", Ty::Text, true)],
            vec![back("memberships", MEMBERSHIP, "organization")],
            vec![
                rule(
                    Read,
                    "user",
                    json!({ "memberships": { "some": { "user": { "eq": "$user.id" } } } }),
                    None,
                ),
                rule(Read, "service", own_organization.clone(), None),
                rule(Update, "org:owner", own_organization.clone(), Some(&["name"])),
                rule(Update, "org:admin", own_organization, Some(&["name"])),
            ],
        ),
        own(
            "OrganizationMembership",
            "organizationMemberships",
            vec![field("role", Ty::Text, true)],
            vec![to_one("organization", ORGANIZATION, "memberships"), to_one("user", USER, "memberships")],
            vec![
                rule(Read, "user", json!({ "user": { "eq": "$user.id" } }), None),
                rule(Read, "user", json!({ "organization": { "eq": "$org.id" } }), None),
                rule(Read, "service", json!({ "organization": { "eq": "$org.id" } }), None),
            ],
        ),
    ]
}

impl Model {
    /// A relation of a type.
    pub(crate) fn link(&self, ty: usize, name: &str) -> &Link {
        self.types[ty].link(name).unwrap_or_else(|| panic!("{} has no {name}", self.types[ty].name))
    }
}
