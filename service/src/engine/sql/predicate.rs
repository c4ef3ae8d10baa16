//! A predicate becomes a boolean expression: `EXISTS` for relations, never a join that changes how many rows there are.

use entity::catalog::{Entity, Field, Join, Relation};
use entity::{EntityId, FieldId, FieldType, Op, Operand, Predicate, Scalar, Value};
use migration::Dialect;

use super::text::{Alias, FOLDED, Form, Sql};

impl Sql<'_> {
    /// A condition on a row of an entity.
    pub(crate) fn predicate(&mut self, entity: EntityId, row: Alias, predicate: &Predicate) {
        match predicate {
            Predicate::Always => {
                self.push("true");
            }
            Predicate::Never => {
                self.push("false");
            }
            Predicate::All(parts) => self.joined(entity, row, parts, " and ", "true"),
            Predicate::Any(parts) => self.joined(entity, row, parts, " or ", "false"),
            Predicate::Not(inner) => {
                self.push("not (");
                self.predicate(entity, row, inner);
                self.push(")");
            }
            Predicate::Untrue(inner) => {
                self.push("((");
                self.predicate(entity, row, inner);
                self.push(") is not true)");
            }
            Predicate::Where(shown, inner) => {
                self.push("case when ");
                self.predicate(entity, row, shown);
                self.push(" then (");
                self.predicate(entity, row, inner);
                self.push(") end");
            }
            Predicate::Compare { field, op, value } => self.compare(entity, row, *field, *op, value),
            Predicate::CompareFields { field, op, other } => {
                let definition = self.catalog.entity(entity);
                self.column(row, &definition.field(*field).column).push(" ").push(symbol(*op)).push(" ");
                self.column(row, &definition.field(*other).column);
            }
            Predicate::Exists { relation, that } => {
                let relation = self.catalog.entity(entity).relation(*relation);
                self.exists(entity, row, relation, that);
            }
            Predicate::Count { relation, that, op, value } => {
                let relation = self.catalog.entity(entity).relation(*relation);
                self.push("(select count(*) from ");
                self.related(entity, row, relation, that);
                self.push(") ");
                self.comparison(*op, value, FieldType::Scalar(Scalar::BigInt));
            }
        }
    }

    fn joined(&mut self, entity: EntityId, row: Alias, parts: &[Predicate], between: &str, none: &str) {
        if parts.is_empty() {
            self.push(none);
            return;
        }
        self.push("(");
        for (index, part) in parts.iter().enumerate() {
            if index > 0 {
                self.push(between);
            }
            self.predicate(entity, row, part);
        }
        self.push(")");
    }

    fn exists(&mut self, entity: EntityId, row: Alias, relation: &Relation, that: &Predicate) {
        // Every key refers to a row: nothing is to be looked up to know that there is one.
        if let (Join::Outgoing { field }, Predicate::Always) = (&relation.join, that) {
            let column = &self.catalog.entity(entity).field(*field).column;
            self.column(row, column).push(" is not null");
            return;
        }
        self.push("exists (select 1 from ");
        self.related(entity, row, relation, that);
        self.push(")");
    }

    /// `table alias [join …] where <related to the row> and <that>`; the alias is that of the related row.
    pub(crate) fn related(
        &mut self,
        entity: EntityId,
        row: Alias,
        relation: &Relation,
        that: &Predicate,
    ) -> Alias {
        let other = self.alias();
        self.related_from(relation, other);
        self.push(" where ");
        self.related_on(entity, row, relation, other);
        if *that != Predicate::Always {
            self.push(" and ");
            self.predicate(relation.target, other, that);
        }
        other
    }

    /// The FROM clause of the rows on the other side.
    pub(crate) fn related_from(&mut self, relation: &Relation, other: Alias) {
        let target = self.catalog.entity(relation.target);
        self.ident(&target.table).push(" ").table(other);
        if let Join::Through { table, far, .. } = &relation.join {
            self.push(" join ")
                .ident(table)
                .push(" j")
                .number(other.0 as u64)
                .push(" on j")
                .number(other.0 as u64)
                .push(".")
                .ident(far)
                .push(" = ");
            self.column(other, &target.key_field().column);
        }
    }

    /// The condition that a row is on the other side of a row's relation.
    pub(crate) fn related_on(&mut self, entity: EntityId, row: Alias, relation: &Relation, other: Alias) {
        let definition = self.catalog.entity(entity);
        let target = self.catalog.entity(relation.target);
        match &relation.join {
            Join::Outgoing { field } => {
                self.column(other, &target.key_field().column).push(" = ");
                self.column(row, &definition.field(*field).column);
            }
            Join::Incoming { field } => {
                self.column(other, &target.field(*field).column).push(" = ");
                self.column(row, &definition.key_field().column);
            }
            Join::Through { near, .. } => {
                self.push("j").number(other.0 as u64).push(".").ident(near).push(" = ");
                self.column(row, &definition.key_field().column);
            }
        }
    }

    fn compare(&mut self, entity: EntityId, row: Alias, field: FieldId, op: Op, value: &Operand) {
        let definition = self.catalog.entity(entity);
        let field = definition.field(field);
        match op {
            Op::IsNull => self.is_null(row, field, value),
            Op::Has | Op::HasAny | Op::HasAll => self.list_has(definition, row, field, op, value),
            Op::Like | Op::Contains | Op::StartsWith | Op::EndsWith => {
                self.column(row, &field.column).push(" like ");
                self.operand(value, field.ty, Form::Pattern(op)).push(" escape '\\'");
            }
            Op::Ieq | Op::Icontains | Op::IstartsWith | Op::IendsWith => {
                self.ignoring_case(row, field, op, value)
            }
            Op::Eq | Op::Ne | Op::In | Op::NotIn | Op::Gt | Op::Gte | Op::Lt | Op::Lte | Op::Between => {
                self.column(row, &field.column).push(" ");
                self.comparison(op, value, field.ty);
            }
        }
    }

    /// Letters of either case are alike, whatever their alphabet: by Unicode's simple case folding, one character at a
    /// time. SQLite's expressions do so by themselves; PostgreSQL makes small letters of both sides, which is the same
    /// once the letters are replaced for which it is not. The column's own collation is by code point.
    fn ignoring_case(&mut self, row: Alias, field: &Field, op: Op, value: &Operand) {
        match self.dialect {
            Dialect::Postgres => {
                let (from, to): (String, String) = FOLDED.into_iter().unzip();
                self.push("(translate(").column(row, &field.column).push(", ").literal(&from).push(", ");
                self.literal(&to).push(") collate \"und-x-icu\") ilike ");
                self.operand(value, field.ty, Form::Pattern(op)).push(" escape '\\'");
            }
            Dialect::Sqlite => {
                self.column(row, &field.column).push(" regexp ");
                self.operand(value, field.ty, Form::Expression(op));
            }
        }
    }

    /// The right side of an ordering or equality operator, with the operator.
    pub(crate) fn comparison(&mut self, op: Op, value: &Operand, ty: FieldType) {
        match op {
            Op::In | Op::NotIn => {
                let set = match (self.dialect, op) {
                    (Dialect::Postgres, Op::In) => ("= any(", ")"),
                    (Dialect::Postgres, _) => ("<> all(", ")"),
                    (Dialect::Sqlite, Op::In) => ("in (select value from json_each(", "))"),
                    (Dialect::Sqlite, _) => ("not in (select value from json_each(", "))"),
                };
                self.push(set.0);
                self.operand(value, ty, Form::Set).push(set.1);
            }
            Op::Between => {
                self.push("between ");
                self.operand(value, ty, Form::Item(0)).push(" and ");
                self.operand(value, ty, Form::Item(1));
            }
            _ => {
                self.push(symbol(op)).push(" ");
                self.operand(value, ty, Form::Plain(false));
            }
        }
    }

    fn is_null(&mut self, row: Alias, field: &Field, value: &Operand) {
        match value {
            Operand::Value(Value::Bool(true)) => self.column(row, &field.column).push(" is null"),
            Operand::Value(Value::Bool(false)) => self.column(row, &field.column).push(" is not null"),
            other => {
                self.push("(").column(row, &field.column).push(" is null) = ");
                self.operand(other, FieldType::Scalar(Scalar::Boolean), Form::Plain(false))
            }
        };
    }

    fn list_has(&mut self, _: &Entity, row: Alias, field: &Field, op: Op, value: &Operand) {
        // One item is no list of them.
        let form = if op == Op::Has { Form::OneItem } else { Form::Items };
        let column = |sql: &mut Self| {
            sql.column(row, &field.column);
        };
        self.push("case when ");
        column(self);
        self.push(" is not null");
        if let Operand::Claim(_) = value {
            // Nothing is known of a list the caller does not have: neither that it has an item nor that it has not.
            self.push(" and ").operand(value, field.ty, form);
            self.push(if self.dialect == Dialect::Postgres { "::jsonb is not null" } else { " is not null" });
        }
        self.push(" then ");
        match (self.dialect, op) {
            (Dialect::Postgres, Op::HasAny) => {
                self.push("exists (select 1 from jsonb_array_elements(");
                column(self);
                self.push(") as item(value) where ");
                self.operand(value, field.ty, form).push("::jsonb @> item.value)");
            }
            (Dialect::Postgres, _) => {
                column(self);
                self.push(" @> ");
                self.operand(value, field.ty, form).push("::jsonb");
            }
            (Dialect::Sqlite, Op::HasAll) => {
                self.push("not exists (select 1 from json_each(");
                self.operand(value, field.ty, form);
                self.push(") wanted where not exists (select 1 from json_each(");
                column(self);
                self.push(") item where item.value = wanted.value))");
            }
            (Dialect::Sqlite, _) => {
                self.push("exists (select 1 from json_each(");
                column(self);
                self.push(") item join json_each(");
                self.operand(value, field.ty, form).push(") wanted on item.value = wanted.value)");
            }
        }
        self.push(" end");
    }
}

fn symbol(op: Op) -> &'static str {
    match op {
        Op::Ne => "<>",
        Op::Gt => ">",
        Op::Gte => ">=",
        Op::Lt => "<",
        Op::Lte => "<=",
        _ => "=",
    }
}
