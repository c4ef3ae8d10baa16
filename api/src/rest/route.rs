//! A path becomes a place: a collection, a row, what is related to a row, groups.

use std::borrow::Cow;

use entity::catalog::{Entity, Operation, Relation};
use entity::value::excerpt;
use entity::{IdKind, Input, Scalar, Value, suggest};
use poem::http::Method;
use service::{Code, Context, Error, Principal, Result, access};

use super::parse::View;
use super::parse::filter::hinted;
use super::parse::query::decode;

/// What a path names.
#[derive(Debug, Clone)]
pub(super) enum Place<'a> {
    /// All rows of a type.
    Collection(&'a Entity),
    /// One row; the id as it is printed.
    Row(&'a Entity, String),
    /// What a relation of a row leads to.
    Related(&'a Entity, String, &'a Relation),
    /// Groups of rows of a type.
    Aggregate(&'a Entity),
}

impl Place<'_> {
    /// The methods it takes, apart from HEAD and OPTIONS.
    pub(super) fn methods(&self) -> &'static [Method] {
        match self {
            Place::Collection(_) => &[Method::GET, Method::POST, Method::PATCH, Method::DELETE],
            Place::Row(..) => &[Method::GET, Method::PUT, Method::PATCH, Method::DELETE],
            Place::Related(..) | Place::Aggregate(_) => &[Method::GET],
        }
    }

    /// The type whose rows it has.
    fn entity(&self) -> &Entity {
        match self {
            Place::Collection(entity)
            | Place::Row(entity, _)
            | Place::Related(entity, ..)
            | Place::Aggregate(entity) => entity,
        }
    }

    /// The operations that rules must open to the caller of a method.
    fn needs(&self, method: &Method) -> &'static [Operation] {
        match (self, method.as_str()) {
            (_, "POST") => &[Operation::Create],
            (Place::Row(entity, _), "PUT") if entity.key == IdKind::Serial => {
                &[Operation::Create, Operation::Update]
            }
            (_, "PUT") => &[Operation::Create],
            (Place::Collection(_), "PATCH") => &[Operation::Update, Operation::Read],
            (Place::Collection(_), "DELETE") => &[Operation::Delete, Operation::Read],
            (_, "PATCH") => &[Operation::Update],
            (_, "DELETE") => &[Operation::Delete],
            _ => &[Operation::Read],
        }
    }

    /// Refuses a write that no rule opens, before anything else is looked at: neither its body nor the rows.
    pub(super) fn permit(&self, method: &Method, principal: &Principal) -> Result<()> {
        match self.needs(method) {
            [Operation::Read] => Ok(()), // whoever may not read is told so by the engine
            needs => needs.iter().try_for_each(|need| access::permit(self.entity(), principal, *need)),
        }
    }

    /// The value of `Allow` for everybody.
    pub(super) fn allow(&self) -> String {
        self.allow_if(|_| true)
    }

    /// The value of `Allow` for one caller.
    pub(super) fn allow_for(&self, principal: &Principal) -> String {
        let open = |operation: &Operation| access::opens(self.entity(), principal, *operation);
        self.allow_if(|method| self.needs(method).iter().all(open))
    }

    fn allow_if(&self, open: impl Fn(&Method) -> bool) -> String {
        let mut names = Vec::new();
        for method in self.methods().iter().filter(|method| open(method)) {
            names.push(method.as_str());
            if *method == Method::GET {
                names.push("HEAD");
            }
        }
        names.push("OPTIONS");
        names.join(", ")
    }
}

/// Finds the place of a path.
pub(super) fn find<'a>(context: &'a Context, base: &str, path: &str) -> Result<Place<'a>> {
    let rest = path.strip_prefix(base).and_then(|rest| rest.strip_prefix('/')).ok_or_else(nowhere)?;
    let segments: Vec<Cow<'_, str>> =
        rest.splitn(5, '/').map(|segment| decode(segment, false)).collect::<Result<_>>()?;
    let (plural, rest) = segments.split_first().ok_or_else(nowhere)?;
    let entity = collection(context, plural)?;
    match rest {
        [] => Ok(Place::Collection(entity)),
        [word] if word == "aggregate" => Ok(Place::Aggregate(entity)),
        [id] => Ok(Place::Row(entity, key(entity, id)?)),
        [id, relation] => {
            let view = View::of(context);
            let found = entity.relations.iter().find(|known| known.name == *relation);
            let relation = found.filter(|known| view.reads(entity, &known.name)).ok_or_else(|| {
                let readable: Vec<&str> = entity
                    .relations
                    .iter()
                    .map(|relation| relation.name.as_str())
                    .filter(|name| view.reads(entity, name))
                    .collect();
                let error = Error::new(
                    Code::NoSuchRoute,
                    format!("{} has no relation `{}`.", entity.name, excerpt(relation)),
                );
                hinted(error, suggest::hint(relation, readable.iter().copied()))
            })?;
            Ok(Place::Related(entity, key(entity, id)?, relation))
        }
        _ => Err(nowhere()),
    }
}

fn collection<'a>(context: &'a Context, plural: &str) -> Result<&'a Entity> {
    context.catalog.entity_plural(plural).ok_or_else(|| {
        // What the caller may not use is not suggested.
        let open: Vec<&str> = context
            .catalog
            .entities
            .iter()
            .filter(|entity| {
                [Operation::Read, Operation::Create, Operation::Update, Operation::Delete]
                    .into_iter()
                    .any(|operation| access::opens(entity, &context.principal, operation))
            })
            .map(|entity| entity.plural.as_str())
            .collect();
        let error = Error::new(Code::UnknownType, format!("There is no collection `{}`.", excerpt(plural)));
        hinted(error, suggest::hint(plural, open.iter().copied()))
    })
}

fn nowhere() -> Error {
    Error::new(Code::NoSuchRoute, "There is nothing at this path.")
        .hint("the paths are described at /openapi.json")
}

/// The id of a path as it is printed; what can't be an id of the type names no row.
pub(super) fn key(entity: &Entity, text: &str) -> Result<String> {
    let input = Input::String(text.to_owned());
    let value = if text.is_empty() || text.len() > 1_000 {
        None
    } else {
        entity::value::scalar_value(Scalar::Id(entity.key), &input).ok()
    };
    match value {
        Some(Value::Int(id)) => Ok(id.to_string()),
        Some(Value::Uuid(id)) => Ok(id.to_string()),
        Some(Value::Text(id)) => Ok(id),
        _ => {
            let form = match entity.key {
                IdKind::Uuid7 => "UUIDs",
                IdKind::Serial => "integers",
                IdKind::Client => "texts",
            };
            Err(Error::new(Code::NotFound, format!("There is no {} of this id.", entity.name))
                .hint(format!("ids of {} are {form}", entity.name)))
        }
    }
}
