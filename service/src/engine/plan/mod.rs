//! What will be done: every name resolved, every rule applied, every bound checked. The only place that says no.
//!
//! In: a [`Request`](super::request::Request) and a [`Context`]. Out: a finished tree. May say: unknown, forbidden,
//! bad value, too costly.

use entity::Predicate;
use entity::catalog::{Entity, Member, Operation};
use entity::problem::{Problem, Trouble};
use entity::resolve::{self, Scope};
use entity::{EntityId, FieldId, Input, Operand};

use super::request::Root;
use crate::access;
use crate::context::Context;
use crate::error::{Code, Error, Kind, Result};

pub(crate) mod aggregate;
pub(crate) mod cursor;
pub(crate) mod list;
pub(crate) mod order;
pub(crate) mod read;
pub(crate) mod write;

pub(crate) use aggregate::AggregatePlan;
pub(crate) use list::{ListPlan, Source};
pub(crate) use order::OrderTerm;
pub(crate) use read::{Object, OnePlan, Output, ReadPlan, RootPlan};

/// Plans every field of an operation, to tell what is wrong with any of them.
fn each<A, T>(roots: &[Root<A>], mut plan: impl FnMut(&Root<A>) -> Result<T>) -> Result<Vec<T>> {
    let mut plans = Vec::with_capacity(roots.len());
    let mut errors = Vec::new();
    for root in roots {
        match plan(root) {
            Ok(done) => plans.push(done),
            Err(error) => errors.push(error.under(root.key.as_str())),
        }
        // What is too much for one request is so for all that follows.
        if errors.last().is_some_and(|error| error.kind() == Kind::TooCostly) {
            break;
        }
    }
    Error::together(errors)?;
    Ok(plans)
}

/// Plans reads.
pub(super) struct Planner<'a> {
    pub(super) context: &'a Context,
    fields: usize,
    cost: u64,
}

impl<'a> Planner<'a> {
    pub(super) fn new(context: &'a Context) -> Self {
        Self { context, fields: 0, cost: 0 }
    }

    pub(super) fn entity(&self, id: EntityId) -> &'a Entity {
        self.context.catalog.entity(id)
    }

    /// Counts a selected field.
    fn field(&mut self) -> Result<()> {
        self.fields += 1;
        if self.fields > self.context.limits.fields {
            return Err(Error::new(
                Code::LimitExceeded,
                format!("More than {} fields are selected.", self.context.limits.fields),
            )
            .hint("Select fewer fields, or ask in several requests."));
        }
        Ok(())
    }

    /// Counts rows that may be touched; `each` is how many parents they are touched for.
    fn rows(&mut self, each: u64, rows: u64) -> Result<u64> {
        let rows = each.saturating_mul(rows.max(1));
        self.cost = self.cost.saturating_add(rows);
        if self.cost > self.context.limits.cost {
            return Err(Error::new(
                Code::LimitExceeded,
                format!(
                    "The request may touch {} rows or more; {} are allowed.",
                    self.cost, self.context.limits.cost
                ),
            )
            .hint("Ask for smaller pages (`first`) of nested lists, or nest less."));
        }
        Ok(rows)
    }

    fn depth(&self, level: usize) -> Result<()> {
        if level > self.context.limits.depth {
            return Err(Error::new(
                Code::LimitExceeded,
                format!("The selection nests deeper than {} levels.", self.context.limits.depth),
            )
            .hint("Start nearer to what you need, or ask in two requests."));
        }
        Ok(())
    }

    /// The rows of an entity the caller may see: rule and not deleted.
    pub(super) fn visible(&self, entity: EntityId) -> Predicate {
        Predicate::and([
            access::alive(&self.context.catalog, entity),
            access::rows(self.context, entity, Operation::Read),
        ])
    }

    /// A condition of the caller.
    pub(super) fn filter(&self, entity: EntityId, input: &Input) -> Result<Predicate> {
        filter(self.context, entity, input)
    }

    /// The column of a member the caller may read, and on which rows it has its value. The key of a relation has none
    /// where it leads to a row that is hidden from the caller: neither API tells of such a row.
    pub(super) fn column(&self, entity: &'a Entity, name: &str) -> Result<(FieldId, Predicate)> {
        let (member, shown) = self.readable(entity, name)?;
        let field = read::member_field(entity, member, name)?;
        let target = match member {
            Member::Relation(relation) => match self.visible(relation.target) {
                Predicate::Always => Predicate::Always,
                that => Predicate::Exists { relation: relation.id, that: Box::new(that) },
            },
            Member::Field(_) => Predicate::Always,
        };
        Ok((field, Predicate::and([shown, target])))
    }

    /// A member the caller may read, and on which rows.
    pub(super) fn readable(&self, entity: &'a Entity, name: &str) -> Result<(Member<'a>, Predicate)> {
        readable(self.context, entity, name)
    }
}

/// A member the caller may read, and on which rows; anything else is as if it were not there.
pub(super) fn readable<'a>(
    context: &Context,
    entity: &'a Entity,
    name: &str,
) -> Result<(Member<'a>, Predicate)> {
    let found = entity.member(name).and_then(|member| Some((member, shown(context, entity, name)?)));
    let found = found.ok_or_else(|| unknown(context, entity, name))?;
    access::scoped(entity, &context.principal, Operation::Read)?;
    Ok(found)
}

pub(super) fn unknown(context: &Context, entity: &Entity, name: &str) -> Error {
    problem(resolve::unknown_field(entity, name, |name| shown(context, entity, name).is_some()))
}

/// On which rows a member is shown; none where the rules hide it from the caller altogether.
fn shown(context: &Context, entity: &Entity, name: &str) -> Option<Predicate> {
    if !access::member_opens(&context.catalog, entity, &context.principal, name, Operation::Read) {
        return None;
    }
    Some(access::member(context, entity, name, Operation::Read)).filter(|shown| *shown != Predicate::Never)
}

/// A condition of the caller on rows of an entity, without the rule of the rows themselves.
pub(super) fn filter(context: &Context, entity: EntityId, input: &Input) -> Result<Predicate> {
    let definition = context.catalog.entity(entity);
    let predicate =
        resolve::resolve(&context.catalog, definition, input, &ClientScope { context }).map_err(problem)?;
    let conditions = conditions(&predicate);
    if conditions > context.limits.conditions {
        return Err(Error::new(
            Code::LimitExceeded,
            format!("The condition has {conditions} parts; {} are allowed.", context.limits.conditions),
        )
        .hint("Use `in` for many values of one field."));
    }
    Ok(predicate)
}

fn conditions(predicate: &Predicate) -> usize {
    match predicate {
        Predicate::Always | Predicate::Never => 0,
        Predicate::All(parts) | Predicate::Any(parts) => parts.iter().map(conditions).sum(),
        Predicate::Not(inner) | Predicate::Untrue(inner) => conditions(inner),
        Predicate::Where(shown, inner) => conditions(shown) + conditions(inner),
        Predicate::Compare { .. } | Predicate::CompareFields { .. } => 1,
        Predicate::Exists { that, .. } | Predicate::Count { that, .. } => 1 + conditions(that),
    }
}

struct ClientScope<'a> {
    context: &'a Context,
}

impl Scope for ClientScope<'_> {
    fn usable(&self, entity: &Entity, member: &str) -> std::result::Result<Option<Predicate>, Problem> {
        let filterable =
            entity.fields.iter().find(|field| field.name == member).is_none_or(|field| field.exposure.filter);
        let Some(shown) = shown(self.context, entity, member).filter(|_| filterable) else { return Ok(None) };
        match access::scoped(entity, &self.context.principal, Operation::Read) {
            Ok(()) => Ok(Some(shown)),
            Err(error) => {
                Err(Problem::new(Trouble::Scope, error.message()).hint(error.hint_text().map(str::to_owned)))
            }
        }
    }

    fn visible(&self, entity: EntityId) -> Predicate {
        let definition = self.context.catalog.entity(entity);
        if access::scoped(definition, &self.context.principal, Operation::Read).is_err() {
            return Predicate::Never;
        }
        Predicate::and([
            access::alive(&self.context.catalog, entity),
            access::rows(self.context, entity, Operation::Read),
        ])
    }

    fn dynamic(&self, _: &str) -> std::result::Result<Option<Operand>, Problem> {
        // What a client sends is data: a leading dollar means nothing.
        Ok(None)
    }

    fn list_limit(&self) -> usize {
        self.context.limits.list
    }

    fn depth_limit(&self) -> usize {
        self.context.limits.nesting
    }
}

/// The engine's error for a problem with an input.
pub(in crate::engine) fn problem(problem: Problem) -> Error {
    let code = match problem.trouble {
        Trouble::Malformed => Code::BadRequest,
        Trouble::UnknownField => Code::UnknownField,
        Trouble::UnknownOperator => Code::UnknownOperator,
        Trouble::BadValue => Code::BadValue,
        Trouble::Scope => Code::InsufficientScope,
        Trouble::TooMuch => Code::LimitExceeded,
    };
    let mut error = Error::new(code, sentence(&problem.message));
    if let Some(hint) = &problem.hint {
        error = error.hint(sentence(hint));
    }
    for step in problem.place.iter().rev() {
        error = match step.parse::<usize>() {
            Ok(index) => error.at(index),
            Err(_) => error.at(step.as_str()),
        };
    }
    error
}

fn sentence(text: &str) -> String {
    let mut chars = text.chars();
    let mut sentence: String = chars.next().map(|first| first.to_uppercase().collect()).unwrap_or_default();
    sentence.push_str(chars.as_str());
    if !sentence.ends_with(['.', '?', '!']) {
        sentence.push('.');
    }
    sentence
}
