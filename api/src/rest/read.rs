//! Reads: one row, lists, what is related to a row, groups.

use entity::catalog::{Cardinality, Entity, Relation};
use entity::{EntityId, Input};
use poem::Response;
use poem::http::{StatusCode, header};
use service::engine::request::{By, ConnectionPart, List, Read, Request, Requested, Root, Selected, Under};
use service::engine::{Facts, Reply};
use service::{Code, Error, Result};

use super::known::{Draft, shape};
use super::parse::filter::Slot;
use super::parse::header::{Applies, Format, PREFER, Prefer, Tags, negotiate};
use super::parse::query::Query;
use super::parse::selection::Wanted;
use super::parse::{AGGREGATE, LIST, ONE, Parameters, View, aggregate, json_parameter, page};
use super::{Asked, Rest, render};

/// The name of the only root of a request.
const KEY: &str = "answer";

/// The row whose relation is listed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Parent<'a> {
    /// Its type.
    pub(super) entity: EntityId,
    /// The plural of its type.
    pub(super) plural: &'a str,
    /// Its id.
    pub(super) id: &'a str,
    /// The relation.
    pub(super) relation: &'a str,
}

impl Rest {
    /// `GET /v1/tracks/{id}`
    pub(super) async fn one(&self, asked: &Asked<'_>, entity: &Entity, id: &str) -> Result<Response> {
        negotiate(asked.headers, &[Format::Json])?;
        let (needed, wanted) = conditions(asked)?;
        strict_preferences(asked)?;
        let shape = shape("one", &[&entity.plural], &asked.query);
        let (mut reply, ready) = self
            .fetch(asked, shape, Some(id), |open| {
                let view = View::of(asked.context);
                let parameters = Parameters::read(&view, entity, &asked.query, ONE, false)?;
                let representation = Wanted::read(&parameters)?;
                let selection = representation.select(&view, entity)?;
                let by = By::Id(if open { Input::Param(0) } else { Input::String(id.to_owned()) });
                let read = Read::One { entity: entity.id, by, selection, facts: true };
                let plain = representation.is_plain() && view.is_whole(entity);
                Ok(Draft { request: single(read), slots: Vec::new(), plain })
            })
            .await?;
        let (json, facts) = row_of(&mut reply, entity)?;
        let tag = facts.version.map(|version| {
            let other = (!ready.plain).then_some(json.as_bytes());
            render::tag(id, version, other)
        });
        matching(needed.as_ref(), tag.as_deref())?;
        Ok(render::row(json, tag, wanted.as_ref()))
    }

    /// `GET /v1/tracks`, `GET /v1/albums/{id}/tracks`
    pub(super) async fn list(
        &self,
        asked: &Asked<'_>,
        entity: &Entity,
        parent: Option<Parent<'_>>,
    ) -> Result<Response> {
        let format = negotiate(asked.headers, &[Format::Json, Format::Csv, Format::Ndjson])?;
        let prefer = preferences(asked)?;
        if format != Format::Json {
            return self.stream(asked, entity, parent, format, &prefer).await;
        }
        let names: &[&str] = match &parent {
            Some(parent) => &[parent.plural, parent.relation],
            None => &[&entity.plural],
        };
        let kind = match (parent.is_some(), prefer.count) {
            (false, false) => "list",
            (false, true) => "list total",
            (true, false) => "under",
            (true, true) => "under total",
        };
        let id = parent.map(|parent| parent.id);
        let (mut reply, _) = self
            .fetch(asked, shape(kind, names, &asked.query), id, |open| {
                let (mut list, slots) = draft(asked, entity, parent, open)?;
                list.total = prefer.count;
                Ok(Draft { request: single(Read::List(list)), slots, plain: true })
            })
            .await?;
        let root = reply.roots.pop().unwrap_or_else(nothing);
        let facts = root.facts.unwrap_or_default();
        if parent.is_some() && !facts.parent {
            return Err(no_row("row"));
        }
        let mut response = render::list(root.json, &facts, asked.call.uri().path(), &asked.query);
        if let Some(applied) = prefer.applied(Applies::List) {
            render::put(response.headers_mut(), render::PREFERENCE_APPLIED, &applied);
        }
        Ok(response)
    }

    /// `GET /v1/albums/{id}/tracks`, `GET /v1/tracks/{id}/album`
    pub(super) async fn related(
        &self,
        asked: &Asked<'_>,
        entity: &Entity,
        id: &str,
        relation: &Relation,
    ) -> Result<Response> {
        let target = asked.context.catalog.target(relation);
        if relation.cardinality == Cardinality::Many {
            let parent = Parent { entity: entity.id, plural: &entity.plural, id, relation: &relation.name };
            return self.list(asked, target, Some(parent)).await;
        }
        negotiate(asked.headers, &[Format::Json])?;
        let (needed, wanted) = conditions(asked)?;
        strict_preferences(asked)?;
        let shape = shape("related", &[&entity.plural, &relation.name], &asked.query);
        let (mut reply, _) = self
            .fetch(asked, shape, Some(id), |open| {
                let view = View::of(asked.context);
                let parameters = Parameters::read(&view, target, &asked.query, ONE, false)?;
                let selection = Wanted::read(&parameters)?.select(&view, target)?;
                let by = By::Id(if open { Input::Param(0) } else { Input::String(id.to_owned()) });
                let what = Requested::One { name: relation.name.clone(), selection };
                let selection = vec![Selected { key: KEY.to_owned(), what }];
                let read = Read::One { entity: entity.id, by, selection, facts: true };
                Ok(Draft { request: single(read), slots: Vec::new(), plain: false })
            })
            .await?;
        let (json, _) = row_of(&mut reply, entity)?;
        // {"answer": …}
        let inner = json
            .trim()
            .strip_prefix('{')
            .and_then(|rest| rest.split_once(':'))
            .and_then(|(_, rest)| rest.trim().strip_suffix('}'))
            .map(str::trim)
            .filter(|inner| *inner != "null")
            .ok_or_else(|| no_row(&target.name))?;
        let tag = render::hash(&[inner.as_bytes()]);
        matching(needed.as_ref(), Some(&tag))?;
        Ok(render::row(inner.to_owned(), Some(tag), wanted.as_ref()))
    }

    /// `GET /v1/tracks/aggregate`
    pub(super) async fn aggregate(&self, asked: &Asked<'_>, entity: &Entity) -> Result<Response> {
        negotiate(asked.headers, &[Format::Json])?;
        strict_preferences(asked)?;
        let (mut reply, _) = self
            .fetch(asked, shape("aggregate", &[&entity.plural], &asked.query), None, |open| {
                let view = View::of(asked.context);
                let parameters = Parameters::read(&view, entity, &asked.query, AGGREGATE, true)?;
                let (filter, slots) = filter(&parameters, &asked.query, open.then_some(0))?;
                let aggregate = aggregate::aggregate(&view, entity, &parameters, filter)?;
                Ok(Draft { request: single(Read::Aggregate(aggregate)), slots, plain: true })
            })
            .await?;
        let groups = reply.roots.pop().and_then(|root| root.json).unwrap_or_else(|| "[]".to_owned());
        let text = format!("{{\"data\":{groups}}}");
        Ok(render::body(StatusCode::OK, "application/json", text))
    }
}

/// The list that a request asks for, and where the values of its variables come from. With `open`, values are
/// variables: the parent's id first, then those of conditions.
pub(super) fn draft(
    asked: &Asked<'_>,
    entity: &Entity,
    parent: Option<Parent<'_>>,
    open: bool,
) -> Result<(List, Vec<Slot>)> {
    let view = View::of(asked.context);
    let parameters = Parameters::read(&view, entity, &asked.query, LIST, true)?;
    let (filter, slots) = filter(&parameters, &asked.query, open.then_some(usize::from(parent.is_some())))?;
    let selection = Wanted::read(&parameters)?.select(&view, entity)?;
    let mut list = List::of(entity.id, vec![("data".to_owned(), ConnectionPart::Nodes(selection))]);
    list.under = parent.map(|parent| Under {
        entity: parent.entity,
        id: if open { Input::Param(0) } else { Input::String(parent.id.to_owned()) },
        relation: parent.relation.to_owned(),
    });
    list.filter = filter;
    list.order = page::order(&parameters)?;
    list.search = parameters.text("search").map(str::to_owned);
    list.page = page::page(&parameters, entity.limit.default)?;
    list.facts = true;
    Ok((list, slots))
}

/// The condition of a request: its parameters and its `where`. With `open`, values are variables from that number.
pub(super) fn filter(
    parameters: &Parameters<'_>,
    query: &Query<'_>,
    open: Option<usize>,
) -> Result<(Option<Input>, Vec<Slot>)> {
    let mut slots = Vec::new();
    let conditions = parameters.conditions.input(|condition| match open {
        Some(first) if !condition.structural => {
            slots.push(condition.slot.clone());
            Ok(Input::Param(first + slots.len() - 1))
        }
        _ => condition.slot.value(query),
    })?;
    let given = parameters.text("where").map(|text| json_parameter("where", text)).transpose()?;
    let whole = match (conditions, given) {
        (None, other) | (other, None) => other,
        (Some(one), Some(other)) => {
            Some(Input::Object(vec![("and".to_owned(), Input::List(vec![one, other]))]))
        }
    };
    Ok((whole, slots))
}

/// A request of one read.
pub(super) fn single(read: Read) -> Request {
    Request::Read(vec![Root { key: KEY.to_owned(), ask: read }])
}

/// The JSON and facts of the only row of a reply.
pub(super) fn row_of(reply: &mut Reply, entity: &Entity) -> Result<(String, Facts)> {
    let root = reply.roots.pop().unwrap_or_else(nothing);
    let json = root.json.filter(|json| json != "null").ok_or_else(|| no_row(&entity.name))?;
    Ok((json, root.facts.unwrap_or_default()))
}

fn nothing() -> service::engine::RootReply {
    service::engine::RootReply { key: String::new(), json: None, facts: None }
}

pub(super) fn no_row(name: &str) -> Error {
    Error::new(Code::NotFound, format!("There is no {name} of this id, or none you may see."))
}

/// `If-Match` and `If-None-Match` of a read.
fn conditions(asked: &Asked<'_>) -> Result<(Option<Tags>, Option<Tags>)> {
    let read = |name| Tags::read(asked.headers, &name);
    Ok((read(header::IF_MATCH)?, read(header::IF_NONE_MATCH)?))
}

/// Says no to a row that is not in the representation that was asked for.
fn matching(needed: Option<&Tags>, tag: Option<&str>) -> Result<()> {
    match needed {
        Some(needed) if !tag.is_some_and(|tag| needed.has_strongly(tag)) => {
            Err(Error::new(Code::VersionMismatch, "The row is not in the state that `If-Match` names.")
                .hint("read it without `If-Match`"))
        }
        _ => Ok(()),
    }
}

fn preferences(asked: &Asked<'_>) -> Result<Prefer> {
    if asked.headers.contains_key(PREFER) { Prefer::read(asked.headers) } else { Ok(Prefer::default()) }
}

/// Of the preferences only `handling=strict` has a meaning where one row is read.
fn strict_preferences(asked: &Asked<'_>) -> Result<()> {
    preferences(asked).map(|_| ())
}
