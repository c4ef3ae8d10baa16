//! HTTP becomes a [`Request`](service::engine::Request): query string, headers, body.

use std::borrow::Cow;

use entity::catalog::{Cardinality, Entity, Member, Operation};
use entity::{Catalog, Op, Predicate};
use service::{Context, Error, Principal, Result, access};

pub mod aggregate;
pub mod filter;
pub mod header;
pub mod page;
pub mod patch;
pub mod place;
pub mod query;
pub mod selection;

use filter::Conditions;
use query::{Name, Pair, Query, items};

use crate::http::json;

/// What a parser looks names up in.
#[derive(Debug, Clone, Copy)]
pub struct View<'a> {
    /// The model in force.
    pub catalog: &'a Catalog,
    context: &'a Context,
}

impl<'a> View<'a> {
    /// What a request sees.
    #[must_use]
    pub fn of(context: &'a Context) -> Self {
        Self { catalog: &context.catalog, context }
    }

    /// Whether the caller can read a field or relation at all.
    #[must_use]
    pub fn reads(&self, entity: &Entity, name: &str) -> bool {
        access::member_opens(self.catalog, entity, &self.context.principal, name, Operation::Read)
            && access::member(self.context, entity, name, Operation::Read) != Predicate::Never
    }

    /// A field or relation; what the caller can't read is as if it were not there.
    #[must_use]
    pub fn member<'e>(&self, entity: &'e Entity, name: &str) -> Option<Member<'e>> {
        entity.member(name).filter(|_| self.reads(entity, name))
    }

    /// Whether a row looks alike to everybody who sees it, whatever other rows are like: nothing of it is hidden from the
    /// caller, and no key depends on whether its target is seen.
    #[must_use]
    pub fn is_whole(&self, entity: &Entity) -> bool {
        entity.member_names().all(|name| {
            let there = access::member_opens(self.catalog, entity, &Principal::Admin, name, Operation::Read);
            let shown = || {
                self.reads(entity, name)
                    && access::member(self.context, entity, name, Operation::Read) == Predicate::Always
            };
            let target = match entity.member(name) {
                Some(Member::Relation(relation)) if relation.cardinality == Cardinality::One => {
                    Some(self.catalog.target(relation))
                }
                _ => None,
            };
            let seen = |target: &Entity| {
                !target.soft_delete
                    && access::rows(self.context, target.id, Operation::Read) == Predicate::Always
            };
            !there || (shown() && target.is_none_or(seen))
        })
    }

    /// The names of an entity that the caller can read.
    pub fn members<'e>(&self, entity: &'e Entity) -> impl Iterator<Item = &'e str> {
        entity.member_names().filter(|name| self.reads(entity, name))
    }
}

/// Parameters of a list.
pub const LIST: &[&str] = &[
    "sort",
    "limit",
    "after",
    "before",
    "starting_after",
    "ending_before",
    "offset",
    "fields",
    "expand",
    "search",
    "where",
];

/// Parameters of one row.
pub const ONE: &[&str] = &["fields", "expand"];

/// Parameters of a change of many rows.
pub const MANY: &[&str] = &["where", "fields", "expand"];

/// Parameters of an aggregate.
pub const AGGREGATE: &[&str] =
    &["group", "having", "sum", "avg", "min", "max", "sort", "limit", "expand", "search", "where"];

/// Parameters that take a list, and so may be repeated as `name[]`.
const LISTS: &[&str] = &["fields", "expand", "sort", "group", "sum", "avg", "min", "max"];

/// Parameters that an expanded list has for itself, as `limit[albums]` or `limit[albums.tracks]`.
pub const NESTED: &[&str] = &["limit", "sort", "where"];

/// The parameters of a request, told apart.
#[derive(Debug)]
pub struct Parameters<'q> {
    query: &'q Query<'q>,
    plain: Vec<(&'static str, usize, bool)>,
    /// `having[…]…`: what stands in the brackets, and the value.
    pub having: Vec<(Vec<&'q str>, &'q str)>,
    /// Those of expanded lists.
    pub nested: Vec<Nested<'q>>,
    /// Conditions on fields.
    pub conditions: Conditions,
}

/// A parameter of an expanded list: `limit[albums]=5`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Nested<'q> {
    /// One of [`NESTED`].
    pub parameter: &'static str,
    /// The dotted path of relations in the brackets.
    pub path: &'q str,
    /// The whole name, as it was written.
    pub name: &'q str,
    /// The value.
    pub value: &'q str,
}

impl<'q> Parameters<'q> {
    /// Tells the parameters of a request apart. Without `filters`, only reserved ones are possible.
    ///
    /// # Errors
    /// `UNKNOWN_PARAMETER` with the nearest name, `BAD_REQUEST` for one given twice.
    pub fn read(
        view: &View<'_>,
        entity: &Entity,
        query: &'q Query<'q>,
        reserved: &'static [&'static str],
        filters: bool,
    ) -> Result<Self> {
        let mut found = Self {
            query,
            plain: Vec::new(),
            having: Vec::new(),
            nested: Vec::new(),
            conditions: Conditions::default(),
        };
        for (at, pair) in query.pairs.iter().enumerate() {
            found.add(view, entity, at, reserved, filters).map_err(|error| error.at(pair.name.as_ref()))?;
        }
        Ok(found)
    }

    fn add(
        &mut self,
        view: &View<'_>,
        entity: &Entity,
        at: usize,
        reserved: &'static [&'static str],
        filters: bool,
    ) -> Result<()> {
        let Some(pair) = self.query.pairs.get(at) else { return Ok(()) };
        let name = Name::parse(&pair.name)?;
        if let Some(nested) = nested(entity, pair, &name).filter(|_| reserved.contains(&"expand")) {
            let same = |known: &Nested<'_>| known.parameter == nested.parameter && known.path == nested.path;
            if self.nested.iter().any(same) {
                return Err(filter::twice());
            }
            self.nested.push(nested);
            return Ok(());
        }
        let known = reserved.iter().copied().find(|known| *known == name.base);
        match known {
            Some("having") if !name.brackets.is_empty() => {
                self.having.push((name.brackets, &pair.value));
                Ok(())
            }
            Some(known) if name.brackets.is_empty() && (!name.item || LISTS.contains(&known)) => {
                let repeated =
                    self.plain.iter().any(|(other, _, item)| *other == known && !(*item && name.item));
                if repeated {
                    return Err(filter::twice());
                }
                self.plain.push((known, at, name.item));
                Ok(())
            }
            _ if filters => self.conditions.add(view, entity, &name, at, reserved),
            _ => {
                let hint = entity::suggest::hint(name.base, reserved.iter().copied());
                let shown = entity::value::excerpt(name.base);
                let error = Error::new(
                    service::Code::UnknownParameter,
                    format!("`{shown}` is not a parameter here."),
                );
                Err(filter::hinted(error, hint))
            }
        }
    }

    /// The value of a reserved parameter.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&'q str> {
        let (_, at, _) = self.plain.iter().find(|(known, _, _)| *known == name)?;
        self.query.pairs.get(*at).map(|pair| pair.value.as_ref())
    }

    /// The items of a reserved parameter; absent when it was not given.
    ///
    /// # Errors
    /// Quotes that do not match.
    pub fn list(&self, name: &str) -> Result<Option<Vec<Cow<'q, str>>>> {
        let mut list: Option<Vec<Cow<'q, str>>> = None;
        for (_, at, item) in self.plain.iter().filter(|(known, _, _)| *known == name) {
            let Some(pair) = self.query.pairs.get(*at) else { continue };
            let list = list.get_or_insert_default();
            if *item {
                list.push(Cow::Borrowed(&pair.value));
            } else {
                list.extend(items(&pair.value).map_err(|error| error.at(name))?);
            }
        }
        Ok(list)
    }
}

/// The parameter of an expanded list that this is, unless it is the condition on a field of that name.
fn nested<'q>(entity: &Entity, pair: &'q Pair<'_>, name: &Name<'q>) -> Option<Nested<'q>> {
    let parameter = NESTED.iter().copied().find(|known| *known == name.base)?;
    let [path] = name.brackets.as_slice() else { return None };
    let condition = Op::named(path).is_some() && entity.member(parameter).is_some();
    (!condition && !name.item).then_some(Nested { parameter, path, name: &pair.name, value: &pair.value })
}

/// Whether a parameter's value decides what is planned, so that a prepared read is only for this value.
#[must_use]
pub fn structural(name: &str) -> bool {
    let base = name.strip_suffix("[]").unwrap_or(name);
    LIST.contains(&base)
        || AGGREGATE.contains(&base)
        || name.split_once('[').is_some_and(|(base, _)| base == "having" || NESTED.contains(&base))
        || name.ends_with("[isNull]")
}

/// The strict JSON of a `where` or `having` parameter.
///
/// # Errors
/// `BAD_REQUEST` where it is not JSON.
pub fn json_parameter(name: &str, text: &str) -> Result<entity::Input> {
    json::read(text.as_bytes(), &format!("parameter `{name}`")).map_err(|error| error.at(name))
}
