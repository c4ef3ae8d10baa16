//! `fields` and `expand`: what of a row is in the answer.

use entity::catalog::{Cardinality, Embedded, Entity, Member, Relation};
use entity::value::excerpt;
use entity::{FieldType, suggest};
use service::engine::request::{ConnectionPart, EmbeddedPart, List, PageFact, Requested, Selected};
use service::{Code, Error, Result};

use super::filter::hinted;
use super::{Parameters, View};

/// Relations that may be expanded one inside the other.
pub const MAX_DEPTH: usize = 4;

/// Dotted paths as a tree: a leaf has nothing below it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Paths(Vec<(String, Paths)>);

impl Paths {
    fn add(&mut self, path: &str) {
        let (first, rest) = match path.split_once('.') {
            Some((first, rest)) => (first, Some(rest)),
            None => (path, None),
        };
        let at = self.0.iter().position(|(name, _)| name == first).unwrap_or_else(|| {
            self.0.push((first.to_owned(), Paths::default()));
            self.0.len() - 1
        });
        if let (Some(rest), Some((_, below))) = (rest, self.0.get_mut(at)) {
            below.add(rest);
        }
    }

    fn below(&self, name: &str) -> Option<&Paths> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, below)| below)
    }

    fn is_leaf(&self) -> bool {
        self.0.is_empty()
    }
}

/// What a request wants of each row.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wanted {
    fields: Option<Paths>,
    expand: Paths,
}

impl Wanted {
    /// Reads `fields` and `expand`.
    ///
    /// # Errors
    /// `LIMIT_EXCEEDED` for paths that are too deep, `BAD_REQUEST` for empty ones.
    pub fn read(parameters: &Parameters<'_>) -> Result<Self> {
        let fields = match parameters.list("fields")? {
            Some(list) => Some(paths(&list, MAX_DEPTH + 1).map_err(|error| error.at("fields"))?),
            None => None,
        };
        let expand = paths(&parameters.list("expand")?.unwrap_or_default(), MAX_DEPTH)
            .map_err(|error| error.at("expand"))?;
        Ok(Self { fields, expand })
    }

    /// Whether it is the default: all readable fields, relations as ids.
    #[must_use]
    pub fn is_plain(&self) -> bool {
        self.fields.is_none() && self.expand.is_leaf()
    }

    /// What is selected of rows of an entity.
    ///
    /// # Errors
    /// `UNKNOWN_FIELD` for names that are none.
    pub fn select(&self, view: &View<'_>, entity: &Entity) -> Result<Vec<Selected>> {
        check(view, entity, &self.expand).map_err(|error| error.at("expand"))?;
        select(view, entity, self.fields.as_ref(), &self.expand).map_err(|error| error.at("fields"))
    }

    /// What is selected of the row behind a to-one relation, where it is expanded.
    ///
    /// # Errors
    /// As [`Self::select`].
    pub fn below(&self, view: &View<'_>, target: &Entity, name: &str) -> Result<Option<Vec<Selected>>> {
        let Some(expand) = self.expand.below(name) else { return Ok(None) };
        check(view, target, expand).map_err(|error| error.at("expand"))?;
        select(view, target, None, expand).map(Some).map_err(|error| error.at("expand"))
    }

    /// The relations to be expanded.
    pub fn expanded(&self) -> impl Iterator<Item = &str> {
        self.expand.0.iter().map(|(name, _)| name.as_str())
    }
}

fn paths(list: &[std::borrow::Cow<'_, str>], depth: usize) -> Result<Paths> {
    let mut tree = Paths::default();
    for path in list {
        let path = path.trim();
        if path.split('.').any(str::is_empty) {
            return Err(Error::new(Code::BadRequest, "A name is missing.")
                .hint("separate names by single commas, paths by single dots"));
        }
        if path.split('.').count() > depth {
            return Err(Error::new(Code::LimitExceeded, format!("A path has {depth} names at most.")));
        }
        tree.add(path);
    }
    Ok(tree)
}

/// Says no to names in `expand` that are not relations.
fn check(view: &View<'_>, entity: &Entity, expand: &Paths) -> Result<()> {
    for (name, below) in &expand.0 {
        let Some(Member::Relation(relation)) = view.member(entity, name) else {
            let relations: Vec<&str> = entity
                .relations
                .iter()
                .map(|relation| relation.name.as_str())
                .filter(|name| view.reads(entity, name))
                .collect();
            let error = Error::new(
                Code::UnknownField,
                format!("{} has no relation `{}`.", entity.name, excerpt(name)),
            );
            return Err(hinted(error, suggest::hint(name, relations.iter().copied())));
        };
        check(view, view.catalog.target(relation), below)?;
    }
    Ok(())
}

fn select(view: &View<'_>, entity: &Entity, fields: Option<&Paths>, expand: &Paths) -> Result<Vec<Selected>> {
    let mut selected: Vec<Selected> = match fields.filter(|fields| !fields.is_leaf()) {
        None => plain(view, entity, expand)?,
        Some(fields) => fields
            .0
            .iter()
            .map(|(name, below)| named(view, entity, name, below, expand))
            .collect::<Result<_>>()?,
    };
    for (name, below) in &expand.0 {
        let there = selected.iter().any(|known| known.key == *name);
        if let (false, Some(Member::Relation(relation))) = (there, view.member(entity, name)) {
            selected.push(expanded(view, relation, None, below)?);
        }
    }
    Ok(selected)
}

/// The fields in the order of the model, relations as ids where they are not expanded.
fn plain(view: &View<'_>, entity: &Entity, expand: &Paths) -> Result<Vec<Selected>> {
    let mut selected = Vec::with_capacity(entity.fields.len());
    for field in &entity.fields {
        match field.relation {
            Some(id) => {
                let relation = entity.relation(id);
                if !view.reads(entity, &relation.name) {
                    continue;
                }
                selected.push(match expand.below(&relation.name) {
                    Some(below) => expanded(view, relation, None, below)?,
                    None => key(relation),
                });
            }
            None if view.reads(entity, &field.name) => selected.push(Selected {
                key: field.name.clone(),
                what: Requested::Field { name: field.name.clone(), parts: None },
            }),
            None => {}
        }
    }
    Ok(selected)
}

fn named(view: &View<'_>, entity: &Entity, name: &str, below: &Paths, expand: &Paths) -> Result<Selected> {
    let inner = (!below.is_leaf()).then_some(below);
    match view.member(entity, name) {
        Some(Member::Field(field)) => {
            let parts = match (inner, field.ty) {
                (None, _) => None,
                (Some(inner), FieldType::Embedded(id)) => {
                    Some(parts(view, view.catalog.embedded_type(id), inner)?)
                }
                (Some(_), FieldType::Scalar(_) | FieldType::Enum(_)) => {
                    return Err(Error::new(Code::UnknownField, format!("`{name}` has no fields.")));
                }
            };
            Ok(Selected { key: name.to_owned(), what: Requested::Field { name: name.to_owned(), parts } })
        }
        Some(Member::Relation(relation)) => match (inner, expand.below(name), relation.cardinality) {
            (None, None, Cardinality::One) => Ok(key(relation)),
            (None, None, Cardinality::Many) => {
                Err(Error::new(Code::UnknownField, format!("`{name}` is a list of related rows."))
                    .hint(format!("write `expand={name}`, or `fields={name}.id`")))
            }
            (inner, below, _) => expanded(view, relation, inner, below.unwrap_or(&Paths::default())),
        },
        None => {
            let names: Vec<&str> = view.members(entity).collect();
            let error =
                Error::new(Code::UnknownField, format!("{} has no field `{}`.", entity.name, excerpt(name)));
            Err(hinted(error, suggest::hint(name, names.iter().copied())))
        }
    }
}

fn key(relation: &Relation) -> Selected {
    Selected { key: relation.name.clone(), what: Requested::Key { name: relation.name.clone() } }
}

fn expanded(
    view: &View<'_>,
    relation: &Relation,
    fields: Option<&Paths>,
    expand: &Paths,
) -> Result<Selected> {
    let target = view.catalog.target(relation);
    let selection = select(view, target, fields, expand)?;
    let name = relation.name.clone();
    let what = match relation.cardinality {
        Cardinality::One => Requested::One { name, selection },
        Cardinality::Many => {
            let parts = vec![
                ("data".to_owned(), ConnectionPart::Nodes(selection)),
                ("hasMore".to_owned(), ConnectionPart::Fact(PageFact::HasNext)),
            ];
            Requested::Many { name, list: Box::new(List::of(target.id, parts)) }
        }
    };
    Ok(Selected { key: relation.name.clone(), what })
}

fn parts(view: &View<'_>, embedded: &Embedded, paths: &Paths) -> Result<Vec<EmbeddedPart>> {
    paths
        .0
        .iter()
        .map(|(name, below)| {
            let field = embedded.fields.iter().find(|field| field.name == *name).ok_or_else(|| {
                let error = Error::new(
                    Code::UnknownField,
                    format!("{} has no field `{}`.", embedded.name, excerpt(name)),
                );
                hinted(error, suggest::hint(name, embedded.fields.iter().map(|field| field.name.as_str())))
            })?;
            let inner = match (below.is_leaf(), field.ty) {
                (true, _) => None,
                (false, FieldType::Embedded(id)) => Some(parts(view, view.catalog.embedded_type(id), below)?),
                (false, FieldType::Scalar(_) | FieldType::Enum(_)) => {
                    return Err(Error::new(Code::UnknownField, format!("`{name}` has no fields.")));
                }
            };
            Ok(EmbeddedPart { key: name.clone(), name: name.clone(), parts: inner })
        })
        .collect()
}
