//! `orderBy`: one field per term, through to-one relations.

use async_graphql::dynamic::TypeRef;
use entity::catalog::{Cardinality, Entity, Field};
use entity::{FieldType, Scalar};

use super::Builder;
use super::shape::Inputs;

/// Whether rows can be put in order by a field.
pub(super) fn sortable(field: &Field) -> bool {
    !field.list
        && match field.ty {
            FieldType::Scalar(scalar) => scalar.is_ordered() || scalar == Scalar::Boolean,
            FieldType::Enum(_) => true,
            FieldType::Embedded(_) => false,
        }
}

/// `TrackOrderBy`.
pub(super) fn terms(builder: &mut Builder<'_>, entity: &Entity) {
    let mut term = Inputs::new(format!("{}OrderBy", entity.name)).oneof().description(format!(
        "One term of an order of rows of {}: a field, or a field of a related row. Further terms decide between \
         equals; the id decides at last.",
        entity.name
    ));
    let view = builder.view;
    for field in view.filterable(entity).filter(|field| sortable(field)) {
        term.add(&field.name, TypeRef::named("OrderDirection"));
    }
    for relation in view.usable(entity).filter(|relation| relation.cardinality == Cardinality::One) {
        term.add(&relation.name, TypeRef::named(format!("{}OrderBy", view.catalog.target(relation).name)));
    }
    builder.push(term.done());
}
