//! Rows that are made, or changed where they are there already.

use std::borrow::Cow;

use entity::catalog::{Cardinality, Entity, Operation};
use entity::{FieldId, IdKind, Input, Op, Operand, Predicate, Value};

use super::create::{made, made_by_server};
use super::{Assign, Cell, ConflictPlan, Expect, InsertPlan, Keys, Miss, StepPlan, WritePlanner};
use crate::access;
use crate::context::Context;
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
        let first = self.steps.len();
        let mut ends = Vec::with_capacity(rows.len());
        for (index, row) in rows.iter().enumerate() {
            let planned = self.upsert_row(write, row, &fields);
            ends.push(self.steps.len());
            match planned {
                Ok(key) => keys.0.extend(key.0),
                Err(error) => errors.push(if rows.len() > 1 { error.at(index) } else { error }),
            }
        }
        Error::together(errors)?;
        self.in_key_order(entity, &fields, first, &ends);
        Ok(keys)
    }

    /// Brings the rows of a batch into the order of what says whether they are there: two batches of the same rows
    /// then wait for each other instead of locking each other out. Only where nobody can tell the difference: rows
    /// without nested ones, of types where no row can take a value that another one gives up.
    fn in_key_order(&mut self, entity: &Entity, fields: &[FieldId], first: usize, ends: &[usize]) {
        let others = entity.uniques.iter().any(|unique| unique.fields != fields);
        if ends.len() < 2 || others {
            return;
        }
        let mut rows = Vec::with_capacity(ends.len());
        let mut start = first;
        for end in ends {
            let steps = self.steps.get(start..*end).unwrap_or_default();
            let Some(place) = place(fields, steps) else { return };
            rows.push((place, steps.to_vec()));
            start = *end;
        }
        // Stable: what is said twice about one row is done in the order it was said.
        rows.sort_by(|one, other| one.0.cmp(&other.0));
        self.steps.truncate(first);
        self.steps.extend(rows.into_iter().flat_map(|(_, steps)| steps));
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
        let (input, revives) = self.revived(entity, input)?;
        let row = self.row(entity.id, &input, Operation::Create)?;
        let creatable = row.becoming;
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
        identified(entity, conflict, &given)?;
        let named = given.iter().find_map(|(id, cell)| (*id == Entity::KEY).then(|| cell.clone()));
        let serial = entity.key == IdKind::Serial && named.is_some();
        if serial && (*create_only || conflict != [Entity::KEY]) {
            return Err(made_by_server(entity));
        }
        let (plan, becoming) = if *create_only {
            (None, Predicate::Always)
        } else {
            let (mut plan, becoming) =
                self.conflict(entity, set.as_ref(), &given, conflict, *if_version, revives)?;
            // Rows are related to a row that is there as well.
            let related = |access: fn(&Context, &Entity, &str, Operation) -> Predicate| {
                let context = self.context();
                Predicate::and(
                    to_many.iter().map(|(it, _)| access(context, entity, &it.name, Operation::Update)),
                )
            };
            plan.predicate = Predicate::and([plan.predicate, related(access::member)]);
            (Some(plan), Predicate::and([becoming, related(access::member_afterwards)]))
        };
        let (fields, cells) = self.complete(entity, given)?;
        let slot = self.slot();
        let keys = match (named, plan) {
            (Some(Cell::Value(id)), Some(plan)) if serial => {
                self.update_there(entity, id, slot, plan, becoming);
                Keys::slot(slot)
            }
            (_, conflict_plan) => {
                let rows = vec![cells];
                let known = conflict == [Entity::KEY];
                let keys = if known { Keys(made(entity, &fields, &rows, slot)) } else { Keys::slot(slot) };
                self.steps.push(StepPlan::Insert(InsertPlan {
                    slot,
                    entity: entity.id,
                    fields,
                    rows,
                    conflict: conflict_plan,
                    create_only: *create_only,
                }));
                self.upserted(entity, Keys::slot(slot), creatable, becoming);
                keys
            }
        };
        for (relation, input) in to_many {
            self.link_many(entity, relation, input, &Keys::slot(slot), true, depth)
                .map_err(|error| error.at(relation.name.as_str()))?;
        }
        Ok(keys)
    }

    /// A row with an id that only the server makes: it is changed where it is there, and never made.
    fn update_there(
        &mut self,
        entity: &Entity,
        id: Value,
        slot: usize,
        plan: ConflictPlan,
        becoming: Predicate,
    ) {
        let named = Predicate::Compare { field: Entity::KEY, op: Op::Eq, value: Operand::Value(id) };
        let visible = Predicate::and([named.clone(), self.reads.visible(entity.id)]);
        let hint = Some("Ids of this type are made by the server: create the row without one.");
        self.steps.push(StepPlan::Update {
            slot,
            entity: entity.id,
            predicate: Predicate::and([named, plan.predicate]),
            assigns: plan.assigns,
            expect: Expect::One(Miss { visible, if_version: plan.if_version, hint }),
        });
        self.afterwards(entity.id, Operation::Update, Keys::slot(slot));
        self.require(entity.id, Keys::slot(slot), becoming);
    }

    /// A row's input without `deletedAt`, and whether it was there: an administrator brings the row back.
    fn revived<'i>(&self, entity: &Entity, input: &'i Input) -> Result<(Cow<'i, Input>, bool)> {
        let name = entity.deleted_at.map(|field| entity.field(field).name.as_str());
        let (Some(name), Input::Object(fields), true) = (name, input, self.context().principal.is_admin())
        else {
            return Ok((Cow::Borrowed(input), false));
        };
        let Some((_, value)) = fields.iter().find(|(field, _)| field == name) else {
            return Ok((Cow::Borrowed(input), false));
        };
        if *value != Input::Null {
            return Err(super::row::only_back(name).at(name));
        }
        let rest = fields.iter().filter(|(field, _)| field != name).cloned().collect();
        Ok((Cow::Owned(Input::Object(rest)), true))
    }

    /// What happens to the row when it is there, and how it must look then.
    #[allow(clippy::too_many_arguments, reason = "all of it is said about one row")]
    fn conflict(
        &mut self,
        entity: &'a Entity,
        set: Option<&Input>,
        given: &[(FieldId, Cell)],
        fields: &[FieldId],
        if_version: Option<i64>,
        revives: bool,
    ) -> Result<(ConflictPlan, Predicate)> {
        self.permitted(entity.id, Operation::Update)?;
        let (mut assigns, writable, becoming): (Vec<(FieldId, Assign)>, Predicate, Predicate) = match set {
            Some(set) => {
                let changes = self.set(entity.id, set).map_err(|error| error.at("set"))?;
                if !changes.to_many.is_empty() {
                    return Err(Error::new(
                        Code::NotSupported,
                        "`set` of an upsert changes no relations to many rows.",
                    )
                    .at("set"));
                }
                (changes.assigns, changes.writable, changes.becoming)
            }
            None => {
                let given: Vec<_> = given
                    .iter()
                    .filter(|(id, _)| *id != Entity::KEY && !fields.contains(id))
                    .filter(|(id, _)| entity.field(*id).exposure.update)
                    .collect();
                // What may be given to a new row may not be given to every row that is there.
                let names = || given.iter().map(|(id, _)| &entity.field(*id).name);
                let writable = Predicate::and(
                    names().map(|name| access::member(self.context(), entity, name, Operation::Update)),
                );
                let becoming =
                    Predicate::and(names().map(|name| {
                        access::member_afterwards(self.context(), entity, name, Operation::Update)
                    }));
                let assigns = given.iter().map(|(id, cell)| (*id, Assign::Set(cell.clone()))).collect();
                (assigns, writable, becoming)
            }
        };
        if let Some(deleted) = entity.deleted_at.filter(|_| revives) {
            assigns.push((deleted, Assign::Set(Cell::Value(Value::Null))));
        }
        let back = entity.deleted_at.is_some_and(|deleted| assigns.iter().any(|(id, _)| *id == deleted));
        let alive = if back { Predicate::Always } else { access::alive(&self.context().catalog, entity.id) };
        assigns.extend(self.bookkeeping(entity));
        let predicate = Predicate::and([
            alive,
            access::rows(self.context(), entity.id, Operation::Update),
            writable,
            self.versioned(entity, if_version),
        ]);
        Ok((ConflictPlan { fields: fields.to_vec(), assigns, predicate, if_version }, becoming))
    }

    /// A new row has version 1: the rule for new rows holds for it; the rule for changed ones holds for others.
    fn upserted(&mut self, entity: &Entity, keys: Keys, creatable: Predicate, becoming: Predicate) {
        let version =
            |op| Predicate::Compare { field: entity.version, op, value: Operand::Value(Value::Int(1)) };
        let (create, update) = (
            Predicate::and([creatable, access::afterwards(self.context(), entity.id, Operation::Create)]),
            Predicate::and([becoming, access::afterwards(self.context(), entity.id, Operation::Update)]),
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

/// What orders a row of a batch: the values that say whether it is there. None where it does more than write itself.
fn place(fields: &[FieldId], steps: &[StepPlan]) -> Option<Vec<String>> {
    let (StepPlan::Insert(plan), rest) = steps.split_first()? else { return None };
    let ([cells], true) =
        (plan.rows.as_slice(), rest.iter().all(|step| matches!(step, StepPlan::Require { .. })))
    else {
        return None;
    };
    fields
        .iter()
        .map(|field| {
            let at = plan.fields.iter().position(|other| other == field)?;
            match cells.get(at)? {
                Cell::Value(value) => Some(value.to_json().to_string()),
                Cell::Key(..) | Cell::Copy { .. } => None,
            }
        })
        .collect()
}

/// Whether a row says which one it is.
fn identified(entity: &Entity, conflict: &[FieldId], given: &[(FieldId, Cell)]) -> Result<()> {
    // The organization is that of the caller.
    let known = |field: FieldId| field == Entity::KEY || entity.tenant_field() == Some(field);
    if let Some(field) =
        conflict.iter().find(|field| !known(**field) && !given.iter().any(|(id, _)| id == *field))
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
    Ok(())
}
