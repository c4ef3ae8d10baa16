//! What the answer to a write looks like: status, headers, body. Made once, and stored with an idempotency key.

use service::engine::{Reply, StoredAnswer};

use super::render;

/// What the answer looks like.
#[derive(Debug, Clone)]
pub(super) struct Shape {
    pub(super) kind: Kind,
    /// The collection's URL.
    pub(super) collection: String,
    /// Whether rows are represented in the default way.
    pub(super) plain: bool,
    /// Whether a body is wanted.
    pub(super) body: bool,
    /// Whether everything is undone.
    pub(super) rollback: bool,
    pub(super) applied: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Created,
    CreatedMany,
    Changed,
    Put,
    Deleted,
    Many,
}

impl Shape {
    /// Whether the answer is a row that is there: only that has an entity tag.
    fn is_one_row(&self) -> bool {
        matches!(self.kind, Kind::Created | Kind::Changed | Kind::Put)
    }

    /// The answer to what happened.
    pub(super) fn render(&self, reply: &Reply) -> StoredAnswer {
        let root = reply.roots.first();
        let facts = root.and_then(|root| root.facts.clone()).unwrap_or_default();
        let json = root.and_then(|root| root.json.as_deref()).filter(|json| self.body && *json != "null");
        let mut headers = Vec::new();
        if let (Some(version), [id], false) =
            (facts.version, facts.ids.as_slice(), self.rollback || !self.is_one_row())
        {
            let other = json.filter(|_| !self.plain).map(str::as_bytes);
            headers.push(("etag".to_owned(), render::quoted(&render::tag(id, version, other))));
            if self.kind == Kind::Created || (self.kind == Kind::Put && facts.created) {
                let mut location = format!("{}/", self.collection);
                render::segment(id, &mut location);
                headers.push(("location".to_owned(), location));
            }
        }
        if let Some(applied) = &self.applied {
            headers.push((render::PREFERENCE_APPLIED.as_str().to_owned(), applied.clone()));
        }
        let status = match (self.kind, json) {
            (Kind::Created | Kind::CreatedMany, _) => 201,
            (Kind::Put, _) if facts.created => 201,
            (Kind::Changed | Kind::Put | Kind::Deleted | Kind::Many, Some(_)) => 200,
            (Kind::Changed | Kind::Put | Kind::Deleted | Kind::Many, None) => 204,
        };
        if json.is_some() {
            headers.push(("content-type".to_owned(), "application/json".to_owned()));
        }
        StoredAnswer { status, headers, body: json.unwrap_or_default().as_bytes().to_vec() }
    }
}

#[cfg(test)]
mod tests {
    use service::engine::{Facts, Reply, RootReply};

    use super::{Kind, Shape};

    fn shape(kind: Kind) -> Shape {
        Shape {
            kind,
            collection: "/v1/tracks".to_owned(),
            plain: true,
            body: true,
            rollback: false,
            applied: None,
        }
    }

    fn reply(json: Option<&str>, created: bool) -> Reply {
        let facts = Facts { version: Some(1), ids: vec!["a b".to_owned()], created, ..Facts::default() };
        let root = RootReply { key: "answer".to_owned(), json: json.map(str::to_owned), facts: Some(facts) };
        Reply { roots: vec![root], ..Reply::default() }
    }

    #[test]
    fn statuses_follow_what_happened() {
        for (kind, json, created, status) in [
            (Kind::Created, Some("{}"), true, 201),
            (Kind::Created, None, true, 201),
            (Kind::CreatedMany, Some("{}"), false, 201),
            (Kind::Put, Some("{}"), true, 201),
            (Kind::Put, Some("{}"), false, 200),
            (Kind::Put, None, false, 204),
            (Kind::Changed, Some("{}"), false, 200),
            (Kind::Changed, None, false, 204),
            (Kind::Deleted, None, false, 204),
            (Kind::Many, Some("{\"count\":1}"), false, 200),
        ] {
            assert_eq!(
                shape(kind).render(&reply(json, created)).status,
                status,
                "{kind:?} {json:?} {created}"
            );
        }
    }

    #[test]
    fn what_was_made_has_a_place_and_a_tag() {
        let made = shape(Kind::Created).render(&reply(Some("{}"), true));
        assert!(made.headers.contains(&("location".to_owned(), "/v1/tracks/a%20b".to_owned())));
        assert!(made.headers.contains(&("etag".to_owned(), "\"a%20b:1\"".to_owned())));
        for kind in [Kind::CreatedMany, Kind::Many, Kind::Deleted] {
            let many = shape(kind).render(&reply(Some("{}"), false));
            assert!(many.headers.iter().all(|(name, _)| name == "content-type"), "{kind:?}");
        }
        let undone = Shape { rollback: true, ..shape(Kind::Created) }.render(&reply(Some("{}"), true));
        assert!(undone.headers.iter().all(|(name, _)| name == "content-type"));
    }
}
