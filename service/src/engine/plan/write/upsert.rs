//! Rows that are made, or changed where they are there already.

use entity::catalog::{Cardinality, Entity, Operation};
use entity::{FieldId, Input, Op, Operand, Predicate, Value};

use super::create::made;
use super::{Assign, Cell, ConflictPlan, InsertPlan, Keys, StepPlan, WritePlanner};
use crate::access;
use crate::engine::request::{Change, Write};
use crate::error::{Code, Error, Result};

impl<'a> WritePlanner<'a> {
    pub(super) fn upsert(&mut self, write: &Write) -> Result<Keys> {
        let Change::Upsert { rows, on, .. } = &write.change else {
            return Err(Error::internal("not an upsert"));
        };
        let entity = self.entity(write.entity);
        let fields = self.conflict_fields(entity, on.as_deref())?;
        let mut keys = Keys::default();
        let mut errors = Vec::new();
        for (index, row) in rows.iter().enumerate() {
            match self.upsert_row(write, row, &fields) {
                Ok(key) => keys.0.extend(key.0),
                Err(error) => errors.push(if rows.len() > 1 { error.at(index) } else { error }),
            }
        }
        Error::together(errors)?;
        Ok(keys)
    }

    fn conflict_fields(&self, entity: &Entity, on: Option<&str>) -> Result<Vec<FieldId>> {
        let Some(name) = on.filter(|name| *name != "id") else { return Ok(vec![Entity::KEY]) };
        let Some(unique) = entity.uniques.iter().find(|unique| unique.api == name) else {
            let mut error = Error::new(
                Code::UnknownField,
                format!("{} has no unique constraint `{}`.", entity.name, entity::value::excerpt(name)),
            );
            if let Some(hint) = entity::suggest::hint(
                name,
                entity.uniques.iter().map(|unique| unique.api.as_str()).chain(["id"]).collect::<Vec<_>>(),
            ) {
                error = error.hint(hint);
            }
            return Err(error.at("on"));
        };
        if unique.condition.is_some() {
            return Err(Error::new(
                Code::NotSupported,
                format!("`{name}` is unique only under a condition."),
            )
            .at("on"));
        }
        Ok(unique.fields.clone())
    }

    fn upsert_row(&mut self, write: &Write, input: &Input, conflict: &[FieldId]) -> Result<Keys> {
        let Change::Upsert { set, if_version, create_only, .. } = &write.change else {
            return Err(Error::internal("not an upsert"));
        };
        self.count()?;
        let entity = self.entity(write.entity);
        let row = self.row(entity.id, input, Operation::Create)?;
        let mut given: Vec<(FieldId, Cell)> =
            row.values.into_iter().map(|(field, value)| (field.id, Cell::Value(value))).collect();
        let depth = self.context().limits.nesting;
        let mut to_many = Vec::new();
        for (relation, input) in row.relations {
            if relation.cardinality == Cardinality::Many {
                to_many.push((relation, input));
                continue;
            }
            let assigned = self
                .link_one(entity, relation, input, depth)
                .map_err(|error| error.at(relation.name.as_str()))?;
            given.extend(assigned);
        }
        if let Some(field) =
            conflict.iter().find(|field| **field != Entity::KEY && !given.iter().any(|(id, _)| id == *field))
        {
            let name = &entity.field(*field).name;
            return Err(Error::new(
                Code::Required,
                format!("`{name}` says whether the row is there: it is required."),
            )
            .at(name.as_str()));
        }
        if conflict == [Entity::KEY] && !given.iter().any(|(id, _)| *id == Entity::KEY) {
            return Err(
                Error::new(Code::Required, "`id` says whether the row is there: it is required.").at("id")
            );
        }
        let plan = if *create_only {
            None
        } else {
            Some(self.conflict(entity, set.as_ref(), &given, conflict, *if_version)?)
        };
        let (fields, cells) = self.complete(entity, given)?;
        let slot = self.slot();
        let rows = vec![cells];
        let keys = if conflict == [Entity::KEY] {
            Keys(made(entity, &fields, &rows, slot))
        } else {
            Keys::slot(slot)
        };
        self.steps.push(StepPlan::Insert(InsertPlan {
            slot,
            entity: entity.id,
            fields,
            rows,
            conflict: plan,
            create_only: *create_only,
        }));
        self.upserted(entity, Keys::slot(slot));
        for (relation, input) in to_many {
            self.link_many(entity, relation, input, &Keys::slot(slot), true, depth)
                .map_err(|error| error.at(relation.name.as_str()))?;
        }
        Ok(keys)
    }

    /// What happens to the row when it is there.
    fn conflict(
        &mut self,
        entity: &'a Entity,
        set: Option<&Input>,
        given: &[(FieldId, Cell)],
        fields: &[FieldId],
        if_version: Option<i64>,
    ) -> Result<ConflictPlan> {
        self.permitted(entity.id, Operation::Update)?;
        let mut writable = Predicate::Always;
        let mut assigns: Vec<(FieldId, Assign)> = match set {
            Some(set) => {
                let changes = self.set(entity.id, set).map_err(|error| error.at("set"))?;
                if !changes.to_many.is_empty() {
                    return Err(Error::new(
                        Code::NotSupported,
                        "`set` of an upsert changes no relations to many rows.",
                    )
                    .at("set"));
                }
                writable = changes.writable;
                changes.assigns
            }
            None => given
                .iter()
                .filter(|(id, _)| *id != Entity::KEY && !fields.contains(id))
                .filter(|(id, _)| entity.field(*id).exposure.update)
                .map(|(id, cell)| (*id, Assign::Set(cell.clone())))
                .collect(),
        };
        assigns.extend(self.bookkeeping(entity));
        let predicate = Predicate::and([
            access::alive(&self.context().catalog, entity.id),
            access::rows(self.context(), entity.id, Operation::Update),
            writable,
            self.versioned(entity, if_version),
        ]);
        Ok(ConflictPlan { fields: fields.to_vec(), assigns, predicate, if_version })
    }

    /// A new row has version 1: the rule for new rows holds for it; the rule for changed ones holds for others.
    fn upserted(&mut self, entity: &Entity, keys: Keys) {
        let version =
            |op| Predicate::Compare { field: entity.version, op, value: Operand::Value(Value::Int(1)) };
        let (create, update) = (
            access::afterwards(self.context(), entity.id, Operation::Create),
            access::afterwards(self.context(), entity.id, Operation::Update),
        );
        if create == Predicate::Always && update == Predicate::Always {
            return;
        }
        let predicate = Predicate::or([
            Predicate::and([version(Op::Eq), create]),
            Predicate::and([version(Op::Gt), update]),
        ]);
        self.require(entity.id, keys, predicate);
    }
}
