//! What each declared name is, and what each field is made of.

use std::collections::{HashMap, HashSet};

use super::cycle::cyclic;
use super::diagnostic::{Code, Report};
use super::draft::{Draft, FieldDraft, TypeDraft};
use crate::id::{EmbeddedId, EntityId, EnumId};
use crate::scalar::{FieldType, Scalar};
use crate::value::excerpt;

/// What a type name means.
#[derive(Clone, Copy)]
enum Target {
    Value(FieldType),
    Entity(EntityId),
}

/// What a field is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// A value or a list of values.
    Value(FieldType),
    /// A reference to one row.
    ToOne(EntityId),
    /// A list of rows.
    ToMany(EntityId),
    /// Not served yet.
    Computed(Option<FieldType>),
    /// Reported already.
    Broken,
}

/// Positions of the declarations, and the shape of every field.
pub(super) struct Layout {
    /// The declaration of each entity.
    pub(super) entities: Vec<usize>,
    /// The declaration of each embedded type.
    pub(super) embedded: Vec<usize>,
    /// The shape of each field of each declaration.
    pub(super) shapes: Vec<Vec<Shape>>,
    /// Names of fields that are in trouble: to complain that they don't exist would be misleading.
    pub(super) broken: HashSet<String>,
    /// Names of `@computed` fields, which nothing can use yet.
    pub(super) computed: HashSet<String>,
    by_name: HashMap<String, EntityId>,
}

impl Layout {
    /// The entity of a type name.
    pub(super) fn entity_named(&self, name: &str) -> Option<EntityId> {
        self.by_name.get(name).copied()
    }

    /// The declaration of an entity.
    pub(super) fn declaration<'d>(&self, draft: &'d Draft, entity: EntityId) -> Option<&'d TypeDraft> {
        draft.types.get(*self.entities.get(entity.index())?)
    }

    /// The fields of an entity with their shapes.
    pub(super) fn fields<'s, 'd: 's>(
        &'s self,
        draft: &'d Draft,
        entity: EntityId,
    ) -> impl Iterator<Item = (&'d FieldDraft, Shape)> + 's {
        let index = self.entities.get(entity.index()).copied();
        let fields = index.and_then(|index| draft.types.get(index)).map_or(&[][..], |ty| &ty.fields);
        let shapes = index.and_then(|index| self.shapes.get(index)).map_or(&[][..], |shapes| shapes);
        fields.iter().zip(shapes.iter().copied())
    }
}

/// Finds out what each name and field is.
pub(super) fn layout(draft: &Draft, report: &mut Report) -> Layout {
    let mut layout = Layout {
        entities: Vec::new(),
        embedded: Vec::new(),
        shapes: Vec::with_capacity(draft.types.len()),
        broken: HashSet::new(),
        computed: HashSet::new(),
        by_name: HashMap::new(),
    };
    let mut targets: HashMap<&str, Target> = Scalar::NAMED
        .into_iter()
        .map(|scalar| (scalar.name(), Target::Value(FieldType::Scalar(scalar))))
        .collect();
    for (index, ty) in draft.enums.iter().enumerate() {
        targets.insert(&ty.name.text, Target::Value(FieldType::Enum(EnumId::from(index))));
    }
    for (index, ty) in draft.types.iter().enumerate() {
        let target = if ty.directives.model.is_some() {
            let id = EntityId::from(layout.entities.len());
            layout.entities.push(index);
            layout.by_name.insert(ty.name.text.clone(), id);
            Target::Entity(id)
        } else {
            layout.embedded.push(index);
            Target::Value(FieldType::Embedded(EmbeddedId::from(layout.embedded.len() - 1)))
        };
        targets.insert(&ty.name.text, target);
    }
    let mut names: Vec<&str> = targets.keys().copied().collect();
    names.sort_unstable();
    for ty in &draft.types {
        let shapes: Vec<_> = ty.fields.iter().map(|field| shape(field, &targets, &names, report)).collect();
        for (field, shape) in ty.fields.iter().zip(&shapes) {
            match shape {
                Shape::Broken => {
                    layout.broken.insert(field.name.text.clone());
                }
                Shape::Computed(_) => {
                    layout.computed.insert(field.name.text.clone());
                }
                Shape::Value(_) | Shape::ToOne(_) | Shape::ToMany(_) => {}
            }
        }
        layout.shapes.push(shapes);
    }
    embedded_types(draft, &layout, report);
    layout
}

fn shape(field: &FieldDraft, targets: &HashMap<&str, Target>, names: &[&str], report: &mut Report) -> Shape {
    let target = targets.get(field.ty.text.as_str()).copied();
    if target.is_none() {
        let name = field.ty.text.as_str();
        let hint = match name {
            "File" | "Upload" => Some("files come with a later version; until then keep a URL".to_owned()),
            "Any" | "Where" => Some("use JSON".to_owned()),
            _ => synonym(name)
                .map(|scalar| format!("write `{scalar}`"))
                .or_else(|| report.suggest(name, names.iter().copied())),
        };
        report.error(Code::UnknownType, field.ty.span, format!("there is no type `{}`", excerpt(name)), hint);
    }
    let value = match target {
        Some(Target::Value(ty)) => Some(ty),
        _ => None,
    };
    if field.directives.computed.is_some() {
        return Shape::Computed(value.filter(|_| !field.list));
    }
    match target {
        Some(Target::Value(ty)) => Shape::Value(ty),
        Some(Target::Entity(entity)) if field.list => Shape::ToMany(entity),
        Some(Target::Entity(entity)) => Shape::ToOne(entity),
        None => Shape::Broken,
    }
}

/// What other languages call the scalars.
fn synonym(name: &str) -> Option<&'static str> {
    Some(match name.to_ascii_lowercase().as_str() {
        "string" | "text" | "varchar" | "char" | "str" => "String",
        "int" | "integer" | "int32" | "i32" | "number" | "short" => "Int",
        "long" | "bigint" | "int64" | "i64" | "bigserial" => "BigInt",
        "float" | "double" | "real" | "f64" => "Float",
        "bool" | "boolean" => "Boolean",
        "decimal" | "numeric" | "money" | "currency" => "Decimal",
        "date" | "day" => "Date",
        "datetime" | "timestamp" | "timestamptz" | "time" | "instant" => "DateTime",
        "uuid" | "guid" => "UUID",
        "json" | "jsonb" | "object" | "map" => "JSON",
        "email" | "emailaddress" => "Email",
        "url" | "uri" | "link" => "URL",
        "id" => "ID",
        _ => return None,
    })
}

fn embedded_types(draft: &Draft, layout: &Layout, report: &mut Report) {
    let mut edges = Vec::new();
    for (position, index) in layout.embedded.iter().enumerate() {
        let (Some(ty), Some(shapes)) = (draft.types.get(*index), layout.shapes.get(*index)) else { continue };
        if let Some((name, span)) = ty.directives.all.first() {
            let message = format!("`{}` has @{name} but is no table", ty.name.text);
            report.error(
                Code::MisplacedDirective,
                *span,
                message,
                format!("write `type {} @model @{name}…`", ty.name.text),
            );
        } else if ty.fields.is_empty() {
            let message = format!("`{}` has neither fields nor @model", ty.name.text);
            report.error(
                Code::BadType,
                ty.name.span,
                message,
                "add @model to make it a table, or fields".to_owned(),
            );
        }
        for (field, shape) in ty.fields.iter().zip(shapes) {
            match shape {
                Shape::Value(FieldType::Embedded(inner)) => edges.push((position, inner.index())),
                Shape::ToOne(_) | Shape::ToMany(_) => {
                    let message = format!(
                        "`{}` is a value inside a row and can't refer to rows of {}",
                        ty.name.text, field.ty.text
                    );
                    let hint = format!("make it a table with `type {} @model`, or keep an ID", ty.name.text);
                    report.error(Code::BadRelation, field.ty.span, message, hint);
                }
                Shape::Value(_) | Shape::Computed(_) | Shape::Broken => {}
            }
            if let (Some((name, span)), true) = (field.directives.all.first(), ty.directives.all.is_empty()) {
                let message = format!(
                    "@{name} has no effect on a field of `{}`, which is a value inside a row",
                    ty.name.text
                );
                let hint = format!("remove it, or make it a table with `type {} @model`", ty.name.text);
                report.error(Code::MisplacedDirective, *span, message, hint);
            }
        }
    }
    for (position, on_cycle) in cyclic(layout.embedded.len(), &edges).into_iter().enumerate() {
        if let (true, Some(ty)) =
            (on_cycle, layout.embedded.get(position).and_then(|index| draft.types.get(*index)))
        {
            let message = format!("`{}` contains itself", ty.name.text);
            let hint =
                format!("make it a table with `type {} @model`: relations may go in circles", ty.name.text);
            report.error(Code::BadType, ty.name.span, message, hint);
        }
    }
}
