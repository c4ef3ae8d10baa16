//! The order of a list and the places in it: ORDER BY, keyset conditions, cursors.

use entity::{Predicate, Value};

use super::text::{Alias, Bind, Form, Sql, form_value};
use crate::engine::plan::{OrderTerm, cursor};

impl Sql<'_> {
    /// The expression of a term for a row of the listed entity.
    pub(crate) fn term(&mut self, row: Alias, term: &OrderTerm) {
        // (select (select t2.name from artists t2 where t2.id = t1.artist_id) from albums t1 where t1.id = t0.album_id)
        self.path(row, &term.path, term);
    }

    fn shown_column(&mut self, row: Alias, term: &OrderTerm) {
        let definition = self.catalog.entity(term.entity);
        let column = &definition.field(term.field).column;
        if term.shown == Predicate::Always {
            self.column(row, column);
        } else {
            self.push("case when ");
            self.predicate(term.entity, row, &term.shown);
            self.push(" then ").column(row, column).push(" end");
        }
    }

    fn path(&mut self, row: Alias, steps: &[(entity::RelationId, Predicate)], term: &OrderTerm) {
        let Some(((relation, visible), rest)) = steps.split_first() else {
            return self.shown_column(row, term);
        };
        let other = self.alias();
        let owner = self.step_owner(term, steps.len());
        let relation = self.catalog.entity(owner).relation(*relation);
        self.push("(select ");
        self.path(other, rest, term);
        self.push(" from ");
        self.related_from(relation, other);
        self.push(" where ");
        self.related_on(owner, row, relation, other);
        if *visible != Predicate::Always {
            self.push(" and ");
            self.predicate(relation.target, other, visible);
        }
        self.push(")");
    }

    /// The entity a step starts from, counted from the end of the path.
    fn step_owner(&self, term: &OrderTerm, remaining: usize) -> entity::EntityId {
        let mut here = term.origin;
        for (relation, _) in term.path.iter().take(term.path.len() - remaining) {
            here = self.catalog.entity(here).relation(*relation).target;
        }
        here
    }

    /// ` order by …`
    pub(crate) fn order_by(&mut self, row: Alias, order: &[OrderTerm]) {
        self.push(" order by ");
        for (index, term) in order.iter().enumerate() {
            if index > 0 {
                self.push(", ");
            }
            self.term(row, term);
            self.push(if term.descending { " desc" } else { " asc" });
            if term.nullable {
                self.push(if term.nulls_first { " nulls first" } else { " nulls last" });
            }
        }
    }

    /// The condition that a row comes after the given values in an order.
    pub(crate) fn after(&mut self, row: Alias, order: &[OrderTerm], values: &[Value]) {
        let uniform = order.iter().all(|term| {
            term.is_plain() && Some(term.descending) == order.first().map(|term| term.descending)
        });
        let bindings: Vec<Option<sea_orm::Value>> =
            order.iter().zip(values).map(|(term, value)| self.bound(term, value)).collect();
        self.push("(");
        if uniform {
            self.row_after(row, order, &bindings);
        } else {
            self.after_from(row, order, &bindings);
        }
        self.push(")");
    }

    /// `(a, b) > ($1, $2)`: what an index over the columns answers directly.
    fn row_after(&mut self, row: Alias, order: &[OrderTerm], values: &[Option<sea_orm::Value>]) {
        self.push("(");
        for (index, term) in order.iter().enumerate() {
            if index > 0 {
                self.push(", ");
            }
            self.term(row, term);
        }
        let descending = order.first().is_some_and(|term| term.descending);
        self.push(if descending { ") < (" } else { ") > (" });
        for (index, value) in values.iter().enumerate() {
            if index > 0 {
                self.push(", ");
            }
            self.bind_option(value);
        }
        self.push(")");
    }

    /// `a > $1 or (a = $1 and (b > $2 or (…)))`, with the place of nulls.
    fn after_from(&mut self, row: Alias, order: &[OrderTerm], values: &[Option<sea_orm::Value>]) {
        let (Some((term, rest)), Some((value, others))) = (order.split_first(), values.split_first()) else {
            self.push("false");
            return;
        };
        self.beyond(row, term, value);
        if rest.is_empty() {
            return;
        }
        self.push(" or (");
        self.term(row, term);
        if value.is_none() {
            self.push(" is null");
        } else {
            self.push(" = ");
            self.bind_option(value);
        }
        self.push(" and (");
        self.after_from(row, rest, others);
        self.push("))");
    }

    fn beyond(&mut self, row: Alias, term: &OrderTerm, value: &Option<sea_orm::Value>) {
        match (value, term.nulls_first) {
            (None, true) => {
                self.term(row, term);
                self.push(" is not null");
            }
            (None, false) => {
                self.push("false");
            }
            (Some(_), nulls_first) => {
                self.push("(");
                self.term(row, term);
                self.push(if term.descending { " < " } else { " > " });
                self.bind_option(value);
                if term.nullable && !nulls_first {
                    self.push(" or ");
                    self.term(row, term);
                    self.push(" is null");
                }
                self.push(")");
            }
        }
    }

    fn bind_option(&mut self, value: &Option<sea_orm::Value>) {
        match value {
            Some(value) => self.bind(Bind::Value(value.clone())),
            None => self.push("NULL"),
        };
    }

    fn bound(&self, term: &OrderTerm, value: &Value) -> Option<sea_orm::Value> {
        if value.is_null() {
            return None;
        }
        let field = self.catalog.entity(term.entity).field(term.field);
        Some(form_value(self.dialect, field.ty, Form::Plain(false), value))
    }

    /// The condition that a row comes after the row with a key, whatever that row's values are.
    pub(crate) fn after_row(
        &mut self,
        row: Alias,
        entity: entity::EntityId,
        order: &[OrderTerm],
        key: &entity::Operand,
        visible: &Predicate,
    ) {
        let other = self.alias();
        let definition = self.catalog.entity(entity);
        self.push("exists (select 1 from ").ident(&definition.table).push(" ").table(other).push(" where ");
        self.column(other, &definition.key_field().column).push(" = ");
        self.operand(key, definition.key_field().ty, Form::Plain(false)).push(" and ");
        self.predicate(entity, other, visible);
        self.push(" and (");
        self.after_other(row, other, order);
        self.push("))");
    }

    fn after_other(&mut self, row: Alias, other: Alias, order: &[OrderTerm]) {
        let Some((term, rest)) = order.split_first() else {
            self.push("false");
            return;
        };
        self.push("(");
        self.term(row, term);
        self.push(if term.descending { " < " } else { " > " });
        self.term(other, term);
        if term.nullable {
            // One of them without a value: the place of nulls decides.
            self.push(" or (");
            self.term(if term.nulls_first { other } else { row }, term);
            self.push(" is null and ");
            self.term(if term.nulls_first { row } else { other }, term);
            self.push(" is not null)");
        }
        self.push(")");
        if rest.is_empty() {
            return;
        }
        self.push(" or (");
        if term.nullable {
            self.push("(");
            self.term(row, term);
            self.push(" = ");
            self.term(other, term);
            self.push(" or (");
            self.term(row, term);
            self.push(" is null and ");
            self.term(other, term);
            self.push(" is null))");
        } else {
            self.term(row, term);
            self.push(" = ");
            self.term(other, term);
        }
        self.push(" and (");
        self.after_other(row, other, rest);
        self.push("))");
    }

    /// The cursor of a row.
    pub(crate) fn cursor(&mut self, entity: entity::EntityId, row: Alias, order: &[OrderTerm]) {
        let mark = cursor::mark(self.catalog.entity(entity), order);
        self.hex_array(&mark, order.len(), &mut |sql, index| {
            let Some(term) = order.get(index) else { return };
            let field = sql.catalog.entity(term.entity).field(term.field);
            sql.cursor_value(field, &mut |sql| sql.term(row, term));
        });
    }
}
