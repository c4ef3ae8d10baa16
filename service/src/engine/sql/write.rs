//! Steps of a write become statements.

use entity::catalog::{Entity, Field};
use entity::{EntityId, FieldId, FieldType, IdKind, Predicate, Scalar, Value};
use migration::Dialect;

use super::text::{Alias, Bind, Form, Sql, form_value};
use crate::database::classify::OUT_OF_RANGE;
use crate::engine::plan::write::{
    AnswerPlan, Assign, BatchPartPlan, Cell, ConflictPlan, Expect, InsertPlan, JoinColumns, Keys, Miss,
    StepPlan,
};

/// A limit on how many rows a plural change looks at: one more than it may touch, to know that there are more.
fn at_most(expect: &Expect) -> Option<u64> {
    match expect {
        Expect::AtMost(max) => Some(max + 1),
        Expect::Any | Expect::One(_) | Expect::Exactly(..) => None,
    }
}

impl Sql<'_> {
    /// The statement of a step; reads have their own. With an answer, the third column it returns is that.
    pub(crate) fn step(&mut self, step: &StepPlan, answer: Option<&AnswerPlan>) {
        match step {
            StepPlan::Insert(plan) => {
                let row = self.insert(plan, answer.is_some());
                self.returning(plan.entity, row, answer);
            }
            StepPlan::Update { entity, predicate, assigns, expect, .. } => {
                let row = self.update(*entity, predicate, assigns, at_most(expect));
                self.returning(*entity, row, answer);
            }
            StepPlan::Delete { entity, predicate, expect, .. } => {
                let row = self.delete(*entity, predicate, at_most(expect));
                self.returning(*entity, row, answer);
            }
            StepPlan::Link { join, near, far } => self.link(join, near, far),
            StepPlan::Unlink { join, near, far, visible } => self.unlink(join, near, far.as_ref(), visible),
            StepPlan::Require { entity, keys, predicate, .. } => self.require(*entity, keys, predicate),
            StepPlan::Read(_) => {}
        }
    }

    fn insert(&mut self, plan: &InsertPlan, named: bool) -> Alias {
        let entity = self.catalog.entity(plan.entity);
        self.push("insert into ").ident(&entity.table);
        // An upsert's new values are compared with the row that is there, which needs a name.
        let row = self.alias();
        if named || plan.conflict.is_some() {
            self.push(" as ").table(row);
        }
        self.push(" (");
        for (index, field) in plan.fields.iter().enumerate() {
            self.push(if index > 0 { ", " } else { "" });
            self.ident(&entity.field(*field).column);
        }
        self.push(") values ");
        for (index, cells) in plan.rows.iter().enumerate() {
            self.push(if index > 0 { ", (" } else { "(" });
            for (index, (field, cell)) in plan.fields.iter().zip(cells).enumerate() {
                self.push(if index > 0 { ", " } else { "" });
                self.cell(entity, *field, cell);
            }
            self.push(")");
        }
        if let Some(conflict) = &plan.conflict {
            self.conflict(entity, row, conflict);
        }
        row
    }

    fn conflict(&mut self, entity: &Entity, row: Alias, conflict: &ConflictPlan) {
        self.push(" on conflict (");
        for (index, field) in conflict.fields.iter().enumerate() {
            self.push(if index > 0 { ", " } else { "" });
            self.ident(&entity.field(*field).column);
        }
        self.push(")");
        // Uniqueness among rows that are not deleted is kept by a partial index.
        if let Some(deleted) = entity.deleted_at.filter(|_| conflict.fields != [Entity::KEY]) {
            self.push(" where ").ident(&entity.field(deleted).column).push(" is null");
        }
        self.push(" do update set ");
        self.assigns(entity, row, &conflict.assigns);
        self.push(" where ");
        self.predicate(entity.id, row, &conflict.predicate);
    }

    fn update(
        &mut self,
        entity: EntityId,
        predicate: &Predicate,
        assigns: &[(FieldId, Assign)],
        limit: Option<u64>,
    ) -> Alias {
        let entity = self.catalog.entity(entity);
        let row = self.alias();
        self.push("update ").ident(&entity.table).push(" as ").table(row).push(" set ");
        if assigns.is_empty() {
            // Rows are only locked and named. Not by their key: SQLite then takes a row that refers to itself for one
            // that is still referred to.
            let version = &entity.field(entity.version).column;
            self.ident(version).push(" = ").column(row, version);
        }
        self.assigns(entity, row, assigns);
        self.push(" where ");
        self.rows(entity, row, predicate, limit, "for no key update");
        row
    }

    fn delete(&mut self, entity: EntityId, predicate: &Predicate, limit: Option<u64>) -> Alias {
        let definition = self.catalog.entity(entity);
        let row = self.alias();
        match definition.deleted_at {
            Some(deleted) => {
                self.push("update ").ident(&definition.table).push(" as ").table(row).push(" set ");
                for (field, offset) in
                    [Some(deleted), definition.updated_at].into_iter().flatten().map(|field| (field, 0))
                {
                    self.ident(&definition.field(field).column).push(" = ");
                    self.bind(Bind::Now(offset, definition.field(field).ty)).push(", ");
                }
                let version = &definition.field(definition.version).column;
                self.ident(version).push(" = ").column(row, version).push(" + 1 where ");
            }
            None => {
                self.push("delete from ").ident(&definition.table).push(" as ").table(row).push(" where ");
            }
        }
        self.rows(definition, row, predicate, limit, "for update");
        row
    }

    /// The rows of a change; with a limit they are found first, and locked in the order of their keys, so that two
    /// changes of the same rows wait for each other instead of locking each other out.
    fn rows(&mut self, entity: &Entity, row: Alias, predicate: &Predicate, limit: Option<u64>, lock: &str) {
        let Some(limit) = limit else { return self.predicate(entity.id, row, predicate) };
        let inner = self.alias();
        let key = &entity.key_field().column;
        self.column(row, key)
            .push(" in (select ")
            .column(inner, key)
            .push(" from ")
            .ident(&entity.table)
            .push(" ")
            .table(inner)
            .push(" where ");
        self.predicate(entity.id, inner, predicate);
        self.push(" order by ").column(inner, key).push(" limit ").number(limit);
        if self.dialect == Dialect::Postgres {
            self.push(" ").push(lock).push(" of ").table(inner);
        }
        self.push(")");
    }

    /// The touched row's key, its version, and the answer where the step gives it by itself.
    fn returning(&mut self, entity: EntityId, row: Alias, answer: Option<&AnswerPlan>) {
        let definition = self.catalog.entity(entity);
        self.push(" returning cast(")
            .ident(&definition.key_field().column)
            .push(" as text), ")
            .ident(&definition.field(definition.version).column);
        let Some(AnswerPlan::One { predicate, object, .. }) = answer else { return };
        self.push(", ");
        self.as_text(&mut |sql| {
            if *predicate == Predicate::Always {
                return sql.row_object(object, row);
            }
            sql.push("case when ");
            sql.predicate(entity, row, predicate);
            sql.push(" then ");
            sql.row_object(object, row);
            sql.push(" end");
        });
    }

    fn assigns(&mut self, entity: &Entity, row: Alias, assigns: &[(FieldId, Assign)]) {
        for (index, (id, assign)) in assigns.iter().enumerate() {
            let field = entity.field(*id);
            self.push(if index > 0 { ", " } else { "" });
            self.ident(&field.column).push(" = ");
            match assign {
                Assign::Set(cell) => self.cell(entity, *id, cell),
                Assign::Inc(value) => self.increment(entity, row, field, value),
                Assign::Append(value) => {
                    let bound = form_value(self.dialect, field.ty, Form::Items, value);
                    self.append(row, &field.column, bound);
                }
                Assign::Remove(value) => {
                    let bound = form_value(self.dialect, field.ty, Form::Items, value);
                    self.remove(row, &field.column, bound);
                }
            }
        }
    }

    /// The old number and another one. Where the sum leaves the range of the type, the statement fails with the name
    /// of the column (`classify.rs`) on both databases: SQLite alone would make an integer a double, or infinity.
    fn increment(&mut self, entity: &Entity, row: Alias, field: &Field, value: &Value) {
        let added = form_value(self.dialect, field.ty, Form::Plain(false), value);
        // The version is counted by us, one at a time.
        let Some((from_above, bound)) = last_before(field, value) else {
            self.column(row, &field.column).push(" + ").bind(Bind::Value(added));
            return;
        };
        let bound = form_value(self.dialect, field.ty, Form::Plain(false), &bound);
        self.push("case when ").column(row, &field.column).push(if from_above { " > " } else { " < " });
        self.bind(Bind::Value(bound)).push(" then ");
        let mark = format!("{OUT_OF_RANGE}{}.{}", entity.table, field.column);
        match self.dialect {
            // A column takes part so that the text is not read as a number before there is a row.
            Dialect::Postgres => {
                self.push("cast(").literal(&mark).push(" || left(");
                self.column(row, &field.column).push("::text, 0) as numeric)");
            }
            Dialect::Sqlite => {
                self.literal(&mark);
            }
        }
        self.push(" else ").column(row, &field.column).push(" + ").bind(Bind::Value(added)).push(" end");
    }

    fn append(&mut self, row: Alias, column: &str, items: sea_orm::Value) {
        match self.dialect {
            Dialect::Postgres => {
                self.push("coalesce(")
                    .column(row, column)
                    .push(", '[]'::jsonb) || ")
                    .bind(Bind::Value(items))
                    .push("::jsonb");
            }
            Dialect::Sqlite => {
                self.push("(select json_group_array(").push(SQLITE_ITEM).push(
                    " order by item.part, item.id) from (select 0 as part, id, type, value from json_each(",
                );
                self.column(row, column)
                    .push(") union all select 1, id, type, value from json_each(")
                    .bind(Bind::Value(items))
                    .push(")) item)");
            }
        }
    }

    fn remove(&mut self, row: Alias, column: &str, items: sea_orm::Value) {
        match self.dialect {
            Dialect::Postgres => {
                self.push("case when ").column(row, column).push(" is not null then (select coalesce(jsonb_agg(item.value order by item.place), '[]'::jsonb) from jsonb_array_elements(");
                self.column(row, column)
                    .push(") with ordinality as item(value, place) where not (")
                    .bind(Bind::Value(items))
                    .push("::jsonb @> item.value)) end");
            }
            Dialect::Sqlite => {
                self.push("case when ")
                    .column(row, column)
                    .push(" is not null then (select json_group_array(")
                    .push(SQLITE_ITEM);
                self.push(" order by item.id) from json_each(")
                    .column(row, column)
                    .push(") item where item.value not in (select value from json_each(");
                self.bind(Bind::Value(items)).push("))) end");
            }
        }
    }

    fn cell(&mut self, entity: &Entity, field: FieldId, cell: &Cell) {
        let field = entity.field(field);
        match cell {
            Cell::Value(value) => {
                let bound = form_value(self.dialect, field.ty, Form::Plain(field.list), value);
                self.bind(Bind::Value(bound));
            }
            Cell::Key(slot, _) => {
                self.bind(Bind::Key { keys: Keys::slot(*slot), ty: field.ty });
            }
            Cell::Copy { entity: source, field: copied, key } => {
                let source = self.catalog.entity(*source);
                // SQLite takes a name of no column for a text, unless a table is said with it.
                let row = self.alias();
                self.push("(select ").column(row, &source.field(*copied).column).push(" from ");
                self.ident(&source.table).push(" ").table(row).push(" where ");
                self.column(row, &source.key_field().column).push(" = ");
                self.cell(source, Entity::KEY, key);
                self.push(")");
            }
        }
    }

    /// `join table` pairs of one near key and each far key.
    fn link(&mut self, join: &JoinColumns, near: &Keys, far: &Keys) {
        let near_type = self.key_type(join.near.1);
        self.push("insert into ")
            .ident(&join.table)
            .push(" (")
            .ident(&join.near.0)
            .push(", ")
            .ident(&join.far.0)
            .push(") select ");
        self.bind(Bind::Key { keys: near.clone(), ty: near_type });
        if self.dialect == Dialect::Postgres {
            self.push(postgres_cast(near_type));
        }
        self.push(", k.value from ");
        self.key_rows(far, join.far.1);
        // SQLite reads `on` after a FROM clause as a join's condition unless there is a WHERE clause between.
        self.push(" where true on conflict do nothing");
    }

    fn unlink(&mut self, join: &JoinColumns, near: &Keys, far: Option<&Keys>, visible: &Predicate) {
        let near_type = self.key_type(join.near.1);
        // SQLite takes a name of no column for a text, unless a table is said with it.
        let pair = self.alias();
        self.push("delete from ").ident(&join.table).push(" as ").table(pair).push(" where ");
        self.column(pair, &join.near.0).push(" = ");
        self.bind(Bind::Key { keys: near.clone(), ty: near_type });
        if let Some(far) = far {
            self.push(" and ").column(pair, &join.far.0).push(" in (select k.value from ");
            self.key_rows(far, join.far.1);
            self.push(")");
        }
        if *visible != Predicate::Always {
            let target = self.catalog.entity(join.far.1);
            let row = self.alias();
            self.push(" and ").column(pair, &join.far.0).push(" in (select ");
            self.column(row, &target.key_field().column)
                .push(" from ")
                .ident(&target.table)
                .push(" ")
                .table(row);
            self.push(" where ");
            self.predicate(join.far.1, row, visible);
            self.push(")");
        }
    }

    fn key_type(&self, entity: EntityId) -> FieldType {
        self.catalog.entity(entity).key_field().ty
    }

    /// Keys as rows `k(value, place)`. Nothing else may tell their type: the cast keeps statements about types with
    /// other keys apart, which the driver tells by their text alone.
    fn key_rows(&mut self, keys: &Keys, entity: EntityId) {
        let ty = self.key_type(entity);
        let keys = keys.clone();
        match self.dialect {
            Dialect::Postgres => {
                self.push("unnest(")
                    .bind(Bind::Keys { keys, ty })
                    .push(postgres_cast(ty))
                    .push("[]) with ordinality as k(value, place)");
            }
            Dialect::Sqlite => {
                self.push("(select value, key as place from json_each(")
                    .bind(Bind::Keys { keys, ty })
                    .push(")) k");
            }
        }
    }

    /// Whether each of the rows is there and fulfils the condition.
    fn require(&mut self, entity: EntityId, keys: &Keys, predicate: &Predicate) {
        let definition = self.catalog.entity(entity);
        let row = self.alias();
        self.push("select not exists (select 1 from ");
        self.key_rows(keys, entity);
        self.push(" left join ").ident(&definition.table).push(" ").table(row).push(" on ");
        self.column(row, &definition.key_field().column).push(" = k.value where (");
        self.column(row, &definition.key_field().column).push(" is not null and ");
        self.predicate(entity, row, predicate);
        self.push(") is not true)");
    }

    /// Why no row was touched: it is there and visible, and its version.
    pub(crate) fn miss(&mut self, entity: EntityId, miss: &Miss) {
        let definition = self.catalog.entity(entity);
        let row = self.alias();
        self.push("select ")
            .column(row, &definition.field(definition.version).column)
            .push(" from ")
            .ident(&definition.table)
            .push(" ")
            .table(row)
            .push(" where ");
        self.predicate(entity, row, &miss.visible);
        self.push(" limit 1");
    }

    /// Reads an answer back: one row of one text.
    pub(crate) fn read_back(&mut self, answer: &AnswerPlan) {
        self.push("select ");
        self.as_text(&mut |sql| sql.answer(answer));
    }

    fn answer(&mut self, answer: &AnswerPlan) {
        match answer {
            AnswerPlan::Nothing(_) => {
                self.push("null");
            }
            AnswerPlan::One { keys, predicate, object, .. } => {
                let row = self.alias();
                let entity = self.catalog.entity(object.entity);
                self.push("select ");
                self.row_object(object, row);
                self.push(" from ").ident(&entity.table).push(" ").table(row).push(" where ");
                self.column(row, &entity.key_field().column).push(" = ");
                self.bind(Bind::Key { keys: keys.clone(), ty: entity.key_field().ty }).push(" and ");
                self.predicate(object.entity, row, predicate);
            }
            AnswerPlan::Batch { keys, entity, predicate, parts, .. } => {
                let names: Vec<&str> = parts.iter().map(|(key, _)| key.as_str()).collect();
                self.push("select ");
                self.object(&names, &mut |sql, index| match parts.get(index) {
                    Some((_, BatchPartPlan::Count)) => {
                        sql.push("(select count(*) from ");
                        sql.key_rows(keys, *entity);
                        sql.push(")");
                    }
                    Some((_, BatchPartPlan::Constant(text))) => sql.text_literal(text),
                    Some((_, BatchPartPlan::Nodes(object))) => sql.nested(&mut |sql| {
                        let row = sql.alias();
                        let definition = sql.catalog.entity(*entity);
                        sql.push("select ");
                        sql.array(None, Some("k.place"), &mut |sql| sql.row_object(object, row));
                        sql.push(" from ");
                        sql.key_rows(keys, *entity);
                        sql.push(" join ").ident(&definition.table).push(" ").table(row).push(" on ");
                        sql.column(row, &definition.key_field().column).push(" = k.value where ");
                        sql.predicate(*entity, row, predicate);
                    }),
                    None => {}
                });
            }
        }
    }
}

/// The last value of a field to which another one can be added, and whether it is an upper bound.
fn last_before(field: &Field, added: &Value) -> Option<(bool, Value)> {
    if field.system.is_some() {
        return None;
    }
    Some(match (field.ty, added) {
        (FieldType::Scalar(Scalar::Int), Value::Int(added)) => {
            integer(i32::MIN.into(), i32::MAX.into(), *added)
        }
        (_, Value::Int(added)) => integer(i64::MIN, i64::MAX, *added),
        (_, Value::Decimal(added)) => {
            let most = rust_decimal::Decimal::new(i64::MAX, entity::value::DECIMAL_SCALE);
            let up = !added.is_sign_negative();
            (up, Value::Decimal(if up { most - added } else { -most - added }))
        }
        (_, Value::Float(added)) => {
            let up = *added >= 0.0;
            (up, Value::Float(if up { f64::MAX - added } else { f64::MIN - added }))
        }
        _ => return None,
    })
}

fn integer(low: i64, high: i64, added: i64) -> (bool, Value) {
    let up = added >= 0;
    (up, Value::Int(if up { high.saturating_sub(added) } else { low.saturating_sub(added) }))
}

/// An item of `json_each` as JSON again: booleans come out of it as 0 and 1.
const SQLITE_ITEM: &str =
    "json(case item.type when 'true' then 'true' when 'false' then 'false' else json_quote(item.value) end)";

/// The type of a key in a select list, where PostgreSQL can't infer it.
fn postgres_cast(ty: FieldType) -> &'static str {
    match ty {
        FieldType::Scalar(Scalar::Id(IdKind::Uuid7) | Scalar::Uuid) => "::uuid",
        FieldType::Scalar(Scalar::Id(IdKind::Serial) | Scalar::BigInt) => "::bigint",
        _ => "::text",
    }
}
