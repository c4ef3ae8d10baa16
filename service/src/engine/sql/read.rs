//! Roots and objects: every nested row is a correlated scalar sub-select of the one statement.

use entity::catalog::Catalog;
use entity::{FieldType, Predicate};
use migration::Dialect;

use super::text::{Alias, Sql};
use crate::engine::plan::{Object, OnePlan, Output, ReadPlan, RootPlan};

/// How the columns of a read's row are to be understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Columns {
    /// One JSON text for each root.
    Roots,
    /// One root: JSON and the row's version; no row when there is none.
    One,
    /// One root: JSON and the page's facts.
    Page,
}

/// The statement of a read.
#[must_use]
pub(crate) fn compile<'a>(catalog: &'a Catalog, dialect: Dialect, plan: &ReadPlan) -> (Sql<'a>, Columns) {
    let mut sql = Sql::new(catalog, dialect);
    match plan.roots.as_slice() {
        [(_, RootPlan::One { predicate, object, facts })] => {
            sql.one_row(predicate, object, *facts);
            (sql, Columns::One)
        }
        [(_, RootPlan::List(list))] if list.facts => {
            sql.page_columns(list);
            (sql, Columns::Page)
        }
        roots => {
            sql.push("select ");
            for (index, (_, root)) in roots.iter().enumerate() {
                if index > 0 {
                    sql.push(", ");
                }
                sql.as_text(&mut |sql| sql.root(root));
                sql.push(" as c").number(index as u64);
            }
            sql.schema_seen();
            (sql, Columns::Roots)
        }
    }
}

/// The column of [`Sql::schema_seen`].
pub(crate) const SCHEMA_SEEN: &str = "schema_seen";

impl Sql<'_> {
    fn root(&mut self, root: &RootPlan) {
        match root {
            // Constants are answered without the database; the column only keeps the count of roots.
            RootPlan::Constant(_) => {
                self.push("null");
            }
            RootPlan::One { predicate, object, .. } => self.single(predicate, object),
            RootPlan::List(list) => self.page(list, None),
            RootPlan::Aggregate(plan) => self.groups(plan),
            RootPlan::Node(kinds) if kinds.is_empty() => {
                self.push("null");
            }
            RootPlan::Node(kinds) => {
                self.push("coalesce(");
                for (predicate, object) in kinds {
                    self.push("(");
                    self.single(predicate, object);
                    self.push("), ");
                }
                self.push("null)");
            }
        }
    }

    fn single(&mut self, predicate: &Predicate, object: &Object) {
        let row = self.alias();
        let table = &self.catalog.entity(object.entity).table;
        self.push("select ");
        self.row_object(object, row);
        self.push(" from ").ident(table).push(" ").table(row).push(" where ");
        self.predicate(object.entity, row, predicate);
        self.push(" limit 1");
    }

    fn one_row(&mut self, predicate: &Predicate, object: &Object, facts: bool) {
        let row = self.alias();
        let entity = self.catalog.entity(object.entity);
        self.push("select ");
        self.as_text(&mut |sql| sql.row_object(object, row));
        self.push(" as c0, ");
        if facts {
            self.column(row, &entity.field(entity.version).column);
            if self.dialect == Dialect::Postgres {
                self.push("::bigint");
            }
        } else {
            self.push(if self.dialect == Dialect::Postgres { "null::bigint" } else { "null" });
        }
        self.push(" as c1").schema_seen();
        self.push(" from ").ident(&entity.table).push(" ").table(row).push(" where ");
        self.predicate(object.entity, row, predicate);
        self.push(" limit 1");
    }

    /// The version of the schema that a read saw, behind its columns (SQLite): names may mean something else in another one.
    pub(crate) fn schema_seen(&mut self) {
        if self.dialect == Dialect::Sqlite {
            self.push(", (select schema_version from pragma_schema_version) as ").push(SCHEMA_SEEN);
        }
    }

    /// A row as a JSON object.
    pub(crate) fn row_object(&mut self, object: &Object, row: Alias) {
        let keys: Vec<&str> = object.outputs.iter().map(|(key, _)| key.as_str()).collect();
        self.object(&keys, &mut |sql, index| {
            if let Some((_, output)) = object.outputs.get(index) {
                sql.output(object, row, output);
            }
        });
    }

    fn output(&mut self, object: &Object, row: Alias, output: &Output) {
        match output {
            Output::Constant(text) => self.text_literal(text),
            Output::Column { field, shown, parts } => {
                let definition = self.catalog.entity(object.entity).field(*field);
                // Nothing is known of it any more. Conditions fail: without a value they might open what they closed.
                if !definition.required && migration::is_gone(&definition.column) {
                    self.push("null");
                    return;
                }
                let mut column = |sql: &mut Self| {
                    if *shown == Predicate::Always {
                        sql.column(row, &definition.column);
                    } else {
                        sql.push("(case when ");
                        sql.predicate(object.entity, row, shown);
                        sql.push(" then ").column(row, &definition.column).push(" end)");
                    }
                };
                match (parts, definition.ty) {
                    (Some(parts), FieldType::Embedded(id)) => {
                        let name = self.catalog.embedded_type(id).name.clone();
                        self.embedded(&name, definition.list, parts, &mut column);
                    }
                    _ => self.json_value(definition.ty, definition.list, &mut column),
                }
            }
            Output::One(plan) => self.nested(&mut |sql| sql.one(object, row, plan)),
            Output::Many { shown, list } => self.nested(&mut |sql| {
                if *shown == Predicate::Always {
                    return sql.page(list, Some(row));
                }
                sql.push("select case when ");
                sql.predicate(object.entity, row, shown);
                sql.push(" then (");
                sql.page(list, Some(row));
                sql.push(") end");
            }),
        }
    }

    fn one(&mut self, object: &Object, row: Alias, plan: &OnePlan) {
        let relation = self.catalog.entity(object.entity).relation(plan.relation);
        let other = self.alias();
        self.push("select ");
        self.row_object(&plan.object, other);
        self.push(" from ");
        self.related_from(relation, other);
        self.push(" where ");
        self.related_on(object.entity, row, relation, other);
        if plan.predicate != Predicate::Always {
            self.push(" and ");
            self.predicate(relation.target, other, &plan.predicate);
        }
        if plan.shown != Predicate::Always {
            self.push(" and ");
            self.predicate(object.entity, row, &plan.shown);
        }
        self.push(" limit 1");
    }
}
