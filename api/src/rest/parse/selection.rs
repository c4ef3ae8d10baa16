//! `fields` and `expand`: what of a row is in the answer.

use entity::catalog::{Cardinality, Embedded, Entity, Member, Relation};
use entity::value::excerpt;
use entity::{FieldType, Input, suggest};
use service::engine::request::{ConnectionPart, EmbeddedPart, List, Order, PageFact, Requested, Selected};
use service::{Code, Error, Result};

use super::filter::hinted;
use super::{Nested, Parameters, View, json_parameter, page};

/// Relations that may be expanded one inside the other.
pub const MAX_DEPTH: usize = 4;

/// Dotted paths as a tree: a leaf has nothing below it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Paths {
    names: Vec<(String, Paths)>,
    /// Which rows, where the path leads to an expanded list.
    list: Arguments,
}

/// Which rows of an expanded list, and in what order.
#[derive(Debug, Clone, Default, PartialEq)]
struct Arguments {
    limit: Option<u64>,
    order: Vec<Order>,
    filter: Option<Input>,
    /// The parameter that said so first, as it was written.
    name: Option<String>,
}

impl Paths {
    fn add(&mut self, path: &str) {
        let (first, rest) = match path.split_once('.') {
            Some((first, rest)) => (first, Some(rest)),
            None => (path, None),
        };
        let at = self.names.iter().position(|(name, _)| name == first).unwrap_or_else(|| {
            self.names.push((first.to_owned(), Paths::default()));
            self.names.len() - 1
        });
        if let (Some(rest), Some((_, below))) = (rest, self.names.get_mut(at)) {
            below.add(rest);
        }
    }

    /// What stands at the end of a path.
    fn at_mut(&mut self, path: &str) -> Option<&mut Paths> {
        path.split('.').try_fold(self, |paths, step| {
            paths.names.iter_mut().find(|(name, _)| name == step).map(|(_, below)| below)
        })
    }

    fn below(&self, name: &str) -> Option<&Paths> {
        self.names.iter().find(|(known, _)| known == name).map(|(_, below)| below)
    }

    fn is_leaf(&self) -> bool {
        self.names.is_empty()
    }
}

impl Arguments {
    fn take(&mut self, nested: &Nested<'_>) -> Result<()> {
        match nested.parameter {
            "limit" => self.limit = Some(page::count(nested.name, nested.value)?),
            "sort" => self.order = page::order_of(nested.value).map_err(|error| error.at(nested.name))?,
            _ => self.filter = Some(json_parameter(nested.name, nested.value)?),
        }
        self.name.get_or_insert_with(|| nested.name.to_owned());
        Ok(())
    }
}

/// What a request wants of each row.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Wanted {
    fields: Option<Paths>,
    expand: Paths,
}

impl Wanted {
    /// Reads `fields` and `expand`, and what is said about expanded lists.
    ///
    /// # Errors
    /// `LIMIT_EXCEEDED` for paths that are too deep, `BAD_REQUEST` for empty ones, and for lists that are not expanded.
    pub fn read(parameters: &Parameters<'_>) -> Result<Self> {
        let fields = match parameters.list("fields")? {
            Some(list) => Some(paths(&list, MAX_DEPTH + 1).map_err(|error| error.at("fields"))?),
            None => None,
        };
        let mut expand = paths(&parameters.list("expand")?.unwrap_or_default(), MAX_DEPTH)
            .map_err(|error| error.at("expand"))?;
        for nested in &parameters.nested {
            let Some(paths) = expand.at_mut(nested.path) else { return Err(unexpanded(nested)) };
            paths.list.take(nested)?;
        }
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
        check(view, entity, &self.expand)?;
        select(view, entity, self.fields.as_ref(), &self.expand).map_err(|error| error.at("fields"))
    }

    /// What is selected of the row behind a to-one relation, where it is expanded.
    ///
    /// # Errors
    /// As [`Self::select`].
    pub fn below(&self, view: &View<'_>, target: &Entity, name: &str) -> Result<Option<Vec<Selected>>> {
        let Some(expand) = self.expand.below(name) else { return Ok(None) };
        check(view, target, expand)?;
        select(view, target, None, expand).map(Some).map_err(|error| error.at("expand"))
    }

    /// The relations to be expanded.
    pub fn expanded(&self) -> impl Iterator<Item = &str> {
        self.expand.names.iter().map(|(name, _)| name.as_str())
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

fn unexpanded(nested: &Nested<'_>) -> Error {
    let path = excerpt(nested.path);
    Error::new(Code::BadRequest, format!("`{path}` is not expanded."))
        .hint(format!("Write `expand={path}` too."))
        .at(nested.name)
}

/// Says no to names in `expand` that are not relations, and to parameters of lists that are none.
fn check(view: &View<'_>, entity: &Entity, expand: &Paths) -> Result<()> {
    for (name, below) in &expand.names {
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
            return Err(hinted(error, suggest::hint(name, relations.iter().copied())).at("expand"));
        };
        if let (Cardinality::One, Some(parameter)) = (relation.cardinality, &below.list.name) {
            let text = format!("`{name}` leads to one row, and not to a list.");
            return Err(Error::new(Code::BadRequest, text).at(parameter.as_str()));
        }
        check(view, view.catalog.target(relation), below)?;
    }
    Ok(())
}

fn select(view: &View<'_>, entity: &Entity, fields: Option<&Paths>, expand: &Paths) -> Result<Vec<Selected>> {
    let mut selected: Vec<Selected> = match fields.filter(|fields| !fields.is_leaf()) {
        None => plain(view, entity, expand)?,
        Some(fields) => fields
            .names
            .iter()
            .map(|(name, below)| named(view, entity, name, below, expand))
            .collect::<Result<_>>()?,
    };
    for (name, below) in &expand.names {
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
            let mut list = List::of(target.id, parts);
            list.page.first = expand.list.limit;
            list.order.clone_from(&expand.list.order);
            list.filter.clone_from(&expand.list.filter);
            Requested::Many { name, list: Box::new(list) }
        }
    };
    Ok(Selected { key: relation.name.clone(), what })
}

fn parts(view: &View<'_>, embedded: &Embedded, paths: &Paths) -> Result<Vec<EmbeddedPart>> {
    paths
        .names
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
