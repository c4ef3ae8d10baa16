//! Entities with their fields and relations: the structure that conditions are resolved against afterwards.

use super::account;
use super::directive::Model;
use super::draft::{Draft, FieldDraft, TENANT, TypeDraft};
use super::layout::{Layout, Shape};
use super::naming::EntityNames;
use crate::catalog::{
    Access, Cardinality, Embedded, EmbeddedField, Entity, Enum, Exposure, Field, Join, OnDelete, Operations,
    Relation, System,
};
use crate::id::{EmbeddedId, EntityId, EnumId, FieldId, RelationId};
use crate::name::{column, key_column};
use crate::scalar::{FieldType, IdKind, Scalar};

/// The enums.
pub(super) fn enums(draft: &Draft) -> Vec<Enum> {
    let make = |(index, ty): (usize, &super::draft::EnumDraft)| Enum {
        id: EnumId::from(index),
        name: ty.name.text.clone(),
        description: ty.description.clone(),
        values: ty.values.clone(),
    };
    draft.enums.iter().enumerate().map(make).collect()
}

/// The types without `@model`.
pub(super) fn embedded(draft: &Draft, layout: &Layout) -> Vec<Embedded> {
    let mut all = Vec::with_capacity(layout.embedded.len());
    for index in &layout.embedded {
        let (Some(ty), Some(shapes)) = (draft.types.get(*index), layout.shapes.get(*index)) else { continue };
        let fields = ty.fields.iter().zip(shapes).filter_map(|(field, shape)| match shape {
            Shape::Value(ty) => Some(EmbeddedField {
                name: field.name.text.clone(),
                description: field.description.clone(),
                ty: *ty,
                list: field.list,
                required: field.required,
            }),
            Shape::ToOne(_) | Shape::ToMany(_) | Shape::Computed(_) | Shape::Broken => None,
        });
        all.push(Embedded {
            id: EmbeddedId::from(all.len()),
            name: ty.name.text.clone(),
            description: ty.description.clone(),
            fields: fields.collect(),
        });
    }
    all
}

/// The entities, with lists of related rows not joined yet ([`super::relation`] does that).
pub(super) fn entities(draft: &Draft, layout: &Layout, names: Vec<EntityNames>) -> Vec<Entity> {
    let kinds: Vec<IdKind> = layout
        .entities
        .iter()
        .map(|index| {
            draft
                .types
                .get(*index)
                .and_then(|ty| ty.directives.model.as_ref())
                .map_or(IdKind::Uuid7, |it| it.id)
        })
        .collect();
    let mut all = Vec::with_capacity(names.len());
    for (index, names) in names.into_iter().enumerate() {
        let id = EntityId::from(index);
        let Some(ty) = layout.declaration(draft, id) else { continue };
        let Some(model) = &ty.directives.model else { continue };
        let members = members(layout.fields(draft, id), model, &kinds);
        all.push(entity(id, ty, model, names, members));
    }
    all
}

/// The columns and relations of an entity.
struct Members {
    fields: Vec<Field>,
    relations: Vec<Relation>,
    created_at: Option<FieldId>,
    updated_at: Option<FieldId>,
    version: FieldId,
    deleted_at: Option<FieldId>,
}

fn members<'d>(
    declared: impl Iterator<Item = (&'d FieldDraft, Shape)>,
    model: &Model,
    kinds: &[IdKind],
) -> Members {
    let mut fields = Vec::new();
    // The key comes first: `Entity::KEY`.
    system(&mut fields, System::Key, FieldType::Scalar(Scalar::Id(model.id)));
    let instant = FieldType::Scalar(Scalar::DateTime);
    let created_at = model.timestamps.then(|| system(&mut fields, System::CreatedAt, instant));
    let updated_at = model.timestamps.then(|| system(&mut fields, System::UpdatedAt, instant));
    let version = system(&mut fields, System::Version, FieldType::Scalar(Scalar::Int));
    let deleted_at = model.soft_delete.then(|| system(&mut fields, System::DeletedAt, instant));
    let mut relations = Vec::new();
    for (field, shape) in declared {
        if !super::naming::implicit(model).any(|name| name == field.name.text) {
            member(field, shape, kinds, &mut fields, &mut relations);
        }
    }
    Members { fields, relations, created_at, updated_at, version, deleted_at }
}

fn entity(id: EntityId, ty: &TypeDraft, model: &Model, names: EntityNames, members: Members) -> Entity {
    let Members { fields, relations, created_at, updated_at, version, deleted_at } = members;
    let tenant = ty.directives.tenant.and_then(|_| {
        relations
            .iter()
            .find(|relation| relation.name == TENANT && relation.cardinality == Cardinality::One)
            .map(|relation| relation.id)
    });
    Entity {
        id,
        name: ty.name.text.clone(),
        singular: names.singular,
        plural: names.plural,
        table: names.table,
        was: ty.directives.was.as_ref().map(|was| was.text.clone()),
        description: ty.description.clone(),
        key: model.id,
        soft_delete: model.soft_delete,
        limit: ty.directives.limit.unwrap_or_default(),
        fields,
        relations,
        indexes: Vec::new(),
        uniques: Vec::new(),
        checks: Vec::new(),
        access: Access::default(),
        open: if ty.own { account::writes(&ty.name.text) } else { Operations::ALL },
        tenant,
        created_at,
        updated_at,
        version,
        deleted_at,
    }
}

fn member(
    draft: &FieldDraft,
    shape: Shape,
    kinds: &[IdKind],
    fields: &mut Vec<Field>,
    relations: &mut Vec<Relation>,
) {
    let (ty, relation, column) = match shape {
        Shape::Value(ty) => (ty, None, column(&draft.name.text)),
        Shape::ToOne(target) => {
            let id = RelationId::from(relations.len());
            let field = FieldId::from(fields.len());
            relations.push(relation(id, draft, target, Cardinality::One, Join::Outgoing { field }));
            let kind = kinds.get(target.index()).copied().unwrap_or(IdKind::Uuid7);
            (FieldType::Scalar(Scalar::Id(kind)), Some(id), key_column(&draft.name.text))
        }
        Shape::ToMany(target) => {
            let id = RelationId::from(relations.len());
            let open = Join::Incoming { field: Entity::KEY };
            relations.push(relation(id, draft, target, Cardinality::Many, open));
            return;
        }
        Shape::Computed(_) | Shape::Broken => return,
    };
    fields.push(Field {
        id: FieldId::from(fields.len()),
        name: draft.name.text.clone(),
        column,
        was: draft.directives.was.as_ref().map(|was| was.text.clone()),
        description: draft.description.clone(),
        deprecated: draft.directives.deprecated.clone(),
        ty,
        list: draft.list,
        required: draft.required,
        default: None,
        exposure: draft.directives.api.map_or_else(Exposure::default, |(exposure, _)| exposure),
        relation,
        system: None,
        checks: Vec::new(),
    });
}

fn relation(
    id: RelationId,
    draft: &FieldDraft,
    target: EntityId,
    cardinality: Cardinality,
    join: Join,
) -> Relation {
    let on_delete = draft.directives.relation.as_ref().and_then(|relation| relation.on_delete);
    Relation {
        id,
        name: draft.name.text.clone(),
        was: draft.directives.was.as_ref().map(|was| was.text.clone()),
        description: draft.description.clone(),
        deprecated: draft.directives.deprecated.clone(),
        target,
        cardinality,
        required: cardinality == Cardinality::One && draft.required,
        join,
        inverse: None,
        on_delete: on_delete.map_or(OnDelete::Restrict, |(action, _)| action),
    }
}

/// Adds a field the server keeps.
fn system(fields: &mut Vec<Field>, system: System, ty: FieldType) -> FieldId {
    let (name, description) = match system {
        System::Key => ("id", "The id of the row."),
        System::CreatedAt => ("createdAt", "When the row was made."),
        System::UpdatedAt => ("updatedAt", "When the row was changed last."),
        System::Version => ("version", "Goes up by one with each change."),
        System::DeletedAt => ("deletedAt", "When the row was deleted."),
    };
    let id = FieldId::from(fields.len());
    fields.push(Field {
        id,
        name: name.to_owned(),
        column: column(name),
        was: None,
        description: Some(description.to_owned()),
        deprecated: None,
        ty,
        list: false,
        required: system != System::DeletedAt,
        default: None,
        exposure: Exposure {
            read: true,
            create: system == System::Key,
            // Set to null it brings a row back; the rules leave that to administrators.
            update: system == System::DeletedAt,
            filter: true,
        },
        relation: None,
        system: Some(system),
        checks: Vec::new(),
    });
    id
}
