//! Writes: create, change, put, delete, of one row or of many.

use entity::Input;
use entity::catalog::Entity;
use poem::Response;
use poem::http::header;
use service::engine::request::{
    Answer, BatchPart, By, Change, Read, Request, Requested, Root, Selected, Target, Write,
};
use service::engine::{Facts, Idempotency, Reply, WriteOptions, Written};
use service::error::Segment;
use service::{Code, Error, Result};

use super::answer::{Kind, Shape};
use super::parse::header::{Applies, Format, Prefer, Tags, idempotency_key, negotiate};
use super::parse::selection::Wanted;
use super::parse::{MANY, ONE, Parameters, View, patch, place};
use super::read::{filter, row_of, single};
use super::{Asked, Rest, render};
use crate::http::json;

/// How often a merge into a stored value is tried again when the row moves on meanwhile.
const MERGES: usize = 3;

/// A write that is understood.
struct Task {
    change: Change,
    answer: Answer,
    prefer: Prefer,
    shape: Shape,
}

impl Rest {
    /// `POST /v1/tracks`
    pub(super) async fn create(&self, asked: &Asked<'_>, entity: &Entity) -> Result<Response> {
        let prefer = Prefer::read(asked.headers)?;
        let (selection, plain) = representation(asked, entity)?;
        let (kind, rows) = match json::read(asked.body, "body")? {
            Input::List(rows) => (Kind::CreatedMany, rows),
            row => (Kind::Created, vec![row]),
        };
        if let Some((at, wrong)) = rows.iter().enumerate().find(|(_, row)| !matches!(row, Input::Object(_))) {
            let error = not_an_object(wrong, entity);
            return Err(if kind == Kind::CreatedMany { error.at(at) } else { error });
        }
        let wants_body = prefer.minimal != Some(true);
        let answer = match (wants_body, kind) {
            (false, _) => Answer::Nothing,
            (true, Kind::CreatedMany) => {
                Answer::Batch(vec![("data".to_owned(), BatchPart::Nodes(selection))])
            }
            (true, _) => Answer::One(selection),
        };
        let shape = self.shape(entity, kind, &prefer, Applies::Write, plain, wants_body);
        let alone = kind == Kind::CreatedMany && rows.len() == 1;
        let task = Task { change: Change::Create { rows }, answer, prefer, shape };
        match self.perform(asked, entity, task).await {
            // The engine counts rows where there are several; the caller wrote a list either way.
            Err(error) if alone => Err(error.map_input(&|_, place| first_row(place))),
            Err(error) if kind == Kind::CreatedMany => Err(self.clash(asked, entity, error).await),
            done => done,
        }
    }

    /// `PATCH /v1/tracks/{id}`
    pub(super) async fn patch(&self, asked: &Asked<'_>, entity: &Entity, id: &str) -> Result<Response> {
        let prefer = Prefer::read(asked.headers)?;
        let (selection, plain) = representation(asked, entity)?;
        let given = object(asked, entity)?;
        let if_version = self.preconditions(asked, entity, id).await?;
        let merged = patch::merged_fields(entity, &given);
        let wants_body = prefer.minimal != Some(true);
        let shape = self.shape(entity, Kind::Changed, &prefer, Applies::Write, plain, wants_body);
        let mut tries = 0;
        loop {
            tries += 1;
            let (set, version) = self.completed(asked, entity, id, given.clone(), &merged).await?;
            let change = Change::Update {
                target: Target::One(By::Id(Input::String(id.to_owned()))),
                set: Some(set),
                inc: None,
                append: None,
                remove: None,
                if_version: if_version.or(version),
            };
            let answer = if wants_body { Answer::One(selection.clone()) } else { Answer::Nothing };
            let task = Task { change, answer, prefer: prefer.clone(), shape: shape.clone() };
            match self.perform(asked, entity, task).await {
                // The version was ours, not the caller's: read and merge again.
                Err(error)
                    if error.code() == Code::VersionMismatch && if_version.is_none() && tries < MERGES => {}
                other => return other,
            }
        }
    }

    /// A patch with the stored values it changes in part put in, and the version of the row they are from.
    async fn completed(
        &self,
        asked: &Asked<'_>,
        entity: &Entity,
        id: &str,
        given: Input,
        merged: &[String],
    ) -> Result<(Input, Option<i64>)> {
        if merged.is_empty() {
            return Ok((given, None));
        }
        let selection = merged
            .iter()
            .map(|name| Selected {
                key: name.clone(),
                what: Requested::Field { name: name.clone(), parts: None },
            })
            .collect();
        match self.look(asked, entity, id, selection).await? {
            Some((json, facts)) => {
                let row = json::read(json.as_bytes(), "stored row").map_err(Error::internal)?;
                Ok((patch::complete(given, merged, &row), facts.version))
            }
            // The engine says why it can't be changed, or repeats what it answered before the row was gone.
            None => Ok((given, None)),
        }
    }

    /// `PUT /v1/tracks/{id}`
    pub(super) async fn put(&self, asked: &Asked<'_>, entity: &Entity, id: &str) -> Result<Response> {
        let prefer = Prefer::read(asked.headers)?;
        let (selection, plain) = representation(asked, entity)?;
        let row = identified(object(asked, entity)?, entity, id)?;
        let matching = Tags::read(asked.headers, &header::IF_MATCH)?;
        let create_only = Tags::read(asked.headers, &header::IF_NONE_MATCH)? == Some(Tags::Any);
        let if_version = if create_only { None } else { self.preconditions(asked, entity, id).await? };
        let wants_body = prefer.minimal != Some(true);
        let answer = if wants_body { Answer::One(selection) } else { Answer::Nothing };
        if matching.is_some() {
            // Something must be there: this is no upsert any more.
            let shape = self.shape(entity, Kind::Changed, &prefer, Applies::Write, plain, wants_body);
            let set = without_id(row);
            let target = Target::One(By::Id(Input::String(id.to_owned())));
            let change =
                Change::Update { target, set: Some(set), inc: None, append: None, remove: None, if_version };
            let done = self.perform(asked, entity, Task { change, answer, prefer, shape }).await;
            return done.map_err(|error| if error.code() == Code::NotFound { moved_on() } else { error });
        }
        let shape = self.shape(entity, Kind::Put, &prefer, Applies::Write, plain, wants_body);
        let change = Change::Upsert { rows: vec![row], on: None, set: None, if_version, create_only };
        self.perform(asked, entity, Task { change, answer, prefer, shape }).await
    }

    /// `DELETE /v1/tracks/{id}`
    pub(super) async fn delete(&self, asked: &Asked<'_>, entity: &Entity, id: &str) -> Result<Response> {
        let prefer = Prefer::read(asked.headers)?;
        let (selection, plain) = representation(asked, entity)?;
        let if_version = self.preconditions(asked, entity, id).await?;
        let wants_body = prefer.minimal == Some(false);
        let answer = if wants_body { Answer::One(selection) } else { Answer::Nothing };
        let shape = self.shape(entity, Kind::Deleted, &prefer, Applies::Write, plain, wants_body);
        let change = Change::Delete { target: Target::One(By::Id(Input::String(id.to_owned()))), if_version };
        self.perform(asked, entity, Task { change, answer, prefer, shape }).await
    }

    /// `PATCH /v1/tracks?…`
    pub(super) async fn patch_many(&self, asked: &Asked<'_>, entity: &Entity) -> Result<Response> {
        let prefer = Prefer::read(asked.headers)?;
        let set = object(asked, entity)?;
        let many = self.many(asked, entity, &prefer);
        let (target, answer, shape) = many.map_err(|error| place::written(error, &asked.query))?;
        let change = Change::Update {
            target,
            set: Some(set),
            inc: None,
            append: None,
            remove: None,
            if_version: None,
        };
        let done = self.perform(asked, entity, Task { change, answer, prefer, shape }).await;
        done.map_err(|error| place::condition_written(error, &asked.query))
    }

    /// `DELETE /v1/tracks?…`
    pub(super) async fn delete_many(&self, asked: &Asked<'_>, entity: &Entity) -> Result<Response> {
        let prefer = Prefer::read(asked.headers)?;
        let many = self.many(asked, entity, &prefer);
        let (target, answer, shape) = many.map_err(|error| place::written(error, &asked.query))?;
        let change = Change::Delete { target, if_version: None };
        let done = self.perform(asked, entity, Task { change, answer, prefer, shape }).await;
        done.map_err(|error| place::condition_written(error, &asked.query))
    }

    fn many(&self, asked: &Asked<'_>, entity: &Entity, prefer: &Prefer) -> Result<(Target, Answer, Shape)> {
        if asked.headers.contains_key(header::IF_MATCH) {
            return Err(Error::new(Code::NotSupported, "`If-Match` is about one row.")
                .hint("compare `version[eq]=…` instead"));
        }
        let view = View::of(asked.context);
        let parameters = Parameters::read(&view, entity, &asked.query, MANY, true)?;
        let (filter, _) = filter(&parameters, &asked.query, None)?;
        let filter = filter.filter(|filter| *filter != Input::Object(Vec::new())).ok_or_else(|| {
            Error::new(Code::WhereRequired, "Changing many rows needs a condition.")
                .hint("name rows by their fields (`?genre=…`), or one row by its path (`/{id}`)")
        })?;
        let wanted = Wanted::read(&parameters)?;
        let selection = wanted.select(&view, entity)?;
        let target = Target::Many { filter, max: prefer.max_affected.unwrap_or(self.settings.max_affected) };
        let mut parts = vec![("count".to_owned(), BatchPart::Count)];
        if prefer.minimal == Some(false) {
            parts.push(("data".to_owned(), BatchPart::Nodes(selection)));
        }
        let wants_body = prefer.minimal != Some(true);
        let answer = if wants_body { Answer::Batch(parts) } else { Answer::Nothing };
        Ok((
            target,
            answer,
            self.shape(entity, Kind::Many, prefer, Applies::Many, wanted.is_plain(), wants_body),
        ))
    }

    fn shape(
        &self,
        entity: &Entity,
        kind: Kind,
        prefer: &Prefer,
        applies: Applies,
        plain: bool,
        body: bool,
    ) -> Shape {
        Shape {
            kind,
            collection: format!("{}/{}", self.settings.base, entity.plural),
            plain,
            body,
            rollback: prefer.rollback,
            applied: prefer.applied(applies),
        }
    }

    async fn perform(&self, asked: &Asked<'_>, entity: &Entity, task: Task) -> Result<Response> {
        negotiate(asked.headers, &[Format::Json])?;
        let key = idempotency_key(asked.headers)?;
        let uri = asked.call.uri();
        let route = format!("{} {}", method(task.shape.kind, &task.change), uri.path());
        let mut parts: Vec<&[u8]> = vec![uri.query().unwrap_or_default().as_bytes(), asked.body];
        for name in [header::IF_MATCH, header::IF_NONE_MATCH, super::parse::header::PREFER] {
            parts.extend(asked.headers.get_all(name).iter().map(|value| value.as_bytes()));
        }
        let fingerprint = if key.is_some() { render::hash(&parts) } else { String::new() };
        let shape = task.shape;
        let answer = |reply: &Reply| shape.render(reply);
        let options = WriteOptions {
            dry_run: task.prefer.rollback,
            idempotency: key.as_deref().map(|key| Idempotency {
                key,
                route: &route,
                fingerprint: &fingerprint,
                render: &answer,
            }),
        };
        let write = Write { entity: entity.id, change: task.change, answer: task.answer };
        let request = Request::Write(vec![Root { key: "answer".to_owned(), ask: write }]);
        Ok(match self.service.engine().write(asked.context, &request, options).await? {
            Written::Now(reply) => {
                asked.call.timing().add("db", reply.database);
                render::stored(shape.render(&reply), false)
            }
            Written::Before(stored) => render::stored(stored, true),
        })
    }

    /// The version that `If-Match` allows; an error where a precondition fails already.
    async fn preconditions(&self, asked: &Asked<'_>, entity: &Entity, id: &str) -> Result<Option<i64>> {
        if let Some(unwanted) = Tags::read(asked.headers, &header::IF_NONE_MATCH)? {
            let version = self.version(asked, entity, id).await?;
            let there = version.is_some_and(|version| match unwanted.versions(&render::tag_id(id)) {
                None => true,
                Some(versions) => {
                    versions.contains(&version) || unwanted.has_weakly(&render::tag(id, version, None))
                }
            });
            if there {
                return Err(moved_on());
            }
        }
        let Some(wanted) = Tags::read(asked.headers, &header::IF_MATCH)? else { return Ok(None) };
        match wanted.versions(&render::tag_id(id)).as_deref() {
            None => Ok(None),
            Some([]) => Err(moved_on()),
            Some([version]) => Ok(Some(*version)),
            Some(versions) => match self.version(asked, entity, id).await? {
                Some(version) if versions.contains(&version) => Ok(Some(version)),
                _ => Err(moved_on()),
            },
        }
    }

    async fn version(&self, asked: &Asked<'_>, entity: &Entity, id: &str) -> Result<Option<i64>> {
        let id_only = vec![Selected {
            key: "id".to_owned(),
            what: Requested::Field { name: entity.key_field().name.clone(), parts: None },
        }];
        Ok(self.look(asked, entity, id, id_only).await?.and_then(|(_, facts)| facts.version))
    }

    /// A row as it is now, where it is there.
    async fn look(
        &self,
        asked: &Asked<'_>,
        entity: &Entity,
        id: &str,
        selection: Vec<Selected>,
    ) -> Result<Option<(String, Facts)>> {
        let by = By::Id(Input::String(id.to_owned()));
        let read = Read::One { entity: entity.id, by, selection, facts: true };
        let mut reply = match self.service.engine().run(asked.context, &single(read)).await {
            Err(error) if error.code() == Code::NotFound => return Ok(None),
            other => other?,
        };
        match row_of(&mut reply, entity) {
            Ok(found) => Ok(Some(found)),
            Err(error) if error.code() == Code::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }
}

fn method(kind: Kind, change: &Change) -> &'static str {
    match (kind, change) {
        (Kind::Created | Kind::CreatedMany, _) => "POST",
        (Kind::Put, _) => "PUT",
        (_, Change::Delete { .. }) => "DELETE",
        _ => "PATCH",
    }
}

/// The place in the first row of a list.
fn first_row(mut place: Vec<Segment>) -> Vec<Segment> {
    if !place.is_empty() {
        place.insert(0, Segment::Index(0));
    }
    place
}

fn representation(asked: &Asked<'_>, entity: &Entity) -> Result<(Vec<Selected>, bool)> {
    let view = View::of(asked.context);
    let read = || {
        let parameters = Parameters::read(&view, entity, &asked.query, ONE, false)?;
        let wanted = Wanted::read(&parameters)?;
        Ok((wanted.select(&view, entity)?, wanted.is_plain() && view.is_whole(entity)))
    };
    read().map_err(|error| place::written(error, &asked.query))
}

fn object(asked: &Asked<'_>, entity: &Entity) -> Result<Input> {
    match json::read(asked.body, "body")? {
        object @ Input::Object(_) => Ok(object),
        other => Err(not_an_object(&other, entity)),
    }
}

fn not_an_object(input: &Input, entity: &Entity) -> Error {
    Error::new(
        Code::BadRequest,
        format!("Expected an object with fields of {}, got {}.", entity.name, input.kind()),
    )
}

/// The body of a PUT with the id of its path.
fn identified(row: Input, entity: &Entity, id: &str) -> Result<Input> {
    let Input::Object(mut fields) = row else { return Ok(row) };
    let key = &entity.key_field().name;
    match fields.iter().find(|(name, _)| name == key) {
        None => fields.insert(0, (key.clone(), Input::String(id.to_owned()))),
        Some((_, value)) => {
            let same = match value {
                Input::String(text) => super::route::key(entity, text).is_ok_and(|text| text == id),
                Input::Int(number) => number.to_string() == id,
                _ => false,
            };
            if !same {
                return Err(Error::new(Code::BadValue, "The id in the body is not the id in the path.")
                    .hint("leave it out of the body")
                    .at(key.as_str()));
            }
        }
    }
    Ok(Input::Object(fields))
}

fn without_id(row: Input) -> Input {
    match row {
        Input::Object(fields) => Input::Object(fields.into_iter().filter(|(name, _)| name != "id").collect()),
        other => other,
    }
}

fn moved_on() -> Error {
    Error::new(Code::VersionMismatch, "The row is not in the state that the request expects.")
        .hint("read it again, and send its new `ETag`")
}
