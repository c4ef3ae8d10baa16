//! Relations in a row's input: connect, create, disconnect, set.

use entity::catalog::{Entity, Join, Operation, Relation};
use entity::{EntityId, FieldId, Input, Op, Operand, Predicate, Value};

use super::{Assign, Cell, Expect, JoinColumns, KeyRef, Keys, StepPlan, WritePlanner};
use crate::access;
use crate::engine::plan::read;
use crate::error::{Code, Error, Result};

impl<'a> WritePlanner<'a> {
    /// The key a to-one relation gets: the column and its value.
    pub(super) fn link_one(
        &mut self,
        _: &'a Entity,
        relation: &'a Relation,
        input: &Input,
        depth: usize,
    ) -> Result<Option<(FieldId, Cell)>> {
        let Join::Outgoing { field } = relation.join else {
            return Err(Error::new(
                Code::NotSupported,
                format!("`{}` is written from the other side.", relation.name),
            ));
        };
        let cell = match input {
            Input::Null => self.disconnected(relation)?,
            Input::Object(fields) => match fields.as_slice() {
                [(verb, value)] => match verb.as_str() {
                    "connect" => self.connected(relation, value).map_err(|error| error.at("connect"))?,
                    "create" => self.created(relation, value, depth).map_err(|error| error.at("create"))?,
                    "disconnect" if *value == Input::Bool(true) => self.disconnected(relation)?,
                    "disconnect" => return Ok(None),
                    other => return Err(unknown_verb(other, &["connect", "create", "disconnect"])),
                },
                _ => {
                    return Err(Error::new(
                        Code::BadRequest,
                        format!("`{}` takes one of connect, create, disconnect.", relation.name),
                    ));
                }
            },
            id => self.connected(relation, id)?,
        };
        Ok(Some((field, cell)))
    }

    fn disconnected(&self, relation: &Relation) -> Result<Cell> {
        if relation.required {
            return Err(Error::new(
                Code::Required,
                format!("`{}` is required and can't be disconnected.", relation.name),
            ));
        }
        Ok(Cell::Value(Value::Null))
    }

    fn connected(&mut self, relation: &Relation, id: &Input) -> Result<Cell> {
        let target = self.entity(relation.target);
        let key = self.known_key(target, id)?;
        self.visible_rows(target.id, vec![key.clone()]);
        Ok(Cell::Value(key))
    }

    fn created(&mut self, relation: &Relation, input: &Input, depth: usize) -> Result<Cell> {
        if depth == 0 {
            return Err(Error::new(Code::LimitExceeded, "The input nests too deep."));
        }
        let keys = self.create_nested(relation.target, input, Vec::new(), depth - 1)?;
        match keys.0.first() {
            Some(KeyRef::Known(value)) => Ok(Cell::Value(value.clone())),
            Some(KeyRef::Slot(slot)) => Ok(Cell::Key(*slot, relation.target)),
            None => Err(Error::internal("a created row has no key")),
        }
    }

    fn known_key(&self, entity: &Entity, id: &Input) -> Result<Value> {
        match read::key(entity, id)? {
            Operand::Value(value) if !value.is_null() => Ok(value),
            _ => Err(Error::new(Code::BadValue, format!("Expected the id of a {}.", entity.name))),
        }
    }

    /// Rows that are referred to must be there for the caller: an invisible one is as if it were not.
    fn visible_rows(&mut self, entity: EntityId, keys: Vec<Value>) {
        let predicate = self.reads.visible(entity);
        if predicate == Predicate::Always || keys.is_empty() {
            return;
        }
        let otherwise = no_such_row(self.entity(entity));
        self.steps.push(StepPlan::Require { entity, keys: Keys::known(keys), predicate, otherwise });
    }

    /// What is done about a to-many relation of the row with a key.
    pub(super) fn link_many(
        &mut self,
        entity: &'a Entity,
        relation: &'a Relation,
        input: &Input,
        key: &Keys,
        new: bool,
        depth: usize,
    ) -> Result<()> {
        let Input::Object(verbs) = input else {
            return Err(Error::new(
                Code::BadRequest,
                format!("Expected connect, create, … for `{}`, got {}.", relation.name, input.kind()),
            ));
        };
        if depth == 0 {
            return Err(Error::new(Code::LimitExceeded, "The input nests too deep."));
        }
        let allowed: &[&str] =
            if new { &["create", "connect"] } else { &["create", "connect", "disconnect", "set"] };
        if let Some((verb, _)) = verbs.iter().find(|(verb, _)| !allowed.contains(&verb.as_str())) {
            return Err(unknown_verb(verb, allowed));
        }
        // What is taken away goes first, so that `set` ends with what it names.
        for verb in ["set", "disconnect", "connect", "create"] {
            if let Some((_, value)) = verbs.iter().find(|(name, _)| name == verb) {
                self.verb(entity, relation, verb, value, key, depth).map_err(|error| error.at(verb))?;
            }
        }
        Ok(())
    }

    fn verb(
        &mut self,
        entity: &'a Entity,
        relation: &'a Relation,
        verb: &str,
        value: &Input,
        key: &Keys,
        depth: usize,
    ) -> Result<()> {
        let Input::List(items) = value else {
            return Err(Error::new(Code::BadRequest, format!("Expected a list, got {}.", value.kind())));
        };
        let target = self.entity(relation.target);
        if verb == "create" {
            for (index, item) in items.iter().enumerate() {
                self.create_related(relation, item, key, depth).map_err(|error| error.at(index))?;
            }
            return Ok(());
        }
        let mut ids = Vec::with_capacity(items.len());
        for (index, item) in items.iter().enumerate() {
            self.count()?;
            ids.push(self.known_key(target, item).map_err(|error| error.at(index))?);
        }
        match &relation.join {
            Join::Through { .. } => self.linked(entity, relation, verb, ids, key),
            Join::Incoming { field } => self.adopted(relation, *field, verb, ids, key),
            Join::Outgoing { .. } => Err(Error::internal("a to-many relation with a key of its own")),
        }
    }

    fn create_related(
        &mut self,
        relation: &'a Relation,
        item: &Input,
        key: &Keys,
        depth: usize,
    ) -> Result<()> {
        match &relation.join {
            Join::Incoming { field } => {
                let cell = self.cell(key, relation)?;
                self.create_nested(relation.target, item, vec![(*field, cell)], depth - 1)?;
            }
            Join::Through { .. } => {
                let made = self.create_nested(relation.target, item, Vec::new(), depth - 1)?;
                let join = self.join(relation)?;
                self.steps.push(StepPlan::Link { join, near: key.clone(), far: made });
            }
            Join::Outgoing { .. } => {}
        }
        Ok(())
    }

    fn cell(&self, key: &Keys, relation: &Relation) -> Result<Cell> {
        match key.0.first() {
            Some(KeyRef::Known(value)) => Ok(Cell::Value(value.clone())),
            Some(KeyRef::Slot(slot)) => Ok(Cell::Key(*slot, self.near(relation))),
            None => Err(Error::internal("a relation of no row")),
        }
    }

    /// The entity on the near side of a to-many relation.
    fn near(&self, relation: &Relation) -> EntityId {
        let target = self.entity(relation.target);
        match &relation.join {
            Join::Incoming { field } => target
                .field(*field)
                .relation
                .map_or(relation.target, |inverse| target.relation(inverse).target),
            Join::Outgoing { .. } | Join::Through { .. } => relation.target,
        }
    }

    /// Many-to-many: pairs in the join table.
    fn linked(
        &mut self,
        entity: &'a Entity,
        relation: &'a Relation,
        verb: &str,
        ids: Vec<Value>,
        key: &Keys,
    ) -> Result<()> {
        let mut join = self.join(relation)?;
        join.near.1 = entity.id;
        // A row that the caller does not see is as if it were not there, and stays related.
        let visible = self.reads.visible(relation.target);
        let near = key.clone();
        if verb == "disconnect" {
            self.steps.push(StepPlan::Unlink { join, near, far: Some(Keys::known(ids)), visible });
            return Ok(());
        }
        if verb == "set" {
            self.steps.push(StepPlan::Unlink { join: join.clone(), near, far: None, visible });
        }
        self.visible_rows(relation.target, ids.clone());
        if !ids.is_empty() {
            self.steps.push(StepPlan::Link { join, near: key.clone(), far: Keys::known(ids) });
        }
        Ok(())
    }

    fn join(&self, relation: &Relation) -> Result<JoinColumns> {
        let Join::Through { table, near, far, entity } = &relation.join else {
            return Err(Error::internal("a relation without a join table"));
        };
        if let Some(middle) = entity {
            let middle = &self.entity(*middle).name;
            return Err(Error::new(
                Code::NotSupported,
                format!("`{}` goes through {middle}, which has fields and rules of its own.", relation.name),
            )
            .hint(format!("Create, change or delete rows of {middle} instead.")));
        }
        let near_entity = self
            .context()
            .catalog
            .join_tables
            .iter()
            .find(|join| join.table == *table)
            .and_then(|join| join.sides.iter().find(|(column, _)| column == near))
            .map_or(relation.target, |(_, entity)| *entity);
        Ok(JoinColumns {
            table: table.clone(),
            near: (near.clone(), near_entity),
            far: (far.clone(), relation.target),
        })
    }

    /// One-to-many: the other rows' keys are changed, as far as the caller may update those rows.
    fn adopted(
        &mut self,
        relation: &'a Relation,
        field: FieldId,
        verb: &str,
        ids: Vec<Value>,
        key: &Keys,
    ) -> Result<()> {
        let target = self.entity(relation.target);
        self.permitted(target.id, Operation::Update)?;
        self.given_from_afar(target.id, field, Operation::Update)?;
        let parent = self.cell(key, relation)?;
        let rule = Predicate::and([
            access::alive(&self.context().catalog, target.id),
            access::rows(self.context(), target.id, Operation::Update),
            access::member(self.context(), target, &target.field(field).name, Operation::Update),
        ]);
        let named = |op| Predicate::Compare {
            field: Entity::KEY,
            op,
            value: Operand::Value(Value::List(ids.clone())),
        };
        let owned = self.owned(field, target, key)?;
        if verb != "connect" {
            if target.field(field).required {
                return Err(Error::new(
                    Code::Required,
                    format!(
                        "`{}.{}` is required: its rows can't be disconnected.",
                        target.name,
                        target.field(field).name
                    ),
                )
                .hint("Delete the rows, or connect them to another one."));
            }
            let which = if verb == "set" { named(Op::NotIn) } else { named(Op::In) };
            let predicate = Predicate::and([owned, which, rule.clone()]);
            self.reassign(target, field, Cell::Value(Value::Null), predicate, Expect::Any);
        }
        if verb != "disconnect" && !ids.is_empty() {
            let count = distinct(&ids);
            let predicate = Predicate::and([named(Op::In), rule]);
            self.reassign(target, field, parent, predicate, Expect::Exactly(count, no_such_row(target)));
        }
        Ok(())
    }

    /// A key that is written from the other side of its relation is written all the same: what narrows it there,
    /// narrows it here.
    pub(super) fn given_from_afar(
        &self,
        entity: EntityId,
        field: FieldId,
        operation: Operation,
    ) -> Result<()> {
        let (context, definition) = (self.context(), self.entity(entity));
        let name = &definition.field(field).name;
        if access::member_opens(&context.catalog, definition, &context.principal, name, operation) {
            return Ok(());
        }
        Err(Error::new(
            Code::Forbidden,
            format!("You may not write the {} of this relation.", definition.name),
        ))
    }

    /// The rows whose key is that of the row.
    fn owned(&self, field: FieldId, target: &Entity, key: &Keys) -> Result<Predicate> {
        let value = match key.0.first() {
            Some(KeyRef::Known(value)) => Operand::Value(Value::List(vec![value.clone()])),
            Some(KeyRef::Slot(slot)) => {
                Operand::Param(entity::Param { ty: target.field(field).ty, ..super::touched(*slot) })
            }
            None => return Err(Error::internal("a relation of no row")),
        };
        Ok(Predicate::Compare { field, op: Op::In, value })
    }

    fn reassign(
        &mut self,
        target: &Entity,
        field: FieldId,
        cell: Cell,
        predicate: Predicate,
        expect: Expect,
    ) {
        let slot = self.slot();
        let mut assigns = vec![(field, Assign::Set(cell))];
        assigns.extend(self.bookkeeping(target));
        self.steps.push(StepPlan::Update { slot, entity: target.id, predicate, assigns, expect });
        self.afterwards(target.id, Operation::Update, Keys::slot(slot));
        let name = &target.field(field).name;
        let becoming = access::member_afterwards(self.context(), target, name, Operation::Update);
        self.require(target.id, Keys::slot(slot), becoming);
    }
}

fn distinct(values: &[Value]) -> usize {
    let mut texts: Vec<String> = values.iter().map(|value| value.to_json().to_string()).collect();
    texts.sort_unstable();
    texts.dedup();
    texts.len()
}

fn no_such_row(entity: &Entity) -> Error {
    Error::new(Code::ForeignKeyViolation, format!("There is no such {}.", entity.name))
        .hint("Connect rows that are there and that you may see.")
}

fn unknown_verb(verb: &str, allowed: &[&str]) -> Error {
    let mut error = Error::new(
        Code::UnknownField,
        format!("A relation is not written with `{}`.", entity::value::excerpt(verb)),
    );
    if let Some(hint) = entity::suggest::hint(verb, allowed.iter().copied()) {
        error = error.hint(hint);
    }

    error
}
