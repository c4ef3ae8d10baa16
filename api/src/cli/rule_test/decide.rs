//! Whether something may be done: the engine does it, and takes it back.

use entity::catalog::{Entity, Operation};
use entity::{EntityId, Input, Predicate};
use serde_json::Value as Json;
use service::access::{self, explain};
use service::engine::request::{
    Answer, By, Change, ConnectionPart, List, Page, Read, Request, Requested, Root, Selected, Target, Write,
};
use service::engine::{WriteOptions, Written};
use service::{Code, Context, Error, Principal, Service};

use super::super::aim::Aim;

/// Rows of a list that are compared.
const ROWS: usize = 100_000;

/// What came of trying.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Decision {
    /// It may be done.
    Yes,
    /// A rule is in the way.
    No(String),
    /// It fails whoever asks: the test is wrong, or the data.
    Unclear(String),
}

impl Decision {
    fn of(yes: bool, no: &str) -> Self {
        if yes { Decision::Yes } else { Decision::No(no.to_owned()) }
    }
}

/// Tries it.
///
/// # Errors
/// What is no answer: the database's errors.
pub(super) async fn decide(
    service: &Service,
    context: &Context,
    aim: &Aim,
    values: Option<&Input>,
) -> service::Result<Decision> {
    let entity = context.catalog.entity(aim.entity);
    if let Err(error) = permitted(entity, &context.principal, aim.operation) {
        return Ok(Decision::No(error.message().to_owned()));
    }
    let narrowed = match &aim.member {
        Some(name) => explain::member(context, entity, name, aim.operation),
        None => None,
    };
    if let Some(member) = narrowed.as_ref().filter(|member| !member.open) {
        return Ok(Decision::No(format!("`{}`: {}", member.name, member.why)));
    }
    let Some(row) = &aim.row else {
        return match values {
            Some(values) => write(service, context, aim, None, values).await,
            None => {
                let told = explain::explain(context, entity, aim.operation);
                Ok(Decision::of(told.open, "no rule opens any row"))
            }
        };
    };
    let id = Input::String(row.clone());
    let rows = match aim.operation {
        Operation::Read => Predicate::Always,
        other => access::rows(context, aim.entity, other),
    };
    let shown = narrowed.map_or(Predicate::Always, |member| member.condition);
    let Some(holds) = service.engine().holds(context, aim.entity, &id, &[rows, shown]).await? else {
        return Ok(Decision::Unclear("there is no such row".to_owned()));
    };
    if holds.get(1) == Some(&false) {
        return Ok(Decision::No("the field is hidden on this row".to_owned()));
    }
    match (aim.operation, values) {
        (Operation::Read, _) => read(service, context, aim.entity, &id).await,
        (Operation::Update, None) => Ok(Decision::of(holds.first() == Some(&true), "no rule opens this row")),
        (_, values) => write(service, context, aim, Some(&id), values.unwrap_or(&Input::Null)).await,
    }
}

fn permitted(entity: &Entity, principal: &Principal, operation: Operation) -> service::Result<()> {
    access::permit(entity, principal, operation)?;
    access::scoped(entity, principal, operation)
}

async fn read(
    service: &Service,
    context: &Context,
    entity: EntityId,
    id: &Input,
) -> service::Result<Decision> {
    let ask = Read::One { entity, by: By::Id(id.clone()), selection: vec![key()], facts: false };
    let request = Request::Read(vec![Root { key: "row".to_owned(), ask }]);
    match service.engine().run(context, &request).await {
        Ok(reply) => {
            let there = reply
                .roots
                .first()
                .is_some_and(|root| root.json.as_deref().is_some_and(|json| json != "null"));
            Ok(Decision::of(there, "the row is not there for them"))
        }
        Err(error) => refused(error),
    }
}

fn key() -> Selected {
    Selected { key: "id".to_owned(), what: Requested::Field { name: "id".to_owned(), parts: None } }
}

async fn write(
    service: &Service,
    context: &Context,
    aim: &Aim,
    id: Option<&Input>,
    values: &Input,
) -> service::Result<Decision> {
    let target = || Target::One(By::Id(id.cloned().unwrap_or(Input::Null)));
    let change = match aim.operation {
        Operation::Delete => Change::Delete { target: target(), if_version: None },
        Operation::Update => Change::Update {
            target: target(),
            set: Some(values.clone()),
            inc: None,
            append: None,
            remove: None,
            if_version: None,
        },
        _ => Change::Create { rows: vec![values.clone()] },
    };
    let ask = Write { entity: aim.entity, change, answer: Answer::Nothing };
    let request = Request::Write(vec![Root { key: "row".to_owned(), ask }]);
    let error = match dry(service, context, &request).await {
        Ok(()) => return Ok(Decision::Yes),
        Err(error) => error,
    };
    // A check of the model and a check of a rule are refused alike; so are fields of the server and fields that are not
    // granted, rows that are not there and rows that are hidden. What an administrator is refused is no rule's doing.
    let alike = [Code::CheckFailed, Code::ReadOnly, Code::UnknownField, Code::ForeignKeyViolation];
    if alike.contains(&error.code()) {
        let admin = Context { principal: Principal::Admin, ..context.clone() };
        let same = dry(service, &admin, &request).await.err().map(|other| other.code());
        return Ok(match same == Some(error.code()) {
            true => Decision::Unclear(told(&error)),
            false => Decision::No(told(&error)),
        });
    }
    refused(error)
}

async fn dry(service: &Service, context: &Context, request: &Request) -> service::Result<()> {
    let options = WriteOptions { dry_run: true, ..WriteOptions::default() };
    match service.engine().write(context, request, options).await? {
        Written::Now(_) | Written::Before(_) => Ok(()),
    }
}

/// An error of the engine as an answer, where it is one.
fn refused(error: Error) -> service::Result<Decision> {
    match error.code() {
        Code::Unauthenticated
        | Code::Forbidden
        | Code::InsufficientScope
        | Code::OrganizationRequired
        | Code::NotFound
        | Code::UnknownType
        | Code::UnknownField => Ok(Decision::No(told(&error))),
        Code::Unavailable | Code::Internal | Code::Timeout => Err(error),
        _ => Ok(Decision::Unclear(told(&error))),
    }
}

fn told(error: &Error) -> String {
    let path = error.input_path();
    let at = if path.is_empty() { String::new() } else { format!("{path}: ") };
    format!("{at}{}", error.message())
}

/// The ids of all rows a list shows; none where it is closed.
///
/// # Errors
/// The database's, or too many rows.
pub(super) async fn seen(
    service: &Service,
    context: &Context,
    entity: EntityId,
) -> service::Result<Vec<String>> {
    let definition = context.catalog.entity(entity);
    let mut ids = Vec::new();
    if permitted(definition, &context.principal, Operation::Read).is_err() {
        return Ok(ids);
    }
    let mut after = None;
    loop {
        let page = Page { first: Some(definition.limit.max), after: after.take(), ..Page::default() };
        let parts = vec![("nodes".to_owned(), ConnectionPart::Nodes(vec![key()]))];
        let list = List { page, facts: true, ..List::of(entity, parts) };
        let request = Request::Read(vec![Root { key: "rows".to_owned(), ask: Read::List(list) }]);
        let reply = service.engine().run(context, &request).await?;
        let root = reply.roots.first().ok_or_else(|| Error::internal("a list gave nothing"))?;
        // With its facts beside it, the JSON of a list is the rows alone.
        let json = root.json.as_deref().unwrap_or("[]");
        let nodes: Vec<Json> = serde_json::from_str(json).map_err(Error::internal)?;
        ids.extend(nodes.iter().filter_map(|node| Some(node.get("id")?.as_str()?.to_owned())));
        let facts = root.facts.clone().unwrap_or_default();
        if !facts.has_next || facts.end.is_none() {
            return Ok(ids);
        }
        if ids.len() > ROWS {
            let text = format!("A list of more than {ROWS} rows is not compared.");
            return Err(Error::new(Code::LimitExceeded, text));
        }
        after = facts.end;
    }
}
