//! The answers to reads, by looking at every row.

use std::cmp::Ordering;

use entity::catalog::Operation;
use entity::{EntityId, Input};
use serde_json::{Map, Value as Json};
use service::Code;
use service::engine::request::{By, ConnectionPart, List, Nulls, Order, PageFact, Read, Requested, Selected};

use super::logic::order;
use super::model::Ty;
use super::store::Row;
use super::truth::{Truth, Voice};

/// A refusal, or what is asked.
pub(crate) type Answer<T> = Result<T, Code>;

impl Truth<'_> {
    /// The answer to a read.
    pub(crate) fn read(&self, read: &Read, entities: &[EntityId]) -> Answer<Json> {
        match read {
            Read::One { entity, by, selection, .. } => {
                let ty = position(entities, *entity);
                self.open(ty)?;
                self.nameable(ty, by)?;
                self.object_fine(ty, selection)?;
                let row = self.store.rows(ty).find(|row| self.is_named(ty, row, by) && self.visible(ty, row));
                Ok(row.map_or(Json::Null, |row| self.object(ty, row, selection)))
            }
            Read::List(list) => {
                let ty = position(entities, list.entity);
                self.open(ty)?;
                let Some(under) = &list.under else {
                    self.list_fine(ty, list)?;
                    return Ok(self.list(ty, list, self.store.rows(ty).collect()));
                };
                let parent = position(entities, under.entity);
                self.open(parent)?;
                self.reach(parent, &under.relation)?;
                self.list_fine(ty, list)?;
                let link = self.model.link(parent, &under.relation);
                let id = under.id.to_json();
                let row = self.store.rows(parent).find(|row| {
                    row["id"] == id
                        && self.visible(parent, row)
                        && self.member(parent, row, &under.relation, Operation::Read)
                });
                let rows = row.map_or(Vec::new(), |row| self.store.related(row, link).collect());
                Ok(self.list(ty, list, rows))
            }
            Read::Aggregate(aggregate) => {
                let ty = position(entities, aggregate.entity);
                self.open(ty)?;
                self.aggregate(ty, aggregate)
            }
            other => panic!("{other:?} is not asked"),
        }
    }

    /// Whether the caller may see the type.
    pub(crate) fn open(&self, ty: usize) -> Answer<()> {
        match (self.opens(ty, Operation::Read), self.in_scope(ty, false)) {
            (false, _) => Err(Code::UnknownType),
            (true, false) => Err(Code::InsufficientScope),
            (true, true) => Ok(()),
        }
    }

    /// Whether a row may be named like this.
    pub(crate) fn nameable(&self, ty: usize, by: &By) -> Answer<()> {
        let By::Unique(values) = by else { return Ok(()) };
        values.iter().try_for_each(|(name, _)| self.reach(ty, name))?;
        match self.ty(ty).tenant && self.caller.is_admin() {
            true => Err(Code::NotSupported),
            false => Ok(()),
        }
    }

    /// Whether it is the row that is named.
    pub(crate) fn is_named(&self, ty: usize, row: &Row, by: &By) -> bool {
        match by {
            By::Id(id) => row["id"] == id.to_json(),
            By::Unique(values) => {
                values.iter().all(|(name, value)| self.value(ty, row, name) == value.to_json())
            }
            By::Me => false,
        }
    }

    /// Whether what is wanted of a row may be asked at all.
    pub(crate) fn object_fine(&self, ty: usize, selection: &[Selected]) -> Answer<()> {
        if !self.in_scope(ty, false) {
            return Err(Code::InsufficientScope);
        }
        for selected in selection {
            let name = name(&selected.what);
            self.reach(ty, name)?;
            match &selected.what {
                Requested::One { selection, .. } => {
                    self.object_fine(self.model.link(ty, name).target, selection)?
                }
                Requested::Many { list, .. } => self.list_fine(self.model.link(ty, name).target, list)?,
                _ => {}
            }
        }
        Ok(())
    }

    /// Whether a list may be asked.
    pub(crate) fn list_fine(&self, ty: usize, list: &List) -> Answer<()> {
        if !self.in_scope(ty, false) {
            return Err(Code::InsufficientScope);
        }
        self.filter_fine(ty, list.filter.as_ref())?;
        for term in &list.order {
            self.term_fine(ty, term)?;
            if term.path == ["id"] {
                // Nothing comes after the id.
                break;
            }
        }
        for (_, part) in &list.parts {
            if let ConnectionPart::Nodes(selection) = part {
                self.object_fine(ty, selection)?;
            }
        }
        Ok(())
    }

    /// Whether a filter may be asked.
    pub(crate) fn filter_fine(&self, ty: usize, filter: Option<&Input>) -> Answer<()> {
        filter.map_or(Ok(()), |filter| self.usable(ty, &filter.to_json()))
    }

    fn term_fine(&self, ty: usize, term: &Order) -> Answer<()> {
        let mut here = ty;
        for (index, name) in term.path.iter().enumerate() {
            self.reach(here, name)?;
            if index + 1 < term.path.len() {
                if self.conditional(here, name) {
                    return Err(Code::NotSupported);
                }
                here = self.model.link(here, name).target;
            }
        }
        Ok(())
    }

    /// Whether a row fulfils the caller's filter.
    pub(crate) fn matches(&self, ty: usize, row: &Row, filter: Option<&Input>) -> bool {
        filter.is_none_or(|filter| self.condition(ty, &filter.to_json(), row, Voice::Client) == Some(true))
    }

    /// The rows of a list in its order.
    pub(crate) fn ordered<'r>(&self, ty: usize, list: &List, rows: Vec<&'r Row>) -> Vec<&'r Row> {
        let mut found: Vec<&Row> = rows
            .into_iter()
            .filter(|row| self.visible(ty, row) && self.matches(ty, row, list.filter.as_ref()))
            .collect();
        let last = list.order.last().is_some_and(|term| term.descending);
        found.sort_by(|one, other| {
            list.order
                .iter()
                .map(|term| self.compare_by(ty, term, one, other))
                .find(|order| order.is_ne())
                .unwrap_or_else(|| {
                    let by_id = order(Ty::Id(self.ty(ty).key), &one["id"], &other["id"]);
                    if last { by_id.reverse() } else { by_id }
                })
        });
        found
    }

    fn compare_by(&self, ty: usize, term: &Order, one: &Row, other: &Row) -> Ordering {
        let (kind, one) = self.at(ty, one, &term.path);
        let (_, other) = self.at(ty, other, &term.path);
        let nulls_first = term.nulls.map_or(term.descending, |nulls| nulls == Nulls::First);
        match (one.is_null(), other.is_null()) {
            (true, true) => Ordering::Equal,
            (null, false) | (false, null) if null => {
                let one_first = one.is_null() == nulls_first;
                if one_first { Ordering::Less } else { Ordering::Greater }
            }
            _ => {
                let ascending = order(kind, &one, &other);
                if term.descending { ascending.reverse() } else { ascending }
            }
        }
    }

    /// The value at the end of a path, with its type.
    fn at(&self, ty: usize, row: &Row, path: &[String]) -> (Ty, Json) {
        let Some((name, rest)) = path.split_first() else { return (Ty::Int, Json::Null) };
        let link = self.ty(ty).link(name);
        if rest.is_empty() {
            let kind = match (link, self.ty(ty).field(name)) {
                (Some(link), _) => Ty::Id(self.ty(link.target).key),
                (_, Some(field)) => field.ty,
                _ => Ty::Int,
            };
            return (kind, self.value(ty, row, name));
        }
        let Some(link) = link else { return (Ty::Int, Json::Null) };
        let shown = self.member(ty, row, name, Operation::Read);
        let other = self.store.related(row, link).find(|other| shown && self.visible(link.target, other));
        match other {
            Some(other) => self.at(link.target, other, rest),
            None => {
                // Only the type is asked for.
                let end = rest.iter().fold((link.target, Ty::Int), |(here, _), name| {
                    match (self.ty(here).link(name), self.ty(here).field(name)) {
                        (Some(link), _) => (link.target, Ty::Id(self.ty(link.target).key)),
                        (_, Some(field)) => (here, field.ty),
                        _ => (here, Ty::Int),
                    }
                });
                (end.1, Json::Null)
            }
        }
    }

    fn list(&self, ty: usize, list: &List, rows: Vec<&Row>) -> Json {
        let found = self.ordered(ty, list, rows);
        let page = &list.page;
        let total = found.len();
        let offset = page.offset.unwrap_or(0) as usize;
        let (window, next, previous) = match (page.first, page.last) {
            (_, Some(last)) => {
                let start = total.saturating_sub(last as usize);
                (&found[start..], false, start > 0)
            }
            (first, None) => {
                let start = offset.min(total);
                let end = (start + first.unwrap_or(25) as usize).min(total);
                (&found[start..end], end < total, offset > 0)
            }
        };
        let parts = list.parts.iter().map(|(key, part)| {
            let value = match part {
                ConnectionPart::Nodes(selection) => {
                    window.iter().map(|row| self.object(ty, row, selection)).collect()
                }
                ConnectionPart::Total => total.into(),
                ConnectionPart::PageInfo(facts) => {
                    let facts = facts.iter().map(|(key, fact)| {
                        (key.clone(), Json::Bool(if *fact == PageFact::HasNext { next } else { previous }))
                    });
                    Json::Object(facts.collect())
                }
                other => panic!("{other:?} is not asked"),
            };
            (key.clone(), value)
        });
        Json::Object(parts.collect())
    }

    /// What is wanted of a row.
    pub(crate) fn object(&self, ty: usize, row: &Row, selection: &[Selected]) -> Json {
        let parts = selection.iter().map(|selected| {
            let name = name(&selected.what);
            let value = match &selected.what {
                Requested::Field { .. } | Requested::Key { .. } => self.value(ty, row, name),
                _ if !self.member(ty, row, name, Operation::Read) => Json::Null,
                Requested::One { selection, .. } => {
                    let link = self.model.link(ty, name);
                    let other = self.store.related(row, link).find(|other| self.visible(link.target, other));
                    other.map_or(Json::Null, |other| self.object(link.target, other, selection))
                }
                Requested::Many { list, .. } => {
                    let link = self.model.link(ty, name);
                    self.list(link.target, list, self.store.related(row, link).collect())
                }
                Requested::Typename => Json::Null,
            };
            (selected.key.clone(), value)
        });
        Json::Object(parts.collect::<Map<_, _>>())
    }
}

/// The position of a type.
pub(crate) fn position(entities: &[EntityId], entity: EntityId) -> usize {
    entities.iter().position(|known| *known == entity).unwrap()
}

fn name(what: &Requested) -> &str {
    match what {
        Requested::Field { name, .. }
        | Requested::Key { name }
        | Requested::One { name, .. }
        | Requested::Many { name, .. } => name,
        Requested::Typename => "id",
    }
}
