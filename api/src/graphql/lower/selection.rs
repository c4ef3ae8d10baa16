//! Selections of rows, embedded values and connections.

use async_graphql::parser::types::SelectionSet;
use entity::catalog::{Embedded, Entity, Member};
use entity::{EmbeddedId, FieldType, Input};
use service::engine::request::{ConnectionPart, EdgePart, EmbeddedPart, List, PageFact, Requested, Selected};
use service::{Code, Error};

use super::Lowerer;
use super::collect::{Group, Object};
use crate::graphql::render::Fault;

type Sets<'s, 'a> = &'s [&'a SelectionSet];

const TYPENAME: &str = "__typename";

impl<'a> Lowerer<'a> {
    /// What of a row is selected.
    pub(super) fn row(&self, entity: &'a Entity, sets: Sets<'_, 'a>) -> Result<Vec<Selected>, Fault> {
        let object = Object { name: &entity.name, node: entity.is_node() };
        self.collector.collect(object, sets)?.iter().map(|group| self.member(entity, group)).collect()
    }

    fn member(&self, entity: &'a Entity, group: &Group<'a>) -> Result<Selected, Fault> {
        let name = group.name();
        let what = if name == TYPENAME {
            Requested::Typename
        } else {
            match entity.member(name) {
                Some(Member::Field(field)) => {
                    let parts = match field.ty {
                        FieldType::Embedded(id) => Some(self.embedded(id, &group.sets)?),
                        FieldType::Scalar(_) | FieldType::Enum(_) => None,
                    };
                    Requested::Field { name: name.to_owned(), parts }
                }
                Some(Member::Relation(relation)) => {
                    let target = self.catalog.target(relation);
                    match relation.cardinality {
                        entity::catalog::Cardinality::One => Requested::One {
                            name: name.to_owned(),
                            selection: self.row(target, &group.sets)?,
                        },
                        entity::catalog::Cardinality::Many => Requested::Many {
                            name: name.to_owned(),
                            list: Box::new(self.list(&entity.name, target, group)?),
                        },
                    }
                }
                None => return Err(unknown(&entity.name, group)),
            }
        };
        Ok(Selected { key: group.key().to_owned(), what })
    }

    fn embedded(&self, id: EmbeddedId, sets: Sets<'_, 'a>) -> Result<Vec<EmbeddedPart>, Fault> {
        let definition: &'a Embedded = self.catalog.embedded_type(id);
        self.collector
            .collect(Object::plain(&definition.name), sets)?
            .iter()
            .map(|group| {
                let field = definition.fields.iter().find(|field| field.name == group.name());
                let parts = match field.map(|field| field.ty) {
                    Some(FieldType::Embedded(inner)) => Some(self.embedded(inner, &group.sets)?),
                    Some(FieldType::Scalar(_) | FieldType::Enum(_)) | None => None,
                };
                Ok(EmbeddedPart { key: group.key().to_owned(), name: group.name().to_owned(), parts })
            })
            .collect()
    }

    /// A list: a root, or a to-many relation of a type.
    pub(super) fn list(&self, parent: &str, target: &'a Entity, group: &Group<'a>) -> Result<List, Fault> {
        let mut arguments = self.arguments(parent, group.field)?;
        let parts = self.connection(target, &group.sets)?;
        Ok(List {
            filter: arguments.take("where"),
            order: arguments.order(),
            search: arguments.text("search"),
            page: arguments.page()?,
            ..List::of(target.id, parts)
        })
    }

    fn connection(
        &self,
        target: &'a Entity,
        sets: Sets<'_, 'a>,
    ) -> Result<Vec<(String, ConnectionPart)>, Fault> {
        let name = format!("{}Connection", target.name);
        self.collector
            .collect(Object::plain(&name), sets)?
            .iter()
            .map(|group| {
                let part = match group.name() {
                    TYPENAME => ConnectionPart::Typename(name.clone()),
                    "nodes" => ConnectionPart::Nodes(self.row(target, &group.sets)?),
                    "edges" => ConnectionPart::Edges(self.edge(target, &group.sets)?),
                    "pageInfo" => ConnectionPart::PageInfo(self.page_info(&group.sets)?),
                    "totalCount" => ConnectionPart::Total,
                    _ => return Err(unknown(&name, group)),
                };
                Ok((group.key().to_owned(), part))
            })
            .collect()
    }

    fn edge(&self, target: &'a Entity, sets: Sets<'_, 'a>) -> Result<Vec<(String, EdgePart)>, Fault> {
        let name = format!("{}Edge", target.name);
        self.collector
            .collect(Object::plain(&name), sets)?
            .iter()
            .map(|group| {
                let part = match group.name() {
                    TYPENAME => EdgePart::Typename(name.clone()),
                    "cursor" => EdgePart::Cursor,
                    "node" => EdgePart::Node(self.row(target, &group.sets)?),
                    _ => return Err(unknown(&name, group)),
                };
                Ok((group.key().to_owned(), part))
            })
            .collect()
    }

    fn page_info(&self, sets: Sets<'_, 'a>) -> Result<Vec<(String, PageFact)>, Fault> {
        let name = "PageInfo";
        self.collector
            .collect(Object::plain(name), sets)?
            .iter()
            .map(|group| {
                let fact = match group.name() {
                    TYPENAME => PageFact::Typename(name.to_owned()),
                    "hasNextPage" => PageFact::HasNext,
                    "hasPreviousPage" => PageFact::HasPrevious,
                    "startCursor" => PageFact::Start,
                    "endCursor" => PageFact::End,
                    _ => return Err(unknown(name, group)),
                };
                Ok((group.key().to_owned(), fact))
            })
            .collect()
    }
}

/// A field that the validator would have refused.
pub(super) fn unknown(ty: &str, group: &Group<'_>) -> Fault {
    let message = format!("Unknown field \"{}\" on type \"{ty}\".", group.name());
    Fault::at(Error::new(Code::ValidationFailed, message), group.field.pos)
}

/// A condition without anything in it.
pub(super) fn empty() -> Input {
    Input::Object(Vec::new())
}
