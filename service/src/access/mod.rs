//! What the rules of the model let a principal do: predicates, default closed.

pub mod explain;
pub mod sdl;
#[cfg(test)]
mod tests;

use entity::catalog::{Entity, Exposure, Field, Operation, Rule};
use entity::predicate::{Claim, Operand};
use entity::{Catalog, EntityId, Op, Predicate, Value};

use crate::context::Context;
use crate::error::{Code, Error, Result};
use crate::principal::Principal;

/// How far `via` may be followed; the model checker refuses cycles, so this is never reached.
const VIA_DEPTH: usize = 32;

/// The rows of an entity an operation may touch, as they are stored. Soft-deleted rows are left to the planner.
#[must_use]
pub fn rows(context: &Context, entity: EntityId, operation: Operation) -> Predicate {
    Binder { context }.rows(entity, operation, VIA_DEPTH)
}

/// How a row must look after a create or an update.
#[must_use]
pub fn afterwards(context: &Context, entity: EntityId, operation: Operation) -> Predicate {
    Binder { context }.afterwards(entity, operation, VIA_DEPTH)
}

/// Whether an operation on a field or relation is open at all, and on which rows.
#[must_use]
pub fn member(context: &Context, entity: &Entity, name: &str, operation: Operation) -> Predicate {
    Binder { context }.member(entity, name, operation, |rule| &rule.condition)
}

/// How a row must look after a create or an update that gave it this field or relation.
#[must_use]
pub fn member_afterwards(context: &Context, entity: &Entity, name: &str, operation: Operation) -> Predicate {
    Binder { context }.member(entity, name, operation, afterwards_of)
}

/// Whether a principal can see any row of an entity: what they can't does not exist for them.
#[must_use]
pub fn visible(entity: &Entity, principal: &Principal) -> bool {
    opens(entity, principal, Operation::Read)
}

/// Whether any rule opens an operation on an entity to a principal.
#[must_use]
pub fn opens(entity: &Entity, principal: &Principal, operation: Operation) -> bool {
    if !entity.open.has(operation) {
        return false;
    }
    principal.is_admin() || granted(&entity.access.rules, principal, operation).next().is_some()
}

/// Lets a principal pass to whom any rule opens an operation on an entity.
///
/// # Errors
/// `UNAUTHENTICATED` for somebody unknown, `FORBIDDEN` for somebody known.
pub fn permit(entity: &Entity, principal: &Principal, operation: Operation) -> Result<()> {
    if opens(entity, principal, operation) {
        return Ok(());
    }
    let verb = match operation {
        Operation::Read => "read",
        Operation::Create => "create",
        Operation::Update => "update",
        Operation::Delete => "delete",
    };
    let error = closed(principal, &format!("{verb} {}", entity.name));
    Err(match entity.open.has(operation) {
        true => error,
        false => error.hint("Accounts, organizations and keys are changed under `/auth`."),
    })
}

/// Lets a key pass whose scopes cover an operation on rows of an entity; who is no key has no scopes.
///
/// # Errors
/// `FORBIDDEN`, with the scope that is missing.
pub fn scoped(entity: &Entity, principal: &Principal, operation: Operation) -> Result<()> {
    let writes = operation != Operation::Read;
    if principal.in_scope(&entity.plural, writes) {
        return Ok(());
    }
    let scope = format!("{}:{}", entity.plural, if writes { "write" } else { "read" });
    Err(Error::new(Code::InsufficientScope, format!("The key has no scope `{scope}`."))
        .hint("Make a key that has it."))
}

/// What a principal is told who may not do something: `UNAUTHENTICATED` to somebody unknown, `FORBIDDEN` to somebody known.
#[must_use]
pub fn closed(principal: &Principal, what: &str) -> Error {
    match principal {
        Principal::Anonymous => {
            Error::new(Code::Unauthenticated, format!("Credentials are needed to {what}."))
                .hint("Send `Authorization: Bearer <key>`.")
        }
        Principal::Admin | Principal::Known(_) => Error::new(Code::Forbidden, format!("You may not {what}.")),
    }
}

/// Whether any rule opens an operation on a field or relation to a principal, given that the row is open.
#[must_use]
pub fn member_opens(
    catalog: &Catalog,
    entity: &Entity,
    principal: &Principal,
    name: &str,
    operation: Operation,
) -> bool {
    let exposed = entity
        .fields
        .iter()
        .find(|field| field.name == name)
        .is_none_or(|field| allows(field.exposure, operation) || is_owner(entity, field, principal));
    let target_seen = entity
        .relations
        .iter()
        .find(|relation| relation.name == name)
        .is_none_or(|relation| visible(catalog.target(relation), principal));
    if !exposed || !target_seen || !opens(entity, principal, operation) {
        return false;
    }
    if principal.is_admin() {
        return true;
    }
    // Only an administrator brings deleted rows back.
    let deletion = entity.deleted_at.is_some_and(|field| entity.field(field).name == name);
    if deletion && operation == Operation::Update {
        return false;
    }
    let by_row = granted(&entity.access.rules, principal, operation).any(|rule| names(rule, name));
    let by_field = entity
        .access
        .fields
        .get(name)
        .is_none_or(|rules| rules.is_empty() || granted(rules, principal, operation).next().is_some());
    by_row && by_field
}

/// An administrator belongs to no organization, and has to say whose a new row is.
fn is_owner(entity: &Entity, field: &Field, principal: &Principal) -> bool {
    entity.tenant_field() == Some(field.id) && principal.is_admin()
}

fn allows(exposure: Exposure, operation: Operation) -> bool {
    match operation {
        Operation::Read => exposure.read,
        Operation::Create => exposure.create,
        Operation::Update => exposure.update,
        Operation::Delete => true,
    }
}

fn names(rule: &Rule, name: &str) -> bool {
    // The id is what every answer, cursor and order ends in: a rule that grants a row grants its id.
    name == "id" || rule.fields.as_ref().is_none_or(|fields| fields.iter().any(|field| field == name))
}

fn granted<'a>(
    rules: &'a [Rule],
    principal: &'a Principal,
    operation: Operation,
) -> impl Iterator<Item = &'a Rule> {
    rules.iter().filter(move |rule| rule.operations.has(operation) && principal.meets(rule))
}

/// How a rule says that a row must look afterwards.
fn afterwards_of(rule: &Rule) -> &Predicate {
    rule.check.as_ref().unwrap_or(&rule.condition)
}

struct Binder<'a> {
    context: &'a Context,
}

impl Binder<'_> {
    fn rows(&self, entity: EntityId, operation: Operation, depth: usize) -> Predicate {
        if self.context.principal.is_admin() {
            return Predicate::Always;
        }
        let definition = self.context.catalog.entity(entity);
        let rules = granted(&definition.access.rules, &self.context.principal, operation).map(|rule| {
            Predicate::and([rule.condition.clone(), self.via(definition, rule, operation, depth)])
        });
        Predicate::and([tenant(definition), Predicate::or(rules)])
    }

    fn afterwards(&self, entity: EntityId, operation: Operation, depth: usize) -> Predicate {
        if self.context.principal.is_admin() {
            return Predicate::Always;
        }
        let definition = self.context.catalog.entity(entity);
        let rules = granted(&definition.access.rules, &self.context.principal, operation).map(|rule| {
            Predicate::and([afterwards_of(rule).clone(), self.via(definition, rule, operation, depth)])
        });
        Predicate::and([tenant(definition), Predicate::or(rules)])
    }

    /// As the related row allows: reading needs read of it, writing needs update of it.
    fn via(&self, entity: &Entity, rule: &Rule, operation: Operation, depth: usize) -> Predicate {
        let Some(relation) = rule.via else { return Predicate::Always };
        if depth == 0 {
            return Predicate::Never;
        }
        let wanted = if operation == Operation::Read { Operation::Read } else { Operation::Update };
        let target = entity.relation(relation).target;
        let that =
            Predicate::and([self.rows(target, wanted, depth - 1), alive(&self.context.catalog, target)]);
        match that {
            Predicate::Never => Predicate::Never,
            that => Predicate::Exists { relation, that: Box::new(that) },
        }
    }

    fn member(
        &self,
        entity: &Entity,
        name: &str,
        operation: Operation,
        condition: fn(&Rule) -> &Predicate,
    ) -> Predicate {
        if self.context.principal.is_admin() {
            return Predicate::Always;
        }
        let principal = &self.context.principal;
        let holds = |rule: &Rule| {
            Predicate::and([condition(rule).clone(), self.via(entity, rule, operation, VIA_DEPTH)])
        };
        let by_row = if granted(&entity.access.rules, principal, operation).all(|rule| names(rule, name)) {
            Predicate::Always
        } else {
            // Some rule that opens the row does not grant this field: it is there only where another one does.
            Predicate::or(
                granted(&entity.access.rules, principal, operation)
                    .filter(|rule| names(rule, name))
                    .map(holds),
            )
        };
        let by_field = match entity.access.fields.get(name) {
            Some(rules) if !rules.is_empty() => {
                Predicate::or(granted(rules, principal, operation).map(holds))
            }
            _ => Predicate::Always,
        };
        Predicate::and([by_row, by_field])
    }
}

/// Rows of a `@tenant` type are those of the organization the caller acts for.
fn tenant(entity: &Entity) -> Predicate {
    match entity.tenant_field() {
        Some(field) => Predicate::Compare { field, op: Op::Eq, value: Operand::Claim(Claim::OrgId) },
        None => Predicate::Always,
    }
}

/// Rows that are not soft-deleted.
#[must_use]
pub fn alive(catalog: &Catalog, entity: EntityId) -> Predicate {
    match catalog.entity(entity).deleted_at {
        Some(field) => {
            Predicate::Compare { field, op: entity::Op::IsNull, value: Operand::Value(Value::Bool(true)) }
        }
        None => Predicate::Always,
    }
}
