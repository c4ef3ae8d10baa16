//! What the rules mean, row by row: three-valued logic over the rows in memory. It knows nothing of the engine.

use std::cmp::Ordering;

use entity::catalog::Operation;
use serde_json::Value as Json;
use service::Code;

use super::answer::Answer;
use super::caller::{Caller, coerce};
use super::logic::{alive, all, any, is_key, items, order};
use super::model::{Link, Model, Rule, Shape, Ty, Type};
use super::store::{Row, Store};

/// Whose condition it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Voice {
    /// The model's: everything is there, `$` means something.
    Model,
    /// The caller's: only what they may read is there.
    Client,
}

/// What is known: a model, rows, a caller.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Truth<'a> {
    /// The model.
    pub(crate) model: &'a Model,
    /// The rows.
    pub(crate) store: &'a Store,
    /// Who asks.
    pub(crate) caller: &'a Caller,
}

impl<'a> Truth<'a> {
    /// A type.
    pub(crate) fn ty(&self, ty: usize) -> &'a Type {
        &self.model.types[ty]
    }

    fn granted<'r>(&self, rules: &'r [Rule], operation: Operation) -> impl Iterator<Item = &'r Rule> {
        let caller = self.caller;
        rules
            .iter()
            .filter(move |rule| rule.to.contains(&operation) && caller.has_role(&rule.role, rule.members))
    }

    /// Whether any rule opens an operation.
    pub(crate) fn opens(&self, ty: usize, operation: Operation) -> bool {
        let ty = self.ty(ty);
        ty.open.contains(&operation)
            && (self.caller.is_admin() || self.granted(&ty.rules, operation).next().is_some())
    }

    /// Whether the caller's key, where it is one, may be used for it.
    pub(crate) fn in_scope(&self, ty: usize, writes: bool) -> bool {
        self.caller.in_scope(&self.ty(ty).plural, writes)
    }

    fn names(rule: &Rule, name: &str) -> bool {
        name == "id" || rule.fields.as_ref().is_none_or(|fields| fields.iter().any(|field| field == name))
    }

    /// Whether any rule opens an operation on a member.
    pub(crate) fn member_opens(&self, ty: usize, name: &str, operation: Operation) -> bool {
        let definition = self.ty(ty);
        if !self.exposed(ty, name, operation) || !self.opens(ty, operation) {
            return false;
        }
        if definition.link(name).is_some_and(|link| !self.opens(link.target, Operation::Read)) {
            return false;
        }
        if self.caller.is_admin() {
            return true;
        }
        let narrowed = definition.narrowed(name);
        self.granted(&definition.rules, operation).any(|rule| Self::names(rule, name))
            && (narrowed.is_empty() || self.granted(narrowed, operation).next().is_some())
    }

    /// Whether the API may do it at all.
    pub(crate) fn exposed(&self, ty: usize, name: &str, operation: Operation) -> bool {
        let definition = self.ty(ty);
        let (create, update) = match (definition.field(name), definition.link(name)) {
            (Some(field), _) => (field.create, field.update),
            (_, Some(link)) => {
                let writable = link.writable || self.caller.is_admin();
                (writable, writable)
            }
            (None, None) => (true, true),
        };
        match operation {
            Operation::Create => create,
            Operation::Update => update,
            Operation::Read | Operation::Delete => true,
        }
    }

    /// Whether a rule can never hold for the caller: it leans on a type that is closed.
    fn dead(&self, ty: usize, rule: &Rule, operation: Operation) -> bool {
        let Some(via) = &rule.via else { return false };
        let wanted = if operation == Operation::Read { Operation::Read } else { Operation::Update };
        let target = self.model.link(ty, via).target;
        self.granted(&self.ty(target).rules, wanted).all(|rule| self.dead(target, rule, wanted))
    }

    /// Whether the caller may use a member in a read at all.
    pub(crate) fn readable(&self, ty: usize, name: &str) -> bool {
        self.reach(ty, name).is_ok()
    }

    /// The same, with what the caller is told: what the rules close is not there, what a key does not cover is.
    pub(crate) fn reach(&self, ty: usize, name: &str) -> Answer<()> {
        match (self.is_shown(ty, name), self.in_scope(ty, false)) {
            (false, _) => Err(Code::UnknownField),
            (true, false) => Err(Code::InsufficientScope),
            (true, true) => Ok(()),
        }
    }

    fn is_shown(&self, ty: usize, name: &str) -> bool {
        if !self.member_opens(ty, name, Operation::Read) {
            return false;
        }
        if self.caller.is_admin() {
            return true;
        }
        let rules = &self.ty(ty).rules;
        let all = self.granted(rules, Operation::Read).all(|rule| Self::names(rule, name));
        all || self
            .granted(rules, Operation::Read)
            .any(|rule| Self::names(rule, name) && !self.dead(ty, rule, Operation::Read))
    }

    /// Whether a member is there on some rows only, as far as the rules tell without looking at rows.
    pub(crate) fn conditional(&self, ty: usize, name: &str) -> bool {
        if self.caller.is_admin() {
            return false;
        }
        let plain = |rule: &Rule| rule.condition.is_none() && rule.via.is_none();
        let rules = &self.ty(ty).rules;
        let all = self.granted(rules, Operation::Read).all(|rule| Self::names(rule, name));
        let by_row =
            all || self.granted(rules, Operation::Read).any(|rule| Self::names(rule, name) && plain(rule));
        let narrowed = self.ty(ty).narrowed(name);
        let by_field = narrowed.is_empty() || self.granted(narrowed, Operation::Read).any(plain);
        !(by_row && by_field)
    }

    /// Whether a rule holds for a row, as it is stored or as it is afterwards.
    fn holds(&self, ty: usize, rule: &Rule, row: &Row, operation: Operation, afterwards: bool) -> bool {
        let condition = match afterwards {
            true => rule.check.as_ref().or(rule.condition.as_ref()),
            false => rule.condition.as_ref(),
        };
        let fulfilled =
            condition.is_none_or(|condition| self.condition(ty, condition, row, Voice::Model) == Some(true));
        let leans = rule.via.as_ref().is_none_or(|via| {
            let wanted = if operation == Operation::Read { Operation::Read } else { Operation::Update };
            let link = self.model.link(ty, via);
            self.store.related(row, link).any(|other| alive(other) && self.may(link.target, other, wanted))
        });
        fulfilled && leans
    }

    fn own(&self, ty: usize, row: &Row) -> bool {
        !self.ty(ty).tenant || self.caller.claim("org.id").is_some_and(|id| row["organization"] == id)
    }

    /// Whether an operation may touch a row as it is stored.
    pub(crate) fn may(&self, ty: usize, row: &Row, operation: Operation) -> bool {
        self.caller.is_admin()
            || self.own(ty, row)
                && self
                    .granted(&self.ty(ty).rules, operation)
                    .any(|rule| self.holds(ty, rule, row, operation, false))
    }

    /// Whether a row looks as it must after an operation.
    pub(crate) fn fine(&self, ty: usize, row: &Row, operation: Operation) -> bool {
        self.caller.is_admin()
            || self.own(ty, row)
                && self
                    .granted(&self.ty(ty).rules, operation)
                    .any(|rule| self.holds(ty, rule, row, operation, true))
    }

    /// Whether the caller sees a row.
    pub(crate) fn visible(&self, ty: usize, row: &Row) -> bool {
        alive(row) && self.may(ty, row, Operation::Read)
    }

    /// Whether a member of a row is open, as the row is stored.
    pub(crate) fn member(&self, ty: usize, row: &Row, name: &str, operation: Operation) -> bool {
        self.grants(ty, row, name, operation, false)
    }

    /// Whether a row looks as it must when a member of it was given.
    pub(crate) fn given(&self, ty: usize, row: &Row, name: &str, operation: Operation) -> bool {
        self.grants(ty, row, name, operation, true)
    }

    fn grants(&self, ty: usize, row: &Row, name: &str, operation: Operation, new: bool) -> bool {
        if self.caller.is_admin() {
            return true;
        }
        let definition = self.ty(ty);
        let all = self.granted(&definition.rules, operation).all(|rule| Self::names(rule, name));
        let by_row = all
            || self
                .granted(&definition.rules, operation)
                .any(|rule| Self::names(rule, name) && self.holds(ty, rule, row, operation, new));
        let narrowed = definition.narrowed(name);
        let by_field = narrowed.is_empty()
            || self.granted(narrowed, operation).any(|rule| self.holds(ty, rule, row, operation, new));
        by_row && by_field
    }

    /// The value of a member as the caller sees it: a field, or the key of a relation to one row.
    pub(crate) fn value(&self, ty: usize, row: &Row, name: &str) -> Json {
        if !self.member(ty, row, name, Operation::Read) {
            return Json::Null;
        }
        match self.ty(ty).link(name) {
            Some(link) => self.seen_key(row, link, Voice::Client),
            None => row[name].clone(),
        }
    }

    fn seen_key(&self, row: &Row, link: &Link, voice: Voice) -> Json {
        let seen = voice == Voice::Model
            || self.store.related(row, link).any(|other| self.visible(link.target, other));
        if seen { row[&link.name].clone() } else { Json::Null }
    }

    /// Whether a filter of the caller only names what they may use.
    pub(crate) fn usable(&self, ty: usize, filter: &Json) -> Answer<()> {
        filter.as_object().into_iter().flatten().try_for_each(|(name, value)| match name.as_str() {
            "and" | "or" => items(value).try_for_each(|item| self.usable(ty, item)),
            "not" => self.usable(ty, value),
            name => {
                let definition = self.ty(ty);
                let name = match name.strip_suffix("Count") {
                    Some(list) if definition.link(list).is_some() => list,
                    _ => name,
                };
                self.reach(ty, name)?;
                let Some(link) = definition.link(name) else { return Ok(()) };
                let operands = value.as_object().into_iter().flatten();
                match link.shape {
                    Shape::One(_) => operands.filter(|(op, _)| !is_key(op)).try_for_each(|(op, value)| {
                        self.usable(link.target, &serde_json::json!({ op: value }))
                    }),
                    _ => operands
                        .filter(|(op, _)| ["some", "none", "every"].contains(&op.as_str()))
                        .try_for_each(|(_, value)| self.usable(link.target, value)),
                }
            }
        })
    }

    /// Whether a condition holds for a row; none: nobody knows.
    pub(crate) fn condition(&self, ty: usize, condition: &Json, row: &Row, voice: Voice) -> Option<bool> {
        let parts = condition.as_object().into_iter().flatten();
        all(parts.map(|(name, value)| match name.as_str() {
            "and" => all(items(value).map(|item| self.condition(ty, item, row, voice))),
            "or" => any(items(value).map(|item| self.condition(ty, item, row, voice))),
            "not" => self.condition(ty, value, row, voice).map(|known| !known),
            name => self.entry(ty, name, value, row, voice),
        }))
    }

    fn entry(&self, ty: usize, name: &str, value: &Json, row: &Row, voice: Voice) -> Option<bool> {
        let definition = self.ty(ty);
        let counted = name.strip_suffix("Count").and_then(|name| definition.link(name));
        let member = counted.map_or(name, |link| link.name.as_str());
        if voice == Voice::Client && !self.member(ty, row, member, Operation::Read) {
            return None;
        }
        let operands = value.as_object().into_iter().flatten();
        if let Some(link) = counted {
            let count = self.store.related(row, link).filter(|other| self.there(link, other, voice)).count();
            return all(operands.map(|(op, value)| self.compare(op, Ty::Count, &count.into(), value, voice)));
        }
        match definition.link(name) {
            Some(link) if link.is_one() => self.toward_one(link, value, row, voice),
            Some(link) => all(operands.map(|(op, value)| {
                let mut found = self
                    .store
                    .related(row, link)
                    .filter(|other| self.there(link, other, voice))
                    .map(|other| self.condition(link.target, value, other, voice) == Some(true));
                Some(match op.as_str() {
                    "some" => found.any(|fulfilled| fulfilled),
                    "none" => !found.any(|fulfilled| fulfilled),
                    _ => found.all(|fulfilled| fulfilled),
                })
            })),
            None => {
                let ty = definition.field(name).unwrap_or_else(|| panic!("no {name}")).ty;
                all(operands.map(|(op, value)| self.compare(op, ty, &row[name], value, voice)))
            }
        }
    }

    /// Whether a related row takes part in a condition.
    fn there(&self, link: &Link, other: &Row, voice: Voice) -> bool {
        voice == Voice::Model || self.in_scope(link.target, false) && self.visible(link.target, other)
    }

    fn toward_one(&self, link: &Link, value: &Json, row: &Row, voice: Voice) -> Option<bool> {
        let other = self.store.related(row, link).find(|other| self.there(link, other, voice));
        let key = other.map_or(Json::Null, |other| other["id"].clone());
        let ty = Ty::Id(self.ty(link.target).key);
        let nested: serde_json::Map<String, Json> = value
            .as_object()
            .into_iter()
            .flatten()
            .filter(|(op, _)| !is_key(op))
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        let keys = value.as_object().into_iter().flatten().filter(|(op, _)| is_key(op));
        let compared = all(keys.map(|(op, value)| self.compare(op, ty, &key, value, voice)));
        if nested.is_empty() && value.as_object().is_some_and(|fields| !fields.is_empty()) {
            return compared;
        }
        let nested = Json::Object(nested);
        let exists =
            other.is_some_and(|other| self.condition(link.target, &nested, other, voice) == Some(true));
        all([compared, Some(exists)].into_iter())
    }

    fn operand(&self, raw: &Json, ty: Ty, list: bool, voice: Voice) -> Option<Json> {
        let claim = raw.as_str().and_then(|text| text.strip_prefix('$')).filter(|_| voice == Voice::Model);
        let Some(claim) = claim else { return Some(raw.clone()) };
        let value = self.caller.claim(claim)?;
        if !list {
            return coerce(ty, &value);
        }
        match &value {
            Json::Array(all) => {
                all.iter().map(|item| coerce(ty, item)).collect::<Option<Vec<_>>>().map(Json::Array)
            }
            one => coerce(ty, one).map(|one| Json::Array(vec![one])),
        }
    }

    fn compare(&self, op: &str, ty: Ty, cell: &Json, raw: &Json, voice: Voice) -> Option<bool> {
        let list = matches!(op, "in" | "notIn" | "between" | "hasAny" | "hasAll");
        let operand_type = if op == "isNull" { Ty::Flag } else { ty };
        let value = self.operand(raw, operand_type, list, voice)?;
        let empty = value.as_array().is_some_and(Vec::is_empty);
        match op {
            "isNull" => return Some(cell.is_null() == (value == true)),
            // Nothing is in an empty list, whatever it is.
            "in" | "notIn" if empty => return Some(op == "notIn"),
            "between" if value.as_array().is_none_or(|values| values.len() != 2) => return None,
            _ if cell.is_null() => return None,
            _ => {}
        }
        let text = cell.as_str().unwrap_or_default();
        let wanted = value.as_str().unwrap_or_default();
        let against = |other: &Json| order(ty, cell, other);
        let has = |item: &Json| items(cell).any(|own| own == item);
        Some(match op {
            "eq" => against(&value) == Ordering::Equal,
            "ne" => against(&value) != Ordering::Equal,
            "gt" => against(&value) == Ordering::Greater,
            "gte" => against(&value) != Ordering::Less,
            "lt" => against(&value) == Ordering::Less,
            "lte" => against(&value) != Ordering::Greater,
            "in" => items(&value).any(|item| against(item) == Ordering::Equal),
            "notIn" => !items(&value).any(|item| against(item) == Ordering::Equal),
            "between" => against(&value[0]) != Ordering::Less && against(&value[1]) != Ordering::Greater,
            "contains" => text.contains(wanted),
            "startsWith" => text.starts_with(wanted),
            "ieq" => text.eq_ignore_ascii_case(wanted),
            "has" => has(&value),
            "hasAny" => items(&value).any(has),
            "hasAll" => items(&value).all(has),
            other => panic!("no operator {other}"),
        })
    }
}
