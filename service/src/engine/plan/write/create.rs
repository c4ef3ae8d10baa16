//! New rows, and the rows nested in them.

use entity::catalog::{Entity, Operation};
use entity::{EntityId, FieldId, IdKind, Input, Predicate, Value};

use super::{Cell, InsertPlan, KeyRef, Keys, StepPlan, WritePlanner};
use crate::access;
use crate::error::{Code, Error, Result};

impl<'a> WritePlanner<'a> {
    /// Makes rows; those without nested ones go into one statement.
    pub(super) fn create_all(&mut self, entity: EntityId, rows: &[Input]) -> Result<Keys> {
        let mut keys = Keys::default();
        let mut flat: Vec<(Vec<FieldId>, Vec<Cell>)> = Vec::new();
        let mut errors = Vec::new();
        for (index, row) in rows.iter().enumerate() {
            let outcome =
                self.create_one(entity, row, Vec::new(), &mut flat, &mut keys, self.context().limits.nesting);
            if let Err(error) = outcome {
                errors.push(if rows.len() > 1 { error.at(index) } else { error });
                if errors.len() >= 20 {
                    break;
                }
            }
        }
        Error::together(errors)?;
        self.flush(entity, &mut flat, &mut keys);
        self.afterwards(entity, Operation::Create, keys.clone());
        Ok(keys)
    }

    /// One row; a row that only has columns waits in `flat` for its fellows.
    fn create_one(
        &mut self,
        entity: EntityId,
        input: &Input,
        preset: Vec<(FieldId, Cell)>,
        flat: &mut Vec<(Vec<FieldId>, Vec<Cell>)>,
        keys: &mut Keys,
        depth: usize,
    ) -> Result<()> {
        self.count()?;
        let definition = self.entity(entity);
        let row = self.row(entity, input, Operation::Create)?;
        if definition.key == IdKind::Serial && row.values.iter().any(|(field, _)| field.id == Entity::KEY) {
            return Err(made_by_server(definition));
        }
        let names = preset.iter().map(|(field, _)| &definition.field(*field).name);
        let preset_becoming =
            names.map(|name| access::member_afterwards(self.context(), definition, name, Operation::Create));
        let becoming = Predicate::and(preset_becoming.chain([row.becoming]));
        let mut given = preset;
        given.extend(row.values.into_iter().map(|(field, value)| (field.id, Cell::Value(value))));
        let (to_one, to_many): (Vec<_>, Vec<_>) = row
            .relations
            .into_iter()
            .partition(|(relation, _)| relation.cardinality == entity::catalog::Cardinality::One);
        for (relation, input) in to_one {
            if let Some((field, cell)) = self
                .link_one(definition, relation, input, depth)
                .map_err(|error| error.at(relation.name.as_str()))?
            {
                given.push((field, cell));
            }
        }
        let (fields, cells) = self.complete(definition, given)?;
        if becoming != Predicate::Always || !to_many.is_empty() {
            self.flush(entity, flat, keys);
            let key = self.insert(definition, vec![(fields, cells)]);
            keys.0.extend(key.0.clone());
            self.require(entity, key.clone(), becoming);
            for (relation, input) in to_many {
                self.link_many(definition, relation, input, &key, true, depth)
                    .map_err(|error| error.at(relation.name.as_str()))?;
            }
            return Ok(());
        }
        if flat.first().is_some_and(|(first, _)| *first != fields) {
            self.flush(entity, flat, keys);
        }
        flat.push((fields, cells));
        Ok(())
    }

    /// One nested row, at once.
    pub(super) fn create_nested(
        &mut self,
        entity: EntityId,
        input: &Input,
        preset: Vec<(FieldId, Cell)>,
        depth: usize,
    ) -> Result<Keys> {
        self.permitted(entity, Operation::Create)?;
        for (field, _) in &preset {
            self.given_from_afar(entity, *field, Operation::Create)?;
        }
        let (mut flat, mut keys) = (Vec::new(), Keys::default());
        self.create_one(entity, input, preset, &mut flat, &mut keys, depth)?;
        self.flush(entity, &mut flat, &mut keys);
        self.afterwards(entity, Operation::Create, keys.clone());
        Ok(keys)
    }

    fn flush(&mut self, entity: EntityId, flat: &mut Vec<(Vec<FieldId>, Vec<Cell>)>, keys: &mut Keys) {
        if flat.is_empty() {
            return;
        }
        let definition = self.entity(entity);
        let made = self.insert(definition, std::mem::take(flat));
        keys.0.extend(made.0);
    }

    /// Rows with the same columns.
    fn insert(&mut self, entity: &Entity, rows: Vec<(Vec<FieldId>, Vec<Cell>)>) -> Keys {
        // Both databases bound the number of parameters of a statement.
        let width = rows.first().map_or(1, |(fields, _)| fields.len().max(1));
        let chunk = (20_000 / width).max(1);
        let mut keys = Keys::default();
        let mut rows = rows.into_iter().peekable();
        while rows.peek().is_some() {
            let batch: Vec<_> = rows.by_ref().take(chunk).collect();
            let fields = batch.first().map(|(fields, _)| fields.clone()).unwrap_or_default();
            let cells: Vec<Vec<Cell>> = batch.into_iter().map(|(_, cells)| cells).collect();
            let slot = self.slot();
            keys.0.extend(made(entity, &fields, &cells, slot));
            self.steps.push(StepPlan::Insert(InsertPlan {
                slot,
                entity: entity.id,
                fields,
                rows: cells,
                conflict: None,
                create_only: false,
            }));
        }
        keys
    }
}

/// An id that only the server makes was given: the sequence would not know of it, or be used up by it.
pub(super) fn made_by_server(entity: &Entity) -> Error {
    let name = &entity.key_field().name;
    Error::new(Code::ReadOnly, format!("Ids of {} are made by the server.", entity.name))
        .hint("Leave the id out; the answer tells it. An import may bring ids.")
        .at(name.as_str())
}

/// The keys of new rows: known where we make them, the slot's where the database does.
pub(super) fn made(entity: &Entity, fields: &[FieldId], rows: &[Vec<Cell>], slot: usize) -> Vec<KeyRef> {
    let position = fields.iter().position(|field| *field == Entity::KEY);
    let known: Option<Vec<KeyRef>> = position.filter(|_| entity.key != IdKind::Serial).and_then(|position| {
        rows.iter()
            .map(|cells| match cells.get(position) {
                Some(Cell::Value(value)) if *value != Value::Null => Some(KeyRef::Known(value.clone())),
                _ => None,
            })
            .collect()
    });
    known.unwrap_or_else(|| vec![KeyRef::Slot(slot)])
}
