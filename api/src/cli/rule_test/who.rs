//! Who asks in a file of tests: a name, or what is known of somebody.

use entity::catalog::Entity;
use service::principal::{Kind as Proof, Organization, Subject};
use service::{Code, Principal};
use uuid::Uuid;

use super::super::aim::unknown;
use super::file::TestFile;
use super::world::World;
use super::yaml::{Kind, Mistake, Node};

/// What can be said of a principal.
const PARTS: [&str; 7] = ["user", "roles", "organization", "role", "claims", "key", "email"];

/// The principal that a test names or writes out, and what it is called.
pub(super) async fn principal(
    world: &World,
    file: &TestFile,
    node: &Node,
) -> Result<(String, Principal), Mistake> {
    if let Kind::Map(_) = &node.kind {
        return Ok((node.to_json().to_string(), written(world, node).await?));
    }
    let name = node.text("a principal")?;
    if let Some(principal) = built_in(name) {
        return Ok((name.to_owned(), principal));
    }
    let found = file.principals.iter().find(|(key, _)| key.text == name);
    let (_, node) = found.ok_or_else(|| {
        let names = file.principals.iter().map(|(key, _)| key.text.as_str()).chain(["anyone", "admin"]);
        Mistake::new(node.place, unknown("principal", name, names.collect::<Vec<_>>()))
    })?;
    let principal = match &node.kind {
        Kind::Map(_) => written(world, node).await?,
        _ => {
            let text = node.text("a principal: anyone, admin, or what is known of somebody")?;
            built_in(text)
                .ok_or_else(|| Mistake::new(node.place, unknown("principal", text, ["anyone", "admin"])))?
        }
    };
    Ok((name.to_owned(), principal))
}

fn built_in(name: &str) -> Option<Principal> {
    match name {
        "anyone" => Some(Principal::Anonymous),
        "admin" => Some(Principal::Admin),
        _ => None,
    }
}

/// Somebody of whom something is known; the rest is as in the rows of the file.
async fn written(world: &World, node: &Node) -> Result<Principal, Mistake> {
    let pairs = node.map("a principal")?;
    for (key, _) in pairs {
        if !PARTS.contains(&key.text.as_str()) {
            return Err(Mistake::new(key.place, unknown("part of a principal", &key.text, PARTS)));
        }
    }
    let part = |name: &str| pairs.iter().find(|(key, _)| key.text == name).map(|(_, node)| node);
    let organization = part("organization").map(|node| id(world, "Organization", node)).transpose()?;
    let role = part("role").map(|node| node.text("a role").map(str::to_owned)).transpose()?;
    if let (Some(node), None) = (part("role"), organization) {
        return Err(Mistake::new(node.place, "`role` is one in an organization: say which `organization`"));
    }
    let mut subject = match part("user") {
        Some(node) => user(world, node, organization, role.is_some()).await?,
        None => Subject::default(),
    };
    if let Some(organization) = organization {
        let known = subject.organization.take().and_then(|organization| organization.role);
        subject.organization = Some(Organization { id: organization, role: role.or(known) });
    }
    if let Some(node) = part("roles") {
        subject.roles = texts(node)?;
    }
    if let Some(node) = part("email") {
        subject.email = Some(node.text("an address")?.to_owned());
    }
    if let Some(node) = part("claims") {
        for (key, value) in node.map("a mapping of claims")? {
            subject.claims.insert(key.text.clone(), value.to_json());
        }
    }
    if let Some(node) = part("key") {
        subject.kind = Proof::Key;
        subject.scopes = Some(texts(node)?);
    }
    Ok(Principal::known(subject))
}

/// A user of the rows, with address, roles and membership.
async fn user(
    world: &World,
    node: &Node,
    organization: Option<Uuid>,
    acts_as: bool,
) -> Result<Subject, Mistake> {
    let user = id(world, "User", node)?;
    let asked = organization.filter(|_| !acts_as);
    let found = world.service.auth().as_user(user, asked).await.map_err(|error| match error.code() {
        Code::Forbidden if asked.is_some() => Mistake::new(
            node.place,
            "the user does not belong to the organization: add a row of OrganizationMembership, or say `role`",
        ),
        _ => Mistake::new(node.place, error.message()),
    })?;
    Ok(found.subject().cloned().unwrap_or_default())
}

fn id(world: &World, ty: &str, node: &Node) -> Result<Uuid, Mistake> {
    let catalog = world.service.catalog();
    let entity: &Entity = catalog.entity_named(ty).ok_or_else(|| {
        Mistake::new(node.place, "the model has no accounts: nothing in it asks for somebody to sign in")
    })?;
    let id = world.labels.id_of(entity, node)?;
    Uuid::parse_str(&id).map_err(|error| Mistake::new(node.place, error.to_string()))
}

fn texts(node: &Node) -> Result<Vec<String>, Mistake> {
    match &node.kind {
        Kind::Scalar(..) => Ok(vec![node.text("a list of words")?.to_owned()]),
        _ => {
            node.list("a list of words")?.iter().map(|item| item.text("a word").map(str::to_owned)).collect()
        }
    }
}
