//! Plans of pages.

use entity::catalog::Operation;
use entity::{EntityId, Input, Operand, Predicate, RelationId, Value};

use super::order::OrderTerm;
use super::{Object, Planner, cursor};
use crate::access;
use crate::engine::request::{ConnectionPart, EdgePart, List, PageFact};
use crate::error::{Code, Error, Result};

/// A page of rows.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ListPlan {
    /// The rows' type.
    pub(crate) entity: EntityId,
    /// Where they come from.
    pub(crate) source: Source,
    /// Which of them: the caller's condition and the rule.
    pub(crate) predicate: Predicate,
    /// A total order: it ends in the key.
    pub(crate) order: Vec<OrderTerm>,
    /// Which page.
    pub(crate) window: Window,
    /// What of it.
    pub(crate) parts: Vec<(String, PartPlan)>,
    /// Whether the page's facts are wanted beside the JSON.
    pub(crate) facts: bool,
    /// Whether the number of rows on all pages is among them.
    pub(crate) total: bool,
}

/// Where the rows of a list come from.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Source {
    /// All rows.
    Table,
    /// Those on the other side of a relation of the row around.
    Relation(EntityId, RelationId),
    /// Those on the other side of a relation of a named row.
    Under {
        /// The named row's type.
        entity: EntityId,
        /// Its relation.
        relation: RelationId,
        /// Its id.
        id: Operand,
        /// The condition under which it is there.
        parent: Box<Predicate>,
    },
}

/// Which rows of an order. The limit is not optional.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Window {
    /// Rows at most.
    pub(crate) limit: u64,
    /// Rows to skip.
    pub(crate) offset: u64,
    /// Counted from the end.
    pub(crate) backward: bool,
    /// Only rows after these values of the order's terms.
    pub(crate) after: Option<Vec<Value>>,
    /// Only rows before these values.
    pub(crate) before: Option<Vec<Value>>,
    /// Only rows after the row with this key.
    pub(crate) after_id: Option<Operand>,
    /// Only rows before the row with this key.
    pub(crate) before_id: Option<Operand>,
}

/// One part of a page.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum PartPlan {
    /// The rows.
    Nodes(Object),
    /// The rows with their cursors.
    Edges(Vec<(String, EdgePlan)>),
    /// An object of facts.
    PageInfo(Vec<(String, PageFact)>),
    /// One fact.
    Fact(PageFact),
    /// The number of rows on all pages.
    Total,
    /// A text known already.
    Constant(String),
}

/// One part of an edge.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum EdgePlan {
    /// The cursor.
    Cursor,
    /// The row.
    Node(Object),
    /// A text known already.
    Constant(String),
}

impl Planner<'_> {
    pub(super) fn list(
        &mut self,
        entity: EntityId,
        source: Source,
        list: &List,
        level: usize,
        each: u64,
    ) -> Result<ListPlan> {
        let definition = self.entity(entity);
        access::scoped(definition, &self.context.principal, Operation::Read)?;
        if list.search.is_some() {
            return Err(Error::new(Code::NotSupported, format!("{} can't be searched.", definition.name))
                .hint("Use `icontains` in the condition."));
        }
        let condition = match &list.filter {
            Some(filter) => self.filter(entity, filter).map_err(|error| error.at("where"))?,
            None => Predicate::Always,
        };
        let rule = if names_deletion(list.filter.as_ref()) && self.context.principal.is_admin() {
            Predicate::Always
        } else {
            self.visible(entity)
        };
        let order = self.order(entity, &list.order)?;
        let window = self.window(entity, list, &order)?;
        let rows = self.rows(each, window.limit)?;
        let mut parts = Vec::with_capacity(list.parts.len());
        for (key, part) in &list.parts {
            let part = self.part(entity, part, level, rows).map_err(|error| error.under(key.as_str()))?;
            parts.push((key.clone(), part));
        }
        let predicate = Predicate::and([rule, condition]);
        Ok(ListPlan { entity, source, predicate, order, window, parts, facts: list.facts, total: list.total })
    }

    fn part(&mut self, entity: EntityId, part: &ConnectionPart, level: usize, rows: u64) -> Result<PartPlan> {
        self.field()?;
        Ok(match part {
            ConnectionPart::Nodes(selection) => PartPlan::Nodes(self.object(entity, selection, level, rows)?),
            ConnectionPart::Edges(parts) => {
                let mut edges = Vec::with_capacity(parts.len());
                for (key, part) in parts {
                    let part = match part {
                        EdgePart::Cursor => EdgePlan::Cursor,
                        EdgePart::Node(selection) => EdgePlan::Node(
                            self.object(entity, selection, level, rows)
                                .map_err(|error| error.under(key.as_str()))?,
                        ),
                        EdgePart::Typename(name) => EdgePlan::Constant(name.clone()),
                    };
                    edges.push((key.clone(), part));
                }
                PartPlan::Edges(edges)
            }
            ConnectionPart::PageInfo(facts) => PartPlan::PageInfo(facts.clone()),
            ConnectionPart::Fact(fact) => PartPlan::Fact(fact.clone()),
            ConnectionPart::Total => PartPlan::Total,
            ConnectionPart::Typename(name) => PartPlan::Constant(name.clone()),
        })
    }

    fn window(&self, entity: EntityId, list: &List, order: &[OrderTerm]) -> Result<Window> {
        let definition = self.entity(entity);
        let page = &list.page;
        let invalid = |message: &str| Err(Error::new(Code::PageInvalid, message));
        if page.first.is_some() && page.last.is_some() {
            return invalid("`first` and `last` exclude each other.");
        }
        if (page.after.is_some() && page.after_id.is_some())
            || (page.before.is_some() && page.before_id.is_some())
        {
            return invalid("A page begins after a cursor or after an id, not both.");
        }
        if page.last.is_some() && page.offset.is_some() {
            return invalid("`offset` counts from the start; use it with `first`.");
        }
        // Before a place without a direction means the rows just before it, as Relay and Stripe have it.
        let backward = page.last.is_some()
            || (page.first.is_none()
                && (page.before.is_some() || page.before_id.is_some())
                && page.after.is_none()
                && page.after_id.is_none());
        let limit = page.first.or(page.last).unwrap_or(definition.limit.default);
        if limit > definition.limit.max {
            return Err(Error::new(
                Code::PageTooLarge,
                format!(
                    "{} rows of {} were asked for; the maximum is {}.",
                    limit, definition.plural, definition.limit.max
                ),
            )
            .hint("Ask for less and follow the cursor.")
            .at(if page.last.is_some() { "last" } else { "first" }));
        }
        let offset = page.offset.unwrap_or(0);
        if offset > self.context.limits.offset {
            return Err(Error::new(
                Code::LimitExceeded,
                format!("`offset` may be {} at most.", self.context.limits.offset),
            )
            .hint("Follow the cursor (`after`) instead: it costs the same on every page.")
            .at("offset"));
        }
        let decode = |text: &Option<String>, name: &str| match text {
            Some(text) => cursor::decode(&self.context.catalog, definition, order, text)
                .map(Some)
                .map_err(|error| error.at(name)),
            None => Ok(None),
        };
        let id = |text: &Option<String>| match text {
            Some(text) => super::read::key(definition, &Input::String(text.clone())).map(Some),
            None => Ok(None),
        };
        Ok(Window {
            limit,
            offset,
            backward,
            after: decode(&page.after, "after")?,
            before: decode(&page.before, "before")?,
            after_id: id(&page.after_id).map_err(|error| error.at("starting_after"))?,
            before_id: id(&page.before_id).map_err(|error| error.at("ending_before"))?,
        })
    }
}

/// Whether a condition asks for deleted rows: only then, and only for an administrator, they take part.
pub(in crate::engine) fn names_deletion(filter: Option<&Input>) -> bool {
    match filter {
        Some(Input::Object(fields)) => fields.iter().any(|(name, value)| match name.as_str() {
            "deletedAt" => true,
            "and" | "or" => {
                matches!(value, Input::List(items) if items.iter().any(|item| names_deletion(Some(item))))
            }
            "not" => names_deletion(Some(value)),
            _ => false,
        }),
        _ => false,
    }
}
