//! Why the rules of a model let somebody do something, or not: values only, nothing is asked of the database.
//!
//! What decides is what the engine decides by ([`super::rows`], [`super::afterwards`], [`super::member`]); here it is
//! taken apart rule by rule, so that a founder sees which one opened, and what each of the others wanted.

use entity::catalog::{Entity, Field, Operation, Rule, System};
use entity::{Operand, Predicate};

use super::{
    Binder, VIA_DEPTH, afterwards_of, allows, granted, is_owner, member_afterwards, member_opens, names,
    opens, scoped, sdl, visible,
};
use crate::context::Context;
use crate::principal::{ORGANIZATION_ROLE, Principal};

/// What the rules of a type say to somebody who wants to do something with its rows.
#[derive(Debug, Clone, PartialEq)]
pub struct Explanation {
    /// Whether it may be done with any row, as far as rules tell.
    pub open: bool,
    /// On which rows, as they are stored (`create`: how they must look).
    pub condition: Predicate,
    /// Why it is closed to the caller, or open, whatever the rules say.
    pub overall: Option<String>,
    /// Each rule for the operation, in the order of the model.
    pub rules: Vec<Finding>,
    /// What of a row is not granted, or not on all rows.
    pub members: Vec<MemberFinding>,
}

/// What one rule says to the caller.
#[derive(Debug, Clone, PartialEq)]
pub struct Finding {
    /// Its position among the rules of the type (or of the field).
    pub position: usize,
    /// The rule as it stands in a model.
    pub text: String,
    /// What it comes to.
    pub outcome: Outcome,
    /// Its own condition on a row.
    pub condition: Predicate,
    /// What `via` wants of the related row: the relation, and the condition on this row.
    pub via: Option<(String, Predicate)>,
}

impl Finding {
    /// The whole condition on a row.
    #[must_use]
    pub fn predicate(&self) -> Predicate {
        let via = self.via.iter().map(|(_, via)| via.clone());
        Predicate::and(std::iter::once(self.condition.clone()).chain(via))
    }
}

/// What a rule comes to for a caller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It opens every row.
    Always,
    /// It opens the rows its condition holds on.
    Rows,
    /// It opens no row, because of this.
    Never(String),
}

/// What of a row is not granted, or not on all rows.
#[derive(Debug, Clone, PartialEq)]
pub struct MemberFinding {
    /// The field or relation.
    pub name: String,
    /// Whether it is granted on some rows.
    pub open: bool,
    /// On which of the rows that are open.
    pub condition: Predicate,
    /// Why it is not granted, or on which rows it is.
    pub why: String,
}

/// Explains an operation on rows of a type.
#[must_use]
pub fn explain(context: &Context, entity: &Entity, operation: Operation) -> Explanation {
    let principal = &context.principal;
    let rules = findings(context, entity, &entity.access.rules, operation);
    let binder = Binder { context };
    let condition = match operation {
        Operation::Create => binder.afterwards(entity.id, operation, VIA_DEPTH),
        _ => binder.rows(entity.id, operation, VIA_DEPTH),
    };
    let overall = overall(entity, principal, operation);
    let scoped = scoped(entity, principal, operation).is_ok();
    let hopeless = condition == Predicate::Never || is_hopeless(principal, &condition);
    let open = opens(entity, principal, operation) && scoped && !hopeless;
    let members = if operation == Operation::Delete || !open {
        Vec::new()
    } else {
        let kept = |name: &str| {
            let field = entity.fields.iter().find(|field| field.name == name);
            operation != Operation::Read && field.is_some_and(|field| is_kept(entity, field))
        };
        entity
            .member_names()
            .filter(|name| !kept(name))
            .filter_map(|name| member(context, entity, name, operation))
            .collect()
    };
    Explanation { open, condition, overall, rules, members }
}

/// Explains what of a row is not granted, or not on all rows; none where it is granted on all.
#[must_use]
pub fn member(context: &Context, entity: &Entity, name: &str, operation: Operation) -> Option<MemberFinding> {
    let principal = &context.principal;
    let condition = match operation {
        Operation::Create => member_afterwards(context, entity, name, operation),
        _ => super::member(context, entity, name, operation),
    };
    let open = member_opens(&context.catalog, entity, principal, name, operation)
        && condition != Predicate::Never
        && !is_hopeless(principal, &condition);
    if open && condition == Predicate::Always {
        return None;
    }
    let why = match open {
        true => format!("on rows where {}", sdl::condition(&context.catalog, entity, &condition)),
        false => closed_member(context, entity, name, operation),
    };
    Some(MemberFinding { name: name.to_owned(), open, condition, why })
}

/// The rules on a field for an operation, as the caller meets them.
#[must_use]
pub fn field_rules(context: &Context, entity: &Entity, name: &str, operation: Operation) -> Vec<Finding> {
    let rules = entity.access.fields.get(name).map_or(&[][..], Vec::as_slice);
    findings(context, entity, rules, operation)
}

/// A field that the server writes itself, whoever asks.
fn is_kept(entity: &Entity, field: &Field) -> bool {
    match field.system {
        Some(System::Key) => entity.key != entity::IdKind::Client,
        other => other.is_some(),
    }
}

fn findings(context: &Context, entity: &Entity, rules: &[Rule], operation: Operation) -> Vec<Finding> {
    let of = |(position, rule): (usize, &Rule)| finding(context, entity, rule, position, operation);
    rules.iter().enumerate().filter(|(_, rule)| rule.operations.has(operation)).map(of).collect()
}

fn finding(
    context: &Context,
    entity: &Entity,
    rule: &Rule,
    position: usize,
    operation: Operation,
) -> Finding {
    let principal = &context.principal;
    let condition = match operation {
        Operation::Create => afterwards_of(rule).clone(),
        _ => rule.condition.clone(),
    };
    let via = rule.via.map(|relation| {
        let that = Binder { context }.via(entity, rule, operation, VIA_DEPTH);
        (entity.relation(relation).name.clone(), that)
    });
    let outcome = if principal.is_admin() {
        Outcome::Always
    } else if !principal.meets(rule) {
        Outcome::Never(needs(principal, rule))
    } else if let Some((name, Predicate::Never)) = &via {
        let relation = entity.relations.iter().find(|relation| relation.name == *name);
        let target = relation.map_or("", |relation| context.catalog.target(relation).name.as_str());
        let verb = if operation == Operation::Read { "read" } else { "update" };
        Outcome::Never(format!("via `{name}`: no rule lets the caller {verb} any {target}"))
    } else if let Some(claim) = missing(principal, &condition) {
        Outcome::Never(format!("it compares with ${claim}, and the caller has none"))
    } else if via.as_ref().is_some_and(|(_, that)| is_hopeless(principal, that)) {
        Outcome::Never("the rules behind `via` open no row to the caller".to_owned())
    } else if condition == Predicate::Never {
        Outcome::Never("its condition never holds".to_owned())
    } else if condition == Predicate::Always && via.as_ref().is_none_or(|(_, it)| *it == Predicate::Always) {
        Outcome::Always
    } else {
        Outcome::Rows
    };
    Finding { position, text: sdl::rule(&context.catalog, entity, rule), outcome, condition, via }
}

fn needs(principal: &Principal, rule: &Rule) -> String {
    match rule.role.as_str() {
        "user" => "it is for users who are signed in".to_owned(),
        "service" => "it is for keys of programs".to_owned(),
        "admin" => "it is for administrators".to_owned(),
        role if principal.subject().is_some_and(|subject| subject.kind == crate::principal::Kind::Key) => {
            format!("it is for the role `{role}`, and a key has no role but `service`")
        }
        role => match role.strip_prefix(ORGANIZATION_ROLE) {
            Some(role) => format!("it is for who is `{role}` of the organization acted for"),
            None if principal.has_role(role, true) => {
                format!(
                    "it is for the role `{role}` given by the server: that of a member is `org:{role}` here"
                )
            }
            None => format!("it is for the role `{role}`"),
        },
    }
}

/// What decides before any rule is looked at.
fn overall(entity: &Entity, principal: &Principal, operation: Operation) -> Option<String> {
    if !entity.open.has(operation) {
        return Some("the server writes these rows itself, under `/auth`".to_owned());
    }
    if let Err(error) = scoped(entity, principal, operation) {
        return Some(error.message().trim_end_matches('.').to_owned());
    }
    if principal.is_admin() {
        return Some("an administrator may do everything".to_owned());
    }
    let belongs = principal.subject().is_some_and(|subject| subject.organization.is_some());
    if entity.tenant.is_some() && !belongs {
        return Some("its rows belong to organizations, and the caller acts for none".to_owned());
    }
    if !entity.access.rules.iter().any(|rule| rule.operations.has(operation)) {
        return Some("no rule is about this: what no rule opens is closed".to_owned());
    }
    None
}

fn closed_member(context: &Context, entity: &Entity, name: &str, operation: Operation) -> String {
    let principal = &context.principal;
    let field = entity.fields.iter().find(|field| field.name == name);
    if field.is_some_and(|field| !allows(field.exposure, operation) && !is_owner(entity, field, principal)) {
        let kept = field.is_some_and(|field| field.system.is_some());
        return if kept { "the server keeps it itself" } else { "the model keeps it out of this with @api" }
            .to_owned();
    }
    let relation = entity.relations.iter().find(|relation| relation.name == name);
    if let Some(target) = relation.map(|relation| context.catalog.target(relation))
        && !visible(target, principal)
    {
        return format!("no rule lets the caller read {}", target.name);
    }
    if !granted(&entity.access.rules, principal, operation).any(|rule| names(rule, name)) {
        return "no rule that opens the row has it among its `fields`".to_owned();
    }
    let rules = field_rules(context, entity, name, operation);
    match rules.as_slice() {
        [] => "its own @allow is not about this".to_owned(),
        rules => {
            let why = rules.iter().map(|rule| match &rule.outcome {
                Outcome::Never(why) => format!("{}: {why}", rule.text),
                Outcome::Always | Outcome::Rows => rule.text.clone(),
            });
            why.collect::<Vec<_>>().join("; ")
        }
    }
}

/// Whether a condition can't hold for a caller: it compares with what the caller does not have.
fn is_hopeless(principal: &Principal, predicate: &Predicate) -> bool {
    missing(principal, predicate).is_some()
}

/// What the caller lacks, where a condition can't hold without it.
fn missing(principal: &Principal, predicate: &Predicate) -> Option<String> {
    if principal.is_admin() {
        return None;
    }
    match predicate {
        Predicate::All(parts) => parts.iter().find_map(|part| missing(principal, part)),
        Predicate::Any(parts) => {
            let all: Option<Vec<String>> = parts.iter().map(|part| missing(principal, part)).collect();
            all?.into_iter().next()
        }
        Predicate::Not(inner) => unknown(principal, inner),
        Predicate::Where(shown, inner) => missing(principal, shown).or_else(|| missing(principal, inner)),
        Predicate::Exists { that, .. } => missing(principal, that),
        Predicate::Compare { value, .. } | Predicate::Count { value, .. } => absent(principal, value),
        Predicate::Always | Predicate::Never | Predicate::Untrue(_) | Predicate::CompareFields { .. } => None,
    }
}

/// What the caller lacks, where a condition is neither true nor false without it: its opposite does not hold either.
fn unknown(principal: &Principal, predicate: &Predicate) -> Option<String> {
    match predicate {
        Predicate::Compare { value, .. } | Predicate::Count { value, .. } => absent(principal, value),
        Predicate::Not(inner) => unknown(principal, inner),
        Predicate::All(parts) | Predicate::Any(parts) => {
            let all: Option<Vec<String>> = parts.iter().map(|part| unknown(principal, part)).collect();
            all?.into_iter().next()
        }
        // No related row fulfils it, which is a no, and the opposite a yes.
        Predicate::Exists { .. }
        | Predicate::Where(..)
        | Predicate::Always
        | Predicate::Never
        | Predicate::Untrue(_)
        | Predicate::CompareFields { .. } => None,
    }
}

fn absent(principal: &Principal, operand: &Operand) -> Option<String> {
    let Operand::Claim(claim) = operand else { return None };
    principal.claim(claim).is_none().then(|| sdl::claim_name(claim))
}
