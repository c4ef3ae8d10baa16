//! Changed rows.

use entity::catalog::{Cardinality, Entity, Member, Operation};
use entity::{EntityId, FieldId, FieldType, Input, Predicate, Scalar, Value};

use super::{Assign, Cell, Keys, StepPlan, WritePlanner};
use crate::access;
use crate::engine::request::{Change, Target, Write};
use crate::error::{Code, Error, Result};

/// What a change of rows says, split by what has to be done about it.
pub(super) struct Changes<'i> {
    pub(super) assigns: Vec<(FieldId, Assign)>,
    pub(super) to_many: Vec<(entity::RelationId, &'i Input)>,
    pub(super) writable: Predicate,
    pub(super) becoming: Predicate,
}

impl Changes<'_> {
    /// Nothing.
    fn none() -> Self {
        let (writable, becoming) = (Predicate::Always, Predicate::Always);
        Self { assigns: Vec::new(), to_many: Vec::new(), writable, becoming }
    }
}

impl<'a> WritePlanner<'a> {
    pub(super) fn update(&mut self, write: &Write, target: &Target, if_version: Option<i64>) -> Result<Keys> {
        let Change::Update { set, inc, append, remove, .. } = &write.change else {
            return Err(Error::internal("not an update"));
        };
        let entity = self.entity(write.entity);
        let mut changes = Changes::none();
        if let Some(set) = set {
            changes = self.set(entity.id, set)?;
        }
        let mut writable = vec![changes.writable.clone()];
        let mut becoming = vec![changes.becoming.clone()];
        for (name, input) in [("inc", inc), ("append", append), ("remove", remove)] {
            if let Some(input) = input {
                let more = self.arithmetic(entity, name, input).map_err(|error| error.at(name))?;
                writable.push(more.writable);
                becoming.push(more.becoming);
                changes.assigns.extend(more.assigns);
            }
        }
        twice(entity, &changes.assigns)?;
        if let (Some((relation, _)), Target::Many { .. }) = (changes.to_many.first(), target) {
            let text = "Relations to many rows are changed one row at a time.";
            return Err(Error::new(Code::NotSupported, text).at(entity.relation(*relation).name.as_str()));
        }
        // Only an administrator may write `deletedAt`: a deleted row is meant, which comes back.
        let revives =
            entity.deleted_at.is_some_and(|deleted| changes.assigns.iter().any(|(id, _)| *id == deleted));
        let meant = self.target(entity.id, target)?;
        let predicate = Predicate::and([
            meant.clone(),
            if revives { Predicate::Always } else { self.alive(entity.id, target) },
            access::rows(self.context(), entity.id, Operation::Update),
            Predicate::and(writable),
            self.versioned(entity, if_version),
        ]);
        let expect = self.expect(entity.id, target, &meant, if_version);
        let slot = self.slot();
        changes.assigns.extend(self.bookkeeping(entity));
        let keys = Keys::slot(slot);
        self.steps.push(StepPlan::Update {
            slot,
            entity: entity.id,
            predicate,
            assigns: changes.assigns,
            expect,
        });
        for (relation, input) in changes.to_many {
            let relation = entity.relation(relation);
            let depth = self.context().limits.nesting;
            self.link_many(entity, relation, input, &keys, false, depth)
                .map_err(|error| error.at(relation.name.as_str()))?;
        }
        self.afterwards(entity.id, Operation::Update, keys.clone());
        self.require(entity.id, keys.clone(), Predicate::and(becoming));
        Ok(keys)
    }

    /// New values instead of the old ones.
    pub(super) fn set<'i>(&mut self, entity: EntityId, input: &'i Input) -> Result<Changes<'i>> {
        let definition = self.entity(entity);
        let row = self.row(entity, input, Operation::Update)?;
        let mut changes = Changes { writable: row.writable, becoming: row.becoming, ..Changes::none() };
        for (field, value) in row.values {
            changes.assigns.push((field.id, Assign::Set(Cell::Value(value))));
        }
        for (relation, input) in row.relations {
            if relation.cardinality == Cardinality::Many {
                changes.to_many.push((relation.id, input));
                continue;
            }
            let depth = self.context().limits.nesting;
            let assigned = self
                .link_one(definition, relation, input, depth)
                .map_err(|error| error.at(relation.name.as_str()))?;
            changes.assigns.extend(assigned.map(|(field, cell)| (field, Assign::Set(cell))));
        }
        Ok(changes)
    }

    /// `inc`, `append`, `remove`: new values made of the old ones.
    fn arithmetic(&self, entity: &'a Entity, verb: &str, input: &Input) -> Result<Changes<'static>> {
        let Input::Object(given) = input else {
            return Err(Error::new(Code::BadRequest, format!("Expected an object, got {}.", input.kind())));
        };
        let mut changes = Changes::none();
        let (mut writable, mut becoming) = (Vec::new(), Vec::new());
        let mut errors = Vec::new();
        for (name, value) in given {
            match self.arithmetic_entry(entity, verb, name, value) {
                Ok((assign, shown)) => {
                    changes.assigns.push(assign);
                    writable.push(shown);
                    let context = self.context();
                    becoming.push(access::member_afterwards(context, entity, name, Operation::Update));
                }
                Err(error) => errors.push(error.at(name.as_str())),
            }
        }
        Error::together(errors)?;
        changes.writable = Predicate::and(writable);
        changes.becoming = Predicate::and(becoming);
        Ok(changes)
    }

    fn arithmetic_entry(
        &self,
        entity: &'a Entity,
        verb: &str,
        name: &str,
        input: &Input,
    ) -> Result<((FieldId, Assign), Predicate)> {
        let context = self.context();
        let open =
            access::member_opens(&context.catalog, entity, &context.principal, name, Operation::Update);
        // Adding to a value and reading the answer tells the value: it must be readable as well.
        let (member, shown) = super::super::readable(context, entity, name)?;
        if !open {
            return Err(Error::new(Code::Forbidden, format!("You may not write `{}.{name}`.", entity.name)));
        }
        let shown = Predicate::and([shown, access::member(context, entity, name, Operation::Update)]);
        let unfit = || {
            Error::new(Code::NotSupported, format!("`{}.{name}` can't be changed by `{verb}`.", entity.name))
        };
        let Member::Field(field) = member else { return Err(unfit()) };
        let number = field.ty.scalar().is_some_and(Scalar::is_number) && !field.list;
        let fits =
            if verb == "inc" { number } else { field.list && !matches!(field.ty, FieldType::Embedded(_)) };
        if !fits {
            return Err(unfit());
        }
        if *input == Input::Null {
            return Err(Error::new(Code::BadValue, format!("`{verb}` needs a value.")));
        }
        let value = entity::value::coerce(&context.catalog, field.ty, field.list, input)
            .map_err(super::super::problem)?;
        let assign = match verb {
            "inc" => Assign::Inc(value),
            "append" => Assign::Append(value),
            _ => Assign::Remove(value),
        };
        Ok(((field.id, assign), shown))
    }

    /// What every change does: one version more, and the time.
    pub(super) fn bookkeeping(&self, entity: &Entity) -> Vec<(FieldId, Assign)> {
        let mut assigns = vec![(entity.version, Assign::Inc(Value::Int(1)))];
        if let Some(field) = entity.updated_at {
            assigns.push((field, Assign::Set(Cell::Value(Value::DateTime(self.context().now)))));
        }
        assigns
    }
}

fn twice(entity: &Entity, assigns: &[(FieldId, Assign)]) -> Result<()> {
    for (index, (field, _)) in assigns.iter().enumerate() {
        if assigns.iter().take(index).any(|(other, _)| other == field) {
            let name = &entity.field(*field).name;
            return Err(Error::new(Code::BadRequest, format!("`{name}` is changed twice.")).at(name.as_str()));
        }
    }
    Ok(())
}
