//! One row's input: every field known, writable, of its type, within its checks; all complaints at once.

use entity::catalog::{Default, Entity, Field, Member, Operation, Relation, System};
use entity::{Claim, EntityId, FieldId, IdKind, Input, Predicate, Value};
use uuid::Uuid;

use super::{Cell, WritePlanner};
use crate::access;
use crate::error::{Code, Error, Result};

/// Bytes of an id that a client makes: it must fit into a path.
const KEY: usize = 1_000;

/// Ids that a URL could not tell from its own words.
const NO_KEYS: [&str; 3] = [".", "..", "aggregate"];

/// What a row's input says, split by what has to be done about it.
pub(super) struct RowInput<'a, 'i> {
    /// Columns of the row itself.
    pub(super) values: Vec<(&'a Field, Value)>,
    /// Relations with what is to be done about them.
    pub(super) relations: Vec<(&'a Relation, &'i Input)>,
    /// On which rows, as they are stored, the given members may be written.
    pub(super) writable: Predicate,
    /// How a row must look to which they were given.
    pub(super) becoming: Predicate,
}

impl<'a> WritePlanner<'a> {
    /// Reads a row's input.
    pub(super) fn row<'i>(
        &self,
        entity: EntityId,
        input: &'i Input,
        operation: Operation,
    ) -> Result<RowInput<'a, 'i>> {
        let definition = self.entity(entity);
        let Input::Object(given) = input else {
            return Err(Error::new(
                Code::BadRequest,
                format!("Expected an object of {}, got {}.", definition.name, input.kind()),
            ));
        };
        let mut row = RowInput {
            values: Vec::new(),
            relations: Vec::new(),
            writable: Predicate::Always,
            becoming: Predicate::Always,
        };
        let (mut writable, mut becoming) = (Vec::new(), Vec::new());
        let mut errors = Vec::new();
        for (name, value) in given {
            match self.entry(definition, name, value, operation, &mut row) {
                Ok(()) => {
                    writable.push(access::member(self.context(), definition, name, operation));
                    becoming.push(access::member_afterwards(self.context(), definition, name, operation));
                }
                Err(error) => errors.push(error.at(name.as_str())),
            }
        }
        row.writable = Predicate::and(writable);
        row.becoming = Predicate::and(becoming);
        Error::together(errors)?;
        Ok(row)
    }

    fn entry<'i>(
        &self,
        entity: &'a Entity,
        name: &str,
        value: &'i Input,
        operation: Operation,
        row: &mut RowInput<'a, 'i>,
    ) -> Result<()> {
        let context = self.context();
        let principal = &context.principal;
        let seen = access::member_opens(&context.catalog, entity, principal, name, Operation::Read);
        let open = access::member_opens(&context.catalog, entity, principal, name, operation);
        let Some(member) = entity.member(name).filter(|_| seen || open) else {
            return Err(super::super::unknown(context, entity, name));
        };
        if !open {
            return Err(closed(entity, member, name, operation));
        }
        match member {
            Member::Relation(relation) => row.relations.push((relation, value)),
            Member::Field(field) => {
                let value = self.value(field, value)?;
                if field.system == Some(System::DeletedAt) && !value.is_null() {
                    return Err(only_back(name));
                }
                row.values.push((field, value));
            }
        }
        Ok(())
    }

    /// A field's value from input, within its checks.
    pub(super) fn value(&self, field: &Field, input: &Input) -> Result<Value> {
        let value = entity::value::coerce(&self.context().catalog, field.ty, field.list, input)
            .map_err(super::super::problem)?;
        if value.is_null() && field.required {
            return Err(Error::new(
                Code::Required,
                format!("`{}` is required and can't be null.", field.name),
            ));
        }
        if let (Some(System::Key), Value::Text(id)) = (field.system, &value) {
            nameable(id)?;
        }
        let limit = self.context().limits.text;
        if let Value::Text(text) = &value
            && text.len() > limit
        {
            return Err(Error::new(
                Code::BadValue,
                format!("A text may have {limit} bytes at most; this one has {}.", text.len()),
            ));
        }
        if let Some(violation) = field.checks.iter().find_map(|check| check.violation(&value)) {
            return Err(Error::new(Code::CheckFailed, violation));
        }
        Ok(value)
    }

    /// All columns of a new row: given, made, default; the key first. `preset` wins over defaults.
    pub(super) fn complete(
        &self,
        entity: &'a Entity,
        given: Vec<(FieldId, Cell)>,
    ) -> Result<(Vec<FieldId>, Vec<Cell>)> {
        let mut fields = Vec::with_capacity(entity.fields.len());
        let mut cells = Vec::with_capacity(entity.fields.len());
        let mut errors = Vec::new();
        for field in &entity.fields {
            if let Some((_, cell)) = given.iter().find(|(id, _)| *id == field.id) {
                fields.push(field.id);
                cells.push(cell.clone());
                continue;
            }
            match self.made(entity, field, &given) {
                Ok(Some(cell)) => {
                    fields.push(field.id);
                    cells.push(cell);
                }
                Ok(None) => {}
                Err(error) => errors.push(error.at(field.name.as_str())),
            }
        }
        Error::together(errors)?;
        Ok((fields, cells))
    }

    /// The value of a column that was not given; none where the database makes it.
    fn made(&self, entity: &Entity, field: &Field, given: &[(FieldId, Cell)]) -> Result<Option<Cell>> {
        // What is gone can't be written.
        if !field.required && migration::is_gone(&field.column) {
            return Ok(None);
        }
        let now = self.context().now;
        let value = match field.system {
            Some(System::Key) => match entity.key {
                IdKind::Uuid7 => Value::Uuid(Uuid::now_v7()),
                IdKind::Serial => return Ok(None),
                IdKind::Client => return Err(missing(field)),
            },
            Some(System::CreatedAt | System::UpdatedAt) => Value::DateTime(now),
            Some(System::Version) => Value::Int(1),
            Some(System::DeletedAt) => Value::Null,
            None => match &field.default {
                Some(Default::Value(value)) => value.clone(),
                Some(Default::Now) => match field.ty {
                    entity::FieldType::Scalar(entity::Scalar::Date) => Value::Date(now.date_naive()),
                    _ => Value::DateTime(now),
                },
                Some(Default::Copy { relation, field: copied }) => {
                    if let Some(cell) = self.copied(entity, *relation, *copied, given) {
                        return Ok(Some(cell));
                    }
                    Value::Null
                }
                Some(Default::Claim(claim)) => self.claimed(entity, field, claim)?,
                None if !field.required && self.leaves.has(entity, field) => return Ok(None),
                None => Value::Null,
            },
        };
        if value.is_null() && field.required {
            return Err(missing(field));
        }
        Ok(Some(Cell::Value(value)))
    }

    /// A value taken from who asks.
    fn claimed(&self, entity: &Entity, field: &Field, claim: &Claim) -> Result<Value> {
        let context = self.context();
        let value = context
            .principal
            .claim(claim)
            .and_then(|input| entity::value::coerce(&context.catalog, field.ty, field.list, &input).ok());
        match value {
            Some(value) => Ok(value),
            None if !field.required => Ok(Value::Null),
            // An administrator may give it where it can be given.
            None if access::member_opens(
                &context.catalog,
                entity,
                &context.principal,
                &field.name,
                Operation::Create,
            ) =>
            {
                Err(missing(field))
            }
            None if *claim == Claim::OrgId => Err(no_organization()),
            None => Err(access::closed(&context.principal, &format!("create {}", entity.name))),
        }
    }

    fn copied(
        &self,
        entity: &Entity,
        relation: entity::RelationId,
        field: FieldId,
        given: &[(FieldId, Cell)],
    ) -> Option<Cell> {
        let relation = entity.relation(relation);
        let entity::catalog::Join::Outgoing { field: key } = relation.join else { return None };
        let (_, key) = given.iter().find(|(id, _)| *id == key)?;
        Some(Cell::Copy { entity: relation.target, field, key: Box::new(key.clone()) })
    }
}

/// The caller acts for no organization.
fn no_organization() -> Error {
    Error::new(
        Code::OrganizationRequired,
        "Rows of this type belong to an organization, and you act for none.",
    )
    .hint("Name one of yours in `X-Organization`, or make one: `POST /auth/organizations`.")
}

fn missing(field: &Field) -> Error {
    Error::new(Code::Required, format!("`{}` is required.", field.name))
}

/// Whether a URL's path can name a row by this id.
fn nameable(id: &str) -> Result<()> {
    if id.is_empty() || id.len() > KEY {
        return Err(Error::new(Code::BadValue, format!("An id has 1 to {KEY} bytes.")));
    }
    if NO_KEYS.contains(&id) {
        return Err(Error::new(Code::BadValue, format!("`{id}` means something else in a URL's path."))
            .hint("Choose another id."));
    }
    Ok(())
}

/// `deletedAt` is set by deleting alone.
pub(super) fn only_back(name: &str) -> Error {
    Error::new(Code::BadValue, format!("`{name}` can only be set to null, which brings a deleted row back."))
        .hint("Delete the row to have it set.")
}

fn closed(entity: &Entity, member: Member<'_>, name: &str, operation: Operation) -> Error {
    let exposed = match (member, operation) {
        (Member::Field(field), Operation::Create) => field.exposure.create,
        (Member::Field(field), _) => field.exposure.update,
        (Member::Relation(_), _) => true,
    };
    if exposed {
        Error::new(Code::Forbidden, format!("You may not write `{}.{name}`.", entity.name))
    } else {
        Error::new(Code::ReadOnly, format!("`{}.{name}` can't be written.", entity.name))
    }
}
