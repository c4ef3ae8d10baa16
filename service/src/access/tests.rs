//! What the rules of a model are told to say.

use std::sync::Arc;

use entity::catalog::Operation;
use entity::model::{self, Source};
use uuid::Uuid;

use super::explain::{Explanation, Outcome, explain};
use crate::context::Context;
use crate::limit::Limits;
use crate::principal::{Kind, Organization, Principal, Subject};

const MODEL: &str = r#"
type Album @model @allow(to: [READ], role: "anyone", where: { published: { eq: true } })
  @allow(to: [UPDATE], role: "user", where: { owner: { eq: "$user.id" } }, fields: ["title"]) {
  title: String!
  published: Boolean!
  owner: User
  notes: String @allow(to: [READ], role: "editor")
  tracks: [Track!]!
}
type Track @model @allow(to: [READ, UPDATE], role: "anyone", via: "album")
  @allow(to: [DELETE], role: "org:owner") {
  name: String!
  album: Album!
}
type Ledger @model @tenant @allow(to: [READ], role: "user") { amount: Int! }
type Secret @model @allow(to: [READ], role: "user", where: { not: { owner: { eq: "$claims.team" } } }) { owner: String! }
"#;

fn context(principal: Principal) -> Context {
    let compiled = model::compile(&[Source::new("m", MODEL)]).unwrap_or_else(|found| panic!("{found}"));
    Context::new(Arc::new(compiled.catalog), principal, Arc::new(Limits::default()), None)
}

fn of(principal: Principal, ty: &str, operation: Operation) -> Explanation {
    let context = context(principal);
    explain(&context, context.catalog.entity_named(ty).unwrap(), operation)
}

fn user(roles: &[&str]) -> Principal {
    Principal::known(Subject {
        user: Some(Uuid::nil()),
        roles: roles.iter().map(|role| (*role).to_owned()).collect(),
        ..Subject::default()
    })
}

fn never(explanation: &Explanation, rule: usize) -> &str {
    match &explanation.rules[rule].outcome {
        Outcome::Never(why) => why,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_condition_is_told_with_what_it_opens() {
    let told = of(Principal::Anonymous, "Album", Operation::Read);
    assert!(told.open && told.rules[0].outcome == Outcome::Rows, "{told:?}");
    let hidden: Vec<&str> = told.members.iter().map(|member| member.name.as_str()).collect();
    // Nobody without credentials sees users, so the relation to one is not there either.
    assert_eq!(hidden, ["notes", "owner"]);
    let told = of(user(&["editor"]), "Album", Operation::Read);
    assert!(told.members.is_empty(), "{:?}", told.members);
}

#[test]
fn what_a_caller_lacks_is_named() {
    let told = of(Principal::Anonymous, "Album", Operation::Update);
    assert!(!told.open);
    assert_eq!(never(&told, 0), "it is for users who are signed in");
    let stranger = Principal::known(Subject::default());
    let told = of(stranger, "Album", Operation::Update);
    assert!(!told.open);
    assert_eq!(never(&told, 0), "it compares with $user.id, and the caller has none");
    assert!(of(user(&[]), "Album", Operation::Update).open);
    // The opposite of what can't be compared does not hold either.
    let told = of(user(&[]), "Secret", Operation::Read);
    assert!(!told.open, "{told:?}");
    assert!(never(&told, 0).contains("$claims.team"));
}

#[test]
fn via_says_which_related_rule_is_closed() {
    let told = of(Principal::Anonymous, "Track", Operation::Update);
    assert_eq!(never(&told, 0), "via `album`: no rule lets the caller update any Album");
    assert!(!told.open);
    assert!(of(user(&[]), "Track", Operation::Update).open);
    let told = of(user(&["owner"]), "Track", Operation::Delete);
    assert_eq!(never(&told, 0), "it is for who is `owner` of the organization acted for");
}

#[test]
fn rows_of_organizations_scopes_and_what_no_rule_is_about() {
    let told = of(user(&[]), "Ledger", Operation::Read);
    assert!(!told.open && told.overall.as_deref().unwrap().contains("acts for none"), "{told:?}");
    let member = Principal::known(Subject {
        user: Some(Uuid::nil()),
        organization: Some(Organization { id: Uuid::nil(), role: None }),
        ..Subject::default()
    });
    assert!(of(member, "Ledger", Operation::Read).open);
    let told = of(user(&[]), "Album", Operation::Delete);
    assert!(!told.open && told.overall.as_deref().unwrap().contains("no rule"), "{told:?}");
    let key = Principal::known(Subject {
        kind: Kind::Key,
        scopes: Some(vec!["tracks:read".to_owned()]),
        ..Subject::default()
    });
    let told = of(key, "Album", Operation::Read);
    assert!(!told.open && told.overall.as_deref().unwrap().contains("albums:read"), "{told:?}");
    assert!(of(Principal::Admin, "Album", Operation::Delete).open);
    assert!(!of(Principal::Admin, "ApiKey", Operation::Create).open);
}

#[test]
fn the_fields_of_a_rule_bound_what_is_granted() {
    let told = of(user(&[]), "Album", Operation::Update);
    let closed: Vec<&str> =
        told.members.iter().filter(|member| !member.open).map(|member| member.name.as_str()).collect();
    assert_eq!(closed, ["published", "notes", "owner", "tracks"]);
    assert!(told.members[0].why.contains("`fields`"), "{:?}", told.members[0]);
}
