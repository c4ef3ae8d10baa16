//! Plans of writes: a script of steps in one transaction, and what is read back.

use entity::catalog::{Entity, Field, Operation};
use entity::{EntityId, FieldId, Input, Op, Operand, Predicate, Value};

use migration::Dialect;

use super::{Object, Planner, each};
use crate::access;
use crate::context::Context;
use crate::database::classify;
use crate::engine::request::{Answer, BatchPart, By, Change, Root, Target, Write};
use crate::error::{Code, Error, Result};

mod alone;
mod create;
mod relation;
mod row;
mod update;
mod upsert;

/// A planned operation of writes.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct WritePlan {
    /// What is done, in order.
    pub(crate) steps: Vec<StepPlan>,
    /// One answer for each root, in order.
    pub(crate) answers: Vec<(String, AnswerPlan)>,
    /// For each root, how many steps are done when it is done.
    pub(crate) ends: Vec<usize>,
    /// How many slots of touched keys there are.
    pub(crate) slots: usize,
}

/// One thing done to the database.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum StepPlan {
    /// Rows are made.
    Insert(InsertPlan),
    /// Rows are changed.
    Update {
        /// Where the touched keys go.
        slot: usize,
        /// The rows' type.
        entity: EntityId,
        /// Which rows: the caller's condition and the rule.
        predicate: Predicate,
        /// The new values.
        assigns: Vec<(FieldId, Assign)>,
        /// How many rows must be touched.
        expect: Expect,
    },
    /// Rows are deleted.
    Delete {
        /// Where the touched keys go.
        slot: usize,
        /// The rows' type.
        entity: EntityId,
        /// Which rows: the caller's condition and the rule.
        predicate: Predicate,
        /// How many rows must be touched.
        expect: Expect,
    },
    /// Pairs are put into a join table; those that are there stay.
    Link {
        /// The join table and its columns: the near side's, the far side's.
        join: JoinColumns,
        /// The near side's key.
        near: Keys,
        /// The far side's keys.
        far: Keys,
    },
    /// Pairs are taken out of a join table.
    Unlink {
        /// The join table and its columns.
        join: JoinColumns,
        /// The near side's key.
        near: Keys,
        /// The far side's keys; all when absent.
        far: Option<Keys>,
        /// The far rows that are meant: others stay.
        visible: Predicate,
    },
    /// Rows must fulfil a condition, or everything is undone.
    Require {
        /// The rows' type.
        entity: EntityId,
        /// Which rows; each must be there.
        keys: Keys,
        /// The condition.
        predicate: Predicate,
        /// What is said otherwise.
        otherwise: Error,
    },
    /// What is read before something is deleted: the answer of the root of this position.
    Read(usize),
}

/// Rows to be made.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct InsertPlan {
    /// Where the keys go.
    pub(crate) slot: usize,
    /// The rows' type.
    pub(crate) entity: EntityId,
    /// The columns that are given.
    pub(crate) fields: Vec<FieldId>,
    /// A cell for each column, for each row.
    pub(crate) rows: Vec<Vec<Cell>>,
    /// What happens to a row that is there already.
    pub(crate) conflict: Option<ConflictPlan>,
    /// A row that is there already fails the precondition rather than a constraint.
    pub(crate) create_only: bool,
}

/// What happens to a row that is there already.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ConflictPlan {
    /// The fields that say whether it is the same row.
    pub(crate) fields: Vec<FieldId>,
    /// Its new values.
    pub(crate) assigns: Vec<(FieldId, Assign)>,
    /// The rows that may be changed.
    pub(crate) predicate: Predicate,
    /// How a row that may not be changed is explained.
    pub(crate) if_version: Option<i64>,
}

/// A join table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct JoinColumns {
    /// The table.
    pub(crate) table: String,
    /// Its column with the near side's key, and the near side.
    pub(crate) near: (String, EntityId),
    /// Its column with the far side's key, and the far side.
    pub(crate) far: (String, EntityId),
}

/// Optional fields of new rows without a value that the database requires, and may have a default for.
#[derive(Debug, Clone, Default)]
pub(crate) struct Leaves {
    all: bool,
    /// `table.column`
    columns: Vec<String>,
}

impl Leaves {
    /// Columns that become known one after the other, in as many tries.
    const MOST: usize = 8;

    /// Takes in what an error says of them; whether that is news.
    pub(in crate::engine) fn learn(&mut self, dialect: Dialect, error: &Error) -> bool {
        if self.all || self.columns.len() >= Self::MOST || !classify::lacks_value(error) {
            return false;
        }
        match classify::constraint(error) {
            // A default that is none any more stays in SQLite's tables: no other column is left to it.
            Some(column) if dialect == Dialect::Sqlite => {
                let news = !self.columns.contains(&column);
                self.columns.push(column);
                news
            }
            _ if dialect == Dialect::Sqlite => false,
            // The names are those of today, which former names hide.
            _ => {
                self.all = true;
                true
            }
        }
    }

    pub(super) fn has(&self, entity: &Entity, field: &Field) -> bool {
        self.all || self.columns.iter().any(|column| *column == format!("{}.{}", entity.table, field.column))
    }
}

/// A value of a column of a new row.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Cell {
    /// Known.
    Value(Value),
    /// The one key that a slot holds.
    Key(usize, EntityId),
    /// A field of a row that is referred to.
    Copy {
        /// That row's type.
        entity: EntityId,
        /// The field.
        field: FieldId,
        /// That row's key.
        key: Box<Cell>,
    },
}

/// A new value of a column.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Assign {
    /// Instead of the old one.
    Set(Cell),
    /// Added to the old one.
    Inc(Value),
    /// Items added to the end of the list.
    Append(Value),
    /// Items taken out of the list.
    Remove(Value),
}

/// Keys of rows, in order.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Keys(pub Vec<KeyRef>);

/// One key, or those of a slot.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum KeyRef {
    /// Known.
    Known(Value),
    /// All that a step touched.
    Slot(usize),
}

impl Keys {
    /// Known keys.
    pub(in crate::engine) fn known(values: impl IntoIterator<Item = Value>) -> Self {
        Self(values.into_iter().map(KeyRef::Known).collect())
    }

    /// The keys of a slot.
    pub(in crate::engine) fn slot(slot: usize) -> Self {
        Self(vec![KeyRef::Slot(slot)])
    }
}

/// How many rows a step must touch.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Expect {
    /// Any number.
    Any,
    /// This number at most.
    AtMost(u64),
    /// Exactly one; else the reason is looked for.
    One(Miss),
    /// Exactly this number, or this is said.
    Exactly(usize, Error),
}

/// How it is found out why no row was touched.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Miss {
    /// The rows that were meant and that the caller may see.
    pub(crate) visible: Predicate,
    /// The version that was asked for.
    pub(crate) if_version: Option<i64>,
    /// What is said where there is no such row.
    pub(crate) hint: Option<&'static str>,
}

/// What is read back.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum AnswerPlan {
    /// One row as an object.
    One {
        /// Its key.
        keys: Keys,
        /// The rows the caller may see.
        predicate: Predicate,
        /// What of it.
        object: Object,
        /// Whether it was read before the row was deleted.
        before: bool,
    },
    /// A batch.
    Batch {
        /// Its rows.
        keys: Keys,
        /// Their type.
        entity: EntityId,
        /// The rows the caller may see.
        predicate: Predicate,
        /// What of it.
        parts: Vec<(String, BatchPartPlan)>,
        /// Whether it was read before the rows were deleted.
        before: bool,
    },
    /// Only which rows were touched.
    Nothing(Keys),
}

/// One part of a batch's answer.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum BatchPartPlan {
    /// How many.
    Count,
    /// The rows.
    Nodes(Object),
    /// A text known already.
    Constant(String),
}

/// Plans writes.
pub(in crate::engine) struct WritePlanner<'a> {
    reads: Planner<'a>,
    steps: Vec<StepPlan>,
    slots: usize,
    rows: usize,
    leaves: Leaves,
}

impl<'a> WritePlanner<'a> {
    pub(in crate::engine) fn new(context: &'a Context) -> Self {
        Self { reads: Planner::new(context), steps: Vec::new(), slots: 0, rows: 0, leaves: Leaves::default() }
    }

    /// Leaves some optional fields of new rows that get no value to the database, instead of writing that they have none.
    pub(in crate::engine) fn leaving(self, leaves: &Leaves) -> Self {
        Self { leaves: leaves.clone(), ..self }
    }

    fn context(&self) -> &'a Context {
        self.reads.context
    }

    fn entity(&self, id: EntityId) -> &'a Entity {
        self.reads.entity(id)
    }

    fn slot(&mut self) -> usize {
        self.slots += 1;
        self.slots - 1
    }

    /// Counts a written row.
    fn count(&mut self) -> Result<()> {
        self.rows += 1;
        let limit = self.context().limits.batch;
        if self.rows > limit {
            return Err(Error::new(
                Code::LimitExceeded,
                format!("One request may write {limit} rows, nested ones included."),
            )
            .hint("Send several requests, or import a file."));
        }
        Ok(())
    }

    /// Plans the writes of one operation.
    pub(in crate::engine) fn writes(mut self, roots: &[Root<Write>]) -> Result<WritePlan> {
        let mut ends = Vec::with_capacity(roots.len());
        let answers = each(roots, |root| {
            let answer = self.root(&root.ask, ends.len());
            ends.push(self.steps.len());
            Ok((root.key.clone(), answer?))
        })?;
        Ok(WritePlan { steps: self.steps, answers, ends, slots: self.slots })
    }

    fn root(&mut self, write: &Write, position: usize) -> Result<AnswerPlan> {
        match &write.change {
            Change::Create { rows } => {
                self.permitted(write.entity, Operation::Create)?;
                let keys = self.create_all(write.entity, rows)?;
                self.answer(write, keys, false)
            }
            Change::Update { target, if_version, .. } => {
                self.permitted(write.entity, Operation::Update)?;
                let keys = self.update(write, target, *if_version)?;
                self.answer(write, keys, false)
            }
            Change::Upsert { .. } => {
                self.permitted(write.entity, Operation::Create)?;
                let keys = self.upsert(write)?;
                self.answer(write, keys, false)
            }
            Change::Delete { target, if_version } => {
                self.permitted(write.entity, Operation::Delete)?;
                self.delete(write, target, *if_version, position)
            }
        }
    }

    /// Whether any rule opens the operation to the caller.
    fn permitted(&self, entity: EntityId, operation: Operation) -> Result<()> {
        let (entity, principal) = (self.entity(entity), &self.context().principal);
        access::permit(entity, principal, operation)?;
        access::scoped(entity, principal, operation)
    }

    /// The rows that are meant, without the rule of what is done to them. Named by their values, they are rows that
    /// the caller may read: a change must not tell of others what reading them would not.
    fn target(&self, entity: EntityId, target: &Target) -> Result<Predicate> {
        let readable = || access::rows(self.context(), entity, Operation::Read);
        match target {
            Target::One(by @ By::Unique(_)) => {
                Ok(Predicate::and([self.reads.named(entity, by)?, readable()]))
            }
            Target::One(by) => self.reads.named(entity, by),
            Target::Many { filter, .. } => {
                if matches!(filter, Input::Object(fields) if fields.is_empty()) {
                    return Err(Error::new(Code::WhereRequired, "Changing many rows needs a condition.")
                        .hint("Say which rows: an empty condition would mean all of them."));
                }
                let predicate = self.reads.filter(entity, filter).map_err(|error| error.at("where"))?;
                if predicate == Predicate::Always {
                    return Err(Error::new(
                        Code::WhereRequired,
                        "The condition says nothing; changing many rows needs one.",
                    ));
                }
                Ok(Predicate::and([predicate, readable()]))
            }
        }
    }

    /// Rows that are not deleted, unless the change brings them back.
    fn alive(&self, entity: EntityId, target: &Target) -> Predicate {
        let revives =
            matches!(target, Target::Many { filter, .. } if super::list::names_deletion(Some(filter)));
        if revives && self.context().principal.is_admin() {
            return Predicate::Always;
        }
        access::alive(&self.context().catalog, entity)
    }

    fn expect(
        &self,
        entity: EntityId,
        target: &Target,
        meant: &Predicate,
        if_version: Option<i64>,
    ) -> Expect {
        match target {
            Target::One(_) => Expect::One(Miss {
                visible: Predicate::and([meant.clone(), self.reads.visible(entity)]),
                if_version,
                hint: None,
            }),
            Target::Many { max, .. } => Expect::AtMost((*max).min(self.context().limits.batch as u64)),
        }
    }

    fn versioned(&self, entity: &Entity, if_version: Option<i64>) -> Predicate {
        match if_version {
            Some(version) => Predicate::Compare {
                field: entity.version,
                op: Op::Eq,
                value: Operand::Value(Value::Int(version)),
            },
            None => Predicate::Always,
        }
    }

    fn delete(
        &mut self,
        write: &Write,
        target: &Target,
        if_version: Option<i64>,
        position: usize,
    ) -> Result<AnswerPlan> {
        let entity = self.entity(write.entity);
        let meant = self.target(entity.id, target)?;
        let predicate = Predicate::and([
            meant.clone(),
            self.alive(entity.id, target),
            access::rows(self.context(), entity.id, Operation::Delete),
            self.versioned(entity, if_version),
        ]);
        let expect = self.expect(entity.id, target, &meant, if_version);
        let slot = self.slot();
        let wants_rows = match &write.answer {
            Answer::One(_) => true,
            Answer::Batch(parts) => parts.iter().any(|(_, part)| matches!(part, BatchPart::Nodes(_))),
            Answer::Nothing => false,
        };
        if !wants_rows {
            self.steps.push(StepPlan::Delete { slot, entity: entity.id, predicate, expect });
            return self.answer(write, Keys::slot(slot), false);
        }
        // The rows are locked and named by an update that changes nothing, read, and then deleted.
        self.steps.push(StepPlan::Update { slot, entity: entity.id, predicate, assigns: Vec::new(), expect });
        self.steps.push(StepPlan::Read(position));
        let done = self.slot();
        let keys = Keys::slot(slot);
        self.steps.push(StepPlan::Delete {
            slot: done,
            entity: entity.id,
            predicate: Predicate::Compare {
                field: Entity::KEY,
                op: Op::In,
                value: Operand::Param(touched(slot)),
            },
            expect: Expect::Any,
        });
        self.answer(write, keys, true)
    }

    fn answer(&mut self, write: &Write, keys: Keys, before: bool) -> Result<AnswerPlan> {
        let entity = write.entity;
        let predicate = self.reads.visible(entity);
        match &write.answer {
            Answer::Nothing => Ok(AnswerPlan::Nothing(keys)),
            Answer::One(selection) => {
                let object = self.reads.object(entity, selection, 1, 1)?;
                Ok(AnswerPlan::One { keys, predicate, object, before })
            }
            Answer::Batch(wanted) => {
                let mut parts = Vec::with_capacity(wanted.len());
                for (key, part) in wanted {
                    let part = match part {
                        BatchPart::Count => BatchPartPlan::Count,
                        BatchPart::Typename(name) => BatchPartPlan::Constant(name.clone()),
                        BatchPart::Nodes(selection) => BatchPartPlan::Nodes(
                            self.reads
                                .object(entity, selection, 1, 100)
                                .map_err(|error| error.under(key.as_str()))?,
                        ),
                    };
                    parts.push((key.clone(), part));
                }
                Ok(AnswerPlan::Batch { keys, entity, predicate, parts, before })
            }
        }
    }

    /// Rows must look as the rules say after they were made or changed.
    fn afterwards(&mut self, entity: EntityId, operation: Operation, keys: Keys) {
        let predicate = access::afterwards(self.context(), entity, operation);
        self.require(entity, keys, predicate);
    }

    fn require(&mut self, entity: EntityId, keys: Keys, predicate: Predicate) {
        if predicate == Predicate::Always {
            return;
        }
        let definition = self.entity(entity);
        let fields = mentioned(definition, &predicate);
        let mut otherwise = match fields.first() {
            Some(field) => Error::new(
                Code::CheckFailed,
                format!("{} may not be written with this `{field}`.", definition.name),
            )
            .at(field.as_str()),
            None => {
                Error::new(Code::CheckFailed, format!("{} may not be written like this.", definition.name))
            }
        };
        otherwise = otherwise.hint("A rule of the model says how the row must look afterwards.");
        self.steps.push(StepPlan::Require { entity, keys, predicate, otherwise });
    }
}

/// The parameter that stands for the touched keys of a slot inside a predicate.
pub(in crate::engine) fn touched(slot: usize) -> entity::Param {
    entity::Param { index: TOUCHED + slot, ty: entity::FieldType::Scalar(entity::Scalar::Json), list: true }
}

/// Parameters from here on are slots of touched keys, not variables of the request: writes have none of those.
pub(in crate::engine) const TOUCHED: usize = 1 << 32;

/// The fields a condition names, in order.
fn mentioned(entity: &Entity, predicate: &Predicate) -> Vec<String> {
    match predicate {
        Predicate::Always | Predicate::Never => Vec::new(),
        Predicate::All(parts) | Predicate::Any(parts) => {
            parts.iter().flat_map(|part| mentioned(entity, part)).collect()
        }
        Predicate::Not(inner) | Predicate::Untrue(inner) | Predicate::Where(_, inner) => {
            mentioned(entity, inner)
        }
        Predicate::Compare { field, .. } | Predicate::CompareFields { field, .. } => {
            vec![entity.field(*field).name.clone()]
        }
        Predicate::Exists { relation, .. } | Predicate::Count { relation, .. } => {
            vec![entity.relation(*relation).name.clone()]
        }
    }
}
