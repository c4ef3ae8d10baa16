//! A model as the oracle knows it, and its SDL. Conditions are JSON in the filter grammar.

use std::fmt::Write as _;

use entity::catalog::Operation;
use serde_json::{Value as Json, json};

/// The positions of the server's own types.
pub const USER: usize = 0;
/// See [`USER`].
pub const ORGANIZATION: usize = 1;
/// See [`USER`].
pub const MEMBERSHIP: usize = 2;
/// The position of the first type of the model itself.
pub const FIRST: usize = 3;

/// How ids are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Key {
    /// By the server.
    Uuid,
    /// By the database.
    Serial,
    /// By the caller.
    Client,
}

/// What a field holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ty {
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
pub struct Rule {
    /// What it opens.
    pub to: Vec<Operation>,
    /// To whom.
    pub role: String,
    /// Which rows.
    pub condition: Option<Json>,
    /// How they must look afterwards.
    pub check: Option<Json>,
    /// As the row of this relation allows.
    pub via: Option<String>,
    /// Which members.
    pub fields: Option<Vec<String>>,
}

/// A field.
#[derive(Debug, Clone)]
pub struct Field {
    /// Its name.
    pub name: String,
    /// What it holds.
    pub ty: Ty,
    /// Whether it always has a value.
    pub required: bool,
    /// Whether it can be given on create.
    pub create: bool,
    /// Whether it can be changed.
    pub update: bool,
    /// Whether no two rows have the same value.
    pub unique: bool,
    /// What narrows it.
    pub rules: Vec<Rule>,
}

/// What happens when the other row is deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnDelete {
    /// Nothing: it is refused.
    Restrict,
    /// This row is deleted too.
    Cascade,
    /// The key becomes null.
    SetNull,
}

/// How the rows on the other side of a relation are found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shape {
    /// This row has the other's id.
    One(OnDelete),
    /// The other rows have this one's id in a relation of this name.
    Back(String),
    /// Pairs in a table of their own, by position; whether this side comes first.
    Pairs(usize, bool),
}

/// A relation.
#[derive(Debug, Clone)]
pub struct Link {
    /// Its name.
    pub name: String,
    /// The type on the other side.
    pub target: usize,
    /// How the rows are found.
    pub shape: Shape,
    /// Whether there always is a row.
    pub required: bool,
    /// The name of the other side, where there is one.
    pub inverse: Option<String>,
    /// Whether it can be given by callers that are no administrators.
    pub writable: bool,
    /// What narrows it.
    pub rules: Vec<Rule>,
}

impl Link {
    /// Whether it leads to one row.
    pub fn is_one(&self) -> bool {
        matches!(self.shape, Shape::One(_))
    }
}

/// A type.
#[derive(Debug, Clone)]
pub struct Type {
    /// Its name.
    pub name: String,
    /// The name of many, as scopes have it.
    pub plural: String,
    /// How ids are made.
    pub key: Key,
    /// Whether rows belong to organizations.
    pub tenant: bool,
    /// Whether deleted rows stay.
    pub soft: bool,
    /// The fields; `id` and `version` first.
    pub fields: Vec<Field>,
    /// The relations.
    pub links: Vec<Link>,
    /// Who may do what.
    pub rules: Vec<Rule>,
    /// What the APIs may do at all.
    pub open: Vec<Operation>,
}

impl Type {
    /// A field by name.
    pub fn field(&self, name: &str) -> Option<&Field> {
        self.fields.iter().find(|field| field.name == name)
    }

    /// A relation by name.
    pub fn link(&self, name: &str) -> Option<&Link> {
        self.links.iter().find(|link| link.name == name)
    }

    /// Every name.
    pub fn members(&self) -> Vec<String> {
        let fields = self.fields.iter().map(|field| field.name.clone());
        fields.chain(self.links.iter().map(|link| link.name.clone())).collect()
    }

    /// The rules that narrow a member.
    pub fn narrowed(&self, name: &str) -> &[Rule] {
        let field = self.field(name).map(|field| field.rules.as_slice());
        field.or_else(|| self.link(name).map(|link| link.rules.as_slice())).unwrap_or_default()
    }
}

/// A model: the server's own types, then its own.
#[derive(Debug, Clone)]
pub struct Model {
    /// The types.
    pub types: Vec<Type>,
    /// The types on both sides of each table of pairs.
    pub pairs: Vec<(usize, usize)>,
}

/// A field that callers may write.
pub fn field(name: &str, ty: Ty, required: bool) -> Field {
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
pub fn system(key: Key) -> Vec<Field> {
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
pub fn accounts() -> Vec<Type> {
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
    pub fn link(&self, ty: usize, name: &str) -> &Link {
        self.types[ty].link(name).unwrap_or_else(|| panic!("{} has no {name}", self.types[ty].name))
    }

    /// The model's text.
    pub fn sdl(&self) -> String {
        let mut text = String::new();
        let standard = accounts();
        for (index, ty) in self.types.iter().enumerate() {
            if index >= FIRST {
                let key = ["", "id: SERIAL", "id: CLIENT"][ty.key as usize];
                let soft = if ty.soft { "softDelete: true" } else { "" };
                let arguments = [key, soft].into_iter().filter(|text| !text.is_empty()).collect::<Vec<_>>();
                let _ = write!(text, "type {} @model", ty.name);
                if !arguments.is_empty() {
                    let _ = write!(text, "({})", arguments.join(", "));
                }
                text.push_str(if ty.tenant { " @tenant" } else { "" });
                for rule in &ty.rules {
                    let _ = write!(text, "\n  {}", allow(rule));
                }
                self.body(&mut text, ty, 0, 0);
                continue;
            }
            // What the model adds to the server's own types.
            let (rules, links) = (standard[index].rules.len(), standard[index].links.len());
            if ty.rules.len() == rules && ty.links.len() == links {
                continue;
            }
            let _ = write!(text, "extend type {}", ty.name);
            for rule in &ty.rules[rules..] {
                let _ = write!(text, "\n  {}", allow(rule));
            }
            if ty.links.len() > links {
                self.body(&mut text, ty, ty.fields.len(), links);
            } else {
                text.push('\n');
            }
        }
        text
    }

    fn body(&self, text: &mut String, ty: &Type, fields: usize, links: usize) {
        text.push_str(" {\n");
        for field in ty.fields.iter().skip(fields).filter(|field| !["id", "version"].contains(&&*field.name))
        {
            let name = match field.ty {
                Ty::Int => "Int",
                Ty::Flag => "Boolean",
                Ty::Texts => "[String!]",
                Ty::Text | Ty::Id(_) | Ty::Count => "String",
            };
            let _ = write!(text, "  {}: {name}{}", field.name, if field.required { "!" } else { "" });
            if field.unique {
                text.push_str(" @unique");
            }
            rules(text, &field.rules);
        }
        for link in ty.links.iter().skip(links) {
            // @tenant adds it.
            if ty.tenant && link.name == "organization" {
                continue;
            }
            let target = &self.types[link.target].name;
            let mut arguments = Vec::new();
            let written = match &link.shape {
                Shape::One(on_delete) => {
                    let name = ["RESTRICT", "CASCADE", "SET_NULL"][*on_delete as usize];
                    arguments.push(format!("onDelete: {name}"));
                    format!("{target}{}", if link.required { "!" } else { "" })
                }
                Shape::Back(_) | Shape::Pairs(..) => format!("[{target}!]!"),
            };
            if let Some(inverse) = &link.inverse {
                arguments.push(format!("inverse: \"{inverse}\""));
            }
            let _ = write!(text, "  {}: {written} @relation({})", link.name, arguments.join(", "));
            rules(text, &link.rules);
        }
        text.push_str("}\n");
    }
}

fn rules(text: &mut String, rules: &[Rule]) {
    for rule in rules {
        let _ = write!(text, " {}", allow(rule));
    }
    text.push('\n');
}

fn allow(rule: &Rule) -> String {
    let to: Vec<String> = rule.to.iter().map(|to| format!("{to:?}").to_uppercase()).collect();
    let mut text = format!("@allow(to: [{}], role: {:?}", to.join(", "), rule.role);
    for (name, condition) in [("where", &rule.condition), ("check", &rule.check)] {
        if let Some(condition) = condition {
            let _ = write!(text, ", {name}: {}", literal(condition));
        }
    }
    if let Some(via) = &rule.via {
        let _ = write!(text, ", via: {via:?}");
    }
    if let Some(fields) = &rule.fields {
        let _ = write!(text, ", fields: {fields:?}");
    }
    text + ")"
}

/// JSON as GraphQL writes it.
fn literal(value: &Json) -> String {
    match value {
        Json::Object(fields) => {
            let fields: Vec<String> =
                fields.iter().map(|(name, value)| format!("{name}: {}", literal(value))).collect();
            format!("{{ {} }}", fields.join(", "))
        }
        Json::Array(items) => format!("[{}]", items.iter().map(literal).collect::<Vec<_>>().join(", ")),
        other => other.to_string(),
    }
}
