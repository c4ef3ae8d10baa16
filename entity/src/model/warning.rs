//! What is possible, and probably not meant.

use super::cycle::cyclic;
use super::diagnostic::{Code, Report};
use super::draft::Draft;
use super::layout::{Layout, Shape};
use crate::catalog::{Cardinality, Catalog, Default};
use crate::id::EntityId;
use crate::scalar::FieldType;

/// Warns about the model as a whole.
pub(super) fn warn(draft: &Draft, layout: &Layout, catalog: &Catalog, report: &mut Report) {
    if catalog.entities.is_empty() {
        let hint = "a type with @model is a table: `type Track @model { name: String! }`".to_owned();
        report.warn(Code::EmptyModel, None, "the model has no @model type: there is nothing to serve", hint);
    }
    unused(draft, layout, report);
    required_cycles(draft, layout, catalog, report);
    unsettable(draft, layout, catalog, report);
    super::rule::unindexed(draft, layout, catalog, report);
}

fn unused(draft: &Draft, layout: &Layout, report: &mut Report) {
    let mut enums = vec![false; draft.enums.len()];
    let mut embedded = vec![false; layout.embedded.len()];
    for shape in layout.shapes.iter().flatten() {
        if let Shape::Value(FieldType::Enum(id)) | Shape::Computed(Some(FieldType::Enum(id))) = shape {
            enums[id.index()] = true;
        } else if let Shape::Value(FieldType::Embedded(id)) = shape {
            embedded[id.index()] = true;
        }
    }
    let unused_enums = enums.iter().zip(&draft.enums).filter(|(used, _)| !**used).map(|(_, ty)| &ty.name);
    let types = layout.embedded.iter().filter_map(|index| draft.types.get(*index));
    let unused_types = embedded.iter().zip(types).filter(|(used, _)| !**used).map(|(_, ty)| &ty.name);
    for name in unused_enums {
        report.warn(Code::Unused, Some(name.span), format!("no field is of the enum `{}`", name.text), None);
    }
    for name in unused_types {
        let hint = format!("if it should be a table, write `type {} @model`", name.text);
        report.warn(Code::Unused, Some(name.span), format!("no field is of the type `{}`", name.text), hint);
    }
}

/// Rows that need each other before either exists.
fn required_cycles(draft: &Draft, layout: &Layout, catalog: &Catalog, report: &mut Report) {
    let required = || {
        catalog.entities.iter().flat_map(|entity| {
            let needs = |relation: &&crate::catalog::Relation| {
                relation.required && relation.cardinality == Cardinality::One
            };
            entity.relations.iter().filter(needs).map(move |relation| (entity, relation))
        })
    };
    let edges: Vec<_> =
        required().map(|(entity, relation)| (entity.id.index(), relation.target.index())).collect();
    let on_cycle = cyclic(catalog.entities.len(), &edges);
    for (entity, relation) in required() {
        let both =
            [entity.id, relation.target].iter().all(|id| on_cycle.get(id.index()).copied().unwrap_or(false));
        if !both {
            continue;
        }
        let span = layout
            .fields(draft, entity.id)
            .find(|(field, _)| field.name.text == relation.name)
            .map_or_else(|| super::naming::type_span(draft, layout, entity.id), |(field, _)| field.name.span);
        let target = &catalog.target(relation).name;
        let message = format!(
            "`{}.{}` is required and leads back to {}: no first row can be made",
            entity.name, relation.name, entity.name
        );
        report.warn(
            Code::RequiredCycle,
            Some(span),
            message,
            format!("write `{target}` without `!` on one of them"),
        );
    }
}

fn unsettable(draft: &Draft, layout: &Layout, catalog: &Catalog, report: &mut Report) {
    for entity in &catalog.entities {
        for field in entity.fields.iter().filter(|field| field.system.is_none()) {
            let given = matches!(
                field.default,
                Some(Default::Value(_) | Default::Now | Default::Claim(_) | Default::Copy { .. })
            );
            if !field.required || given || field.exposure.create {
                continue;
            }
            let declared = layout
                .fields(draft, EntityId::from(entity.id.index()))
                .find(|(it, _)| it.name.text == field.name);
            let span = declared.map(|(field, _)| field.name.span);
            let message = format!(
                "`{}.{}` is required, has no default, and can't be given: no row can be made",
                entity.name, field.name
            );
            report.warn(
                Code::UnsettableField,
                span,
                message,
                "add @default, or allow `create` in @api".to_owned(),
            );
        }
    }
}
