//! Groups and numbers about them as one scalar sub-select.

use entity::catalog::Entity;
use entity::{FieldType, Predicate, Scalar};
use migration::Dialect;

use super::text::{Alias, Sql};
use crate::engine::plan::aggregate::{
    AggregatePartPlan, AggregatePlan, Column, Having, KeyPartPlan, MeasurePartPlan, MeasurePlan,
};
use crate::engine::request::Function;

impl Sql<'_> {
    /// The groups as a JSON array.
    pub(crate) fn groups(&mut self, plan: &AggregatePlan) {
        let rows = self.alias();
        let row = self.alias();
        self.push("select ");
        self.array(None, None, &mut |sql| sql.group_object(plan, rows));
        self.push(" from (select ");
        self.group_columns(plan, row);
        let table = &self.catalog.entity(plan.entity).table;
        self.push(" from ").ident(table).push(" ").table(row).push(" where ");
        self.predicate(plan.entity, row, &plan.predicate);
        for index in 0..plan.groups.len() {
            self.push(if index == 0 { " group by " } else { ", " }).number(index as u64 + 1);
        }
        if let Some(having) = &plan.having {
            self.push(" having ");
            self.having(plan, row, having);
        }
        self.group_order(plan);
        self.push(" limit ").number(plan.limit).push(") ").table(rows);
    }

    fn group_columns(&mut self, plan: &AggregatePlan, row: Alias) {
        let entity = self.catalog.entity(plan.entity);
        let mut first = true;
        for (index, group) in plan.groups.iter().enumerate() {
            self.push(if std::mem::take(&mut first) { "" } else { ", " });
            let field = entity.field(group.field);
            let mut column = |sql: &mut Self| sql.masked(entity, row, &group.shown, &field.column);
            match (group.bucket, field.ty) {
                (Some(bucket), FieldType::Scalar(scalar)) => self.bucket(scalar, bucket, &mut column),
                _ => column(self),
            }
            self.push(" as g").number(index as u64);
        }
        for (index, measure) in plan.measures.iter().enumerate() {
            self.push(if std::mem::take(&mut first) { "" } else { ", " });
            self.measure(entity, row, measure);
            self.push(" as m").number(index as u64);
        }
        if first {
            self.push("count(*) as m0");
        }
    }

    fn masked(&mut self, entity: &Entity, row: Alias, shown: &Predicate, column: &str) {
        if *shown == Predicate::Always {
            self.column(row, column);
            return;
        }
        self.push("(case when ");
        self.predicate(entity.id, row, shown);
        self.push(" then ").column(row, column).push(" end)");
    }

    fn measure(&mut self, entity: &Entity, row: Alias, measure: &MeasurePlan) {
        let MeasurePlan::Of { function, field, shown, .. } = measure else {
            self.push("count(*)");
            return;
        };
        let field = entity.field(*field);
        let column = |sql: &mut Self| sql.masked(entity, row, shown, &field.column);
        match function {
            Function::Sum | Function::Min | Function::Max => {
                self.push(function.name()).push("(");
                column(self);
                self.push(")");
            }
            // Both databases divide the same doubles, so that they give the same average.
            Function::Avg => {
                self.push(match self.dialect {
                    Dialect::Postgres => "(sum(",
                    Dialect::Sqlite => "(cast(sum(",
                });
                column(self);
                // Of no values there is no average, and nothing is divided by zero.
                self.push(match (self.dialect, field.ty) {
                    (Dialect::Postgres, _) => ")::double precision / nullif(count(",
                    (Dialect::Sqlite, FieldType::Scalar(Scalar::Decimal)) => {
                        ") as real) / 1000000.0 / nullif(count("
                    }
                    (Dialect::Sqlite, _) => ") as real) / nullif(count(",
                });
                column(self);
                self.push("), 0))");
            }
        }
    }

    fn having(&mut self, plan: &AggregatePlan, row: Alias, having: &Having) {
        match having {
            Having::All(parts) => self.having_list(plan, row, parts, " and ", "true"),
            Having::Any(parts) => self.having_list(plan, row, parts, " or ", "false"),
            Having::Not(inner) => {
                self.push("not (");
                self.having(plan, row, inner);
                self.push(")");
            }
            Having::Compare(index, op, value) => {
                let Some(measure) = plan.measures.get(*index) else { return };
                let entity = self.catalog.entity(plan.entity);
                self.measure(entity, row, measure);
                self.push(" ");
                self.comparison(*op, value, measure_type(measure));
            }
        }
    }

    fn having_list(&mut self, plan: &AggregatePlan, row: Alias, parts: &[Having], between: &str, none: &str) {
        if parts.is_empty() {
            self.push(none);
            return;
        }
        self.push("(");
        for (index, part) in parts.iter().enumerate() {
            if index > 0 {
                self.push(between);
            }
            self.having(plan, row, part);
        }
        self.push(")");
    }

    fn group_order(&mut self, plan: &AggregatePlan) {
        for (index, (column, descending)) in plan.order.iter().enumerate() {
            self.push(if index == 0 { " order by " } else { ", " });
            let position = match column {
                Column::Group(index) => *index,
                Column::Measure(index) => plan.groups.len() + index,
            };
            self.number(position as u64 + 1);
            self.push(if *descending { " desc nulls last" } else { " asc nulls last" });
        }
    }

    fn group_object(&mut self, plan: &AggregatePlan, rows: Alias) {
        let keys: Vec<&str> = plan.parts.iter().map(|(key, _)| key.as_str()).collect();
        self.object(&keys, &mut |sql, index| match plan.parts.get(index) {
            Some((_, AggregatePartPlan::Constant(text))) => sql.text_literal(text),
            Some((_, AggregatePartPlan::Measure(index))) => sql.measure_value(plan, rows, *index),
            Some((_, AggregatePartPlan::Measures(fields))) => {
                let keys: Vec<&str> = fields.iter().map(|(key, _)| key.as_str()).collect();
                sql.object(&keys, &mut |sql, index| match fields.get(index) {
                    Some((_, MeasurePartPlan::Value(measure))) => sql.measure_value(plan, rows, *measure),
                    Some((_, MeasurePartPlan::Constant(text))) => sql.text_literal(text),
                    None => {}
                });
            }
            Some((_, AggregatePartPlan::Key(parts))) => {
                let keys: Vec<&str> = parts.iter().map(|(key, _)| key.as_str()).collect();
                sql.object(&keys, &mut |sql, index| {
                    if let Some((_, part)) = parts.get(index) {
                        sql.key_part(plan, rows, part);
                    }
                });
            }
            None => {}
        });
    }

    fn measure_value(&mut self, plan: &AggregatePlan, rows: Alias, index: usize) {
        let Some(measure) = plan.measures.get(index) else { return };
        let mut column = |sql: &mut Self| {
            sql.table(rows).push(".m").number(index as u64);
        };
        match measure {
            MeasurePlan::Count => column(self),
            MeasurePlan::Of { ty, .. } => self.json_value(*ty, false, &mut column),
        }
    }

    fn key_part(&mut self, plan: &AggregatePlan, rows: Alias, part: &KeyPartPlan) {
        match part {
            KeyPartPlan::Null => {
                self.push("null");
            }
            KeyPartPlan::Constant(text) => self.text_literal(text),
            KeyPartPlan::Value(index) => {
                let Some(group) = plan.groups.get(*index) else { return };
                let field = self.catalog.entity(plan.entity).field(group.field);
                self.json_value(field.ty, field.list, &mut |sql| {
                    sql.table(rows).push(".g").number(*index as u64);
                });
            }
            KeyPartPlan::Row { group, predicate, object, .. } => self.nested(&mut |sql| {
                let other = sql.alias();
                let target = sql.catalog.entity(object.entity);
                sql.push("select ");
                sql.row_object(object, other);
                sql.push(" from ").ident(&target.table).push(" ").table(other).push(" where ");
                sql.column(other, &target.key_field().column)
                    .push(" = ")
                    .table(rows)
                    .push(".g")
                    .number(*group as u64)
                    .push(" and ");
                sql.predicate(object.entity, other, predicate);
            }),
        }
    }
}

fn measure_type(measure: &MeasurePlan) -> FieldType {
    match measure {
        MeasurePlan::Count => FieldType::Scalar(Scalar::BigInt),
        MeasurePlan::Of { ty, .. } => *ty,
    }
}
