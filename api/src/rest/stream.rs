//! Lists as CSV and NDJSON: page after page by cursor, in bounded memory, all rows unless `limit` says how many. Each
//! page has the deadline of a request of its own, and a client that takes nothing is let go. An error on the way breaks
//! the connection off, so that half a list can't be taken for the whole.

use bytes::Bytes;
use entity::catalog::Entity;
use futures::stream;
use poem::http::StatusCode;
use poem::{Body, Response};
use service::engine::request::{ConnectionPart, List, Read};
use service::engine::{Engine, RootReply};
use service::{Code, Context, Error, Result};
use tokio::time::Instant;

use super::parse::header::{Applies, Format, Prefer};
use super::read::{Parent, draft, no_row, single};
use super::{Asked, Rest, render, table};

/// A list on its way out.
struct Rows {
    engine: Engine,
    context: Context,
    page_time: std::time::Duration,
    list: List,
    /// Rows that may still come.
    left: u64,
    /// Rows of a page at most.
    page: u64,
    format: Format,
    columns: Vec<Vec<String>>,
}

/// A page as bytes, and whether more follow.
type Chunk = (Bytes, bool);

/// What is to be sent next.
enum Step {
    Have(Bytes, bool),
    Fetch,
    Done,
}

impl Rest {
    pub(super) async fn stream(
        &self,
        asked: &Asked<'_>,
        entity: &Entity,
        parent: Option<Parent<'_>>,
        format: Format,
        prefer: &Prefer,
    ) -> Result<Response> {
        let (list, _) = draft(asked, entity, parent, false)?;
        let left = list.page.first.or(list.page.last).unwrap_or(u64::MAX);
        if list.page.last.is_some_and(|last| last > entity.limit.max) {
            return Err(Error::new(
                Code::PageTooLarge,
                format!("Backwards, a page has {} rows at most.", entity.limit.max),
            )
            .at("limit"));
        }
        let columns = match list.parts.first() {
            Some((_, ConnectionPart::Nodes(selection))) => table::columns(selection),
            _ => Vec::new(),
        };
        let mut rows = Rows {
            engine: self.service.engine().clone(),
            context: asked.context.clone(),
            page_time: self.settings.page_time,
            list,
            left,
            page: entity.limit.max.max(1),
            format,
            columns,
        };
        // The first page decides the status.
        let (root, database) = rows.fetch().await?;
        asked.call.timing().add("db", database);
        if parent.is_some() && !root.facts.as_ref().is_some_and(|facts| facts.parent) {
            return Err(no_row("row"));
        }
        let (mut first, more) = rows.take(root)?;
        if format == Format::Csv {
            first = [table::header(&rows.columns), first.to_vec()].concat().into();
        }
        let pages = stream::unfold((Step::Have(first, more), rows), |(step, mut rows)| async move {
            let chunk = match step {
                Step::Have(bytes, more) => Ok((bytes, more)),
                Step::Fetch => rows.next().await,
                Step::Done => return None,
            };
            match chunk {
                Ok((bytes, more)) => Some((Ok(bytes), (if more { Step::Fetch } else { Step::Done }, rows))),
                Err(error) => {
                    tracing::warn!(code = error.code().as_str(), "a list broke off on its way out");
                    Some((Err(std::io::Error::other("the list broke off")), (Step::Done, rows)))
                }
            }
        });
        let mut response = render::body(StatusCode::OK, format.media_type(), Body::from_bytes_stream(pages));
        if let Some(applied) = prefer.applied(Applies::Write).filter(|_| prefer.strict.is_some()) {
            render::put(response.headers_mut(), render::PREFERENCE_APPLIED, &applied);
        }
        Ok(response)
    }
}

impl Rows {
    async fn fetch(&mut self) -> Result<(RootReply, std::time::Duration)> {
        if self.list.page.last.is_none() {
            self.list.page.first = Some(self.left.min(self.page));
        }
        let mut reply = self.engine.run(&self.context, &single(Read::List(self.list.clone()))).await?;
        let database = reply.database;
        let root = reply.roots.pop().ok_or_else(|| Error::internal("a list gave no answer"))?;
        Ok((root, database))
    }

    /// Writes a page down and moves on behind it.
    fn take(&mut self, root: RootReply) -> Result<Chunk> {
        let json = root.json.unwrap_or_else(|| "[]".to_owned());
        let bytes = match self.format {
            Format::Csv => table::csv(&json, &self.columns)?,
            Format::Json | Format::Ndjson => table::ndjson(&json)?,
        };
        let facts = root.facts.unwrap_or_default();
        self.left = self.left.saturating_sub(self.page);
        let more = facts.has_next && self.left > 0 && self.list.page.last.is_none() && facts.end.is_some();
        self.list.page.after = facts.end;
        self.list.page.after_id = None;
        self.list.page.offset = None;
        Ok((bytes.into(), more))
    }

    async fn next(&mut self) -> Result<Chunk> {
        // The deadline of the request was for its first page.
        self.context.deadline = Some(Instant::now() + self.page_time);
        let (root, _) = self.fetch().await?;
        self.take(root)
    }
}
