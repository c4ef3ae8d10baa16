//! The order of a list: what was asked for, completed by the key.

use entity::catalog::{Cardinality, Entity, Join, Member};
use entity::{EntityId, FieldId, FieldType, IdKind, Predicate, RelationId, Scalar};

use super::Planner;
use crate::engine::request::{Nulls, Order};
use crate::error::{Code, Error, Result};

/// Terms an order may have.
const TERMS: usize = 8;

/// One term of a total order.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct OrderTerm {
    /// The listed entity.
    pub(crate) origin: EntityId,
    /// The to-one relations that lead to the row, each with the rows it may lead to.
    pub(crate) path: Vec<(RelationId, Predicate)>,
    /// The entity at the end of the path.
    pub(crate) entity: EntityId,
    /// Its field.
    pub(crate) field: FieldId,
    /// On which rows at the end of the path the field is shown.
    pub(crate) shown: Predicate,
    /// From high to low.
    pub(crate) descending: bool,
    /// Rows without a value come first.
    pub(crate) nulls_first: bool,
    /// Whether there may be rows without a value.
    pub(crate) nullable: bool,
}

impl OrderTerm {
    /// The same term read from the other end.
    #[must_use]
    pub(crate) fn reversed(&self) -> Self {
        Self { descending: !self.descending, nulls_first: !self.nulls_first, ..self.clone() }
    }

    /// Whether it is a column of the listed row itself that always has a value.
    #[must_use]
    pub(crate) fn is_plain(&self) -> bool {
        self.path.is_empty() && !self.nullable
    }
}

impl<'a> Planner<'a> {
    pub(super) fn order(&self, entity: EntityId, wanted: &[Order]) -> Result<Vec<OrderTerm>> {
        if wanted.len() > TERMS {
            return Err(
                Error::new(Code::LimitExceeded, format!("An order may have {TERMS} terms.")).at("orderBy")
            );
        }
        let mut terms: Vec<OrderTerm> = Vec::with_capacity(wanted.len() + 1);
        for (index, order) in wanted.iter().enumerate() {
            let term = self.term(entity, order).map_err(|error| error.at(index).at("orderBy"))?;
            let known = terms.iter().any(|other| {
                other.field == term.field
                    && other.path.iter().map(|step| step.0).eq(term.path.iter().map(|step| step.0))
            });
            if known {
                return Err(Error::new(
                    Code::BadRequest,
                    format!("`{}` is twice in the order.", order.path.join(".")),
                )
                .at(index)
                .at("orderBy"));
            }
            let unique = term.path.is_empty() && term.field == Entity::KEY;
            terms.push(term);
            if unique {
                return Ok(terms);
            }
        }
        // The last term decides the direction of the key, so that one index can serve both.
        let descending = terms.last().is_some_and(|term| term.descending);
        terms.push(OrderTerm {
            origin: entity,
            path: Vec::new(),
            entity,
            field: Entity::KEY,
            shown: Predicate::Always,
            descending,
            nulls_first: false,
            nullable: false,
        });
        Ok(terms)
    }

    fn term(&self, entity: EntityId, order: &Order) -> Result<OrderTerm> {
        let mut path = Vec::new();
        let mut here = self.entity(entity);
        let mut nullable = false;
        let Some((last, steps)) = order.path.split_last() else {
            return Err(Error::new(Code::BadRequest, "A term of an order names a field."));
        };
        if steps.len() > 4 {
            return Err(Error::new(Code::LimitExceeded, "An order may lead through 4 relations at most."));
        }
        for step in steps {
            let (relation, target, maybe) = self.step(here, step)?;
            nullable |= maybe;
            path.push(relation);
            here = target;
        }
        let (field, shown) = self.column(here, last)?;
        let field = here.field(field);
        let sortable = !field.list
            && field.exposure.filter
            && match field.ty {
                FieldType::Scalar(scalar) => scalar.is_ordered() || scalar == Scalar::Boolean,
                FieldType::Enum(_) => true,
                FieldType::Embedded(_) => false,
            };
        if !sortable {
            return Err(Error::new(Code::NotSupported, format!("`{}.{last}` has no order.", here.name)));
        }
        nullable |= !field.required || shown != Predicate::Always;
        Ok(OrderTerm {
            origin: entity,
            path,
            entity: here.id,
            field: field.id,
            shown,
            descending: order.descending,
            nulls_first: order.nulls.map_or(order.descending, |nulls| nulls == Nulls::First),
            nullable,
        })
    }

    /// One step along a to-one relation: the relation with the rows it may lead to, where it leads, and whether it
    /// may lead nowhere.
    fn step(&self, here: &'a Entity, name: &str) -> Result<((RelationId, Predicate), &'a Entity, bool)> {
        let (member, shown) = self.readable(here, name)?;
        match member {
            Member::Relation(relation) if relation.cardinality == Cardinality::One => {
                let visible = self.visible(relation.target);
                let maybe = !relation.required || visible != Predicate::Always || shown != Predicate::Always;
                let Join::Outgoing { .. } = relation.join else {
                    return Err(Error::new(
                        Code::NotSupported,
                        format!("`{}.{name}` can't be ordered by.", here.name),
                    ));
                };
                if shown != Predicate::Always {
                    return Err(Error::new(
                        Code::NotSupported,
                        format!("`{}.{name}` can't be ordered by.", here.name),
                    ));
                }
                Ok(((relation.id, visible), self.entity(relation.target), maybe))
            }
            _ => Err(Error::new(
                Code::NotSupported,
                format!("`{}.{name}` is not a relation to one row.", here.name),
            )
            .hint("An order leads through relations to one row only.")),
        }
    }
}

/// The scalar a term's values have in a cursor.
#[must_use]
pub(crate) fn cursor_type(ty: FieldType) -> FieldType {
    match ty {
        FieldType::Scalar(Scalar::Email | Scalar::Url) => FieldType::Scalar(Scalar::String),
        FieldType::Scalar(Scalar::Id(IdKind::Client)) | FieldType::Enum(_) | FieldType::Embedded(_) => {
            FieldType::Scalar(Scalar::String)
        }
        other => other,
    }
}
