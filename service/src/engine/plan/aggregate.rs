//! Plans of groups and numbers about them.

use entity::catalog::{Cardinality, Entity, Member};
use entity::{
    EntityId, FieldId, FieldType, IdKind, Input, Op, Operand, Param, Predicate, RelationId, Scalar,
};

use super::{Object, Planner};
use crate::engine::request::{
    Aggregate, AggregateOrder, AggregatePart, Bucket, Function, KeyPart, Measure, MeasurePart,
};
use crate::error::{Code, Error, Result};

/// Keys one aggregate may group by.
pub const GROUPS: usize = 6;

/// Groups of rows.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct AggregatePlan {
    /// The rows' type.
    pub(crate) entity: EntityId,
    /// Which rows take part.
    pub(crate) predicate: Predicate,
    /// What rows of a group have in common; none: all rows are one group.
    pub(crate) groups: Vec<GroupPlan>,
    /// The numbers that are computed, each once.
    pub(crate) measures: Vec<MeasurePlan>,
    /// Which groups.
    pub(crate) having: Option<Having>,
    /// In what order: columns of groups or measures, and whether descending.
    pub(crate) order: Vec<(Column, bool)>,
    /// Groups at most.
    pub(crate) limit: u64,
    /// What of each group.
    pub(crate) parts: Vec<(String, AggregatePartPlan)>,
}

/// A column of the grouped rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Column {
    /// A group key, by position.
    Group(usize),
    /// A measure, by position.
    Measure(usize),
}

/// What rows of a group have in common.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct GroupPlan {
    /// The name it was asked by.
    pub(crate) name: String,
    /// The column.
    pub(crate) field: FieldId,
    /// On which rows the field is shown; others count as without a value.
    pub(crate) shown: Predicate,
    /// Of a time: down to this unit.
    pub(crate) bucket: Option<Bucket>,
}

/// A number about a group.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum MeasurePlan {
    /// How many rows.
    Count,
    /// A function of a field.
    Of {
        /// The function.
        function: Function,
        /// The field.
        field: FieldId,
        /// On which rows the field is shown.
        shown: Predicate,
        /// The type of the result.
        ty: FieldType,
    },
}

/// A condition on groups.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Having {
    /// All of them.
    All(Vec<Having>),
    /// One of them.
    Any(Vec<Having>),
    /// The opposite.
    Not(Box<Having>),
    /// A measure, by position, compared.
    Compare(usize, Op, Operand),
}

/// What of each group is wanted.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum AggregatePartPlan {
    /// An object of keys.
    Key(Vec<(String, KeyPartPlan)>),
    /// A number, by position.
    Measure(usize),
    /// An object of numbers, by position.
    Measures(Vec<(String, MeasurePartPlan)>),
    /// A text known already.
    Constant(String),
}

/// What of a function is wanted.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum MeasurePartPlan {
    /// A number, by position.
    Value(usize),
    /// A text known already.
    Constant(String),
}

/// What of the keys is wanted.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum KeyPartPlan {
    /// A key, by position.
    Value(usize),
    /// The row a key refers to.
    Row {
        /// The key, by position.
        group: usize,
        /// The relation.
        relation: RelationId,
        /// The rows it may be.
        predicate: Predicate,
        /// What of it.
        object: Object,
    },
    /// It is not grouped by.
    Null,
    /// A text known already.
    Constant(String),
}

impl Planner<'_> {
    pub(super) fn aggregate(&mut self, aggregate: &Aggregate) -> Result<AggregatePlan> {
        let entity = self.entity(aggregate.entity);
        if aggregate.search.is_some() {
            return Err(Error::new(Code::NotSupported, format!("{} can't be searched.", entity.name)));
        }
        let condition = match &aggregate.filter {
            Some(filter) => self.filter(entity.id, filter).map_err(|error| error.at("where"))?,
            None => Predicate::Always,
        };
        let groups = self.groups(entity, aggregate)?;
        let limit = self.group_limit(entity, aggregate)?;
        let mut measures = Vec::new();
        let having = match &aggregate.having {
            Some(input) => {
                Some(self.having(entity, input, &mut measures, 8).map_err(|error| error.at("having"))?)
            }
            None => None,
        };
        let order = self.group_order(entity, aggregate, &groups, &mut measures)?;
        let rows = self.rows(1, limit)?;
        let mut parts = Vec::with_capacity(aggregate.parts.len());
        for (key, part) in &aggregate.parts {
            self.field()?;
            let part = self
                .group_part(entity, part, &groups, &mut measures, rows)
                .map_err(|error| error.under(key.as_str()))?;
            parts.push((key.clone(), part));
        }
        let predicate = Predicate::and([self.visible(entity.id), condition]);
        Ok(AggregatePlan { entity: entity.id, predicate, groups, measures, having, order, limit, parts })
    }

    fn group_limit(&self, entity: &Entity, aggregate: &Aggregate) -> Result<u64> {
        let max = self.context.limits.groups;
        match aggregate.first {
            Some(first) if first > max => Err(Error::new(
                Code::PageTooLarge,
                format!("{first} groups of {} were asked for; the maximum is {max}.", entity.plural),
            )),
            _ if aggregate.groups.is_empty() => Ok(1),
            Some(first) => Ok(first),
            None => Ok(100.min(max)),
        }
    }

    fn groups(&self, entity: &Entity, aggregate: &Aggregate) -> Result<Vec<GroupPlan>> {
        if aggregate.groups.len() > GROUPS {
            return Err(Error::new(
                Code::LimitExceeded,
                format!("Rows may be grouped by {GROUPS} keys at most."),
            )
            .at("groupBy"));
        }
        let entity = self.entity(entity.id);
        let mut groups: Vec<GroupPlan> = Vec::new();
        for (index, group) in aggregate.groups.iter().enumerate() {
            let plan = self
                .group(entity, &group.name, group.bucket)
                .map_err(|error| error.at(index).at("groupBy"))?;
            if groups.iter().any(|other| other.field == plan.field) {
                return Err(Error::new(Code::BadRequest, format!("`{}` is grouped by twice.", group.name))
                    .at(index)
                    .at("groupBy"));
            }
            groups.push(plan);
        }
        Ok(groups)
    }

    fn group(&self, entity: &Entity, name: &str, bucket: Option<Bucket>) -> Result<GroupPlan> {
        let entity = self.entity(entity.id);
        let (field, shown) = self.column(entity, name)?;
        let field = entity.field(field);
        let unfit = field.list
            || !field.exposure.filter
            || matches!(field.ty, FieldType::Embedded(_) | FieldType::Scalar(Scalar::Json));
        if unfit {
            return Err(Error::new(Code::NotSupported, format!("Rows can't be grouped by `{name}`.")));
        }
        match (bucket, field.ty) {
            (None, _) | (Some(_), FieldType::Scalar(Scalar::DateTime)) => {}
            (Some(bucket), FieldType::Scalar(Scalar::Date)) if bucket != Bucket::Hour => {}
            (Some(bucket), _) => {
                return Err(Error::new(
                    Code::NotSupported,
                    format!("`{name}` has no {}.", bucket.name().to_lowercase()),
                )
                .hint("Only times and dates are grouped by a unit of time."));
            }
        }
        Ok(GroupPlan { name: name.to_owned(), field: field.id, shown, bucket })
    }

    /// The position of a measure, planned when it is new.
    fn measure(&self, entity: &Entity, measure: &Measure, measures: &mut Vec<MeasurePlan>) -> Result<usize> {
        let entity = self.entity(entity.id);
        let plan = match measure {
            Measure::Count => MeasurePlan::Count,
            Measure::Of(function, name) => {
                let (member, shown) = self.readable(entity, name)?;
                let field = match member {
                    Member::Field(field) if field.exposure.filter && !field.list => field,
                    _ => {
                        return Err(Error::new(
                            Code::NotSupported,
                            format!("`{name}` has no {}.", function.name()),
                        ));
                    }
                };
                let ty = measure_type(*function, field.ty).ok_or_else(|| {
                    Error::new(Code::NotSupported, format!("`{name}` has no {}.", function.name()))
                })?;
                MeasurePlan::Of { function: *function, field: field.id, shown, ty }
            }
        };
        Ok(match measures.iter().position(|other| *other == plan) {
            Some(index) => index,
            None => {
                measures.push(plan);
                measures.len() - 1
            }
        })
    }

    fn having(
        &self,
        entity: &Entity,
        input: &Input,
        measures: &mut Vec<MeasurePlan>,
        depth: usize,
    ) -> Result<Having> {
        let Input::Object(fields) = input else {
            return Err(Error::new(
                Code::BadRequest,
                format!("Expected a condition on groups, got {}.", input.kind()),
            ));
        };
        if depth == 0 {
            return Err(Error::new(Code::LimitExceeded, "The condition nests too deep."));
        }
        let mut parts = Vec::new();
        for (key, value) in fields {
            let part = self
                .having_entry(entity, key, value, measures, depth)
                .map_err(|error| error.at(key.as_str()))?;
            parts.push(part);
        }
        Ok(Having::All(parts))
    }

    fn having_entry(
        &self,
        entity: &Entity,
        key: &str,
        value: &Input,
        measures: &mut Vec<MeasurePlan>,
        depth: usize,
    ) -> Result<Having> {
        let mut list = |value: &Input| match value {
            Input::List(items) => items
                .iter()
                .enumerate()
                .map(|(index, item)| {
                    self.having(entity, item, measures, depth - 1).map_err(|error| error.at(index))
                })
                .collect::<Result<Vec<_>>>(),
            other => Err(Error::new(
                Code::BadRequest,
                format!("Expected a list of conditions, got {}.", other.kind()),
            )),
        };
        match key {
            "and" => return Ok(Having::All(list(value)?)),
            "or" => return Ok(Having::Any(list(value)?)),
            "not" => return Ok(Having::Not(Box::new(self.having(entity, value, measures, depth - 1)?))),
            "count" => return self.having_measure(entity, &Measure::Count, value, measures),
            _ => {}
        }
        let Some(function) = Function::ALL.into_iter().find(|function| function.name() == key) else {
            let names = ["count", "sum", "avg", "min", "max", "and", "or", "not"];
            let mut error = Error::new(
                Code::UnknownField,
                format!("A condition on groups has no `{}`.", entity::value::excerpt(key)),
            );
            if let Some(hint) = entity::suggest::hint(key, names) {
                error = error.hint(hint);
            }
            return Err(error);
        };
        let Input::Object(fields) = value else {
            return Err(Error::new(Code::BadRequest, format!("Expected fields, got {}.", value.kind())));
        };
        let parts = fields
            .iter()
            .map(|(name, value)| {
                self.having_measure(entity, &Measure::Of(function, name.clone()), value, measures)
                    .map_err(|error| error.at(name.as_str()))
            })
            .collect::<Result<_>>()?;
        Ok(Having::All(parts))
    }

    fn having_measure(
        &self,
        entity: &Entity,
        measure: &Measure,
        input: &Input,
        measures: &mut Vec<MeasurePlan>,
    ) -> Result<Having> {
        let index = self.measure(entity, measure, measures)?;
        let ty = match measures.get(index) {
            Some(MeasurePlan::Of { ty, .. }) => *ty,
            _ => FieldType::Scalar(Scalar::BigInt),
        };
        let Input::Object(fields) = input else {
            return Err(Error::new(Code::BadRequest, format!("Expected operators, got {}.", input.kind()))
                .hint("Write `{ gt: … }`."));
        };
        let parts = fields
            .iter()
            .map(|(name, value)| {
                let op = Op::named(name).filter(|op| Op::COUNT.contains(op)).ok_or_else(|| {
                    Error::new(
                        Code::UnknownOperator,
                        format!("A number takes no operator `{}`.", entity::value::excerpt(name)),
                    )
                })?;
                let list = matches!(op, Op::In | Op::NotIn | Op::Between);
                let operand = match value {
                    Input::Param(index) => Operand::Param(Param { index: *index, ty, list }),
                    Input::Null => {
                        return Err(
                            Error::new(Code::BadValue, "Null compares with nothing.").at(name.as_str())
                        );
                    }
                    value => Operand::Value(
                        entity::value::coerce(&self.context.catalog, ty, list, value)
                            .map_err(|problem| super::problem(problem).at(name.as_str()))?,
                    ),
                };
                if op == Op::Between
                    && matches!(&operand, Operand::Value(entity::Value::List(items)) if items.len() != 2)
                {
                    return Err(Error::new(Code::BadValue, "`between` takes two values.").at(name.as_str()));
                }
                Ok(Having::Compare(index, op, operand))
            })
            .collect::<Result<_>>()?;
        Ok(Having::All(parts))
    }

    fn group_order(
        &self,
        entity: &Entity,
        aggregate: &Aggregate,
        groups: &[GroupPlan],
        measures: &mut Vec<MeasurePlan>,
    ) -> Result<Vec<(Column, bool)>> {
        let mut order = Vec::new();
        for (index, term) in aggregate.order.iter().enumerate() {
            let column = match term {
                AggregateOrder::Measure(measure, descending) => {
                    let measure = self
                        .measure(entity, measure, measures)
                        .map_err(|error| error.at(index).at("orderBy"))?;
                    (Column::Measure(measure), *descending)
                }
                AggregateOrder::Key(name, descending) => {
                    let group = groups.iter().position(|group| group.name == *name).ok_or_else(|| {
                        Error::new(
                            Code::BadRequest,
                            format!("`{}` is ordered by, but not grouped by.", entity::value::excerpt(name)),
                        )
                        .at(index)
                        .at("orderBy")
                    })?;
                    (Column::Group(group), *descending)
                }
            };
            order.push(column);
        }
        for group in 0..groups.len() {
            if !order.iter().any(|(column, _)| *column == Column::Group(group)) {
                order.push((Column::Group(group), false));
            }
        }
        Ok(order)
    }

    fn group_part(
        &mut self,
        entity: &Entity,
        part: &AggregatePart,
        groups: &[GroupPlan],
        measures: &mut Vec<MeasurePlan>,
        rows: u64,
    ) -> Result<AggregatePartPlan> {
        Ok(match part {
            AggregatePart::Typename(name) => AggregatePartPlan::Constant(name.clone()),
            AggregatePart::Count => {
                AggregatePartPlan::Measure(self.measure(entity, &Measure::Count, measures)?)
            }
            AggregatePart::Measures(function, fields) => {
                let mut wanted = Vec::with_capacity(fields.len());
                for (key, part) in fields {
                    self.field()?;
                    let part = match part {
                        MeasurePart::Typename(name) => MeasurePartPlan::Constant(name.clone()),
                        MeasurePart::Field(name) => {
                            let measure = Measure::Of(*function, name.clone());
                            MeasurePartPlan::Value(self.measure(entity, &measure, measures)?)
                        }
                    };
                    wanted.push((key.clone(), part));
                }
                AggregatePartPlan::Measures(wanted)
            }
            AggregatePart::Key(parts) => {
                let mut keys = Vec::with_capacity(parts.len());
                for (key, part) in parts {
                    self.field()?;
                    keys.push((
                        key.clone(),
                        self.key_part(entity, part, groups, rows)
                            .map_err(|error| error.under(key.as_str()))?,
                    ));
                }
                AggregatePartPlan::Key(keys)
            }
        })
    }

    fn key_part(
        &mut self,
        entity: &Entity,
        part: &KeyPart,
        groups: &[GroupPlan],
        rows: u64,
    ) -> Result<KeyPartPlan> {
        let entity = self.entity(entity.id);
        let position = |name: &str| groups.iter().position(|group| group.name == *name);
        match part {
            KeyPart::Typename(name) => Ok(KeyPartPlan::Constant(name.clone())),
            KeyPart::Value(name) => {
                self.readable(entity, name)?;
                Ok(position(name).map_or(KeyPartPlan::Null, KeyPartPlan::Value))
            }
            KeyPart::Row(name, selection) => {
                let (member, _) = self.readable(entity, name)?;
                let Member::Relation(relation) = member else {
                    return Err(Error::new(Code::BadRequest, format!("`{name}` is not a relation.")));
                };
                if relation.cardinality != Cardinality::One {
                    return Err(Error::new(Code::BadRequest, format!("`{name}` holds many rows.")));
                }
                let Some(group) = position(name) else { return Ok(KeyPartPlan::Null) };
                self.rows(rows, 1)?;
                let object = self.object(relation.target, selection, 2, rows)?;
                Ok(KeyPartPlan::Row {
                    group,
                    relation: relation.id,
                    predicate: self.visible(relation.target),
                    object,
                })
            }
        }
    }
}

/// The type of a function's result; none where the field has no such function.
#[must_use]
pub fn measure_type(function: Function, ty: FieldType) -> Option<FieldType> {
    let FieldType::Scalar(scalar) = ty else { return None };
    let result = match function {
        Function::Sum => match scalar {
            Scalar::Int | Scalar::BigInt => Scalar::BigInt,
            Scalar::Float | Scalar::Decimal => scalar,
            _ => return None,
        },
        Function::Avg => scalar.is_number().then_some(Scalar::Float)?,
        Function::Min | Function::Max => match scalar {
            Scalar::Id(IdKind::Uuid7 | IdKind::Client | IdKind::Serial)
            | Scalar::Uuid
            | Scalar::Boolean
            | Scalar::Json => return None,
            other => other,
        },
    };
    Some(FieldType::Scalar(result))
}
