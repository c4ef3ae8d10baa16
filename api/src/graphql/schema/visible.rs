//! What of the model exists for a principal: the only place of the GraphQL facade that asks the rules.

use entity::catalog::{Cardinality, Entity, Field, Operation, Relation};
use entity::{Catalog, Predicate};
use service::{Context, access};

/// A principal's view of the model.
#[derive(Clone, Copy)]
pub(super) struct View<'a> {
    /// The model.
    pub(super) catalog: &'a Catalog,
    context: &'a Context,
}

impl<'a> View<'a> {
    /// The view of the principal of a context.
    pub(super) fn new(context: &'a Context) -> Self {
        Self { catalog: &context.catalog, context }
    }

    /// The types of which the principal may see any row.
    pub(super) fn entities(&self) -> impl Iterator<Item = &'a Entity> + use<'a> {
        let context = self.context;
        self.context.catalog.entities.iter().filter(move |entity| access::visible(entity, &context.principal))
    }

    /// Whether something can be done about accounts at all.
    pub(super) fn offers(&self, operation: &service::auth::Operation) -> bool {
        operation.is_offered(&self.context.principal)
    }

    /// Whether an operation on rows of a type is open.
    pub(super) fn opens(&self, entity: &Entity, operation: Operation) -> bool {
        access::opens(entity, &self.context.principal, operation)
    }

    /// Whether a field or relation takes part in an operation.
    pub(super) fn member(&self, entity: &Entity, name: &str, operation: Operation) -> bool {
        access::member_opens(self.catalog, entity, &self.context.principal, name, operation)
    }

    /// The fields that can be selected, keys of relations apart.
    pub(super) fn readable<'e>(&'e self, entity: &'e Entity) -> impl Iterator<Item = &'e Field> + 'e {
        entity.plain_fields().filter(move |field| self.member(entity, &field.name, Operation::Read))
    }

    /// The fields that can be used in `where`, `orderBy` and `groupBy`.
    pub(super) fn filterable<'e>(&'e self, entity: &'e Entity) -> impl Iterator<Item = &'e Field> + 'e {
        self.readable(entity).filter(|field| field.exposure.filter)
    }

    /// The relations that can be followed.
    pub(super) fn relations<'e>(&'e self, entity: &'e Entity) -> impl Iterator<Item = &'e Relation> + 'e {
        entity.relations.iter().filter(move |relation| self.member(entity, &relation.name, Operation::Read))
    }

    /// The to-one relations that can be used in `where`, `orderBy` and `groupBy`, and all to-many relations.
    pub(super) fn usable<'e>(&'e self, entity: &'e Entity) -> impl Iterator<Item = &'e Relation> + 'e {
        self.relations(entity).filter(move |relation| {
            entity
                .fields
                .iter()
                .find(|field| field.name == relation.name)
                .is_none_or(|field| field.exposure.filter)
        })
    }

    /// Whether a field that always has a value is also always shown.
    pub(super) fn always_shown(&self, entity: &Entity, name: &str) -> bool {
        matches!(access::member(self.context, entity, name, Operation::Read), Predicate::Always)
    }

    /// Whether a to-one relation that always has a row also always shows it.
    pub(super) fn always_there(&self, entity: &Entity, relation: &Relation) -> bool {
        if !relation.required || !self.always_shown(entity, &relation.name) {
            return false;
        }
        let target = self.catalog.target(relation);
        if target.soft_delete {
            return false;
        }
        let open = matches!(access::rows(self.context, relation.target, Operation::Read), Predicate::Always);
        // A row that is seen only as the related row allows is never seen without it.
        open || entity
            .access
            .rules
            .iter()
            .filter(|rule| rule.operations.read && self.context.principal.meets(rule))
            .all(|rule| rule.via == Some(relation.id) && relation.cardinality == Cardinality::One)
    }
}
