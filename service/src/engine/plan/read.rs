//! Plans of rows and what of them is wanted.

use entity::catalog::{Cardinality, Entity, Join, Member, Operation};
use entity::{Claim, EntityId, FieldId, FieldType, Input, Op, Operand, Predicate, RelationId};

use super::{AggregatePlan, ListPlan, Planner, Source, each};
use crate::access;
use crate::engine::request::{By, EmbeddedPart, Read, Requested, Root, Selected};
use crate::error::{Code, Error, Result};

/// A planned read: the roots of one statement.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ReadPlan {
    /// The roots, in order.
    pub(crate) roots: Vec<(String, RootPlan)>,
}

/// One planned root.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum RootPlan {
    /// A text known already.
    Constant(String),
    /// One row.
    One {
        /// The rows it is looked for in, and how many are expected: one at most.
        predicate: Predicate,
        /// What of it.
        object: Object,
        /// Whether its version is wanted too.
        facts: bool,
    },
    /// A page of rows.
    List(ListPlan),
    /// Groups.
    Aggregate(AggregatePlan),
    /// A row of any of several types; ids are unique across them.
    Node(Vec<(Predicate, Object)>),
}

/// What of a row is wanted, as one JSON object.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Object {
    /// The row's type.
    pub(crate) entity: EntityId,
    /// Its parts in order.
    pub(crate) outputs: Vec<(String, Output)>,
}

/// On which rows a part is shown; it is null on others.
pub(crate) type Shown = Predicate;

/// One part of an object.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Output {
    /// A text known already.
    Constant(String),
    /// A column.
    Column {
        /// The field.
        field: FieldId,
        /// On which rows.
        shown: Shown,
        /// Of an embedded value: what of it.
        parts: Option<Vec<EmbeddedPart>>,
    },
    /// The row on the other side of a to-one relation.
    One(Box<OnePlan>),
    /// Rows on the other side of a to-many relation.
    Many {
        /// On which rows.
        shown: Shown,
        /// The page of rows.
        list: Box<ListPlan>,
    },
}

/// The row on the other side of a to-one relation.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct OnePlan {
    /// The relation.
    pub(crate) relation: RelationId,
    /// On which rows.
    pub(crate) shown: Shown,
    /// The rows it may be.
    pub(crate) predicate: Predicate,
    /// What of it.
    pub(crate) object: Object,
}

impl Planner<'_> {
    /// Plans the reads of one operation.
    pub(in crate::engine) fn reads(mut self, roots: &[Root<Read>]) -> Result<ReadPlan> {
        let roots = each(roots, |root| Ok((root.key.clone(), self.root(&root.ask)?)))?;
        Ok(ReadPlan { roots })
    }

    fn root(&mut self, read: &Read) -> Result<RootPlan> {
        match read {
            Read::Constant(text) => Ok(RootPlan::Constant(text.clone())),
            Read::One { entity, by, selection, facts } => {
                self.open(*entity)?;
                self.rows(1, 1)?;
                Ok(RootPlan::One {
                    predicate: Predicate::and([self.named(*entity, by)?, self.visible(*entity)]),
                    object: self.object(*entity, selection, 1, 1)?,
                    facts: *facts,
                })
            }
            Read::List(list) => {
                self.open(list.entity)?;
                let source = match &list.under {
                    Some(under) => self.under(under, list.entity)?,
                    None => Source::Table,
                };
                Ok(RootPlan::List(self.list(list.entity, source, list, 1, 1)?))
            }
            Read::Aggregate(aggregate) => {
                self.open(aggregate.entity)?;
                Ok(RootPlan::Aggregate(self.aggregate(aggregate)?))
            }
            Read::Node { id, kinds } => self.node(id, kinds),
        }
    }

    fn open(&self, entity: EntityId) -> Result<()> {
        let definition = self.entity(entity);
        if access::visible(definition, &self.context.principal) {
            return access::scoped(definition, &self.context.principal, Operation::Read);
        }
        Err(Error::new(Code::UnknownType, "There is no such type."))
    }

    fn node(&mut self, id: &Input, kinds: &[(EntityId, Vec<Selected>)]) -> Result<RootPlan> {
        let mut plans = Vec::new();
        for (entity, selection) in kinds {
            if self.open(*entity).is_err() {
                continue;
            }
            self.rows(1, 1)?;
            let by = By::Id(id.clone());
            let predicate = Predicate::and([self.named(*entity, &by)?, self.visible(*entity)]);
            plans.push((predicate, self.object(*entity, selection, 1, 1)?));
        }
        Ok(RootPlan::Node(plans))
    }

    /// The row that is named.
    pub(in crate::engine) fn named(&self, entity: EntityId, by: &By) -> Result<Predicate> {
        let definition = self.entity(entity);
        match by {
            By::Id(id) => Ok(Predicate::Compare {
                field: Entity::KEY,
                op: Op::Eq,
                value: key(definition, id).map_err(|error| error.at("id"))?,
            }),
            By::Me => Ok(Predicate::Compare {
                field: Entity::KEY,
                op: Op::Eq,
                value: Operand::Claim(Claim::UserId),
            }),
            By::Unique(values) => {
                let parts = values
                    .iter()
                    .map(|(name, value)| {
                        let (field, shown) = self.column(definition, name)?;
                        let value = operand(self, definition, field, value)
                            .map_err(|error| error.at(name.as_str()))?;
                        let compare = Predicate::Compare { field, op: Op::Eq, value };
                        Ok(Predicate::and([compare, shown]))
                    })
                    .collect::<Result<Vec<_>>>()?;
                let unique = definition.uniques.iter().any(|unique| {
                    definition.named_by(unique).count() == values.len()
                        && definition
                            .named_by(unique)
                            .all(|field| values.iter().any(|(name, _)| field.name == *name))
                });
                if definition.tenant.is_some() && self.context.principal.is_admin() {
                    return Err(Error::new(
                        Code::NotSupported,
                        format!("Rows of {} are unique within their organization only.", definition.name),
                    )
                    .hint("Give the id."));
                }
                if !unique {
                    return Err(Error::new(Code::BadRequest, "These fields don't name one row.")
                        .hint("Give the id, or all fields of one unique constraint."));
                }
                Ok(Predicate::and(parts))
            }
        }
    }

    /// What of a row is wanted. `each` is how many rows there may be, `level` how deep it is nested.
    pub(in crate::engine) fn object(
        &mut self,
        entity: EntityId,
        selection: &[Selected],
        level: usize,
        each: u64,
    ) -> Result<Object> {
        self.depth(level)?;
        let definition = self.entity(entity);
        access::scoped(definition, &self.context.principal, Operation::Read)?;
        let mut outputs = Vec::with_capacity(selection.len());
        for selected in selection {
            self.field()?;
            let output = self
                .output(definition, &selected.what, level, each)
                .map_err(|error| error.under(selected.key.as_str()))?;
            outputs.push((selected.key.clone(), output));
        }
        Ok(Object { entity, outputs })
    }

    fn output(&mut self, entity: &'_ Entity, wanted: &Requested, level: usize, each: u64) -> Result<Output> {
        let definition = self.entity(entity.id);
        match wanted {
            Requested::Typename => Ok(Output::Constant(definition.name.clone())),
            Requested::Field { name, parts } => match self.readable(definition, name)? {
                (Member::Field(field), shown) => {
                    if let (Some(parts), FieldType::Embedded(_)) = (parts, field.ty) {
                        self.embedded(parts)?;
                    }
                    Ok(Output::Column { field: field.id, shown, parts: parts.clone() })
                }
                (Member::Relation(_), _) => {
                    Err(Error::new(Code::BadRequest, format!("`{name}` is a relation.")))
                }
            },
            Requested::Key { name } => {
                let (field, shown) = self.column(definition, name)?;
                Ok(Output::Column { field, shown, parts: None })
            }
            Requested::One { name, selection } => match self.readable(definition, name)? {
                (Member::Relation(relation), shown) if relation.cardinality == Cardinality::One => {
                    self.rows(each, 1)?;
                    Ok(Output::One(Box::new(OnePlan {
                        relation: relation.id,
                        shown,
                        predicate: self.visible(relation.target),
                        object: self.object(relation.target, selection, level + 1, each)?,
                    })))
                }
                _ => Err(Error::new(Code::BadRequest, format!("`{name}` is not a relation to one row."))),
            },
            Requested::Many { name, list } => match self.readable(definition, name)? {
                (Member::Relation(relation), shown) if relation.cardinality == Cardinality::Many => {
                    let source = Source::Relation(definition.id, relation.id);
                    let list = Box::new(self.list(relation.target, source, list, level + 1, each)?);
                    Ok(Output::Many { shown, list })
                }
                _ => Err(Error::new(Code::BadRequest, format!("`{name}` is not a relation to many rows."))),
            },
        }
    }

    fn embedded(&mut self, parts: &[EmbeddedPart]) -> Result<()> {
        for part in parts {
            self.field()?;
            if let Some(parts) = &part.parts {
                self.embedded(parts)?;
            }
        }
        Ok(())
    }

    fn under(&self, under: &crate::engine::request::Under, target: EntityId) -> Result<Source> {
        self.open(under.entity)?;
        let parent = self.entity(under.entity);
        let (member, shown) = self.readable(parent, &under.relation)?;
        match member {
            Member::Relation(relation)
                if relation.cardinality == Cardinality::Many && relation.target == target =>
            {
                let id = key(parent, &under.id).map_err(|error| error.at("id"))?;
                let named = Predicate::Compare { field: Entity::KEY, op: Op::Eq, value: id.clone() };
                Ok(Source::Under {
                    entity: under.entity,
                    relation: relation.id,
                    id,
                    parent: Box::new(Predicate::and([named, self.visible(under.entity), shown])),
                })
            }
            _ => Err(Error::new(Code::NoSuchRoute, "There is no such list.")),
        }
    }
}

/// The operand of a key.
pub(in crate::engine) fn key(entity: &Entity, id: &Input) -> Result<Operand> {
    entity::resolve::key(entity.key, id).map_err(super::problem)
}

/// The column of a member: the field itself, or the key of a to-one relation.
pub(in crate::engine) fn member_field(entity: &Entity, member: Member<'_>, name: &str) -> Result<FieldId> {
    match member {
        Member::Field(field) => Ok(field.id),
        Member::Relation(relation) => match relation.join {
            Join::Outgoing { field } => Ok(field),
            Join::Incoming { .. } | Join::Through { .. } => {
                Err(Error::new(Code::BadRequest, format!("`{}.{name}` holds many rows.", entity.name)))
            }
        },
    }
}

fn operand(planner: &Planner<'_>, entity: &Entity, field: FieldId, input: &Input) -> Result<Operand> {
    let field = entity.field(field);
    match input {
        Input::Param(index) => {
            Ok(Operand::Param(entity::Param { index: *index, ty: field.ty, list: field.list }))
        }
        input => entity::value::coerce(&planner.context.catalog, field.ty, field.list, input)
            .map(Operand::Value)
            .map_err(super::problem),
    }
}
